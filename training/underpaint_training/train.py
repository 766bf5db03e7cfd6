"""`underpaint-train`: all stages of a run, each skipped or continued where it was left."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from pathlib import Path

import torch
from underpaint_reference.text import PromptReader

from . import devices, distributed, loop, memory, text
from .config import Settings
from .data.pictures import Pictures
from .data.render import render_source
from .data.sources import SOURCES
from .decoder import STAGE as DECODER
from .decoder import DecoderTask
from .export import ASSET, export
from .generator import STAGE as GENERATOR
from .generator import Frozen, GeneratorTask
from .text import STAGE as TEXT
from .text import TextTask
from .tokenizer import STAGE as TOKENIZER
from .tokenizer import TokenizerTask, frozen_tokenizer
from .vocabulary import write_vocabulary
from .words import STAGE as WORDS
from .words import WordsTask

log = logging.getLogger(__name__)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the embedded model, stage by stage.")
    parser.add_argument("--config", type=Path, required=True, help="TOML file with the settings")
    parser.add_argument("--data-dir", type=Path, help="folder for packages and pictures")
    parser.add_argument("--run-dir", type=Path, help="folder for checkpoints, logs and the asset")
    parser.add_argument(
        "--stages", nargs="+", choices=STAGES, default=list(STAGES), help="only these"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    settings = Settings.load(
        arguments.config, data_dir=arguments.data_dir, run_dir=arguments.run_dir
    )
    run(settings, arguments.stages)


def run(settings: Settings, stages: list[str]) -> None:
    """Stages in their order, whatever the order of the list."""
    device = devices.choose(settings.device)
    distributed.start(device)
    try:
        for name, stage in STAGES.items():
            if name in stages:
                log.info("stage %s", name)
                torch.manual_seed(settings.seed)  # all processes start from the same weights
                with devices.using(device if name in TRAINED else devices.CPU):
                    stage(settings)
                distributed.wait_for_all()
    finally:
        distributed.stop()


def _data(settings: Settings) -> None:
    """One process renders; the others wait at the end of the stage."""
    if distributed.rank() != 0:
        return
    for source in SOURCES:
        if not settings.data.sources or source.key in settings.data.sources:
            render_source(source, settings.data_dir, settings.data.limit)
    write_vocabulary(settings, _pictures(settings))


def _text(settings: Settings) -> None:
    if settings.text.uses_teacher:
        task = TextTask(settings, settings.model_config(), _pictures(settings))
        loop.run(task, TEXT, settings.text.budget, settings.text.ema_decay, settings)


def _words(settings: Settings) -> None:
    budget = settings.words.budget
    if budget.steps != 0:
        task = WordsTask(settings, settings.model_config(), _pictures(settings))
        loop.run(task, WORDS, budget, settings.words.ema_decay, settings)


def _tokenizer(settings: Settings) -> None:
    task = TokenizerTask(settings, settings.model_config(), _pictures(settings))
    loop.run(task, TOKENIZER, settings.tokenizer.budget, settings.tokenizer.ema_decay, settings)


def _decoder(settings: Settings) -> None:
    budget = settings.decoder.budget
    if budget.steps != 0:
        task = DecoderTask(settings, settings.model_config(), _pictures(settings))
        loop.run(task, DECODER, budget, settings.decoder.ema_decay, settings)


def _memory(settings: Settings) -> None:
    if distributed.rank() != 0:
        return
    pictures, config = _pictures(settings), settings.model_config()
    encoder, read = text.frozen_text(settings, config), _reader(settings)
    tokenizer = frozen_tokenizer(settings, config)
    memory.build(settings, pictures, tokenizer, encoder, read)


def _generator(settings: Settings) -> None:
    config = settings.model_config()
    frozen = Frozen(
        frozen_tokenizer(settings, config),
        text.frozen_text(settings, config),
        _reader(settings),
        memory.PictureMemory(settings),
    )
    task = GeneratorTask(settings, config, _pictures(settings), frozen)
    loop.run(task, GENERATOR, settings.generator.budget, settings.generator.ema_decay, settings)


def _export(settings: Settings) -> None:
    if distributed.rank() == 0:
        export(settings, settings.model_config(), settings.run_dir / ASSET)


def _pictures(settings: Settings) -> Pictures:
    return Pictures(settings.data_dir, settings.data.sources, settings.data.n_held_out)


def _reader(settings: Settings) -> PromptReader:
    return PromptReader(settings.run_dir / TEXT, settings.model_config().text)


STAGES: dict[str, Callable[[Settings], None]] = {
    "data": _data,
    TEXT: _text,
    WORDS: _words,
    TOKENIZER: _tokenizer,
    memory.STAGE: _memory,
    GENERATOR: _generator,
    DECODER: _decoder,
    "export": _export,
}
TRAINED = (TEXT, WORDS, TOKENIZER, GENERATOR, DECODER)  # on the device; the other stages on the CPU


if __name__ == "__main__":
    main()
