//! Pictures from the clipboard, read on a thread of their own: the program that holds them may be
//! slow to hand them over.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::Builder;

use super::files::{Answer, FileAnswer};
use super::importing;
use super::inspiring::{self, InspireJob, InspireSource};
use super::opening::{self, Purpose};
use crate::imaging::RgbaImage;
use crate::imaging::io::MAX_SIDE_PX;
use crate::protocol::Failure;

/// What was on the clipboard.
#[derive(Debug, Clone)]
pub enum Pasted {
    Picture(RgbaImage),
    /// Files copied in a file manager, at least one.
    Files(Vec<PathBuf>),
}

/// Nothing can be pasted. Every message is one sentence that says what to do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PasteError {
    #[error("There is no picture on the clipboard; copy one first")]
    NoPicture,
    #[error("The picture on the clipboard is damaged; copy it again")]
    Damaged,
    #[error(
        "The picture on the clipboard has {width}×{height} pixels and \
         {MAX_SIDE_PX}×{MAX_SIDE_PX} is the limit; make it smaller"
    )]
    TooLarge { width: u32, height: u32 },
    #[error("Another program is using the clipboard; paste again in a moment")]
    Occupied,
    #[error("The clipboard cannot be read here; save the picture and drop it on the window")]
    Unavailable { details: String },
}

/// Where pictures are pasted from: the system's clipboard by default, anything else in tests.
#[derive(Clone)]
pub struct Clipboard(Arc<dyn Fn() -> Result<Pasted, PasteError> + Send + Sync>);

impl Clipboard {
    pub fn new(read: impl Fn() -> Result<Pasted, PasteError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }
}

impl Default for Clipboard {
    fn default() -> Self {
        Self::new(read_system_clipboard)
    }
}

impl fmt::Debug for Clipboard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clipboard")
    }
}

/// Reads the clipboard and answers with the picture, then that the paste is over. `place` is a
/// place of *Inspired by* and the size of the model's pictures; without one, the user is asked what
/// the picture shall become.
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn paste(
    clipboard: &Clipboard,
    place: Option<(usize, usize)>,
    answer: Answer,
) -> std::io::Result<()> {
    let clipboard = clipboard.clone();
    let work = move || {
        answer.send(pasted(&clipboard, place));
        answer.send(FileAnswer::PasteDone);
    };
    Builder::new().name("clipboard".to_owned()).spawn(work).map(|_not_joined| ())
}

fn pasted(clipboard: &Clipboard, place: Option<(usize, usize)>) -> FileAnswer {
    let opened = |picture| match place {
        Some((slot_idx, size_px)) => inspiring::pasted(picture, slot_idx, size_px),
        None => FileAnswer::ImportOpened { picture: Arc::new(picture), onto: None, n_files: 1 },
    };
    match (clipboard.0)() {
        Ok(Pasted::Picture(pixels)) => match checked_size(&pixels) {
            Ok(()) => opened(importing::prepared("Pasted picture", pixels, None)),
            Err(error) => FileAnswer::Failed(failure_of(&error)),
        },
        Ok(Pasted::Files(paths)) => match (paths.first(), place) {
            (Some(path), Some((slot_idx, size_px))) => {
                let source = InspireSource::File(path.clone());
                inspiring::look(&InspireJob { slot_idx: Some(slot_idx), source, size_px })
            }
            (Some(path), None) => {
                opening::open(path, Purpose::Ask { onto: None, n_files: paths.len() })
            }
            (None, _) => FileAnswer::Failed(failure_of(&PasteError::NoPicture)),
        },
        Err(error) => FileAnswer::Failed(failure_of(&error)),
    }
}

fn checked_size(pixels: &RgbaImage) -> Result<(), PasteError> {
    let (width, height) = pixels.dimensions();
    if width == 0 || height == 0 {
        return Err(PasteError::NoPicture);
    }
    if width.max(height) > MAX_SIDE_PX {
        return Err(PasteError::TooLarge { width, height });
    }
    Ok(())
}

fn failure_of(error: &PasteError) -> Failure {
    let details = match error {
        PasteError::Unavailable { details } => details.clone(),
        _ => String::new(),
    };
    Failure { headline: error.to_string(), details }
}

fn read_system_clipboard() -> Result<Pasted, PasteError> {
    let mut clipboard = arboard::Clipboard::new().map_err(|error| explained(&error))?;
    match clipboard.get_image() {
        Ok(image) => {
            let (width, height) = (image.width as u32, image.height as u32);
            let bytes = image.into_owned_bytes().into_owned();
            let pixels = RgbaImage::from_raw(width, height, bytes).ok_or(PasteError::Damaged)?;
            Ok(Pasted::Picture(pixels))
        }
        Err(error) => match clipboard.get().file_list() {
            Ok(paths) if !paths.is_empty() => Ok(Pasted::Files(paths)),
            _ => Err(explained(&error)),
        },
    }
}

fn explained(error: &arboard::Error) -> PasteError {
    match error {
        arboard::Error::ContentNotAvailable => PasteError::NoPicture,
        arboard::Error::ConversionFailure => PasteError::Damaged,
        arboard::Error::ClipboardOccupied => PasteError::Occupied,
        _ => PasteError::Unavailable { details: error.to_string() },
    }
}
