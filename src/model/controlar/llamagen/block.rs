//! One block: attention and a gated feed-forward layer, each behind a norm, no biases.

use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;

use super::attend::{Attend, LayerCache};
use super::matrix::Matrix;
use super::rotary::Rotary;
use crate::model::controlar::config::LlamaGenConfig;
use crate::model::controlar::precision::Precision;
use crate::model::controlar::probe::Probe;
use crate::model::ops::{PastShape, rms_norm, swiglu};

#[derive(Debug)]
pub(super) struct Block {
    n_heads: usize,
    head_dim: usize,
    eps: f32,
    precision: Precision,
    attention_norm: Tensor,
    wqkv: Matrix,
    wo: Matrix,
    ffn_norm: Tensor,
    /// `w1` and `w3`, one above the other.
    gate_up: Matrix,
    w2: Matrix,
}

impl Block {
    pub(super) fn load(
        config: &LlamaGenConfig,
        vb: &VarBuilder<'_>,
        precision: Precision,
    ) -> Result<Self> {
        let LlamaGenConfig { dim, ffn_dim, n_heads, head_dim, norm_eps, .. } = *config;
        let (attention, ffn) = (vb.pp("attention"), vb.pp("feed_forward"));
        // One at a time: what has been rounded is let go before the next is read.
        let matrix = |vb: &VarBuilder<'_>, name: &str, shape| {
            Matrix::new(&vb.get(shape, &format!("{name}.weight"))?, precision)
        };
        let gate_up = {
            let gate = ffn.get((ffn_dim, dim), "w1.weight")?;
            Matrix::new(
                &Tensor::cat(&[gate, ffn.get((ffn_dim, dim), "w3.weight")?], 0)?,
                precision,
            )?
        };
        Ok(Self {
            n_heads,
            head_dim,
            eps: norm_eps as f32,
            precision,
            attention_norm: vb.get(dim, "attention_norm.weight")?,
            wqkv: matrix(&attention, "wqkv", (3 * dim, dim))?,
            wo: matrix(&attention, "wo", (dim, dim))?,
            ffn_norm: vb.get(dim, "ffn_norm.weight")?,
            gate_up,
            w2: matrix(&ffn, "w2", (dim, ffn_dim))?,
        })
    }

    /// Room for the prefix and `n_tokens` tokens of `n_rows` rows.
    pub(super) fn cache(
        &self,
        n_rows: usize,
        n_tokens: usize,
        device: &Device,
    ) -> Result<LayerCache> {
        let Self { n_heads, head_dim, precision, .. } = *self;
        let shape = PastShape { n_rows, n_heads, n_places: 1 + n_tokens, head_dim };
        LayerCache::new(shape, precision, device)
    }

    /// Rows of the prefix, (R, P, D) → (R, P, D). `means` (R, 1, P, P) averages what each may see.
    /// Writes the mean of all that the picture sees to `cache`.
    pub(super) fn prefill(
        &self,
        x: &Tensor,
        means: &Tensor,
        cache: &mut LayerCache,
        probe: &mut Probe<'_>,
    ) -> Result<Tensor> {
        let normed = rms_norm(x, &self.attention_norm, self.eps)?;
        let [_, _, values] = self.heads(&self.wqkv.forward(&normed)?)?;
        probe.see("values", &values);
        let means = means.broadcast_as((x.dim(0)?, self.n_heads, x.dim(1)?, x.dim(1)?))?;
        let attended = means.contiguous()?.matmul(&values.contiguous()?)?; // (R, N, P, H)
        let last = attended.narrow(2, x.dim(1)? - 1, 1)?.contiguous()?;
        cache.put_prefix(&last)?;
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
        cache: &mut LayerCache,
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
        let x = self.wo.forward_add(attended, x)?;
        let normed = rms_norm(&x, &self.ffn_norm, self.eps)?;
        let gated = swiglu(&self.gate_up.forward(&normed)?)?;
        probe.see_with("ffn_out", || self.w2.forward(&gated))?;
        self.w2.forward_add(&gated, &x)
    }
}
