"""Unpacks a shipped model into the loose form that the other scripts read.

    python reference/unpack.py IN_DIR OUT_DIR

`model.gguf` becomes `model.safetensors` (F32, the very values that the application computes
with), `memory.upmem` becomes `memory.safetensors` and `memory.jsonl`; the rest is copied.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

from underpaint_reference.config import Config
from underpaint_reference.model import Networks
from underpaint_reference.packed import read_gguf, read_memory


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit("Usage: python reference/unpack.py IN_DIR OUT_DIR")
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    config = Config.load(source)
    target.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(source / name, target / name)
    tensors = with_full_shapes(read_gguf(source / "model.gguf"), config)
    save_file(tensors, target / "model.safetensors")
    n_entries = 0
    if (source / "memory.upmem").is_file():
        ids, keys, lines = read_memory(source / "memory.upmem")
        n_entries = len(ids)
        save_file({"ids": ids, "keys": keys}, target / "memory.safetensors")
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (target / "memory.jsonl").write_text(text, encoding="utf-8")
    print(f"{len(tensors)} tensors, {n_entries} remembered pictures: {target}")


def with_full_shapes(
    tensors: dict[str, NDArray[np.float32]], config: Config
) -> dict[str, NDArray[np.float32]]:
    """Gives kernels, stored as (out, in·k·k), and single numbers the shapes of the networks."""
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in Networks(config).state_dict().items()}
    problems = [f"{name} is missing" for name in shapes.keys() - tensors.keys()]
    problems += [f"{name} is unknown" for name in tensors.keys() - shapes.keys()]
    problems += [
        f"{name} is {tensors[name].shape}, expected {tuple(shape)}"
        for name, shape in shapes.items()
        if name in tensors and tensors[name].size != shape.numel()
    ]
    if problems:
        raise SystemExit("model.gguf does not fit config.json: " + "; ".join(sorted(problems)[:5]))
    return {name: tensors[name].reshape(shape) for name, shape in shapes.items()}


if __name__ == "__main__":
    main()
