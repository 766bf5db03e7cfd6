"""One run of the model: a batch of pictures of one prompt, all at the same scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .asked import Asked
from .config import SamplingConfig
from .control import Control
from .generator import Conditions, Slots, guide, logits
from .joined import joined
from .memory import Match
from .model import Model
from .redraw import redraw_of
from .sampling import draw
from .text import EncodedText

# Guidance leads away from a picture of nothing, which stresses words and memory alike, so that a
# blue apple stays as red as the remembered one. At the first scales, where colours are decided, it
# also leads away from the same memory without the words, by so much of the weight.
WORD_SCALES, WORD_SHARE = 3, 0.3


@dataclass(frozen=True)
class Request:
    """What determines a picture, the texts aside."""

    seeds: Sequence[int]  # one picture per seed
    sampling: SamplingConfig
    controls: Sequence[tuple[str, Control]] = field(default_factory=list)  # by kind
    use_memory: bool = True
    reference_strength: float = 1.0
    asked: Asked | None = None  # of the memory; what the prompt says, if not given
    slots: Slots | None = None  # instead of what is retrieved


class Session:
    """Holds a half-made picture: `f_hat`, the ids so far and the index of the next scale."""

    def __init__(
        self, model: Model, text: EncodedText, null: EncodedText, request: Request
    ) -> None:
        """`text` is the prompt, `null` what guidance leads away from; one row each."""
        self.model, self.request = model, request
        n_pictures = len(request.seeds)
        self.matches = self._retrieve(text)
        self.is_guided = request.sampling.guidance != 0
        slots, prepare = self._slots(), model.generator.prepare
        groups = [(text, slots)] + [(null, None)] * self.is_guided
        self.conditions = prepare(groups, n_pictures, request.controls)
        self.wordless: Conditions | None = None
        if self.is_guided and slots is not None:
            self.wordless = prepare([(null, slots)], n_pictures, request.controls)
        config, side = model.config, model.config.latent_size
        self.f_hat = torch.zeros(n_pictures, config.tokenizer.latent_channels, side, side)
        self.ids: list[Tensor] = []  # per scale (B, p²)

    @property
    def is_complete(self) -> bool:
        return len(self.ids) == len(self.model.config.scales)

    def step(self) -> None:
        """Predicts the next scale of every picture."""
        scale_idx, sampling = len(self.ids), self.request.sampling
        f_hat = self.f_hat.repeat(2, 1, 1, 1) if self.is_guided else self.f_hat
        features = self.model.generator(scale_idx, f_hat, self.conditions)
        if self.is_guided:
            n_scales, with_words = len(self.model.config.scales), features[: len(self.f_hat)]
            features = guide(features, sampling.guidance * (scale_idx + 1) / n_scales)
            if self.wordless is not None and scale_idx < WORD_SCALES:
                without = self.model.generator(scale_idx, self.f_hat, self.wordless)
                features = features + WORD_SHARE * sampling.guidance * (with_words - without)
        scores = logits(features, self.model.scoring)  # (B, p², V)
        drawn = [draw(s, sampling, seed, scale_idx) for s, seed in zip(scores, self.request.seeds)]
        self.ids.append(torch.stack(drawn))
        self.f_hat = self.model.tokenizer.add_scale(self.f_hat, scale_idx, self.ids[-1])

    def render(self) -> NDArray[np.uint8]:
        """Decodes the scales done so far: (B, H, W, 4), straight alpha."""
        picture = self.model.tokenizer.decode(self.f_hat).clamp_(0, 1).permute(0, 2, 3, 1)
        alpha = picture[..., 3:]
        colour = (picture[..., :3] / alpha.clamp(min=1e-6)).clamp_(max=1)
        # Where alpha rounds to 0 nothing is seen, and the colour would be noise.
        colour *= alpha >= 0.5 / 255
        straight = torch.cat([colour, alpha], dim=-1)
        return straight.mul_(255).round_().to(torch.uint8).numpy()

    def _retrieve(self, text: EncodedText) -> list[list[list[Match]]]:
        """What each slot shows, by picture; no list if there is nothing to retrieve from."""
        memory, config = self.model.memory, self.model.config
        if memory is None or not self.request.use_memory or self.request.slots is not None:
            return []
        asked = self.request.asked or Asked(text.pooled[0])
        return [memory.retrieve_each(asked, config.memory, seed) for seed in self.request.seeds]

    def _slots(self) -> Slots | None:
        if not self.matches:
            return self.request.slots
        f_hat = torch.stack([self._shown(slot) for slots in self.matches for slot in slots])
        f_hat = f_hat.unflatten(0, (len(self.matches), -1))
        taken = torch.ones(f_hat.shape[:2], dtype=torch.bool)
        return Slots(f_hat, taken, self.request.reference_strength)

    def _shown(self, matches: list[Match]) -> Tensor:
        """The latent (C, g, g) of what a slot shows."""
        assert self.model.memory is not None, "matches come from a memory"
        redraw = redraw_of(self.model.memory, self.model.tokenizer)
        style = self.request.asked and self.request.asked.style
        shown = [redraw(match.entry_idx, style) for match in matches]
        return shown[0] if len(shown) == 1 else joined(torch.stack(shown), self.model.tokenizer)
