"""One block of the generator: attention inside a scale, attention to the context, feed-forward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import GeneratorConfig


@dataclass(frozen=True)
class CrossContext:
    """What the cross attention of one block reads, for B rows that share their prompt.

    Depends on the request only.
    """

    key: Tensor  # (1 or B, N, L, head), normalised
    value: Tensor  # (1 or B, N, L, head)
    mask: Tensor | None  # (1 or B, 1, 1, L) bool, true where present; None if all are


class Block(nn.Module):
    def __init__(self, config: GeneratorConfig, n_scales: int) -> None:
        super().__init__()
        dim, eps = config.dim, config.rms_norm_eps
        # Rows: shift 1, scale 1, gate 1, shift 2, scale 2, gate 2.
        self.modulation = nn.Parameter(torch.empty(n_scales, 6, dim))
        self.norm1, self.norm2, self.norm3 = (nn.RMSNorm(dim, eps) for _ in range(3))
        self.self_attn = SelfAttention(config)
        self.cross_attn = CrossAttention(config)
        self.ffn = FeedForward(config)

    def forward(self, x: Tensor, scale_idx: int, contexts: Sequence[CrossContext]) -> Tensor:
        """x (R, p², D) → (R, p², D)."""
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation[scale_idx]
        y = torch.addcmul(shift1, self.norm1(x), 1 + scale1)
        x = torch.addcmul(x, self.self_attn(y), 1 + gate1)
        x = x + self.cross_attn(self.norm2(x), contexts)
        y = torch.addcmul(shift2, self.norm3(x), 1 + scale2)
        return torch.addcmul(x, self.ffn(y), 1 + gate2)


class SelfAttention(nn.Module):
    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.heads, head_size = config.heads, config.dim // config.heads
        self.qkv = nn.Linear(config.dim, 3 * config.dim, bias=False)
        self.q_norm = nn.RMSNorm(head_size, config.rms_norm_eps)
        self.k_norm = nn.RMSNorm(head_size, config.rms_norm_eps)
        self.out = nn.Linear(config.dim, config.dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x (R, p², D) → (R, p², D), over the tokens of this scale."""
        qkv = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        query, key, value = qkv  # (R, N, p², head) each
        mixed = F.scaled_dot_product_attention(self.q_norm(query), self.k_norm(key), value)
        return self.out(mixed.transpose(1, 2).flatten(2))


class CrossAttention(nn.Module):
    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.heads, head_size = config.heads, config.dim // config.heads
        self.q = nn.Linear(config.dim, config.dim, bias=False)
        self.kv = nn.Linear(config.text_dim, 2 * config.dim, bias=False)
        self.q_norm = nn.RMSNorm(head_size, config.rms_norm_eps)
        self.k_norm = nn.RMSNorm(head_size, config.rms_norm_eps)
        self.out = nn.Linear(config.dim, config.dim, bias=False)

    def prepare(self, context: Tensor, mask: Tensor) -> CrossContext:
        """context (1 or B, L, text_dim), mask (1 or B, L) bool → what all scales read."""
        kv = self.kv(context).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        key, value = self.k_norm(kv[0]), kv[1].contiguous()
        return CrossContext(key, value, None if mask.all() else mask[:, None, None])

    def forward(self, x: Tensor, contexts: Sequence[CrossContext]) -> Tensor:
        """x (R, p², D) → (R, p², D); the rows are split evenly over the contexts, in order."""
        query = self.q_norm(self.q(x).unflatten(-1, (self.heads, -1)).transpose(1, 2))
        mixed = []
        for rows, context in zip(query.chunk(len(contexts)), contexts):
            key, value = (
                part.expand(len(rows), -1, -1, -1) for part in (context.key, context.value)
            )
            mixed.append(F.scaled_dot_product_attention(rows, key, value, context.mask))
        return self.out(torch.cat(mixed).transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.gate_up = nn.Linear(config.dim, 2 * config.ffn_dim, bias=False)
        self.down = nn.Linear(config.ffn_dim, config.dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x (R, p², D) → (R, p², D)."""
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        return self.down(F.silu(gate) * up)
