//! From a request and what came of it to the record that goes into the picture's file.

use super::{
    Anchor, DecodingOrder, GenerateRequest, Inspiration, InspiredBy, Lock, ModelInfo, PictureIds,
};
use crate::imaging::metadata::{
    AnchorRecord, ControlRecord, InspirationRecord, LockRecord, MemoryRecord, ModelRecord,
    PictureRecord, TokenPyramid,
};

/// How one picture was made.
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
    /// The record for the file. `with_maps` puts the control maps, and the pixels of the user's own
    /// pictures that the model looked at, into it, for all who get the file. What it looked at, as
    /// tokens, is there in any case.
    pub fn record(&self, with_maps: bool) -> PictureRecord {
        let Self { request, model, inspired_by, ids, .. } = *self;
        let (width, height) = model.size_px();
        let memory = &request.memory;
        let is_complete = ids.len() == model.scales.len();
        PictureRecord {
            prompt: request.prompt.clone(),
            negative: request.negative.clone(),
            seeds: self.seeds(),
            sampling: request.sampling,
            stop_at: ids.len(),
            n_scales: model.scales.len(),
            width: width as u32,
            height: height as u32,
            model: ModelRecord {
                name: model.name.clone(),
                kind: match model.order {
                    DecodingOrder::NextScale => "next-scale".to_owned(),
                    DecodingOrder::Raster => "raster".to_owned(),
                },
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
                closed_slots: memory.closed_slots.clone(),
                own: memory.own.iter().map(|own| own.name.clone()).collect(),
            },
            inspirations: inspired_by
                .iter()
                .map(|inspired_by| self.inspiration_record(inspired_by, with_maps))
                .collect(),
            tokens: tokens_of(model, ids.clone()),
            lock: request.lock.as_ref().and_then(|lock| lock_record(lock, model)),
            anchor: request
                .anchor
                .as_ref()
                .filter(|anchor| !is_complete && anchor.hold > 0.0)
                .and_then(|anchor| self.anchor_record(anchor)),
            source: request.given.as_ref().and_then(|given| given.source.clone()),
            ..PictureRecord::default()
        }
    }

    /// One per scale.
    fn seeds(&self) -> Vec<u64> {
        let given = self.request.given.iter();
        let given = given.flat_map(|given| given.seeds.iter().copied().take(given.n_scales()));
        let mut seeds: Vec<u64> = given.take(self.ids.len()).collect();
        seeds.resize(self.ids.len(), self.seed);
        seeds
    }

    fn inspiration_record(
        &self,
        inspired_by: &InspiredBy,
        with_picture: bool,
    ) -> InspirationRecord {
        let mut chosen = self.request.memory.chosen.iter();
        let chosen = chosen.find(|(slot, _)| *slot == inspired_by.slot);
        let mut record = InspirationRecord {
            slot: inspired_by.slot,
            entry: format!("{:016x}", inspired_by.entry.0),
            caption: inspired_by.caption.clone(),
            style: inspired_by.style.clone(),
            source: inspired_by.source.clone(),
            licence: inspired_by.licence.clone(),
            memory: inspired_by.memory.clone(),
            provenance: inspired_by.provenance,
            chosen: chosen.is_some(),
            similarity: inspired_by.similarity,
            tokens: grids_of(&inspired_by.ids, self.model)
                .and_then(|grids| tokens_of(self.model, grids)),
            picture: None,
        };
        if let Some((_, Inspiration::Picture { pixels, .. })) = chosen {
            record.entry.clear();
            if with_picture {
                record.embed(pixels);
            }
        }
        record
    }

    fn anchor_record(&self, anchor: &Anchor) -> Option<AnchorRecord> {
        let batch_idx = self.request.seeds.iter().position(|seed| *seed == self.seed)?;
        let ids = anchor.ids.get(batch_idx)?.clone();
        let tokens = tokens_of(self.model, ids)?;
        Some(AnchorRecord { tokens, hold: anchor.hold })
    }
}

/// The ids of a whole picture as a grid per scale; `None` if they are of another model.
fn grids_of(ids: &[u16], model: &ModelInfo) -> Option<PictureIds> {
    let mut rest = ids.iter().copied().map(u32::from);
    let grids: PictureIds = model.n_tokens().map(|n| rest.by_ref().take(n).collect()).collect();
    (ids.len() == model.n_tokens().sum::<usize>()).then_some(grids)
}

/// The ids of a picture of a model, as far as it is done.
fn tokens_of(model: &ModelInfo, ids: PictureIds) -> Option<TokenPyramid> {
    TokenPyramid::in_order(model.order.into(), &model.scales, ids).ok()
}

/// With all locks beneath it.
fn lock_record(lock: &Lock, model: &ModelInfo) -> Option<LockRecord> {
    let tokens = tokens_of(model, lock.ids.to_vec())?;
    let mut record = LockRecord::new(tokens, &lock.mask.coverage, lock.mask.size_px)?;
    record.beneath = match &lock.beneath {
        Some(beneath) => Some(Box::new(lock_record(beneath, model)?)),
        None => None,
    };
    Some(record)
}
