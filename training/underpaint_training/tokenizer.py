"""Trains the picture tokenizer: reconstruction through a multi-scale residual codebook."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from underpaint_reference.config import Config
from underpaint_reference.tokenizer import Tokenizer

from . import loop
from .config import Settings
from .data.pictures import Pictures
from .devices import CPU, autocast, cpu_copy, current, on_cpu
from .initialise import fresh_tokenizer, weights_of
from .loop import Moment
from .optim import Optimisers
from .quantiser import CodebookAverages, kmeans_codebook, quantise
from .sheets import over_white, write_sheet

STAGE = "tokenizer"
DECODER = "decoder"  # the stage that trains the decoder on
_LATENT_NOISE = 0.1  # before quantisation starts
_SQUARED_WEIGHT = 10.0  # of the squared beside the absolute error: what the PSNR counts
_CODEBOOK_WEIGHT = 0.25
_PREFIX_WEIGHT = 0.5
_KMEANS_BATCHES = 40
_SHOWN = 8
_MEASURED = 128  # held-out pictures of the dB in the log


@dataclass(frozen=True)
class PictureError:
    loss: Tensor  # (), absolute and squared error
    psnr: Tensor  # (), in dB


class TokenizerNetworks(nn.Module):
    """What a checkpoint holds."""

    quantises: Tensor  # () bool, on the CPU

    def __init__(self, tokenizer: Tokenizer, quantises: bool) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.tokenizer.codebook.weight.requires_grad_(False)  # moves by averages
        self.averages = CodebookAverages(tokenizer.codebook.weight)
        self.register_buffer("quantises", torch.tensor(quantises, device=CPU))


class TokenizerTask(loop.Task):
    def __init__(self, settings: Settings, config: Config, pictures: Pictures) -> None:
        self.settings, self.config, self.pictures = settings.tokenizer, config, pictures
        tokenizer = fresh_tokenizer(config)
        if warm_start := self.settings.warm_start:
            tokenizer.load_state_dict(weights_of(Path(warm_start), "tokenizer"))
        tokenizer.to(memory_format=torch.channels_last)
        self.module = TokenizerNetworks(tokenizer, quantises=bool(warm_start))
        self.optimisers = Optimisers(
            self.module, self.settings.schedule, is_inner_kernel, weight_decay=1e-4
        )

    def losses(self, moment: Moment) -> dict[str, Tensor]:
        net, rng = self.module.tokenizer, moment.rng
        if not self.module.quantises and moment.progress >= self.settings.free_share:
            self._start_codebook(rng)
        picture = draw_pictures(self.pictures, rng, self.settings.batch_size)
        with autocast():
            raw = net.encoder(2 * picture - 1)
        latent = net.normalise(raw.float())
        is_prefix = False
        if self.module.quantises:
            quantised, n_dead = quantise(net, latent, self.module.averages)
            code_loss, source = quantised.loss, quantised.straight_through
            is_prefix = moment.step_idx % self.settings.prefix_every == 0
            if is_prefix:
                source = quantised.f_hats[int(rng.integers(len(net.scales) - 1))]
        else:
            n_dead, code_loss = torch.tensor(0), latent.new_zeros(())
            source = latent + _LATENT_NOISE * torch.randn_like(latent)
        with autocast():
            decoded = net.decoder(source.contiguous(memory_format=torch.channels_last))
        error = picture_error(decoded, picture, _SQUARED_WEIGHT)
        weight = _PREFIX_WEIGHT if is_prefix else 1.0
        loss = weight * error.loss + _CODEBOOK_WEIGHT * code_loss
        found = {"loss": loss, "prefix_psnr" if is_prefix else "psnr": error.psnr}
        return found | {"codebook": code_loss.detach(), "dead": n_dead}

    def show(self, folder: Path) -> dict[str, float]:
        net = self.module.tokenizer
        return show_reconstructions(net, self.pictures, folder, bool(self.module.quantises))

    @torch.no_grad()
    def _start_codebook(self, rng: np.random.Generator) -> None:
        """The autoencoder works: from here on its latents are quantised."""
        net, latents = self.module.tokenizer, []
        for _ in range(_KMEANS_BATCHES):
            picture = draw_pictures(self.pictures, rng, self.settings.batch_size)
            latents.append(net.encode(picture)[1])
        codes = kmeans_codebook(torch.cat(latents), net.scales, len(net.codebook.weight))
        net.codebook.weight.copy_(codes)
        self.module.averages.restart(codes)
        self.module.quantises.fill_(True)


def draw_pictures(pictures: Pictures, rng: np.random.Generator, n: int) -> Tensor:
    """Training pictures, often flipped or with exchanged colours: (n, 4, H, W)."""
    batch = pictures.pixels(pictures.draw(rng, n))
    if rng.random() < 0.5:
        batch = batch.flip(-1)
    if rng.random() < 0.25:
        batch = batch[:, [*rng.permutation(3).tolist(), 3]]
    return batch.to(current(), memory_format=torch.channels_last)


def picture_error(decoded: Tensor, picture: Tensor, squared_weight: float) -> PictureError:
    """The decoder's output, about [−1, 1], against the picture in [0, 1], (B, 4, H, W) both."""
    error = (decoded.float() + 1) / 2 - picture
    squared = error.square().mean()
    loss = error.abs().mean() + squared_weight * squared
    return PictureError(loss, -10 * torch.log10(squared.detach()))


@torch.no_grad()
def show_reconstructions(
    net: Tokenizer, pictures: Pictures, folder: Path, quantises: bool = True
) -> dict[str, float]:
    """A sheet of held-out pictures, what is left of them, and previews from prefixes; the dB."""
    net = cpu_copy(net)
    with on_cpu():
        return _show(net, pictures, folder, quantises)


def _show(net: Tokenizer, pictures: Pictures, folder: Path, quantises: bool) -> dict[str, float]:
    picture = pictures.pixels(pictures.held_out[:_SHOWN])
    latent = net.encode(picture)[1]
    f_hats = net.quantise(latent)[1] if quantises else [latent]
    rows = [over_white(picture), *(over_white(net.decode(f_hat)) for f_hat in reversed(f_hats))]
    write_sheet(folder / "sheet.webp", rows)
    if not quantises:
        return {}
    some = pictures.held_out[:_MEASURED]
    return {"held_out_psnr": reconstruction_psnr(net, pictures, some)}


@torch.no_grad()
def reconstruction_psnr(
    net: Tokenizer, pictures: Pictures, chosen: NDArray[np.int64], batch_size: int = 16
) -> float:
    """PSNR of the chosen pictures together, premultiplied RGBA, in dB."""
    squared, n_values = 0.0, 0
    for start in range(0, len(chosen), batch_size):
        picture = pictures.pixels(chosen[start : start + batch_size])
        f_hat = net.quantise(net.encode(picture)[1])[1][-1]
        squared += float(F.mse_loss(net.decode(f_hat).clamp(0, 1), picture, reduction="sum"))
        n_values += picture.numel()
    return -10 * math.log10(squared / n_values)


def frozen_tokenizer(settings: Settings, config: Config) -> Tokenizer:
    """The tokenizer as its stages left it: averaged weights, for inference."""
    tokenizer = Tokenizer(config)
    state = loop.averaged_weights(settings, STAGE)
    own = {name.removeprefix("tokenizer."): value for name, value in state.items()}
    tokenizer.load_state_dict({name: own[name] for name in tokenizer.state_dict()})
    if (settings.run_dir / DECODER / loop.CHECKPOINT).is_file():
        tokenizer.decoder.load_state_dict(loop.averaged_weights(settings, DECODER))
    tokenizer.to(memory_format=torch.channels_last)
    return tokenizer.eval().requires_grad_(False)


def is_inner_kernel(name: str, parameter: Tensor) -> bool:
    """Convolutions but the first and last of encoder and decoder, and the smoothing ones."""
    outer = ("encoder.stem", "conv_out", "conv_in", "phi.")
    return parameter.ndim == 4 and not any(part in name for part in outer)
