//! Which files are to be read: those that are new or changed since they were last looked at.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::adding::{AddKind, Stop};
use super::captions::CaptionSource;
use super::jobs::{FileVersion, Job, KnownFile};
use super::{MemoryError, MemoryStore};
use crate::library::stored_path;
use crate::library::walk::{FoundFile, Walk};
use crate::protocol::{AddProblem, MemoryId, RememberedId};

/// Endings of the files in a folder that are pictures. A file that is named itself is tried
/// whatever it is called.
const ENDINGS: [&str; 10] =
    ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "qoi", "tga"];

/// A file to read.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) path: PathBuf,
    pub(super) version: FileVersion,
    pub(super) job_idx: usize,
    /// The entry that was made of an earlier version of it.
    pub(super) renews: Option<Renews>,
}

#[derive(Debug, Clone)]
pub(super) struct Renews {
    pub(super) id: RememberedId,
    pub(super) own_caption: Option<String>,
}

/// All that is to be done.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) jobs: Vec<(Job, CaptionSource)>,
    pub(super) tasks: Vec<Task>,
    /// Entries whose file is not there any more, and was at the last look.
    pub(super) gone: Vec<RememberedId>,
    pub(super) back: Vec<RememberedId>,
    pub(super) renamed: Vec<(RememberedId, PathBuf)>,
    /// Files and folders that cannot be looked at.
    pub(super) problems: Vec<AddProblem>,
    /// Paths of jobs at which there is nothing.
    pub(super) missing: Vec<PathBuf>,
}

impl Plan {
    /// Looks through the folders; `None` if the user does not want to go on.
    ///
    /// # Errors
    /// [`MemoryError`] if a table of captions or the database cannot be read.
    pub(super) fn make(
        store: &MemoryStore,
        memory: MemoryId,
        kind: AddKind,
        stop: &dyn Fn() -> Option<Stop>,
    ) -> Result<Option<Self>, MemoryError> {
        let jobs = store.jobs(memory)?;
        let mut known = store.known_files(memory)?;
        let mut plan = Self::default();
        let mut walked = HashSet::new();
        let mut hidden = Vec::new();
        for job in jobs.into_iter().filter(|job| job.is_pending || kind == AddKind::Rescan) {
            let captioner = match CaptionSource::open(&job.captions) {
                Ok(captioner) => captioner,
                Err(error) if job.is_pending => return Err(error.into()),
                // The table of long ago may be gone; pictures are still found.
                Err(error) => {
                    tracing::info!("{error}");
                    CaptionSource::FileNames
                }
            };
            let job_idx = plan.jobs.len();
            let Some(files) = plan.files_of(&job, &mut hidden, stop) else { return Ok(None) };
            plan.jobs.push((job, captioner));
            for found in files {
                plan.take(found, job_idx, &mut walked, &mut known);
            }
        }
        if kind == AddKind::Rescan {
            plan.find_gone(&known, &hidden);
            plan.follow_renamed(&known);
        }
        plan.tasks.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Some(plan))
    }

    /// The pictures of a job, with whole paths.
    fn files_of(
        &mut self,
        job: &Job,
        hidden: &mut Vec<PathBuf>,
        stop: &dyn Fn() -> Option<Stop>,
    ) -> Option<Vec<FoundFile>> {
        let problem =
            |reason: &str| AddProblem { path: job.path.clone(), reason: reason.to_owned() };
        match fs::metadata(&job.path) {
            Ok(found) if found.is_dir() => {}
            Ok(found) => return Some(vec![FoundFile::new(job.path.clone(), &found)]),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if job.is_pending {
                    self.problems.push(problem("There is no such file or folder"));
                    self.missing.push(job.path.clone());
                }
                return Some(Vec::new());
            }
            Err(_) => {
                self.problems.push(problem("It cannot be opened; check its permissions"));
                hidden.push(job.path.clone());
                return Some(Vec::new());
            }
        }
        let mut walk = Walk::for_endings(&job.path, &ENDINGS);
        while walk.step() {
            if stop().is_some() {
                return None;
            }
        }
        for folder in &walk.unreadable {
            let path = job.path.join(folder);
            let reason = "The folder cannot be opened; check its permissions".to_owned();
            self.problems.push(AddProblem { path: path.clone(), reason });
            hidden.push(path);
        }
        let whole = |found: FoundFile| FoundFile { path: job.path.join(&found.path), ..found };
        Some(walk.files.into_iter().map(whole).collect())
    }

    fn take(
        &mut self,
        found: FoundFile,
        job_idx: usize,
        walked: &mut HashSet<Vec<u8>>,
        known: &mut HashMap<Vec<u8>, KnownFile>,
    ) {
        let Some(bytes) = stored_path::to_bytes(&found.path) else { return };
        if !walked.insert(bytes.clone()) {
            return;
        }
        let version = FileVersion { n_bytes: found.n_bytes, modified_ns: found.modified_ns };
        let known = known.remove(&bytes);
        let is_same = known.as_ref().is_some_and(|known| known.version == version);
        let entry = known.and_then(|known| known.entry);
        if let Some(entry) = entry.as_ref().filter(|entry| entry.is_gone) {
            self.back.push(entry.id);
        }
        if !is_same {
            let renews = entry.map(|entry| Renews { id: entry.id, own_caption: entry.own_caption });
            self.tasks.push(Task { path: found.path, version, job_idx, renews });
        }
    }

    /// What is known and was not found may be gone, or lie outside the folders.
    fn find_gone(&mut self, known: &HashMap<Vec<u8>, KnownFile>, hidden: &[PathBuf]) {
        let gone = known.iter().filter_map(|(path, file)| {
            let entry = file.entry.as_ref().filter(|entry| !entry.is_gone)?;
            let path = stored_path::from_bytes(path.clone());
            let may_hide = hidden.iter().any(|folder| path.starts_with(folder));
            (!may_hide && is_missing(&path)).then_some(entry.id)
        });
        self.gone = gone.collect();
        self.gone.sort_unstable();
    }

    /// A new file that equals one that is gone in size and time to the nanosecond is that file.
    fn follow_renamed(&mut self, known: &HashMap<Vec<u8>, KnownFile>) {
        let gone: HashSet<RememberedId> = self.gone.iter().copied().collect();
        let mut by_version: HashMap<FileVersion, RememberedId> = known
            .values()
            .filter_map(|file| {
                let entry = file.entry.as_ref()?;
                let is_lost = entry.is_gone || gone.contains(&entry.id);
                is_lost.then_some((file.version, entry.id))
            })
            .collect();
        let renamed = &mut self.renamed;
        self.tasks.retain(|task| {
            let is_new = task.renews.is_none();
            let Some(id) = is_new.then(|| by_version.remove(&task.version)).flatten() else {
                return true;
            };
            renamed.push((id, task.path.clone()));
            false
        });
        let followed: HashSet<_> = self.renamed.iter().map(|(id, _)| *id).collect();
        self.gone.retain(|id| !followed.contains(id));
    }
}

fn is_missing(path: &Path) -> bool {
    fs::metadata(path)
        .is_err_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory))
}
