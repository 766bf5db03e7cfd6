//! Entries that are out of date: keys of captions that were changed, and entries that were made for
//! another model. Both work as before until they are made anew, batch by batch.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::params;

use super::adding::{BATCH, Stop, codes_of};
use super::batch::{put_codes, put_picture};
use super::captions::CaptionSource;
use super::entries::decode;
use super::fingerprint::{Fingerprint, Fingerprinter};
use super::prepare::Recipe;
use super::store::{model_id, touch};
use super::{MemoryError, MemoryStore, entry_id};
use crate::imaging::RgbaImage;
use crate::imaging::fit::fit_square;
use crate::library::walk::FoundFile;
use crate::library::{stored_path, thumbnail};
use crate::protocol::{MemoryEncoder, MemoryId, MemoryModel};

/// An entry to make anew.
struct Outdated {
    id: i64,
    memory: MemoryId,
    caption: String,
    path: Option<PathBuf>,
    n_bytes: i64,
    modified_ns: i64,
    encoded: Option<Vec<u8>>,
}

impl MemoryStore {
    /// Makes keys for captions that were changed and all entries anew that were made for another
    /// model. Tells how many; `on_batch` is called after each batch.
    ///
    /// # Errors
    /// [`MemoryError`]; what was done stays done.
    pub fn renew(
        &mut self,
        encoder: &mut dyn MemoryEncoder,
        stop: &dyn Fn() -> Option<Stop>,
        on_batch: &mut dyn FnMut(),
    ) -> Result<usize, MemoryError> {
        let mut n_renewed = 0;
        // Without looking, nothing would be asked of a model that is still being loaded.
        if self.is_any_due()? {
            let model = encoder.model()?;
            while stop().is_none() {
                let n_keys = self.renew_keys(encoder, &model)?;
                if n_keys == 0 {
                    break;
                }
                n_renewed += n_keys;
                on_batch();
            }
            // Those that cannot be made anew are passed over.
            let mut last_id = 0;
            while stop().is_none() {
                let outdated = self.outdated_after(last_id, &model)?;
                let Some(last) = outdated.last() else { break };
                last_id = last.id;
                n_renewed += self.renew_entries(encoder, &model, outdated)?;
                on_batch();
            }
        }
        Ok(n_renewed)
    }

    fn is_any_due(&self) -> Result<bool, MemoryError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM memory_entries WHERE removed_at IS NULL)";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    fn renew_keys(
        &mut self,
        encoder: &mut dyn MemoryEncoder,
        model: &MemoryModel,
    ) -> Result<usize, MemoryError> {
        let model_id = self.find_model(model)?;
        let due: Vec<(i64, i64, String)> = self
            .connection
            .prepare_cached(
                "SELECT id, memory_id, caption FROM memory_entries
                 WHERE is_key_due AND removed_at IS NULL AND model_id = ?1 LIMIT ?2",
            )?
            .query_map(params![model_id, BATCH as i64], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        if due.is_empty() {
            return Ok(0);
        }
        let captions: Vec<String> = due.iter().map(|(_, _, caption)| caption.clone()).collect();
        let keys = encoder.keys(&captions)?;
        self.write(|transaction| {
            for ((id, memory, caption), key) in due.iter().zip(&keys) {
                let key: Vec<u8> = key.iter().map(|value| value.cast_unsigned()).collect();
                // The caption may have been changed again meanwhile.
                let sql = "UPDATE memory_entries SET is_key_due = 0 WHERE id = ?1 AND caption = ?2";
                if transaction.execute(sql, params![id, caption])? > 0 {
                    let sql = "UPDATE memory_codes SET key = ?2 WHERE entry_id = ?1";
                    transaction.execute(sql, params![id, key])?;
                }
                touch(transaction, MemoryId(*memory))?;
            }
            Ok(due.len())
        })
    }

    fn outdated_after(
        &self,
        last_id: i64,
        model: &MemoryModel,
    ) -> Result<Vec<Outdated>, MemoryError> {
        let model_id = self.find_model(model)?;
        let mut statement = self.connection.prepare_cached(
            "SELECT memory_entries.id, memory_id, caption, path, n_bytes, modified_ns, encoded
             FROM memory_entries
             JOIN memories ON memories.id = memory_id AND memories.removed_at IS NULL
             LEFT JOIN memory_pictures ON entry_id = memory_entries.id
             WHERE memory_entries.id > ?1 AND memory_entries.removed_at IS NULL
                 AND model_id IS NOT ?2
             ORDER BY memory_entries.id LIMIT ?3",
        )?;
        let outdated = statement.query_map(params![last_id, model_id, BATCH as i64], |row| {
            Ok(Outdated {
                id: row.get(0)?,
                memory: MemoryId(row.get(1)?),
                caption: row.get(2)?,
                path: row.get::<_, Option<Vec<u8>>>(3)?.map(stored_path::from_bytes),
                n_bytes: row.get(4)?,
                modified_ns: row.get(5)?,
                encoded: row.get(6)?,
            })
        })?;
        Ok(outdated.collect::<Result<_, _>>()?)
    }

    fn renew_entries(
        &mut self,
        encoder: &mut dyn MemoryEncoder,
        model: &MemoryModel,
        outdated: Vec<Outdated>,
    ) -> Result<usize, MemoryError> {
        let fingerprinter = Fingerprinter::new();
        let mut fresh: Vec<(Outdated, Source)> = Vec::with_capacity(outdated.len());
        for entry in outdated {
            match entry.source(model.image_size_px, &fingerprinter) {
                Some(source) => fresh.push((entry, source)),
                None => {
                    tracing::info!("entry {} cannot be made anew: its picture is lost", entry.id);
                }
            }
        }
        let pictures: Vec<_> = fresh.iter().map(|(_, source)| Arc::clone(&source.fitted)).collect();
        let captions: Vec<_> = fresh.iter().map(|(entry, _)| entry.caption.clone()).collect();
        let codes = codes_of(encoder, model, &pictures, &captions)?;
        self.write(|transaction| {
            let model_id = model_id(transaction, model)?;
            let mut n_renewed = 0;
            for ((entry, source), codes) in fresh.iter().zip(&codes) {
                let Ok((ids, key)) = codes else { continue };
                // The caption may have been changed meanwhile; then its key is made next.
                let sql = "UPDATE memory_entries
                     SET entry = ?2, model_id = ?3, is_key_due = caption != ?4 WHERE id = ?1";
                let values =
                    params![entry.id, entry_id(ids).0.cast_signed(), model_id, entry.caption];
                n_renewed += transaction.prepare_cached(sql)?.execute(values)?;
                put_codes(transaction, entry.id, ids, key)?;
                if let Some((encoded, fingerprint)) = &source.fitted_anew {
                    put_picture(transaction, entry.id, encoded)?;
                    let sql = "UPDATE memory_entries SET fingerprint = ?2 WHERE id = ?1";
                    transaction.execute(sql, params![entry.id, fingerprint.to_bytes()])?;
                }
                touch(transaction, entry.memory)?;
            }
            Ok(n_renewed)
        })
    }
}

/// What an entry is made anew of.
struct Source {
    fitted: Arc<RgbaImage>,
    /// The picture as it is to be stored, if it is not what is stored.
    fitted_anew: Option<(Vec<u8>, Fingerprint)>,
}

impl Outdated {
    /// The stored picture if the model wants its size; otherwise the file, if it is the same still,
    /// and if it is not, the stored picture in another size.
    fn source(&self, size_px: usize, fingerprinter: &Fingerprinter) -> Option<Source> {
        let stored = self.encoded.as_ref().and_then(|encoded| decode(encoded));
        let has_size =
            |picture: &RgbaImage| picture.dimensions() == (size_px as u32, size_px as u32);
        let anew = |fitted: Arc<RgbaImage>| {
            let encoded = thumbnail::encode(&fitted)?;
            let fingerprint = fingerprinter.of(&fitted);
            Some(Source { fitted, fitted_anew: Some((encoded, fingerprint)) })
        };
        match stored {
            Some(stored) if has_size(&stored) => {
                Some(Source { fitted: Arc::new(stored), fitted_anew: None })
            }
            stored => match self.read_anew(size_px, fingerprinter) {
                Some(fitted) => anew(fitted),
                None => anew(Arc::new(fit_square(&stored?, size_px))),
            },
        }
    }

    fn read_anew(&self, size_px: usize, fingerprinter: &Fingerprinter) -> Option<Arc<RgbaImage>> {
        let path = self.path.as_deref()?;
        let found = FoundFile::new(path.to_owned(), &fs::metadata(path).ok()?);
        let is_same = (found.n_bytes, found.modified_ns) == (self.n_bytes, self.modified_ns);
        let recipe = Recipe {
            captions: &CaptionSource::FileNames,
            root: Path::new(""),
            removes_background: true,
            size_px,
        };
        let prepared = is_same.then(|| recipe.prepare(path, fingerprinter))?;
        Some(prepared.ok()?.fitted)
    }
}
