//! The readers of single formats, for programs that feed them broken files (`fuzz`,
//! `tests/checkpoints.rs`). Everybody else opens a [`super::Checkpoint`].

use super::file::WeightsFileReader;
use super::{gguf, safetensors, torch_zip};

/// The list of tensors in a PyTorch file: how many there are.
///
/// # Errors
/// The reason why it cannot be read.
pub fn pickle(bytes: &[u8]) -> Result<usize, String> {
    super::pickle::read(bytes).map(|pickled| pickled.tensors.len())
}

/// A safetensors file: how many tensors it lists.
///
/// # Errors
/// The reason why it cannot be read.
pub fn safetensors(bytes: &[u8]) -> Result<usize, String> {
    safetensors::parse(bytes).map(|header| header.tensors.len())
}

/// A GGUF file: how many tensors it lists.
///
/// # Errors
/// The reason why it cannot be read.
pub fn gguf(bytes: &[u8]) -> Result<usize, String> {
    gguf::parse(bytes).map(|header| header.tensors.len())
}

/// The ZIP around a PyTorch file: how many entries it has.
///
/// # Errors
/// The reason why it cannot be read.
pub fn torch_zip(bytes: &[u8]) -> Result<usize, String> {
    torch_zip::entries(&WeightsFileReader::of_bytes(bytes.to_vec())).map(|entries| entries.len())
}
