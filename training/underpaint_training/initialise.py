"""First weights: fresh ones, or those of a model that exists."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from underpaint_reference.config import Config
from underpaint_reference.generator import Generator
from underpaint_reference.tokenizer import GridAttention, ResidualBlock, Tokenizer

_SMALL = 0.02
_BRANCH = 0.01  # last matrix of a residual branch
_POINTER = 0.002
_HEAD = 0.005


@torch.no_grad()
def fresh_tokenizer(config: Config) -> Tokenizer:
    """Residual branches and smoothing start at zero, the codebook at random."""
    tokenizer = Tokenizer(config)
    for module in tokenizer.modules():
        if isinstance(module, ResidualBlock):
            _zero(module.conv2)
        elif isinstance(module, GridAttention):
            _zero(module.out)
    for phi in tokenizer.phi:
        _zero(phi)
    nn.init.normal_(tokenizer.codebook.weight, std=0.5)
    return tokenizer


@torch.no_grad()
def fresh_generator(config: Config) -> Generator:
    """The pointer head starts as a copier: closer cells and earlier slots first."""
    generator = Generator(config)
    nn.init.normal_(generator.start, std=_SMALL)
    nn.init.normal_(generator.scale_embed, std=_SMALL)
    generator.pos_scale.fill_(0.3)
    nn.init.normal_(generator.head.weight, std=_HEAD)
    nn.init.zeros_(generator.head.bias)
    nn.init.normal_(generator.memory.slot_embed, std=_SMALL)
    generator.memory.pos_scale.fill_(0.3)
    for block in generator.blocks:
        block.modulation.zero_()
        for last in (block.self_attn.out, block.cross_attn.out, block.ffn.down):
            nn.init.normal_(last.weight, std=_BRANCH)
    pointer = generator.pointer
    for layer in (pointer.query, pointer.offset, pointer.correction, pointer.gates):
        nn.init.normal_(layer.weight, std=_POINTER)
        nn.init.zeros_(layer.bias)
    n_slots = config.memory.slots
    pointer.slot_bias.copy_(torch.tensor([0.0] + [-1.5 - i for i in range(n_slots - 1)]))
    sharpness = [math.log(2 * max(side, 2) ** 2) for side in config.scales]
    pointer.log_beta.copy_(torch.tensor(sharpness))
    pointer.gate_bias.copy_(torch.tensor([[0.0, 1.0]]).expand(len(config.scales), 2))
    return generator


def weights_of(folder: Path, part: str) -> dict[str, Tensor]:
    """Weights of one network (tokenizer, generator or text) of a loose model folder, in fp32."""
    path = folder / "model.safetensors"
    if not path.is_file():
        raise SystemExit(f"No {path} to start from.")
    prefix = f"{part}."
    return {
        name.removeprefix(prefix): value.float()
        for name, value in load_file(path).items()
        if name.startswith(prefix)
    }


def _zero(layer: nn.Conv2d) -> None:
    nn.init.zeros_(layer.weight)
    assert layer.bias is not None, "all convolutions have a bias"
    nn.init.zeros_(layer.bias)
