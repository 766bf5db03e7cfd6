//! What the user can do in the gallery.

use std::path::PathBuf;

use crate::protocol::{PictureId, PictureQuery};
use crate::state::NodeId;

/// A wish that concerns the gallery.
#[derive(Debug, Clone, PartialEq)]
pub enum GalleryCommand {
    Close,
    /// Lists what fits from now on.
    Search(PictureQuery),
    Select(Option<PictureId>),
    /// Selects a picture of this session that is in no file.
    SelectNode(NodeId),
    /// Saves that picture among those of the user.
    SaveNode(NodeId),
    /// Takes back that such a picture was taken off the list.
    PutBack,
    /// These are on the screen or about to be, the most urgent first; small pictures of those that
    /// have none are to be made.
    Show {
        on_screen: Vec<PictureId>,
        missing: Vec<PictureId>,
    },
    Star {
        id: PictureId,
        is_starred: bool,
    },
    /// Moves the file to the trash; asks first where it could not be brought back.
    Trash(PictureId),
    /// The answer to that question.
    AnswerTrash {
        is_allowed: bool,
    },
    /// Brings a file back. The number is that of the notice which offers it.
    Restore(u64),
    /// Takes the picture to the canvas.
    Open(PathBuf),
    /// Makes the prompt of the picture that of the next one.
    UsePrompt(String),
    ShowInFolder(PathBuf),
}
