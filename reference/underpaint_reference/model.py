"""A model's folder: configuration, word pieces, weights and picture memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from .config import Config
from .generator import Generator
from .memory import Memory
from .text import EncodedText, PromptReader, TextEncoder
from .tokenizer import Tokenizer


class Networks(nn.Module):
    """All networks; parameters are named as in `model.safetensors`."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.text = TextEncoder(config.text)
        self.generator = Generator(config)
        self.tokenizer = Tokenizer(config)


class Model:
    """A loaded model, in fp32 on the CPU."""

    def __init__(self, directory: Path) -> None:
        self.config = Config.load(directory)
        self.read_prompts = PromptReader(directory, self.config.text)
        networks = load_networks(self.config, directory / "model.safetensors")
        # Convolutions run faster when the channels of a pixel lie together.
        networks.to(memory_format=torch.channels_last)
        self.text, self.generator = networks.text, networks.generator
        self.tokenizer = networks.tokenizer
        self.memory = Memory.load(directory)
        self.scoring = self.generator.scoring(self.tokenizer.codebook.weight)

    def encode_text(self, prompts: Sequence[str]) -> EncodedText:
        """B prompts → vectors, padded to the longest of them."""
        return self.text(*self.read_prompts(prompts))


def load_networks(config: Config, path: Path) -> Networks:
    """Reads the weights, F16 or F32, into fp32.

    Raises `SystemExit` naming the tensors that are missing, unknown or of another shape.
    """
    if not path.is_file():
        raise SystemExit(f"No {path.name} in {path.parent}; give the folder of a model.")
    with torch.device("meta"):
        shapes = Networks(config).state_dict()
    weights = {name: tensor.float() for name, tensor in load_file(path).items()}
    problems = [f"{name} is missing" for name in shapes.keys() - weights.keys()]
    problems += [f"{name} is unknown" for name in weights.keys() - shapes.keys()]
    problems += [
        f"{name} is {tuple(weights[name].shape)}, expected {tuple(shapes[name].shape)}"
        for name in shapes.keys() & weights.keys()
        if shapes[name].shape != weights[name].shape
    ]
    if problems:
        raise SystemExit(
            f"{path.name} does not fit config.json: " + "; ".join(sorted(problems)[:5])
        )
    with torch.device("meta"):
        networks = Networks(config)
    networks.load_state_dict(weights, assign=True)
    return networks.eval().requires_grad_(False)
