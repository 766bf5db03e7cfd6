//! How much of a picture changes with a small edit of the sketch: the share of token ids that
//! differ after the ink of one 16-px cell has moved to the next cell.
//!
//! `cargo run --release --example stability -- [--seeds N] [--edits N] [--temperature T] [--top-k K]
//! [--top-p P] [--guidance G]` paints line drawings and edges of remembered pictures before and
//! after such edits, and prints per scale the mean share of changed ids in percent:
//! `keyed` with noise that belongs to its place, as the program draws, and `fresh` with other noise
//! in the second run, as a generator with a random stream would. Both look at the same memories.

#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use anyhow::{Context as _, Result};
use underpaint::imaging::ControlMap;
use underpaint::imaging::edges::CannyOptions;
use underpaint::imaging::extract::{Extractor, extract};
use underpaint::model::{self, Generator, LoadOptions};
use underpaint::params::{ControlKind, Sampling, StrengthCurve};
use underpaint::protocol::{Control, GenerateRequest, Inspiration};

/// Side of the cell that moves.
const CELL_PX: usize = 16;
/// Less ink than a short stroke is not worth an edit.
const MIN_INK: f32 = 16.0;
/// Half the width of drawn lines.
const PEN_RADIUS_PX: f32 = 2.0;

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

/// Shares of changed ids: per edit, of each scale.
#[derive(Default)]
struct Tally(Vec<Vec<f64>>);

fn main() -> Result<()> {
    let mut generator = model::load(&LoadOptions::default())?;
    let generator = &mut *generator;
    let options = options(generator.info().sampling)?;
    let sketches = sketches(generator)?;
    let [mut keyed, mut fresh] = [Tally::default(), Tally::default()];
    for (prompt, sketch) in &sketches {
        for seed in 0..options.n_seeds {
            let mut request = GenerateRequest::new(*prompt, seed);
            request.sampling = options.sampling;
            request.controls = vec![control(sketch.clone())];
            let before = paint(generator, &mut request)?;
            for edited in edits(sketch, options.n_edits)? {
                request.controls = vec![control(edited)];
                request.seeds = vec![seed];
                keyed.add(&before, &paint(generator, &mut request)?);
                request.seeds = vec![seed + 1_000];
                fresh.add(&before, &paint(generator, &mut request)?);
            }
        }
    }
    println!("{} edits of {} sketches, {:?}", keyed.0.len(), sketches.len(), options.sampling);
    print!(" scale");
    for side in &generator.info().scales {
        print!("{side:>6}");
    }
    println!("  ± one standard error");
    keyed.print("keyed");
    fresh.print("fresh");
    Ok(())
}

impl Tally {
    fn add(&mut self, before: &[Vec<u32>], after: &[Vec<u32>]) {
        let share = |(before, after): (&Vec<u32>, &Vec<u32>)| {
            let n_changed = before.iter().zip(after).filter(|(a, b)| a != b).count();
            n_changed as f64 / before.len() as f64
        };
        self.0.push(before.iter().zip(after).map(share).collect());
    }

    /// Means in percent, and how sure the last one is.
    fn print(&self, name: &str) {
        let n_edits = self.0.len() as f64;
        let mean =
            |scale_idx: usize| self.0.iter().map(|shares| shares[scale_idx]).sum::<f64>() / n_edits;
        let n_scales = self.0[0].len();
        print!("{name:>6}");
        for scale_idx in 0..n_scales {
            print!("{:6.1}", 100.0 * mean(scale_idx));
        }
        let finest = n_scales - 1;
        let variance =
            self.0.iter().map(|shares| (shares[finest] - mean(finest)).powi(2)).sum::<f64>()
                / n_edits;
        println!("  ± {:.1}", 100.0 * (variance / n_edits).sqrt());
    }
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
fn edits(sketch: &ControlMap, n_edits: usize) -> Result<Vec<ControlMap>> {
    let size_px = sketch.size_px();
    let n_cells = size_px / CELL_PX;
    let pixels = |cell: [usize; 2]| {
        (0..CELL_PX * CELL_PX).map(move |idx| {
            let (x, y) = (cell[0] * CELL_PX + idx % CELL_PX, cell[1] * CELL_PX + idx / CELL_PX);
            y * size_px + x
        })
    };
    let ink = |cell| pixels(cell).map(|pixel| sketch.values()[pixel]).sum::<f32>();
    let cells: Vec<[usize; 2]> = (0..n_cells * n_cells)
        .map(|idx| [idx % n_cells, idx / n_cells])
        .filter(|cell| ink(*cell) >= MIN_INK)
        .collect();
    let chosen = (0..n_edits.min(cells.len())).map(|idx| cells[idx * cells.len() / n_edits]);
    chosen
        .map(|cell| {
            let mut values = sketch.values().to_vec();
            let beside = if cell[0] + 1 < n_cells { cell[0] + 1 } else { cell[0] - 1 };
            for pixel in pixels(cell) {
                values[pixel] = 0.0;
            }
            for (from, to) in pixels(cell).zip(pixels([beside, cell[1]])) {
                values[to] = values[to].max(sketch.values()[from]);
            }
            ControlMap::new(ControlKind::Lines, size_px, values).context("a valid map")
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
