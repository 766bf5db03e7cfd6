//! The entries of a picture memory, kept packed: ids and keys are read from the container's bytes
//! where they lie, so that opening the built-in memory touches little of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::pack::{self, Dimensions, Sections};
use super::retrieval::{Keys, key_lengths};
use super::texts::Texts;
use super::{pack_loose, unusable};
use crate::model::{Config, ModelError};
use crate::protocol::{EntryId, InspiredBy, MemorySource, Provenance};

/// Longer keys could overflow the sums of retrieval.
const MAX_KEY_DIM: usize = 1 << 16;

/// Remembered pictures. Read-only.
#[derive(Debug)]
pub struct PictureMemory {
    bytes: Cow<'static, [u8]>,
    dimensions: Dimensions,
    ids_start: usize,
    names: Range<usize>,
    keys: Range<usize>,
    texts: Texts,
    /// Made by the first retrieval.
    key_lengths: OnceLock<Vec<f32>>,
    /// First entry of each name; made when a name is first looked up.
    by_id: OnceLock<HashMap<EntryId, usize>>,
}

/// Whether to compare the bytes with their checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    Verify,
    /// For bytes that are part of the program: reading all of them would cost more than the rest of
    /// opening.
    Trust,
}

/// A remembered picture without its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    pub id: EntryId,
    pub caption: &'a str,
    pub style: &'a str,
    pub source: &'a str,
    pub licence: &'a str,
}

impl Entry<'_> {
    /// The entry as the window shows it. `similarity` is absent if the user chose it.
    pub fn inspired_by(&self, slot: usize, similarity: Option<f32>, ids: Arc<[u16]>) -> InspiredBy {
        InspiredBy {
            slot,
            entry: self.id,
            caption: self.caption.to_owned(),
            style: self.style.to_owned(),
            source: self.source.to_owned(),
            licence: self.licence.to_owned(),
            similarity,
            memory: String::new(),
            provenance: Provenance::Entry,
            ids,
        }
    }
}

impl PictureMemory {
    /// A memory of nothing.
    pub fn empty(config: &Config) -> Self {
        let dimensions = Dimensions {
            n_entries: 0,
            n_tokens: config.n_tokens(),
            codebook_size: config.tokenizer.codebook_size,
            key_dim: config.text.hidden_size,
        };
        Self {
            bytes: Cow::Borrowed(&[]),
            dimensions,
            ids_start: 0,
            names: 0..0,
            keys: 0..0,
            texts: Texts::empty(),
            key_lengths: OnceLock::new(),
            by_id: OnceLock::new(),
        }
    }

    /// Opens a packed memory (`memory.upmem`) that belongs to the model of `config`.
    ///
    /// # Errors
    /// [`ModelError::Memory`] if the bytes are not a whole memory, of a newer version, or made for
    /// another model.
    pub fn from_packed(
        bytes: Cow<'static, [u8]>,
        checksum: Checksum,
        config: &Config,
    ) -> Result<Self, ModelError> {
        let sections = Sections::find(&bytes).map_err(unusable)?;
        let dimensions = sections.dimensions;
        check_dimensions(dimensions, config)?;
        if checksum == Checksum::Verify && !sections.matches_checksum(&bytes) {
            return Err(unusable("it is damaged"));
        }
        let texts = &bytes[sections.texts.clone()];
        let texts =
            Texts::read(texts, sections.n_inflated, dimensions.n_entries).map_err(unusable)?;
        let memory = Self {
            bytes,
            dimensions,
            ids_start: sections.ids.start,
            names: sections.names,
            keys: sections.keys,
            texts,
            key_lengths: OnceLock::new(),
            by_id: OnceLock::new(),
        };
        memory.check_ids()?;
        Ok(memory)
    }

    /// Opens a memory in its loose form: the bytes of `memory.safetensors` and the text of
    /// `memory.jsonl`.
    ///
    /// # Errors
    /// As [`pack_loose`].
    pub fn from_loose(tensors: &[u8], lines: &str, config: &Config) -> Result<Self, ModelError> {
        let bytes = pack_loose(tensors, lines, config)?;
        Self::from_packed(Cow::Owned(bytes), Checksum::Trust, config)
    }

    pub fn len(&self) -> usize {
        self.dimensions.n_entries
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Entry `entry_idx`, which must be below [`Self::len`].
    pub fn about(&self, entry_idx: usize) -> Entry<'_> {
        let texts = self.texts.entry(entry_idx);
        let [style, source, licence] = texts.provenance;
        Entry { id: self.id(entry_idx), caption: texts.caption, style, source, licence }
    }

    /// The styles of the entries, each once.
    pub fn styles(&self) -> impl Iterator<Item = &str> {
        self.texts.styles()
    }

    /// Indices of the entries in a style, rising.
    pub fn in_style(&self, style: &str) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(move |entry_idx| self.texts.entry(*entry_idx).provenance[0] == style)
    }

    /// Where the entries come from, most first.
    pub fn sources(&self) -> Vec<MemorySource> {
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for entry_idx in 0..self.len() {
            let [_, source, licence] = self.texts.entry(entry_idx).provenance;
            *counts.entry((source, licence)).or_default() += 1;
        }
        let as_source = |((source, licence), n_entries): ((&str, &str), usize)| MemorySource {
            source: source.to_owned(),
            licence: licence.to_owned(),
            n_entries,
        };
        let mut sources: Vec<_> = counts.into_iter().map(as_source).collect();
        sources.sort_by_key(|source| std::cmp::Reverse(source.n_entries));
        sources
    }

    /// Name of entry `entry_idx`, as [`super::entry_id`] gives it.
    pub fn id(&self, entry_idx: usize) -> EntryId {
        let (names, _) = self.bytes[self.names.clone()].as_chunks::<{ pack::N_NAME_BYTES }>();
        EntryId(u64::from_le_bytes(names[entry_idx]))
    }

    /// The first entry with this name.
    pub fn find(&self, id: EntryId) -> Option<usize> {
        let by_id = self.by_id.get_or_init(|| {
            // Of entries with one name the first is inserted last.
            let names = (0..self.len()).rev().map(|entry_idx| (self.id(entry_idx), entry_idx));
            names.collect()
        });
        by_id.get(&id).copied()
    }

    /// The names of all entries, rising.
    pub fn entry_ids(&self) -> Arc<[EntryId]> {
        let mut names: Vec<EntryId> = (0..self.len()).map(|entry_idx| self.id(entry_idx)).collect();
        names.sort_unstable();
        names.into()
    }

    /// Token ids of entry `entry_idx`, scale by scale and row by row, each below the codebook's
    /// size.
    pub fn ids(&self, entry_idx: usize) -> Vec<u32> {
        self.codes(entry_idx).map(u32::from).collect()
    }

    /// The same as the window and files keep them.
    pub fn shared_ids(&self, entry_idx: usize) -> Arc<[u16]> {
        self.codes(entry_idx).collect()
    }

    /// What retrieval compares.
    pub(super) fn keys(&self) -> Keys<'_> {
        let key_dim = self.dimensions.key_dim;
        let values = bytemuck::cast_slice(&self.bytes[self.keys.clone()]);
        let lengths = self.key_lengths.get_or_init(|| key_lengths(values, key_dim));
        Keys { values, lengths, key_dim }
    }

    fn codes(&self, entry_idx: usize) -> impl Iterator<Item = u16> {
        assert!(entry_idx < self.len(), "the memory has {} entries", self.len());
        let n_row_bytes = self.dimensions.n_row_bytes();
        let start = self.ids_start + entry_idx * n_row_bytes;
        let row = &self.bytes[start..start + n_row_bytes];
        pack::unpack_row(row, self.dimensions.n_id_bits()).take(self.dimensions.n_tokens)
    }

    fn check_ids(&self) -> Result<(), ModelError> {
        let n_codes = self.dimensions.codebook_size;
        if n_codes.is_power_of_two() {
            // Every pattern of bits is a code.
            return Ok(());
        }
        let mut codes = (0..self.len()).flat_map(|entry_idx| self.codes(entry_idx));
        match codes.find(|code| usize::from(*code) >= n_codes) {
            Some(id) => {
                Err(unusable(format!("it holds id {id}, but the codebook has {n_codes} codes")))
            }
            None => Ok(()),
        }
    }
}

/// Whether entries of these dimensions mean something to the model of `config`.
pub(super) fn check_dimensions(dimensions: Dimensions, config: &Config) -> Result<(), ModelError> {
    let Dimensions { n_tokens, codebook_size, key_dim, .. } = dimensions;
    let found = (n_tokens, codebook_size, key_dim);
    let needed = (config.n_tokens(), config.tokenizer.codebook_size, config.text.hidden_size);
    if key_dim > MAX_KEY_DIM {
        return Err(unusable(format!("keys of size {key_dim} are too long to compare")));
    }
    if found == needed {
        return Ok(());
    }
    Err(unusable(format!(
        "it is made for another model: its pictures have {} tokens of {} codes and keys of size {}, \
         this model has {}, {} and {}",
        found.0, found.1, found.2, needed.0, needed.1, needed.2
    )))
}

#[cfg(test)]
mod tests;
