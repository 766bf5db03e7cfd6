//! Pictures to latents. Codes are told apart by what comes out, so its convolutions are exact.

use candle_core::{Result, Tensor};

use super::Probe;
use super::blocks::{Layers, MapAttention, Middle, Residual};
use crate::model::ops::{Conv2d, GroupNorm, nchw_from_nhwc};

#[derive(Debug)]
pub(super) struct Encoder {
    conv_in: Conv2d,
    levels: Vec<Level>,
    middle: Middle,
    norm_out: GroupNorm,
    conv_out: Conv2d,
}

#[derive(Debug)]
struct Level {
    residuals: Vec<Residual>,
    /// One behind each residual block of the last level, none elsewhere.
    attentions: Vec<MapAttention>,
    /// In all levels but the last.
    down: Option<Conv2d>,
}

impl Encoder {
    pub(super) fn load(layers: &Layers<'_>) -> Result<Self> {
        let config = layers.config;
        let n_levels = config.encoder_ch_mult.len();
        let mut channels = config.ch;
        let mut levels = Vec::with_capacity(n_levels);
        for (i, factor) in config.encoder_ch_mult.iter().enumerate() {
            let out = config.ch * factor;
            let is_last = i + 1 == n_levels;
            let mut level = Level { residuals: Vec::new(), attentions: Vec::new(), down: None };
            for j in 0..config.num_res_blocks {
                let name = format!("conv_blocks.{i}.res.{j}");
                level.residuals.push(layers.residual(&name, (channels, out))?);
                channels = out;
                if is_last {
                    let name = format!("conv_blocks.{i}.attn.{j}");
                    level.attentions.push(layers.attention(&name, channels)?);
                }
            }
            if !is_last {
                let name = format!("conv_blocks.{i}.downsample.conv");
                level.down = Some(layers.conv3(&name, (channels, channels), 2)?);
            }
            levels.push(level);
        }
        Ok(Self {
            conv_in: layers.conv3("conv_in", (3, config.ch), 1)?,
            levels,
            middle: Middle::load(layers, channels)?,
            norm_out: layers.norm("norm_out", channels)?,
            conv_out: layers.conv3("conv_out", (channels, config.z_channels), 1)?,
        })
    }

    /// (B, H, W, 3) → (B, h, w, Z).
    pub(super) fn forward(&self, pictures: &Tensor, probe: &mut Probe<'_>) -> Result<Tensor> {
        let mut x = self.conv_in.forward_nhwc(pictures)?;
        probe.see_map("conv_in", &x)?;
        for (i, level) in self.levels.iter().enumerate() {
            for (j, residual) in level.residuals.iter().enumerate() {
                x = residual.forward(&x)?;
                probe.see_map(format_args!("conv_blocks.{i}.res.{j}"), &x)?;
                if let Some(attention) = level.attentions.get(j) {
                    x = attention.forward(&x)?;
                    probe.see_map(format_args!("conv_blocks.{i}.attn.{j}"), &x)?;
                }
            }
            if let Some(down) = &level.down {
                x = halve(down, &x)?;
                probe.see_map(format_args!("conv_blocks.{i}.downsample"), &x)?;
            }
        }
        x = self.middle.forward(&x, probe)?;
        probe.see_with("norm_out", || nchw_from_nhwc(&self.norm_out.forward_nhwc(&x)?))?;
        let x = self.conv_out.forward_nhwc(&self.norm_out.forward_nhwc_silu(&x)?)?;
        probe.see_map("conv_out", &x)?;
        Ok(x)
    }
}

/// A 3×3 convolution of stride 2 whose padding is one row below and one column to the right. Ours
/// pads all around: one more row and column of zeros on either side shift its outputs by one.
fn halve(down: &Conv2d, x: &Tensor) -> Result<Tensor> {
    let padded = x.pad_with_zeros(1, 1, 1)?.pad_with_zeros(2, 1, 1)?;
    let y = down.forward_nhwc(&padded)?;
    let (_, height, width, _) = x.dims4()?;
    y.narrow(1, 1, height / 2)?.narrow(2, 1, width / 2)?.contiguous()
}
