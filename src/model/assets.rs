//! Where the files of a model come from: the program itself, or a folder.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use super::memory::{Checksum, PictureMemory};
use super::weights::{Container, Weights};
use super::{Config, ModelError};
use crate::imaging::metadata::sha256_hex;

const EMBEDDED_CONFIG: &str = include_str!("../../assets/model/config.json");
const EMBEDDED_TOKENIZER: &[u8] = include_bytes!("../../assets/model/tokenizer.json");
static EMBEDDED_WEIGHTS: &[u8] = include_bytes!("../../assets/model/model.gguf");
/// Written when the model was packed, so that no start has to hash the weights.
const EMBEDDED_SUMS: &str = include_str!("../../assets/model/SHA256SUMS");
static EMBEDDED_MEMORY: &[u8] = include_bytes!("../../assets/model/memory.upmem");
/// How the embedded weights are called in messages.
const EMBEDDED_WEIGHTS_NAME: &str = "the model built into Underpaint";

/// No configuration or vocabulary is longer, in bytes.
const MAX_JSON: u64 = 64 << 20;

/// The files of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFiles {
    origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Embedded,
    Folder { folder: PathBuf, weights: PathBuf, memory: MemoryFiles },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum MemoryFiles {
    Absent,
    Packed(PathBuf),
    Loose { tensors: PathBuf, lines: PathBuf },
}

impl ModelFiles {
    /// The model inside the program.
    pub fn embedded() -> Self {
        Self { origin: Origin::Embedded }
    }

    /// The model in `folder`: `config.json`, `tokenizer.json`, `model.safetensors` or `model.gguf`,
    /// and possibly a memory, `memory.upmem` or `memory.safetensors` with `memory.jsonl`. Reads
    /// none of them yet.
    ///
    /// # Errors
    /// [`ModelError::NoFolder`] or [`ModelError::MissingFile`].
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        if !folder.is_dir() {
            return Err(ModelError::NoFolder { path: folder.to_owned() });
        }
        let present = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
        let require = |name: &'static str| {
            let missing = || ModelError::MissingFile { missing: name, folder: folder.to_owned() };
            present(name).ok_or_else(missing)
        };
        require("config.json")?;
        require("tokenizer.json")?;
        let weights = match present("model.gguf") {
            Some(path) => path,
            None => require("model.safetensors")?,
        };
        let memory = match (present("memory.upmem"), present("memory.safetensors")) {
            (Some(packed), _) => MemoryFiles::Packed(packed),
            (None, Some(tensors)) => {
                let lines = present("memory.jsonl").ok_or_else(|| ModelError::Memory {
                    reason: format!(
                        "memory.safetensors has no memory.jsonl beside it: {}",
                        folder.display()
                    ),
                })?;
                MemoryFiles::Loose { tensors, lines }
            }
            (None, None) => MemoryFiles::Absent,
        };
        Ok(Self { origin: Origin::Folder { folder: folder.to_owned(), weights, memory } })
    }

    /// Whether this is the model inside the program, whose files never change.
    pub fn is_embedded(&self) -> bool {
        self.origin == Origin::Embedded
    }

    /// # Errors
    /// [`ModelError::Read`], or as [`Config::parse`].
    pub fn config(&self) -> Result<Config, ModelError> {
        match &self.origin {
            Origin::Embedded => Config::parse(EMBEDDED_CONFIG),
            Origin::Folder { folder, .. } => {
                let path = folder.join("config.json");
                let json = String::from_utf8(read_json(&path, "config.json")?)
                    .map_err(|error| at_path(&error.to_string(), &path))
                    .map_err(|reason| ModelError::Config { reason })?;
                Config::parse(&json).map_err(|error| match error {
                    ModelError::Config { reason } => {
                        ModelError::Config { reason: at_path(&reason, &path) }
                    }
                    other => other,
                })
            }
        }
    }

    /// The text encoder's `tokenizer.json`.
    ///
    /// # Errors
    /// [`ModelError::Read`].
    pub fn tokenizer_json(&self) -> Result<Cow<'static, [u8]>, ModelError> {
        match &self.origin {
            Origin::Embedded => Ok(Cow::Borrowed(EMBEDDED_TOKENIZER)),
            Origin::Folder { folder, .. } => {
                read_json(&folder.join("tokenizer.json"), "tokenizer.json").map(Cow::Owned)
            }
        }
    }

    /// SHA-256 of the weights, which are those of [`Self::weights`]: looked up or, for a folder,
    /// computed, which takes a moment.
    pub fn weights_sha256(&self, weights: &Weights) -> Option<String> {
        match &self.origin {
            Origin::Embedded => embedded_sum("model.gguf"),
            Origin::Folder { .. } => Some(weights.sha256()),
        }
    }

    /// SHA-256 of the text tokenizer, which is that of [`Self::tokenizer_json`].
    pub fn tokenizer_sha256(&self, tokenizer_json: &[u8]) -> Option<String> {
        match &self.origin {
            Origin::Embedded => embedded_sum("tokenizer.json"),
            Origin::Folder { .. } => Some(sha256_hex(tokenizer_json)),
        }
    }

    /// # Errors
    /// As [`Weights::read`].
    pub fn weights(&self) -> Result<Weights, ModelError> {
        let weights = match &self.origin {
            Origin::Embedded => Weights::from_bytes(
                Container::Gguf,
                Cow::Borrowed(EMBEDDED_WEIGHTS),
                Path::new(EMBEDDED_WEIGHTS_NAME),
            ),
            Origin::Folder { weights, .. } => Weights::read(weights),
        };
        Ok(weights?)
    }

    /// The picture memory for the model of `config`; empty if there is none.
    ///
    /// # Errors
    /// [`ModelError::Read`], or [`ModelError::Memory`] if it is damaged or made for another model.
    pub fn memory(&self, config: &Config) -> Result<PictureMemory, ModelError> {
        let Origin::Folder { memory, .. } = &self.origin else {
            let bytes = Cow::Borrowed(EMBEDDED_MEMORY);
            return PictureMemory::from_packed(bytes, Checksum::Trust, config);
        };
        let (opened, path) = match memory {
            MemoryFiles::Absent => return Ok(PictureMemory::empty(config)),
            MemoryFiles::Packed(path) => {
                let bytes = Cow::Owned(read(path, "the picture memory")?);
                (PictureMemory::from_packed(bytes, Checksum::Verify, config), path)
            }
            MemoryFiles::Loose { tensors, lines } => {
                let bytes = read(tensors, "the picture memory")?;
                let text = fs::read_to_string(lines).map_err(|source| ModelError::Read {
                    what: "memory.jsonl",
                    path: lines.clone(),
                    source,
                })?;
                (PictureMemory::from_loose(&bytes, &text, config), tensors)
            }
        };
        opened.map_err(|error| match error {
            ModelError::Memory { reason } => ModelError::Memory { reason: at_path(&reason, path) },
            other => other,
        })
    }
}

/// The line of `SHA256SUMS` for a file.
fn embedded_sum(name: &str) -> Option<String> {
    let mut lines = EMBEDDED_SUMS.lines().filter_map(|line| line.split_once("  "));
    lines.find(|(_, file)| *file == name).map(|(sum, _)| sum.to_owned())
}

fn at_path(reason: &str, path: &Path) -> String {
    format!("{reason}: {}", path.display())
}

fn read(path: &Path, what: &'static str) -> Result<Vec<u8>, ModelError> {
    fs::read(path).map_err(|source| ModelError::Read { what, path: path.to_owned(), source })
}

/// Reads a small file; a huge one cannot be what its name says.
fn read_json(path: &Path, what: &'static str) -> Result<Vec<u8>, ModelError> {
    let failed = |source| ModelError::Read { what, path: path.to_owned(), source };
    let n_bytes = fs::metadata(path).map_err(failed)?.len();
    if n_bytes > MAX_JSON {
        return Err(failed(std::io::Error::other(format!("it takes {n_bytes} bytes"))));
    }
    read(path, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_files_belong_together() {
        let files = ModelFiles::embedded();
        let config = files.config().unwrap();
        let memory = files.memory(&config).unwrap();
        assert!(!memory.is_empty());
        let weights = files.weights().unwrap();
        assert!(weights.n_parameters() > 1_000_000);
        serde_json::from_slice::<serde_json::Value>(&files.tokenizer_json().unwrap()).unwrap();
    }

    #[test]
    fn the_embedded_sums_are_right() {
        let files = ModelFiles::embedded();
        let weights = files.weights().unwrap();
        assert_eq!(files.weights_sha256(&weights), Some(weights.sha256()));
        let tokenizer = files.tokenizer_json().unwrap();
        assert_eq!(files.tokenizer_sha256(&tokenizer), Some(sha256_hex(&tokenizer)));
    }
}
