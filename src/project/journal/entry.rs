//! What stands in the frames of a journal.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::blobs::Blob;
use super::super::records::{InspirationRecord, NodeRecord, SourceRecord};
use super::SessionFacts;
use super::frames;
use super::patch::PatchRecord;

/// Kinds of frames: the PNG of a blob after its name, the whole project in words, a change, and
/// a change of the sketch with its pixels.
pub(super) const BLOB: u8 = b'B';
pub(super) const WHOLE: u8 = b'W';
pub(super) const CHANGE: u8 = b'C';
pub(super) const SKETCH: u8 = b'S';

/// A project in words, and what is known of the session. The manifest has its own reader.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WholeEntry<T> {
    pub(super) facts: SessionFacts,
    pub(super) project: T,
}

/// A change in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ChangeEntry {
    pub(super) is_unsaved: bool,
    pub(super) change: ChangeRecord,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChangeRecord {
    Recipe(Value),
    View(Value),
    Slots(Vec<Option<InspirationRecord>>),
    Source(Option<SourceRecord>),
    Node(Box<NodeRecord>),
    Removed(u64),
    Current(Option<u64>),
    /// The project was written to a file.
    Saved(SessionFacts),
}

/// A change of the sketch; its pixels follow the text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SketchEntry {
    pub(super) is_unsaved: bool,
    pub(super) patch: PatchRecord,
}

pub(super) fn append_blob(file: &mut Vec<u8>, blob: &Blob) {
    frames::append(file, BLOB, &[blob.name.as_bytes(), &blob.png]);
}

pub(super) fn append_json(file: &mut Vec<u8>, kind: u8, entry: &impl Serialize) {
    let json = serde_json::to_vec(entry).expect("entries are plain data with text keys");
    frames::append(file, kind, &[&json]);
}

pub(super) fn append_sketch(file: &mut Vec<u8>, entry: &SketchEntry, pixels: &[u8]) {
    let json = serde_json::to_vec(entry).expect("entries are plain data with text keys");
    let length = u32::try_from(json.len()).expect("patches are small").to_le_bytes();
    frames::append(file, SKETCH, &[&length, &json, pixels]);
}

/// The entry and the pixels of a frame of the kind [`SKETCH`].
pub(super) fn read_sketch(content: &[u8]) -> Option<(SketchEntry, &[u8])> {
    let (length, rest) = content.split_first_chunk::<4>()?;
    let (json, pixels) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some((serde_json::from_slice(json).ok()?, pixels))
}
