"""The cut vocabulary and what the student is compared on."""

from __future__ import annotations

import json

import pytest
import torch
from tokenizers import Tokenizer as WordPiece
from underpaint_reference.text import EncodedText, PromptReader

from underpaint_training.config import Settings
from underpaint_training.data.pictures import Pictures
from underpaint_training.text import STAGE, frozen_text, hidden_loss, in_fp32
from underpaint_training.vocabulary import (
    base_pieces,
    kept_pieces,
    plain_description,
    write_vocabulary,
)


def word_piece(pieces: list[str]) -> WordPiece:
    description = plain_description()
    description["model"]["vocab"] = {piece: i for i, piece in enumerate(pieces)}
    for token in description["added_tokens"]:
        token["id"] = pieces.index(token["content"])
    return WordPiece.from_str(json.dumps(description))


def test_words_are_kept_before_pieces_of_words() -> None:
    teacher = word_piece([*base_pieces(), "cot", "##tage", "cottage", "lake", "zebra"])
    n_base = len(base_pieces())
    kept = kept_pieces(teacher, ["cottage lake", "cottage"], n_base + 2)
    assert kept == [*base_pieces(), "cottage", "lake"]
    cut = word_piece(kept)
    assert cut.encode("Cottage, lake").tokens == ["[CLS]", "cottage", ",", "lake", "[SEP]"]
    assert "[UNK]" not in cut.encode("zebra").tokens


def test_vocabulary_of_a_run_reads_its_captions(smoke: Settings) -> None:
    pictures = Pictures(smoke.data_dir, smoke.data.sources, smoke.data.n_held_out)
    write_vocabulary(smoke, pictures)
    config = smoke.model_config()
    read = PromptReader(smoke.run_dir / STAGE, config.text)
    ids, mask = read([entry.name for entry in pictures.entries])
    assert int(mask.sum(1).max()) == 4  # two words between [CLS] and [SEP]
    assert int(ids.max()) < config.text.vocab_size
    text = in_fp32(frozen_text(smoke, config)(ids, mask))
    lengths = text.pooled.norm(dim=1)
    torch.testing.assert_close(lengths, torch.full_like(lengths, config.text.hidden_size**0.5))


def test_hidden_states_count_where_pieces_agree() -> None:
    wanted = EncodedText(torch.zeros(2, 4, 3), torch.ones(2, 4).bool(), torch.zeros(2, 3))
    longer = torch.tensor([[True] * 4 + [False], [True] * 5])
    found = EncodedText(torch.ones(2, 5, 3), longer, torch.zeros(2, 3))
    assert float(hidden_loss(found, wanted)) == pytest.approx(1)
    none_agree = EncodedText(found.hidden[1:], longer[1:], found.pooled[1:])
    one = EncodedText(wanted.hidden[1:], wanted.mask[1:], wanted.pooled[1:])
    assert float(hidden_loss(none_agree, one)) == 0
