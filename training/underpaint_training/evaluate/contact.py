"""Contact sheets to look at before an asset ships: fixed prompts, and fixed sketches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..controls import sketch
from ..painting import decode, paint
from ..sheets import over_white, write_sheet
from .subject import Subject

PROMPTS = (
    "red apple, 3d style",
    "blue apple",
    "slice of pizza, flat style",
    "birthday cake, cartoon style",
    "cup of coffee, glossy style",
    "strawberry, simple style",
    "ice cream, sticker style",
    "loaf of bread, clipart style",
    "cat face, glossy style",
    "black cat, cartoon style",
    "purple frog, 3d style",
    "orange butterfly, glossy style",
    "green fish, flat style",
    "owl, clipart style",
    "elephant, simple style",
    "snake, bold style",
    "blue car, flat style",
    "yellow bus, 3d style",
    "bicycle, outlined style",
    "sailing boat, clipart style",
    "rocket, glossy style",
    "train, cartoon style",
    "red airplane",
    "hot air balloon, 3d style",
    "a house with garden, clipart style",
    "castle, cartoon style",
    "lighthouse",
    "mountain with snow, flat style",
    "sun behind cloud, weather style",
    "pink flower, glossy style",
    "christmas tree, 3d style",
    "cactus, simple style",
    "green heart, glossy style",
    "gold star, 3d style",
    "smiling face, soft style",
    "crying face, glossy style",
    "robot, 3d style",
    "ghost, cartoon style",
    "pirate, clipart style",
    "crown, bold style",
    "guitar, glossy style",
    "camera, icon style",
    "umbrella, flat style",
    "key, duotone style",
    "blue hat",
    "a cat and a ball",
    "automobile",
    "joyful kitten",
)
_N_SKETCHES = 24
_PER_ROW = 8
_SKETCH_SEED = 21


@torch.no_grad()
def write_contact_sheets(subject: Subject, folder: Path) -> None:
    """`prompts.webp`, and `sketches.webp` with a row of ink above each row of pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    model, n = subject.model, subject.number(len(PROMPTS))
    painted = [decode(model, paint(model, prompt)[-1]) for prompt in PROMPTS[:n]]
    write_sheet(folder / "prompts.webp", _rows(over_white(torch.cat(painted))))
    rng, inks, results = np.random.default_rng(_SKETCH_SEED), [], []
    for index in subject.held_out(_N_SKETCHES):
        ink = sketch(subject.pictures.pixels(np.array([index]))[0], rng)
        inks.append(ink)
        results.append(decode(model, paint(model, subject.caption(index), lines=ink)[-1]))
    paper = (1 - torch.stack(inks))[:, None].expand(-1, 3, -1, -1)
    pairs = zip(_rows(paper), _rows(over_white(torch.cat(results))))
    write_sheet(folder / "sketches.webp", [row for pair in pairs for row in pair])


def _rows(pictures: torch.Tensor) -> list[torch.Tensor]:
    """(n, 3, H, W) in rows of eight, the last one filled up with white."""
    missing = -len(pictures) % min(_PER_ROW, len(pictures))
    blank = torch.ones(missing, *pictures.shape[1:])
    filled = torch.cat([pictures, blank])
    return list(filled.split(min(_PER_ROW, len(pictures))))
