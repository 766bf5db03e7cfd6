//! One transformer block: attention inside the scale, attention to text and memory, and a gated
//! feed-forward layer, modulated per scale.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use crate::model::config::GeneratorConfig;
use crate::model::ops::{Attention, Context, Linear, rms_norm, rms_norm_modulated, swiglu};

/// A third of a row of `modulation`: what one of two layers does at one scale.
#[derive(Debug)]
struct Modulation {
    shift: Tensor,
    scale: Tensor,
    /// 1 + gate.
    gain: Tensor,
}

#[derive(Debug)]
pub(super) struct Block {
    norms: [Tensor; 3],
    qkv: Linear,
    self_attn: Attention,
    self_out: Linear,
    cross_q: Linear,
    cross_kv: Linear,
    cross_attn: Attention,
    cross_out: Linear,
    gate_up: Linear,
    down: Linear,
    /// Per scale, of self-attention and of the feed-forward layer.
    modulation: Vec<[Modulation; 2]>,
    eps: f32,
}

impl Block {
    pub(super) fn load(
        config: &GeneratorConfig,
        n_scales: usize,
        vb: &VarBuilder<'_>,
    ) -> Result<Self> {
        let &GeneratorConfig { dim, heads: n_heads, text_dim, ffn_dim, .. } = config;
        let eps = config.rms_norm_eps as f32;
        let norm = |name: &str| vb.get(dim, &format!("{name}.weight"));
        let attention = |vb: &VarBuilder<'_>| {
            let q_norm = vb.get(dim / n_heads, "q_norm.weight")?;
            Attention::new(n_heads, &q_norm, vb.get(dim / n_heads, "k_norm.weight")?, eps)
        };
        let (self_vb, cross_vb) = (vb.pp("self_attn"), vb.pp("cross_attn"));
        let rows = vb.get((n_scales, 6, dim), "modulation")?;
        let modulation = |scale_idx: usize, first: usize| -> Result<Modulation> {
            let row = |idx: usize| rows.get(scale_idx)?.get(first + idx);
            Ok(Modulation { shift: row(0)?, scale: row(1)?, gain: (row(2)? + 1.0)? })
        };
        Ok(Self {
            norms: [norm("norm1")?, norm("norm2")?, norm("norm3")?],
            qkv: Linear::load(self_vb.pp("qkv"), dim, 3 * dim)?,
            self_attn: attention(&self_vb)?,
            self_out: Linear::load(self_vb.pp("out"), dim, dim)?,
            cross_q: Linear::load(cross_vb.pp("q"), dim, dim)?,
            cross_kv: Linear::load(cross_vb.pp("kv"), text_dim, 2 * dim)?,
            cross_attn: attention(&cross_vb)?,
            cross_out: Linear::load(cross_vb.pp("out"), dim, dim)?,
            gate_up: Linear::load(vb.pp("ffn.gate_up"), dim, 2 * ffn_dim)?,
            down: Linear::load(vb.pp("ffn.down"), ffn_dim, dim)?,
            modulation: (0..n_scales)
                .map(|scale_idx| Ok([modulation(scale_idx, 0)?, modulation(scale_idx, 3)?]))
                .collect::<Result<_>>()?,
            eps,
        })
    }

    /// Prepares a context (R, S, H); it serves all scales of a request.
    pub(super) fn context(&self, context: &Tensor) -> Result<Context> {
        self.cross_attn.context(&self.cross_kv.forward(context)?)
    }

    /// (R, T, D) → (R, T, D). The rows are split evenly over `contexts`, in order.
    pub(super) fn forward(
        &self,
        scale_idx: usize,
        x: &Tensor,
        contexts: &[&Context],
    ) -> Result<Tensor> {
        let [attention, feed_forward] = &self.modulation[scale_idx];
        let [norm1, norm2, norm3] = &self.norms;

        let y = rms_norm_modulated(x, norm1, &attention.scale, &attention.shift, self.eps)?;
        let y = self.self_attn.within(&self.qkv.forward(&y)?)?;
        let x = self.self_out.forward_add(&y, x, Some(&attention.gain))?;

        let y = self.cross_q.forward(&rms_norm(&x, norm2, self.eps)?)?;
        let x = self.cross_out.forward_add(&self.cross_attn.over(&y, contexts)?, &x, None)?;

        let y = rms_norm_modulated(&x, norm3, &feed_forward.scale, &feed_forward.shift, self.eps)?;
        let y = swiglu(&self.gate_up.forward(&y)?)?;
        self.down.forward_add(&y, &x, Some(&feed_forward.gain))
    }
}
