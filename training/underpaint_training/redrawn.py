"""Memories redrawn in the style of a picture, as the application redraws them in the user's style.

They are put together of cells of other pictures, so their details are patchwork. The generator must
take shape and style from them and paint the rest cleanly: it learns that from pictures whose own
style the cells come from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from underpaint_reference.redraw import Palette, Probe

from .data.pictures import Pictures
from .memory import PictureMemory

_N_PROBED = 64  # pictures that the probe is fitted to
_N_PICTURES = (8, 64)  # of the style


class Redrawing:
    def __init__(self, pictures: Pictures, memory: PictureMemory) -> None:
        self.pictures, self.memory = pictures, memory
        held_out = set(pictures.held_out.tolist())
        by_style: dict[str, list[int]] = defaultdict(list)
        for i, entry in enumerate(pictures.entries):
            if memory.has_latent(i) and i not in held_out:
                by_style[entry.style].append(i)
        self.by_style = {style: np.array(indices) for style, indices in by_style.items()}

    def __call__(
        self, index: int, latents: Sequence[Tensor], rng: np.random.Generator
    ) -> list[Tensor]:
        """Remembered latents (C, g, g) of cells of pictures in the style of picture `index`.

        None of those pictures has its name: users have none of what they ask for.
        """
        entry = self.pictures.entries[index]
        of_style = self.by_style[entry.style]
        drawn = rng.permutation(of_style)[: int(rng.integers(_N_PICTURES[0], _N_PICTURES[1] + 1))]
        drawn = [int(i) for i in drawn if self.pictures.entries[i].name != entry.name]
        if not drawn or not latents:
            return list(latents)
        cells = torch.stack([self.memory.latent(i) for i in drawn])
        palette = Palette.of(cells, self._probe)
        return list(palette.redraw(torch.stack(list(latents)), self._probe))

    @cached_property
    def _probe(self) -> Probe:
        """Fitted to pictures of all styles."""
        known = np.concatenate(list(self.by_style.values()))
        chosen = np.random.default_rng(0).permutation(known)[:_N_PROBED]
        latents = torch.stack([self.memory.latent(int(i)) for i in chosen])
        return Probe.fit(latents, self.pictures.pixels(chosen))
