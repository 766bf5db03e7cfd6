"""Control maps drawn from pictures: clean ones for measuring, sketch-like ones for training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from .warps import elastic

KINDS = {"lines": 1, "depth": 1, "colour": 4}
REFERENCE = "reference"  # the first memory slot as a control
EDGE_THRESHOLD = 0.25
_BACKDROP = 0.9  # brightness behind a picture when its edges are found

_P_NONE = 0.25
_P_LINES_ONLY, _P_DEPTH_ONLY, _P_COLOUR_ONLY = 0.40, 0.10, 0.10  # the rest mixes kinds
_P_IN_MIX = 0.6


@dataclass(frozen=True)
class ControlBatch:
    """Maps by kind, zero where absent; strengths by kind, and that of the first memory slot.

    The strengths stay on the CPU: they decide which pictures an encoder sees.
    """

    maps: dict[str, Tensor]  # (B, channels, H, W)
    strengths: dict[str, NDArray[np.float32]]  # (B,)

    def to(self, device: torch.device) -> ControlBatch:
        maps = {kind: each.to(device) for kind, each in self.maps.items()}
        return ControlBatch(maps, self.strengths)


def edges(picture: Tensor, threshold: float = EDGE_THRESHOLD) -> Tensor:
    """Premultiplied RGBA (4, H, W) → ink (H, W), 1 where brightness or alpha changes."""
    alpha = picture[3]
    planes = torch.stack([picture[:3].mean(0) + (1 - alpha) * _BACKDROP, alpha])
    change = torch.zeros_like(alpha)
    across = (planes[:, :, 2:] - planes[:, :, :-2]).abs().amax(0)
    down = (planes[:, 2:] - planes[:, :-2]).abs().amax(0)
    change[:, 1:-1] = across
    change[1:-1] = torch.maximum(change[1:-1], down)
    return (change > threshold).float()


def outline(picture: Tensor) -> Tensor:
    """The border of what is opaque: (4, H, W) → (H, W)."""
    smooth = F.avg_pool2d(picture[3:], 5, 1, 2)[0]
    return ((smooth > 0.15) & (smooth < 0.85)).float()


def depth(picture: Tensor) -> Tensor:
    """A guess at relief from the silhouette: near in the middle, (4, H, W) → (H, W)."""
    coarse = F.avg_pool2d(picture[3:][None], 4)
    relief = sum(F.avg_pool2d(coarse, k, 1, k // 2) for k in (5, 9, 17)) / 3
    return F.interpolate(coarse * relief, picture.shape[1:], mode="bilinear")[0, 0]


def colour_blocks(picture: Tensor, block_px: int) -> Tensor:
    """(4, H, W) averaged over blocks."""
    coarse = F.avg_pool2d(picture[None], block_px)
    return F.interpolate(coarse, picture.shape[1:], mode="nearest")[0]


def sketch(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """Lines as a person might draw them: outlines only, gaps, wobble, thick and thin pens.

    (4, H, W) → ink (H, W) in [0, 1].
    """
    kind = rng.random()
    if kind < 0.25:
        ink = outline(picture)
    elif kind < 0.32:
        ink = (picture[3] > 0.5).float()  # a filled shape
    else:
        ink = edges(picture, rng.uniform(0.12, 0.45))
    if rng.random() < 0.35:
        ink = ink * (_blobs(8, rng) > rng.uniform(0.1, 0.45)).float()  # gaps
    if rng.random() < 0.1:
        ink = ink * _half_plane(rng)  # not finished yet
    if rng.random() < 0.35:
        ink = F.max_pool2d(ink[None], 3, 1, 1)[0]
        if rng.random() < 0.4:
            ink = F.max_pool2d(ink[None], 5, 1, 2)[0]
    if rng.random() < 0.35:
        ink = elastic(ink[None], rng.uniform(0.0, 0.02), 6, rng)[0]  # slow wobble
    if rng.random() < 0.2:
        ink = elastic(ink[None], rng.uniform(0.0, 0.006), 24, rng)[0]  # a shaky hand
    if rng.random() < 0.3:
        ink = F.avg_pool2d(ink[None], 3, 1, 1)[0]  # a soft pen
    if rng.random() < 0.2:
        ink = ink * rng.uniform(0.5, 1.0)  # a light one
    return ink


def training_controls(pictures: Tensor, rng: np.random.Generator) -> ControlBatch:
    """Random kinds for each of (B, 4, H, W)."""
    batch = no_controls(len(pictures), pictures.shape[-1])
    for row, picture in enumerate(pictures):
        for kind in _drawn_kinds(rng):
            batch.maps[kind][row] = _draw(kind, picture, rng)
            batch.strengths[kind][row] = 1
    return batch


def no_controls(n: int, size: int) -> ControlBatch:
    maps = {kind: torch.zeros(n, channels, size, size) for kind, channels in KINDS.items()}
    strengths = {kind: np.zeros(n, dtype=np.float32) for kind in (*KINDS, REFERENCE)}
    return ControlBatch(maps, strengths)


def _drawn_kinds(rng: np.random.Generator) -> list[str]:
    draw = rng.random() - _P_NONE
    if draw < 0:
        return []
    for kind, share in zip(KINDS, (_P_LINES_ONLY, _P_DEPTH_ONLY, _P_COLOUR_ONLY)):
        if draw < share:
            return [kind]
        draw -= share
    return [kind for kind in KINDS if rng.random() < _P_IN_MIX]


def _draw(kind: str, picture: Tensor, rng: np.random.Generator) -> Tensor:
    if kind == "lines":
        return sketch(picture, rng)[None]
    if kind == "depth":
        return depth(picture)[None]
    colours = colour_blocks(picture, int(rng.choice([8, 16, 32])))
    if rng.random() < 0.5:
        colours = colours * (_blobs(8, rng, "nearest") > rng.uniform(0, 0.7)).float()
    return colours


def _blobs(cells: int, rng: np.random.Generator, mode: str = "bilinear", size: int = 256) -> Tensor:
    """A smooth or blocky random field in [0, 1]: (size, size)."""
    noise = torch.from_numpy(rng.random((1, 1, cells, cells), dtype=np.float32))
    return F.interpolate(noise, (size, size), mode=mode)[0, 0]


def _half_plane(rng: np.random.Generator, size: int = 256) -> Tensor:
    """1 on one side of a random line near the middle: (size, size)."""
    angle, shift = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.3)
    side = torch.linspace(-1, 1, size)
    return (np.cos(angle) * side[None] + np.sin(angle) * side[:, None] > shift).float()
