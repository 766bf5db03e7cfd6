//! Which remembered pictures a request looks at, and their latents.

use std::sync::Arc;

use candle_core::Tensor;

use super::ModelError;
use super::config::{Config, MemoryConfig};
use super::memory::{Candidates, PictureMemory, entry_id};
use super::tokenizer::Tokenizer;
use crate::imaging::{RgbaImage, planes};
use crate::protocol::{
    EntryId, Inspiration, InspiredBy, MemoryRequest, MemorySource, RememberedPicture,
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
            config: config.memory.clone(),
            image_size_px: config.image_size,
            n_tokens: config.n_tokens(),
            n_codes: config.tokenizer.codebook_size,
            latents: Vec::new(),
            pictures: Vec::new(),
        }
    }

    pub(super) fn sources(&self) -> Vec<MemorySource> {
        self.memory.sources()
    }

    /// # Errors
    /// [`ModelError`] if a chosen slot or entry does not exist or a picture has another size.
    pub(super) fn check(&self, request: &MemoryRequest) -> Result<(), ModelError> {
        let fail = |reason: String| Err(ModelError::Request { reason });
        for (idx, (slot, inspiration)) in request.chosen.iter().enumerate() {
            if *slot >= self.config.slots {
                return fail(format!(
                    "there is no inspiration {}: this model has {}",
                    slot + 1,
                    self.config.slots
                ));
            }
            if request.chosen[..idx].iter().any(|(other, _)| other == slot) {
                return fail(format!("inspiration {} is chosen twice", slot + 1));
            }
            match inspiration {
                Inspiration::Entry(entry) if self.memory.find(*entry).is_none() => {
                    return Err(ModelError::UnknownEntry { entry: *entry });
                }
                Inspiration::Remembered(picture)
                    if picture.ids.len() != self.n_tokens
                        || picture.ids.iter().any(|id| usize::from(*id) >= self.n_codes) =>
                {
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

    /// The pictures for each seed, by rising slot. `key` is the prompt's vector at length 1.
    ///
    /// # Errors
    /// What the computation reports; the request must have passed [`Self::check`].
    pub(super) fn choose(
        &mut self,
        request: &MemoryRequest,
        key: &[f32],
        seeds: &[u64],
        tokenizer: &Tokenizer,
    ) -> Result<Vec<Vec<Remembered>>, ModelError> {
        let mut by_hand = Vec::with_capacity(request.chosen.len());
        for (slot, inspiration) in &request.chosen {
            by_hand.push(match inspiration {
                Inspiration::Entry(entry) => self.entry(*slot, *entry, None, tokenizer)?,
                Inspiration::Remembered(picture) => self.remembered(*slot, picture, tokenizer)?,
                Inspiration::Picture { name, pixels } => {
                    self.picture(*slot, name, pixels, tokenizer)?
                }
            });
        }
        let candidates = Candidates::find(&self.memory, key, &self.config, request);
        let mut pictures = Vec::with_capacity(seeds.len());
        for seed in seeds {
            let mut remembered = by_hand.clone();
            for found in candidates.draw(*seed) {
                let similarity = Some(found.similarity);
                remembered.push(self.entry(found.slot, found.entry, similarity, tokenizer)?);
            }
            remembered.sort_by_key(|entry| entry.inspired_by.slot);
            pictures.push(remembered);
        }
        Ok(pictures)
    }

    /// What an entry, or a picture given by the user, looks like.
    ///
    /// # Errors
    /// [`ModelError::UnknownEntry`] if there is no such entry.
    pub(super) fn thumbnail(
        &mut self,
        entry: EntryId,
        tokenizer: &Tokenizer,
    ) -> Result<Arc<RgbaImage>, ModelError> {
        if let Some((pixels, _)) = self.pictures.iter().find(|(_, known)| known.entry == entry) {
            return Ok(Arc::clone(pixels));
        }
        let latent = self.latent(entry, tokenizer)?;
        let values: Vec<f32> = tokenizer.decode(&latent)?.flatten_all()?.to_vec1()?;
        let picture = planes::rgba_from_planes(&values, self.image_size_px)
            .expect("the decoder makes four planes of the configured size");
        Ok(Arc::new(picture))
    }

    fn entry(
        &mut self,
        slot: usize,
        entry: EntryId,
        similarity: Option<f32>,
        tokenizer: &Tokenizer,
    ) -> Result<Remembered, ModelError> {
        let latent = self.latent(entry, tokenizer)?;
        let idx = self.memory.find(entry).ok_or(ModelError::UnknownEntry { entry })?;
        let ids = self.memory.shared_ids(idx);
        let inspired_by = self.memory.about(idx).inspired_by(slot, similarity, ids);
        Ok(Remembered { inspired_by, latent })
    }

    /// A picture that is known by its ids alone, which must have passed [`Self::check`].
    fn remembered(
        &mut self,
        slot: usize,
        picture: &RememberedPicture,
        tokenizer: &Tokenizer,
    ) -> Result<Remembered, ModelError> {
        // The name that it came with is not trusted: it may be from a file.
        let RememberedPicture { entry: _, caption, style, source, licence, memory, ids } = picture;
        let row: Vec<u32> = ids.iter().map(|id| u32::from(*id)).collect();
        let entry = entry_id(&row);
        let latent = if let Some(latent) = self.cached_latent(entry) {
            latent
        } else {
            let latent = tokenizer.f_hat_from_ids(&[row])?;
            push_bounded(&mut self.latents, (entry, latent.clone()));
            latent
        };
        let inspired_by = InspiredBy {
            slot,
            entry,
            caption: caption.clone(),
            style: style.clone(),
            source: source.clone(),
            licence: licence.clone(),
            similarity: None,
            memory: memory.clone(),
            ids: Arc::clone(ids),
        };
        Ok(Remembered { inspired_by, latent })
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
            ids,
        };
        Ok(Remembered { inspired_by, latent })
    }

    fn cached_latent(&self, entry: EntryId) -> Option<Tensor> {
        self.latents.iter().find(|(known, _)| *known == entry).map(|(_, latent)| latent.clone())
    }

    /// (1, Z, G, G), rebuilt from the ids.
    fn latent(&mut self, entry: EntryId, tokenizer: &Tokenizer) -> Result<Tensor, ModelError> {
        if let Some(latent) = self.cached_latent(entry) {
            return Ok(latent);
        }
        let idx = self.memory.find(entry).ok_or(ModelError::UnknownEntry { entry })?;
        let latent = tokenizer.f_hat_from_ids(&[self.memory.ids(idx)])?;
        push_bounded(&mut self.latents, (entry, latent.clone()));
        Ok(latent)
    }
}

fn push_bounded<T>(cache: &mut Vec<T>, value: T) {
    if cache.len() == CACHE_SIZE {
        cache.remove(0);
    }
    cache.push(value);
}
