//! The pointer head: every cell looks up where in the remembered latents it should copy from;
//! codes are then scored by their distance to the residual that copying would need.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use candle_nn::ops::{sigmoid, softmax_last_dim};

use super::condition::{RememberedLatents, pooled_cells};
use super::position::cell_centres;
use crate::model::config::Config;
use crate::model::ops::{Linear, softplus};

/// What the head wants and how sure it is.
#[derive(Debug)]
pub struct PointerOutput {
    /// The residual to be coded: (B, T, Z).
    pub residual: Tensor,
    /// Weight of the distance to the residual, positive: (B, T, 1).
    pub sharpness: Tensor,
}

#[derive(Debug)]
pub(super) struct Pointer {
    query: Linear,
    key: Linear,
    offset: Linear,
    correction: Linear,
    gates: Linear,
    slot_bias: Vec<f32>,
    scales: Vec<PointerScale>,
    grid: usize,
    latent_grid: usize,
    dim: usize,
}

/// Constants of one scale.
#[derive(Debug)]
struct PointerScale {
    /// Locality: exp(`log_beta`).
    beta: f64,
    /// Biases of sharpness and copying, the constants of the specification folded in.
    sharpness_bias: f64,
    copy_bias: f64,
    /// Cell centres (1, T, 2).
    cells: Tensor,
    is_fine: bool,
}

/// Remembered latents of a request, in the pooled and in the full grid.
#[derive(Debug, Clone)]
pub(super) struct PointerMemory {
    coarse: Lookup,
    fine: Lookup,
}

/// What is looked up in one grid; S = slots · G².
#[derive(Debug, Clone)]
struct Lookup {
    /// (B, S, P + 2): keys, then the cell's centre.
    keys: Tensor,
    /// (B, S, Z)
    values: Tensor,
    /// (1, 1, S): squared distance of the cell from the middle.
    distance: Tensor,
    /// (1, 1, S)
    slot_bias: Tensor,
}

impl Pointer {
    pub(super) fn load(config: &Config, vb: &VarBuilder<'_>) -> Result<Self> {
        let (dim, latent) = (config.generator.dim, config.tokenizer.latent_channels);
        let pointer_dim = config.memory.pointer_dim;
        let n_scales = config.scales.len();
        let log_beta: Vec<f32> = vb.get(n_scales, "log_beta")?.to_vec1()?;
        let gate_bias: Vec<Vec<f32>> = vb.get((n_scales, 2), "gate_bias")?.to_vec2()?;
        let mut scales = Vec::with_capacity(n_scales);
        for (scale_idx, side) in config.scales.iter().enumerate() {
            scales.push(PointerScale {
                beta: f64::from(log_beta[scale_idx]).exp(),
                sharpness_bias: f64::from(gate_bias[scale_idx][0]) - 0.5,
                copy_bias: f64::from(gate_bias[scale_idx][1]) + 1.0,
                cells: cell_centres(*side, vb.device())?.unsqueeze(0)?,
                is_fine: *side > config.memory.fine_pointer_above,
            });
        }
        Ok(Self {
            query: Linear::load(vb.pp("query"), dim, pointer_dim)?,
            key: Linear::load(vb.pp("key"), latent, pointer_dim)?,
            offset: Linear::load(vb.pp("offset"), dim, 2)?,
            correction: Linear::load(vb.pp("correction"), dim, latent)?,
            gates: Linear::load(vb.pp("gates"), dim, 2)?,
            slot_bias: vb.get(config.memory.slots, "slot_bias")?.to_vec1()?,
            scales,
            grid: config.memory.grid,
            latent_grid: config.latent_size(),
            dim: pointer_dim,
        })
    }

    pub(super) fn remember(&self, memory: &RememberedLatents) -> Result<PointerMemory> {
        Ok(PointerMemory {
            coarse: self.lookup(memory, self.grid)?,
            fine: self.lookup(memory, self.latent_grid)?,
        })
    }

    /// Hidden (B, T, D) and latent tokens (B, T, Z) of a scale → residual and sharpness.
    pub(super) fn forward(
        &self,
        scale_idx: usize,
        hidden: &Tensor,
        tokens: &Tensor,
        memory: Option<&PointerMemory>,
    ) -> Result<PointerOutput> {
        let scale = &self.scales[scale_idx];
        let gates = self.gates.forward(hidden)?; // (B, T, 2)
        let sharpness = softplus(&(gates.narrow(2, 0, 1)? + scale.sharpness_bias)?)?;
        let correction = self.correction.forward(hidden)?;
        let Some(memory) = memory else {
            return Ok(PointerOutput { residual: correction, sharpness });
        };
        let lookup = if scale.is_fine { &memory.fine } else { &memory.coarse };
        let copied = self.copied(scale, hidden, lookup)?; // (B, T, Z)
        let gate = sigmoid(&(gates.narrow(2, 1, 1)? + scale.copy_bias)?)?;
        let residual = ((copied - tokens)?.broadcast_mul(&gate)? + correction)?;
        Ok(PointerOutput { residual, sharpness })
    }

    /// The latent that each cell points at: (B, T, Z).
    ///
    /// The score `q·k/√P − β·|place − cell|² + bias` is computed as one product: the square is
    /// expanded, and `β·|place|²` dropped, since it is the same for all cells of a row.
    fn copied(&self, scale: &PointerScale, hidden: &Tensor, lookup: &Lookup) -> Result<Tensor> {
        let query = (self.query.forward(hidden)? / (self.dim as f64).sqrt())?;
        let place = self.offset.forward(hidden)?.broadcast_add(&scale.cells)?;
        let query = Tensor::cat(&[query, (place * (2.0 * scale.beta))?], 2)?; // (B, T, P + 2)
        let bias = (&lookup.slot_bias - (&lookup.distance * scale.beta)?)?;
        let scores = query.matmul(&lookup.keys.transpose(1, 2)?)?.broadcast_add(&bias)?;
        softmax_last_dim(&scores)?.matmul(&lookup.values)
    }

    fn lookup(&self, memory: &RememberedLatents, grid: usize) -> Result<Lookup> {
        let RememberedLatents { slots, latents } = memory;
        let (n_pictures, n_slots) = (latents.dim(0)?, slots.len());
        let values = pooled_cells(latents, grid)?.flatten(1, 2)?; // (B, slots·grid², Z)
        let n_cells = grid * grid;
        let device = values.device();
        let cells = cell_centres(grid, device)?.repeat((n_slots, 1))?.unsqueeze(0)?;
        let distance = cells.sqr()?.sum(2)?.unsqueeze(1)?;
        let cells = cells.broadcast_as((n_pictures, n_slots * n_cells, 2))?;
        let keys = Tensor::cat(&[self.key.forward(&values)?, cells.contiguous()?], 2)?;
        let slot_bias =
            slots.iter().flat_map(|slot| std::iter::repeat_n(self.slot_bias[*slot], n_cells));
        let slot_bias = Tensor::from_iter(slot_bias, device)?.reshape((1, 1, ()))?;
        Ok(Lookup { keys, values, distance, slot_bias })
    }
}
