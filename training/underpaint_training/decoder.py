"""Trains the decoder on once the codes are fixed: ids, memory and generator stay as they are."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from underpaint_reference.config import Config

from . import loop
from .config import Settings
from .data.pictures import Pictures
from .devices import autocast
from .loop import Moment
from .optim import Optimisers
from .tokenizer import (
    DECODER,
    draw_pictures,
    frozen_tokenizer,
    is_inner_kernel,
    picture_error,
    show_reconstructions,
)

STAGE = DECODER


class DecoderTask(loop.Task):
    """Reconstruction from quantised latents, now and then from a prefix of their scales."""

    def __init__(self, settings: Settings, config: Config, pictures: Pictures) -> None:
        self.settings, self.config, self.pictures = settings.decoder, config, pictures
        self.tokenizer = frozen_tokenizer(settings, config)
        self.module = self.tokenizer.decoder.train().requires_grad_(True)
        self.optimisers = Optimisers(
            self.module, self.settings.schedule, is_inner_kernel, weight_decay=1e-4
        )

    def losses(self, moment: Moment) -> dict[str, Tensor]:
        net, rng = self.tokenizer, moment.rng
        picture = draw_pictures(self.pictures, rng, self.settings.batch_size)
        with torch.no_grad():
            with autocast():
                raw = net.encoder(2 * picture - 1)
            f_hats = net.quantise(net.normalise(raw.float()))[1]
        is_prefix = moment.step_idx % self.settings.prefix_every == 0
        source = f_hats[int(rng.integers(len(f_hats) - 1))] if is_prefix else f_hats[-1]
        with autocast():
            decoded = self.module(source.contiguous(memory_format=torch.channels_last))
        error = picture_error(decoded, picture, self.settings.squared_weight)
        weight = self.settings.prefix_weight if is_prefix else 1.0
        return {"loss": weight * error.loss, "prefix_psnr" if is_prefix else "psnr": error.psnr}

    def show(self, folder: Path) -> dict[str, float]:
        return show_reconstructions(self.tokenizer, self.pictures, folder)
