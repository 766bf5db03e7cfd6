"""Where a run computes: networks on one device per process, pictures are prepared on the CPU.

A stage that trains runs inside `using`, so that whatever it or the reference creates lies on the
device; what comes from the disk is made inside `on_cpu` and sent there as a batch.
"""

from __future__ import annotations

import copy
import os
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import torch
from torch import nn

CPU = torch.device("cpu")
Module = TypeVar("Module", bound=nn.Module)


def choose(name: str) -> torch.device:
    """`cpu`, `cuda`, or `auto` for the graphics processor if PyTorch can use one.

    With several processes on a machine each takes its own.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise SystemExit(f"There is no device {name!r}: use auto, cpu or cuda.")
    has_cuda = torch.cuda.is_available()
    if name == "cuda" and not has_cuda:
        raise SystemExit("PyTorch finds no CUDA device; use device = 'cpu'.")
    if name == "cpu" or not has_cuda:
        return CPU
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def using(device: torch.device) -> AbstractContextManager[object]:
    """New tensors lie on the device."""
    return nullcontext() if device.type == "cpu" else device


def on_cpu() -> AbstractContextManager[object]:
    """New tensors lie on the CPU, whatever the stage uses."""
    return nullcontext() if current().type == "cpu" else CPU


def current() -> torch.device:
    return torch.get_default_device()


def autocast() -> torch.autocast:
    return torch.autocast(current().type, torch.bfloat16)


def cpu_copy(module: Module) -> Module:
    """The module itself if it lies on the CPU."""
    is_there = all(parameter.device.type == "cpu" for parameter in module.parameters())
    return module if is_there else copy.deepcopy(module).cpu()
