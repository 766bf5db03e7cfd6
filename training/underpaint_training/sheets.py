"""Contact sheets: rows of pictures over white, small enough for the repository."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

CELL_PX = 128


def over_white(pictures: Tensor) -> Tensor:
    """Premultiplied RGBA (B, 4, H, W) → RGB (B, 3, H, W), both in [0, 1]."""
    pictures = pictures.clamp(0, 1)
    return (pictures[:, :3] + 1 - pictures[:, 3:]).clamp(0, 1)


def write_sheet(path: Path, rows: Sequence[Tensor]) -> None:
    """Rows of RGB pictures (B, 3, H, W) to a WebP file, one row below the other."""
    sheet = torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1)
    pixels = (sheet.permute(1, 2, 0).float().cpu().numpy() * 255).round().astype("uint8")
    n_columns, n_rows = len(rows[0]), len(rows)
    image = Image.fromarray(pixels).resize((n_columns * CELL_PX, n_rows * CELL_PX), Image.LANCZOS)
    image.save(path, quality=85)
