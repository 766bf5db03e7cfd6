//! What of the tree is kept: long runs of live pictures are thinned, old leaves make room, and
//! pixels that can be decoded again are dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Branches, Node, NodeId, Origin};
use crate::imaging::RgbaImage;

/// Live pictures that stay of a run in which each followed the one before.
const MAX_LIVE_RUN: usize = 30;
/// Nodes off the tree that steps back may still show; the oldest go first.
const MAX_UNLISTED: usize = 512;
/// Bytes of stills beside the finest.
const STILLS_BUDGET: usize = 64 << 20;
/// Bytes of finest pictures in full size.
const PICTURES_BUDGET: usize = 48 << 20;
/// Width that a picture is halved down to when memory is short.
const REDUCED_PX: u32 = 96;

impl Branches {
    /// Keeps the tree readable and its memory bounded. Nodes that `is_needed` names, because a
    /// step back or forth shows them, are taken off the tree but not forgotten.
    pub fn tidy(&mut self, is_needed: impl Fn(NodeId) -> bool) {
        self.thin_live_runs();
        self.drop_old_leaves();
        self.forget_unlisted(is_needed);
        self.keep_to_budget(STILLS_BUDGET, PICTURES_BUDGET);
    }

    fn thin_live_runs(&mut self) {
        let n_children = self.n_listed_children();
        let is_ordinary = |node: &Node| {
            node.about.origin == Origin::Live
                && !node.is_cherished()
                && self.current != Some(node.id)
                && n_children.get(&node.id).copied().unwrap_or(0) <= 1
        };
        let mut run_before = 0;
        let mut too_many = Vec::new();
        // From the newest back: the count is that of live pictures in a row.
        for node in self.listed().rev() {
            if node.about.origin != Origin::Live {
                run_before = 0;
                continue;
            }
            run_before += 1;
            if run_before > MAX_LIVE_RUN && is_ordinary(node) {
                too_many.push(node.id);
            }
        }
        for id in too_many {
            self.set_listed(id, false);
        }
    }

    fn drop_old_leaves(&mut self) {
        let mut n_too_many = self.n_listed().saturating_sub(Self::MAX_LISTED);
        while n_too_many > 0 {
            let n_children = self.n_listed_children();
            let may_go = |node: &&Node| {
                !node.about.is_starred
                    && self.current != Some(node.id)
                    && !n_children.contains_key(&node.id)
            };
            // With nothing but starred leaves, the user's stars count more than the bound.
            let Some(oldest) = self.listed().find(may_go).map(|node| node.id) else { return };
            self.set_listed(oldest, false);
            n_too_many -= 1;
        }
    }

    fn forget_unlisted(&mut self, is_needed: impl Fn(NodeId) -> bool) {
        let unlisted: Vec<_> =
            self.nodes.values().filter(|node| !node.is_listed).map(|node| node.id).collect();
        let n_too_many = unlisted.len().saturating_sub(MAX_UNLISTED);
        let is_forgotten = |(idx, id): &(usize, NodeId)| {
            self.current != Some(*id) && (*idx < n_too_many || !is_needed(*id))
        };
        let forgotten: BTreeSet<_> =
            unlisted.into_iter().enumerate().filter(is_forgotten).map(|(_, id)| id).collect();
        if forgotten.is_empty() {
            return;
        }
        let new_parents: BTreeMap<_, _> = self
            .nodes
            .values()
            .filter(|node| node.parent.is_some_and(|parent| forgotten.contains(&parent)))
            .map(|node| (node.id, self.nearest_kept(node.parent, &forgotten)))
            .collect();
        for (id, parent) in new_parents {
            if let Some(node) = self.nodes.get_mut(&id) {
                node.parent = parent;
            }
        }
        self.nodes.retain(|id, _| !forgotten.contains(id));
        self.revision += 1;
    }

    fn nearest_kept(
        &self,
        mut parent: Option<NodeId>,
        forgotten: &BTreeSet<NodeId>,
    ) -> Option<NodeId> {
        while let Some(id) = parent.filter(|id| forgotten.contains(id)) {
            parent = self.get(id)?.parent;
        }
        parent
    }

    fn n_listed_children(&self) -> BTreeMap<NodeId, usize> {
        let mut n_children = BTreeMap::new();
        for node in self.listed() {
            if let Some(parent) = self.listed_parent(node.id) {
                *n_children.entry(parent).or_insert(0) += 1;
            }
        }
        n_children
    }

    /// The newest nodes keep all pixels, older ones the finest picture, the oldest a thumbnail.
    pub(super) fn keep_to_budget(&mut self, stills_budget: usize, pictures_budget: usize) {
        let (mut stills, mut pictures) = (0, 0);
        let current = self.current;
        for node in self.nodes.values_mut().rev() {
            let n_decoded = node.stills.iter().flatten().count();
            stills += node.stills.iter().flatten().map(|still| n_bytes(still)).sum::<usize>();
            pictures += n_bytes(&node.picture);
            if current == Some(node.id) {
                continue;
            }
            if stills > stills_budget && n_decoded > 0 {
                node.stills.fill(None);
            }
            if pictures > pictures_budget && !node.is_reduced {
                node.stills.fill(None);
                let reduced = reduced(&node.picture);
                node.is_reduced = reduced.dimensions() != node.picture.dimensions();
                node.picture = Arc::new(reduced);
            }
        }
    }
}

fn n_bytes(picture: &RgbaImage) -> usize {
    picture.as_raw().len()
}

fn reduced(picture: &RgbaImage) -> RgbaImage {
    let (width, height) = picture.dimensions();
    let factor = (width.min(height) / REDUCED_PX).max(1);
    image::imageops::thumbnail(picture, (width / factor).max(1), (height / factor).max(1))
}
