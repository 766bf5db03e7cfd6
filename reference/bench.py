"""Times the stages of one picture in eager fp32 on the CPU.

    python reference/bench.py MODEL_DIR [--threads 2] [--repeat N] [--lines] [--json]

The work is that of `examples/bench_generate.rs`: a prompt with guidance (two rows per scale; the
empty prompt is encoded once beforehand, as the application keeps it), three remembered pictures,
reference strength 1, the model's own sampling settings. What depends on the request alone is
computed once per picture. Stages: `text`; `prepare` (retrieval, latents of the remembered
pictures, context, control); `scales` (all tokens of each scale, drawn); `decode` (the finished
picture, as bytes with straight alpha); `total` (all of these). Minimum and median, milliseconds.
"""

from __future__ import annotations

import argparse
import gc
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch

from underpaint_reference.control import Control
from underpaint_reference.model import Model
from underpaint_reference.session import Request, Session
from underpaint_reference.text import EncodedText

PROMPT = "red apple, 3d style"
N_WARM_UP = 3
Run = dict[str, Any]  # stage → milliseconds, `scales` → one per scale


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the reference implementation.")
    parser.add_argument("model_dir", type=Path, help="folder with model.safetensors")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--lines", action="store_true", help="with a control map")
    parser.add_argument("--json", action="store_true", help="for machines")
    options = parser.parse_args()
    torch.set_num_threads(max(options.threads, 1))
    with torch.inference_mode():
        model = Model(options.model_dir)
        null = model.encode_text([""])
        n_runs = N_WARM_UP + max(options.repeat, 1)
        gc.disable()
        runs = [run_once(model, f"{PROMPT} {idx}", null, options.lines) for idx in range(n_runs)]
    report = {
        "minimum": summary(runs[N_WARM_UP:], min),
        "median": summary(runs[N_WARM_UP:], median),
    }
    if options.json:
        print(json.dumps(report))
    else:
        n_threads = torch.get_num_threads()
        print(f"{model.config.name}, PyTorch {torch.__version__}, {n_threads} threads, ms")
        print_table(report, model.config.scales)


def run_once(model: Model, prompt: str, null: EncodedText, with_lines: bool) -> Run:
    size = model.config.image_size
    line = torch.zeros(1, 1, size, size)
    line[:, :, size // 2] = 1
    controls = [("lines", Control(line))] if with_lines else []
    request = Request([1], model.config.sampling, controls)
    laps = [perf_counter()]
    text = model.encode_text([prompt])
    laps.append(perf_counter())
    session = Session(model, text, null, request)
    laps.append(perf_counter())
    while not session.is_complete:
        session.step()
        laps.append(perf_counter())
    session.render()
    laps.append(perf_counter())
    times = [1e3 * (end - start) for start, end in zip(laps, laps[1:])]
    return {
        "text": times[0],
        "prepare": times[1],
        "scales": times[2:-1],
        "decode": times[-1],
        "total": sum(times),
    }


def summary(runs: Sequence[Run], pick: Callable[[list[float]], float]) -> Run:
    """`pick` of each stage over the runs."""
    stages = {
        name: pick([run[name] for run in runs]) for name in ("text", "prepare", "decode", "total")
    }
    per_scale = zip(*(run["scales"] for run in runs))
    return {**stages, "scales": [pick(list(times)) for times in per_scale]}


def print_table(report: dict[str, Run], sides: Sequence[int]) -> None:
    best, typical = report["minimum"], report["median"]
    rows = [(name, best[name], typical[name]) for name in ("text", "prepare")]
    rows += [
        (f"scale {side}", *times) for side, *times in zip(sides, best["scales"], typical["scales"])
    ]
    rows += [(name, best[name], typical[name]) for name in ("decode", "total")]
    rows.append(("text cached", *(report[k]["total"] - report[k]["text"] for k in report)))
    print(f"{'':>12} {'minimum':>8} {'median':>8}")
    for name, minimum, middle in rows:
        print(f"{name:>12} {minimum:8.2f} {middle:8.2f}")


if __name__ == "__main__":
    main()
