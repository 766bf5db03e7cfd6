"""What a prompt asks the memory for: all of it, the things it joins, the style it names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from .model import Model

# Words that only say how something looks are no thing of their own.
_NO_THINGS = frozenset(
    "a an the light dark black white gray grey red orange yellow green teal blue purple pink "
    "brown".split()
)
_JOINING = ("and", "&", "+")
_STYLED_WEIGHT = 2.0  # of a prompt that names a style, beside what it shows


_IN = re.compile(r"(^|[ ,])in( a| the)?$")


@dataclass(frozen=True, eq=False)
class Asked:
    """Vectors of any length that entries are compared with."""

    whole: Tensor  # (text_dim,)
    things: Sequence[Tensor] = ()  # of each thing that the prompt joins; none if it names one
    style: str | None = None  # of the memory, if the prompt names one


def ask(model: Model, prompt: str) -> Asked:
    styles = [] if model.memory is None else model.memory.styles
    found = styled(prompt, styles)
    joined = things(prompt, model.config.memory.slots)
    return Asked(
        _vector(model, prompt, styles),
        [_vector(model, thing, styles) for thing in joined],
        None if found is None else found[0],
    )


def _vector(model: Model, prompt: str, styles: Sequence[str]) -> Tensor:
    """Where a style is named, what is shown counts once more without it.

    Pictures of anything in that style must not come before the thing in another, which can be
    redrawn.
    """
    found = styled(prompt, styles)
    if found is None:
        return model.encode_text([prompt]).pooled[0]
    whole, shown = model.encode_text([prompt, found[1]]).pooled
    return _STYLED_WEIGHT * whole + shown


def styled(prompt: str, styles: Sequence[str]) -> tuple[str, str] | None:
    """The style that a prompt names ("happy dog, badge style") and what else it says."""
    matches = [
        (match.start(), -match.end(), style)
        for style in styles
        if style and (match := re.search(_named(style), prompt, re.ASCII | re.IGNORECASE))
    ]
    if not matches:
        return None
    start, minus_end, style = min(matches)
    before = _IN.sub("", prompt[:start].rstrip(" ,")).strip(" ,")
    rest = ", ".join(part for part in (before, prompt[-minus_end:].strip(" ,")) if part)
    return (style, rest) if rest else None


def _named(style: str) -> str:
    # Boundaries of any alphabet, letters alike only if they are ASCII's, as in the application.
    return rf"(?u:(?<!\w)){re.escape(style)} style(?u:(?!\w))"


def things(prompt: str, limit: int) -> list[str]:
    """The things that a prompt joins ("a cat and a ball"), at most `limit`; none if it is one.

    Each comes with what stands behind the first comma, which is said of all of them.
    """
    head, _, of_all = prompt.partition(",")
    parts: list[list[str]] = [[]]
    for word in head.split():
        if word.lower() in _JOINING:
            parts.append([])
        else:
            parts[-1].append(word)
    parts = parts[:limit]
    if len(parts) < 2 or any(all(word.lower() in _NO_THINGS for word in part) for part in parts):
        return []
    style = f", {of_all.strip()}" if of_all.strip() else ""
    return [" ".join(part) + style for part in parts]
