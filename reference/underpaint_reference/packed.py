"""Reads the files of a shipped model: weights in GGUF, the picture memory in its own container.

The layouts are described in `src/model/weights/gguf.rs` and `src/model/memory/pack.rs`.
"""

from __future__ import annotations

import zlib
from math import prod
from pathlib import Path
from struct import calcsize, unpack_from
from typing import Any

import numpy as np
from numpy.typing import NDArray

STRING, ARRAY = 8, 9  # GGUF metadata types; the others are numbers:
NUMBERS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
F32, F16, Q8_0, BF16 = 0, 1, 8, 30  # GGML tensor types
Q8_0_VALUES = 32
Q8_0_BLOCK = np.dtype([("factor", "<f2"), ("values", "i1", Q8_0_VALUES)])
MEMORY_TABLES = ("style", "source", "licence")


class Reader:
    """Takes little-endian values off the front of bytes."""

    def __init__(self, data: bytes, path: Path) -> None:
        self.data, self.path, self.pos = data, path, 0

    def take(self, n_bytes: int) -> bytes:
        if self.pos + n_bytes > len(self.data):
            raise SystemExit(f"{self.path} ends early; it is damaged.")
        self.pos += n_bytes
        return self.data[self.pos - n_bytes : self.pos]

    def number(self, kind: str) -> int:
        return unpack_from("<" + kind, self.take(calcsize("<" + kind)))[0]

    def numbers(self, dtype: str | np.dtype, n: int) -> NDArray:
        return np.frombuffer(self.take(n * np.dtype(dtype).itemsize), dtype)

    def text(self, length_kind: str) -> str:
        return self.take(self.number(length_kind)).decode("utf-8")


def read_gguf(path: Path) -> dict[str, NDArray[np.float32]]:
    """Tensors by name, decoded, in the shapes of the file."""
    reader = open_reader(path)
    if reader.take(4) != b"GGUF" or reader.number("I") not in (2, 3):
        raise SystemExit(f"{path} is not a GGUF file of version 2 or 3.")
    n_tensors, n_metadata = reader.number("Q"), reader.number("Q")
    metadata = {}
    for _ in range(n_metadata):
        key = reader.text("Q")
        metadata[key] = metadata_value(reader, reader.number("I"))
    entries = []
    for _ in range(n_tensors):
        name = reader.text("Q")
        shape = [reader.number("Q") for _ in range(reader.number("I"))][::-1]  # fastest last
        entries.append((name, shape, reader.number("I"), reader.number("Q")))
    alignment = metadata.get("general.alignment", 32)
    start = -(-reader.pos // alignment) * alignment
    tensors = {}
    for name, shape, kind, offset in entries:
        reader.pos = start + offset
        tensors[name] = decode(reader, kind, prod(shape)).reshape(shape)
    return tensors


def metadata_value(reader: Reader, kind: int) -> Any:
    if kind == STRING:
        return reader.text("Q")
    if kind == ARRAY:
        item_kind = reader.number("I")
        return [metadata_value(reader, item_kind) for _ in range(reader.number("Q"))]
    if kind not in NUMBERS:
        raise SystemExit(f"{reader.path} has metadata of unknown type {kind}.")
    return reader.number(NUMBERS[kind])


def decode(reader: Reader, kind: int, n: int) -> NDArray[np.float32]:
    """The next `n` values, in one dimension."""
    if kind == F32:
        return reader.numbers("<f4", n).copy()
    if kind == F16:
        return reader.numbers("<f2", n).astype(np.float32)
    if kind == BF16:
        return (reader.numbers("<u2", n).astype(np.uint32) << 16).view(np.float32)
    if kind == Q8_0:
        blocks = reader.numbers(Q8_0_BLOCK, n // Q8_0_VALUES)
        return (blocks["values"] * blocks["factor"].astype(np.float32)[:, None]).ravel()
    raise SystemExit(
        f"{reader.path} has a tensor of GGML type {kind}; F32, F16, BF16 and Q8_0 are known."
    )


def read_memory(
    path: Path,
) -> tuple[NDArray, NDArray, list[dict[str, str]]]:
    """ids (entries, tokens), keys (entries, key size) and what is written about each entry."""
    reader = open_reader(path)
    if reader.take(8) != b"UPMEMORY" or reader.number("I") != 1:
        raise SystemExit(f"{path} is not a packed memory of version 1.")
    n_entries, n_tokens, n_codes, key_size, n_deflated, n_inflated, checksum = (
        reader.number("I") for _ in range(7)
    )
    if zlib.crc32(reader.data[reader.pos :], zlib.crc32(reader.data[: reader.pos - 4])) != checksum:
        raise SystemExit(f"{path} is damaged.")
    n_bits = (n_codes - 1).bit_length()
    rows = reader.numbers("u1", n_entries * -(-n_tokens * n_bits // 8)).reshape(n_entries, -1)
    bits = np.unpackbits(rows, axis=1, count=n_tokens * n_bits, bitorder="little")
    weights = 1 << np.arange(n_bits, dtype=np.int32)
    ids = (bits.reshape(n_entries, n_tokens, n_bits) @ weights).astype(
        np.int16 if n_codes <= 2**15 else np.int32
    )
    reader.numbers("<u8", n_entries)  # names, which follow from the ids
    keys = reader.numbers("i1", n_entries * key_size).reshape(n_entries, key_size).copy()
    texts = zlib.decompress(reader.take(n_deflated), wbits=-zlib.MAX_WBITS)
    if len(texts) != n_inflated:
        raise SystemExit(f"{path} is damaged.")
    return ids, keys, memory_lines(Reader(texts, path), n_entries)


def memory_lines(reader: Reader, n_entries: int) -> list[dict[str, str]]:
    """Caption, style, source and licence of each entry, from the inflated texts."""
    tables = [[reader.text("H") for _ in range(reader.number("H"))] for _ in MEMORY_TABLES]
    indices = [reader.numbers("<u2", n_entries).tolist() for _ in MEMORY_TABLES]
    lengths = reader.numbers("<u2", n_entries).tolist()
    captions = [reader.take(length).decode("utf-8") for length in lengths]
    columns = [[table[idx] for idx in column] for table, column in zip(tables, indices)]
    names = ("caption", *MEMORY_TABLES)
    return [dict(zip(names, values)) for values in zip(captions, *columns)]


def open_reader(path: Path) -> Reader:
    if not path.is_file():
        raise SystemExit(f"No {path.name} in {path.parent}; give the folder of a shipped model.")
    return Reader(path.read_bytes(), path)
