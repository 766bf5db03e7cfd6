"""Muon for matrices and kernels, AdamW for the rest, and the moving average of the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from .config import Schedule

_NEWTON_SCHULZ_STEPS = 5
_A, _B, _C = 3.4445, -4.7750, 2.0315  # the quintic of Jordan et al. (2024), "Muon"


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal: every direction of a matrix learns equally fast.

    https://kellerjordan.github.io/posts/muon. Kernels (out, in, h, w) are matrices (out, in·h·w);
    stacked projections (several square matrices one above the other) are treated one by one.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:
        assert closure is None, "the loss is not evaluated again"
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)

    def _update(self, parameter: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum = state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
        nesterov = parameter.grad.lerp(momentum, group["momentum"]).flatten(1)
        n_rows, n_columns = nesterov.shape
        is_stack = parameter.ndim == 2 and n_rows > n_columns and n_rows % n_columns == 0
        matrices = nesterov.split(n_columns) if is_stack else [nesterov]
        update = torch.cat([orthogonal(matrix) for matrix in matrices])
        stretch = max(1.0, matrices[0].shape[0] / n_columns) ** 0.5
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(update.view_as(parameter), alpha=-group["lr"] * stretch)


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix with the same singular vectors and singular values of about 1."""
    x = matrix.bfloat16()
    x = x / (x.norm() + 1e-7)
    is_tall = x.shape[0] > x.shape[1]
    x = x.t() if is_tall else x
    for _ in range(_NEWTON_SCHULZ_STEPS):
        gram = x @ x.t()
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    return (x.t() if is_tall else x).to(matrix.dtype)


class Optimisers:
    """Muon and AdamW under one schedule."""

    def __init__(
        self,
        module: nn.Module,
        schedule: Schedule,
        is_for_muon: Callable[[str, Tensor], bool],
        weight_decay: float,
    ) -> None:
        named = [(n, p) for n, p in module.named_parameters() if p.requires_grad]
        muon = [p for n, p in named if schedule.muon and is_for_muon(n, p)]
        chosen = set(map(id, muon))
        rest = [p for _, p in named if id(p) not in chosen]
        self.schedule = schedule
        self.parameters = [p for _, p in named]
        self.adamw = torch.optim.AdamW(rest, schedule.adamw, (0.9, 0.95), weight_decay=weight_decay)
        self.muon = Muon(muon, schedule.muon, weight_decay=weight_decay) if muon else None
        self.clipped = rest  # Muon's update has a fixed length whatever its gradient

    def step(self, step_idx: int, progress: float) -> None:
        factor = self.schedule.factor(step_idx, progress)
        nn.utils.clip_grad_norm_(self.clipped, 1.0)
        for optimiser, rate in ((self.adamw, self.schedule.adamw), (self.muon, self.schedule.muon)):
            if optimiser is not None:
                for group in optimiser.param_groups:
                    group["lr"] = rate * factor
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, Any]:
        return {
            "adamw": self.adamw.state_dict(),
            "muon": self.muon.state_dict() if self.muon else None,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.adamw.load_state_dict(state["adamw"])
        if self.muon:
            self.muon.load_state_dict(state["muon"])


class Average:
    """Exponential moving average of a module's floating-point state: what is evaluated, shipped."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.n_updates = 0
        self.state = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        self.n_updates += 1
        # Young averages forget quickly: the first weights are the worst.
        decay = min(self.decay, self.n_updates / (self.n_updates + 10))
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)
