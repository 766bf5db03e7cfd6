"""What retrieval needs: latents, keys and neighbours of the pictures, and the shipped selection."""

from __future__ import annotations

import json
import logging
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor
from underpaint_reference.text import PromptReader, TextEncoder
from underpaint_reference.tokenizer import Tokenizer

from .config import MemorySettings, Settings
from .data import wordnet
from .data.captions import key_caption
from .data.pictures import Entry, Pictures
from .data.sources import source
from .devices import autocast
from .encoders import encode_all

log = logging.getLogger(__name__)

STAGE = "memory"
KEY_SCALE = 127  # of the int8 keys
_ROWS_AT_ONCE = 512
_TURN = 0.35  # of keys towards their style, where only who names it should find them
_NEIGHBOURS = ("name", "key")


@dataclass(frozen=True)
class Neighbours:
    """For every picture the remembered ones closest to it, most similar first."""

    indices: NDArray[np.int64]  # (N, n)
    similarities: NDArray[np.float32]  # (N, n)


class PictureMemory:
    """Latents and neighbours of N pictures, as the generator's batches use them."""

    def __init__(self, settings: Settings) -> None:
        folder = settings.run_dir / STAGE
        self.latents = np.load(folder / "latents.npy", mmap_mode="r")  # (n, C, g, g) float16
        tables = np.load(folder / "tables.npz")
        self.rows = tables["rows"]  # (N,) row of each picture's latent, −1 if it has none
        self.keys = torch.from_numpy(tables["keys"])  # (N, text_dim) of "name, style style"
        # By name whatever the style, and by key, as the application retrieves.
        self.neighbours = tuple(
            Neighbours(tables[f"{kind}_neighbours"], tables[f"{kind}_similarities"])
            for kind in _NEIGHBOURS
        )

    def latent(self, index: int) -> Tensor:
        """(C, g, g) of a picture that has one."""
        return torch.from_numpy(self.latents[self.rows[index]].astype(np.float32))

    def has_latent(self, index: int) -> bool:
        return bool(self.rows[index] >= 0)


def build(
    settings: Settings,
    pictures: Pictures,
    tokenizer: Tokenizer,
    text: TextEncoder,
    read: PromptReader,
) -> None:
    """Writes latents, tables and what ships, each once; tone variants have no latent."""
    folder = settings.run_dir / STAGE
    folder.mkdir(parents=True, exist_ok=True)
    entries = pictures.entries
    kept = np.array([i for i, entry in enumerate(entries) if not entry.is_tone_variant])
    if not (folder / "latents.npy").is_file():
        _write_latents(folder / "latents.npy", kept, pictures, tokenizer, settings.memory)
    if not (folder / "tables.npz").is_file():
        _write_tables(folder / "tables.npz", kept, settings, pictures, text, read)
    if not (folder / "memory.safetensors").is_file():
        n_entries = write_shipped(settings, pictures, tokenizer)
        log.info("memory: %d pictures ship", n_entries)


def _write_tables(
    path: Path,
    kept: NDArray[np.int64],
    settings: Settings,
    pictures: Pictures,
    text: TextEncoder,
    read: PromptReader,
) -> None:
    """Rows of the latents, keys and neighbours of all pictures."""
    entries = pictures.entries
    rows = np.full(len(entries), -1, dtype=np.int64)
    rows[kept] = np.arange(len(kept))
    names = encode_all(text, read, [entry.name for entry in entries])
    keys = encode_all(text, read, [key_caption(entry.name, entry.style) for entry in entries])
    candidates = np.setdiff1d(kept, pictures.held_out)
    tables = {"rows": rows, "keys": keys.numpy()}
    for kind, vectors in zip(_NEIGHBOURS, (names, keys)):
        found = nearest(vectors, candidates, settings.memory.n_neighbours)
        log.info(
            "memory: similarity of the nearest by %s %.3f", kind, found.similarities[:, 0].mean()
        )
        tables[f"{kind}_neighbours"] = found.indices
        tables[f"{kind}_similarities"] = found.similarities
    partial = path.with_name("tables.partial.npz")
    np.savez(partial, **tables)
    os.replace(partial, path)


def nearest(vectors: Tensor, candidates: NDArray[np.int64], n: int) -> Neighbours:
    """The n candidates closest to each of the vectors (N, text_dim), itself excepted."""
    n = min(n, len(candidates) - 1)
    among = vectors[candidates]
    indices = np.empty((len(vectors), n), dtype=np.int64)
    similarities = np.empty((len(vectors), n), dtype=np.float32)
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        block = vectors[start : start + _ROWS_AT_ONCE]
        cosine = block @ among.t()
        own = torch.arange(start, start + len(block))[:, None]
        cosine[torch.from_numpy(candidates)[None] == own] = -1
        values, order = cosine.topk(n, dim=1)
        indices[start : start + len(block)] = candidates[order.numpy()]
        similarities[start : start + len(block)] = values.numpy()
    return Neighbours(indices, similarities)


@torch.no_grad()
def _write_latents(
    path: Path,
    kept: NDArray[np.int64],
    pictures: Pictures,
    tokenizer: Tokenizer,
    settings: MemorySettings,
) -> None:
    partial = path.with_suffix(".partial.npy")
    side, channels = tokenizer.scales[-1], tokenizer.config.latent_channels
    shape = (len(kept), channels, side, side)
    latents = np.lib.format.open_memmap(partial, "w+", np.float16, shape)
    for start in range(0, len(kept), settings.batch_size):
        chosen = kept[start : start + settings.batch_size]
        with autocast():
            latent = tokenizer.encode(pictures.pixels(chosen))[1]
        latents[start : start + len(chosen)] = latent.half().numpy()
    latents.flush()
    os.replace(partial, path)


def shipped_entries(
    pictures: Pictures, max_entries: int, words: AbstractSet[str] | None = None
) -> NDArray[np.int64]:
    """Which pictures ship: of sources that allow it, no tone variants, none held out, few flags.

    Drawings of Openclipart may be named in any language or as a file; those without one of the
    `words` in their name are left out: a prompt that finds them means something else.
    """
    held_out = set(pictures.held_out.tolist())
    entries = pictures.entries
    chosen = [
        i for i, entry in enumerate(entries) if not entry.is_tone_variant and i not in held_out
    ]
    chosen = _within_limits(chosen, entries)
    flags_of = {"fluent-emoji-flat", "noto"}
    chosen = [i for i in chosen if not entries[i].is_flag or entries[i].source in flags_of]
    if words is not None:
        chosen = [
            i for i in chosen if entries[i].source != "openclipart" or says(entries[i], words)
        ]
    # Beyond the limit flags go first, then drawings of the largest source, namesakes before others.
    n_before: Counter[str] = Counter()
    is_last = []
    for i in chosen:
        of_largest = entries[i].source == "openclipart"
        is_last.append((entries[i].is_flag, of_largest, n_before[entries[i].name] * of_largest))
        n_before[entries[i].name] += 1
    ranked = [i for _, i in sorted(zip(is_last, chosen), key=lambda pair: pair[0])]
    return np.array(sorted(ranked[:max_entries]), dtype=np.int64)


def _within_limits(chosen: Sequence[int], entries: Sequence[Entry]) -> list[int]:
    """Of sources that have a limit so many, first those named as pictures of other sources are."""
    sources_of: dict[str, set[str]] = defaultdict(set)
    by_source: dict[str, list[int]] = defaultdict(list)
    for i in chosen:
        sources_of[entries[i].name].add(entries[i].source)
        by_source[entries[i].source].append(i)
    kept = []
    for key, indices in by_source.items():
        ranked = sorted(indices, key=lambda i: (-len(sources_of[entries[i].name]), i))
        kept += ranked[: source(key).max_remembered]
    return sorted(kept)


def says(entry: Entry, words: AbstractSet[str]) -> bool:
    """Whether one of the words of a name, numbers at its end aside, is among the given ones."""
    names = (name.rstrip("0123456789") for name in entry.name.lower().split())
    return any(len(name) > 1 and name in words for name in names)


@torch.no_grad()
def write_shipped(settings: Settings, pictures: Pictures, tokenizer: Tokenizer) -> int:
    """Writes `memory.safetensors` and `memory.jsonl`, each picture once.

    Returns the number of entries.
    """
    folder, memory = settings.run_dir / STAGE, PictureMemory(settings)
    words = None
    if settings.text.uses_teacher:
        words = set().union(*wordnet.common_words(settings.data_dir))
    chosen = shipped_entries(pictures, settings.memory.max_entries, words)
    parts = []
    for start in range(0, len(chosen), settings.memory.batch_size):
        latents = _latents(memory, chosen[start : start + settings.memory.batch_size])
        parts.append(torch.cat(tokenizer.quantise(latents)[0], dim=1))
    ids = torch.cat(parts)
    first: dict[bytes, int] = {}
    for row, line in enumerate(ids.to(torch.int16).numpy()):
        first.setdefault(line.tobytes(), row)
    rows = sorted(first.values())
    keys = memory.keys[chosen[rows]].clone()
    styles = [pictures.entries[i].style for i in chosen[rows]]
    is_limited = [
        source(pictures.entries[i].source).max_remembered is not None for i in chosen[rows]
    ]
    keys = (for_who_names_it(keys, styles, is_limited) * KEY_SCALE).round().to(torch.int8)
    tensors = {"ids": ids[rows].to(torch.int16).contiguous(), "keys": keys.contiguous()}
    lines = [_line(pictures, int(chosen[row])) for row in rows]
    (folder / "memory.jsonl").write_text("".join(lines), encoding="utf-8")
    partial = folder / "memory.partial.safetensors"
    save_file(tensors, partial)
    os.replace(partial, folder / "memory.safetensors")  # last: it says that all is there
    return len(rows)


def for_who_names_it(keys: Tensor, styles: Sequence[str], is_limited: Sequence[bool]) -> Tensor:
    """Keys (n, text_dim) of length 1, some of them turned towards what is common to their style.

    So pictures of sets that are limited are found by prompts that name the style, and not by those
    that only name the thing: "apple" is no plain icon of one.
    """
    turned, mean = keys.clone(), keys.mean(0)
    for style in {style for style, is_one in zip(styles, is_limited) if is_one}:
        rows = [i for i, (own, one) in enumerate(zip(styles, is_limited)) if one and own == style]
        direction = F.normalize(keys[rows].mean(0) - mean, dim=0)
        turned[rows] = F.normalize(keys[rows] + _TURN * direction, dim=1)
    return turned


def _latents(memory: PictureMemory, indices: Sequence[int]) -> Tensor:
    return torch.stack([memory.latent(int(index)) for index in indices])


def _line(pictures: Pictures, index: int) -> str:
    entry = pictures.entries[index]
    values = {
        "caption": entry.name,
        "style": entry.style,
        "source": source(entry.source).title,
        "licence": entry.licence,
    }
    return json.dumps(values, ensure_ascii=False) + "\n"
