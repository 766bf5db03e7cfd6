"""Recomputes the values of a `golden.safetensors`, stage by stage, each from the golden input."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from underpaint_reference.control import Control
from underpaint_reference.generator import guide, logits
from underpaint_reference.grids import area_resize, to_cells, to_grid
from underpaint_reference.model import Model
from underpaint_reference.slots import Slots
from underpaint_reference.text import EncodedText

PROMPTS = ["red apple, 3d style", "smiling cat with sunglasses, glossy style", ""]
PROMPT_ROW, NULL_ROW = 0, 2  # of the prompts, in the greedy run
GUIDANCE = 3.0


def all_stages(model: Model, golden: dict[str, Tensor]) -> dict[str, Tensor]:
    """Every value that a golden file may hold, by its name there, in the order of computation."""
    stages = (control_stage, tokenizer_stage, memory_stage, generate_stage)
    computed = text_stage(model)
    for stage in stages:
        computed |= stage(model, golden)
    return computed


def text_stage(model: Model) -> dict[str, Tensor]:
    ids, mask = model.read_prompts(PROMPTS, length=model.config.text.max_tokens)
    text = model.text(ids, mask)
    return {
        "text.input_ids": ids,
        "text.mask": mask,
        "text.hidden": text.hidden,
        "text.pooled": text.pooled,
    }


def control_stage(model: Model, golden: dict[str, Tensor]) -> dict[str, Tensor]:
    """Each encoder alone, at strength 1."""
    encoders = model.generator.control
    return {
        f"control.{kind}.tokens": encoders[kind](golden[f"control.{kind}"]) for kind in encoders
    }


def tokenizer_stage(model: Model, golden: dict[str, Tensor]) -> dict[str, Tensor]:
    """One picture through encoder, quantiser and decoder."""
    raw, latent = model.tokenizer.encode(golden["tokenizer.image"])
    ids, f_hats = model.tokenizer.quantise(latent)
    found = {"tokenizer.encoder_out": raw, "tokenizer.latent": latent}
    for scale_idx, (scale_ids, f_hat) in enumerate(zip(ids, f_hats)):
        found |= {f"tokenizer.ids.{scale_idx}": scale_ids, f"tokenizer.f_hat.{scale_idx}": f_hat}
    return found | {"tokenizer.decoded": model.tokenizer.decode(f_hats[-1])}


def golden_slots(model: Model, golden: dict[str, Tensor], strength: float) -> Slots:
    """Two remembered pictures and an empty slot, for one picture."""
    f_hat = model.tokenizer.f_hat_from_ids(golden["memory.ids"].long())
    n_empty = model.config.memory.slots - len(f_hat)
    f_hats = torch.cat([f_hat, f_hat.new_zeros(n_empty, *f_hat.shape[1:])])
    mask = torch.tensor([True] * len(f_hat) + [False] * n_empty)
    return Slots(f_hats[None], mask[None], strength)


def golden_text(golden: dict[str, Tensor], row: int) -> EncodedText:
    hidden, mask, pooled = (golden[f"text.{name}"][[row]] for name in ("hidden", "mask", "pooled"))
    return EncodedText(hidden, mask.bool(), pooled)


def memory_stage(model: Model, golden: dict[str, Tensor]) -> dict[str, Tensor]:
    slots = golden_slots(model, golden, strength=1.0)
    context, mask = model.generator.context(golden_text(golden, PROMPT_ROW), slots)
    null_mask = golden_text(golden, NULL_ROW).mask
    null_mask = F.pad(null_mask, (0, mask.shape[1] - null_mask.shape[1]))
    return {
        "memory.f_hat": slots.f_hat[0, : len(golden["memory.ids"])],
        "memory.context": context,
        "memory.context_mask": torch.cat([mask, null_mask]),
        "memory.reference_tokens": model.generator.reference_tokens(slots),
    }


def generate_stage(model: Model, golden: dict[str, Tensor]) -> dict[str, Tensor]:
    """A greedy run with guidance: slots and reference for the prompt, controls for both rows."""
    generator, tokenizer, config = model.generator, model.tokenizer, model.config
    controls = [
        ("lines", Control(golden["control.lines"], 1.0)),
        ("colour", Control(golden["control.colour"], 0.5)),
    ]
    slots = golden_slots(model, golden, strength=0.7)
    groups = [(golden_text(golden, PROMPT_ROW), slots), (golden_text(golden, NULL_ROW), None)]
    conditions = generator.prepare(groups, 1, controls)
    assert conditions.control is not None, "there are controls"
    found = {"generate.control_tokens": to_grid(conditions.control[-1][1:])}  # no reference there
    f_hat = torch.zeros_like(slots.f_hat[:, 0])
    for k, side in enumerate(config.scales):
        latent = area_resize(to_cells(f_hat), side)
        features = generator(k, f_hat.expand(2, -1, -1, -1), conditions)
        guided = logits(guide(features, GUIDANCE * (k + 1) / len(config.scales)), model.scoring)
        best = guided.topk(2).values
        ids = guided.argmax(-1)
        f_hat = tokenizer.add_scale(f_hat, k, ids)
        y = generator.trunk(k, latent.expand(2, -1, -1), conditions)
        targets = conditions.targets[generator.pointer_side(side)]
        residual, sharpness = generator.pointer(y[:1], k, latent, targets)
        found |= {
            f"generate.input.{k}": to_grid(latent),
            f"generate.logits_cond.{k}": logits(features[:1], model.scoring),
            f"generate.logits_guided.{k}": guided,
            f"generate.logits_guided_first8.{k}": guided[:, :8],
            f"generate.pointer_residual.{k}": residual,
            f"generate.pointer_sharpness.{k}": sharpness,
            f"generate.margin.{k}": best[..., 0] - best[..., 1],
            f"generate.ids.{k}": ids,
            f"generate.f_hat.{k}": f_hat,
            f"generate.image.{k}": tokenizer.decode(f_hat),
        }
    return found
