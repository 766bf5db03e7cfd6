"""Trains the generator: cross-entropy of the codes of every scale, given the latent so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from underpaint_reference.config import Config
from underpaint_reference.grids import area_resize, to_cells
from underpaint_reference.text import PromptReader, TextEncoder
from underpaint_reference.tokenizer import Tokenizer

from . import loop
from .batches import Batches
from .config import Settings
from .data.pictures import Pictures
from .devices import autocast, cpu_copy, current, on_cpu
from .encoders import in_fp32
from .initialise import fresh_generator, weights_of
from .loop import Moment
from .memory import PictureMemory
from .optim import Optimisers
from .painting import LiveModel, paint_sheet
from .scales import Conditions, ScalesModel, control_tokens

STAGE = "generator"
_MAX_NOISE = 0.3  # share of the cells whose code is disturbed, at most


@dataclass(frozen=True)
class Frozen:
    """What the generator is trained on top of."""

    tokenizer: Tokenizer
    text: TextEncoder
    read: PromptReader
    memory: PictureMemory


class GeneratorTask(loop.Task):
    def __init__(
        self, settings: Settings, config: Config, pictures: Pictures, frozen: Frozen
    ) -> None:
        self.settings, self.config, self.frozen = settings.generator, config, frozen
        self.pictures, self.memory_folder = pictures, settings.run_dir / "memory"
        tokenizer = cpu_copy(frozen.tokenizer)
        self.batches = Batches(pictures, frozen.memory, config.memory.slots, tokenizer)
        generator = fresh_generator(config)
        if self.settings.warm_start:
            generator.load_state_dict(weights_of(Path(self.settings.warm_start), "generator"))
        self.module = ScalesModel(generator, frozen.tokenizer.codebook.weight)
        self.optimisers = Optimisers(
            self.module, self.settings.schedule, _is_block_matrix, weight_decay=0.02
        )
        self.per_scale = compiled() if self.settings.is_compiled else cross_entropies

    def losses(self, moment: Moment) -> dict[str, Tensor]:
        with on_cpu():
            batch = self.batches.draw(moment.rng, self.settings.batch_size)
        batch = batch.to(current())
        n_scales = len(self.config.scales)
        n_coarse = n_scales - self.settings.n_fine_scales
        n_fine_rows = max(1, int(self.settings.batch_size * self.settings.fine_share))
        length = self.config.text.max_tokens
        with torch.no_grad(), autocast():
            text = self.frozen.text(*self.frozen.read(batch.captions, length))
            raw = self.frozen.tokenizer.encoder(2 * batch.pictures - 1)
        latent = self.frozen.tokenizer.normalise(raw.float())
        inputs, targets = noisy_inputs(self.frozen.tokenizer, latent, n_coarse, n_fine_rows)
        with autocast():
            control = control_tokens(self.module.generator, batch.controls, batch.remembered)
            conditions = Conditions(in_fp32(text), control, batch.remembered)
            coarse, fine = range(n_coarse), range(n_coarse, n_scales)
            per_scale = self.per_scale(
                self.module, coarse, inputs[:n_coarse], targets[:n_coarse], conditions
            )
            per_scale += self.per_scale(
                self.module,
                fine,
                inputs[n_coarse:],
                targets[n_coarse:],
                conditions.rows(n_fine_rows),
            )
        loss = weighted(per_scale, self.config.scales)
        named = {f"scale{k}": each.detach() for k, each in enumerate(per_scale)}
        return {"loss": loss} | named

    def show(self, folder: Path) -> dict[str, float]:
        networks = (self.module.generator, self.frozen.tokenizer, self.frozen.text)
        generator, tokenizer, text = (cpu_copy(network) for network in networks)
        with on_cpu():
            read, memory = self.frozen.read, self.memory_folder
            model = LiveModel.of(self.config, generator, tokenizer, text, read, memory)
            paint_sheet(model, self.pictures, folder / "sheet.webp")
        return {}


def cross_entropies(
    module: ScalesModel,
    scale_idxs: Sequence[int],
    inputs: Sequence[Tensor],
    targets: Sequence[Tensor],
    conditions: Conditions,
) -> list[Tensor]:
    """Inputs (B, p², C) and target ids (B, p²) of some scales → the mean of each, ()."""
    logits = module(scale_idxs, inputs, conditions)
    return [
        F.cross_entropy(each.flatten(0, 1), target.flatten())
        for each, target in zip(logits, targets)
    ]


def compiled() -> Callable[..., list[Tensor]]:
    """`cross_entropies` through the compiler; convolutions stay outside, they gain nothing."""
    import torch._inductor.config as inductor

    # Fusing loops that only share their range generates wrong code for these shapes.
    inductor.cpp.max_horizontal_fusion_size = 1
    return torch.compile(cross_entropies, dynamic=False)


@torch.no_grad()
def noisy_inputs(
    tokenizer: Tokenizer, latent: Tensor, n_coarse: int, n_fine_rows: int
) -> tuple[list[Tensor], list[Tensor]]:
    """latent (B, C, g, g) → per scale the input (B, p², C) and the target ids (B, p²).

    Some vectors are disturbed before their code is chosen to build `f_hat`, but the target stays
    the code nearest to the clean one: the model learns to repair its own mistakes. From scale
    `n_coarse` on only the first `n_fine_rows` pictures are used.
    """
    f_hat = torch.zeros_like(latent)
    share = torch.rand(len(latent), 1) * _MAX_NOISE
    inputs, targets = [], []
    for scale_idx, side in enumerate(tokenizer.scales):
        if scale_idx == n_coarse:
            latent, f_hat, share = latent[:n_fine_rows], f_hat[:n_fine_rows], share[:n_fine_rows]
        inputs.append(area_resize(to_cells(f_hat), side))
        vectors = area_resize(to_cells(latent - f_hat), side)
        targets.append(tokenizer.nearest(vectors))
        is_disturbed = torch.rand(vectors.shape[:2]) < share
        noise = torch.randn_like(vectors) * vectors.square().mean().sqrt() * 2 * share[..., None]
        ids = tokenizer.nearest(vectors + noise * is_disturbed[..., None])
        f_hat = tokenizer.add_scale(f_hat, scale_idx, ids)
    return inputs, targets


def weighted(per_scale: Sequence[Tensor], scales: Sequence[int]) -> Tensor:
    """Mean with weight p: between one vote per scale and one per token."""
    total = sum(each * side for each, side in zip(per_scale, scales))
    return total / sum(scales)


def _is_block_matrix(name: str, parameter: Tensor) -> bool:
    return ".blocks." in name and parameter.ndim == 2
