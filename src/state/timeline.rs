//! One order for everything that can be taken back: steps of the sketch and steps of the picture.
//! The sketch's history numbers the steps; here is kept which picture stood at each of them.

use std::collections::{BTreeMap, BTreeSet};

use super::branches::{NodeId, Origin};
use super::job::Made;
use super::steering::Kept;
use crate::document::StepId;

/// What stood on the canvas after each step.
#[derive(Debug)]
pub struct Timeline {
    places: BTreeMap<StepId, Place>,
    /// The step at which the sketch stands.
    top: StepId,
    /// The user changed a setting since the last step back or forth: the picture that follows is a
    /// step forward, and not what that step led to.
    pub is_setting_changed: bool,
}

/// The state that a step led to.
#[derive(Debug, Clone, Default)]
pub struct Place {
    pub kind: StepKind,
    /// The picture that was last shown there; `None` while none is finished.
    pub picture: Option<NodeId>,
    /// Of the sketch there; see `Editor::revision`.
    pub revision: u64,
    /// What was asked for by the step.
    pub wish: Option<Box<Wish>>,
}

/// What a step changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StepKind {
    /// The sketch; the picture followed, if it did.
    #[default]
    Sketch,
    /// The picture.
    Picture,
    /// A setting, and the picture followed.
    Setting(Setting),
    /// A node was taken off the tree.
    Deleted(NodeId),
}

/// What of the recipe a live picture followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    Prompt,
    Seed,
    Sampling,
    Memory,
}

/// Enough to ask for a picture again that was never finished, or not to have asked.
#[derive(Debug, Clone)]
pub struct Wish {
    pub before: Made,
    pub after: Made,
    pub kept: Option<Kept>,
    pub origin: Origin,
}

impl Default for Timeline {
    fn default() -> Self {
        Self::beginning_with(None, 0)
    }
}

impl Timeline {
    /// Nothing to take back; this picture is on the canvas.
    pub fn beginning_with(picture: Option<NodeId>, revision: u64) -> Self {
        let place = Place { picture, revision, ..Place::default() };
        let top = StepId::default();
        Self { places: BTreeMap::from([(top, place)]), top, is_setting_changed: false }
    }

    /// The step at which things stand.
    pub fn top(&self) -> StepId {
        self.top
    }

    pub fn get(&self, step: StepId) -> Option<&Place> {
        self.places.get(&step)
    }

    pub fn get_mut(&mut self, step: StepId) -> Option<&mut Place> {
        self.places.get_mut(&step)
    }

    /// A step was taken; those that were taken back are gone.
    pub fn record(&mut self, step: StepId, place: Place) {
        let after_top = StepId(self.top.0 + 1);
        let dropped: Vec<_> = self.places.range(after_top..).map(|(id, _)| *id).collect();
        for id in dropped {
            self.places.remove(&id);
        }
        self.places.insert(step, place);
        self.top = step;
    }

    /// The sketch stands at another step now.
    pub fn go_to(&mut self, step: StepId) {
        self.top = step;
    }

    /// Drops what no step back leads to any more.
    pub fn forget_before(&mut self, base: StepId) {
        if self.places.first_key_value().is_some_and(|(first, _)| *first < base) {
            self.places = self.places.split_off(&base);
        }
    }

    /// The newest step up to the present one at which the sketch was this.
    pub fn newest_with(&self, revision: u64) -> Option<StepId> {
        let so_far = self.places.range(..=self.top).rev();
        so_far.into_iter().find(|(_, place)| place.revision == revision).map(|(id, _)| *id)
    }

    /// The picture at this step, or the nearest one before it.
    pub fn nearest_picture(&self, step: StepId) -> Option<NodeId> {
        self.places.range(..=step).rev().find_map(|(_, place)| place.picture)
    }

    /// Whether the node was taken off the tree by a step that is done.
    pub fn is_deleted(&self, node: NodeId) -> bool {
        self.places.range(..=self.top).any(|(_, place)| place.kind == StepKind::Deleted(node))
    }

    /// Every picture that a step back or forth shows.
    pub fn pictures(&self) -> BTreeSet<NodeId> {
        let deleted = |place: &Place| match place.kind {
            StepKind::Deleted(node) => Some(node),
            _ => None,
        };
        self.places.values().flat_map(|place| [place.picture, deleted(place)]).flatten().collect()
    }
}

impl Setting {
    /// Completes `Undo …`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Prompt => "change of prompt",
            Self::Seed => "change of seed",
            Self::Sampling => "change of sampling",
            Self::Memory => "change of memory",
        }
    }
}
