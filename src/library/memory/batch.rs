//! Writing what was made: a batch is written whole or not at all, so no entry is ever without its
//! ids, its key or its picture.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::captions::Caption;
use super::entries::file_name;
use super::fingerprint::Fingerprint;
use super::plan::Task;
use super::snapshot::ids_as_bytes;
use super::store::{model_id, touch};
use super::{MemoryError, MemoryStore, entry_id};
use crate::library::stored_path;
use crate::protocol::{MemoryId, MemoryModel, RememberedId};

/// An entry to write.
#[derive(Debug, Clone)]
pub(super) struct NewEntry {
    pub(super) caption: Caption,
    pub(super) has_own_caption: bool,
    /// As stored.
    pub(super) encoded: Vec<u8>,
    pub(super) fingerprint: Fingerprint,
    pub(super) ids: Vec<u16>,
    pub(super) key: Vec<i8>,
}

/// What came of a file.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    Entry(Box<NewEntry>),
    Duplicate { of: String },
    Problem { reason: String },
}

impl MemoryStore {
    /// Writes what came of files; `n_left` are those that are still to be read. Tells the numbers
    /// of new entries, `None` where there is none or another program was quicker.
    ///
    /// # Errors
    /// [`MemoryError::Gone`] if the memory was taken away.
    pub(super) fn put_batch(
        &mut self,
        memory: MemoryId,
        model: &MemoryModel,
        batch: &[(Task, Outcome)],
        n_left: usize,
    ) -> Result<Vec<Option<RememberedId>>, MemoryError> {
        self.write(|transaction| {
            check_memory(transaction, memory)?;
            let model_id = model_id(transaction, model)?;
            let mut ids = Vec::with_capacity(batch.len());
            for (task, outcome) in batch {
                ids.push(put_outcome(transaction, memory, model_id, task, outcome)?);
            }
            let sql = "UPDATE memories SET n_left = ?2 WHERE id = ?1";
            transaction.prepare_cached(sql)?.execute(params![memory.0, n_left as i64])?;
            touch(transaction, memory)?;
            Ok(ids)
        })
    }

    /// Writes an entry that was made of no file.
    ///
    /// # Errors
    /// [`MemoryError::Gone`] if the memory was taken away.
    pub(super) fn put_loose(
        &mut self,
        memory: MemoryId,
        model: &MemoryModel,
        name: &str,
        entry: &NewEntry,
    ) -> Result<RememberedId, MemoryError> {
        self.write(|transaction| {
            check_memory(transaction, memory)?;
            let model_id = model_id(transaction, model)?;
            let id = insert(transaction, memory, Some(model_id), None, name, entry)?;
            touch(transaction, memory)?;
            Ok(id)
        })
    }
}

fn check_memory(transaction: &Transaction<'_>, memory: MemoryId) -> Result<(), MemoryError> {
    let sql = "SELECT 1 FROM memories WHERE id = ?1 AND removed_at IS NULL";
    let found = transaction.prepare_cached(sql)?.query_row([memory.0], |_row| Ok(())).optional()?;
    found.ok_or(MemoryError::Gone)
}

fn put_outcome(
    transaction: &Transaction<'_>,
    memory: MemoryId,
    model_id: i64,
    task: &Task,
    outcome: &Outcome,
) -> Result<Option<RememberedId>, MemoryError> {
    let path = stored_path::to_bytes(&task.path);
    let (kind, reason) = match outcome {
        Outcome::Entry(entry) => {
            let forget = "DELETE FROM memory_seen WHERE memory_id = ?1 AND path = ?2";
            transaction.prepare_cached(forget)?.execute(params![memory.0, path])?;
            if let Some(renews) = &task.renews {
                let is_there = renew(transaction, renews.id, model_id, task, entry)?;
                return Ok(is_there.then_some(renews.id));
            }
            let taken = "SELECT 1 FROM memory_entries
                 WHERE memory_id = ?1 AND path = ?2 AND removed_at IS NULL";
            let taken = transaction
                .prepare_cached(taken)?
                .query_row(params![memory.0, path], |_row| Ok(()))
                .optional()?;
            if taken.is_some() {
                return Ok(None);
            }
            let name = file_name(&task.path);
            return Ok(Some(insert(
                transaction,
                memory,
                Some(model_id),
                Some(task),
                &name,
                entry,
            )?));
        }
        Outcome::Duplicate { of } => ("duplicate", of),
        Outcome::Problem { reason } => ("problem", reason),
    };
    // An entry whose file cannot be read any more stays as it is; only the file is noted.
    let sql = "INSERT OR REPLACE INTO memory_seen
         (memory_id, path, n_bytes, modified_ns, outcome, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let version = task.version;
    transaction.prepare_cached(sql)?.execute(params![
        memory.0,
        path,
        version.n_bytes,
        version.modified_ns,
        kind,
        reason,
    ])?;
    if let Some(renews) = &task.renews {
        let sql = "UPDATE memory_entries SET n_bytes = ?2, modified_ns = ?3 WHERE id = ?1";
        transaction.prepare_cached(sql)?.execute(params![
            renews.id.0,
            version.n_bytes,
            version.modified_ns
        ])?;
    }
    Ok(None)
}

/// Writes an entry with its codes and its picture.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    memory: MemoryId,
    model_id: Option<i64>,
    task: Option<&Task>,
    name: &str,
    entry: &NewEntry,
) -> rusqlite::Result<RememberedId> {
    let sql = "INSERT INTO memory_entries (memory_id, entry, caption, has_own_caption, source,
             licence, path, name, n_bytes, modified_ns, fingerprint, model_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) RETURNING id";
    let version = task.map(|task| task.version);
    let values = params![
        memory.0,
        entry_id(&entry.ids).0.cast_signed(),
        entry.caption.text,
        entry.has_own_caption,
        entry.caption.source,
        entry.caption.licence,
        task.and_then(|task| stored_path::to_bytes(&task.path)),
        name,
        version.map_or(-1, |version| version.n_bytes),
        version.map_or(0, |version| version.modified_ns),
        entry.fingerprint.to_bytes(),
        model_id,
    ];
    let id = transaction.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
    put_codes(transaction, id, &entry.ids, &entry.key)?;
    put_picture(transaction, id, &entry.encoded)?;
    Ok(RememberedId(id))
}

/// Puts what the file shows now in the place of what it showed; false if the entry was taken away.
fn renew(
    transaction: &Transaction<'_>,
    id: RememberedId,
    model_id: i64,
    task: &Task,
    entry: &NewEntry,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE memory_entries SET entry = ?2, caption = ?3, source = ?4, licence = ?5,
             n_bytes = ?6, modified_ns = ?7, fingerprint = ?8, model_id = ?9, is_gone = 0,
             is_key_due = 0
         WHERE id = ?1 AND removed_at IS NULL";
    let n_changed = transaction.prepare_cached(sql)?.execute(params![
        id.0,
        entry_id(&entry.ids).0.cast_signed(),
        entry.caption.text,
        entry.caption.source,
        entry.caption.licence,
        task.version.n_bytes,
        task.version.modified_ns,
        entry.fingerprint.to_bytes(),
        model_id,
    ])?;
    if n_changed > 0 {
        put_codes(transaction, id.0, &entry.ids, &entry.key)?;
        put_picture(transaction, id.0, &entry.encoded)?;
    }
    Ok(n_changed > 0)
}

pub(super) fn put_codes(
    transaction: &Transaction<'_>,
    id: i64,
    ids: &[u16],
    key: &[i8],
) -> rusqlite::Result<()> {
    let key: Vec<u8> = key.iter().map(|value| value.cast_unsigned()).collect();
    let sql = "INSERT OR REPLACE INTO memory_codes (entry_id, ids, key) VALUES (?1, ?2, ?3)";
    transaction.prepare_cached(sql)?.execute(params![id, ids_as_bytes(ids), key])?;
    Ok(())
}

pub(super) fn put_picture(
    transaction: &Transaction<'_>,
    id: i64,
    encoded: &[u8],
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO memory_pictures (entry_id, encoded) VALUES (?1, ?2)";
    transaction.prepare_cached(sql)?.execute(params![id, encoded])?;
    Ok(())
}
