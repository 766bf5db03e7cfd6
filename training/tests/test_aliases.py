"""Words without a piece of their own, read as another."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer as WordPiece

from underpaint_training.aliases import compounds, is_insult, nearest, plurals, with_aliases
from underpaint_training.data.wordnet import Sense, WordNet
from underpaint_training.synonyms import Meaning, Word
from underpaint_training.vocabulary import plain_description

PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "umbrella", "broccoli", "bike", "##s")


def test_a_word_is_read_as_what_is_nearest_if_it_is_near() -> None:
    among = F.normalize(torch.tensor([[1.0, 0.1], [0.0, 1.0]]), dim=1)
    vectors = F.normalize(torch.tensor([[1.0, 0.0], [-1.0, 0.3]]), dim=1)
    words = [Word("brolly", ()), Word("thought", ())]
    pieces = ["umbrella", "broccoli"]
    assert nearest(words, vectors, pieces, among, torch.zeros(2)) == {"brolly": "umbrella"}
    assert nearest(words, vectors, pieces, among, torch.tensor([0.0, 2.0])) == {}


def test_insults_are_known_by_their_gloss() -> None:
    meanings = [
        Meaning((("person", 0.7),), gloss, 0) for gloss in ("(ethnic slur) a name", "a cup")
    ]
    assert [is_insult(Word("word", (meaning,))) for meaning in meanings] == [True, False]


def test_compounds_are_read_as_their_head() -> None:
    senses = {"a": Sense(("bike",), "", (), True), "b": Sense(("less",), "", (), False)}
    net = WordNet(senses, {"bike": ("a",), "less": ("b",)}, {"bike": (0,), "less": (0,)})
    pieces = {"push", "bike", "care", "less"}
    found = compounds(["pushbike", "careless", "bike", "loudhailer"], net, pieces)
    assert found == {"pushbike": "bike"}


def test_plurals_that_change_the_word() -> None:
    read_as = {"brolly": "umbrella", "knife": "knife", "bike": "bike"}
    found = plurals(["brollies", "knives", "bikes", "allies"], read_as)
    assert found == {"brollies": "umbrella", "knives": "knife"}


def test_both_words_have_one_number(tmp_path: Path) -> None:
    description = plain_description()
    description["model"]["vocab"] = {piece: i for i, piece in enumerate(PIECES)}
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(description), encoding="utf-8")
    word_piece = WordPiece.from_str(with_aliases(path, {"brolly": "umbrella"}))
    assert word_piece.encode("Brolly").ids == word_piece.encode("umbrella").ids
    assert word_piece.encode("brollys").tokens[2] == "##s"
