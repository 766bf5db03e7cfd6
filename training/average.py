"""Averages the generators of two loose model folders; everything else is the second's.

    python training/average.py FIRST SECOND SHARE OUT_DIR

SHARE (0 to 1) is the second's. Rounds of training that started from the same weights meet between
them: a slow round from there goes further than one from either (model soups, Wortsman et al. 2022).
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from safetensors.torch import load_file, save_file

from underpaint_training.initialise import weights_of


def main() -> None:
    if len(sys.argv) != 5:
        raise SystemExit("Usage: python training/average.py FIRST SECOND SHARE OUT_DIR")
    first, second, target = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[4])
    share = float(sys.argv[3])
    if not 0 <= share <= 1:
        raise SystemExit(f"SHARE is {share}, not between 0 and 1.")
    ours, theirs = (weights_of(folder, "generator") for folder in (first, second))
    tensors = load_file(second / "model.safetensors")
    for name, value in theirs.items():
        if name not in ours or ours[name].shape != value.shape:
            raise SystemExit(f"{first} has no weights of the same shape for {name}.")
        tensors[f"generator.{name}"] = (1 - share) * ours[name] + share * value
    target.mkdir(parents=True, exist_ok=True)
    save_file(tensors, target / "model.safetensors")
    for file in ("config.json", "tokenizer.json", "memory.safetensors", "memory.jsonl"):
        shutil.copyfile(second / file, target / file)


if __name__ == "__main__":
    main()
