//! Pictures to latents.

use candle_core::{Result, Tensor};

use super::blocks::{IMAGE_CHANNELS, Layers, MapAttention, Residual};
use crate::model::ops::{Conv2d, GroupNorm, nchw_from_nhwc, pixel_unshuffle_nhwc};

#[derive(Debug)]
pub(super) struct Encoder {
    patch: usize,
    stem: Conv2d,
    stage0: Residual,
    down0: Conv2d,
    stage1: [Residual; 2],
    down1: Conv2d,
    stage2: (Residual, MapAttention, Residual),
    norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Encoder {
    pub(super) fn load(layers: &Layers<'_>) -> Result<Self> {
        let config = layers.config;
        let [c0, c1, c2] = config.channels;
        Ok(Self {
            patch: config.patch,
            stem: layers.conv3("stem", (IMAGE_CHANNELS * config.patch * config.patch, c0), 1)?,
            stage0: layers.residual("stage0.block0", c0)?,
            down0: layers.conv3("down0", (c0, c1), 2)?,
            stage1: [layers.residual("stage1.block0", c1)?, layers.residual("stage1.block1", c1)?],
            down1: layers.conv3("down1", (c1, c2), 2)?,
            stage2: (
                layers.residual("stage2.block0", c2)?,
                layers.attention("stage2.attn", c2)?,
                layers.residual("stage2.block1", c2)?,
            ),
            norm_out: layers.norm("norm_out", c2)?,
            conv_out: layers.conv1("conv_out", (c2, config.latent_channels))?,
        })
    }

    /// Pictures (B, 4, S, S) in [0, 1] → (B, C, G, G).
    pub(super) fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        let x = pixel_unshuffle_nhwc(&pictures.affine(2.0, -1.0)?, self.patch)?;
        let x = self.stage0.forward(&self.stem.forward_nhwc(&x)?)?;
        let mut x = self.down0.forward_nhwc(&x)?;
        for block in &self.stage1 {
            x = block.forward(&x)?;
        }
        let (block0, attention, block1) = &self.stage2;
        let x = block0.forward(&self.down1.forward_nhwc(&x)?)?;
        let x = block1.forward(&attention.forward(&x)?)?;
        nchw_from_nhwc(&self.conv_out.forward_nhwc(&self.norm_out.forward_nhwc_silu(&x)?)?)
    }
}
