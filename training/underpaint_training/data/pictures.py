"""The rendered pictures with their captions, and which of them are held out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .sources import SOURCES, source

# How often pictures of which there are too many are drawn, compared with the others.
TONE_VARIANT_WEIGHT = 0.12
FLAG_WEIGHT = 0.25


@dataclass(frozen=True)
class Entry:
    """What is known of a picture besides its pixels."""

    identifier: str  # unique within its source
    name: str
    keywords: list[str]
    is_tone_variant: bool
    source: str  # key
    licence: str

    @property
    def style(self) -> str:
        return source(self.source).style

    @property
    def is_flag(self) -> bool:
        return "flag" in self.name.split() or "flag" in self.keywords


class Pictures:
    """N pictures in shards on the disk, one shard per source."""

    def __init__(self, root: Path, sources: Sequence[str], n_held_out: int) -> None:
        keys = list(sources) or [each.key for each in SOURCES]
        self.root = root
        self.entries: list[Entry] = []
        self.shards: list[NDArray[np.uint8]] = []
        starts = []
        for key in keys:
            path = root / "pictures" / f"{key}.jsonl"
            if not path.is_file():
                raise SystemExit(f"No {path}: run the stage data first.")
            lines = path.read_text(encoding="utf-8").splitlines()
            starts.append(len(self.entries))
            self.entries += [Entry(**json.loads(line)) for line in lines]
            self.shards.append(np.load(path.with_suffix(".npy"), mmap_mode="r"))
        self.starts = np.array(starts)
        self.held_out = self._hold_out(n_held_out)
        """(n_held_out,) indices, ascending; stable when other sources are added."""
        self.weights = self._weights()
        """(N,) how often each is drawn in training; sums to 1."""

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(entry.name for entry in self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def pixels(self, indices: NDArray[np.int64]) -> Tensor:
        """Premultiplied RGBA in [0, 1]: (B, 4, H, W)."""
        shard_of = np.searchsorted(self.starts, indices, side="right") - 1
        rows = [self.shards[s][i - self.starts[s]] for s, i in zip(shard_of, indices)]
        straight = torch.from_numpy(np.stack(rows)).permute(0, 3, 1, 2).float() / 255
        return torch.cat([straight[:, :3] * straight[:, 3:], straight[:, 3:]], dim=1)

    def draw(self, rng: np.random.Generator, n: int) -> NDArray[np.int64]:
        """Indices of training pictures, (n,)."""
        cumulative = np.cumsum(self.weights)
        return np.searchsorted(cumulative, rng.random(n) * cumulative[-1])

    def _hold_out(self, n: int) -> NDArray[np.int64]:
        def rank(entry: Entry) -> bytes:
            return hashlib.sha1(f"{entry.source}/{entry.identifier}".encode()).digest()

        candidates = [i for i, entry in enumerate(self.entries) if not entry.is_tone_variant]
        chosen = sorted(candidates, key=lambda i: rank(self.entries[i]))[:n]
        return np.array(sorted(chosen), dtype=np.int64)

    def _weights(self) -> NDArray[np.float64]:
        weights = np.ones(len(self.entries))
        for i, entry in enumerate(self.entries):
            if entry.is_tone_variant:
                weights[i] = TONE_VARIANT_WEIGHT
            elif entry.is_flag:
                weights[i] = FLAG_WEIGHT
        weights[self.held_out] = 0
        return weights / weights.sum()
