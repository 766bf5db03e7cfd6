//! Weights in 4 bits with a factor and an offset per group.

use half::f16;

use super::block::{Block, PAIRS, Sums, TILE, Weights, place};
use super::rounding;
use super::rows::Row;

/// Whole numbers of 0 to 15, what 1 and what 0 of them stands for.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(super) struct FourBlock {
    /// F16, one per output.
    factors: [u16; TILE],
    offsets: [u16; TILE],
    /// Pair by pair of inputs: the low halves are of the first eight outputs, the high halves of
    /// the others.
    weights: [[u8; TILE]; PAIRS],
}

impl Block for FourBlock {
    const ROUNDS_ROWS: bool = true;
    const TAKES_FOUR: bool = true;

    #[inline(always)]
    fn round(weights: &Weights) -> Self {
        let zero = [0; TILE];
        let mut block = Self { factors: zero, offsets: zero, weights: [[0; TILE]; PAIRS] };
        for (output, weights) in weights.iter().enumerate() {
            let (factor, offset, whole) = rounding::four(weights);
            block.factors[output] = factor.to_bits();
            block.offsets[output] = offset.to_bits();
            for (input, whole) in whole.into_iter().enumerate() {
                let half = whole << (output / 8 * 4);
                block.weights[input / 2][place(output, input % 2)] |= half;
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
        let low = broadcast(simd, [0x0f; 2]);
        for (group, block) in tile.iter().enumerate() {
            let mut pairs = [&[[0_i16; 2]; PAIRS]; ROWS];
            for m in 0..ROWS {
                pairs[m] = &rows[m].pairs.as_chunks().0[group];
            }
            let mut sums = [[simd.avx._mm256_setzero_si256(); 2]; ROWS];
            for (pair, weights) in block.weights.iter().enumerate() {
                let both = simd.avx2._mm256_cvtepu8_epi16(bytemuck::cast(*weights));
                let first = simd.avx2._mm256_and_si256(both, low);
                let second = simd.avx2._mm256_srli_epi16::<4>(both);
                for m in 0..ROWS {
                    let values = broadcast(simd, pairs[m][pair]);
                    let products = simd.avx2._mm256_madd_epi16(first, values);
                    sums[m][0] = simd.avx2._mm256_add_epi32(sums[m][0], products);
                    let products = simd.avx2._mm256_madd_epi16(second, values);
                    sums[m][1] = simd.avx2._mm256_add_epi32(sums[m][1], products);
                }
            }
            let offsets = factors(simd, block.offsets);
            let factors = factors(simd, block.factors);
            for m in 0..ROWS {
                totals.add(m, sums[m], factors, rows[m].factors[group]);
                totals.add_offsets(m, offsets, rows[m].sums[group]);
            }
        }
        totals.values()
    }

    fn multiply_plainly(tile: &[Self], row: Row<'_>) -> [f32; TILE] {
        let mut totals = [0.0; TILE];
        for (group, block) in tile.iter().enumerate() {
            let mut sums = [0_i32; TILE];
            let (first, second) = sums.split_at_mut(TILE / 2);
            for (pair, weights) in block.weights.iter().enumerate() {
                let [even, odd] = row.pairs[group * PAIRS + pair].map(i32::from);
                let weights = weights.as_chunks::<2>().0;
                for ((first, second), [a, b]) in first.iter_mut().zip(&mut *second).zip(weights) {
                    *first += i32::from(a & 0x0f) * even + i32::from(b & 0x0f) * odd;
                    *second += i32::from(a >> 4) * even + i32::from(b >> 4) * odd;
                }
            }
            for (output, total) in totals.iter_mut().enumerate() {
                let factor = f16::from_bits(block.factors[output]).to_f32() * row.factors[group];
                *total += sums[output] as f32 * factor;
                *total += f16::from_bits(block.offsets[output]).to_f32() * row.sums[group];
            }
        }
        totals
    }
}
