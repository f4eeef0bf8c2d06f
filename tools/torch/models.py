"""The backbone, with the tensors of core/vit/names.go, and the convolutional teacher that it learns from."""

import json
import struct
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

CONFIG = {
    "imageSize": 64, "patchSize": 8, "stem": [32, 64, 192], "dim": 192, "depth": 6, "heads": 6, "mlpDim": 576, "pool": "mean", "eps": 1e-6,
    "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
}


class Conv(nn.Conv2d):
    """3x3, stride 2; all but the last of a stem carry a LayerNorm over channels."""

    def __init__(self, inputs: int, outputs: int, last: bool):
        super().__init__(inputs, outputs, 3, 2, 1)
        if not last:
            self.norm = nn.LayerNorm(outputs, CONFIG["eps"])


class Stem(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [3, *CONFIG["stem"]]
        self.stem = nn.ModuleList(Conv(widths[i], widths[i + 1], i == len(widths) - 2) for i in range(len(widths) - 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv in self.stem:
            x = conv(x)
            if hasattr(conv, "norm"):
                x = F.gelu(conv.norm(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        return x


class Attention(nn.Module):
    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, tokens, dim = x.shape
        q, k, v = self.qkv(x).view(n, tokens, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = ((q @ k.transpose(2, 3)) * (dim // self.heads) ** -0.5).softmax(3) @ v
        return self.proj(y.transpose(1, 2).reshape(n, tokens, dim))


class MLP(nn.Module):
    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, dim: int, heads: int, hidden: int, drop: float):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, CONFIG["eps"]), nn.LayerNorm(dim, CONFIG["eps"])
        self.attn, self.mlp, self.drop = Attention(dim, heads), MLP(dim, hidden), drop

    def branch(self, y: torch.Tensor) -> torch.Tensor:
        """Drops whole branches of a share of pictures while training (Huang et al. 2016, arXiv:1603.09382)."""
        if not self.training or self.drop == 0:
            return y
        return y * ((torch.rand(len(y), 1, 1, device=y.device) >= self.drop).to(y.dtype) / (1 - self.drop))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.branch(self.attn(self.norm1(x)))
        return x + self.branch(self.mlp(self.norm2(x)))


class Backbone(nn.Module):
    """(n, 3, s, s), normalised, to embeddings (n, 192): the mean of the tokens."""

    def __init__(self, drop_path: float = 0.0):
        super().__init__()
        dim, depth = CONFIG["dim"], CONFIG["depth"]
        self.width = dim
        self.patch_embed = Stem()
        self.pos_embed = nn.Parameter(torch.randn(1, (CONFIG["imageSize"] // CONFIG["patchSize"]) ** 2, dim) * 0.02)
        self.blocks = nn.ModuleList(Block(dim, CONFIG["heads"], CONFIG["mlpDim"], drop_path * i / (depth - 1)) for i in range(depth))
        self.norm = nn.LayerNorm(dim, CONFIG["eps"])
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def positions(self, grid: int) -> torch.Tensor:
        side = CONFIG["imageSize"] // CONFIG["patchSize"]
        if grid == side:
            return self.pos_embed
        square = self.pos_embed.view(1, side, side, -1).permute(0, 3, 1, 2)
        return F.interpolate(square, size=(grid, grid), mode="bicubic", align_corners=False).flatten(2).transpose(1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patch_embed(x)
        x = x.flatten(2).transpose(1, 2) + self.positions(x.shape[-1])
        for block in self.blocks:
            x = block(x)
        return self.norm(x).mean(1)


class Residual(nn.Module):
    """Two 3x3 convolutions with batch norm beside a shortcut (He et al. 2016, arXiv:1512.03385)."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.norm2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.short = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.short = nn.Sequential(nn.AvgPool2d(stride) if stride > 1 else nn.Identity(), nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.short(x))


class Teacher(nn.Module):
    """A residual network: (n, 3, s, s) to embeddings (n, 384) that are centred by a last batch norm."""

    def __init__(self, widths=(64, 128, 256, 512), depth: int = 2, width: int = 384):
        super().__init__()
        self.width = width
        self.stem = nn.Sequential(nn.Conv2d(3, widths[0], 3, 2, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True))
        blocks, inputs = [], widths[0]
        for stage, outputs in enumerate(widths):
            for i in range(depth):
                blocks.append(Residual(inputs, outputs, 2 if stage > 0 and i == 0 else 1))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.embed, self.norm = nn.Linear(inputs, width, bias=False), nn.BatchNorm1d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.embed(self.blocks(self.stem(x)).mean((2, 3))))


class Classifiers(nn.Module):
    """A cosine classifier for each set; weights (classes, width)."""

    def __init__(self, classes: dict[str, int], width: int, scale: float = 16.0):
        super().__init__()
        self.scale = scale
        self.weights = nn.ParameterDict({name.replace("-", "_"): nn.Parameter(F.normalize(torch.randn(n, width), dim=1)) for name, n in classes.items()})

    def forward(self, z: torch.Tensor, name: str) -> torch.Tensor:
        """z (n, width), of length 1, to logits (n, classes)."""
        return self.scale * z @ F.normalize(self.weights[name.replace("-", "_")], dim=1).t()


def save(backbone: nn.Module, path: Path, metadata: dict[str, str]) -> None:
    """Writes the backbone as haguruma reads it (docs/FORMAT.md): safetensors, float32, with its config."""
    config = json.dumps(CONFIG, separators=(",", ":")).replace("1e-06", "0.000001")
    header: dict[str, object] = {"__metadata__": {"format": "haguruma-checkpoint/1", "config": config, **metadata}}
    body = b""
    for name, tensor in sorted(backbone.state_dict().items()):
        data = tensor.detach().float().cpu().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    beside = path.with_suffix(".part")
    beside.write_bytes(struct.pack("<Q", len(text)) + text + body)
    beside.rename(path)


def read(path: Path) -> dict[str, torch.Tensor]:
    """The float32 tensors of a safetensors file by name."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    out = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            out[name] = torch.frombuffer(bytearray(data[8 + size + start : 8 + size + end]), dtype=torch.float32).reshape(entry["shape"])
    return out
