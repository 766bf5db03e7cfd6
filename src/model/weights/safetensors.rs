//! The safetensors container: a JSON header of names, types, shapes and offsets, then the data.
//! Format: <https://github.com/huggingface/safetensors#format>.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicBool;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Encoding, Header, StoredTensor, check_apart, checked_product, short};
use crate::model::bytes::{ByteReader, EndsEarly};

/// Bytes that one element takes, by type; types of part of a byte are left out.
const ELEMENT_SIZES: [(&str, usize); 15] = [
    ("BOOL", 1),
    ("U8", 1),
    ("I8", 1),
    ("F8_E4M3", 1),
    ("F8_E5M2", 1),
    ("U16", 2),
    ("I16", 2),
    ("F16", 2),
    ("BF16", 2),
    ("U32", 4),
    ("I32", 4),
    ("F32", 4),
    ("U64", 8),
    ("I64", 8),
    ("F64", 8),
];

/// Tensors of more dimensions are none.
const MAX_DIMS: usize = 8;

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// Finds the tensors; ranges count from the start of `bytes` and lie inside it.
///
/// # Errors
/// The reason why this is not a whole safetensors file.
pub(in crate::model) fn parse(bytes: &[u8]) -> Result<Header, String> {
    let mut reader = ByteReader::new(bytes);
    let n_header = reader.length().or(Err("it has no header"))?;
    let json = reader
        .take(n_header)
        .map_err(|EndsEarly| format!("its header claims {n_header} of {} bytes", bytes.len()))?;
    parse_fields(json, reader.pos(), bytes.len())
}

/// Like [`parse`], for the header alone of a file of `n_file_bytes`; ranges count from its start.
///
/// # Errors
/// The reason why this is no header, or does not fit the file.
pub(super) fn parse_header(json: &[u8], n_file_bytes: usize) -> Result<Header, String> {
    parse_fields(json, size_of::<u64>() + json.len(), n_file_bytes)
}

fn parse_fields(json: &[u8], data_start: usize, n_file_bytes: usize) -> Result<Header, String> {
    let Fields { entries, format } = serde_json::from_slice(json)
        .map_err(|error| format!("its header is not readable: {}", short(&error.to_string())))?;
    let mut tensors = BTreeMap::new();
    for (name, entry) in entries {
        let shown = short(&name);
        if entry.shape.len() > MAX_DIMS {
            return Err(format!("tensor {shown} has {} dimensions", entry.shape.len()));
        }
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

/// The header, field by field: nothing is kept of it that is no entry.
struct Fields {
    entries: Vec<(String, Entry)>,
    format: Option<u64>,
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tensors")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields, M::Error> {
        let mut fields = Fields { entries: Vec::new(), format: None };
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                let Metadata { format } = map.next_value()?;
                fields.format = format.and_then(|format| format.parse().ok());
            } else {
                fields.entries.push((name, map.next_value()?));
            }
        }
        Ok(fields)
    }
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "underpaint.format", default)]
    format: Option<String>,
}

fn locate(entry: Entry, data_start: usize, n_file_bytes: usize) -> Option<StoredTensor> {
    let Entry { dtype, shape, data_offsets: [start, end] } = entry;
    let range = data_start.checked_add(start)?..data_start.checked_add(end)?;
    let n_bytes = range.end.checked_sub(range.start)?;
    let n_elements = checked_product(&shape)?;
    let is_inside = range.end <= n_file_bytes;
    let size = ELEMENT_SIZES.iter().find(|(name, _)| *name == dtype).map(|(_, size)| *size);
    let is_full = size.is_none_or(|size| n_elements.checked_mul(size) == Some(n_bytes));
    let encoding = match dtype.as_str() {
        "F32" => Encoding::F32,
        "F16" => Encoding::F16,
        "BF16" => Encoding::Bf16,
        _ => Encoding::Other(dtype),
    };
    (is_inside && is_full).then_some(StoredTensor {
        encoding,
        shape,
        range,
        used: AtomicBool::new(false),
    })
}
