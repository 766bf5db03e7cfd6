//! The plain convolution: every tap of the kernel is one product of input pixels, read where they
//! lie, with the weights of that tap.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::panels::{PANEL, multiply};
use super::share::{Algorithm, Band, Extent, Target, Task};
use super::simd::dispatch;

/// Pixels of a band.
const PIXELS_PER_BAND: usize = 64;

/// A `kernel` × `kernel` convolution with padding `kernel / 2`.
#[derive(Debug)]
pub(super) struct Direct {
    in_channels: usize,
    kernel: usize,
    stride: usize,
    /// Panel by panel, tap by tap: one row of [`PANEL`] per input channel.
    weights: Vec<f32>,
    /// What stands around the picture.
    outside: Vec<f32>,
}

impl Direct {
    /// `weights` as (O, I, k, k).
    pub(super) fn new(
        in_channels: usize,
        out_channels: usize,
        kernel: usize,
        stride: usize,
        weights: &[f32],
    ) -> Self {
        let n_taps = kernel * kernel;
        let mut packed = vec![0.0; out_channels.div_ceil(PANEL) * n_taps * in_channels * PANEL];
        let panels = packed.par_chunks_exact_mut(n_taps * in_channels * PANEL);
        // Kernels of the output channels of a panel.
        let kernels = weights.par_chunks(PANEL * in_channels * n_taps);
        panels.zip(kernels).for_each(|(panel, kernels)| {
            for input in 0..in_channels {
                let kernels = kernels[input * n_taps..].chunks(in_channels * n_taps);
                for (output, kernel) in kernels.enumerate() {
                    for (tap, weight) in kernel[..n_taps].iter().enumerate() {
                        panel[(tap * in_channels + input) * PANEL + output] = *weight;
                    }
                }
            }
        });
        Self { in_channels, kernel, stride, weights: packed, outside: vec![0.0; in_channels] }
    }

    fn panel_len(&self) -> usize {
        self.kernel * self.kernel * self.in_channels * PANEL
    }
}

impl Algorithm for Direct {
    fn rows_per_band(&self, out: Extent) -> usize {
        PIXELS_PER_BAND.div_ceil(out.width)
    }

    fn weight_bytes(&self) -> usize {
        size_of_val(self.weights.as_slice())
    }

    fn units(&self, _out: Extent, _band: &Band) -> (usize, usize) {
        (0, 0)
    }

    fn prepare(&self, _task: &Task<'_>, _band: &Band, _units: Range<usize>, _prepared: &mut [f32]) {
    }

    fn panel(
        &self,
        task: &Task<'_>,
        band: &Band,
        _prepared: &[f32],
        panel_idx: usize,
        sums: &mut Vec<f32>,
        target: &mut Target<'_>,
    ) {
        let weights = &self.weights[panel_idx * self.panel_len()..][..self.panel_len()];
        dispatch(Panel { layer: self, task, band, weights, sums, target });
    }
}

struct Panel<'a, 'b> {
    layer: &'a Direct,
    task: &'a Task<'a>,
    band: &'a Band,
    weights: &'a [f32],
    sums: &'a mut Vec<f32>,
    target: &'a mut Target<'b>,
}

impl WithSimd for Panel<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layer: Direct { in_channels, kernel, stride, outside, .. }, .. } = self;
        let Self { task, band, weights, sums, target, .. } = self;
        let Extent { height, width, .. } = task.in_extent;
        let (n_channels, padding) = (*in_channels, kernel / 2);
        let out_width = task.out_extent.width;
        // A row of a 1×1 convolution is followed by the next, so the whole band is one product.
        let pointwise = *kernel == 1 && *stride == 1;
        let (n_rows, n_pixels) =
            if pointwise { (1, band.rows.len() * width) } else { (band.rows.len(), out_width) };
        for row in 0..n_rows {
            sums.resize(n_pixels * PANEL, 0.0);
            if pointwise {
                let first = (band.image * height + band.rows.start) * width;
                let input = &task.input[first * n_channels..];
                let pixel = |i: usize, _tap: usize| &input[i * n_channels..][..n_channels];
                multiply(simd, weights, n_channels, &pixel, sums);
            } else {
                let top = (band.rows.start + row) * stride;
                let pixel = |i: usize, tap: usize| {
                    let (y, x) = (top + tap / kernel, i * stride + tap % kernel);
                    let inside = (padding..height + padding).contains(&y)
                        && (padding..width + padding).contains(&x);
                    if !inside {
                        return outside.as_slice();
                    }
                    let start = (band.image * height + y - padding) * width + x - padding;
                    &task.input[start * n_channels..][..n_channels]
                };
                multiply(simd, weights, n_channels, &pixel, sums);
            }
            for (i, sums) in sums.chunks_exact(PANEL).enumerate() {
                target.write(row * n_pixels + i, sums);
            }
        }
    }
}
