//! Whether a request fits a raster model, and if not, the sentence that says why.

use super::model::RasterModel;
use crate::model::ModelError;
use crate::model::fit::{Fit, fail};
use crate::protocol::{Anchor, Control, GenerateRequest};

impl RasterModel {
    pub(super) fn check(&self, request: &GenerateRequest) -> Result<(), ModelError> {
        let n_pictures = request.seeds.len();
        if n_pictures == 0 {
            return fail("a request needs at least one seed".to_owned());
        }
        let n_rows = self.info.scales.len();
        if let Some(stop_at) = request.stop_at.filter(|row| !(1..=n_rows).contains(row)) {
            return fail(format!("cannot stop at row {stop_at}: this model has 1 to {n_rows}"));
        }
        self.check_controls(&request.controls)?;
        if let Some(Anchor { ids, hold }) = &request.anchor {
            if !(0.0..=Anchor::MAX_HOLD).contains(hold) {
                let max = Anchor::MAX_HOLD;
                return fail(format!("an earlier picture can be held with 0 to {max}, not {hold}"));
            }
            if ids.len() != n_pictures || !ids.iter().all(|ids| self.fit().fits(ids)) {
                return fail(
                    "the earlier picture is of another model and cannot be held".to_owned(),
                );
            }
        }
        if let Some(given) = &request.given {
            self.fit().check_given(given, request)?;
        }
        match &request.lock {
            Some(lock) => self.fit().check_lock(lock),
            None => Ok(()),
        }
    }

    fn check_controls(&self, controls: &[Control]) -> Result<(), ModelError> {
        for (idx, Control { map, strength_map, .. }) in controls.iter().enumerate() {
            let (kind, side_px) = (map.kind().name(), self.info.image_size_px);
            match self.info.control_kinds.first() {
                None => {
                    return fail(format!(
                        "this model follows no controls; leave the {kind} out or load a ControlAR \
                         model"
                    ));
                }
                Some(known) if *known != map.kind() => {
                    return fail(format!(
                        "this model follows {} and not {kind}; draw that instead or load another \
                         model",
                        known.name()
                    ));
                }
                Some(_) if idx > 0 => {
                    return fail(format!("there are two {kind} controls; keep one"));
                }
                Some(_) if map.size_px() != side_px => {
                    return fail(format!(
                        "the {kind} control is {} px wide; this model needs {side_px} px",
                        map.size_px()
                    ));
                }
                Some(_) => {}
            }
            let n_cells = self.parts.n_tokens();
            if let Some(map) = strength_map.as_ref().filter(|map| map.len() != n_cells) {
                return fail(format!("a strength map needs {n_cells} cells, not {}", map.len()));
            }
        }
        Ok(())
    }

    /// What ids, given scales and locks must be like.
    pub(super) fn fit(&self) -> Fit<'_> {
        Fit { info: &self.info, n_codes: self.parts.transformer.config().n_codes }
    }
}
