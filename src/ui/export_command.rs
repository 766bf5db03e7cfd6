//! What the user can do with a picture that leaves the program.

use std::path::PathBuf;

use crate::state::export::ExportSettings;

/// A wish that concerns files of finished pictures.
#[derive(Debug, Clone, PartialEq)]
pub enum ExportCommand {
    /// New settings of the panel.
    Set(ExportSettings),
    /// Asks where to, then writes the file.
    Accept,
    /// Closes the panel.
    Cancel,
    /// Shows a file in the system's file manager.
    ShowInFolder(PathBuf),
}
