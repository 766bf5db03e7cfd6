//! The multi-scale residual autoencoder: pictures to token ids of every scale and back.
//!
//! A latent map is the sum of one contribution per scale. [`Tokenizer::add_scale`] adds one,
//! [`Tokenizer::input_for_scale`] says what the next scale sees of the sum, and
//! [`Tokenizer::decode`] makes a picture of any such sum, complete or not.

mod blocks;
mod decoder;
mod encoder;
mod quantizer;

use candle_core::{Device, Tensor};
use candle_nn::VarBuilder;

use super::ModelError;
use super::config::Config;
use crate::imaging::{RgbaImage, planes};
use blocks::Layers;
use decoder::Decoder;
use encoder::Encoder;
use quantizer::Quantizer;

pub use crate::protocol::PictureIds as ScaleIds;

/// A loaded tokenizer. All tensors are `f32` on the device of its weights.
#[derive(Debug)]
pub struct Tokenizer {
    image_size: usize,
    encoder: Encoder,
    decoder: Decoder,
    quantizer: Quantizer,
}

impl Tokenizer {
    /// `vb` stands at the prefix `tokenizer`.
    ///
    /// # Errors
    /// A missing or mis-shaped tensor.
    #[expect(clippy::needless_pass_by_value, reason = "like candle's own loaders")]
    pub fn load(config: &Config, vb: VarBuilder<'_>) -> Result<Self, ModelError> {
        let (encoder_vb, decoder_vb) = (vb.pp("encoder"), vb.pp("decoder"));
        // Packing the weights takes longer than reading them.
        let (encoder, decoder) = rayon::join(
            || Encoder::load(&Layers::plain(&config.tokenizer, encoder_vb)),
            || Decoder::load(&Layers::fast(&config.tokenizer, decoder_vb)),
        );
        Ok(Self {
            image_size: config.image_size,
            encoder: encoder?,
            decoder: decoder?,
            quantizer: Quantizer::load(config, &vb)?,
        })
    }

    /// Premultiplied pictures (B, 4, S, S) in [0, 1] → normalised latents (B, C, G, G), where G is
    /// the side of the finest scale.
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn encode_latent(&self, pictures: &Tensor) -> Result<Tensor, ModelError> {
        Ok(self.quantizer.normalise(&self.encode_raw(pictures)?)?)
    }

    /// [`Self::encode_latent`] before normalisation: what the encoder network gives.
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn encode_raw(&self, pictures: &Tensor) -> Result<Tensor, ModelError> {
        let (_, channels, height, width) = pictures.dims4()?;
        let size = self.image_size;
        if (channels, height, width) != (4, size, size) {
            let reason = format!(
                "the model reads pictures of 4 channels and {size}×{size} pixels, \
                 not {channels} and {width}×{height}"
            );
            return Err(ModelError::Request { reason });
        }
        Ok(on_pool(pictures.device(), || self.encoder.forward(pictures))?)
    }

    /// Ids of a picture of the model's size, straight alpha.
    ///
    /// # Errors
    /// Another size, or what the computation reports.
    pub fn ids_of(&self, picture: &RgbaImage) -> Result<ScaleIds, ModelError> {
        let (width, height) = picture.dimensions();
        let shape = (1, 4, height as usize, width as usize);
        let values = planes::planes_from_rgba(picture);
        let planes = Tensor::from_vec(values, shape, self.codebook().device())?;
        let ids = self.quantize(&self.encode_latent(&planes)?)?;
        Ok(ids.into_iter().next().expect("one picture was encoded"))
    }

    /// Ids of the nearest codes, scale by scale, of every picture of latents (B, C, G, G).
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn quantize(&self, latents: &Tensor) -> Result<Vec<ScaleIds>, ModelError> {
        self.quantize_with(latents, |_, _| ())
    }

    /// [`Self::quantize`]; `on_scale` is shown the sum (B, C, G, G) after every scale.
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn quantize_with(
        &self,
        latents: &Tensor,
        on_scale: impl FnMut(usize, &Tensor),
    ) -> Result<Vec<ScaleIds>, ModelError> {
        self.quantizer.quantize(latents, on_scale)
    }

    /// What the ids of a scale contribute: `ids` of B pictures one after the other, row by row
    /// each → (B, C, G, G).
    ///
    /// # Errors
    /// [`ModelError::Request`] if the ids are no whole grids of that scale or name no code.
    pub fn embed_scale(&self, scale_idx: usize, ids: &[u32]) -> Result<Tensor, ModelError> {
        self.quantizer.embed_scale(scale_idx, ids)
    }

    /// The sum `f_hat` (B, C, G, G) with the contribution of a scale added.
    ///
    /// # Errors
    /// Those of [`Self::embed_scale`].
    pub fn add_scale(
        &self,
        f_hat: &Tensor,
        scale_idx: usize,
        ids: &[u32],
    ) -> Result<Tensor, ModelError> {
        Ok((f_hat + self.embed_scale(scale_idx, ids)?)?)
    }

    /// The sum (B, C, G, G) of pictures given by their ids, coarse to fine: all scales, or the
    /// first few; the same number for every picture.
    ///
    /// # Errors
    /// [`ModelError::Request`] if the ids are no whole grids or name no code.
    pub fn f_hat_from_ids(&self, pictures: &[impl AsRef<[u32]>]) -> Result<Tensor, ModelError> {
        let pictures: Vec<&[u32]> = pictures.iter().map(AsRef::as_ref).collect();
        on_pool(self.codebook().device(), || self.quantizer.f_hat_from_ids(&pictures))
    }

    /// What scale `scale_idx` of side p sees of the sum so far: (B, C, G, G) → (B, C, p, p).
    ///
    /// # Errors
    /// [`ModelError::Request`] if there is no such scale; otherwise what the computation reports.
    pub fn input_for_scale(&self, f_hat: &Tensor, scale_idx: usize) -> Result<Tensor, ModelError> {
        self.quantizer.input_for_scale(f_hat, scale_idx)
    }

    /// The code vectors (K, C).
    pub fn codebook(&self) -> &Tensor {
        self.quantizer.codebook()
    }

    /// Sums of all scales or of the first few, (B, C, G, G) → premultiplied pictures
    /// (B, 4, S, S) in [0, 1].
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn decode(&self, f_hat: &Tensor) -> Result<Tensor, ModelError> {
        Ok(on_pool(f_hat.device(), || self.decoder.forward(f_hat))?)
    }

    /// What one sum (1, C, G, G) looks like, straight alpha.
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn picture_of(&self, f_hat: &Tensor) -> Result<RgbaImage, ModelError> {
        let planes: Vec<f32> = self.decode(f_hat)?.flatten_all()?.to_vec1()?;
        planes::rgba_from_planes(&planes, self.image_size).ok_or_else(|| ModelError::Request {
            reason: "one picture is decoded at a time".to_owned(),
        })
    }
}

/// Runs a network of many short parallel steps on one of the threads that share them, so that the
/// steps need not be handed over from outside and what is between them stays in that core's cache.
fn on_pool<T: Send>(device: &Device, network: impl FnOnce() -> T + Send) -> T {
    if device.is_cpu() { rayon::join(network, || ()).0 } else { network() }
}
