"""Measures on pictures whose values are known, and the table on an untrained model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from underpaint_training.controls import edges
from underpaint_training.data.pictures import Pictures
from underpaint_training.evaluate import fidelity, measures, words
from underpaint_training.evaluate.classifier import (
    GRID,
    Examples,
    Recipe,
    examples,
    share_in_top,
    train,
    trained_once,
)
from underpaint_training.evaluate.contact import write_contact_sheets
from underpaint_training.evaluate.metrics import METRICS
from underpaint_training.evaluate.subject import Subject
from underpaint_training.evaluate.table import Row

TINY = Path(__file__).parents[2] / "tests" / "fixtures" / "embedded_tiny"


@pytest.fixture
def pictures(data_dir: Path) -> Pictures:
    return Pictures(data_dir, ["flat-color-icons"], 4)


@pytest.fixture(autouse=True)
def quick_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fidelity, "_STEPS", 20)
    monkeypatch.setattr(fidelity, "_STYLE_STEPS", 20)


@pytest.fixture
def circles(pictures: Pictures) -> Tensor:
    """The same circle in red and in blue."""
    chosen = [i for i, entry in enumerate(pictures.entries) if entry.name.endswith("circle")]
    names = [pictures.entries[i].name.split()[0] for i in chosen]
    return pictures.pixels(np.array([chosen[names.index("red")], chosen[names.index("blue")]]))


def test_psnr_of_a_known_error() -> None:
    assert measures.psnr(torch.full((1, 4, 8, 8), 0.1), torch.zeros(1, 4, 8, 8)) == pytest.approx(
        20
    )


def test_edges_agree_with_themselves_and_within_the_tolerance(circles: Tensor) -> None:
    picture = circles[0]
    ink = edges(picture)
    assert measures.edge_f1(picture, ink) == 1
    assert measures.edge_f1(picture.roll(2, dims=-1), ink) == 1
    assert measures.edge_f1(picture.roll(40, dims=-1), ink) < 0.5
    assert measures.edge_f1(torch.zeros_like(picture), ink) == 0


def test_palettes_ignore_places(circles: Tensor) -> None:
    red, blue = circles
    assert measures.palette_distance(red, red.roll(30, dims=-1)) < 0.02
    assert measures.palette_distance(red, blue) > 0.2
    assert measures.dominant_colours(red) == ["red"]


def test_distance_between_seeds() -> None:
    pictures = torch.stack([torch.zeros(4, 8, 8), torch.ones(4, 8, 8)])
    assert measures.mean_pairwise_distance(pictures) == pytest.approx(1)
    assert measures.mean_pairwise_distance(pictures[:1].repeat(3, 1, 1, 1)) == pytest.approx(0)


def test_bars() -> None:
    assert Row("x", 0.5, at_least=0.4).verdict == "ok"
    assert Row("x", 0.5, at_most=0.4).verdict == "above 0.4"
    assert Row("x", 0.5).verdict == ""


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_gives_finite_rows(name: str, pictures: Pictures) -> None:
    subject = Subject.open(TINY, pictures, share=0.02)
    assert all(np.isfinite(row.value) for row in METRICS[name](subject))


def test_unseen_words_are_those_that_no_caption_has(
    pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["red circle", "blue square", "green ring"]
    monkeypatch.setattr(fidelity, "common_names", lambda *_: names)
    pairs = {"disc": "red circle", "shape": "green ring", "box": "blue square", "hat": "a hat"}
    monkeypatch.setattr(words, "SYNONYMS", pairs)
    known, unseen = words.unseen_words(Subject.open(TINY, pictures, share=0.5))
    assert known.name == "known words of 2 pairs, top 5", "“shape” is a keyword, a hat is no class"
    assert known.value == unseen.value == 100, "three classes are all among the first five"
    assert unseen.verdict == "ok"


def test_contact_sheets_are_written(pictures: Pictures, tmp_path: Path) -> None:
    write_contact_sheets(Subject.open(TINY, pictures, share=0.07), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["prompts.webp", "sketches.webp"]


def test_classifier_learns_shapes(pictures: Pictures) -> None:
    shapes = sorted({entry.name.split()[1] for entry in pictures.entries})
    labels = [shapes.index(entry.name.split()[1]) for entry in pictures.entries]
    found = examples(pictures, np.arange(len(pictures)), labels, GRID)
    classifier = train(found, Recipe(len(shapes), n_steps=30))
    assert share_in_top(classifier, found, 1) > 60
    assert share_in_top(classifier, found, len(shapes)) == 100


def test_a_judge_is_trained_once(pictures: Pictures, tmp_path: Path) -> None:
    n_made = 0

    def make() -> Examples:
        nonlocal n_made
        n_made += 1
        return examples(pictures, np.arange(4), [0, 1, 0, 1], 2 * GRID)

    recipe = Recipe(2, n_steps=3, side_px=2 * GRID)
    first = trained_once(tmp_path, recipe, ["a", "b"], make)
    again = trained_once(tmp_path, recipe, ["a", "b"], make)
    assert n_made == 1
    small = make().small
    torch.testing.assert_close(again(small), first(small))
    trained_once(tmp_path, recipe, ["a", "c"], make)
    assert n_made == 3, "other classes want another judge"
