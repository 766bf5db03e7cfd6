//! How a CPU convolution shares its work among threads.
//!
//! Maps are channels-last, `(B, H, W, C)`. Large maps are cut into *bands* of rows: a task reads
//! few rows and all weights. Small maps with many channels are cut into *panels* of [`PANEL`]
//! output channels: a task reads the whole map and its own share of the weights, which are the
//! larger part there.

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use super::panels::PANEL;
use super::simd::silu;

/// Extent of a map, without its channels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Extent {
    pub(super) batch: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Extent {
    /// Of a map (B, H, W, C).
    pub(super) fn of(dims: &[usize]) -> Self {
        Self { batch: dims[0], height: dims[1], width: dims[2] }
    }
}

/// Some rows of the output of one picture.
#[derive(Debug, Clone)]
pub(super) struct Band {
    pub(super) image: usize,
    pub(super) rows: Range<usize>,
}

/// What happens to a sum on its way to the output: bias, `SiLU`, gain, residual, in this order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finish<'a> {
    /// One value per output channel, filled up to whole panels.
    pub(super) bias: &'a [f32],
    pub(super) silu: bool,
    /// One factor per output channel.
    pub(super) gain: Option<&'a [f32]>,
    /// As large as the output.
    pub(super) residual: Option<&'a [f32]>,
}

/// A way to compute a convolution.
pub(super) trait Algorithm: std::fmt::Debug + Send + Sync {
    /// Rows of output that are worth a task; at least 1.
    fn rows_per_band(&self, out: Extent) -> usize;

    /// Bytes of weights that every band reads.
    fn weight_bytes(&self) -> usize;

    /// Number of units that the inputs of a band are prepared in, and the values of one unit.
    fn units(&self, out: Extent, band: &Band) -> (usize, usize);

    /// Fills `prepared` with `units` of a band.
    fn prepare(&self, task: &Task<'_>, band: &Band, units: Range<usize>, prepared: &mut [f32]);

    /// Computes one panel of a band from its `prepared` units. `sums` is scratch space.
    fn panel(
        &self,
        task: &Task<'_>,
        band: &Band,
        prepared: &[f32],
        panel_idx: usize,
        sums: &mut Vec<f32>,
        target: &mut Target<'_>,
    );
}

/// Input and extents of one call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) input: &'a [f32],
    pub(super) in_extent: Extent,
    pub(super) out_extent: Extent,
    pub(super) out_channels: usize,
    pub(super) finish: Finish<'a>,
}

/// Where the sums of one band and panel go.
pub(super) struct Target<'a> {
    values: &'a mut [f32],
    /// From one pixel to the next in `values`.
    stride: usize,
    finish: Finish<'a>,
    /// Of the whole output: the first pixel of the band, all channels, those of the panel.
    first_pixel: usize,
    n_channels: usize,
    channels: Range<usize>,
}

impl Target<'_> {
    /// Completes the sums of one pixel, counted from the first pixel of the band.
    #[inline(always)]
    pub(super) fn write(&mut self, pixel: usize, sums: &[f32]) {
        let Self { stride, finish, channels, .. } = self;
        let n = channels.len();
        let out = &mut self.values[pixel * *stride..][..n];
        let bias = &finish.bias[channels.start..][..n];
        for ((out, sum), bias) in out.iter_mut().zip(sums).zip(bias) {
            *out = sum + bias;
        }
        if finish.silu {
            for value in out.iter_mut() {
                *value = silu(*value);
            }
        }
        if let Some(gain) = finish.gain {
            for (out, gain) in out.iter_mut().zip(&gain[channels.start..][..n]) {
                *out *= gain;
            }
        }
        if let Some(residual) = finish.residual {
            let start = (self.first_pixel + pixel) * self.n_channels + channels.start;
            for (out, residual) in out.iter_mut().zip(&residual[start..][..n]) {
                *out += residual;
            }
        }
    }
}

impl Task<'_> {
    fn bands(&self, rows_per_band: usize) -> Vec<Band> {
        let Extent { batch, height, .. } = self.out_extent;
        let starts = (0..height).step_by(rows_per_band);
        (0..batch)
            .flat_map(|image| {
                starts.clone().map(move |start| Band {
                    image,
                    rows: start..height.min(start + rows_per_band),
                })
            })
            .collect()
    }

    /// Every band with its part of the output.
    fn split<'b, 'o>(
        &self,
        bands: &'b [Band],
        out: &'o mut [f32],
    ) -> Vec<(&'b Band, &'o mut [f32])> {
        let mut parts = Vec::with_capacity(bands.len());
        let mut left = out;
        for band in bands {
            let n_pixels = band.rows.len() * self.out_extent.width;
            let (values, rest) = left.split_at_mut(n_pixels * self.out_channels);
            parts.push((band, values));
            left = rest;
        }
        parts
    }

    fn first_pixel(&self, band: &Band) -> usize {
        (band.image * self.out_extent.height + band.rows.start) * self.out_extent.width
    }

    fn target<'a>(
        &'a self,
        band: &Band,
        panel_idx: usize,
        values: &'a mut [f32],
        stride: usize,
    ) -> Target<'a> {
        let start = panel_idx * PANEL;
        Target {
            values,
            stride,
            finish: self.finish,
            first_pixel: self.first_pixel(band),
            n_channels: self.out_channels,
            channels: start..self.out_channels.min(start + PANEL),
        }
    }
}

/// Weights that stay in the second-level cache while one band after the other is computed.
const CACHED_WEIGHT_BYTES: usize = 1 << 20;

/// Products, roughly, that are not worth waking a second thread for.
const SERIAL_PRODUCTS: usize = 1 << 16;

/// Computes the whole output, `(B, H, W, C)`.
pub(super) fn run(algorithm: &dyn Algorithm, task: &Task<'_>) -> Vec<f32> {
    let Extent { batch, height, width } = task.out_extent;
    let n_pixels = batch * height * width;
    let mut out = vec![0.0; n_pixels * task.out_channels];
    if out.is_empty() {
        return out;
    }
    let bands = task.bands(algorithm.rows_per_band(task.out_extent).max(1));
    let n_panels = task.out_channels.div_ceil(PANEL);
    let enough = 2 * rayon::current_num_threads();
    let weights_are_large = algorithm.weight_bytes() > CACHED_WEIGHT_BYTES && n_panels >= enough;
    if algorithm.weight_bytes() / size_of::<f32>() * n_pixels < SERIAL_PRODUCTS {
        for (band, values) in task.split(&bands, &mut out) {
            whole_band(algorithm, task, band, values);
        }
    } else if n_panels > bands.len() && (bands.len() < enough || weights_are_large) {
        by_panel(algorithm, task, &bands, &mut out);
    } else {
        let jobs = task.split(&bands, &mut out).into_par_iter();
        jobs.for_each(|(band, values)| whole_band(algorithm, task, band, values));
    }
    out
}

thread_local! {
    /// Prepared inputs and sums of the task at work, kept so that no call allocates them.
    static SCRATCH: RefCell<(Vec<f32>, Vec<f32>)> = RefCell::default();
    /// Prepared inputs and panels of the call at work.
    static CALL_SCRATCH: RefCell<(Vec<f32>, Vec<f32>)> = RefCell::default();
}

/// Computes all panels of a band into its part of the output.
fn whole_band(algorithm: &dyn Algorithm, task: &Task<'_>, band: &Band, values: &mut [f32]) {
    // Nothing in here hands work to other threads, so no second task can meet the borrow.
    SCRATCH.with_borrow_mut(|(prepared, sums)| {
        let (n_units, unit_len) = algorithm.units(task.out_extent, band);
        prepared.resize(n_units * unit_len, 0.0);
        algorithm.prepare(task, band, 0..n_units, prepared);
        for panel_idx in 0..task.out_channels.div_ceil(PANEL) {
            let values = &mut values[panel_idx * PANEL..];
            let mut target = task.target(band, panel_idx, values, task.out_channels);
            algorithm.panel(task, band, prepared, panel_idx, sums, &mut target);
        }
    });
}

fn by_panel(algorithm: &dyn Algorithm, task: &Task<'_>, bands: &[Band], out: &mut [f32]) {
    /// Units, and pixels, that are worth a task.
    const UNITS: usize = 4;
    const PIXELS: usize = 64;

    // Taken, not borrowed: a thread that waits for others may begin another call meanwhile.
    let (mut prepared, mut panels) = CALL_SCRATCH.take();
    let units: Vec<_> = bands.iter().map(|band| algorithm.units(task.out_extent, band)).collect();
    prepared.resize(units.iter().map(|(n_units, unit_len)| n_units * unit_len).sum(), 0.0);
    let mut jobs = Vec::new();
    let mut left = prepared.as_mut_slice();
    for (band, (n_units, unit_len)) in bands.iter().zip(&units) {
        for start in (0..*n_units).step_by(UNITS) {
            let range = start..(*n_units).min(start + UNITS);
            let (values, rest) = left.split_at_mut(range.len() * unit_len);
            jobs.push((band, range, values));
            left = rest;
        }
    }
    jobs.into_par_iter()
        .for_each(|(band, range, values)| algorithm.prepare(task, band, range, values));

    let n_pixels = out.len() / task.out_channels;
    panels.resize(task.out_channels.div_ceil(PANEL) * n_pixels * PANEL, 0.0);
    panels.par_chunks_exact_mut(n_pixels * PANEL).enumerate().for_each(|(panel_idx, values)| {
        SCRATCH.with_borrow_mut(|(_, sums)| {
            let mut prepared = prepared.as_slice();
            for (band, (n_units, unit_len)) in bands.iter().zip(&units) {
                let (of_band, rest) = prepared.split_at(n_units * unit_len);
                let values = &mut values[task.first_pixel(band) * PANEL..];
                let mut target = task.target(band, panel_idx, values, PANEL);
                algorithm.panel(task, band, of_band, panel_idx, sums, &mut target);
                prepared = rest;
            }
        });
    });
    out.par_chunks_mut(PIXELS * task.out_channels).enumerate().for_each(|(chunk, out)| {
        for (pixel, out) in out.chunks_exact_mut(task.out_channels).enumerate() {
            for (panel_idx, out) in out.chunks_mut(PANEL).enumerate() {
                let start = (panel_idx * n_pixels + chunk * PIXELS + pixel) * PANEL;
                out.copy_from_slice(&panels[start..start + out.len()]);
            }
        }
    });
    CALL_SCRATCH.set((prepared, panels));
}
