//! Wishes that concern the project as a whole.

use std::path::PathBuf;

/// A wish about files of projects, and about unsaved work of earlier sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectCommand {
    /// Opens a project or picture, whichever it is.
    Open(PathBuf),
    /// Writes the project to exactly this file.
    SaveTo(PathBuf),
    /// Shows the list of unsaved work, or puts it away.
    ShowRecovery(bool),
    /// Opens unsaved work of an earlier session.
    Recover(String),
    /// Deletes unsaved work of an earlier session.
    DeleteUnsaved(String),
}
