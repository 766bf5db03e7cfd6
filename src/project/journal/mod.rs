//! The journal of a session: what is done to a project, appended as it happens, so that a crash
//! costs at most the stroke under the pen.
//!
//! A file is a row of frames, each with its length and checksum (`frames`): first the pixels and
//! records of the project as it was, then every change (`entry`), pixels before the record that
//! names them. A tail that was cut off while it was written is left out when it is read. Each
//! session has a folder of its own ([`Sessions`]), with a lock that tells the living from the dead.
//! A file that has grown is written anew from what is needed of it, beside the old one, which goes
//! only when the new one is whole.

mod frames;
mod patch;
mod entry;
mod reader;
mod writer;
mod sessions;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use reader::Recovered;
pub use sessions::{Found, FoundContent, Sessions};
pub use writer::Journal;

use crate::imaging::io::one_line;

/// What a journal says of its session beside the project.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionFacts {
    /// The project's file, if it has one.
    pub path: Option<PathBuf>,
    /// What people call it: the name of its file without ending, else empty.
    pub name: String,
    /// Steps of the sketch that are in no project file.
    pub n_strokes: usize,
    /// There is something that is in no project file.
    pub is_unsaved: bool,
}

/// A journal cannot be kept or read. Every message is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error(
        "the folder for unsaved work cannot be used ({source}); save the project often: {name}"
    )]
    Folder { name: String, source: std::io::Error },
    #[error("unsaved work cannot be kept ({source}); save the project now: {name}")]
    Write { name: String, source: std::io::Error },
    #[error("the unsaved work cannot be opened ({source}); check its permissions: {name}")]
    Open { name: String, source: std::io::Error },
    #[error("another window is using this unsaved work; close that window first: {name}")]
    InUse { name: String },
    #[error("nothing of this unsaved work can be read; the file is kept: {name}")]
    Damaged { name: String },
    #[error("this unsaved work is no longer there: {name}")]
    Gone { name: String },
}

fn shown(path: &std::path::Path) -> String {
    one_line(&path.display().to_string())
}
