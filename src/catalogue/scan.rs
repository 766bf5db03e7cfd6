//! Looking through folders for models.

use std::path::{Path, PathBuf};

use super::recognise::{Recognised, recognise};
use super::shelf::Shelf;
use super::walk::{self, Candidate};
use crate::protocol::{RefusedFile, ScanProgress};

/// All model files in the folders.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scan {
    pub(super) files: Vec<Scanned>,
    /// Those that cannot be read, with the reason.
    pub(super) refused: Vec<(PathBuf, String)>,
    /// Those that are of no use here.
    pub n_others: usize,
    /// It was stopped before the end.
    pub was_stopped: bool,
}

impl Scan {
    /// Files that cannot be used, with the reason.
    pub fn refused(&self) -> Vec<RefusedFile> {
        let refused = self.refused.iter();
        refused
            .map(|(path, reason)| RefusedFile { path: path.clone(), reason: reason.clone() })
            .collect()
    }
}

/// A file that is of use.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scanned {
    pub(super) file: Candidate,
    pub(super) what: Recognised,
    pub(super) sha256: Option<String>,
}

/// Looks at every file that may be a model; of those that have not changed the shelf knows what
/// they are. `on_progress` says whether to go on.
pub fn scan(
    roots: &[PathBuf],
    shelf: &mut Shelf,
    on_progress: &mut dyn FnMut(ScanProgress) -> bool,
) -> Scan {
    let mut scan = Scan::default();
    let mut goes_on = true;
    let mut on_folder = |folder: &Path| {
        goes_on = on_progress(ScanProgress { n_files: 0, folder: folder.to_owned() });
        goes_on
    };
    let candidates = walk::candidates(roots, &mut on_folder);
    scan.was_stopped = !goes_on;
    for (n_files, file) in candidates.iter().enumerate() {
        let folder = file.path.parent().unwrap_or(Path::new("")).to_owned();
        scan.was_stopped |= !on_progress(ScanProgress { n_files, folder });
        if scan.was_stopped {
            return scan;
        }
        let known = shelf.known(file).cloned();
        let what = known.unwrap_or_else(|| {
            let what = recognise(&file.path);
            shelf.remember(file, what.clone());
            what
        });
        match what {
            Ok(Recognised::Foreign) => scan.n_others += 1,
            Ok(Recognised::Useless(reason)) | Err(reason) => {
                scan.refused.push((file.path.clone(), reason));
            }
            Ok(what) => {
                let sha256 = shelf.sha256(file).map(ToOwned::to_owned);
                scan.files.push(Scanned { file: file.clone(), what, sha256 });
            }
        }
    }
    shelf.retain(&candidates);
    scan
}
