//! Weights in BF16, the upper half of F32.

use half::bf16;

use super::block::{Block, PAIRS, Sums, TILE, Weights, place};
use super::rows::Row;

#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(super) struct BrainBlock {
    /// Pair by pair of inputs, for the first eight outputs and for the others.
    weights: [[[u16; TILE]; 2]; PAIRS],
}

impl Block for BrainBlock {
    const ROUNDS_ROWS: bool = false;
    const TAKES_FOUR: bool = false;

    #[inline(always)]
    fn round(weights: &Weights) -> Self {
        let mut block = Self { weights: [[[0; TILE]; 2]; PAIRS] };
        for (output, weights) in weights.iter().enumerate() {
            for (input, weight) in weights.iter().enumerate() {
                let bits = bf16::from_f32(*weight).to_bits();
                block.weights[input / 2][output / 8][place(output, input % 2)] = bits;
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
        use std::arch::x86_64::__m256i;

        let upper = simd.avx._mm256_set1_epi32(0xffff_0000_u32.cast_signed());
        // Even and odd inputs apart: more sums at a time keep the multipliers busy.
        let mut sums = [[[simd.avx._mm256_setzero_ps(); 2]; 2]; ROWS];
        for (group, block) in tile.iter().enumerate() {
            let mut values = [&[[0.0_f32; 2]; PAIRS]; ROWS];
            for m in 0..ROWS {
                values[m] = &rows[m].values.as_chunks().0.as_chunks().0[group];
            }
            for (pair, weights) in block.weights.iter().enumerate() {
                for half in 0..2 {
                    let both: __m256i = bytemuck::cast(weights[half]);
                    let even = simd.avx2._mm256_slli_epi32::<16>(both);
                    let odd = simd.avx2._mm256_and_si256(both, upper);
                    for m in 0..ROWS {
                        let [a, b] = values[m][pair];
                        let (a, b) = (simd.avx._mm256_set1_ps(a), simd.avx._mm256_set1_ps(b));
                        let [evens, odds] = &mut sums[m][half];
                        *evens = simd.fma._mm256_fmadd_ps(bytemuck::cast(even), a, *evens);
                        *odds = simd.fma._mm256_fmadd_ps(bytemuck::cast(odd), b, *odds);
                    }
                }
            }
        }
        let mut out = [[0.0; TILE]; ROWS];
        for m in 0..ROWS {
            for (out, [evens, odds]) in out[m].as_chunks_mut::<8>().0.iter_mut().zip(sums[m]) {
                *out = bytemuck::cast(simd.avx._mm256_add_ps(evens, odds));
            }
        }
        out
    }

    fn multiply_plainly(tile: &[Self], row: Row<'_>) -> [f32; TILE] {
        let (mut evens, mut odds) = ([0.0_f32; TILE], [0.0_f32; TILE]);
        for (group, block) in tile.iter().enumerate() {
            for (pair, weights) in block.weights.iter().enumerate() {
                let [a, b] = row.values.as_chunks::<2>().0[group * PAIRS + pair];
                let weights = weights.as_flattened().as_chunks::<2>().0;
                for ((even, odd), weights) in evens.iter_mut().zip(&mut odds).zip(weights) {
                    *even += bf16::from_bits(weights[0]).to_f32() * a;
                    *odd += bf16::from_bits(weights[1]).to_f32() * b;
                }
            }
        }
        std::array::from_fn(|output| evens[output] + odds[output])
    }
}
