"""Synonyms and glosses of WordNet, as Debian packages it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .fetch import fetch
from .sources import WORDNET


def wordnet_senses(data_dir: Path) -> list[tuple[list[str], str]]:
    """Nouns and adjectives: synonyms and the gloss without its examples."""
    folder = fetch(WORDNET, data_dir) / "usr" / "share" / "wordnet"
    senses = []
    for part in ("noun", "adj"):
        for line in (folder / f"data.{part}").read_text(encoding="utf-8").splitlines():
            if line.startswith("  "):  # the licence
                continue
            fields, _, gloss = line.partition("|")
            words = fields.split()
            n_words = int(words[3], 16)
            lemmas = [words[4 + 2 * i].split("(")[0].replace("_", " ") for i in range(n_words)]
            senses.append(([lemma.lower() for lemma in lemmas], gloss.split(";")[0].strip()))
    # Evenly spaced picks of this list cover all of the language.
    order = np.random.default_rng(0).permutation(len(senses))
    return [senses[i] for i in order]
