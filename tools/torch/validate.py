"""Few-shot accuracy on validation classes: prototypes under the cosine, as core/fewshot."""

import torch
import torch.nn.functional as F

from augment import normalise
from data import Pictures


@torch.no_grad()
def embed(model: torch.nn.Module, images: torch.Tensor, size: int) -> torch.Tensor:
    """(n, 3, 64, 64) bytes to (n, width), of length 1."""
    out = []
    for part in images.split(1024):
        x = part.float() / 255
        if size != x.shape[-1]:
            x = F.interpolate(x, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=x.is_cuda):
            z = model(normalise(x))
        out.append(F.normalize(z.float(), dim=1))
    return torch.cat(out)


@torch.no_grad()
def accuracy(z: torch.Tensor, labels: torch.Tensor, ways: int, shots: int, episodes: int = 400, queries: int = 10) -> float:
    """Mean accuracy, in per cent, of episodes drawn from a fixed seed."""
    random = torch.Generator().manual_seed(1)
    members = [torch.nonzero(labels == c).flatten().cpu() for c in labels.unique().cpu()]
    members = [m for m in members if len(m) >= shots + queries]
    rows = []
    for _ in range(episodes):
        classes = torch.randperm(len(members), generator=random)[:ways]
        rows.append(torch.stack([members[c][torch.randperm(len(members[c]), generator=random)[: shots + queries]] for c in classes.tolist()]))
    episode = z[torch.stack(rows).to(z.device)]  # (episodes, ways, shots + queries, width)
    prototypes = F.normalize(episode[:, :, :shots].mean(2), dim=2)
    scores = torch.einsum("ewqd,ecd->ewqc", episode[:, :, shots:], prototypes)
    want = torch.arange(episode.shape[1], device=z.device).view(1, -1, 1)
    return 100 * (scores.argmax(3) == want).float().mean().item()


def report(model: torch.nn.Module, sets: list[Pictures], size: int = 64) -> dict[str, float]:
    """5-way 5-shot of each set (1-shot for omniglot), by name."""
    training = model.training
    model.eval()
    out = {}
    for s in sets:
        ways, shots = min(5, s.classes), 1 if s.name == "omniglot" else 5
        out[s.name] = round(accuracy(embed(model, s.images, size), s.labels, ways, shots), 2)
    model.train(training)
    return out
