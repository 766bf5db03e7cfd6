//! Entries of the memories: listing and searching them, their captions, taking them away.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::{ImageReader, Limits};
use rusqlite::{OptionalExtension as _, Row, ToSql, Transaction, params};

use super::store::touch;
use super::{MemoryError, MemoryStore, captions};
use crate::imaging::{RgbaImage, resample};
use crate::library::query::Search;
use crate::library::{THUMBNAIL_PX, stored_path};
use crate::protocol::{
    AddProblem, EntryId, EntryListing, EntryQuery, KnownEntry, MemoryId, RememberedId,
};

/// Stored pictures have the side that the model wants; more is damage.
const MAX_STORED_PX: u32 = 2048;
const COLUMNS: &str = "id, entry, caption, path, source, licence, is_gone";

impl MemoryStore {
    /// Entries that fit a query, newest first.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub fn list(&self, query: &EntryQuery) -> Result<EntryListing, MemoryError> {
        let empty = EntryListing { query: query.clone(), ..EntryListing::default() };
        let Some(memory) = query.memory else { return Ok(empty) };
        let search = Search::of(&query.text);
        let mut conditions = vec!["memory_id = ?1 AND removed_at IS NULL".to_owned()];
        let mut values: Vec<&dyn ToSql> = vec![&memory.0];
        if query.gone_only {
            conditions.push("is_gone".to_owned());
        }
        if let Some(words) = &search.words {
            values.push(words);
            let found = "SELECT rowid FROM memory_words WHERE memory_words MATCH";
            conditions.push(format!("id IN ({found} ?{})", values.len()));
        }
        for part in &search.parts {
            values.push(part);
            let is_in = format!("LIKE ?{} ESCAPE '\\'", values.len());
            conditions.push(format!("(caption {is_in} OR name {is_in})"));
        }
        let conditions = conditions.join(" AND ");
        let sql =
            format!("SELECT {COLUMNS} FROM memory_entries WHERE {conditions} ORDER BY id DESC");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let entries =
            statement.query_map(values.as_slice(), known)?.collect::<Result<Vec<_>, _>>()?;
        Ok(EntryListing { entries, ..empty })
    }

    /// The entries of this name; a picture may stand in several memories.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub fn find_entries(
        &self,
        memory: MemoryId,
        entry: EntryId,
    ) -> Result<Vec<KnownEntry>, MemoryError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM memory_entries
             WHERE memory_id = ?1 AND entry = ?2 AND removed_at IS NULL ORDER BY id"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let entries = statement.query_map([memory.0, entry.0.cast_signed()], known)?;
        Ok(entries.collect::<Result<_, _>>()?)
    }

    /// The picture of an entry as the model saw it, straight alpha; `None` if it is lost.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub fn picture(&self, id: RememberedId) -> Result<Option<RgbaImage>, MemoryError> {
        let sql = "SELECT encoded FROM memory_pictures WHERE entry_id = ?1";
        let encoded: Option<Vec<u8>> =
            self.connection.prepare_cached(sql)?.query_row([id.0], |row| row.get(0)).optional()?;
        Ok(encoded.and_then(|encoded| decode(&encoded)))
    }

    /// A small picture of an entry; `None` if it is lost.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub fn thumbnail(&self, id: RememberedId) -> Result<Option<RgbaImage>, MemoryError> {
        Ok(self.picture(id)?.map(|picture| resample::at_most(picture, THUMBNAIL_PX)))
    }

    /// # Errors
    /// [`MemoryError::Gone`] if there is no such entry.
    pub(super) fn caption(&self, id: RememberedId) -> Result<String, MemoryError> {
        let sql = "SELECT caption FROM memory_entries WHERE id = ?1";
        let caption = self.connection.prepare_cached(sql)?.query_row([id.0], |row| row.get(0));
        caption.optional()?.ok_or(MemoryError::Gone)
    }

    /// Files of a memory that could not be read when they were last tried.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub fn problems(&self, memory: MemoryId) -> Result<Vec<AddProblem>, MemoryError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT path, reason FROM memory_seen
             WHERE memory_id = ?1 AND outcome = 'problem' ORDER BY path",
        )?;
        let problems = statement.query_map([memory.0], |row| {
            Ok(AddProblem { path: stored_path::from_bytes(row.get(0)?), reason: row.get(1)? })
        })?;
        Ok(problems.collect::<Result<_, _>>()?)
    }

    /// Another caption, written by hand; its key is made when the encoder is at hand.
    ///
    /// # Errors
    /// [`MemoryError::Gone`] if there is no such entry.
    pub fn set_caption(&mut self, id: RememberedId, caption: &str) -> Result<(), MemoryError> {
        let caption = captions::tidy(caption);
        self.write(|transaction| {
            let memory = memory_of(transaction, id)?.ok_or(MemoryError::Gone)?;
            let sql = "UPDATE memory_entries SET caption = ?2, has_own_caption = 1, is_key_due = 1
                       WHERE id = ?1 AND caption != ?2";
            transaction.execute(sql, params![id.0, caption])?;
            Ok(touch(transaction, memory)?)
        })
    }

    /// Takes entries away; [`Self::put_back`] brings them back until they are purged. Their files
    /// are not added again by a comparison with the folders.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub fn remove(&mut self, ids: &[RememberedId]) -> Result<usize, MemoryError> {
        self.write(|transaction| {
            let mut n_removed = 0;
            for id in ids {
                let Some(memory) = memory_of(transaction, *id)? else { continue };
                let seen = "INSERT OR REPLACE INTO memory_seen
                     (memory_id, path, n_bytes, modified_ns, outcome, reason)
                     SELECT memory_id, path, n_bytes, modified_ns, 'removed', ''
                     FROM memory_entries WHERE id = ?1 AND removed_at IS NULL AND path IS NOT NULL";
                transaction.prepare_cached(seen)?.execute([id.0])?;
                let sql = "UPDATE memory_entries SET removed_at = unixepoch()
                           WHERE id = ?1 AND removed_at IS NULL";
                n_removed += transaction.prepare_cached(sql)?.execute([id.0])?;
                touch(transaction, memory)?;
            }
            Ok(n_removed)
        })
    }

    /// Brings entries back that were taken away and not yet purged.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub fn put_back(&mut self, ids: &[RememberedId]) -> Result<usize, MemoryError> {
        self.write(|transaction| {
            let mut n_back = 0;
            for id in ids {
                let Some(memory) = memory_of(transaction, *id)? else { continue };
                let seen = "DELETE FROM memory_seen WHERE memory_id = ?2 AND outcome = 'removed'
                     AND path = (SELECT path FROM memory_entries WHERE id = ?1)";
                transaction.prepare_cached(seen)?.execute([id.0, memory.0])?;
                let sql = "UPDATE memory_entries SET removed_at = NULL
                           WHERE id = ?1 AND removed_at IS NOT NULL";
                n_back += transaction.prepare_cached(sql)?.execute([id.0])?;
                touch(transaction, memory)?;
            }
            Ok(n_back)
        })
    }
}

fn known(row: &Row<'_>) -> rusqlite::Result<KnownEntry> {
    let path: Option<Vec<u8>> = row.get(3)?;
    Ok(KnownEntry {
        id: RememberedId(row.get(0)?),
        entry: EntryId(row.get::<_, i64>(1)?.cast_unsigned()),
        caption: row.get(2)?,
        path: path.map(stored_path::from_bytes).unwrap_or_default(),
        source: row.get(4)?,
        licence: row.get(5)?,
        is_gone: row.get(6)?,
    })
}

fn memory_of(
    transaction: &Transaction<'_>,
    id: RememberedId,
) -> rusqlite::Result<Option<MemoryId>> {
    let sql = "SELECT memory_id FROM memory_entries WHERE id = ?1";
    let memory = transaction.prepare_cached(sql)?.query_row([id.0], |row| row.get(0)).optional()?;
    Ok(memory.map(MemoryId))
}

/// A stored picture; `None` for anything else.
pub(super) fn decode(encoded: &[u8]) -> Option<RgbaImage> {
    let read = || {
        let mut reader = ImageReader::new(Cursor::new(encoded)).with_guessed_format().ok()?;
        let mut limits = Limits::default();
        limits.max_image_width = Some(MAX_STORED_PX);
        limits.max_image_height = Some(MAX_STORED_PX);
        reader.limits(limits);
        Some(reader.decode().ok()?.into_rgba8())
    };
    // A damaged database must not end the thread.
    catch_unwind(AssertUnwindSafe(read)).ok().flatten()
}

/// Name of a file for people.
pub(super) fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
