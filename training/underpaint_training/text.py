"""A small text encoder of our own, distilled from all-MiniLM-L6-v2.

The student is a BERT of fewer layers, started from every second layer of its teacher, with the
word pieces that English captions need. It learns the teacher's hidden states of captions wherever
both cut a text into the same pieces, and sentence vectors that are the teacher's but for three
things that retrieval needs: a style is a direction of its own and as strong whatever the picture
shows, two things joined are halfway between them, and words that no caption has are beside those
that mean the same (`synonyms`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from underpaint_reference.config import Config
from underpaint_reference.text import EncodedText, PromptReader, TextEncoder

from . import loop
from .config import Settings
from .data import wordnet
from .data.pictures import Pictures
from .devices import autocast
from .encoders import in_fp32, random_encoder, student_of
from .initialise import weights_of
from .loop import Moment
from .optim import Optimisers
from .synonyms import draw_weights, unseen_words
from .teacher import (
    are_pieces,
    load_teacher,
    picture_names,
    sentence_vectors,
    vectors_of,
)
from .vocabulary import FOLDER, teacher_model_folder
from .wordings import Wording, Wordings, known_phrases

log = logging.getLogger(__name__)

STAGE = FOLDER
WORDS = "words"  # the stage after it
_STYLE_STRENGTH = 0.5  # beside a description of 1
_RELATIONS_WEIGHT = 10


class TextTask(loop.Task):
    """Distillation."""

    def __init__(self, settings: Settings, config: Config, pictures: Pictures) -> None:
        self.settings = settings.text
        folder = settings.run_dir / STAGE
        teacher_folder = teacher_model_folder(settings.data_dir)
        self.teacher, self.read_for_teacher = load_teacher(teacher_folder)
        self.read = PromptReader(folder, config.text)
        if self.settings.warm_start:
            source = Path(self.settings.warm_start)
            self.module = student_of(weights_of(source, "text"), source, config.text, folder)
        else:
            state = self.teacher.state_dict()
            self.module = student_of(state, teacher_folder, config.text, folder)
        net = wordnet.load(settings.data_dir)
        words = unseen_words(net, known_phrases(pictures))
        self.word_vectors = vectors_of(
            words, picture_names(settings, pictures, net), self.teacher, self.read_for_teacher
        )
        is_piece = are_pieces(self.read, words)
        log.info("text: %d words that no caption has, %d are pieces", len(words), sum(is_piece))
        self.wordings = Wordings(pictures, net, words, draw_weights(words, is_piece))
        styles = self.wordings.styles
        directions = style_directions(self._taught([f"{style} style" for style in styles]))
        self.style_of = dict(zip(styles, directions))
        self.optimisers = Optimisers(
            self.module, self.settings.schedule, lambda *_: False, weight_decay=0.01
        )

    def losses(self, moment: Moment) -> dict[str, Tensor]:
        drawn, n_long = self.wordings.draw(moment.rng, self.settings.batch_size)
        texts, wanted = [each.text for each in drawn], self._wanted(drawn)
        with torch.no_grad(), autocast():
            taught = in_fp32(self.teacher(*self.read_for_teacher(texts[:n_long])))
        with autocast():
            long = in_fp32(self.module(*self.read(texts[:n_long])))
            # Words apart: they are short, and all would be padded to the longest.
            short = in_fp32(self.module(*self.read(texts[n_long:])))
        hidden = hidden_loss(long, taught)
        unit = F.normalize(torch.cat([long.pooled, short.pooled]), dim=1)
        cosine = (unit * wanted).sum(1)
        # Similarities within the batch: what retrieval compares.
        relations = F.mse_loss(unit @ unit.t(), wanted @ wanted.t())
        loss = (1 - cosine.mean()) + _RELATIONS_WEIGHT * relations + hidden
        is_word = torch.tensor([each.word is not None for each in drawn])
        measures = {"captions": cosine[:n_long].mean(), "words": cosine[is_word].mean()}
        return {"loss": loss, "hidden": hidden, "relations": relations} | measures

    def _wanted(self, drawn: Sequence[Wording]) -> Tensor:
        """(n, text_dim) of length 1."""
        parts = list(dict.fromkeys(part for each in drawn for part in each.parts))
        row_of, taught = {part: row for row, part in enumerate(parts)}, self._taught(parts)
        wanted = []
        for each in drawn:
            if each.word is None:
                vector = F.normalize(taught[[row_of[part] for part in each.parts]].mean(0), dim=0)
            else:
                vector = self.word_vectors[each.word]
            if each.style is not None:
                vector = F.normalize(vector + _STYLE_STRENGTH * self.style_of[each.style], dim=0)
            wanted.append(vector)
        return torch.stack(wanted)

    def _taught(self, texts: Sequence[str]) -> Tensor:
        return sentence_vectors(self.teacher, self.read_for_teacher, texts)


def style_directions(vectors: Tensor) -> Tensor:
    """What tells each style from the others: (n, text_dim) of length 1."""
    if len(vectors) < 2:
        return vectors
    return F.normalize(vectors - vectors.mean(0), dim=1)


def hidden_loss(found: EncodedText, wanted: EncodedText) -> Tensor:
    """Squared error of the hidden states of texts that have the same number of pieces."""
    n_tokens = found.mask.sum(1)
    same = n_tokens == wanted.mask.sum(1)
    length = min(found.hidden.shape[1], wanted.hidden.shape[1])
    mask = (found.mask[:, :length] & same[:, None])[..., None]
    squared = (found.hidden[:, :length] - wanted.hidden[:, :length]).square() * mask
    return squared.sum() / (mask.sum().clamp(min=1) * found.hidden.shape[-1])


def frozen_text(settings: Settings, config: Config) -> TextEncoder:
    """The encoder as its stages left it."""
    if not settings.text.uses_teacher:
        torch.manual_seed(settings.seed)
        return random_encoder(config.text)
    encoder = trained_encoder(settings, config)
    if (settings.run_dir / WORDS / loop.CHECKPOINT).is_file():
        state = loop.averaged_weights(settings, WORDS)
        encoder.embeddings["word_embeddings"].weight[state["ids"]] = state["rows"]
    return encoder


def trained_encoder(settings: Settings, config: Config) -> TextEncoder:
    """The encoder as the stage `text` left it, on the device."""
    encoder = TextEncoder(config.text)
    encoder.load_state_dict(loop.averaged_weights(settings, STAGE))
    return encoder.eval().requires_grad_(False)
