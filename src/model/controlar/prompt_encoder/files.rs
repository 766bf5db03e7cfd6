//! The files of a text encoder, and what tells one from another.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::imaging::metadata::sha256_hex;
use crate::model::controlar::config::{self, T5Config};
use crate::model::weights::Shards;
use crate::model::{ModelError, WeightsError};

/// Where all of it is published.
const PUBLISHED: &str = "google/flan-t5-xl on huggingface.co";
/// Pieces of a file that tell it from others, and the length of each.
const N_SAMPLES: u64 = 64;
const SAMPLE_BYTES: u64 = 4096;
/// Far more than any configuration.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// The files of a T5 encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct T5Files {
    /// safetensors, PyTorch files or GGUF: one, or several that belong together.
    pub weights: Vec<PathBuf>,
    /// `tokenizer.json` or `spiece.model`.
    pub words: PathBuf,
    /// `config.json`; that of flan-t5-xl if `None`.
    pub config: Option<PathBuf>,
}

impl T5Files {
    /// Looks for them in a folder, as they are published: safetensors or PyTorch files, whole or in
    /// parts with an index, or a GGUF file.
    ///
    /// # Errors
    /// [`ModelError::TextEncoder`] naming what is missing and where it is published.
    pub fn find(folder: &Path) -> Result<Self, ModelError> {
        let missing = |what: &str| ModelError::TextEncoder {
            reason: format!("there is no {what}; get it from {PUBLISHED}: {}", folder.display()),
        };
        let there = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
        let words = there("tokenizer.json").or_else(|| there("spiece.model"));
        let index =
            there("model.safetensors.index.json").or_else(|| there("pytorch_model.bin.index.json"));
        let whole = there("model.safetensors");
        let weights = match (whole, index) {
            (Some(whole), _) => vec![whole],
            (None, Some(index)) => {
                let parts = Shards::files_of_index(&index)?;
                if let Some(part) = parts.iter().find(|part| !part.is_file()) {
                    let name = part.file_name().unwrap_or_default().to_string_lossy();
                    return Err(missing(&format!("{name}, which its index names")));
                }
                parts
            }
            (None, None) => {
                let found = gguf_in(folder).or_else(|| there("pytorch_model.bin"));
                vec![found.ok_or_else(|| missing("model.safetensors and no GGUF file"))?]
            }
        };
        Ok(Self {
            weights,
            words: words.ok_or_else(|| missing("tokenizer.json and no spiece.model"))?,
            config: there("config.json"),
        })
    }

    /// Dimensions of the encoder.
    ///
    /// # Errors
    /// [`ModelError::Read`] or [`ModelError::Config`].
    pub(super) fn config(&self) -> Result<T5Config, ModelError> {
        let Some(path) = &self.config else { return Ok(T5Config::flan_xl()) };
        let read = |source| ModelError::Read {
            what: "the text encoder's configuration",
            path: path.clone(),
            source,
        };
        if fs::metadata(path).map_err(read)?.len() > MAX_CONFIG_BYTES {
            let reason = format!("it is too long: {}", path.display());
            return Err(ModelError::Config { reason });
        }
        config::parse(&fs::read_to_string(path).map_err(read)?)
    }

    /// Tells these files from any others: a hash of their lengths and of pieces all over them. To
    /// hash gigabytes would take longer than to encode a prompt.
    ///
    /// # Errors
    /// [`WeightsError::Read`].
    pub(super) fn identity(&self) -> Result<String, WeightsError> {
        let mut seen = Vec::new();
        for path in self.weights.iter().chain([&self.words]).chain(&self.config) {
            let read = |source| WeightsError::Read {
                what: "a file of the text encoder",
                path: path.clone(),
                source,
            };
            let mut file = File::open(path).map_err(read)?;
            let len = file.metadata().map_err(read)?.len();
            seen.extend_from_slice(&len.to_le_bytes());
            let last = len.saturating_sub(SAMPLE_BYTES);
            for sample in 0..N_SAMPLES {
                // The first and the last bytes are among them.
                let start = u128::from(last) * u128::from(sample) / u128::from(N_SAMPLES - 1);
                file.seek(SeekFrom::Start(start as u64)).map_err(read)?;
                file.by_ref().take(SAMPLE_BYTES).read_to_end(&mut seen).map_err(read)?;
                if last == 0 {
                    break;
                }
            }
        }
        Ok(sha256_hex(&seen))
    }

    /// Names the places of the files, whatever they hold.
    pub(super) fn places(&self) -> String {
        let files = self.weights.iter().chain([&self.words]).chain(&self.config);
        let places: Vec<String> = files
            .map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()))
            .map(|path| path.to_string_lossy().into_owned())
            .collect();
        sha256_hex(places.join("\n").as_bytes())
    }

    /// Lengths and times of change, from which an identity that was found before is known to hold.
    /// `None` for a file that is not there.
    pub(super) fn state(&self) -> Vec<Option<(u64, std::time::SystemTime)>> {
        let files = self.weights.iter().chain([&self.words]).chain(&self.config);
        files
            .map(|path| {
                let metadata = fs::metadata(path).ok()?;
                Some((metadata.len(), metadata.modified().ok()?))
            })
            .collect()
    }
}

/// The first GGUF file by name.
fn gguf_in(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let is_gguf = |path: &PathBuf| {
        path.is_file() && path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gguf"))
    };
    files.filter(is_gguf).min()
}
