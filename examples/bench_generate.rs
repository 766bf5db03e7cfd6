//! Times the stages of one picture, for `scripts/bench_vs_torch.sh`.
//!
//! `cargo run --release --example bench_generate -- [--json] [--repeat N] [--model DIR] [--lines]`
//! prints minimum and median in milliseconds: `text` (a new prompt; the empty one stays encoded),
//! `prepare` (retrieval, context, controls), `scales`, `decode` (the finished picture) and `total`
//! (all of these).

#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::json;
use underpaint::imaging::ControlMap;
use underpaint::model::{self, Generator, LoadOptions, ModelChoice};
use underpaint::params::{ControlKind, StrengthCurve};
use underpaint::protocol::{Control, GenerateRequest};

const PROMPT: &str = "red apple, 3d style";

struct Options {
    json: bool,
    lines: bool,
    n_repeats: usize,
    model_dir: Option<PathBuf>,
}

/// Milliseconds of each stage of one run.
struct Run {
    text: f64,
    prepare: f64,
    scales: Vec<f64>,
    decode: f64,
}

impl Run {
    fn total(&self) -> f64 {
        self.text + self.prepare + self.scales.iter().sum::<f64>() + self.decode
    }
}

fn main() -> Result<()> {
    let options = options()?;
    let model = options.model_dir.clone().map_or(ModelChoice::Embedded, ModelChoice::Folder);
    let load = LoadOptions { model, ..LoadOptions::default() };
    let mut generator = model::load(&load)?;
    let mut runs = Vec::with_capacity(options.n_repeats);
    for run_idx in 0..=options.n_repeats {
        // Prompts differ by a number, so that the text cache never answers.
        let run = run_once(&mut *generator, &format!("{PROMPT} {run_idx}"), options.lines)?;
        if run_idx > 0 {
            runs.push(run);
        }
    }
    let scales = generator.info().scales.clone();
    let row = |stage: &dyn Fn(&Run) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(stage).collect();
        values.sort_by(f64::total_cmp);
        (values[0], values[values.len() / 2])
    };
    let mut rows = vec![("text".to_owned(), row(&|run| run.text))];
    rows.push(("prepare".to_owned(), row(&|run| run.prepare)));
    for (idx, side) in scales.iter().enumerate() {
        rows.push((format!("scale {side}"), row(&|run| run.scales[idx])));
    }
    rows.push(("decode".to_owned(), row(&|run| run.decode)));
    rows.push(("total".to_owned(), row(&Run::total)));
    if options.json {
        let scales: Vec<_> = (0..scales.len()).map(|idx| rows[2 + idx].1).collect();
        let report = |pick: fn((f64, f64)) -> f64| {
            json!({
                "text": pick(rows[0].1),
                "prepare": pick(rows[1].1),
                "scales": scales.iter().map(|row| pick(*row)).collect::<Vec<_>>(),
                "decode": pick(rows[rows.len() - 2].1),
                "total": pick(rows[rows.len() - 1].1),
            })
        };
        let report = json!({ "minimum": report(|row| row.0), "median": report(|row| row.1) });
        println!("{report}");
    } else {
        println!("{} on {}, ms", generator.info().name, generator.info().device);
        for (stage, (minimum, median)) in rows {
            println!("{stage:>10} {minimum:8.2} {median:8.2}");
        }
    }
    Ok(())
}

fn run_once(generator: &mut dyn Generator, prompt: &str, lines: bool) -> Result<Run> {
    let mut request = GenerateRequest::new(prompt, 1);
    request.sampling = generator.info().sampling;
    if lines {
        let size_px = generator.info().image_size_px;
        let ink = |idx: usize| f32::from(u8::from(idx / size_px == size_px / 2));
        let values = (0..size_px * size_px).map(ink).collect();
        let map = ControlMap::new(ControlKind::Lines, size_px, values).context("a valid map")?;
        request.controls =
            vec![Control { map, strength: StrengthCurve::default(), strength_map: None }];
    }
    let start = Instant::now();
    generator.encode_text(&request)?;
    let text = lap(start);
    let start = Instant::now();
    let mut session = generator.start(&request)?;
    let prepare = lap(start);
    let mut scales = Vec::new();
    while session.n_done() < session.n_scales() {
        let start = Instant::now();
        session.step(&|| true)?;
        scales.push(lap(start));
    }
    let start = Instant::now();
    session.render(0)?;
    Ok(Run { text, prepare, scales, decode: lap(start) })
}

fn lap(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn options() -> Result<Options> {
    let mut options = Options { json: false, lines: false, n_repeats: 10, model_dir: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--json" => options.json = true,
            "--lines" => options.lines = true,
            "--repeat" => options.n_repeats = value()?.parse::<usize>()?.max(1),
            "--model" => options.model_dir = Some(value()?.into()),
            _ => anyhow::bail!("unknown argument {argument}"),
        }
    }
    Ok(options)
}
