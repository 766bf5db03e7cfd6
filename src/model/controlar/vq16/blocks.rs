//! What encoder and decoder are made of. Maps are channels-last, (B, H, W, C).

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use crate::model::controlar::config::Vq16Config;
use crate::model::ops::{Attention, Conv2d, GroupNorm, Linear};

/// Loads the layers of one network.
pub(super) struct Layers<'a> {
    pub(super) config: &'a Vq16Config,
    vb: VarBuilder<'a>,
    is_plain: bool,
}

impl<'a> Layers<'a> {
    /// Convolutions as fast as they can be.
    pub(super) fn fast(config: &'a Vq16Config, vb: VarBuilder<'a>) -> Self {
        Self { config, vb, is_plain: false }
    }

    /// Convolutions as exact as they can be, so that close codes are told apart.
    pub(super) fn plain(config: &'a Vq16Config, vb: VarBuilder<'a>) -> Self {
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

    pub(super) fn norm(&self, name: &str, channels: usize) -> Result<GroupNorm> {
        let Vq16Config { norm_groups, norm_eps, .. } = *self.config;
        GroupNorm::load(self.vb.pp(name), channels, norm_groups, norm_eps)
    }

    pub(super) fn residual(&self, name: &str, channels: (usize, usize)) -> Result<Residual> {
        let layers = self.pp(name);
        let (from, to) = channels;
        let shortcut = if from == to {
            None
        } else {
            Some(pointwise(&layers.vb.pp("nin_shortcut"), from, to)?)
        };
        Ok(Residual {
            norm1: layers.norm("norm1", from)?,
            conv1: layers.conv3("conv1", (from, to), 1)?,
            norm2: layers.norm("norm2", to)?,
            conv2: layers.conv3("conv2", (to, to), 1)?,
            shortcut,
        })
    }

    pub(super) fn attention(&self, name: &str, channels: usize) -> Result<MapAttention> {
        let layers = self.pp(name);
        let part = |name: &str| {
            let vb = layers.vb.pp(name);
            let weight = vb.get((channels, channels, 1, 1), "weight")?;
            Ok((weight.reshape((channels, channels))?, vb.get(channels, "bias")?))
        };
        let parts = ["q", "k", "v"].into_iter().map(part).collect::<Result<Vec<_>>>()?;
        let (weights, biases): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        Ok(MapAttention {
            norm: layers.norm("norm", channels)?,
            qkv: Linear::new(&Tensor::cat(&weights, 0)?, Some(&Tensor::cat(&biases, 0)?))?,
            head: Attention::without_norms(1, channels, self.vb.device())?,
            out: pointwise(&layers.vb.pp("proj_out"), channels, channels)?,
        })
    }
}

/// A 1×1 convolution, which is a linear layer of channels-last maps.
pub(super) fn pointwise(vb: &VarBuilder<'_>, from: usize, to: usize) -> Result<Linear> {
    let weight = vb.get((to, from, 1, 1), "weight")?.reshape((to, from))?;
    Linear::new(&weight, Some(&vb.get(to, "bias")?))
}

/// `shortcut(x) + conv2(silu(norm2(conv1(silu(norm1(x))))))`.
#[derive(Debug)]
pub(super) struct Residual {
    norm1: GroupNorm,
    conv1: Conv2d,
    norm2: GroupNorm,
    conv2: Conv2d,
    /// Where the channels change.
    shortcut: Option<Linear>,
}

impl Residual {
    /// (B, H, W, C) → (B, H, W, C').
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut y = self.conv1.forward_nhwc(&self.norm1.forward_nhwc_silu(x)?)?;
        // Assigned, not bound anew, so that the largest maps are let go at once.
        y = self.norm2.forward_nhwc_silu(&y)?;
        match &self.shortcut {
            Some(shortcut) => self.conv2.forward_nhwc_add(&y, &shortcut.forward(x)?),
            None => self.conv2.forward_nhwc_add(&y, x),
        }
    }
}

/// Self-attention with one head over all cells of a map, with residual.
#[derive(Debug)]
pub(super) struct MapAttention {
    norm: GroupNorm,
    qkv: Linear,
    head: Attention,
    out: Linear,
}

impl MapAttention {
    /// (B, H, W, C) → (B, H, W, C).
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let qkv = self.qkv.forward(&self.norm.forward_nhwc(x)?)?;
        let attended = self.head.within(&qkv.flatten(1, 2)?)?; // (B, T, C)
        self.out.forward_add(&attended.reshape(x.dims())?, x, None)
    }
}

/// Residual, attention, residual at the lowest resolution.
#[derive(Debug)]
pub(super) struct Middle {
    first: Residual,
    attention: MapAttention,
    second: Residual,
}

impl Middle {
    pub(super) fn load(layers: &Layers<'_>, channels: usize) -> Result<Self> {
        Ok(Self {
            first: layers.residual("mid.0", (channels, channels))?,
            attention: layers.attention("mid.1", channels)?,
            second: layers.residual("mid.2", (channels, channels))?,
        })
    }

    /// (B, H, W, C) → (B, H, W, C).
    pub(super) fn forward(&self, x: &Tensor, probe: &mut super::Probe<'_>) -> Result<Tensor> {
        let x = self.first.forward(x)?;
        probe.see_map("mid.0", &x)?;
        let x = self.attention.forward(&x)?;
        probe.see_map("mid.1", &x)?;
        let x = self.second.forward(&x)?;
        probe.see_map("mid.2", &x)?;
        Ok(x)
    }
}
