"""Writes three pictures and what they are side by side, two of them and all three.

    python reference/write_joined.py tests/fixtures/pictures/joined.png

Five squares in a row: a wide, a tall and a soft thing, then the results.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from underpaint_reference.joined import side_by_side

_SIZE = 64


def main() -> None:
    things = [_ellipse(28, 14, [0.9, 0.2, 0.1]), _ellipse(8, 26, [0.1, 0.3, 0.9]), _glow()]
    # As they are in the file: what follows must not depend on what that rounds away.
    things = [_from_bytes(_to_bytes(thing)) for thing in things]
    squares = [*things, side_by_side(things[:2]), side_by_side(things)]
    row = np.concatenate([_to_bytes(square) for square in squares], axis=1)
    Image.fromarray(row).save(sys.argv[1], optimize=True)


def _distances(width: float, height: float) -> Tensor:
    """From the middle, 1 on an ellipse: (S, S)."""
    places = torch.arange(_SIZE) - 31.5
    return torch.hypot(places[None] / width, places[:, None] / height)


def _ellipse(width: float, height: float, colour: list[float]) -> Tensor:
    alpha = (_distances(width, height) <= 1).float()[None]
    shaded = torch.tensor(colour)[:, None, None] * torch.linspace(0.5, 1, _SIZE)
    return torch.cat([shaded * alpha, alpha])


def _glow() -> Tensor:
    alpha = (1.2 - _distances(20, 20)).clamp(0, 1)[None]
    return torch.cat([alpha * torch.tensor([0.2, 0.8, 0.3])[:, None, None], alpha])


def _to_bytes(premultiplied: Tensor) -> np.ndarray:
    alpha = premultiplied[3:]
    colour = torch.where(alpha >= 0.5 / 255, premultiplied[:3] / alpha.clamp(min=1e-6), 0.0)
    straight = torch.cat([colour.clamp(max=1), alpha]).permute(1, 2, 0)
    return (straight * 255).round().to(torch.uint8).numpy()


def _from_bytes(straight: np.ndarray) -> Tensor:
    values = torch.from_numpy(straight).permute(2, 0, 1).float() / 255
    return torch.cat([values[:3] * values[3:], values[3:]])


if __name__ == "__main__":
    main()
