"""The training classes of the sets, decoded to squares of 64 pixels and kept on the device as bytes."""

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

SIDE = 64


@dataclass
class Pictures:
    """Pictures of one set.

    images: (n, 3, 64, 64) uint8; labels: (n,) int64, the index of the class; classes: how many there are.
    """

    name: str
    images: torch.Tensor
    labels: torch.Tensor
    classes: int


def _decode(data: bytes) -> np.ndarray:
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    if picture.size != (SIDE, SIDE):
        picture = picture.resize((SIDE, SIDE), Image.BILINEAR)
    return np.asarray(picture)


def load(folder: Path, name: str, split: str | None, per_class: int, device: torch.device) -> Pictures:
    """Reads the classes of a split ("train", "val"; None: all of a set without splits), the first per_class pictures of each by name (0: all)."""
    entry = next(s for s in json.loads((folder / "datasets.json").read_text())["datasets"] if s["name"] == name)
    by_class: dict[str, list[str]] = {}
    with zipfile.ZipFile(folder / entry["file"]) as archive:
        for file in sorted(archive.namelist()):
            if not file.endswith("/"):
                by_class.setdefault(file.rsplit("/", 1)[0], []).append(file)
        classes = sorted(by_class) if split is None else sorted(entry["splits"][split])
        files = [(f, label) for label, c in enumerate(classes) for f in (by_class[c][:per_class] if per_class else by_class[c])]
        data = [archive.read(f) for f, _ in files]
    with ThreadPoolExecutor() as pool:
        squares = list(pool.map(_decode, data, chunksize=256))
    images = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).contiguous().to(device)
    return Pictures(name, images, torch.tensor([label for _, label in files], device=device), len(classes))
