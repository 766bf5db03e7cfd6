//! Whether a request fits this model, and if not, the sentence that says why.

use super::EmbeddedModel;
use crate::model::ModelError;
use crate::model::fit::{Fit, fail};
use crate::protocol::{Anchor, Control, GenerateRequest};

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
            self.fit().check_given(given, request)?;
        }
        if let Some(lock) = &request.lock {
            self.fit().check_lock(lock)?;
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
        if anchor.ids.iter().all(|ids| self.fit().fits(ids)) {
            Ok(())
        } else {
            fail("the earlier picture is of another model and cannot be held".to_owned())
        }
    }

    /// What ids, given scales and locks must be like.
    pub(super) fn fit(&self) -> Fit<'_> {
        Fit { info: &self.info, n_codes: self.networks.config.tokenizer.codebook_size }
    }
}
