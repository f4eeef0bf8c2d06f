"""Muon for matrices and AdamW for the rest, as core/nn/muon.go and core/nn/adamw.go."""

from collections import defaultdict

import torch
from torch import nn


def orthogonalize(x: torch.Tensor) -> torch.Tensor:
    """(k, rows, cols), rows <= cols, to about U V^T of each: five quintic Newton-Schulz iterations (Jordan et al. 2024)."""
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-12)
    if x.is_cuda:
        x = x.bfloat16()
    for _ in range(5):
        a = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return x.float()


class Optimizer:
    """Steps the parameters of modules. Matrices outside the classifiers go by Muon: convolutions as (out, in*h*w)."""

    def __init__(self, modules: list[nn.Module], classifiers: list[nn.Module], adam_share: float, decay: float):
        self.groups: dict[tuple[int, int], list[nn.Parameter]] = defaultdict(list)
        rest = [p for m in classifiers for p in m.parameters()]
        for p in (p for m in modules for p in m.parameters()):
            if p.ndim in (2, 4):
                rows, cols = p.shape[0], p[0].numel()
                self.groups[(min(rows, cols), max(rows, cols))].append(p)
            else:
                rest.append(p)
        self.momentum = {shape: torch.zeros(len(ps), *shape, device=ps[0].device) for shape, ps in self.groups.items()}
        self.adam_share, self.decay = adam_share, decay
        self.adam = torch.optim.AdamW(rest, lr=0.0, betas=(0.9, 0.95), weight_decay=0.0)
        self.all = rest + [p for ps in self.groups.values() for p in ps]

    def zero(self) -> None:
        for p in self.all:
            p.grad = None

    @torch.no_grad()
    def step(self, lr: float, clip: float = 1.0) -> None:
        torch.nn.utils.clip_grad_norm_(self.all, clip)
        for shape, parameters in self.groups.items():
            wide = [p.shape[0] <= p[0].numel() for p in parameters]
            g = torch.stack([p.grad.flatten(1) if w else p.grad.flatten(1).t() for p, w in zip(parameters, wide)])
            m = self.momentum[shape]
            m.lerp_(g, 0.05)
            update = orthogonalize(g.lerp(m, 0.95)) * (0.2 * max(shape) ** 0.5 * lr)
            for p, w, u in zip(parameters, wide, update):
                p.mul_(1 - lr * self.decay).sub_((u if w else u.t()).reshape(p.shape))
        for group in self.adam.param_groups:
            group["lr"] = lr * self.adam_share
        self.adam.step()
