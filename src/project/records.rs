//! How the parts of a project are written in JSON. Pixels are named, see [`super::blobs`]; what
//! goes with the names is in the file or in the journal.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::blobs::Blobs;
use super::unpack::{BlobSource, Loader};
use super::{Node, Source};
use crate::document::{Document, Plane};
use crate::imaging::metadata::{PictureRecord, TokenOrder, TokenPyramid};
use crate::params::{ControlKind, StrengthCurve};
use crate::protocol::{
    Anchor, EntryId, Inspiration, Lock, LockMask, PictureIds, RememberedPicture,
};

/// More places of *Inspired by* than any model has.
pub(super) const MAX_SLOTS: usize = 64;
/// More scales than any model has.
const MAX_SCALES: usize = 64;
/// Locks on locks that are kept; what is beneath is nearly never seen.
const MAX_LOCKS: usize = 64;
/// Letters of a name that are read.
const MAX_NAME: usize = 256;

/// A document: its layers, with their pixels by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct DocumentRecord {
    pub(super) size_px: usize,
    pub(super) layers: Vec<LayerRecord>,
    /// What was painted to be locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lock: Option<String>,
}

/// A layer; planes without a name are empty. Colours are premultiplied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LayerRecord {
    pub(super) kind: ControlKind,
    pub(super) visible: bool,
    pub(super) strength: StrengthCurve,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pixels: Option<String>,
    /// What is missing from full strength.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) weakening: Option<String>,
}

/// A picture in a place of *Inspired by*.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum InspirationRecord {
    /// An entry of the model's memory, 16 hexadecimal digits.
    Entry(String),
    Remembered(RememberedPicture),
    Picture {
        name: String,
        pixels: String,
    },
}

/// A [`Source`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SourceRecord {
    name: String,
    picture: String,
    n_kept: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens: Option<TokenPyramid>,
}

/// A [`Node`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct NodeRecord {
    pub(super) id: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<u64>,
    #[serde(default)]
    pub(super) about: Value,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) chosen: Vec<(usize, InspirationRecord)>,
    pub(super) tokens: TokenPyramid,
    #[serde(default)]
    pub(super) n_scales: usize,
    pub(super) document: DocumentRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) anchor: Option<AnchorRecord>,
    /// The lock, then what was locked beneath it, and so on: a list, because texts must not be
    /// nested too deeply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) locks: Vec<LockRecord>,
    /// What its file told, in its own schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) record: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) picture: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_reduced: bool,
}

/// An [`Anchor`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct AnchorRecord {
    /// One per seed.
    tokens: Vec<TokenPyramid>,
    hold: f32,
}

/// A [`Lock`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LockRecord {
    tokens: TokenPyramid,
    size_px: usize,
    mask: String,
}

impl DocumentRecord {
    pub(super) fn of(document: &Document, blobs: &mut Blobs) -> Self {
        let layers = ControlKind::ALL.into_iter().map(|kind| {
            let layer = document.layer(kind);
            LayerRecord {
                kind,
                visible: layer.is_visible(),
                strength: layer.strength().clone(),
                pixels: blobs.plane(layer.pixels()),
                weakening: blobs.plane(layer.weakening()),
            }
        });
        let layers = layers.collect();
        Self { size_px: document.size_px(), layers, lock: blobs.plane(document.lock()) }
    }

    /// The planes that have a name.
    pub(super) fn planes(&self) -> impl Iterator<Item = (Plane, &str)> {
        let lock = self.lock.as_deref().map(|name| (Plane::Lock, name));
        let layers = self.layers.iter().flat_map(|layer| {
            let pixels = layer.pixels.as_deref().map(|name| (Plane::Pixels(layer.kind), name));
            let strength =
                layer.weakening.as_deref().map(|name| (Plane::Strength(layer.kind), name));
            pixels.into_iter().chain(strength)
        });
        layers.chain(lock)
    }
}

impl InspirationRecord {
    pub(super) fn of(inspiration: &Inspiration, blobs: &mut Blobs) -> Self {
        match inspiration {
            Inspiration::Entry(entry) => Self::Entry(entry_text(*entry)),
            Inspiration::Remembered(picture) => Self::Remembered((**picture).clone()),
            Inspiration::Picture { name, pixels } => {
                Self::Picture { name: name.clone(), pixels: blobs.picture(pixels) }
            }
        }
    }

    pub(super) fn blob_name(&self) -> Option<&str> {
        match self {
            Self::Entry(_) | Self::Remembered(_) => None,
            Self::Picture { pixels, .. } => Some(pixels),
        }
    }

    /// `None` if the picture is lost.
    pub(super) fn load(&self, loader: &mut Loader<'_, impl BlobSource>) -> Option<Inspiration> {
        match self {
            Self::Entry(text) => entry(text).map(Inspiration::Entry),
            Self::Remembered(picture) => Some(Inspiration::Remembered(Arc::new(picture.clone()))),
            Self::Picture { name, pixels } => {
                let pixels = loader.picture(pixels)?;
                Some(Inspiration::Picture { name: name.clone(), pixels })
            }
        }
    }
}

impl SourceRecord {
    pub(super) fn of(source: &Source, blobs: &mut Blobs) -> Self {
        Self {
            name: source.name.clone(),
            picture: blobs.picture(&source.picture),
            n_kept: source.n_kept,
            tokens: source.ids.as_deref().and_then(pyramid),
        }
    }

    pub(super) fn blob_name(&self) -> &str {
        &self.picture
    }

    /// `None` if the picture is lost.
    pub(super) fn load(&self, loader: &mut Loader<'_, impl BlobSource>) -> Option<Source> {
        Some(Source {
            name: self.name.chars().take(MAX_NAME).collect(),
            picture: loader.picture(&self.picture)?,
            n_kept: self.n_kept.clamp(1, MAX_SCALES),
            ids: self.tokens.as_ref().map(|tokens| Arc::new(ids(tokens))),
        })
    }
}

impl NodeRecord {
    /// `None` if its ids are none: then there is nothing that could be kept.
    pub(super) fn of(node: &Node, blobs: &mut Blobs) -> Option<Self> {
        let chosen = node.chosen.iter();
        Some(Self {
            id: node.id,
            parent: node.parent,
            about: node.about.clone(),
            chosen: chosen
                .map(|(slot_idx, chosen)| (*slot_idx, InspirationRecord::of(chosen, blobs)))
                .collect(),
            tokens: pyramid(&node.ids)?,
            n_scales: node.n_scales,
            document: DocumentRecord::of(&node.document, blobs),
            anchor: node.anchor.as_ref().and_then(AnchorRecord::of),
            locks: LockRecord::all_of(node.lock.as_ref(), blobs),
            record: node.record.as_ref().and_then(|record| serde_json::to_value(&**record).ok()),
            picture: node.picture.as_ref().map(|picture| blobs.picture(picture)),
            is_reduced: node.is_reduced,
        })
    }

    /// The names of its picture and mask; its sketch and inspirations have theirs.
    pub(super) fn blob_names(&self) -> impl Iterator<Item = &str> {
        let masks = self.locks.iter().map(|lock| &*lock.mask);
        self.picture.as_deref().into_iter().chain(masks)
    }

    /// `None` if its sketch has an impossible size.
    pub(super) fn load(&self, loader: &mut Loader<'_, impl BlobSource>) -> Option<Node> {
        let chosen = self.chosen.iter().take(MAX_SLOTS);
        let chosen =
            chosen.filter_map(|(slot_idx, chosen)| Some((*slot_idx, chosen.load(loader)?)));
        Some(Node {
            id: self.id,
            parent: self.parent,
            about: self.about.clone(),
            chosen: chosen.collect(),
            ids: Arc::new(ids(&self.tokens)),
            n_scales: self.n_scales.clamp(self.tokens.n_scales(), MAX_SCALES),
            document: loader.document(&self.document)?,
            anchor: self.anchor.as_ref().map(AnchorRecord::load),
            lock: LockRecord::load_all(&self.locks, loader),
            record: self.record.as_ref().and_then(picture_record).map(Arc::new),
            picture: self.picture.as_ref().and_then(|name| loader.picture(name)),
            is_reduced: self.is_reduced,
        })
    }
}

impl AnchorRecord {
    fn of(anchor: &Anchor) -> Option<Self> {
        let tokens = anchor.ids.iter().map(pyramid).collect::<Option<_>>()?;
        Some(Self { tokens, hold: anchor.hold })
    }

    fn load(&self) -> Anchor {
        let hold = if self.hold.is_finite() { self.hold } else { 0.0 };
        Anchor {
            ids: Arc::new(self.tokens.iter().map(ids).collect()),
            hold: hold.clamp(0.0, Anchor::MAX_HOLD),
        }
    }
}

impl LockRecord {
    /// The lock and those beneath it, as far as they can be written.
    fn all_of(lock: Option<&Lock>, blobs: &mut Blobs) -> Vec<Self> {
        let locks = std::iter::successors(lock, |lock| lock.beneath.as_deref());
        let record = |lock: &Lock| {
            let LockMask { size_px, coverage } = &*lock.mask;
            let mask = blobs.levels(coverage, *size_px);
            Some(Self { tokens: pyramid(&lock.ids)?, size_px: *size_px, mask })
        };
        locks.take(MAX_LOCKS).map_while(record).collect()
    }

    /// `None` if there is none, or its mask is lost.
    fn load_all(records: &[Self], loader: &mut Loader<'_, impl BlobSource>) -> Option<Lock> {
        let mut beneath = None;
        for record in records.iter().take(MAX_LOCKS).rev() {
            let coverage = loader.levels(&record.mask, record.size_px)?;
            let mask = Arc::new(LockMask { size_px: record.size_px, coverage });
            let ids = Arc::new(ids(&record.tokens));
            beneath = Some(Lock { ids, mask, beneath: beneath.map(Arc::new) });
        }
        beneath
    }
}

fn picture_record(value: &Value) -> Option<PictureRecord> {
    let (record, _remarks) = PictureRecord::from_json(&value.to_string()).ok()?;
    Some(record)
}

fn entry_text(entry: EntryId) -> String {
    format!("{:016x}", entry.0)
}

fn entry(text: &str) -> Option<EntryId> {
    u64::from_str_radix(text, 16).ok().map(EntryId)
}

/// As square grids or else as rows: read again, both are the same ids. `None` if there are none, as
/// of a run that was stopped before its first scale.
fn pyramid(ids: &PictureIds) -> Option<TokenPyramid> {
    let sides: Vec<usize> = ids.iter().map(|ids| ids.len().isqrt()).collect();
    let lengths: Vec<usize> = ids.iter().map(Vec::len).collect();
    let pyramid = TokenPyramid::new(&sides, ids.clone());
    pyramid.or_else(|_| TokenPyramid::in_order(TokenOrder::Raster, &lengths, ids.clone())).ok()
}

fn ids(tokens: &TokenPyramid) -> PictureIds {
    tokens.ids().map(<[u32]>::to_vec).collect()
}
