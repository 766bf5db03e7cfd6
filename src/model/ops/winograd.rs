//! Winograd's convolution F(M×M, 3×3): inputs, in overlapping tiles of side `M + 2`, and weights
//! are transformed so that M² outputs cost (M + 2)² products per channel instead of 9 M²: 2.25
//! times fewer for M = 2, 4 times fewer for M = 4. For 3×3, stride 1, padding 1.
//!
//! After Lavin and Gray, "Fast algorithms for convolutional neural networks", 2015.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::panels::{PANEL, multiply};
use super::share::{Algorithm, Band, Extent, Target, Task};
use super::simd::{dispatch, mul_add};

/// Largest side of an input tile.
const MAX_SIDE: usize = 6;

/// Tiles of a band: as many as their transformed inputs fit into a second-level cache.
const TILES_PER_BAND: usize = 32;

/// A 3×3 convolution by tiles of `M` × `M` outputs; `M` is 2 or 4.
#[derive(Debug)]
pub(super) struct Winograd<const M: usize> {
    in_channels: usize,
    /// Panel by panel, place by place of the tile: the weights of that place, one row of
    /// [`PANEL`] per input channel.
    weights: Vec<f32>,
}

impl<const M: usize> Winograd<M> {
    const SIDE: usize = M + 2;
    const PLACES: usize = Self::SIDE * Self::SIDE;

    /// Whether a layer has whole vectors of input channels and whole panels of output channels.
    pub(super) fn suits(in_channels: usize, out_channels: usize) -> bool {
        in_channels.is_multiple_of(16) && out_channels.is_multiple_of(PANEL)
    }

    /// Size of the transformed weights.
    pub(super) fn bytes_for(in_channels: usize, out_channels: usize) -> usize {
        Self::PLACES * in_channels * out_channels * size_of::<f32>()
    }

    /// `weights` as (O, I, 3, 3).
    pub(super) fn new(in_channels: usize, out_channels: usize, weights: &[f32]) -> Self {
        let panel_len = Self::PLACES * in_channels * PANEL;
        let mut transformed = vec![0.0; out_channels / PANEL * panel_len];
        let panels = transformed.par_chunks_exact_mut(panel_len);
        // Kernels of the output channels of a panel.
        let kernels = weights.par_chunks_exact(PANEL * in_channels * 9);
        panels.zip(kernels).for_each(|(panel, kernels)| {
            dispatch(TransformKernels::<M> { in_channels, kernels, panel });
        });
        Self { in_channels, weights: transformed }
    }

    /// Values of one transformed tile. The surplus keeps equal places of neighbouring tiles from
    /// competing for the same lines of the cache.
    fn unit_len(&self) -> usize {
        Self::PLACES * self.in_channels + 64
    }
}

impl<const M: usize> Algorithm for Winograd<M> {
    fn rows_per_band(&self, out: Extent) -> usize {
        M * (TILES_PER_BAND / out.width.div_ceil(M)).max(1)
    }

    fn weight_bytes(&self) -> usize {
        size_of_val(self.weights.as_slice())
    }

    fn units(&self, out: Extent, band: &Band) -> (usize, usize) {
        (band.rows.len().div_ceil(M) * out.width.div_ceil(M), self.unit_len())
    }

    fn prepare(&self, task: &Task<'_>, band: &Band, units: Range<usize>, prepared: &mut [f32]) {
        dispatch(Prepare { layer: self, task, band, units, prepared });
    }

    fn panel(
        &self,
        task: &Task<'_>,
        band: &Band,
        prepared: &[f32],
        panel_idx: usize,
        sums: &mut Vec<f32>,
        target: &mut Target<'_>,
    ) {
        let len = Self::PLACES * self.in_channels * PANEL;
        let weights = &self.weights[panel_idx * len..][..len];
        let n_tiles = prepared.len() / self.unit_len();
        sums.resize(Self::PLACES * n_tiles * PANEL, 0.0);
        dispatch(Panel { layer: self, task, band, prepared, weights, sums, target });
    }
}

struct Prepare<'a, const M: usize> {
    layer: &'a Winograd<M>,
    task: &'a Task<'a>,
    band: &'a Band,
    units: Range<usize>,
    prepared: &'a mut [f32],
}

impl<const M: usize> WithSimd for Prepare<'_, M> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layer, task, band, units, prepared } = self;
        let Extent { height, width, .. } = task.in_extent;
        let n_channels = layer.in_channels;
        let outside = vec![0.0; n_channels];
        let tiles_per_row = width.div_ceil(M);
        for (tile, prepared) in units.zip(prepared.chunks_exact_mut(layer.unit_len())) {
            // The top left input of the tile is one pixel above and left of its first output.
            let top = band.rows.start + tile / tiles_per_row * M;
            let left = tile % tiles_per_row * M;
            let mut pixels = [[outside.as_slice(); MAX_SIDE]; MAX_SIDE];
            for (i, pixels) in pixels.iter_mut().enumerate().take(M + 2) {
                for (j, pixel) in pixels.iter_mut().enumerate().take(M + 2) {
                    let (y, x) = (top + i, left + j);
                    if (1..=height).contains(&y) && (1..=width).contains(&x) {
                        let start = ((band.image * height + y - 1) * width + x - 1) * n_channels;
                        *pixel = &task.input[start..start + n_channels];
                    }
                }
            }
            transform_tile::<S, M>(simd, &pixels, prepared, n_channels);
        }
    }
}

/// Writes `Bᵀ d B` for every channel: place by place, `n_channels` values each.
#[inline(always)]
fn transform_tile<S: Simd, const M: usize>(
    simd: S,
    pixels: &[[&[f32]; MAX_SIDE]; MAX_SIDE],
    prepared: &mut [f32],
    n_channels: usize,
) {
    let zero = simd.splat_f32s(0.0);
    let n_vecs = n_channels / S::F32_LANES;
    let prepared = S::as_mut_simd_f32s(prepared).0;
    for vec in 0..n_vecs {
        let mut rows = [[zero; MAX_SIDE]; MAX_SIDE];
        for i in 0..M + 2 {
            let mut row = [zero; MAX_SIDE];
            for j in 0..M + 2 {
                row[j] = S::as_simd_f32s(pixels[i][j]).0[vec];
            }
            rows[i] = transform_inputs::<S, M>(simd, row);
        }
        for j in 0..M + 2 {
            let mut col = [zero; MAX_SIDE];
            for i in 0..M + 2 {
                col[i] = rows[i][j];
            }
            let col = transform_inputs::<S, M>(simd, col);
            for i in 0..M + 2 {
                prepared[(i * (M + 2) + j) * n_vecs + vec] = col[i];
            }
        }
    }
}

/// `Bᵀ d`.
#[inline(always)]
fn transform_inputs<S: Simd, const M: usize>(
    simd: S,
    d: [S::f32s; MAX_SIDE],
) -> [S::f32s; MAX_SIDE] {
    let add = |a, b| simd.add_f32s(a, b);
    let sub = |a, b| simd.sub_f32s(a, b);
    let times = |a, b, c| mul_add(simd, simd.splat_f32s(a), b, c);
    if M == 2 {
        let zero = simd.splat_f32s(0.0);
        return [sub(d[0], d[2]), add(d[1], d[2]), sub(d[2], d[1]), sub(d[1], d[3]), zero, zero];
    }
    let outer = times(-4.0, d[2], d[4]);
    let inner = times(-4.0, d[1], d[3]);
    let outer_2 = sub(d[4], d[2]);
    let inner_2 = sub(d[3], d[1]);
    [
        times(4.0, d[0], times(-5.0, d[2], d[4])),
        add(outer, inner),
        sub(outer, inner),
        times(2.0, inner_2, outer_2),
        times(-2.0, inner_2, outer_2),
        times(4.0, d[1], times(-5.0, d[3], d[5])),
    ]
}

struct Panel<'a, 'b, const M: usize> {
    layer: &'a Winograd<M>,
    task: &'a Task<'a>,
    band: &'a Band,
    prepared: &'a [f32],
    weights: &'a [f32],
    sums: &'a mut [f32],
    target: &'a mut Target<'b>,
}

impl<const M: usize> WithSimd for Panel<'_, '_, M> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layer, task, band, prepared, weights, sums, target } = self;
        let (n_channels, unit_len) = (layer.in_channels, layer.unit_len());
        let n_tiles = prepared.len() / unit_len;
        let places =
            weights.chunks_exact(n_channels * PANEL).zip(sums.chunks_exact_mut(n_tiles * PANEL));
        for (place, (weights, sums)) in places.enumerate() {
            let row = |tile: usize, _tap: usize| {
                &prepared[tile * unit_len + place * n_channels..][..n_channels]
            };
            multiply(simd, weights, n_channels, &row, sums);
        }
        let width = task.out_extent.width;
        let tiles_per_row = width.div_ceil(M);
        for tile in 0..n_tiles {
            let mut outputs = [0.0; 4 * 4 * PANEL];
            outputs_of_tile::<S, M>(simd, sums, n_tiles, tile, &mut outputs);
            let (top, left) = (tile / tiles_per_row * M, tile % tiles_per_row * M);
            for i in 0..M.min(band.rows.len() - top) {
                for j in 0..M.min(width - left) {
                    let outputs = &outputs[(i * M + j) * PANEL..][..PANEL];
                    target.write((top + i) * width + left + j, outputs);
                }
            }
        }
    }
}

/// `Aᵀ s A` for every channel of the panel: output by output, [`PANEL`] values each.
#[inline(always)]
fn outputs_of_tile<S: Simd, const M: usize>(
    simd: S,
    sums: &[f32],
    n_tiles: usize,
    tile: usize,
    outputs: &mut [f32],
) {
    let zero = simd.splat_f32s(0.0);
    let n_vecs = PANEL / S::F32_LANES;
    let sums = S::as_simd_f32s(sums).0;
    let outputs = S::as_mut_simd_f32s(outputs).0;
    for vec in 0..n_vecs {
        let mut rows = [[zero; 4]; MAX_SIDE];
        for i in 0..M + 2 {
            let mut row = [zero; MAX_SIDE];
            for j in 0..M + 2 {
                row[j] = sums[((i * (M + 2) + j) * n_tiles + tile) * n_vecs + vec];
            }
            rows[i] = transform_sums::<S, M>(simd, row);
        }
        for j in 0..M {
            let mut col = [zero; MAX_SIDE];
            for i in 0..M + 2 {
                col[i] = rows[i][j];
            }
            let col = transform_sums::<S, M>(simd, col);
            for i in 0..M {
                outputs[(i * M + j) * n_vecs + vec] = col[i];
            }
        }
    }
}

/// `Aᵀ s`.
#[inline(always)]
fn transform_sums<S: Simd, const M: usize>(simd: S, s: [S::f32s; MAX_SIDE]) -> [S::f32s; 4] {
    let add = |a, b| simd.add_f32s(a, b);
    let sub = |a, b| simd.sub_f32s(a, b);
    let times = |a, b, c| mul_add(simd, simd.splat_f32s(a), b, c);
    let (sum, difference) = (add(s[1], s[2]), sub(s[1], s[2]));
    if M == 2 {
        let zero = simd.splat_f32s(0.0);
        return [add(s[0], sum), sub(difference, s[3]), zero, zero];
    }
    let (sum_2, difference_2) = (add(s[3], s[4]), sub(s[3], s[4]));
    [
        add(add(s[0], sum), sum_2),
        times(2.0, difference_2, difference),
        times(4.0, sum_2, sum),
        add(times(8.0, difference_2, difference), s[5]),
    ]
}

/// `G g Gᵀ` of all 3×3 kernels of a panel of output channels, in double precision: it is done once,
/// and its error would stay.
struct TransformKernels<'a, const M: usize> {
    in_channels: usize,
    /// (PANEL, I, 3, 3)
    kernels: &'a [f32],
    panel: &'a mut [f32],
}

impl<const M: usize> WithSimd for TransformKernels<'_, M> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { in_channels, kernels, panel } = self;
        for input in 0..in_channels {
            let mut taps = [[0.0; PANEL]; 9];
            for (output, kernel) in kernels[input * 9..].chunks(in_channels * 9).enumerate() {
                for (tap, value) in taps.iter_mut().zip(kernel) {
                    tap[output] = f64::from(*value);
                }
            }
            let mut rows = [[[0.0; PANEL]; 3]; MAX_SIDE];
            for x in 0..3 {
                for output in 0..PANEL {
                    let col = [taps[x][output], taps[3 + x][output], taps[6 + x][output]];
                    let col = transform_kernel::<M>(col);
                    for i in 0..M + 2 {
                        rows[i][x][output] = col[i];
                    }
                }
            }
            for (i, row) in rows.iter().enumerate().take(M + 2) {
                let mut places = [[0.0; PANEL]; MAX_SIDE];
                for output in 0..PANEL {
                    let row = [row[0][output], row[1][output], row[2][output]];
                    let row = transform_kernel::<M>(row);
                    for j in 0..M + 2 {
                        places[j][output] = row[j] as f32;
                    }
                }
                for (j, values) in places.iter().enumerate().take(M + 2) {
                    let place = i * (M + 2) + j;
                    panel[(place * in_channels + input) * PANEL..][..PANEL].copy_from_slice(values);
                }
            }
        }
    }
}

/// `G g`.
#[inline(always)]
fn transform_kernel<const M: usize>(g: [f64; 3]) -> [f64; MAX_SIDE] {
    let (even, odd) = (g[0] + g[2], g[1]);
    if M == 2 {
        return [g[0], 0.5 * (even + odd), 0.5 * (even - odd), g[2], 0.0, 0.0];
    }
    let even_2 = g[0] + 4.0 * g[2];
    let odd_2 = 2.0 * g[1];
    [
        g[0] / 4.0,
        (even + odd) / -6.0,
        (even - odd) / -6.0,
        (even_2 + odd_2) / 24.0,
        (even_2 - odd_2) / 24.0,
        g[2],
    ]
}
