"""The generator over several scales in one pass, as training needs it.

The reference computes scale after scale, with fused attention: right for painting. Training has
the inputs of all scales at once (the model is Markov over scales), so their tokens share each
matrix product; only attention is split. It is written as products and softmax, since the backward
pass of the fused kernel is slow for such small grids. A test holds both to the same logits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from underpaint_reference import grids
from underpaint_reference.generator import Generator
from underpaint_reference.grids import to_cells
from underpaint_reference.pointer import ABSENT, Pointer
from underpaint_reference.text import EncodedText
from underpaint_reference.transformer import Block, CrossAttention, SelfAttention

from .controls import REFERENCE, ControlBatch

_MASKED = -1e4

# What depends on grid sizes alone is a constant of the compiled graph, not computed in it.
area_matrix = torch.compiler.assume_constant_result(lambda *sides: grids.area_matrix(*sides))
cell_centres = torch.compiler.assume_constant_result(lambda side: grids.cell_centres(side))
position_encoding = torch.compiler.assume_constant_result(
    lambda *shape: grids.position_encoding(*shape)
)


@dataclass(frozen=True)
class Remembered:
    """The memory slots of a batch."""

    latents: Tensor  # (B, S, C, g, g)
    mask: Tensor  # (B, S) bool

    def rows(self, n: int) -> Remembered:
        return Remembered(self.latents[:n], self.mask[:n])

    def to(self, device: torch.device) -> Remembered:
        return Remembered(self.latents.to(device), self.mask.to(device))


@dataclass(frozen=True)
class Conditions:
    """What the scales of a batch share."""

    text: EncodedText
    control: Tensor  # (B, g², D), as `control_tokens` makes them
    remembered: Remembered

    def rows(self, n: int) -> Conditions:
        """The first n pictures."""
        text = EncodedText(self.text.hidden[:n], self.text.mask[:n], self.text.pooled[:n])
        return Conditions(text, self.control[:n], self.remembered.rows(n))


class ScalesModel(nn.Module):
    """A generator and the codebook that its pointer head scores against."""

    codebook: Tensor  # (V, C)

    def __init__(self, generator: Generator, codebook: Tensor) -> None:
        super().__init__()
        self.generator = generator
        self.register_buffer("codebook", codebook.detach().clone(), persistent=False)

    def forward(
        self, scale_idxs: Sequence[int], inputs: Sequence[Tensor], conditions: Conditions
    ) -> list[Tensor]:
        """Inputs (B, p², C) of some scales → logits (B, p², V) of each, in fp32."""
        generator, remembered = self.generator, conditions.remembered
        y = trunk(generator, scale_idxs, inputs, conditions)
        per_scale = y.split([cells.shape[1] for cells in inputs], dim=1)
        codes, squared = self.codebook, self.codebook.square().sum(1)
        logits = []
        for scale_idx, cells, hidden in zip(scale_idxs, inputs, per_scale):
            residual, sharpness = point(generator, scale_idx, hidden, cells, remembered)
            score = 2 * (residual @ codes.t()).float() - squared
            logits.append(generator.head(hidden).float() + sharpness * score)
        return logits


def trunk(
    generator: Generator,
    scale_idxs: Sequence[int],
    inputs: Sequence[Tensor],
    conditions: Conditions,
) -> Tensor:
    """→ hidden states of all scales in a row (B, Σ p², D)."""
    config, shape = generator.config, generator.config.generator
    text, remembered = conditions.text, conditions.remembered
    pool = generator.text_pool
    pooled = pool["fc2"](F.silu(pool["fc1"](text.pooled)))[:, None]
    context, mask = context_of(generator, text, remembered)
    xs, fused, scale_of = [], [], []
    for scale_idx, cells in zip(scale_idxs, inputs):
        side = config.scales[scale_idx]
        positions = position_encoding(side, shape.dim, float(shape.position_max_frequency))
        x = generator.start.expand(len(cells), 1, -1) if scale_idx == 0 else generator.input(cells)
        place = generator.scale_embed[scale_idx] + generator.pos_scale * positions
        xs.append((x + place + pooled).to(pooled.dtype))
        fused.append(area_resize(conditions.control, side).to(pooled.dtype))
        scale_of += [scale_idx] * side**2
    x, control = torch.cat(xs, dim=1), torch.cat(fused, dim=1)
    sizes = [cells.shape[1] for cells in inputs]
    for layer_idx, block in enumerate(generator.blocks):
        if layer_idx in shape.fusion_layers:
            x = x + generator.fusion[shape.fusion_layers.index(layer_idx)](control)
        x = run_block(block, x, scale_of, sizes, context, mask)
    return rms(generator.norm_out, x)


def run_block(
    block: Block,
    x: Tensor,
    scale_of: Sequence[int],
    sizes: Sequence[int],
    context: Tensor,
    mask: Tensor,
) -> Tensor:
    """x (B, Σ p², D) → the same shape; `scale_of` gives the scale of each token."""
    modulation = block.modulation.to(x.dtype)[list(scale_of)]  # (Σ p², 6, D)
    shift1, scale1, gate1, shift2, scale2, gate2 = modulation.unbind(1)
    y = rms(block.norm1, x) * (1 + scale1) + shift1
    x = x + self_attention(block.self_attn, y, sizes) * (1 + gate1)
    x = x + cross_attention(block.cross_attn, rms(block.norm2, x), context, mask)
    y = rms(block.norm3, x) * (1 + scale2) + shift2
    return x + block.ffn(y) * (1 + gate2)


def self_attention(layer: SelfAttention, x: Tensor, sizes: Sequence[int]) -> Tensor:
    qkv = layer.qkv(x).unflatten(-1, (3, layer.heads, -1)).permute(2, 0, 3, 1, 4)
    query, key, value = qkv.unbind(0)  # (B, N, Σ p², head) each
    query, key = rms(layer.q_norm, query), rms(layer.k_norm, key)
    parts = zip(*(each.split(list(sizes), dim=2) for each in (query, key, value)))
    mixed = torch.cat([attend(*part) for part in parts], dim=2)
    return layer.out(mixed.transpose(1, 2).flatten(2))


def cross_attention(layer: CrossAttention, x: Tensor, context: Tensor, mask: Tensor) -> Tensor:
    """context (B, L, text_dim), mask (B, L) bool."""
    query = rms(layer.q_norm, layer.q(x).unflatten(-1, (layer.heads, -1)).transpose(1, 2))
    kv = layer.kv(context).unflatten(-1, (2, layer.heads, -1)).permute(2, 0, 3, 1, 4)
    key, value = rms(layer.k_norm, kv[0]), kv[1]
    mixed = attend(query, key, value, mask[:, None, None])
    return layer.out(mixed.transpose(1, 2).flatten(2))


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    if mask is not None:
        scores = scores.masked_fill(~mask, _MASKED)
    return scores.softmax(-1).to(value.dtype) @ value


def area_resize(cells: Tensor, target: int) -> Tensor:
    """As the reference's: (…, source², channels) → (…, target², channels)."""
    source = math.isqrt(cells.shape[-2])
    return cells if source == target else area_matrix(source, target).to(cells.dtype) @ cells


def rms(norm: nn.RMSNorm, x: Tensor) -> Tensor:
    """The norm with its weight in the type of x."""
    return F.rms_norm(x, norm.normalized_shape, norm.weight.to(x.dtype), norm.eps)


def context_of(
    generator: Generator, text: EncodedText, remembered: Remembered
) -> tuple[Tensor, Tensor]:
    """Text tokens, then the slots' tokens: (B, T + S·grid², text_dim), and the mask."""
    memory = generator.memory
    latents = area_resize(remembered.latents.flatten(3).transpose(2, 3), memory.grid)
    width = memory.slot_embed.shape[1]
    positions = position_encoding(memory.grid, width, memory.max_frequency)
    tokens = memory.input(latents) + memory.pos_scale * positions + memory.slot_embed[:, None]
    context = torch.cat([text.hidden, tokens.flatten(1, 2).to(text.hidden.dtype)], dim=1)
    slots_mask = remembered.mask.repeat_interleave(memory.grid**2, dim=1)
    return context, torch.cat([text.mask, slots_mask], dim=1)


def control_tokens(generator: Generator, controls: ControlBatch, remembered: Remembered) -> Tensor:
    """Σ strength · tokens of the maps and of the first slot: (B, g², D), in fp32.

    An encoder sees only the pictures that use its kind: most have no depth, a third no lines.
    """
    config = generator.config
    side, n_pictures = config.latent_size, len(remembered.mask)
    total = remembered.latents.new_zeros(n_pictures, config.generator.dim, side, side)
    first_slots = remembered.latents[:, 0]
    parts = [(generator.control[kind], maps, kind) for kind, maps in controls.maps.items()]
    for encoder, values, kind in [*parts, (generator.reference, first_slots, REFERENCE)]:
        rows = np.flatnonzero(controls.strengths[kind])
        if len(rows):
            chosen = torch.tensor(rows)
            strengths = torch.tensor(controls.strengths[kind][rows])
            tokens = encoder(values[chosen]).float() * strengths[:, None, None, None]
            total = total.index_add(0, chosen, tokens)
    return to_cells(total)


def point(
    generator: Generator, scale_idx: int, y: Tensor, cells: Tensor, remembered: Remembered
) -> tuple[Tensor, Tensor]:
    """The pointer head: residual (B, p², C) and sharpness (B, p², 1), as in `Pointer.forward`."""
    pointer, side = generator.pointer, generator.config.scales[scale_idx]
    grid = generator.pointer_side(side)
    value = area_resize(remembered.latents.flatten(3).transpose(2, 3), grid).flatten(1, 2)
    scores = (pointer.query(y) @ pointer.key(value).transpose(1, 2)).float()
    scores = scores * pointer.query.out_features**-0.5
    scores = scores - squared_distances(pointer, scale_idx, y, side, grid, remembered.mask.shape[1])
    absent = torch.zeros_like(remembered.mask, dtype=torch.float32).masked_fill(
        ~remembered.mask, ABSENT
    )
    bias = (pointer.slot_bias + absent).repeat_interleave(grid * grid, dim=1)
    target = (scores + bias[:, None]).softmax(-1).to(value.dtype) @ value
    gates = pointer.gates(y).float() + pointer.gate_bias[scale_idx]
    has_any = remembered.mask.any(1).float()[:, None, None]
    residual = torch.sigmoid(gates[..., 1:] + 1) * (target.float() - cells.float()) * has_any
    residual = residual + pointer.correction(y).float()
    return residual, F.softplus(gates[..., :1] - 0.5)


def squared_distances(
    pointer: Pointer, scale_idx: int, y: Tensor, side: int, grid: int, n_slots: int
) -> Tensor:
    """β|cell + offset − c|² less the term that is the same for all c: (B, p², S·grid²)."""
    place = cell_centres(side) - 0.5 + pointer.offset(y).float()
    centres = (cell_centres(grid) - 0.5).repeat(n_slots, 1)
    beta = pointer.log_beta[scale_idx].exp()
    return beta * (centres.square().sum(-1) - 2 * place @ centres.t())
