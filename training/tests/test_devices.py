"""A step of every stage that trains but text and words, on a pretended graphics processor.

Fake tensors know their device and refuse to mix devices, so no processor is needed to see that
everything arrives where it is used.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from underpaint_reference.text import PromptReader, TextEncoder
from underpaint_reference.tokenizer import Tokenizer

from underpaint_training import batches, devices, generator, loop
from underpaint_training.batches import Batches
from underpaint_training.config import Settings
from underpaint_training.data.pictures import Pictures
from underpaint_training.decoder import DecoderTask
from underpaint_training.generator import Frozen, GeneratorTask
from underpaint_training.loop import Moment
from underpaint_training.memory import PictureMemory
from underpaint_training.text import STAGE as TEXT
from underpaint_training.tokenizer import TokenizerTask
from underpaint_training.train import run

CUDA = torch.device("cuda", 0)


def trained(task: loop.Task, step_idx: int, progress: float = 0.9) -> torch.Tensor:
    """One step of the task but its backward pass, which asks for a processor; returns the loss."""
    moment = Moment(step_idx, progress, np.random.default_rng(1))
    loss = task.losses(moment)["loss"]
    for parameter in task.optimisers.parameters:
        parameter.grad = torch.zeros_like(parameter)
    task.optimisers.step(step_idx, progress)
    return loss


def _fresh_on_cpu(settings: Settings) -> Tokenizer:
    with devices.on_cpu():
        return Tokenizer(settings.model_config())


@pytest.fixture
def prepared(smoke: Settings) -> tuple[Settings, Pictures]:
    """Everything that training reads from the disk."""
    run(smoke, ["data", "tokenizer", "memory"])
    return smoke, Pictures(smoke.data_dir, smoke.data.sources, smoke.data.n_held_out)


@pytest.mark.filterwarnings("ignore:CUDA is not available")
def test_steps_stay_on_the_device(
    prepared: tuple[Settings, Pictures], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, pictures = prepared
    # Modules of fake tensors cannot change their layout, which is all that it is called for here.
    monkeypatch.setattr(Tokenizer, "to", lambda self, **_: self)
    # Fake pictures have no values to name colours by.
    monkeypatch.setattr(
        Batches, "_caption", lambda self, index, *_: self.pictures.entries[index].name
    )
    # Nor is anything to be seen in them.
    monkeypatch.setattr(batches, "side_by_side", lambda things: things[0])
    # Fake modules cannot move either: what is encoded on the CPU is by another one.
    monkeypatch.setattr(generator, "cpu_copy", lambda _: _fresh_on_cpu(settings))
    config, memory = settings.model_config(), PictureMemory(settings)
    read = PromptReader(settings.run_dir / TEXT, config.text)
    with FakeTensorMode(allow_non_fake_inputs=True), devices.using(CUDA):
        tokenizer = TokenizerTask(settings, config, pictures)
        tokenizer.module.quantises = torch.tensor(True, device=devices.CPU)
        losses = [trained(tokenizer, step_idx) for step_idx in (0, 1)]  # a prefix, and the whole
        losses.append(trained(DecoderTask(settings, config, pictures), 0))
        frozen = Frozen(Tokenizer(config), TextEncoder(config.text), read, memory)
        painter = GeneratorTask(settings, config, pictures, frozen)
        losses += [trained(painter, step_idx) for step_idx in range(3)]
    assert all(loss.device == CUDA for loss in losses)
    parameters = [*tokenizer.module.parameters(), *painter.module.parameters()]
    assert all(parameter.device == CUDA for parameter in parameters)


def test_an_unknown_device_is_named() -> None:
    with pytest.raises(SystemExit, match="no device 'gpu'"):
        devices.choose("gpu")
    assert devices.choose("cpu").type == "cpu"


def test_constants_belong_to_a_device() -> None:
    """What was computed once on one device is not handed to another."""
    from underpaint_reference.grids import cell_centres

    assert cell_centres(3).device.type == "cpu"
    with torch.device("meta"):
        assert cell_centres(3).device.type == "meta"
    assert cell_centres(3).device.type == "cpu"


def test_settings_name_the_device(smoke: Settings) -> None:
    assert smoke.device == "auto"
    with pytest.raises(SystemExit, match="no device 'tpu'"):
        run(replace(smoke, device="tpu"), ["data"])
