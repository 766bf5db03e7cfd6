//! A memory as one file, to keep or to hand on. It is a ZIP:
//!
//! | name | what |
//! |---|---|
//! | `memory.json` | version, name, number of entries, and which model the codes are for |
//! | `entries.jsonl` | one entry a line: caption, source, licence, file name, picture, whether it has codes |
//! | `codes.bin` | of each entry that has codes: token ids as two bytes each, the low one first, then the key as signed bytes |
//! | `pictures/…` | the fitted pictures as they are stored, PNG, JPEG or WebP |
//!
//! Where the model is the same, an imported memory works at once; another model makes its own codes
//! of the pictures. Paths on this machine are not told.

use std::io::{BufWriter, Write as _};
use std::path::Path;

use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{MemoryError, MemoryStore};
use crate::imaging::io::{SaveError, replace_file_with};
use crate::protocol::{MemoryId, MemoryModel};

pub(super) const VERSION: u32 = 1;
pub(super) const HEAD: &str = "memory.json";
pub(super) const ENTRIES: &str = "entries.jsonl";
pub(super) const CODES: &str = "codes.bin";
const SCHEMA: &str = "underpaint.memory/v1";

/// `memory.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) schema: String,
    pub(super) version: u32,
    pub(super) name: String,
    pub(super) n_entries: usize,
    /// Null if no entry has codes.
    pub(super) model: Option<ModelHead>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ModelHead {
    pub(super) mark: String,
    pub(super) image_size_px: usize,
    pub(super) n_tokens: usize,
    pub(super) codebook_size: usize,
    pub(super) key_dim: usize,
}

impl From<ModelHead> for MemoryModel {
    fn from(head: ModelHead) -> Self {
        let ModelHead { mark, image_size_px, n_tokens, codebook_size, key_dim } = head;
        Self { mark, image_size_px, n_tokens, codebook_size, key_dim }
    }
}

/// A line of `entries.jsonl`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) caption: String,
    /// Written by hand.
    #[serde(default)]
    pub(super) own: bool,
    #[serde(default)]
    pub(super) source: String,
    #[serde(default)]
    pub(super) licence: String,
    /// Of the file that it was made from.
    #[serde(default)]
    pub(super) name: String,
    /// Name in the ZIP.
    pub(super) picture: String,
    pub(super) has_codes: bool,
}

/// What is written of an entry.
struct Row {
    id: i64,
    line: Line,
    codes: Option<(Vec<u8>, Vec<u8>)>,
}

/// Writes a memory into the file at `path`, which is replaced whole or not at all. Tells the number
/// of entries. What was taken away is left out, and so are entries whose picture is lost.
///
/// # Errors
/// [`MemoryError`] if there is no such memory or the file cannot be written.
pub fn export(store: &MemoryStore, memory: MemoryId, path: &Path) -> Result<usize, MemoryError> {
    // One state of the database, whatever is added meanwhile.
    let transaction = store.connection.unchecked_transaction()?;
    let name = store.name(memory)?;
    let model = store.usual_model(memory)?;
    let rows = store.rows(memory, model.as_ref().map(|(id, _)| *id))?;
    let model = model.map(|(_, head)| head);
    let head =
        Head { schema: SCHEMA.to_owned(), version: VERSION, name, n_entries: rows.len(), model };
    replace_file_with(path, |file| {
        let failed = |source| {
            MemoryError::Save(SaveError::Write { name: path.display().to_string(), source })
        };
        let mut writer = Writer { zip: ZipWriter::new(BufWriter::new(file)) };
        let json = serde_json::to_vec_pretty(&head).map_err(|error| failed(error.into()))?;
        writer.add(HEAD, CompressionMethod::Deflated, &json).map_err(failed)?;
        let mut lines = Vec::new();
        for row in &rows {
            serde_json::to_writer(&mut lines, &row.line).map_err(|error| failed(error.into()))?;
            lines.push(b'\n');
        }
        writer.add(ENTRIES, CompressionMethod::Deflated, &lines).map_err(failed)?;
        writer.begin(CODES, CompressionMethod::Stored).map_err(failed)?;
        for (ids, key) in rows.iter().filter_map(|row| row.codes.as_ref()) {
            writer.zip.write_all(ids).and_then(|()| writer.zip.write_all(key)).map_err(failed)?;
        }
        for row in &rows {
            let Some(encoded) = store.encoded(row.id)? else { continue };
            writer.add(&row.line.picture, CompressionMethod::Stored, &encoded).map_err(failed)?;
        }
        let mut file = writer.zip.finish().map_err(|error| failed(error.into()))?;
        file.flush().map_err(failed)
    })?;
    transaction.rollback()?;
    Ok(rows.len())
}

struct Writer<W: std::io::Write + std::io::Seek> {
    zip: ZipWriter<W>,
}

impl<W: std::io::Write + std::io::Seek> Writer<W> {
    fn begin(&mut self, name: &str, method: CompressionMethod) -> std::io::Result<()> {
        // Codes of a hundred thousand entries are below this limit, those of millions are not.
        let options = SimpleFileOptions::default().compression_method(method).large_file(true);
        self.zip.start_file(name, options).map_err(std::io::Error::other)
    }

    fn add(&mut self, name: &str, method: CompressionMethod, bytes: &[u8]) -> std::io::Result<()> {
        self.begin(name, method)?;
        self.zip.write_all(bytes)
    }
}

impl MemoryStore {
    /// The model that most entries were made for.
    fn usual_model(&self, memory: MemoryId) -> Result<Option<(i64, ModelHead)>, MemoryError> {
        let sql = "SELECT memory_models.id, mark, image_size_px, n_tokens, codebook_size, key_dim
             FROM memory_entries JOIN memory_models ON memory_models.id = model_id
             WHERE memory_id = ?1 AND removed_at IS NULL
             GROUP BY model_id ORDER BY count(*) DESC LIMIT 1";
        let number = |row: &rusqlite::Row<'_>, idx| {
            Ok::<_, rusqlite::Error>(row.get::<_, i64>(idx)? as usize)
        };
        let model = self.connection.query_row(sql, [memory.0], |row| {
            let head = ModelHead {
                mark: row.get(1)?,
                image_size_px: number(row, 2)?,
                n_tokens: number(row, 3)?,
                codebook_size: number(row, 4)?,
                key_dim: number(row, 5)?,
            };
            Ok::<_, rusqlite::Error>((row.get(0)?, head))
        });
        Ok(model.optional()?)
    }

    fn rows(&self, memory: MemoryId, model_id: Option<i64>) -> Result<Vec<Row>, MemoryError> {
        // Codes whose key belongs to an earlier caption are made anew by whoever imports them.
        let mut statement = self.connection.prepare_cached(
            "SELECT memory_entries.id, caption, has_own_caption, source, licence, name, ids, key,
                 substr(encoded, 1, 4)
             FROM memory_entries
             JOIN memory_pictures ON memory_pictures.entry_id = memory_entries.id
             LEFT JOIN memory_codes ON memory_codes.entry_id = memory_entries.id
                 AND model_id = ?2 AND NOT is_key_due
             WHERE memory_id = ?1 AND removed_at IS NULL ORDER BY memory_entries.id",
        )?;
        let mut rows = Vec::new();
        let mut found = statement.query(params![memory.0, model_id])?;
        while let Some(row) = found.next()? {
            let codes = Option::zip(row.get(6)?, row.get(7)?);
            let ending = match row.get_ref(8)?.as_blob().unwrap_or_default() {
                b"RIFF" => "webp",
                b"\x89PNG" => "png",
                _ => "jpg",
            };
            let line = Line {
                caption: row.get(1)?,
                own: row.get(2)?,
                source: row.get(3)?,
                licence: row.get(4)?,
                name: row.get(5)?,
                picture: format!("pictures/{:07}.{ending}", rows.len() + 1),
                has_codes: codes.is_some(),
            };
            rows.push(Row { id: row.get(0)?, line, codes });
        }
        Ok(rows)
    }

    fn encoded(&self, id: i64) -> Result<Option<Vec<u8>>, MemoryError> {
        let sql = "SELECT encoded FROM memory_pictures WHERE entry_id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row([id], |row| row.get(0)).optional()?)
    }
}
