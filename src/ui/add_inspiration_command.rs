//! What the user can do to be inspired by a picture of any kind.

use std::path::PathBuf;

use crate::state::NodeId;
use crate::state::add_inspiration::{AddSettings, CanvasPart};

/// A wish that concerns a picture on its way into *Inspired by*.
#[derive(Debug, Clone, PartialEq)]
pub enum AddInspirationCommand {
    /// Files were dropped on a place: each goes into the place after the one before.
    Open { slot_idx: usize, paths: Vec<PathBuf> },
    /// Takes the picture on the clipboard for a place.
    Paste { slot_idx: usize },
    /// Is inspired by a picture file from now on.
    MoreLikeFile(PathBuf),
    /// Is inspired by a picture of the tree from now on.
    MoreLikeNode(NodeId),
    /// The next drag over the canvas takes a part of the picture, or no longer.
    TakePart(bool),
    /// Takes this part of the picture on the canvas; `None` takes all of it.
    UsePart(Option<CanvasPart>),
    /// New settings of the panel.
    Set(Box<AddSettings>),
    /// Puts what is shown into its place.
    Accept,
    /// Puts the picture away.
    Cancel,
    /// Brings the picture back that was replaced. The number is that of the notice which offers it.
    Restore(u64),
}
