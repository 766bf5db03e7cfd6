"""A small text encoder of our own, distilled from all-MiniLM-L6-v2.

The student is a BERT of fewer layers, started from every second layer of its teacher, with the
word pieces that English captions need. It learns the teacher's sentence vectors on captions,
keywords and WordNet's lemmas and glosses, so that words which no caption has land where their
synonyms are; and its hidden states wherever both cut a text into the same pieces.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer as WordPiece
from torch import Tensor, nn
from underpaint_reference.config import Config, TextConfig
from underpaint_reference.text import EncodedText, PromptReader, TextEncoder

from . import loop
from .config import Settings
from .data.captions import COLOURS, draw_caption
from .data.pictures import Entry, Pictures
from .data.wordnet import wordnet_senses
from .devices import autocast
from .loop import Moment
from .optim import Optimisers
from .vocabulary import FOLDER, teacher_model_folder

STAGE = FOLDER
_TEACHER_CONFIG = TextConfig(24, 384, 6, 12, 1536, 30522, 512, 1e-12)
_INITIAL_STD = 0.02
_P_GLOSS, _P_SYNONYM = 0.2, 0.25  # of a batch; the rest are captions


class TextTask(loop.Task):
    """Distillation."""

    def __init__(self, settings: Settings, config: Config, pictures: Pictures) -> None:
        self.settings, self.pictures = settings.text, pictures
        folder = settings.run_dir / STAGE
        teacher_folder = teacher_model_folder(settings.data_dir)
        self.teacher, self.read_for_teacher = load_teacher(teacher_folder)
        self.read = PromptReader(folder, config.text)
        self.module = student_of(self.teacher, config.text, folder, teacher_folder)
        self.senses = wordnet_senses(settings.data_dir)[: self.settings.n_synonyms]
        self.optimisers = Optimisers(
            self.module, self.settings.schedule, lambda *_: False, weight_decay=0.01
        )

    def losses(self, moment: Moment) -> dict[str, Tensor]:
        texts = [self._draw_text(moment.rng) for _ in range(self.settings.batch_size)]
        with torch.no_grad(), autocast():
            wanted = in_fp32(self.teacher(*self.read_for_teacher(texts)))
        with autocast():
            found = in_fp32(self.module(*self.read(texts)))
        cosine = F.cosine_similarity(found.pooled, wanted.pooled).mean()
        hidden = hidden_loss(found, wanted)
        # Similarities within the batch: what retrieval compares.
        among = [F.normalize(each.pooled, dim=-1) for each in (found, wanted)]
        relations = F.mse_loss(among[0] @ among[0].t(), among[1] @ among[1].t())
        loss = (1 - cosine) + 10 * relations + hidden
        return {"loss": loss, "cosine": cosine, "hidden": hidden, "relations": relations}

    def _draw_text(self, rng: np.random.Generator) -> str:
        kind = rng.random()
        if self.senses and kind < _P_GLOSS + _P_SYNONYM:
            lemmas, gloss = self.senses[int(rng.integers(len(self.senses)))]
            return gloss if kind < _P_GLOSS else lemmas[int(rng.integers(len(lemmas)))]
        entry = self.pictures.entries[int(self.pictures.draw(rng, 1)[0])]
        return some_caption(entry, rng)


def in_fp32(text: EncodedText) -> EncodedText:
    return EncodedText(text.hidden.float(), text.mask, text.pooled.float())


def hidden_loss(found: EncodedText, wanted: EncodedText) -> Tensor:
    """Squared error of the hidden states of texts that have the same number of pieces."""
    n_tokens = found.mask.sum(1)
    same = n_tokens == wanted.mask.sum(1)
    length = min(found.hidden.shape[1], wanted.hidden.shape[1])
    mask = (found.mask[:, :length] & same[:, None])[..., None]
    squared = (found.hidden[:, :length] - wanted.hidden[:, :length]).square() * mask
    return squared.sum() / (mask.sum().clamp(min=1) * found.hidden.shape[-1])


def some_caption(entry: Entry, rng: np.random.Generator) -> str:
    """A caption with random colour words."""
    colours = [list(COLOURS)[int(rng.integers(len(COLOURS)))]] if rng.random() < 0.5 else []
    draw = random.Random(int(rng.integers(2**63)))
    return draw_caption(entry.name, entry.keywords, entry.style, colours, draw)


def load_teacher(folder: Path) -> tuple[TextEncoder, PromptReader]:
    """all-MiniLM-L6-v2 without its pooler."""
    teacher = TextEncoder(_TEACHER_CONFIG)
    weights = load_file(folder / "model.safetensors")
    weights = {name.removeprefix("bert."): value.float() for name, value in weights.items()}
    teacher.load_state_dict({name: weights[name] for name in teacher.state_dict()})
    return teacher.eval().requires_grad_(False), PromptReader(folder, _TEACHER_CONFIG)


@torch.no_grad()
def student_of(
    teacher: TextEncoder, config: TextConfig, folder: Path, teacher_folder: Path
) -> TextEncoder:
    """A student of the teacher's width, started from its pieces and evenly spaced layers."""
    student = TextEncoder(config)
    source, target = teacher.state_dict(), student.state_dict()
    n_teacher, n_student = _TEACHER_CONFIG.num_hidden_layers, config.num_hidden_layers
    vocabulary = WordPiece.from_file(str(teacher_folder / "tokenizer.json")).get_vocab()
    own = WordPiece.from_file(str(folder / "tokenizer.json")).get_vocab()
    rows = torch.tensor([vocabulary[piece] for piece in sorted(own, key=own.__getitem__)])
    for name, value in target.items():
        parts = name.split(".")
        if parts[:2] == ["encoder", "layer"]:
            layer_idx = (int(parts[2]) + 1) * n_teacher // n_student - 1
            name = ".".join([*parts[:2], str(layer_idx), *parts[3:]])
        copied = source[name]
        if parts[:2] == ["embeddings", "word_embeddings"]:
            copied = copied[rows]
        value.copy_(copied[: len(value)])
    return student


@torch.no_grad()
def random_encoder(config: TextConfig) -> TextEncoder:
    """An encoder that was taught nothing, for runs that only test the chain."""
    encoder = TextEncoder(config)
    for module in encoder.modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=_INITIAL_STD)
    return encoder.eval().requires_grad_(False)


def frozen_text(settings: Settings, config: Config) -> TextEncoder:
    """The encoder as its stage left it."""
    if not settings.text.uses_teacher:
        torch.manual_seed(settings.seed)
        return random_encoder(config.text)
    encoder = TextEncoder(config.text)
    encoder.load_state_dict(loop.averaged_weights(settings, STAGE))
    return encoder.eval().requires_grad_(False)


@torch.no_grad()
def encode_all(encoder: TextEncoder, read: PromptReader, texts: Sequence[str]) -> Tensor:
    """Sentence vectors of length 1: (n, text_dim)."""
    size = 256
    parts = [encoder(*read(texts[i : i + size])).pooled for i in range(0, len(texts), size)]
    return torch.cat(parts) / math.sqrt(parts[0].shape[-1])
