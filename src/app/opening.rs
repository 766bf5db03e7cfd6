//! Reading picture files with what they tell of their making, on the file thread.

use std::path::Path;
use std::sync::Arc;

use super::files::{FileAnswer, failure};
use super::importing;
use crate::imaging::io::{self, MetadataError, PictureError};
use crate::imaging::metadata::{ControlRecord, InspirationRecord, RecallError, Recalled};
use crate::params::ControlKind;
use crate::state::import::ImportPicture;
use crate::state::opened::{OpenChoice, Opened};

/// Why a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To have everything back.
    Restore,
    /// To be asked what it shall become; `n_files` came together.
    Ask { onto: Option<ControlKind>, n_files: usize },
}

/// Reads a file: what it tells, its pixels, or both.
pub(super) fn open(path: &Path, purpose: Purpose) -> FileAnswer {
    let (onto, n_files) = match purpose {
        Purpose::Restore => (None, 1),
        // Who aims at a layer wants the pixels.
        Purpose::Ask { onto, n_files } => (onto, n_files),
    };
    if onto.is_some() {
        return as_control(importing::open(path), onto, n_files, None);
    }
    match io::read_metadata(path) {
        Ok(facts) => match facts.recalled {
            Some(recalled) => {
                let choice = (purpose == Purpose::Restore).then_some(OpenChoice::Everything);
                told(path, recalled, choice)
            }
            None => as_control(importing::open(path), onto, n_files, None),
        },
        Err(MetadataError::Recall { source: RecallError::Format, .. }) => {
            as_control(importing::open(path), onto, n_files, None)
        }
        // Every picture can be looked at, whatever its file tells.
        Err(MetadataError::Recall { source, .. }) if purpose != Purpose::Restore => {
            as_control(importing::open(path), onto, n_files, Some(source.to_string()))
        }
        Err(error @ MetadataError::Recall { .. }) => {
            FileAnswer::Failed(failure("The picture cannot be restored", &error))
        }
        Err(MetadataError::Picture(error)) => {
            FileAnswer::Failed(failure("The picture cannot be used", &error))
        }
    }
}

fn as_control(
    opened: Result<ImportPicture, PictureError>,
    onto: Option<ControlKind>,
    n_files: usize,
    remark: Option<String>,
) -> FileAnswer {
    match opened {
        Ok(mut picture) => {
            picture.note = picture.note.or(remark);
            FileAnswer::ImportOpened { picture: Arc::new(picture), onto, n_files }
        }
        Err(error) => FileAnswer::Failed(failure("The picture cannot be used", &error)),
    }
}

fn told(path: &Path, mut recalled: Recalled, choice: Option<OpenChoice>) -> FileAnswer {
    let record = recalled.record.take().map(Arc::from);
    let opened = match io::open_picture(path) {
        Ok(opened) => Some(opened),
        // What a file of ours tells comes before its pixels, and the picture can be made from it.
        Err(error) if record.is_some() => {
            recalled.ignored.push(format!("the pixels of the file ({error})"));
            None
        }
        Err(error) => return FileAnswer::Failed(failure("The picture cannot be used", &error)),
    };
    let mut answer = Opened {
        path: path.to_owned(),
        picture: None,
        pixels: None,
        recalled,
        controls: Vec::new(),
        inspirations: Vec::new(),
        record,
        choice,
    };
    if let Some(record) = &answer.record {
        let control = |record: &ControlRecord| record.control().map_err(|error| error.to_string());
        answer.controls = record.controls.iter().map(control).collect();
        let picture = |record: &InspirationRecord| record.embedded().map(Arc::new);
        answer.inspirations = record.inspirations.iter().map(picture).collect();
    }
    if let Some(opened) = opened {
        answer.pixels = Some(Arc::new(opened.pixels.clone()));
        let name = answer.name();
        answer.picture = Some(Arc::new(importing::prepared(&name, opened.pixels, opened.note)));
    }
    FileAnswer::FileOpened(Box::new(answer))
}
