//! Control maps to tokens, and their fusion into the image tokens (`ControlAR`'s conditional
//! decoding: control is added at every position, nothing is prefilled).

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use super::{Condition, tokens_at};
use crate::model::config::Config;
use crate::model::ops::{Conv2d, GridResize, Linear, nchw_from_nhwc, pixel_unshuffle_nhwc};
use crate::params::{ControlKind, StrengthCurve};

/// Pixels per side that one input cell of an encoder gathers.
const UNSHUFFLE: usize = 8;
/// Width of an encoder's first two layers.
const WIDTH: usize = 128;

/// One small convolutional encoder per control kind.
#[derive(Debug)]
pub struct ControlEncoders {
    encoders: BTreeMap<ControlKind, [Conv2d; 4]>,
}

impl ControlEncoders {
    /// `vb` stands at the prefix `generator.control`.
    ///
    /// # Errors
    /// Missing or mis-shaped tensors.
    pub fn load(config: &Config, vb: &VarBuilder<'_>) -> Result<Self> {
        let dim = config.generator.dim;
        let mut encoders = BTreeMap::new();
        for (kind, n_channels) in &config.generator.control_channels {
            let vb = vb.pp(kind.name());
            let convs = [
                Conv2d::load(vb.pp("conv0"), n_channels * UNSHUFFLE * UNSHUFFLE, WIDTH, 3, 1)?
                    .with_silu(),
                Conv2d::load(vb.pp("conv1"), WIDTH, WIDTH, 3, 1)?.with_silu(),
                Conv2d::load(vb.pp("conv2"), WIDTH, dim, 3, 2)?.with_silu(),
                Conv2d::load(vb.pp("conv3"), dim, dim, 3, 1)?,
            ];
            encoders.insert(*kind, convs);
        }
        Ok(Self { encoders })
    }

    /// The kinds that this model knows.
    pub fn kinds(&self) -> impl Iterator<Item = ControlKind> {
        self.encoders.keys().copied()
    }

    /// A map (1, C, S, S) in [0, 1] → tokens (1, D, G, G); `None` if the kind is unknown.
    ///
    /// # Errors
    /// What the computation reports.
    pub fn encode(&self, kind: ControlKind, map: &Tensor) -> Result<Option<Tensor>> {
        let Some([conv0, conv1, conv2, conv3]) = self.encoders.get(&kind) else {
            return Ok(None);
        };
        let x = conv0.forward_nhwc(&pixel_unshuffle_nhwc(map, UNSHUFFLE)?)?;
        let x = conv1.forward_nhwc_add(&x, &x)?;
        let x = conv2.forward_nhwc(&x)?;
        Ok(Some(nchw_from_nhwc(&conv3.forward_nhwc_add(&x, &x)?)?))
    }
}

/// Control tokens (1 or B, D, G, G) with their strengths over the scales; adding nothing is valid.
#[derive(Debug, Clone, Default)]
pub struct ControlTokens(pub Vec<(Tensor, StrengthCurve)>);

/// The linear layers that add control tokens before some blocks.
#[derive(Debug)]
pub(super) struct Fusion {
    /// Block index and layer.
    layers: Vec<(usize, Linear)>,
    /// From the latent grid to each scale.
    resizes: Vec<GridResize>,
    dim: usize,
}

impl Fusion {
    pub(super) fn load(config: &Config, vb: &VarBuilder<'_>) -> Result<Self> {
        let dim = config.generator.dim;
        let layers = config.generator.fusion_layers.iter().enumerate();
        let layers = layers
            .map(|(idx, block)| Ok((*block, Linear::load(vb.pp("fusion").pp(idx), dim, dim)?)));
        let resizes = config
            .scales
            .iter()
            .map(|side| GridResize::area(config.latent_size(), *side, vb.device()));
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
            resizes: resizes.collect::<Result<_>>()?,
            dim,
        })
    }

    /// Sum of all control tokens at a scale: (R or 1, T or 1, D).
    pub(super) fn at_scale(
        &self,
        scale_idx: usize,
        conditions: &[&Condition],
        n_pictures: usize,
    ) -> Result<Tensor> {
        let groups: Vec<Option<Tensor>> = conditions
            .iter()
            .map(|condition| self.sum_at_scale(scale_idx, &condition.control))
            .collect::<Result<_>>()?;
        if groups.iter().all(Option::is_none) {
            return conditions[0].pooled.zeros_like(); // (1, 1, D)
        }
        let n_tokens = groups.iter().flatten().next().map_or(Ok(1), |tokens| tokens.dim(1))?;
        let shape = (n_pictures, n_tokens, self.dim);
        let rows = groups.iter().map(|group| match group {
            Some(tokens) => tokens.broadcast_as(shape),
            None => conditions[0].pooled.zeros_like()?.broadcast_as(shape),
        });
        Tensor::cat(&rows.collect::<Result<Vec<_>>>()?, 0)?.contiguous() // (R, T, D)
    }

    /// What is to be added before a block, from the control tokens of [`Self::at_scale`].
    pub(super) fn before_block(
        &self,
        block_idx: usize,
        control: &Tensor,
    ) -> Result<Option<Tensor>> {
        let layer = self.layers.iter().find(|(block, _)| *block == block_idx);
        layer.map(|(_, layer)| layer.forward(control)).transpose()
    }

    /// (1 or B, T, D); `None` where nothing has any strength.
    fn sum_at_scale(&self, scale_idx: usize, control: &ControlTokens) -> Result<Option<Tensor>> {
        let n_scales = self.resizes.len();
        let mut sum: Option<Tensor> = None;
        for (tokens, curve) in &control.0 {
            let strength = f64::from(curve.at(scale_idx, n_scales));
            if strength == 0.0 {
                continue;
            }
            let scaled = if strength == 1.0 { tokens.clone() } else { (tokens * strength)? };
            sum = Some(match sum {
                Some(sum) => sum.broadcast_add(&scaled)?,
                None => scaled,
            });
        }
        sum.map(|tokens| tokens_at(&self.resizes[scale_idx], &tokens)).transpose()
    }
}
