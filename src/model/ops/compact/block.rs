//! The unit that compact weights are stored in: some inputs of some outputs.

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::rows::Row;
use crate::model::ops::simd::dispatch;

/// Outputs that are computed together.
pub(super) const TILE: usize = 16;

/// Inputs of a block, which share a factor.
pub(super) const GROUP: usize = 32;

/// Pairs of inputs in a block.
pub(super) const PAIRS: usize = GROUP / 2;

/// The weights of one block before they are rounded: those of [`GROUP`] inputs for each of
/// [`TILE`] outputs.
pub(super) type Weights = [[f32; GROUP]; TILE];

/// The products of one tile with some rows.
pub(super) type Sums<const ROWS: usize> = [[f32; TILE]; ROWS];

/// A block of weights. The blocks of a tile follow each other, so that computing it reads memory
/// from front to back.
pub(super) trait Block: Sized + Send + Sync {
    /// Whether it is multiplied with rows in 16 bits.
    const ROUNDS_ROWS: bool;

    /// Whether the sums of four rows fit into the registers.
    const TAKES_FOUR: bool;

    fn round(weights: &Weights) -> Self;

    /// One tile times some rows.
    #[cfg(target_arch = "x86_64")]
    fn multiply<const ROWS: usize>(
        simd: pulp::x86::V3,
        tile: &[Self],
        rows: [Row<'_>; ROWS],
    ) -> Sums<ROWS>;

    /// The same without vector instructions of its own.
    fn multiply_plainly(tile: &[Self], row: Row<'_>) -> [f32; TILE];
}

/// Rounds a matrix of rows of `in_dim` weights, one row per output. What is missing at the edges
/// is zero.
pub(super) fn pack<B: Block>(weights: &[f32], in_dim: usize) -> Vec<B> {
    let out_dim = weights.len() / in_dim;
    let n_groups = in_dim.div_ceil(GROUP);
    let n_blocks = out_dim.div_ceil(TILE) * n_groups;
    let block = |block_idx: usize| {
        let (tile, group) = (block_idx / n_groups, block_idx % n_groups);
        let mut of_block = [[0.0; GROUP]; TILE];
        let outputs = weights.chunks_exact(in_dim).skip(tile * TILE);
        for (of_output, output) in of_block.iter_mut().zip(outputs) {
            let given = &output[group * GROUP..in_dim.min((group + 1) * GROUP)];
            of_output[..given.len()].copy_from_slice(given);
        }
        dispatch(Round { weights: &of_block, block: PhantomData })
    };
    (0..n_blocks).into_par_iter().with_min_len(n_groups).map(block).collect()
}

/// One block, rounded with the vectors at hand.
struct Round<'a, B> {
    weights: &'a Weights,
    block: PhantomData<B>,
}

impl<B: Block> WithSimd for Round<'_, B> {
    type Output = B;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> B {
        B::round(self.weights)
    }
}

/// Where the weight of a pair's `odd`th input stands among those of its eight outputs.
pub(super) fn place(output: usize, odd: usize) -> usize {
    output % 8 * 2 + odd
}
