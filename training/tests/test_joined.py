"""Several things in one picture, and what is remembered of them."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from underpaint_reference.asked import Asked, ask
from underpaint_reference.joined import side_by_side
from underpaint_reference.memory import Memory
from underpaint_reference.model import Model
from underpaint_reference.session import Request, Session
from underpaint_reference.tokenizer import Tokenizer

from underpaint_training import batches
from underpaint_training.batches import Batches
from underpaint_training.data.pictures import Pictures
from underpaint_training.memory import Neighbours, PictureMemory

TINY = Path(__file__).parents[2] / "tests" / "fixtures" / "embedded_tiny"


class _Tokenizer:
    """Whose latents are small pictures."""

    def encode(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        return picture, F.adaptive_avg_pool2d(picture, 2)


class _Memory:
    """In which every picture is like the one after it."""

    def __init__(self, n: int) -> None:
        self.latents = np.zeros((n, 4, 2, 2), dtype=np.float32)
        self.neighbours = (Neighbours(np.arange(1, n + 1)[:, None] % n, np.ones((n, 1))),)

    def has_latent(self, index: int) -> bool:
        return True

    def latent(self, index: int) -> Tensor:
        return torch.from_numpy(self.latents[index])


def _square(colour: tuple[float, float, float]) -> Tensor:
    picture = torch.zeros(4, 64, 64)
    picture[:3, 12:52, 12:52] = torch.tensor(colour)[:, None, None]
    picture[3, 12:52, 12:52] = 1
    return picture


def test_things_share_a_row_and_a_third_lies_below() -> None:
    red, green, blue = (_square(c) for c in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
    two = side_by_side([red, green])
    assert two[0, :, :32].sum() > 500 and two[0, :, 32:].sum() == 0
    assert two[1, :, 32:].sum() > 500 and two[1, :, :32].sum() == 0
    three = side_by_side([red, green, blue])
    assert three[2, 32:].sum() > 500 and three[2, :32].sum() == 0
    assert side_by_side([torch.zeros(4, 64, 64)] * 2).sum() == 0, "nothing beside nothing"


def test_a_run_is_shown_each_thing_that_is_joined() -> None:
    model = Model(TINY)
    asked = ask(model, "red apple and blue car")
    sampling = model.config.sampling
    text, null = model.encode_text(["red apple and blue car"]), model.encode_text([""])
    session = Session(model, text, null, Request([3, 4], sampling, asked=asked))
    assert all(len(slot) == 2 for slots in session.matches for slot in slots)
    session.step()
    assert session.f_hat.isfinite().all()


def test_an_entry_shows_all_things_only_if_it_fits_them_better_together() -> None:
    axes = torch.eye(3)
    entries = [{"caption": name, "style": ""} for name in ("cactus", "robot")]
    names = np.arange(2, dtype=np.uint64)
    config = Model(TINY).config.memory
    things = [axes[0] + 0.2 * axes[2], axes[1] + 0.2 * axes[2]]
    # One of them alone fits the whole prompt well, where a style makes up most of it.
    whole = axes[0] + 0.3 * axes[1] + 0.2 * axes[2]
    memory = Memory(torch.zeros(2, 1, dtype=torch.long), names, axes[:2], entries)
    shown = memory.retrieve_each(Asked(whole, things), config, 0)
    assert [match.entry_idx for match in shown[0]] in ([0, 1], [1, 0])
    both = F.normalize(torch.stack([whole, axes[1]]))
    memory = Memory(torch.zeros(2, 1, dtype=torch.long), names, both, entries)
    assert all(len(slot) == 1 for slot in memory.retrieve_each(Asked(whole, things), config, 0))


def test_examples_find_things_where_they_paint_them(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_P_LAID", 1.0)
    monkeypatch.setattr(batches, "_P_TWO", 1.0)
    monkeypatch.setattr(batches, "_P_NOTHING", 0.0)
    monkeypatch.setattr(batches, "_P_SELF", 1.0)
    pictures = Pictures(data_dir, ["flat-color-icons"], 4)
    memory = cast(PictureMemory, _Memory(len(pictures.entries)))
    drawn = Batches(pictures, memory, 3, cast(Tokenizer, _Tokenizer()))
    for seed in range(8):
        index = seed % len(pictures.entries)
        picture = pictures.pixels(np.array([index]))[0]
        example = drawn._joined(index, picture, np.random.default_rng(seed))
        assert pictures.entries[index].name in example.caption and " and " in example.caption
        assert len(example.latents) == 2, "themselves and a neighbour of each"
        for side in (slice(0, 128), slice(128, 256)):
            shown = example.latents[0][:, :, side.start // 128]
            painted = example.picture[:, :, side]
            assert painted[3].sum() > 500 and shown[3].sum() > 0.05
            # The same colour on the same side.
            of_both = torch.stack([painted.mean((1, 2)), shown.mean(1)])
            colours = of_both[:, :3] / of_both[:, 3:]
            assert (colours[0] - colours[1]).abs().max() < 0.1
