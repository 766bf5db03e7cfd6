//! `underpaint info`: this program, its model, and where the model's memory comes from.

use std::fmt::Write as _;
use std::thread::available_parallelism;
use std::time::Instant;

use super::{CliError, InfoArgs, InfoReport, ModelArgs, ModelReport, console};
use crate::model;

/// # Errors
/// [`CliError`] if the model cannot be loaded.
pub(super) fn run(args: &InfoArgs, model: &ModelArgs) -> Result<(), CliError> {
    let started = Instant::now();
    let generator = model::load(&model.load_options())?;
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

fn text(report: &InfoReport) -> String {
    let model = &report.model;
    let joined = |items: Vec<String>| items.join(" ");
    let scales = joined(model.scales.iter().map(ToString::to_string).collect());
    let controls = joined(model.control_kinds.iter().map(|k| k.name().to_owned()).collect());
    let rows = [
        ("Underpaint", report.version.to_owned()),
        ("Model", model.name.clone()),
        ("Parameters", format!("{:.1} million", model.n_parameters as f64 / 1e6)),
        ("Pictures", format!("{0} × {0} pixels", model.image_size_px)),
        ("Scales", scales),
        ("Controls", controls),
        ("Memory", format!("{} pictures", model.n_memory_entries)),
        ("Device", model.device.clone()),
        ("Threads", report.n_threads.to_string()),
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
