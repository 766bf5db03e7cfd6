//! RMS norm of the last dimension, plain and modulated.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, D, Layout, Result, Shape, Tensor, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::simd::{MIN_PARALLEL_VALUES, dispatch};
use super::storage::{row_starts, values};

/// `x / √(mean x² + eps) · weight` over the last dimension: (…, D), weight (D).
///
/// `x` may be a view whose last dimension is contiguous, such as the heads of a projection; the
/// result is contiguous, so this also brings heads into the order of their products.
///
/// # Errors
/// Shapes that do not fit, or what the computation reports.
pub fn rms_norm(x: &Tensor, weight: &Tensor, eps: f32) -> Result<Tensor> {
    check_vector(x, weight)?;
    if x.device().is_cpu() {
        rows_contiguous(x)?.apply_op2_no_bwd(&weight.contiguous()?, &RmsNormOp { eps })
    } else {
        rms_norm_through_candle(x, weight, eps)
    }
}

/// `x / √(mean x² + eps) · scale + shift`: (…, D), scale and shift (D). With
/// `scale = weight · (1 + s)` computed once, this is [`rms_norm_modulated`] for less.
///
/// # Errors
/// Shapes that do not fit, or what the computation reports.
pub fn rms_norm_affine(x: &Tensor, scale: &Tensor, shift: &Tensor, eps: f32) -> Result<Tensor> {
    check_vector(x, scale)?;
    check_vector(x, shift)?;
    if x.device().is_cpu() {
        let (scale, shift) = (scale.contiguous()?, shift.contiguous()?);
        rows_contiguous(x)?.apply_op3_no_bwd(&scale, &shift, &RmsNormOp { eps })
    } else {
        rms_norm_through_candle(x, scale, eps)?.broadcast_add(shift)
    }
}

/// `rms_norm(x, weight) · (1 + scale) + shift`: (…, D), all others (D).
///
/// # Errors
/// Shapes that do not fit, or what the computation reports.
pub fn rms_norm_modulated(
    x: &Tensor,
    weight: &Tensor,
    scale: &Tensor,
    shift: &Tensor,
    eps: f32,
) -> Result<Tensor> {
    rms_norm_affine(x, &(weight * (scale + 1.0)?)?, shift, eps)
}

fn rms_norm_through_candle(x: &Tensor, weight: &Tensor, eps: f32) -> Result<Tensor> {
    let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
    x.broadcast_div(&(mean + f64::from(eps))?.sqrt()?)?.broadcast_mul(weight)
}

fn check_vector(x: &Tensor, vector: &Tensor) -> Result<()> {
    if vector.dims() != [x.dim(D::Minus1)?] {
        bail!("a vector of {:?} does not fit rows of {:?}", vector.dims(), x.dims());
    }
    Ok(())
}

/// `x` itself if each of its rows is contiguous, else a copy.
fn rows_contiguous(x: &Tensor) -> Result<Tensor> {
    if x.stride().last() == Some(&1) { Ok(x.clone()) } else { x.contiguous() }
}

struct RmsNormOp {
    eps: f32,
}

impl RmsNormOp {
    fn compute(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        scale: &[f32],
        shift: Option<&[f32]>,
    ) -> Result<(CpuStorage, Shape)> {
        let n_values = scale.len();
        let x = x.as_slice::<f32>()?;
        let starts = row_starts(layout);
        let mut out = vec![0.0; starts.len() * n_values];
        let rows_per_task = MIN_PARALLEL_VALUES.div_ceil(n_values.max(1));
        let task_len = (rows_per_task * n_values).max(1);
        out.par_chunks_mut(task_len).zip(starts.par_chunks(rows_per_task)).for_each(
            |(out, starts)| dispatch(RmsRows { x, starts, scale, shift, eps: self.eps, out }),
        );
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

/// Some rows, by where they start in `x`.
struct RmsRows<'a> {
    x: &'a [f32],
    starts: &'a [usize],
    scale: &'a [f32],
    shift: Option<&'a [f32]>,
    eps: f32,
    out: &'a mut [f32],
}

impl WithSimd for RmsRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let n_values = self.scale.len();
        for (out, start) in self.out.chunks_exact_mut(n_values).zip(self.starts) {
            let x = &self.x[*start..start + n_values];
            let inverse = 1.0 / (sum_of_squares(x) / n_values as f32 + self.eps).sqrt();
            for ((out, x), scale) in out.iter_mut().zip(x).zip(self.scale) {
                *out = x * inverse * scale;
            }
            if let Some(shift) = self.shift {
                for (out, shift) in out.iter_mut().zip(shift) {
                    *out += shift;
                }
            }
        }
    }
}

/// In sixteen interleaved sums, which the compiler can keep in vectors.
#[inline(always)]
fn sum_of_squares(x: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 16];
    let (chunks, rest) = x.as_chunks::<16>();
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += x * x;
        }
    }
    sums.iter().sum::<f32>() + rest.iter().map(|x| x * x).sum::<f32>()
}

impl CustomOp2 for RmsNormOp {
    fn name(&self) -> &'static str {
        "rms-norm-rows"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.compute(x, x_layout, values(scale, scale_layout)?, None)
    }
}

impl CustomOp3 for RmsNormOp {
    fn name(&self) -> &'static str {
        "rms-norm-affine-rows"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let shift = values(shift, shift_layout)?;
        self.compute(x, x_layout, values(scale, scale_layout)?, Some(shift))
    }
}

#[cfg(test)]
mod tests {
    use super::super::storage::tests::{assert_close, assert_same, noise};
    use super::*;

    #[test]
    fn rms_norm_agrees_with_candle() {
        for dims in [vec![2, 121, 256], vec![1, 4, 37], vec![1, 1, 1]] {
            let x = noise(&dims, 1);
            let [weight, scale, shift] = [2, 3, 4].map(|seed| noise(&dims[2..], seed));
            let expected = rms_norm_through_candle(&x, &weight, 1e-6).unwrap();
            assert_close(&rms_norm(&x, &weight, 1e-6).unwrap(), &expected, 1e-5);
            let expected = expected.broadcast_mul(&(&scale + 1.0).unwrap()).unwrap();
            let expected = expected.broadcast_add(&shift).unwrap();
            let modulated = rms_norm_modulated(&x, &weight, &scale, &shift, 1e-6).unwrap();
            assert_close(&modulated, &expected, 1e-5);
        }
    }

    #[test]
    fn heads_are_normalised_where_they_lie() {
        let qkv = noise(&[2, 36, 3 * 4 * 16], 1); // (B, T, 3 · N · D/N)
        let weight = noise(&[16], 2);
        let keys = qkv.reshape((2, 36, 3, 4, 16)).unwrap().narrow(2, 1, 1).unwrap();
        let keys = keys.squeeze(2).unwrap().transpose(1, 2).unwrap(); // (B, N, T, D/N)
        let expected = rms_norm(&keys.contiguous().unwrap(), &weight, 1e-6).unwrap();
        let actual = rms_norm(&keys, &weight, 1e-6).unwrap();
        assert!(actual.is_contiguous());
        assert_same(&actual, &expected);
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let (x, weight) = (noise(&[2, 8], 1), noise(&[7], 1));
        assert!(rms_norm(&x, &weight, 1e-6).is_err());
        assert!(rms_norm_affine(&x, &noise(&[8], 1), &weight, 1e-6).is_err());
    }
}
