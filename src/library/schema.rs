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
    // 2: the user's memories. What was taken away keeps its row with the time until it is purged,
    // so that it can be put back. Codes and pictures have tables of their own, because listing
    // reads neither. A job is a folder, or a file that is still to be added; `memory_seen` knows the
    // files that gave no entry, by version, so that they are not read again. `revision` rises with
    // every change that the generator must see.
    r"
    CREATE TABLE memories (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        is_on INTEGER NOT NULL DEFAULT 1,
        made_at INTEGER NOT NULL DEFAULT (unixepoch()),
        removed_at INTEGER,
        n_left INTEGER NOT NULL DEFAULT 0,
        revision INTEGER NOT NULL DEFAULT 0
    );
    CREATE UNIQUE INDEX memories_by_name ON memories (name COLLATE NOCASE)
        WHERE removed_at IS NULL;
    CREATE TABLE memory_models (
        id INTEGER PRIMARY KEY,
        mark TEXT NOT NULL,
        image_size_px INTEGER NOT NULL,
        n_tokens INTEGER NOT NULL,
        codebook_size INTEGER NOT NULL,
        key_dim INTEGER NOT NULL,
        UNIQUE (mark, image_size_px, n_tokens, codebook_size, key_dim)
    );
    CREATE TABLE memory_jobs (
        id INTEGER PRIMARY KEY,
        memory_id INTEGER NOT NULL REFERENCES memories(id) ON DELETE CASCADE,
        path BLOB NOT NULL,
        is_folder INTEGER NOT NULL,
        captions TEXT NOT NULL,
        captions_table BLOB,
        removes_background INTEGER NOT NULL,
        is_pending INTEGER NOT NULL,
        UNIQUE (memory_id, path)
    );
    CREATE TABLE memory_entries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        memory_id INTEGER NOT NULL REFERENCES memories(id) ON DELETE CASCADE,
        entry INTEGER NOT NULL,
        caption TEXT NOT NULL,
        has_own_caption INTEGER NOT NULL DEFAULT 0,
        source TEXT NOT NULL DEFAULT '',
        licence TEXT NOT NULL DEFAULT '',
        path BLOB,
        name TEXT NOT NULL,
        n_bytes INTEGER NOT NULL DEFAULT -1,
        modified_ns INTEGER NOT NULL DEFAULT 0,
        is_gone INTEGER NOT NULL DEFAULT 0,
        fingerprint BLOB NOT NULL,
        model_id INTEGER REFERENCES memory_models(id),
        is_key_due INTEGER NOT NULL DEFAULT 0,
        removed_at INTEGER
    );
    INSERT INTO sqlite_sequence (name, seq) VALUES ('memories', unixepoch() * 1000);
    INSERT INTO sqlite_sequence (name, seq) VALUES ('memory_entries', unixepoch() * 1000);
    CREATE INDEX memory_entries_shown ON memory_entries (memory_id, id) WHERE removed_at IS NULL;
    CREATE INDEX memory_entries_by_path ON memory_entries (memory_id, path)
        WHERE removed_at IS NULL AND path IS NOT NULL;
    CREATE INDEX memory_entries_removed ON memory_entries (removed_at)
        WHERE removed_at IS NOT NULL;
    CREATE INDEX memory_entries_due ON memory_entries (memory_id) WHERE is_key_due;
    CREATE TABLE memory_codes (
        entry_id INTEGER PRIMARY KEY REFERENCES memory_entries(id) ON DELETE CASCADE,
        ids BLOB NOT NULL,
        key BLOB NOT NULL
    );
    CREATE TABLE memory_pictures (
        entry_id INTEGER PRIMARY KEY REFERENCES memory_entries(id) ON DELETE CASCADE,
        encoded BLOB NOT NULL
    );
    CREATE TABLE memory_seen (
        memory_id INTEGER NOT NULL REFERENCES memories(id) ON DELETE CASCADE,
        path BLOB NOT NULL,
        n_bytes INTEGER NOT NULL,
        modified_ns INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (memory_id, path)
    ) WITHOUT ROWID;
    CREATE VIRTUAL TABLE memory_words USING fts5(
        caption, name,
        content='memory_entries', content_rowid='id',
        tokenize='unicode61 remove_diacritics 2', prefix='1 2 3'
    );
    CREATE TRIGGER memory_entries_added AFTER INSERT ON memory_entries BEGIN
        INSERT INTO memory_words (rowid, caption, name) VALUES (new.id, new.caption, new.name);
    END;
    CREATE TRIGGER memory_entries_deleted AFTER DELETE ON memory_entries BEGIN
        INSERT INTO memory_words (memory_words, rowid, caption, name)
        VALUES ('delete', old.id, old.caption, old.name);
    END;
    CREATE TRIGGER memory_entries_reworded AFTER UPDATE OF caption, name ON memory_entries BEGIN
        INSERT INTO memory_words (memory_words, rowid, caption, name)
        VALUES ('delete', old.id, old.caption, old.name);
        INSERT INTO memory_words (rowid, caption, name) VALUES (new.id, new.caption, new.name);
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
