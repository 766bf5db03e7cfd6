"""A measure of drawing style that does not ask what is drawn.

Each feature is one number of one picture; a style is the mean over pictures. Which features count
and what a step of each is worth was found on real sets that draw the same things, so that only the
hand differs: a feature must tell the sets apart both as they are and as the picture tokenizer gives
them back. Lightness and chroma of the fills do not (between-set spread below 0.2 of the spread
within a set), shading does only before the tokenizer (0.97, after it 0.29).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from underpaint_reference.redraw import TO_LAB, TO_LMS

Picture = NDArray[np.uint8]  # (H, W, 4), straight alpha, fitted as the training pictures are
Values = NDArray[np.float64]

SIDE_PX = 128  # pictures are compared at this size: softness of single pixels is not style
FEATURES = ("rim darkness", "rim contrast", "line share", "palette distance")

_DARK = 0.45  # lightness (OKLab) below which a line counts as ink
_INK_DEPTH = 0.15  # how much darker than both of its sides a line is
_LINE_PX = 9  # structures narrower than this are lines
_RIM_PX = 4  # width of the rim of the silhouette
_N_PALETTE = 16
_SAMPLES = 100  # colours that a picture adds to its set's palette
_N_ROUNDS = 12  # of k-means


@dataclass(frozen=True)
class Parts:
    """A picture as the features see it."""

    lab: Values  # (H, W, 3) OKLab of the colours, straight
    inside: NDArray[np.bool_]
    rim: NDArray[np.bool_]
    ink: NDArray[np.bool_]  # dark and narrow

    @property
    def fill(self) -> NDArray[np.bool_]:
        """What is neither line nor beside one."""
        return self.inside & ~_grown(self.ink, 3) & ~self.rim


def parts(picture: Picture) -> Parts:
    small = _shrunk(picture)
    alpha = small[..., 3]
    inside = alpha > 0.5
    lab = oklab(small[..., :3] / np.maximum(alpha, 1e-3)[..., None])
    lightness = np.where(inside, lab[..., 0], 1.0)
    # Closing fills what is narrow and darker than both sides; outside is paper.
    closed = _filtered(_filtered(lightness, ImageFilter.MaxFilter(_LINE_PX)), _min(_LINE_PX))
    ink = inside & (closed - lightness > _INK_DEPTH) & (lightness < _DARK)
    rim = inside & _grown(~inside, 2 * _RIM_PX + 1)
    return Parts(lab, inside, rim, ink)


def oklab(rgb: Values) -> Values:
    """sRGB in [0, 1] (…, 3) to OKLab."""
    rgb = np.clip(rgb, 0, 1)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ TO_LMS.numpy().T) @ TO_LAB.numpy().T


def palette(pictures: Sequence[Picture], seed: int = 0) -> Values:
    """(16, 3) OKLab: the colours that the fills of a set are made of."""
    rng = np.random.default_rng(seed)
    samples = []
    for picture in pictures:
        found = parts(picture)
        colours = found.lab[found.fill]
        if len(colours) > 0:
            samples.append(colours[rng.integers(len(colours), size=_SAMPLES)])
    return _centres(np.concatenate(samples), _N_PALETTE, rng)


def features(picture: Picture, colours: Values) -> Values:
    """(FEATURES,) of a picture that shows something; `colours` is the palette of the style.

    Share of dark pixels in the rim of the silhouette; how much lighter than the rim the core is;
    share of dark lines, wherever they are; mean distance of the fills from the palette.
    """
    found = parts(picture)
    lightness = found.lab[..., 0]
    rim = lightness[found.rim]
    core = lightness[found.inside & ~found.rim]
    fill = found.lab[found.fill]
    # A drawing of lines alone has no fills: then all of it counts.
    core = core if len(core) > 0 else rim
    fill = fill if len(fill) > 0 else found.lab[found.inside]
    return np.array(
        [
            (rim < _DARK).mean(),
            core.mean() - rim.mean(),
            found.ink.sum() / found.inside.sum(),
            _distances(fill, colours).mean(),
        ]
    )


@dataclass(frozen=True)
class Scale:
    """What a step of each feature is worth, and the way from one style to another."""

    spread: Values  # (FEATURES,) standard deviation of the sets' means
    start: Values  # (FEATURES,) mean of the style that is left
    goal: Values  # (FEATURES,) mean of the style that is wanted

    def progress(self, mean: Values) -> float:
        """How far a mean is on the way: 0 at the start, 1 at the goal, seen along it."""
        way = (self.goal - self.start) / self.spread
        return float((mean - self.start) / self.spread @ way / (way @ way))

    def distance(self, mean: Values) -> float:
        """From the goal, in spreads."""
        return float(np.linalg.norm((mean - self.goal) / self.spread))


def spread(sets: Sequence[Values]) -> Values:
    """sets of (pictures, FEATURES) → (FEATURES,)."""
    return np.array([found.mean(0) for found in sets]).std(0)


class Nearest:
    """Names the set of a picture: the nearest mean by the spread within the sets."""

    def __init__(self, sets: Sequence[Values]) -> None:
        self.means = np.array([found.mean(0) for found in sets])
        residuals = np.concatenate([found - found.mean(0) for found in sets])
        self.precision = np.linalg.inv(np.cov(residuals.T))

    def __call__(self, found: Values) -> NDArray[np.int64]:
        """(pictures, FEATURES) → (pictures,) indices of sets."""
        apart = found[:, None] - self.means[None]
        return np.einsum("psi,ij,psj->ps", apart, self.precision, apart).argmin(1)


def _distances(colours: Values, centres: Values) -> Values:
    """(n,) distance of each colour to the nearest centre."""
    squared = np.square(colours[:, None] - centres[None]).sum(-1).min(1)
    return np.sqrt(squared)


def _centres(colours: Values, n: int, rng: np.random.Generator) -> Values:
    """k-means that starts with far points."""
    centres = [colours[rng.integers(len(colours))]]
    for _ in range(n - 1):
        weight = np.square(_distances(colours, np.array(centres))) + 1e-9
        centres.append(colours[rng.choice(len(colours), p=weight / weight.sum())])
    found = np.array(centres)
    for _ in range(_N_ROUNDS):
        nearest = np.square(colours[:, None] - found[None]).sum(-1).argmin(1)
        for i in range(n):
            if (nearest == i).any():
                found[i] = colours[nearest == i].mean(0)
    return found


def _shrunk(picture: Picture) -> Values:
    """(SIDE_PX, SIDE_PX, 4) premultiplied in [0, 1]."""
    values = picture.astype(np.float64) / 255
    values[..., :3] *= values[..., 3:]
    factor = picture.shape[0] // SIDE_PX
    return values.reshape(SIDE_PX, factor, SIDE_PX, factor, 4).mean((1, 3))


def _min(size: int) -> ImageFilter.MinFilter:
    return ImageFilter.MinFilter(size)


def _filtered(values: Values, kernel: ImageFilter.Filter) -> Values:
    grey = Image.fromarray(np.round(np.clip(values, 0, 1) * 255).astype(np.uint8))
    return np.asarray(grey.filter(kernel), dtype=np.float64) / 255


def _grown(mask: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    grey = Image.fromarray(mask.astype(np.uint8) * 255)
    return np.asarray(grey.filter(ImageFilter.MaxFilter(size))) > 0
