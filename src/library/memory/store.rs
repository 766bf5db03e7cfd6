//! The memories in the database: opening it whatever has become of its file, and the memories
//! themselves. Entries are in `entries`, jobs in `jobs`.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, Transaction, params};

use super::MemoryError;
use crate::library::database::read_only_uri;
use crate::library::{Era, Kept, Library, LibraryError, LibraryWarning, Opened, schema};
use crate::protocol::{KnownMemory, MemoryId, MemoryModel};

/// Greatest length of a memory's name.
pub(super) const MAX_NAME_CHARS: usize = 60;
/// What was taken away can be put back for so long, also by a window that stays open.
const KEPT_REMOVED_SECS: i64 = 24 * 60 * 60;
/// Entries that are purged in one go.
const PURGE_STEP: usize = 200;

const NOT_WRITABLE: &str = "Your memories cannot be written, so they stay as they are";
const LOCKED: &str =
    "Another program holds your memories, so they cannot be changed now; close it or wait";
const NEWER: &str = "A newer Underpaint wrote your memories; update to use them";
const UNUSABLE: &str = "Your memories cannot be used";

/// What can be done with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Full,
    ReadOnly,
    /// It looks empty.
    Closed,
}

/// A database that can be used in some way.
#[derive(Debug)]
pub struct OpenedStore {
    pub store: MemoryStore,
    pub warning: Option<LibraryWarning>,
}

/// The user's memories.
#[derive(Debug)]
pub struct MemoryStore {
    pub(super) connection: Connection,
    access: Access,
    /// Why it cannot be written.
    refusal: &'static str,
    era: Option<Era>,
}

impl MemoryStore {
    /// Opens the database at `path`, or makes one. A damaged file is set aside, and what can be read
    /// of it is saved; one that cannot be written, is locked or comes from a newer program is left
    /// alone.
    ///
    /// # Errors
    /// If SQLite cannot even work in memory.
    pub fn open(path: &Path) -> Result<OpenedStore, MemoryError> {
        match Library::open_writable(path) {
            Ok(opened) => Self::opened(opened),
            Err(error) => Self::without_writing(path, &error),
        }
    }

    /// After damage that showed in use: see [`Library::replace`].
    ///
    /// # Errors
    /// If SQLite cannot even work in memory.
    pub(super) fn replace(
        self,
        path: &Path,
        error: &LibraryError,
    ) -> Result<OpenedStore, MemoryError> {
        let Some(era) = self.era else { return Self::open(path) };
        drop(self);
        Self::opened(Library::replace(path, error, era)?)
    }

    fn opened(Opened { library, kept, warning }: Opened) -> Result<OpenedStore, MemoryError> {
        if kept == Kept::InMemory {
            let details = warning.map_or_else(String::new, |warning| warning.details);
            return Self::closed(UNUSABLE, details);
        }
        let era = Some(library.era());
        let store = Self { connection: library.connection, access: Access::Full, refusal: "", era };
        Ok(OpenedStore { store, warning })
    }

    fn without_writing(path: &Path, error: &LibraryError) -> Result<OpenedStore, MemoryError> {
        let details = format!("{error}: {}", path.display());
        let headline = match error {
            // Tables of a newer version may mean anything.
            LibraryError::Newer { .. } => return Self::closed(NEWER, details),
            error if error.is_busy() => LOCKED,
            _ => NOT_WRITABLE,
        };
        // Without a writable folder a journal of this kind can be read only as if nobody wrote;
        // a file that somebody holds is not read so.
        let modes: &[&str] =
            if error.is_busy() { &["mode=ro"] } else { &["mode=ro", "immutable=1"] };
        for mode in modes {
            match Self::read_only(path, mode) {
                Ok(connection) => {
                    let access = Access::ReadOnly;
                    let store = Self { connection, access, refusal: headline, era: None };
                    let warning = Some(LibraryWarning { headline, details });
                    return Ok(OpenedStore { store, warning });
                }
                Err(error) => tracing::debug!("{error}: {}", path.display()),
            }
        }
        Self::closed(headline, details)
    }

    fn read_only(path: &Path, mode: &str) -> Result<Connection, LibraryError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(read_only_uri(path, mode), flags)?;
        connection.busy_timeout(Duration::from_millis(200))?;
        let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version == schema::VERSION {
            Ok(connection)
        } else {
            Err(LibraryError::Newer { version })
        }
    }

    fn closed(headline: &'static str, details: String) -> Result<OpenedStore, MemoryError> {
        let mut connection = Connection::open_in_memory()?;
        schema::migrate(&mut connection)?;
        let store = Self { connection, access: Access::Closed, refusal: headline, era: None };
        Ok(OpenedStore { store, warning: Some(LibraryWarning { headline, details }) })
    }

    pub fn access(&self) -> Access {
        self.access
    }

    /// Another program holds it; later may do.
    pub(super) fn is_held(&self) -> bool {
        self.refusal == LOCKED
    }

    /// Changes whenever another connection has written.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub(super) fn version_of_others(&self) -> Result<i64, MemoryError> {
        Ok(self.connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// All of it happens or nothing.
    ///
    /// # Errors
    /// [`MemoryError::NotWritable`], and what `work` reports.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, MemoryError>,
    ) -> Result<T, MemoryError> {
        if self.access != Access::Full {
            return Err(MemoryError::NotWritable(self.refusal.to_owned()));
        }
        let behavior = rusqlite::TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    /// All memories, in the order in which they were made. Entries of another model than `model`
    /// count as outdated.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub fn memories(&self, model: Option<&MemoryModel>) -> Result<Vec<KnownMemory>, MemoryError> {
        let model_id = model.map(|model| self.find_model(model)).transpose()?;
        // Before the model is known nothing counts as outdated.
        let is_outdated = match model_id {
            None => "0".to_owned(),
            Some(None) => "1".to_owned(),
            Some(Some(id)) => format!("model_id IS NOT {id}"),
        };
        let sql = format!(
            "SELECT memory_id, count(*), sum(is_gone), sum({is_outdated}) FROM memory_entries
             WHERE removed_at IS NULL GROUP BY memory_id"
        );
        let counts: HashMap<i64, [i64; 3]> = self
            .connection
            .prepare_cached(&sql)?
            .query_map([], |row| Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?])))?
            .collect::<Result<_, _>>()?;
        let mut statement = self.connection.prepare_cached(
            "SELECT id, name, is_on, n_left,
                 EXISTS (SELECT 1 FROM memory_jobs WHERE memory_id = memories.id AND is_pending),
                 (SELECT count(*) FROM memory_seen
                  WHERE memory_id = memories.id AND outcome = 'problem')
             FROM memories WHERE removed_at IS NULL ORDER BY id",
        )?;
        let memories = statement.query_map([], |row| {
            let id = row.get(0)?;
            let [n_entries, n_gone, n_outdated] = counts.get(&id).copied().unwrap_or_default();
            let (n_left, is_pending): (i64, bool) = (row.get(3)?, row.get(4)?);
            Ok(KnownMemory {
                memory: MemoryId(id),
                name: row.get(1)?,
                is_on: row.get(2)?,
                n_entries: n_entries as usize,
                n_gone: n_gone as usize,
                n_waiting: if is_pending { n_left.max(1) as usize } else { 0 },
                n_outdated: n_outdated as usize,
                n_problems: row.get::<_, i64>(5)? as usize,
            })
        })?;
        Ok(memories.collect::<Result<_, _>>()?)
    }

    /// The memory of this name, whatever its case.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub fn find(&self, name: &str) -> Result<Option<MemoryId>, MemoryError> {
        let sql = "SELECT id FROM memories WHERE name = ?1 COLLATE NOCASE AND removed_at IS NULL";
        let id = self.connection.query_row(sql, [name.trim()], |row| row.get(0)).optional()?;
        Ok(id.map(MemoryId))
    }

    /// # Errors
    /// [`MemoryError::Gone`] if there is no such memory.
    pub fn name(&self, memory: MemoryId) -> Result<String, MemoryError> {
        let sql = "SELECT name FROM memories WHERE id = ?1 AND removed_at IS NULL";
        let name = self.connection.query_row(sql, [memory.0], |row| row.get(0)).optional()?;
        name.ok_or(MemoryError::Gone)
    }

    /// # Errors
    /// [`MemoryError::BadName`] or [`MemoryError::NameTaken`].
    pub fn create(&mut self, name: &str) -> Result<MemoryId, MemoryError> {
        let name = checked_name(name)?;
        self.write(|transaction| {
            let sql = "INSERT INTO memories (name) VALUES (?1) RETURNING id";
            let id = transaction.query_row(sql, [&name], |row| row.get(0));
            id.map(MemoryId).map_err(|error| taken(error, &name))
        })
    }

    /// # Errors
    /// [`MemoryError::BadName`] or [`MemoryError::NameTaken`].
    pub fn rename(&mut self, memory: MemoryId, name: &str) -> Result<(), MemoryError> {
        let name = checked_name(name)?;
        self.write(|transaction| {
            let sql = "UPDATE memories SET name = ?2, revision = revision + 1
                       WHERE id = ?1 AND removed_at IS NULL";
            let renamed = transaction.execute(sql, params![memory.0, name]);
            found(renamed.map_err(|error| taken(error, &name))?)
        })
    }

    /// Whether the generator looks into it.
    ///
    /// # Errors
    /// [`MemoryError::Gone`] if there is no such memory.
    pub fn switch(&mut self, memory: MemoryId, is_on: bool) -> Result<(), MemoryError> {
        self.write(|transaction| {
            let sql = "UPDATE memories SET is_on = ?2 WHERE id = ?1 AND removed_at IS NULL";
            found(transaction.execute(sql, params![memory.0, is_on])?)
        })
    }

    /// Takes a memory away; [`Self::restore`] brings it back until it is purged.
    ///
    /// # Errors
    /// [`MemoryError::Gone`] if there is no such memory.
    pub fn delete(&mut self, memory: MemoryId) -> Result<(), MemoryError> {
        self.write(|transaction| {
            let sql = "UPDATE memories SET removed_at = unixepoch()
                       WHERE id = ?1 AND removed_at IS NULL";
            found(transaction.execute(sql, [memory.0])?)
        })
    }

    /// Brings a memory back, under another name if its own was given away since.
    ///
    /// # Errors
    /// [`MemoryError::Gone`] if it was purged.
    pub fn restore(&mut self, memory: MemoryId) -> Result<(), MemoryError> {
        self.write(|transaction| {
            let sql = "SELECT name FROM memories WHERE id = ?1";
            let name: Option<String> =
                transaction.query_row(sql, [memory.0], |row| row.get(0)).optional()?;
            let name = free_name(transaction, &name.ok_or(MemoryError::Gone)?)?;
            let sql = "UPDATE memories SET removed_at = NULL, name = ?2 WHERE id = ?1";
            found(transaction.execute(sql, params![memory.0, name])?)
        })
    }

    /// Deletes for good what was taken away long ago, for a moment; false once nothing is left.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub fn purge(&mut self) -> Result<bool, MemoryError> {
        self.purge_before(KEPT_REMOVED_SECS)
    }

    /// As [`Self::purge`], whatever was taken away.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub fn purge_all(&mut self) -> Result<(), MemoryError> {
        while self.purge_before(-1)? {}
        Ok(())
    }

    fn purge_before(&mut self, n_secs: i64) -> Result<bool, MemoryError> {
        self.write(|transaction| {
            let entries = "DELETE FROM memory_entries WHERE id IN (
                 SELECT id FROM memory_entries
                 WHERE removed_at < unixepoch() - ?1 OR memory_id IN (
                     SELECT id FROM memories WHERE removed_at < unixepoch() - ?1)
                 LIMIT ?2)";
            let n_entries = transaction.execute(entries, params![n_secs, PURGE_STEP as i64])?;
            if n_entries > 0 {
                return Ok(true);
            }
            let memories = "DELETE FROM memories WHERE removed_at < unixepoch() - ?1";
            transaction.execute(memories, [n_secs])?;
            Ok(false)
        })
    }

    /// The number of a model, if any entry was made for it.
    ///
    /// # Errors
    /// [`MemoryError::Library`].
    pub(super) fn find_model(&self, model: &MemoryModel) -> Result<Option<i64>, MemoryError> {
        Ok(find_model(&self.connection, model)?)
    }
}

fn find_model(connection: &Connection, model: &MemoryModel) -> rusqlite::Result<Option<i64>> {
    // All that codes depend on, so that no file from elsewhere can pass ids for this model's.
    let sql = "SELECT id FROM memory_models WHERE mark = ?1 AND image_size_px = ?2
               AND n_tokens = ?3 AND codebook_size = ?4 AND key_dim = ?5";
    connection.prepare_cached(sql)?.query_row(params_of(model), |row| row.get(0)).optional()
}

fn params_of(model: &MemoryModel) -> (&str, i64, i64, i64, i64) {
    let MemoryModel { mark, image_size_px, n_tokens, codebook_size, key_dim } = model;
    let number = |number: &usize| *number as i64;
    (mark, number(image_size_px), number(n_tokens), number(codebook_size), number(key_dim))
}

/// The number of a model, a new one if need be.
pub(super) fn model_id(
    transaction: &Transaction<'_>,
    model: &MemoryModel,
) -> rusqlite::Result<i64> {
    if let Some(id) = find_model(transaction, model)? {
        return Ok(id);
    }
    let sql = "INSERT INTO memory_models (mark, image_size_px, n_tokens, codebook_size, key_dim)
               VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id";
    transaction.query_row(sql, params_of(model), |row| row.get(0))
}

/// The generator must read this memory anew.
pub(super) fn touch(transaction: &Transaction<'_>, memory: MemoryId) -> rusqlite::Result<()> {
    let sql = "UPDATE memories SET revision = revision + 1 WHERE id = ?1";
    transaction.prepare_cached(sql)?.execute([memory.0])?;
    Ok(())
}

/// `name`, or `name 2` and so on if a memory has it.
pub(super) fn free_name(transaction: &Transaction<'_>, name: &str) -> Result<String, MemoryError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM memories
               WHERE name = ?1 COLLATE NOCASE AND removed_at IS NULL)";
    for number in 1.. {
        let name = if number == 1 {
            name.to_owned()
        } else {
            let ending = format!(" {number}");
            let stem: String = name.chars().take(MAX_NAME_CHARS - ending.len()).collect();
            stem + &ending
        };
        if !transaction.query_row(sql, [&name], |row| row.get::<_, bool>(0))? {
            return Ok(name);
        }
    }
    Err(MemoryError::BadName)
}

/// On one line, without spaces around.
pub(super) fn checked_name(name: &str) -> Result<String, MemoryError> {
    let name: String = name.split(|c: char| c.is_whitespace() || c.is_control()).fold(
        String::new(),
        |mut name, word| {
            if !name.is_empty() && !word.is_empty() {
                name.push(' ');
            }
            name + word
        },
    );
    let is_good = (1..=MAX_NAME_CHARS).contains(&name.chars().count());
    if is_good { Ok(name) } else { Err(MemoryError::BadName) }
}

fn found(n_changed: usize) -> Result<(), MemoryError> {
    if n_changed == 0 { Err(MemoryError::Gone) } else { Ok(()) }
}

fn taken(error: rusqlite::Error, name: &str) -> MemoryError {
    if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) {
        MemoryError::NameTaken { name: name.to_owned() }
    } else {
        error.into()
    }
}
