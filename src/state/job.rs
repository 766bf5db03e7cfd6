//! The newest run of the model, as far as the window has heard of it.

use std::sync::Arc;
use std::time::Duration;

use crate::imaging::RgbaImage;
use crate::imaging::metadata::PictureRecord;
use crate::protocol::{Failure, GenerateRequest, InspiredBy, JobId, PictureIds, Timings};

/// One run, from the request to the finished picture.
#[derive(Debug, Clone)]
pub struct Job {
    pub id: JobId,
    pub request: GenerateRequest,
    pub phase: Phase,
    /// Which state of the sketch it draws; see `Editor::revision`.
    pub sketch_revision: u64,
    /// What it took so far.
    pub timings: Timings,
    /// Scales that this run will have.
    pub n_wanted: usize,
    /// One entry per scale of the model; empty until the scale is drawn and decoded.
    pub stills: Vec<Option<Still>>,
    /// What the pictures are made of, per seed; empty until the run has ended.
    pub ids: Arc<Vec<PictureIds>>,
    /// The remembered pictures that it looks at.
    pub inspired_by: Vec<InspiredBy>,
    /// How it was made, if the picture comes from a file.
    pub record: Option<Arc<PictureRecord>>,
}

/// How far a job is.
#[derive(Debug, Clone)]
pub enum Phase {
    /// Sent; the model has not begun.
    Sent,
    Drawing,
    Finished(Timings),
    /// The user stopped it; what was drawn stays.
    Stopped,
    Failed(Failure),
}

/// The picture after one scale.
#[derive(Debug, Clone)]
pub struct Still {
    pub image: Arc<RgbaImage>,
    /// Differs between any two pictures that look different.
    pub serial: u64,
    /// From the job's beginning; `None` while only a preview has arrived.
    pub elapsed: Option<Duration>,
}

impl Job {
    /// A request of a model with `n_scales`, which has just been sent.
    pub fn new(id: JobId, request: GenerateRequest, n_scales: usize, sketch_revision: u64) -> Self {
        let n_wanted = request.stop_at.map_or(n_scales, |stop_at| stop_at.min(n_scales));
        let stills = vec![None; n_scales];
        Self {
            id,
            request,
            phase: Phase::Sent,
            sketch_revision,
            timings: Timings::default(),
            n_wanted,
            stills,
            ids: Arc::default(),
            inspired_by: Vec::new(),
            record: None,
        }
    }

    /// Takes over what is known of a run of the same picture, which this one goes on from.
    #[must_use]
    pub fn continuing(mut self, before: &Self) -> Self {
        if before.request.is_same_picture(&self.request) {
            self.ids = Arc::clone(&before.ids);
            self.inspired_by.clone_from(&before.inspired_by);
            for (still, known) in self.stills.iter_mut().zip(&before.stills) {
                still.clone_from(known);
            }
        }
        self
    }

    pub fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Sent | Phase::Drawing)
    }

    pub fn still(&self, scale_idx: usize) -> Option<&Still> {
        self.stills.get(scale_idx)?.as_ref()
    }

    /// What the first picture is made of up to a scale, as far as that is known.
    pub fn ids_to(&self, scale_idx: usize) -> Option<&[Vec<u32>]> {
        self.ids.first()?.get(..=scale_idx)
    }

    /// The finest still and its scale.
    pub fn newest(&self) -> Option<(usize, &Still)> {
        let scale_idx = self.stills.iter().rposition(Option::is_some)?;
        Some((scale_idx, self.still(scale_idx)?))
    }

    /// Scales drawn so far.
    pub fn n_done(&self) -> usize {
        self.newest().map_or(0, |(scale_idx, _)| scale_idx + 1)
    }

    /// The scale being drawn now.
    pub fn current_scale(&self) -> Option<usize> {
        (self.is_running() && self.n_done() < self.n_wanted).then(|| self.n_done())
    }
}
