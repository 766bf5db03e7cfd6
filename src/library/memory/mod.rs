//! The user's own picture memories: named collections of pictures with captions, encoded for the
//! model, in the same database as the gallery's index.
//!
//! [`MemoryStore`] is the database, with what is read and changed. [`Adder`] brings pictures in:
//! it finds files, reads and fits them on threads of its own, knows duplicates by their looks and
//! writes batches that are whole or not there. All that is still to be done stands in the database,
//! so whatever ends the program, the next run goes on. [`MemoryThread`] does all of it away from
//! the window; the command line uses the parts. Picture files are only ever read.

mod adding;
mod batch;
mod captions;
mod chores;
mod entries;
mod error;
mod export;
mod fingerprint;
mod front;
mod import;
mod jobs;
mod mailbox;
mod plan;
mod prepare;
mod renewal;
pub(super) mod salvage;
mod snapshot;
mod store;
mod thread;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

pub use adding::{AddKind, Adder, Stop};
pub use captions::{CaptionsError, check_captions};
pub use error::MemoryError;
pub use export::export;
pub use import::import;
pub use store::{Access, MemoryStore, OpenedStore};
pub use thread::{MemoryOptions, MemoryThread};

use crate::protocol::EntryId;

/// Where the database is; several connections are opened to it.
#[derive(Debug, Clone)]
struct Place {
    database: PathBuf,
    /// Keeps a database for one run until the last connection is closed.
    _folder: Option<Arc<TempDir>>,
}

impl Place {
    /// Without a path the memories live in a temporary folder.
    ///
    /// # Errors
    /// If there is no such folder to be had.
    fn of(database: Option<PathBuf>) -> std::io::Result<Self> {
        if let Some(database) = database {
            return Ok(Self { database, _folder: None });
        }
        let folder = TempDir::with_prefix("underpaint-")?;
        let database = folder.path().join(super::FILE_NAME);
        Ok(Self { database, _folder: Some(Arc::new(folder)) })
    }

    fn path(&self) -> &Path {
        &self.database
    }
}

/// The name of a picture with these token ids, as the model names its own entries.
pub fn entry_id(ids: &[u16]) -> EntryId {
    EntryId::of(ids.iter().copied())
}
