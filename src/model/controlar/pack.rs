//! A checkpoint as a GGUF file with its transformer in few bits: a third or less of the size, and
//! read in a fraction of the time. Loading it gives the very model that loading the original in
//! the same precision gives.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use candle_core::Device;
use half::bf16;
use rayon::prelude::*;

use super::names::IGNORED;
use super::precision::Precision;
use crate::model::ModelError;
use crate::model::ops::rounding;
use crate::model::weights::Checkpoint;

/// Weights that share a factor.
const GROUP: usize = 32;
/// Where tensors may begin.
const ALIGNMENT: usize = 32;

/// How a tensor is stored, by its number in the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    F32 = 0,
    Q4_1 = 3,
    Q8_0 = 8,
    Bf16 = 30,
}

impl Stored {
    /// The matrices that [`super::LlamaGen`] rounds are rounded alike; all else stays.
    fn of(name: &str, shape: &[usize], precision: Precision) -> Self {
        let is_output = name == "output.weight";
        let is_matrix = is_output || (name.starts_with("layers.") && shape.len() == 2);
        let has_whole_groups = shape.last().is_some_and(|n| n.is_multiple_of(GROUP));
        let precision = if is_output { precision.max(Precision::Q8) } else { precision };
        match precision {
            Precision::Bf16 if is_matrix => Self::Bf16,
            Precision::Q8 if is_matrix && has_whole_groups => Self::Q8_0,
            Precision::Q4 if is_matrix && has_whole_groups => Self::Q4_1,
            _ => Self::F32,
        }
    }

    /// Bytes of `n` values.
    fn n_bytes(self, n: usize) -> usize {
        match self {
            Self::F32 => 4 * n,
            Self::Bf16 => 2 * n,
            Self::Q8_0 => n / GROUP * 34,
            Self::Q4_1 => n / GROUP * 20,
        }
    }

    fn encode(self, values: &[f32]) -> Vec<u8> {
        let groups = || values.par_chunks_exact(GROUP);
        match self {
            Self::F32 => values.par_iter().flat_map_iter(|value| value.to_le_bytes()).collect(),
            Self::Bf16 => values
                .par_iter()
                .flat_map_iter(|value| bf16::from_f32(*value).to_le_bytes())
                .collect(),
            Self::Q8_0 => groups().flat_map_iter(eight).collect(),
            Self::Q4_1 => groups().flat_map_iter(four).collect(),
        }
    }
}

fn eight(weights: &[f32]) -> impl Iterator<Item = u8> {
    let (factor, whole) = rounding::eight(group(weights));
    factor.to_le_bytes().into_iter().chain(whole.map(i8::cast_unsigned))
}

/// The first half of the group in the low halves of the bytes, the second in the high halves.
fn four(weights: &[f32]) -> impl Iterator<Item = u8> {
    let (factor, offset, whole) = rounding::four(group(weights));
    let both = (0..GROUP / 2).map(move |i| whole[i] | whole[i + GROUP / 2] << 4);
    factor.to_le_bytes().into_iter().chain(offset.to_le_bytes()).chain(both)
}

fn group(weights: &[f32]) -> &[f32; GROUP] {
    weights.try_into().expect("chunks have the length of a group")
}

/// Writes a copy of `source` with the matrices of its transformer in `precision`, tensor by tensor;
/// tensors that no network needs are left out. `go_on` is asked before each; if it says no, the
/// result is `false` and there is no file.
///
/// # Errors
/// A tensor that cannot be read, or what the system says about the file.
pub fn write_gguf(
    source: &Checkpoint,
    precision: Precision,
    to: &Path,
    go_on: &dyn Fn() -> bool,
) -> Result<bool, ModelError> {
    let written = |error: io::Error| ModelError::RasterFile {
        reason: format!("{} cannot be written ({error}); choose another place", to.display()),
    };
    let is_wanted = |name: &str| !IGNORED.iter().any(|start| name.starts_with(start));
    let tensors: Vec<_> = source
        .tensors()
        .filter(|(name, _)| is_wanted(name))
        .map(|(name, shape)| (name, shape, Stored::of(name, shape, precision)))
        .collect();
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let part =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(written)?;
    let mut file = BufWriter::new(part);
    let n_header = write_header(&mut file, &tensors).map_err(written)?;
    pad(&mut file, n_header).map_err(written)?;
    let vb = source.var_builder(&Device::Cpu);
    for (name, shape, stored) in &tensors {
        if !go_on() {
            return Ok(false);
        }
        let values: Vec<f32> = vb.get(*shape, name)?.flatten_all()?.to_vec1()?;
        let bytes = stored.encode(&values);
        file.write_all(&bytes).map_err(written)?;
        pad(&mut file, bytes.len()).map_err(written)?;
    }
    let part = file.into_inner().map_err(|error| written(error.into_error()))?;
    part.as_file().sync_all().map_err(written)?;
    part.persist(to).map_err(|error| written(error.error))?;
    Ok(true)
}

/// Magic, version, metadata, and where each tensor begins behind the header; returns its length.
fn write_header(file: &mut impl Write, tensors: &[(&str, &[usize], Stored)]) -> io::Result<usize> {
    const STRING: u32 = 8;
    let mut header = b"GGUF".to_vec();
    header.extend(3_u32.to_le_bytes());
    header.extend((tensors.len() as u64).to_le_bytes());
    header.extend(1_u64.to_le_bytes());
    let string = |header: &mut Vec<u8>, text: &str| {
        header.extend((text.len() as u64).to_le_bytes());
        header.extend(text.as_bytes());
    };
    string(&mut header, "general.architecture");
    header.extend(STRING.to_le_bytes());
    string(&mut header, "llamagen");
    let mut offset = 0_usize;
    for (name, shape, stored) in tensors {
        string(&mut header, name);
        header.extend((shape.len() as u32).to_le_bytes());
        for dim in shape.iter().rev() {
            header.extend((*dim as u64).to_le_bytes());
        }
        header.extend((*stored as u32).to_le_bytes());
        header.extend((offset as u64).to_le_bytes());
        offset += stored.n_bytes(shape.iter().product()).next_multiple_of(ALIGNMENT);
    }
    file.write_all(&header)?;
    Ok(header.len())
}

/// Zeros up to the next place where a tensor may begin.
fn pad(file: &mut impl Write, n_written: usize) -> io::Result<()> {
    let n = n_written.next_multiple_of(ALIGNMENT) - n_written;
    file.write_all(&[0; ALIGNMENT][..n])
}
