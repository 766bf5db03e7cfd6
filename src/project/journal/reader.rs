//! From the bytes of a journal to the project as it was after the last whole change.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use super::super::blobs;
use super::super::file::Opened;
use super::super::manifest::{Manifest, ReadManifest};
use super::super::records::NodeRecord;
use super::super::unpack::{BlobSource, Loader, project_of};
use super::SessionFacts;
use super::entry::{
    BLOB, CHANGE, ChangeEntry, ChangeRecord, SKETCH, WHOLE, WholeEntry, read_sketch,
};
use super::frames::{Frame, Frames};
use super::patch;
use crate::document::Document;

/// What a journal holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovered {
    pub opened: Opened,
    pub facts: SessionFacts,
}

/// Reads a journal up to the first frame that is not whole or does not fit those before it. `None`
/// if there is not even a project to begin with.
pub(super) fn replay(file: &[u8]) -> Option<Recovered> {
    let mut frames = Frames::of(file)?;
    let mut source = Source { file, blobs: BTreeMap::new() };
    let mut state = None;
    for frame in &mut frames {
        if frame.kind == BLOB {
            source.add(frame);
        } else if frame.kind == WHOLE {
            state = Some(State::begin(frame.content, &mut source)?);
        } else if state.as_mut()?.take(frame).is_none() {
            break;
        }
    }
    let State { read, sketch, facts } = state?;
    let mut opened = project_of(read, &mut source);
    opened.project.sketch = sketch;
    Some(Recovered { opened, facts })
}

/// The project in words, and its sketch in pixels.
struct State {
    read: ReadManifest,
    sketch: Document,
    facts: SessionFacts,
}

impl State {
    fn begin(content: &[u8], source: &mut Source<'_>) -> Option<Self> {
        let entry: WholeEntry<Value> = serde_json::from_slice(content).ok()?;
        let json = serde_json::to_vec(&entry.project).ok()?;
        let read = Manifest::from_json(&json).ok()?;
        let sketch = Loader::new(source).document(&read.manifest.sketch)?;
        Some(Self { read, sketch, facts: entry.facts })
    }

    /// `None` if the frame makes no sense here.
    fn take(&mut self, frame: Frame<'_>) -> Option<()> {
        match frame.kind {
            SKETCH => {
                let (entry, pixels) = read_sketch(frame.content)?;
                self.sketch = patch::patched(&self.sketch, &entry.patch, pixels)?;
                self.facts.n_strokes += 1;
                self.facts.is_unsaved = entry.is_unsaved;
            }
            CHANGE => {
                let entry: ChangeEntry = serde_json::from_slice(frame.content).ok()?;
                self.facts.is_unsaved = entry.is_unsaved;
                self.change(entry.change);
            }
            // What newer versions may add.
            _ => {}
        }
        Some(())
    }

    fn change(&mut self, change: ChangeRecord) {
        if let ChangeRecord::Saved(facts) = change {
            self.facts = facts;
        } else {
            apply(&mut self.read.manifest, change);
        }
    }
}

/// Carries out a change in words.
pub(super) fn apply(manifest: &mut Manifest, change: ChangeRecord) {
    match change {
        ChangeRecord::Recipe(recipe) => manifest.recipe = recipe,
        ChangeRecord::View(view) => manifest.view = view,
        ChangeRecord::Slots(slots) => manifest.slots = slots,
        ChangeRecord::Source(source) => manifest.source = source,
        ChangeRecord::Node(node) => put(&mut manifest.nodes, *node),
        ChangeRecord::Removed(id) => manifest.nodes.retain(|node| node.id != id),
        ChangeRecord::Current(current) => manifest.current = current,
        ChangeRecord::Saved(_) => {}
    }
}

fn put(nodes: &mut Vec<NodeRecord>, node: NodeRecord) {
    // The newest is what changes most.
    match nodes.iter_mut().rev().find(|known| known.id == node.id) {
        Some(known) => *known = node,
        None => nodes.push(node),
    }
}

/// Blobs by name, where they stand in the file.
struct Source<'a> {
    file: &'a [u8],
    blobs: BTreeMap<String, Range<usize>>,
}

impl Source<'_> {
    fn add(&mut self, frame: Frame<'_>) {
        let end = frame.start + frame.content.len();
        if let Some((name, png)) = blob(frame.content) {
            self.blobs.insert(name, end - png.len()..end);
        }
    }
}

/// Name and PNG of a frame of the kind [`BLOB`].
pub(super) fn blob(content: &[u8]) -> Option<(String, &[u8])> {
    let (name, png) = content.split_at_checked(blobs::NAME_LEN)?;
    let name = std::str::from_utf8(name).ok()?;
    blobs::is_name(name).then(|| (name.to_owned(), png))
}

impl BlobSource for Source<'_> {
    fn png(&mut self, name: &str) -> Option<Vec<u8>> {
        Some(self.file[self.blobs.get(name)?.clone()].to_vec())
    }
}
