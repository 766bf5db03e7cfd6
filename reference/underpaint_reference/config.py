"""Dimensions of a model, read from its `config.json`. No other file holds a dimension."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints


@dataclass(frozen=True)
class TokenizerConfig:
    """The multi-scale residual autoencoder."""

    latent_channels: int
    codebook_size: int
    channels: list[int]  # width of the three stages, from the picture's side to the latent's
    patch: int  # pixels per side of one cell of the outermost stage
    group_norm_groups: int
    group_norm_eps: float
    attention_heads: int
    phi_index: list[int]  # which `phi` convolution smooths each scale
    phi_weight: float
    latent_norm_eps: float


@dataclass(frozen=True)
class GeneratorConfig:
    """The scale-Markov transformer."""

    dim: int
    depth: int
    heads: int
    text_dim: int
    ffn_dim: int
    rms_norm_eps: float
    position_max_frequency: float
    fusion_layers: list[int]  # blocks before which the control tokens are added
    control_channels: dict[str, int]


@dataclass(frozen=True)
class MemoryConfig:
    """The picture memory and the pointer head."""

    slots: int
    grid: int  # side to which a remembered latent is pooled for attention
    pointer_dim: int
    fine_pointer_above: int  # scales with a side above this point into the full latent grid
    candidates: int  # best matches among which the slots are drawn
    draw_temperature: float


@dataclass(frozen=True)
class TextConfig:
    """The BERT text encoder."""

    max_tokens: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    layer_norm_eps: float


@dataclass(frozen=True)
class SamplingConfig:
    """How codes are drawn; these are the settings that look best on the model."""

    guidance: float = 4.0
    temperature: float = 0.5
    top_k: int = 300  # 0 keeps all
    top_p: float = 1.0  # 1 keeps all


@dataclass(frozen=True)
class Config:
    name: str
    image_size: int
    scales: list[int]  # side of each token grid, coarse to fine; the last is the latent's
    tokenizer: TokenizerConfig
    generator: GeneratorConfig
    memory: MemoryConfig
    text: TextConfig
    sampling: SamplingConfig

    @staticmethod
    def load(directory: Path) -> Config:
        """Reads `config.json`. Raises `SystemExit` naming the file or field that is missing."""
        path = directory / "config.json"
        if not path.is_file():
            raise SystemExit(f"No config.json in {directory}; give the folder of a model.")
        return _read(Config, json.loads(path.read_text(encoding="utf-8")), path.name)

    @property
    def latent_size(self) -> int:
        """Side of the latent grid."""
        return self.scales[-1]


def _read(kind: type, values: dict[str, Any], where: str) -> Any:
    """Builds a dataclass from a JSON object; fields that it does not know are left alone."""
    types = get_type_hints(kind)
    found = {}
    for field in fields(kind):
        if field.name not in values:
            if kind is SamplingConfig:
                continue
            raise SystemExit(f"{where} has no field {field.name}.")
        value = values[field.name]
        nested = types[field.name]
        is_nested = isinstance(nested, type) and is_dataclass(nested)
        found[field.name] = _read(nested, value, field.name) if is_nested else value
    return kind(**found)
