//! Weights in 8 bits with a factor per group.

use half::f16;

use super::block::{Block, PAIRS, Sums, TILE, Weights, place};
use super::rounding;
use super::rows::Row;

/// Whole numbers of −127 to 127 and what they stand for.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(super) struct EightBlock {
    /// F16, one per output.
    factors: [u16; TILE],
    /// Pair by pair of inputs, for the first eight outputs and for the others.
    weights: [[[i8; TILE]; 2]; PAIRS],
}

impl Block for EightBlock {
    const ROUNDS_ROWS: bool = true;
    const TAKES_FOUR: bool = true;

    #[inline(always)]
    fn round(weights: &Weights) -> Self {
        let mut block = Self { factors: [0; TILE], weights: [[[0; TILE]; 2]; PAIRS] };
        for (output, weights) in weights.iter().enumerate() {
            let (factor, whole) = rounding::eight(weights);
            block.factors[output] = factor.to_bits();
            for (input, whole) in whole.into_iter().enumerate() {
                block.weights[input / 2][output / 8][place(output, input % 2)] = whole;
            }
        }
        block
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn multiply<const ROWS: usize>(
        simd: pulp::x86::V3,
        tile: &[Self],
        rows: [Row<'_>; ROWS],
    ) -> Sums<ROWS> {
        use super::product::{Totals, broadcast, factors};

        let mut totals = Totals::<ROWS>::new(simd);
        for (group, block) in tile.iter().enumerate() {
            let mut pairs = [&[[0_i16; 2]; PAIRS]; ROWS];
            for m in 0..ROWS {
                pairs[m] = &rows[m].pairs.as_chunks().0[group];
            }
            let mut sums = [[simd.avx._mm256_setzero_si256(); 2]; ROWS];
            for (pair, weights) in block.weights.iter().enumerate() {
                let first = simd.avx2._mm256_cvtepi8_epi16(bytemuck::cast(weights[0]));
                let second = simd.avx2._mm256_cvtepi8_epi16(bytemuck::cast(weights[1]));
                for m in 0..ROWS {
                    let values = broadcast(simd, pairs[m][pair]);
                    let products = simd.avx2._mm256_madd_epi16(first, values);
                    sums[m][0] = simd.avx2._mm256_add_epi32(sums[m][0], products);
                    let products = simd.avx2._mm256_madd_epi16(second, values);
                    sums[m][1] = simd.avx2._mm256_add_epi32(sums[m][1], products);
                }
            }
            let factors = factors(simd, block.factors);
            for m in 0..ROWS {
                totals.add(m, sums[m], factors, rows[m].factors[group]);
            }
        }
        totals.values()
    }

    fn multiply_plainly(tile: &[Self], row: Row<'_>) -> [f32; TILE] {
        let mut totals = [0.0; TILE];
        for (group, block) in tile.iter().enumerate() {
            let mut sums = [0_i32; TILE];
            for (pair, weights) in block.weights.iter().enumerate() {
                let [even, odd] = row.pairs[group * PAIRS + pair].map(i32::from);
                for (sums, weights) in sums.as_chunks_mut::<8>().0.iter_mut().zip(weights) {
                    for (sum, [a, b]) in sums.iter_mut().zip(weights.as_chunks::<2>().0) {
                        *sum += i32::from(*a) * even + i32::from(*b) * odd;
                    }
                }
            }
            for ((total, sum), factor) in totals.iter_mut().zip(sums).zip(block.factors) {
                let factor = f16::from_bits(factor).to_f32() * row.factors[group];
                *total += sum as f32 * factor;
            }
        }
        totals
    }
}
