"""Recomputes a model's `golden.safetensors` from its weights and compares every tensor.

    python reference/check_golden.py DIR

The two computations round differently (order of sums, resizes as matrices), hence the tolerances
below. Logits also get one relative to their size: the pointer's share is a difference of numbers
in the hundreds, most of it common to all codes. Ids must be equal wherever the margin between the
best and the second-best code exceeds `SAFE_MARGIN`. Exit status 1 if anything is out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from golden_stages import all_stages
from underpaint_reference.model import Model
from underpaint_reference.sampling import gumbel, noise_keys

INPUTS = {
    "control.lines",
    "control.depth",
    "control.colour",
    "tokenizer.image",
    "memory.ids",
}
SAFE_MARGIN = 5e-4
# Absolute tolerance by the first matching prefix.
TOLERANCES = {
    "text.": 1e-4,
    "control.": 3e-4,
    "tokenizer.encoder_out": 3e-4,
    "tokenizer.decoded": 5e-4,
    "generate.image": 5e-4,
    "generate.control_tokens": 3e-4,
    "generate.pointer": 1e-4,
    "generate.margin": 5e-4,
    "memory.reference_tokens": 3e-4,
    "": 1e-4,
}
LOGITS_RELATIVE = 2e-5  # added for logits, times the largest of them


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("Usage: python reference/check_golden.py DIR")
    directory = Path(sys.argv[1])
    path = directory / "golden.safetensors"
    if not path.is_file():
        raise SystemExit(f"No golden.safetensors in {directory}.")
    golden = load_file(path)
    with torch.inference_mode():
        model = Model(directory)
        computed = all_stages(model, golden)
    is_good = compare(golden, computed) & check_noise()
    print("PASS" if is_good else "FAIL")
    sys.exit(0 if is_good else 1)


def compare(golden: dict[str, Tensor], computed: dict[str, Tensor]) -> bool:
    """Prints the largest error of each golden tensor; true if all are within tolerance."""
    order = [name for name in computed if name in golden]
    unknown = sorted(golden.keys() - computed.keys() - INPUTS)
    for name in unknown:
        print(f"{name:34} is not computed here  {verdict(False)}")
    results = [compare_one(name, golden, computed[name]) for name in order]
    return not unknown and all(results)


def compare_one(name: str, golden: dict[str, Tensor], found: Tensor) -> bool:
    expected = golden[name]
    if found.shape != expected.shape:
        is_good = False
        report = f"shape {tuple(found.shape)}, expected {tuple(expected.shape)}"
    elif expected.is_floating_point():
        error, peak = float((found - expected).abs().max()), float(expected.abs().max())
        tolerance = next(value for prefix, value in TOLERANCES.items() if name.startswith(prefix))
        if name.startswith("generate.logits"):
            tolerance += LOGITS_RELATIVE * peak
        is_good = error <= tolerance
        report = f"error {error:.1e} of values to {peak:8.3f}, tolerance {tolerance:.0e}"
    else:
        differs = found.long() != expected.long()
        if name.startswith("generate.ids"):
            differs &= golden[name.replace("ids", "margin")] > SAFE_MARGIN
        is_good = not differs.any()
        report = f"{int(differs.sum())} of {expected.numel()} differ"
    print(f"{name:34} {report}  {verdict(is_good)}")
    return is_good


def check_noise() -> bool:
    """Values of the draw's noise that the Rust code tests too."""
    key = noise_keys(seed=42, scale_idx=3, side=6)[1 * 6 + 2]
    noise = gumbel(torch.from_numpy(key.reshape(1, 1).view("int64")), torch.tensor([[0, 1, 4095]]))
    expected = torch.tensor([[0.763141, -0.509015, 0.247485]])
    is_good = int(key) == 0x689A4043E74A4553 and torch.allclose(noise, expected, atol=1e-5)
    print(f"{'sampling noise':34} {verdict(is_good)}")
    return is_good


def verdict(is_good: bool) -> str:
    return "ok" if is_good else "FAIL"


if __name__ == "__main__":
    main()
