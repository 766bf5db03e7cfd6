//! One run of the embedded model.
//!
//! The whole state of a half-made picture is its latent `f_hat` and the number of scales done.

use std::sync::Arc;

use candle_core::Tensor;

use super::Networks;
use super::lock::LockedPicture;
use crate::imaging::{RgbaImage, planes};
use crate::model::generator::Condition;
use crate::model::sampling::{NoisePlace, draw, hold_on_to};
use crate::model::{ModelError, Session, Step};
use crate::params::Sampling;
use crate::protocol::{Anchor, Given, InspiredBy, PictureIds};

/// Guidance leads away from a picture of nothing, which stresses words and memory alike, so that a
/// blue apple stays as red as the remembered one. At the first scales, where colours are decided, it
/// also leads away from the same memory without the words, by [`WORD_SHARE`] of the weight. These
/// scales are small: the additional rows cost next to nothing.
const WORD_SCALES: usize = 3;
const WORD_SHARE: f64 = 0.3;

/// A batch of pictures under way.
pub(super) struct EmbeddedSession {
    pub(super) networks: Arc<Networks>,
    pub(super) conditional: Condition,
    pub(super) unconditional: Option<Condition>,
    /// The same memory without the words.
    pub(super) wordless: Option<Condition>,
    pub(super) sampling: Sampling,
    pub(super) seeds: Vec<u64>,
    pub(super) anchor: Option<Anchor>,
    pub(super) lock: Option<Arc<LockedPicture>>,
    pub(super) n_scales: usize,
    /// The latent (B, Z, G, G) before the first scale and after each one that is done: small, and
    /// all that is needed to decode any of them later.
    pub(super) f_hats: Vec<Tensor>,
    /// What was drawn, per scale that is done: one grid after the other, each row by row.
    pub(super) ids: Vec<Vec<u32>>,
    pub(super) notices: Vec<String>,
    pub(super) inspired_by: Vec<InspiredBy>,
}

impl EmbeddedSession {
    /// Takes over scales that are given, of a session that has none yet.
    pub(super) fn take(&mut self, given: &Given) -> Result<(), ModelError> {
        for scale_idx in 0..given.n_scales() {
            let ids = given.ids.iter().flat_map(|picture| &picture[scale_idx]).copied().collect();
            self.push(scale_idx, ids)?;
        }
        Ok(())
    }

    fn push(&mut self, scale_idx: usize, ids: Vec<u32>) -> Result<(), ModelError> {
        let f_hat = self.networks.tokenizer.add_scale(self.f_hat(), scale_idx, &ids)?;
        self.f_hats.push(f_hat);
        self.ids.push(ids);
        Ok(())
    }

    /// The latent so far.
    fn f_hat(&self) -> &Tensor {
        self.f_hats.last().expect("the empty latent is always there")
    }

    /// The picture of the decoder's planes after a scale, with what is locked.
    fn finished(&self, scale_idx: usize, mut planes: Vec<f32>) -> Result<RgbaImage, ModelError> {
        if let Some(lock) = &self.lock {
            lock.lay_over(scale_idx, &mut planes)?;
        }
        Ok(self.networks.picture(&planes))
    }

    /// Logits of the next scale, guided: (B, T, K); `None` if `go_on` said no.
    fn logits(&self, go_on: &dyn Fn() -> bool) -> Result<Option<Tensor>, ModelError> {
        let Networks { config, tokenizer, network } = &*self.networks;
        let scale_idx = self.n_done();
        let latent = tokenizer.input_for_scale(self.f_hat(), scale_idx)?;
        let wordless = self.wordless.as_ref().filter(|_| scale_idx < WORD_SCALES);
        let conditions: Vec<&Condition> =
            std::iter::once(&self.conditional).chain(&self.unconditional).chain(wordless).collect();
        let Some(mut features) = network.features(scale_idx, &latent, &conditions, go_on)? else {
            return Ok(None);
        };
        if self.unconditional.is_some() {
            let rows = features.chunk(conditions.len(), 0)?;
            let guidance = f64::from(self.sampling.guidance);
            let weight = guidance * (scale_idx + 1) as f64 / config.scales.len() as f64;
            features = ((&rows[0] * (1.0 + weight))? - (&rows[1] * weight)?)?;
            if let Some(wordless) = rows.get(2) {
                features = (features + ((&rows[0] - wordless)? * (WORD_SHARE * guidance))?)?;
            }
        }
        // The largest single product of a step comes next.
        if go_on() { Ok(Some(network.logits(&features)?)) } else { Ok(None) }
    }
}

impl Session for EmbeddedSession {
    fn notices(&self) -> &[String] {
        &self.notices
    }

    fn inspired_by(&self) -> &[InspiredBy] {
        &self.inspired_by
    }

    fn n_scales(&self) -> usize {
        self.n_scales
    }

    fn n_done(&self) -> usize {
        self.f_hats.len() - 1
    }

    fn set_n_scales(&mut self, n_scales: usize) -> Result<(), ModelError> {
        let (n_done, n_model_scales) = (self.n_done(), self.networks.config.scales.len());
        if !(n_done..=n_model_scales).contains(&n_scales) {
            let reason = format!(
                "cannot stop at scale {n_scales}: {n_done} are done and this model has \
                 {n_model_scales}"
            );
            return Err(ModelError::Request { reason });
        }
        self.n_scales = n_scales;
        Ok(())
    }

    fn step(&mut self, go_on: &dyn Fn() -> bool) -> Result<Step, ModelError> {
        let scale_idx = self.n_done();
        let config = &self.networks.config;
        let side = config.scales[scale_idx];
        let n_codes = config.tokenizer.codebook_size;
        let Some(logits) = self.logits(go_on)? else { return Ok(Step::Abandoned) };
        let mut logits: Vec<f32> = logits.flatten_all()?.to_vec1()?;
        if logits.iter().any(|logit| !logit.is_finite()) {
            return Err(ModelError::NotFinite { scale: scale_idx + 1 });
        }
        if let Some(Anchor { ids, hold }) = &self.anchor {
            let pictures = logits.chunks_exact_mut(side * side * n_codes).zip(ids.iter());
            for (logits, ids) in pictures {
                // Scales that the earlier picture does not have are free.
                if let Some(ids) = ids.get(scale_idx) {
                    hold_on_to(ids, *hold, logits, n_codes, &self.sampling);
                }
            }
        }
        let pictures = logits.chunks_exact(side * side * n_codes).zip(&self.seeds);
        let mut ids: Vec<u32> = pictures
            .flat_map(|(logits, seed)| {
                draw(logits, n_codes, &self.sampling, NoisePlace { seed: *seed, scale_idx, side })
            })
            .collect();
        if let Some(lock) = &self.lock {
            for ids in ids.chunks_exact_mut(side * side) {
                lock.force(scale_idx, ids);
            }
        }
        self.push(scale_idx, ids)?;
        Ok(Step::Done)
    }

    fn ids(&self, batch_idx: usize) -> PictureIds {
        let grid = |ids: &Vec<u32>| {
            let n_tokens = ids.len() / self.seeds.len();
            ids[batch_idx * n_tokens..][..n_tokens].to_vec()
        };
        self.ids.iter().map(grid).collect()
    }

    fn render_scale(&self, scale_idx: usize, batch_idx: usize) -> Result<RgbaImage, ModelError> {
        let f_hat = self.f_hats[scale_idx + 1].narrow(0, batch_idx, 1)?;
        let planes = self.networks.decode(&f_hat)?;
        self.finished(scale_idx, planes)
    }

    /// Decodes the latent at half its side, and enlarges what comes: the decoder is convolutional,
    /// so a quarter of the cells takes a quarter of the time. Coarse scales hold nothing that
    /// would be lost by it.
    fn render_draft(&self, batch_idx: usize) -> Result<RgbaImage, ModelError> {
        let size_px = self.networks.config.image_size;
        let latent_size = self.networks.config.latent_size();
        if !latent_size.is_multiple_of(2) || !size_px.is_multiple_of(2) {
            return self.render(batch_idx);
        }
        let f_hat = self.f_hat().narrow(0, batch_idx, 1)?.avg_pool2d(2)?;
        let planes = self.networks.decode(&f_hat)?;
        self.finished(self.n_done() - 1, planes::doubled(&planes, size_px / 2))
    }
}
