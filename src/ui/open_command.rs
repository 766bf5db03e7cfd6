//! What the user can do with a picture file that tells how its picture was made.

use crate::state::opened::OpenChoice;

/// A wish that concerns such a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenCommand {
    /// Says what to do with the file on the card.
    Choose(OpenChoice),
    /// Puts the card away.
    Cancel,
}
