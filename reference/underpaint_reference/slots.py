"""Remembered pictures as the generator sees them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .config import Config
from .grids import area_resize, position_encoding


@dataclass(frozen=True)
class Slots:
    """The remembered pictures of B pictures."""

    f_hat: Tensor  # (B, S, C, g, g)
    mask: Tensor  # (B, S) bool, true where a slot is taken
    reference_strength: float = 1.0


class MemoryTokens(nn.Module):
    """Remembered latents as context tokens."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        text_dim = config.generator.text_dim
        self.grid = config.memory.grid
        self.max_frequency = float(config.generator.position_max_frequency)
        self.input = nn.Linear(config.tokenizer.latent_channels, text_dim)
        self.pos_scale = nn.Parameter(torch.empty(()))
        self.slot_embed = nn.Parameter(torch.empty(config.memory.slots, text_dim))

    def forward(self, slots: Slots) -> tuple[Tensor, Tensor]:
        """→ tokens (B, S·grid², text_dim), slot after slot, and their mask (B, S·grid²)."""
        latents = area_resize(slots.f_hat.flatten(3).transpose(2, 3), self.grid)
        positions = position_encoding(self.grid, self.slot_embed.shape[1], self.max_frequency)
        n_slots = slots.mask.shape[1]
        tokens = self.input(latents) + self.pos_scale * positions + self.slot_embed[:n_slots, None]
        return tokens.flatten(1, 2), slots.mask.repeat_interleave(self.grid**2, dim=1)
