"""The whole chain, and what happens when it is killed or shared between processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import CONFIGS
from underpaint_reference.model import Model

from underpaint_training import loop
from underpaint_training.config import Budget, Settings
from underpaint_training.data.pictures import Pictures
from underpaint_training.painting import paint
from underpaint_training.tokenizer import TokenizerTask
from underpaint_training.train import STAGES, run


def with_few_steps(settings: Settings, n_steps: int) -> Settings:
    budget = Budget(steps=n_steps)
    return replace(
        settings,
        tokenizer=replace(settings.tokenizer, budget=budget),
        generator=replace(settings.generator, budget=budget),
        log_every=1,
    )


def losses(settings: Settings, stage: str) -> list[float]:
    lines = (settings.run_dir / stage / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["loss"] for line in lines if "loss" in line]


def test_chain_ends_in_an_asset_that_loads(smoke: Settings) -> None:
    settings = with_few_steps(smoke, 6)
    run(settings, list(STAGES))
    asset = settings.run_dir / "asset"
    model = Model(asset)
    assert model.memory is not None and len(model.memory.entries) == 16
    f_hats = paint(model, "red circle, icon style")
    assert len(f_hats) == 8 and f_hats[-1].isfinite().all()
    card = (asset / "README.md").read_text(encoding="utf-8")
    assert "| Icons8 Flat Color Icons | MIT | 20 | 16 |" in card
    program = os.environ.get("UNDERPAINT_PROGRAM")
    if not program:
        pytest.skip("the application was not tried: UNDERPAINT_PROGRAM is not set")
    picture = settings.run_dir / "picture.png"
    command = [program, "generate", "--quiet", "--model", asset, "--output", picture, "red circle"]
    subprocess.run(command, check=True)
    assert picture.is_file()


class Killed(Exception):
    """Stands for the end of the process."""


class Fragile(TokenizerTask):
    """Dies in its seventh step."""

    def losses(self, moment: loop.Moment) -> dict[str, torch.Tensor]:
        if moment.step_idx == 6:
            raise Killed
        return super().losses(moment)


def test_resume_repeats_the_loss_curve(smoke: Settings, tmp_path: Path) -> None:
    whole = with_few_steps(replace(smoke, run_dir=tmp_path / "whole"), 10)
    run(whole, ["data", "tokenizer"])
    killed = with_few_steps(replace(smoke, run_dir=tmp_path / "killed", checkpoint_minutes=0), 10)
    run(killed, ["data"])
    pictures = Pictures(killed.data_dir, killed.data.sources, killed.data.n_held_out)
    torch.manual_seed(killed.seed)
    task = Fragile(killed, killed.model_config(), pictures)
    budget = killed.tokenizer.budget
    with pytest.raises(Killed):
        loop.run(task, "tokenizer", budget, killed.tokenizer.ema_decay, killed)
    assert len(losses(killed, "tokenizer")) == 6
    run(killed, ["tokenizer"])
    assert losses(killed, "tokenizer") == pytest.approx(losses(whole, "tokenizer"), rel=1e-4)


def test_resume_from_an_asset_continues_where_it_stopped(smoke: Settings, tmp_path: Path) -> None:
    first = with_few_steps(smoke, 40)
    run(first, list(STAGES))
    asset = first.run_dir / "asset"
    again = replace(
        first,
        run_dir=tmp_path / "again",
        tokenizer=replace(first.tokenizer, warm_start=str(asset)),
        generator=replace(first.generator, warm_start=str(asset)),
    )
    run(with_few_steps(again, 8), list(STAGES))
    before, after = losses(first, "generator"), losses(again, "generator")
    assert sum(after[:4]) < sum(before[:4])


def test_two_processes_agree(smoke: Settings, tmp_path: Path) -> None:
    """`torchrun` with gloo: the first process's checkpoint comes from averaged gradients."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    command += ["--module", "underpaint_training.train", "--config", str(CONFIGS / "smoke.toml")]
    command += ["--data-dir", str(smoke.data_dir), "--run-dir", str(tmp_path / "two")]
    command += ["--stages", "data", "tokenizer", "memory", "generator"]
    subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    curve = losses(replace(smoke, run_dir=tmp_path / "two"), "generator")
    assert curve[-1] < curve[0]
