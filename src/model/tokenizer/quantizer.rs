//! Latents to token ids and back, scale by scale: every scale codes what the coarser ones left.

use candle_core::{D, Tensor};
use candle_nn::VarBuilder;

use super::ScaleIds;
use crate::model::ModelError;
use crate::model::config::Config;
use crate::model::ops::{Conv2d, GridResize, Linear};

#[derive(Debug)]
pub(super) struct Quantizer {
    /// (K, C)
    codebook: Tensor,
    /// Scores of all codes, (…, C) → (…, K): `2 z·e − |e|²`, highest for the nearest.
    nearness: Linear,
    scales: Vec<Scale>,
    phis: Vec<Conv2d>,
    phi_weight: f64,
    norm_eps: f64,
}

#[derive(Debug)]
struct Scale {
    side: usize,
    /// From the latent grid to this one, and back.
    down: GridResize,
    up: GridResize,
    phi_idx: usize,
}

impl Quantizer {
    /// `vb` stands at the prefix `tokenizer`.
    pub(super) fn load(config: &Config, vb: &VarBuilder<'_>) -> Result<Self, ModelError> {
        let tokenizer = &config.tokenizer;
        let (grid, channels) = (config.latent_size(), tokenizer.latent_channels);
        let codebook = vb.get((tokenizer.codebook_size, channels), "codebook.weight")?;
        let code_length = codebook.sqr()?.sum(1)?.neg()?;
        let scales = config.scales.iter().zip(&tokenizer.phi_index).map(|(side, phi_idx)| {
            Ok(Scale {
                side: *side,
                down: GridResize::area(grid, *side, vb.device())?,
                up: GridResize::bicubic(*side, grid, vb.device())?,
                phi_idx: *phi_idx,
            })
        });
        let n_phis = tokenizer.phi_index.iter().max().map_or(0, |last| last + 1);
        let phi = |idx| Conv2d::load_plain(vb.pp("phi").pp(idx), channels, channels, 3, 1);
        Ok(Self {
            nearness: Linear::new(&(&codebook * 2.0)?, Some(&code_length))?,
            codebook,
            scales: scales.collect::<Result<_, ModelError>>()?,
            phis: (0..n_phis).map(phi).collect::<Result<_, _>>()?,
            phi_weight: tokenizer.phi_weight,
            norm_eps: tokenizer.latent_norm_eps,
        })
    }

    pub(super) fn codebook(&self) -> &Tensor {
        &self.codebook
    }

    /// (B, C, G, G) → the same scaled to a mean square of 1 per position.
    pub(super) fn normalise(&self, latents: &Tensor) -> candle_core::Result<Tensor> {
        let mean = latents.sqr()?.mean_keepdim(1)?;
        latents.broadcast_div(&(mean + self.norm_eps)?.sqrt()?)
    }

    pub(super) fn quantize(
        &self,
        latents: &Tensor,
        mut on_scale: impl FnMut(usize, &Tensor),
    ) -> Result<Vec<ScaleIds>, ModelError> {
        let mut pictures = vec![ScaleIds::new(); latents.dim(0)?];
        let mut f_hat = latents.zeros_like()?;
        for (scale_idx, scale) in self.scales.iter().enumerate() {
            let rest = scale.down.apply(&(latents - &f_hat)?)?; // (B, C, p, p)
            let rest = rest.flatten_from(2)?.transpose(1, 2)?; // (B, T, C)
            let ids = self.nearness.forward(&rest)?.argmax(D::Minus1)?.to_vec2::<u32>()?;
            f_hat = (&f_hat + self.embed_scale(scale_idx, &ids.concat())?)?;
            on_scale(scale_idx, &f_hat);
            for (picture, ids) in pictures.iter_mut().zip(ids) {
                picture.push(ids);
            }
        }
        Ok(pictures)
    }

    pub(super) fn embed_scale(&self, scale_idx: usize, ids: &[u32]) -> Result<Tensor, ModelError> {
        let scale = self.scale(scale_idx)?;
        let (n_codes, channels) = self.codebook.dims2()?;
        let n_tokens = scale.side * scale.side;
        if !ids.len().is_multiple_of(n_tokens) {
            return Err(ModelError::Request {
                reason: format!(
                    "{} token ids are no whole grids of {}×{}",
                    ids.len(),
                    scale.side,
                    scale.side
                ),
            });
        }
        if let Some(id) = ids.iter().find(|id| **id as usize >= n_codes) {
            return Err(ModelError::Request {
                reason: format!("token id {id} is not one of this model's {n_codes} codes"),
            });
        }
        let batch = ids.len() / n_tokens;
        let ids = Tensor::from_slice(ids, ids.len(), self.codebook.device())?;
        let codes = self.codebook.index_select(&ids, 0)?.reshape((batch, n_tokens, channels))?;
        let codes = codes.transpose(1, 2)?.reshape((batch, channels, scale.side, scale.side))?;
        let h = scale.up.apply(&codes)?;
        let smoothed = self.phis[scale.phi_idx].forward(&h)?;
        Ok((h + (smoothed * self.phi_weight)?)?)
    }

    pub(super) fn f_hat_from_ids(&self, pictures: &[&[u32]]) -> Result<Tensor, ModelError> {
        let mut rests = pictures.to_vec();
        let grid = self.scales.last().map_or(0, |scale| scale.side);
        let shape = (pictures.len(), self.codebook.dim(1)?, grid, grid);
        let mut f_hat = Tensor::zeros(shape, self.codebook.dtype(), self.codebook.device())?;
        for (scale_idx, scale) in self.scales.iter().enumerate() {
            if rests.iter().all(|rest| rest.is_empty()) {
                break;
            }
            let mut ids = Vec::with_capacity(pictures.len() * scale.side * scale.side);
            for rest in &mut rests {
                let (grid, after) = rest
                    .split_at_checked(scale.side * scale.side)
                    .ok_or_else(|| incomplete(scale))?;
                ids.extend_from_slice(grid);
                *rest = after;
            }
            f_hat = (f_hat + self.embed_scale(scale_idx, &ids)?)?;
        }
        if rests.iter().all(|rest| rest.is_empty()) {
            Ok(f_hat)
        } else {
            let reason = "the picture has more token ids than this model has scales".to_owned();
            Err(ModelError::Request { reason })
        }
    }

    pub(super) fn input_for_scale(
        &self,
        f_hat: &Tensor,
        scale_idx: usize,
    ) -> Result<Tensor, ModelError> {
        Ok(self.scale(scale_idx)?.down.apply(f_hat)?)
    }

    fn scale(&self, scale_idx: usize) -> Result<&Scale, ModelError> {
        self.scales.get(scale_idx).ok_or_else(|| ModelError::Request {
            reason: format!("this model has {} scales, not {}", self.scales.len(), scale_idx + 1),
        })
    }
}

fn incomplete(scale: &Scale) -> ModelError {
    let Scale { side, .. } = scale;
    ModelError::Request { reason: format!("token ids end inside the grid of {side}×{side}") }
}
