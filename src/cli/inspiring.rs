//! Pictures named with `--inspire`: what they look like to the model.

use std::path::Path;
use std::sync::Arc;

use super::CliError;
use crate::imaging::cutout::{self, Outcome};
use crate::imaging::io::{OpenedPicture, open_picture, read_metadata};
use crate::imaging::metadata::PictureRecord;
use crate::imaging::{RgbaImage, fit};
use crate::protocol::{Inspiration, Kept, ModelInfo};
use crate::state::add_inspiration::remembered;

/// A picture to be inspired by, opened and upright.
pub(super) struct InspiringPicture {
    /// File name without folder and ending.
    pub(super) name: String,
    pixels: RgbaImage,
    /// What the user should know of it.
    pub(super) notes: Vec<String>,
    /// What its file tells, if it is one of ours.
    record: Option<Box<PictureRecord>>,
}

impl InspiringPicture {
    /// # Errors
    /// [`CliError`] naming what is wrong with the file.
    pub(super) fn open(file: &Path) -> Result<Self, CliError> {
        let name = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
        let OpenedPicture { pixels, note } = open_picture(file)?;
        // Whatever else the file tells, its pixels can be looked at.
        let recalled = read_metadata(file).ok().and_then(|facts| facts.recalled);
        let record = recalled.and_then(|recalled| recalled.record);
        Ok(Self { name, pixels, notes: note.into_iter().collect(), record })
    }

    /// What the model is given. A picture that it has made itself is known by its ids; of any other
    /// the background is taken away, unless it is to be kept.
    pub(super) fn inspiration(&mut self, model: &ModelInfo, keeps_background: bool) -> Inspiration {
        if let Some(record) = &self.record
            && let Ok(kept) = Kept::from_record(record, model)
        {
            let caption = if record.prompt.trim().is_empty() { &self.name } else { &record.prompt };
            if let Some(picture) = remembered(&kept.ids, model, caption, &self.name) {
                return Inspiration::Remembered(Arc::new(picture));
            }
        }
        let size_px = model.image_size_px;
        let pixels = if keeps_background {
            fit::fit_square(&self.pixels, size_px)
        } else {
            let (fitted, outcome) = cutout::fitted(&self.pixels, size_px);
            self.notes.extend(remark(outcome).map(str::to_owned));
            fitted
        };
        Inspiration::Picture { name: self.name.clone(), pixels: Arc::new(pixels) }
    }
}

fn remark(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Removed { .. } => {
            Some("the background was taken away; --keep-background leaves it")
        }
        Outcome::NoGround => Some("no background was found, so the picture stays whole"),
        Outcome::NoSubject => {
            Some("it has one colour all over, so nothing of it was taken for background")
        }
        Outcome::Transparent => None,
    }
}
