//! The GGUF container: metadata, names, shapes and offsets, then the aligned data.
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>, versions 2 and 3.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use candle_core::quantized::GgmlDType;

use super::{Encoding, Header, StoredTensor, check_apart, checked_product, short};
use crate::model::bytes::{ByteReader, EndsEarly};

const MAGIC: &[u8] = b"GGUF";
const DEFAULT_ALIGNMENT: usize = 32;
const MAX_DIMS: u32 = 4;
/// Arrays of arrays beyond this depth are refused, so that a crafted file cannot use up the stack.
const MAX_DEPTH: usize = 8;

/// Metadata types by their number in the file.
mod value_type {
    pub(super) const BOOL: u32 = 7;
    pub(super) const STRING: u32 = 8;
    pub(super) const ARRAY: u32 = 9;
}

/// Finds the tensors; ranges count from the start of `bytes` and lie inside it.
///
/// # Errors
/// The reason why this is not a whole GGUF file.
pub(super) fn parse(bytes: &[u8]) -> Result<Header, String> {
    parse_header(bytes, bytes.len())
}

/// Like [`parse`], of a file of `n_file_bytes` whose first bytes are `bytes`; they must hold the
/// whole list of tensors.
///
/// # Errors
/// The reason why this is not a whole GGUF file.
pub(super) fn parse_header(bytes: &[u8], n_file_bytes: usize) -> Result<Header, String> {
    let mut reader = ByteReader::new(bytes);
    if reader.take(MAGIC.len()) != Ok(MAGIC) {
        return Err("it is not a GGUF file".to_owned());
    }
    let early = |EndsEarly| "its header ends early".to_owned();
    let version = reader.u32().map_err(early)?;
    if !(2..=3).contains(&version) {
        return Err(format!("GGUF version {version} is not supported"));
    }
    let n_tensors = reader.u64().map_err(early)?;
    let n_metadata = reader.u64().map_err(early)?;

    let mut alignment = DEFAULT_ALIGNMENT;
    let mut format = None;
    for _ in 0..n_metadata {
        let key = string(&mut reader).map_err(early)?;
        let kind = reader.u32().map_err(early)?;
        let number = metadata_value(&mut reader, kind, 0)?;
        match key.as_str() {
            "general.alignment" => {
                alignment = number
                    .and_then(|number| usize::try_from(number).ok())
                    .filter(|number| number.is_power_of_two())
                    .ok_or("its alignment is not a power of two")?;
            }
            "underpaint.format" => format = number,
            _ => {}
        }
    }

    let mut entries = Vec::new();
    for _ in 0..n_tensors {
        entries.push(entry(&mut reader)?);
    }
    let data_start = reader
        .pos()
        .checked_next_multiple_of(alignment)
        .ok_or("its alignment is beyond its end")?;
    let mut tensors = BTreeMap::new();
    for (name, entry) in entries {
        let shown = short(&name);
        let tensor = locate(entry, data_start, n_file_bytes)
            .ok_or_else(|| format!("tensor {shown} does not fit into its {n_file_bytes} bytes"))?;
        if tensors.contains_key(&name) {
            return Err(format!("it lists tensor {shown} twice"));
        }
        tensors.insert(name, tensor);
    }
    check_apart(&tensors)?;
    Ok(Header { tensors, format })
}

struct Entry {
    encoding: Encoding,
    shape: Vec<usize>,
    offset: usize,
}

fn entry(reader: &mut ByteReader<'_>) -> Result<(String, Entry), String> {
    let early = |EndsEarly| "its list of tensors ends early".to_owned();
    let name = string(reader).map_err(early)?;
    let n_dims = reader.u32().map_err(early)?;
    if n_dims > MAX_DIMS {
        return Err(format!("tensor {} has {n_dims} dimensions", short(&name)));
    }
    // Stored with the fastest dimension first.
    let mut shape = Vec::new();
    for _ in 0..n_dims {
        shape.insert(0, reader.length().map_err(early)?);
    }
    let encoding = match reader.u32().map_err(early)? {
        0 => Encoding::F32,
        1 => Encoding::F16,
        8 => Encoding::Q8_0,
        30 => Encoding::Bf16,
        other => match blocks(other) {
            Some(dtype) => Encoding::Blocks(dtype),
            None => Encoding::Other(format!("GGML type {other}")),
        },
    };
    let offset = reader.length().map_err(early)?;
    Ok((name, Entry { encoding, shape, offset }))
}

/// The kinds of blocks that candle decodes, by their number in the file.
fn blocks(number: u32) -> Option<GgmlDType> {
    Some(match number {
        2 => GgmlDType::Q4_0,
        3 => GgmlDType::Q4_1,
        6 => GgmlDType::Q5_0,
        7 => GgmlDType::Q5_1,
        10 => GgmlDType::Q2K,
        11 => GgmlDType::Q3K,
        12 => GgmlDType::Q4K,
        13 => GgmlDType::Q5K,
        14 => GgmlDType::Q6K,
        _ => return None,
    })
}

fn locate(entry: Entry, data_start: usize, n_file_bytes: usize) -> Option<StoredTensor> {
    let Entry { encoding, shape, offset } = entry;
    let n_elements = checked_product(&shape)?;
    let n_bytes = match &encoding {
        // Its size is not known; it must at least begin inside.
        Encoding::Other(_) => 0,
        known => known.n_bytes(n_elements)?,
    };
    let start = data_start.checked_add(offset)?;
    let range = start..start.checked_add(n_bytes)?;
    let is_inside = range.end <= n_file_bytes;
    is_inside.then_some(StoredTensor { encoding, shape, range, used: AtomicBool::new(false) })
}

fn string(reader: &mut ByteReader<'_>) -> Result<String, EndsEarly> {
    let len = reader.length()?;
    Ok(String::from_utf8_lossy(reader.take(len)?).into_owned())
}

/// Reads past a metadata value; whole numbers are returned, the rest is of no use here.
fn metadata_value(
    reader: &mut ByteReader<'_>,
    kind: u32,
    depth: usize,
) -> Result<Option<u64>, String> {
    let early = |EndsEarly| "its metadata ends early".to_owned();
    let number = match kind {
        0 => Some(u64::from(reader.u8().map_err(early)?)),
        2 => Some(u64::from(reader.u16().map_err(early)?)),
        4 => Some(u64::from(reader.u32().map_err(early)?)),
        10 => Some(reader.u64().map_err(early)?),
        value_type::STRING => {
            let len = reader.length().map_err(early)?;
            reader.take(len).map_err(early)?;
            None
        }
        value_type::ARRAY => {
            if depth == MAX_DEPTH {
                return Err("its metadata is nested too deeply".to_owned());
            }
            let kind = reader.u32().map_err(early)?;
            let len = reader.u64().map_err(early)?;
            // Every value takes at least a byte, so a false length ends with the file.
            for _ in 0..len {
                metadata_value(reader, kind, depth + 1)?;
            }
            None
        }
        other => {
            let len = match other {
                1 | value_type::BOOL => 1,
                3 => 2,
                5 | 6 => 4,
                11 | 12 => 8,
                _ => return Err(format!("its metadata has a value of unknown type {other}")),
            };
            reader.take(len).map_err(early)?;
            None
        }
    };
    Ok(number)
}
