//! The picture memory: pictures that the generator looks at while it paints.
//!
//! [`PictureMemory`] holds the entries, [`Candidates`] finds those that fit a prompt. What the
//! network makes of an entry's ids is left to it.

mod store;
mod pack;
mod texts;
mod loose;
mod retrieval;

#[cfg(test)]
mod testing;

pub use loose::pack_loose;
pub use retrieval::{Candidates, Retrieved};
pub use store::{Checksum, Entry, PictureMemory};

use super::ModelError;
use crate::protocol::EntryId;

/// The name of a picture with these token ids (see `pack`), of an entry or of any other picture.
/// Ids are below 65536, as every codebook's are.
pub fn entry_id(ids: &[u32]) -> EntryId {
    pack::entry_id(ids.iter().map(|id| *id as u16))
}

/// The reason why a memory cannot be used, as an error.
fn unusable(reason: impl Into<String>) -> ModelError {
    ModelError::Memory { reason: reason.into() }
}
