"""Settings of a run, read from a TOML file. Dimensions of the model are its `[model]` tables."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from underpaint_reference.config import Config as ModelConfig


@dataclass(frozen=True)
class DataSettings:
    sources: list[str] = field(default_factory=list)  # keys; empty means all
    limit: int | None = None  # pictures per source
    n_held_out: int = 512


@dataclass(frozen=True)
class Budget:
    """How long a stage trains: until either limit is reached. One of them must be given."""

    minutes: float | None = None  # of training, resumed runs counted together
    steps: int | None = None

    def __post_init__(self) -> None:
        if self.minutes is None and self.steps is None:
            raise SystemExit("A budget needs minutes or steps.")

    def progress(self, step_idx: int, seconds: float) -> float:
        """Share of the budget that is used; at least 1 when training is done."""
        shares = [
            used / limit if limit else 1.0
            for used, limit in ((seconds / 60, self.minutes), (step_idx, self.steps))
            if limit is not None
        ]
        return max(shares)


@dataclass(frozen=True)
class Schedule:
    """Learning rates of one stage: warm-up, constant, then a linear fall to almost nothing."""

    adamw: float
    muon: float = 0.0
    warmup_steps: int = 50
    falls_from: float = 0.55  # share of the budget after which the rate falls
    floor: float = 0.02

    def factor(self, step_idx: int, progress: float) -> float:
        warmup = min(1.0, (step_idx + 1) / self.warmup_steps)
        fall = min(1.0, (1 - progress) / (1 - self.falls_from))
        return warmup * max(self.floor, fall)


@dataclass(frozen=True)
class TokenizerSettings:
    budget: Budget
    schedule: Schedule
    batch_size: int = 16
    free_share: float = 0.2  # of the budget without quantisation; none after a warm start
    prefix_every: int = 5  # one batch in so many decodes a prefix
    warm_start: str = ""  # folder of a loose model
    ema_decay: float = 0.999


@dataclass(frozen=True)
class DecoderSettings:
    budget: Budget = Budget(steps=0)  # none: the decoder stays as it is
    schedule: Schedule = Schedule(adamw=3e-4, muon=3e-3)
    batch_size: int = 16
    squared_weight: float = 12.0  # of the squared beside the absolute error
    prefix_every: int = 5
    prefix_weight: float = 0.5
    ema_decay: float = 0.999


@dataclass(frozen=True)
class TextSettings:
    budget: Budget
    schedule: Schedule
    batch_size: int = 128
    uses_teacher: bool = True  # otherwise the encoder keeps its random weights
    warm_start: str = ""
    ema_decay: float = 0.999


@dataclass(frozen=True)
class WordsSettings:
    budget: Budget = Budget(steps=0)  # none: words mean what the stage text made of them
    schedule: Schedule = Schedule(adamw=1e-2, warmup_steps=20, falls_from=0.3)
    batch_size: int = 512
    ema_decay: float = 0.99


@dataclass(frozen=True)
class MemorySettings:
    n_neighbours: int = 24
    max_entries: int = 20_000
    batch_size: int = 32


@dataclass(frozen=True)
class GeneratorSettings:
    budget: Budget
    schedule: Schedule
    batch_size: int = 32
    fine_share: float = 0.25  # of a batch that also trains the finest scales
    n_fine_scales: int = 2
    is_compiled: bool = True
    warm_start: str = ""
    ema_decay: float = 0.999


@dataclass(frozen=True)
class Settings:
    """A whole run. Paths are relative to where the command runs."""

    model: dict[str, Any]  # what becomes the asset's config.json
    data: DataSettings
    tokenizer: TokenizerSettings
    text: TextSettings
    memory: MemorySettings
    generator: GeneratorSettings
    decoder: DecoderSettings = DecoderSettings()
    words: WordsSettings = WordsSettings()
    data_dir: Path = Path("target/training/data")
    run_dir: Path = Path("target/training/run")
    seed: int = 0
    device: str = "auto"  # or cpu, cuda
    checkpoint_minutes: float = 5.0
    sheet_minutes: float = 30.0
    log_every: int = 25

    @staticmethod
    def load(path: Path, **overrides: Any) -> Settings:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        settings = _read(Settings, values, path.name)
        return replace(settings, **{k: v for k, v in overrides.items() if v is not None})

    def model_config(self) -> ModelConfig:
        """Dimensions of the networks; the vocabulary has its size once the text stage made it."""
        folder = self.run_dir / "text"
        values = self.model
        if (folder / "tokenizer.json").is_file():
            vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
            n_pieces = len(vocabulary["model"]["vocab"])
            values = values | {"text": values["text"] | {"vocab_size": n_pieces}}
        path = self.run_dir / "config.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: other processes of the run read it meanwhile.
        partial = path.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
        os.replace(partial, path)
        return ModelConfig.load(self.run_dir)


def _read(kind: type, values: dict[str, Any], where: str) -> Any:
    """Builds a dataclass from a TOML table; an unknown or missing key is an error."""
    types = get_type_hints(kind)
    known = {each.name for each in fields(kind)}
    if unknown := sorted(values.keys() - known):
        raise SystemExit(f"{where} has unknown keys: {', '.join(unknown)}.")
    found = {}
    for name, value in values.items():
        nested = types[name]
        if isinstance(nested, type) and is_dataclass(nested):
            value = _read(nested, value, f"{where} [{name}]")
        found[name] = nested(value) if nested in (Path, float) else value
    try:
        return kind(**found)
    except TypeError as error:
        raise SystemExit(f"{where}: {error}") from error
