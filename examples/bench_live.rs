//! Times what follows a stroke: the same request with another *Lines* layer, again and again.
//!
//! `cargo run --release --example bench_live -- [REPEATS]` prints median and 95th percentile in
//! milliseconds: `start` (the changed layer encoded, everything else from caches), `scale` (its
//! step), `decode`, and `preview` (start to the decoded picture, for each scale that could be the
//! one that is shown).

#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::time::Instant;

use anyhow::{Context as _, Result};
use underpaint::imaging::ControlMap;
use underpaint::model::{self, Generator, LoadOptions};
use underpaint::params::{ControlKind, StrengthCurve};
use underpaint::protocol::{Control, GenerateRequest};

const PROMPT: &str = "red apple, 3d style";

/// Milliseconds of each stage of one run.
struct Run {
    start: f64,
    scales: Vec<f64>,
    /// After each scale.
    decodes: Vec<f64>,
}

fn main() -> Result<()> {
    let n_repeats = match std::env::args().nth(1) {
        Some(number) => number.parse::<usize>().context("the number of repeats")?.max(1),
        None => 20,
    };
    let mut generator = model::load(&LoadOptions::default())?;
    // The first fills the caches, as the picture before the stroke does.
    run_once(&mut *generator, 0)?;
    let runs: Vec<Run> = (1..=n_repeats)
        .map(|stroke_idx| run_once(&mut *generator, stroke_idx))
        .collect::<Result<_>>()?;
    println!("{} on {}, ms: p50, p95", generator.info().name, generator.info().device);
    row("start", runs.iter().map(|run| run.start));
    for (scale_idx, side) in generator.info().scales.iter().enumerate() {
        row(&format!("scale {side}"), runs.iter().map(|run| run.scales[scale_idx]));
        row("decode", runs.iter().map(|run| run.decodes[scale_idx]));
        let steps = |run: &Run| run.scales[..=scale_idx].iter().sum::<f64>();
        row("preview", runs.iter().map(|run| run.start + steps(run) + run.decodes[scale_idx]));
    }
    Ok(())
}

fn row(stage: &str, values: impl Iterator<Item = f64>) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    println!("{stage:>10} {:8.2} {:8.2}", at(0.5), at(0.95));
}

fn run_once(generator: &mut dyn Generator, stroke_idx: usize) -> Result<Run> {
    let mut request = GenerateRequest::new(PROMPT, 1);
    request.sampling = generator.info().sampling;
    let map = circle(generator.info().image_size_px, 60.0 + stroke_idx as f32)?;
    request.controls =
        vec![Control { map, strength: StrengthCurve::default(), strength_map: None }];
    let begin = Instant::now();
    let mut session = generator.start(&request)?;
    let mut run = Run { start: lap(begin), scales: Vec::new(), decodes: Vec::new() };
    while session.n_done() < session.n_scales() {
        let begin = Instant::now();
        session.step(&|| true)?;
        run.scales.push(lap(begin));
        let begin = Instant::now();
        session.render(0)?;
        run.decodes.push(lap(begin));
    }
    Ok(run)
}

/// A stroke along a circle of this radius.
fn circle(size_px: usize, radius_px: f32) -> Result<ControlMap> {
    let centre = size_px as f32 / 2.0;
    let ink = |idx: usize| {
        let from_centre = ((idx % size_px) as f32 - centre).hypot((idx / size_px) as f32 - centre);
        f32::from(u8::from((from_centre - radius_px).abs() < 2.0))
    };
    let values = (0..size_px * size_px).map(ink).collect();
    ControlMap::new(ControlKind::Lines, size_px, values).context("a valid map")
}

fn lap(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1e3
}
