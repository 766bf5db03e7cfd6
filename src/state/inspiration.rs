//! The slots of *Inspired by*: the remembered pictures that the generator looks at.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::imaging::RgbaImage;
use crate::protocol::{EntryId, Inspiration, InspiredBy};

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
            Some(Inspiration::Picture { .. }) => None,
            Some(Inspiration::Entry(entry)) => Some(*entry),
            Some(Inspiration::Remembered(picture)) => Some(picture.entry),
            None => self.used.as_ref().map(|used| used.entry),
        }
    }

    /// What to write under the picture; `None` if the slot is empty.
    pub fn caption(&self) -> Option<&str> {
        match (&self.chosen, &self.used) {
            (Some(Inspiration::Picture { name, .. }), _) => Some(name),
            (Some(Inspiration::Remembered(picture)), _) => Some(&picture.caption),
            (_, Some(used)) => Some(&used.caption),
            (Some(Inspiration::Entry(_)), None) => Some("Kept"),
            (None, None) => None,
        }
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
}
