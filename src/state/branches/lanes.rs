//! Where the nodes of a tree are drawn: one row each, oldest first, in lanes beside each other so
//! that no line crosses a node.

use std::collections::BTreeMap;

use super::{Branches, NodeId};

/// A node's place in the drawing of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub node: NodeId,
    pub lane: usize,
    /// Row and lane of the parent; `None` for a root.
    pub parent: Option<(usize, usize)>,
}

/// The places of all listed nodes; the index is the row. A first child stays in the lane of its
/// parent, its siblings take the nearest lane that is free down to their last descendant there.
pub fn lanes(branches: &Branches) -> Vec<Place> {
    let parents: Vec<_> =
        branches.listed().map(|node| (node.id, branches.listed_parent(node.id))).collect();
    let row_of: BTreeMap<_, _> =
        parents.iter().enumerate().map(|(row, (id, _))| (*id, row)).collect();
    let parent_row = |row: usize| parents[row].1.and_then(|parent| row_of.get(&parent)).copied();

    // A chain is a node with its first child, that one's first child and so on.
    let mut first_child = vec![None; parents.len()];
    for row in 0..parents.len() {
        if let Some(parent) = parent_row(row) {
            first_child[parent].get_or_insert(row);
        }
    }
    let mut chain_end: Vec<_> = (0..parents.len()).collect();
    for row in (0..parents.len()).rev() {
        if let Some(child) = first_child[row] {
            chain_end[row] = chain_end[child];
        }
    }

    // Per lane, the row of its last node so far: chains are placed in the order of their begin.
    let mut taken_until: Vec<Vec<(usize, usize)>> = Vec::new();
    let mut lane_of = vec![0; parents.len()];
    for row in 0..parents.len() {
        let parent = parent_row(row);
        if let Some(parent) = parent
            && first_child[parent] == Some(row)
        {
            lane_of[row] = lane_of[parent];
            continue;
        }
        // The line to the parent runs in this lane, just below the parent.
        let span = (parent.map_or(row, |parent| parent + 1).min(row), chain_end[row]);
        let least = parent.map_or(0, |parent| lane_of[parent] + 1);
        let is_free = |lane: &Vec<(usize, usize)>| {
            lane.iter().all(|(from, to)| span.1 < *from || *to < span.0)
        };
        let found = taken_until.iter().skip(least).position(is_free);
        let lane = found.map_or(taken_until.len().max(least), |found| found + least);
        if taken_until.len() <= lane {
            taken_until.resize_with(lane + 1, Vec::new);
        }
        taken_until[lane].push(span);
        lane_of[row] = lane;
    }
    let place = |row: usize| Place {
        node: parents[row].0,
        lane: lane_of[row],
        parent: parent_row(row).map(|parent| (parent, lane_of[parent])),
    };
    (0..parents.len()).map(place).collect()
}
