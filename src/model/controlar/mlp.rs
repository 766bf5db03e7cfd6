//! The two-layer network between encoders and the transformer: `fc2(gelu(fc1 x))`, no bias.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use crate::model::ops::Linear;

#[derive(Debug)]
pub(super) struct Mlp {
    fc1: Linear,
    fc2: Linear,
}

impl Mlp {
    /// Reads `fc1.weight` (D, I) and `fc2.weight` (D, D).
    pub(super) fn load(vb: &VarBuilder<'_>, in_dim: usize, dim: usize) -> Result<Self> {
        Ok(Self {
            fc1: Linear::load(vb.pp("fc1"), in_dim, dim)?,
            fc2: Linear::load(vb.pp("fc2"), dim, dim)?,
        })
    }

    /// (…, I) → (…, D); a row of zeros stays one. The activation is GELU by its tanh formula.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.fc2.forward(&self.fc1.forward(x)?.gelu()?)
    }
}
