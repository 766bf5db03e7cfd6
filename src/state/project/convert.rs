//! Between the state of the window and a project: what is kept, and what comes back.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::imaging::{RgbaImage, fit};
use crate::project::{self, Project};
use crate::protocol::Inspiration;
use crate::state::branches::About;
use crate::state::{AppState, Locking, NewNode, Node, NodeId, Source, Steering, Timeline};

/// The nodes as they were converted last: most of them never change.
#[derive(Debug, Default)]
pub struct NodeCache(BTreeMap<NodeId, (Marks, Arc<project::Node>)>);

/// What of a node changes after it was added.
#[derive(Debug, PartialEq)]
struct Marks {
    parent: Option<NodeId>,
    is_starred: bool,
    is_saved: bool,
    is_reduced: bool,
}

impl AppState {
    /// Everything that is kept of the present state. What is pending on the canvas is left out.
    pub fn to_project(&self, cache: &mut NodeCache) -> Project {
        let listed: Vec<_> = self.branches.listed().collect();
        let nodes: BTreeMap<_, _> = listed
            .iter()
            .map(|node| {
                let marks = Marks {
                    parent: self.branches.listed_parent(node.id),
                    is_starred: node.about.is_starred,
                    is_saved: node.about.is_saved,
                    is_reduced: node.is_reduced,
                };
                let known = cache.0.remove(&node.id).filter(|(known, _)| *known == marks);
                let kept = known.map_or_else(|| Arc::new(kept(node, &marks)), |(_, node)| node);
                (node.id, (marks, kept))
            })
            .collect();
        let current = self.branches.current.filter(|id| nodes.contains_key(id));
        let project = Project {
            recipe: in_words(&self.settings.recipe),
            slots: self.slots.iter().map(|slot| slot.chosen.clone()).collect(),
            source: self.source.as_ref().map(Source::to_kept),
            view: in_words(&self.settings.view),
            sketch: self.sketch.settled().clone(),
            nodes: nodes.values().map(|(_, node)| Arc::clone(node)).collect(),
            current: current.map(|id| id.0),
        };
        cache.0 = nodes;
        project
    }

    /// Puts everything of a project in place. Whatever is being drawn or imported goes. Says what
    /// of it cannot be used, as fragments of a sentence.
    pub(super) fn take_project(&mut self, project: &Project) -> Vec<String> {
        let mut remarks = Vec::new();
        match serde_json::from_value(project.recipe.clone()) {
            Ok(recipe) => self.settings.recipe = recipe,
            Err(_) if project.recipe.is_null() => {}
            Err(_unreadable) => remarks.push("prompt and settings".to_owned()),
        }
        if let Ok(view) = serde_json::from_value(project.view.clone()) {
            self.settings.view = view;
        }
        self.settings = self.settings.clone().checked();
        let size_px = self.model().map(|model| model.image_size_px);
        if self.model().is_none() && self.slots.len() < project.slots.len() {
            self.slots.resize_with(project.slots.len(), Default::default);
        }
        for (slot_idx, slot) in self.slots.iter_mut().enumerate() {
            slot.used = None;
            let chosen = project.slots.get(slot_idx).cloned().flatten();
            slot.chosen = chosen.map(|chosen| fitted(chosen, size_px));
        }
        self.sketch.restart(project.sketch.clone());
        let nodes: Vec<_> = project.nodes.iter().filter_map(|node| restored(node)).collect();
        let n_lost = project.nodes.len() - nodes.len();
        if n_lost > 0 {
            remarks.push(format!("{n_lost} of {} pictures", project.nodes.len()));
        }
        self.branches.restore(nodes, project.current.map(NodeId));
        self.forget_runs();
        self.source = project.source.as_ref().map(Source::restored);
        remarks
    }

    /// Nothing is being drawn, shown or imported any more.
    fn forget_runs(&mut self) {
        self.job = None;
        self.next.clear();
        self.earlier = None;
        self.finished_ids = None;
        self.scrubbed_to = None;
        self.recall = None;
        self.steering = Steering::default();
        self.timeline = Timeline::beginning_with(self.branches.current, self.sketch.revision());
        self.gallery.is_open = false;
        self.locking = Locking::default();
        self.source = None;
        self.sheet = None;
        self.opened = None;
        self.export = None;
        self.imports.open = None;
        self.imports.interrupted = None;
        self.imports.inverted = None;
    }
}

fn in_words(settings: &impl serde::Serialize) -> Value {
    serde_json::to_value(settings).expect("settings are plain data with text keys")
}

fn kept(node: &Node, marks: &Marks) -> project::Node {
    project::Node {
        id: node.id.0,
        parent: marks.parent.map(|parent| parent.0),
        about: in_words(&node.about),
        chosen: node.chosen.clone(),
        ids: Arc::clone(&node.ids),
        n_scales: node.n_scales,
        document: node.sketch.clone(),
        anchor: node.anchor.clone(),
        lock: node.lock.clone(),
        record: node.record.clone(),
        picture: Some(Arc::clone(&node.picture)),
        is_reduced: node.is_reduced,
    }
}

fn restored(kept: &project::Node) -> Option<Node> {
    let mut about: About = serde_json::from_value(kept.about.clone()).ok()?;
    about.recipe = about.recipe.checked();
    // Without its picture there are still its ids, from which it is decoded.
    let is_reduced = kept.is_reduced || kept.picture.is_none();
    let picture = kept.picture.clone().unwrap_or_else(|| Arc::new(RgbaImage::new(1, 1)));
    let mut stills = vec![None; kept.ids.len()];
    if let Some(finest) = stills.last_mut().filter(|_| !is_reduced) {
        *finest = Some(Arc::clone(&picture));
    }
    let mut node = Node::new(
        NodeId(kept.id),
        NewNode {
            parent: kept.parent.map(NodeId),
            about,
            chosen: kept.chosen.clone(),
            ids: Arc::clone(&kept.ids),
            n_scales: kept.n_scales,
            sketch: kept.document.clone(),
            anchor: kept.anchor.clone(),
            lock: kept.lock.clone(),
            record: kept.record.clone(),
            picture,
            stills,
        },
    );
    node.is_reduced = is_reduced;
    Some(node)
}

/// Pictures of the model's size, whatever a file holds.
fn fitted(chosen: Inspiration, size_px: Option<usize>) -> Inspiration {
    match (chosen, size_px) {
        (Inspiration::Picture { name, pixels }, Some(size_px))
            if pixels.dimensions() != (size_px as u32, size_px as u32) =>
        {
            let pixels = Arc::new(fit::fit_square(&pixels, size_px));
            Inspiration::Picture { name, pixels }
        }
        (chosen, _) => chosen,
    }
}
