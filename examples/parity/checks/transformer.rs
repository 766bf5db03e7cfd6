//! LlamaGen with classes or prompts, and ControlAR on top of it.

mod detail;
mod greedy;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use candle_core::{DType, Device, Tensor};
use serde::Deserialize;
use underpaint::model::controlar::config::parse;
use underpaint::model::controlar::llamagen::Fusion;
use underpaint::model::controlar::resample::Size;
use underpaint::model::controlar::{
    Control, ControlConfig, ControlEncoder, LlamaGen, LlamaGenConfig, Precision, Prefix, Probe,
    names,
};

use super::report::tensors;
use super::{Expected, Report, Tolerance, weights};

const CONTROL: Tolerance = Tolerance::absolute(3e-4);
const BLOCK: Tolerance = Tolerance::absolute(1e-4);
const GUIDED: Tolerance = Tolerance::absolute(5e-4);
const TABLE: Tolerance = Tolerance::absolute(1e-5);

/// A model with what its pictures are asked for.
struct Subject {
    model: Arc<LlamaGen>,
    asked: Asked,
    control: Option<Arc<Control>>,
    n_tokens: usize,
}

enum Asked {
    Classes(Vec<u32>),
    Captions { rows: Tensor, n_visible: Vec<usize> },
}

#[derive(Deserialize)]
struct TokenGrid {
    token_grid_h: usize,
    token_grid_w: usize,
}

pub(super) fn check(folder: &Path, report: &mut Report) -> Result<()> {
    let json = fs::read_to_string(folder.join("config.json"))?;
    let config: LlamaGenConfig = parse(&json)?;
    let inputs = tensors(&folder.join("inputs.safetensors"))?;
    let control: Option<ControlConfig> =
        inputs.contains_key("in.control_u8").then(|| parse(&json)).transpose()?;
    let mut wanted = names::llamagen(&config);
    wanted.extend(control.iter().flat_map(|control| names::control(control, config.dim)));
    let weights = weights::open(folder, &wanted, &names::IGNORED, report)?;
    let Some(weights) = weights else { return Ok(()) };
    let vb = weights.var_builder(&Device::Cpu);
    let dim = config.dim;
    let n_tokens = match serde_json::from_str::<TokenGrid>(&json) {
        Ok(grid) => grid.token_grid_h * grid.token_grid_w,
        Err(_) => config.max_tokens(),
    };
    let model = Arc::new(LlamaGen::load(config, &vb, Precision::F32)?);
    let asked = if let Some(labels) = inputs.get("in.labels") {
        let labels: Vec<i64> = labels.to_vec1()?;
        Asked::Classes(labels.iter().map(|label| *label as u32).collect())
    } else {
        let rows = inputs.get("in.caption_embs").context("there are no inputs")?.clone();
        let mask = inputs.get("in.emb_mask").context("there is no mask")?;
        let n_visible: Vec<f32> = mask.to_dtype(DType::F32)?.sum(1)?.to_vec1()?;
        Asked::Captions { rows, n_visible: n_visible.iter().map(|n| *n as usize).collect() }
    };
    let control = match (inputs.get("in.control_u8"), control) {
        (Some(pictures), Some(control)) => {
            let encoder = ControlEncoder::load(control, dim, &vb)?;
            Some(Arc::new(control_chain(folder, &encoder, pictures, report)?))
        }
        _ => None,
    };
    let subject = Subject { model, asked, control, n_tokens };
    for file in files(folder)? {
        if file.starts_with("rope") {
            detail::rope(folder, &file, &subject, report)?;
        } else if file.starts_with("prefill_decode") {
            detail::steps(folder, &file, &subject, &guidance_scales(folder)?, report)?;
        } else if file.starts_with("greedy") {
            greedy::check(folder, &file, &subject, report)?;
        }
    }
    Ok(())
}

/// The names of all tensor files, in order.
pub(super) fn files(folder: &Path) -> Result<Vec<String>> {
    let names =
        fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(".safetensors")).collect();
    names.sort();
    Ok(names)
}

/// Scales that the names of files speak of, largest first: which of them made a file that does not
/// say so itself.
fn guidance_scales(folder: &Path) -> Result<Vec<f32>> {
    let names = files(folder)?;
    let mut scales: Vec<f32> =
        names.iter().filter_map(|name| greedy::setting(name, "cfg")).filter(|s| *s > 1.0).collect();
    scales.sort_by(|a, b| b.total_cmp(a));
    scales.dedup();
    if scales.is_empty() {
        scales.push(4.0);
    }
    Ok(scales)
}

/// From control pictures to what is added, step by step.
fn control_chain(
    folder: &Path,
    encoder: &ControlEncoder,
    pictures: &Tensor,
    report: &mut Report,
) -> Result<Control> {
    let (n_pictures, _, height, width) = pictures.dims4()?;
    let mut seen: Vec<(String, Tensor)> = Vec::new();
    let mut see = |name: &str, tensor: &Tensor| seen.push((name.to_owned(), tensor.clone()));
    let bytes: Vec<u8> = pictures.flatten_all()?.to_vec1()?;
    let size = Size { height, width };
    let control = encoder.prepare(&bytes, n_pictures, size, &mut Probe::new(&mut see))?;
    let mut expected = Expected::read(folder, "control_chain.safetensors")?;
    for (name, tensor) in &seen {
        report.compare(&mut expected, &format!("exp.{name}"), tensor, CONTROL)?;
    }
    report.finish(&expected);
    Ok(control)
}

impl Subject {
    fn prefix(&self, is_guided: bool) -> Result<Prefix> {
        Ok(match &self.asked {
            Asked::Classes(labels) => self.model.prefix_of_classes(labels, is_guided)?,
            Asked::Captions { rows, n_visible } => {
                self.model.prefix_of_captions(rows, n_visible, is_guided)?
            }
        })
    }

    fn fusion(&self, strength: f32) -> Option<Fusion> {
        let control = Arc::clone(self.control.as_ref()?);
        Some(Fusion { control, strength })
    }
}
