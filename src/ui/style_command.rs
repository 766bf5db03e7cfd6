//! What the user can do with the style sheet.

use std::sync::Arc;

use crate::imaging::RgbaImage;
use crate::protocol::MemoryId;
use crate::state::style_sheet::StyleRow;

/// A wish that concerns the style sheet.
#[derive(Debug, Clone, PartialEq)]
pub enum StyleCommand {
    /// Shows what a memory does, beginning at once.
    Open(MemoryId),
    SetPrompt(String),
    /// Takes this prompt and draws.
    Try(String),
    SetColumns(usize),
    SetScales(usize),
    /// Draws both rows. `other_seeds` takes new seeds.
    Draw {
        other_seeds: bool,
    },
    /// Makes a picture a variant and shows it on the canvas.
    Take {
        row: StyleRow,
        column: usize,
    },
    /// Writes both rows into one file.
    Save(Lettering),
    /// Stops what is being drawn; closes the sheet if nothing is.
    Back,
    Close,
}

/// What is written on a saved sheet, as black letters on nothing: the window has the fonts.
#[derive(Debug, Clone, PartialEq)]
pub struct Lettering {
    pub title: Arc<RgbaImage>,
    /// Without and with the memory.
    pub rows: [Arc<RgbaImage>; 2],
}
