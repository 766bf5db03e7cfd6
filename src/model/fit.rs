//! What every model asks of ids, given scales and locks, in its own words for a scale.

use super::ModelError;
use crate::protocol::{DecodingOrder, GenerateRequest, Given, Lock, ModelInfo, PictureIds};

/// More locks over each other are no use to anyone, and each is decoded for all above it.
const MAX_LOCKS: usize = 32;

pub(super) fn fail<T>(reason: String) -> Result<T, ModelError> {
    Err(ModelError::Request { reason })
}

/// What the pictures of a model are like.
pub(super) struct Fit<'a> {
    pub(super) info: &'a ModelInfo,
    /// Codes of its picture tokenizer.
    pub(super) n_codes: usize,
}

impl Fit<'_> {
    /// What a scale of the model is called.
    fn scale(&self) -> &'static str {
        match self.info.order {
            DecodingOrder::NextScale => "scale",
            DecodingOrder::Raster => "row",
        }
    }

    pub(super) fn check_given(
        &self,
        given: &Given,
        request: &GenerateRequest,
    ) -> Result<(), ModelError> {
        let scale = self.scale();
        let (n_given, n_pictures) = (given.n_scales(), request.seeds.len());
        if given.ids.len() != n_pictures {
            return fail(format!(
                "the {scale}s of {} pictures are given for {n_pictures}; give those of one for each \
                 seed",
                given.ids.len()
            ));
        }
        if n_given == 0 || given.ids.iter().any(|ids| ids.len() != n_given) {
            return fail(format!("the same number of {scale}s must be given for each seed"));
        }
        if !given.ids.iter().all(|ids| self.fits(ids)) {
            return fail(format!("the given {scale}s are of another model and cannot be used"));
        }
        match request.stop_at {
            Some(stop_at) if stop_at < n_given => {
                fail(format!("cannot stop at {scale} {stop_at}: {n_given} are given"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn check_lock(&self, lock: &Lock) -> Result<(), ModelError> {
        let size_px = self.info.image_size_px;
        let mut beneath = Some(lock);
        let mut n_locks = 0;
        while let Some(lock) = beneath {
            let mask = &lock.mask;
            if mask.size_px != size_px || mask.coverage.len() != size_px * size_px {
                return fail(format!(
                    "the lock is {} px wide with {} pixels; this model needs {size_px} px a side",
                    mask.size_px,
                    mask.coverage.len()
                ));
            }
            if lock.ids.is_empty() || !self.fits(&lock.ids) {
                return fail("the locked picture is of another model and cannot stay".to_owned());
            }
            n_locks += 1;
            beneath = lock.beneath.as_deref();
        }
        if n_locks > MAX_LOCKS {
            return fail(format!(
                "{n_locks} locked pictures lie over each other; unlock some and lock the result"
            ));
        }
        Ok(())
    }

    /// That ids are those of a picture of this model, and that it has this scale.
    pub(super) fn check_ids(&self, ids: &PictureIds, scale_idx: usize) -> Result<(), ModelError> {
        if !self.fits(ids) {
            return fail(
                "the picture's tokens are of another model and cannot be shown".to_owned(),
            );
        }
        if scale_idx >= ids.len() {
            let (scale, n_scales, number) = (self.scale(), ids.len(), scale_idx + 1);
            return fail(format!(
                "the picture has {n_scales} {scale}s, and {scale} {number} was asked for"
            ));
        }
        Ok(())
    }

    /// Whether the ids can be of a picture of this model, complete or not.
    pub(super) fn fits(&self, ids: &PictureIds) -> bool {
        let is_grid = |(grid, n_tokens): (&Vec<u32>, usize)| {
            grid.len() == n_tokens && grid.iter().all(|id| (*id as usize) < self.n_codes)
        };
        ids.len() <= self.info.scales.len() && ids.iter().zip(self.info.n_tokens()).all(is_grid)
    }
}
