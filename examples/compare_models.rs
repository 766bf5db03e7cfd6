//! How much two models of the same kind differ in their pictures: 16 prompts, same seeds.
//!
//! `cargo run --release --example compare_models -- DIR [DIR]` compares a folder with the model
//! inside the program, or two folders. Used to state what quantisation costs.
//!
//! Prints the PSNR of the premultiplied pictures in dB per prompt (`=` if equal), and the share of
//! pixels that differ by more than 8 levels.

#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::path::PathBuf;

use anyhow::Result;
use underpaint::imaging::RgbaImage;
use underpaint::imaging::planes::planes_from_rgba;
use underpaint::model::{self, Generator, LoadOptions, ModelChoice};
use underpaint::protocol::GenerateRequest;

const PROMPTS: [&str; 16] = [
    "red apple, 3d style",
    "cat face, glossy style",
    "blue car, flat style",
    "birthday cake, cartoon style",
    "purple frog, 3d style",
    "a house with garden, clipart style",
    "green heart, glossy style",
    "orange butterfly, glossy style",
    "yellow sun, weather style",
    "brown dog, simple style",
    "pink flower, soft style",
    "rocket, bold style",
    "smiling face with sunglasses, 3d style",
    "tree, classic style",
    "umbrella, icon style",
    "golden crown, badge style",
];

fn main() -> Result<()> {
    let folders: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    anyhow::ensure!(matches!(folders.len(), 1 | 2), "name one or two model folders");
    let load = |folder: Option<&PathBuf>| {
        let model = folder.cloned().map_or(ModelChoice::Embedded, ModelChoice::Folder);
        model::load(&LoadOptions { model, ..LoadOptions::default() })
    };
    let mut models = [load(folders.first())?, load(folders.get(1))?];
    let mut errors = Vec::with_capacity(PROMPTS.len());
    println!("{:>8} {:>8}  prompt", "PSNR/dB", "pixels/%");
    for (seed, prompt) in PROMPTS.iter().enumerate() {
        let [a, b] = &mut models;
        let (a, b) = (paint(&mut **a, prompt, seed as u64)?, paint(&mut **b, prompt, seed as u64)?);
        let (squared_error, share) = difference(&a, &b);
        println!("{:>8} {:8.2}  {prompt}", decibels(squared_error), share * 100.0);
        errors.push(squared_error);
    }
    errors.sort_by(f64::total_cmp);
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    println!("median {}, of the mean error {}", decibels(errors[8]), decibels(mean));
    Ok(())
}

fn paint(generator: &mut dyn Generator, prompt: &str, seed: u64) -> Result<RgbaImage> {
    let mut request = GenerateRequest::new(prompt, seed);
    request.sampling = generator.info().sampling;
    let mut session = generator.start(&request)?;
    while session.n_done() < session.n_scales() {
        session.step(&|| true)?;
    }
    Ok(session.render(0)?)
}

/// Mean squared error of premultiplied values in [0, 1], and the share of differing pixels.
fn difference(a: &RgbaImage, b: &RgbaImage) -> (f64, f64) {
    let planes = planes_from_rgba(a).into_iter().zip(planes_from_rgba(b));
    let sum: f64 = planes.map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let pixels = a.pixels().zip(b.pixels());
    let n_different = pixels.filter(|(a, b)| (0..4).any(|i| a[i].abs_diff(b[i]) > 8)).count();
    let n_pixels = f64::from(a.width() * a.height());
    (sum / (4.0 * n_pixels), n_different as f64 / n_pixels)
}

fn decibels(squared_error: f64) -> String {
    if squared_error == 0.0 {
        "=".to_owned()
    } else {
        format!("{:.1}", -10.0 * squared_error.log10())
    }
}
