//! *More candidates*: the remembered pictures that fit a text best, for one slot of *Inspired by*.

use super::AppState;
use crate::protocol::{EntryId, Failure, InspiredBy, MemoryRequest};

/// The grid of candidates, while it is open.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidates {
    /// Where the one that is chosen goes.
    pub slot_idx: usize,
    /// What the user looks for; empty looks for the prompt.
    pub search: String,
    pub phase: SearchPhase,
    /// Best first. While another search is under way, those of the one before.
    pub pictures: Vec<InspiredBy>,
    /// Where the keyboard is.
    pub cursor: usize,
    /// What was asked last.
    pub asked: Option<Query>,
}

/// How far the newest search is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchPhase {
    Searching,
    Found,
    Failed(Failure),
}

/// What candidates are looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub text: String,
    /// Which memories are looked into; bans and choices count for nothing, so that what is banned
    /// or in use can be seen.
    pub memory: MemoryRequest,
}

impl Candidates {
    /// Candidates that are looked for.
    pub const N: usize = 24;

    /// Nothing is found yet.
    pub fn new(slot_idx: usize) -> Self {
        Self {
            slot_idx,
            search: String::new(),
            phase: SearchPhase::Searching,
            pictures: Vec::new(),
            cursor: 0,
            asked: None,
        }
    }
}

impl AppState {
    /// What the open grid must look for now; `None` if it is closed.
    pub fn candidates_query(&self) -> Option<Query> {
        let search = self.candidates.as_ref()?.search.trim().to_owned();
        let text = if search.is_empty() { self.settings.recipe.prompt.clone() } else { search };
        let memory = MemoryRequest {
            retrieval: true,
            banned: Vec::new(),
            chosen: Vec::new(),
            closed_slots: Vec::new(),
            reference_strength: 0.0,
            // Also where nothing is looked up by itself.
            own: self.memories.for_requests(),
        };
        Some(Query { text, memory })
    }

    /// The place of *Inspired by* that shows an entry.
    pub fn slot_of(&self, entry: EntryId) -> Option<usize> {
        let recipe = &self.settings.recipe;
        let slots = self.slots.iter().enumerate();
        let mut open = slots.filter(|(slot_idx, _)| recipe.is_open(*slot_idx));
        open.find(|(_, slot)| slot.entry() == Some(entry)).map(|(slot_idx, _)| slot_idx)
    }

    pub fn is_banned(&self, entry: EntryId) -> bool {
        self.settings.banned.iter().any(|banned| banned.entry == entry)
    }
}
