//! Reads a memory from a file that was exported, on this machine or any other. Nothing in the file is
//! trusted: sizes are bounded before anything is read, pictures are decoded within limits, and token
//! ids must be of the codebook. The memory is shown once all of it is there.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rusqlite::params;
use zip::ZipArchive;
use zip::result::ZipError;

use super::batch::{NewEntry, insert, put_picture};
use super::captions::{Caption, tidy};
use super::entries::decode;
use super::export::{CODES, ENTRIES, HEAD, Head, Line, ModelHead, VERSION};
use super::fingerprint::Fingerprinter;
use super::snapshot::as_ids;
use super::store::{MAX_NAME_CHARS, checked_name, model_id};
use super::{MemoryError, MemoryStore};
use crate::protocol::{MemoryId, MemoryModel};

const MAX_ENTRIES: usize = 1_000_000;
const MAX_HEAD_BYTES: u64 = 64 << 10;
const MAX_LINE_BYTES: u64 = 32 << 10;
const MAX_LINES_BYTES: u64 = 512 << 20;
const MAX_PICTURE_BYTES: u64 = 4 << 20;
const MAX_IMAGE_SIZE_PX: usize = 2048;
const MAX_TOKENS: usize = 1 << 14;
const MAX_CODEBOOK: usize = 1 << 16;
const MAX_KEY_DIM: usize = 1 << 12;
/// Entries that are written in one go.
const STEP: usize = 100;

/// Makes a memory of the file at `path`, switched on, under its name or a free one like it.
///
/// # Errors
/// [`MemoryError::NotAMemory`] or [`MemoryError::NewerFile`]; nothing was made then.
pub fn import(store: &mut MemoryStore, path: &Path) -> Result<MemoryId, MemoryError> {
    // The reader is hardened against hostile files, yet a defect there must not end the program.
    let open = || catch_unwind(AssertUnwindSafe(|| Source::open(path)));
    let mut source = open().unwrap_or_else(|_panic| Err(not_a_memory(path, "it is damaged")))?;
    let memory = store.begin_import(&source.head.name)?;
    let read = catch_unwind(AssertUnwindSafe(|| source.read_into(store, memory)))
        .unwrap_or_else(|_panic| Err(not_a_memory(path, "it is damaged")));
    match read.and_then(|()| store.end_import(memory)) {
        Ok(()) => Ok(memory),
        Err(error) => {
            store.forget_import(memory);
            Err(error)
        }
    }
}

fn not_a_memory(path: &Path, reason: impl Into<String>) -> MemoryError {
    MemoryError::NotAMemory { path: path.to_owned(), reason: reason.into() }
}

/// A file whose frame is sound.
struct Source<'a> {
    path: &'a Path,
    head: Head,
    lines: Vec<Line>,
    model: Option<MemoryModel>,
}

impl<'a> Source<'a> {
    fn open(path: &'a Path) -> Result<Self, MemoryError> {
        let mut archive = open_archive(path)?;
        let bad = |reason: &str| not_a_memory(path, reason);
        let mut json = Vec::new();
        let head = archive.by_name(HEAD).map_err(|_missing| bad("it has no memory.json"))?;
        head.take(MAX_HEAD_BYTES)
            .read_to_end(&mut json)
            .map_err(|_damaged| bad("it is damaged"))?;
        // The version first: what a newer program writes may have another form.
        let value: serde_json::Value =
            serde_json::from_slice(&json).map_err(|_damaged| bad("its memory.json is damaged"))?;
        let version = value["version"].as_u64().unwrap_or(0);
        if version > u64::from(VERSION) {
            let version = u32::try_from(version).unwrap_or(u32::MAX);
            return Err(MemoryError::NewerFile { path: path.to_owned(), version });
        }
        let head: Head =
            serde_json::from_value(value).map_err(|_damaged| bad("its memory.json is damaged"))?;
        if head.n_entries > MAX_ENTRIES {
            return Err(bad("it has too many entries"));
        }
        let model =
            head.model.clone().map(|model| checked(model).ok_or_else(|| bad("its model is none")));
        let lines = read_lines(&mut archive, &head).map_err(|reason| not_a_memory(path, reason))?;
        Ok(Self { path, model: model.transpose()?, head, lines })
    }

    fn read_into(&mut self, store: &mut MemoryStore, memory: MemoryId) -> Result<(), MemoryError> {
        let path = self.path;
        let bad = |reason: String| not_a_memory(path, reason);
        // One for the codes, which are read on and on, and one for the pictures.
        let (mut with_codes, mut with_pictures) = (open_archive(path)?, open_archive(path)?);
        let mut codes =
            with_codes.by_name(CODES).map_err(|_damaged| bad("it has no codes".to_owned()))?;
        let fingerprinter = Fingerprinter::new();
        for (step_idx, lines) in self.lines.chunks(STEP).enumerate() {
            let mut entries = Vec::with_capacity(lines.len());
            for (line_idx, line) in lines.iter().enumerate() {
                let number = step_idx * STEP + line_idx + 1;
                let read = read_entry(
                    line,
                    self.model.as_ref(),
                    &mut codes,
                    &mut with_pictures,
                    &fingerprinter,
                );
                entries.push(read.map_err(|reason| bad(format!("entry {number}: {reason}")))?);
            }
            store.put_imported(memory, self.model.as_ref(), lines, &entries)?;
        }
        Ok(())
    }
}

fn open_archive(path: &Path) -> Result<ZipArchive<BufReader<File>>, MemoryError> {
    let opening = |source| MemoryError::Open { path: path.to_owned(), source };
    let file = File::open(path).map_err(opening)?;
    if !file.metadata().map_err(opening)?.is_file() {
        return Err(not_a_memory(path, "it is no file"));
    }
    ZipArchive::new(BufReader::new(file)).map_err(|error| match error {
        ZipError::Io(source) => opening(source),
        _ => not_a_memory(path, "it is damaged, cut off or something else"),
    })
}

fn checked(head: ModelHead) -> Option<MemoryModel> {
    let is_sound = (1..=MAX_IMAGE_SIZE_PX).contains(&head.image_size_px)
        && (1..=MAX_TOKENS).contains(&head.n_tokens)
        && (1..=MAX_CODEBOOK).contains(&head.codebook_size)
        && (1..=MAX_KEY_DIM).contains(&head.key_dim)
        && head.mark.len() <= 256;
    is_sound.then(|| head.into())
}

fn read_lines<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    head: &Head,
) -> Result<Vec<Line>, String> {
    let entries = archive.by_name(ENTRIES).map_err(|_damaged| "it has no entries.jsonl")?;
    let mut reader = BufReader::new(entries.take(MAX_LINES_BYTES));
    let mut lines = Vec::new();
    let mut text = Vec::new();
    loop {
        text.clear();
        let n_read = reader
            .by_ref()
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut text)
            .map_err(|_damaged| "it is damaged")?;
        if n_read == 0 {
            break;
        }
        if lines.len() == head.n_entries {
            return Err("it has more entries than it tells".to_owned());
        }
        let line = serde_json::from_slice(&text);
        lines.push(
            line.map_err(|_damaged| format!("line {} of its entries is damaged", lines.len() + 1))?,
        );
    }
    if lines.len() < head.n_entries {
        return Err(format!("it has {} of {} entries", lines.len(), head.n_entries));
    }
    Ok(lines)
}

/// An entry and whether its codes are there.
fn read_entry(
    line: &Line,
    model: Option<&MemoryModel>,
    codes: &mut impl Read,
    pictures: &mut ZipArchive<BufReader<File>>,
    fingerprinter: &Fingerprinter,
) -> Result<NewEntry, String> {
    let (mut ids, mut key) = (Vec::new(), Vec::new());
    if line.has_codes {
        let model = model.ok_or("its codes are of no model")?;
        let mut bytes = vec![0; 2 * model.n_tokens + model.key_dim];
        codes.read_exact(&mut bytes).map_err(|_damaged| "its codes are damaged or cut off")?;
        let (id_bytes, key_bytes) = bytes.split_at(2 * model.n_tokens);
        ids = as_ids(id_bytes).collect();
        key = key_bytes.iter().map(|value| value.cast_signed()).collect();
        if ids.iter().any(|id| usize::from(*id) >= model.codebook_size) {
            return Err("its codes are not of the model that they are said to be of".to_owned());
        }
    }
    let picture = pictures.by_name(&line.picture).map_err(|_damaged| "its picture is missing")?;
    let mut encoded = Vec::new();
    picture
        .take(MAX_PICTURE_BYTES + 1)
        .read_to_end(&mut encoded)
        .map_err(|_damaged| "its picture is damaged")?;
    let decoded = (encoded.len() as u64 <= MAX_PICTURE_BYTES).then(|| decode(&encoded)).flatten();
    let decoded = decoded.ok_or("its picture cannot be read")?;
    Ok(NewEntry {
        caption: Caption {
            text: tidy(&line.caption),
            source: tidy(&line.source),
            licence: tidy(&line.licence),
        },
        has_own_caption: line.own,
        fingerprint: fingerprinter.of(&decoded),
        encoded,
        ids,
        key,
    })
}

impl MemoryStore {
    /// A memory that nobody sees; were the program to end now, it would be purged.
    fn begin_import(&mut self, name: &str) -> Result<MemoryId, MemoryError> {
        let name: String = name.chars().take(MAX_NAME_CHARS).collect();
        let name = checked_name(&name).unwrap_or_else(|_| "Imported".to_owned());
        self.write(|transaction| {
            let sql =
                "INSERT INTO memories (name, removed_at) VALUES (?1, unixepoch()) RETURNING id";
            Ok(MemoryId(transaction.query_row(sql, [name], |row| row.get(0))?))
        })
    }

    fn put_imported(
        &mut self,
        memory: MemoryId,
        model: Option<&MemoryModel>,
        lines: &[Line],
        entries: &[NewEntry],
    ) -> Result<(), MemoryError> {
        self.write(|transaction| {
            let model = model.map(|model| model_id(transaction, model)).transpose()?;
            for (line, entry) in lines.iter().zip(entries) {
                let model = model.filter(|_| line.has_codes);
                let id = insert(transaction, memory, model, None, &tidy(&line.name), entry)?;
                if model.is_none() {
                    let sql = "DELETE FROM memory_codes WHERE entry_id = ?1";
                    transaction.execute(sql, [id.0])?;
                    put_picture(transaction, id.0, &entry.encoded)?;
                }
            }
            Ok(())
        })
    }

    fn end_import(&mut self, memory: MemoryId) -> Result<(), MemoryError> {
        self.restore(memory)
    }

    fn forget_import(&mut self, memory: MemoryId) {
        let forgotten = self.write(|transaction| {
            transaction.execute("DELETE FROM memory_entries WHERE memory_id = ?1", [memory.0])?;
            let sql = "DELETE FROM memories WHERE id = ?1";
            Ok(transaction.execute(sql, params![memory.0])?)
        });
        if let Err(error) = forgotten {
            tracing::info!("what was imported is purged later: {error}");
        }
    }
}
