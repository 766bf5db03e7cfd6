"""Control maps to one token per cell of the latent grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PATCH = 8  # pixels per side that the encoder reads as one cell
INNER_CHANNELS = 128


@dataclass(frozen=True)
class Control:
    """A map and how strongly it is followed."""

    map: Tensor  # (1 or B, channels of the kind, H, W) in [0, 1]
    strength: float | Sequence[float] | Tensor = 1.0  # one, one per scale, or painted (g, g)

    def strength_at(self, scale_idx: int) -> float | Tensor:
        """A factor for tokens (…, g, g)."""
        if isinstance(self.strength, (int, float, Tensor)):
            return self.strength
        return self.strength[scale_idx]


class ControlEncoder(nn.Module):
    """Map of one kind (B, channels, H, W) → tokens (B, D, g, g)."""

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(channels * PATCH**2, INNER_CHANNELS, 3, padding=1)
        self.conv1 = nn.Conv2d(INNER_CHANNELS, INNER_CHANNELS, 3, padding=1)
        self.conv2 = nn.Conv2d(INNER_CHANNELS, dim, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(dim, dim, 3, padding=1)

    def forward(self, control_map: Tensor) -> Tensor:
        x = F.silu(self.conv0(F.pixel_unshuffle(control_map, PATCH)))
        x = x + F.silu(self.conv1(x))
        x = F.silu(self.conv2(x))
        return x + self.conv3(x)


class ReferenceEncoder(nn.Module):
    """Latent of the first slot (B, C, g, g) → tokens (B, D, g, g)."""

    def __init__(self, latent_channels: int, dim: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(latent_channels, dim, 3, padding=1)
        self.conv1 = nn.Conv2d(dim, dim, 3, padding=1)

    def forward(self, f_hat: Tensor) -> Tensor:
        return self.conv1(F.silu(self.conv0(f_hat)))


def sum_per_scale(parts: Sequence[tuple[Tensor, Control]], n_scales: int) -> list[Tensor] | None:
    """Encoded maps with their controls → Σ strength · tokens for each scale, (B, D, g, g).

    None if there is no control: nothing is added then.
    """
    if not parts:
        return None
    return [
        torch.stack([tokens * control.strength_at(k) for tokens, control in parts]).sum(0)
        for k in range(n_scales)
    ]
