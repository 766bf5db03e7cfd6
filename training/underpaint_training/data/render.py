"""Renders the pictures of a source to a shard: `KEY.npy` with the pixels, `KEY.jsonl` beside it."""

from __future__ import annotations

import io
import json
import logging
import os
from pathlib import Path

import numpy as np
import resvg_py
from numpy.typing import NDArray
from PIL import Image

from .catalogue import Item, items
from .sources import Source

log = logging.getLogger(__name__)

SIZE_PX = 256
MARGIN_PX = 8
_RENDER_WIDTH_PX = 320
_DPI = 96  # with the default of 0 a drawing whose size is in points or millimetres is empty
_VISIBLE_ALPHA = 8  # of 255; what is fainter does not count for the crop


def render_source(source: Source, root: Path, limit: int | None = None) -> None:
    """Writes the shard of a source unless it is complete; `limit` bounds the number of pictures."""
    folder = root / "pictures"
    lines_path, pixels_path = folder / f"{source.key}.jsonl", folder / f"{source.key}.npy"
    if lines_path.is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    listed = items(source, root)[:limit]
    partial = folder / f"{source.key}.partial.npy"
    shape = (len(listed), SIZE_PX, SIZE_PX, 4)
    pixels = np.lib.format.open_memmap(partial, "w+", np.uint8, shape)
    lines = []
    for item in listed:
        picture = render(item)
        if picture is None:
            continue
        pixels[len(lines)] = picture
        lines.append(json.dumps(_record(item, source), ensure_ascii=False))
    pixels.flush()
    log.info("%s: %d pictures, %d unusable", source.key, len(lines), len(listed) - len(lines))
    os.replace(partial, pixels_path)
    # Last: a shard with its lines is complete.
    lines_part = lines_path.with_suffix(".partial")
    lines_part.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    os.replace(lines_part, lines_path)


def _record(item: Item, source: Source) -> dict[str, object]:
    return {
        "identifier": item.identifier,
        "name": item.name,
        "keywords": item.keywords,
        "is_tone_variant": item.is_tone_variant,
        "source": source.key,
        "licence": source.licence,
    }


def render(item: Item) -> NDArray[np.uint8] | None:
    """(256, 256, 4) straight RGBA; None if the drawing is broken or empty."""
    try:
        return fit(_open(item))
    except (ValueError, OSError, RuntimeError) as error:
        log.debug("%s: %s", item.identifier, error)
        return None


def _open(item: Item) -> Image.Image:
    if item.path is None:
        svg = resvg_py.svg_to_bytes(
            svg_string=item.svg, width=_RENDER_WIDTH_PX, dpi=_DPI, skip_system_fonts=True
        )
    elif item.path.suffix == ".svg":
        svg = resvg_py.svg_to_bytes(svg_path=str(item.path), width=_RENDER_WIDTH_PX, dpi=_DPI)
    else:
        return Image.open(item.path)
    return Image.open(io.BytesIO(bytes(svg)))


def fit(image: Image.Image) -> NDArray[np.uint8] | None:
    """Crops to what is visible and fits it into the square with a margin; None if nothing is."""
    pixels = np.asarray(image.convert("RGBA"), dtype=np.float32)
    rows, columns = np.nonzero(pixels[..., 3] > _VISIBLE_ALPHA)
    if len(rows) == 0:
        return None
    pixels = pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = pixels.shape[:2]
    scale = (SIZE_PX - 2 * MARGIN_PX) / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resample = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC
    # Resized premultiplied: the colour of invisible pixels must not bleed.
    alpha = pixels[..., 3:] / 255
    premultiplied = np.concatenate([pixels[..., :3] * alpha, pixels[..., 3:]], axis=-1)
    channels = [
        np.asarray(Image.fromarray(premultiplied[..., c]).resize(size, resample)) for c in range(4)
    ]
    resized = np.clip(np.stack(channels, axis=-1), 0, 255)
    colour = np.clip(resized[..., :3] / np.maximum(resized[..., 3:], 1e-3) * 255, 0, 255)
    colour[resized[..., 3] < 2] = 255
    square = np.zeros((SIZE_PX, SIZE_PX, 4), dtype=np.uint8)
    square[..., :3] = 255
    top, left = (SIZE_PX - size[1]) // 2, (SIZE_PX - size[0]) // 2
    place = square[top : top + size[1], left : left + size[0]]
    place[...] = np.round(np.concatenate([colour, resized[..., 3:]], axis=-1))
    return square
