//! Showing files in the system's file manager, which may take its time to start.

use std::path::PathBuf;
use std::thread::Builder;

use super::files::{Answer, FileAnswer};
use crate::protocol::Failure;

/// Opens the folder with the file selected, on a thread of its own; answers if that failed.
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn reveal(path: PathBuf, answer: Answer) -> std::io::Result<()> {
    let work = move || {
        if let Err(error) = opener::reveal(&path) {
            let details = format!("{error}: {}", path.display());
            answer.send(FileAnswer::Failed(not_shown(details)));
        }
    };
    Builder::new().name("reveal".to_owned()).spawn(work).map(|_not_joined| ())
}

pub(super) fn not_shown(details: String) -> Failure {
    Failure {
        headline: "The folder cannot be shown; open it in your file manager".to_owned(),
        details,
    }
}
