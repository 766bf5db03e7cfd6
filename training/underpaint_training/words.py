"""Teaches the text encoder what single words mean that no caption has.

Only the rows of these words in the table of pieces are trained, so all other texts stay as they
are. A word costs a few microseconds here and a whole network's step in the stage `text`.
"""

from __future__ import annotations

import logging

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from underpaint_reference.config import Config
from underpaint_reference.text import PromptReader, TextEncoder

from . import loop
from .config import Settings
from .data import wordnet
from .data.pictures import Pictures
from .devices import autocast, current
from .loop import Moment
from .optim import Optimisers
from .synonyms import Word, unseen_words
from .teacher import are_pieces, picture_names, unseen_vectors
from .text import STAGE as TEXT
from .text import WORDS, trained_encoder
from .wordings import known_phrases

log = logging.getLogger(__name__)

STAGE = WORDS
TABLE = "embeddings.word_embeddings.weight"
_WORDINGS = ("{}", "a {}", "the {}")


class Rows(nn.Module):
    """The rows of some pieces, all else of the encoder stays."""

    ids: Tensor

    def __init__(self, encoder: TextEncoder, ids: Tensor) -> None:
        super().__init__()
        self.register_buffer("ids", ids)
        self.rows = nn.Parameter(encoder.state_dict()[TABLE][ids].clone())

    def table(self, whole: Tensor) -> Tensor:
        """The table of all pieces with these rows in their place."""
        return whole.index_copy(0, self.ids, self.rows)


class WordsTask(loop.Task):
    def __init__(self, settings: Settings, config: Config, pictures: Pictures) -> None:
        self.settings = settings.words
        self.read = PromptReader(settings.run_dir / TEXT, config.text)
        self.encoder = trained_encoder(settings, config)
        net = wordnet.load(settings.data_dir)
        words = unseen_words(net, known_phrases(pictures))
        self.words = [
            word for word, is_piece in zip(words, are_pieces(self.read, words)) if is_piece
        ]
        self.vectors = unseen_vectors(settings, self.words, picture_names(settings, pictures, net))
        self.module = Rows(self.encoder, piece_ids(self.read, self.words)).to(current())
        self.optimisers = Optimisers(
            self.module, self.settings.schedule, lambda *_: False, weight_decay=0
        )
        log.info("words: %d", len(self.words))

    def losses(self, moment: Moment) -> dict[str, Tensor]:
        n = min(self.settings.batch_size, len(self.words))
        drawn = moment.rng.choice(len(self.words), n, replace=False)
        wordings = moment.rng.choice(np.array(_WORDINGS), n)
        texts = [str(w).format(self.words[i].text) for i, w in zip(drawn, wordings)]
        whole = self.encoder.state_dict()[TABLE]
        with autocast():
            table = {TABLE: self.module.table(whole)}
            found = functional_call(self.encoder, table, self.read(texts))
        cosine = F.cosine_similarity(found.pooled.float(), self.vectors[torch.as_tensor(drawn)])
        return {"loss": 1 - cosine.mean()}


def piece_ids(read: PromptReader, words: list[Word]) -> Tensor:
    """(n,) ids of words that are one piece each."""
    return read([word.text for word in words])[0][:, 1]  # between [CLS] and [SEP]
