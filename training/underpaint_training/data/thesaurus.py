"""The Moby Thesaurus: which words are said beside which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

from .fetch import fetch
from .sources import THESAURUS

Thesaurus = Mapping[str, AbstractSet[str]]  # the words beside each


def load(data_dir: Path) -> Thesaurus:
    """Both ways round: one line says what is beside a word, others where it is listed."""
    beside: dict[str, set[str]] = defaultdict(set)
    path = fetch(THESAURUS, data_dir) / "package" / "words.txt"
    for line in path.read_text(encoding="utf-8").lower().splitlines():
        word, *others = line.split(",")
        beside[word].update(others)
        for other in others:
            beside[other].add(word)
    return beside
