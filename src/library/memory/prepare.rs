//! One file made ready for a memory: read within the limits that hold for all pictures, cut out,
//! fitted as the model's own pictures are, and named.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use super::captions::{Caption, CaptionSource};
use super::fingerprint::{Fingerprint, Fingerprinter};
use crate::imaging::cutout::Cutter;
use crate::imaging::fit::fit_square;
use crate::imaging::{RgbaImage, cutout, io, resample};
use crate::library::thumbnail;

const NOTHING_VISIBLE: &str = "The picture has no visible pixels";
const NO_FILE: &str = "It is a device or pipe, not a file";
const BROKEN: &str = "The picture cannot be read";

/// A picture that can be encoded and kept.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// Of the model's size, straight alpha.
    pub(super) fitted: Arc<RgbaImage>,
    /// `fitted` as it is stored.
    pub(super) encoded: Vec<u8>,
    pub(super) fingerprint: Fingerprint,
    pub(super) caption: Caption,
    /// What the user should know.
    pub(super) remark: Option<String>,
}

/// How files are made ready.
pub(super) struct Recipe<'a> {
    pub(super) captions: &'a CaptionSource,
    /// The folder that was added, or the file.
    pub(super) root: &'a Path,
    pub(super) removes_background: bool,
    pub(super) size_px: usize,
}

impl Recipe<'_> {
    /// Reads a file. The error says in a few words why it gives no entry.
    pub(super) fn prepare(
        &self,
        path: &Path,
        fingerprinter: &Fingerprinter,
    ) -> Result<Prepared, String> {
        match fs::metadata(path) {
            Ok(found) if !found.is_file() => return Err(NO_FILE.to_owned()),
            // Reading says what is wrong.
            _ => {}
        }
        let read = || {
            let opened = io::open_picture(path).map_err(|error| thumbnail::described(&error))?;
            let mut prepared = prepare_picture(
                opened.pixels,
                self.removes_background,
                self.size_px,
                fingerprinter,
            )?;
            prepared.remark = opened.note;
            prepared.caption = self.captions.of_file(path, self.root);
            Ok(prepared)
        };
        // Whatever a hostile file brings about, the others are added.
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_panic| Err(BROKEN.to_owned()))
    }
}

/// Makes a picture ready that is in no file, straight alpha and of any size; its caption is empty.
pub(super) fn prepare_picture(
    picture: RgbaImage,
    removes_background: bool,
    size_px: usize,
    fingerprinter: &Fingerprinter,
) -> Result<Prepared, String> {
    let picture = resample::at_most(picture, Cutter::MAX_SIDE_PX);
    let fitted = if removes_background {
        cutout::fitted(&picture, size_px).0
    } else {
        fit_square(&picture, size_px)
    };
    if fitted.pixels().all(|pixel| pixel.0[3] == 0) {
        return Err(NOTHING_VISIBLE.to_owned());
    }
    Ok(Prepared {
        encoded: thumbnail::encode(&fitted).ok_or(BROKEN)?,
        fingerprint: fingerprinter.of(&fitted),
        fitted: Arc::new(fitted),
        caption: Caption::default(),
        remark: None,
    })
}
