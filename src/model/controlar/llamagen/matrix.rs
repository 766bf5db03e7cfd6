//! A matrix of the transformer in the precision that was asked for.

use candle_core::{Result, Tensor};

use crate::model::controlar::precision::Precision;
use crate::model::ops::{CompactLinear, Linear, WeightFormat};

#[derive(Debug)]
pub(super) enum Matrix {
    Exact(Linear),
    Compact(CompactLinear),
}

impl Matrix {
    /// Rounds `weight` (O, I).
    pub(super) fn new(weight: &Tensor, precision: Precision) -> Result<Self> {
        let format = match precision {
            Precision::F32 => return Ok(Self::Exact(Linear::new(weight, None)?)),
            Precision::Bf16 => WeightFormat::Bf16,
            Precision::Q8 => WeightFormat::Eight,
            Precision::Q4 => WeightFormat::Four,
        };
        Ok(Self::Compact(CompactLinear::new(weight, format)?))
    }

    /// (…, I) → (…, O).
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Exact(linear) => linear.forward(x),
            Self::Compact(linear) => linear.forward(x),
        }
    }

    /// `residual +` [`Self::forward`].
    pub(super) fn forward_add(&self, x: &Tensor, residual: &Tensor) -> Result<Tensor> {
        match self {
            Self::Exact(linear) => linear.forward_add(x, residual, None),
            Self::Compact(linear) => linear.forward_add(x, residual),
        }
    }
}
