//! What encoder and decoder are made of. Maps are channels-last, (B, H, W, C).

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use crate::model::config::TokenizerConfig;
use crate::model::ops::{Attention, Conv2d, GroupNorm};

/// Channels of a picture: premultiplied red, green and blue, and alpha.
pub(super) const IMAGE_CHANNELS: usize = 4;

/// Loads the layers of one network.
pub(super) struct Layers<'a> {
    pub(super) config: &'a TokenizerConfig,
    vb: VarBuilder<'a>,
    is_plain: bool,
}

impl<'a> Layers<'a> {
    /// Convolutions as fast as they can be.
    pub(super) fn fast(config: &'a TokenizerConfig, vb: VarBuilder<'a>) -> Self {
        Self { config, vb, is_plain: false }
    }

    /// Convolutions as exact as they can be, and smaller in memory.
    pub(super) fn plain(config: &'a TokenizerConfig, vb: VarBuilder<'a>) -> Self {
        Self { config, vb, is_plain: true }
    }

    fn pp(&self, name: &str) -> Self {
        Self { config: self.config, vb: self.vb.pp(name), is_plain: self.is_plain }
    }

    /// A 3×3 convolution.
    pub(super) fn conv3(
        &self,
        name: &str,
        channels: (usize, usize),
        stride: usize,
    ) -> Result<Conv2d> {
        let load = if self.is_plain { Conv2d::load_plain } else { Conv2d::load };
        load(self.vb.pp(name), channels.0, channels.1, 3, stride)
    }

    /// A 1×1 convolution.
    pub(super) fn conv1(&self, name: &str, channels: (usize, usize)) -> Result<Conv2d> {
        Conv2d::load(self.vb.pp(name), channels.0, channels.1, 1, 1)
    }

    pub(super) fn norm(&self, name: &str, channels: usize) -> Result<GroupNorm> {
        let n_groups = self.config.group_norm_groups.min(channels / 4);
        GroupNorm::load(self.vb.pp(name), channels, n_groups, self.config.group_norm_eps)
    }

    pub(super) fn residual(&self, name: &str, channels: usize) -> Result<Residual> {
        let layers = self.pp(name);
        Ok(Residual {
            norm1: layers.norm("norm1", channels)?,
            conv1: layers.conv3("conv1", (channels, channels), 1)?,
            norm2: layers.norm("norm2", channels)?,
            conv2: layers.conv3("conv2", (channels, channels), 1)?,
        })
    }

    pub(super) fn attention(&self, name: &str, channels: usize) -> Result<MapAttention> {
        let layers = self.pp(name);
        let n_heads = self.config.attention_heads;
        Ok(MapAttention {
            norm: layers.norm("norm", channels)?,
            qkv: layers.conv1("qkv", (channels, 3 * channels))?,
            heads: Attention::without_norms(n_heads, channels / n_heads, self.vb.device())?,
            out: layers.conv1("out", (channels, channels))?,
        })
    }
}

/// `x + conv2(silu(norm2(conv1(silu(norm1(x))))))`.
#[derive(Debug)]
pub(super) struct Residual {
    norm1: GroupNorm,
    conv1: Conv2d,
    norm2: GroupNorm,
    conv2: Conv2d,
}

impl Residual {
    /// (B, H, W, C) → (B, H, W, C).
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.conv1.forward_nhwc(&self.norm1.forward_nhwc_silu(x)?)?;
        self.conv2.forward_nhwc_add(&self.norm2.forward_nhwc_silu(&y)?, x)
    }
}

/// Self-attention over all cells of a map, with residual.
#[derive(Debug)]
pub(super) struct MapAttention {
    norm: GroupNorm,
    qkv: Conv2d,
    heads: Attention,
    out: Conv2d,
}

impl MapAttention {
    /// (B, H, W, C) → (B, H, W, C).
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let qkv = self.qkv.forward_nhwc(&self.norm.forward_nhwc(x)?)?;
        let attended = self.heads.within(&qkv.flatten(1, 2)?)?; // (B, T, C)
        self.out.forward_nhwc_add(&attended.reshape(x.dims())?, x)
    }
}
