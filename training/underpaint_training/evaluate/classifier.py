"""A small classifier of pictures, trained on real ones, to judge painted ones."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ..data.pictures import Pictures
from ..devices import autocast

GRID = 64  # on which the first convolution works
_WIDTHS = (32, 64, 128, 128)
_DROPPED = 0.3  # of the statistics, while a classifier trains
_BATCH_SIZE = 64
_LEARNING_RATE = 2e-3
_ROWS_AT_ONCE = 128


@dataclass(frozen=True)
class Recipe:
    """What a classifier is made of and for how long it is trained."""

    n_classes: int
    n_steps: int
    side_px: int = GRID  # a multiple of `GRID`: small for things, larger for how they are drawn
    is_tinted: bool = True  # whether colours are varied
    sees_places: bool = True  # or only how often something is there: what is drawn does not matter
    seed: int = 0


@dataclass(frozen=True)
class Examples:
    """Small pictures with labels."""

    small: Tensor  # (n, 4, side_px, side_px), half precision is enough
    labels: Tensor  # (n,) int64


class Classifier(nn.Module):
    """Convolutions, each at half the size of the one before."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        factor = recipe.side_px // GRID
        widths = (4 * factor**2, *_WIDTHS)
        self.unshuffle = nn.PixelUnshuffle(factor)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(n_in, n_out, 3, padding=1), nn.GroupNorm(8, n_out), nn.SiLU())
            for n_in, n_out in zip(widths, widths[1:])
        )
        self.halve = nn.MaxPool2d(2)
        self.sees_places = recipe.sees_places
        n_features = 16 * _WIDTHS[-1] if recipe.sees_places else 3 * sum(_WIDTHS)
        self.drop = nn.Dropout(0.0 if recipe.sees_places else _DROPPED)
        self.head = nn.Linear(n_features, recipe.n_classes)
        self.side_px = recipe.side_px

    def forward(self, small: Tensor) -> Tensor:
        """(B, 4, side_px, side_px) → scores (B, classes)."""
        hidden, found = self.unshuffle(small.float()), []
        for block in self.blocks:
            hidden = block(hidden)
            found.append(_statistics(hidden))
            hidden = self.halve(hidden)
        features = hidden.flatten(1) if self.sees_places else torch.cat(found, 1)
        return self.head(self.drop(features))


def _statistics(hidden: Tensor) -> Tensor:
    """(B, C, H, W) → mean, spread and largest value of each channel, (B, 3 C)."""
    flat = hidden.float().flatten(2)
    return torch.cat([flat.mean(2), (flat.var(2) + 1e-4).sqrt(), flat.amax(2)], 1)


def shrink(pictures: Tensor, side_px: int) -> Tensor:
    """(B, 4, H, W) → (B, 4, side_px, side_px)."""
    return F.adaptive_avg_pool2d(pictures, side_px)


def examples(
    pictures: Pictures, indices: NDArray[np.int64], labels: list[int], side_px: int
) -> Examples:
    small = [
        shrink(pictures.pixels(indices[start : start + _ROWS_AT_ONCE]), side_px).half()
        for start in range(0, len(indices), _ROWS_AT_ONCE)
    ]
    return Examples(torch.cat(small), torch.tensor(labels))


def train(found: Examples, recipe: Recipe) -> Classifier:
    """Every class is drawn equally often; pictures are flipped, moved and tinted."""
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    classifier = Classifier(recipe).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(classifier.parameters(), _LEARNING_RATE, weight_decay=0.05)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, recipe.n_steps)
    weights = 1 / torch.bincount(found.labels, minlength=recipe.n_classes)[found.labels].double()
    for _ in range(recipe.n_steps):
        rows = torch.multinomial(weights, min(_BATCH_SIZE, len(weights)), replacement=True)
        batch = _varied(found.small[rows].float(), rng, recipe.is_tinted)
        with autocast():
            scores = classifier(batch)
        loss = F.cross_entropy(scores.float(), found.labels[rows], label_smoothing=0.1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        fall.step()
    return classifier.eval().requires_grad_(False)


def trained_once(
    folder: Path, recipe: Recipe, labels: list[str], make: Callable[[], Examples]
) -> Classifier:
    """A classifier from the folder, or a new one that is kept there: all assets have one judge.

    `labels` are the names of the classes; with other pictures than before, empty the folder.
    """
    described = json.dumps([asdict(recipe), labels])
    path = folder / f"{hashlib.sha1(described.encode()).hexdigest()[:16]}.pt"
    if path.is_file():
        classifier = Classifier(recipe)
        classifier.load_state_dict(torch.load(path, weights_only=True))
        return classifier.eval().requires_grad_(False)
    classifier = train(make(), recipe)
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    torch.save(classifier.state_dict(), partial)
    os.replace(partial, path)
    return classifier


def share_in_top(classifier: Classifier, found: Examples, k: int) -> float:
    """Per cent of the examples whose label is among the k best."""
    parts = [classifier(part) for part in found.small.split(_ROWS_AT_ONCE)]
    best = torch.cat(parts).topk(min(k, classifier.head.out_features)).indices
    return 100 * float((best == found.labels[:, None]).any(1).float().mean())


def _varied(small: Tensor, rng: np.random.Generator, is_tinted: bool) -> Tensor:
    """(B, 4, side, side): some flipped, all moved and scaled, perhaps with darker channels."""
    n = len(small)
    inverse = np.zeros((n, 2, 3), dtype=np.float32)
    scale, flip = rng.uniform(0.8, 1.1, n), rng.choice([-1.0, 1.0], n)
    inverse[:, 0, 0], inverse[:, 1, 1] = flip / scale, 1 / scale
    inverse[:, :, 2] = rng.uniform(-0.15, 0.15, (n, 2)) / scale[:, None]
    grid = F.affine_grid(torch.from_numpy(inverse), list(small.shape), align_corners=False)
    moved = F.grid_sample(small, grid, align_corners=False)
    if not is_tinted:
        return moved
    tint = torch.from_numpy(rng.uniform(0.8, 1.0, (n, 3, 1, 1)).astype(np.float32))
    return torch.cat([moved[:, :3] * tint, moved[:, 3:]], dim=1)
