"""The pointer head: where in the remembered latents should a cell copy from, and how surely?"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import Config
from .grids import area_resize, cell_centres

ABSENT = -1e4  # added to the scores of absent slots


@dataclass(frozen=True)
class PointerTargets:
    """What the pointer looks up, on one grid; depends on the request only. A = S·G² cells."""

    key: Tensor  # (B, A, pointer_dim + 2): the key of the latent, then the cell's centre
    squared: Tensor  # (A,): |centre|²
    bias: Tensor  # (B, 1, A): slot bias, or `ABSENT`
    value: Tensor  # (B, A, C)


class Pointer(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        dim, size = config.generator.dim, config.memory.pointer_dim
        channels, n_scales = config.tokenizer.latent_channels, len(config.scales)
        self.query = nn.Linear(dim, size)
        self.key = nn.Linear(channels, size, bias=False)
        self.offset = nn.Linear(dim, 2)
        self.gates = nn.Linear(dim, 2)
        self.correction = nn.Linear(dim, channels)
        self.slot_bias = nn.Parameter(torch.empty(config.memory.slots))
        self.log_beta = nn.Parameter(torch.empty(n_scales))
        self.gate_bias = nn.Parameter(torch.empty(n_scales, 2))

    def prepare(self, latents: Tensor, mask: Tensor, grid: int) -> PointerTargets:
        """latents (B, S, g², C), mask (B, S) bool → what is looked up on a grid of side `grid`."""
        n_slots = latents.shape[1]
        value = area_resize(latents, grid).flatten(1, 2)
        # Measured from the middle: smaller squares cancel with less error.
        centre = (cell_centres(grid) - 0.5).repeat(n_slots, 1)  # (A, 2)
        key = torch.cat([self.key(value), centre.expand(len(value), -1, -1)], dim=-1)
        slot_bias = self.slot_bias[:n_slots].masked_fill(~mask, ABSENT)
        bias = slot_bias.repeat_interleave(grid * grid, dim=1)[:, None]
        return PointerTargets(key, centre.square().sum(-1), bias, value)

    def look_up(self, y: Tensor, scale_idx: int, side: int, targets: PointerTargets) -> Tensor:
        """y (B, p², D) → what to copy, t (B, p², C).

        Of −β|q − c|² = −β|q|² + 2β q·c − β|c|² the first term is the same for all cells, so the
        softmax ignores it, and the second joins the product of queries and keys.
        """
        beta = self.log_beta[scale_idx].exp()
        place = cell_centres(side) - 0.5 + self.offset(y)
        query = torch.cat([self.query(y) * self.query.out_features**-0.5, 2 * beta * place], dim=-1)
        bias = targets.bias - beta * targets.squared
        scores = torch.baddbmm(bias, query, targets.key.transpose(1, 2))  # (B, p², A)
        return scores.softmax(-1) @ targets.value

    def forward(
        self, y: Tensor, scale_idx: int, f_hat: Tensor, targets: PointerTargets | None
    ) -> tuple[Tensor, Tensor]:
        """y (R, p², D), f_hat at this scale (R, p², C) → residual (R, p², C), sharpness (R, p², 1).

        `targets` belong to the first rows; the others have no memory.
        """
        residual = self.correction(y)
        gates = self.gates(y) + self.gate_bias[scale_idx]
        if targets is not None:
            n = len(targets.value)
            side = round(y.shape[1] ** 0.5)
            found = self.look_up(y[:n], scale_idx, side, targets) - f_hat[:n]
            residual[:n] += torch.sigmoid(gates[:n, :, 1:] + 1) * found
        return residual, F.softplus(gates[..., :1] - 0.5)
