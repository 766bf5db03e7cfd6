//! From one layout of maps to another, with and without pixel shuffles.
//!
//! A pixel shuffle by `f` turns `C · f²` channels of a cell into f × f pixels of C channels;
//! channel `(c · f + i) · f + j` becomes channel c of the pixel in row i and column j of the cell.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use candle_nn::ops::{pixel_shuffle, pixel_unshuffle};
use rayon::prelude::*;

use super::storage::values;

/// (B, C, H, W) → (B, H, W, C).
///
/// # Errors
/// Another number of dimensions.
pub fn nhwc_from_nchw(x: &Tensor) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    if !x.device().is_cpu() || channels == 1 {
        return x.permute((0, 2, 3, 1))?.contiguous();
    }
    let x = x.contiguous()?.reshape((batch, channels, height * width))?;
    x.apply_op1_no_bwd(&Transpose)?.reshape((batch, height, width, channels))
}

/// (B, H, W, C) → (B, C, H, W).
///
/// # Errors
/// Another number of dimensions.
pub fn nchw_from_nhwc(x: &Tensor) -> Result<Tensor> {
    let (batch, height, width, channels) = x.dims4()?;
    if !x.device().is_cpu() || channels == 1 {
        return x.permute((0, 3, 1, 2))?.contiguous();
    }
    let x = x.contiguous()?.reshape((batch, height * width, channels))?;
    x.apply_op1_no_bwd(&Transpose)?.reshape((batch, channels, height, width))
}

/// (B, H, W, C · f²) → (B, H · f, W · f, C).
///
/// # Errors
/// Another shape.
pub fn pixel_shuffle_nhwc(x: &Tensor, factor: usize) -> Result<Tensor> {
    check_channels(x.dims4()?.3, factor)?;
    if x.device().is_cpu() {
        x.contiguous()?.apply_op1_no_bwd(&Shuffle { factor })
    } else {
        shuffle_through_candle(x, factor)
    }
}

fn shuffle_through_candle(x: &Tensor, factor: usize) -> Result<Tensor> {
    nhwc_from_nchw(&pixel_shuffle(&nchw_from_nhwc(x)?, factor)?)
}

/// (B, C, H · f, W · f) → (B, H, W, C · f²), the inverse of a pixel shuffle.
///
/// # Errors
/// Sides that are no multiples of `factor`.
pub fn pixel_unshuffle_nhwc(x: &Tensor, factor: usize) -> Result<Tensor> {
    let (.., height, width) = x.dims4()?;
    if factor == 0 || !height.is_multiple_of(factor) || !width.is_multiple_of(factor) {
        bail!("{height}×{width} pixels cannot be cut into cells of {factor}×{factor}");
    }
    if x.device().is_cpu() {
        x.contiguous()?.apply_op1_no_bwd(&Unshuffle { factor })
    } else {
        nhwc_from_nchw(&pixel_unshuffle(x, factor)?)
    }
}

/// Pictures from the output of a decoder: (B, H, W, C · f²) in [-1, 1] → (B, C, H · f, W · f) in
/// [0, 1], clamped.
///
/// # Errors
/// Another shape.
pub fn pictures_from_nhwc(x: &Tensor, factor: usize) -> Result<Tensor> {
    check_channels(x.dims4()?.3, factor)?;
    if x.device().is_cpu() {
        x.contiguous()?.apply_op1_no_bwd(&Pictures { factor })
    } else {
        pictures_through_candle(x, factor)
    }
}

fn pictures_through_candle(x: &Tensor, factor: usize) -> Result<Tensor> {
    pixel_shuffle(&nchw_from_nhwc(x)?, factor)?.affine(0.5, 0.5)?.clamp(0.0, 1.0)
}

fn check_channels(channels: usize, factor: usize) -> Result<()> {
    if factor == 0 || !channels.is_multiple_of(factor * factor) {
        bail!("{channels} channels cannot become cells of {factor}×{factor} pixels");
    }
    Ok(())
}

/// (B, R, C) → (B, C, R).
struct Transpose;

impl CustomOp1 for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        /// Output rows of one task; their values share lines of the input.
        const ROWS: usize = 16;

        let x = values(storage, layout)?;
        let (batch, n_rows, n_cols) = layout.shape().dims3()?;
        let mut out = vec![0.0; x.len()];
        if !out.is_empty() {
            let pictures =
                out.chunks_exact_mut(n_rows * n_cols).zip(x.chunks_exact(n_rows * n_cols));
            for (out, x) in pictures {
                out.par_chunks_mut(ROWS * n_rows).enumerate().for_each(|(task, out)| {
                    for (row, x) in x.chunks_exact(n_cols).enumerate() {
                        let x = &x[task * ROWS..];
                        for (out, x) in out[row..].iter_mut().step_by(n_rows).zip(x) {
                            *out = *x;
                        }
                    }
                });
            }
        }
        Ok((CpuStorage::F32(out), (batch, n_cols, n_rows).into()))
    }
}

struct Shuffle {
    factor: usize,
}

impl CustomOp1 for Shuffle {
    fn name(&self) -> &'static str {
        "pixel-shuffle-nhwc"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let (batch, height, width, in_channels) = layout.shape().dims4()?;
        let f = self.factor;
        let channels = in_channels / (f * f);
        let mut out = vec![0.0; x.len()];
        if !out.is_empty() {
            let (in_row, out_row) = (width * in_channels, width * f * channels);
            out.par_chunks_exact_mut(out_row).enumerate().for_each(|(row, out)| {
                // Rows of a picture are a multiple of `f`, so this holds across pictures.
                let (cell_row, i) = (row / f, row % f);
                let x = &x[cell_row * in_row..][..in_row];
                let cells = out.chunks_exact_mut(f * channels).zip(x.chunks_exact(in_channels));
                for (out, x) in cells {
                    for (j, out) in out.chunks_exact_mut(channels).enumerate() {
                        let x = x[i * f + j..].iter().step_by(f * f);
                        out.iter_mut().zip(x).for_each(|(out, x)| *out = *x);
                    }
                }
            });
        }
        Ok((CpuStorage::F32(out), (batch, height * f, width * f, channels).into()))
    }
}

struct Unshuffle {
    factor: usize,
}

impl CustomOp1 for Unshuffle {
    fn name(&self) -> &'static str {
        "pixel-unshuffle-nhwc"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let (batch, channels, in_height, in_width) = layout.shape().dims4()?;
        let f = self.factor;
        let (height, width, out_channels) = (in_height / f, in_width / f, channels * f * f);
        let mut out = vec![0.0; x.len()];
        if !out.is_empty() {
            out.par_chunks_exact_mut(width * out_channels).enumerate().for_each(|(row, out)| {
                let (image, row) = (row / height, row % height);
                for c in 0..channels {
                    for i in 0..f {
                        let start = ((image * channels + c) * in_height + row * f + i) * in_width;
                        let x = x[start..start + in_width].chunks_exact(f);
                        for (out, x) in out.chunks_exact_mut(out_channels).zip(x) {
                            out[(c * f + i) * f..][..f].copy_from_slice(x);
                        }
                    }
                }
            });
        }
        Ok((CpuStorage::F32(out), (batch, height, width, out_channels).into()))
    }
}

struct Pictures {
    factor: usize,
}

impl CustomOp1 for Pictures {
    fn name(&self) -> &'static str {
        "pictures-from-nhwc"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let (batch, height, width, in_channels) = layout.shape().dims4()?;
        let f = self.factor;
        let channels = in_channels / (f * f);
        let mut out = vec![0.0; x.len()];
        if !out.is_empty() {
            // One task writes the `f` rows of pixels of one row of cells, in one channel.
            out.par_chunks_exact_mut(f * width * f).enumerate().for_each(|(task, out)| {
                let (plane, row) = (task / height, task % height);
                let (image, c) = (plane / channels, plane % channels);
                let x = &x[(image * height + row) * width * in_channels..];
                for (i, out) in out.chunks_exact_mut(width * f).enumerate() {
                    let cells = out.chunks_exact_mut(f).zip(x.chunks_exact(in_channels));
                    for (out, x) in cells {
                        for (out, x) in out.iter_mut().zip(&x[(c * f + i) * f..]) {
                            *out = (x * 0.5 + 0.5).clamp(0.0, 1.0);
                        }
                    }
                }
            });
        }
        Ok((CpuStorage::F32(out), (batch, channels, height * f, width * f).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::storage::tests::{assert_same, noise};
    use super::*;

    #[test]
    fn layouts_are_candles_permutations() {
        for dims in [[2, 33, 5, 7], [1, 1, 4, 4], [1, 16, 64, 64]] {
            let x = noise(&dims, 1);
            let nhwc = nhwc_from_nchw(&x).unwrap();
            assert_same(&nhwc, &x.permute((0, 2, 3, 1)).unwrap());
            assert_same(&nchw_from_nhwc(&nhwc).unwrap(), &x);
        }
    }

    #[test]
    fn shuffles_agree_with_candle() {
        for (dims, factor) in [([2, 3, 5, 24], 2), ([1, 4, 4, 64], 4), ([2, 2, 3, 9], 3)] {
            let x = (noise(&dims, 1) * 1.5).unwrap();
            let expected = shuffle_through_candle(&x, factor).unwrap();
            let shuffled = pixel_shuffle_nhwc(&x, factor).unwrap();
            assert_same(&shuffled, &expected);
            let pixels = nchw_from_nhwc(&shuffled).unwrap();
            assert_same(&pixel_unshuffle_nhwc(&pixels, factor).unwrap(), &x);
            let expected = pictures_through_candle(&x, factor).unwrap();
            assert_same(&pictures_from_nhwc(&x, factor).unwrap(), &expected);
        }
    }

    #[test]
    fn wrong_shapes_are_errors() {
        assert!(pixel_shuffle_nhwc(&noise(&[1, 2, 2, 6], 1), 2).is_err());
        assert!(pictures_from_nhwc(&noise(&[1, 2, 2, 6], 1), 0).is_err());
        assert!(pixel_unshuffle_nhwc(&noise(&[1, 2, 5, 6], 1), 2).is_err());
    }
}
