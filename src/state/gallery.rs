//! The gallery as the window shows it: which pictures, which is chosen, what they look like.

mod unsaved;

use std::collections::HashMap;
use std::hash::Hash;
use std::path::PathBuf;
use std::sync::Arc;

use super::NodeId;
use crate::imaging::RgbaImage;
use crate::protocol::{IndexProgress, KnownPicture, Listing, PictureId, PictureQuery, ScanReport};

/// Small pictures kept, each of at most 64 KB; far more than fit on a screen.
const MAX_THUMBNAILS: usize = 600;
/// Pictures that can be brought back from the trash.
const MAX_TRASHED: usize = 32;

/// Pixels of a picture, or why there are none in a few words.
pub type Loaded = Result<Arc<RgbaImage>, String>;

/// What the gallery shows.
#[derive(Debug, Default)]
pub struct Gallery {
    pub is_open: bool,
    pub query: PictureQuery,
    /// What fits the query, as far as the index has told; `None` before it has told anything.
    pub listing: Option<Listing>,
    pub selected: Option<PictureId>,
    /// The selected picture of this session that is in no file; then no file is selected.
    pub selected_node: Option<NodeId>,
    /// Such pictures that were taken off the list since a file last went to the trash, newest last.
    pub taken_off: Vec<NodeId>,
    /// Such pictures that are saved as soon as they are decoded.
    pub saving: Vec<NodeId>,
    /// The selected picture, larger.
    pub preview: Option<(PictureId, Loaded)>,
    pub thumbnails: Thumbnails,
    /// Files are being read.
    pub progress: Option<IndexProgress>,
    /// What the last look at the disk found.
    pub scanned: Option<ScanReport>,
    /// On their way to the trash.
    pub trashing: Vec<PictureId>,
    /// Newest last.
    pub trashed: Vec<Trashed>,
    last_trashed: u64,
    /// The user is being asked whether this one may go to the trash.
    pub trash_question: Option<PictureId>,
    /// The user has said once that pictures may go to the trash.
    pub may_trash: bool,
}

/// A picture that was moved to the trash.
#[derive(Debug, Clone, PartialEq)]
pub struct Trashed {
    /// Names it in notices.
    pub serial: u64,
    pub path: PathBuf,
    pub is_starred: bool,
}

impl Gallery {
    pub fn pictures(&self) -> &[KnownPicture] {
        self.listing.as_ref().map_or(&[], |listing| &listing.pictures)
    }

    pub fn picture(&self, id: PictureId) -> Option<&KnownPicture> {
        self.pictures().iter().find(|picture| picture.id == id)
    }

    pub fn selected_picture(&self) -> Option<&KnownPicture> {
        self.selected.and_then(|id| self.picture(id))
    }

    /// Takes over a list; what is selected stays so if it is in it, else what took its place.
    pub fn take_listing(&mut self, listing: Listing) {
        let place = self.selected.and_then(|id| self.place_of(id));
        let before = self.listing.replace(listing);
        if let (Some(before), Some(listing)) = (&before, &self.listing) {
            self.thumbnails.forget_changed(&before.pictures, &listing.pictures);
        }
        let is_there = self.selected_picture().is_some();
        if !is_there {
            self.selected = place.and_then(|place| self.at_or_before(place));
        }
    }

    /// Takes a picture out of the list before the index has told so; selects what took its place.
    pub fn remove(&mut self, id: PictureId) {
        let Some(place) = self.place_of(id) else { return };
        if let Some(listing) = &mut self.listing {
            let removed = listing.pictures.remove(place);
            listing.n_known = listing.n_known.saturating_sub(1);
            listing.n_problems =
                listing.n_problems.saturating_sub(usize::from(removed.problem.is_some()));
            // Another list, for those who keep something made of it; no list of the index has that.
            listing.serial = u64::MAX - listing.serial;
        }
        if self.selected == Some(id) {
            self.selected = self.at_or_before(place);
        }
    }

    /// Shows a star before the index has kept it.
    pub fn show_star(&mut self, id: PictureId, is_starred: bool) {
        let pictures = self.listing.iter_mut().flat_map(|listing| &mut listing.pictures);
        for picture in pictures.filter(|picture| picture.id == id) {
            picture.is_starred = is_starred;
        }
    }

    /// Remembers what went to the trash; gives its serial.
    pub fn remember_trashed(&mut self, path: PathBuf, is_starred: bool) -> u64 {
        self.last_trashed += 1;
        self.taken_off.clear();
        if self.trashed.len() >= MAX_TRASHED {
            self.trashed.remove(0);
        }
        self.trashed.push(Trashed { serial: self.last_trashed, path, is_starred });
        self.last_trashed
    }

    fn place_of(&self, id: PictureId) -> Option<usize> {
        self.pictures().iter().position(|picture| picture.id == id)
    }

    fn at_or_before(&self, place: usize) -> Option<PictureId> {
        let last = self.pictures().len().checked_sub(1)?;
        self.pictures().get(place.min(last)).map(|picture| picture.id)
    }
}

/// Small pictures; those that came first make room.
#[derive(Debug)]
pub struct Thumbnails<Id = PictureId> {
    by_id: HashMap<Id, (u64, Loaded)>,
    last_use: u64,
}

impl<Id> Default for Thumbnails<Id> {
    fn default() -> Self {
        Self { by_id: HashMap::new(), last_use: 0 }
    }
}

impl<Id: Copy + Eq + Hash> Thumbnails<Id> {
    pub fn get(&self, id: Id) -> Option<&Loaded> {
        self.by_id.get(&id).map(|(_, loaded)| loaded)
    }

    pub fn insert(&mut self, id: Id, loaded: Loaded) {
        self.last_use += 1;
        self.by_id.insert(id, (self.last_use, loaded));
        if self.by_id.len() > MAX_THUMBNAILS {
            // A third at once, so that this is seldom.
            let mut ages: Vec<_> = self.by_id.values().map(|(age, _)| *age).collect();
            ages.sort_unstable();
            let limit = ages[ages.len() / 3];
            self.by_id.retain(|_, (age, _)| *age > limit);
        }
    }

    /// These are on the screen: the last to make room.
    pub fn touch(&mut self, ids: &[Id]) {
        self.last_use += 1;
        for id in ids {
            if let Some((age, _)) = self.by_id.get_mut(id) {
                *age = self.last_use;
            }
        }
    }

    /// Drops one that shows something else now.
    pub fn forget(&mut self, id: Id) {
        self.by_id.remove(&id);
    }

    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

impl Thumbnails {
    /// Drops those whose files were written anew between two lists.
    fn forget_changed(&mut self, before: &[KnownPicture], after: &[KnownPicture]) {
        let version = |picture: &KnownPicture| (picture.written_at_secs, picture.n_bytes);
        let known = |picture: &&KnownPicture| self.by_id.contains_key(&picture.id);
        let versions: HashMap<_, _> =
            before.iter().filter(known).map(|picture| (picture.id, version(picture))).collect();
        for picture in after {
            if versions.get(&picture.id).is_some_and(|known| *known != version(picture)) {
                self.by_id.remove(&picture.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(ids: &[i64]) -> Listing {
        let picture = |id: &i64| KnownPicture {
            id: PictureId(*id),
            path: format!("{id}.png").into(),
            prompt: String::new(),
            seed: None,
            model: None,
            software: None,
            size_px: None,
            n_bytes: 0,
            written_at_secs: 0,
            problem: None,
            is_starred: false,
        };
        Listing { pictures: ids.iter().map(picture).collect(), ..Listing::default() }
    }

    #[test]
    fn what_takes_the_place_of_a_removed_picture_is_selected() {
        let mut gallery = Gallery::default();
        gallery.take_listing(listing(&[9, 8, 7]));
        assert_eq!(gallery.selected, None, "nothing until the user chooses");
        gallery.selected = Some(PictureId(8));
        gallery.remove(PictureId(8));
        assert_eq!(gallery.selected, Some(PictureId(7)));
        gallery.take_listing(listing(&[10, 9, 7]));
        assert_eq!(gallery.selected, Some(PictureId(7)), "it is still there");
        gallery.take_listing(listing(&[10]));
        assert_eq!(gallery.selected, Some(PictureId(10)));
        gallery.take_listing(listing(&[]));
        assert_eq!(gallery.selected, None);
    }

    #[test]
    fn small_pictures_on_the_screen_are_kept_and_memory_is_bounded() {
        let mut thumbnails = Thumbnails::default();
        let picture = Arc::new(RgbaImage::new(1, 1));
        thumbnails.insert(PictureId(0), Ok(Arc::clone(&picture)));
        for n in 1..5000 {
            thumbnails.touch(&[PictureId(0)]);
            thumbnails.insert(PictureId(n), Ok(Arc::clone(&picture)));
            assert!(thumbnails.len() <= MAX_THUMBNAILS);
        }
        assert!(thumbnails.get(PictureId(0)).is_some());
        assert!(thumbnails.get(PictureId(1)).is_none());
        assert!(thumbnails.get(PictureId(4999)).is_some());
    }
}
