"""The scale-Markov generator: one call predicts a whole grid from the latent so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import Config
from .control import Control, ControlEncoder, ReferenceEncoder, sum_per_scale
from .grids import area_resize, position_encoding, to_cells
from .pointer import Pointer, PointerTargets
from .slots import MemoryTokens, Slots
from .text import EncodedText
from .transformer import Block, CrossContext


@dataclass(frozen=True)
class Conditions:
    """All that the scales of a request share. Rows as in the package's docstring."""

    pooled: Tensor  # (R, 1, D)
    cross: list[list[CrossContext]]  # per block, for each group of rows
    control: list[Tensor] | None  # per scale (R, p², D)
    targets: dict[int, PointerTargets]  # by grid side; empty without memory


class Generator(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        shape = config.generator
        dim, text_dim, n_scales = shape.dim, shape.text_dim, len(config.scales)
        channels, n_codes = config.tokenizer.latent_channels, config.tokenizer.codebook_size
        self.input = nn.Linear(channels, dim)
        self.start = nn.Parameter(torch.empty(dim))
        self.scale_embed = nn.Parameter(torch.empty(n_scales, dim))
        self.pos_scale = nn.Parameter(torch.empty(()))
        self.text_pool = nn.ModuleDict(
            {"fc1": nn.Linear(text_dim, dim), "fc2": nn.Linear(dim, dim)}
        )
        self.control = nn.ModuleDict(
            {kind: ControlEncoder(n, dim) for kind, n in shape.control_channels.items()}
        )
        self.reference = ReferenceEncoder(channels, dim)
        self.fusion = nn.ModuleList(nn.Linear(dim, dim) for _ in shape.fusion_layers)
        self.memory = MemoryTokens(config)
        self.blocks = nn.ModuleList(Block(shape, n_scales) for _ in range(shape.depth))
        self.norm_out = nn.RMSNorm(dim, shape.rms_norm_eps)
        self.head = nn.Linear(dim, n_codes)
        self.pointer = Pointer(config)

    def prepare(
        self,
        groups: Sequence[tuple[EncodedText, Slots | None]],
        n_pictures: int,
        controls: Sequence[tuple[str, Control]],
    ) -> Conditions:
        """Everything that does not depend on the picture so far.

        `groups` hold the text (one row) and the slots of the conditional rows, then of the null
        rows if there are any; `controls` (kind, control) belong to all rows.
        """
        contexts = [self.context(text, slots) for text, slots in groups]
        cross = [[block.cross_attn.prepare(*each) for each in contexts] for block in self.blocks]
        pool = self.text_pool
        pooled = pool["fc2"](F.silu(pool["fc1"](torch.cat([text.pooled for text, _ in groups]))))
        pooled = pooled.repeat_interleave(n_pictures, dim=0)[:, None]
        maps = [(self.control[kind](control.map), control) for kind, control in controls]
        tokens = [self.control_tokens(maps, slots) for _, slots in groups]
        control = merge_rows(tokens, n_pictures)
        return Conditions(pooled, cross, control, self.pointer_targets(groups[0][1]))

    def context(self, text: EncodedText, slots: Slots | None) -> tuple[Tensor, Tensor]:
        """Text tokens, then the slots' tokens: (1 or B, T + S·grid², text_dim) and the mask."""
        if slots is None:
            return text.hidden, text.mask
        remembered, mask = self.memory(slots)
        n_pictures = len(mask)
        hidden = text.hidden.expand(n_pictures, -1, -1)
        text_mask = text.mask.expand(n_pictures, -1)
        return torch.cat([hidden, remembered], dim=1), torch.cat([text_mask, mask], dim=1)

    def control_tokens(
        self, maps: Sequence[tuple[Tensor, Control]], slots: Slots | None
    ) -> list[Tensor] | None:
        """Encoded maps (1 or B, D, g, g) and the first slot → tokens per scale (1 or B, p², D)."""
        scales = self.config.scales
        total = sum_per_scale(maps, len(scales))
        if slots is not None and slots.reference_strength != 0:
            reference = self.reference_tokens(slots)
            total = [reference + tokens for tokens in total] if total else [reference] * len(scales)
        if total is None:
            return None
        return [area_resize(to_cells(tokens), side) for tokens, side in zip(total, scales)]

    def reference_tokens(self, slots: Slots) -> Tensor:
        """Tokens of the first slot, zero where it is empty: (B, D, g, g)."""
        strength = slots.reference_strength * slots.mask[:, 0, None, None, None].float()
        return self.reference(slots.f_hat[:, 0]) * strength

    def pointer_targets(self, slots: Slots | None) -> dict[int, PointerTargets]:
        if slots is None:
            return {}
        n_used = int(slots.mask.any(0).nonzero().max()) + 1
        latents = slots.f_hat[:, :n_used].flatten(3).transpose(2, 3)  # (B, S, g², C)
        mask = slots.mask[:, :n_used]
        sides = {self.pointer_side(side) for side in self.config.scales}
        return {side: self.pointer.prepare(latents, mask, side) for side in sides}

    def pointer_side(self, side: int) -> int:
        """Side of the grid into which a scale points."""
        memory = self.config.memory
        return self.config.latent_size if side > memory.fine_pointer_above else memory.grid

    def forward(self, scale_idx: int, f_hat: Tensor, conditions: Conditions) -> Tensor:
        """f_hat (R, C, g, g) → what the codes are scored by (R, p², D + C + 1), see `logits`."""
        side = self.config.scales[scale_idx]
        latent = area_resize(to_cells(f_hat), side)
        y = self.trunk(scale_idx, latent, conditions)
        targets = conditions.targets.get(self.pointer_side(side))
        residual, sharpness = self.pointer(y, scale_idx, latent, targets)
        return torch.cat([y, sharpness * residual, sharpness], dim=-1)

    def trunk(self, scale_idx: int, latent: Tensor, conditions: Conditions) -> Tensor:
        """latent at this scale (R, p², C) → hidden states after the last norm (R, p², D)."""
        shape, side = self.config.generator, self.config.scales[scale_idx]
        positions = position_encoding(side, shape.dim, float(shape.position_max_frequency))
        x = self.start if scale_idx == 0 else self.input(latent)
        x = x + (self.scale_embed[scale_idx] + self.pos_scale * positions) + conditions.pooled
        control = None if conditions.control is None else conditions.control[scale_idx]
        for layer_idx, (block, cross) in enumerate(zip(self.blocks, conditions.cross)):
            if layer_idx in shape.fusion_layers:
                fusion = self.fusion[shape.fusion_layers.index(layer_idx)]
                x = x + (fusion.bias if control is None else fusion(control))
            x = block(x, scale_idx, cross)
        return self.norm_out(x)

    def scoring(self, codebook: Tensor) -> tuple[Tensor, Tensor]:
        """codebook (V, C) → weight (V, D + C + 1) and bias (V,) of `logits`; compute once."""
        squared = codebook.square().sum(1, keepdim=True)
        return torch.cat([self.head.weight, 2 * codebook, -squared], dim=1), self.head.bias


def merge_rows(groups: Sequence[list[Tensor] | None], n_pictures: int) -> list[Tensor] | None:
    """Control tokens of each group, per scale (1 or B, p², D) → of all rows, (R, p², D).

    A group may have none; None if none has any.
    """
    found = next((tokens for tokens in groups if tokens is not None), None)
    if found is None:
        return None
    filled = [[torch.zeros_like(t) for t in found] if g is None else g for g in groups]
    return [torch.cat([t.expand(n_pictures, -1, -1) for t in rows]) for rows in zip(*filled)]


def logits(features: Tensor, scoring: tuple[Tensor, Tensor]) -> Tensor:
    """features (…, D + C + 1) → logits (…, V).

    The head's W·y + b plus the pointer's s·(2 r·e − |e|²), as one product with [W, 2e, −|e|²].
    """
    return F.linear(features, *scoring)


def guide(features: Tensor, weight: float) -> Tensor:
    """features (2B, …), conditional rows then null rows → (B, …).

    The guided logits are u + (1 + w)(c − u). Logits are affine in the features and the weights
    sum to one, so mixing features gives the same and needs one product instead of two.
    """
    conditional, null = features.chunk(2)
    return torch.lerp(null, conditional, 1 + weight)
