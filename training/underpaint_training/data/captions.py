"""Captions: cleaned names, keywords, a style word and colour words measured from the picture."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SKIN_TONES = ("medium-light", "medium-dark", "light", "medium", "dark")
_TONE = re.compile(rf"(-({'|'.join(SKIN_TONES)})(-skin-tone)?)+$")
_CODE_POINT = re.compile(r"\bu?[0-9a-f]{4,5}\b(?=.*[a-z])")
_VARIANT = re.compile(r" (flat|duo|fill|outline|static|\d+x\d+|\d+)$")
MAX_NAME_LENGTH = 80
N_KEYWORDS = 12

# Centres of the colour words, sRGB 0–255.
COLOURS: dict[str, tuple[int, int, int]] = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "gray": (128, 128, 128),
    "red": (220, 30, 40),
    "orange": (250, 140, 20),
    "yellow": (255, 215, 50),
    "green": (60, 170, 70),
    "teal": (20, 170, 170),
    "blue": (50, 110, 230),
    "purple": (130, 70, 200),
    "pink": (250, 140, 190),
    "brown": (130, 80, 50),
}
_CENTRES = np.array(list(COLOURS.values()), dtype=np.float32) / 255
_LUMA = np.array([0.3, 0.45, 0.25], dtype=np.float32)  # how much each channel's error counts
_STYLED = ("{0} in {1} style", "{1} style {0}", "{0}, {1}", "{0} {1}")
_SHARE_NAMED = 0.18  # of the opaque cells that a colour must cover to be named


def is_tone_variant(identifier: str) -> bool:
    """Whether an icon repeats another in a skin tone."""
    return bool(_TONE.search(identifier))


def without_tone(identifier: str) -> str:
    return _TONE.sub("", identifier)


def clean_name(text: str) -> str:
    """An identifier or title as words: lower case, no numbering, no variant suffix."""
    words = re.sub(r"[^a-z0-9']+", " ", text.lower()).strip()
    words = _CODE_POINT.sub(" ", words)
    words = re.sub(r"\s+", " ", words).strip()
    while (shorter := _VARIANT.sub("", words)) != words:
        words = shorter
    return words[:MAX_NAME_LENGTH].strip() or "symbol"


def clean_keywords(keywords: Sequence[str], name: str) -> list[str]:
    """Readable keywords other than the name itself, without repeats."""
    found: dict[str, None] = {}
    for keyword in keywords:
        word = clean_name(keyword) if keyword.isascii() else ""
        if 2 < len(word) < 30 and word != name and "hash" not in word and not word.isdigit():
            found.setdefault(word)
    return list(found)[:N_KEYWORDS]


def colour_words(cells: NDArray[np.float32]) -> list[str]:
    """The up to two dominant colours of a picture.

    cells (h, w, 4): premultiplied RGBA in [0, 1], a picture averaged to a small grid.
    """
    alpha = cells[..., 3].reshape(-1)
    is_opaque = alpha > 0.5
    if is_opaque.sum() < 6:
        return []
    rgb = cells[..., :3].reshape(-1, 3)[is_opaque] / alpha[is_opaque, None]
    distance = np.square(rgb[:, None] - _CENTRES) @ _LUMA
    counts = np.bincount(distance.argmin(1), minlength=len(COLOURS))
    names = list(COLOURS)
    dominant = counts.argsort(kind="stable")[::-1][:2]
    return [names[i] for i in dominant if counts[i] >= _SHARE_NAMED * len(rgb)]


def key_caption(name: str, style: str) -> str:
    """What the key of a memory entry is computed from."""
    return f"{name}, {style} style"


def draw_description(
    name: str,
    keywords: Sequence[str],
    colours: Sequence[str],
    rng: random.Random,
    names_colour: bool = False,
) -> str:
    """What a picture shows, as people might type it; `names_colour` if the colour must be named."""
    text = name
    if keywords and rng.random() < 0.2:
        some = rng.sample(list(keywords), min(len(keywords), rng.randint(1, 3)))
        text = ", ".join([name, *some]) if rng.random() < 0.6 else " ".join(some)
    if colours and (names_colour or rng.random() < 0.35):
        in_front = rng.random() < 0.6
        text = f"{colours[0]} {text}" if in_front else f"{text}, {' and '.join(colours)}"
    return text


def draw_styled(description: str, style: str, rng: random.Random) -> str:
    """The description with its style, mostly as keys of the memory have it."""
    if rng.random() < 0.7:
        return key_caption(description, style)
    return rng.choice(_STYLED).format(description, style)


def draw_caption(
    name: str,
    keywords: Sequence[str],
    style: str,
    colours: Sequence[str],
    rng: random.Random,
    names_colour: bool = False,
) -> str:
    """A caption as people might type it; `names_colour` if the colour must be named."""
    description = draw_description(name, keywords, colours, rng, names_colour)
    return draw_styled(description, style, rng) if rng.random() < 0.75 else description
