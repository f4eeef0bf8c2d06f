"""Writes positions.json: position grids resized by torch, the reference of TestResizePositions.

    python3 positions.py > positions.json

torch 1.13.1 (Debian python3-torch). The three rules are those of

  plain      transformers, models/vit and models/dinov2: interpolate(size=...)
  offset     facebookresearch/dino and dinov2: interpolate(scale_factor=(out + 0.1) / in)
  antialias  timm, dinov2 and transformers with registers: interpolate(size=..., antialias=True)
"""

import json

import torch
from torch.nn.functional import interpolate

cases = []
for grid, out in [(4, 6), (6, 4), (5, 5), (3, 8), (37, 16), (7, 9)]:
    x = torch.tensor([[float(((i * 7 + j * 3 + i * j) % 11) - 5) / 4 for j in range(grid)] for i in range(grid)])
    x = x.reshape(1, 1, grid, grid).double()
    for rule in ["plain", "offset", "antialias"]:
        if rule == "offset":
            scale = float(out + 0.1) / grid
            y = interpolate(x, scale_factor=(scale, scale), mode="bicubic", align_corners=False)
            if out == grid:  # the model code returns the grid as it is
                y = x
        else:
            y = interpolate(x, size=(out, out), mode="bicubic", align_corners=False, antialias=rule == "antialias")
        assert y.shape[-1] == out
        cases.append({"rule": rule, "in": grid, "out": out, "values": [round(v, 8) for v in y.flatten().tolist()]})
print("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]")
