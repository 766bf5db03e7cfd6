//! Filters of logits: `cases.json` lists their settings.

use std::fs;
use std::path::Path;

use anyhow::Result;
use candle_core::{Device, Tensor};
use serde::Deserialize;
use underpaint::model::controlar::{RasterSampling, next_scale};

use super::report::values;
use super::{Expected, Report, Tolerance};

#[derive(Deserialize)]
struct Cases {
    llamagen: Vec<Raster>,
    #[serde(default)]
    var: Vec<NextScale>,
    #[serde(default)]
    var_smooth: Vec<Smooth>,
}

#[derive(Deserialize)]
struct Raster {
    index: String,
    input: String,
    temperature: f32,
    top_k: usize,
    top_p: f32,
}

#[derive(Deserialize)]
struct NextScale {
    index: String,
    input: String,
    top_k: usize,
    top_p: f32,
}

#[derive(Deserialize)]
struct Smooth {
    index: usize,
    ratio: f64,
}

pub(super) fn check(folder: &Path, report: &mut Report) -> Result<()> {
    let cases: Cases = serde_json::from_str(&fs::read_to_string(folder.join("cases.json"))?)?;
    let mut expected = Expected::read(folder, "sampler.safetensors")?;
    for Raster { index, input, temperature, top_k, top_p } in cases.llamagen {
        let sampling = RasterSampling { temperature, top_k, top_p };
        // Close to the edge of a large vocabulary, neighbours carry about 1e-5.
        let may_slip = f64::from(u8::from(top_p < 1.0 && input.contains("full_vocab")));
        let name = format!("exp.llamagen.{index}");
        rows(&mut expected, report, (&input, &name), may_slip, |row| sampling.probabilities(row))?;
    }
    for NextScale { index, input, top_k, top_p } in cases.var {
        let name = format!("exp.var.{index}");
        let filter = |row: &[f32]| next_scale::probabilities(row, top_k, top_p);
        rows(&mut expected, report, (&input, &name), 0.0, filter)?;
    }
    for Smooth { index, ratio } in cases.var_smooth {
        let logits: Vec<Vec<f32>> = expected.get("in.rows")?.to_vec2()?;
        let noise: Vec<Vec<f32>> = expected.get("in.gumbel")?.to_vec2()?;
        let weights: Vec<Vec<f32>> = logits
            .iter()
            .zip(&noise)
            .map(|(logits, noise)| next_scale::smooth_weights(logits, noise, ratio))
            .collect();
        let weights = Tensor::new(weights, &Device::Cpu)?;
        let name = format!("exp.var_smooth.{index}.weights");
        report.compare(&mut expected, &name, &weights, Tolerance::absolute(1e-5))?;
    }
    report.finish(&expected);
    Ok(())
}

fn rows(
    expected: &mut Expected,
    report: &mut Report,
    (input, name): (&str, &str),
    may_slip: f64,
    filter: impl Fn(&[f32]) -> Vec<f32>,
) -> Result<()> {
    let logits: Vec<Vec<f32>> = expected.get(input)?.to_vec2()?;
    let probabilities: Vec<Vec<f32>> = logits.iter().map(|row| filter(row)).collect();
    let n_kept = |row: &Vec<f32>| row.iter().filter(|p| **p > 0.0).count() as i64;
    let kept: Vec<i64> = probabilities.iter().map(n_kept).collect();
    let kept = Tensor::new(kept, &Device::Cpu)?;
    let probabilities = Tensor::new(probabilities, &Device::Cpu)?;
    let slipped = values(&kept)? != values(expected.get(&format!("{name}.kept"))?)?;
    // A code more or less changes all by its share.
    let tolerance = if slipped && may_slip > 0.0 { 3e-5 } else { 1e-6 };
    report.compare(expected, &format!("{name}.kept"), &kept, Tolerance::absolute(may_slip))?;
    let name = format!("{name}.probs");
    report.compare(expected, &name, &probabilities, Tolerance::absolute(tolerance))
}
