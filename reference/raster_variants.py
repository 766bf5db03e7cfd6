"""Raster models of unusual sizes with random weights and what they compute: folders in the layout of
tests/fixtures/controlar, for `cargo run --release --example parity -- FOLDER`. Run with torch:

    python reference/raster_variants.py FOLDER

Everything is computed plainly, without caches or shortcuts: the whole sequence anew for each token,
the rotary table with its zeros, the mask as a matrix.
"""

import json
import math
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_grad_enabled(False)


def rms_norm(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def mlp(w, name, x):
    return F.gelu(x @ w[f"{name}.fc1.weight"].T, approximate="tanh") @ w[f"{name}.fc2.weight"].T


class Weights(dict):
    """Random tensors by name that 16 bits hold exactly, of the size that keeps activations near 1."""

    def __init__(self, seed):
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, name, *shape, scale=None):
        scale = scale or 1 / math.sqrt(shape[-1])
        self[name] = (torch.randn(shape, generator=self.generator) * scale).half().float()

    def around_one(self, name, dim):
        self[name] = (1 + 0.1 * torch.randn(dim, generator=self.generator)).half().float()

    def halves(self):
        return {name: tensor.half() for name, tensor in self.items()}


def transformer_weights(c, w):
    dim, ffn = c["dim"], c["ffn_hidden"]
    w.normal("tok_embeddings.weight", c["vocab_size"], dim, scale=1)
    if c["model_type"] == "t2i":
        w.normal("cls_embedding.cap_proj.fc1.weight", dim, c["caption_dim"])
        w.normal("cls_embedding.cap_proj.fc2.weight", dim, dim)
        w.normal("cls_embedding.uncond_embedding", c["cls_token_num"], c["caption_dim"], scale=1)
    else:
        w.normal("cls_embedding.embedding_table.weight", c["num_classes"] + 1, dim, scale=1)
    for i in range(c["n_layer"]):
        name = f"layers.{i}"
        w.normal(f"{name}.attention.wqkv.weight", 3 * dim, dim)
        w.normal(f"{name}.attention.wo.weight", dim, dim)
        w.around_one(f"{name}.attention_norm.weight", dim)
        w.normal(f"{name}.feed_forward.w1.weight", ffn, dim)
        w.normal(f"{name}.feed_forward.w3.weight", ffn, dim)
        w.normal(f"{name}.feed_forward.w2.weight", dim, ffn)
        w.around_one(f"{name}.ffn_norm.weight", dim)
    w.around_one("norm.weight", dim)
    w.normal("output.weight", c["vocab_size"], dim, scale=0.4)


def control_weights(c, w):
    dim, own = c["dim"], c["dino"]["hidden_size"]
    dino = c["dino"]
    patch, side = dino["patch_size"], dino["image_size"] // dino["patch_size"]
    embeddings = "adapter.model.embeddings"
    w.normal(f"{embeddings}.cls_token", 1, 1, own, scale=1)
    w.normal(f"{embeddings}.position_embeddings", 1, 1 + side * side, own, scale=0.5)
    w.normal(f"{embeddings}.patch_embeddings.projection.weight", own, 3, patch, patch, scale=0.06)
    w.normal(f"{embeddings}.patch_embeddings.projection.bias", own, scale=0.1)
    for i in range(dino["num_hidden_layers"]):
        name = f"adapter.model.encoder.layer.{i}"
        for norm in ("norm1", "norm2"):
            w.around_one(f"{name}.{norm}.weight", own)
            w.normal(f"{name}.{norm}.bias", own, scale=0.1)
        for part in (
            "attention.query",
            "attention.key",
            "attention.value",
            "output.dense",
        ):
            w.normal(f"{name}.attention.{part}.weight", own, own)
            w.normal(f"{name}.attention.{part}.bias", own, scale=0.1)
        w.normal(f"{name}.layer_scale1.lambda1", own, scale=0.5)
        w.normal(f"{name}.layer_scale2.lambda1", own, scale=0.5)
        wide = dino["mlp_ratio"] * own
        w.normal(f"{name}.mlp.fc1.weight", wide, own)
        w.normal(f"{name}.mlp.fc1.bias", wide, scale=0.1)
        w.normal(f"{name}.mlp.fc2.weight", own, wide)
        w.normal(f"{name}.mlp.fc2.bias", own, scale=0.1)
    w.around_one("adapter.model.layernorm.weight", own)
    w.normal("adapter.model.layernorm.bias", own, scale=0.1)
    w.normal("adapter_mlp.fc1.weight", dim, own)
    w.normal("adapter_mlp.fc2.weight", dim, dim)
    for name in ["condition_mlp.cap_proj"] + [
        f"condition_layers.{i}" for i in range(len(c["fusion_layers"]))
    ]:
        w.normal(f"{name}.fc1.weight", dim, dim)
        w.normal(f"{name}.fc2.weight", dim, dim)


def control_tables(c, w, pictures):
    """Rows that are added, (B, T, D) per fusion point."""
    dino = c["dino"]
    own, n_heads, eps = dino["hidden_size"], dino["num_attention_heads"], dino["layer_norm_eps"]
    height, width = (side // 16 for side in pictures.shape[2:])
    x = 2 * (pictures.float() / 255 - 0.5)
    size = (height * dino["patch_size"], width * dino["patch_size"])
    if c["resize"] == "nearest":
        x = F.interpolate(x, size=size, mode="nearest")
    else:
        x = F.interpolate(x, size=size, mode="bicubic", align_corners=True)
    seen = {"exp.control_resized": x[:1]}
    name = "adapter.model.embeddings"
    projection = f"{name}.patch_embeddings.projection"
    x = F.conv2d(x, w[f"{projection}.weight"], w[f"{projection}.bias"], stride=dino["patch_size"])
    x = x.flatten(2).transpose(1, 2)
    table = w[f"{name}.position_embeddings"]
    side = dino["image_size"] // dino["patch_size"]
    patches = table[:, 1:].reshape(1, side, side, own).permute(0, 3, 1, 2)
    patches = F.interpolate(patches, size=(height, width), mode="bicubic", align_corners=False)
    positions = torch.cat([table[:, :1], patches.flatten(2).transpose(1, 2)], 1)
    x = torch.cat([w[f"{name}.cls_token"].expand(x.shape[0], 1, own), x], 1) + positions
    for i in range(dino["num_hidden_layers"]):
        name = f"adapter.model.encoder.layer.{i}"

        def linear(part, x, name=name):
            return F.linear(x, w[f"{name}.{part}.weight"], w[f"{name}.{part}.bias"])

        def norm(part, x, name=name):
            return F.layer_norm(x, (own,), w[f"{name}.{part}.weight"], w[f"{name}.{part}.bias"], eps)

        h = norm("norm1", x)
        q, k, v = (
            linear(f"attention.attention.{part}", h).unflatten(2, (n_heads, -1)).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        scores = (q @ k.transpose(2, 3)) / math.sqrt(q.shape[-1])
        h = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
        x = x + w[f"{name}.layer_scale1.lambda1"] * linear("attention.output.dense", h)
        h = linear("mlp.fc2", F.gelu(linear("mlp.fc1", norm("norm2", x))))
        x = x + w[f"{name}.layer_scale2.lambda1"] * h
    name = "adapter.model.layernorm"
    x = F.layer_norm(x, (own,), w[f"{name}.weight"], w[f"{name}.bias"], eps)[:, 1:]
    seen["exp.dino.tokens"] = x[:1]
    x = mlp(w, "condition_mlp.cap_proj", mlp(w, "adapter_mlp", x))
    seen["exp.control_proj"] = x[:1]
    tables = [mlp(w, f"condition_layers.{i}", x) for i in range(len(c["fusion_layers"]))]
    for i, table in enumerate(tables):
        seen[f"exp.control_c{i}"] = table
    return tables, seen


def rotary_table(c):
    head_dim, side = c["head_dim"], math.isqrt(c["block_size"])
    half = head_dim // 2
    frequencies = 1.0 / (c["rope_base"] ** (torch.arange(0, half, 2)[: half // 2].float() / half))
    grid = torch.outer(torch.arange(side).float(), frequencies)
    angles = torch.cat(
        [grid[:, None].expand(-1, side, -1), grid[None].expand(side, -1, -1)], -1
    ).flatten(0, 1)
    table = torch.stack([angles.cos(), angles.sin()], -1)
    return torch.cat([torch.zeros(c["cls_token_num"], half, 2), table])


def rotate(x, table):
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)  # (R, N, S, H/2)
    cos, sin = table[: x.shape[2]].unbind(-1)
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)


def logits_of(c, w, prefix, mask, ids, tables, strength, n_pictures):
    """Logits (R, 1 + T, K) of the first token and of what follows each of `ids` (R, T)."""
    n_rows, n_prefix, dim = prefix.shape
    x = torch.cat([prefix, w["tok_embeddings.weight"][ids]], 1)
    length = x.shape[1]
    visible = torch.ones(length, length).tril().bool().expand(n_rows, -1, -1).clone()
    visible[:, :, :n_prefix] &= mask[:, None].bool()
    visible |= torch.eye(length).bool()
    table = rotary_table(c)
    for i in range(c["n_layer"]):
        if tables and i in c["fusion_layers"]:
            rows = strength * tables[c["fusion_layers"].index(i)][:, : length - n_prefix + 1]
            x = x.clone()
            x[:n_pictures, n_prefix - 1 :] += rows
        name = f"layers.{i}"
        h = rms_norm(x, w[f"{name}.attention_norm.weight"], c["norm_eps"])
        q, k, v = (h @ w[f"{name}.attention.wqkv.weight"].T).split(dim, -1)
        q, k, v = (t.unflatten(2, (c["n_head"], -1)).transpose(1, 2) for t in (q, k, v))
        q, k = rotate(q, table), rotate(k, table)
        scores = (q @ k.transpose(2, 3)) / math.sqrt(c["head_dim"])
        scores = scores.masked_fill(~visible[:, None], -math.inf)
        h = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
        x = x + h @ w[f"{name}.attention.wo.weight"].T
        h = rms_norm(x, w[f"{name}.ffn_norm.weight"], c["norm_eps"])
        gate = F.silu(h @ w[f"{name}.feed_forward.w1.weight"].T)
        h = gate * (h @ w[f"{name}.feed_forward.w3.weight"].T)
        x = x + h @ w[f"{name}.feed_forward.w2.weight"].T
    x = rms_norm(x[:, n_prefix - 1 :], w["norm.weight"], c["norm_eps"])
    return x @ w["output.weight"].T


def greedy(c, w, inputs, cfg, strength, tables):
    """Ids and logits of whole pictures, always the most probable code."""
    n_tokens = c["token_grid_h"] * c["token_grid_w"]
    if c["model_type"] == "t2i":
        mask = inputs["in.emb_mask"]
        prefix = mlp(w, "cls_embedding.cap_proj", inputs["in.caption_embs"])
        null = mlp(w, "cls_embedding.cap_proj", w["cls_embedding.uncond_embedding"])
        null = null.expand(prefix.shape)
    else:
        labels = inputs["in.labels"]
        mask = torch.ones(len(labels), 1)
        prefix = w["cls_embedding.embedding_table.weight"][labels][:, None]
        null = w["cls_embedding.embedding_table.weight"][-1].expand(prefix.shape)
    n_pictures = prefix.shape[0]
    if cfg > 1:
        prefix, mask = torch.cat([prefix, null]), torch.cat([mask, mask])
    ids = torch.zeros(n_pictures, 0, dtype=torch.int64)
    raw, used = [], []
    for _ in range(n_tokens):
        fed = ids.repeat(prefix.shape[0] // n_pictures, 1)
        rows = logits_of(c, w, prefix, mask, fed, tables, strength, n_pictures)[:, -1]
        raw.append(rows)
        cond = rows[:n_pictures]
        guided = rows[n_pictures:] + (cond - rows[n_pictures:]) * cfg if cfg > 1 else cond
        used.append(guided)
        ids = torch.cat([ids, guided.argmax(-1, keepdim=True)], 1)
    top = torch.stack(used).topk(2, -1).values
    return {
        "exp.tokens": ids,
        "exp.logits_used": torch.stack(used[:12]),
        "exp.logits_raw_first4": torch.stack(raw[:4]),
        "exp.min_top2_gap": (top[..., 0] - top[..., 1]).min().reshape(1),
    }


def write_transformer(folder, c, seed, n_pictures, n_valid):
    folder.mkdir(parents=True, exist_ok=True)
    w = Weights(seed)
    transformer_weights(c, w)
    if "dino" in c:
        control_weights(c, w)
    generator = torch.Generator().manual_seed(seed + 1)
    inputs, tables = {}, None
    if c["model_type"] == "t2i":
        shape = (n_pictures, c["cls_token_num"], c["caption_dim"])
        places = torch.arange(c["cls_token_num"]).expand(n_pictures, -1)
        first = c["cls_token_num"] - torch.tensor(n_valid)[:, None]
        mask = (places >= first).long()
        inputs["in.caption_embs"] = torch.randn(shape, generator=generator) * mask[..., None]
        inputs["in.emb_mask"] = mask
    else:
        inputs["in.labels"] = torch.tensor(n_valid)
    if "dino" in c:
        shape = (n_pictures, 3, 16 * c["token_grid_h"], 16 * c["token_grid_w"])
        pictures = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        inputs["in.control_u8"] = pictures
        tables, seen = control_tables(c, w, pictures)
        save_file({k: v.contiguous() for k, v in seen.items()}, folder / "control_chain.safetensors")
    (folder / "config.json").write_text(json.dumps(c, indent=1))
    # As PyTorch keeps it, so that this way is taken too.
    torch.save({"model": w.halves()}, folder / "weights.pt")
    save_file(inputs, folder / "inputs.safetensors")
    for cfg, strength in ((1, 1.0), (3.5, 1.0)) + (((3.5, 0.5),) if tables else ()):
        found = greedy(c, w, inputs, cfg, strength, tables)
        name = f"greedy_cfg{cfg}" + (f"_strength{strength:g}" if tables else "")
        found = {name: tensor.contiguous() for name, tensor in found.items()}
        save_file(found, folder / f"{name}.safetensors")


def write_t5(folder, c, seed, lengths):
    folder.mkdir(parents=True, exist_ok=True)
    w = Weights(seed)
    dim, inner, ffn = c["d_model"], c["num_heads"] * c["d_kv"], c["d_ff"]
    buckets = c["relative_attention_num_buckets"]
    w.normal("shared.weight", c["vocab_size"], dim, scale=1)
    bias = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    w.normal(bias, buckets, c["num_heads"], scale=1)
    for i in range(c["num_layers"]):
        name = f"encoder.block.{i}.layer"
        for part in "qkv":
            w.normal(f"{name}.0.SelfAttention.{part}.weight", inner, dim, scale=0.1)
        w.normal(f"{name}.0.SelfAttention.o.weight", dim, inner)
        w.around_one(f"{name}.0.layer_norm.weight", dim)
        w.normal(f"{name}.1.DenseReluDense.wi_0.weight", ffn, dim)
        w.normal(f"{name}.1.DenseReluDense.wi_1.weight", ffn, dim)
        w.normal(f"{name}.1.DenseReluDense.wo.weight", dim, ffn)
        w.around_one(f"{name}.1.layer_norm.weight", dim)
    w.around_one("encoder.final_layer_norm.weight", dim)
    half, exact = buckets // 2, buckets // 4
    longest = c["relative_attention_max_distance"]

    def bucket(distance):
        n = abs(distance)
        if n >= exact:
            n = exact + int(math.log(n / exact) / math.log(longest / exact) * (half - exact))
        return min(n, half - 1) + (half if distance > 0 else 0)

    n_places = max(lengths) + 3
    ids = torch.zeros(len(lengths), n_places, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    right = torch.zeros(len(lengths), n_places, dim)
    left, left_mask = torch.zeros_like(right), torch.zeros_like(ids)
    for row, n in enumerate(lengths):
        generator = torch.Generator().manual_seed(seed + row)
        ids[row, :n] = torch.randint(2, c["vocab_size"], (n,), generator=generator)
        mask[row, :n] = 1
        x = w["shared.weight"][ids[row, :n]]
        distances = [[bucket(key - query) for key in range(n)] for query in range(n)]
        position = w[bias][torch.tensor(distances)].permute(2, 0, 1)
        for i in range(c["num_layers"]):
            name = f"encoder.block.{i}.layer"
            h = rms_norm(x, w[f"{name}.0.layer_norm.weight"], c["layer_norm_epsilon"])
            q, k, v = (
                (h @ w[f"{name}.0.SelfAttention.{part}.weight"].T)
                .unflatten(1, (c["num_heads"], -1))
                .transpose(0, 1)
                for part in "qkv"
            )
            h = ((q @ k.transpose(1, 2) + position).softmax(-1) @ v).transpose(0, 1).flatten(1)
            x = x + h @ w[f"{name}.0.SelfAttention.o.weight"].T
            h = rms_norm(x, w[f"{name}.1.layer_norm.weight"], c["layer_norm_epsilon"])
            gate = F.gelu(h @ w[f"{name}.1.DenseReluDense.wi_0.weight"].T, approximate="tanh")
            h = gate * (h @ w[f"{name}.1.DenseReluDense.wi_1.weight"].T)
            x = x + h @ w[f"{name}.1.DenseReluDense.wo.weight"].T
        x = rms_norm(x, w["encoder.final_layer_norm.weight"], c["layer_norm_epsilon"])
        right[row, :n], left[row, n_places - n :] = x, x
        left_mask[row, n_places - n :] = 1
    (folder / "config.json").write_text(json.dumps(c, indent=1))
    torch.save(w.halves(), folder / "weights.bin")
    tensors = {
        "in.input_ids": ids,
        "in.attention_mask": mask,
        "exp.last_hidden_valid": right,
        "exp.left_padded": left,
        "exp.left_mask": left_mask,
    }
    save_file(tensors, folder / "encode.safetensors")


def transformer(n_layer, n_head, head_dim, ffn, vocab, side, grid, **rest):
    return {
        "n_layer": n_layer,
        "n_head": n_head,
        "dim": n_head * head_dim,
        "head_dim": head_dim,
        "ffn_hidden": ffn,
        "norm_eps": 1e-5,
        "rope_base": 10000,
        "vocab_size": vocab,
        "block_size": side * side,
        "token_grid_h": grid[0],
        "token_grid_w": grid[1],
        **rest,
    }


def text(n_rows, caption_dim):
    return {"model_type": "t2i", "cls_token_num": n_rows, "caption_dim": caption_dim}


def dino(own, heads, layers, image=518, patch=14, ratio=4):
    return {
        "hidden_size": own,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "image_size": image,
        "patch_size": patch,
        "mlp_ratio": ratio,
        "layer_norm_eps": 1e-6,
    }


def main():
    folder = Path(sys.argv[1])
    classes = {"model_type": "c2i", "cls_token_num": 1, "num_classes": 7}
    c = transformer(2, 3, 20, 72, 131, 5, (5, 5), **classes)
    write_transformer(folder / "classes", c, 1, 3, [0, 6, 3])
    c = transformer(5, 1, 100, 136, 90, 4, (4, 4), **text(17, 40))
    write_transformer(folder / "prompts", c, 2, 2, [17, 1])
    c = transformer(4, 2, 36, 100, 77, 9, (3, 7), **text(11, 24))
    c |= {"dino": dino(60, 5, 3, image=126), "resize": "nearest", "fusion_layers": [0, 2]}
    write_transformer(folder / "control_wide", c, 3, 2, [4, 9])
    c = transformer(6, 4, 12, 64, 200, 6, (6, 6), **text(120, 64))
    c |= {"dino": dino(48, 2, 1, image=70, ratio=3), "resize": "bicubic_align_corners"}
    c |= {"fusion_layers": [0, 2, 4, 5]}
    write_transformer(folder / "control_square", c, 4, 1, [33])
    c = {
        "vocab_size": 211,
        "d_model": 52,
        "d_kv": 12,
        "d_ff": 76,
        "num_layers": 4,
        "num_heads": 3,
        "feed_forward_proj": "gated-gelu",
        "relative_attention_num_buckets": 16,
        "relative_attention_max_distance": 40,
        "layer_norm_epsilon": 1e-6,
    }
    write_t5(folder / "t5", c, 5, [5, 61, 1])


main()
