//! The slots of *Inspired by*: the remembered pictures that the generator looks at.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::AppState;
use super::settings::{Banned, Recipe};
use crate::imaging::RgbaImage;
use crate::protocol::{
    EntryId, Inspiration, InspiredBy, MemoryRequest, OwnMemory, RememberedPicture,
};

/// One slot: what the newest job looked at there, and what the user put there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slot {
    /// Chosen by hand: stays until released. Everything else is retrieved by the prompt.
    pub chosen: Option<Inspiration>,
    /// What the newest job looks at.
    pub used: Option<InspiredBy>,
}

impl Slot {
    /// The remembered entry to show, unless a picture of the user's own is there.
    pub fn entry(&self) -> Option<EntryId> {
        match &self.chosen {
            Some(chosen) => entry_of(chosen),
            None => self.used.as_ref().map(|used| used.entry),
        }
    }

    /// What to write under the picture; `None` if the slot is empty.
    pub fn caption(&self) -> Option<&str> {
        match &self.chosen {
            Some(Inspiration::Picture { name, .. }) => Some(name),
            Some(Inspiration::Remembered(picture)) => Some(&picture.caption),
            Some(Inspiration::Entry(_)) => Some(self.about().map_or("Kept", |used| &used.caption)),
            None => self.used.as_ref().map(|used| &*used.caption),
        }
    }

    /// What is known of the remembered picture to show: where it comes from, how similar it is.
    /// Not of one that was put there since the newest job began.
    pub fn about(&self) -> Option<&InspiredBy> {
        let entry = self.entry()?;
        self.used.as_ref().filter(|used| used.entry == entry)
    }

    /// The pixels to show, if they are known yet.
    pub fn picture<'a>(
        &'a self,
        thumbnails: &'a BTreeMap<EntryId, Arc<RgbaImage>>,
    ) -> Option<&'a Arc<RgbaImage>> {
        match &self.chosen {
            Some(Inspiration::Picture { pixels, .. }) => Some(pixels),
            _ => self.entry().and_then(|entry| thumbnails.get(&entry)),
        }
    }

    /// What keeps the present picture in a slot; `None` if the slot is empty.
    pub fn pinned(&self) -> Option<Inspiration> {
        self.chosen.clone().or_else(|| self.used.as_ref().map(pinned))
    }
}

/// What keeps a remembered picture in a slot, also without the memory that it was found in.
pub fn pinned(picture: &InspiredBy) -> Inspiration {
    if picture.ids.is_empty() {
        // As files of before have it.
        return Inspiration::Entry(picture.entry);
    }
    Inspiration::Remembered(Arc::new(picture.into()))
}

/// The remembered picture that was chosen; `None` for a picture of the user's own.
pub fn entry_of(chosen: &Inspiration) -> Option<EntryId> {
    match chosen {
        Inspiration::Picture { .. } => None,
        Inspiration::Entry(entry) => Some(*entry),
        Inspiration::Remembered(picture) => Some(picture.entry),
    }
}

/// What is known of a picture that was chosen by its ids, as if a job looked at it.
pub fn as_used(slot: usize, picture: &RememberedPicture) -> InspiredBy {
    InspiredBy {
        slot,
        entry: picture.entry,
        caption: picture.caption.clone(),
        style: picture.style.clone(),
        source: picture.source.clone(),
        licence: picture.licence.clone(),
        similarity: None,
        memory: picture.memory.clone(),
        provenance: picture.provenance,
        ids: Arc::clone(&picture.ids),
    }
}

impl AppState {
    /// Whether the memory that a remembered picture comes from is there and has it no more. Of a
    /// memory of the user's that is not looked into now, nobody knows.
    pub fn has_lost(&self, picture: &InspiredBy) -> bool {
        if !picture.provenance.is_entry() {
            return false;
        }
        if picture.memory.is_empty() {
            return self.model().is_some_and(|model| !model.holds(picture.entry));
        }
        let Some(known) = &self.memories.known else { return false };
        let Some(known) = known.iter().find(|known| known.name == picture.memory) else {
            return true;
        };
        let own = self.memories.for_requests();
        let own = own.iter().find(|own| own.memory == known.memory);
        let has_it =
            |own: &Arc<OwnMemory>| own.entries.iter().any(|entry| entry.entry == picture.entry);
        known.n_entries == 0 || own.is_some_and(|own| !has_it(own))
    }
}

/// What a request asks of the memory. What was put into a slot that is switched off waits there.
pub fn memory_request(
    recipe: &Recipe,
    banned: &[Banned],
    chosen: Vec<(usize, Inspiration)>,
) -> MemoryRequest {
    let is_open = |(slot_idx, _): &(usize, Inspiration)| recipe.is_open(*slot_idx);
    MemoryRequest {
        retrieval: recipe.memory_on,
        banned: banned.iter().map(|banned| banned.entry).collect(),
        chosen: chosen.into_iter().filter(is_open).collect(),
        reference_strength: recipe.reference_strength,
        closed_slots: recipe.closed_slots.clone(),
        ..MemoryRequest::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(entry: u64, ids: &[u16]) -> InspiredBy {
        InspiredBy {
            slot: 0,
            entry: EntryId(entry),
            caption: format!("entry {entry}"),
            style: String::new(),
            source: "Here".to_owned(),
            licence: String::new(),
            similarity: Some(0.5),
            memory: "My cats".to_owned(),
            provenance: crate::protocol::Provenance::Entry,
            ids: ids.into(),
        }
    }

    #[test]
    fn what_is_pinned_needs_no_memory() {
        let slot = Slot { chosen: None, used: Some(used(7, &[1, 2])) };
        let Some(Inspiration::Remembered(picture)) = slot.pinned() else { panic!("{slot:?}") };
        assert_eq!((picture.entry, &*picture.ids), (EntryId(7), &[1, 2][..]));
        assert_eq!((&*picture.memory, &*picture.source), ("My cats", "Here"));
        let without_ids = Slot { chosen: None, used: Some(used(7, &[])) };
        assert_eq!(without_ids.pinned(), Some(Inspiration::Entry(EntryId(7))));
        assert_eq!(Slot::default().pinned(), None);
    }

    #[test]
    fn a_slot_shows_what_was_put_there_and_not_what_was_there_before() {
        let mut slot = Slot { chosen: None, used: Some(used(7, &[1])) };
        assert_eq!(slot.about().map(|about| about.entry), Some(EntryId(7)));
        slot.chosen = Some(pinned(&used(9, &[3])));
        assert_eq!((slot.caption(), slot.about()), (Some("entry 9"), None));
        slot.chosen = Some(Inspiration::Entry(EntryId(8)));
        assert_eq!(slot.caption(), Some("Kept"));
    }

    #[test]
    fn what_waits_in_a_closed_slot_is_not_asked_for() {
        let mut recipe = Recipe::default();
        recipe.set_open(1, false);
        recipe.set_open(0, false);
        recipe.set_open(0, true);
        let chosen = [0, 1].map(|slot_idx| (slot_idx, Inspiration::Entry(EntryId(5))));
        let request = memory_request(&recipe, &[], chosen.to_vec());
        assert_eq!(request.closed_slots, [1]);
        assert_eq!(request.chosen, chosen[..1]);
    }
}
