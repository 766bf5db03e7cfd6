//! From the bytes of a file to what is left of its project.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::archive::Archive;
use super::blobs;
use super::file::Opened;
use super::manifest::{Manifest, ReadManifest, SOURCE};
use super::pack::{MANIFEST, MANIFEST_COPY, path_of};
use super::records::{DocumentRecord, MAX_SLOTS};
use super::{Node, Project};
use crate::document::{Document, Plane};
use crate::imaging::RgbaImage;

const MAX_MANIFEST_BYTES: usize = 128 << 20;
/// A picture or plane as PNG: not much more than the pixels of the largest canvas.
const MAX_PNG_BYTES: usize = 72 << 20;
/// All pixels of a project in memory.
const MAX_PIXEL_BYTES: usize = 2 << 30;

/// Why nothing can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// It is another kind of file.
    NotAProject,
    /// It was a project, and nothing of use is left of it.
    Damaged,
}

/// Where blobs come from.
pub(super) trait BlobSource {
    /// The PNG of that name, if it is there and whole.
    fn png(&mut self, name: &str) -> Option<Vec<u8>>;
}

impl BlobSource for Archive<'_> {
    fn png(&mut self, name: &str) -> Option<Vec<u8>> {
        self.read(&path_of(name), MAX_PNG_BYTES)
    }
}

/// Reads a project file as far as it goes.
///
/// # Errors
/// [`Unreadable`] if there is nothing that could be shown.
pub fn from_bytes(bytes: &[u8]) -> Result<Opened, Unreadable> {
    let mut archive = Archive::new(bytes);
    let mut manifest = |name| Manifest::from_json(&archive.read(name, MAX_MANIFEST_BYTES)?).ok();
    let Some(read) = manifest(MANIFEST).or_else(|| manifest(MANIFEST_COPY)) else {
        let is_ours = bytes.windows(MANIFEST.len()).any(|window| window == MANIFEST.as_bytes());
        return Err(if is_ours { Unreadable::Damaged } else { Unreadable::NotAProject });
    };
    Ok(project_of(read, &mut archive))
}

/// Joins records and pixels.
pub(super) fn project_of(read: ReadManifest, source: &mut impl BlobSource) -> Opened {
    let ReadManifest { manifest, mut remarks, is_newer } = read;
    let mut loader = Loader::new(source);
    let sketch = loader.document(&manifest.sketch).unwrap_or_else(|| {
        remarks.push("the sketch".to_owned());
        Document::new(Document::DEFAULT_SIZE_PX).expect("the default size is allowed")
    });
    remarks.extend(loader.take_lost("the sketch"));
    let slots = manifest.slots.iter().take(MAX_SLOTS);
    let slots = slots.map(|slot| slot.as_ref().and_then(|slot| slot.load(&mut loader))).collect();
    remarks.extend(loader.take_lost("the inspirations"));
    let source = manifest.source.as_ref().and_then(|source| source.load(&mut loader));
    if loader.take_lost(SOURCE).is_some() {
        remarks.push(SOURCE.to_owned());
    }
    // The picture on the canvas first: there may be no room for all.
    let current = manifest.nodes.iter().find(|node| Some(node.id) == manifest.current);
    if let Some(name) = current.and_then(|node| node.picture.as_ref()) {
        loader.picture(name);
    }
    let loaded = manifest.nodes.iter().filter_map(|node| node.load(&mut loader)).collect();
    let n_broken = manifest.nodes.len();
    let nodes = in_order(loaded);
    let n_broken = n_broken - nodes.len();
    if n_broken > 0 {
        remarks.push(format!("{n_broken} of {} pictures", manifest.nodes.len()));
    }
    remarks.extend(loader.take_lost("some pictures"));
    let current = manifest.current.filter(|id| nodes.iter().any(|node| node.id == *id));
    let Manifest { recipe, view, .. } = manifest;
    let project = Project { recipe, slots, source, view, sketch, nodes, current };
    Opened { project, remarks, is_newer }
}

/// Each node once, and behind its parent; one whose parent is lost becomes a beginning.
fn in_order(nodes: Vec<Node>) -> Vec<Arc<Node>> {
    let mut known = BTreeSet::new();
    let mut kept = Vec::with_capacity(nodes.len());
    for mut node in nodes {
        node.parent = node.parent.filter(|parent| known.contains(parent));
        if known.insert(node.id) {
            kept.push(Arc::new(node));
        }
    }
    kept
}

/// Fetches pixels by name, each once, and counts what is missing.
pub(super) struct Loader<'a, S> {
    source: &'a mut S,
    pictures: BTreeMap<String, Option<Arc<RgbaImage>>>,
    /// Documents that hold a plane of that name.
    planes: BTreeMap<(Plane, usize, String), Option<Document>>,
    /// The document before, whose tiles the next probably shares.
    last: Option<Document>,
    n_lost: usize,
    n_bytes_left: usize,
}

impl<'a, S: BlobSource> Loader<'a, S> {
    pub(super) fn new(source: &'a mut S) -> Self {
        Self {
            source,
            pictures: BTreeMap::new(),
            planes: BTreeMap::new(),
            last: None,
            n_lost: 0,
            n_bytes_left: MAX_PIXEL_BYTES,
        }
    }

    /// Says that pixels of `what` were lost since the last call, if any were.
    pub(super) fn take_lost(&mut self, what: &str) -> Option<String> {
        let n_lost = std::mem::take(&mut self.n_lost);
        (n_lost > 0).then(|| format!("pixels of {what}"))
    }

    pub(super) fn picture(&mut self, name: &str) -> Option<Arc<RgbaImage>> {
        if let Some(known) = self.pictures.get(name) {
            self.n_lost += usize::from(known.is_none());
            return known.clone();
        }
        let picture = self.png(name).and_then(|png| blobs::decode_picture(&png));
        let picture = picture.filter(|picture| self.afford(picture.as_raw().len())).map(Arc::new);
        self.n_lost += usize::from(picture.is_none());
        self.pictures.insert(name.to_owned(), picture.clone());
        picture
    }

    /// `size_px²` bytes.
    pub(super) fn levels(&mut self, name: &str, size_px: usize) -> Option<Vec<u8>> {
        let is_sane = (1..=blobs::MAX_SIDE_PX).contains(&size_px);
        let png = if is_sane { self.png(name) } else { None };
        let levels = png.and_then(|png| blobs::decode_square(&png, size_px, 1));
        let levels = levels.filter(|levels| self.afford(levels.len()));
        self.n_lost += usize::from(levels.is_none());
        levels
    }

    /// `None` if no canvas can be that large; planes that are lost are empty.
    pub(super) fn document(&mut self, record: &DocumentRecord) -> Option<Document> {
        let mut document = Document::new(record.size_px).ok()?;
        for (plane, name) in record.planes() {
            match self.plane(plane, record.size_px, name) {
                Some(holder) => document.share_plane(plane, &holder).ok()?,
                None => self.n_lost += 1,
            }
        }
        for layer in &record.layers {
            document.restore_layer(layer.kind, layer.visible, &layer.strength);
        }
        self.last = Some(document.clone());
        Some(document)
    }

    fn plane(&mut self, plane: Plane, size_px: usize, name: &str) -> Option<Document> {
        let key = (plane, size_px, name.to_owned());
        if let Some(known) = self.planes.get(&key) {
            return known.clone();
        }
        let bytes = self
            .png(name)
            .and_then(|png| blobs::decode_square(&png, size_px, plane.n_channels()))
            .filter(|bytes| self.afford(bytes.len()));
        let last = self.last.as_ref().filter(|last| last.size_px() == size_px);
        let holder = bytes.and_then(|bytes| {
            let mut holder = Document::new(size_px).ok()?;
            if let Some(last) = last {
                holder.share_plane(plane, last).ok()?;
            }
            holder.restore_plane(plane, &bytes).ok()?;
            Some(holder)
        });
        self.planes.insert(key, holder.clone());
        holder
    }

    fn png(&mut self, name: &str) -> Option<Vec<u8>> {
        if blobs::is_name(name) { self.source.png(name) } else { None }
    }

    fn afford(&mut self, n_bytes: usize) -> bool {
        let left = self.n_bytes_left.checked_sub(n_bytes);
        self.n_bytes_left = left.unwrap_or(self.n_bytes_left);
        left.is_some()
    }
}
