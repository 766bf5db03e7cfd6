"""The model card that travels with an exported asset."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from underpaint_reference.model import Networks

from .config import Settings
from .data.pictures import Pictures
from .data.sources import source

_TRAINED = ("text", "words", "tokenizer", "generator", "decoder")
_PARTS = {
    "tokenizer": "multi-scale residual autoencoder of pictures",
    "generator": "scale-Markov transformer with control encoders and pointer head",
    "text": "BERT encoder distilled from all-MiniLM-L6-v2 (Apache-2.0)",
}
_USE = """## Use and limits
Meant for drawing with: icons, stickers and simple illustrations on a transparent background, in the
styles of its sources. Prompts are English. It cannot paint photographs, readable text or fine
detail, and knows only what its sources show; these depict people and cultures with the conventions
of emoji. A result may resemble a remembered picture closely: the application shows which were used,
with source and licence.
"""


def card(
    settings: Settings,
    pictures: Pictures,
    networks: Networks,
    memory_lines: Sequence[dict[str, str]],
    figures: Sequence[dict[str, Any]],
) -> str:
    """The text of the card; `figures` are rows that `underpaint-evaluate --json` wrote."""
    title = f"# {settings.model['name']}: a small generator of stickers, emoji and clip art"
    parts = [[title, ""]]
    parts.append(["## Networks", *_table(("part", "parameters", "what"), _sizes(networks)), ""])
    parts.append(["## Training", *_table(("stage", "steps", "hours"), _times(settings)), ""])
    parts.append(["## Data", _data_sentence(pictures)])
    columns = ("source", "licence", "pictures", "in the memory")
    parts[-1] += [*_table(columns, _sources(pictures, memory_lines)), ""]
    if figures:
        rows = [(row["name"], f"{row['value']:.3g} {row['unit']}".strip()) for row in figures]
        parts.append(["## Figures", *_table(("what", "value"), rows), ""])
    return "\n".join(line for part in parts for line in part) + "\n" + _USE


def _sizes(networks: Networks) -> list[tuple[str, str, str]]:
    counts = {
        name: sum(parameter.numel() for parameter in getattr(networks, name).parameters())
        for name in _PARTS
    }
    return [(name, f"{counts[name] / 1e6:.1f} million", what) for name, what in _PARTS.items()]


def _times(settings: Settings) -> list[tuple[str, str, str]]:
    """From the logs: the last step, and hours of all resumed runs together."""
    rows = []
    for stage in _TRAINED:
        path = settings.run_dir / stage / "log.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        if lines:
            last = json.loads(lines[-1])
            rows.append((stage, f"{last['step']:,}", f"{last['minutes'] / 60:.1f}"))
    return rows


def _data_sentence(pictures: Pictures) -> str:
    n_tones = sum(entry.is_tone_variant for entry in pictures.entries)
    return (
        f"{len(pictures):,} pictures from package registries, {n_tones:,} of them skin-tone "
        f"variants that were drawn less often; {len(pictures.held_out):,} were held out.\n"
    )


def _sources(
    pictures: Pictures, memory_lines: Sequence[dict[str, str]]
) -> list[tuple[str, str, str, str]]:
    trained = Counter(entry.source for entry in pictures.entries)
    remembered = Counter(line["source"] for line in memory_lines)
    found = [source(key) for key in trained]
    return [
        (each.title, each.licence, f"{trained[each.key]:,}", f"{remembered[each.title]:,}")
        for each in found
    ]


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [columns, ["---"] * len(columns), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def read_jsonl(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
