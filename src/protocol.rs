//! What crosses the border between the window (or command line) and the model's thread.
//!
//! Plain data: no channels, no tensors, no widgets. Heavy pixels are behind `Arc`.

mod day;
mod kept;
mod making;
mod memories;
mod memory;
mod models;
mod pictures;
pub mod prompt;
mod steering;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::imaging::RgbaImage;
pub use crate::imaging::control::Control;
pub use crate::imaging::metadata::Provenance;
use crate::imaging::metadata::TokenOrder;
use crate::params::{ControlKind, Sampling};
pub use day::{Day, moment_name};
pub use kept::{Kept, KeptError, inspiration_from};
pub use making::Making;
pub use memories::{
    AddPictures, AddProblem, AddProgress, AddReport, Captions, Duplicate, EntryListing, EntryQuery,
    KnownEntry, KnownMemory, MemoryEvent, RememberedId,
};
pub use memory::{
    MemoryEncoder, MemoryId, MemoryModel, OwnEntry, OwnMemory, RememberedPicture, row_of,
};
pub use models::{
    CatalogueEvent, FoundFile, KnownModel, MachineMemory, MemoryNeed, ModelKey, ModelList,
    ModelPart, ModelState, PartRole, PublishedFile, RefusedFile, ScanProgress, Transfer,
    TransferId, TransferKind, bytes_text,
};
pub use pictures::{
    IndexProgress, KnownPicture, LibraryEvent, Listing, PictureId, PictureQuery, ScanReport,
    is_unspaced,
};
pub use steering::{Errand, ErrandId, Given, Lock, LockMask, Stills};

/// Number of a job, rising; a result whose job is not the newest is stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

impl JobId {
    /// Of a picture that is shown again without a job; the worker's numbers begin after it.
    pub const RECALLED: Self = Self(0);
}

/// Name of a remembered picture: a hash of its token ids, stable over versions of the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EntryId(pub u64);

/// Everything that determines a picture, and how much of it is made and shown on the way.
///
/// The same request, model, device and build give the same bytes. `stop_at` and `previews` say
/// nothing about the picture: a scale has the same bytes whatever they are.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerateRequest {
    /// May be empty: an unconditional picture.
    pub prompt: String,
    /// Replaces the empty prompt in guidance; empty for none.
    pub negative: String,
    /// One picture per seed, computed as one batch; must not be empty.
    pub seeds: Vec<u64>,
    pub sampling: Sampling,
    /// Number of scales to run, from 1; all when `None`.
    pub stop_at: Option<usize>,
    /// Which scales are decoded while the job runs.
    pub previews: Previews,
    /// At most one per kind.
    pub controls: Vec<Control>,
    pub memory: MemoryRequest,
    /// A picture to stay close to, while its sketch is being changed.
    pub anchor: Option<Anchor>,
    /// Coarse scales that are taken as they are; drawing begins after them.
    pub given: Option<Given>,
    /// Places where an earlier picture stays.
    pub lock: Option<Lock>,
}

impl GenerateRequest {
    /// A request for one picture with default settings and the memory on.
    pub fn new(prompt: impl Into<String>, seed: u64) -> Self {
        Self {
            prompt: prompt.into(),
            negative: String::new(),
            seeds: vec![seed],
            sampling: Sampling::default(),
            stop_at: None,
            previews: Previews::default(),
            controls: Vec::new(),
            memory: MemoryRequest::default(),
            anchor: None,
            given: None,
            lock: None,
        }
    }

    /// Scales that are taken as they are.
    pub fn n_given(&self) -> usize {
        self.given.as_ref().map_or(0, Given::n_scales)
    }

    /// Whether both ask for the same picture, however many of its scales and previews.
    pub fn is_same_picture(&self, other: &Self) -> bool {
        // Named one by one, so that a new field must be thought of here. The cheap ones first.
        let Self {
            prompt,
            negative,
            seeds,
            sampling,
            stop_at: _,
            previews: _,
            controls,
            memory,
            anchor,
            given,
            lock,
        } = self;
        *seeds == other.seeds
            && *sampling == other.sampling
            && *prompt == other.prompt
            && *negative == other.negative
            && *memory == other.memory
            && *anchor == other.anchor
            && *given == other.given
            && *lock == other.lock
            && *controls == other.controls
    }
}

/// Token ids of one picture: one grid per scale, coarse to fine, row by row.
pub type PictureIds = Vec<Vec<u32>>;

/// An earlier picture that the new one stays close to: at each place, its code is made likelier.
/// Where the sketch asks for something else, that wins; where several codes would do, the earlier
/// one stays, so the picture does not flicker under the pen.
#[derive(Debug, Clone, PartialEq)]
pub struct Anchor {
    /// Per seed, as [`Event::Finished`] told them. Of a run that was stopped, only the scales that
    /// were done are held.
    pub ids: Arc<Vec<PictureIds>>,
    /// The earlier code's probability is multiplied by e to this power before the draw; 0 changes
    /// nothing. Range 0–[`Anchor::MAX_HOLD`].
    pub hold: f32,
}

impl Anchor {
    pub const MAX_HOLD: f32 = 20.0;
    /// For a picture that follows the pen: changes of the sketch show where they are, and the rest
    /// keeps still (`examples/stability.rs` measures both).
    pub const LIVE_HOLD: f32 = 0.25;
}

/// Which scales of a running job are decoded and shown. Decoding costs as much as several coarse
/// scales, so a picture that follows the pen can afford few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Previews {
    /// Each scale as soon as it is done.
    #[default]
    EveryScale,
    /// Only this scale, then one whenever `gap` has passed since the last preview, and always the
    /// last scale of the run. A run to the model's last scale decodes the others when all scales
    /// are done; a run that stops earlier leaves them out.
    Budgeted { first_scale_idx: usize, gap: Duration },
    /// The last scale of the run and no other, as a draft at about a quarter of the cost: softer,
    /// otherwise the same. For a run that stops early; a finished picture is never a draft.
    Draft,
}

/// Which remembered pictures the generator may look at.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryRequest {
    /// Off: nothing is retrieved; slots chosen by hand still count.
    pub retrieval: bool,
    /// Never retrieved.
    pub banned: Vec<EntryId>,
    /// Slots that were chosen by hand, by slot index; retrieval fills the others.
    pub chosen: Vec<(usize, Inspiration)>,
    /// How strongly slot 0 is fused per position; 1 is as trained, 0 off, range 0–2.
    pub reference_strength: f32,
    /// The user's own memories that are looked into, before the model's.
    pub own: Vec<Arc<OwnMemory>>,
    /// Slots, by index, that stay empty, whatever is chosen for them.
    pub closed_slots: Vec<usize>,
}

impl MemoryRequest {
    /// No memory at all.
    pub fn off() -> Self {
        Self { retrieval: false, ..Self::default() }
    }
}

impl Default for MemoryRequest {
    fn default() -> Self {
        Self {
            retrieval: true,
            banned: Vec::new(),
            chosen: Vec::new(),
            reference_strength: 1.0,
            own: Vec::new(),
            closed_slots: Vec::new(),
        }
    }
}

/// A picture put into a slot by hand.
#[derive(Debug, Clone, PartialEq)]
pub enum Inspiration {
    /// An entry of one of the request's own memories or of the model's, looked for in this order.
    Entry(EntryId),
    /// A remembered picture as its ids, wherever it was found.
    Remembered(Arc<RememberedPicture>),
    /// Any picture of the model's size, straight alpha; `name` is shown to the user.
    Picture { name: String, pixels: Arc<RgbaImage> },
}

/// A remembered picture that a job looks at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InspiredBy {
    pub slot: usize,
    pub entry: EntryId,
    pub caption: String,
    pub style: String,
    pub source: String,
    pub licence: String,
    /// Cosine of the prompt's and the entry's text vectors, −1 to 1; `None` if chosen by hand.
    pub similarity: Option<f32>,
    /// Name of the user's memory that it was found in; empty for the model's own memory.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub memory: String,
    #[serde(default, skip_serializing_if = "Provenance::is_entry")]
    pub provenance: Provenance,
    /// What the model looked at: token ids, scale by scale and row by row. Empty in files of
    /// before.
    #[serde(default, with = "memory::ids_as_text")]
    pub ids: Arc<[u16]>,
}

/// Where a part of the picture memory comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemorySource {
    pub source: String,
    pub licence: String,
    pub n_entries: usize,
}

/// In which order a model draws a picture, and so what a *scale* of it is, everywhere: what can be
/// stopped at, kept, gone on from and drawn again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecodingOrder {
    /// The whole picture again and again, coarse to fine: a scale is a square grid of tokens.
    #[default]
    NextScale,
    /// Token by token, row by row from the top: a scale is one row.
    Raster,
}

impl DecodingOrder {
    /// Tokens of a scale, given its entry in [`ModelInfo::scales`].
    pub const fn n_tokens(self, scale: usize) -> usize {
        match self {
            Self::NextScale => scale * scale,
            Self::Raster => scale,
        }
    }
}

impl From<DecodingOrder> for TokenOrder {
    fn from(order: DecodingOrder) -> Self {
        match order {
            DecodingOrder::NextScale => Self::Pyramid,
            DecodingOrder::Raster => Self::Raster,
        }
    }
}

/// How far a picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Tokens that are drawn, of those of the whole run.
    pub n_tokens: usize,
    pub n_wanted: usize,
}

/// What the window must know of a loaded model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelInfo {
    pub name: String,
    /// Where it computes, for people: `CPU, 2 threads`.
    pub device: String,
    pub order: DecodingOrder,
    /// Next-scale: side of each token grid, coarse to fine. Raster: tokens of each row, from the top.
    pub scales: Vec<usize>,
    /// Width and height of its control maps, and the longer side of its pictures
    /// ([`Self::size_px`]), which lie in the middle of the maps.
    pub image_size_px: usize,
    pub control_kinds: Vec<ControlKind>,
    /// What the classes are called, by number, of a model that draws one of those in place of a prompt:
    /// names separated by commas, the usual one first. Empty for models that read prompts. The prompt
    /// of a request is then a name or a number.
    pub class_names: Arc<[String]>,
    /// The styles of what it remembers, which prompts can name, in the order of the alphabet.
    pub styles: Arc<[String]>,
    pub n_memory_slots: usize,
    pub n_memory_entries: usize,
    /// What its memory holds, rising.
    pub memory_entries: Arc<[EntryId]>,
    pub n_parameters: usize,
    /// The settings that look best on this model.
    pub sampling: Sampling,
    /// SHA-256 of the weights and of the text tokenizer, 64 hexadecimal digits; `None` until known.
    pub sha256: Option<String>,
    pub tokenizer_sha256: Option<String>,
}

impl ModelInfo {
    /// Tokens of each scale, in the order in which they are drawn.
    pub fn n_tokens(&self) -> impl ExactSizeIterator<Item = usize> {
        self.scales.iter().map(|scale| self.order.n_tokens(*scale))
    }

    /// Width and height of its pictures. Those of raster models need not be square.
    pub fn size_px(&self) -> (usize, usize) {
        let side = self.image_size_px;
        match (self.order, self.scales.first()) {
            (DecodingOrder::Raster, Some(columns)) => {
                let cell = side / columns.max(&self.scales.len()).max(&1);
                (columns * cell, self.scales.len() * cell)
            }
            _ => (side, side),
        }
    }

    /// Whether these are ids of its first scales, going by how many there are of each.
    pub fn fits(&self, ids: &[Vec<u32>]) -> bool {
        ids.len() <= self.scales.len()
            && ids.iter().map(Vec::len).eq(self.n_tokens().take(ids.len()))
    }

    /// Cells along each side of the finest grid that lies over its control maps.
    pub fn n_cells(&self) -> usize {
        let side = self.scales.last().copied().unwrap_or(1);
        match self.order {
            DecodingOrder::NextScale => side,
            DecodingOrder::Raster => side.max(self.scales.len()),
        }
    }

    /// Whether the model's memory holds an entry.
    pub fn holds(&self, entry: EntryId) -> bool {
        self.memory_entries.binary_search(&entry).is_ok()
    }
}

/// A new picture, coarser or equal to the final one. Only the newest is kept.
#[derive(Debug, Clone)]
pub struct Preview {
    pub job: JobId,
    /// Index of the last scale in it, which may be unfinished.
    pub scale_idx: usize,
    pub image: Arc<RgbaImage>,
    /// Within a scale; `None` if it is finished.
    pub progress: Option<Progress>,
}

/// How long the parts of a job took.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timings {
    /// Prompt to vectors, choosing the remembered pictures, encoding the controls.
    pub prepare: Duration,
    /// One entry per scale that this job ran, without decoding. A job that went on from an earlier
    /// one has none for the scales that were done.
    pub scales: Vec<Duration>,
    /// All decoding to pixels, previews included.
    pub decode: Duration,
    pub total: Duration,
}

/// Something went wrong: one sentence for everyone, the chain of causes for those who ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub headline: String,
    pub details: String,
}

/// What the worker tells. None is ever dropped, except those of superseded jobs.
#[derive(Debug, Clone)]
pub enum Event {
    ModelReady(ModelInfo),
    ModelFailed(Failure),
    /// The job has begun; `notices` are remarks such as a shortened prompt.
    Started {
        job: JobId,
        inspired_by: Vec<InspiredBy>,
        notices: Vec<String>,
    },
    /// A scale is complete and decoded: the still for the scale strip. `elapsed` counts from the
    /// job's beginning. At most one per scale, coarse to fine; with [`Previews::Budgeted`] first
    /// those that were shown while the job ran, then the others.
    ScaleFinished {
        job: JobId,
        scale_idx: usize,
        still: Arc<RgbaImage>,
        elapsed: Duration,
        /// What the job's own work took so far; its `total` is not known yet.
        timings: Timings,
    },
    /// All requested scales are done; one picture per seed, with the ids that it is made of.
    Finished {
        job: JobId,
        images: Vec<Arc<RgbaImage>>,
        ids: Arc<Vec<PictureIds>>,
        timings: Timings,
    },
    /// The user asked to stop; the previews sent so far stay valid. With the ids of the scales that
    /// were done, per seed; empty if the job never began.
    Cancelled {
        job: JobId,
        ids: Arc<Vec<PictureIds>>,
    },
    Failed {
        job: JobId,
        failure: Failure,
    },
    /// An errand is done, other than a search for candidates.
    ErrandDone {
        errand: ErrandId,
        outcome: Result<Stills, Failure>,
    },
    /// What a search for candidates has found: most similar first, of equals those of the user
    /// first. Their slots count from 0 and mean nothing.
    Candidates {
        errand: ErrandId,
        outcome: Result<Vec<InspiredBy>, Failure>,
    },
    /// What a remembered picture looks like, for entries that a job or the newest search for
    /// candidates found: sent when there is nothing else to do, those of the job first, most similar
    /// first. Not sent again for entries that the job before looked at as well.
    Thumbnail {
        entry: EntryId,
        image: Arc<RgbaImage>,
    },
}

impl Event {
    /// The job it tells of; `None` for what concerns the model, which is never stale.
    pub fn job(&self) -> Option<JobId> {
        match self {
            Self::Started { job, .. }
            | Self::ScaleFinished { job, .. }
            | Self::Finished { job, .. }
            | Self::Cancelled { job, .. }
            | Self::Failed { job, .. } => Some(*job),
            Self::ModelReady(_)
            | Self::ModelFailed(_)
            | Self::ErrandDone { .. }
            | Self::Candidates { .. }
            | Self::Thumbnail { .. } => None,
        }
    }

    /// Whether it is the last event of its job.
    pub fn ends_job(&self) -> bool {
        matches!(self, Self::Finished { .. } | Self::Cancelled { .. } | Self::Failed { .. })
    }
}
