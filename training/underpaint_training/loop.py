"""One loop for all stages: steps until the budget is used, log, checkpoints, resume.

Whatever is random in a step comes from (seed, step, process), so a run that was killed repeats
the same steps after its last checkpoint and needs no saved generator state.
"""

from __future__ import annotations

import json
import logging
import os
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from . import distributed
from .config import Budget, Settings
from .devices import current
from .optim import Average, Optimisers

log = logging.getLogger(__name__)

CHECKPOINT = "checkpoint.pt"
_AVERAGE_EVERY = 4  # steps


@dataclass(frozen=True)
class Moment:
    """Where in its training a stage is."""

    step_idx: int
    progress: float  # share of the budget used
    rng: np.random.Generator  # of this step and process


class Task(ABC):
    """What a stage trains."""

    module: nn.Module
    optimisers: Optimisers

    @abstractmethod
    def losses(self, moment: Moment) -> dict[str, Tensor]:
        """Makes a batch; `loss` is what falls, the others are logged."""

    def after_step(self, moment: Moment) -> None:
        """Called after every update of the weights."""

    def show(self, folder: Path) -> dict[str, float]:
        """Writes pictures of the state, with the averaged weights; returns measures to log."""
        return {}


@dataclass
class Clock:
    """Steps and seconds of training, over all resumed runs."""

    step_idx: int = 0
    seconds: float = 0.0


def run(task: Task, name: str, budget: Budget, ema_decay: float, settings: Settings) -> None:
    """Trains until the budget is used, then leaves the averaged weights in the module."""
    folder = settings.run_dir / name
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / CHECKPOINT
    average, clock = Average(task.module, ema_decay), Clock()
    if checkpoint.is_file():
        _resume(checkpoint, task, average, clock)
    is_first = distributed.rank() == 0
    journal = Journal(folder / "log.jsonl", clock, settings.log_every) if is_first else None
    started_at = saved_at = shown_at = time.monotonic()
    first_step, seconds_before = clock.step_idx, clock.seconds
    while True:
        clock.seconds = seconds_before + _shared(time.monotonic() - started_at)
        progress = budget.progress(clock.step_idx, clock.seconds)
        if progress >= 1:
            break
        _seed(settings.seed, clock.step_idx)
        key = (settings.seed, clock.step_idx, distributed.rank())
        moment = Moment(clock.step_idx, progress, np.random.default_rng(key))
        losses = task.losses(moment)
        losses["loss"].backward()
        distributed.average_gradients(task.optimisers.parameters)
        task.optimisers.step(clock.step_idx, progress)
        task.after_step(moment)
        clock.step_idx += 1
        if clock.step_idx % _AVERAGE_EVERY == 0:
            average.update(task.module)
        if journal:
            journal.add({key: float(value.detach()) for key, value in losses.items()}, clock)
            if time.monotonic() - saved_at > 60 * settings.checkpoint_minutes:
                save(checkpoint, task, average, clock)
                saved_at = time.monotonic()
            if time.monotonic() - shown_at > 60 * settings.sheet_minutes:
                journal.write(_show_average(task, average, folder), clock)
                shown_at = time.monotonic()
    is_new = clock.step_idx > first_step or not checkpoint.is_file()
    if is_new and is_first:
        save(checkpoint, task, average, clock)
    task.module.load_state_dict(average.state)
    task.module.eval()
    if journal and is_new:
        journal.write(task.show(folder), clock)
    distributed.wait_for_all()


class Journal:
    """Appends averages of the losses to a JSONL file, one line per `every` steps."""

    def __init__(self, path: Path, clock: Clock, every: int) -> None:
        self.path, self.every = path, every
        self._forget_after(clock.step_idx)
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.last = (clock.step_idx, clock.seconds)

    def add(self, losses: dict[str, float], clock: Clock) -> None:
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
            self.counts[name] = self.counts.get(name, 0) + 1
        if clock.step_idx % self.every:
            return
        n_steps, n_seconds = clock.step_idx - self.last[0], clock.seconds - self.last[1]
        values = {"steps_per_second": n_steps / max(n_seconds, 1e-9)}
        self.write(
            values | {name: self.sums[name] / self.counts[name] for name in self.sums}, clock
        )
        self.sums, self.counts, self.last = {}, {}, (clock.step_idx, clock.seconds)

    def write(self, values: dict[str, float], clock: Clock) -> None:
        if not values:
            return
        line: dict[str, Any] = {"step": clock.step_idx, "minutes": round(clock.seconds / 60, 2)}
        line |= {name: round(value, 5) for name, value in values.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        log.info("%s", line)

    def _forget_after(self, step_idx: int) -> None:
        """Drops the lines of steps that will be repeated."""
        if self.path.is_file():
            lines = self.path.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if json.loads(line)["step"] <= step_idx]
            self.path.write_text("".join(line + "\n" for line in kept), encoding="utf-8")


def save(path: Path, task: Task, average: Average, clock: Clock) -> None:
    """Writes a checkpoint whole or not at all."""
    state = {
        "module": task.module.state_dict(),
        "average": average.state,
        "n_averaged": average.n_updates,
        "optimisers": task.optimisers.state_dict(),
        "step_idx": clock.step_idx,
        "seconds": clock.seconds,
    }
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)


def _resume(path: Path, task: Task, average: Average, clock: Clock) -> None:
    state = torch.load(path, map_location=current(), weights_only=True)
    task.module.load_state_dict(state["module"])
    average.state, average.n_updates = state["average"], state["n_averaged"]
    task.optimisers.load_state_dict(state["optimisers"])
    clock.step_idx, clock.seconds = state["step_idx"], state["seconds"]
    log.info("%s: resumed at step %d", path.parent.name, clock.step_idx)


def averaged_weights(settings: Settings, name: str) -> dict[str, Tensor]:
    """The averaged weights of a stage's last checkpoint."""
    path = settings.run_dir / name / CHECKPOINT
    if not path.is_file():
        raise SystemExit(f"No {path}: train the stage {name} first.")
    return torch.load(path, map_location="cpu", weights_only=True)["average"]


def _show_average(task: Task, average: Average, folder: Path) -> dict[str, float]:
    current = {name: value.clone() for name, value in task.module.state_dict().items()}
    task.module.load_state_dict(average.state)
    task.module.eval()
    measures = task.show(folder)
    task.module.train()
    task.module.load_state_dict(current)
    return measures


def _seed(seed: int, step_idx: int) -> None:
    torch.manual_seed(hash((seed, step_idx, distributed.rank())) % 2**63)


def _shared(seconds: float) -> float:
    """The first process's clock: all must stop at the same step."""
    return float(distributed.same_everywhere(torch.tensor(seconds, dtype=torch.float64)))
