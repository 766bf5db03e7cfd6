//! Which remembered pictures a request looks at, and their latents.

use std::sync::Arc;

use candle_core::Tensor;

use super::ModelError;
use super::config::{Config, MemoryConfig};
use super::joining::Joining;
use super::memory::{
    Asked, Candidates, Match, OwnKeys, OwnMemories, PictureMemory, Place, Retrieved, Search,
    entry_id,
};
use super::redraw::{Hand, Redraw};
use super::tokenizer::Tokenizer;
use crate::imaging::RgbaImage;
use crate::protocol::{
    EntryId, Inspiration, InspiredBy, MemoryRequest, MemorySource, OwnEntry, OwnMemory, Provenance,
    RememberedPicture,
};

/// Latents and pictures kept, so that a live request rebuilds none of them.
const CACHE_SIZE: usize = 32;

/// A remembered picture in a slot.
#[derive(Debug, Clone)]
pub(super) struct Remembered {
    pub(super) inspired_by: InspiredBy,
    /// (1, Z, G, G)
    pub(super) latent: Tensor,
}

/// The memory with caches of what was looked at lately.
#[derive(Debug)]
pub(super) struct Inspirations {
    memory: PictureMemory,
    own: OwnMemories,
    redraw: Redraw,
    joining: Joining,
    config: MemoryConfig,
    image_size_px: usize,
    n_tokens: usize,
    n_codes: usize,
    /// Most recently used last.
    latents: Vec<(EntryId, Tensor)>,
    /// Pictures given by the user, with the entry made of them; most recent last.
    pictures: Vec<(Arc<RgbaImage>, EncodedPicture)>,
}

/// A picture given by the user, as a memory would hold it.
#[derive(Debug, Clone)]
struct EncodedPicture {
    entry: EntryId,
    ids: Arc<[u16]>,
}

impl Inspirations {
    pub(super) fn new(memory: PictureMemory, config: &Config) -> Self {
        Self {
            memory,
            own: OwnMemories::new(config),
            redraw: Redraw::new(config.image_size),
            joining: Joining::new(config.image_size),
            config: config.memory.clone(),
            image_size_px: config.image_size,
            n_tokens: config.n_tokens(),
            n_codes: config.tokenizer.codebook_size,
            latents: Vec::new(),
            pictures: Vec::new(),
        }
    }

    /// The styles of the model's memory.
    pub(super) fn styles(&self) -> impl Iterator<Item = &str> {
        self.memory.styles()
    }

    pub(super) fn sources(&self) -> Vec<MemorySource> {
        self.memory.sources()
    }

    /// # Errors
    /// [`ModelError`] if a slot or a chosen entry does not exist, a picture has another size, or a
    /// memory of the user was made for another model.
    pub(super) fn check(&mut self, request: &MemoryRequest) -> Result<(), ModelError> {
        let fail = |reason: String| Err(ModelError::Request { reason });
        let own = self.own.open(&request.own)?;
        let slots = request.chosen.iter().map(|(slot, _)| slot).chain(&request.closed_slots);
        if let Some(slot) = slots.copied().find(|slot| *slot >= self.config.slots) {
            return fail(format!(
                "there is no inspiration {}: this model has {}",
                slot + 1,
                self.config.slots
            ));
        }
        for (idx, (slot, inspiration)) in request.chosen.iter().enumerate() {
            if request.chosen[..idx].iter().any(|(other, _)| other == slot) {
                return fail(format!("inspiration {} is chosen twice", slot + 1));
            }
            match inspiration {
                Inspiration::Entry(entry) if self.find(*entry, &own).is_none() => {
                    return Err(ModelError::UnknownEntry { entry: *entry });
                }
                Inspiration::Remembered(picture) if !self.are_of_this_model(&picture.ids) => {
                    return fail(format!(
                        "the inspiration “{}” was kept for another model; choose another",
                        picture.caption
                    ));
                }
                Inspiration::Picture { name, pixels }
                    if [pixels.width(), pixels.height()] != [self.image_size_px as u32; 2] =>
                {
                    return fail(format!(
                        "the inspiration “{name}” is {} × {} px; this model needs {} px a side",
                        pixels.width(),
                        pixels.height(),
                        self.image_size_px
                    ));
                }
                _ => {}
            }
        }
        if !request.reference_strength.is_finite() {
            return fail("the reference strength is not a number".to_owned());
        }
        Ok(())
    }

    /// The pictures for each seed, by rising slot.
    ///
    /// # Errors
    /// What the computation reports; the request must have passed [`Self::check`].
    pub(super) fn choose(
        &mut self,
        request: &MemoryRequest,
        asked: Asked<'_>,
        seeds: &[u64],
        tokenizer: &Tokenizer,
    ) -> Result<Vec<Vec<Remembered>>, ModelError> {
        let own = self.own.open(&request.own)?;
        let mut by_hand = Vec::with_capacity(request.chosen.len());
        let is_open = |slot: &usize| !request.closed_slots.contains(slot);
        for (slot, inspiration) in request.chosen.iter().filter(|(slot, _)| is_open(slot)) {
            by_hand.push(match inspiration {
                Inspiration::Entry(entry) => {
                    let place = self.find(*entry, &own);
                    let place = place.ok_or(ModelError::UnknownEntry { entry: *entry })?;
                    self.found(self.about(place, &own, *slot, None), tokenizer)?
                }
                Inspiration::Remembered(picture) => {
                    self.found(about_remembered(picture, *slot), tokenizer)?
                }
                Inspiration::Picture { name, pixels } => {
                    self.picture(*slot, name, pixels, tokenizer)?
                }
            });
        }
        let chosen: Vec<EntryId> = by_hand.iter().map(|used| used.inspired_by.entry).collect();
        let mut left_out = Vec::new();
        loop {
            let banned = [request.banned.as_slice(), &left_out].concat();
            let search =
                Search { memory: &self.memory, own: &own, banned: &banned, chosen: &chosen };
            let candidates = Candidates::of_each(&search, asked, &self.config, request);
            let hand = if candidates.iter().any(Candidates::is_redrawn) {
                Some(Hand::User(&own))
            } else {
                asked.style.map(Hand::Style)
            };
            let mut pictures = Vec::with_capacity(seeds.len());
            let n_left_out = left_out.len();
            for seed in seeds {
                let mut remembered = by_hand.clone();
                for of_slot in Candidates::draw_each(&candidates, *seed) {
                    let looked_at = self.of_slot(&of_slot, &own, hand, tokenizer)?;
                    let name = looked_at.inspired_by.entry;
                    if request.banned.contains(&name) || chosen.contains(&name) {
                        // What is redrawn or joined has a name of its own, which is what is banned.
                        let entries = of_slot.iter().map(|drawn| drawn.found.entry);
                        left_out.extend(entries.filter(|entry| !banned.contains(entry)));
                    }
                    remembered.push(looked_at);
                }
                remembered.sort_by_key(|entry| entry.inspired_by.slot);
                pictures.push(remembered);
            }
            if left_out.len() == n_left_out {
                return Ok(pictures);
            }
        }
    }

    /// What is looked at in a slot: the entry that was drawn for it, or those of several things side
    /// by side.
    fn of_slot(
        &mut self,
        drawn: &[Retrieved],
        own: &[OwnKeys],
        hand: Option<Hand<'_>>,
        tokenizer: &Tokenizer,
    ) -> Result<Remembered, ModelError> {
        let mut parts = Vec::with_capacity(drawn.len());
        for drawn in drawn {
            let about = self.drawn(drawn, own, hand, tokenizer)?;
            parts.push(self.found(about, tokenizer)?);
        }
        if let [_] = parts[..] {
            return Ok(parts.remove(0));
        }
        let about = self.joining.joined(&parts, tokenizer)?;
        self.found(about, tokenizer)
    }

    /// What there is to say of an entry that was drawn for a slot, redrawn by a hand that did not
    /// draw it or as it is.
    fn drawn(
        &mut self,
        drawn: &Retrieved,
        own: &[OwnKeys],
        hand: Option<Hand<'_>>,
        tokenizer: &Tokenizer,
    ) -> Result<InspiredBy, ModelError> {
        let Match { place, similarity, .. } = drawn.found;
        let mut about = self.about(place, own, drawn.slot, Some(similarity));
        if let Place::Model { entry_idx } = place
            && let Some(hand) = hand
            && !hand.drew(&about.style)
        {
            about.ids = self.redraw.ids(entry_idx, &self.memory, hand, tokenizer)?;
            about.entry = EntryId::of(about.ids.iter().copied());
            about.memory = hand.name();
            about.provenance = Provenance::Redrawn;
        }
        Ok(about)
    }

    /// The `n` entries that fit a text best. `key` is its vector at length 1.
    ///
    /// # Errors
    /// [`ModelError::Request`] if a memory of the request was made for another model.
    pub(super) fn candidates(
        &mut self,
        key: &[f32],
        request: &MemoryRequest,
        n: usize,
    ) -> Result<Vec<InspiredBy>, ModelError> {
        let own = self.own.open(&request.own)?;
        let search =
            Search { memory: &self.memory, own: &own, banned: &request.banned, chosen: &[] };
        let best = search.best(key, n).into_iter().enumerate();
        Ok(best
            .map(|(rank, found)| self.about(found.place, &own, rank, Some(found.similarity)))
            .collect())
    }

    /// What a remembered picture, or one given by the user, looks like.
    ///
    /// # Errors
    /// [`ModelError::UnknownEntry`] if it has no ids of this model and the model's memory has no
    /// such entry.
    pub(super) fn thumbnail(
        &mut self,
        entry: EntryId,
        ids: &[u16],
        tokenizer: &Tokenizer,
    ) -> Result<Arc<RgbaImage>, ModelError> {
        if let Some((pixels, _)) = self.pictures.iter().find(|(_, known)| known.entry == entry) {
            return Ok(Arc::clone(pixels));
        }
        let latent = if self.are_of_this_model(ids) {
            self.latent(EntryId::of(ids.iter().copied()), ids, tokenizer)?
        } else {
            let idx = self.memory.find(entry).ok_or(ModelError::UnknownEntry { entry })?;
            self.latent(entry, &self.memory.shared_ids(idx), tokenizer)?
        };
        Ok(Arc::new(tokenizer.picture_of(&latent)?))
    }

    /// Where an entry lies: the user's memories come first, as in retrieval.
    fn find(&self, entry: EntryId, own: &[OwnKeys]) -> Option<Place> {
        let in_own = own.iter().enumerate().find_map(|(memory_idx, own)| {
            let entry_idx = own.memory.entries.iter().position(|known| known.entry == entry)?;
            Some(Place::Own { memory_idx, entry_idx })
        });
        in_own.or_else(|| Some(Place::Model { entry_idx: self.memory.find(entry)? }))
    }

    /// What there is to say of an entry in a slot. `similarity` is absent if the user chose it.
    fn about(
        &self,
        place: Place,
        own: &[OwnKeys],
        slot: usize,
        similarity: Option<f32>,
    ) -> InspiredBy {
        match place {
            Place::Own { memory_idx, entry_idx } => {
                about_own(&own[memory_idx].memory, entry_idx, slot, similarity)
            }
            Place::Model { entry_idx } => {
                let ids = self.memory.shared_ids(entry_idx);
                self.memory.about(entry_idx).inspired_by(slot, similarity, ids)
            }
        }
    }

    /// With its latent. Ids must be of this model.
    fn found(
        &mut self,
        inspired_by: InspiredBy,
        tokenizer: &Tokenizer,
    ) -> Result<Remembered, ModelError> {
        let latent = self.latent(inspired_by.entry, &inspired_by.ids, tokenizer)?;
        Ok(Remembered { inspired_by, latent })
    }

    fn are_of_this_model(&self, ids: &[u16]) -> bool {
        ids.len() == self.n_tokens && ids.iter().all(|id| usize::from(*id) < self.n_codes)
    }

    /// Encodes a picture given by the user as the memory would hold it.
    fn picture(
        &mut self,
        slot: usize,
        name: &str,
        pixels: &Arc<RgbaImage>,
        tokenizer: &Tokenizer,
    ) -> Result<Remembered, ModelError> {
        let known = self.pictures.iter().find(|(known, _)| known == pixels);
        let cached = known.and_then(|(_, known)| {
            let latent = self.cached_latent(known.entry)?;
            Some((known.clone(), latent))
        });
        let (EncodedPicture { entry, ids }, latent) = if let Some(cached) = cached {
            cached
        } else {
            let ids = tokenizer.ids_of(pixels)?.concat();
            let entry = entry_id(&ids);
            let encoded = EncodedPicture { entry, ids: ids.iter().map(|id| *id as u16).collect() };
            let latent = tokenizer.f_hat_from_ids(&[ids])?;
            push_bounded(&mut self.latents, (entry, latent.clone()));
            push_bounded(&mut self.pictures, (Arc::clone(pixels), encoded.clone()));
            (encoded, latent)
        };
        let inspired_by = InspiredBy {
            slot,
            entry,
            caption: name.to_owned(),
            style: String::new(),
            source: "Your picture".to_owned(),
            licence: String::new(),
            similarity: None,
            memory: String::new(),
            provenance: Provenance::Given,
            ids,
        };
        Ok(Remembered { inspired_by, latent })
    }

    fn cached_latent(&self, entry: EntryId) -> Option<Tensor> {
        self.latents.iter().find(|(known, _)| *known == entry).map(|(_, latent)| latent.clone())
    }

    /// (1, Z, G, G), rebuilt from the ids, whose name `entry` is.
    fn latent(
        &mut self,
        entry: EntryId,
        ids: &[u16],
        tokenizer: &Tokenizer,
    ) -> Result<Tensor, ModelError> {
        if let Some(latent) = self.cached_latent(entry) {
            return Ok(latent);
        }
        let row: Vec<u32> = ids.iter().map(|id| u32::from(*id)).collect();
        let latent = tokenizer.f_hat_from_ids(&[row])?;
        push_bounded(&mut self.latents, (entry, latent.clone()));
        Ok(latent)
    }
}

fn about_own(
    memory: &OwnMemory,
    entry_idx: usize,
    slot: usize,
    similarity: Option<f32>,
) -> InspiredBy {
    let OwnEntry { caption, source, licence, .. } = &memory.entries[entry_idx];
    let ids = memory.ids_of(entry_idx);
    InspiredBy {
        slot,
        // Latents are cached by it, so it is not taken from elsewhere.
        entry: EntryId::of(ids.iter().copied()),
        caption: caption.clone(),
        style: String::new(),
        source: source.clone(),
        licence: licence.clone(),
        similarity,
        memory: memory.name.clone(),
        provenance: Provenance::Entry,
        ids: ids.into(),
    }
}

/// A picture that is known by its ids alone. The name that it came with may be from a file, so it
/// is not trusted.
fn about_remembered(picture: &RememberedPicture, slot: usize) -> InspiredBy {
    let RememberedPicture { entry: _, caption, style, source, licence, memory, provenance, ids } =
        picture;
    InspiredBy {
        slot,
        entry: EntryId::of(ids.iter().copied()),
        caption: caption.clone(),
        style: style.clone(),
        source: source.clone(),
        licence: licence.clone(),
        similarity: None,
        memory: memory.clone(),
        provenance: *provenance,
        ids: Arc::clone(ids),
    }
}

fn push_bounded<T>(cache: &mut Vec<T>, value: T) {
    if cache.len() == CACHE_SIZE {
        cache.remove(0);
    }
    cache.push(value);
}
