"""What depends on grid sizes alone: cell centres, position encodings, resizes as matrices.

A resize between two fixed grids is linear and acts on every channel alike, so it is a matrix
over cells, computed once. Grids are square and row-major throughout.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, wraps

import torch
import torch.nn.functional as F
from torch import Tensor


def constant(compute: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Computed once for each device and these arguments."""
    on_device = cache(lambda _, *arguments: compute(*arguments))

    @wraps(compute)
    def found(*arguments: float | int) -> Tensor:
        return on_device(torch.get_default_device(), *arguments)

    return found


@constant
def cell_centres(side: int) -> Tensor:
    """Centres of the cells in [0, 1]² as (row, column): (side², 2)."""
    centre = (torch.arange(side) + 0.5) / side
    return torch.cartesian_prod(centre, centre)


@constant
def position_encoding(side: int, dim: int, max_frequency: float) -> Tensor:
    """Sines and cosines of row, then of column: (side², dim)."""
    frequencies = torch.exp(torch.linspace(0.0, math.log(max_frequency), dim // 4)) * math.pi
    rows, columns = (cell_centres(side)[:, axis : axis + 1] * frequencies for axis in (0, 1))
    return torch.cat([rows.sin(), rows.cos(), columns.sin(), columns.cos()], dim=1)


@constant
def area_matrix(source: int, target: int) -> Tensor:
    """Area-averages a grid to a coarser one: (target², source²)."""
    return _resize_matrix(source, target, mode="area")


@constant
def bicubic_matrix(source: int, target: int) -> Tensor:
    """Bicubic resize (a = −0.75, corners not aligned) to a finer grid: (target², source²)."""
    return _resize_matrix(source, target, mode="bicubic")


def area_resize(cells: Tensor, target: int) -> Tensor:
    """(…, source², channels) → (…, target², channels); the same tensor if nothing changes."""
    source = math.isqrt(cells.shape[-2])
    return cells if source == target else area_matrix(source, target) @ cells


def to_cells(grid: Tensor) -> Tensor:
    """(B, channels, side, side) → (B, side², channels)."""
    return grid.flatten(2).transpose(1, 2)


def to_grid(cells: Tensor) -> Tensor:
    """(B, side², channels) → (B, channels, side, side), a view in channels-last order."""
    return cells.transpose(1, 2).unflatten(2, (math.isqrt(cells.shape[1]),) * 2)


def _resize_matrix(source: int, target: int, mode: str) -> Tensor:
    impulses = torch.eye(source**2).view(source**2, 1, source, source)
    responses = F.interpolate(impulses, size=(target, target), mode=mode)
    return responses.flatten(1).t().contiguous()
