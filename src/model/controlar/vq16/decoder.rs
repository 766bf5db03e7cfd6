//! Latents to pictures. This is what every preview costs, so it takes the fast convolutions.

use candle_core::{Result, Tensor};

use super::Probe;
use super::blocks::{Layers, MapAttention, Middle, Residual};
use crate::model::ops::{Conv2d, GroupNorm, nchw_from_nhwc};

#[derive(Debug)]
pub(super) struct Decoder {
    conv_in: Conv2d,
    middle: Middle,
    /// From the lowest resolution upwards.
    levels: Vec<Level>,
    norm_out: GroupNorm,
    conv_out: Conv2d,
}

#[derive(Debug)]
struct Level {
    residuals: Vec<Residual>,
    /// One behind each residual block of the first level, none elsewhere.
    attentions: Vec<MapAttention>,
    /// In all levels but the last.
    up: Option<Conv2d>,
}

impl Decoder {
    pub(super) fn load(layers: &Layers<'_>) -> Result<Self> {
        let config = layers.config;
        let n_levels = config.decoder_ch_mult.len();
        let widths: Vec<usize> =
            config.decoder_ch_mult.iter().rev().map(|factor| config.ch * factor).collect();
        let mut channels = widths[0];
        let conv_in = layers.conv3("conv_in", (config.z_channels, channels), 1)?;
        let middle = Middle::load(layers, channels)?;
        let mut levels = Vec::with_capacity(n_levels);
        for (i, out) in widths.iter().enumerate() {
            let mut level = Level { residuals: Vec::new(), attentions: Vec::new(), up: None };
            for j in 0..=config.num_res_blocks {
                let name = format!("conv_blocks.{i}.res.{j}");
                level.residuals.push(layers.residual(&name, (channels, *out))?);
                channels = *out;
                if i == 0 {
                    let name = format!("conv_blocks.{i}.attn.{j}");
                    level.attentions.push(layers.attention(&name, channels)?);
                }
            }
            if i + 1 < n_levels {
                let name = format!("conv_blocks.{i}.upsample.conv");
                level.up = Some(layers.conv3(&name, (channels, channels), 1)?);
            }
            levels.push(level);
        }
        Ok(Self {
            conv_in,
            middle,
            levels,
            norm_out: layers.norm("norm_out", channels)?,
            conv_out: layers.conv3("conv_out", (channels, 3), 1)?,
        })
    }

    /// (B, h, w, Z) → (B, H, W, 3), about [−1, 1].
    pub(super) fn forward(&self, latents: &Tensor, probe: &mut Probe<'_>) -> Result<Tensor> {
        let mut x = self.conv_in.forward_nhwc(latents)?;
        probe.see_map("conv_in", &x)?;
        x = self.middle.forward(&x, probe)?;
        for (i, level) in self.levels.iter().enumerate() {
            for (j, residual) in level.residuals.iter().enumerate() {
                x = residual.forward(&x)?;
                probe.see_map(format_args!("conv_blocks.{i}.res.{j}"), &x)?;
                if let Some(attention) = level.attentions.get(j) {
                    x = attention.forward(&x)?;
                    probe.see_map(format_args!("conv_blocks.{i}.attn.{j}"), &x)?;
                }
            }
            if let Some(up) = &level.up {
                x = up.forward_nhwc(&doubled(&x)?)?;
                probe.see_map(format_args!("conv_blocks.{i}.upsample"), &x)?;
            }
        }
        probe.see_with("norm_out", || nchw_from_nhwc(&self.norm_out.forward_nhwc(&x)?))?;
        self.conv_out.forward_nhwc(&self.norm_out.forward_nhwc_silu(&x)?)
    }
}

/// Each pixel four times: (B, H, W, C) → (B, 2H, 2W, C).
fn doubled(x: &Tensor) -> Result<Tensor> {
    let (batch, height, width, channels) = x.dims4()?;
    x.reshape((batch, height, 1, width, channels))?
        .broadcast_as((batch, height, 2, width, channels))?
        .contiguous()?
        .reshape((batch, 2 * height, width, 1, channels))?
        .broadcast_as((batch, 2 * height, width, 2, channels))?
        .contiguous()?
        .reshape((batch, 2 * height, 2 * width, channels))
}
