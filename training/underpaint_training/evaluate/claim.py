"""Does the app draw in a style that it was never trained on? Input and figures of that test.

`scripts/openmoji_claim.sh` runs it: `prepare` renders 200 OpenMoji pictures for a memory and real
pictures to compare with, the app paints fifty other things, `report` measures. OpenMoji is
share-alike: its pictures stay in the working folder, the sheet shows only what the app painted.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import resvg_py
import torch
from numpy.typing import NDArray
from PIL import Image

from ..data.catalogue import Item, iconify_items, items
from ..data.fetch import fetch
from ..data.render import fit, render
from ..data.sources import SOURCES, Layout, Package
from . import classifier, style

OPENMOJI = Package("npm", "@iconify-json/openmoji", "1.2.29")
GOAL = "openmoji"
SETS = ("fluent-3d", "fluent-emoji-flat", "noto", "twemoji", GOAL)
N_REMEMBERED = 200
N_CALIBRATION = 150  # names of which every set has a picture; as many again to test
_SIZE_PX = 512
_CATEGORIES = (
    "Animals Nature",
    "Food Drink",
    "Objects",
    "Travel Places",
    "Activities",
    "Smileys Emotion",
)
_CLASSIFIER_STEPS = 500
_CELL_PX = 80
_COLUMNS = 10

# Prompts, with the emoji's name where it is another.
THINGS = {
    **{word: word for word in "cat dog horse elephant frog owl fish butterfly snail fox".split()},
    "apple": "red apple",
    **{word: word for word in "banana strawberry bread hamburger carrot mushroom".split()},
    **{word: word for word in ("birthday cake", "ice cream", "teapot", "light bulb")},
    "car": "automobile",
    **{word: word for word in "bicycle bus airplane sailboat rocket helicopter".split()},
    **{word: word for word in "house castle tent sunflower cactus key hammer".split()},
    "tree": "deciduous tree",
    **{word: word for word in "scissors guitar camera umbrella chair bell crown".split()},
    "gift": "wrapped gift",
    **{word: word for word in "candle balloon drum pencil watch backpack".split()},
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Input and figures of the OpenMoji test.")
    commands = parser.add_subparsers(dest="command", required=True)
    preparing = commands.add_parser("prepare", help="render what the test needs")
    preparing.add_argument("data_dir", type=Path, help="where packages are unpacked")
    preparing.add_argument("folder", type=Path)
    reporting = commands.add_parser("report", help="figures and sheet of what was painted")
    reporting.add_argument("folder", type=Path)
    reporting.add_argument("out", type=Path, help="folder for claim.json and claim.webp")
    options = parser.parse_args()
    if options.command == "prepare":
        prepare(options.data_dir, options.folder)
    else:
        report(options.folder, options.out)


def prepare(root: Path, folder: Path) -> None:
    """Writes `memory/NAME.png`, `things/PROMPT.png`, `prompts.txt` and `real.npz`."""
    openmoji = [
        item for item in iconify_items(fetch(OPENMOJI, root), root) if not item.is_tone_variant
    ]
    listed = json.loads((fetch(OPENMOJI, root) / "package" / "metadata.json").read_text())
    of_things = {name for each in _CATEGORIES for name in listed["categories"][each]}
    pool = [item for item in openmoji if item.identifier in of_things and is_other(item)]
    for name in ("memory", "things"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for item in sorted(pool, key=_by_hash)[:N_REMEMBERED]:
        _drawing(item).save(folder / "memory" / f"{item.identifier}.png")
    by_name = {item.name: item for item in openmoji}
    for prompt, name in THINGS.items():
        _drawing(by_name[name]).save(folder / "things" / f"{prompt}.png")
    (folder / "prompts.txt").write_text("".join(f"{prompt}\n" for prompt in THINGS))

    catalogues = {GOAL: by_name}
    for each in SOURCES:
        if each.layout is not Layout.OPENCLIPART:
            found = [item for item in items(each, root) if not item.is_tone_variant]
            catalogues[each.key] = {item.name: item for item in found}
    common = set.intersection(*(set(catalogues[key]) for key in SETS)) - set(THINGS.values())
    names = sorted(common, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    chosen = {"fit": names[:N_CALIBRATION], "test": names[N_CALIBRATION : 2 * N_CALIBRATION]}
    shards = {
        f"{key}/{part}": np.stack([_fitted(catalogues[key][name]) for name in wanted])
        for key in SETS
        for part, wanted in {**chosen, "things": list(THINGS.values())}.items()
    }
    # For the classifier: every set's picture of every thing, but for those of the goal.
    examples, labels = [], []
    for key, catalogue in catalogues.items():
        for label, names_of in enumerate(THINGS.items()):
            for name in sorted(set(names_of) & set(catalogue) if key != GOAL else ()):
                picture = render(catalogue[name])
                if picture is not None:
                    examples.append(picture)
                    labels.append(label)
    np.savez(folder / "real.npz", **shards, examples=np.stack(examples), labels=np.array(labels))
    print(f"{N_REMEMBERED} pictures to remember, {len(labels)} examples of {len(THINGS)} things")


def is_other(item: Item) -> bool:
    """Whether an icon's names hold none of the things."""
    text = f"{item.name} {item.identifier.replace('-', ' ')}"
    names = {*THINGS, *THINGS.values()}
    return not any(re.search(rf"\b{re.escape(name)}(s|es)?\b", text) for name in names)


def report(folder: Path, out: Path) -> None:
    """Measures `without/PROMPT.png`, `with/PROMPT.png` and `ceiling/PROMPT.png`."""
    out.mkdir(parents=True, exist_ok=True)
    real = np.load(folder / "real.npz")
    colours = style.palette(list(real[f"{GOAL}/fit"]))
    measured = {
        (key, part): _measure(real[f"{key}/{part}"], colours)
        for key in SETS
        for part in ("fit", "test", "things")
    }
    painted = {
        name: [_read(folder / name / f"{prompt}.png") for prompt in THINGS]
        for name in ("without", "with", "ceiling")
    }
    found = {name: _measure(pictures, colours) for name, pictures in painted.items()}
    fits = [measured[key, "fit"] for key in SETS]
    goal, start = measured[GOAL, "things"].mean(0), found["without"].mean(0)
    scale = style.Scale(style.spread(fits), start, goal)
    nearest = style.Nearest(fits)
    judge = _classifier(real["examples"], real["labels"])
    is_seen = {name: _seen(judge, pictures) for name, pictures in painted.items()}
    figures = {
        "calibration": {
            "between by within": dict(zip(style.FEATURES, _separation(fits).round(2).tolist())),
            "sets named right": _share(nearest, measured, "test"),
            "goal told from the others": _told(nearest, measured),
        },
        "means": {
            **{key: _rounded(measured[key, "things"].mean(0)) for key in SETS},
            **{name: _rounded(values.mean(0)) for name, values in found.items()},
        },
        "progress": {name: round(scale.progress(v.mean(0)), 3) for name, v in found.items()},
        "progress by feature": _rounded((found["with"].mean(0) - start) / (goal - start)),
        "pictures more than half-way": int(
            sum(scale.progress(each) > 0.5 for each in found["with"])
        ),
        "distance": {name: round(scale.distance(v.mean(0)), 2) for name, v in found.items()},
        "nearest set": {
            name: {key: int((nearest(values) == i).sum()) for i, key in enumerate(SETS)}
            for name, values in found.items()
        },
        "subject first": {
            name: round(float(seen[:, 0].mean()), 2) for name, seen in is_seen.items()
        },
        "subject among five": {
            name: round(float(seen.any(1).mean()), 2) for name, seen in is_seen.items()
        },
        "subject lost": [
            prompt
            for prompt, before, after in zip(
                THINGS, is_seen["without"][:, 0], is_seen["with"][:, 0]
            )
            if before and not after
        ],
    }
    (out / "claim.json").write_text(json.dumps(figures, indent=1) + "\n")
    _sheet(painted).save(out / "claim.webp", quality=85)
    print(json.dumps(figures, indent=1))


def _by_hash(item: Item) -> str:
    return hashlib.sha256(item.identifier.encode()).hexdigest()


def _drawing(item: Item) -> Image.Image:
    svg = resvg_py.svg_to_bytes(svg_string=item.svg, width=_SIZE_PX, dpi=96, skip_system_fonts=True)
    return Image.open(io.BytesIO(bytes(svg)))


def _fitted(item: Item) -> NDArray[np.uint8]:
    picture = render(item)
    if picture is None:
        raise SystemExit(f"{item.identifier} cannot be rendered.")
    return picture


def _read(path: Path) -> NDArray[np.uint8]:
    picture = fit(Image.open(path))
    if picture is None:
        raise SystemExit(f"{path} is empty.")
    return picture


def _measure(pictures: Iterable[NDArray[np.uint8]], colours: style.Values) -> style.Values:
    return np.array([style.features(picture, colours) for picture in pictures])


def _separation(fits: list[style.Values]) -> style.Values:
    within = np.sqrt(np.mean([found.var(0) for found in fits], axis=0))
    return style.spread(fits) / within


def _share(
    nearest: style.Nearest, measured: dict[tuple[str, str], style.Values], part: str
) -> dict[str, float]:
    return {
        key: round(float((nearest(measured[key, part]) == i).mean()), 2)
        for i, key in enumerate(SETS)
    }


def _told(nearest: style.Nearest, measured: dict[tuple[str, str], style.Values]) -> float:
    """Share of held-out pictures of which it is known whether they are of the goal."""
    right = [(nearest(measured[key, "test"]) == SETS.index(GOAL)) == (key == GOAL) for key in SETS]
    return round(float(np.concatenate(right).mean()), 3)


def _classifier(examples: NDArray[np.uint8], labels: NDArray[np.int64]) -> classifier.Classifier:
    found = classifier.Examples(_small(examples), torch.from_numpy(labels))
    return classifier.train(found, classifier.Recipe(len(THINGS), _CLASSIFIER_STEPS))


def _seen(judge: classifier.Classifier, pictures: list[NDArray[np.uint8]]) -> NDArray[np.bool_]:
    """(things, 5): whether the picture's thing is the classifier's first, second … answer."""
    best = judge(_small(np.stack(pictures))).topk(5).indices
    return (best == torch.arange(len(THINGS))[:, None]).numpy()


def _small(pictures: NDArray[np.uint8]) -> torch.Tensor:
    straight = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    premultiplied = torch.cat([straight[:, :3] * straight[:, 3:], straight[:, 3:]], dim=1)
    return classifier.shrink(premultiplied, classifier.GRID)


def _rounded(values: style.Values) -> dict[str, float]:
    return dict(zip(style.FEATURES, values.round(3).tolist()))


def _sheet(painted: dict[str, list[NDArray[np.uint8]]]) -> Image.Image:
    """Rows of ten things: without the memory, and with it below."""
    n_rows = -(-len(THINGS) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * _CELL_PX, n_rows * (2 * _CELL_PX + 10)), "white")
    for i in range(len(THINGS)):
        left, top = i % _COLUMNS * _CELL_PX, i // _COLUMNS * (2 * _CELL_PX + 10)
        for below, name in enumerate(("without", "with")):
            cell = Image.fromarray(painted[name][i]).resize(
                (_CELL_PX, _CELL_PX), Image.Resampling.LANCZOS
            )
            sheet.paste(cell, (left, top + below * _CELL_PX), cell)
    return sheet


if __name__ == "__main__":
    main()
