//! What the user can do with the picture to start from.

/// A wish that concerns the picture whose coarse scales are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceCommand {
    /// Starts from the picture on the canvas, with the colours painted over it.
    UseShown,
    /// Asks for a picture file.
    Choose,
    /// Keeps so many scales, from 1.
    Keep(usize),
    /// Starts from nothing again.
    Remove,
}
