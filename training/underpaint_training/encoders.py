"""Text encoders: how they start, and sentence vectors of many texts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer as WordPiece
from torch import Tensor, nn
from underpaint_reference.config import TextConfig
from underpaint_reference.text import EncodedText, PromptReader, TextEncoder

_INITIAL_STD = 0.02
_ROWS_AT_ONCE = 256


@torch.no_grad()
def student_of(
    source: Mapping[str, Tensor], source_folder: Path, config: TextConfig, folder: Path
) -> TextEncoder:
    """A student of the source's width, started from its pieces and evenly spaced layers.

    A piece that the source does not have starts as the mean of those that it reads instead.
    """
    student = TextEncoder(config)
    n_source = len({name.split(".")[2] for name in source if name.startswith("encoder.layer.")})
    parts_of = pieces_in(source_folder / "tokenizer.json", folder / "tokenizer.json")
    for name, value in student.state_dict().items():
        parts = name.split(".")
        if parts[:2] == ["encoder", "layer"]:
            layer_idx = (int(parts[2]) + 1) * n_source // config.num_hidden_layers - 1
            name = ".".join([*parts[:2], str(layer_idx), *parts[3:]])
        copied = source[name]
        if parts[:2] == ["embeddings", "word_embeddings"]:
            copied = torch.stack([copied[rows].mean(0) for rows in parts_of])
        value.copy_(copied[: len(value)])
    return student


def pieces_in(source: Path, own: Path) -> list[list[int]]:
    """For each piece of the vocabulary `own` the ids of what the vocabulary `source` reads."""
    theirs = WordPiece.from_file(str(source))
    vocabulary = theirs.get_vocab()
    pieces = WordPiece.from_file(str(own)).get_vocab()
    return [
        [vocabulary[piece]]
        if piece in vocabulary
        else theirs.encode(piece.removeprefix("##"), add_special_tokens=False).ids
        for piece in sorted(pieces, key=pieces.__getitem__)
    ]


@torch.no_grad()
def random_encoder(config: TextConfig) -> TextEncoder:
    """An encoder that was taught nothing, for runs that only test the chain."""
    encoder = TextEncoder(config)
    for module in encoder.modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=_INITIAL_STD)
    return encoder.eval().requires_grad_(False)


@torch.no_grad()
def encode_all(encoder: TextEncoder, read: PromptReader, texts: Sequence[str]) -> Tensor:
    """Sentence vectors of length 1: (n, text_dim)."""
    # Texts of a length together: they are padded to the longest.
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    parts = []
    for start in range(0, len(texts), _ROWS_AT_ONCE):
        chosen = order[start : start + _ROWS_AT_ONCE]
        parts.append(encoder(*read([texts[i] for i in chosen])).pooled.float())
    vectors = torch.cat(parts)
    found = torch.empty_like(vectors)
    found[torch.tensor(order)] = vectors
    return found / math.sqrt(vectors.shape[-1])


def in_fp32(text: EncodedText) -> EncodedText:
    return EncodedText(text.hidden.float(), text.mask, text.pooled.float())
