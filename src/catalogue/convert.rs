//! A PyTorch file to safetensors: tensor by tensor, in pieces, so that it takes no more memory for
//! large files. Types stay as they are; the new file is read again and compared before it gets its
//! name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::NamedTempFile;

use super::download::Progress;
use crate::imaging::metadata::Sha256;
use crate::model::controlar::Precision;
use crate::model::controlar::pack::write_gguf;
use crate::model::weights::{Checkpoint, StoredAs};
use crate::model::{ModelError, WeightsError};

/// Bytes that are copied at once.
const PIECE: u64 = 4 << 20;

/// Why a file could not be converted.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    #[error("the conversion was stopped; nothing was written")]
    Stopped,
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error("the file is safetensors already, so there is nothing to convert: {}", path.display())]
    Already { path: PathBuf },
    #[error("the file has no tensors that can be converted: {}", path.display())]
    Nothing { path: PathBuf },
    #[error(
        "only transformers of LlamaGen and ControlAR are packed in few bits; leave --precision out: {}",
        path.display()
    )]
    NoTransformer { path: PathBuf },
    #[error(transparent)]
    Pack(Box<ModelError>),
    #[error("there is a file of this name already; choose another one with -o: {}", path.display())]
    Exists { path: PathBuf },
    #[error(
        "what was written is not what was read (tensor {name}), so it was removed; check the disk: {}",
        path.display()
    )]
    Differs { name: String, path: PathBuf },
    #[error("the file cannot be written: {}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// A file that was converted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    pub path: PathBuf,
    pub n_tensors: usize,
    pub n_bytes: u64,
    /// Of the new file.
    pub sha256: String,
    /// Tensors that were left out, with their type: no network needs them.
    pub left_out: Vec<(String, String)>,
}

/// The same name with the ending `safetensors`.
pub fn converted_path(path: &Path) -> PathBuf {
    path.with_extension("safetensors")
}

/// Converts a file. `go_on` is asked between pieces; progress counts bytes written and read again.
///
/// # Errors
/// [`ConvertError`]; then nothing is left behind.
pub fn convert(
    from: &Path,
    to: &Path,
    go_on: &dyn Fn() -> bool,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Converted, ConvertError> {
    if from.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("safetensors")) {
        return Err(ConvertError::Already { path: from.to_owned() });
    }
    if to.exists() {
        return Err(ConvertError::Exists { path: to.to_owned() });
    }
    let source = Checkpoint::open(from)?;
    let is_plain = |tensor: &StoredAs<'_>| matches!(tensor.dtype, "F32" | "F16" | "BF16");
    let (kept, others): (Vec<_>, Vec<_>) = source.stored().partition(is_plain);
    if kept.is_empty() {
        return Err(ConvertError::Nothing { path: from.to_owned() });
    }
    let n_data: u64 = kept.iter().map(|tensor| tensor.n_bytes).sum();
    let mut work = Work { n_done: 0, n_total: 2 * n_data, go_on, on_progress };
    let written = |source| ConvertError::Write { path: to.to_owned(), source };
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(written)?;
    let mut whole = Sha256::default();
    let header = header(from, &kept);
    for bytes in [&(header.len() as u64).to_le_bytes()[..], &header] {
        whole.update(bytes);
        file.write_all(bytes).map_err(written)?;
    }
    let mut hashes = BTreeMap::new();
    for tensor in &kept {
        let mut hash = Sha256::default();
        work.pieces(&source, tensor, &mut |piece| {
            hash.update(piece);
            whole.update(piece);
            file.write_all(piece).map_err(written)
        })?;
        hashes.insert(tensor.name, hash.finish());
    }
    file.as_file().sync_all().map_err(written)?;
    // From the disk again, by the list of the new file.
    let copy = Checkpoint::open(file.path())?;
    for tensor in copy.stored() {
        let mut hash = Sha256::default();
        work.pieces(&copy, &tensor, &mut |piece| {
            hash.update(piece);
            Ok(())
        })?;
        if hashes.remove(tensor.name) != Some(hash.finish()) {
            return Err(ConvertError::Differs {
                name: tensor.name.to_owned(),
                path: to.to_owned(),
            });
        }
    }
    if let Some(name) = hashes.into_keys().next() {
        return Err(ConvertError::Differs { name: name.to_owned(), path: to.to_owned() });
    }
    let n_bytes = copy.n_bytes();
    drop(copy);
    file.persist_noclobber(to).map_err(|error| written(error.error))?;
    Ok(Converted {
        path: to.to_owned(),
        n_tensors: kept.len(),
        n_bytes,
        sha256: whole.finish(),
        left_out: others
            .iter()
            .map(|tensor| (tensor.name.to_owned(), tensor.dtype.to_owned()))
            .collect(),
    })
}

/// `edge_base-q8.gguf` for `edge_base.safetensors`.
pub fn packed_path(path: &Path, precision: Precision) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{precision}.gguf"))
}

/// Writes a GGUF file with the matrices of a transformer in few bits; returns its size. What is not a
/// transformer is refused. `go_on` is asked between tensors.
///
/// # Errors
/// [`ConvertError`]; then nothing is left behind.
pub fn pack(
    from: &Path,
    to: &Path,
    precision: Precision,
    go_on: &dyn Fn() -> bool,
) -> Result<u64, ConvertError> {
    if to.exists() {
        return Err(ConvertError::Exists { path: to.to_owned() });
    }
    let source = Checkpoint::open(from)?;
    if !source.tensors().any(|(name, _)| name == "tok_embeddings.weight") {
        return Err(ConvertError::NoTransformer { path: from.to_owned() });
    }
    let is_done = write_gguf(&source, precision, to, go_on)
        .map_err(|error| ConvertError::Pack(Box::new(error)))?;
    if !is_done {
        return Err(ConvertError::Stopped);
    }
    // It is read again by its list, which tells its size too.
    Ok(Checkpoint::open(to)?.n_bytes())
}

/// Names, types, shapes and places, padded so that the numbers begin at a multiple of 8.
fn header(from: &Path, kept: &[StoredAs<'_>]) -> Vec<u8> {
    let origin = from.file_name().unwrap_or_default().to_string_lossy();
    let mut fields = serde_json::Map::new();
    let metadata = json!({
        "format": "pt",
        "underpaint.converted_from": origin,
        "underpaint.converted_by": concat!("Underpaint ", env!("CARGO_PKG_VERSION")),
    });
    fields.insert("__metadata__".to_owned(), metadata);
    let mut start = 0;
    for tensor in kept {
        let end = start + tensor.n_bytes;
        let field = json!({
            "dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [start, end],
        });
        fields.insert(tensor.name.to_owned(), field);
        start = end;
    }
    let mut header = serde_json::Value::Object(fields).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    header
}

struct Work<'a> {
    n_done: u64,
    n_total: u64,
    go_on: &'a dyn Fn() -> bool,
    on_progress: &'a mut dyn FnMut(Progress),
}

impl Work<'_> {
    fn pieces(
        &mut self,
        file: &Checkpoint,
        tensor: &StoredAs<'_>,
        take: &mut dyn FnMut(&[u8]) -> Result<(), ConvertError>,
    ) -> Result<(), ConvertError> {
        let mut start = 0;
        while start < tensor.n_bytes {
            if !(self.go_on)() {
                return Err(ConvertError::Stopped);
            }
            let n = PIECE.min(tensor.n_bytes - start);
            take(&file.read_stored(tensor.name, start, n)?)?;
            start += n;
            self.n_done += n;
            (self.on_progress)(Progress { n_done: self.n_done, n_total: Some(self.n_total) });
        }
        Ok(())
    }
}

/// SHA-256 of a file, in 64 hexadecimal digits; `None` if it was stopped.
///
/// # Errors
/// What the system says.
pub fn sha256_of(
    path: &Path,
    go_on: &dyn Fn() -> bool,
    on_progress: &mut dyn FnMut(Progress),
) -> io::Result<Option<String>> {
    use std::io::Read as _;
    let mut file = File::open(path)?;
    let n_total = file.metadata()?.len();
    let mut hash = Sha256::default();
    let mut piece = vec![0; PIECE as usize];
    let mut n_done = 0;
    loop {
        if !go_on() {
            return Ok(None);
        }
        match file.read(&mut piece)? {
            0 => return Ok(Some(hash.finish())),
            n => {
                hash.update(&piece[..n]);
                n_done += n as u64;
                on_progress(Progress { n_done, n_total: Some(n_total) });
            }
        }
    }
}
