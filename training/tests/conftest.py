"""Pictures drawn here instead of downloaded: the tests need no network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from underpaint_training.config import Settings
from underpaint_training.data.render import fit

CONFIGS = Path(__file__).parent.parent / "configs"
_COLOURS = {"red": (220, 30, 40), "green": (60, 170, 70), "blue": (50, 110, 230), "black": (0,) * 3}
_SHAPES = ("circle", "square", "triangle", "ring", "cross")


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one shard of twenty pictures, as rendering leaves it."""
    root = tmp_path_factory.mktemp("data")
    folder = root / "pictures"
    folder.mkdir()
    names = [(colour, shape) for colour in _COLOURS for shape in _SHAPES]
    pictures = [fit(_draw(_COLOURS[colour], shape)) for colour, shape in names]
    np.save(folder / "flat-color-icons.npy", np.stack([p for p in pictures if p is not None]))
    lines = [
        {
            "identifier": f"{colour}-{shape}",
            "name": f"{colour} {shape}",
            "keywords": [shape, "shape"],
            "is_tone_variant": False,
            "source": "flat-color-icons",
            "licence": "MIT",
        }
        for colour, shape in names
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "flat-color-icons.jsonl").write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def smoke(data_dir: Path, tmp_path: Path) -> Settings:
    """The smoke settings with folders of their own."""
    return Settings.load(CONFIGS / "smoke.toml", data_dir=data_dir, run_dir=tmp_path / "run")


def _draw(colour: tuple[int, ...], shape: str) -> Image.Image:
    image = Image.new("RGBA", (200, 200))
    pen = ImageDraw.Draw(image)
    if shape == "circle":
        pen.ellipse((20, 20, 180, 180), fill=colour)
    elif shape == "square":
        pen.rectangle((30, 50, 170, 150), fill=colour)
    elif shape == "triangle":
        pen.polygon([(100, 10), (190, 180), (10, 180)], fill=colour)
    elif shape == "ring":
        pen.ellipse((20, 20, 180, 180), outline=colour, width=24)
    else:
        pen.line((20, 20, 180, 180), fill=colour, width=24)
        pen.line((180, 20, 20, 180), fill=colour, width=24)
    return image
