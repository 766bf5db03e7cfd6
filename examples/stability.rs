//! How much of a picture changes with a small edit of the sketch: the share of token ids that
//! differ after the ink of one 16-px cell has moved to the next cell.
//!
//! `cargo run --release --example stability -- [--seeds N] [--edits N] [--temperature T] [--top-k K]
//! [--top-p P] [--guidance G]` paints line drawings and edges of remembered pictures before and
//! after such edits, and prints the mean share of changed ids in percent, per scale:
//! - `keyed`: with noise that belongs to its place, as the program draws;
//! - `fresh`: with other noise in the second run, as a generator with a random stream would;
//! - `hold H`: as `keyed`, with the first picture as anchor.
//!
//! All look at the same memories. `near` counts only the ids of the finest scale within one cell of
//! what moved, and `far` the others: an edit should show near, and nowhere else. `other` is the
//! finest scale after the whole sketch was replaced by another: much must change.

#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::sync::Arc;

use anyhow::{Context as _, Result};
use underpaint::imaging::ControlMap;
use underpaint::imaging::edges::CannyOptions;
use underpaint::imaging::extract::{Extractor, extract};
use underpaint::model::{self, Generator, LoadOptions};
use underpaint::params::{ControlKind, Sampling, StrengthCurve};
use underpaint::protocol::{Anchor, Control, GenerateRequest, Inspiration};

/// Side of the cell that moves.
const CELL_PX: usize = 16;
/// Less ink than a short stroke is not worth an edit.
const MIN_INK: f32 = 16.0;
/// Half the width of drawn lines.
const PEN_RADIUS_PX: f32 = 2.0;

/// How strongly the earlier picture is held.
const HOLDS: [f32; 4] = [0.1, 0.25, 0.5, 1.0];

/// Closed lines in a unit square, and what they show.
const DRAWINGS: [(&str, &[&[[f32; 2]]]); 4] = [
    (
        "a house with garden, clipart style",
        &[
            &[[0.2, 0.85], [0.2, 0.5], [0.5, 0.2], [0.8, 0.5], [0.8, 0.85]],
            &[[0.42, 0.85], [0.42, 0.62], [0.58, 0.62], [0.58, 0.85]],
        ],
    ),
    (
        "yellow star, glossy style",
        &[&[
            [0.5, 0.1],
            [0.62, 0.38],
            [0.92, 0.4],
            [0.68, 0.6],
            [0.77, 0.9],
            [0.5, 0.72],
            [0.23, 0.9],
            [0.32, 0.6],
            [0.08, 0.4],
            [0.38, 0.38],
        ]],
    ),
    (
        "red mushroom, 3d style",
        &[
            &[[0.12, 0.5], [0.2, 0.3], [0.38, 0.17], [0.62, 0.17], [0.8, 0.3], [0.88, 0.5]],
            &[[0.38, 0.5], [0.36, 0.85], [0.64, 0.85], [0.62, 0.5]],
        ],
    ),
    (
        "green heart, glossy style",
        &[&[
            [0.5, 0.88],
            [0.15, 0.52],
            [0.12, 0.34],
            [0.24, 0.18],
            [0.4, 0.2],
            [0.5, 0.32],
            [0.6, 0.2],
            [0.76, 0.18],
            [0.88, 0.34],
            [0.85, 0.52],
        ]],
    ),
];

/// Prompts whose most similar memory gives the sketch.
const TRACED: [&str; 4] =
    ["red apple, 3d style", "blue car, flat style", "cat face, glossy style", "rocket, bold style"];

struct Options {
    sampling: Sampling,
    n_seeds: u64,
    n_edits: usize,
}

/// A sketch with one cell's ink moved to the cell on its right.
struct Edit {
    map: ControlMap,
    /// Column and row.
    from: [usize; 2],
}

/// One way of painting the second picture.
struct Variant {
    name: String,
    is_fresh: bool,
    hold: f32,
    /// Shares of changed ids: per edit, of each scale, then near and far at the finest.
    edits: Vec<Vec<f64>>,
    /// Shares at the finest scale with another sketch.
    others: Vec<f64>,
}

fn main() -> Result<()> {
    let mut generator = model::load(&LoadOptions::default())?;
    let generator = &mut *generator;
    let options = options(generator.info().sampling)?;
    let sketches = sketches(generator)?;
    let mut variants = vec![Variant::new("keyed", 0.0), Variant::new("fresh", 0.0)];
    variants[1].is_fresh = true;
    variants.extend(HOLDS.map(|hold| Variant::new(format!("hold {hold}"), hold)));
    for (idx, (prompt, sketch)) in sketches.iter().enumerate() {
        let (_, other) = &sketches[(idx + 1) % sketches.len()];
        let edits = edits(sketch, options.n_edits)?;
        for seed in 0..options.n_seeds {
            let mut request = GenerateRequest::new(*prompt, seed);
            request.sampling = options.sampling;
            request.controls = vec![control(sketch.clone())];
            let before = paint(generator, &mut request)?;
            for variant in &mut variants {
                request.seeds = vec![if variant.is_fresh { seed + 1_000 } else { seed }];
                let ids = Arc::new(vec![before.clone()]);
                request.anchor = Some(Anchor { ids, hold: variant.hold });
                for edit in &edits {
                    request.controls = vec![control(edit.map.clone())];
                    variant.add(&before, &paint(generator, &mut request)?, edit.from);
                }
                request.controls = vec![control(other.clone())];
                let after = paint(generator, &mut request)?;
                variant.others.push(share(last(&before), last(&after), |_| true));
            }
        }
    }
    let n_edits = variants[0].edits.len();
    println!("{n_edits} edits of {} sketches, {:?}", sketches.len(), options.sampling);
    print!("{:>10}", "scale");
    for side in &generator.info().scales {
        print!("{side:>6}");
    }
    println!("  near   far other  ± standard error of the finest");
    for variant in &variants {
        variant.print();
    }
    Ok(())
}

impl Variant {
    fn new(name: impl Into<String>, hold: f32) -> Self {
        let name = name.into();
        Self { name, is_fresh: false, hold, edits: Vec::new(), others: Vec::new() }
    }

    fn add(&mut self, before: &[Vec<u32>], after: &[Vec<u32>], from: [usize; 2]) {
        let all = before.iter().zip(after).map(|(before, after)| share(before, after, |_| true));
        let mut shares: Vec<f64> = all.collect();
        let side = last(before).len().isqrt();
        let is_near = |position: usize| {
            let [col, row] = [position % side, position / side];
            (from[0]..=from[0] + 1).any(|from| col.abs_diff(from) <= 1)
                && row.abs_diff(from[1]) <= 1
        };
        shares.push(share(last(before), last(after), is_near));
        shares.push(share(last(before), last(after), |position| !is_near(position)));
        self.edits.push(shares);
    }

    /// Means in percent.
    fn print(&self) {
        print!("{:>10}", self.name);
        let column = |idx: usize| self.edits.iter().map(move |shares| shares[idx]);
        let n_columns = self.edits[0].len();
        for idx in 0..n_columns {
            print!("{:6.1}", 100.0 * mean(column(idx)));
        }
        let finest = n_columns - 3;
        let centre = mean(column(finest));
        let variance = mean(column(finest).map(|share| (share - centre).powi(2)));
        let error = (variance / self.edits.len() as f64).sqrt();
        println!("{:6.1}  ± {:.1}", 100.0 * mean(self.others.iter().copied()), 100.0 * error);
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0), |(sum, n), value| (sum + value, n + 1));
    sum / f64::from(n)
}

fn last(ids: &[Vec<u32>]) -> &[u32] {
    ids.last().map_or(&[], Vec::as_slice)
}

/// Share of changed ids among the positions that count.
fn share(before: &[u32], after: &[u32], counts: impl Fn(usize) -> bool) -> f64 {
    let positions = (0..before.len()).filter(|position| counts(*position));
    mean(positions.map(|position| f64::from(u8::from(before[position] != after[position]))))
}

/// Ids of all scales. Then puts the memories into the request by hand, so that they stay the same
/// whatever the seed.
fn paint(generator: &mut dyn Generator, request: &mut GenerateRequest) -> Result<Vec<Vec<u32>>> {
    let mut session = generator.start(request)?;
    while session.n_done() < session.n_scales() {
        session.step(&|| true)?;
    }
    let used = session.inspired_by().iter();
    request.memory.chosen = used.map(|by| (by.slot, Inspiration::Entry(by.entry))).collect();
    Ok(session.ids(0))
}

fn control(map: ControlMap) -> Control {
    Control { map, strength: StrengthCurve::default(), strength_map: None }
}

fn sketches(generator: &mut dyn Generator) -> Result<Vec<(&'static str, ControlMap)>> {
    let size_px = generator.info().image_size_px;
    let mut sketches = Vec::new();
    for (prompt, lines) in DRAWINGS {
        sketches.push((prompt, drawing(size_px, lines)?));
    }
    for prompt in TRACED {
        let session = generator.start(&GenerateRequest::new(prompt, 0))?;
        let entry = session.inspired_by().first().context("the memory knows the prompt")?.entry;
        let picture = generator.thumbnail(entry)?;
        let canny = Extractor::Canny(CannyOptions::default());
        sketches.push((prompt, extract(&picture, &canny, size_px).map));
    }
    Ok(sketches)
}

/// Ink where the distance to a line is small.
fn drawing(size_px: usize, lines: &[&[[f32; 2]]]) -> Result<ControlMap> {
    let segments: Vec<[[f32; 2]; 2]> = lines
        .iter()
        .flat_map(|line| (0..line.len()).map(|idx| [line[idx], line[(idx + 1) % line.len()]]))
        .collect();
    let ink = |idx: usize| {
        let at = [idx % size_px, idx / size_px].map(|axis| (axis as f32 + 0.5) / size_px as f32);
        let nearest =
            segments.iter().map(|segment| distance(at, *segment)).fold(f32::INFINITY, f32::min);
        (PEN_RADIUS_PX + 0.5 - nearest * size_px as f32).clamp(0.0, 1.0)
    };
    let values = (0..size_px * size_px).map(ink).collect();
    ControlMap::new(ControlKind::Lines, size_px, values).context("a valid map")
}

fn distance(at: [f32; 2], [a, b]: [[f32; 2]; 2]) -> f32 {
    let (line, from_a) = ([b[0] - a[0], b[1] - a[1]], [at[0] - a[0], at[1] - a[1]]);
    let length = line[0] * line[0] + line[1] * line[1];
    let along = ((line[0] * from_a[0] + line[1] * from_a[1]) / length).clamp(0.0, 1.0);
    (from_a[0] - along * line[0]).hypot(from_a[1] - along * line[1])
}

/// The sketch with one cell's ink moved to the cell beside it, for some cells with ink, spread
/// over the picture.
fn edits(sketch: &ControlMap, n_edits: usize) -> Result<Vec<Edit>> {
    let size_px = sketch.size_px();
    let n_cells = size_px / CELL_PX;
    let pixels = |[col, row]: [usize; 2]| {
        let pixel = move |x: usize, y: usize| (row * CELL_PX + y) * size_px + col * CELL_PX + x;
        (0..CELL_PX * CELL_PX).map(move |idx| pixel(idx % CELL_PX, idx / CELL_PX))
    };
    let ink = |cell| pixels(cell).map(|pixel| sketch.values()[pixel]).sum::<f32>();
    let cells: Vec<[usize; 2]> = (0..n_cells * n_cells)
        .map(|idx| [idx % n_cells, idx / n_cells])
        .filter(|cell| cell[0] + 1 < n_cells && ink(*cell) >= MIN_INK)
        .collect();
    let chosen = (0..n_edits.min(cells.len())).map(|idx| cells[idx * cells.len() / n_edits]);
    chosen
        .map(|from| {
            let mut values = sketch.values().to_vec();
            for pixel in pixels(from) {
                values[pixel] = 0.0;
            }
            for (pixel, to) in pixels(from).zip(pixels([from[0] + 1, from[1]])) {
                values[to] = values[to].max(sketch.values()[pixel]);
            }
            let map = ControlMap::new(ControlKind::Lines, size_px, values);
            Ok(Edit { map: map.context("a valid map")?, from })
        })
        .collect()
}

fn options(sampling: Sampling) -> Result<Options> {
    let mut options = Options { sampling, n_seeds: 2, n_edits: 4 };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{argument} needs a value"))?;
        match argument.as_str() {
            "--seeds" => options.n_seeds = value.parse()?,
            "--edits" => options.n_edits = value.parse()?,
            "--temperature" => options.sampling.temperature = value.parse()?,
            "--top-k" => options.sampling.top_k = value.parse()?,
            "--top-p" => options.sampling.top_p = value.parse()?,
            "--guidance" => options.sampling.guidance = value.parse()?,
            _ => anyhow::bail!("unknown argument {argument}"),
        }
    }
    anyhow::ensure!(options.n_seeds > 0 && options.n_edits > 0, "there must be an edit");
    Ok(options)
}
