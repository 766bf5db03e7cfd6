"""Texts that the text encoder learns from, and what their vectors are made of."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from .data.captions import COLOURS, draw_description, draw_styled
from .data.pictures import Pictures
from .data.wordnet import WordNet
from .synonyms import Word

_P_CAPTION, _P_PAIR, _P_GLOSS = 0.25, 0.06, 0.05  # of a batch; the rest are unseen words
_P_COLOUR, _P_STYLE = 0.4, 0.6
_PAIRS = ("{} and {}", "{} and a {}", "a {} and a {}", "{} with {}")
_WORDS = ("{}", "{}", "{}", "a {}", "the {}", "{}s")


@dataclass(frozen=True)
class Wording:
    """A text whose vector lies between those of `parts`, on the side of `style`."""

    text: str
    parts: tuple[str, ...] = ()  # as the teacher reads them
    word: int | None = None  # instead of parts: which of the unseen words it is
    style: str | None = None


class Wordings:
    def __init__(
        self, pictures: Pictures, net: WordNet, words: Sequence[Word], weights: Tensor
    ) -> None:
        """`weights` say how often each of the words is drawn, (n,)."""
        self.pictures, self.words = pictures, words
        self.glosses = sorted({sense.gloss for sense in net.senses.values()} - {""})
        self.styles = sorted({entry.style for entry in pictures.entries})
        self._up_to = np.cumsum(weights.numpy())

    def draw(self, rng: np.random.Generator, n: int) -> tuple[list[Wording], int]:
        """n texts; the long ones, captions and glosses, first: the second result says how many."""
        n_captions, n_pairs, n_glosses = (round(n * p) for p in (_P_CAPTION, _P_PAIR, _P_GLOSS))
        n_words = n - n_captions - n_pairs - n_glosses
        words = np.searchsorted(self._up_to, rng.random(n_words) * self._up_to[-1])
        pairs = self.pictures.draw(rng, 2 * n_pairs).reshape(n_pairs, 2)
        draw = random.Random(int(rng.integers(2**63)))
        drawn = [self._caption(int(i), draw) for i in self.pictures.draw(rng, n_captions)]
        drawn += [Wording(gloss, (gloss,)) for gloss in draw.choices(self.glosses, k=n_glosses)]
        drawn += [self._word(int(i), draw) for i in words]
        drawn += [self._pair(int(one), int(other), draw) for one, other in pairs]
        return drawn, n_captions + n_glosses

    def _caption(self, index: int, draw: random.Random) -> Wording:
        entry = self.pictures.entries[index]
        colours = draw.choices(list(COLOURS), k=1) if draw.random() < _P_COLOUR else []
        description = draw_description(entry.name, entry.keywords, colours, draw)
        return self._styled(description, Wording(description, (description,)), entry.style, draw)

    def _pair(self, one: int, other: int, draw: random.Random) -> Wording:
        entries = [self.pictures.entries[i] for i in (one, other)]
        names = tuple(entry.name for entry in entries)
        text = draw.choice(_PAIRS).format(*names)
        return self._styled(text, Wording(text, names), entries[0].style, draw)

    def _word(self, index: int, draw: random.Random) -> Wording:
        text = draw.choice(_WORDS).format(self.words[index].text)
        return self._styled(text, Wording(text, word=index), draw.choice(self.styles), draw)

    def _styled(self, text: str, plain: Wording, style: str, draw: random.Random) -> Wording:
        if draw.random() > _P_STYLE:
            return plain
        return Wording(draw_styled(text, style, draw), plain.parts, plain.word, style)


def known_phrases(pictures: Pictures) -> set[str]:
    """Names, keywords and every word of them."""
    known: set[str] = set()
    for entry in pictures.entries:
        for text in (entry.name, *entry.keywords):
            lower = text.lower()
            known.add(lower)
            known.update(lower.replace("-", " ").split())
    return known
