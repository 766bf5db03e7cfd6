//! From what the user typed to the rows that the transformer takes: cleaned, looked for among what
//! was encoded before, and only if it is new run through T5, which is not kept.
//!
//! Rows are rounded to 16 bits whether they come from the disk or not, so that a picture has the
//! same bytes either way.

mod files;
mod words;
mod spiece;
mod cache;

use std::io;
use std::time::SystemTime;

use candle_core::{DType, Device, Tensor};

use super::prompt::clean;
use super::t5::{T5Weights, encode_in_passing, left_padded};
use crate::imaging::metadata::sha256_hex;
use crate::model::ModelError;
use crate::model::recent::Recent;
pub use cache::PromptCache;
use cache::StoredRows;
pub use files::T5Files;
use words::{MAX_CHARS, Words};

/// Prompts kept encoded in memory: the history that a user moves through.
const N_RECENT: usize = 32;

/// Encodes prompts for a transformer. Keeps no weights.
pub struct PromptEncoder {
    files: T5Files,
    /// Rows that the transformer has for a prompt.
    max_tokens: usize,
    /// Values per row.
    dim: usize,
    device: Device,
    cache: Option<PromptCache>,
    recent: Recent<String, EncodedPrompt>,
    /// What the files were when their identity was found.
    known: Option<Known>,
    is_warned: bool,
}

struct Known {
    identity: String,
    state: Vec<Option<(u64, SystemTime)>>,
}

/// The rows of one prompt.
#[derive(Debug, Clone)]
pub struct EncodedPrompt {
    /// (T, D) in F32, one row per token, its end included: at least one.
    pub rows: Tensor,
    /// How many tokens of the prompt did not fit.
    pub n_dropped: usize,
}

impl EncodedPrompt {
    /// Rows that the transformer sees.
    pub fn n_visible(&self) -> usize {
        self.rows.dims().first().copied().unwrap_or(0)
    }

    /// As the transformer takes them: (`n_rows`, D), the prompt at the end, zeros before.
    ///
    /// # Errors
    /// More rows than that, or what the computation reports.
    pub fn left_padded(&self, n_rows: usize) -> Result<Tensor, ModelError> {
        Ok(left_padded(&self.rows, n_rows)?)
    }
}

impl PromptEncoder {
    /// For a transformer with `max_tokens` rows of `dim` values for a prompt
    /// ([`super::PrefixKind::Text`]). Without a `cache`, prompts are known for this run alone.
    /// Reads nothing yet.
    pub fn new(
        files: T5Files,
        (max_tokens, dim): (usize, usize),
        device: Device,
        cache: Option<PromptCache>,
    ) -> Self {
        let recent = Recent::new(N_RECENT);
        Self { files, max_tokens, dim, device, cache, recent, known: None, is_warned: false }
    }

    pub fn files(&self) -> &T5Files {
        &self.files
    }

    /// Encodes a prompt, which may be empty. What was encoded before costs nothing; a new prompt
    /// reads the whole text encoder, a block at a time.
    ///
    /// `go_on` is asked before each block, and once it says no the result is `None`; `progress` is
    /// told the share that is done, 0 to 1, only while the encoder is read.
    ///
    /// # Errors
    /// What is wrong with a file of the text encoder, or what the computation reports.
    pub fn encode(
        &mut self,
        prompt: &str,
        go_on: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(f32),
    ) -> Result<Option<EncodedPrompt>, ModelError> {
        let end = prompt.char_indices().nth(MAX_CHARS).map_or(prompt.len(), |(end, _)| end);
        let cleaned = clean(&prompt[..end]);
        let key = self.key(&cleaned)?;
        if let Some(encoded) = self.recent.find(|recent| *recent == key) {
            return Ok(Some(encoded));
        }
        let found = self.cache.as_ref().and_then(|cache| cache.find(&key, self.dim));
        let encoded = match found {
            Some(rows) => self.of_stored(&rows)?,
            None => match self.compute(&cleaned, &key, go_on, progress)? {
                Some(encoded) => encoded,
                None => return Ok(None),
            },
        };
        self.recent.put(key, encoded.clone());
        Ok(Some(encoded))
    }

    fn compute(
        &mut self,
        cleaned: &str,
        key: &str,
        go_on: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(f32),
    ) -> Result<Option<EncodedPrompt>, ModelError> {
        let config = self.files.config()?;
        if config.d_model != self.dim {
            let reason = format!(
                "its rows have {} values, the picture model takes {}; use flan-t5-xl",
                config.d_model, self.dim
            );
            return Err(ModelError::TextEncoder { reason });
        }
        let words = Words::read(&self.files.words, config.vocab_size)?;
        let (ids, n_dropped) = words.ids(cleaned, self.max_tokens)?;
        let weights = T5Weights::open(&self.files.weights, &self.device)?;
        weights.check(&config)?;
        let rows = encode_in_passing(&config, &weights, &[ids], go_on, progress)?;
        let Some(rows) = rows.and_then(|mut rows| rows.pop()) else { return Ok(None) };
        let values: Vec<f32> =
            rows.to_dtype(DType::F32)?.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()?;
        if values.iter().any(|value| !value.is_finite()) {
            let reason = "its rows are not finite numbers; get its files again".to_owned();
            return Err(ModelError::TextEncoder { reason });
        }
        let Some(stored) = StoredRows::new(&values, self.dim, n_dropped) else {
            // Too large for 16 bits, which no published encoder gives: used as they are, not kept.
            return Ok(Some(EncodedPrompt { rows, n_dropped }));
        };
        self.keep(key, &stored);
        self.of_stored(&stored).map(Some)
    }

    fn of_stored(&self, stored: &StoredRows) -> Result<EncodedPrompt, ModelError> {
        let shape = (stored.values.len() / self.dim, self.dim);
        let rows = Tensor::from_vec(stored.to_f32(), shape, &self.device)?;
        Ok(EncodedPrompt { rows, n_dropped: stored.n_dropped })
    }

    fn keep(&mut self, key: &str, rows: &StoredRows) {
        let kept = self.cache.as_ref().map_or(Ok(()), |cache| cache.keep(key, rows));
        self.warn_of(kept);
    }

    /// Tells the log once that nothing can be kept.
    fn warn_of(&mut self, kept: io::Result<()>) {
        if let (Err(error), Some(cache), false) = (kept, &self.cache, self.is_warned) {
            self.is_warned = true;
            let folder = cache.folder().display();
            tracing::warn!("encoded prompts cannot be kept ({error}): {folder}");
        }
    }

    /// Of a cleaned prompt and of all that its rows depend on.
    fn key(&mut self, cleaned: &str) -> Result<String, ModelError> {
        let identity = self.identity()?;
        Ok(sha256_hex(format!("{identity} {} {cleaned}", self.max_tokens).as_bytes()))
    }

    /// Of the files as they are; if they are gone, as they were.
    fn identity(&mut self) -> Result<String, ModelError> {
        let state = self.files.state();
        let is_gone = state.contains(&None);
        if let Some(known) = &self.known
            && (known.state == state || is_gone)
        {
            return Ok(known.identity.clone());
        }
        let places = self.files.places();
        if is_gone && let Some(identity) = self.cache.as_ref().and_then(|c| c.identity(&places)) {
            return Ok(identity);
        }
        let identity = self.files.identity()?;
        let kept = self.cache.as_ref().map_or(Ok(()), |c| c.keep_identity(&places, &identity));
        self.warn_of(kept);
        self.known = Some(Known { identity: identity.clone(), state });
        Ok(identity)
    }
}
