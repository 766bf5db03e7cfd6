"""Puts the application's times beside PyTorch's: used by `scripts/bench_vs_torch.sh`.

    python reference/compare_bench.py APP_FILE TORCH_FILE [--json]

Each file holds one JSON report per line, one line per round, in the order of the rounds. Times
are the best of all rounds. A ratio is PyTorch's time over the application's: above 1 the
application is faster. The last line compares totals within each round, whose two halves ran one
after the other: if rounds disagree, the machine was busy with something else.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median
from typing import Any

Report = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare two files of reports.")
    parser.add_argument("app", type=Path)
    parser.add_argument("torch", type=Path)
    parser.add_argument("--json", action="store_true", help="for machines")
    options = parser.parse_args()
    app, torch = read(options.app), read(options.torch)
    if len(app) != len(torch):
        raise SystemExit(f"{len(app)} rounds of the application, {len(torch)} of PyTorch.")
    stages = {name: (best(app, name), best(torch, name)) for name in app[0]}
    rounds = [theirs["total"] / ours["total"] for ours, theirs in zip(app, torch)]
    if options.json:
        rows = {
            name: {"app": ours, "torch": theirs, "ratio": theirs / ours}
            for name, (ours, theirs) in stages.items()
        }
        print(json.dumps({"stages": rows, "ratio_of_totals_by_round": rounds}))
        return
    print(f"{'best, ms':>12} {'app':>8} {'PyTorch':>8} {'ratio':>6}")
    for name, (ours, theirs) in stages.items():
        print(f"{name:>12} {ours:8.2f} {theirs:8.2f} {theirs / ours:6.2f}")
    each = " ".join(f"{ratio:.2f}" for ratio in rounds)
    print(f"ratio of the totals by round: {each}, median {median(rounds):.2f}")


def read(path: Path) -> list[dict[str, float]]:
    """The minima of each round: stage → ms."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not lines:
        raise SystemExit(f"No report in {path}.")
    return [flat(json.loads(line)["minimum"]) for line in lines]


def flat(report: Report) -> dict[str, float]:
    """One entry per scale, in the order of the computation."""
    rows = {name: report[name] for name in ("text", "prepare")}
    rows |= {f"scale {idx + 1}": time for idx, time in enumerate(report["scales"])}
    rows |= {"all scales": sum(report["scales"])}
    return rows | {name: report[name] for name in ("decode", "total")}


def best(rounds: list[dict[str, float]], name: str) -> float:
    return min(times[name] for times in rounds)


if __name__ == "__main__":
    main()
