//! Picture memories as they cross the thread border: the user's own pictures as the model reads
//! them, remembered pictures as their ids, and the encoder that makes entries of pictures.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{EntryId, Failure, InspiredBy, KnownEntry, PictureIds, Provenance};
use crate::imaging::RgbaImage;

/// Number of one of the user's named memories; never given to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MemoryId(pub i64);

impl EntryId {
    /// The name of a picture with these token ids: FNV-1a (64 bits) over the ids, each as two
    /// little-endian bytes. <http://www.isthe.com/chongo/tech/comp/fnv/>.
    ///
    /// Pictures with the same ids are the same picture and share their name.
    pub fn of(ids: impl IntoIterator<Item = u16>) -> Self {
        Self(fnv1a(ids.into_iter().flat_map(u16::to_le_bytes)))
    }
}

fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A picture of one of the user's memories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnEntry {
    /// That of its ids, by [`EntryId::of`].
    pub entry: EntryId,
    pub caption: String,
    /// Name of the file that it was made from, for people.
    pub source: String,
    /// Empty if unknown.
    pub licence: String,
}

/// All pictures of one of the user's memories, as the model reads them. A snapshot that never
/// changes: when the memory does, there is another one. So a request that holds it says all.
///
/// Equality compares contents; within `Arc`s the same allocation is equal at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnMemory {
    pub memory: MemoryId,
    pub name: String,
    pub entries: Vec<OwnEntry>,
    /// One key per entry, one after another: signed bytes, 127 × the L2-normalised text vector.
    pub keys: Vec<i8>,
    pub key_dim: usize,
    /// Token ids of each entry, scale by scale and row by row, one entry after another.
    pub ids: Vec<u16>,
    /// Tokens of one entry.
    pub n_tokens: usize,
}

impl OwnMemory {
    /// Token ids of entry `entry_idx`, which must exist.
    pub fn ids_of(&self, entry_idx: usize) -> &[u16] {
        &self.ids[entry_idx * self.n_tokens..(entry_idx + 1) * self.n_tokens]
    }

    /// Whether it has the picture of an entry of the database.
    pub fn holds(&self, entry: &KnownEntry) -> bool {
        self.entries.iter().any(|own| own.entry == entry.entry)
    }
}

/// A remembered picture that is known by its ids: it can be looked at without any memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedPicture {
    pub entry: EntryId,
    pub caption: String,
    pub style: String,
    pub source: String,
    pub licence: String,
    /// Name of the user's memory that it was found in; empty for the model's own memory.
    pub memory: String,
    #[serde(default)]
    pub provenance: Provenance,
    /// Scale by scale and row by row.
    #[serde(with = "ids_as_text")]
    pub ids: Arc<[u16]>,
}

/// The ids of a picture as memories keep them: below 65536, as every codebook's are.
pub fn row_of(ids: &PictureIds) -> Arc<[u16]> {
    ids.iter().flatten().map(|id| *id as u16).collect()
}

impl RememberedPicture {
    /// An entry of a memory; `None` if the memory does not have it.
    pub fn of(memory: &OwnMemory, entry: EntryId) -> Option<Self> {
        let entry_idx = memory.entries.iter().position(|own| own.entry == entry)?;
        let own = &memory.entries[entry_idx];
        Some(Self {
            entry,
            caption: own.caption.clone(),
            style: String::new(),
            source: own.source.clone(),
            licence: own.licence.clone(),
            memory: memory.name.clone(),
            provenance: Provenance::Entry,
            ids: memory.ids_of(entry_idx).into(),
        })
    }
}

impl From<&InspiredBy> for RememberedPicture {
    fn from(used: &InspiredBy) -> Self {
        Self {
            entry: used.entry,
            caption: used.caption.clone(),
            style: used.style.clone(),
            source: used.source.clone(),
            licence: used.licence.clone(),
            memory: used.memory.clone(),
            provenance: used.provenance,
            ids: Arc::clone(&used.ids),
        }
    }
}

/// What entries of a memory are made for. Entries that were made for another one must be made anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryModel {
    /// Hash of all that ids and keys depend on.
    pub mark: String,
    /// Width and height of the pictures that are encoded.
    pub image_size_px: usize,
    /// Tokens of one picture.
    pub n_tokens: usize,
    pub codebook_size: usize,
    pub key_dim: usize,
}

/// Makes of pictures and captions what a memory keeps. Calls wait for the model, so they belong on
/// a thread of their own.
pub trait MemoryEncoder: Send {
    /// # Errors
    /// If there is no model.
    fn model(&mut self) -> Result<MemoryModel, Failure>;

    /// Token ids of pictures that are fitted to the model's size already, straight alpha.
    ///
    /// # Errors
    /// What the model reports; none of the pictures is encoded then.
    fn ids(&mut self, pictures: &[Arc<RgbaImage>]) -> Result<Vec<Arc<[u16]>>, Failure>;

    /// Keys of captions: 127 × the L2-normalised text vector, rounded.
    ///
    /// # Errors
    /// What the model reports.
    fn keys(&mut self, captions: &[String]) -> Result<Vec<Vec<i8>>, Failure>;
}

/// Ids in JSON: Base64 of two bytes each, the low one first; what is no such text is no ids.
pub(super) mod ids_as_text {
    use std::sync::Arc;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::imaging::metadata::base64;

    pub(in super::super) fn serialize<S: Serializer>(
        ids: &Arc<[u16]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        base64::encode(&bytes).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<[u16]>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = base64::decode(&text).unwrap_or_default();
        let (pairs, _) = bytes.as_chunks();
        Ok(pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_published_hash() {
        assert_eq!(fnv1a("".bytes()), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("foobar".bytes()), 0x8594_4171_f739_67e8);
        assert_eq!(EntryId::of([0x6f66, 0x626f, 0x7261]).0, fnv1a("foobar".bytes()));
    }
}
