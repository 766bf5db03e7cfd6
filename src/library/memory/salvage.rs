//! Saves memories out of a damaged database, as far as they can be read: from the front up to the
//! damage, and from the end back to it.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::library::damage::open_damaged;

/// Rows that are written in one go.
const STEP: usize = 200;

/// Copies what can be read of the memories in the database at `aside`; tells the number of entries.
///
/// # Errors
/// What SQLite reports of the new database, or if the damaged one cannot be opened at all.
pub(in crate::library) fn salvage(
    connection: &mut Connection,
    aside: &Path,
) -> rusqlite::Result<usize> {
    let damaged = open_damaged(aside)?;
    let memories = ["id", "name", "is_on", "made_at", "removed_at", "n_left", "revision"];
    copy(connection, &damaged, "memories", "id", &memories)?;
    let models = ["id", "mark", "image_size_px", "n_tokens", "codebook_size", "key_dim"];
    copy(connection, &damaged, "memory_models", "id", &models)?;
    let jobs = [
        "id",
        "memory_id",
        "path",
        "is_folder",
        "captions",
        "captions_table",
        "removes_background",
        "is_pending",
    ];
    copy(connection, &damaged, "memory_jobs", "id", &jobs)?;
    let entries = [
        "id",
        "memory_id",
        "entry",
        "caption",
        "has_own_caption",
        "source",
        "licence",
        "path",
        "name",
        "n_bytes",
        "modified_ns",
        "is_gone",
        "fingerprint",
        "model_id",
        "is_key_due",
        "removed_at",
    ];
    copy(connection, &damaged, "memory_entries", "id", &entries)?;
    copy(connection, &damaged, "memory_codes", "entry_id", &["entry_id", "ids", "key"])?;
    copy(connection, &damaged, "memory_pictures", "entry_id", &["entry_id", "encoded"])?;
    let transaction = connection.transaction()?;
    // An entry needs its ids, or its picture to make them of.
    transaction.execute_batch(
        "UPDATE memory_entries SET model_id = NULL
             WHERE id NOT IN (SELECT entry_id FROM memory_codes);
         DELETE FROM memory_entries WHERE model_id IS NULL
             AND id NOT IN (SELECT entry_id FROM memory_pictures);",
    )?;
    let n_entries = transaction
        .query_row("SELECT count(*) FROM memory_entries", [], |row| row.get::<_, i64>(0))?;
    transaction.commit()?;
    Ok(n_entries as usize)
}

/// What is said of it under the details; empty if there was nothing.
pub(in crate::library) fn told(saved: rusqlite::Result<usize>) -> String {
    match saved {
        Ok(0) => String::new(),
        Ok(n_entries) => format!("\n{n_entries} remembered pictures were saved from it"),
        Err(error) => {
            tracing::warn!("memories cannot be saved from the damaged database: {error}");
            format!("\nRemembered pictures could not be saved from it ({error})")
        }
    }
}

/// Copies the rows of a table that can be read and have what they refer to. A table that cannot be
/// read at all has none.
fn copy(
    connection: &mut Connection,
    damaged: &Connection,
    table: &str,
    id: &str,
    columns: &[&str],
) -> rusqlite::Result<()> {
    let list = columns.join(", ");
    let places = (1..=columns.len()).map(|idx| format!("?{idx}")).collect::<Vec<_>>().join(", ");
    // A row whose owner was not saved violates a rule and is left out.
    let insert = format!("INSERT INTO {table} ({list}) VALUES ({places})");
    let mut copied = HashSet::new();
    for order in ["ASC", "DESC"] {
        let select = format!("SELECT {list} FROM {table} ORDER BY {id} {order}");
        let Ok(mut statement) = damaged.prepare(&select) else { continue };
        let Ok(mut rows) = statement.query([]) else { continue };
        let mut is_over = false;
        while !is_over {
            let transaction = connection.transaction()?;
            for _ in 0..STEP {
                // What comes before the damage is good.
                let Ok(Some(row)) = rows.next() else {
                    is_over = true;
                    break;
                };
                let values: Result<Vec<Value>, _> =
                    (0..columns.len()).map(|idx| row.get(idx)).collect();
                let Ok(values) = values else { continue };
                let Some(Value::Integer(row_id)) = values.first() else { continue };
                // From the end back to what is there.
                if !copied.insert(*row_id) {
                    is_over = true;
                    break;
                }
                let written =
                    transaction.prepare_cached(&insert)?.execute(params_from_iter(values));
                if let Err(error) = written {
                    tracing::debug!("a row of {table} is not saved: {error}");
                }
            }
            transaction.commit()?;
        }
    }
    Ok(())
}
