//! The tables, and how older databases come to have them.

use rusqlite::{Connection, TransactionBehavior};

use super::LibraryError;

/// One step per version, oldest first; none is ever changed. The number of steps taken is kept in
/// the `user_version` of the database.
const MIGRATIONS: &[&str] = &[
    // 1: the pictures. Paths are relative to their folder; the folder with an empty path holds
    // files from anywhere, by absolute paths. Ids are never used twice, not even by a database that
    // takes the place of a damaged one, because the window keeps small pictures by them. `n_bytes` and `modified_ns` say which version of a file is known.
    r"
    CREATE TABLE folders (
        id INTEGER PRIMARY KEY,
        path BLOB NOT NULL UNIQUE
    );
    CREATE TABLE pictures (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        folder_id INTEGER NOT NULL REFERENCES folders(id) ON DELETE CASCADE,
        path BLOB NOT NULL,
        name TEXT NOT NULL,
        n_bytes INTEGER NOT NULL,
        modified_ns INTEGER NOT NULL,
        width INTEGER,
        height INTEGER,
        prompt TEXT NOT NULL DEFAULT '',
        seed INTEGER,
        model TEXT,
        software TEXT,
        problem TEXT,
        starred INTEGER NOT NULL DEFAULT 0,
        UNIQUE (folder_id, path)
    );
    INSERT INTO sqlite_sequence (name, seq) VALUES ('pictures', unixepoch() * 1000);
    CREATE INDEX pictures_by_time ON pictures (modified_ns DESC, id DESC);
    CREATE TABLE thumbnails (
        picture_id INTEGER PRIMARY KEY REFERENCES pictures(id) ON DELETE CASCADE,
        encoded BLOB NOT NULL
    );
    CREATE VIRTUAL TABLE picture_words USING fts5(
        prompt, name,
        content='pictures', content_rowid='id',
        tokenize='unicode61 remove_diacritics 2', prefix='1 2 3'
    );
    CREATE TRIGGER pictures_added AFTER INSERT ON pictures BEGIN
        INSERT INTO picture_words (rowid, prompt, name) VALUES (new.id, new.prompt, new.name);
    END;
    CREATE TRIGGER pictures_removed AFTER DELETE ON pictures BEGIN
        INSERT INTO picture_words (picture_words, rowid, prompt, name)
        VALUES ('delete', old.id, old.prompt, old.name);
    END;
    CREATE TRIGGER pictures_reworded AFTER UPDATE OF prompt, name ON pictures BEGIN
        INSERT INTO picture_words (picture_words, rowid, prompt, name)
        VALUES ('delete', old.id, old.prompt, old.name);
        INSERT INTO picture_words (rowid, prompt, name) VALUES (new.id, new.prompt, new.name);
    END;
    ",
];

/// The version that this program writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Brings the tables up to date. Either all of it happens or nothing.
///
/// # Errors
/// [`LibraryError::Newer`] if a newer program has written the database; it is then untouched.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), LibraryError> {
    if checked_version(connection)? == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been quicker.
    let version = checked_version(&transaction)?;
    for step in MIGRATIONS.iter().skip(version as usize) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(())
}

fn checked_version(connection: &Connection) -> Result<i64, LibraryError> {
    let version =
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))?;
    if (0..=VERSION).contains(&version) {
        Ok(version)
    } else {
        Err(LibraryError::Newer { version })
    }
}
