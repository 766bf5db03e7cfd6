"""Logits to codes: temperature, top-k, top-p, and a draw whose noise belongs to its place.

The draw is Gumbel-max, argmax(logit / temperature + noise) over the codes kept, with noise that
is a hash of (seed, scale, row, column, code). So it does not depend on what else is drawn, and
the Rust code draws the same codes from the same logits. Ties go to the lower code throughout.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .config import SamplingConfig

GOLDEN_RATIO = np.uint64(0x9E3779B97F4A7C15)
NOISE_BITS = 23  # with the half step below, as many as an f32 strictly between 0 and 1 can hold
DROPPED = float("-inf")


def draw(logits: Tensor, sampling: SamplingConfig, seed: int, scale_idx: int) -> Tensor:
    """logits (p², V) of one picture → ids (p²,) int64."""
    if sampling.temperature == 0:
        return logits.argmax(-1)
    # The temperature does not change which logits are the largest; few are left to divide.
    kept, codes = keep_top_k(logits, sampling.top_k)
    scores = keep_top_p(kept / sampling.temperature, codes, sampling.top_p)
    side = round(len(logits) ** 0.5)
    keys = torch.from_numpy(noise_keys(seed, scale_idx, side).view(np.int64))
    scores = scores + gumbel(keys[:, None], codes)
    best = scores.amax(-1, keepdim=True)
    return codes.masked_fill(scores < best, logits.shape[-1]).amin(-1)


def keep_top_k(logits: Tensor, top_k: int) -> tuple[Tensor, Tensor]:
    """logits (p², V) → the `top_k` largest (p², k or k + 1) and their codes, in no order.

    One more column than asked for may come back; what it must not keep is −∞.
    """
    n_codes = logits.shape[-1]
    if top_k == 0 or top_k >= n_codes:
        return logits, torch.arange(n_codes).expand_as(logits)
    values, codes = logits.topk(top_k + 1, sorted=False)
    smallest = values == values.amin(-1, keepdim=True)
    values = values.masked_fill(smallest, DROPPED)
    # Rows with a tie at the border are rare: only they are sorted in full.
    for row_idx in (smallest.sum(-1) > 1).nonzero()[:, 0].tolist():
        row = logits[row_idx].sort(descending=True, stable=True)
        values[row_idx] = row.values[: top_k + 1]
        values[row_idx, top_k] = DROPPED
        codes[row_idx] = row.indices[: top_k + 1]
    return values, codes


def keep_top_p(scores: Tensor, codes: Tensor, top_p: float) -> Tensor:
    """Drops all but the most probable codes that together reach the mass `top_p`, at least one.

    scores, codes (p², kept) → scores of the same shape, −∞ where dropped.
    """
    if top_p >= 1:
        return scores
    by_code = codes.argsort(-1)
    by_score = scores.gather(-1, by_code).argsort(dim=-1, descending=True, stable=True)
    order = by_code.gather(-1, by_score)
    mass = scores.gather(-1, order).softmax(-1)
    is_enough = mass.cumsum(-1) - mass >= top_p
    is_enough[:, 0] = False
    return scores.masked_fill(torch.empty_like(is_enough).scatter_(-1, order, is_enough), DROPPED)


def gumbel(keys: Tensor, codes: Tensor) -> Tensor:
    """keys (p², 1) and codes (p², kept), int64 → standard Gumbel noise (p², kept)."""
    key, code = keys.numpy().view(np.uint64), codes.numpy().astype(np.uint64)
    bits = mix(key + GOLDEN_RATIO * (code + np.uint64(1))) >> np.uint64(64 - NOISE_BITS)
    uniform = (torch.from_numpy(bits.astype(np.float32)) + 0.5) / 2**NOISE_BITS
    return uniform.log_().neg_().log_().neg_()


def noise_keys(seed: int, scale_idx: int, side: int) -> NDArray[np.uint64]:
    """One key per cell of a scale's grid: (side²,)."""
    row, column = np.divmod(np.arange(side * side, dtype=np.uint64), np.uint64(side))
    place = np.uint64(scale_idx << 40) | (row << np.uint64(20)) | column
    seeded = mix(np.array([seed % 2**64], dtype=np.uint64) + GOLDEN_RATIO)
    return mix((seeded ^ place) + GOLDEN_RATIO)


def mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele et al. 2014); arithmetic modulo 2⁶⁴."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
