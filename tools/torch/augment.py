"""Random changes of training pictures, for a whole batch at a time on the device. The ranges are those of sparse/metatune/augment.go, and wider."""

import math

import torch
import torch.nn.functional as F

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def normalise(x: torch.Tensor) -> torch.Tensor:
    """(n, 3, s, s) in 0..1 to what the backbone reads."""
    return (x - x.new_tensor(MEAN).view(1, 3, 1, 1)) / x.new_tensor(STD).view(1, 3, 1, 1)


def uniform(n: int, low: float, high: float, device) -> torch.Tensor:
    return low + (high - low) * torch.rand(n, device=device)


def chance(n: int, share: float, device) -> torch.Tensor:
    """(n, 1, 1, 1) booleans."""
    return (torch.rand(n, device=device) < share).view(n, 1, 1, 1)


def warp(images: torch.Tensor, m: torch.Tensor, size: int, bend: torch.Tensor) -> torch.Tensor:
    """Samples (n, 3, 64, 64) bytes at m (n, 2, 3), in units of half the side from the centre, to (n, 3, size, size) in 0..1.

    bend (n,) is the largest displacement of a smooth random field, in the same units.
    """
    n = len(images)
    grid = F.affine_grid(m, [n, 3, size, size], align_corners=False)
    field = F.interpolate(torch.rand(n, 2, 5, 5, device=m.device) * 2 - 1, size=(size, size), mode="bicubic", align_corners=False)
    grid = grid + (field * bend.view(n, 1, 1, 1)).permute(0, 2, 3, 1)
    return F.grid_sample(images.float() / 255, grid, mode="bilinear", padding_mode="border", align_corners=False).clamp(0, 1)


def crops(n: int, low: float, high: float, mirror: bool, device) -> torch.Tensor:
    """Random resized crops of low to high of the area with an aspect of 3/4 to 4/3 (Szegedy et al. 2015, arXiv:1409.4842)."""
    area, ratio = uniform(n, low, high, device), torch.exp(uniform(n, -math.log(4 / 3), math.log(4 / 3), device))
    w, h = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    m = torch.zeros(n, 2, 3, device=device)
    m[:, 0, 0], m[:, 1, 1] = w, h
    m[:, 0, 2], m[:, 1, 2] = (1 - w) * uniform(n, -1, 1, device), (1 - h) * uniform(n, -1, 1, device)
    if mirror:
        m[:, 0, 0] *= torch.where(torch.rand(n, device=device) < 0.5, -1.0, 1.0)
    return m


def turn(m: torch.Tensor, radians: torch.Tensor) -> torch.Tensor:
    """Turns what m samples about its own centre."""
    cos, sin = radians.cos(), radians.sin()
    r = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    return torch.cat([m[:, :, :2] @ r, m[:, :, 2:]], 2)


def recolour(x: torch.Tensor, jitter: float, gray: float) -> torch.Tensor:
    """Brightness, contrast, saturation and hue of photos, and no colour for a share of them."""
    n, device = len(x), x.device
    luma = x.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    # A small random mix of channels stands for a turn of hue.
    mix = torch.eye(3, device=device) + 0.25 * jitter * torch.randn(n, 3, 3, device=device)
    mix = mix / mix.sum(2, keepdim=True)
    x = torch.einsum("nij,njhw->nihw", mix, x)
    saturation = uniform(n, 1 - jitter, 1 + jitter, device).view(n, 1, 1, 1) * ~chance(n, gray, device)
    flat = (x * luma).sum(1, keepdim=True)
    x = flat + (x - flat) * saturation
    mean = x.mean((1, 2, 3), keepdim=True)
    contrast = uniform(n, 1 - jitter, 1 + jitter, device).view(n, 1, 1, 1)
    bright = uniform(n, 1 - jitter, 1 + jitter, device).view(n, 1, 1, 1)
    return ((mean + (x - mean) * contrast) * bright).clamp(0, 1)


def soften(x: torch.Tensor, share: float) -> torch.Tensor:
    """A 3x3 binomial blur, twice, for a share of pictures."""
    kernel = x.new_tensor([1.0, 2.0, 1.0])
    kernel = (kernel[:, None] * kernel / 16).expand(3, 1, 3, 3)
    blurred = x
    for _ in range(2):
        blurred = F.conv2d(F.pad(blurred, (1, 1, 1, 1), mode="replicate"), kernel, groups=3)
    return torch.where(chance(len(x), share, x.device), blurred, x)


def erase(x: torch.Tensor, share: float, least: float, most: float) -> torch.Tensor:
    """A rectangle of one colour over a share of pictures (Zhong et al. 2017, arXiv:1708.04896)."""
    n, size, device = len(x), x.shape[-1], x.device
    inside = box(n, uniform(n, least, most, device), size, device) & chance(n, share, device)
    colour = torch.rand(n, 3, 1, 1, device=device)
    return torch.where(inside, colour, x)


def box(n: int, area: torch.Tensor, size: int, device) -> torch.Tensor:
    """(n, 1, size, size) booleans, true in a rectangle of about that share of the area."""
    ratio = torch.exp(uniform(n, -math.log(3), math.log(3), device))
    w, h = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    x0, y0 = torch.rand(n, device=device) * (1 - w), torch.rand(n, device=device) * (1 - h)
    at = (torch.arange(size, device=device) + 0.5) / size
    across = (at >= x0[:, None]) & (at < (x0 + w)[:, None])
    down = (at >= y0[:, None]) & (at < (y0 + h)[:, None])
    return (down[:, :, None] & across[:, None, :])[:, None]


def photos(images: torch.Tensor, size: int, jitter: float = 0.3) -> torch.Tensor:
    """(n, 3, 64, 64) bytes to (n, 3, size, size), normalised."""
    n, device = len(images), images.device
    m = crops(n, 0.3, 1, True, device)
    m = turn(m, torch.where(torch.rand(n, device=device) < 0.3, uniform(n, -0.35, 0.35, device), torch.zeros(n, device=device)))
    x = warp(images, m, size, torch.zeros(n, device=device))
    x = soften(recolour(x, jitter, 0.12), 0.08)
    x = torch.where(chance(n, 0.03, device), 1 - x, x)
    return normalise(erase(x, 0.15, 0.02, 0.2))


def textures(images: torch.Tensor, size: int) -> torch.Tensor:
    """Small crops, turned and mirrored: two of one picture show the same stuff. Half of the batch has no colour."""
    n, device = len(images), images.device
    m = crops(n, 0.04, 0.3, True, device)
    m = turn(m, torch.randint(4, (n,), device=device) * (math.pi / 2) + uniform(n, -0.2, 0.2, device))
    x = warp(images, m, size, torch.zeros(n, device=device))
    return normalise(recolour(x, 0.2, 0))


def characters(images: torch.Tensor, size: int, quarter: torch.Tensor) -> torch.Tensor:
    """Dark strokes on white: turned by quarter (n,) right angles and a little more, bent, thicker or thinner, light on dark half of the time."""
    n, device = len(images), images.device
    m = torch.zeros(n, 2, 3, device=device)
    m[:, 0, 0], m[:, 1, 1] = uniform(n, 0.75, 1.3, device), uniform(n, 0.75, 1.3, device)
    m[:, 0, 1] = uniform(n, -0.2, 0.2, device)
    m = turn(m, quarter * (math.pi / 2) + uniform(n, -0.24, 0.24, device))
    m[:, :, 2] = torch.stack([uniform(n, -0.18, 0.18, device), uniform(n, -0.18, 0.18, device)], 1)
    x = warp(images, m, size, uniform(n, 0, 0.12, device))
    for _ in range(2):
        thick = -F.max_pool2d(F.pad(-x, (1, 1, 1, 1), mode="replicate"), 3, 1)
        x = torch.where(chance(n, 0.25, device), thick, x)
    x = soften(x, 0.3)
    # Ink and paper of any colours that differ, for some.
    ink, paper = torch.rand(n, 3, 1, 1, device=device) * 0.4, 0.6 + torch.rand(n, 3, 1, 1, device=device) * 0.4
    x = torch.where(chance(n, 0.15, device), ink + (paper - ink) * x, x)
    x = torch.where(chance(n, 0.5, device), 1 - x, x)
    return normalise(erase(x, 0.05, 0.01, 0.06))


def mix(x: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """CutMix for half of the calls and mixup for the others (arXiv:1905.04899, arXiv:1710.09412): pictures, the other labels, the share (n,) of the first."""
    n, device = len(x), x.device
    other = torch.randperm(n, device=device)
    share = torch.rand(n, device=device)
    if torch.rand(()) < 0.6:
        inside = box(n, 1 - share, x.shape[-1], device)
        x = torch.where(inside, x[other], x)
        share = 1 - inside.float().mean((1, 2, 3))
    else:
        share = 0.5 + 0.5 * share
        x = x * share.view(n, 1, 1, 1) + x[other] * (1 - share).view(n, 1, 1, 1)
    return x, labels[other], share
