"""What a package holds: one item per picture, with its name and keywords, not yet rendered."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from .captions import SKIN_TONES, clean_keywords, clean_name, is_tone_variant, without_tone
from .fetch import fetch
from .sources import EMOJI_KEYWORDS, EMOJI_NAMES, Layout, Source

# Folders of Openclipart that hold no pictures of things, and files too slow to render.
_SKIPPED_FOLDERS = ("/unsorted/duplicates", "/special/patterns", "/cardbacks", "/flowchart")
_MAX_SVG_BYTES = 1_500_000
_MAX_SAME_TITLE = 3
_TONE_MODIFIERS = [f"{0x1F3FB + i:x}" for i in range(5)]
_TONES_LIGHT_TO_DARK = ("light", "medium-light", "medium", "medium-dark", "dark")
_VARIATION = "-fe0f"


@dataclass(frozen=True)
class Item:
    """A picture of a package."""

    identifier: str  # unique within its source
    name: str
    keywords: list[str]
    is_tone_variant: bool
    svg: str = ""  # either the drawing itself
    path: Path | None = None  # or its file


def items(source: Source, root: Path) -> list[Item]:
    """All pictures of a source; downloads its package on the first call."""
    folder = fetch(source.package, root)
    listing = {
        Layout.ICONIFY: iconify_items,
        Layout.FLUENT_3D: _fluent_3d_items,
        Layout.OPENCLIPART: _openclipart_items,
    }
    if source.layout is Layout.ICONIFY:
        _check_licence(source, folder)
    return list(listing[source.layout](folder, root))


def _check_licence(source: Source, folder: Path) -> None:
    stated = _read_json(folder / "package" / "info.json")["license"].get("spdx")
    if stated != source.licence:
        raise SystemExit(f"{source.key} is under {stated}, not {source.licence}.")


@dataclass(frozen=True)
class EmojiTable:
    """Names and keywords of emoji by their code points, written like 1f63a-1f3fb."""

    names: dict[str, str]
    keywords: dict[str, list[str]]

    def look_up(self, code: str) -> tuple[str, list[str]] | None:
        code = code.replace(_VARIATION, "")
        return (self.names[code], self.keywords[code]) if code in self.names else None

    @cached_property
    def words(self) -> frozenset[str]:
        """All words of the names."""
        return frozenset(word for name in self.names.values() for word in name.split())

    def by_name(self, name: str) -> list[str]:
        return next((self.keywords[code] for code, each in self.names.items() if each == name), [])


def split_glued(name: str, words: frozenset[str]) -> str:
    """`lowerleftcrayon` as words of a list, as few as possible; the name itself if none fit."""
    best: list[list[str] | None] = [[]]
    for end in range(1, len(name) + 1):
        splits = [
            [*before, name[start:end]]
            for start, before in enumerate(best)
            if before is not None and name[start:end] in words and end - start > 1
        ]
        best.append(min(splits, key=len, default=None))
    return " ".join(best[-1] or [name])


@cache
def emoji_table(root: Path) -> EmojiTable:
    package = fetch(EMOJI_NAMES, root) / "package"
    words = _read_json(fetch(EMOJI_KEYWORDS, root) / "package" / "dist" / "emoji-en-US.json")
    names, keywords = {}, {}
    for emoji, entry in _read_json(package / "data-by-emoji.json").items():
        code = "-".join(f"{ord(char):04x}" for char in emoji).replace(_VARIATION, "")
        names[code] = clean_name(entry["slug"])
        keywords[code] = clean_keywords(words.get(emoji, []), names[code])
    return EmojiTable(names, keywords)


def iconify_items(folder: Path, root: Path) -> Iterator[Item]:
    package = folder / "package"
    icons = _read_json(package / "icons.json")
    chars = package / "chars.json"
    code_of = {name: code for code, name in _read_json(chars).items()} if chars.is_file() else {}
    table = emoji_table(root)
    for identifier, icon in icons["icons"].items():
        known = table.look_up(code_of.get(identifier, ""))
        name = known[0] if known else clean_name(without_tone(identifier))
        if not known and " " not in name:
            name = split_glued(name, table.words)
        keywords = known[1] if known else table.by_name(name)
        left, top = icon.get("left", 0), icon.get("top", 0)
        width = icon.get("width", icons.get("width", 16))
        height = icon.get("height", icons.get("height", 16))
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="{left} {top} {width} {height}" width="{width}" height="{height}">'
            f"{icon['body']}</svg>"
        )
        yield Item(identifier, name, keywords, is_tone_variant(identifier), svg=svg)


def _fluent_3d_items(folder: Path, root: Path) -> Iterator[Item]:
    table = emoji_table(root)
    for path in sorted((folder / "package" / "assets").glob("*.webp")):
        parts = path.stem.split("-")
        tones = [part for part in parts if part in _TONE_MODIFIERS]
        known = table.look_up("-".join(part for part in parts if part not in tones))
        if known is None:
            continue
        suffix = f"-{_TONES_LIGHT_TO_DARK[_TONE_MODIFIERS.index(tones[0])]}" if tones else ""
        assert not suffix or suffix[1:] in SKIN_TONES, "tones are named as elsewhere"
        identifier = path.stem + suffix
        yield Item(identifier, known[0], known[1], bool(tones), path=path)


def _openclipart_items(folder: Path, root: Path) -> Iterator[Item]:
    top = folder / "usr" / "share" / "openclipart" / "svg"
    drawings = []
    for path in sorted(top.rglob("*.svg")):
        identifier = path.relative_to(top).as_posix()
        skipped = any(part in f"/{identifier}" for part in _SKIPPED_FOLDERS)
        if skipped or path.stat().st_size > _MAX_SVG_BYTES:
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        title = re.search(r"<dc:title>(.*?)</dc:title>", text, re.S)
        listed = [html.unescape(word) for word in re.findall(r"<rdf:li>(.*?)</rdf:li>", text, re.S)]
        drawings.append((identifier, path, html.unescape(title.group(1)) if title else "", listed))
    # A title shared by many files names their collection, not the picture.
    n_named = Counter(title for _, _, title, _ in drawings)
    for identifier, path, title, listed in drawings:
        stem = clean_name(re.sub(r"(_\w+_)?_?0\d$", "", path.stem))
        name = clean_name(title) if n_named[title] <= _MAX_SAME_TITLE else stem
        name = stem if name == "symbol" else name
        keywords = [word for word in clean_keywords(listed[:8], name) if word != "symbol"]
        yield Item(identifier, name, keywords, False, path=path)


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
