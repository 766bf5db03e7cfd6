"""What is measured on pictures: premultiplied RGBA (…, 4, H, W) in [0, 1] throughout."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..controls import edges
from ..data.captions import colour_words

EDGE_TOLERANCE_PX = 3
_N_PALETTE_PIXELS = 1024
_N_DIRECTIONS = 32
_COLOUR_CELL_PX = 8


def psnr(found: Tensor, wanted: Tensor) -> float:
    """In dB, all pictures together."""
    return -10 * math.log10(max(float(F.mse_loss(found, wanted)), 1e-10))


def edge_f1(picture: Tensor, ink: Tensor) -> float:
    """How well the edges of a picture (4, H, W) agree with lines (H, W), both ways."""
    found, wanted = edges(picture), (ink > 0.5).float()
    if found.sum() == 0 or wanted.sum() == 0:
        return float(found.sum() == wanted.sum())
    precision = float((found * near(wanted)).sum() / found.sum())
    recall = float((wanted * near(found)).sum() / wanted.sum())
    return 2 * precision * recall / max(precision + recall, 1e-9)


def near(ink: Tensor) -> Tensor:
    """1 within the tolerance of a line: (H, W) → (H, W)."""
    side = torch.arange(-EDGE_TOLERANCE_PX, EDGE_TOLERANCE_PX + 1)
    disc = (side[:, None] ** 2 + side[None] ** 2 <= EDGE_TOLERANCE_PX**2).float()
    spread = F.conv2d(ink[None, None], disc[None, None], padding=EDGE_TOLERANCE_PX)
    return (spread[0, 0] > 0).float()


def palette_distance(first: Tensor, second: Tensor) -> float:
    """Between the colours of two pictures (4, H, W), wherever they are: sliced Wasserstein, RGB.

    0 for equal palettes, about 1 for black against white.
    """
    generator = torch.Generator().manual_seed(0)
    directions = F.normalize(torch.randn(3, _N_DIRECTIONS, generator=generator), dim=0)
    sorted_projections = [
        (_opaque_pixels(picture, generator) @ directions).sort(0).values
        for picture in (first, second)
    ]
    distance = (sorted_projections[0] - sorted_projections[1]).abs().mean()
    return float(distance / directions.sum(0).abs().mean())


def _opaque_pixels(picture: Tensor, generator: torch.Generator) -> Tensor:
    """Random pixels in straight colours, (n, 3); white if nothing is opaque."""
    alpha = picture[3].flatten()
    rgb = picture[:3].flatten(1).t()[alpha > 0.5] / alpha[alpha > 0.5, None]
    if len(rgb) == 0:
        return torch.ones(_N_PALETTE_PIXELS, 3)
    return rgb[torch.randint(len(rgb), (_N_PALETTE_PIXELS,), generator=generator)]


def dominant_colours(picture: Tensor) -> list[str]:
    """Up to two colour words."""
    cells = F.avg_pool2d(picture, _COLOUR_CELL_PX)
    return colour_words(cells.permute(1, 2, 0).numpy())


def mean_pairwise_distance(pictures: Tensor) -> float:
    """Root mean square difference of all pairs of (B, 4, H, W)."""
    flat = pictures.flatten(1)
    distances = torch.cdist(flat, flat) / flat.shape[1] ** 0.5
    n = len(flat)
    return float(distances.sum() / (n * (n - 1)))


def latent_distance(first: Tensor, second: Tensor) -> float:
    """Root mean square difference of two latents (C, g, g)."""
    return float((first - second).square().mean().sqrt())
