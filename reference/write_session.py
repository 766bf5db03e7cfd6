"""Writes `session.json` of a model folder with golden tensors: the codes of a whole run.

    python reference/write_session.py tests/fixtures/embedded_tiny

Prompt 0 of the golden tensors, their two remembered pictures in the first slots, greedy: it takes
all of guidance, that towards the words at the first scales included.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from golden_stages import PROMPTS, golden_slots
from underpaint_reference.config import SamplingConfig
from underpaint_reference.model import Model
from underpaint_reference.session import Request, Session

GUIDANCE, STRENGTH = 3.0, 1.0


def main() -> None:
    folder = Path(sys.argv[1])
    with torch.inference_mode():
        model = Model(folder)
        slots = golden_slots(model, load_file(folder / "golden.safetensors"), STRENGTH)
        sampling = SamplingConfig(guidance=GUIDANCE, temperature=0)
        text, null = model.encode_text(PROMPTS[:1]), model.encode_text([""])
        session = Session(model, text, null, Request([0], sampling, slots=slots))
        while not session.is_complete:
            session.step()
    ids = [scale[0].tolist() for scale in session.ids]
    run = {"prompt": PROMPTS[0], "guidance": GUIDANCE, "ids": ids}
    (folder / "session.json").write_text(json.dumps(run) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
