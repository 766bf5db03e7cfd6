//! Sine and cosine positions of grid cells.

use candle_core::{Device, Result, Tensor};

/// (side², dim): per cell `[sin y·w, cos y·w, sin x·w, cos x·w]`, with cell centres in [0, 1] and
/// `dim / 4` frequencies `w` from π to `max_frequency`·π, evenly spaced in their logarithm.
pub(super) fn sincos(
    side: usize,
    dim: usize,
    max_frequency: f64,
    device: &Device,
) -> Result<Tensor> {
    let n_frequencies = dim / 4;
    let step = max_frequency.ln() / (n_frequencies.max(2) - 1) as f64;
    let mut values = Vec::with_capacity(side * side * dim);
    for cell in 0..side * side {
        for axis in [cell / side, cell % side] {
            let centre = (axis as f64 + 0.5) / side as f64;
            let angle = |idx: usize| centre * (step * idx as f64).exp() * std::f64::consts::PI;
            values.extend((0..n_frequencies).map(|idx| angle(idx).sin() as f32));
            values.extend((0..n_frequencies).map(|idx| angle(idx).cos() as f32));
        }
    }
    Tensor::from_vec(values, (side * side, dim), device)
}

/// (side², 2): cell centres as (row, column), relative to the middle of the grid, −½ to ½.
pub(super) fn cell_centres(side: usize, device: &Device) -> Result<Tensor> {
    let centre = |axis: usize| (axis as f32 + 0.5) / side as f32 - 0.5;
    let values = (0..side * side).flat_map(|cell| [centre(cell / side), centre(cell % side)]);
    Tensor::from_iter(values, device)?.reshape((side * side, 2))
}
