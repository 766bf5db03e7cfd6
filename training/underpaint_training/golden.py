"""`golden.safetensors`: the value of every stage for fixed inputs, from an asset folder."""

from __future__ import annotations

from pathlib import Path

import torch
from golden_stages import all_stages, text_stage
from safetensors.torch import save_file
from torch import Tensor
from underpaint_reference.model import Model

_IMAGES_AT = (3, 5, 7)  # scales whose picture is kept
_POINTER_AT = (3, 7)
_FULL_LOGITS_BELOW = 5  # later scales keep their first eight cells


def write_golden(folder: Path) -> None:
    """Adds the golden tensors to a folder with configuration, weights and word pieces."""
    with torch.inference_mode():
        model = Model(folder)
        inputs = golden_inputs(model)
        computed = all_stages(model, inputs | text_stage(model))
    kept = {name: value for name, value in computed.items() if _is_kept(name)}
    tensors = {
        name: (value if value.is_floating_point() else value.int()).contiguous().clone()
        for name, value in (inputs | kept).items()
    }
    save_file(tensors, folder / "golden.safetensors")


def golden_inputs(model: Model) -> dict[str, Tensor]:
    """A circle as lines, a cone as depth, a red disc as colour and as picture; two memories."""
    side = torch.linspace(-1, 1, model.config.image_size)
    radius = (side[:, None].square() + side[None].square()).sqrt()
    cone, disc = (1 - radius).clamp(0, 1), (radius < 0.6).float()
    picture = _tinted(disc, (0.8, 0.2, 0.1))
    remembered = torch.cat([picture, _tinted(cone, (0.1, 0.7, 0.2))])
    ids = model.tokenizer.quantise(model.tokenizer.encode(remembered)[1])[0]
    return {
        "control.lines": ((radius - 0.6).abs() < 0.02).float()[None, None],
        "control.depth": cone[None, None],
        "control.colour": _tinted(disc, (0.9, 0.1, 0.1)),
        "tokenizer.image": picture,
        "memory.ids": torch.cat(ids, dim=1),
    }


def _tinted(alpha: Tensor, colour: tuple[float, float, float]) -> Tensor:
    """(H, W) → premultiplied RGBA (1, 4, H, W)."""
    return torch.stack([alpha * channel for channel in (*colour, 1.0)])[None]


def _is_kept(name: str) -> bool:
    stage, _, scale = name.rpartition(".")
    if stage == "generate.image":
        return int(scale) in _IMAGES_AT
    if stage.startswith("generate.pointer"):
        return int(scale) in _POINTER_AT
    if stage in ("generate.logits_cond", "generate.logits_guided"):
        return int(scale) < _FULL_LOGITS_BELOW
    return stage != "generate.logits_guided_first8" or int(scale) >= _FULL_LOGITS_BELOW
