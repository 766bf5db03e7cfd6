//! *My memory* as the window shows it: the user's named memories, the entries of one of them, what
//! is being added, and what of all this the generator may look at.

use std::path::PathBuf;
use std::sync::Arc;

use super::gallery::Thumbnails;
use crate::protocol::{
    AddProgress, AddReport, Captions, EntryListing, EntryQuery, KnownEntry, KnownMemory, MemoryId,
    OwnMemory, RememberedId,
};

/// Things that were removed and can be brought back.
const MAX_REMOVED: usize = 32;

/// What the page shows, and what requests carry.
#[derive(Debug, Default)]
pub struct Memories {
    pub is_open: bool,
    /// `None` before the thread has told anything.
    pub known: Option<Vec<KnownMemory>>,
    /// The memory whose entries are shown.
    pub chosen: Option<MemoryId>,
    pub query: EntryQuery,
    /// What fits the query; `None` before it is known.
    pub listing: Option<EntryListing>,
    pub selected: Option<RememberedId>,
    pub thumbnails: Thumbnails<RememberedId>,
    /// One per memory that pictures are being added to.
    pub adding: Vec<AddProgress>,
    /// What came of it last, one per memory, until it is put away.
    pub reports: Vec<AddReport>,
    /// The report that is being read.
    pub open_report: Option<MemoryId>,
    /// For the pictures that are added next.
    pub captions: Captions,
    pub keeps_background: bool,
    /// Pictures that are added as soon as the memory for them is made.
    pub to_add: Vec<PathBuf>,
    /// The memory that is made now is named by the user at once.
    pub names_next: bool,
    /// A memory whose name is to be changed, for the page to begin with.
    pub to_rename: Option<MemoryId>,
    /// Memories whose files were looked after since the start of the program.
    pub looked_after: Vec<MemoryId>,
    /// Those of them that nobody has asked for: nothing new is no news.
    pub quiet: Vec<MemoryId>,
    /// All that the next list has is to be removed.
    pub removes_gone: bool,
    /// An entry that goes into a place of *Inspired by* as soon as the model's view of it is there.
    pub to_inspire: Option<KnownEntry>,
    /// The chosen memory, while the thread still brings it back: lists from before lack it.
    pub comes_back: Option<MemoryId>,
    /// Newest last.
    pub removed: Vec<Removed>,
    last_removed: u64,
    /// Why the memories cannot be used as they should: a sentence and details.
    pub trouble: Option<(String, String)>,
    /// The memories that were switched on when the thread told last, as the generator reads them.
    /// One that has been switched off since stays: off and on again may be no news to the thread.
    pub snapshots: Vec<Arc<OwnMemory>>,
}

/// Something that was taken out and can be put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Names it in notices.
    pub serial: u64,
    pub what: RemovedWhat,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemovedWhat {
    Entries { memory: MemoryId, ids: Vec<RememberedId> },
    Memory(MemoryId),
}

impl Memories {
    pub fn all(&self) -> &[KnownMemory] {
        self.known.as_deref().unwrap_or_default()
    }

    pub fn get(&self, id: MemoryId) -> Option<&KnownMemory> {
        self.all().iter().find(|known| known.memory == id)
    }

    /// The memory whose entries are shown.
    pub fn chosen_memory(&self) -> Option<&KnownMemory> {
        self.chosen.and_then(|id| self.get(id))
    }

    pub fn entries(&self) -> &[KnownEntry] {
        self.listing.as_ref().map_or(&[], |listing| &listing.entries)
    }

    pub fn entry(&self, id: RememberedId) -> Option<&KnownEntry> {
        self.entries().iter().find(|entry| entry.id == id)
    }

    pub fn selected_entry(&self) -> Option<&KnownEntry> {
        self.selected.and_then(|id| self.entry(id))
    }

    /// How far adding to a memory is.
    pub fn progress(&self, id: MemoryId) -> Option<AddProgress> {
        self.adding.iter().copied().find(|progress| progress.memory == id)
    }

    pub fn report(&self, id: MemoryId) -> Option<&AddReport> {
        self.reports.iter().find(|report| report.memory == id)
    }

    /// What requests look into: what is switched on and not empty.
    pub fn for_requests(&self) -> Vec<Arc<OwnMemory>> {
        let is_on = |id| self.get(id).is_some_and(|known| known.is_on);
        let counts = |own: &&Arc<OwnMemory>| {
            !own.entries.is_empty() && (self.known.is_none() || is_on(own.memory))
        };
        self.snapshots.iter().filter(counts).cloned().collect()
    }

    /// Takes over the list of memories; what is chosen stays so if it is there or on its way, else
    /// another one is, and then `true` is given back: its entries are not known.
    pub fn take_known(&mut self, known: Vec<KnownMemory>) -> bool {
        let place = self.chosen.and_then(|id| self.place_of(id));
        self.known = Some(known);
        let all = self.all();
        if self.chosen.is_some_and(|id| all.iter().any(|known| known.memory == id)) {
            return false;
        }
        if self.chosen.is_some() && self.chosen == self.comes_back {
            return false;
        }
        let last = all.len().checked_sub(1);
        let next = last.map(|last| all[place.unwrap_or(0).min(last)].memory);
        self.choose(next);
        self.adding.retain(|adding| {
            self.known.iter().flatten().any(|known| known.memory == adding.memory)
        });
        next.is_some()
    }

    /// Shows the entries of a memory from the top.
    pub fn choose(&mut self, id: Option<MemoryId>) {
        self.chosen = id;
        self.comes_back = None;
        self.query = EntryQuery { memory: id, ..EntryQuery::default() };
        self.listing = None;
        self.selected = None;
    }

    /// Takes over a list; what is selected stays so if it is in it, else what took its place.
    pub fn take_listing(&mut self, listing: EntryListing) {
        let place = self.selected.and_then(|id| self.entry_place(id));
        self.listing = Some(listing);
        if self.selected_entry().is_none() {
            self.selected = place.and_then(|place| self.at_or_before(place));
        }
    }

    /// Takes entries out of the list before the thread has told so; selects what took their place.
    pub fn remove(&mut self, ids: &[RememberedId]) {
        let place = self.selected.and_then(|id| self.entry_place(id));
        if let Some(listing) = &mut self.listing {
            listing.entries.retain(|entry| !ids.contains(&entry.id));
            // Another list, for those who keep something made of it; no list of the thread has it.
            listing.serial = u64::MAX - listing.serial;
        }
        if self.selected.is_some_and(|id| ids.contains(&id)) {
            self.selected = place.and_then(|place| self.at_or_before(place));
        }
    }

    /// Remembers what was removed; gives its serial.
    pub fn remember_removed(&mut self, what: RemovedWhat) -> u64 {
        self.last_removed += 1;
        if self.removed.len() >= MAX_REMOVED {
            self.removed.remove(0);
        }
        self.removed.push(Removed { serial: self.last_removed, what });
        self.last_removed
    }

    /// A name that no memory has: `Memory 2`.
    pub fn free_name(&self, wanted: &str) -> String {
        let is_free = |name: &str| self.all().iter().all(|known| known.name != name);
        if is_free(wanted) {
            return wanted.to_owned();
        }
        let mut number = 2;
        loop {
            let name = format!("{wanted} {number}");
            if is_free(&name) {
                return name;
            }
            number += 1;
        }
    }

    fn place_of(&self, id: MemoryId) -> Option<usize> {
        self.all().iter().position(|known| known.memory == id)
    }

    fn entry_place(&self, id: RememberedId) -> Option<usize> {
        self.entries().iter().position(|entry| entry.id == id)
    }

    fn at_or_before(&self, place: usize) -> Option<RememberedId> {
        let last = self.entries().len().checked_sub(1)?;
        self.entries().get(place.min(last)).map(|entry| entry.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::EntryId;

    fn known(id: i64, name: &str) -> KnownMemory {
        KnownMemory {
            memory: MemoryId(id),
            name: name.to_owned(),
            is_on: true,
            n_entries: 0,
            n_gone: 0,
            n_waiting: 0,
            n_outdated: 0,
            n_problems: 0,
        }
    }

    fn listing(ids: &[i64]) -> EntryListing {
        let entry = |id: &i64| KnownEntry {
            id: RememberedId(*id),
            entry: EntryId(*id as u64),
            caption: String::new(),
            path: PathBuf::new(),
            source: String::new(),
            licence: String::new(),
            is_gone: false,
        };
        EntryListing { entries: ids.iter().map(entry).collect(), ..EntryListing::default() }
    }

    #[test]
    fn another_memory_is_chosen_only_when_the_chosen_one_goes() {
        let mut memories = Memories::default();
        assert!(memories.take_known(vec![known(1, "a"), known(2, "b"), known(3, "c")]));
        assert_eq!(memories.chosen, Some(MemoryId(1)));
        memories.choose(Some(MemoryId(2)));
        assert!(!memories.take_known(vec![known(2, "b"), known(3, "c")]));
        assert_eq!(memories.chosen, Some(MemoryId(2)));
        assert!(memories.take_known(vec![known(3, "c")]));
        assert_eq!((memories.chosen, memories.query.memory), (Some(MemoryId(3)), memories.chosen));
        assert!(!memories.take_known(Vec::new()));
        assert_eq!(memories.chosen, None);
    }

    #[test]
    fn what_takes_the_place_of_a_removed_entry_is_selected() {
        let mut memories = Memories::default();
        memories.take_listing(listing(&[9, 8, 7]));
        assert_eq!(memories.selected, None, "nothing until the user chooses");
        memories.selected = Some(RememberedId(8));
        memories.remove(&[RememberedId(8)]);
        assert_eq!(memories.selected, Some(RememberedId(7)));
        memories.take_listing(listing(&[10, 9, 7]));
        assert_eq!(memories.selected, Some(RememberedId(7)), "it is still there");
        memories.remove(&[RememberedId(10), RememberedId(9), RememberedId(7)]);
        assert_eq!(memories.selected, None);
    }

    #[test]
    fn names_are_free() {
        let mut memories = Memories::default();
        assert_eq!(memories.free_name("My pictures"), "My pictures");
        memories.take_known(vec![known(1, "My pictures"), known(2, "My pictures 2")]);
        assert_eq!(memories.free_name("My pictures"), "My pictures 3");
    }
}
