//! The loose form of a memory, as training writes it: `memory.safetensors` with `ids` (N, tokens)
//! and `keys` (N, key size; signed bytes), and `memory.jsonl` with caption, style, source and
//! licence of one entry per line, in the same order.

use serde::Deserialize;

use super::pack::{self, Dimensions};
use super::texts::{self, EntryTexts};
use super::unusable;
use crate::model::weights::{Encoding, StoredTensor, parse_safetensors};
use crate::model::{Config, ModelError};

#[derive(Deserialize)]
struct Line {
    caption: String,
    style: String,
    source: String,
    licence: String,
}

/// Turns the loose form into the bytes of the packed one.
///
/// # Errors
/// [`ModelError::Memory`] if a file is damaged, they do not belong together or are made for
/// another model than `config`.
pub fn pack_loose(tensors: &[u8], lines: &str, config: &Config) -> Result<Vec<u8>, ModelError> {
    let header = parse_safetensors(tensors)
        .map_err(|reason| unusable(format!("memory.safetensors is damaged: {reason}")))?;
    let find = |name: &str| {
        header
            .tensors
            .get(name)
            .ok_or_else(|| unusable(format!("memory.safetensors has no {name}")))
    };
    let (ids, keys) = (find("ids")?, find("keys")?);
    let [n_entries, n_tokens] = two_dims("ids", ids)?;
    let [n_keys, key_dim] = two_dims("keys", keys)?;
    let lines: Vec<Line> = lines
        .lines()
        .enumerate()
        .map(|(line_idx, line)| {
            serde_json::from_str(line).map_err(|error| {
                unusable(format!("line {} of memory.jsonl is not valid: {error}", line_idx + 1))
            })
        })
        .collect::<Result<_, _>>()?;
    if n_keys != n_entries || lines.len() != n_entries {
        return Err(unusable(format!(
            "it has {n_entries} rows of ids, {n_keys} keys and {} lines in memory.jsonl",
            lines.len()
        )));
    }
    let codebook_size = config.tokenizer.codebook_size;
    let dimensions = Dimensions { n_entries, n_tokens, codebook_size, key_dim };
    super::store::check_dimensions(dimensions, config)?;

    let ids = read_ids(ids, tensors, codebook_size)?;
    if keys.encoding != Encoding::Other("I8".to_owned()) {
        return Err(unusable("its keys must be of type I8"));
    }
    let keys: &[i8] = bytemuck::cast_slice(&tensors[keys.range.clone()]);
    let entries: Vec<EntryTexts<'_>> = lines
        .iter()
        .map(|line| EntryTexts {
            caption: &line.caption,
            provenance: [&line.style, &line.source, &line.licence],
        })
        .collect();
    let (texts, n_inflated) = texts::write(&entries).map_err(unusable)?;
    pack::write(dimensions, &ids, keys, &texts, n_inflated).map_err(unusable)
}

fn two_dims(name: &str, tensor: &StoredTensor) -> Result<[usize; 2], ModelError> {
    match tensor.shape[..] {
        [rows, columns] => Ok([rows, columns]),
        ref other => Err(unusable(format!("its {name} have {} dimensions, not 2", other.len()))),
    }
}

/// All ids, each checked against the codebook.
fn read_ids(
    tensor: &StoredTensor,
    bytes: &[u8],
    codebook_size: usize,
) -> Result<Vec<u16>, ModelError> {
    let stored = &bytes[tensor.range.clone()];
    let ids: Vec<i64> = match &tensor.encoding {
        Encoding::Other(name) if name == "I16" => {
            stored.as_chunks().0.iter().map(|id| i64::from(i16::from_le_bytes(*id))).collect()
        }
        Encoding::Other(name) if name == "U16" => {
            stored.as_chunks().0.iter().map(|id| i64::from(u16::from_le_bytes(*id))).collect()
        }
        Encoding::Other(name) if name == "I32" => {
            stored.as_chunks().0.iter().map(|id| i64::from(i32::from_le_bytes(*id))).collect()
        }
        _ => return Err(unusable("its ids must be of type I16, U16 or I32")),
    };
    ids.into_iter()
        .map(|id| {
            u16::try_from(id).ok().filter(|id| usize::from(*id) < codebook_size).ok_or_else(|| {
                unusable(format!("it holds id {id}, but the codebook has {codebook_size} codes"))
            })
        })
        .collect()
}
