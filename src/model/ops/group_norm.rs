//! Group norm of channels-last maps.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use candle_nn::VarBuilder;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::simd::{MIN_PARALLEL_VALUES, dispatch, silu};
use super::storage::values;

/// Group normalisation over groups of channels and all pixels of a picture.
#[derive(Debug)]
pub struct GroupNorm {
    n_groups: usize,
    eps: f64,
    /// (C)
    weight: Tensor,
    bias: Tensor,
}

impl GroupNorm {
    /// Reads `weight` and `bias`, (C) each.
    ///
    /// # Errors
    /// A missing or mis-shaped tensor, or channels that do not divide into the groups.
    pub fn load(vb: VarBuilder<'_>, channels: usize, n_groups: usize, eps: f64) -> Result<Self> {
        if n_groups == 0 || !channels.is_multiple_of(n_groups) {
            bail!("{channels} channels do not divide into {n_groups} groups");
        }
        let weight = vb.get(channels, "weight")?;
        let bias = vb.get(channels, "bias")?;
        Ok(Self { n_groups, eps, weight, bias })
    }

    /// (B, H, W, C) → (B, H, W, C).
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn forward_nhwc(&self, x: &Tensor) -> Result<Tensor> {
        self.normalise(x, false)
    }

    /// [`Self::forward_nhwc`], then `SiLU`.
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn forward_nhwc_silu(&self, x: &Tensor) -> Result<Tensor> {
        self.normalise(x, true)
    }

    fn normalise(&self, x: &Tensor, silu: bool) -> Result<Tensor> {
        let (.., channels) = x.dims4()?;
        if self.weight.dims() != [channels] {
            bail!("a group norm of {:?} cannot take {:?}", self.weight.dims(), x.dims());
        }
        if x.device().is_cpu() {
            let op = GroupNormOp { n_groups: self.n_groups, eps: self.eps, silu };
            x.contiguous()?.apply_op3_no_bwd(&self.weight, &self.bias, &op)
        } else {
            self.through_candle(x, silu)
        }
    }

    fn through_candle(&self, x: &Tensor, silu: bool) -> Result<Tensor> {
        let (batch, height, width, channels) = x.dims4()?;
        let per_group = channels / self.n_groups;
        let grouped = x.reshape((batch, height * width, self.n_groups, per_group))?;
        let n = (height * width * per_group) as f64;
        let mean = (grouped.sum_keepdim((1, 3))? / n)?;
        let centred = grouped.broadcast_sub(&mean)?;
        let variance = (centred.sqr()?.sum_keepdim((1, 3))? / n)?;
        let y = centred
            .broadcast_div(&(variance + self.eps)?.sqrt()?)?
            .reshape(x.dims())?
            .broadcast_mul(&self.weight)?
            .broadcast_add(&self.bias)?;
        if silu { y.silu() } else { Ok(y) }
    }
}

struct GroupNormOp {
    n_groups: usize,
    eps: f64,
    silu: bool,
}

impl CustomOp3 for GroupNormOp {
    fn name(&self) -> &'static str {
        "group-norm-nhwc"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, dims) = (values(x, x_layout)?, x_layout.dims());
        let weight = values(weight, weight_layout)?;
        let bias = values(bias, bias_layout)?;
        let (n_pixels, n_channels) = (dims[1] * dims[2], dims[3]);
        let mut out = vec![0.0; x.len()];
        if !out.is_empty() {
            let picture_len = n_pixels * n_channels;
            for (out, x) in out.chunks_exact_mut(picture_len).zip(x.chunks_exact(picture_len)) {
                self.picture(x, weight, bias, out);
            }
        }
        Ok((CpuStorage::F32(out), dims.into()))
    }
}

/// Sums over the pixels of one channel, of values less the `origin`, a value of that channel:
/// sums of squares would lose the variance of a channel that is far from zero.
#[derive(Clone, Copy, Default)]
struct Moments {
    sum: f64,
    squares: f64,
}

impl GroupNormOp {
    /// One picture, (H · W, C).
    fn picture(&self, x: &[f32], weight: &[f32], bias: &[f32], out: &mut [f32]) {
        let n_channels = weight.len();
        let (scale, shift) = self.scale_and_shift(x, weight, bias);
        let chunk = MIN_PARALLEL_VALUES.next_multiple_of(n_channels);
        out.par_chunks_mut(chunk).zip(x.par_chunks(chunk)).for_each(|(out, x)| {
            dispatch(Normalise { x, scale: &scale, shift: &shift, silu: self.silu, out });
        });
    }

    /// Per channel: y = x · scale + shift.
    fn scale_and_shift(&self, x: &[f32], weight: &[f32], bias: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let n_channels = weight.len();
        let origins = &x[..n_channels];
        let moments = moments(x, origins);
        let n_pixels = (x.len() / n_channels) as f64;
        let per_group = n_channels / self.n_groups;
        let (mut scale, mut shift) =
            (Vec::with_capacity(n_channels), Vec::with_capacity(n_channels));
        for first in (0..n_channels).step_by(per_group) {
            let group = first..first + per_group;
            let channel_mean = |c: usize| f64::from(origins[c]) + moments[c].sum / n_pixels;
            let mean = group.clone().map(channel_mean).sum::<f64>() / per_group as f64;
            let variance = group.clone().map(|c| {
                let own = moments[c].squares / n_pixels - (moments[c].sum / n_pixels).powi(2);
                own.max(0.0) + (channel_mean(c) - mean).powi(2)
            });
            let variance = variance.sum::<f64>() / per_group as f64;
            let inverse = 1.0 / (variance + self.eps).sqrt();
            for c in group {
                let factor = f64::from(weight[c]) * inverse;
                scale.push(factor as f32);
                shift.push((f64::from(bias[c]) - mean * factor) as f32);
            }
        }
        (scale, shift)
    }
}

/// Pixels of a picture: y = x · scale + shift per channel.
struct Normalise<'a> {
    x: &'a [f32],
    scale: &'a [f32],
    shift: &'a [f32],
    silu: bool,
    out: &'a mut [f32],
}

impl WithSimd for Normalise<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let n_channels = self.scale.len();
        let pixels = self.out.chunks_exact_mut(n_channels).zip(self.x.chunks_exact(n_channels));
        for (out, x) in pixels {
            for (((out, x), scale), shift) in out.iter_mut().zip(x).zip(self.scale).zip(self.shift)
            {
                *out = x * scale + shift;
            }
            if self.silu {
                for value in out {
                    *value = silu(*value);
                }
            }
        }
    }
}

/// Adds up the pixels of a chunk, and the squares, each less the `origins`.
struct Sums<'a> {
    x: &'a [f32],
    origins: &'a [f32],
    plain: &'a mut [f32],
    squares: &'a mut [f32],
}

impl WithSimd for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for x in self.x.chunks_exact(self.origins.len()) {
            let sums = self.plain.iter_mut().zip(&mut *self.squares);
            for (((sum, squares), x), origin) in sums.zip(x).zip(self.origins) {
                let difference = x - origin;
                *sum += difference;
                *squares += difference * difference;
            }
        }
    }
}

/// Of every channel of one picture. Chunks are summed in single precision, their sums in double.
fn moments(x: &[f32], origins: &[f32]) -> Vec<Moments> {
    let n_channels = origins.len();
    let chunk = MIN_PARALLEL_VALUES.next_multiple_of(n_channels);
    let sums_of_chunk = |x: &[f32]| {
        let mut values = vec![0.0; 2 * n_channels];
        let (plain, squares) = values.split_at_mut(n_channels);
        dispatch(Sums { x, origins, plain, squares });
        values
    };
    let chunks: Vec<Vec<f32>> = x.par_chunks(chunk).map(sums_of_chunk).collect();
    let mut moments = vec![Moments::default(); n_channels];
    for sums in chunks {
        let (sum, squares) = sums.split_at(n_channels);
        for ((moments, sum), squares) in moments.iter_mut().zip(sum).zip(squares) {
            moments.sum += f64::from(*sum);
            moments.squares += f64::from(*squares);
        }
    }
    moments
}

#[cfg(test)]
mod tests {
    use super::super::storage::tests::{assert_close, noise};
    use super::*;

    #[test]
    fn group_norm_agrees_with_candle() {
        for (dims, n_groups) in
            [([1, 64, 64, 64], 16), ([2, 16, 16, 256], 16), ([3, 5, 7, 12], 3), ([1, 1, 1, 4], 2)]
        {
            let norm = GroupNorm {
                n_groups,
                eps: 1e-5,
                weight: noise(&[dims[3]], 1),
                bias: noise(&[dims[3]], 2),
            };
            // Far from zero, so that a variance from plain sums of squares would be lost.
            let x = (noise(&dims, 3) + 100.0).unwrap();
            for silu in [false, true] {
                let expected = norm.through_candle(&x, silu).unwrap();
                assert_close(&norm.normalise(&x, silu).unwrap(), &expected, 1e-3);
            }
            let x = noise(&dims, 4);
            let expected = norm.through_candle(&x, true).unwrap();
            assert_close(&norm.forward_nhwc_silu(&x).unwrap(), &expected, 1e-5);
        }
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let norm =
            GroupNorm { n_groups: 2, eps: 1e-5, weight: noise(&[4], 1), bias: noise(&[4], 2) };
        assert!(norm.forward_nhwc(&noise(&[1, 2, 2, 6], 1)).is_err());
        assert_eq!(norm.forward_nhwc(&noise(&[0, 2, 2, 4], 1)).unwrap().dims(), [0, 2, 2, 4]);
    }
}
