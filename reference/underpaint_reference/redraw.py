"""Remembered pictures in another style: every cell becomes one of some pictures in that style that
shows nearly the same and fits those beside it (the application's `src/model/redraw`).

The application does so with pictures of the user, and with those of the memory that are in a style
that a prompt names; here are the latter.

What a cell shows is said in numbers that compare across styles: the run of the silhouette, the
colour of the fill apart from lines, and where it is light and dark. A linear map, fitted once,
reads them off a latent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from .memory import Memory
from .seams import arrange
from .tokenizer import Tokenizer

PARTS = 4  # a cell is seen as 4 × 4 parts
_WINDOW = PARTS + 2  # of the silhouette, so that neighbours agree
_SURROUNDINGS = 3 * PARTS  # of the fill
_COLOUR_WEIGHT, _LIGHT_WEIGHT = 2.0, 0.7  # beside the silhouette
_INK = 0.35  # lightness (OKLab) below which a part is line rather than fill
_SOLID = 0.3  # opaque share of the surroundings from which on the colour counts fully
_RIDGE = 3.0
_N_PROBED = 16  # pictures that the map is fitted to
_N_PICTURES = 64  # in a style, that cells are taken from

# sRGB to OKLab, https://bottosson.github.io/posts/oklab/
TO_LMS = torch.tensor(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    dtype=torch.float64,
)
TO_LAB = torch.tensor(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    dtype=torch.float64,
)


@dataclass(frozen=True)
class Probe:
    """From the 3 × 3 latent cells around a cell to its description: (9 C + 1, features)."""

    weights: Tensor

    @staticmethod
    def fit(latents: Tensor, pictures: Tensor) -> Probe:
        """latents (B, C, g, g) of pictures (B, 4, H, W)."""
        found, wanted = patches(latents).double(), describe(pictures, latents.shape[-1]).double()
        products = found.t() @ found + _RIDGE * torch.eye(found.shape[1], dtype=torch.float64)
        return Probe(torch.linalg.solve(products, found.t() @ wanted).float())

    def __call__(self, latents: Tensor) -> Tensor:
        """(B, C, g, g) → (B·g², features), picture by picture, row by row."""
        return patches(latents) @ self.weights


@dataclass(frozen=True)
class Palette:
    """Cells of the pictures of a style."""

    described: Tensor  # (cells, features)
    cells: Tensor  # (cells, C)

    @staticmethod
    def of(latents: Tensor, probe: Probe) -> Palette:
        return Palette(probe(latents), latents.permute(0, 2, 3, 1).flatten(0, 2))

    def redraw(self, latents: Tensor, probe: Probe) -> Tensor:
        """(B, C, g, g) → the same shape."""
        side, squares = latents.shape[-1], self.described.square().sum(1)
        # Squared distances, less what is the same for all cells of the palette.
        costs = squares - 2 * probe(latents) @ self.described.t()
        chosen = torch.cat([arrange(each, self.cells, side) for each in costs.split(side**2)])
        return self.cells[chosen].unflatten(0, (-1, side, side)).permute(0, 3, 1, 2)


class Redraw:
    """Entries of a memory as those draw whose pictures are in a style."""

    def __init__(self, memory: Memory, tokenizer: Tokenizer) -> None:
        self.memory, self.tokenizer = memory, tokenizer

    def __call__(self, entry_idx: int, style: str | None) -> Tensor:
        """(C, g, g) of an entry; as it is if no style is asked for or it is in that style."""
        latent = self._latents([entry_idx])
        if style is not None and self.memory.entries[entry_idx]["style"] != style:
            redrawn = self._palette(entry_idx, style).redraw(latent, self._probe)
            latent = self.tokenizer.quantise(redrawn)[1][-1]
        return latent[0]

    def _palette(self, entry_idx: int, style: str) -> Palette:
        """Of the things in the style that are most like the entry: they have its colours."""
        of_style = [i for i, entry in enumerate(self.memory.entries) if entry["style"] == style]
        likeness = self.memory.keys[of_style] @ self.memory.keys[entry_idx]
        nearest = likeness.argsort(descending=True, stable=True)[:_N_PICTURES]
        return Palette.of(self._latents([of_style[i] for i in nearest]), self._probe)

    @cached_property
    def _probe(self) -> Probe:
        latents = self._latents(_evenly(range(len(self.memory.entries)), _N_PROBED))
        return Probe.fit(latents, self.tokenizer.decode(latents))

    def _latents(self, entry_idxs: Sequence[int]) -> Tensor:
        return self.tokenizer.f_hat_from_ids(self.memory.ids[list(entry_idxs)])


@cache
def redraw_of(memory: Memory, tokenizer: Tokenizer) -> Redraw:
    return Redraw(memory, tokenizer)


def _evenly(all_of_them: Sequence[int], n: int) -> list[int]:
    n = min(n, len(all_of_them))
    return [all_of_them[i * len(all_of_them) // n] for i in range(n)]


def describe(pictures: Tensor, n_cells: int) -> Tensor:
    """Premultiplied pictures (B, 4, H, W) → (B·n_cells², features), row by row."""
    parts = F.adaptive_avg_pool2d(pictures.clamp(0, 1), n_cells * PARTS)
    alpha = parts[:, 3:]
    lab = oklab((parts[:, :3] / alpha.clamp(min=1e-3)).clamp(max=1))
    silhouette = _windows(alpha, _WINDOW) / _WINDOW
    # Lines count only where there is nothing else.
    fill = torch.where(lab[:, :1] > _INK, 1.0, 1e-4)
    weight = torch.where(alpha > 0.5, fill, 1e-9)
    sums = [_windows(each, _SURROUNDINGS).sum(1) for each in (weight, alpha)]
    colour = torch.stack(
        [_windows(weight * lab[:, [i]], _SURROUNDINGS).sum(1) for i in range(3)], dim=1
    )
    solidity = (sums[1] / _SURROUNDINGS**2).clamp(max=_SOLID) / _SOLID
    colour = colour * (solidity / sums[0])[:, None] * _COLOUR_WEIGHT
    light = _windows(lab[:, :1] * alpha, PARTS)
    light = (light - light.mean(1, keepdim=True)) * _LIGHT_WEIGHT / PARTS
    return torch.cat([silhouette, colour, light], dim=1).transpose(1, 2).flatten(0, 1)


def patches(latents: Tensor) -> Tensor:
    """Latents (B, C, g, g) → the 3 × 3 cells around each cell and a one: (B·g², 9 C + 1)."""
    channels = latents.shape[1]
    windows = F.unfold(latents, 3, padding=1).unflatten(1, (channels, 9))
    rows = windows.permute(0, 3, 2, 1).flatten(2).flatten(0, 1)
    return torch.cat([rows, torch.ones_like(rows[:, :1])], dim=1)


def oklab(rgb: Tensor) -> Tensor:
    """sRGB in [0, 1], (B, 3, …), to OKLab."""
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lms = torch.einsum("ij,bj...->bi...", TO_LMS.to(rgb.dtype), linear)
    return torch.einsum("ij,bj...->bi...", TO_LAB.to(rgb.dtype), lms.clamp(min=0) ** (1 / 3))


def _windows(plane: Tensor, size: int) -> Tensor:
    """Around every cell: (B, 1, h, w) → (B, size², cells), zero outside."""
    return F.unfold(plane, size, padding=(size - PARTS) // 2, stride=PARTS)
