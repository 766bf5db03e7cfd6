"""Several processes started by `torchrun`: each makes its own batches, gradients are averaged."""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor


def start(device: torch.device) -> None:
    """Joins the other processes; does nothing in a process that was started alone."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")


def stop() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def n_processes() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def wait_for_all() -> None:
    if dist.is_initialized():
        dist.barrier()


def sum_over_all(tensor: Tensor) -> Tensor:
    """Adds up a tensor of all processes, in place."""
    if dist.is_initialized():
        dist.all_reduce(tensor)
    return tensor


def same_everywhere(tensor: Tensor) -> Tensor:
    """Replaces a tensor by that of the first process, in place."""
    if dist.is_initialized():
        dist.broadcast(tensor, 0)
    return tensor


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Averages gradients over all processes, as one message.

    A parameter that a process did not use counts as a gradient of zero there, so all processes
    send the same number of values.
    """
    if not dist.is_initialized():
        return
    used = [parameter for parameter in parameters if parameter.requires_grad]
    for parameter in used:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    flat = torch.cat([parameter.grad.flatten() for parameter in used])
    sum_over_all(flat).div_(n_processes())
    parts = flat.split([parameter.numel() for parameter in used])
    for parameter, part in zip(used, parts):
        parameter.grad.copy_(part.view_as(parameter))
