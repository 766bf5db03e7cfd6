"""Writes a trained model as the folder that the app loads."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from underpaint_reference.config import Config
from underpaint_reference.model import load_networks
from underpaint_reference.text import PromptReader

from . import generator, loop, memory, text
from .aliases import aliases, with_aliases
from .card import card, read_jsonl
from .config import Settings
from .data.pictures import Pictures
from .golden import write_golden
from .tokenizer import frozen_tokenizer

ASSET = "asset"  # folder within the run


def main() -> None:
    parser = argparse.ArgumentParser(description="Export the latest checkpoints of a run.")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--run-dir", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder of the asset")
    parser.add_argument("--figures", type=Path, help="JSON of the evaluation, for the card")
    arguments = parser.parse_args()
    settings = Settings.load(
        arguments.config, data_dir=arguments.data_dir, run_dir=arguments.run_dir
    )
    figures = json.loads(arguments.figures.read_text()) if arguments.figures else []
    export(settings, settings.model_config(), arguments.out, figures)


def export(
    settings: Settings, config: Config, folder: Path, figures: Sequence[dict[str, Any]] = ()
) -> None:
    """The loose layout: configuration, word pieces, weights in F16, memory, golden tensors, card.

    `figures` are rows that `underpaint-evaluate --json` wrote.
    """
    folder.mkdir(parents=True, exist_ok=True)
    run = settings.run_dir
    shutil.copyfile(run / "config.json", folder / "config.json")
    for name in ("memory.safetensors", "memory.jsonl"):
        shutil.copyfile(run / memory.STAGE / name, folder / name)
    encoder = text.frozen_text(settings, config)
    pictures = Pictures(settings.data_dir, settings.data.sources, settings.data.n_held_out)
    words = run / text.STAGE / "tokenizer.json"
    if settings.text.uses_teacher:
        read = PromptReader(words.parent, config.text)
        known = aliases(settings, pictures, encoder, read)
        (folder / words.name).write_text(with_aliases(words, known), encoding="utf-8")
    else:
        shutil.copyfile(words, folder / words.name)
    weights = {f"text.{name}": value for name, value in encoder.state_dict().items()}
    tokenizer = frozen_tokenizer(settings, config)
    weights |= {f"tokenizer.{name}": value for name, value in tokenizer.state_dict().items()}
    weights |= loop.averaged_weights(settings, generator.STAGE)
    half = {name: value.contiguous().half() for name, value in weights.items()}
    save_file(half, folder / "model.safetensors", metadata={"format": "pt"})
    write_golden(folder)
    networks = load_networks(config, folder / "model.safetensors")
    lines = read_jsonl(folder / "memory.jsonl")
    text_of_card = card(settings, pictures, networks, lines, figures)
    (folder / "README.md").write_text(text_of_card, encoding="utf-8")
