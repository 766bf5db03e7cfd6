"""Training the codebook: straight-through gradients, moving averages, revival of dead codes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from underpaint_reference.grids import area_resize, bicubic_matrix, to_cells, to_grid
from underpaint_reference.tokenizer import Tokenizer

from . import distributed

_DECAY = 0.99
_DEAD_BELOW = 0.05  # average number of vectors per step
_COMMITMENT = 0.25
_KMEANS_STEPS = 8
_KMEANS_VECTORS_PER_SCALE = 12_000


@dataclass(frozen=True)
class Quantised:
    """A batch after quantisation."""

    straight_through: Tensor  # (B, C, g, g): value of the last `f_hat`, gradient to the latent
    f_hats: list[Tensor]  # per scale (B, C, g, g), detached
    loss: Tensor  # pulls latent and smoothing convolutions towards each other


class CodebookAverages(nn.Module):
    """How often each code was chosen and for which vectors, averaged over steps."""

    counts: Tensor  # (V,)
    sums: Tensor  # (V, C)

    def __init__(self, codebook: Tensor) -> None:
        super().__init__()
        self.register_buffer("counts", torch.ones(len(codebook)))
        self.register_buffer("sums", codebook.detach().clone())

    @torch.no_grad()
    def restart(self, codebook: Tensor) -> None:
        self.counts.fill_(1)
        self.sums.copy_(codebook)

    @torch.no_grad()
    def update(self, codebook: Tensor, vectors: Tensor, ids: Tensor) -> Tensor:
        """Moves the codes to the mean of the vectors (n, C) that chose them.

        Returns how many codes were dead and got a vector of the batch instead, ().
        """
        counts = torch.zeros_like(self.counts).index_add_(0, ids, torch.ones_like(vectors[:, 0]))
        sums = torch.zeros_like(self.sums).index_add_(0, ids, vectors)
        self.counts.lerp_(distributed.sum_over_all(counts), 1 - _DECAY)
        self.sums.lerp_(distributed.sum_over_all(sums), 1 - _DECAY)
        codebook.copy_(self.sums / (self.counts[:, None] + 1e-5))
        is_dead = self.counts < _DEAD_BELOW
        drawn = distributed.same_everywhere(vectors[torch.randint(len(vectors), is_dead.shape)])
        for values in (codebook, self.sums):
            values.copy_(torch.where(is_dead[:, None], drawn, values))
        self.counts.masked_fill_(is_dead, 1)
        return is_dead.sum()


def quantise(
    tokenizer: Tokenizer, latent: Tensor, averages: CodebookAverages | None
) -> tuple[Quantised, Tensor]:
    """latent (B, C, g, g) → the batch, and the number of revived codes (0 without averages)."""
    f_hat = torch.zeros_like(latent)
    f_hats, chosen_by, chosen = [], [], []
    loss = latent.new_zeros(())
    for scale_idx, side in enumerate(tokenizer.scales):
        with torch.no_grad():
            vectors = area_resize(to_cells(latent - f_hat), side)
            ids = tokenizer.nearest(vectors)
        chosen_by.append(vectors.flatten(0, 1))
        chosen.append(ids.flatten())
        f_hat = tokenizer.add_scale(f_hat, scale_idx, ids)
        f_hats.append(f_hat.detach())
        loss = loss + _COMMITMENT * F.mse_loss(latent, f_hat.detach())
        loss = loss + F.mse_loss(f_hat, latent.detach())
    n_dead = torch.tensor(0)
    if averages is not None:
        codebook = tokenizer.codebook.weight.data
        n_dead = averages.update(codebook, torch.cat(chosen_by), torch.cat(chosen))
    straight_through = latent + (f_hat - latent).detach()
    return Quantised(straight_through, f_hats, loss / len(tokenizer.scales)), n_dead


@torch.no_grad()
def kmeans_codebook(latents: Tensor, scales: list[int], n_codes: int) -> Tensor:
    """Codes (V, C) for latents (n, C, g, g): centres of the residuals of all scales together.

    Starting from random codes, all but a few die before the encoder has learnt anything.
    """
    rest, points = latents, []
    for side in scales:
        cells = area_resize(to_cells(rest), side)
        points.append(cells.flatten(0, 1))
        if side != scales[-1]:
            rest = rest - to_grid(bicubic_matrix(side, scales[-1]) @ cells)
    drawn = torch.cat([p[torch.randint(len(p), (_KMEANS_VECTORS_PER_SCALE,))] for p in points])
    codes = drawn[torch.randperm(len(drawn))[:n_codes]].clone()
    for _ in range(_KMEANS_STEPS):
        nearest = (codes.square().sum(1) - 2 * drawn @ codes.t()).argmin(1)
        counts = torch.bincount(nearest, minlength=n_codes)
        sums = torch.zeros_like(codes).index_add_(0, nearest, drawn)
        used = counts > 0
        codes[used] = sums[used] / counts[used, None]
    return codes
