//! A memory as the generator reads it: all entries that were made for its model, in one piece.

use std::sync::Arc;

use rusqlite::params;

use super::{MemoryError, MemoryStore};
use crate::protocol::{EntryId, MemoryId, MemoryModel, OwnEntry, OwnMemory};

/// A snapshot and what it was made of, so that it is made anew only if something has changed.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) memory: Arc<OwnMemory>,
    revision: i64,
}

impl MemoryStore {
    /// What `model` may look at in a memory. Entries that were made for another model are left out
    /// until they are made anew.
    ///
    /// # Errors
    /// [`MemoryError::Gone`] if there is no such memory.
    pub fn snapshot(
        &self,
        memory: MemoryId,
        model: &MemoryModel,
    ) -> Result<Arc<OwnMemory>, MemoryError> {
        let name = self.name(memory)?;
        let n_entries: i64 = self.connection.query_row(
            "SELECT count(*) FROM memory_entries WHERE memory_id = ?1 AND removed_at IS NULL",
            [memory.0],
            |row| row.get(0),
        )?;
        let n_entries = n_entries as usize;
        let mut own = OwnMemory {
            memory,
            name,
            entries: Vec::with_capacity(n_entries),
            keys: Vec::with_capacity(n_entries * model.key_dim),
            key_dim: model.key_dim,
            ids: Vec::with_capacity(n_entries * model.n_tokens),
            n_tokens: model.n_tokens,
        };
        let model_id = self.find_model(model)?;
        let mut statement = self.connection.prepare_cached(
            "SELECT entry, caption, source, name, licence, ids, key FROM memory_entries
             JOIN memory_codes ON entry_id = id
             WHERE memory_id = ?1 AND removed_at IS NULL AND model_id = ?2 ORDER BY id",
        )?;
        let mut rows = statement.query(params![memory.0, model_id])?;
        while let Some(row) = rows.next()? {
            let text = |idx| row.get_ref(idx)?.as_str().map_err(rusqlite::Error::from);
            let blob = |idx| row.get_ref(idx)?.as_blob().map_err(rusqlite::Error::from);
            let (ids, key) = (blob(5)?, blob(6)?);
            // What does not fit the model is damage, and no reason to have nothing.
            if !is_of_model(ids, key, model) {
                continue;
            }
            own.ids.extend(as_ids(ids));
            own.keys.extend(key.iter().map(|value| value.cast_signed()));
            let source = match text(2)? {
                "" => text(3)?,
                source => source,
            };
            own.entries.push(OwnEntry {
                entry: EntryId(row.get::<_, i64>(0)?.cast_unsigned()),
                caption: text(1)?.to_owned(),
                source: source.to_owned(),
                licence: text(4)?.to_owned(),
            });
        }
        Ok(Arc::new(own))
    }

    /// As [`Self::snapshot`]; `before` is taken if nothing has changed since.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    pub(super) fn renewed_snapshot(
        &self,
        memory: MemoryId,
        model: &MemoryModel,
        before: Option<&Kept>,
    ) -> Result<Kept, MemoryError> {
        let sql = "SELECT revision FROM memories WHERE id = ?1";
        // Read first: what comes in between is found the next time.
        let revision = self.connection.query_row(sql, [memory.0], |row| row.get(0))?;
        match before {
            Some(kept) if kept.revision == revision => Ok(kept.clone()),
            _ => Ok(Kept { memory: self.snapshot(memory, model)?, revision }),
        }
    }
}

fn is_of_model(ids: &[u8], key: &[u8], model: &MemoryModel) -> bool {
    ids.len() == 2 * model.n_tokens
        && key.len() == model.key_dim
        && as_ids(ids).all(|id| usize::from(id) < model.codebook_size)
}

/// Ids as they are stored: two bytes each, the low one first.
pub(super) fn as_ids(bytes: &[u8]) -> impl Iterator<Item = u16> + '_ {
    bytes.as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair))
}

pub(super) fn ids_as_bytes(ids: &[u16]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.to_le_bytes()).collect()
}
