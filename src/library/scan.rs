//! Bringing the index in line with the files on the disk, in small steps, so that the thread can see
//! to what the user wants in between.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::database::{FolderId, KnownFile, Library, LibraryError};
use super::facts::IndexedFile;
use super::stored_path;
use super::walk::{FoundFile, Walk, is_picture_name};
use crate::protocol::{IndexProgress, PictureId, ScanReport};

/// What a step may take before it is time for other work.
const STEP_TIME: Duration = Duration::from_millis(25);

/// How far a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanStep {
    /// Looking for files.
    Walking,
    Reading(IndexProgress),
    Done(ScanReport),
}

/// One comparison of a folder with the index.
#[derive(Debug)]
pub struct Scan {
    root: PathBuf,
    started_at: Instant,
    report: ScanReport,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Walk(Walk),
    /// New and changed files, the newest last.
    Read {
        folder: FolderId,
        files: Vec<FoundFile>,
    },
}

impl Scan {
    /// `root` should be absolute, because it is how the folder is known later.
    pub fn start(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            started_at: Instant::now(),
            report: ScanReport::default(),
            phase: Phase::Walk(Walk::new(root)),
        }
    }

    /// Goes on for a moment. After an error the same step can be tried again.
    ///
    /// # Errors
    /// [`LibraryError::Database`]; files that cannot be read are no errors.
    pub fn step(&mut self, library: &mut Library) -> Result<ScanStep, LibraryError> {
        match &mut self.phase {
            Phase::Walk(walk) => {
                let until = Instant::now() + STEP_TIME;
                while Instant::now() < until {
                    if !walk.step() {
                        self.phase = compare(&self.root, walk, library, &mut self.report)?;
                        break;
                    }
                }
                Ok(ScanStep::Walking)
            }
            Phase::Read { folder, files } => {
                let until = Instant::now() + STEP_TIME;
                let mut read = Vec::new();
                for found in files.iter().rev() {
                    read.push(IndexedFile::read(&self.root, found));
                    if Instant::now() >= until {
                        break;
                    }
                }
                if !read.is_empty() {
                    library.put(*folder, &read)?;
                }
                files.truncate(files.len() - read.len());
                self.report.n_read += read.len();
                if files.is_empty() {
                    self.report.elapsed = self.started_at.elapsed();
                    return Ok(ScanStep::Done(self.report));
                }
                let (n_done, n_left) = (self.report.n_read, files.len());
                Ok(ScanStep::Reading(IndexProgress { n_done, n_total: n_done + n_left }))
            }
        }
    }

    /// Goes on to the end.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn finish(mut self, library: &mut Library) -> Result<ScanReport, LibraryError> {
        loop {
            if let ScanStep::Done(report) = self.step(library)? {
                return Ok(report);
            }
        }
    }
}

/// Takes one file in, wherever it lies, and tells its number. A file that is gone is forgotten.
pub(super) fn index_file(
    library: &mut Library,
    root: &Path,
    path: &Path,
) -> Result<Option<PictureId>, LibraryError> {
    let (folder, relative) = match path.strip_prefix(root) {
        Ok(relative) => (root, relative),
        Err(_outside) => (Path::new(""), path),
    };
    let folder_id = library.folder(folder)?;
    let id = |library: &Library| library.id_of(folder_id, relative);
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && is_picture_name(path) => {
            let found = FoundFile::new(relative.to_owned(), &metadata);
            library.put(folder_id, &[IndexedFile::read(folder, &found)])?;
            id(library)
        }
        _ => {
            let gone: Vec<_> = id(library)?.into_iter().collect();
            library.forget(&gone)?;
            Ok(None)
        }
    }
}

/// Forgets what is gone, follows what was renamed, and tells what is to be read.
fn compare(
    root: &Path,
    walk: &mut Walk,
    library: &mut Library,
    report: &mut ScanReport,
) -> Result<Phase, LibraryError> {
    library.adopt(root)?;
    let folder = library.folder(root)?;
    let mut known = library.known_files(folder)?;
    report.n_files = walk.files.len();
    report.n_unreadable_folders = walk.unreadable.len();
    let mut files = Vec::new();
    for found in &walk.files {
        let Some(path) = stored_path::to_bytes(&found.path) else { continue };
        let is_same = |known: &KnownFile| {
            (known.n_bytes, known.modified_ns) == (found.n_bytes, found.modified_ns)
        };
        if !known.remove(&path).is_some_and(|known| is_same(&known)) {
            files.push(found.clone());
        }
    }
    // What is left was not found.
    let mut gone: Vec<(PathBuf, KnownFile)> = known
        .into_iter()
        .map(|(path, known)| (stored_path::from_bytes(path), known))
        .filter(|(path, _)| !walk.may_hide(path))
        .collect();
    gone.sort_by_key(|(_, known)| known.id);
    report.n_renamed = follow_renamed(library, &mut files, &mut gone)?;
    let gone: Vec<_> = gone.into_iter().map(|(_, known)| known.id).collect();
    library.forget(&gone)?;
    report.n_gone = gone.len() + forget_missing_loose(library)?;
    files.sort_by_key(|file| file.modified_ns);
    Ok(Phase::Read { folder, files })
}

/// A new file that equals one that is gone in size and time to the nanosecond is that file.
fn follow_renamed(
    library: &mut Library,
    files: &mut Vec<FoundFile>,
    gone: &mut Vec<(PathBuf, KnownFile)>,
) -> Result<usize, LibraryError> {
    let mut by_version: HashMap<(i64, i64), PictureId> =
        gone.iter().map(|(_, known)| ((known.n_bytes, known.modified_ns), known.id)).collect();
    let mut renamed = Vec::new();
    let mut is_renamed = vec![false; files.len()];
    for (file, is_renamed) in files.iter().zip(&mut is_renamed) {
        if let Some(id) = by_version.remove(&(file.n_bytes, file.modified_ns)) {
            renamed.push((id, file.path.as_path()));
            *is_renamed = true;
        }
    }
    library.rename(&renamed)?;
    let ids: Vec<_> = renamed.iter().map(|(id, _)| *id).collect();
    gone.retain(|(_, known)| !ids.contains(&known.id));
    let mut flags = is_renamed.into_iter();
    files.retain(|_| !flags.next().unwrap_or(false));
    Ok(ids.len())
}

fn forget_missing_loose(library: &mut Library) -> Result<usize, LibraryError> {
    let loose = library.folder(Path::new(""))?;
    let known = library.known_files(loose)?;
    let is_gone = |path: &Vec<u8>| {
        let metadata = fs::metadata(stored_path::from_bytes(path.clone()));
        metadata.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    };
    let mut gone: Vec<_> =
        known.iter().filter(|(path, _)| is_gone(path)).map(|(_, known)| known.id).collect();
    gone.sort();
    library.forget(&gone)?;
    Ok(gone.len())
}
