//! A picture that is to be kept, and what its file will tell of its making.

use std::sync::Arc;

use super::{AppState, Node, NodeId, Shown};
use crate::imaging::RgbaImage;
use crate::imaging::metadata::PictureRecord;
use crate::protocol::{GenerateRequest, InspiredBy, Making, ModelInfo, PictureIds};

/// A picture as it was on the canvas at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Keepsake {
    pub picture: Arc<RgbaImage>,
    pub prompt: String,
    pub seed: u64,
    /// Scales in it, from 1.
    pub n_scales: usize,
    /// Its place in the tree, if it has one.
    pub node: Option<NodeId>,
    origin: Origin,
}

/// Where the picture comes from.
#[derive(Debug, Clone, PartialEq)]
enum Origin {
    Drawn(Box<Drawn>),
    /// From a file; what that told stays true.
    Recorded(Arc<PictureRecord>),
}

/// What a run was asked for and what came of it.
#[derive(Debug, Clone, PartialEq)]
struct Drawn {
    request: GenerateRequest,
    model: ModelInfo,
    inspired_by: Vec<InspiredBy>,
    /// Empty while the run goes on.
    ids: PictureIds,
}

impl Keepsake {
    /// What the file tells. Takes a while: control maps are hashed. `with_maps` puts them into it,
    /// for all who get the file.
    pub fn record(&self, with_maps: bool) -> PictureRecord {
        let record = match &self.origin {
            Origin::Recorded(record) if with_maps => PictureRecord::clone(record),
            Origin::Recorded(record) => PictureRecord::clone(record).without_maps(),
            Origin::Drawn(drawn) => drawn.record(self.seed, self.n_scales, with_maps),
        };
        record.up_to(self.n_scales)
    }
}

impl Drawn {
    fn record(&self, seed: u64, n_scales: usize, with_maps: bool) -> PictureRecord {
        let Self { request, model, inspired_by, ids } = self;
        let record = Making { request, seed, model, inspired_by, ids }.record(with_maps);
        if !ids.is_empty() {
            return record;
        }
        // Without its ids the picture can still be drawn again.
        PictureRecord { seeds: vec![seed; n_scales], stop_at: n_scales, ..record }
    }
}

impl AppState {
    /// What is on the canvas, to be kept; `None` if nothing is.
    pub fn keepsake(&self) -> Option<Keepsake> {
        let Shown { job, scale_idx, still } = self.shown()?;
        let request = &job.request;
        let seed = request.seeds.first().copied().unwrap_or_default();
        let origin = match &job.record {
            Some(record) => Origin::Recorded(Arc::clone(record)),
            None => Origin::Drawn(Box::new(Drawn {
                request: request.clone(),
                model: self.model()?.clone(),
                inspired_by: job.inspired_by.clone(),
                ids: job.ids_to(scale_idx).map(<[_]>::to_vec).unwrap_or_default(),
            })),
        };
        // Pixels of another model's picture are on no scale of this one.
        let of_other_model = job.record.as_ref().filter(|_| job.node.is_none());
        Some(Keepsake {
            picture: Arc::clone(&still.image),
            prompt: request.prompt.clone(),
            seed,
            n_scales: of_other_model.map_or(scale_idx + 1, |record| record.stop_at),
            node: job.node,
            origin,
        })
    }

    /// A picture of the tree, to be kept; `None` if it takes a model to tell of it and none is
    /// there.
    pub fn keepsake_of(&mut self, node: &Node) -> Option<Keepsake> {
        let request = self.request_of(node);
        let prompt = request.prompt.clone();
        let seed = request.seeds.first().copied().unwrap_or_default();
        let origin = match &node.record {
            Some(record) => Origin::Recorded(Arc::clone(record)),
            None => Origin::Drawn(Box::new(Drawn {
                request,
                model: self.model()?.clone(),
                inspired_by: node.about.inspired_by.clone(),
                ids: node.ids.to_vec(),
            })),
        };
        Some(Keepsake {
            picture: Arc::clone(&node.picture),
            prompt,
            seed,
            n_scales: node.ids.len(),
            node: Some(node.id),
            origin,
        })
    }
}
