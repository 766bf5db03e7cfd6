//! The contact sheet: drafts of many seeds to a coarse scale, of which some are finished.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::job::Made;
use crate::imaging::RgbaImage;
use crate::protocol::{DecodingOrder, GenerateRequest, InspiredBy, JobId, ModelInfo, PictureIds};

/// What the user chose about sheets. Kept from one to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SheetSettings {
    /// 4 to 32.
    pub n_drafts: usize,
    /// Scales of each draft, from 1; fewer than the model has.
    pub n_scales: usize,
    /// The same for models that draw row by row.
    pub n_rows: usize,
}

impl SheetSettings {
    pub const COUNTS: [usize; 5] = [4, 8, 16, 24, 32];

    /// The same settings with every value in its range.
    #[must_use]
    pub fn checked(self) -> Self {
        Self {
            n_drafts: self.n_drafts.clamp(4, 32),
            n_scales: self.n_scales.max(1),
            n_rows: self.n_rows.max(1),
        }
    }

    /// Scales of each draft of a model: at least its last scale is left out.
    pub fn stop_at(self, model: &ModelInfo) -> usize {
        let wanted = match model.order {
            DecodingOrder::NextScale => self.n_scales,
            DecodingOrder::Raster => self.n_rows,
        };
        wanted.clamp(1, model.scales.len().saturating_sub(1).max(1))
    }

    /// The same settings with another place to stop at, in scales or rows.
    #[must_use]
    pub fn stopping_at(self, n_scales: usize, order: DecodingOrder) -> Self {
        match order {
            DecodingOrder::NextScale => Self { n_scales, ..self },
            DecodingOrder::Raster => Self { n_rows: n_scales, ..self },
        }
    }
}

impl Default for SheetSettings {
    fn default() -> Self {
        Self { n_drafts: 16, n_scales: 5, n_rows: 8 }
    }
}

/// The sheet while it is open. Its runs are its own: the picture on the canvas knows nothing of
/// them.
#[derive(Debug, Clone)]
pub struct Sheet {
    pub phase: SheetPhase,
    pub drafts: Vec<Draft>,
    /// Scales of each draft.
    pub stop_at: usize,
    /// What the drafts were asked for, but for seeds and scales.
    pub plan: Option<Plan>,
    /// The batch under way.
    pub batch: Option<Batch>,
    /// The draft that the keyboard is at.
    pub cursor: usize,
}

/// What all drafts have in common.
#[derive(Debug, Clone)]
pub struct Plan {
    pub request: GenerateRequest,
    pub made: Made,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetPhase {
    /// The user says how many, and how far.
    Choosing,
    Drawing,
    /// All drafts are there, or drawing was stopped.
    Drawn,
    /// Chosen drafts are drawn to the last scale.
    Finishing,
}

/// One picture of the sheet.
#[derive(Debug, Clone)]
pub struct Draft {
    pub seed: u64,
    /// `None` until it is drawn.
    pub image: Option<Arc<RgbaImage>>,
    pub ids: PictureIds,
    pub is_selected: bool,
}

/// Some drafts that one run draws or finishes.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Index of each, in the order of the run's seeds.
    pub drafts: Vec<usize>,
    /// `None` until it is sent.
    pub job: Option<JobId>,
    pub inspired_by: Vec<InspiredBy>,
    /// The first picture of a batch that is finished, after each of its scales.
    pub stills: Vec<Option<Arc<RgbaImage>>>,
}

impl Sheet {
    /// Seeds that are drawn in one run: a few, so that the first pictures come soon.
    pub const BATCH: usize = 4;

    pub fn new(stop_at: usize) -> Self {
        Self {
            phase: SheetPhase::Choosing,
            drafts: Vec::new(),
            stop_at,
            plan: None,
            batch: None,
            cursor: 0,
        }
    }

    /// Whether a run of this number is one of the sheet's.
    pub fn is_of(&self, job: JobId) -> bool {
        self.batch.as_ref().is_some_and(|batch| batch.job == Some(job))
    }

    pub fn is_busy(&self) -> bool {
        matches!(self.phase, SheetPhase::Drawing | SheetPhase::Finishing)
    }

    pub fn n_drawn(&self) -> usize {
        self.drafts.iter().filter(|draft| draft.image.is_some()).count()
    }

    /// Indices of the drafts that were selected.
    pub fn selected(&self) -> Vec<usize> {
        let drafts = self.drafts.iter().enumerate();
        drafts.filter(|(_, draft)| draft.is_selected).map(|(idx, _)| idx).collect()
    }
}

impl Draft {
    pub fn new(seed: u64) -> Self {
        Self { seed, image: None, ids: Vec::new(), is_selected: false }
    }
}

impl Batch {
    pub fn new(drafts: Vec<usize>) -> Self {
        Self { drafts, job: None, inspired_by: Vec::new(), stills: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_stay_in_range_and_leave_the_last_scale_out() {
        let wild = SheetSettings { n_drafts: 1000, n_scales: 0, n_rows: 0 }.checked();
        assert_eq!(wild, SheetSettings { n_drafts: 32, n_scales: 1, n_rows: 1 });
        let settings = SheetSettings::default();
        let stop_at = |order, n_scales| {
            let scales = vec![8; n_scales];
            settings.stop_at(&ModelInfo { order, scales, ..ModelInfo::default() })
        };
        assert_eq!([8, 4, 1].map(|n| stop_at(DecodingOrder::NextScale, n)), [5, 3, 1]);
        assert_eq!([32, 8].map(|n| stop_at(DecodingOrder::Raster, n)), [8, 7]);
        let other = settings.stopping_at(3, DecodingOrder::Raster);
        assert_eq!((other.n_rows, other.n_scales), (3, 5));
    }
}
