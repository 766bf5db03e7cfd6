"""Memories redrawn in the cells of other pictures."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from underpaint_reference.memory import Memory, entry_names
from underpaint_reference.model import Model
from underpaint_reference.redraw import Palette, Probe, Redraw, describe, oklab
from underpaint_reference.seams import arrange

from underpaint_training.data.pictures import Pictures
from underpaint_training.memory import PictureMemory
from underpaint_training.redrawn import Redrawing

TINY = Path(__file__).parents[2] / "tests" / "fixtures" / "embedded_tiny"
_N_SILHOUETTE = 36
_SIDE = 4  # cells


class _Memory:
    """Latents that say which picture they are of."""

    def has_latent(self, index: int) -> bool:
        return True

    def latent(self, index: int) -> Tensor:
        random = torch.Generator().manual_seed(index)
        latent = torch.randn(3, _SIDE, _SIDE, generator=random)
        latent[0] = index
        return latent


def _square(inner: float, rim: float) -> Tensor:
    """A grey square with a rim on a transparent picture of 64 px."""
    picture = torch.zeros(1, 4, 64, 64)
    picture[:, :3, 16:48, 16:48] = rim
    picture[:, :3, 20:44, 20:44] = inner
    picture[:, 3, 16:48, 16:48] = 1
    return picture


def test_white_has_full_lightness_and_no_colour() -> None:
    lab = oklab(torch.ones(1, 3, 1))[0, :, 0]
    torch.testing.assert_close(lab, torch.tensor([1.0, 0.0, 0.0]), atol=1e-3, rtol=0)


def test_an_outline_changes_neither_silhouette_nor_fill() -> None:
    plain, outlined = (describe(_square(0.8, rim), _SIDE) for rim in (0.8, 0.0))
    assert plain.shape == (_SIDE**2, _N_SILHOUETTE + 3 + 16)
    torch.testing.assert_close(plain[:, :_N_SILHOUETTE], outlined[:, :_N_SILHOUETTE])
    colours = slice(_N_SILHOUETTE, _N_SILHOUETTE + 3)
    torch.testing.assert_close(plain[:, colours], outlined[:, colours], atol=0.01, rtol=0)
    assert plain[0, 0] == 0 and plain[5, _N_SILHOUETTE - 1] > 0


def test_the_probe_reads_what_latents_hold() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(96, 4, _SIDE, _SIDE).repeat_interleave(16, 2).repeat_interleave(16, 3)
    pictures[:, :3] *= pictures[:, 3:]
    latents = torch.nn.functional.adaptive_avg_pool2d(pictures, _SIDE)
    found, wanted = Probe.fit(latents, pictures)(latents), describe(pictures, _SIDE)
    found, wanted = found[:, :_N_SILHOUETTE], wanted[:, :_N_SILHOUETTE]
    assert (found - wanted).square().mean() < 0.05 * wanted.var(0).mean()


def test_a_picture_of_a_palette_is_redrawn_as_itself() -> None:
    torch.manual_seed(0)
    latents = torch.randn(5, 3, _SIDE, _SIDE)
    probe = Probe(torch.randn(28, 12))
    palette = Palette.of(latents, probe)
    torch.testing.assert_close(palette.redraw(latents[2:4], probe), latents[2:4])


def test_cells_fit_those_beside_them() -> None:
    side = 3
    cells = torch.cat([torch.arange(9.0), torch.full((9,), 100.0)])[:, None]
    costs = torch.full((9, 18), 1e9)
    costs[range(9), range(9)] = 1
    assert arrange(costs, cells, side).tolist() == list(range(9))
    costs[4, 13] = 0  # the middle would rather have a cell of the second picture
    assert arrange(costs, cells, side).tolist() == list(range(9))
    costs[range(9), range(9)] = 1e9
    costs[range(9), range(17, 8, -1)] = 0
    assert arrange(costs, cells, side).tolist() == list(range(17, 8, -1)), "what is wanted is shown"


def test_entries_are_redrawn_in_other_styles_only() -> None:
    model = Model(TINY)
    n_tokens = sum(side**2 for side in model.config.scales)
    ids = torch.randint(model.config.tokenizer.codebook_size, (6, n_tokens))
    entries = [{"style": "flat" if i < 3 else "3d"} for i in range(6)]
    memory = Memory(ids, entry_names(ids.numpy()), torch.eye(6), entries)
    redraw = Redraw(memory, model.tokenizer)
    with torch.no_grad():
        own = model.tokenizer.f_hat_from_ids(ids[[0]])[0]
        torch.testing.assert_close(redraw(0, None), own)
        torch.testing.assert_close(redraw(0, "flat"), own)
        assert not torch.allclose(redraw(0, "3d"), own)


def test_cells_come_from_other_things_in_the_style(data_dir: Path) -> None:
    pictures = Pictures(data_dir, ["flat-color-icons"], 4)
    memory = _Memory()
    redrawn = Redrawing(pictures, cast(PictureMemory, memory))
    own = [memory.latent(i) for i in (3, 5)]
    rng = np.random.default_rng(0)
    found = redrawn(3, own, rng)
    assert [latent.shape for latent in found] == [latent.shape for latent in own]
    seen = {int(value) for latent in found for value in latent[0].flatten()}
    assert len(seen) > 1 and seen.isdisjoint({3, *pictures.held_out.tolist()})
