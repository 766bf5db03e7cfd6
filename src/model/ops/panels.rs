//! The matrix product under every CPU layer: rows of activations (pixels, tokens, Winograd tiles)
//! times weights that never change.
//!
//! General matrix libraries copy both factors into a cache-friendly order at every call, which
//! costs as much as the product itself when there are few rows. Here the weights take that order
//! once, when the model loads, and the rows are read where they lie; a convolution needs no
//! `im2col` copy that way. Every output is one sum in a fixed order, so results do not depend on
//! batch size, tiling or the number of threads.

use pulp::Simd;

use super::simd::mul_add;

/// Columns that one pass over the rows produces.
pub(super) const PANEL: usize = 32;

/// Weight rows multiplied before moving on to the next rows of activations: 16 KiB of weights,
/// half of a common L1 data cache.
const BLOCK: usize = 128;

/// Reorders a matrix of `depth` rows, given as `at(row, column)`, into panels: panel by panel,
/// row by row, [`PANEL`] columns; the last panel is filled up with zeros.
pub(super) fn pack(depth: usize, n_cols: usize, at: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    let mut values = vec![0.0; n_cols.div_ceil(PANEL) * depth * PANEL];
    for (panel_idx, panel) in values.chunks_exact_mut((depth * PANEL).max(1)).enumerate() {
        for (row, values) in panel.chunks_exact_mut(PANEL).enumerate() {
            let cols = panel_idx * PANEL..n_cols.min((panel_idx + 1) * PANEL);
            for (value, col) in values.iter_mut().zip(cols) {
                *value = at(row, col);
            }
        }
    }
    values
}

/// `values`, filled up with zeros to one value for every column of every panel.
pub(super) fn whole_panels(mut values: Vec<f32>, n_cols: usize) -> Vec<f32> {
    values.resize(n_cols.next_multiple_of(PANEL), 0.0);
    values
}

/// `out = rows × panel`: `out` holds [`PANEL`] sums per row, `row(i, tap)` gives the `depth`
/// values of row `i` that meet the weights of `tap`; `panel` holds them tap by tap.
#[inline(always)]
pub(super) fn multiply<'a, S: Simd>(
    simd: S,
    panel: &[f32],
    depth: usize,
    row: &impl Fn(usize, usize) -> &'a [f32],
    out: &mut [f32],
) {
    match S::F32_LANES {
        16 => multiply_in::<S, 6, 2>(simd, panel, depth, row, out),
        8 => multiply_in::<S, 3, 4>(simd, panel, depth, row, out),
        4 => multiply_in::<S, 3, 8>(simd, panel, depth, row, out),
        _ => multiply_in::<S, 1, PANEL>(simd, panel, depth, row, out),
    }
}

/// [`multiply`] with `ROWS` rows at a time and `VECS` vectors per panel row.
#[inline(always)]
fn multiply_in<'a, S: Simd, const ROWS: usize, const VECS: usize>(
    simd: S,
    panel: &[f32],
    depth: usize,
    row: &impl Fn(usize, usize) -> &'a [f32],
    out: &mut [f32],
) {
    let n_rows = out.len() / PANEL;
    for (tap, weights) in panel.chunks_exact(depth * PANEL).enumerate() {
        for (block_idx, weights) in weights.chunks(BLOCK * PANEL).enumerate() {
            let weights = S::as_simd_f32s(weights).0;
            let start = block_idx * BLOCK;
            let span = start..start + weights.len() / VECS;
            let values = |i: usize| &row(i, tap)[span.clone()];
            let is_first = tap == 0 && block_idx == 0;
            let mut i = 0;
            while i < n_rows {
                let sums = &mut out[i * PANEL..];
                // Four rows are two pairs: a single row would not keep the multipliers busy.
                let left = n_rows - i;
                i += if ROWS < 2 || left == ROWS || left > ROWS + 1 {
                    add_products::<S, ROWS, VECS>(simd, weights, i, &values, is_first, sums)
                } else if left >= 2 {
                    add_products::<S, 2, VECS>(simd, weights, i, &values, is_first, sums)
                } else {
                    add_products::<S, 1, VECS>(simd, weights, i, &values, is_first, sums)
                };
            }
        }
    }
}

/// Multiplies the values of `ROWS` rows from row `first` by `weights` and adds that to `sums`, or
/// replaces them if `is_first`. Returns `ROWS`.
#[inline(always)]
fn add_products<'a, S: Simd, const ROWS: usize, const VECS: usize>(
    simd: S,
    weights: &[S::f32s],
    first: usize,
    row: &impl Fn(usize) -> &'a [f32],
    is_first: bool,
    sums: &mut [f32],
) -> usize {
    let depth = weights.len() / VECS;
    let mut rows: [&[f32]; ROWS] = [&[]; ROWS];
    for (m, values) in rows.iter_mut().enumerate() {
        *values = &row(first + m)[..depth];
    }
    let out = S::as_mut_simd_f32s(&mut sums[..ROWS * PANEL]).0;
    let mut sums = [[simd.splat_f32s(0.0); VECS]; ROWS];
    if !is_first {
        for m in 0..ROWS {
            for n in 0..VECS {
                sums[m][n] = out[m * VECS + n];
            }
        }
    }
    for (i, weights) in weights.chunks_exact(VECS).enumerate().take(depth) {
        // All values first, then one vector of weights at a time: with 3 rows of 4 vectors that
        // just fits into the 16 registers of AVX2.
        let mut values = [simd.splat_f32s(0.0); ROWS];
        for m in 0..ROWS {
            values[m] = simd.splat_f32s(rows[m][i]);
        }
        for n in 0..VECS {
            for m in 0..ROWS {
                sums[m][n] = mul_add(simd, values[m], weights[n], sums[m][n]);
            }
        }
    }
    for m in 0..ROWS {
        for n in 0..VECS {
            out[m * VECS + n] = sums[m][n];
        }
    }
    ROWS
}
