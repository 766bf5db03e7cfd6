//! The encoder of T5: prompts to rows. Only the tokens of a prompt are computed; rows of padding
//! would be masked and change nothing.
//!
//! A prompt needs every weight once. [`encode_in_passing`] therefore reads block by block and keeps
//! none, so that the largest encoder takes the memory of one block; [`T5Encoder`] keeps them all.

mod source;

use candle_core::{D, Device, Result, Tensor, bail};
use candle_nn::ops::softmax_last_dim;

use super::config::T5Config;
use super::probe::Probe;
use crate::model::ops::rms_norm;
pub use source::{Matrix, T5Source, T5Weights};

/// The encoder with its weights.
#[derive(Debug)]
pub struct T5Encoder {
    /// (V, D)
    shared: Tensor,
    frame: Frame,
    blocks: Vec<Block>,
}

/// All but the blocks and the table of tokens.
#[derive(Debug)]
struct Frame {
    config: T5Config,
    /// (buckets, N)
    position_bias: Tensor,
    final_norm: Tensor,
    device: Device,
}

#[derive(Debug)]
struct Block {
    attention_norm: Tensor,
    /// Queries, keys, values.
    qkv: [Matrix; 3],
    out: Matrix,
    ffn_norm: Tensor,
    gate: Matrix,
    up: Matrix,
    down: Matrix,
}

/// Encodes prompts, each the tokens of one with its end: (T, D) each. Weights are read as they are
/// needed and not kept.
///
/// `go_on` is asked before each block, `None` comes back once it says no; `progress` is told the
/// share of blocks that are done, 0 to 1.
///
/// # Errors
/// No token or an unknown one, a missing, mis-shaped or unreadable tensor, or what the computation
/// reports.
pub fn encode_in_passing(
    config: &T5Config,
    source: &dyn T5Source,
    prompts: &[Vec<u32>],
    go_on: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(f32),
) -> Result<Option<Vec<Tensor>>> {
    let frame = Frame::load(config.clone(), source)?;
    let table = [config.vocab_size, config.d_model];
    let mut xs = Vec::with_capacity(prompts.len());
    let mut biases = Vec::with_capacity(prompts.len());
    for ids in prompts {
        frame.check(ids)?;
        xs.push(source.rows("shared.weight", table, ids)?);
        biases.push(frame.bias(ids.len())?);
    }
    for block_idx in 0..config.num_layers {
        progress(block_idx as f32 / config.num_layers as f32);
        if !go_on() {
            return Ok(None);
        }
        let block = Block::load(config, source, block_idx)?;
        for (x, bias) in xs.iter_mut().zip(&biases) {
            *x = block.forward(config, x, bias, &mut Probe::none())?;
        }
    }
    progress(1.0);
    xs.iter().map(|x| frame.finish(x)).collect::<Result<_>>().map(Some)
}

impl T5Encoder {
    /// # Errors
    /// A missing or mis-shaped tensor.
    pub fn load(config: T5Config, source: &dyn T5Source) -> Result<Self> {
        Ok(Self {
            shared: source.tensor("shared.weight", &[config.vocab_size, config.d_model])?,
            blocks: (0..config.num_layers)
                .map(|idx| Block::load(&config, source, idx))
                .collect::<Result<_>>()?,
            frame: Frame::load(config, source)?,
        })
    }

    pub fn config(&self) -> &T5Config {
        &self.frame.config
    }

    /// Encodes the tokens of one prompt, its end included: (T, D).
    ///
    /// # Errors
    /// No token or an unknown one, or what the computation reports.
    pub fn encode(&self, ids: &[u32], probe: &mut Probe<'_>) -> Result<Tensor> {
        self.frame.check(ids)?;
        let mut x = self.shared.index_select(&Tensor::new(ids, &self.frame.device)?, 0)?; // (T, D)
        let bias = self.bias(ids.len())?;
        for (i, block) in self.blocks.iter().enumerate() {
            x = block.forward(
                &self.frame.config,
                &x,
                &bias,
                &mut probe.within(format_args!("block{i}_")),
            )?;
        }
        self.frame.finish(&x)
    }

    /// What the distance of two tokens adds to their score: (N, T, T), queries before keys.
    ///
    /// # Errors
    /// What the computation reports.
    pub fn bias(&self, n_tokens: usize) -> Result<Tensor> {
        self.frame.bias(n_tokens)
    }
}

impl Frame {
    fn load(config: T5Config, source: &dyn T5Source) -> Result<Self> {
        let shape = [config.relative_attention_num_buckets, config.num_heads];
        let bias = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight";
        Ok(Self {
            position_bias: source.tensor(bias, &shape)?,
            final_norm: source.tensor("encoder.final_layer_norm.weight", &[config.d_model])?,
            device: source.device().clone(),
            config,
        })
    }

    fn check(&self, ids: &[u32]) -> Result<()> {
        let n_ids = self.config.vocab_size;
        if let Some(id) = ids.iter().find(|id| **id as usize >= n_ids) {
            bail!("token {id} is not one of {n_ids}");
        }
        if ids.is_empty() {
            bail!("a prompt has at least its end");
        }
        Ok(())
    }

    fn finish(&self, x: &Tensor) -> Result<Tensor> {
        rms_norm(x, &self.final_norm, self.config.layer_norm_epsilon as f32)
    }

    fn bias(&self, n_tokens: usize) -> Result<Tensor> {
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
    fn load(config: &T5Config, source: &dyn T5Source, block_idx: usize) -> Result<Self> {
        let T5Config { d_model: dim, d_ff, .. } = *config;
        let inner = config.num_heads * config.d_kv;
        let named = |part: &str| format!("encoder.block.{block_idx}.layer.{part}.weight");
        let matrix = |part: &str, shape| source.matrix(&named(part), shape);
        Ok(Self {
            attention_norm: source.tensor(&named("0.layer_norm"), &[dim])?,
            qkv: [
                matrix("0.SelfAttention.q", [inner, dim])?,
                matrix("0.SelfAttention.k", [inner, dim])?,
                matrix("0.SelfAttention.v", [inner, dim])?,
            ],
            out: matrix("0.SelfAttention.o", [dim, inner])?,
            ffn_norm: source.tensor(&named("1.layer_norm"), &[dim])?,
            gate: matrix("1.DenseReluDense.wi_0", [d_ff, dim])?,
            up: matrix("1.DenseReluDense.wi_1", [d_ff, dim])?,
            down: matrix("1.DenseReluDense.wo", [dim, d_ff])?,
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
        let normed = rms_norm(x, &self.attention_norm, eps)?;
        let heads = |matrix: &Matrix| {
            let part = matrix.forward(&normed)?;
            part.reshape((n_tokens, config.num_heads, config.d_kv))?.transpose(0, 1)?.contiguous()
        };
        let [queries, keys, values] = &self.qkv;
        let (queries, keys, values) = (heads(queries)?, heads(keys)?, heads(values)?); // (N, T, H)
        // Without the usual factor: the weights hold it.
        let scores = queries.matmul(&keys.transpose(1, 2)?)?;
        let attended = softmax_last_dim(&(scores + bias)?)?.matmul(&values)?;
        let attended = attended.transpose(0, 1)?.flatten_from(D::Minus2)?.contiguous()?;
        let x = self.out.forward_add(&attended, x)?;
        probe.see("after_attention", &x);
        let normed = rms_norm(&x, &self.ffn_norm, eps)?;
        let gated = (self.gate.forward(&normed)?.gelu()? * self.up.forward(&normed)?)?;
        let x = self.down.forward_add(&gated, &x)?;
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
