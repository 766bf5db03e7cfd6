"""Does a picture show what was asked for, in the style that was asked for?"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from ..data.captions import key_caption
from ..data.pictures import Pictures
from ..painting import decode, paint
from .classifier import Classifier, Examples, Recipe, examples, share_in_top, shrink, trained_once
from .subject import Subject
from .table import Row

# Styles that the classifier of things does not see: it must know things, not pictures.
UNSEEN_SOURCES = ("noto", "fluent-emoji-flat")
N_CONCEPTS, N_STYLED = 100, 120
_MIN_SOURCES = 4
_STEPS, _STYLE_STEPS = 1200, 3000
_STYLE_SIDE_PX = 128  # outlines and gradients must be seen
_PER_STYLE = 1200


@dataclass(frozen=True)
class Judge:
    """Says which of the most common things a picture shows."""

    classifier: Classifier
    label_of: dict[str, int]  # of each thing
    real_share: float | None  # %, real pictures of unseen styles recognised among the first five

    def share_painted(
        self, subject: Subject, prompts: list[str], names: list[str], use_memory: bool = True
    ) -> float:
        """% of the prompts whose picture shows the named thing, among the first five."""
        labels = torch.tensor([self.label_of[name] for name in names])
        small = _painted(subject, prompts, use_memory, self.classifier.side_px)
        painted = Examples(small, labels)
        return share_in_top(self.classifier, painted, 5)


@cache
def class_judge(subject: Subject) -> Judge | None:
    """Trained once; None if there are not enough things that several sources show."""
    concepts = common_names(subject.pictures, N_CONCEPTS)
    if len(concepts) < 2:
        return None
    entries, label_of = subject.pictures.entries, {name: i for i, name in enumerate(concepts)}
    known = [i for i, entry in enumerate(entries) if entry.name in label_of]
    known = [i for i in known if not entries[i].is_tone_variant]
    recipe = Recipe(len(concepts), _STEPS)
    split = {
        is_seen: np.array(
            [i for i in known if (entries[i].source not in UNSEEN_SOURCES) == is_seen]
        )
        for is_seen in (True, False)
    }

    def labelled(is_seen: bool) -> Examples:
        chosen = split[is_seen]
        labels = [label_of[entries[i].name] for i in chosen]
        return examples(subject.pictures, chosen, labels, recipe.side_px)

    classifier = trained_once(subject.judges, recipe, concepts, lambda: labelled(True))
    real_share = share_in_top(classifier, labelled(False), 5) if len(split[False]) else None
    return Judge(classifier, label_of, real_share)


def class_fidelity(subject: Subject) -> list[Row]:
    """Names of the most common things as prompts, with and without memory."""
    judge = class_judge(subject)
    if judge is None:
        return []
    rows = []
    if judge.real_share is not None:
        rows.append(Row("class, real pictures of unseen styles, top 5", judge.real_share, "%"))
    asked = list(judge.label_of)[: subject.number(N_CONCEPTS)]
    for name, use_memory, bar in (("with", True, 70.0), ("without", False, None)):
        share = judge.share_painted(subject, asked, asked, use_memory)
        rows.append(Row(f"class, painted {name} memory, top 5", share, "%", at_least=bar))
    return rows


def style_words(subject: Subject) -> list[Row]:
    """Held-out captions in every style: does the classifier see the style that was named?"""
    pictures, rng = subject.pictures, np.random.default_rng(3)
    by_style: dict[str, list[int]] = defaultdict(list)
    held_out = set(pictures.held_out.tolist())
    for i, entry in enumerate(pictures.entries):
        if not entry.is_tone_variant and i not in held_out:
            by_style[entry.style].append(i)
    styles = sorted(by_style)
    if len(styles) < 2:
        return []
    recipe = Recipe(len(styles), _STYLE_STEPS, _STYLE_SIDE_PX, is_tinted=False, sees_places=False)

    def labelled() -> Examples:
        chosen = [
            (int(i), label)
            for label, style in enumerate(styles)
            for i in rng.permutation(by_style[style])[:_PER_STYLE]
        ]
        indices = np.array([i for i, _ in chosen])
        return examples(pictures, indices, [label for _, label in chosen], recipe.side_px)

    classifier = trained_once(subject.judges, recipe, styles, labelled)
    label_of = {style: i for i, style in enumerate(styles)}
    tested = pictures.held_out
    labels = [label_of[pictures.entries[i].style] for i in tested]
    real = examples(pictures, tested, labels, recipe.side_px)
    asked = subject.held_out(N_STYLED)
    wanted = [styles[i % len(styles)] for i in range(len(asked))]
    prompts = [key_caption(pictures.entries[i].name, s) for i, s in zip(asked, wanted)]
    painted = Examples(
        _painted(subject, prompts, True, recipe.side_px),
        torch.tensor([label_of[style] for style in wanted]),
    )
    return [
        Row("style, real held-out pictures", share_in_top(classifier, real, 1), "%"),
        Row("style words, painted", share_in_top(classifier, painted, 1), "%", at_least=70),
    ]


def common_names(pictures: Pictures, n: int) -> list[str]:
    """The names that most sources have, most common first."""
    sources: dict[str, set[str]] = defaultdict(set)
    for entry in pictures.entries:
        if not entry.is_tone_variant and not entry.is_flag:
            sources[entry.name].add(entry.source)
    ranked = sorted(sources, key=lambda name: (-len(sources[name]), name))
    return [name for name in ranked if len(sources[name]) >= _MIN_SOURCES][:n]


def _painted(subject: Subject, prompts: list[str], use_memory: bool, side_px: int) -> torch.Tensor:
    """Small pictures of the prompts, (n, 4, …)."""
    model = subject.model
    f_hats = [paint(model, prompt, use_memory=use_memory)[-1] for prompt in prompts]
    return torch.cat([shrink(decode(model, f_hat), side_px) for f_hat in f_hats])
