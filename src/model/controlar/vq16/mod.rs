//! The VQ-16 picture tokenizer of LlamaGen: a picture is a grid of codes, one per 16 × 16 pixels.
//!
//! Codes are compared and looked up at length 1. Maps are channels-last inside.

mod blocks;
mod encoder;
mod decoder;

use candle_core::{DType, Device, Result, Tensor, bail};
use candle_nn::VarBuilder;

use super::config::Vq16Config;
use super::probe::Probe;
use crate::model::ops::{Linear, nchw_from_nhwc, nhwc_from_nchw};
use blocks::{Layers, pointwise};
use decoder::Decoder;
use encoder::Encoder;

/// Lengths below this do not grow when vectors are normalised.
const MIN_LENGTH: f32 = 1e-12;

/// The tokenizer with its weights.
#[derive(Debug)]
pub struct Vq16 {
    config: Vq16Config,
    encoder: Encoder,
    /// Latent to code space and back, per cell.
    quant_conv: Linear,
    post_quant_conv: Linear,
    decoder: Decoder,
    /// (K, E), as it is used.
    codebook: Tensor,
    /// Codes to scores.
    nearest: Linear,
    device: Device,
}

/// What a picture was encoded to.
#[derive(Debug)]
pub struct Encoded {
    /// Per picture, row by row.
    pub ids: Vec<Vec<u32>>,
    pub height: usize,
    pub width: usize,
}

impl Vq16 {
    /// Loads encoder and decoder.
    ///
    /// # Errors
    /// A missing or mis-shaped tensor.
    pub fn load(config: Vq16Config, vb: &VarBuilder<'_>) -> Result<Self> {
        let (latent, code) = (config.z_channels, config.codebook_embed_dim);
        let mut codebook = vb.get((config.codebook_size, code), "quantize.embedding.weight")?;
        if config.codebook_l2_norm {
            codebook = normalise(&codebook)?;
        }
        let encoder = Encoder::load(&Layers::plain(&config, vb.pp("encoder")))?;
        let decoder = Decoder::load(&Layers::fast(&config, vb.pp("decoder")))?;
        Ok(Self {
            encoder,
            quant_conv: pointwise(&vb.pp("quant_conv"), latent, code)?,
            post_quant_conv: pointwise(&vb.pp("post_quant_conv"), code, latent)?,
            decoder,
            nearest: Linear::new(&codebook, None)?,
            codebook,
            device: vb.device().clone(),
            config,
        })
    }

    pub fn config(&self) -> &Vq16Config {
        &self.config
    }

    /// (K, E), as it is used.
    pub fn codebook(&self) -> &Tensor {
        &self.codebook
    }

    /// Pictures (B, 3, H, W) in [−1, 1] to codes. Both sides are multiples of
    /// [`Vq16Config::patch_px`].
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn encode(&self, pictures: &Tensor, probe: &mut Probe<'_>) -> Result<Encoded> {
        let (n_pictures, channels, height_px, width_px) = pictures.dims4()?;
        let patch = self.config.patch_px();
        if channels != 3 || !height_px.is_multiple_of(patch) || !width_px.is_multiple_of(patch) {
            bail!("pictures of {:?} are not made of patches of {patch} pixels", pictures.dims());
        }
        let x = self.encoder.forward(&nhwc_from_nchw(pictures)?, &mut probe.within("enc."))?;
        let latent = self.quant_conv.forward(&x)?; // (B, h, w, E)
        probe.see_map("enc.quant_conv", &latent)?;
        let latent = if self.config.codebook_l2_norm {
            let latent = normalise(&latent)?;
            probe.see_map("exp.latent_normalised", &latent)?;
            latent
        } else {
            latent
        };
        let (_, height, width, _) = latent.dims4()?;
        // The nearest code has the largest product, less half its squared length.
        let lengths = self.codebook.sqr()?.sum(1)?;
        let scores = self.nearest.forward(&latent.flatten(0, 2)?)?;
        let scores = scores.broadcast_sub(&(lengths * 0.5)?)?;
        let ids = scores.argmax(1)?.reshape((n_pictures, height * width))?;
        Ok(Encoded { ids: ids.to_vec2()?, height, width })
    }

    /// Codes of pictures of `height × width` cells, row by row, to pictures (B, 3, H, W), about
    /// [−1, 1] and not clamped.
    ///
    /// # Errors
    /// An unknown code, another number of codes, or what the computation reports.
    pub fn decode(
        &self,
        ids: &[Vec<u32>],
        height: usize,
        width: usize,
        probe: &mut Probe<'_>,
    ) -> Result<Tensor> {
        let n_codes = self.config.codebook_size;
        if ids.iter().any(|ids| ids.len() != height * width) {
            bail!("a picture of {height}×{width} cells needs as many codes");
        }
        let flat: Vec<u32> = ids.iter().flatten().copied().collect();
        if let Some(id) = flat.iter().find(|id| **id as usize >= n_codes) {
            bail!("code {id} is not one of {n_codes}");
        }
        let flat = Tensor::new(flat, &self.device)?;
        let rows = self.codebook.index_select(&flat, 0)?;
        let rows = rows.reshape((ids.len(), height, width, ()))?;
        probe.see_map("exp.codebook_entry", &rows)?;
        let x = self.post_quant_conv.forward(&rows)?;
        probe.see_map("dec.post_quant_conv", &x)?;
        nchw_from_nhwc(&self.decoder.forward(&x, &mut probe.within("dec."))?)
    }
}

/// Bytes (B, 3, H, W) of pictures about [−1, 1].
///
/// # Errors
/// What the computation reports.
pub fn bytes_from_pictures(pictures: &Tensor) -> Result<Tensor> {
    let scaled = ((pictures.clamp(-1.0, 1.0)? + 1.0)? * 127.5)?;
    (scaled + 0.5)?.floor()?.to_dtype(DType::U8)
}

/// Pictures (B, 3, H, W) in [−1, 1] of bytes.
///
/// # Errors
/// What the computation reports.
pub fn pictures_from_bytes(bytes: &Tensor) -> Result<Tensor> {
    let unit = (bytes.to_dtype(DType::F32)? / 255.0)?;
    (unit * 2.0)? - 1.0
}

/// Vectors of the last dimension at length 1; those of almost no length stay short.
///
/// # Errors
/// What the computation reports.
pub fn normalise(x: &Tensor) -> Result<Tensor> {
    let last = x.rank() - 1;
    let lengths = x.sqr()?.sum_keepdim(last)?.sqrt()?.maximum(MIN_LENGTH)?;
    x.broadcast_div(&lengths)
}
