"""Names, captions, held-out pictures, sketches."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from underpaint_training import memory
from underpaint_training.controls import edges, sketch, training_controls
from underpaint_training.data.captions import (
    clean_keywords,
    clean_name,
    colour_words,
    draw_caption,
    is_tone_variant,
    without_tone,
)
from underpaint_training.data.catalogue import split_glued
from underpaint_training.data.pictures import Pictures
from underpaint_training.data.render import MARGIN_PX, SIZE_PX
from underpaint_training.data.sources import SOURCES, Package, Source, source
from underpaint_training.memory import says, shipped_entries
from underpaint_training.warps import rotate_hue


def test_names_are_words() -> None:
    assert clean_name("Tea_Cup-duo") == "tea cup"
    assert clean_name("globe-2") == "globe"
    assert clean_name("u1f600-grinning") == "grinning"
    assert clean_name("___") == "symbol"
    assert is_tone_variant("boy-medium-dark") and not is_tone_variant("light-bulb")
    assert without_tone("waving-hand-light-skin-tone") == "waving-hand"
    assert clean_keywords(["Cat", "cat", "hash(0x1)", "ok"], "dog") == ["cat"]
    words = frozenset({"lower", "left", "crayon", "ray", "on"})
    assert split_glued("lowerleftcrayon", words) == "lower left crayon"
    assert split_glued("zzz", words) == "zzz"


def test_colours_are_named_and_captions_use_them() -> None:
    cells = np.zeros((16, 16, 4), dtype=np.float32)
    cells[..., 0], cells[..., 3] = 0.85, 1.0
    assert colour_words(cells) == ["red"]
    assert colour_words(np.zeros_like(cells)) == []
    caption = draw_caption("apple", [], "3d", ["red"], random.Random(0), names_colour=True)
    assert "red" in caption and "apple" in caption


def test_licences_are_checked() -> None:
    assert len({source.key for source in SOURCES}) == len(SOURCES)
    with pytest.raises(ValueError, match="GPL"):
        Source("stamps", "Stamps", "photo", "GPL-2.0", Package("debian", "tuxpaint-stamps"))


def test_held_out_pictures_are_never_drawn(data_dir: Path) -> None:
    pictures = Pictures(data_dir, ["flat-color-icons"], n_held_out=4)
    drawn = pictures.draw(np.random.default_rng(0), 2000)
    assert len(pictures.held_out) == 4
    assert not set(pictures.held_out.tolist()) & set(drawn.tolist())
    assert len(set(drawn.tolist())) == len(pictures) - 4


def test_what_ships_is_not_held_out_and_has_a_name(data_dir: Path) -> None:
    pictures = Pictures(data_dir, ["flat-color-icons"], n_held_out=4)
    shipped = shipped_entries(pictures, max_entries=10, words={"none of its names"})
    assert len(shipped) == 10 and not set(shipped.tolist()) & set(pictures.held_out.tolist())
    entry = pictures.entries[0]
    words = {"ring", "red", "a"}
    for name, is_named in (("red square", True), ("ring09", True), ("kppp", False), ("a 7", False)):
        assert says(replace(entry, name=name), words) == is_named, name
    drawings = [replace(each, source="openclipart") for each in pictures.entries]
    pictures.entries = drawings
    assert len(shipped_entries(pictures, 20, {"red"})) == sum(
        i not in pictures.held_out for i, each in enumerate(drawings) if "red" in each.name
    )


def test_a_few_of_a_set_of_icons_ship(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = Pictures(data_dir, ["flat-color-icons"], n_held_out=4)
    limited = replace(source("flat-color-icons"), max_remembered=3)
    monkeypatch.setattr(memory, "source", lambda key: limited)
    assert len(shipped_entries(pictures, max_entries=10)) == 3


def test_pictures_are_premultiplied_and_have_a_margin(data_dir: Path) -> None:
    pixels = Pictures(data_dir, ["flat-color-icons"], 0).pixels(np.arange(3))
    assert pixels.shape == (3, 4, SIZE_PX, SIZE_PX)
    assert bool((pixels[:, :3] <= pixels[:, 3:] + 1e-6).all())
    assert pixels[:, 3, : MARGIN_PX - 1].max() == 0


def test_sketches_are_ink_and_repeatable(data_dir: Path) -> None:
    picture = Pictures(data_dir, ["flat-color-icons"], 0).pixels(np.arange(1))[0]
    assert 0 < float(edges(picture).mean()) < 0.2
    for seed in range(40):
        ink = sketch(picture, np.random.default_rng(seed))
        assert ink.shape == (SIZE_PX, SIZE_PX) and 0 <= ink.min() and ink.max() <= 1
    twice = [training_controls(picture[None], np.random.default_rng(5)) for _ in range(2)]
    for kind, ink in twice[0].maps.items():
        assert torch.equal(ink, twice[1].maps[kind])


def test_hue_goes_round() -> None:
    red = torch.tensor([0.8, 0.1, 0.1, 1.0])[:, None, None].expand(4, 2, 2)
    torch.testing.assert_close(rotate_hue(red, 0.0), red, atol=2e-3, rtol=0)
    turned = rotate_hue(red, 2.1)
    assert turned[1].mean() > turned[0].mean()


def test_plain_icons_are_found_by_who_names_their_style() -> None:
    torch.manual_seed(0)
    thing, style, other = torch.nn.functional.normalize(torch.randn(3, 64), dim=1)
    keys = torch.stack([thing + 0.5 * style, thing + 0.5 * other, torch.randn(64) + 0.5 * style])
    keys = torch.nn.functional.normalize(keys, dim=1)
    styles, is_limited = ["cyber", "flat", "cyber"], [True, False, True]
    turned = memory.for_who_names_it(keys, styles, is_limited)
    torch.testing.assert_close(turned.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(turned[1], keys[1])
    assert turned[0] @ thing < keys[0] @ thing and turned[0] @ style > keys[0] @ style
