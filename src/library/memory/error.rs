//! What can go wrong with memories.

use std::path::PathBuf;

use crate::imaging::io::SaveError;
use crate::library::LibraryError;
use crate::protocol::Failure;

use super::captions::CaptionsError;

/// Something with a memory cannot be done. Every message is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The database can be read at best; the sentence says why.
    #[error("{0}")]
    NotWritable(String),
    #[error("there is no memory “{name}”; see which there are with “underpaint memory list”")]
    Unknown { name: String },
    #[error("this memory is not there any more; choose another")]
    Gone,
    #[error("there is a memory “{name}” already; choose another name")]
    NameTaken { name: String },
    #[error("a memory needs a name of 1 to {} characters", super::store::MAX_NAME_CHARS)]
    BadName,
    #[error(transparent)]
    Captions(#[from] CaptionsError),
    /// What the model reports.
    #[error("{}", .0.headline)]
    Encoder(Failure),
    #[error("there are no pictures there; choose other files or folders")]
    NothingToAdd,
    #[error(transparent)]
    Save(#[from] SaveError),
    #[error("the memory file cannot be read ({source}); check its permissions: {}", path.display())]
    Open { path: PathBuf, source: std::io::Error },
    #[error("this is no memory that Underpaint has exported ({reason}): {}", path.display())]
    NotAMemory { path: PathBuf, reason: String },
    #[error(
        "the memory file is made for a newer Underpaint (version {version}); update Underpaint: {}",
        path.display()
    )]
    NewerFile { path: PathBuf, version: u32 },
}

impl MemoryError {
    /// Another process holds the database; later may do.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Library(error) if error.is_busy())
    }

    /// The database is damaged.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Library(error) if error.is_damage())
    }

    /// One sentence and details, for the window.
    pub fn told(&self) -> Failure {
        match self {
            Self::Encoder(failure) => failure.clone(),
            Self::Library(error) if error.is_busy() => Failure {
                headline: "Another program holds your memories; close it and try again".to_owned(),
                details: error.to_string(),
            },
            Self::Library(error) => Failure {
                headline: "Your memories cannot be written".to_owned(),
                details: error.to_string(),
            },
            error => {
                let sentence = error.to_string();
                let mut letters = sentence.chars();
                let headline = match letters.next() {
                    Some(first) => first.to_uppercase().chain(letters).collect(),
                    None => sentence,
                };
                Failure { headline, details: String::new() }
            }
        }
    }
}

impl From<rusqlite::Error> for MemoryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Library(error.into())
    }
}

impl From<Failure> for MemoryError {
    fn from(failure: Failure) -> Self {
        Self::Encoder(failure)
    }
}
