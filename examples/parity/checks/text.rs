//! T5: tokens to the rows that the picture model takes.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use candle_core::{DType, Device, Tensor};
use serde::Deserialize;
use underpaint::model::controlar::config::parse;
use underpaint::model::controlar::t5::left_padded;
use underpaint::model::controlar::{Probe, T5Config, T5Encoder, names, prompt};

use super::{Expected, Report, Tolerance, weights};

const ROWS: Tolerance = Tolerance::absolute(5e-5);

pub(super) fn check(folder: &Path, report: &mut Report) -> Result<()> {
    let config: T5Config = parse(&fs::read_to_string(folder.join("config.json"))?)?;
    let weights = weights::open(folder, &names::t5(&config), &names::IGNORED_T5, report)?;
    let Some(weights) = weights else { return Ok(()) };
    let t5 = T5Encoder::load(config, &weights.var_builder(&Device::Cpu))?;
    let mut expected = Expected::read(folder, "encode.safetensors")?;
    encode(&t5, &mut expected, report)?;
    report.finish(&expected);
    let pairs = folder.join("prompt_cleaning.json");
    if pairs.is_file() {
        clean(&fs::read_to_string(pairs)?, report)?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct Pair {
    input: String,
    cleaned: String,
}

/// Prompts and what the reference makes of them.
fn clean(json: &str, report: &mut Report) -> Result<()> {
    let pairs: Vec<Pair> = serde_json::from_str(json)?;
    for Pair { input, cleaned } in pairs {
        let ours = prompt::clean(&input);
        let detail = format!("{ours:?}, expected {cleaned:?}");
        report.note(format!("prompt_cleaning {input:?}"), ours == cleaned, detail);
    }
    Ok(())
}

fn encode(t5: &T5Encoder, expected: &mut Expected, report: &mut Report) -> Result<()> {
    let ids: Vec<Vec<i64>> = expected.get("in.input_ids")?.to_vec2()?;
    let masks: Vec<Vec<i64>> = expected.get("in.attention_mask")?.to_vec2()?;
    let n_places = ids.first().map_or(0, Vec::len);
    let (mut right, mut left, mut left_masks) = (Vec::new(), Vec::new(), Vec::new());
    for (row, (ids, mask)) in ids.iter().zip(&masks).enumerate() {
        let n_valid = mask.iter().filter(|mask| **mask == 1).count();
        let ids: Vec<u32> = ids[..n_valid].iter().map(|id| *id as u32).collect();
        let mut seen: Vec<(String, Tensor)> = Vec::new();
        let mut see = |name: &str, tensor: &Tensor| seen.push((name.to_owned(), tensor.clone()));
        let encoded = t5.encode(&ids, &mut Probe::new(&mut see))?;
        for (name, tensor) in &seen {
            report.compare(expected, &format!("exp.{name}_row{row}"), tensor, ROWS)?;
        }
        report.compare(expected, &format!("exp.unpadded_row{row}"), &encoded, ROWS)?;
        right.push(encoded.pad_with_zeros(0, 0, n_places - n_valid)?);
        left.push(left_padded(&encoded, n_places)?);
        let mask = (0..n_places).map(|place| i64::from(place + n_valid >= n_places));
        left_masks.push(mask.collect::<Vec<_>>());
    }
    let left = Tensor::stack(&left, 0)?;
    let right = Tensor::stack(&right, 0)?;
    report.compare(expected, "exp.last_hidden_valid", &right, ROWS)?;
    zeros_are_zero(expected, report, &left)?;
    report.compare(expected, "exp.left_padded", &left, ROWS)?;
    let left_masks = Tensor::new(left_masks, &Device::Cpu)?;
    report.compare(expected, "exp.left_mask", &left_masks, Tolerance::EXACT)?;
    let bias = t5.bias(n_places)?.unsqueeze(0)?;
    let name = expected.names().find(|name| name.starts_with("exp.position_bias"));
    if let Some(name) = name.map(ToOwned::to_owned) {
        let n_queries = expected.get(&name)?.dim(2).context("a bias has four dimensions")?;
        let bias = bias.narrow(2, 0, n_queries)?;
        report.compare(expected, &name, &bias, Tolerance::EXACT)?;
    }
    Ok(())
}

/// Rows of padding are exactly zero, not nearly.
fn zeros_are_zero(expected: &Expected, report: &mut Report, left: &Tensor) -> Result<()> {
    let mask = expected.get("exp.left_mask")?.to_dtype(DType::F32)?.unsqueeze(2)?;
    let padding = left.broadcast_mul(&(1.0 - mask)?)?.abs()?.flatten_all()?.max(0)?;
    let largest = padding.to_scalar::<f32>()?;
    report.note("encode rows of padding", largest == 0.0, format!("largest value {largest}"));
    Ok(())
}
