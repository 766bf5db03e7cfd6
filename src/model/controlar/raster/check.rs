//! Whether a request fits a raster model, and if not, the sentence that says why.

use super::model::RasterModel;
use crate::model::ModelError;
use crate::protocol::{Anchor, Control, GenerateRequest, Given, Lock, PictureIds};

/// More locks over each other are no use to anyone.
const MAX_LOCKS: usize = 32;

fn fail<T>(reason: String) -> Result<T, ModelError> {
    Err(ModelError::Request { reason })
}

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
            if ids.len() != n_pictures || !ids.iter().all(|ids| self.fits(ids)) {
                return fail(
                    "the earlier picture is of another model and cannot be held".to_owned(),
                );
            }
        }
        if let Some(given) = &request.given {
            self.check_given(given, request)?;
        }
        match &request.lock {
            Some(lock) => self.check_lock(lock),
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

    fn check_given(&self, given: &Given, request: &GenerateRequest) -> Result<(), ModelError> {
        let n_given = given.n_scales();
        if given.ids.len() != request.seeds.len() {
            return fail(format!(
                "the rows of {} pictures are given for {}; give those of one for each seed",
                given.ids.len(),
                request.seeds.len()
            ));
        }
        if n_given == 0 || given.ids.iter().any(|ids| ids.len() != n_given) {
            return fail("the same number of rows must be given for each seed".to_owned());
        }
        if !given.ids.iter().all(|ids| self.fits(ids)) {
            return fail("the given rows are of another model and cannot be used".to_owned());
        }
        match request.stop_at {
            Some(stop_at) if stop_at < n_given => {
                fail(format!("cannot stop at row {stop_at}: {n_given} are given"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn check_lock(&self, lock: &Lock) -> Result<(), ModelError> {
        let side_px = self.info.image_size_px;
        let mut beneath = Some(lock);
        let mut n_locks = 0;
        while let Some(lock) = beneath {
            let mask = &lock.mask;
            if mask.size_px != side_px || mask.coverage.len() != side_px * side_px {
                return fail(format!(
                    "the lock is {} px wide with {} pixels; this model needs {side_px} px a side",
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

    /// That ids are those of a picture of this model, and that it has this row.
    pub(super) fn check_ids(&self, ids: &PictureIds, row_idx: usize) -> Result<(), ModelError> {
        if !self.fits(ids) {
            return fail(
                "the picture's tokens are of another model and cannot be shown".to_owned(),
            );
        }
        if row_idx >= ids.len() {
            let (n_rows, row) = (ids.len(), row_idx + 1);
            return fail(format!("the picture has {n_rows} rows, and row {row} was asked for"));
        }
        Ok(())
    }

    /// Whether the ids can be of a picture of this model, complete or not.
    fn fits(&self, ids: &PictureIds) -> bool {
        let (n_rows, n_columns) = self.parts.grid;
        let n_codes = self.parts.transformer.config().n_codes;
        let is_row = |row: &Vec<u32>| {
            row.len() == n_columns && row.iter().all(|id| (*id as usize) < n_codes)
        };
        ids.len() <= n_rows && ids.iter().all(is_row)
    }
}
