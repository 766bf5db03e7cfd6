//! Rows of activations, ready to be multiplied with blocks.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::block::{GROUP, PAIRS};
use crate::model::ops::simd::dispatch;

/// The largest 16-bit number that values are rounded to.
const LARGEST: f32 = 32_767.0;

/// Rows worth a second thread.
const MIN_PARALLEL_ROWS: usize = 8;

/// Some rows, filled up with zeros to whole groups: as they are, or in 16 bits.
#[derive(Debug, Default)]
pub(super) struct Rows {
    n_groups: usize,
    values: Vec<f32>,
    pairs: Vec<[i16; 2]>,
    factors: Vec<f32>,
    sums: Vec<f32>,
}

/// One of [`Rows`]. What it is not rounded to is empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    /// As it is.
    pub(super) values: &'a [f32],
    /// Whole numbers of neighbours.
    pub(super) pairs: &'a [[i16; 2]],
    /// Per group: what a whole number stands for.
    pub(super) factors: &'a [f32],
    /// Per group: the sum of its values.
    pub(super) sums: &'a [f32],
}

impl Rows {
    /// Takes rows of `in_dim` values.
    pub(super) fn new(x: &[f32], in_dim: usize, is_rounded: bool) -> Self {
        let n_groups = in_dim.div_ceil(GROUP);
        let n_rows = x.len() / in_dim;
        let mut rows = Self { n_groups, ..Self::default() };
        if !is_rounded {
            rows.values = vec![0.0; n_rows * n_groups * GROUP];
            let padded = rows.values.chunks_exact_mut(n_groups * GROUP);
            for (padded, x) in padded.zip(x.chunks_exact(in_dim)) {
                padded[..in_dim].copy_from_slice(x);
            }
            return rows;
        }
        rows.pairs = vec![[0; 2]; n_rows * n_groups * PAIRS];
        rows.factors = vec![0.0; n_rows * n_groups];
        rows.sums = vec![0.0; n_rows * n_groups];
        let pairs = rows.pairs.par_chunks_exact_mut(n_groups * PAIRS);
        let factors = rows.factors.par_chunks_exact_mut(n_groups);
        let sums = rows.sums.par_chunks_exact_mut(n_groups);
        let rounding = x.par_chunks_exact(in_dim).zip(pairs).zip(factors).zip(sums);
        rounding.with_min_len(MIN_PARALLEL_ROWS).for_each(|(((x, pairs), factors), sums)| {
            dispatch(Round { x, pairs, factors, sums });
        });
        rows
    }

    pub(super) fn len(&self) -> usize {
        self.values.len().max(self.pairs.len() * 2) / (self.n_groups * GROUP)
    }

    pub(super) fn row(&self, idx: usize) -> Row<'_> {
        /// The part of one row, if there is any.
        fn part<T>(values: &[T], idx: usize, len: usize) -> &[T] {
            if values.is_empty() { values } else { &values[idx * len..][..len] }
        }
        Row {
            values: part(&self.values, idx, self.n_groups * GROUP),
            pairs: part(&self.pairs, idx, self.n_groups * PAIRS),
            factors: part(&self.factors, idx, self.n_groups),
            sums: part(&self.sums, idx, self.n_groups),
        }
    }
}

/// One row to 16 bits.
struct Round<'a> {
    x: &'a [f32],
    pairs: &'a mut [[i16; 2]],
    factors: &'a mut [f32],
    sums: &'a mut [f32],
}

impl WithSimd for Round<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { x, pairs, factors, sums } = self;
        let groups = x.chunks(GROUP).zip(pairs.as_chunks_mut::<PAIRS>().0);
        for ((x, pairs), (factor, sum)) in groups.zip(factors.iter_mut().zip(sums)) {
            let mut values = [0.0; GROUP];
            values[..x.len()].copy_from_slice(x);
            let largest = values.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
            *factor = largest / LARGEST;
            // Nothing but zeros, or so small that the inverse would be infinite.
            let inverse = if *factor > f32::MIN_POSITIVE { 1.0 / *factor } else { 0.0 };
            let mut whole = 0_i32;
            for (pair, values) in pairs.iter_mut().zip(values.as_chunks::<2>().0) {
                for (number, value) in pair.iter_mut().zip(values) {
                    // Saturates, and makes zero of what is not a number.
                    *number = (value * inverse).round_ties_even() as i16;
                    whole += i32::from(*number);
                }
            }
            *sum = whole as f32 * *factor;
        }
    }
}
