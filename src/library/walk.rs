//! Finding picture files in a folder and all folders in it.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Folders in folders beyond this are left out.
const MAX_DEPTH: usize = 24;
/// More files than this are not taken in.
const MAX_FILES: usize = 1_000_000;
const ENDINGS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];

/// A picture file and which version of it there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundFile {
    /// Relative to the folder.
    pub(super) path: PathBuf,
    pub(super) n_bytes: i64,
    /// Nanoseconds since 1970.
    pub(super) modified_ns: i64,
}

impl FoundFile {
    pub(super) fn new(path: PathBuf, metadata: &Metadata) -> Self {
        let modified_ns =
            metadata.modified().map_or(0, |modified| match modified.duration_since(UNIX_EPOCH) {
                Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
                Err(before) => {
                    i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns)
                }
            });
        let n_bytes = i64::try_from(metadata.len()).unwrap_or(i64::MAX);
        Self { path, n_bytes, modified_ns }
    }
}

/// A walk through a folder, one folder per step.
#[derive(Debug)]
pub(super) struct Walk {
    root: PathBuf,
    /// Endings of the files that are found, in lower case.
    endings: &'static [&'static str],
    /// Folders still to look into, relative to the root, and how deep they lie.
    open: Vec<(PathBuf, usize)>,
    pub(super) files: Vec<FoundFile>,
    /// Relative to the root; the root itself is an empty path.
    pub(super) unreadable: Vec<PathBuf>,
}

impl Walk {
    pub(super) fn new(root: &Path) -> Self {
        Self::for_endings(root, &ENDINGS)
    }

    /// Looks for files of other kinds than the gallery's.
    pub(super) fn for_endings(root: &Path, endings: &'static [&'static str]) -> Self {
        let open = vec![(PathBuf::new(), 0)];
        Self { root: root.to_owned(), endings, open, files: Vec::new(), unreadable: Vec::new() }
    }

    /// Looks into one folder; false once there is none left.
    pub(super) fn step(&mut self) -> bool {
        let Some((folder, depth)) = self.open.pop() else { return false };
        let Ok(entries) = fs::read_dir(self.root.join(&folder)) else {
            self.unreadable.push(folder);
            return true;
        };
        for entry in entries {
            let Ok(entry) = entry else {
                self.unreadable.push(folder.clone());
                break;
            };
            let name = entry.file_name();
            // Hidden ones, and what is being written.
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = folder.join(&name);
            // Links to folders are not followed: they may lead in circles.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                if depth < MAX_DEPTH {
                    self.open.push((path, depth + 1));
                }
            } else if has_ending(&path, self.endings) && self.files.len() < MAX_FILES {
                let metadata =
                    if kind.is_symlink() { fs::metadata(entry.path()) } else { entry.metadata() };
                // Links that lead nowhere, devices and pipes are no pictures.
                if let Ok(metadata) = metadata.as_ref()
                    && metadata.is_file()
                {
                    self.files.push(FoundFile::new(path, metadata));
                }
            }
        }
        true
    }

    /// Whether a file that was not found may still be there.
    pub(super) fn may_hide(&self, path: &Path) -> bool {
        self.unreadable.iter().any(|folder| path.starts_with(folder))
    }
}

pub(super) fn is_picture_name(path: &Path) -> bool {
    has_ending(path, &ENDINGS)
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| endings.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}
