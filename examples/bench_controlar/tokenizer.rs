//! VQ-16 at 512 × 512 pixels.

use std::time::Instant;

use anyhow::Result;
use candle_core::{Device, Tensor};
use serde_json::{Map, Value, json};
use underpaint::model::controlar::{Probe, Vq16, Vq16Config};

use crate::memory::{peak_mb, resident_mb};
use crate::random::{noise, random_weights};

const SIDE: usize = 32;
const REPEATS: usize = 3;

/// Decodes and encodes a picture some times.
pub(crate) fn time(report: &mut Map<String, Value>) -> Result<()> {
    let mut tell = |name: &str, value: f64| {
        report.insert(name.to_owned(), json!((value * 1000.0).round() / 1000.0));
    };
    let vq16 = Vq16::load(Vq16Config::published(), &random_weights())?;
    let loaded = resident_mb()?;
    tell("vq16_mb", loaded);
    let ids: Vec<u32> = (0..(SIDE * SIDE) as u32).map(|idx| idx * 13 % 16_384).collect();
    let mut best = f64::INFINITY;
    for _ in 0..REPEATS {
        let start = Instant::now();
        vq16.decode(std::slice::from_ref(&ids), SIDE, SIDE, &mut Probe::none())?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    tell("decode_s_best", best);
    tell("decode_peak_mb", peak_mb()? - loaded);
    let px = SIDE * 16;
    let picture = Tensor::from_vec(noise(3 * px * px, 5, 1.0), (1, 3, px, px), &Device::Cpu)?;
    let mut best = f64::INFINITY;
    for _ in 0..REPEATS {
        let start = Instant::now();
        vq16.encode(&picture, &mut Probe::none())?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    tell("encode_s_best", best);
    tell("both_peak_mb", peak_mb()? - loaded);
    Ok(())
}
