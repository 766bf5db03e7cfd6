"""The training code computes what the reference computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from underpaint_reference.control import Control
from underpaint_reference.generator import logits
from underpaint_reference.grids import area_resize, to_cells
from underpaint_reference.model import Model
from underpaint_reference.slots import Slots

from underpaint_training.controls import REFERENCE, ControlBatch, no_controls
from underpaint_training.generator import noisy_inputs
from underpaint_training.quantiser import CodebookAverages, kmeans_codebook, quantise
from underpaint_training.scales import Conditions, Remembered, ScalesModel, control_tokens

TINY = Path(__file__).parents[2] / "tests" / "fixtures" / "embedded_tiny"


def test_all_scales_at_once_give_the_logits_of_one_at_a_time() -> None:
    model = Model(TINY)
    config, generator = model.config, model.generator
    torch.manual_seed(0)
    n_scales, side = len(config.scales), config.latent_size
    f_hat = torch.randn(1, config.tokenizer.latent_channels, side, side)
    latents = torch.randn(1, config.memory.slots, *f_hat.shape[1:])
    mask = torch.tensor([[True, True, False]])
    ids, text_mask = model.read_prompts(["red apple, 3d style"], length=config.text.max_tokens)
    text = model.text(ids, text_mask)
    lines = torch.rand(1, 1, 256, 256)

    controls = no_controls(1, 256)
    maps = controls.maps | {"lines": lines}
    strengths = controls.strengths
    strengths["lines"][:], strengths[REFERENCE][:] = 0.8, 0.7
    remembered = Remembered(latents, mask)
    inputs = [area_resize(to_cells(f_hat), p) for p in config.scales]
    inputs[0] = torch.zeros_like(inputs[0])  # nothing is painted before the first scale
    control = control_tokens(generator, ControlBatch(maps, strengths), remembered)
    together = ScalesModel(generator, model.tokenizer.codebook.weight)(
        range(n_scales), inputs, Conditions(text, control, remembered)
    )

    slots = Slots(latents, mask, 0.7)
    conditions = generator.prepare([(text, slots)], 1, [("lines", Control(lines, 0.8))])
    for k, found in enumerate(together):
        so_far = f_hat if k else torch.zeros_like(f_hat)
        expected = logits(generator(k, so_far, conditions), model.scoring)
        torch.testing.assert_close(found, expected, atol=2e-4, rtol=2e-4)


def test_rows_of_a_batch_do_not_mix() -> None:
    model = Model(TINY)
    torch.manual_seed(1)
    scales = ScalesModel(model.generator, model.tokenizer.codebook.weight)
    ids, mask = model.read_prompts(["red apple", "blue car"], length=24)
    text = model.text(ids, mask)
    latents = torch.randn(2, 3, 32, 16, 16)
    remembered = Remembered(latents, torch.tensor([[True, False, False]] * 2))
    inputs = [torch.randn(2, 4, 32)]
    controls = no_controls(2, 256)
    controls.strengths[REFERENCE][:] = 1
    control = control_tokens(model.generator, controls, remembered)
    conditions = Conditions(text, control, remembered)
    both = scales([1], inputs, conditions)[0]
    alone = scales([1], [inputs[0][:1]], conditions.rows(1))[0]
    torch.testing.assert_close(both[:1], alone, atol=1e-5, rtol=1e-5)


def test_without_noise_the_targets_are_the_ids_of_the_picture() -> None:
    tokenizer = Model(TINY).tokenizer
    torch.manual_seed(2)
    latent = torch.randn(2, 32, 16, 16)
    expected, f_hats = tokenizer.quantise(latent)
    quantised, n_dead = quantise(tokenizer, latent, None)
    assert n_dead == 0
    for found, wanted in zip(quantised.f_hats, f_hats):
        torch.testing.assert_close(found, wanted)
    inputs, targets = noisy_inputs(tokenizer, latent, n_coarse=6, n_fine_rows=1)
    assert [len(target) for target in targets] == [2] * 6 + [1] * 2
    assert torch.equal(targets[0], expected[0])
    assert inputs[0].abs().max() == 0


def test_codebook_moves_to_the_vectors_and_dead_codes_revive() -> None:
    torch.manual_seed(3)
    codebook = torch.randn(4, 2)
    averages = CodebookAverages(codebook)
    vectors, ids = torch.tensor([[5.0, 5.0]]).expand(50, 2), torch.zeros(50, dtype=torch.long)
    n_revived = sum(averages.update(codebook, vectors, ids) for _ in range(400))
    torch.testing.assert_close(codebook[0], torch.tensor([5.0, 5.0]), atol=1e-2, rtol=0)
    assert n_revived >= 3


def test_kmeans_gives_distinct_codes() -> None:
    torch.manual_seed(4)
    codes = kmeans_codebook(torch.randn(8, 4, 16, 16), [1, 2, 4, 8, 16], 32)
    assert len(np.unique(codes.numpy().round(4), axis=0)) == 32
