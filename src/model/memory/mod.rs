//! The picture memory: pictures that the generator looks at while it paints.
//!
//! [`PictureMemory`] holds the entries of the model, [`OwnMemories`] makes those of the user ready,
//! [`Candidates`] finds those that fit a prompt. What the network makes of an entry's ids is left to
//! it.

mod store;
mod pack;
mod texts;
mod loose;
mod own;
mod policy;
mod retrieval;
mod things;

#[cfg(test)]
mod testing;

pub use loose::pack_loose;
pub use own::{OwnKeys, OwnMemories};
pub use retrieval::{Asked, Candidates, Match, Place, Retrieved, Search, alike};
pub use store::{Checksum, Entry, PictureMemory};
pub use things::things;

use super::ModelError;
use crate::protocol::EntryId;

/// [`EntryId::of`] ids as the tokenizer gives them: below 65536, as every codebook's are.
pub fn entry_id(ids: &[u32]) -> EntryId {
    EntryId::of(ids.iter().map(|id| *id as u16))
}

/// The reason why a memory cannot be used, as an error.
fn unusable(reason: impl Into<String>) -> ModelError {
    ModelError::Memory { reason: reason.into() }
}
