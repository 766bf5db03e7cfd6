//! One picture of the branch tree and everything that made it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::imaging::RgbaImage;
use crate::imaging::metadata::{PictureRecord, SourceRecord};
use crate::protocol::{Anchor, Given, Inspiration, InspiredBy, Lock, PictureIds};
use crate::state::job::Made;
use crate::state::settings::{Banned, Recipe};

/// Number of a node, rising; never used twice in a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeId(pub u64);

/// How a picture came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Asked for: *Generate*, another seed, another memory.
    Generated,
    /// Followed a change by itself.
    Live,
    /// Stopped before its last scale.
    Stopped,
    /// Went on from where a picture was stopped.
    Continued,
    /// The coarse scales of another picture, the rest drawn with a new seed.
    ReRolled,
    /// The coarse scales of another picture, the rest drawn after it was painted over.
    Edited,
    /// Found for a picture that came from elsewhere.
    Encoded,
    /// Chosen on the contact sheet and finished.
    Finished,
    /// Read from a file with its token ids.
    Opened,
}

/// What there is to say of a picture in words and numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    pub origin: Origin,
    pub recipe: Recipe,
    /// Remembered pictures that were not to be used.
    pub banned: Vec<Banned>,
    /// The seed that each scale was drawn with, coarse to fine; as many as there are scales.
    pub seeds: Vec<u64>,
    /// Scales that were given when it was drawn: its own first ones.
    pub n_given: usize,
    pub inspired_by: Vec<InspiredBy>,
    /// The picture that the coarsest scales were encoded from.
    #[serde(default)]
    pub source: Option<SourceRecord>,
    /// When it was made: seconds since 1970, UTC.
    pub created_secs: u64,
    pub is_starred: bool,
    /// Written to a file by the user.
    pub is_saved: bool,
}

/// A picture that is to become a node.
#[derive(Debug, Clone)]
pub struct NewNode {
    /// What it was made from; `None` begins a tree of its own.
    pub parent: Option<NodeId>,
    pub about: About,
    /// Slots that were chosen by hand, by slot index.
    pub chosen: Vec<(usize, Inspiration)>,
    /// As many scales as are done, from 1.
    pub ids: Arc<PictureIds>,
    /// Number of scales of the model that it is of.
    pub n_scales: usize,
    /// The control layers that it was drawn from.
    pub sketch: Document,
    pub anchor: Option<Anchor>,
    pub lock: Option<Lock>,
    /// What its file told of it, if it comes from one.
    pub record: Option<Arc<PictureRecord>>,
    /// The finest picture of it, straight alpha.
    pub picture: Arc<RgbaImage>,
    /// The picture after each scale, as far as decoded; may be shorter than `ids`.
    pub stills: Vec<Option<Arc<RgbaImage>>>,
}

/// A picture of the tree.
#[derive(Debug, Clone)]
pub struct Node {
    pub id: NodeId,
    pub parent: Option<NodeId>,
    pub about: About,
    pub chosen: Vec<(usize, Inspiration)>,
    pub ids: Arc<PictureIds>,
    pub n_scales: usize,
    pub sketch: Document,
    pub anchor: Option<Anchor>,
    pub lock: Option<Lock>,
    pub record: Option<Arc<PictureRecord>>,
    /// The finest picture; smaller than it was drawn if memory was short, see
    /// [`Self::is_reduced`].
    pub picture: Arc<RgbaImage>,
    /// One entry per scale of `ids`; `None` where it must be decoded again.
    pub stills: Vec<Option<Arc<RgbaImage>>>,
    /// On the tree; otherwise kept only because a step back may show it.
    pub is_listed: bool,
    /// `picture` is a thumbnail; the ids tell what it was.
    pub is_reduced: bool,
}

impl Node {
    /// The node of a picture as it was added, or read from a file.
    pub fn new(id: NodeId, new: NewNode) -> Self {
        let NewNode {
            parent,
            mut about,
            chosen,
            ids,
            n_scales,
            sketch,
            anchor,
            lock,
            record,
            picture,
            mut stills,
        } = new;
        stills.resize(ids.len(), None);
        let last_seed = about.seeds.last().copied().unwrap_or(about.recipe.seed);
        about.seeds.resize(ids.len(), last_seed);
        about.n_given = about.n_given.min(ids.len());
        let n_scales = n_scales.max(ids.len());
        Self {
            id,
            parent,
            about,
            chosen,
            ids,
            n_scales,
            sketch,
            anchor,
            lock,
            record,
            picture,
            stills,
            is_listed: true,
            is_reduced: false,
        }
    }

    /// Whether every scale of the model is drawn.
    pub fn is_complete(&self) -> bool {
        self.ids.len() >= self.n_scales
    }

    /// The scales that were given when it was drawn, as its request carried them.
    pub fn given(&self) -> Option<Given> {
        (self.about.n_given > 0).then(|| self.prefix(self.about.n_given))
    }

    /// Its first scales, for another picture that is to have them too.
    pub fn prefix(&self, n_scales: usize) -> Given {
        let given = Given::prefix(&self.ids, n_scales).drawn_with(&self.about.seeds);
        match &self.about.source {
            Some(source) => given.encoded_from(&source.name, source.n_scales),
            None => given,
        }
    }

    /// What its request was made from.
    pub fn made(&self) -> Made {
        Made {
            recipe: self.about.recipe.clone(),
            banned: self.about.banned.clone(),
            chosen: self.chosen.clone(),
            sketch: self.sketch.clone(),
        }
    }

    /// Whether some scale must be decoded again before it can be shown.
    pub fn lacks_stills(&self) -> bool {
        self.stills.iter().any(Option::is_none)
    }

    /// Whether the user made something of it: such nodes are not thinned out.
    pub fn is_cherished(&self) -> bool {
        self.about.is_starred || self.about.is_saved
    }

    pub(super) fn set_stills(&mut self, stills: &[Arc<RgbaImage>]) {
        if stills.len() != self.stills.len() {
            return;
        }
        if let Some(finest) = stills.last() {
            self.picture = Arc::clone(finest);
            self.is_reduced = false;
        }
        self.stills = stills.iter().map(|still| Some(Arc::clone(still))).collect();
    }
}

impl About {
    /// Of a picture that is made now.
    pub fn now(origin: Origin, recipe: Recipe, seeds: Vec<u64>) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            origin,
            recipe,
            banned: Vec::new(),
            seeds,
            n_given: 0,
            inspired_by: Vec::new(),
            source: None,
            created_secs: since.map_or(0, |since| since.as_secs()),
            is_starred: false,
            is_saved: false,
        }
    }
}
