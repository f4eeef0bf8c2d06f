"""Pre-trains the default backbone on an accelerator: a convolutional teacher from labels, then the backbone from the teacher and labels.

Same architecture, tensor names, training classes and, in the main, losses as `haguruma pretrain`; the teacher, more augmentation and many
more pictures make the difference. Training classes only; validation classes are measured and choose nothing by themselves.

	python3 tools/torch/pretrain.py --data data --out out/torch

A budget is in seconds of the machine at hand (--teacher-seconds, --student-seconds) or, to run the same again, in steps. weights.safetensors is
what `haguruma import` makes a bundle of, and `haguruma eval --weights` reads.
"""

import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

import augment
import models
import validate
from data import Pictures, load
from muon import Optimizer

PHOTOS = {"tiny-imagenet": 0.74, "caltech101": 0.14, "grocery": 0.12}
VALIDATION = [("tiny-imagenet", "val"), ("omniglot", "val"), ("caltech101", "val"), ("grocery", "val"), ("rsscn7", None), ("sign-digits", None)]


@dataclass
class Shares:
    """Pictures of each kind in a step: photos as they are and as many mixed, pairs of characters of one class, pairs of crops of one photo."""

    photos: int
    characters: int
    textures: int


@dataclass
class Batch:
    """x (n, 3, s, s): photos, mixed photos, characters, textures. Labels as in losses()."""

    x: torch.Tensor
    photo: torch.Tensor
    mixed: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    character: torch.Tensor
    texture: torch.Tensor


class Corpus:
    """The training sets: photos under one classifier, characters with four classes each, one for each quarter turn."""

    def __init__(self, folder: Path, per_class: int, device: torch.device):
        sets = [load(folder, name, "train", per_class, device) for name in PHOTOS]
        self.characters = load(folder, "omniglot", "train", per_class, device)
        self.images, labels, self.starts, self.counts = torch.cat([s.images for s in sets]), [], [], []
        classes = images = 0
        for s in sets:
            labels.append(s.labels + classes)
            self.starts.append(images)
            self.counts.append(len(s.images))
            classes, images = classes + s.classes, images + len(s.images)
        self.labels = torch.cat(labels)
        self.classes = {"photo": classes, "character": 4 * self.characters.classes}
        self.by_class = torch.stack([torch.nonzero(self.characters.labels == c).flatten()[:20] for c in range(self.characters.classes)])

    def draw_photos(self, n: int) -> torch.Tensor:
        """Indices of n photos, each set with its share."""
        parts, left = [], n
        for i, share in enumerate(PHOTOS.values()):
            take = left if i == len(PHOTOS) - 1 else round(n * share)
            left -= take
            parts.append(self.starts[i] + torch.randint(self.counts[i], (take,), device=self.labels.device))
        return torch.cat(parts)

    def batch(self, shares: Shares, size: int) -> Batch:
        device = self.labels.device
        at = self.draw_photos(2 * shares.photos)
        at = torch.cat([at[0::2], at[1::2]])
        x, labels = augment.photos(self.images[at], size), self.labels[at]
        mixed = augment.mix(x[shares.photos :], labels[shares.photos :])
        # Two pictures of each class of characters, under the same turn.
        pairs = shares.characters // 2
        turned = torch.randperm(4 * len(self.by_class), device=device)[:pairs].repeat(2)
        drawn = self.by_class[turned // 4, torch.randint(self.by_class.shape[1], (2 * pairs,), device=device)]
        c = augment.characters(self.characters.images[drawn], size, (turned % 4).float())
        same = self.draw_photos(shares.textures // 2).repeat(2)
        t = augment.textures(self.images[same], size)
        x = torch.cat([x[: shares.photos], mixed[0], c, t])
        return Batch(x, labels[: shares.photos], (labels[shares.photos :], mixed[1], mixed[2]), turned, same)


def contrast(z: torch.Tensor, labels: torch.Tensor, temperature: float = 0.1) -> torch.Tensor:
    """Supervised contrastive loss, its L_out (Khosla et al. 2020, arXiv:2004.11362, eq. 2), over rows that have a fellow."""
    scores = (z @ z.t() / temperature).masked_fill(torch.eye(len(z), dtype=torch.bool, device=z.device), -1e4)
    same = (labels[:, None] == labels) & ~torch.eye(len(z), dtype=torch.bool, device=z.device)
    count = same.sum(1)
    loss = -(F.log_softmax(scores, 1) * same).sum(1) / count.clamp(min=1)
    return (loss * (count > 0)).sum() / (count > 0).sum().clamp(min=1)


def losses(z: torch.Tensor, heads: models.Classifiers, b: Batch, weight_contrast: float) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """What labels say of embeddings z (n, width) of length 1, and the logits."""
    p, c = len(b.photo), len(b.character)
    logits = {"photo": heads(z[: 2 * p], "photo"), "character": heads(z[2 * p : 2 * p + c], "character")}
    first, second, share = b.mixed
    log = F.log_softmax(logits["photo"][p:], 1)
    picked = share * log.gather(1, first[:, None])[:, 0] + (1 - share) * log.gather(1, second[:, None])[:, 0]
    terms = {
        "photo": F.cross_entropy(logits["photo"][:p], b.photo, label_smoothing=0.1),
        "mixed": -(0.9 * picked + 0.1 * log.mean(1)).mean(),
        "character": 0.5 * F.cross_entropy(logits["character"], b.character, label_smoothing=0.1),
        "contrast": weight_contrast * (contrast(z[:p], b.photo) + 0.5 * contrast(z[2 * p : 2 * p + c], b.character)),
        "texture": 0.5 * weight_contrast * contrast(z[2 * p + c :], b.texture),
    }
    return terms, logits


def divergence(logits: torch.Tensor, target: torch.Tensor, temperature: float = 2.0) -> torch.Tensor:
    """Distillation (Hinton et al. 2015, arXiv:1503.02531): KL(target, logits) at a temperature, times its square."""
    return temperature**2 * F.kl_div(F.log_softmax(logits / temperature, 1), F.log_softmax(target / temperature, 1), reduction="batchmean", log_target=True)


class Run:
    """One of the two trainings: a model with its classifiers, for a budget of seconds or steps."""

    def __init__(self, name: str, model: nn.Module, corpus: Corpus, args: argparse.Namespace, log, teacher: "Run | None" = None):
        self.name, self.model, self.corpus, self.args, self.log, self.teacher = name, model, corpus, args, log, teacher
        device = corpus.labels.device
        self.heads = models.Classifiers(corpus.classes, model.width).to(device)
        others = [self.heads]
        if teacher:
            self.project = nn.Linear(model.width, teacher.model.width).to(device)
            others.append(self.project)
        self.optimizer = Optimizer([model], others, 0.3, 0.05)
        self.seconds, self.steps = getattr(args, f"{name}_seconds"), getattr(args, f"{name}_steps")

    def forward(self, model: nn.Module, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=x.is_cuda):
            if isinstance(model, models.Teacher):
                x = x.contiguous(memory_format=torch.channels_last)
            return model(x).float()

    def loss(self, b: Batch) -> dict[str, torch.Tensor]:
        raw = self.forward(self.model, b.x)
        z = F.normalize(raw, dim=1)
        if not self.teacher:
            return losses(z, self.heads, b, 0.5)[0]
        terms, logits = losses(z, self.heads, b, 0.3)
        with torch.no_grad():
            target = F.normalize(self.forward(self.teacher.model, b.x), dim=1)
            said = losses(target, self.teacher.heads, b, 0)[1]
        terms = {key: 0.3 * value if key in ("photo", "mixed", "character") else value for key, value in terms.items()}
        terms["divergence"] = divergence(logits["photo"], said["photo"]) + 0.5 * divergence(logits["character"], said["character"])
        terms["feature"] = 2 * (1 - F.cosine_similarity(self.project(raw), target)).mean()
        # The student's similarities between pictures, of length 1 each, are to be the teacher's: what prototypes read.
        terms["relation"] = 10 * F.mse_loss(z @ z.t(), target @ target.t())
        return terms

    def train(self, shares: Shares, sets: list[Pictures], each: float, save) -> dict:
        self.model.train()
        start, step, reported, sums = time.monotonic(), 0, 0.0, None
        while True:
            elapsed = time.monotonic() - start
            p = step / self.steps if self.steps else elapsed / self.seconds
            if p >= 1:
                break
            lr = self.args.lr * min(1.0, p / 0.03) * 0.5 * (1 + math.cos(math.pi * p))
            small = p < 0.45 or torch.rand(()).item() < 0.15
            terms = self.loss(self.corpus.batch(shares, 48 if small else 64))
            total = sum(terms.values())
            self.optimizer.zero()
            total.backward()
            self.optimizer.step(max(lr, 1e-7))
            step += 1
            if step % 50 == 0 or step == self.steps:
                sums = {key: round(value.item(), 4) for key, value in terms.items()}
                if not math.isfinite(total.item()):
                    raise SystemExit(f"{self.name}: the loss is {total.item()} at step {step}")
                if elapsed - reported > each:
                    reported = elapsed
                    self.log({"run": self.name, "step": step, "seconds": round(elapsed, 1), "progress": round(p, 3), "lr": round(lr, 5), **sums, **validate.report(self.model, sets)})
                    save(step, elapsed)
        self.model.eval()
        last = {"run": self.name, "step": step, "seconds": round(time.monotonic() - start, 1), "progress": 1, **(sums or {}), **validate.report(self.model, sets)}
        last["at 48 pixels"] = validate.report(self.model, sets, 48)
        self.log(last)
        save(step, time.monotonic() - start)
        return last


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--data", type=Path, required=True, help="folder with datasets.json and the sets' zips")
    flags.add_argument("--out", type=Path, required=True, help="folder for weights.safetensors and log.jsonl")
    flags.add_argument("--per-class", type=int, default=0, help="the first pictures of each class, by name; 0: all")
    flags.add_argument("--teacher-seconds", type=float, default=200)
    flags.add_argument("--student-seconds", type=float, default=260)
    flags.add_argument("--teacher-steps", type=int, default=0, help="in place of the seconds")
    flags.add_argument("--student-steps", type=int, default=0, help="in place of the seconds")
    flags.add_argument("--scale", type=float, default=1, help="of the pictures in a step, 912 at 1")
    flags.add_argument("--lr", type=float, default=6e-3)
    flags.add_argument("--drop-path", type=float, default=0.05)
    flags.add_argument("--report-every", type=float, default=20, help="seconds between validations")
    flags.add_argument("--seed", type=int, default=1)
    args = flags.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    lines = (args.out / "log.jsonl").open("a")

    def log(entry: dict) -> None:
        print(json.dumps(entry), flush=True)
        lines.write(json.dumps(entry) + "\n")
        lines.flush()

    begun = time.monotonic()
    corpus = Corpus(args.data, args.per_class, device)
    sets = [load(args.data, name, split, 60, device) for name, split in VALIDATION]
    log({"photos": len(corpus.images), "classes": corpus.classes, "characters": len(corpus.characters.images), "seconds": round(time.monotonic() - begun, 1),
         "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu", "torch": torch.__version__})
    count = lambda n: max(4, 2 * round(n * args.scale / 2))
    shares = Shares(count(264), count(256), count(128))

    teacher = Run("teacher", models.Teacher().to(device, memory_format=torch.channels_last), corpus, args, log)
    taught = teacher.train(shares, sets, args.report_every, lambda step, seconds: None)
    for p in teacher.model.parameters():
        p.requires_grad_(False)
    backbone = models.Backbone(args.drop_path).to(device)
    student = Run("student", backbone, corpus, args, log, teacher)

    def save(step: int, seconds: float) -> None:
        how = {"script": "tools/torch/pretrain.py", "seed": args.seed, "lr": args.lr, "dropPath": args.drop_path, "perClass": args.per_class, "teacherSteps": taught["step"], "studentSteps": step,
               "picturesInAStep": 2 * shares.photos + shares.characters + shares.textures}
        models.save(backbone, args.out / "weights.safetensors", {"pretrain": json.dumps(how, separators=(",", ":")), "seconds": str(round(taught["seconds"] + seconds))})

    student.train(shares, sets, args.report_every, save)


if __name__ == "__main__":
    main()
