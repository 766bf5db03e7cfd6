//! Vector instructions, chosen when the program runs: AVX2 with FMA on x86-64, NEON on Arm, plain
//! code elsewhere. `pulp` keeps this free of `unsafe`; nothing here is compiled for one CPU only.

use pulp::{Simd, WithSimd};

/// Values that one task of a pass over memory should have; fewer are not worth a second thread.
pub(super) const MIN_PARALLEL_VALUES: usize = 8192;

/// Runs `op` with the widest vectors of the running CPU. What `with_simd` inlines is compiled for
/// them too, so plain loops inside become vector loops. Closures are not inlined there: `op` has to
/// be a type of its own with `#[inline(always)]` on all that it calls.
#[inline]
pub(super) fn dispatch<Op: WithSimd>(op: Op) -> Op::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return Simd::vectorize(simd, op);
    }
    pulp::Arch::new().dispatch(op)
}

/// `a · b + c`. Fused where the hardware does that; without it a fused product would be a call
/// into a software routine.
#[inline(always)]
pub(super) fn mul_add<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
    if S::IS_SCALAR { simd.add_f32s(simd.mul_f32s(a, b), c) } else { simd.mul_add_f32s(a, b, c) }
}

/// `x · sigmoid(x)`, to about 2e-7 relative. Branch-free, so a loop over it becomes a vector loop.
#[inline(always)]
pub(super) fn silu(x: f32) -> f32 {
    x / (1.0 + exp(-x))
}

/// `e^x` for `x` clamped to [-87, 88], after Cephes' `expf`.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    /// Adding this rounds to an integer, which then stands in the lowest bits of the mantissa.
    const ROUND: f32 = 12_582_912.0; // 1.5 · 2^23
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;

    let x = x.clamp(-87.0, 88.0);
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let mut p = 1.987_569_1e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5] {
        p = p * r + coefficient;
    }
    let power_of_two = f32::from_bits((rounded.to_bits() << 23).wrapping_add(1.0_f32.to_bits()));
    (p * r * r + r + 1.0) * power_of_two
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silu_agrees_with_the_library_function() {
        for i in -4000..=4000 {
            let x = i as f32 * 0.025;
            let exact = f64::from(x) / (1.0 + (-f64::from(x)).exp());
            let error = (f64::from(silu(x)) - exact).abs();
            assert!(error <= 3e-7 * exact.abs() + 1e-30, "silu({x}) is off by {error}");
        }
        assert!(silu(f32::NAN).is_nan());
        assert_eq!(silu(0.0), 0.0);
    }
}
