//! The scale-Markov generator: all it knows of earlier scales is the latent built so far.
//!
//! Attention runs inside one scale only, so there is no key-value cache to keep between scales.
//! What depends on the request alone (text, remembered pictures, control tokens) is computed once
//! by [`Network::condition`]; [`Network::features`] then turns the latent so far into one feature
//! vector per cell of the next scale, and [`Network::logits`] scores the codes.
//!
//! Letters in shapes: R rows (pictures, conditional and not), T tokens of the scale (p²),
//! D hidden, N heads, Z latent channels, K codes.

mod block;
mod condition;
mod control;
mod pointer;
mod position;

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

pub use condition::{Condition, ConditionInput, RememberedLatents};
pub use control::{ControlEncoders, ControlTokens};
pub use pointer::PointerOutput;

use self::block::Block;
use self::condition::MemoryContext;
use self::control::Fusion;
use self::pointer::Pointer;
use crate::model::config::Config;
use crate::model::ops::{Conv2d, GridResize, Linear, rms_norm};

/// The network. Field names follow the tensors of the checkpoint.
pub struct Network {
    input: Linear,
    /// (D): the input of the first scale.
    start: Tensor,
    /// Per scale: scale embedding plus scaled positions, (1, T, D).
    place: Vec<Tensor>,
    text_pool: [Linear; 2],
    blocks: Vec<Block>,
    fusion: Fusion,
    norm_out: Tensor,
    rms_norm_eps: f32,
    memory: MemoryContext,
    reference: [Conv2d; 2],
    pointer: Pointer,
    /// From features to scores of codes: `head.weight | codebook | −|code|² | head.bias`, so that
    /// one product serves the ordinary head and the pointer head.
    scores: Linear,
}

impl Network {
    /// `vb` stands at the prefix `generator`; `codebook` is the tokenizer's, (K, Z).
    ///
    /// # Errors
    /// Missing or mis-shaped tensors.
    pub fn load(config: &Config, codebook: &Tensor, vb: &VarBuilder<'_>) -> Result<Self> {
        let c = &config.generator;
        let (n_scales, latent) = (config.scales.len(), config.tokenizer.latent_channels);
        let scale_embed = vb.get((n_scales, c.dim), "scale_embed")?;
        let pos_scale = vb.get((), "pos_scale")?;
        let mut place = Vec::with_capacity(n_scales);
        for (scale_idx, side) in config.scales.iter().enumerate() {
            let positions = position::sincos(*side, c.dim, c.position_max_frequency, vb.device())?;
            let positions = positions.broadcast_mul(&pos_scale)?;
            place.push(positions.broadcast_add(&scale_embed.get(scale_idx)?)?.unsqueeze(0)?);
        }
        let n_codes = config.tokenizer.codebook_size;
        let head = vb.get((n_codes, c.dim), "head.weight")?;
        let head_bias = vb.get(n_codes, "head.bias")?.unsqueeze(1)?;
        let code_length = codebook.sqr()?.sum_keepdim(1)?.neg()?;
        let scores = Tensor::cat(&[&head, codebook, &code_length, &head_bias], 1)?;
        Ok(Self {
            input: Linear::load(vb.pp("input"), latent, c.dim)?,
            start: vb.get(c.dim, "start")?,
            place,
            text_pool: [
                Linear::load(vb.pp("text_pool.fc1"), c.text_dim, c.dim)?,
                Linear::load(vb.pp("text_pool.fc2"), c.dim, c.dim)?,
            ],
            blocks: (0..c.depth)
                .map(|idx| Block::load(c, n_scales, &vb.pp("blocks").pp(idx)))
                .collect::<Result<_>>()?,
            fusion: Fusion::load(config, vb)?,
            norm_out: vb.get(c.dim, "norm_out.weight")?,
            rms_norm_eps: c.rms_norm_eps as f32,
            memory: MemoryContext::load(config, &vb.pp("memory"))?,
            reference: [
                Conv2d::load(vb.pp("reference.conv0"), latent, c.dim, 3, 1)?,
                Conv2d::load(vb.pp("reference.conv1"), c.dim, c.dim, 3, 1)?,
            ],
            pointer: Pointer::load(config, &vb.pp("pointer"))?,
            scores: Linear::new(&scores.contiguous()?, None)?,
        })
    }

    /// Prepares what the request alone decides, for rows of one kind.
    ///
    /// # Errors
    /// What the computation reports.
    pub fn condition(&self, input: &ConditionInput<'_>) -> Result<Condition> {
        let pooled = self.text_pool[0].forward(input.pooled)?.silu()?;
        let pooled = self.text_pool[1].forward(&pooled)?.unsqueeze(1)?; // (1, 1, D)
        let context = self.memory.context(input.text, input.memory)?; // (R or 1, S, H)
        let contexts =
            self.blocks.iter().map(|block| block.context(&context)).collect::<Result<_>>()?;
        let pointer = input.memory.map(|memory| self.pointer.remember(memory)).transpose()?;
        Ok(Condition { pooled, contexts, pointer, control: input.control.clone() })
    }

    /// Reference tokens of the first slot at strength 1: (R, Z, G, G) → (R, D, G, G).
    ///
    /// # Errors
    /// What the computation reports.
    pub fn reference(&self, f_hat: &Tensor) -> Result<Tensor> {
        self.reference[1].forward(&self.reference[0].forward(f_hat)?.silu()?)
    }

    /// Features of every cell of a scale: (R, T, F) with F = D + Z + 2, laid out as `scores`.
    ///
    /// `latent` is the latent so far, resized to the scale: (B, Z, p, p). The rows are those of
    /// the first condition, then those of the second, each B long. `go_on` is asked before each
    /// block; `None` if it said no.
    ///
    /// # Errors
    /// What the computation reports.
    pub fn features(
        &self,
        scale_idx: usize,
        latent: &Tensor,
        conditions: &[&Condition],
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<Tensor>> {
        let Some(hidden) = self.hidden(scale_idx, latent, conditions, go_on)? else {
            return Ok(None);
        };
        let n_pictures = latent.dim(0)?;
        let tokens = latent.flatten_from(2)?.transpose(1, 2)?.contiguous()?; // (B, T, Z)
        let mut rows = Vec::with_capacity(conditions.len());
        for (group_idx, condition) in conditions.iter().enumerate() {
            let hidden = hidden.narrow(0, group_idx * n_pictures, n_pictures)?;
            let memory = condition.pointer.as_ref();
            let PointerOutput { residual, sharpness } =
                self.pointer.forward(scale_idx, &hidden, &tokens, memory)?;
            let pull = residual.broadcast_mul(&(&sharpness * 2.0)?)?;
            rows.push(Tensor::cat(&[&hidden, &pull, &sharpness, &sharpness.ones_like()?], 2)?);
        }
        Tensor::cat(&rows, 0).map(Some)
    }

    /// Scores of all codes: (R, T, F) → (R, T, K). Linear in the features, so guidance may mix
    /// features instead of logits, which halves the largest matrix product.
    ///
    /// # Errors
    /// What the computation reports.
    pub fn logits(&self, features: &Tensor) -> Result<Tensor> {
        self.scores.forward(features)
    }

    /// What the pointer head says for rows of one condition; for tests.
    ///
    /// # Errors
    /// What the computation reports.
    pub fn pointer(
        &self,
        scale_idx: usize,
        latent: &Tensor,
        condition: &Condition,
    ) -> Result<PointerOutput> {
        let hidden = self.hidden(scale_idx, latent, &[condition], &|| true)?;
        let hidden = hidden.expect("nobody stopped it");
        let tokens = latent.flatten_from(2)?.transpose(1, 2)?.contiguous()?;
        self.pointer.forward(scale_idx, &hidden, &tokens, condition.pointer.as_ref())
    }

    /// Context tokens (R, S, H) of text and remembered latents; for tests.
    ///
    /// # Errors
    /// What the computation reports.
    pub fn context(&self, text: &Tensor, memory: Option<&RememberedLatents>) -> Result<Tensor> {
        self.memory.context(text, memory)
    }

    /// Output of the last block, normalised: (R, T, D); `None` if `go_on` said no.
    fn hidden(
        &self,
        scale_idx: usize,
        latent: &Tensor,
        conditions: &[&Condition],
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<Tensor>> {
        let n_pictures = latent.dim(0)?;
        let start = if scale_idx == 0 {
            self.start.reshape((1, 1, ()))?.broadcast_as((
                n_pictures,
                1,
                self.start.elem_count(),
            ))?
        } else {
            let tokens = latent.flatten_from(2)?.transpose(1, 2)?.contiguous()?; // (B, T, Z)
            self.input.forward(&tokens)?
        };
        let start = start.broadcast_add(&self.place[scale_idx])?; // (B, T, D)
        let rows: Vec<Tensor> = conditions
            .iter()
            .map(|condition| start.broadcast_add(&condition.pooled))
            .collect::<Result<_>>()?;
        let mut x = Tensor::cat(&rows, 0)?; // (R, T, D)
        let control = self.fusion.at_scale(scale_idx, conditions, n_pictures)?;
        for (block_idx, block) in self.blocks.iter().enumerate() {
            if !go_on() {
                return Ok(None);
            }
            if let Some(fused) = self.fusion.before_block(block_idx, &control)? {
                x = x.broadcast_add(&fused)?;
            }
            let contexts: Vec<_> =
                conditions.iter().map(|condition| &condition.contexts[block_idx]).collect();
            x = block.forward(scale_idx, &x, &contexts)?;
        }
        rms_norm(&x, &self.norm_out, self.rms_norm_eps).map(Some)
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").field("n_blocks", &self.blocks.len()).finish_non_exhaustive()
    }
}

/// Resizes tokens (R, D, G, G) to a scale and lays them out by cell: (R, T, D).
fn tokens_at(resize: &GridResize, tokens: &Tensor) -> Result<Tensor> {
    resize.apply(tokens)?.flatten_from(2)?.transpose(1, 2)?.contiguous()
}
