"""The picture memory: which remembered pictures fit a prompt."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from .asked import Asked
from .config import MemoryConfig
from .sampling import GOLDEN_RATIO, mix

# A picture that fits so well shows all that a prompt names (the application's `Policy`).
MIN_WHOLE = 0.85


@dataclass(frozen=True)
class Match:
    """An entry that fits a prompt."""

    entry_idx: int
    similarity: float  # cosine, −1 to 1


@dataclass(frozen=True, eq=False)
class Memory:
    ids: Tensor  # (entries, Σ p²) int64
    names: NDArray[np.uint64]  # (entries,): hashes of the ids, equal for the same picture
    keys: Tensor  # (entries, text_dim), of length 1
    entries: list[dict[str, str]]  # caption, style, source, licence

    @staticmethod
    def load(directory: Path) -> Memory | None:
        """Reads `memory.safetensors` and `memory.jsonl`; None if the model has no memory."""
        path = directory / "memory.safetensors"
        if not path.is_file():
            return None
        tensors = load_file(path)
        lines = (directory / "memory.jsonl").read_text(encoding="utf-8").splitlines()
        n_pictures = len(tensors["ids"])
        if len(lines) != n_pictures:
            raise SystemExit(f"memory.jsonl has {len(lines)} lines for {n_pictures} pictures.")
        ids, keys = tensors["ids"].long(), F.normalize(tensors["keys"].float(), dim=1)
        return Memory(ids, entry_names(ids.numpy()), keys, [json.loads(line) for line in lines])

    def retrieve(self, pooled: Tensor, config: MemoryConfig, seed: int) -> list[Match]:
        """pooled (text_dim,) of a prompt → up to `slots` matches, most similar first.

        Of the best `candidates`, `slots` are drawn without replacement with probabilities
        ∝ exp(similarity / draw_temperature): those with the largest sums of log-weight and noise.
        """
        best = self._best(self.keys @ (pooled / pooled.norm()), config.candidates)
        if not best:
            return []
        similarity = np.array([match.similarity for match in best])
        noise = gumbel(seed, self.names[[match.entry_idx for match in best]])
        scores = (similarity - similarity[0]) / config.draw_temperature + noise
        drawn = sorted(np.argsort(-scores)[: config.slots])
        return [best[rank] for rank in drawn]

    @cached_property
    def styles(self) -> list[str]:
        return sorted({entry["style"] for entry in self.entries})

    def retrieve_each(self, asked: Asked, config: MemoryConfig, seed: int) -> list[list[Match]]:
        """What each slot shows: one match, or one of each thing that a prompt joins.

        Things that an entry shows together are not apart.
        """
        if not asked.things or self._shows_all(asked):
            return [[match] for match in self.retrieve(asked.whole, config, seed)]
        drawn = [self.retrieve(thing, config, seed) for thing in asked.things]
        drawn = [matches for matches in drawn if matches]
        return [_one_of_each(drawn, rank) for rank in range(max(map(len, drawn), default=0))]

    def _shows_all(self, asked: Asked) -> bool:
        """Whether the best entry fits the prompt well, and better than any thing of it."""
        similarity = self.keys @ (asked.whole / asked.whole.norm())
        best = int(similarity.argmax())
        of_things = [float(self.keys[best] @ (thing / thing.norm())) for thing in asked.things]
        return float(similarity[best]) >= max(MIN_WHOLE, *of_things)

    def _best(self, similarity: Tensor, n_candidates: int) -> list[Match]:
        """The most similar entries, each picture once."""
        # Repeated pictures are few: the whole ranking is hardly ever needed.
        for n_ranked in (min(8 * n_candidates, len(similarity)), len(similarity)):
            values, order = similarity.topk(n_ranked)
            found: dict[int, Match] = {}
            for value, entry_idx in zip(values.tolist(), order.tolist()):
                if len(found) < n_candidates:
                    found.setdefault(int(self.names[entry_idx]), Match(entry_idx, value))
            if len(found) == n_candidates:
                break
        return list(found.values())


def _one_of_each(drawn: list[list[Match]], rank: int) -> list[Match]:
    """The match of this rank of each thing, or the next that is not there yet."""
    chosen: list[Match] = []
    for matches in drawn:
        taken = {match.entry_idx for match in chosen}
        turns = [matches[(rank + offset) % len(matches)] for offset in range(len(matches))]
        chosen.append(next((match for match in turns if match.entry_idx not in taken), turns[0]))
    return chosen


def entry_names(ids: NDArray[np.int64]) -> NDArray[np.uint64]:
    """FNV-1a (64 bits) over the ids of each row (entries, tokens), as two little-endian bytes."""
    names = np.full(len(ids), 0xCBF29CE484222325, dtype=np.uint64)
    for column in ids.astype(np.uint64).T:
        for byte in (column & np.uint64(0xFF), column >> np.uint64(8)):
            names = (names ^ byte) * np.uint64(0x100000001B3)
    return names


def gumbel(seed: int, names: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Standard Gumbel noise that belongs to a seed and a picture."""
    seeded = mix(np.array([seed % 2**64], dtype=np.uint64) + GOLDEN_RATIO)
    uniform = ((mix(seeded ^ names) >> np.uint64(11)).astype(np.float64) + 0.5) / 2**53
    return -np.log(-np.log(uniform))
