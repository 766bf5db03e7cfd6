//! The encoder of T5: prompts to rows. Only the tokens of a prompt are computed; rows of padding
//! would be masked and change nothing.

use candle_core::{D, Device, Result, Tensor, bail};
use candle_nn::VarBuilder;
use candle_nn::ops::softmax_last_dim;

use super::config::T5Config;
use super::probe::Probe;
use crate::model::ops::{Linear, rms_norm};

/// The encoder with its weights.
#[derive(Debug)]
pub struct T5Encoder {
    config: T5Config,
    /// (V, D)
    shared: Tensor,
    /// (buckets, N)
    position_bias: Tensor,
    blocks: Vec<Block>,
    final_norm: Tensor,
    device: Device,
}

#[derive(Debug)]
struct Block {
    attention_norm: Tensor,
    qkv: Linear,
    out: Linear,
    ffn_norm: Tensor,
    gate: Linear,
    up: Linear,
    down: Linear,
}

impl T5Encoder {
    /// # Errors
    /// A missing or mis-shaped tensor.
    pub fn load(config: T5Config, vb: &VarBuilder<'_>) -> Result<Self> {
        let (buckets, dim) = (config.relative_attention_num_buckets, config.d_model);
        let encoder = vb.pp("encoder");
        let bias = "block.0.layer.0.SelfAttention.relative_attention_bias.weight";
        Ok(Self {
            shared: vb.get((config.vocab_size, dim), "shared.weight")?,
            position_bias: encoder.get((buckets, config.num_heads), bias)?,
            blocks: (0..config.num_layers)
                .map(|idx| Block::load(&config, &encoder.pp(format!("block.{idx}.layer"))))
                .collect::<Result<_>>()?,
            final_norm: encoder.get(dim, "final_layer_norm.weight")?,
            device: vb.device().clone(),
            config,
        })
    }

    pub fn config(&self) -> &T5Config {
        &self.config
    }

    /// Encodes the tokens of one prompt, its end included: (T, D).
    ///
    /// # Errors
    /// No token or an unknown one, or what the computation reports.
    pub fn encode(&self, ids: &[u32], probe: &mut Probe<'_>) -> Result<Tensor> {
        let n_ids = self.config.vocab_size;
        if let Some(id) = ids.iter().find(|id| **id as usize >= n_ids) {
            bail!("token {id} is not one of {n_ids}");
        }
        if ids.is_empty() {
            bail!("a prompt has at least its end");
        }
        let eps = self.config.layer_norm_epsilon as f32;
        let mut x = self.shared.index_select(&Tensor::new(ids, &self.device)?, 0)?; // (T, D)
        let bias = self.bias(ids.len())?;
        for (i, block) in self.blocks.iter().enumerate() {
            x = block.forward(
                &self.config,
                &x,
                &bias,
                &mut probe.within(format_args!("block{i}_")),
            )?;
        }
        rms_norm(&x, &self.final_norm, eps)
    }

    /// What the distance of two tokens adds to their score: (N, T, T), queries before keys.
    ///
    /// # Errors
    /// What the computation reports.
    pub fn bias(&self, n_tokens: usize) -> Result<Tensor> {
        let buckets: Vec<u32> = (0..n_tokens)
            .flat_map(|query| (0..n_tokens).map(move |key| (query, key)))
            .map(|(query, key)| self.bucket(key as i64 - query as i64))
            .collect();
        let bias = self.position_bias.index_select(&Tensor::new(buckets, &self.device)?, 0)?;
        bias.reshape((n_tokens, n_tokens, ()))?.permute((2, 0, 1))?.contiguous()
    }

    /// Short distances have buckets of their own, longer ones share them.
    fn bucket(&self, distance: i64) -> u32 {
        let n_buckets = self.config.relative_attention_num_buckets / 2;
        let n_exact = n_buckets / 2;
        let length = distance.unsigned_abs() as usize;
        let bucket = if length < n_exact {
            length
        } else {
            let longest = self.config.relative_attention_max_distance as f64 / n_exact as f64;
            // In f32, as in the reference.
            let share = (length as f32 / n_exact as f32).ln() / longest.ln() as f32;
            let bucket = n_exact + (share * (n_buckets - n_exact) as f32) as usize;
            bucket.min(n_buckets - 1)
        };
        (bucket + if distance > 0 { n_buckets } else { 0 }) as u32
    }
}

impl Block {
    fn load(config: &T5Config, vb: &VarBuilder<'_>) -> Result<Self> {
        let T5Config { d_model: dim, d_ff, .. } = *config;
        let inner = config.num_heads * config.d_kv;
        let attention = vb.pp("0.SelfAttention");
        let ffn = vb.pp("1.DenseReluDense");
        let parts = ["q", "k", "v"].map(|name| attention.pp(name).get((inner, dim), "weight"));
        let parts = parts.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(Self {
            attention_norm: vb.get(dim, "0.layer_norm.weight")?,
            qkv: Linear::new(&Tensor::cat(&parts, 0)?, None)?,
            out: Linear::load(attention.pp("o"), inner, dim)?,
            ffn_norm: vb.get(dim, "1.layer_norm.weight")?,
            gate: Linear::load(ffn.pp("wi_0"), dim, d_ff)?,
            up: Linear::load(ffn.pp("wi_1"), dim, d_ff)?,
            down: Linear::load(ffn.pp("wo"), d_ff, dim)?,
        })
    }

    /// (T, D) → (T, D).
    fn forward(
        &self,
        config: &T5Config,
        x: &Tensor,
        bias: &Tensor,
        probe: &mut Probe<'_>,
    ) -> Result<Tensor> {
        let eps = config.layer_norm_epsilon as f32;
        let n_tokens = x.dim(0)?;
        let qkv = self.qkv.forward(&rms_norm(x, &self.attention_norm, eps)?)?;
        let qkv = qkv.reshape((n_tokens, 3, config.num_heads, config.d_kv))?;
        let qkv = qkv.permute((1, 2, 0, 3))?.contiguous()?; // (3, N, T, H)
        // Without the usual factor: the weights hold it.
        let scores = qkv.get(0)?.matmul(&qkv.get(1)?.transpose(1, 2)?)?;
        let attended = softmax_last_dim(&(scores + bias)?)?.matmul(&qkv.get(2)?)?;
        let attended = attended.transpose(0, 1)?.flatten_from(D::Minus2)?.contiguous()?;
        let x = self.out.forward_add(&attended, x, None)?;
        probe.see("after_attention", &x);
        let normed = rms_norm(&x, &self.ffn_norm, eps)?;
        let gated = (self.gate.forward(&normed)?.gelu()? * self.up.forward(&normed)?)?;
        let x = self.down.forward_add(&gated, &x, None)?;
        probe.see("out", &x);
        Ok(x)
    }
}

/// Rows of a prompt (T, D) as the transformer takes them: at the end of `n_rows`, zeros before.
///
/// # Errors
/// More rows than that, or what the computation reports.
pub fn left_padded(rows: &Tensor, n_rows: usize) -> Result<Tensor> {
    let n_tokens = rows.dim(0)?;
    if n_tokens > n_rows {
        bail!("{n_tokens} rows of a prompt are more than {n_rows}");
    }
    rows.pad_with_zeros(0, n_rows - n_tokens, 0)
}
