"""Writes the small PyTorch files of tests/fixtures/checkpoints: one set of tensors in the forms that
published checkpoints come in. Run with torch installed:

    python reference/write_checkpoints.py tests/fixtures/checkpoints
"""

import argparse
import collections
import sys
from pathlib import Path

import torch


def tensors():
    ramp = torch.arange(24, dtype=torch.float32) / 8 - 1
    return collections.OrderedDict(
        [
            ("norm.weight", ramp[:6].clone()),
            ("output.weight", ramp.reshape(4, 6)),
            ("half.weight", ramp.reshape(6, 4).half()),
            ("brain.weight", ramp.reshape(2, 3, 4).bfloat16()),
            ("count", torch.tensor([3, 1, 2])),
        ]
    )


def main():
    folder = Path(sys.argv[1])
    plain = tensors()
    # Under a key, beside what trainers keep: arguments, an optimiser, numbers of all kinds.
    extras = {
        "args": argparse.Namespace(lr=1e-4, name="xl", betas=(0.9, 0.95)),
        "optimizer": {"state": {0: {"step": torch.tensor(7.0)}}, "param_groups": [{"lr": 1e-4}]},
        "steps": 300_000,
        "large": 2**40,
        "none": None,
        "flag": True,
    }
    torch.save({**extras, "model": plain}, folder / "model_key.pt")
    torch.save({"module": plain}, folder / "module_key.pt")
    wrapped = {f"module.{name}": tensor for name, tensor in plain.items()}
    torch.save({"state_dict": wrapped}, folder / "state_dict_key.pth")
    torch.save(plain, folder / "bare.bin")
    parameters = {name: torch.nn.Parameter(tensor, False) for name, tensor in plain.items()}
    torch.save(parameters, folder / "parameters.pt")
    torch.save({"model": plain}, folder / "protocol4.pt", pickle_protocol=4)
    # Tensors that are parts of one storage.
    joint = torch.cat([tensor.float().flatten() for tensor in list(plain.values())[:2]])
    matrix = joint[6:30].reshape(4, 6)
    torch.save({"a": joint[:6], "b": matrix, "turned": matrix.t()}, folder / "views.pt")
    torch.save({"model": plain}, folder / "old_format.pt", _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    main()
