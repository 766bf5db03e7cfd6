//! `underpaint info`: this program, its model, and where the model's memory comes from; or how a
//! picture was made.

use std::fmt::Write as _;
use std::path::Path;
use std::thread::available_parallelism;
use std::time::Instant;

use super::{
    CliError, FileReport, InfoArgs, InfoReport, ModelArgs, ModelReport, RecalledReport, console,
};
use crate::imaging::io::read_metadata;
use crate::imaging::metadata::{InspirationRecord, TokenOrder};
use crate::model;
use crate::protocol::DecodingOrder;

/// Width of the column with names, and where the texts beside them begin.
const NAME_WIDTH: usize = 15;
const FILE_INDENT: usize = NAME_WIDTH + 1;

/// # Errors
/// [`CliError`] if the model cannot be loaded or the picture cannot be read.
pub(super) fn run(args: &InfoArgs, model: &ModelArgs) -> Result<(), CliError> {
    if let Some(file) = &args.file {
        return tell_of_file(file, args.json);
    }
    let started = Instant::now();
    let generator = model::load(&model.load_options()?)?;
    let report = InfoReport {
        version: env!("CARGO_PKG_VERSION"),
        n_threads: available_parallelism().map_or(1, usize::from),
        model: ModelReport::new(generator.as_ref(), started.elapsed()),
    };
    if args.json {
        console::print_json(&report)
    } else {
        console::print_result(text(&report).trim_end())
    }
}

/// Needs no model.
fn tell_of_file(path: &Path, json: bool) -> Result<(), CliError> {
    let report = FileReport::new(path, read_metadata(path)?);
    if json {
        console::print_json(&report)
    } else {
        console::print_result(file_text(&report).trim_end())
    }
}

fn file_text(report: &FileReport) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        // Texts of several lines stay in their column.
        let value = printable(value).replace('\n', &format!("\n{:FILE_INDENT$}", ""));
        writeln!(text, "{name:<NAME_WIDTH$} {value}").expect("a string takes all");
    };
    row("File", &report.path);
    if let (Some(width), Some(height)) = (report.width, report.height) {
        row("Picture", &format!("{width} × {height} pixels"));
    }
    let Some(recalled) = &report.recalled else {
        row("Made by", "unknown: the file does not tell");
        return text;
    };
    let version = recalled.app_version.as_deref().unwrap_or_default();
    // Some write their name into the version.
    let by = if version.starts_with(&recalled.app_name) { "" } else { &recalled.app_name };
    row("Made by", format!("{by} {version}").trim());
    for (name, value) in recalled_rows(recalled) {
        row(name, &value);
    }
    // The version stands beside the application.
    let extra = recalled.extra.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("version"));
    for (name, value) in extra {
        row(name, value);
    }
    if !recalled.ignored.is_empty() {
        text.push_str("\nNot used\n");
        for what in &recalled.ignored {
            writeln!(text, "  {}", printable(what).replace('\n', " ")).expect("a string takes all");
        }
    }
    text
}

/// Rows that every application may have, those that are missing left out.
fn recalled_rows(recalled: &RecalledReport) -> Vec<(&'static str, String)> {
    let size = recalled.width.zip(recalled.height).map(|(w, h)| format!("{w} × {h} pixels"));
    let rows = [
        ("Prompt", Some(recalled.prompt.clone())),
        ("Negative", Some(recalled.negative.clone()).filter(|text| !text.is_empty())),
        ("Seed", seeds(recalled)),
        ("Steps", recalled.steps.map(|steps| steps.to_string())),
        ("Guidance", recalled.cfg.map(|cfg| cfg.to_string())),
        ("Sampler", recalled.sampler.clone()),
        ("Asked for", size),
        ("Model", recalled.model.clone()),
        ("Model hash", recalled.model_hash.clone()),
    ];
    let mut rows: Vec<_> =
        rows.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    if let Some(record) = &recalled.record {
        let is_raster =
            record.tokens.as_ref().is_some_and(|tokens| tokens.order() == TokenOrder::Raster);
        let unit = if is_raster { "rows" } else { "scales" };
        let name = if is_raster { "Rows" } else { "Scales" };
        rows.push((name, format!("{} of {}", record.stop_at, record.n_scales)));
        if let Some(tokens) = &record.tokens {
            let n_ids: usize = tokens.ids().map(<[u32]>::len).sum();
            rows.push(("Tokens", format!("{n_ids} in {} {unit}", tokens.n_scales())));
        }
        if let Some(source) = &record.source {
            rows.push(("Started from", format!("{}, {} {unit}", source.name, source.n_scales)));
        }
        if record.lock.is_some() {
            rows.push(("Locked", "part of an earlier picture".to_owned()));
        }
        for control in &record.controls {
            let map = if control.map.is_some() { "with its map" } else { "without its map" };
            rows.push(("Control", format!("{}, {map}", control.kind.name())));
        }
        for inspiration in &record.inspirations {
            rows.push(("Inspired by", inspiration_row(inspiration)));
        }
    }
    rows
}

/// Such as `2: cat face (Fluent Emoji, MIT), 87 % similar`.
fn inspiration_row(inspiration: &InspirationRecord) -> String {
    let InspirationRecord { slot, caption, source, licence, memory, .. } = inspiration;
    let memory = if memory.is_empty() { String::new() } else { format!("“{memory}”") };
    let about = [&memory, source, licence].map(String::as_str);
    let about: Vec<&str> = about.into_iter().filter(|text| !text.is_empty()).collect();
    let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
    let similarity =
        inspiration.similarity.map(|value| format!(", {:.0} % similar", value * 100.0));
    format!("{}: {caption}{about}{}", slot + 1, similarity.unwrap_or_default())
}

/// The seed, or those of a picture whose scales have several.
fn seeds(recalled: &RecalledReport) -> Option<String> {
    let first = recalled.seed.clone()?;
    let of_scales = recalled.record.iter().flat_map(|record| record.seeds.iter().enumerate());
    let changes = of_scales.scan(None, |before, (scale_idx, seed)| {
        let is_new = before.is_some_and(|before| before != seed);
        *before = Some(seed);
        Some(is_new.then(|| format!(", {seed} from scale {}", scale_idx + 1)))
    });
    Some(first + &changes.flatten().collect::<String>())
}

/// Without characters that a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

fn text(report: &InfoReport) -> String {
    let model = &report.model;
    let joined = |items: Vec<String>| items.join(" ");
    let (scales_name, scales) = match model.order {
        DecodingOrder::NextScale => {
            ("Scales", joined(model.scales.iter().map(ToString::to_string).collect()))
        }
        DecodingOrder::Raster => {
            let columns = model.scales.first().copied().unwrap_or(0);
            ("Rows", format!("{} of {columns} tokens, drawn one by one", model.scales.len()))
        }
    };
    let controls = joined(model.control_kinds.iter().map(|k| k.name().to_owned()).collect());
    let rows = [
        ("Underpaint", report.version.to_owned()),
        ("Model", model.name.clone()),
        ("Parameters", format!("{:.1} million", model.n_parameters as f64 / 1e6)),
        ("Pictures", format!("{} × {} pixels", model.width_px, model.height_px)),
        (scales_name, scales),
        ("Controls", controls),
        ("Memory", format!("{} pictures", model.n_memory_entries)),
        ("Device", model.device.clone()),
        ("Threads", report.n_threads.to_string()),
        ("SHA-256", model.sha256.clone().unwrap_or_default()),
    ];
    let mut text = String::new();
    for (name, value) in rows {
        writeln!(text, "{name:<12}{value}").expect("a string takes all");
    }
    if !model.memory_sources.is_empty() {
        text.push_str("\nSources of the memory\n");
        let width = model.memory_sources.iter().map(|s| s.source.chars().count()).max();
        for source in &model.memory_sources {
            writeln!(
                text,
                "{:>7}  {:<width$}  {}",
                source.n_entries,
                source.source,
                source.licence,
                width = width.unwrap_or(0)
            )
            .expect("a string takes all");
        }
    }
    text
}
