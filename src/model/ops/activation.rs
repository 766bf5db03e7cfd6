//! Activation functions.

use candle_core::{CpuStorage, CustomOp1, D, Layout, Result, Shape, Tensor, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::simd::{MIN_PARALLEL_VALUES, dispatch, silu};
use super::storage::values;

/// `silu(gate) · up` of the halves gate | up of the last dimension: (…, 2F) → (…, F).
///
/// # Errors
/// An odd last dimension, or what the computation reports.
pub fn swiglu(x: &Tensor) -> Result<Tensor> {
    let n_values = x.dim(D::Minus1)?;
    if !n_values.is_multiple_of(2) {
        bail!("{n_values} values have no halves");
    }
    if x.device().is_cpu() { x.contiguous()?.apply_op1_no_bwd(&Swiglu) } else { through_candle(x) }
}

fn through_candle(x: &Tensor) -> Result<Tensor> {
    let halves = x.chunk(2, D::Minus1)?;
    halves[0].silu()? * &halves[1]
}

struct Swiglu;

impl CustomOp1 for Swiglu {
    fn name(&self) -> &'static str {
        "swiglu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let input = values(storage, layout)?;
        let mut dims = layout.dims().to_vec();
        let Some(last) = dims.last_mut() else { bail!("a scalar has no halves") };
        *last /= 2;
        let half = *last;
        let mut out = vec![0.0; input.len() / 2];
        if half > 0 {
            let rows_per_task = MIN_PARALLEL_VALUES.div_ceil(half);
            let rows = out.par_chunks_exact_mut(half).zip(input.par_chunks_exact(2 * half));
            rows.with_min_len(rows_per_task).for_each(|(out, input)| {
                let (gate, up) = input.split_at(half);
                dispatch(Row { gate, up, out });
            });
        }
        Ok((CpuStorage::F32(out), dims.into()))
    }
}

/// One row.
struct Row<'a> {
    gate: &'a [f32],
    up: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for ((out, gate), up) in self.out.iter_mut().zip(self.gate).zip(self.up) {
            *out = silu(*gate) * up;
        }
    }
}

/// `ln(1 + eˣ)`, without overflow.
///
/// # Errors
/// What the computation reports.
pub fn softplus(x: &Tensor) -> Result<Tensor> {
    let rest = (x.abs()?.neg()?.exp()? + 1.0)?.log()?;
    x.relu()? + rest
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::storage::tests::{assert_close, noise};
    use super::*;

    #[test]
    fn swiglu_agrees_with_candle() {
        for dims in [vec![2, 256, 1408], vec![1, 1, 6], vec![3, 2]] {
            let x = (noise(&dims, 1) * 8.0).unwrap();
            assert_close(&swiglu(&x).unwrap(), &through_candle(&x).unwrap(), 1e-5);
        }
        assert!(swiglu(&noise(&[2, 3], 1)).is_err());
    }

    #[test]
    fn softplus_neither_overflows_nor_vanishes() {
        let x = Tensor::new(&[-200.0_f32, -1.0, 0.5, 1.0, 200.0], &Device::Cpu).unwrap();
        let expected = [0.0_f32, 0.313_261_7, 0.974_077, 1.313_261_7, 200.0];
        assert_close(&softplus(&x).unwrap(), &Tensor::new(&expected, &Device::Cpu).unwrap(), 1e-6);
    }
}
