//! Whether a request fits this model, and if not, the sentence that says why.

use super::EmbeddedModel;
use crate::model::ModelError;
use crate::protocol::{Anchor, Control, GenerateRequest, Given, Lock, PictureIds};

/// More locks over each other are no use to anyone, and each is decoded for all above it.
const MAX_LOCKS: usize = 32;

fn fail<T>(reason: String) -> Result<T, ModelError> {
    Err(ModelError::Request { reason })
}

impl EmbeddedModel {
    pub(super) fn check(&mut self, request: &GenerateRequest) -> Result<(), ModelError> {
        if request.seeds.is_empty() {
            return fail("a request needs at least one seed".to_owned());
        }
        let n_scales = self.info.scales.len();
        if let Some(stop_at) = request.stop_at.filter(|scale| !(1..=n_scales).contains(scale)) {
            return fail(format!("cannot stop at scale {stop_at}: this model has 1 to {n_scales}"));
        }
        self.check_controls(&request.controls)?;
        if let Some(anchor) = &request.anchor {
            self.check_anchor(anchor, request.seeds.len())?;
        }
        if let Some(given) = &request.given {
            self.check_given(given, request)?;
        }
        if let Some(lock) = &request.lock {
            self.check_lock(lock)?;
        }
        self.inspirations.check(&request.memory)
    }

    fn check_controls(&self, controls: &[Control]) -> Result<(), ModelError> {
        for (idx, Control { map, strength_map, .. }) in controls.iter().enumerate() {
            let kind = map.kind();
            if !self.info.control_kinds.contains(&kind) {
                return fail(format!("this model does not know {} controls", kind.name()));
            }
            if controls[..idx].iter().any(|other| other.map.kind() == kind) {
                return fail(format!("there are two {} controls; keep one", kind.name()));
            }
            if map.size_px() != self.info.image_size_px {
                return fail(format!(
                    "the {} control is {} px wide; this model needs {} px",
                    kind.name(),
                    map.size_px(),
                    self.info.image_size_px
                ));
            }
            let n_cells = self.networks.config.latent_size().pow(2);
            if let Some(map) = strength_map.as_ref().filter(|map| map.len() != n_cells) {
                return fail(format!("a strength map needs {n_cells} cells, not {}", map.len()));
            }
        }
        Ok(())
    }

    fn check_anchor(&self, anchor: &Anchor, n_pictures: usize) -> Result<(), ModelError> {
        if !(0.0..=Anchor::MAX_HOLD).contains(&anchor.hold) {
            return fail(format!(
                "an earlier picture can be held with 0 to {}, not {}",
                Anchor::MAX_HOLD,
                anchor.hold
            ));
        }
        if anchor.ids.len() != n_pictures {
            return fail(format!(
                "{} earlier pictures cannot be held by {n_pictures}; give one for each seed",
                anchor.ids.len()
            ));
        }
        if anchor.ids.iter().all(|ids| self.fits(ids)) {
            Ok(())
        } else {
            fail("the earlier picture is of another model and cannot be held".to_owned())
        }
    }

    fn check_given(&self, given: &Given, request: &GenerateRequest) -> Result<(), ModelError> {
        let (n_given, n_pictures) = (given.n_scales(), request.seeds.len());
        if given.ids.len() != n_pictures {
            return fail(format!(
                "the scales of {} pictures are given for {n_pictures}; give those of one for each \
                 seed",
                given.ids.len()
            ));
        }
        if n_given == 0 || given.ids.iter().any(|ids| ids.len() != n_given) {
            return fail("the same number of scales must be given for each seed".to_owned());
        }
        if !given.ids.iter().all(|ids| self.fits(ids)) {
            return fail("the given scales are of another model and cannot be used".to_owned());
        }
        match request.stop_at {
            Some(stop_at) if stop_at < n_given => {
                fail(format!("cannot stop at scale {stop_at}: {n_given} are given"))
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
            return fail(format!(
                "the picture has {} scales, and scale {} was asked for",
                ids.len(),
                scale_idx + 1
            ));
        }
        Ok(())
    }

    /// Whether the ids can be of a picture of this model, complete or not.
    fn fits(&self, ids: &PictureIds) -> bool {
        let (sides, n_codes) = (&self.info.scales, self.networks.config.tokenizer.codebook_size);
        let is_grid = |(grid, side): (&Vec<u32>, &usize)| {
            grid.len() == side * side && grid.iter().all(|id| (*id as usize) < n_codes)
        };
        ids.len() <= sides.len() && ids.iter().zip(sides).all(is_grid)
    }
}
