//! From a request and what came of it to the record that goes into the picture's file.

use super::{GenerateRequest, InspiredBy, ModelInfo, PictureIds};
use crate::imaging::metadata::{
    ControlRecord, InspirationRecord, MemoryRecord, ModelRecord, PictureRecord, TokenPyramid,
};

/// How one picture was made. An anchor is left out: what it did to the picture is in the ids.
#[derive(Debug, Clone, Copy)]
pub struct Making<'a> {
    pub request: &'a GenerateRequest,
    /// The seed of this picture of the batch.
    pub seed: u64,
    pub model: &'a ModelInfo,
    pub inspired_by: &'a [InspiredBy],
    /// As far as the picture is done.
    pub ids: &'a PictureIds,
}

impl Making<'_> {
    /// The record for the file. `with_maps` puts the control maps into it, for all who get the
    /// file.
    pub fn record(&self, with_maps: bool) -> PictureRecord {
        let Self { request, seed, model, inspired_by, ids } = *self;
        let side_px = model.image_size_px as u32;
        let memory = &request.memory;
        let is_chosen = |slot: usize| memory.chosen.iter().any(|(chosen, _)| *chosen == slot);
        PictureRecord {
            prompt: request.prompt.clone(),
            negative: request.negative.clone(),
            seeds: vec![seed; ids.len()],
            sampling: request.sampling,
            stop_at: ids.len(),
            n_scales: model.scales.len(),
            width: side_px,
            height: side_px,
            model: ModelRecord {
                name: model.name.clone(),
                kind: "next-scale".to_owned(),
                sha256: model.sha256.clone(),
                tokenizer_sha256: model.tokenizer_sha256.clone(),
            },
            controls: request
                .controls
                .iter()
                .map(|control| ControlRecord::new(control, with_maps))
                .collect(),
            memory: MemoryRecord {
                retrieval: memory.retrieval,
                banned: memory.banned.iter().map(|entry| format!("{:016x}", entry.0)).collect(),
                reference_strength: memory.reference_strength,
            },
            inspirations: inspired_by
                .iter()
                .map(|inspired_by| InspirationRecord {
                    slot: inspired_by.slot,
                    entry: format!("{:016x}", inspired_by.entry.0),
                    caption: inspired_by.caption.clone(),
                    source: inspired_by.source.clone(),
                    licence: inspired_by.licence.clone(),
                    chosen: is_chosen(inspired_by.slot),
                })
                .collect(),
            tokens: TokenPyramid::new(&model.scales, ids.clone()).ok(),
            ..PictureRecord::default()
        }
    }
}
