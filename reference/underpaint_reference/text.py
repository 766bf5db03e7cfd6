"""Prompts to vectors: WordPiece and a BERT encoder without pooler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer as WordPiece
from torch import Tensor, nn

from .config import TextConfig


@dataclass(frozen=True)
class EncodedText:
    """Prompts as the generator reads them."""

    hidden: Tensor  # (B, T, text_dim)
    mask: Tensor  # (B, T) bool, true where a token is
    pooled: Tensor  # (B, text_dim), of length √text_dim


class PromptReader:
    """Splits prompts into token ids, `[CLS] … [SEP]`, cut after `max_tokens`."""

    def __init__(self, directory: Path, config: TextConfig) -> None:
        path = directory / "tokenizer.json"
        if not path.is_file():
            raise SystemExit(f"No tokenizer.json in {directory}; give the folder of a model.")
        self.word_piece = WordPiece.from_file(str(path))
        self.word_piece.enable_truncation(config.max_tokens)

    def __call__(self, prompts: Sequence[str], length: int | None = None) -> tuple[Tensor, Tensor]:
        """B prompts → ids (B, T) int64 and mask (B, T) bool; T is `length` or the longest."""
        self.word_piece.enable_padding(length=length)
        encodings = self.word_piece.encode_batch(list(prompts))
        ids = torch.tensor([encoding.ids for encoding in encodings])
        return ids, torch.tensor([encoding.attention_mask for encoding in encodings]).bool()


class TextEncoder(nn.Module):
    """BERT; parameters are named as in Hugging Face's checkpoints."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": nn.Embedding(config.vocab_size, width),
                "position_embeddings": nn.Embedding(config.max_position_embeddings, width),
                "token_type_embeddings": nn.Embedding(2, width),
                "LayerNorm": nn.LayerNorm(width, eps),
            }
        )
        layers = [TextLayer(config) for _ in range(config.num_hidden_layers)]
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(layers)})

    def forward(self, ids: Tensor, mask: Tensor) -> EncodedText:
        """ids (B, T) int64, mask (B, T) bool."""
        part = self.embeddings
        x = part["word_embeddings"](ids) + part["token_type_embeddings"].weight[0]
        x = part["LayerNorm"](x + part["position_embeddings"].weight[: ids.shape[1]])
        for layer in self.encoder["layer"]:
            x = layer(x, mask[:, None, None])
        weights = mask[..., None].float()
        mean = (x * weights).sum(1) / weights.sum(1)
        return EncodedText(x, mask, F.normalize(mean, dim=-1) * x.shape[-1] ** 0.5)


class TextLayer(nn.Module):
    """Attention over the prompt and a feed-forward net, each normalised after its residual."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        width, inner, eps = config.hidden_size, config.intermediate_size, config.layer_norm_eps
        self.heads = config.num_attention_heads

        def closing(n_in: int) -> nn.ModuleDict:
            return nn.ModuleDict(
                {"dense": nn.Linear(n_in, width), "LayerNorm": nn.LayerNorm(width, eps)}
            )

        projections = {name: nn.Linear(width, width) for name in ("query", "key", "value")}
        self.attention = nn.ModuleDict(
            {"self": nn.ModuleDict(projections), "output": closing(width)}
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, inner)})
        self.output = closing(inner)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, text_dim), mask (B, 1, 1, T) → (B, T, text_dim)."""
        project, close = self.attention["self"], self.attention["output"]
        query, key, value = (
            project[name](x).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, N, T, head)
            for name in ("query", "key", "value")
        )
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        mixed = mixed.transpose(1, 2).flatten(2)
        x = close["LayerNorm"](x + close["dense"](mixed))
        inner = F.gelu(self.intermediate["dense"](x))
        return self.output["LayerNorm"](x + self.output["dense"](inner))
