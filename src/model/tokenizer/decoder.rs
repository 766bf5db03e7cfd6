//! Latents to pictures. This is what every preview costs, so it takes the fast convolutions.

use candle_core::{Result, Tensor};

use super::blocks::{IMAGE_CHANNELS, Layers, MapAttention, Residual};
use crate::model::ops::{
    Conv2d, GroupNorm, nhwc_from_nchw, pictures_from_nhwc, pixel_shuffle_nhwc,
};

/// Factor by which a stage is larger than the one before.
const UPSCALE: usize = 2;

#[derive(Debug)]
pub(super) struct Decoder {
    patch: usize,
    conv_in: Conv2d,
    stage0: (Residual, MapAttention, Residual),
    up0: Conv2d,
    stage1: [Residual; 2],
    up1: Conv2d,
    stage2: [Residual; 2],
    norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Decoder {
    pub(super) fn load(layers: &Layers<'_>) -> Result<Self> {
        let config = layers.config;
        let [c2, c1, c0] = config.channels;
        let cells = UPSCALE * UPSCALE;
        Ok(Self {
            patch: config.patch,
            conv_in: layers.conv3("conv_in", (config.latent_channels, c0), 1)?,
            stage0: (
                layers.residual("stage0.block0", c0)?,
                layers.attention("stage0.attn", c0)?,
                layers.residual("stage0.block1", c0)?,
            ),
            up0: layers.conv3("up0", (c0, cells * c1), 1)?,
            stage1: [layers.residual("stage1.block0", c1)?, layers.residual("stage1.block1", c1)?],
            up1: layers.conv3("up1", (c1, cells * c2), 1)?,
            stage2: [layers.residual("stage2.block0", c2)?, layers.residual("stage2.block1", c2)?],
            norm_out: layers.norm("norm_out", c2)?,
            conv_out: layers.conv3(
                "conv_out",
                (c2, IMAGE_CHANNELS * config.patch * config.patch),
                1,
            )?,
        })
    }

    /// (B, C, G, G) → pictures (B, 4, S, S) in [0, 1].
    pub(super) fn forward(&self, latents: &Tensor) -> Result<Tensor> {
        let (block0, attention, block1) = &self.stage0;
        let x = self.conv_in.forward_nhwc(&nhwc_from_nchw(latents)?)?;
        let x = block1.forward(&attention.forward(&block0.forward(&x)?)?)?;
        let mut x = pixel_shuffle_nhwc(&self.up0.forward_nhwc(&x)?, UPSCALE)?;
        for block in &self.stage1 {
            x = block.forward(&x)?;
        }
        let mut x = pixel_shuffle_nhwc(&self.up1.forward_nhwc(&x)?, UPSCALE)?;
        for block in &self.stage2 {
            x = block.forward(&x)?;
        }
        let x = self.conv_out.forward_nhwc(&self.norm_out.forward_nhwc_silu(&x)?)?;
        pictures_from_nhwc(&x, self.patch)
    }
}
