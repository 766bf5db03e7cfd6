//! Writing pictures of the user, on the file thread.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::{FileAnswer, failure};
use super::saving;
use super::sheet_picture::SheetPicture;
use crate::imaging::RgbaImage;
use crate::imaging::io::{self, Export};
use crate::imaging::resample::{self, Filter, Region};
use crate::imaging::trace;
use crate::protocol::Failure;
use crate::state::export::{ExportSettings, Traced};
use crate::state::keepsake::Keepsake;

/// A picture, how it is written, and where.
#[derive(Debug, PartialEq)]
pub(super) struct SaveJob {
    pub(super) keepsake: Keepsake,
    pub(super) settings: ExportSettings,
    pub(super) place: Place,
}

/// Where a picture is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Replaces what is there: the dialog or the script has decided.
    Exactly(PathBuf),
    /// Under a free name made of the stem.
    New { folder: PathBuf, stem: String },
    /// Numbered among the user's pictures, or in the folder that the command line names.
    Numbered { folder: Option<PathBuf> },
    /// The same, because no dialog can be shown.
    InsteadOfDialog,
}

/// Writes the picture whole or not at all.
pub(super) fn save(job: &SaveJob) -> FileAnswer {
    match written(job) {
        Ok(path) => FileAnswer::Saved {
            path,
            without_dialog: job.place == Place::InsteadOfDialog,
            node: job.keepsake.node,
        },
        Err(failure) => FileAnswer::Failed(failure),
    }
}

fn written(job: &SaveJob) -> Result<PathBuf, Failure> {
    let SaveJob { keepsake, settings, place } = job;
    let record = settings.with_record.then(|| keepsake.record(settings.embeds_sketch()));
    let export = Export { format: settings.file_format(), record: record.as_ref() };
    let is_svg = matches!(export.format, io::FileFormat::Svg { .. });
    let enlarged =
        (settings.scale > 1 && !is_svg).then(|| enlarged(&keepsake.picture, settings.scale));
    let picture = enlarged.as_ref().unwrap_or(&keepsake.picture);
    write(picture, &export, place, &|folder| saving::numbered_stem(folder, keepsake.seed))
}

/// Writes a style sheet whole or not at all.
pub(super) fn save_sheet(sheet: &SheetPicture, place: &Place) -> FileAnswer {
    let export = Export { format: io::FileFormat::Png, record: None };
    let stem = |_: &Path| "style-sheet".to_owned();
    match write(&sheet.composed(), &export, place, &stem) {
        Ok(path) => {
            FileAnswer::Saved { path, without_dialog: *place == Place::InsteadOfDialog, node: None }
        }
        Err(failure) => FileAnswer::Failed(failure),
    }
}

/// Writes a picture; `numbered` makes its name in a folder where nobody has named it.
fn write(
    picture: &RgbaImage,
    export: &Export<'_>,
    place: &Place,
    numbered: &dyn Fn(&Path) -> String,
) -> Result<PathBuf, Failure> {
    let not_saved = |error| failure("Saving did not work", &error);
    let new_in = |folder: &Path, stem: &str| {
        fs::create_dir_all(folder).map_err(|error| Failure {
            headline: "The folder for pictures cannot be made; choose another".to_owned(),
            details: format!("{error}: {}", folder.display()),
        })?;
        io::save_new_picture(folder, stem, picture, export).map_err(not_saved)
    };
    match place {
        Place::Exactly(path) => {
            let path = saving::with_ending(path.clone(), export.format);
            io::save_picture(&path, picture, export).map(|()| path).map_err(not_saved)
        }
        Place::New { folder, stem } => new_in(folder, stem),
        Place::Numbered { folder: Some(folder) } => new_in(folder, &numbered(folder)),
        Place::Numbered { folder: None } | Place::InsteadOfDialog => {
            let folder = saving::folder_of_today().ok_or_else(|| Failure {
                headline: "No pictures folder was found; start with --save-dir".to_owned(),
                details: "There is no home folder".to_owned(),
            })?;
            new_in(&folder, &numbered(&folder))
        }
    }
}

/// The shapes of a picture, to be looked at before they are written.
pub(super) fn traced(picture: &RgbaImage) -> Result<Traced, String> {
    let traced = trace::trace(picture).map_err(|error| error.to_string())?;
    Ok(Traced {
        image: Arc::new(traced.paint()),
        n_shapes: traced.n_shapes(),
        n_bytes: traced.to_svg(1, None).len(),
    })
}

fn enlarged(picture: &RgbaImage, scale: u32) -> RgbaImage {
    let (width, height) = (picture.width() * scale, picture.height() * scale);
    let size = (width as usize, height as usize);
    let pixels = resample::resize(picture, Region::whole(picture), size, Filter::Sharp);
    let bytes = pixels.iter().flat_map(|pixel| resample::to_straight(*pixel)).collect();
    RgbaImage::from_raw(width, height, bytes).expect("four bytes per pixel")
}
