//! What is to be added to a memory, and what is known of its files. A job is a folder or a file with
//! the wishes it came with; it stands in the database before the first file is read, so adding goes
//! on after whatever ended it, and a comparison with the folders knows them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension as _, params};

use super::fingerprint::{Fingerprint, Fingerprints};
use super::store::touch;
use super::{MemoryError, MemoryStore};
use crate::library::stored_path;
use crate::protocol::{AddPictures, Captions, MemoryId, RememberedId};

/// A folder or file of a memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) path: PathBuf,
    pub(super) captions: Captions,
    pub(super) removes_background: bool,
    pub(super) is_pending: bool,
}

/// Which version of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FileVersion {
    pub(super) n_bytes: i64,
    /// Nanoseconds since 1970.
    pub(super) modified_ns: i64,
}

/// A file that was dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownFile {
    pub(super) version: FileVersion,
    /// `None` for a file that gave no entry.
    pub(super) entry: Option<KnownEntryFile>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownEntryFile {
    pub(super) id: RememberedId,
    pub(super) is_gone: bool,
    /// A caption that was written by hand, which stays whatever becomes of the file.
    pub(super) own_caption: Option<String>,
}

impl MemoryStore {
    /// Notes down what is to be added; [`super::Adder`] does it. What was once taken away may come
    /// back by this.
    ///
    /// # Errors
    /// [`MemoryError::Gone`] if there is no such memory.
    pub fn note_jobs(&mut self, add: &AddPictures) -> Result<(), MemoryError> {
        let AddPictures { memory, paths, captions, removes_background } = add;
        if paths.is_empty() {
            return Err(MemoryError::NothingToAdd);
        }
        let (kind, table) = match captions {
            Captions::FileNames => ("names", None),
            Captions::TextFiles => ("sidecar", None),
            Captions::Table(path) => ("table", stored_path::to_bytes(&absolute(path))),
        };
        self.write(|transaction| {
            let exists = "SELECT 1 FROM memories WHERE id = ?1 AND removed_at IS NULL";
            if transaction.query_row(exists, [memory.0], |_row| Ok(())).optional()?.is_none() {
                return Err(MemoryError::Gone);
            }
            for path in paths.iter().map(|path| absolute(path)) {
                let Some(bytes) = stored_path::to_bytes(&path) else { continue };
                let is_folder = path.is_dir();
                let job = "INSERT INTO memory_jobs (memory_id, path, is_folder, captions,
                         captions_table, removes_background, is_pending)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1)
                     ON CONFLICT (memory_id, path) DO UPDATE SET is_folder = excluded.is_folder,
                         captions = excluded.captions, captions_table = excluded.captions_table,
                         removes_background = excluded.removes_background, is_pending = 1";
                transaction.prepare_cached(job)?.execute(params![
                    memory.0,
                    bytes,
                    is_folder,
                    kind,
                    table,
                    removes_background,
                ])?;
                let mut inside = bytes.clone();
                inside.extend_from_slice(std::path::MAIN_SEPARATOR_STR.as_bytes());
                let back = "DELETE FROM memory_seen WHERE memory_id = ?1 AND outcome = 'removed'
                     AND (path = ?2 OR substr(path, 1, length(?3)) = ?3)";
                transaction.prepare_cached(back)?.execute(params![memory.0, bytes, inside])?;
            }
            Ok(())
        })
    }

    /// Memories to which adding was not finished.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub(super) fn unfinished(&self) -> Result<Vec<MemoryId>, MemoryError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT memory_id FROM memory_jobs
             JOIN memories ON memories.id = memory_id AND removed_at IS NULL
             WHERE is_pending ORDER BY memory_id",
        )?;
        let memories = statement.query_map([], |row| Ok(MemoryId(row.get(0)?)))?;
        Ok(memories.collect::<Result<_, _>>()?)
    }

    /// All folders and files of a memory, in the order in which they were added.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub(super) fn jobs(&self, memory: MemoryId) -> Result<Vec<Job>, MemoryError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT path, captions, captions_table, removes_background, is_pending
             FROM memory_jobs WHERE memory_id = ?1 ORDER BY id",
        )?;
        let jobs = statement.query_map([memory.0], |row| {
            let table: Option<Vec<u8>> = row.get(2)?;
            let captions = match (row.get_ref(1)?.as_str()?, table) {
                ("table", Some(table)) => Captions::Table(stored_path::from_bytes(table)),
                ("sidecar", _) => Captions::TextFiles,
                _ => Captions::FileNames,
            };
            Ok(Job {
                path: stored_path::from_bytes(row.get(0)?),
                captions,
                removes_background: row.get(3)?,
                is_pending: row.get(4)?,
            })
        })?;
        Ok(jobs.collect::<Result<_, _>>()?)
    }

    /// Nothing is left to add to a memory. `missing` are paths at which there is nothing.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub(super) fn end_jobs(
        &mut self,
        memory: MemoryId,
        missing: &[PathBuf],
    ) -> Result<(), MemoryError> {
        self.write(|transaction| {
            for path in missing {
                let sql = "DELETE FROM memory_jobs
                     WHERE memory_id = ?1 AND path = ?2 AND is_pending";
                transaction.execute(sql, params![memory.0, stored_path::to_bytes(path)])?;
            }
            let sql = "UPDATE memory_jobs SET is_pending = 0 WHERE memory_id = ?1";
            transaction.execute(sql, [memory.0])?;
            transaction.execute("UPDATE memories SET n_left = 0 WHERE id = ?1", [memory.0])?;
            Ok(())
        })
    }

    /// # Errors
    /// [`MemoryError::Library`].
    pub(super) fn set_n_left(
        &mut self,
        memory: MemoryId,
        n_left: usize,
    ) -> Result<(), MemoryError> {
        self.write(|transaction| {
            let sql = "UPDATE memories SET n_left = ?2 WHERE id = ?1";
            transaction.execute(sql, params![memory.0, n_left as i64])?;
            Ok(())
        })
    }

    /// What is known of a memory's files, by their stored paths.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub(super) fn known_files(
        &self,
        memory: MemoryId,
    ) -> Result<HashMap<Vec<u8>, KnownFile>, MemoryError> {
        let version = |row: &rusqlite::Row<'_>| {
            Ok::<_, rusqlite::Error>(FileVersion { n_bytes: row.get(1)?, modified_ns: row.get(2)? })
        };
        let mut seen = self.connection.prepare_cached(
            "SELECT path, n_bytes, modified_ns FROM memory_seen WHERE memory_id = ?1",
        )?;
        let mut entries = self.connection.prepare_cached(
            "SELECT path, n_bytes, modified_ns, id, is_gone,
                 CASE WHEN has_own_caption THEN caption END
             FROM memory_entries
             WHERE memory_id = ?1 AND removed_at IS NULL AND path IS NOT NULL",
        )?;
        let mut known: HashMap<_, _> = seen
            .query_map([memory.0], |row| {
                Ok((row.get(0)?, KnownFile { version: version(row)?, entry: None }))
            })?
            .collect::<Result<_, _>>()?;
        let entries = entries.query_map([memory.0], |row| {
            let entry = KnownEntryFile {
                id: RememberedId(row.get(3)?),
                is_gone: row.get(4)?,
                own_caption: row.get(5)?,
            };
            Ok((row.get(0)?, KnownFile { version: version(row)?, entry: Some(entry) }))
        })?;
        for entry in entries {
            let (path, file) = entry?;
            known.insert(path, file);
        }
        Ok(known)
    }

    /// Fingerprints of all entries of a memory.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub(super) fn fingerprints(&self, memory: MemoryId) -> Result<Fingerprints, MemoryError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, fingerprint FROM memory_entries
             WHERE memory_id = ?1 AND removed_at IS NULL ORDER BY id",
        )?;
        let mut rows = statement.query([memory.0])?;
        let mut fingerprints = Fingerprints::default();
        while let Some(row) = rows.next()? {
            let bytes = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            if let Some(fingerprint) = Fingerprint::from_bytes(bytes) {
                fingerprints.push(RememberedId(row.get(0)?), fingerprint);
            }
        }
        Ok(fingerprints)
    }

    /// Follows source files: those that are gone, those that came back, and new names.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub(super) fn follow(
        &mut self,
        memory: MemoryId,
        gone: &[RememberedId],
        back: &[RememberedId],
        renamed: &[(RememberedId, PathBuf)],
    ) -> Result<(), MemoryError> {
        if gone.is_empty() && back.is_empty() && renamed.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let mut set_gone = transaction
                .prepare_cached("UPDATE memory_entries SET is_gone = ?2 WHERE id = ?1")?;
            for (ids, is_gone) in [(gone, true), (back, false)] {
                for id in ids {
                    set_gone.execute(params![id.0, is_gone])?;
                }
            }
            let mut rename = transaction.prepare_cached(
                "UPDATE memory_entries SET path = ?2, name = ?3, is_gone = 0 WHERE id = ?1",
            )?;
            for (id, path) in renamed {
                let name = super::entries::file_name(path);
                rename.execute(params![id.0, stored_path::to_bytes(path), name])?;
            }
            Ok(touch(transaction, memory)?)
        })
    }
}

/// How a path is known later, wherever the program is started.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
