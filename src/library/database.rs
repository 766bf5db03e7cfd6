//! The database: opening it whatever has become of its file, and what is read and written.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Transaction, params};

use super::damage::{Star, check_length, check_tables, read_stars, set_aside};
use super::facts::IndexedFile;
use super::memory::salvage;
use super::{schema, stored_path};
use crate::protocol::PictureId;

/// How long to wait for another process that writes.
const BUSY_LIMIT: Duration = Duration::from_secs(1);
/// One at a time opens a database: what one of them sets aside, the next finds made anew.
static OPENING: Mutex<()> = Mutex::new(());
/// Damaged databases that were replaced by this program.
static N_REPLACED: AtomicU64 = AtomicU64::new(0);

/// The index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    #[error("the index of your pictures cannot be used ({0})")]
    Database(#[from] rusqlite::Error),
    #[error(
        "the index of your pictures has version {version} and {} is the newest known; update \
         Underpaint",
        schema::VERSION
    )]
    Newer { version: i64 },
    #[error("the index of your pictures is cut off")]
    CutOff,
}

impl LibraryError {
    /// The file holds no usable database.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::CutOff)
            || matches!(self.code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }

    /// Another process holds it; later may do.
    pub fn is_busy(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Database(error) => error.sqlite_error_code(),
            Self::Newer { .. } | Self::CutOff => None,
        }
    }
}

/// Whether what is written outlives the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    InFile,
    /// Only for this run.
    InMemory,
}

/// What the user must know: one sentence, and details for those who ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LibraryWarning {
    pub headline: &'static str,
    pub details: String,
}

/// An index that can be used, whatever came in the way.
#[derive(Debug)]
pub struct Opened {
    pub library: Library,
    pub kept: Kept,
    pub warning: Option<LibraryWarning>,
}

/// A folder whose pictures are in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FolderId(pub(super) i64);

/// The version of a file that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KnownFile {
    pub(super) id: PictureId,
    pub(super) n_bytes: i64,
    pub(super) modified_ns: i64,
}

/// The index of pictures.
#[derive(Debug)]
pub struct Library {
    pub(super) connection: Connection,
    /// [`N_REPLACED`] when it was opened.
    n_replaced: u64,
}

/// How often databases had been replaced when one was opened. Of two connections to a damaged
/// file only the first may replace it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Era(u64);

impl Library {
    /// Opens the database at `path`, or makes one; `None` keeps it in memory. A damaged file is set
    /// aside; one that cannot be written, is locked or comes from a newer program is left alone, and
    /// what it holds is used for this run as far as it can be read.
    ///
    /// # Errors
    /// If SQLite cannot even work in memory.
    pub fn open(path: Option<&Path>) -> Result<Opened, LibraryError> {
        let Some(path) = path else {
            return Ok(Opened { library: Self::in_memory()?, kept: Kept::InMemory, warning: None });
        };
        let _opening = lock_opening();
        if let Some(folder) = path.parent()
            && let Err(error) = fs::create_dir_all(folder)
        {
            let details = format!("{error}: {}", folder.display());
            return Self::for_this_run(NOT_WRITABLE, details, None);
        }
        match Self::in_file(path) {
            Ok(library) => Ok(Opened { library, kept: Kept::InFile, warning: None }),
            Err(error) if error.is_damage() => Self::anew(path, &error),
            Err(error) => {
                let headline = match &error {
                    LibraryError::Newer { .. } => NEWER,
                    error if error.is_busy() => LOCKED,
                    _ => NOT_WRITABLE,
                };
                // Tables of a newer version may mean anything.
                let is_readable = !matches!(error, LibraryError::Newer { .. });
                let details = format!("{error}: {}", path.display());
                Self::for_this_run(headline, details, is_readable.then_some(path))
            }
        }
    }

    /// Sets a database aside that turned out to be damaged in use, and starts another with the
    /// stars and memories that can still be read. If another connection has done so since `era`,
    /// what it made is opened.
    ///
    /// # Errors
    /// If SQLite cannot even work in memory.
    pub fn replace(path: &Path, error: &LibraryError, era: Era) -> Result<Opened, LibraryError> {
        let opening = lock_opening();
        if Era(N_REPLACED.load(Ordering::Relaxed)) != era {
            drop(opening);
            return Self::open(Some(path));
        }
        Self::anew(path, error)
    }

    /// Opens or makes a database that can be written, or none. A damaged one is set aside.
    ///
    /// # Errors
    /// [`LibraryError`]; nothing has changed then.
    pub(super) fn open_writable(path: &Path) -> Result<Opened, LibraryError> {
        let _opening = lock_opening();
        if let Some(Err(error)) = path.parent().map(fs::create_dir_all) {
            tracing::debug!("{error}: {}", path.display());
        }
        match Self::in_file(path) {
            Ok(library) => Ok(Opened { library, kept: Kept::InFile, warning: None }),
            Err(error) if error.is_damage() => Self::anew(path, &error),
            Err(error) => Err(error),
        }
    }

    /// When it was opened.
    pub fn era(&self) -> Era {
        Era(self.n_replaced)
    }

    fn anew(path: &Path, error: &LibraryError) -> Result<Opened, LibraryError> {
        let aside = match set_aside(path) {
            Ok(aside) => aside,
            Err(aside_error) => {
                let details =
                    format!("{error}; it cannot be set aside ({aside_error}): {}", path.display());
                return Self::for_this_run(NOT_WRITABLE, details, None);
            }
        };
        N_REPLACED.fetch_add(1, Ordering::Relaxed);
        let stars = read_stars(&aside).unwrap_or_default();
        let mut details = format!("{error}\nThe file was set aside: {}", aside.display());
        match Self::in_file(path) {
            Ok(mut library) => {
                library.put_stars(&stars)?;
                if !stars.is_empty() {
                    details = format!("{details}\n{} stars were saved from it", stars.len());
                }
                details += &salvage::told(salvage::salvage(&mut library.connection, &aside));
                let warning = Some(LibraryWarning { headline: DAMAGED, details });
                Ok(Opened { library, kept: Kept::InFile, warning })
            }
            Err(error) => Self::for_this_run(NOT_WRITABLE, format!("{error}\n{details}"), None),
        }
    }

    /// An index in memory, filled with what `source` holds if it can be read.
    fn for_this_run(
        headline: &'static str,
        details: String,
        source: Option<&Path>,
    ) -> Result<Opened, LibraryError> {
        let mut library = Self::in_memory()?;
        if let Some(source) = source
            && let Err(error) = library.copy_from(source)
        {
            tracing::debug!("nothing is taken from {}: {error}", source.display());
            library = Self::in_memory()?;
        }
        let warning = Some(LibraryWarning { headline, details });
        Ok(Opened { library, kept: Kept::InMemory, warning })
    }

    fn in_memory() -> Result<Self, LibraryError> {
        Self::prepared(Connection::open_in_memory()?)
    }

    /// Opens a database that can be written, or makes one; changes no file that cannot be used.
    ///
    /// # Errors
    /// [`LibraryError`]; [`Self::open`] knows what to do about each.
    fn in_file(path: &Path) -> Result<Self, LibraryError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_LIMIT)?;
        // Refuses what is no database before anything is written.
        connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
        check_length(&connection, path)?;
        // A newer database must not even be turned to another journal.
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version > schema::VERSION {
            return Err(LibraryError::Newer { version });
        }
        check_tables(&connection, version)?;
        // Answers with the mode; where the file system allows no shared memory it stays another.
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_row| Ok(()))?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let library = Self::prepared(connection)?;
        // A file or folder that is read-only opens happily; only writing tells.
        library.connection.execute_batch("BEGIN IMMEDIATE; PRAGMA user_version; ROLLBACK")?;
        Ok(library)
    }

    fn prepared(mut connection: Connection) -> Result<Self, LibraryError> {
        connection.busy_timeout(BUSY_LIMIT)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // A row that is replaced takes its words with it.
        connection.pragma_update(None, "recursive_triggers", true)?;
        schema::migrate(&mut connection)?;
        Ok(Self { connection, n_replaced: N_REPLACED.load(Ordering::Relaxed) })
    }

    fn copy_from(&mut self, source: &Path) -> Result<(), LibraryError> {
        let uri = |mode: &str| read_only_uri(source, mode);
        // Without a writable folder a journal of this kind can be read only as if nobody wrote.
        for mode in ["mode=ro", "immutable=1"] {
            let copied =
                self.connection.execute("ATTACH ?1 AS source", [uri(mode)]).and_then(|_| {
                    self.connection.execute_batch(
                        "BEGIN;
                     INSERT INTO folders SELECT * FROM source.folders;
                     INSERT INTO pictures SELECT * FROM source.pictures;
                     COMMIT",
                    )
                });
            if !self.connection.is_autocommit() {
                self.connection.execute_batch("ROLLBACK")?;
            }
            self.connection.execute_batch("DETACH source").ok();
            match copied {
                Ok(()) => return Ok(()),
                Err(error) if mode == "immutable=1" => return Err(error.into()),
                Err(error) => tracing::debug!("{error}: {}", source.display()),
            }
        }
        Ok(())
    }

    /// The number of a folder; an empty path stands for files from anywhere.
    ///
    /// # Errors
    /// [`LibraryError::Database`].
    pub fn folder(&self, path: &Path) -> Result<FolderId, LibraryError> {
        let Some(bytes) = stored_path::to_bytes(path) else { return self.folder(Path::new("")) };
        let find = || {
            self.connection
                .prepare_cached("SELECT id FROM folders WHERE path = ?1")?
                .query_row([&bytes], |row| row.get(0))
                .optional()
        };
        if let Some(id) = find()? {
            return Ok(FolderId(id));
        }
        self.connection.execute("INSERT OR IGNORE INTO folders (path) VALUES (?1)", [&bytes])?;
        find()?.map(FolderId).ok_or_else(|| rusqlite::Error::QueryReturnedNoRows.into())
    }

    /// What is known of a folder's files, by their stored paths.
    pub(super) fn known_files(
        &self,
        folder: FolderId,
    ) -> Result<HashMap<Vec<u8>, KnownFile>, LibraryError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT path, id, n_bytes, modified_ns FROM pictures WHERE folder_id = ?1",
        )?;
        let rows = statement.query_map([folder.0], |row| {
            let known = KnownFile {
                id: PictureId(row.get(1)?),
                n_bytes: row.get(2)?,
                modified_ns: row.get(3)?,
            };
            Ok((row.get(0)?, known))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The number of a file, if it is known.
    pub(super) fn id_of(
        &self,
        folder: FolderId,
        path: &Path,
    ) -> Result<Option<PictureId>, LibraryError> {
        let id = self
            .connection
            .prepare_cached("SELECT id FROM pictures WHERE folder_id = ?1 AND path = ?2")?
            .query_row(params![folder.0, stored_path::to_bytes(path)], |row| row.get(0))
            .optional()?;
        Ok(id.map(PictureId))
    }

    /// Takes over what files tell, all or none. A file that is known keeps its number and its star.
    ///
    /// # Errors
    /// [`LibraryError::Database`].
    pub fn put(&mut self, folder: FolderId, files: &[IndexedFile]) -> Result<(), LibraryError> {
        self.in_transaction(|transaction| {
            for file in files {
                put_file(transaction, folder, file)?;
            }
            Ok(())
        })
    }

    /// Files that have the same content and time as before under another name.
    pub(super) fn rename(&mut self, renamed: &[(PictureId, &Path)]) -> Result<(), LibraryError> {
        self.in_transaction(|transaction| {
            let mut statement = transaction.prepare_cached(
                "UPDATE OR REPLACE pictures SET path = ?2, name = ?3 WHERE id = ?1",
            )?;
            for (id, path) in renamed {
                statement.execute(params![id.0, stored_path::to_bytes(path), stem(path)])?;
            }
            Ok(())
        })
    }

    /// Forgets pictures; the files are not touched.
    ///
    /// # Errors
    /// [`LibraryError::Database`].
    pub fn forget(&mut self, ids: &[PictureId]) -> Result<(), LibraryError> {
        self.in_transaction(|transaction| {
            let mut statement = transaction.prepare_cached("DELETE FROM pictures WHERE id = ?1")?;
            for id in ids {
                statement.execute([id.0])?;
            }
            Ok(())
        })
    }

    /// # Errors
    /// [`LibraryError::Database`].
    pub fn set_starred(&self, id: PictureId, is_starred: bool) -> Result<(), LibraryError> {
        self.connection
            .prepare_cached("UPDATE pictures SET starred = ?2 WHERE id = ?1")?
            .execute(params![id.0, is_starred])?;
        Ok(())
    }

    /// Remembers why a file cannot be shown.
    pub(super) fn set_problem(&self, id: PictureId, problem: &str) -> Result<(), LibraryError> {
        self.connection
            .prepare_cached("UPDATE pictures SET problem = ?2 WHERE id = ?1")?
            .execute(params![id.0, problem])?;
        Ok(())
    }

    /// The small picture as it was stored by [`Self::put_thumbnail`].
    ///
    /// # Errors
    /// [`LibraryError::Database`].
    pub fn thumbnail(&self, id: PictureId) -> Result<Option<Vec<u8>>, LibraryError> {
        Ok(self
            .connection
            .prepare_cached("SELECT encoded FROM thumbnails WHERE picture_id = ?1")?
            .query_row([id.0], |row| row.get(0))
            .optional()?)
    }

    /// Keeps a small picture, if its picture is still known.
    ///
    /// # Errors
    /// [`LibraryError::Database`].
    pub fn put_thumbnail(&self, id: PictureId, encoded: &[u8]) -> Result<(), LibraryError> {
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO thumbnails (picture_id, encoded)
                 SELECT id, ?2 FROM pictures WHERE id = ?1",
            )?
            .execute(params![id.0, encoded])?;
        Ok(())
    }

    /// Files from anywhere that turn out to lie in `root` belong to it from now on.
    pub(super) fn adopt(&mut self, root: &Path) -> Result<(), LibraryError> {
        let (loose, folder) = (self.folder(Path::new(""))?, self.folder(root)?);
        let known = self.known_files(loose)?;
        let mut inside: Vec<_> = known
            .into_iter()
            .filter_map(|(path, known)| {
                let path = stored_path::from_bytes(path);
                Some((known.id, path.strip_prefix(root).ok()?.to_owned()))
            })
            .collect();
        inside.sort();
        self.in_transaction(|transaction| {
            for (id, path) in &inside {
                transaction.execute(
                    "UPDATE OR REPLACE pictures SET folder_id = ?2, path = ?3 WHERE id = ?1",
                    params![id.0, folder.0, stored_path::to_bytes(path)],
                )?;
            }
            Ok(())
        })
    }

    /// Stars of another database; the files themselves are read at the next scan.
    fn put_stars(&mut self, stars: &[Star]) -> Result<(), LibraryError> {
        for Star { folder, path } in stars {
            let folder = self.folder(folder)?;
            self.connection.execute(
                "INSERT OR IGNORE INTO pictures
                     (folder_id, path, name, n_bytes, modified_ns, starred)
                 VALUES (?1, ?2, ?3, -1, 0, 1)",
                params![folder.0, stored_path::to_bytes(path), stem(path)],
            )?;
        }
        Ok(())
    }

    fn in_transaction(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), LibraryError> {
        let transaction =
            self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        work(&transaction)?;
        transaction.commit()?;
        Ok(())
    }
}

fn lock_opening() -> MutexGuard<'static, ()> {
    OPENING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The address of a database as SQLite takes it; `mode` is `mode=ro` or `immutable=1`.
pub(super) fn read_only_uri(path: &Path, mode: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'\\' => "/".to_owned(),
        b'%' | b'?' | b'#' => format!("%{byte:02x}"),
        _ if byte.is_ascii() => char::from(byte).to_string(),
        _ => format!("%{byte:02x}"),
    };
    let path: String = path.to_string_lossy().bytes().map(escaped).collect();
    format!("file:{path}?{mode}")
}

const NOT_WRITABLE: &str = "The index of your pictures cannot be written, so stars are not kept";
const LOCKED: &str =
    "Another program holds the index of your pictures, so stars are not kept; close it and restart";
const NEWER: &str =
    "A newer Underpaint wrote the index of your pictures; update to have your stars again";
const DAMAGED: &str = "The index of your pictures was damaged and is made anew";

fn put_file(
    transaction: &Transaction<'_>,
    folder: FolderId,
    file: &IndexedFile,
) -> rusqlite::Result<()> {
    let (width, height) = file.size_px.unzip();
    let path = stored_path::to_bytes(&file.path);
    let mut statement = transaction.prepare_cached(
        "INSERT INTO pictures (folder_id, path, name, n_bytes, modified_ns, width, height, prompt,
                               seed, model, software, problem)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (folder_id, path) DO UPDATE SET
             name = excluded.name, n_bytes = excluded.n_bytes,
             modified_ns = excluded.modified_ns, width = excluded.width,
             height = excluded.height, prompt = excluded.prompt, seed = excluded.seed,
             model = excluded.model, software = excluded.software, problem = excluded.problem
         RETURNING id",
    )?;
    let values = params![
        folder.0,
        path,
        stem(&file.path),
        file.n_bytes,
        file.modified_ns,
        width,
        height,
        file.prompt,
        // All 64 bits are kept; the sign means nothing.
        file.seed.map(u64::cast_signed),
        file.model,
        file.software,
        file.problem,
    ];
    let id: i64 = statement.query_row(values, |row| row.get(0))?;
    transaction.prepare_cached("DELETE FROM thumbnails WHERE picture_id = ?1")?.execute([id])?;
    Ok(())
}

/// The name that is searched.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
