"""Lays pictures of the things that a prompt joins side by side (the application's
`src/imaging/beside.rs` and `src/model/joining.rs`)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .tokenizer import Tokenizer

_FILL = 0.92  # of its place that a picture may fill
_LONGEST = 0.62  # side of a picture in parts of the whole
_INVISIBLE = 8.5 / 255  # alpha up to which a pixel is none of the thing


def joined(f_hats: Tensor, tokenizer: Tokenizer) -> Tensor:
    """Latents of several things (n, C, g, g) → of one picture of them all (C, g, g)."""
    picture = side_by_side(tokenizer.decode(f_hats).clamp(0, 1))
    return tokenizer.quantise(tokenizer.encode(picture[None])[1])[1][-1][0]


def side_by_side(pictures: Sequence[Tensor] | Tensor) -> Tensor:
    """Premultiplied RGBA (4, S, S) each → one (4, S, S), in reading order."""
    size = pictures[0].shape[-1]
    square = torch.zeros(4, size, size)
    for (left, top, width, height), picture in zip(_places(len(pictures), size), pictures):
        thing = _visible(picture)
        if not thing.numel():
            continue
        own_height, own_width = thing.shape[1:]
        scale = min(
            _FILL * width / own_width,
            _FILL * height / own_height,
            _LONGEST * size / max(own_width, own_height),
        )
        rows, columns = (max(1, math.floor(side * scale + 0.5)) for side in thing.shape[1:])
        top += max(0, height - rows) // 2
        left += max(0, width - columns) // 2
        square[:, top : top + rows, left : left + columns] = _resized(thing, rows, columns)
    return square


def _places(n: int, size: int) -> list[tuple[int, int, int, int]]:
    """Left, top, width, height: rows of equal places, the last row centred."""
    n_columns = math.ceil(math.sqrt(n))
    n_rows = math.ceil(n / n_columns)
    width, height = size // n_columns, size // n_rows
    places = []
    for idx in range(n):
        row, column = divmod(idx, n_columns)
        indent = (size - min(n - row * n_columns, n_columns) * width) // 2
        places.append((indent + column * width, row * height, width, height))
    return places


def _visible(picture: Tensor) -> Tensor:
    """The smallest part that holds every visible pixel."""
    is_visible = picture[3] > _INVISIBLE
    rows, columns = is_visible.any(1).nonzero().flatten(), is_visible.any(0).nonzero().flatten()
    if not len(rows):
        return picture[:, :0, :0]
    return picture[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _resized(picture: Tensor, rows: int, columns: int) -> Tensor:
    """By the mean of what each pixel covers, or linearly where it grows."""
    if rows > picture.shape[1] or columns > picture.shape[2]:
        return F.interpolate(picture[None], (rows, columns), mode="bilinear")[0]
    above, across = _cover(picture.shape[1], rows), _cover(picture.shape[2], columns)
    return above @ picture @ across.t()


def _cover(source: int, target: int) -> Tensor:
    """Which share of each of `target` pixels each of `source` ones is: (target, source)."""
    ratio = source / target
    starts, own = torch.arange(target)[:, None] * ratio, torch.arange(source)[None]
    covered = torch.minimum(starts + ratio, own + 1.0) - torch.maximum(starts, own.float())
    return covered.clamp(min=0) / ratio
