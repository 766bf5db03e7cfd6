//! The branch tree: every picture that was made, with all that is needed to show it again, to go
//! on from it at any scale, or to draw it anew. A node is never changed after it was added, but for
//! star, save mark and what of its pixels is kept in memory.
//!
//! Nodes that were taken off the tree stay for a while: a step back may still show them.

mod lanes;
mod node;
mod tidy;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use lanes::{Place as LanePlace, lanes};
pub use node::{About, NewNode, Node, NodeId, Origin};

use crate::imaging::RgbaImage;
use crate::protocol::Inspiration;

/// All nodes by number; a parent has a lower number than its children.
#[derive(Debug, Clone, Default)]
pub struct Branches {
    nodes: BTreeMap<NodeId, Node>,
    /// The node on the canvas; `None` if what is there is no finished picture yet.
    pub current: Option<NodeId>,
    last_id: u64,
    revision: u64,
}

impl Branches {
    /// The largest number of nodes on the tree; the oldest unstarred leaves make room.
    pub const MAX_LISTED: usize = 512;

    /// Puts nodes as they were kept in a file in the place of all that is here. Those whose parent
    /// is missing become roots; of two with the same number the later counts.
    pub fn restore(&mut self, nodes: impl IntoIterator<Item = Node>, current: Option<NodeId>) {
        let mut nodes: BTreeMap<_, _> = nodes.into_iter().map(|node| (node.id, node)).collect();
        let known: Vec<_> = nodes.keys().copied().collect();
        for (id, node) in &mut nodes {
            // A parent after its child would make a circle possible.
            let is_sound = |parent: &NodeId| parent < id && known.binary_search(parent).is_ok();
            node.parent = node.parent.filter(is_sound);
        }
        let last_id = known.last().map_or(0, |id| id.0);
        let current = current.filter(|id| nodes.contains_key(id));
        // Whoever remembers the revision of the tree before must see that this is another one.
        *self = Self { nodes, current, last_id, revision: self.revision + 1 };
    }

    /// Adds a picture, on the tree.
    pub fn add(&mut self, new: NewNode) -> NodeId {
        self.last_id += 1;
        let id = NodeId(self.last_id);
        let parent = new.parent.filter(|parent| self.nodes.contains_key(parent));
        let node = Node::new(id, NewNode { parent, ..new });
        self.nodes.insert(id, node);
        self.revision += 1;
        id
    }

    pub fn get(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(&id)
    }

    pub fn current_node(&self) -> Option<&Node> {
        self.get(self.current?)
    }

    /// The nodes on the tree, oldest first.
    pub fn listed(&self) -> impl DoubleEndedIterator<Item = &Node> {
        self.nodes.values().filter(|node| node.is_listed)
    }

    /// With those that are kept only for steps back.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Node> {
        self.nodes.values()
    }

    pub fn n_listed(&self) -> usize {
        self.listed().count()
    }

    /// The nearest ancestor on the tree.
    pub fn listed_parent(&self, id: NodeId) -> Option<NodeId> {
        let mut parent = self.get(id)?.parent;
        while let Some(node) = parent.and_then(|parent| self.get(parent)) {
            if node.is_listed {
                return Some(node.id);
            }
            parent = node.parent;
        }
        None
    }

    /// Rises whenever a node was added, taken off, put back or marked: what is kept in files is
    /// then out of date.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn set_starred(&mut self, id: NodeId, is_starred: bool) {
        self.change(id, |node| node.about.is_starred = is_starred);
    }

    /// The picture was written to a file.
    pub fn mark_saved(&mut self, id: NodeId) {
        self.change(id, |node| node.about.is_saved = true);
    }

    /// Keeps in a slot what a picture looked at there, as if it had been chosen by hand.
    pub fn choose(&mut self, id: NodeId, slot_idx: usize, inspiration: Inspiration) {
        self.change(id, |node| node.chosen.push((slot_idx, inspiration)));
    }

    /// Takes a node off the tree, or puts it back.
    pub fn set_listed(&mut self, id: NodeId, is_listed: bool) {
        if self.get(id).is_some_and(|node| node.is_listed != is_listed) {
            self.change(id, |node| node.is_listed = is_listed);
        }
    }

    /// Gives a node the pictures that were decoded for it, coarse to fine.
    pub fn set_stills(&mut self, id: NodeId, stills: &[Arc<RgbaImage>]) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.set_stills(stills);
        }
    }

    /// Drops what can be decoded again.
    pub fn forget_stills(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.stills.fill(None);
        }
    }

    fn change(&mut self, id: NodeId, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(&id) {
            change(node);
            self.revision += 1;
        }
    }
}

#[cfg(test)]
mod tests;
