"""Writes a trained model as the folder that the app loads."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from safetensors.torch import save_file
from underpaint_reference.config import Config

from . import generator, loop, memory, text
from .config import Settings
from .golden import write_golden
from .tokenizer import frozen_tokenizer

ASSET = "asset"  # folder within the run


def main() -> None:
    parser = argparse.ArgumentParser(description="Export the latest checkpoints of a run.")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--run-dir", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder of the asset")
    arguments = parser.parse_args()
    settings = Settings.load(
        arguments.config, data_dir=arguments.data_dir, run_dir=arguments.run_dir
    )
    export(settings, settings.model_config(), arguments.out)


def export(settings: Settings, config: Config, folder: Path) -> None:
    """The loose layout: configuration, word pieces, weights in F16, memory, golden tensors."""
    folder.mkdir(parents=True, exist_ok=True)
    run = settings.run_dir
    shutil.copyfile(run / "config.json", folder / "config.json")
    shutil.copyfile(run / text.STAGE / "tokenizer.json", folder / "tokenizer.json")
    for name in ("memory.safetensors", "memory.jsonl"):
        shutil.copyfile(run / memory.STAGE / name, folder / name)
    encoder = text.frozen_text(settings, config)
    weights = {f"text.{name}": value for name, value in encoder.state_dict().items()}
    tokenizer = frozen_tokenizer(settings, config)
    weights |= {f"tokenizer.{name}": value for name, value in tokenizer.state_dict().items()}
    weights |= loop.averaged_weights(settings, generator.STAGE)
    half = {name: value.contiguous().half() for name, value in weights.items()}
    save_file(half, folder / "model.safetensors", metadata={"format": "pt"})
    write_golden(folder)
