//! Databases that are damaged: finding out, setting them aside, and saving what cannot be made again.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _};

use super::{LibraryError, stored_path};

/// Names tried for a damaged file that is set aside.
const MAX_ASIDE_NAMES: u32 = 100;
/// The tables that came with each version.
const TABLES: [&[&str]; 2] = [
    &["folders", "pictures", "thumbnails", "picture_words"],
    &[
        "memories",
        "memory_models",
        "memory_jobs",
        "memory_entries",
        "memory_codes",
        "memory_pictures",
        "memory_seen",
        "memory_words",
    ],
];

/// Touches every table of a version, so that a database in name only is found out at once.
pub(super) fn check_tables(connection: &Connection, version: i64) -> Result<(), LibraryError> {
    for table in TABLES.iter().take(version.max(0) as usize).copied().flatten() {
        let query = format!("SELECT 1 FROM {table} LIMIT 1");
        match connection.query_row(&query, [], |_row| Ok(())).optional() {
            Ok(_) => {}
            // A table is missing, though the version says that it was made.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::Unknown) => {
                return Err(LibraryError::CutOff);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The header tells how long the file must be. What stands in the log beside it counts too, so only
/// a file without one can be judged.
pub(super) fn check_length(connection: &Connection, path: &Path) -> Result<(), LibraryError> {
    let has_log = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    if has_log {
        return Ok(());
    }
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let expected = number("page_count")? * number("page_size")?;
    let is_cut_off =
        fs::metadata(path).is_ok_and(|file| file.len() > 0 && (file.len() as i64) < expected);
    if is_cut_off { Err(LibraryError::CutOff) } else { Ok(()) }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Renames a database with its log, so that nothing is lost that a person might still want.
pub(super) fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let free = (1..MAX_ASIDE_NAMES)
        .map(|number| match number {
            1 => beside(path, ".damaged"),
            _ => beside(path, &format!(".damaged-{number}")),
        })
        .find(|aside| !aside.exists())
        .ok_or_else(|| std::io::Error::other("too many damaged files lie there already"))?;
    fs::rename(path, &free)?;
    for ending in ["-wal", "-shm"] {
        fs::rename(beside(path, ending), beside(&free, ending)).ok();
    }
    Ok(free)
}

/// A picture with a star.
pub(super) struct Star {
    pub(super) folder: PathBuf,
    pub(super) path: PathBuf,
}

/// A damaged database, to read what can be read.
pub(super) fn open_damaged(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // Otherwise a file that is too short is refused as a whole.
    connection.pragma_update(None, "writable_schema", true)?;
    Ok(connection)
}

/// The stars in a damaged database, as far as they can be read.
pub(super) fn read_stars(path: &Path) -> rusqlite::Result<Vec<Star>> {
    let connection = open_damaged(path)?;
    let mut statement = connection.prepare(
        "SELECT folders.path, pictures.path FROM pictures
         JOIN folders ON folders.id = folder_id WHERE starred",
    )?;
    let mut rows = statement.query([])?;
    let mut stars = Vec::new();
    // What comes before the damage is good.
    while let Ok(Some(row)) = rows.next() {
        if let (Ok(folder), Ok(path)) = (row.get(0), row.get(1)) {
            let (folder, path) = (stored_path::from_bytes(folder), stored_path::from_bytes(path));
            stars.push(Star { folder, path });
        }
    }
    Ok(stars)
}
