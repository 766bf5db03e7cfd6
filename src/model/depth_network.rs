//! How near each part of any picture is, by Depth-Anything-V2 (Yang et al. 2024). Optional: its
//! weights are not part of the program, and are used if the user has put them into a folder.
//!
//! Looked for, small network first, are `depth_anything_v2_vits.safetensors`, `…_vitb.…` and
//! `…_vitl.…`, in one of two layouts:
//! - as published, with the tensors `pretrained.*` and `depth_head.*`;
//! - as candle's example takes them: `depth_head.*` alone, and beside it the backbone as
//!   `dinov2_vits14.safetensors` (`vitb14`, `vitl14`).
//!
//! The backbone is candle's. The head is ours: candle's enlarges to the nearest cell, where the
//! [reference](https://github.com/DepthAnything/Depth-Anything-V2/blob/main/depth_anything_v2/dpt.py)
//! interpolates, and pads its last layer.

mod head;

use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Shape, Tensor};
use candle_nn::VarBuilder;
use candle_nn::var_builder::SimpleBackend;
use candle_transformers::models::dinov2::DinoVisionTransformer;

use self::head::Head;
use super::ModelError;
use super::weights::Weights;
use crate::imaging::background::over_contrast;
use crate::imaging::resample::{self, Filter, Premultiplied, Region, to_straight};
use crate::imaging::{ControlMap, RgbaImage};
use crate::params::ControlKind;

/// Side of the pictures that the backbone's positions are for, and of its patches.
const INPUT_PX: usize = 518;
const PATCH_PX: usize = 14;
/// Mean and standard deviation of red, green and blue in `ImageNet`.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];
/// A difference of raw depths that is none: the picture is flat.
const FLAT: f32 = 1e-6;

/// Weights that were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepthFiles {
    size: NetworkSize,
    network: PathBuf,
    /// Beside it; needed only if the network's file is the head alone.
    backbone: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NetworkSize {
    Small,
    Base,
    Large,
}

/// Dimensions of a network.
#[derive(Debug, Clone, Copy)]
struct Architecture {
    dim: usize,
    depth: usize,
    n_heads: usize,
    /// Blocks whose outputs the head reads, and the channels it makes of each.
    taps: [usize; 4],
    tap_channels: [usize; 4],
    n_features: usize,
}

/// The first weights there are, small networks before large ones, in the order of the folders.
pub fn find(folders: &[PathBuf]) -> Option<DepthFiles> {
    let sizes = [NetworkSize::Small, NetworkSize::Base, NetworkSize::Large];
    sizes.into_iter().find_map(|size| {
        folders.iter().find_map(|folder| {
            let letter = size.letter();
            let network = folder.join(format!("depth_anything_v2_vit{letter}.safetensors"));
            let backbone = folder.join(format!("dinov2_vit{letter}14.safetensors"));
            network.is_file().then_some(DepthFiles { size, network, backbone })
        })
    })
}

impl DepthFiles {
    /// The file that made it count as found.
    pub fn path(&self) -> &Path {
        &self.network
    }
}

impl NetworkSize {
    fn letter(self) -> char {
        match self {
            Self::Small => 's',
            Self::Base => 'b',
            Self::Large => 'l',
        }
    }

    fn architecture(self) -> Architecture {
        match self {
            Self::Small => Architecture {
                dim: 384,
                depth: 12,
                n_heads: 6,
                taps: [2, 5, 8, 11],
                tap_channels: [48, 96, 192, 384],
                n_features: 64,
            },
            Self::Base => Architecture {
                dim: 768,
                depth: 12,
                n_heads: 12,
                taps: [2, 5, 8, 11],
                tap_channels: [96, 192, 384, 768],
                n_features: 128,
            },
            Self::Large => Architecture {
                dim: 1024,
                depth: 24,
                n_heads: 16,
                taps: [4, 11, 17, 23],
                tap_channels: [256, 512, 1024, 1024],
                n_features: 256,
            },
        }
    }
}

/// The loaded network.
#[derive(Debug)]
pub struct DepthNetwork {
    backbone: DinoVisionTransformer,
    head: Head,
    taps: [usize; 4],
    device: Device,
}

impl DepthNetwork {
    /// Reads the weights whole; takes seconds.
    ///
    /// # Errors
    /// [`ModelError`] naming the file, or the tensor that is missing or has another shape.
    pub fn load(files: &DepthFiles, device: &Device) -> Result<Self, ModelError> {
        Self::load_as(&files.size.architecture(), files, device)
    }

    fn load_as(
        architecture: &Architecture,
        files: &DepthFiles,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let network = Weights::read(&files.network)?;
        let is_whole = network.tensors().any(|(name, _)| name.starts_with("pretrained."));
        let head = network.var_builder(device).pp("depth_head");
        let (backbone, prefix) = if is_whole {
            (network, "pretrained")
        } else if files.backbone.is_file() {
            (Weights::read(&files.backbone)?, "")
        } else {
            let name = files.backbone.file_name().unwrap_or_default().display();
            let reason = format!("its backbone is missing; put {name} beside it");
            return Err(ModelError::DepthNetwork { reason });
        };
        let backend: Box<dyn SimpleBackend> = Box::new(WithoutClassifier(backbone));
        let backbone = VarBuilder::from_backend(backend, DType::F32, device.clone());
        let backbone = if prefix.is_empty() { backbone } else { backbone.pp(prefix) };
        Self::new(architecture, backbone, &head)
    }

    fn new(
        architecture: &Architecture,
        backbone: VarBuilder<'_>,
        head: &VarBuilder<'_>,
    ) -> Result<Self, ModelError> {
        let &Architecture { dim, depth, n_heads, taps, .. } = architecture;
        let device = head.device().clone();
        let backbone = DinoVisionTransformer::new(backbone, depth, dim, n_heads)?;
        Ok(Self { backbone, head: Head::load(architecture, head)?, taps, device })
    }

    /// A depth map of `size_px` from a picture of any size: 1 is the nearest part of it, 0 the
    /// farthest. Its aspect is kept, and the rest and what is transparent is 0. A picture without
    /// depth is all 0. Takes seconds on a processor.
    ///
    /// # Errors
    /// What the computation reports, and [`ModelError::DepthNetwork`] if that is not finite.
    ///
    /// # Panics
    /// If `size_px` is 0.
    pub fn estimate(&self, picture: &RgbaImage, size_px: usize) -> Result<ControlMap, ModelError> {
        assert!(size_px > 0, "a map has pixels");
        let mut map = vec![0.0; size_px * size_px];
        if picture.width() > 0 && picture.height() > 0 {
            let fitted = Fitted::new(picture);
            let depths = self.raw_depths(&fitted)?;
            let nearness = fitted.nearness(&depths);
            let (width, height) =
                resample::fitted_size(fitted.width as u32, fitted.height as u32, size_px);
            let small = area_means(&nearness, (fitted.width, fitted.height), (width, height));
            let (left, top) = ((size_px - width) / 2, (size_px - height) / 2);
            for (row, values) in small.chunks_exact(width).enumerate() {
                map[(top + row) * size_px + left..][..width].copy_from_slice(values);
            }
        }
        Ok(ControlMap::new(ControlKind::Depth, size_px, map).expect("one value for each pixel"))
    }

    /// What the network says of the picture's own pixels: larger is nearer.
    fn raw_depths(&self, fitted: &Fitted) -> Result<Vec<f32>, ModelError> {
        let shape = (1, 3, INPUT_PX, INPUT_PX);
        let input = Tensor::from_vec(fitted.planes(), shape, &self.device)?;
        let features =
            self.backbone.get_intermediate_layers(&input, &self.taps, false, false, true)?;
        let depths = self.head.forward(&features, INPUT_PX / PATCH_PX, INPUT_PX)?;
        let depths: Vec<f32> = depths.flatten_all()?.to_vec1()?;
        if depths.iter().any(|depth| !depth.is_finite()) {
            let reason = "it gives numbers that are not finite; its weights may be damaged";
            return Err(ModelError::DepthNetwork { reason: reason.to_owned() });
        }
        Ok((0..fitted.width * fitted.height).map(|idx| depths[fitted.place(idx)]).collect())
    }
}

/// A picture at the size of the network's input, of which it may leave parts free.
struct Fitted {
    width: usize,
    height: usize,
    pixels: Vec<Premultiplied>,
}

impl Fitted {
    /// The picture has pixels.
    fn new(picture: &RgbaImage) -> Self {
        let (width, height) = resample::fitted_size(picture.width(), picture.height(), INPUT_PX);
        let region = Region::whole(picture);
        let pixels = resample::resize(picture, region, (width, height), Filter::Sharp);
        Self { width, height, pixels }
    }

    /// Where a pixel lies in the input.
    fn place(&self, idx: usize) -> usize {
        let (left, top) = ((INPUT_PX - self.width) / 2, (INPUT_PX - self.height) / 2);
        (top + idx / self.width) * INPUT_PX + left + idx % self.width
    }

    /// Normalised red, green and blue. Beside the picture its rim is repeated, so that there is no
    /// edge which could be taken for one of things.
    fn planes(&self) -> Vec<f32> {
        let bytes = self.pixels.iter().flat_map(|pixel| to_straight(*pixel)).collect();
        let straight = RgbaImage::from_raw(self.width as u32, self.height as u32, bytes);
        let opaque = over_contrast(&straight.expect("four bytes per pixel"));
        let (left, top) = ((INPUT_PX - self.width) / 2, (INPUT_PX - self.height) / 2);
        let inside =
            |pos: usize, first: usize, side: usize| pos.saturating_sub(first).min(side - 1) as u32;
        let mut planes = Vec::with_capacity(3 * INPUT_PX * INPUT_PX);
        for channel in 0..3 {
            for pos in 0..INPUT_PX * INPUT_PX {
                let x = inside(pos % INPUT_PX, left, self.width);
                let y = inside(pos / INPUT_PX, top, self.height);
                let value = f32::from(opaque.get_pixel(x, y).0[channel]) / 255.0;
                planes.push((value - MEAN[channel]) / DEVIATION[channel]);
            }
        }
        planes
    }

    /// Stretches depths to [0, 1] over what is seen.
    fn nearness(&self, depths: &[f32]) -> Vec<f32> {
        let alphas = self.pixels.iter().map(|pixel| pixel[3]);
        let seen = depths.iter().zip(alphas.clone()).filter(|(_, alpha)| *alpha > 0.5);
        let (least, most) = seen.fold((f32::INFINITY, f32::NEG_INFINITY), |(least, most), at| {
            (least.min(*at.0), most.max(*at.0))
        });
        if most - least < FLAT || !(most - least).is_finite() {
            return vec![0.0; depths.len()];
        }
        let stretched = |depth: f32| ((depth - least) / (most - least)).clamp(0.0, 1.0);
        depths.iter().zip(alphas).map(|(depth, alpha)| stretched(*depth) * alpha).collect()
    }
}

/// The mean of the cells under each cell of another grid.
fn area_means(
    values: &[f32],
    (width, height): (usize, usize),
    (to_width, to_height): (usize, usize),
) -> Vec<f32> {
    let bin = |i: usize, from: usize, to: usize| i * from / to..((i + 1) * from).div_ceil(to);
    let mean = |idx: usize| {
        let (rows, cols) =
            (bin(idx / to_width, height, to_height), bin(idx % to_width, width, to_width));
        let n_cells = rows.len() * cols.len();
        let sum: f32 = rows.map(|y| values[y * width..][cols.clone()].iter().sum::<f32>()).sum();
        sum / n_cells as f32
    };
    (0..to_width * to_height).map(mean).collect()
}

/// The backbone without its classifier, which candle asks for and nothing here uses: published
/// depth networks have none.
struct WithoutClassifier(Weights);

impl WithoutClassifier {
    fn is_classifier(name: &str) -> bool {
        matches!(name.strip_prefix("pretrained.").unwrap_or(name), "head.weight" | "head.bias")
    }
}

impl SimpleBackend for WithoutClassifier {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        init: candle_nn::Init,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        if Self::is_classifier(name) {
            return Tensor::zeros(shape, dtype, device);
        }
        SimpleBackend::get(&self.0, shape, name, init, dtype, device)
    }

    fn get_unchecked(
        &self,
        name: &str,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        SimpleBackend::get_unchecked(&self.0, name, dtype, device)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        Self::is_classifier(name) || self.0.contains_tensor(name)
    }
}

#[cfg(test)]
mod tests;
