"""Paints with networks that are still in training, through the reference's own sampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from underpaint_reference.asked import ask
from underpaint_reference.config import Config, SamplingConfig
from underpaint_reference.control import Control
from underpaint_reference.generator import Generator
from underpaint_reference.memory import Memory
from underpaint_reference.model import Model
from underpaint_reference.session import Request, Session
from underpaint_reference.text import EncodedText, PromptReader, TextEncoder
from underpaint_reference.tokenizer import Tokenizer

from .controls import edges
from .data.captions import key_caption
from .data.pictures import Pictures
from .sheets import over_white, write_sheet

PROMPTS = (
    "red apple, 3d style",
    "cat face, glossy style",
    "blue car, flat style",
    "birthday cake, cartoon style",
    "purple frog, 3d style",
    "a house with garden, clipart style",
    "green heart, glossy style",
    "orange butterfly, glossy style",
)


@dataclass(frozen=True)
class LiveModel:
    """What `Session` uses of a `Model`, without a folder."""

    config: Config
    text: TextEncoder
    read_prompts: PromptReader
    generator: Generator
    tokenizer: Tokenizer
    memory: Memory | None
    scoring: tuple[Tensor, Tensor]

    @staticmethod
    def of(
        config: Config,
        generator: Generator,
        tokenizer: Tokenizer,
        text: TextEncoder,
        read: PromptReader,
        memory_folder: Path,
    ) -> LiveModel:
        scoring = generator.scoring(tokenizer.codebook.weight)
        memory = Memory.load(memory_folder)
        return LiveModel(config, text, read, generator, tokenizer, memory, scoring)

    def encode_text(self, prompts: Sequence[str]) -> EncodedText:
        return self.text(*self.read_prompts(prompts))


AnyModel = Model | LiveModel


@torch.no_grad()
def paint(
    model: AnyModel,
    prompt: str,
    seeds: Sequence[int] = (0,),
    lines: Tensor | None = None,
    strength: float = 1.0,
    use_memory: bool = True,
    sampling: SamplingConfig | None = None,
) -> list[Tensor]:
    """`f_hat` after each scale (one picture per seed, C, g, g); lines are (H, W)."""
    controls = [] if lines is None else [("lines", Control(lines[None, None], strength))]
    asked = ask(cast(Model, model), prompt)
    request = Request(seeds, sampling or model.config.sampling, controls, use_memory, asked=asked)
    text, null = model.encode_text([prompt]), model.encode_text([""])
    session = Session(cast(Model, model), text, null, request)
    f_hats = []
    while not session.is_complete:
        session.step()
        f_hats.append(session.f_hat)
    return f_hats


@torch.no_grad()
def decode(model: AnyModel, f_hat: Tensor) -> Tensor:
    """(B, C, g, g) → premultiplied RGBA (B, 4, H, W) in [0, 1]."""
    return model.tokenizer.decode(f_hat).clamp(0, 1)


def paint_sheet(model: AnyModel, pictures: Pictures, path: Path) -> None:
    """Fixed prompts with and without memory, then held-out pictures, their lines, and the result.

    Every row has as many cells as there are prompts.
    """
    rows = [
        torch.cat(
            [decode(model, paint(model, prompt, use_memory=memory)[-1]) for prompt in PROMPTS]
        )
        for memory in (True, False)
    ]
    shown = pictures.held_out[np.arange(len(PROMPTS)) * 7 % len(pictures.held_out)]
    originals = pictures.pixels(shown)
    lines = torch.stack([edges(picture) for picture in originals])
    traced = []
    for index, ink in zip(shown, lines):
        entry = pictures.entries[int(index)]
        f_hats = paint(model, key_caption(entry.name, entry.style), lines=ink)
        traced.append(decode(model, f_hats[-1]))
    paper = (1 - lines)[:, None].expand(-1, 3, -1, -1)
    shown_rows = [over_white(row) for row in (*rows, originals)]
    write_sheet(path, [*shown_rows, paper, over_white(torch.cat(traced))])
