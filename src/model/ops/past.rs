//! Keys and values of tokens that were computed before, and attention to them, on the CPU.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::simd::{dispatch, exp};

/// The largest 16-bit number that values are rounded to.
const LARGEST: f32 = 32_767.0;

/// Values of keys that are not worth waking a second thread for.
const SERIAL_VALUES: usize = 1 << 15;

/// Keys and values of one layer, allocated once: R rows of N heads with P places of H values each.
///
/// The first place may stand for many that have the same key: it is weighed by their number.
#[derive(Debug)]
pub struct Past {
    n_heads: usize,
    n_places: usize,
    head_dim: usize,
    keys: Cells,
    values: Cells,
}

/// How numbers are remembered.
#[derive(Debug)]
enum Cells {
    Exact(Vec<f32>),
    /// 16 bits with a factor per place: 15 bits of the largest value, more than F16 has.
    Rounded {
        whole: Vec<i16>,
        factors: Vec<f32>,
    },
}

/// Extents of a [`Past`].
#[derive(Debug, Clone, Copy)]
pub struct PastShape {
    pub n_rows: usize,
    pub n_heads: usize,
    pub n_places: usize,
    pub head_dim: usize,
}

/// Queries of T tokens, (R, N, T, H), of which the first sees `n_seen` places, the next one more,
/// and so on.
#[derive(Debug, Clone, Copy)]
pub struct Queries<'a> {
    pub values: &'a [f32],
    pub n_tokens: usize,
    pub n_seen: usize,
    /// What the first place counts for, per row.
    pub first_counts: &'a [f32],
}

impl Past {
    /// Zeros. `is_rounded` remembers 16 bits per number.
    pub fn new(shape: PastShape, is_rounded: bool) -> Self {
        let PastShape { n_rows, n_heads, n_places, head_dim } = shape;
        let n = n_rows * n_heads * n_places;
        let cells = || {
            if is_rounded {
                Cells::Rounded { whole: vec![0; n * head_dim], factors: vec![0.0; n] }
            } else {
                Cells::Exact(vec![0.0; n * head_dim])
            }
        };
        Self { n_heads, n_places, head_dim, keys: cells(), values: cells() }
    }

    /// Values per key.
    pub fn head_dim(&self) -> usize {
        self.head_dim
    }

    /// Places of each head.
    pub fn n_places(&self) -> usize {
        self.n_places
    }

    /// Writes keys and values (R, N, T, H) of tokens at the places from `first` on, which exist.
    pub fn put(&mut self, first: usize, keys: &[f32], values: &[f32]) {
        let Self { n_places, head_dim, .. } = *self;
        self.keys.put((n_places, head_dim), first, keys);
        self.values.put((n_places, head_dim), first, values);
    }

    /// Attention, (R, T, N · H). All that is seen has been put.
    pub fn attend(&self, queries: &Queries<'_>) -> Vec<f32> {
        let Self { n_heads, head_dim, .. } = *self;
        let n_values = queries.n_tokens * head_dim;
        let n_rows_of_heads = queries.values.len() / n_values;
        // (R, N, T, H)
        let mut by_head = vec![0.0; queries.values.len()];
        let one = |(head, (out, of_head)): (usize, (&mut [f32], &[f32]))| {
            dispatch(OneHead {
                past: self,
                head_idx: head,
                queries: of_head,
                n_seen: queries.n_seen,
                first_count: queries.first_counts[head / n_heads],
                out,
            });
        };
        if n_rows_of_heads * queries.n_seen * head_dim < SERIAL_VALUES {
            let heads = by_head.chunks_exact_mut(n_values);
            heads.zip(queries.values.chunks_exact(n_values)).enumerate().for_each(one);
        } else {
            let heads = by_head.par_chunks_exact_mut(n_values);
            heads.zip(queries.values.par_chunks_exact(n_values)).enumerate().for_each(one);
        }
        if queries.n_tokens == 1 {
            return by_head;
        }
        let mut out = Vec::with_capacity(by_head.len());
        for row in by_head.chunks_exact(n_heads * n_values) {
            for token in 0..queries.n_tokens {
                for head in row.chunks_exact(n_values) {
                    out.extend_from_slice(&head[token * head_dim..][..head_dim]);
                }
            }
        }
        out
    }
}

impl Cells {
    fn put(&mut self, (n_places, head_dim): (usize, usize), first: usize, given: &[f32]) {
        let n_heads = match self {
            Self::Exact(cells) => cells.len() / (n_places * head_dim).max(1),
            Self::Rounded { factors, .. } => factors.len() / n_places.max(1),
        };
        let n_tokens = given.len() / (n_heads * head_dim).max(1);
        for (i, given) in given.chunks_exact(head_dim).enumerate() {
            let place = i / n_tokens * n_places + first + i % n_tokens;
            match self {
                Self::Exact(cells) => {
                    cells[place * head_dim..][..head_dim].copy_from_slice(given);
                }
                Self::Rounded { whole, factors } => {
                    let largest = given.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
                    let factor = largest / LARGEST;
                    let inverse = if factor > f32::MIN_POSITIVE { 1.0 / factor } else { 0.0 };
                    factors[place] = factor;
                    for (whole, value) in whole[place * head_dim..].iter_mut().zip(given) {
                        *whole = (value * inverse).round_ties_even() as i16;
                    }
                }
            }
        }
    }

    /// One place, as it is multiplied, and its factor.
    #[inline(always)]
    fn read(&self, place: usize, out: &mut [f32]) -> f32 {
        let head_dim = out.len();
        match self {
            Self::Exact(cells) => {
                out.copy_from_slice(&cells[place * head_dim..][..head_dim]);
                1.0
            }
            Self::Rounded { whole, factors } => {
                for (out, whole) in out.iter_mut().zip(&whole[place * head_dim..][..head_dim]) {
                    *out = f32::from(*whole);
                }
                factors[place]
            }
        }
    }
}

/// All tokens of one head of one row.
struct OneHead<'a> {
    past: &'a Past,
    head_idx: usize,
    queries: &'a [f32],
    n_seen: usize,
    first_count: f32,
    out: &'a mut [f32],
}

impl WithSimd for OneHead<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { past, head_idx, queries, n_seen, first_count, out } = self;
        let head_dim = past.head_dim;
        let n_tokens = queries.len() / head_dim;
        let most = n_seen + n_tokens - 1;
        let start = head_idx * past.n_places;
        let scale = 1.0 / (head_dim as f32).sqrt();
        let mut cell = vec![0.0; head_dim];
        // (T, places): each key is read once for all tokens.
        let mut weights = vec![f32::NEG_INFINITY; n_tokens * most];
        for place in 0..most {
            let factor = past.keys.read(start + place, &mut cell) * scale;
            for (token, query) in queries.chunks_exact(head_dim).enumerate() {
                if place < n_seen + token {
                    weights[token * most + place] = dot(query, &cell) * factor;
                }
            }
        }
        for (token, weights) in weights.chunks_exact_mut(most).enumerate() {
            let weights = &mut weights[..n_seen + token];
            let largest = weights.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            for weight in weights.iter_mut() {
                *weight = exp(*weight - largest);
            }
            weights[0] *= first_count;
            let sum: f32 = weights.iter().sum();
            for weight in weights.iter_mut() {
                *weight /= sum;
            }
        }
        out.fill(0.0);
        for place in 0..most {
            let factor = past.values.read(start + place, &mut cell);
            for (token, out) in out.chunks_exact_mut(head_dim).enumerate() {
                if place < n_seen + token {
                    let weight = weights[token * most + place] * factor;
                    for (out, value) in out.iter_mut().zip(&cell) {
                        *out += weight * value;
                    }
                }
            }
        }
    }
}

/// In interleaved sums, which the compiler keeps in vectors.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}
