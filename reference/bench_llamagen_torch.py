"""Times the tokens of LlamaGen-XL with random weights in eager PyTorch on the CPU.

    python reference/bench_llamagen_torch.py [--dtype bf16|f32] [--tokens N] [--at N] [--json]

The work is that of `examples/bench_controlar`: 36 layers of width 1280 with 20 heads, feed-forward
layers of 3584, 16384 codes, a prefix of 120 rows, two rows per token (guidance), keys and values
kept for 1144 places in the type of the weights, rotary embedding and RMS norms included. Attention
reads only the places that are filled. Tokens around `--at` are timed one by one; sampling is not.
Minimum and median, milliseconds.
"""

from __future__ import annotations

import argparse
import gc
import json
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch import Tensor
from torch.nn import functional as F

N_LAYERS, DIM, N_HEADS, FFN_DIM, N_CODES, N_PREFIX, N_TOKENS = 36, 1280, 20, 3584, 16384, 120, 1024
N_ROWS, HEAD_DIM, EPS = 2, 64, 1e-5
N_WARM_UP = 4


class Layer:
    """One block with what it remembers."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.wqkv = matrix(3 * DIM, DIM, dtype)
        self.wo = matrix(DIM, DIM, dtype)
        self.w1 = matrix(FFN_DIM, DIM, dtype)
        self.w3 = matrix(FFN_DIM, DIM, dtype)
        self.w2 = matrix(DIM, FFN_DIM, dtype)
        self.norms = torch.ones(2, DIM, dtype=dtype)
        shape = (N_ROWS, N_HEADS, N_PREFIX + N_TOKENS, HEAD_DIM)
        self.keys = torch.randn(shape).to(dtype)
        self.values = torch.randn(shape).to(dtype)

    def forward(self, x: Tensor, place: int, turn: Tensor) -> Tensor:
        """(R, T, D), of which the first token stands at `place`."""
        n = x.shape[1]
        qkv = F.linear(rms_norm(x, self.norms[0]), self.wqkv)
        q, k, v = qkv.view(N_ROWS, n, 3, N_HEADS, HEAD_DIM).permute(2, 0, 3, 1, 4)
        q, k = turned(q, turn), turned(k, turn)
        self.keys[:, :, place : place + n] = k
        self.values[:, :, place : place + n] = v
        keys, values = self.keys[:, :, : place + n], self.values[:, :, : place + n]
        attended = F.scaled_dot_product_attention(q, keys, values, is_causal=n > 1)
        x = x + F.linear(attended.transpose(1, 2).reshape(N_ROWS, n, DIM), self.wo)
        normed = rms_norm(x, self.norms[1])
        gated = F.silu(F.linear(normed, self.w1)) * F.linear(normed, self.w3)
        return x + F.linear(gated, self.w2)


def matrix(n_out: int, n_in: int, dtype: torch.dtype) -> Tensor:
    return ((torch.rand(n_out, n_in) * 2 - 1) * (3 / n_in) ** 0.5).to(dtype)


def rms_norm(x: Tensor, weight: Tensor) -> Tensor:
    wide = x.float()
    wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + EPS)
    return wide.type_as(x) * weight


def turned(x: Tensor, turn: Tensor) -> Tensor:
    """Neighbours of the last dimension by angles (T, H/2, 2) of cosines and sines."""
    pairs = x.float().unflatten(-1, (HEAD_DIM // 2, 2))
    cos, sin = turn[..., 0], turn[..., 1]
    a, b = pairs[..., 0], pairs[..., 1]
    return torch.stack([a * cos - b * sin, b * cos + a * sin], -1).flatten(-2).type_as(x)


def resident_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description="Time LlamaGen-XL in PyTorch.")
    parser.add_argument("--dtype", choices=["bf16", "f32"], default="bf16")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--at", type=int, default=512)
    parser.add_argument("--json", action="store_true", help="for machines")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    dtype = torch.bfloat16 if options.dtype == "bf16" else torch.float32
    with torch.inference_mode():
        report = time_tokens(dtype, options.tokens, options.at)
    report["dtype"] = options.dtype
    if options.json:
        print(json.dumps(report))
    else:
        for name, value in report.items():
            print(f"{name:24} {value}")


def time_tokens(dtype: torch.dtype, n_tokens: int, at: int) -> dict[str, float | str]:
    before = resident_mb()
    layers = [Layer(dtype) for _ in range(N_LAYERS)]
    table, output = matrix(N_CODES, DIM, dtype), matrix(N_CODES, DIM, dtype)
    norm = torch.ones(DIM, dtype=dtype)
    angles = torch.rand(N_PREFIX + N_TOKENS, HEAD_DIM // 2) * 6
    turns = torch.stack([angles.cos(), angles.sin()], -1)

    def step(x: Tensor, place: int) -> Tensor:
        turn = turns[place : place + x.shape[1]]
        for layer in layers:
            x = layer.forward(x, place, turn)
        return F.linear(rms_norm(x[:, -1:], norm), output).float()

    gc.disable()
    prefix = torch.randn(N_ROWS, N_PREFIX, DIM).to(dtype)
    start = perf_counter()
    step(prefix, 0)
    prefill = perf_counter() - start
    times = []
    for idx in range(N_WARM_UP + n_tokens):
        start = perf_counter()
        ids = torch.full((N_ROWS, 1), idx * 13 % N_CODES)
        step(F.embedding(ids, table), N_PREFIX + at + idx)
        times.append((perf_counter() - start) * 1000)
    times = times[N_WARM_UP:]
    return {
        "prefill_s": round(prefill, 3),
        "token_ms_min": round(min(times), 3),
        "token_ms_median": round(median(times), 3),
        "tokens_per_s": round(1000 / median(times), 3),
        "tokens_per_s_best": round(1000 / min(times), 3),
        "all_mb": round(resident_mb() - before, 1),
    }


if __name__ == "__main__":
    main()
