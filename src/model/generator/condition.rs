//! What the request alone decides: text, remembered pictures, control.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use super::control::ControlTokens;
use super::pointer::PointerMemory;
use super::position::sincos;
use crate::model::config::Config;
use crate::model::ops::{Context, Linear};

/// What one kind of row (conditional or not) looks at.
#[derive(Debug, Clone)]
pub struct ConditionInput<'a> {
    /// Hidden vectors of the prompt's tokens: (1, T, H).
    pub text: &'a Tensor,
    /// (1, H)
    pub pooled: &'a Tensor,
    pub memory: Option<&'a RememberedLatents>,
    pub control: ControlTokens,
}

/// Latents of the slots that are not empty.
#[derive(Debug, Clone)]
pub struct RememberedLatents {
    /// Rising slot indices; the same for all pictures of a batch.
    pub slots: Vec<usize>,
    /// (B, slots, Z, G, G)
    pub latents: Tensor,
}

/// A prepared [`ConditionInput`].
#[derive(Debug, Clone)]
pub struct Condition {
    /// (1, 1, D)
    pub(super) pooled: Tensor,
    /// Per block.
    pub(super) contexts: Vec<Context>,
    pub(super) pointer: Option<PointerMemory>,
    pub(super) control: ControlTokens,
}

impl Condition {
    /// The same with other control tokens; cheap, since all else is shared.
    #[must_use]
    pub fn with_control(self, control: ControlTokens) -> Self {
        Self { control, ..self }
    }
}

/// Turns remembered latents into context tokens.
#[derive(Debug)]
pub(super) struct MemoryContext {
    input: Linear,
    /// Per slot: slot embedding plus scaled positions, (slots, G'², H).
    place: Tensor,
    /// Side of the pooled grid G'.
    grid: usize,
}

impl MemoryContext {
    pub(super) fn load(config: &Config, vb: &VarBuilder<'_>) -> Result<Self> {
        let dim = config.generator.text_dim;
        let grid = config.memory.grid;
        let slots = vb.get((config.memory.slots, dim), "slot_embed")?.unsqueeze(1)?;
        let positions = sincos(grid, dim, config.generator.position_max_frequency, vb.device())?;
        let positions = positions.broadcast_mul(&vb.get((), "pos_scale")?)?.unsqueeze(0)?;
        Ok(Self {
            input: Linear::load(vb.pp("input"), config.tokenizer.latent_channels, dim)?,
            place: slots.broadcast_add(&positions)?,
            grid,
        })
    }

    /// Text (1, T, H) followed by the tokens of the present slots: (B, T + slots·G'², H), or
    /// (1, T, H) without any. No mask is needed, since absent tokens are left out.
    pub(super) fn context(
        &self,
        text: &Tensor,
        memory: Option<&RememberedLatents>,
    ) -> Result<Tensor> {
        let Some(RememberedLatents { slots, latents }) = memory else {
            return Ok(text.clone());
        };
        let n_pictures = latents.dim(0)?;
        let pooled = pooled_cells(latents, self.grid)?; // (B, slots, G'², Z)
        let slots = Tensor::from_iter(slots.iter().map(|slot| *slot as u32), latents.device())?;
        let place = self.place.index_select(&slots, 0)?.unsqueeze(0)?;
        let tokens = self.input.forward(&pooled)?.broadcast_add(&place)?.flatten(1, 2)?;
        let (_, n_tokens, dim) = text.dims3()?;
        Tensor::cat(&[text.broadcast_as((n_pictures, n_tokens, dim))?, tokens], 1)?.contiguous()
    }
}

/// Area-pools latents (B, slots, Z, G, G) to side `grid`, cells in rows: (B, slots, grid², Z).
pub(super) fn pooled_cells(latents: &Tensor, grid: usize) -> Result<Tensor> {
    let (n_pictures, n_slots, channels, side, _) = latents.dims5()?;
    let flat = latents.reshape((n_pictures * n_slots, channels, side, side))?;
    let pooled = if grid == side { flat } else { flat.avg_pool2d(side / grid)? };
    pooled.reshape((n_pictures, n_slots, channels, grid * grid))?.transpose(2, 3)?.contiguous()
}
