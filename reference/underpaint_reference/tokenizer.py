"""The picture tokenizer: a multi-scale residual vector-quantised autoencoder.

Pictures are premultiplied RGBA in [0, 1], (B, 4, H, W). The latent `f_hat` is (B, C, g, g).
"""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import Config, TokenizerConfig
from .grids import area_resize, bicubic_matrix, to_cells, to_grid

PICTURE_CHANNELS = 4


class Tokenizer(nn.Module):
    """Encoder, codebook with one smoothing convolution per group of scales, decoder."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config.tokenizer
        self.scales = config.scales
        channels = self.config.latent_channels
        self.encoder = encoder(self.config)
        self.decoder = decoder(self.config)
        self.codebook = nn.Embedding(self.config.codebook_size, channels)
        n_phi = max(self.config.phi_index) + 1
        self.phi = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(n_phi))

    def encode(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """picture (B, 4, H, W) → the encoder's output and the normalised latent, (B, C, g, g)."""
        raw = self.encoder(2 * picture - 1)
        return raw, self.normalise(raw)

    def normalise(self, raw: Tensor) -> Tensor:
        """The encoder's output (B, C, g, g) → the latent, whose cells have a length of √C."""
        power = raw.square().mean(1, keepdim=True)
        return raw * torch.rsqrt(power + self.config.latent_norm_eps)

    def decode(self, f_hat: Tensor) -> Tensor:
        """f_hat (B, C, g, g) → picture (B, 4, H, W), about [0, 1], not clamped."""
        return (self.decoder(f_hat) + 1) / 2

    def quantise(self, latent: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """latent (B, C, g, g) → per scale: ids (B, p²) and the `f_hat` so far (B, C, g, g)."""
        f_hat = torch.zeros_like(latent)
        ids, f_hats = [], []
        for scale_idx, side in enumerate(self.scales):
            ids.append(self.nearest(area_resize(to_cells(latent - f_hat), side)))
            f_hat = self.add_scale(f_hat, scale_idx, ids[-1])
            f_hats.append(f_hat)
        return ids, f_hats

    def nearest(self, vectors: Tensor) -> Tensor:
        """vectors (B, cells, C) → ids of the nearest codes (B, cells)."""
        codes = self.codebook.weight
        return (codes.square().sum(1) - 2 * vectors @ codes.t()).argmin(-1)

    def add_scale(self, f_hat: Tensor, scale_idx: int, ids: Tensor) -> Tensor:
        """Adds what the codes `ids` (B, p²) of one scale stand for to f_hat (B, C, g, g)."""
        side, latent_side = self.scales[scale_idx], self.scales[-1]
        codes = self.codebook(ids)
        if side != latent_side:
            codes = bicubic_matrix(side, latent_side) @ codes
        residual = to_grid(codes)
        phi = self.phi[self.config.phi_index[scale_idx]]
        return (f_hat + residual).add_(phi(residual), alpha=self.config.phi_weight)

    def f_hat_from_ids(self, ids: Tensor) -> Tensor:
        """ids (B, Σ p²), all scales in order → f_hat (B, C, g, g)."""
        latent_side = self.scales[-1]
        f_hat = torch.zeros(len(ids), self.config.latent_channels, latent_side, latent_side)
        per_scale = ids.split([side * side for side in self.scales], dim=1)
        for scale_idx, scale_ids in enumerate(per_scale):
            f_hat = self.add_scale(f_hat, scale_idx, scale_ids)
        return f_hat


def encoder(config: TokenizerConfig) -> nn.Sequential:
    """Picture in [−1, 1] (B, 4, H, W) → (B, C, g, g)."""
    outer, middle, inner = config.channels
    return nn.Sequential(
        OrderedDict(
            {
                "unshuffle": nn.PixelUnshuffle(config.patch),
                "stem": nn.Conv2d(PICTURE_CHANNELS * config.patch**2, outer, 3, padding=1),
                "stage0": _stage(block0=ResidualBlock(outer, config)),
                "down0": nn.Conv2d(outer, middle, 3, stride=2, padding=1),
                "stage1": _stage(
                    block0=ResidualBlock(middle, config), block1=ResidualBlock(middle, config)
                ),
                "down1": nn.Conv2d(middle, inner, 3, stride=2, padding=1),
                "stage2": _stage(
                    block0=ResidualBlock(inner, config),
                    attn=GridAttention(inner, config),
                    block1=ResidualBlock(inner, config),
                ),
                "norm_out": _norm(inner, config),
                "act_out": nn.SiLU(),
                "conv_out": nn.Conv2d(inner, config.latent_channels, 1),
            }
        )
    )


def decoder(config: TokenizerConfig) -> nn.Sequential:
    """f_hat (B, C, g, g) → picture in about [−1, 1] (B, 4, H, W)."""
    outer, middle, inner = config.channels
    return nn.Sequential(
        OrderedDict(
            {
                "conv_in": nn.Conv2d(config.latent_channels, inner, 3, padding=1),
                "stage0": _stage(
                    block0=ResidualBlock(inner, config),
                    attn=GridAttention(inner, config),
                    block1=ResidualBlock(inner, config),
                ),
                "up0": nn.Conv2d(inner, 4 * middle, 3, padding=1),
                "shuffle0": nn.PixelShuffle(2),
                "stage1": _stage(
                    block0=ResidualBlock(middle, config), block1=ResidualBlock(middle, config)
                ),
                "up1": nn.Conv2d(middle, 4 * outer, 3, padding=1),
                "shuffle1": nn.PixelShuffle(2),
                "stage2": _stage(
                    block0=ResidualBlock(outer, config), block1=ResidualBlock(outer, config)
                ),
                "norm_out": _norm(outer, config),
                "act_out": nn.SiLU(),
                "conv_out": nn.Conv2d(outer, PICTURE_CHANNELS * config.patch**2, 3, padding=1),
                "shuffle_out": nn.PixelShuffle(config.patch),
            }
        )
    )


class ResidualBlock(nn.Module):
    """(B, channels, h, w) → the same shape."""

    def __init__(self, channels: int, config: TokenizerConfig) -> None:
        super().__init__()
        self.norm1 = _norm(channels, config)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2 = _norm(channels, config)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.silu(self.norm1(x), inplace=True))
        return self.conv2(F.silu(self.norm2(y), inplace=True)).add_(x)


class GridAttention(nn.Module):
    """Every cell looks at every cell: (B, channels, h, w) → the same shape."""

    def __init__(self, channels: int, config: TokenizerConfig) -> None:
        super().__init__()
        self.heads = config.attention_heads
        self.norm = _norm(channels, config)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        qkv = to_cells(self.qkv(self.norm(x))).unflatten(2, (3, self.heads, -1))
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # (B, heads, h·w, head size) each
        mixed = F.scaled_dot_product_attention(query, key, value)
        return x + self.out(to_grid(mixed.transpose(1, 2).flatten(2)))


def _norm(channels: int, config: TokenizerConfig) -> nn.GroupNorm:
    groups = min(config.group_norm_groups, channels // 4)
    return nn.GroupNorm(groups, channels, config.group_norm_eps)


def _stage(**blocks: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(blocks))
