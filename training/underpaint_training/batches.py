"""Batches for the generator: pictures with captions, control maps and what is retrieved for them.

Retrieval in training must look like retrieval in use, or the generator learns not to trust it:
half of the pictures find themselves in the first slot (as they are, or bent, so that the lines
must decide where things go), the others find pictures of similar names or, as in the application,
of similar names and styles, some find nothing. Some memories are redrawn (`redrawn`), and what
joins several things finds them side by side.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from underpaint_reference.joined import side_by_side
from underpaint_reference.tokenizer import Tokenizer

from .controls import REFERENCE, ControlBatch, training_controls
from .data.captions import colour_words, draw_caption, draw_description
from .data.pictures import Pictures
from .memory import PictureMemory
from .redrawn import Redrawing
from .scales import Remembered
from .warps import elastic, over, place, rotate_hue, squash

_P_SELF, _P_NOTHING = 0.55, 0.12
_P_SELF_EXACT = 0.5  # of those that find themselves
_P_HUE, _P_MOVE, _P_SQUASH, _P_BEND = 0.3, 0.5, 0.35, 0.7
_P_REFERENCE = 0.6
_P_FLIPPED_MEMORY = 0.6  # of flipped pictures that are not their own memory
_P_REDRAWN, _P_STYLE_OF_REDRAWN = 0.3, 0.5  # in cells of its style; that its caption names it
_P_JOINED = 0.07  # several things in one picture
_P_TWO, _P_LAID, _P_ARTICLE = 0.8, 0.75, 0.3  # of those
_P_EMPTY_PROMPT, _P_EMPTY_PROMPT_ALONE = 0.1, 0.35  # with and without memory
_MIN_SIMILARITY = 0.25
_DRAW_TEMPERATURE = 0.08
_N_NEIGHBOURS, _N_NEIGHBOURS_P = (1, 2, 3), (0.2, 0.2, 0.6)


@dataclass(frozen=True)
class Batch:
    pictures: Tensor  # (B, 4, H, W) premultiplied
    captions: list[str]
    controls: ControlBatch
    remembered: Remembered

    def to(self, device: torch.device) -> Batch:
        return Batch(
            self.pictures.to(device),
            self.captions,
            self.controls.to(device),
            self.remembered.to(device),
        )


@dataclass
class _Example:
    picture: Tensor  # (4, H, W)
    caption: str
    latents: list[Tensor]  # (C, g, g) each
    has_reference: bool


class Batches:
    """Draws examples; a generator per step makes them repeatable."""

    def __init__(
        self, pictures: Pictures, memory: PictureMemory, n_slots: int, tokenizer: Tokenizer
    ) -> None:
        """`tokenizer` is on the CPU."""
        self.pictures, self.memory, self.n_slots = pictures, memory, n_slots
        self.tokenizer = tokenizer
        self.redrawn = Redrawing(pictures, memory)

    def draw(self, rng: np.random.Generator, n: int) -> Batch:
        chosen = self.pictures.draw(rng, n)
        pixels = self.pictures.pixels(chosen)
        examples = [
            self._joined(int(i), picture, rng)
            if rng.random() < _P_JOINED
            else self._single(int(i), picture, rng)
            for i, picture in zip(chosen, pixels)
        ]
        pictures = torch.stack([example.picture for example in examples])
        controls = training_controls(pictures, rng)
        controls.strengths[REFERENCE][:] = [example.has_reference for example in examples]
        captions = [example.caption for example in examples]
        return Batch(pictures, captions, controls, self._remembered(examples, rng))

    def _single(self, index: int, picture: Tensor, rng: np.random.Generator) -> _Example:
        draw = rng.random()
        finds_self = draw < _P_SELF and self.memory.has_latent(index)
        found = [] if draw > 1 - _P_NOTHING else self._neighbours(index, rng)
        if finds_self:
            found = [index, *found][: self.n_slots]
        is_exact = finds_self and rng.random() < _P_SELF_EXACT
        latents = [self.memory.latent(i) for i in found]
        is_redrawn = bool(found) and rng.random() < _P_REDRAWN
        if is_redrawn:
            latents = self.redrawn(index, latents, rng)
        if rng.random() < 0.5:
            picture = picture.flip(-1)
            if is_exact or rng.random() < _P_FLIPPED_MEMORY:
                latents = [latent.flip(-1) for latent in latents]
        is_recoloured = rng.random() < _P_HUE
        if is_recoloured:
            picture = rotate_hue(picture, rng.uniform(0.6, 5.6))
        if not is_exact:
            picture = _moved(picture, rng)
            if finds_self and rng.random() < _P_BEND:
                picture = elastic(picture, rng.uniform(0.02, 0.12), 5, rng)
        p_empty = _P_EMPTY_PROMPT if found else _P_EMPTY_PROMPT_ALONE
        # Users who show a style do not name it.
        names_style = not is_redrawn or rng.random() < _P_STYLE_OF_REDRAWN
        caption = self._caption(index, picture, rng, is_recoloured, names_style)
        caption = "" if rng.random() < p_empty else caption
        return _Example(picture, caption, latents, bool(found) and rng.random() < _P_REFERENCE)

    def _joined(self, index: int, picture: Tensor, rng: np.random.Generator) -> _Example:
        """Two or three pictures in one, mostly side by side; the caption joins theirs.

        What is remembered of them is side by side, as the application shows it.
        """
        others = self.pictures.draw(rng, 1 if rng.random() < _P_TWO else 2)
        indices = [index, *map(int, others)]
        things = [picture, *self.pictures.pixels(others)]
        is_laid = len(things) > 2 or rng.random() < _P_LAID
        joined = _moved(side_by_side(things), rng) if is_laid else _overlapping(things, rng)
        entries = [self.pictures.entries[i] for i in indices]
        article = "a " if rng.random() < _P_ARTICLE else ""
        caption = " and ".join(article + entry.name for entry in entries)
        if len({entry.style for entry in entries}) == 1:
            caption += f", {entries[0].style} style"
        latents = [] if rng.random() < _P_NOTHING else self._side_by_side(indices, rng)
        # Elsewhere than in the memory nothing lines up, so there is no reference.
        has_reference = is_laid and bool(latents) and rng.random() < _P_REFERENCE
        return _Example(joined, caption, latents, has_reference)

    @torch.no_grad()
    def _side_by_side(self, indices: list[int], rng: np.random.Generator) -> list[Tensor]:
        """What slots show of several pictures: themselves first or neighbours, side by side."""
        finds_self = rng.random() < _P_SELF
        found = [
            [i, *self._neighbours(i, rng)] if finds_self else self._neighbours(i, rng) or [i]
            for i in indices
        ]
        n_slots = min(self.n_slots, max(map(len, found)))
        slots = [[own[rank % len(own)] for own in found] for rank in range(n_slots)]
        pictures = [side_by_side(self.pictures.pixels(np.array(shown))) for shown in slots]
        return list(self.tokenizer.encode(torch.stack(pictures))[1])

    def _neighbours(self, index: int, rng: np.random.Generator) -> list[int]:
        neighbours = self.memory.neighbours[int(rng.integers(len(self.memory.neighbours)))]
        similarities = neighbours.similarities[index]
        weights = np.exp((similarities - similarities[0]) / _DRAW_TEMPERATURE)
        weights = weights * (similarities > _MIN_SIMILARITY)
        n = min(int((weights > 0).sum()), int(rng.choice(_N_NEIGHBOURS, p=_N_NEIGHBOURS_P)))
        if n == 0:
            return []
        candidates = neighbours.indices[index]
        drawn = rng.choice(len(candidates), n, replace=False, p=weights / weights.sum())
        return [int(candidates[i]) for i in sorted(drawn)][: self.n_slots]

    def _caption(
        self,
        index: int,
        picture: Tensor,
        rng: np.random.Generator,
        names_colour: bool,
        names_style: bool,
    ) -> str:
        entry = self.pictures.entries[index]
        colours = []
        if names_colour or rng.random() < 0.4:
            colours = colour_words(F.avg_pool2d(picture, 16).permute(1, 2, 0).numpy())
        draw = random.Random(int(rng.integers(2**63)))
        if not names_style:
            return draw_description(entry.name, entry.keywords, colours, draw, names_colour)
        return draw_caption(entry.name, entry.keywords, entry.style, colours, draw, names_colour)

    def _remembered(self, examples: list[_Example], rng: np.random.Generator) -> Remembered:
        """The slots, with a little noise that stands for quantisation."""
        shape = self.memory.latents.shape[1:]
        latents = torch.zeros(len(examples), self.n_slots, *shape)
        mask = torch.zeros(len(examples), self.n_slots, dtype=torch.bool)
        for row, example in enumerate(examples):
            for slot, latent in enumerate(example.latents[: self.n_slots]):
                noise = torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))
                latents[row, slot] = latent + noise * rng.uniform(0.05, 0.3)
                mask[row, slot] = True
        return Remembered(latents, mask)


def _overlapping(things: list[Tensor], rng: np.random.Generator) -> Tensor:
    """Two things anywhere beside or in front of each other."""
    places = (-0.45 + rng.uniform(0, 0.1), 0.45 - rng.uniform(0, 0.1))
    order = (1, 0) if rng.random() < 0.5 else (0, 1)
    placed = [
        place(things[i], rng.uniform(0.45, 0.65), right, rng.uniform(-0.25, 0.25))
        for i, right in zip(order, places)
    ]
    return over(*placed) if rng.random() < 0.5 else over(*reversed(placed))


def _moved(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """Smaller, elsewhere, with another aspect: now and then each."""
    if rng.random() < _P_SQUASH:
        picture = squash(picture, rng.uniform(0.6, 1.0), rng.uniform(0.6, 1.0))
    if rng.random() < _P_MOVE:
        shift = rng.uniform(-0.15, 0.15, 2)
        picture = place(picture, rng.uniform(0.75, 1.05), *shift)
    return picture
