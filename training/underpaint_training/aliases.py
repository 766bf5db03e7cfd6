"""Words that the text encoder has no piece for, read as the piece that means nearly the same.

A row in the table of pieces costs 400 bytes, an alias a dozen: `tokenizer.json` gives a word the
number of another. So "brolly" is read as "umbrella" and not as the pieces of "broccoli".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import torch
from torch import Tensor
from underpaint_reference.text import PromptReader, TextEncoder

from .config import Settings
from .data import wordnet
from .data.pictures import Pictures
from .data.wordnet import WordNet
from .encoders import encode_all
from .synonyms import Word, plurals_of_nouns, unseen_words
from .teacher import are_pieces, picture_names, unseen_vectors
from .wordings import known_phrases

# How alike a word and a piece must be. Below, the pieces of a word say as much.
MIN_SIMILARITY = 0.6
_NAME_BONUS = 0.25  # of pieces that are the whole name of a picture
_MIN_LENGTH = 3
_MIN_HEAD = 4  # letters of the second half of a compound
_INFLECTIONS = ("ing", "ed", "er", "est", "ly")
_PLURALS = (("ies", "y"), ("ves", "f"), ("ves", "fe"))


def aliases(
    settings: Settings, pictures: Pictures, encoder: TextEncoder, read: PromptReader
) -> dict[str, str]:
    """The piece that each word of the word lists is read as that has none of its own."""
    net, known = wordnet.load(settings.data_dir), known_phrases(pictures)
    tiers = wordnet.common_words(settings.data_dir)
    listed = set().union(*tiers)
    words = unseen_words(net, known)
    is_piece = are_pieces(read, words)
    trained = {word.text for word, whole in zip(words, is_piece) if whole}
    vocabulary = read.word_piece.get_vocab()
    pieces = [piece for piece in sorted(vocabulary) if piece in trained or _is_name(piece, known)]
    rare = [word for word, whole in zip(words, is_piece) if not whole and word.text in listed]
    rare += plurals_of_nouns(net, listed - set(vocabulary), known)
    rare = [word for word in rare if not is_insult(word)]
    vectors = unseen_vectors(settings, rare, picture_names(settings, pictures, net))
    bonus = torch.tensor([_NAME_BONUS * (piece in pictures.names) for piece in pieces])
    found = nearest(rare, vectors, pieces, encode_all(encoder, read, pieces), bonus)
    other = {word for word in listed if word.isalpha()} - set(vocabulary) - set(found)
    found |= compounds(other - set(net.senses_of), net, known & set(pieces) & tiers[0])
    return plurals(other - set(found), {piece: piece for piece in pieces} | found) | found


def is_insult(word: Word) -> bool:
    """Whether WordNet calls it one: insults are not read as those whom they mean."""
    glosses = " ".join(meaning.gloss for meaning in word.meanings)
    return any(mark in glosses for mark in ("slur", "offensive", "disparaging", "derogatory"))


def _is_name(piece: str, known: AbstractSet[str]) -> bool:
    return piece in known and piece.isalpha() and len(piece) >= _MIN_LENGTH


def nearest(
    words: Sequence[Word], vectors: Tensor, pieces: Sequence[str], among: Tensor, bonus: Tensor
) -> dict[str, str]:
    """Words that belong at vectors (n, text_dim), pieces at (p, text_dim), of length 1.

    bonus (p,) is added to what a piece is compared by.
    """
    similarities = vectors @ among.t()
    best = (similarities + bonus).argmax(1)
    values = similarities.gather(1, best[:, None])[:, 0]
    return {
        word.text: pieces[row]
        for word, value, row in zip(words, values.tolist(), best.tolist())
        if value >= MIN_SIMILARITY
    }


def compounds(words: Iterable[str], net: WordNet, pieces: AbstractSet[str]) -> dict[str, str]:
    """Words that are not in WordNet and made of two common ones: a pushbike is a bike."""
    found = {}
    for word in (word for word in words if not word.endswith(_INFLECTIONS)):
        for cut in range(_MIN_LENGTH, len(word) - _MIN_HEAD + 1):
            first, head = word[:cut], word[cut:]
            if {first, head} <= pieces and _is_thing(head, net):
                found[word] = head
    return found


def _is_thing(word: str, net: WordNet) -> bool:
    """Whether its most usual sense can be painted."""
    keys = net.senses_of.get(word, ())
    return bool(keys) and net.senses[keys[0]].is_thing


def plurals(words: Iterable[str], read_as: Mapping[str, str]) -> dict[str, str]:
    """Plurals that change the word: those that only add an s are read as the word and an s."""
    found = {}
    for word in words:
        for ending, singular in _PLURALS:
            if word.endswith(ending) and word.removesuffix(ending) + singular in read_as:
                found[word] = read_as[word.removesuffix(ending) + singular]
    return found


def with_aliases(path: Path, read_as: Mapping[str, str]) -> str:
    """The text of a `tokenizer.json` in which further words have the numbers of pieces."""
    description = json.loads(path.read_text(encoding="utf-8"))
    vocabulary = description["model"]["vocab"]
    vocabulary |= {word: vocabulary[read_as[word]] for word in sorted(read_as)}
    return json.dumps(description, ensure_ascii=False, separators=(",", ":"))
