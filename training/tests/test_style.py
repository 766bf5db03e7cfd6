"""The measure of style, on drawings whose style is known."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from underpaint_training.data.catalogue import Item
from underpaint_training.evaluate import claim, style

RED, BLUE = (230, 60, 50), (60, 110, 220)


def drawing(colour: tuple[int, int, int], side: int, outline: int) -> style.Picture:
    """A filled square, with a black outline of so many pixels."""
    picture = Image.new("RGBA", (256, 256), (255, 255, 255, 0))
    box = (128 - side // 2, 128 - side // 2, 128 + side // 2, 128 + side // 2)
    ImageDraw.Draw(picture).rectangle(box, colour, (0, 0, 0) if outline else colour, outline)
    return np.asarray(picture)


def measured(colour: tuple[int, int, int], side: int, outline: int) -> style.Values:
    colours = style.palette([drawing(RED, 200, 10)])
    return style.features(drawing(colour, side, outline), colours)


def test_outlines_are_told_from_none() -> None:
    outlined, plain = measured(RED, 200, 10), measured(RED, 200, 0)
    darkness, contrast, line, _ = outlined - plain
    assert darkness > 0.5 and contrast > 0.2 and line > 0.1
    assert plain[0] == plain[2] == 0


def test_a_dark_thing_has_no_outline() -> None:
    assert measured((20, 20, 20), 200, 0)[2] == 0


def test_shape_and_size_hardly_count() -> None:
    apart = np.abs(measured(RED, 200, 10) - measured(RED, 160, 10))
    style_apart = np.abs(measured(RED, 200, 10) - measured(RED, 200, 0))
    assert (apart[:3] < 0.3 * style_apart[:3]).all()


def test_the_palette_counts() -> None:
    assert measured(RED, 200, 10)[3] < 0.02 < measured(BLUE, 200, 10)[3]


def test_a_drawing_of_lines_alone_is_measured() -> None:
    assert np.isfinite(measured((0, 0, 0), 12, 0)).all()


def test_progress_runs_from_start_to_goal() -> None:
    start, goal = np.array([0.1, 0.0, 0.0, 0.1]), np.array([0.9, 0.5, 0.4, 0.0])
    scale = style.Scale(np.array([0.3, 0.2, 0.1, 0.02]), start, goal)
    assert scale.progress(start) == 0 and np.isclose(scale.progress(goal), 1)
    assert np.isclose(scale.progress((start + goal) / 2), 0.5)
    assert scale.distance(goal) == 0 < scale.distance(start)


def test_sets_are_named() -> None:
    rng = np.random.default_rng(0)
    sets = [rng.normal(mean, 0.1, (50, 4)) for mean in (0.0, 1.0)]
    nearest = style.Nearest(sets)
    assert (nearest(sets[0]) == 0).all() and (nearest(sets[1]) == 1).all()
    assert np.allclose(style.spread(sets), 0.5, atol=0.05)


def test_things_are_not_remembered() -> None:
    assert len(claim.THINGS) == 50
    for name, is_other in (("monkey", True), ("cat-face", False), ("green-apple", False)):
        item = Item(name, name.replace("-", " "), [], False)
        assert claim.is_other(item) == is_other
    assert not claim.is_other(Item("pets", "cats", [], False))
    assert claim.is_other(Item("catalogue", "catalogue", [], False))
