//! Downloads, when the user asks for one and never otherwise. What has come lies beside the target
//! (`.part`), so that a download that was stopped or broken off goes on where it was; the file gets
//! its name only when it is whole and its SHA-256 is right.

mod error;
mod net;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;
use serde::{Deserialize, Serialize};

pub use error::DownloadError;
pub use net::host_of;
use net::{Ask, Head, Message};

use super::machine::free_space;
use crate::imaging::metadata::Sha256;

/// How soon a stop is heeded.
const TICK: Duration = Duration::from_millis(20);
/// Room that is left on the disk.
const SPARE: u64 = 64 << 20;
/// Connections that break off after something came are tried again this often.
const MAX_TRIES: usize = 5;
const PIECE: usize = 1 << 20;

/// A file to get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub url: String,
    pub target: PathBuf,
    /// The beginning of the SHA-256, or all of it; empty if it is not known.
    pub sha256: String,
}

/// How far a download is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub n_done: u64,
    pub n_total: Option<u64>,
}

/// A file that has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    pub path: PathBuf,
    pub n_bytes: u64,
    pub sha256: String,
    /// The hash was compared with one that is published.
    pub is_checked: bool,
}

/// What is kept of an unfinished download, beside what has come of it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Note {
    url: String,
    version: Option<String>,
    n_total: Option<u64>,
    sha256: Option<String>,
}

/// Gets a file. `go_on` is asked many times a second; once it says no, the download ends with
/// [`DownloadError::Stopped`] and can be gone on with later.
///
/// # Errors
/// [`DownloadError`], which says what to do.
pub fn download(
    order: &Order,
    go_on: &dyn Fn() -> bool,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Downloaded, DownloadError> {
    if order.target.exists() {
        return Err(DownloadError::Exists { path: order.target.clone() });
    }
    let mut part = Part::open(order)?;
    for n_try in 1.. {
        let n_before = part.n_bytes;
        match part.run(order, go_on, on_progress) {
            Ok(()) => break,
            Err(error) if error.is_passing() && part.n_bytes > n_before && n_try < MAX_TRIES => {}
            Err(error) => return Err(error),
        }
    }
    part.finish(order)
}

/// What has come so far.
struct Part {
    path: PathBuf,
    note_path: PathBuf,
    note: Note,
    file: File,
    n_bytes: u64,
    hash: Sha256,
    /// The bytes on the disk are in the hash.
    is_hashed: bool,
}

impl Part {
    fn open(order: &Order) -> Result<Self, DownloadError> {
        let path = beside(&order.target, "part");
        let note_path = beside(&order.target, "part.json");
        let written = |source| DownloadError::Write { path: path.clone(), source };
        if let Some(folder) = order.target.parent() {
            fs::create_dir_all(folder).map_err(written)?;
        }
        let note = fs::read(&note_path).ok().and_then(|json| serde_json::from_slice(&json).ok());
        let note: Note = note.unwrap_or_default();
        let options = OpenOptions::new().read(true).append(true).create(true).clone();
        let file = options.open(&path).map_err(written)?;
        let n_bytes = file.metadata().map_err(written)?.len();
        let mut part = Self {
            note_path,
            note,
            file,
            n_bytes,
            hash: Sha256::default(),
            is_hashed: n_bytes == 0,
            path: path.clone(),
        };
        if part.note.url != order.url && n_bytes > 0 {
            // It is of another file, or nobody knows of which.
            part.begin_anew().map_err(written)?;
        }
        part.note.url.clone_from(&order.url);
        Ok(part)
    }

    /// One connection.
    fn run(
        &mut self,
        order: &Order,
        go_on: &dyn Fn() -> bool,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<(), DownloadError> {
        if !self.is_hashed {
            self.hash_again(go_on, on_progress)?;
        }
        let from = (self.n_bytes > 0).then(|| (self.n_bytes, self.note.version.clone()));
        let asked_for_part = from.is_some();
        let messages = net::fetch(Ask { url: order.url.clone(), from })
            .map_err(|source| self.write_error(source))?;
        let mut has_head = false;
        loop {
            if !go_on() {
                return Err(DownloadError::Stopped);
            }
            match messages.recv_timeout(TICK) {
                // So that what is shown keeps up, and the speed of a silent server falls.
                Err(RecvTimeoutError::Timeout) => on_progress(self.progress()),
                Ok(Message::Head(head)) => {
                    has_head = true;
                    match self.begin(&head, asked_for_part, order)? {
                        Begun::Content => {}
                        Begun::Whole => return Ok(()),
                        Begun::Anew => {
                            self.begin_anew().map_err(|source| self.write_error(source))?;
                            return self.run(order, go_on, on_progress);
                        }
                    }
                }
                Ok(Message::Piece(piece)) => {
                    self.file.write_all(&piece).map_err(|source| self.write_error(source))?;
                    self.hash.update(&piece);
                    self.n_bytes += piece.len() as u64;
                    on_progress(self.progress());
                }
                Ok(Message::End) => break,
                Ok(Message::Error(DownloadError::BrokeOff { reason, .. })) => {
                    return Err(DownloadError::BrokeOff { n_bytes: self.n_bytes, reason });
                }
                Ok(Message::Error(error)) => return Err(error),
                Err(RecvTimeoutError::Disconnected) => {
                    let reason = "the thread of the network ended".to_owned();
                    return Err(DownloadError::BrokeOff { n_bytes: self.n_bytes, reason });
                }
            }
        }
        match self.note.n_total {
            Some(n_total) if n_total != self.n_bytes || !has_head => {
                let reason = format!("{} of {n_total} bytes came", self.n_bytes);
                Err(DownloadError::BrokeOff { n_bytes: self.n_bytes, reason })
            }
            _ => Ok(()),
        }
    }

    /// Looks at what the server says before its content.
    fn begin(
        &mut self,
        head: &Head,
        asked_for_part: bool,
        order: &Order,
    ) -> Result<Begun, DownloadError> {
        let Head { host, status, .. } = head.clone();
        let total_before = self.note.n_total;
        match status {
            200 => {
                if asked_for_part {
                    // The file has changed, or the server knows no parts.
                    self.begin_anew().map_err(|source| self.write_error(source))?;
                }
                self.note.n_total = head.n_content.or(head.linked_size);
            }
            206 => {
                let (start, size) = head.range.unwrap_or((u64::MAX, None));
                let is_other = total_before.is_some() && size.is_some() && total_before != size;
                if start != self.n_bytes || is_other {
                    return Ok(Begun::Anew);
                }
                let rest = head.n_content.map(|n| n + start);
                self.note.n_total = size.or(rest).or(total_before);
            }
            416 if asked_for_part => {
                let is_whole = head.size == Some(self.n_bytes);
                return Ok(if is_whole { Begun::Whole } else { Begun::Anew });
            }
            401 | 403 => {
                return Err(DownloadError::Forbidden { host, status, url: order.url.clone() });
            }
            404 | 410 => return Err(DownloadError::Gone { host, url: order.url.clone() }),
            429 => return Err(DownloadError::TooMany { host, seconds: head.retry_after }),
            500..=599 => return Err(DownloadError::OutOfOrder { host, status }),
            other => {
                let reason = format!("status {other}");
                return Err(DownloadError::Confused { host, reason });
            }
        }
        self.note.version.clone_from(&head.version);
        if head.linked_sha256.is_some() {
            self.note.sha256.clone_from(&head.linked_sha256);
        }
        self.check_room(order)?;
        // Without the note, going on is not possible, but the download is.
        if let Ok(json) = serde_json::to_vec(&self.note)
            && let Err(error) = fs::write(&self.note_path, json)
        {
            tracing::warn!("an unfinished download cannot be noted: {error}");
        }
        Ok(Begun::Content)
    }

    fn check_room(&self, order: &Order) -> Result<(), DownloadError> {
        let folder = order.target.parent().unwrap_or(Path::new("."));
        let Some(n_total) = self.note.n_total else { return Ok(()) };
        let Some(n_free) = free_space(folder) else { return Ok(()) };
        let n_needed = n_total.saturating_sub(self.n_bytes).saturating_add(SPARE);
        if n_needed > n_free {
            return Err(DownloadError::NoRoom { n_needed, n_free, folder: folder.to_owned() });
        }
        Ok(())
    }

    /// Reads what came earlier, for the hash.
    fn hash_again(
        &mut self,
        go_on: &dyn Fn() -> bool,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<(), DownloadError> {
        let mut file = File::open(&self.path).map_err(|source| self.write_error(source))?;
        let mut piece = vec![0; PIECE];
        self.hash = Sha256::default();
        loop {
            if !go_on() {
                return Err(DownloadError::Stopped);
            }
            match file.read(&mut piece).map_err(|source| self.write_error(source))? {
                0 => break,
                n => self.hash.update(&piece[..n]),
            }
        }
        self.is_hashed = true;
        on_progress(self.progress());
        Ok(())
    }

    fn begin_anew(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.n_bytes = 0;
        self.hash = Sha256::default();
        self.is_hashed = true;
        self.note = Note { url: std::mem::take(&mut self.note.url), ..Note::default() };
        Ok(())
    }

    /// Compares the hash and gives the file its name.
    fn finish(self, order: &Order) -> Result<Downloaded, DownloadError> {
        let found = self.hash.clone().finish();
        let stated = self.note.sha256.clone().unwrap_or_default();
        let is_wrong = |expected: &str| !found.starts_with(&expected.to_lowercase());
        if let Some(expected) =
            [order.sha256.as_str(), &stated].into_iter().find(|expected| is_wrong(expected))
        {
            let expected = expected.to_owned();
            fs::remove_file(&self.path).ok();
            fs::remove_file(&self.note_path).ok();
            return Err(DownloadError::WrongHash { expected, found });
        }
        self.file.sync_all().map_err(|source| self.write_error(source))?;
        if order.target.exists() {
            return Err(DownloadError::Exists { path: order.target.clone() });
        }
        fs::rename(&self.path, &order.target).map_err(|source| self.write_error(source))?;
        fs::remove_file(&self.note_path).ok();
        Ok(Downloaded {
            path: order.target.clone(),
            n_bytes: self.n_bytes,
            sha256: found,
            is_checked: !(order.sha256.is_empty() && stated.is_empty()),
        })
    }

    fn progress(&self) -> Progress {
        Progress { n_done: self.n_bytes, n_total: self.note.n_total }
    }

    fn write_error(&self, source: io::Error) -> DownloadError {
        if source.kind() == io::ErrorKind::StorageFull {
            let folder = self.path.parent().unwrap_or(Path::new("."));
            return DownloadError::NoRoom {
                n_needed: self.note.n_total.unwrap_or(0).saturating_sub(self.n_bytes),
                n_free: free_space(folder).unwrap_or(0),
                folder: folder.to_owned(),
            };
        }
        DownloadError::Write { path: self.path.clone(), source }
    }
}

/// What to do after the head of an answer.
enum Begun {
    /// Take what comes.
    Content,
    /// There is nothing left to come.
    Whole,
    /// Ask again, from the beginning.
    Anew,
}

/// The same name with another ending behind its own.
fn beside(target: &Path, ending: &str) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}
