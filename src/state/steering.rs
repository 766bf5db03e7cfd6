//! How the user steers a picture between its scales: which are kept, whether it was stopped, and
//! what is to happen once a running picture has ended.

use std::collections::{BTreeMap, VecDeque};

use super::branches::{Node, NodeId, Origin};
use crate::protocol::{Anchor, Errand, ErrandId, Given, JobId, Lock};

/// The steering of the picture on the canvas.
#[derive(Debug, Default)]
pub struct Steering {
    /// Scales that the next picture takes over.
    pub kept: Option<Kept>,
    /// The picture was stopped on purpose: changes wait until it goes on, also in live mode.
    pub is_held: bool,
    /// What happens when the running picture has ended.
    pub pending: Option<Pending>,
    /// How the picture that was asked for comes about, until its request is sent.
    pub asked: Option<Asked>,
    /// Errands that are to be sent, oldest first.
    pub errands_due: VecDeque<(ErrandFor, Errand)>,
    /// Errands under way.
    pub errands: BTreeMap<ErrandId, ErrandFor>,
    /// The user was told once that kept scales stay in live mode.
    pub has_explained: bool,
}

/// Coarse scales that stay as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub given: Given,
    /// What the run that they come from leaned on: without it the rest would differ.
    pub anchor: Option<Anchor>,
    pub lock: Option<Lock>,
}

/// A wish that needs the ids of a picture that still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    pub job: JobId,
    pub then: Then,
    /// Scales that stay.
    pub n_scales: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Stop,
    ReRoll,
}

/// A picture that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub origin: Origin,
    pub parent: Option<NodeId>,
}

/// What an errand is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrandFor {
    /// The pictures of a node that were dropped to save memory.
    Stills(NodeId),
    /// The picture to start from.
    Source,
    /// What the grid of candidates shows.
    Candidates,
    /// What remembered pictures look like that are shown without a run that would send that.
    Thumbnails,
}

impl Kept {
    pub fn n_scales(&self) -> usize {
        self.given.n_scales()
    }

    /// The first scales of a node.
    pub fn of_node(node: &Node, n_scales: usize) -> Self {
        let n_scales = n_scales.min(node.ids.len());
        Self { given: node.prefix(n_scales), anchor: node.anchor.clone(), lock: node.lock.clone() }
    }
}
