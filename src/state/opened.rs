//! A picture file that tells how its picture was made, until the user has said what to do with it.

use std::path::PathBuf;
use std::sync::Arc;

use super::import::ImportPicture;
use crate::imaging::RgbaImage;
use crate::imaging::control::Control;
use crate::imaging::metadata::{PictureRecord, Recalled};

/// What was read of a file.
#[derive(Debug, Clone)]
pub struct Opened {
    pub path: PathBuf,
    /// The picture as it may become a control; `None` if its pixels are damaged.
    pub picture: Option<Arc<ImportPicture>>,
    /// Its own pixels; `None` if they are damaged.
    pub pixels: Option<Arc<RgbaImage>>,
    /// What the file tells, but for the record.
    pub recalled: Recalled,
    /// All that Underpaint keeps of its own pictures.
    pub record: Option<Arc<PictureRecord>>,
    /// For each control of the record: how it was followed, or why that is not known.
    pub controls: Vec<Result<Control, String>>,
    /// For each inspiration of the record: the picture of the user, if it is in the file.
    pub inspirations: Vec<Option<Arc<RgbaImage>>>,
    /// What the user wants of it; `None` while that is asked.
    pub choice: Option<OpenChoice>,
}

/// What to do with such a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenChoice {
    /// The picture at every scale, its sketch and all settings; of other applications what can be
    /// had.
    Everything,
    /// Prompt, seed and settings; picture and sketch stay.
    Settings,
    /// Lines, depth or colours are taken from the pixels.
    Control,
    Inspiration,
}

impl Opened {
    /// File name without folder and ending, on one line.
    pub fn name(&self) -> String {
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        stem.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }

    /// Whether the file is one of ours, with all that it needs.
    pub fn is_ours(&self) -> bool {
        self.record.is_some()
    }
}
