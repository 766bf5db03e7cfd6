"""Paints a picture with the reference implementation.

    python reference/paint.py MODEL_DIR PROMPT [-o FILE] [--seed N] [--ids]

The same model, prompt, seed and settings give the application's picture, but for codes whose
scores differ by less than rounding.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image

from underpaint_reference.asked import ask
from underpaint_reference.model import Model
from underpaint_reference.session import Request, Session


def main() -> None:
    parser = argparse.ArgumentParser(description="Paint with the reference implementation.")
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("prompt")
    parser.add_argument("-o", "--output", type=Path, default=Path("picture.png"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--temperature", type=float)
    parser.add_argument("--top-k", type=int)
    parser.add_argument("--top-p", type=float)
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--ids", action="store_true", help="print the codes of every scale")
    options = parser.parse_args()
    with torch.inference_mode():
        model = Model(options.model_dir)
        names = ("guidance", "temperature", "top_k", "top_p")
        chosen = {name: value for name in names if (value := getattr(options, name)) is not None}
        sampling = replace(model.config.sampling, **chosen)
        request = Request(
            [options.seed],
            sampling,
            use_memory=not options.no_memory,
            asked=ask(model, options.prompt),
        )
        text, null = model.encode_text([options.prompt]), model.encode_text([""])
        session = Session(model, text, null, request)
        while not session.is_complete:
            session.step()
        Image.fromarray(session.render()[0]).save(options.output)
    for matches in session.matches[0] if session.matches else []:
        assert model.memory is not None, "matches come from a memory"
        for match in matches:
            entry = model.memory.entries[match.entry_idx]
            print(f"inspired by {entry['caption']}, {entry['style']}: {match.similarity:.4f}")
    if options.ids:
        for side, ids in zip(model.config.scales, session.ids):
            print(f"{side}: {' '.join(map(str, ids[0].tolist()))}")


if __name__ == "__main__":
    main()
