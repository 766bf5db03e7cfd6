//! The newest run of the model, as far as the window has heard of it.

use std::sync::Arc;
use std::time::Duration;

use super::branches::{Node, NodeId, Origin};
use super::growing::Growing;
use super::settings::{Banned, Recipe};
use crate::document::Document;
use crate::imaging::RgbaImage;
use crate::imaging::metadata::{PictureRecord, SourceRecord};
use crate::protocol::{
    Failure, GenerateRequest, Given, Inspiration, InspiredBy, JobId, PictureIds, Timings,
};

/// One run, from the request to the finished picture; or a picture of the branch tree that is shown
/// again as if it had just been drawn.
#[derive(Debug, Clone)]
pub struct Job {
    /// [`JobId::RECALLED`] for a picture that was not drawn now.
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
    /// What there is of the scale after those that are done.
    pub growing: Option<Growing>,
    /// What its request was made from.
    pub made: Made,
    pub origin: Origin,
    /// The node that it comes from.
    pub parent: Option<NodeId>,
    /// The seed of each scale that it will have.
    pub seeds: Vec<u64>,
    /// What the pictures are made of, per seed; empty until the run has ended.
    pub ids: Arc<Vec<PictureIds>>,
    /// The remembered pictures that it looks at.
    pub inspired_by: Vec<InspiredBy>,
    /// How it was made, if the picture comes from a file.
    pub record: Option<Arc<PictureRecord>>,
    /// Its place in the tree, once it has one.
    pub node: Option<NodeId>,
    /// Differs between any two pictures that were shown again; `None` for a run.
    pub recall: Option<u64>,
    /// The first scale that this run draws itself.
    pub first_idx: usize,
    /// Window time at which its last scale, or part of one, was done.
    pub advanced_at: f64,
}

/// What a request is made from: enough to make it again.
#[derive(Debug, Clone)]
pub struct Made {
    pub recipe: Recipe,
    pub banned: Vec<Banned>,
    /// By slot index.
    pub chosen: Vec<(usize, Inspiration)>,
    pub sketch: Document,
}

/// A request that has just been sent.
#[derive(Debug)]
pub struct Order {
    pub id: JobId,
    pub request: GenerateRequest,
    /// Of the model.
    pub n_scales: usize,
    pub sketch_revision: u64,
    pub made: Made,
    pub origin: Origin,
    pub parent: Option<NodeId>,
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
    pub fn new(order: Order) -> Self {
        let Order { id, request, n_scales, sketch_revision, made, origin, parent } = order;
        let n_wanted = request.stop_at.map_or(n_scales, |stop_at| stop_at.min(n_scales));
        let n_given = request.n_given();
        let seed = request.seeds.first().copied().unwrap_or_default();
        let given = request.given.iter().flat_map(|given| given.seeds.iter().copied());
        let seeds = given.take(n_given).chain(std::iter::repeat(seed)).take(n_wanted).collect();
        Self {
            id,
            phase: Phase::Sent,
            sketch_revision,
            timings: Timings::default(),
            n_wanted,
            stills: vec![None; n_scales],
            growing: None,
            made,
            origin,
            parent,
            seeds,
            ids: Arc::default(),
            inspired_by: Vec::new(),
            record: None,
            node: None,
            recall: None,
            first_idx: n_given,
            advanced_at: 0.0,
            request,
        }
    }

    /// A node of the tree as it was when its picture was done. `serial` is larger than all before;
    /// as many as there are scales are used.
    pub fn recalled(
        node: &Node,
        request: GenerateRequest,
        sketch_revision: u64,
        serial: u64,
    ) -> Self {
        let n_done = node.ids.len();
        let mut stills = vec![None; node.n_scales];
        for (scale_idx, (still, image)) in stills.iter_mut().zip(&node.stills).enumerate() {
            let image = if scale_idx + 1 == n_done {
                // At once, even if it must be decoded again.
                image.as_ref().or(Some(&node.picture))
            } else {
                image.as_ref()
            };
            let serial = serial + scale_idx as u64;
            *still = image.map(|image| Still { image: Arc::clone(image), serial, elapsed: None });
        }
        let phase =
            if node.is_complete() { Phase::Finished(Timings::default()) } else { Phase::Stopped };
        Self {
            id: JobId::RECALLED,
            request,
            phase,
            sketch_revision,
            timings: Timings::default(),
            n_wanted: n_done,
            stills,
            growing: None,
            made: Made {
                recipe: node.about.recipe.clone(),
                banned: node.about.banned.clone(),
                chosen: node.chosen.clone(),
                sketch: node.sketch.clone(),
            },
            origin: node.about.origin,
            parent: node.parent,
            seeds: node.about.seeds.clone(),
            ids: Arc::new(vec![node.ids.to_vec()]),
            inspired_by: node.about.inspired_by.clone(),
            record: node.record.clone(),
            node: Some(node.id),
            recall: Some(serial),
            first_idx: n_done,
            advanced_at: 0.0,
        }
    }

    /// Takes over the stills that this run has in common with the one before: all of the same
    /// picture, otherwise those of the scales that it was given.
    #[must_use]
    pub fn continuing(mut self, before: &Self) -> Self {
        let n_common = if before.request.is_same_picture(&self.request) {
            self.ids = Arc::clone(&before.ids);
            self.inspired_by.clone_from(&before.inspired_by);
            self.first_idx = before.n_done().max(self.first_idx);
            self.stills.len()
        } else {
            let given = self.request.given.as_ref().and_then(|given| given.ids.first());
            let known = before.ids.first();
            let pairs = given.into_iter().flatten().zip(known.into_iter().flatten());
            pairs.take_while(|(given, known)| given == known).count()
        };
        for (still, known) in self.stills.iter_mut().zip(&before.stills).take(n_common) {
            still.clone_from(known);
        }
        if self.is_rest_of(before) {
            self.growing.clone_from(&before.growing);
        }
        self
    }

    /// Whether it is the run before, gone on with where that ended: what was there of an unfinished
    /// scale is part of it.
    fn is_rest_of(&self, before: &Self) -> bool {
        let of_before =
            GenerateRequest { given: self.request.given.clone(), ..before.request.clone() };
        let n_given = self.n_given().max(before.n_done());
        self.request.is_same_picture(&of_before) && n_given == before.n_done()
    }

    /// Scales that it was given.
    pub fn n_given(&self) -> usize {
        self.request.n_given()
    }

    /// Whether every scale of the model is drawn.
    pub fn is_complete(&self) -> bool {
        self.first_ids().is_some_and(|ids| ids.len() == self.stills.len())
    }

    /// The first scales of the first picture, for another that is to have them too; `None` if so
    /// many are not done.
    pub fn prefix(&self, n_scales: usize) -> Option<Given> {
        let ids = self.first_ids().filter(|ids| ids.len() >= n_scales)?;
        let given = Given::prefix(ids, n_scales).drawn_with(&self.seeds);
        Some(match self.source() {
            Some(source) => given.encoded_from(&source.name, source.n_scales),
            None => given,
        })
    }

    /// The picture that the coarsest scales were encoded from.
    pub fn source(&self) -> Option<&SourceRecord> {
        let of_file = self.record.as_ref().and_then(|record| record.source.as_ref());
        self.request.given.as_ref().and_then(|given| given.source.as_ref()).or(of_file)
    }

    /// What the first picture is made of, as far as it is done; known when the run has ended.
    pub fn first_ids(&self) -> Option<&PictureIds> {
        self.ids.first().filter(|ids| !ids.is_empty())
    }

    /// Whether it was stopped before its first scale was done, with something to see of that: there are
    /// no ids yet, but its run can be gone on with.
    pub fn is_stopped_in_first_scale(&self) -> bool {
        matches!(self.phase, Phase::Stopped) && self.first_ids().is_none() && self.growing.is_some()
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
