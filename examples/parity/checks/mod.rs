//! What a fixture folder is checked for, kind by kind.

mod report;
mod weights;
mod ops;
mod resize;
mod sampling;
mod tokenizer;
mod transformer;
mod text;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

pub(crate) use report::{Expected, Report, Tolerance};

/// Checks a folder, or all folders in it that hold a known kind of fixture.
pub(crate) fn check_tree(folder: &Path) -> Result<Vec<Report>> {
    if let Some(report) = check_folder(folder) {
        return Ok(vec![report]);
    }
    let mut folders: Vec<_> = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let reports: Vec<Report> = folders.iter().filter_map(|folder| check_folder(folder)).collect();
    anyhow::ensure!(!reports.is_empty(), "no known fixture in {}", folder.display());
    Ok(reports)
}

/// `None` if the folder is of no known kind.
fn check_folder(folder: &Path) -> Option<Report> {
    let config = fs::read_to_string(folder.join("config.json")).unwrap_or_default();
    let has = |name: &str| folder.join(name).is_file();
    let names = |field: &str| config.contains(&format!("\"{field}\""));
    let (kind, check): (_, fn(&Path, &mut Report) -> Result<()>) = if has("resample.safetensors") {
        ("resample", resize::check)
    } else if has("sampler.safetensors") {
        ("sampler", sampling::check)
    } else if has("ops.safetensors") {
        ("ops", ops::check)
    } else if weights::find(folder).is_none() {
        return None;
    } else if names("codebook_l2_norm") {
        ("vq16", tokenizer::check)
    } else if names("relative_attention_num_buckets") {
        ("t5", text::check)
    } else if names("cls_token_num") {
        (if names("dino") { "controlar" } else { "llamagen" }, transformer::check)
    } else {
        return None;
    };
    let mut report = Report::new(folder, kind);
    if let Err(error) = check(folder, &mut report) {
        report.note("the whole folder", false, format!("{error:#}"));
    }
    Some(report)
}
