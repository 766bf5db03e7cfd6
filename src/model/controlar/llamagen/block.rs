//! One block: attention and a gated feed-forward layer, each behind a norm, no biases.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;

use super::attend::{Attend, LayerCache};
use super::rotary::Rotary;
use crate::model::controlar::config::LlamaGenConfig;
use crate::model::controlar::probe::Probe;
use crate::model::ops::{Linear, rms_norm, swiglu};

#[derive(Debug)]
pub(super) struct Block {
    n_heads: usize,
    head_dim: usize,
    eps: f32,
    attention_norm: Tensor,
    wqkv: Linear,
    wo: Linear,
    ffn_norm: Tensor,
    /// `w1` and `w3`, one above the other.
    gate_up: Linear,
    w2: Linear,
}

impl Block {
    pub(super) fn load(config: &LlamaGenConfig, vb: &VarBuilder<'_>) -> Result<Self> {
        let LlamaGenConfig { dim, ffn_dim, n_heads, head_dim, norm_eps, .. } = *config;
        let (attention, ffn) = (vb.pp("attention"), vb.pp("feed_forward"));
        let gate = ffn.get((ffn_dim, dim), "w1.weight")?;
        let up = ffn.get((ffn_dim, dim), "w3.weight")?;
        Ok(Self {
            n_heads,
            head_dim,
            eps: norm_eps as f32,
            attention_norm: vb.get(dim, "attention_norm.weight")?,
            wqkv: Linear::load(attention.pp("wqkv"), dim, 3 * dim)?,
            wo: Linear::load(attention.pp("wo"), dim, dim)?,
            ffn_norm: vb.get(dim, "ffn_norm.weight")?,
            gate_up: Linear::new(&Tensor::cat(&[gate, up], 0)?, None)?,
            w2: Linear::load(ffn.pp("w2"), ffn_dim, dim)?,
        })
    }

    /// Room for the prefix and `n_tokens` tokens of `n_rows` rows.
    pub(super) fn cache(
        &self,
        n_rows: usize,
        n_tokens: usize,
        device: &Device,
    ) -> Result<LayerCache> {
        let shape = (n_rows, self.n_heads, 1 + n_tokens, self.head_dim);
        Ok(LayerCache {
            keys: Tensor::zeros(shape, DType::F32, device)?,
            values: Tensor::zeros(shape, DType::F32, device)?,
        })
    }

    /// Rows of the prefix, (R, P, D) → (R, P, D). `means` (R, 1, P, P) averages what each may see.
    /// Writes the mean of all that the picture sees to `cache`.
    pub(super) fn prefill(
        &self,
        x: &Tensor,
        means: &Tensor,
        cache: &LayerCache,
        probe: &mut Probe<'_>,
    ) -> Result<Tensor> {
        let normed = rms_norm(x, &self.attention_norm, self.eps)?;
        let [_, _, values] = self.heads(&self.wqkv.forward(&normed)?)?;
        probe.see("values", &values);
        let means = means.broadcast_as((x.dim(0)?, self.n_heads, x.dim(1)?, x.dim(1)?))?;
        let attended = means.contiguous()?.matmul(&values.contiguous()?)?; // (R, N, P, H)
        let last = attended.narrow(2, x.dim(1)? - 1, 1)?.contiguous()?;
        cache.values.slice_set(&last, 2, 0)?;
        let attended = attended.transpose(1, 2)?.flatten_from(2)?;
        probe.see("attn_pre_wo", &attended);
        self.rest(x, &attended, probe)
    }

    /// Tokens of the picture, the first at place `attend.first`: (R, T, D) → (R, T, D).
    pub(super) fn forward(
        &self,
        x: &Tensor,
        rotary: &Rotary,
        attend: &Attend<'_>,
        cache: &LayerCache,
        probe: &mut Probe<'_>,
    ) -> Result<Tensor> {
        let normed = rms_norm(x, &self.attention_norm, self.eps)?;
        let [queries, keys, values] = self.heads(&self.wqkv.forward(&normed)?)?;
        let queries = rotary.turn(&queries.contiguous()?, attend.first)?;
        let keys = rotary.turn(&keys.contiguous()?, attend.first)?;
        probe.see("keys", &keys);
        probe.see("values", &values);
        cache.put(attend.first, &keys, &values)?;
        let attended = attend.attend(&queries, cache)?;
        probe.see("attn_pre_wo", &attended);
        self.rest(x, &attended, probe)
    }

    /// (R, T, 3D) → three of (R, N, T, H).
    fn heads(&self, qkv: &Tensor) -> Result<[Tensor; 3]> {
        let (n_rows, n_tokens, _) = qkv.dims3()?;
        let qkv = qkv.reshape((n_rows, n_tokens, 3, self.n_heads, self.head_dim))?;
        let part = |idx: usize| qkv.narrow(2, idx, 1)?.squeeze(2)?.transpose(1, 2);
        Ok([part(0)?, part(1)?, part(2)?])
    }

    /// All behind the attention.
    fn rest(&self, x: &Tensor, attended: &Tensor, probe: &mut Probe<'_>) -> Result<Tensor> {
        probe.see_with("attn_out", || self.wo.forward(attended))?;
        let x = self.wo.forward_add(attended, x, None)?;
        let normed = rms_norm(&x, &self.ffn_norm, self.eps)?;
        let gated = swiglu(&self.gate_up.forward(&normed)?)?;
        probe.see_with("ffn_out", || self.w2.forward(&gated))?;
        self.w2.forward_add(&gated, &x, None)
    }
}
