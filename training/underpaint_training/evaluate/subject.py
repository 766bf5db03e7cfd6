"""What is measured: an asset, held-out pictures, and how many of them are used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from underpaint_reference.joined import joined
from underpaint_reference.memory import Match, Memory
from underpaint_reference.model import Model

from ..data.captions import key_caption
from ..data.pictures import Pictures


@dataclass(frozen=True)
class Subject:
    model: Model
    pictures: Pictures
    share: float  # of the usual number of pictures, for a quick look

    @staticmethod
    def open(asset: Path, pictures: Pictures, share: float) -> Subject:
        """The memory is measured without the pictures that are held out."""
        model = Model(asset)
        if model.memory is not None:
            model.memory = without_held_out(model.memory, pictures)
        return Subject(model, pictures, share)

    @property
    def judges(self) -> Path:
        """Where classifiers of the real pictures are kept."""
        return self.pictures.root / "judges"

    def held_out(self, n: int) -> NDArray[np.int64]:
        """The first so many held-out pictures, or a share of them."""
        return self.pictures.held_out[: self.number(n)]

    def number(self, n: int) -> int:
        return max(2, round(n * self.share))

    def caption(self, index: int) -> str:
        entry = self.pictures.entries[index]
        return key_caption(entry.name, entry.style)


def without_held_out(memory: Memory, pictures: Pictures) -> Memory:
    """Entries whose caption and style are not those of a held-out picture.

    An asset made here has none in its memory; older ones name no identifiers, hence by caption.
    """
    entries = [pictures.entries[int(i)] for i in pictures.held_out]
    known = {(entry.name, entry.style) for entry in entries}
    kept = [
        i
        for i, entry in enumerate(memory.entries)
        if (entry["caption"], entry["style"]) not in known
    ]
    return replace(
        memory,
        ids=memory.ids[kept],
        names=memory.names[kept],
        keys=memory.keys[kept],
        entries=[memory.entries[i] for i in kept],
    )


@torch.no_grad()
def latent_of_entry(model: Model, entry_idx: int) -> Tensor:
    """(C, g, g) of a remembered picture."""
    assert model.memory is not None, "it was found in the memory"
    return model.tokenizer.f_hat_from_ids(model.memory.ids[[entry_idx]])[0]


@torch.no_grad()
def latent_of_slot(model: Model, matches: list[Match]) -> Tensor:
    """(C, g, g) of what a slot shows: an entry, or one of each thing side by side."""
    latents = [latent_of_entry(model, match.entry_idx) for match in matches]
    return latents[0] if len(latents) == 1 else joined(torch.stack(latents), model.tokenizer)
