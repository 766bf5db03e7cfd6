//! The folder of all sessions: one folder for each, with a lock and its journal.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::super::{Project, pack};
use super::reader::{self, Recovered};
use super::writer::{ENDING, Journal};
use super::{JournalError, SessionFacts, shown};
use crate::imaging::RgbaImage;

/// Unsaved work of more sessions than this makes room, oldest first.
const MAX_KEPT: usize = 20;
/// Greatest journal that is read.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// The file that a living session holds locked; also that of the whole folder, for moments.
const LOCK: &str = "lock";

/// Where journals are kept.
#[derive(Debug, Clone)]
pub struct Sessions {
    folder: PathBuf,
}

/// Unsaved work of a session that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Names the session for [`Sessions::recover`] and [`Sessions::delete`].
    pub id: String,
    /// When it was last worked on.
    pub changed_at: SystemTime,
    pub content: FoundContent,
}

/// What can be said of it.
#[derive(Debug, Clone, PartialEq)]
pub enum FoundContent {
    Readable {
        facts: SessionFacts,
        n_pictures: usize,
        thumbnail: RgbaImage,
    },
    /// Nothing can be read; the file is kept.
    Damaged,
}

impl Sessions {
    /// The folder is made when it is needed.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Begins the journal of a new session with the project as it is.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be written.
    pub fn begin(&self, project: &Project, facts: SessionFacts) -> Result<Journal, JournalError> {
        let failed = |source| JournalError::Folder { name: shown(&self.folder), source };
        let (folder, lock) = {
            let _others_wait = self.lock_all().map_err(failed)?;
            let folder = self.folder.join(new_id());
            fs::create_dir(&folder).map_err(failed)?;
            let lock = open_lock(&folder).map_err(failed)?;
            lock.try_lock().map_err(|error| failed(error.into()))?;
            (folder, lock)
        };
        Journal::begin(folder.clone(), lock, project, facts).inspect_err(|_| remove(&folder))
    }

    /// Unsaved work of sessions that are over, newest first. Sessions that left nothing are
    /// cleared away, and so are the oldest if there are too many.
    ///
    /// # Errors
    /// [`JournalError::Folder`] if the folder cannot be read.
    pub fn find(&self) -> Result<Vec<Found>, JournalError> {
        let failed = |source| JournalError::Folder { name: shown(&self.folder), source };
        if !self.folder.is_dir() {
            return Ok(Vec::new());
        }
        let _others_wait = self.lock_all().map_err(failed)?;
        let entries = fs::read_dir(&self.folder).map_err(failed)?;
        let folders = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
        let mut found: Vec<_> = folders.filter_map(|folder| look_at(&folder)).collect();
        found.sort_by_key(|found| std::cmp::Reverse(found.changed_at));
        for old in found.drain(MAX_KEPT.min(found.len())..) {
            remove(&self.folder.join(&old.id));
        }
        Ok(found)
    }

    /// Reads the work of a session that is over. It stays until it is deleted.
    ///
    /// # Errors
    /// [`JournalError`] if it is gone, in use or damaged; it stays then too.
    pub fn recover(&self, id: &str) -> Result<Recovered, JournalError> {
        let folder = self.folder_of(id)?;
        let name = shown(&folder);
        let _others_wait = self
            .lock_all()
            .map_err(|source| JournalError::Folder { name: shown(&self.folder), source })?;
        let _lock = lock_of_the_dead(&folder).ok_or(JournalError::InUse { name: name.clone() })?;
        let journals = journals_of(&folder);
        if journals.is_empty() {
            return Err(JournalError::Gone { name });
        }
        newest_readable(&journals)
            .map_err(|source| JournalError::Open { name: name.clone(), source })?
            .ok_or(JournalError::Damaged { name })
    }

    /// Deletes the work of a session that is over.
    ///
    /// # Errors
    /// [`JournalError`] if it is gone or in use.
    pub fn delete(&self, id: &str) -> Result<(), JournalError> {
        let folder = self.folder_of(id)?;
        let _others_wait = self
            .lock_all()
            .map_err(|source| JournalError::Folder { name: shown(&self.folder), source })?;
        let lock = lock_of_the_dead(&folder);
        drop(lock.ok_or_else(|| JournalError::InUse { name: shown(&folder) })?);
        remove(&folder);
        Ok(())
    }

    fn folder_of(&self, id: &str) -> Result<PathBuf, JournalError> {
        let folder = self.folder.join(id);
        // Only a plain name stays in the folder.
        let is_name = Path::new(id).file_name().is_some_and(|name| name == id);
        if is_name && folder.is_dir() {
            Ok(folder)
        } else {
            Err(JournalError::Gone { name: shown(&folder) })
        }
    }

    /// Nobody else begins, looks at or deletes a session meanwhile.
    fn lock_all(&self) -> io::Result<File> {
        fs::create_dir_all(&self.folder)?;
        let lock = open_lock(&self.folder)?;
        lock.lock()?;
        Ok(lock)
    }
}

fn new_id() -> String {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    let count = LAST.fetch_add(1, Ordering::Relaxed);
    format!("{millis}-{}-{count}", process::id())
}

fn open_lock(folder: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).open(folder.join(LOCK))
}

/// The lock of a session, if no living one holds it.
fn lock_of_the_dead(folder: &Path) -> Option<File> {
    let lock = open_lock(folder).ok()?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => None,
        // Where files cannot be locked, work that is lost is worse than work that is shown twice.
        Ok(()) | Err(TryLockError::Error(_)) => Some(lock),
    }
}

/// `None` of living sessions and of those that left nothing.
fn look_at(folder: &Path) -> Option<Found> {
    let lock = lock_of_the_dead(folder)?;
    let id = folder.file_name()?.to_str()?.to_owned();
    let journals = journals_of(folder);
    let newest = journals.first();
    let changed_at = newest.and_then(|path| fs::metadata(path).ok()?.modified().ok());
    let content = match newest_readable(&journals) {
        Ok(Some(recovered)) if recovered.facts.is_unsaved => {
            let project = &recovered.opened.project;
            FoundContent::Readable {
                n_pictures: project.nodes.len(),
                thumbnail: pack::thumbnail(project),
                facts: recovered.facts,
            }
        }
        Ok(None) if newest.is_some() => FoundContent::Damaged,
        Ok(_) => {
            drop(lock);
            remove(folder);
            return None;
        }
        Err(error) => {
            tracing::warn!("unsaved work cannot be read: {error}: {}", folder.display());
            return None;
        }
    };
    Some(Found { id, changed_at: changed_at.unwrap_or(UNIX_EPOCH), content })
}

/// Newest first.
fn journals_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut journals: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|ending| ending == ENDING)).collect();
    journals.sort();
    journals.reverse();
    journals
}

fn newest_readable(journals: &[PathBuf]) -> io::Result<Option<Recovered>> {
    for path in journals {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
        if let Some(recovered) = reader::replay(&bytes) {
            return Ok(Some(recovered));
        }
    }
    Ok(None)
}

/// Deletes a session: the newest journal last, so that whatever stays is whole.
pub(super) fn remove(folder: &Path) {
    for journal in journals_of(folder).iter().rev() {
        fs::remove_file(journal).ok();
    }
    if let Err(error) = fs::remove_dir_all(folder) {
        tracing::warn!("an old session stays: {error}: {}", folder.display());
    }
}
