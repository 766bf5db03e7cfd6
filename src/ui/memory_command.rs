//! What the user can do with the memories.

use std::path::PathBuf;

use crate::protocol::{Captions, MemoryId, RememberedId};

/// A wish that concerns *My memory*.
#[derive(Debug, Clone, PartialEq)]
pub enum MemoryCommand {
    Close,
    /// Shows the entries of a memory.
    Choose(MemoryId),
    /// Looks for source files that have changed or gone.
    LookAgain,
    /// Makes one that the user names at once.
    Create,
    Rename {
        memory: MemoryId,
        name: String,
    },
    /// The page has begun to ask for the name.
    NameAsked,
    /// Whether the generator looks into it.
    Switch {
        memory: MemoryId,
        is_on: bool,
    },
    Delete(MemoryId),
    /// Brings back what was removed. The number is that of the notice which offers it.
    Restore(u64),
    /// Opens a file dialog; the pictures go into the chosen memory.
    AskForFiles,
    AskForFolder,
    /// Opens a file dialog for a table of captions.
    AskForTable,
    /// Adds files and folders to the chosen memory; without one, a memory is made for them.
    Add(Vec<PathBuf>),
    SetCaptions(Captions),
    KeepBackground(bool),
    StopAdding(MemoryId),
    /// Lists the entries that have these words in their captions.
    Search(String),
    /// Lists only entries whose file is gone.
    GoneOnly(bool),
    Select(Option<RememberedId>),
    /// These are on the screen or about to be; small pictures of the second are to be made, the
    /// first most urgent.
    Show {
        on_screen: Vec<RememberedId>,
        missing: Vec<RememberedId>,
    },
    SetCaption {
        id: RememberedId,
        caption: String,
    },
    Remove(RememberedId),
    /// Removes all entries of the chosen memory whose file is gone.
    RemoveGone,
    /// Puts the picture into a place of *Inspired by* and shows the canvas.
    Inspire(RememberedId),
    ShowInFolder(PathBuf),
    Export(MemoryId),
    Import,
    /// Opens the report of what was added, or closes it.
    ReadReport(Option<MemoryId>),
    /// Opens the list of files that could not be read when they were last tried.
    ReadProblems(MemoryId),
    /// Puts the report away.
    DismissReport(MemoryId),
}
