//! What became of a project from one moment to the next. A journal keeps the differences between
//! states and not the wishes of the user: whatever changed the work, it is noticed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::{Node, Project, Source};
use crate::document::Document;
use crate::protocol::Inspiration;

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    Recipe(Value),
    View(Value),
    Slots(Vec<Option<Inspiration>>),
    Source(Option<Source>),
    /// A step of the sketch was finished, or taken back.
    Sketch(Box<Document>),
    /// A picture was added, or its marks changed.
    Node(Arc<Node>),
    /// A picture was taken off the tree.
    Removed(u64),
    Current(Option<u64>),
}

impl Project {
    /// What turns this project into `newer`. Pictures of nodes are not compared: nodes keep theirs.
    pub fn changes_to(&self, newer: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.recipe != newer.recipe {
            changes.push(Change::Recipe(newer.recipe.clone()));
        }
        if self.view != newer.view {
            changes.push(Change::View(newer.view.clone()));
        }
        if self.slots != newer.slots {
            changes.push(Change::Slots(newer.slots.clone()));
        }
        if self.source != newer.source {
            changes.push(Change::Source(newer.source.clone()));
        }
        if !is_same(&self.sketch, &newer.sketch) {
            changes.push(Change::Sketch(Box::new(newer.sketch.clone())));
        }
        let mut known: BTreeMap<_, _> = self.nodes.iter().map(|node| (node.id, node)).collect();
        for node in &newer.nodes {
            let is_known = known.remove(&node.id).is_some_and(|known| {
                Arc::ptr_eq(known, node)
                    || (known.parent, &known.about) == (node.parent, &node.about)
            });
            if !is_known {
                changes.push(Change::Node(Arc::clone(node)));
            }
        }
        changes.extend(known.into_keys().map(Change::Removed));
        if self.current != newer.current {
            changes.push(Change::Current(newer.current));
        }
        changes
    }

    /// Carries out a change.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Recipe(recipe) => self.recipe = recipe,
            Change::View(view) => self.view = view,
            Change::Slots(slots) => self.slots = slots,
            Change::Source(source) => self.source = source,
            Change::Sketch(sketch) => self.sketch = *sketch,
            Change::Node(node) => match self.nodes.iter_mut().find(|known| known.id == node.id) {
                Some(known) => *known = node,
                None => self.nodes.push(node),
            },
            Change::Removed(id) => self.nodes.retain(|node| node.id != id),
            Change::Current(current) => self.current = current,
        }
    }
}

/// Pixels are compared only where copies were drawn on.
fn is_same(a: &Document, b: &Document) -> bool {
    a.is_copy_of(b) || a == b
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: u64, about: &str) -> Arc<Node> {
        Arc::new(Node {
            id,
            parent: None,
            about: about.into(),
            chosen: Vec::new(),
            ids: Arc::new(vec![vec![1]]),
            n_scales: 1,
            document: Document::new(8).expect("a sane size"),
            anchor: None,
            lock: None,
            record: None,
            picture: None,
            is_reduced: false,
        })
    }

    #[test]
    fn changes_lead_from_one_to_the_other() {
        let mut old = Project::new(Document::new(8).expect("a sane size"));
        old.nodes = vec![node(1, "a"), node(2, "b"), node(3, "c")];
        assert_eq!(old.changes_to(&old.clone()), []);
        let mut new = old.clone();
        new.nodes = vec![node(1, "a"), node(3, "starred"), node(4, "d")];
        new.recipe = "cat".into();
        new.view = 7.into();
        new.slots = vec![None];
        let picture = Arc::default();
        new.source = Some(Source { name: "cat".to_owned(), picture, n_kept: 1, ids: None });
        new.current = Some(4);
        new.sketch = Document::new(16).expect("a sane size");
        let changes = old.changes_to(&new);
        assert_eq!(changes.len(), 9);
        for change in changes {
            old.apply(change);
        }
        assert_eq!(old, new);
    }
}
