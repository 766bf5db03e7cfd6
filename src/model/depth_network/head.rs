//! The head of the depth network: features of four blocks, joined coarse to fine into one map
//! (`DPTHead` of Depth-Anything-V2; field names follow its tensors).
//!
//! Letters in shapes: g side of the patch grid, C channels of a tap, F features. Maps are NHWC.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use super::Architecture;
use crate::model::ops::{Conv2d, Linear, pixel_shuffle_nhwc};

/// Channels between the last two layers.
const LAST_WIDTH: usize = 32;

#[derive(Debug)]
pub(super) struct Head {
    projects: Vec<Linear>,
    /// Transposed convolutions whose kernel is their stride: 4 and 2.
    enlarge: [Enlarge; 2],
    shrink: Conv2d,
    /// `scratch.layer1_rn` and so on.
    narrow: Vec<Conv2d>,
    /// `scratch.refinenet1` and so on.
    refine: Vec<Refine>,
    output_conv1: Conv2d,
    output_conv2: [Conv2d; 2],
}

/// A transposed convolution without overlap: each cell becomes f × f of its own.
#[derive(Debug)]
struct Enlarge {
    linear: Linear,
    factor: usize,
}

#[derive(Debug)]
struct Refine {
    /// None in the coarsest, which has nothing finer to add.
    beside: Option<ResidualUnit>,
    unit: ResidualUnit,
    out_conv: Conv2d,
}

#[derive(Debug)]
struct ResidualUnit {
    conv1: Conv2d,
    conv2: Conv2d,
}

impl Head {
    /// `vb` stands at the prefix `depth_head`.
    pub(super) fn load(architecture: &Architecture, vb: &VarBuilder<'_>) -> Result<Self> {
        let &Architecture { dim, tap_channels: channels, n_features, .. } = architecture;
        let resize = vb.pp("resize_layers");
        let scratch = vb.pp("scratch");
        let projects = channels.iter().enumerate().map(|(idx, channels)| {
            let vb = vb.pp("projects").pp(idx);
            let weight = vb.get((*channels, dim, 1, 1), "weight")?.reshape((*channels, dim))?;
            Linear::new(&weight, Some(&vb.get(*channels, "bias")?))
        });
        let narrow = channels.iter().enumerate().map(|(idx, channels)| {
            Conv2d::load(scratch.pp(format!("layer{}_rn", idx + 1)), *channels, n_features, 3, 1)
        });
        let refine = (1..=channels.len()).map(|number| {
            let vb = scratch.pp(format!("refinenet{number}"));
            let unit = |name: &str| ResidualUnit::load(&vb.pp(name), n_features);
            let is_coarsest = number == channels.len();
            Ok(Refine {
                beside: if is_coarsest { None } else { Some(unit("resConfUnit1")?) },
                unit: unit("resConfUnit2")?,
                out_conv: Conv2d::load(vb.pp("out_conv"), n_features, n_features, 1, 1)?,
            })
        });
        let last = scratch.pp("output_conv2");
        Ok(Self {
            projects: projects.collect::<Result<_>>()?,
            enlarge: [
                Enlarge::load(&resize.pp(0), channels[0], 4)?,
                Enlarge::load(&resize.pp(1), channels[1], 2)?,
            ],
            shrink: Conv2d::load(resize.pp(3), channels[3], channels[3], 3, 2)?,
            narrow: narrow.collect::<Result<_>>()?,
            refine: refine.collect::<Result<_>>()?,
            output_conv1: Conv2d::load(
                scratch.pp("output_conv1"),
                n_features,
                n_features / 2,
                3,
                1,
            )?,
            output_conv2: [
                Conv2d::load(last.pp(0), n_features / 2, LAST_WIDTH, 3, 1)?,
                Conv2d::load(last.pp(2), LAST_WIDTH, 1, 1, 1)?,
            ],
        })
    }

    /// Features (4, 1, g², D) of the tapped blocks → depths (1, `size_px`, `size_px`, 1), not
    /// negative, larger where nearer.
    pub(super) fn forward(&self, features: &Tensor, grid: usize, size_px: usize) -> Result<Tensor> {
        let mut maps = Vec::with_capacity(self.projects.len());
        for (idx, project) in self.projects.iter().enumerate() {
            let map = project.forward(&features.get(idx)?)?; // (1, g², C)
            let map = map.reshape((1, grid, grid, ()))?;
            let map = match idx {
                0 | 1 => self.enlarge[idx].forward(&map)?,
                2 => map,
                _ => self.shrink.forward_nhwc(&map)?,
            };
            maps.push(self.narrow[idx].forward_nhwc(&map)?);
        }
        // From the coarsest to the finest; each is enlarged to the side of the next.
        let mut path: Option<Tensor> = None;
        for (idx, (refine, map)) in self.refine.iter().zip(&maps).enumerate().rev() {
            let side = if idx == 0 { 2 * map.dim(1)? } else { maps[idx - 1].dim(1)? };
            path = Some(refine.forward(path.as_ref(), map, side)?);
        }
        let path = path.expect("there are four maps");
        let x = bilinear(&self.output_conv1.forward_nhwc(&path)?, size_px)?;
        let x = self.output_conv2[0].forward_nhwc(&x)?.relu()?;
        self.output_conv2[1].forward_nhwc(&x)?.relu()
    }
}

impl Enlarge {
    fn load(vb: &VarBuilder<'_>, channels: usize, factor: usize) -> Result<Self> {
        let weight = vb.get((channels, channels, factor, factor), "weight")?; // (I, O, f, f)
        let weight =
            weight.permute((1, 2, 3, 0))?.reshape((channels * factor * factor, channels))?;
        let bias = vb.get(channels, "bias")?.unsqueeze(1)?;
        let bias = bias.broadcast_as((channels, factor * factor))?.flatten_all()?;
        Ok(Self { linear: Linear::new(&weight, Some(&bias))?, factor })
    }

    /// (B, H, W, C) → (B, H · f, W · f, C)
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        pixel_shuffle_nhwc(&self.linear.forward(x)?, self.factor)
    }
}

impl Refine {
    /// Joins what came from the coarser maps with this one, and enlarges it to `side`.
    fn forward(&self, coarser: Option<&Tensor>, map: &Tensor, side: usize) -> Result<Tensor> {
        let x = match (coarser, &self.beside) {
            (Some(coarser), Some(beside)) => (coarser + beside.forward(map)?)?,
            _ => map.clone(),
        };
        // The reference enlarges first. Both are linear, and the weights of an interpolation add
        // up to 1, so the order does not matter but for the time.
        bilinear(&self.out_conv.forward_nhwc(&self.unit.forward(&x)?)?, side)
    }
}

impl ResidualUnit {
    fn load(vb: &VarBuilder<'_>, n_features: usize) -> Result<Self> {
        let conv = |name: &str| Conv2d::load(vb.pp(name), n_features, n_features, 3, 1);
        Ok(Self { conv1: conv("conv1")?, conv2: conv("conv2")? })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.conv1.forward_nhwc(&x.relu()?)?.relu()?;
        self.conv2.forward_nhwc_add(&y, x)
    }
}

/// (B, H, W, C) → (B, side, side, C), as `F.interpolate(mode="bilinear", align_corners=True)`.
pub(super) fn bilinear(x: &Tensor, side: usize) -> Result<Tensor> {
    lerp_along(&lerp_along(x, 1, side)?, 2, side)
}

fn lerp_along(x: &Tensor, axis: usize, to: usize) -> Result<Tensor> {
    let from = x.dim(axis)?;
    if from == to {
        return Ok(x.clone());
    }
    let step = if to > 1 { (from - 1) as f64 / (to - 1) as f64 } else { 0.0 };
    let pos: Vec<f64> = (0..to).map(|idx| idx as f64 * step).collect();
    // The last position may be rounded to beyond the last cell.
    let first = |pos: &f64| (pos.floor() as u32).min(from as u32 - 1);
    let device = x.device();
    let before = Tensor::from_iter(pos.iter().map(first), device)?;
    let after = Tensor::from_iter(pos.iter().map(|p| (first(p) + 1).min(from as u32 - 1)), device)?;
    let share = pos.iter().map(|p| (p - f64::from(first(p))) as f32);
    let mut shape = vec![1; 4];
    shape[axis] = to;
    let share = Tensor::from_iter(share, device)?.reshape(shape)?;
    let before = x.index_select(&before, axis)?;
    let after = x.index_select(&after, axis)?;
    &before + (after - &before)?.broadcast_mul(&share)?
}
