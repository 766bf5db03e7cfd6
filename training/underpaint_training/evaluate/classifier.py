"""A small classifier of pictures, trained on real ones, to judge painted ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ..data.pictures import Pictures
from ..warps import place

SIDE_PX = 64
_BATCH_SIZE = 64
_LEARNING_RATE = 2e-3
_ROWS_AT_ONCE = 128


@dataclass(frozen=True)
class Examples:
    """Small pictures with labels."""

    small: Tensor  # (n, 4, SIDE_PX, SIDE_PX)
    labels: Tensor  # (n,) int64


class Classifier(nn.Module):
    def __init__(self, n_classes: int, width: int = 32) -> None:
        super().__init__()
        widths = (4, width, 2 * width, 4 * width, 4 * width)
        layers: list[nn.Module] = []
        for n_in, n_out in zip(widths, widths[1:]):
            layers += [nn.Conv2d(n_in, n_out, 3, padding=1), nn.GroupNorm(8, n_out), nn.SiLU()]
            layers += [nn.MaxPool2d(2)]
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1] * 16, n_classes)

    def forward(self, small: Tensor) -> Tensor:
        """(B, 4, SIDE_PX, SIDE_PX) → scores (B, classes)."""
        return self.head(self.features(small).flatten(1))


def shrink(pictures: Tensor) -> Tensor:
    """(B, 4, H, W) → (B, 4, SIDE_PX, SIDE_PX)."""
    return F.adaptive_avg_pool2d(pictures, SIDE_PX)


def examples(pictures: Pictures, indices: NDArray[np.int64], labels: list[int]) -> Examples:
    small = [
        shrink(pictures.pixels(indices[start : start + _ROWS_AT_ONCE]))
        for start in range(0, len(indices), _ROWS_AT_ONCE)
    ]
    return Examples(torch.cat(small), torch.tensor(labels))


def train(found: Examples, n_classes: int, n_steps: int, seed: int = 0) -> Classifier:
    """Every class is drawn equally often; pictures are flipped, moved and tinted."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    classifier = Classifier(n_classes)
    optimiser = torch.optim.AdamW(classifier.parameters(), _LEARNING_RATE, weight_decay=0.05)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, n_steps)
    weights = 1 / torch.bincount(found.labels, minlength=n_classes)[found.labels].double()
    for _ in range(n_steps):
        rows = torch.multinomial(weights, min(_BATCH_SIZE, len(weights)), replacement=True)
        batch = torch.stack([_varied(found.small[row], rng) for row in rows])
        loss = F.cross_entropy(classifier(batch), found.labels[rows], label_smoothing=0.1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        fall.step()
    return classifier.eval().requires_grad_(False)


def share_in_top(classifier: Classifier, found: Examples, k: int) -> float:
    """Per cent of the examples whose label is among the k best."""
    parts = [classifier(part) for part in found.small.split(_ROWS_AT_ONCE)]
    best = torch.cat(parts).topk(min(k, classifier.head.out_features)).indices
    return 100 * float((best == found.labels[:, None]).any(1).float().mean())


def _varied(small: Tensor, rng: np.random.Generator) -> Tensor:
    picture = small.flip(-1) if rng.random() < 0.5 else small
    shift = rng.uniform(-0.15, 0.15, 2)
    picture = place(picture, rng.uniform(0.8, 1.1), *shift)
    tint = torch.from_numpy(rng.uniform(0.8, 1.0, (3, 1, 1)).astype(np.float32))
    return torch.cat([picture[:3] * tint, picture[3:]])
