//! What the user can do with a contact sheet.

use crate::state::sheet::SheetSettings;

/// A wish that concerns the contact sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetCommand {
    Set(SheetSettings),
    /// Draws as many drafts as were chosen.
    Draw,
    /// Draws others; those that are selected stay.
    More,
    /// Moves the keyboard to a draft.
    MoveTo(usize),
    /// Selects a draft, or no longer.
    Toggle(usize),
    /// Draws one draft to the last scale.
    Finish(usize),
    /// Draws all that are selected to the last scale.
    FinishSelected,
    /// Stops what is being drawn; closes the sheet if nothing is.
    Back,
    Close,
}
