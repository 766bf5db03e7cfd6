//! What the user can do with models.

use std::path::PathBuf;

use crate::protocol::{ModelKey, TransferId};

/// A wish that concerns *Models*.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelsCommand {
    Close,
    /// Shows the details of a model.
    Choose(ModelKey),
    /// How the weights of the chosen model are to be held.
    SetPrecision(&'static str),
    /// Which side the square pictures of the chosen model are to have, in pixels.
    SetSide(usize),
    /// Opens a dialog for a folder to look into.
    AskForFolder,
    AddFolder(PathBuf),
    /// Looks into a folder no more; its files stay.
    RemoveFolder(PathBuf),
    /// Looks through all folders again.
    LookAgain,
    StopScan,
    /// Loads a model, held as chosen; asks first if there is not enough memory.
    Load(ModelKey),
    /// Loads a model held in a given way.
    LoadAs {
        model: ModelKey,
        precision: &'static str,
    },
    /// The same, however much memory it takes.
    LoadAnyway {
        model: ModelKey,
        precision: &'static str,
    },
    StopLoading,
    /// Goes back to the built-in model.
    Unload,
    /// Asks whether to connect to the server.
    AskDownload(ModelKey),
    Download(ModelKey),
    /// Stops a download, conversion or check.
    Stop(TransferId),
    Convert {
        model: ModelKey,
        path: PathBuf,
    },
    /// Computes the SHA-256 of a file.
    Verify {
        model: ModelKey,
        path: PathBuf,
    },
    ShowInFolder(PathBuf),
    /// Puts a failure away.
    Dismiss(ModelKey),
    /// Answers a question by doing nothing.
    CloseQuestion,
}
