"""Geometric and colour changes of pictures. Everything random comes from the given generator."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# Luma and chroma rotation, as in feHueRotate of SVG 1.1.
_LUMA = torch.tensor([0.213, 0.715, 0.072])
_COSINE = torch.tensor([[0.787, -0.715, -0.072], [-0.213, 0.285, -0.072], [-0.213, -0.715, 0.928]])
_SINE = torch.tensor([[-0.213, -0.715, 0.928], [0.143, 0.140, -0.283], [-0.787, 0.715, 0.072]])


def rotate_hue(picture: Tensor, radians: float) -> Tensor:
    """Premultiplied RGBA (4, H, W) with all hues turned by an angle."""
    matrix = _LUMA + math.cos(radians) * _COSINE + math.sin(radians) * _SINE
    rgb = torch.einsum("ij,jhw->ihw", matrix, picture[:3])
    return torch.cat([torch.minimum(rgb.clamp(min=0), picture[3:]), picture[3:]])


def place(picture: Tensor, scale: float, right: float, down: float) -> Tensor:
    """(channels, H, W) made smaller or larger and moved; offsets in half pictures."""
    inverse = torch.tensor(
        [[1 / scale, 0, -right / scale], [0, 1 / scale, -down / scale]], dtype=torch.float32
    )
    grid = F.affine_grid(inverse[None], [1, *picture.shape], align_corners=False)
    return F.grid_sample(picture[None], grid, align_corners=False)[0]


def squash(picture: Tensor, width: float, height: float) -> Tensor:
    """(channels, H, W) with another aspect."""
    inverse = _matrix(1 / width, 1 / height, 0.0, 0.0)
    grid = F.affine_grid(inverse[None], [1, *picture.shape], align_corners=False)
    return F.grid_sample(picture[None], grid, align_corners=False)[0]


def elastic(picture: Tensor, amplitude: float, knots: int, rng: np.random.Generator) -> Tensor:
    """(channels, H, W) bent by a smooth random field with `knots` points per side."""
    height, width = picture.shape[1:]
    offsets = torch.from_numpy(rng.standard_normal((1, 2, knots, knots)).astype(np.float32))
    field = F.interpolate(offsets * amplitude, (height, width), mode="bicubic", align_corners=True)[
        0
    ].permute(1, 2, 0)
    grid = _identity_grid(height, width) + field
    return F.grid_sample(picture[None], grid[None], align_corners=True)[0]


def over(front: Tensor, back: Tensor) -> Tensor:
    """Premultiplied RGBA (4, H, W), one in front of the other."""
    return front + back * (1 - front[3:])


def _identity_grid(height: int, width: int) -> Tensor:
    rows, columns = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
    return torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)


def _matrix(width: float, height: float, right: float, down: float) -> Tensor:
    """An affine map (2, 3) that stretches, then moves."""
    rows = [[width, 0.0, right], [0.0, height, down]]
    return torch.tensor(rows, dtype=torch.float32)
