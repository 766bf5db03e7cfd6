"""Nouns and adjectives of WordNet, as Debian packages it.

Formats: `wndb(5WN)`; `data.POS` has one sense a line, `index.POS` the senses of a word, the most
usual one first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .fetch import fetch
from .sources import WORD_LISTS, WORDNET

PARTS = ("noun", "adj")
_HYPERNYM = "@"
# Lexicographer files (`lexnames(5WN)`) of what can be painted: animals, artifacts, body, figures of
# thought (ghosts), writings, events, food, objects, people, phenomena, plants, shapes.
_THINGS = frozenset({5, 6, 8, 9, 10, 11, 13, 17, 18, 19, 20, 25})


@dataclass(frozen=True)
class Sense:
    """One meaning and the words for it."""

    lemmas: tuple[str, ...]  # lower case
    gloss: str  # without its examples
    hypernyms: tuple[str, ...]  # keys of what it is a kind of; none of people and places
    is_thing: bool  # can be painted


@dataclass(frozen=True)
class WordNet:
    senses: Mapping[str, Sense]  # by part and offset, as `noun 02084071`
    senses_of: Mapping[str, tuple[str, ...]]  # keys of a word's senses, the most usual one first
    ranks_of: Mapping[str, tuple[int, ...]]  # of these; senses that were never counted share one


def load(data_dir: Path) -> WordNet:
    folder = fetch(WORDNET, data_dir) / "usr" / "share" / "wordnet"
    senses: dict[str, Sense] = {}
    senses_of: dict[str, tuple[str, ...]] = {}
    ranks_of: dict[str, tuple[int, ...]] = {}
    for part in PARTS:
        for line in _lines(folder / f"data.{part}"):
            offset, sense = _sense(line, part)
            senses[offset] = sense
        for line in _lines(folder / f"index.{part}"):
            lemma, *fields = line.split()
            n_senses = int(fields[1])
            n_counted, offsets = int(fields[-n_senses - 1]), fields[-n_senses:]
            word = lemma.replace("_", " ")
            before = len(senses_of.get(word, ()))
            ranks = tuple(before + min(i, n_counted) for i in range(n_senses))
            senses_of[word] = senses_of.get(word, ()) + tuple(f"{part} {each}" for each in offsets)
            ranks_of[word] = ranks_of.get(word, ()) + ranks
    return WordNet(senses, senses_of, ranks_of)


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("  ")]  # those are the licence


def _sense(line: str, part: str) -> tuple[str, Sense]:
    head, _, gloss = line.partition("|")
    fields = head.split()
    n_words = int(fields[3], 16)
    lemmas = [fields[4 + 2 * i].split("(")[0].replace("_", " ") for i in range(n_words)]
    pointers = fields[5 + 2 * n_words :]  # symbol, offset, part, words: four each
    hypernyms = [
        f"{part} {pointers[i + 1]}"
        for i in range(0, 4 * int(fields[4 + 2 * n_words]), 4)
        if pointers[i] == _HYPERNYM
    ]
    lower = tuple(lemma.lower() for lemma in lemmas)
    is_thing = part == "noun" and int(fields[1]) in _THINGS
    sense = Sense(lower, gloss.split(";")[0].strip(), tuple(hypernyms), is_thing)
    return f"{part} {fields[0]}", sense


def common_words(data_dir: Path) -> list[set[str]]:
    """Words in use: the most common ones, then those of each longer list."""
    tiers = []
    for packages in WORD_LISTS:
        words: set[str] = set()
        for package in packages:
            folder = fetch(package, data_dir) / "usr" / "share" / "dict"
            for path in folder.glob("*english*"):
                words.update(path.read_text(encoding="utf-8").lower().split())
        tiers.append(words.difference(*tiers))
    return tiers
