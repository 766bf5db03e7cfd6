//! Work that is kept: a project as plain data, as one file, and as a journal that grows while the
//! user works.
//!
//! Bytes in, data out, and back. A file is written whole or not at all; what is read may be cut
//! off, damaged, newer or hostile, and is read as far as it goes, within bounds. Threads and
//! windows are others' business, and so is where journals are kept.

mod archive;
mod blobs;
mod manifest;
mod pack;
mod records;
mod unpack;
mod file;
mod change;
pub mod journal;

use std::sync::Arc;

use serde_json::Value;

pub use change::Change;
pub use file::{FILE_ENDING, Opened, ProjectError, open, previous_of, save};
pub use pack::{THUMBNAIL_PX, thumbnail, to_bytes};
pub use unpack::{Unreadable, from_bytes};

use crate::document::Document;
use crate::imaging::RgbaImage;
use crate::imaging::metadata::PictureRecord;
use crate::protocol::{Anchor, Inspiration, Lock, PictureIds};

/// Everything that a project holds. Copies share their pixels and are cheap.
///
/// What only the window understands is kept in its own words, as it writes its settings: a part of
/// it that cannot be read one day loses itself only.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// What the next picture is made from.
    pub recipe: Value,
    /// What the user put into the places of *Inspired by*; `None` is left to the memory.
    pub slots: Vec<Option<Inspiration>>,
    /// The picture that the next ones start from.
    pub source: Option<Source>,
    /// How the canvas shows the sketch.
    pub view: Value,
    pub sketch: Document,
    /// Pictures that were made, parents before their children.
    pub nodes: Vec<Arc<Node>>,
    /// The picture on the canvas.
    pub current: Option<u64>,
}

/// A picture whose coarse scales are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub name: String,
    /// As it came, straight alpha; at most [`Document::MAX_SIZE_PX`] wide and high.
    pub picture: Arc<RgbaImage>,
    /// Scales that are kept, from 1.
    pub n_kept: usize,
    /// The picture as the model knows it; `None` if the model had not looked at it yet.
    pub ids: Option<Arc<PictureIds>>,
}

/// A picture of the branch tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub id: u64,
    pub parent: Option<u64>,
    /// What it was made from, its seeds and marks.
    pub about: Value,
    /// Places of *Inspired by* that were chosen by hand.
    pub chosen: Vec<(usize, Inspiration)>,
    /// As many scales as were drawn, from 1.
    pub ids: Arc<PictureIds>,
    /// Scales of the model that drew it.
    pub n_scales: usize,
    /// The sketch that it follows.
    pub document: Document,
    pub anchor: Option<Anchor>,
    pub lock: Option<Lock>,
    /// What its file told of it, if it comes from one.
    pub record: Option<Arc<PictureRecord>>,
    /// What the ids look like, so that it can be seen without a model. Missing if a file lost it.
    pub picture: Option<Arc<RgbaImage>>,
    /// `picture` is smaller than what the ids give.
    pub is_reduced: bool,
}

impl Project {
    /// Nothing drawn and nothing made, on a canvas that a sketch was given for.
    pub fn new(sketch: Document) -> Self {
        Self {
            recipe: Value::Null,
            slots: Vec::new(),
            source: None,
            view: Value::Null,
            sketch,
            nodes: Vec::new(),
            current: None,
        }
    }

    pub fn node(&self, id: u64) -> Option<&Arc<Node>> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// The same without the pictures of its nodes, which take the most memory: enough to tell what
    /// changes.
    #[must_use]
    pub fn without_pictures(&self) -> Self {
        let bare = |node: &Arc<Node>| Arc::new(Node { picture: None, ..(**node).clone() });
        Self { nodes: self.nodes.iter().map(bare).collect(), ..self.clone() }
    }

    /// The picture that stands for the project: the one on the canvas, else the newest.
    pub fn picture(&self) -> Option<&Arc<RgbaImage>> {
        let current = self.current.and_then(|id| self.node(id)).and_then(|n| n.picture.as_ref());
        current.or_else(|| self.nodes.iter().rev().find_map(|node| node.picture.as_ref()))
    }
}
