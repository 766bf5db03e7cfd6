//! Weights: named tensors in a file or in the program itself, decoded one at a time when a network
//! asks for them. Knows the two containers, safetensors and GGUF; names and shapes are the
//! networks' business.
//!
//! [`Checkpoint`] is the same for the large files of published models, safetensors, PyTorch and
//! GGUF: it stays on disk, and what it holds is compared with what a network needs before anything
//! is read.
//!
//! All containers are read by code of our own: their headers come from the user's disk, so every
//! length and offset is checked against the file before it is used (the usual crates overflow or
//! divide by zero on crafted ones), and tensors of the built-in file are decoded from the
//! program's own pages without a copy.

mod safetensors;
mod gguf;
mod decode;
mod blocks;
mod packing;
mod file;
mod torch_zip;
mod pickle;
mod inventory;
mod reading;
mod checkpoint;
mod shards;
pub mod formats;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::quantized::GgmlDType;
use candle_core::{DType, Device, Shape, Tensor};
use candle_nn::VarBuilder;
use candle_nn::var_builder::SimpleBackend;

use super::WeightsError;
use crate::imaging::metadata::sha256_hex;
pub use checkpoint::{Checkpoint, StoredAs};
pub use inventory::{Inventory, Misshaped, Wanted};
pub use packing::to_gguf;
pub use reading::Reading;
pub(super) use safetensors::parse as parse_safetensors;
pub use shards::Shards;

/// Newest layout of tensors in a file that this program knows: `underpaint.format` in its metadata.
pub const FORMAT: u64 = 1;

/// Characters of a name in messages.
const MAX_SHOWN: usize = 120;

/// An open weight file. Cloning is cheap and shares the bytes.
#[derive(Debug, Clone)]
pub struct Weights {
    file: Arc<WeightsFile>,
}

/// How a file lists its tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    Safetensors,
    /// Matrices have at most their own two dimensions: kernels (out, in, k, k) are stored as
    /// (out, in·k·k), single numbers as one-element vectors.
    Gguf,
}

#[derive(Debug)]
struct WeightsFile {
    path: PathBuf,
    bytes: Cow<'static, [u8]>,
    container: Container,
    tensors: BTreeMap<String, StoredTensor>,
}

/// Where and how one tensor lies in the file. `range` has the length that shape and encoding ask
/// for; containers check that before they make one.
#[derive(Debug)]
pub(super) struct StoredTensor {
    pub(super) encoding: Encoding,
    pub(super) shape: Vec<usize>,
    pub(super) range: Range<usize>,
    /// Whether a network has asked for it.
    pub(super) used: AtomicBool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Encoding {
    F32,
    F16,
    Bf16,
    /// Blocks of 32 values: an F16 factor and 32 signed bytes.
    Q8_0,
    /// Other blocks of GGUF files; rows are whole numbers of blocks.
    Blocks(GgmlDType),
    /// Anything else, by its name in the container; an error only if a network asks for it.
    Other(String),
}

/// What a container's parser finds: its tensors and the version it was made for.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) tensors: BTreeMap<String, StoredTensor>,
    pub(super) format: Option<u64>,
}

impl Weights {
    /// Reads a weight file whole; the name's ending tells the container (`gguf`, else
    /// safetensors).
    ///
    /// # Errors
    /// [`WeightsError::Read`], or as [`Weights::from_bytes`].
    pub fn read(path: &Path) -> Result<Self, WeightsError> {
        let bytes = std::fs::read(path).map_err(|source| WeightsError::Read {
            what: "the weight file",
            path: path.to_owned(),
            source,
        })?;
        let is_gguf = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gguf"));
        let container = if is_gguf { Container::Gguf } else { Container::Safetensors };
        Self::from_bytes(container, Cow::Owned(bytes), path)
    }

    /// Of the whole file, 64 hexadecimal digits.
    pub fn sha256(&self) -> String {
        sha256_hex(&self.file.bytes)
    }

    /// Opens a weight file that is already in memory; `path` is for messages. Decodes nothing yet.
    ///
    /// # Errors
    /// [`WeightsError::Damaged`] if the header is not one or does not fit the length,
    /// [`WeightsError::Newer`] if it is of a later version.
    pub fn from_bytes(
        container: Container,
        bytes: Cow<'static, [u8]>,
        path: &Path,
    ) -> Result<Self, WeightsError> {
        let header = match container {
            Container::Safetensors => safetensors::parse(&bytes),
            Container::Gguf => gguf::parse(&bytes),
        };
        let header =
            header.map_err(|reason| WeightsError::Damaged { path: path.to_owned(), reason })?;
        match header.format {
            Some(found) if found > FORMAT => {
                return Err(WeightsError::Newer { path: path.to_owned(), found, known: FORMAT });
            }
            _ => {}
        }
        let tensors = header.tensors;
        Ok(Self {
            file: Arc::new(WeightsFile { path: path.to_owned(), bytes, container, tensors }),
        })
    }

    /// Numbers in all tensors that can be decoded, used or not.
    pub fn n_parameters(&self) -> usize {
        let floats = self.file.tensors.values().filter(|tensor| tensor.encoding.is_float());
        floats.map(StoredTensor::n_elements).sum()
    }

    /// Names and shapes as stored, by name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.file.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.shape.as_slice()))
    }

    /// Name and bytes of every tensor as stored, by name.
    pub fn stored(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let WeightsFile { tensors, bytes, .. } = &*self.file;
        tensors.iter().map(|(name, tensor)| (name.as_str(), &bytes[tensor.range.clone()]))
    }

    /// Where networks get their tensors from: F32 unless they ask for another type, each decoded
    /// when it is asked for. Its errors are [`WeightsError`]s inside candle's; converting those
    /// into a [`super::ModelError`] takes them out.
    pub fn var_builder(&self, device: &Device) -> VarBuilder<'static> {
        let backend: Box<dyn SimpleBackend> = Box::new(self.clone());
        VarBuilder::from_backend(backend, DType::F32, device.clone())
    }

    /// Names of the tensors that nothing has asked for.
    pub fn unused(&self) -> Vec<&str> {
        let unused = |tensor: &StoredTensor| !tensor.used.load(Ordering::Relaxed);
        let tensors = self.file.tensors.iter().filter(|(_, tensor)| unused(tensor));
        tensors.map(|(name, _)| name.as_str()).collect()
    }

    /// Tells the log if the file holds tensors that nothing has asked for: it may belong to
    /// another version of the network.
    pub fn warn_of_unused(&self) {
        let unused = self.unused();
        if let Some(first) = unused.first() {
            let path = self.file.path.display();
            tracing::warn!("{} tensors are not used, such as {first}: {path}", unused.len());
        }
    }

    /// Decodes a tensor, in the shape `expected` or, without one, as it is stored.
    fn load(
        &self,
        name: &str,
        expected: Option<&[usize]>,
    ) -> Result<(Vec<f32>, Vec<usize>), WeightsError> {
        let file = &*self.file;
        let path = || file.path.clone();
        let tensor = file
            .tensors
            .get(name)
            .ok_or_else(|| WeightsError::Missing { name: name.to_owned(), path: path() })?;
        tensor.used.store(true, Ordering::Relaxed);
        let shape = expected.unwrap_or(&tensor.shape);
        if !tensor.fits(shape, file.container) {
            return Err(WeightsError::Shape {
                name: name.to_owned(),
                expected: shape.to_owned(),
                found: tensor.shape.clone(),
                path: path(),
            });
        }
        if let Encoding::Other(found) = &tensor.encoding {
            let (name, found) = (name.to_owned(), found.clone());
            return Err(WeightsError::Encoding { name, found, path: path() });
        }
        let stored = &file.bytes[tensor.range.clone()];
        let values = decode::to_f32(&tensor.encoding, stored, tensor.n_elements())
            .ok_or_else(|| WeightsError::NotFinite { name: name.to_owned(), path: path() })?;
        Ok((values, shape.to_owned()))
    }
}

impl SimpleBackend for Weights {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: candle_nn::Init,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        let (values, shape) = self.load(name, Some(shape.dims()))?;
        Tensor::from_vec(values, shape, device)?.to_dtype(dtype)
    }

    /// In the stored shape, which for GGUF may be flatter than the network's.
    fn get_unchecked(
        &self,
        name: &str,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        let (values, shape) = self.load(name, None)?;
        Tensor::from_vec(values, shape, device)?.to_dtype(dtype)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.file.tensors.contains_key(name)
    }
}

impl StoredTensor {
    pub(super) fn n_elements(&self) -> usize {
        self.shape.iter().product()
    }

    fn fits(&self, expected: &[usize], container: Container) -> bool {
        if self.shape == expected {
            return true;
        }
        let same_count = checked_product(expected) == Some(self.n_elements());
        let is_flattened = match (self.shape.as_slice(), expected) {
            ([1], []) => true,
            ([rows, _], [out, _, _, ..]) => rows == out,
            _ => false,
        };
        container == Container::Gguf && same_count && is_flattened
    }
}

impl Encoding {
    fn is_float(&self) -> bool {
        !matches!(self, Self::Other(_))
    }

    /// Bytes of `n` values; `None` if the encoding is unknown, `n` is no whole number of blocks, or
    /// the size is beyond all memory.
    fn n_bytes(&self, n: usize) -> Option<usize> {
        match self {
            Self::F32 => n.checked_mul(4),
            Self::F16 | Self::Bf16 => n.checked_mul(2),
            Self::Q8_0 => {
                let n_blocks =
                    n.is_multiple_of(decode::Q8_0_VALUES).then_some(n / decode::Q8_0_VALUES)?;
                n_blocks.checked_mul(decode::Q8_0_BYTES)
            }
            Self::Blocks(dtype) => {
                let n_blocks = n.is_multiple_of(dtype.block_size()).then(|| n / dtype.block_size());
                n_blocks?.checked_mul(dtype.type_size())
            }
            Self::Other(_) => None,
        }
    }

    /// The block format, for tensors that can be kept as they are.
    fn blocks(&self) -> Option<GgmlDType> {
        match self {
            Self::Q8_0 => Some(GgmlDType::Q8_0),
            Self::Blocks(format) => Some(*format),
            _ => None,
        }
    }
}

/// The number of elements of a shape; `None` if it is beyond all memory. So is one with nothing in it
/// whose other sides are: candle would overflow on the way.
fn checked_product(shape: &[usize]) -> Option<usize> {
    let product = shape.iter().try_fold(1_usize, |product, dim| product.checked_mul((*dim).max(1)));
    product.map(|product| if shape.contains(&0) { 0 } else { product })
}

/// No two tensors share bytes: a file of which they do is not what its list says.
fn check_apart(tensors: &BTreeMap<String, StoredTensor>) -> Result<(), String> {
    let mut ranges: Vec<(&Range<usize>, &String)> =
        tensors.iter().map(|(name, tensor)| (&tensor.range, name)).collect();
    ranges.retain(|(range, _)| !range.is_empty());
    ranges.sort_by_key(|(range, _)| range.start);
    for pair in ranges.windows(2) {
        let [(first, first_name), (second, second_name)] = pair else { continue };
        if second.start < first.end {
            let (first, second) = (short(first_name), short(second_name));
            return Err(format!("tensors {first} and {second} lie on top of each other"));
        }
    }
    Ok(())
}

/// As much of a name as a message has room for.
fn short(name: &str) -> String {
    let end = name.char_indices().nth(MAX_SHOWN).map(|(end, _)| end);
    let shown = end.map_or_else(|| name.to_owned(), |end| format!("{}…", &name[..end]));
    shown.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests;
