//! Attention of tokens to all before them: the prefix, of which only the mean value is kept, and
//! the tokens of the picture.

use candle_core::{CpuStorage, CustomOp3, D, Layout, Result, Shape, Tensor, bail};
use candle_nn::ops::softmax_last_dim;
use rayon::prelude::*;

/// Lanes of the sums, which the compiler keeps in vectors.
const LANES: usize = 8;

/// Keys and values of one layer, allocated once: (R, N, 1 + S, H). Place 0 holds the prefix, whose
/// key is zero, place `i + 1` token i.
#[derive(Debug)]
pub(super) struct LayerCache {
    pub(super) keys: Tensor,
    pub(super) values: Tensor,
}

/// Attention of tokens to a cache that already holds them.
pub(super) struct Attend<'a> {
    /// Visible rows of the prefix, per row of the batch.
    pub(super) n_visible: &'a [usize],
    /// Where the first of the tokens stands in the picture.
    pub(super) first: usize,
}

impl LayerCache {
    /// Writes (R, N, T, H) of tokens; the first one is token `first` of the picture.
    pub(super) fn put(&self, first: usize, keys: &Tensor, values: &Tensor) -> Result<()> {
        self.keys.slice_set(&keys.contiguous()?, 2, first + 1)?;
        self.values.slice_set(&values.contiguous()?, 2, first + 1)
    }
}

impl Attend<'_> {
    /// Queries (R, N, T, H) → (R, T, N · H).
    pub(super) fn attend(&self, queries: &Tensor, cache: &LayerCache) -> Result<Tensor> {
        if queries.device().is_cpu() {
            queries.contiguous()?.apply_op3_no_bwd(&cache.keys, &cache.values, self)
        } else {
            self.through_candle(queries, cache)
        }
    }

    fn through_candle(&self, queries: &Tensor, cache: &LayerCache) -> Result<Tensor> {
        let (n_rows, _, n_tokens, head_dim) = queries.dims4()?;
        let n_places = self.first + n_tokens + 1;
        let keys = cache.keys.narrow(2, 0, n_places)?.contiguous()?;
        let values = cache.values.narrow(2, 0, n_places)?.contiguous()?;
        let scores = queries.contiguous()?.matmul(&keys.transpose(2, 3)?.contiguous()?)?;
        let mut bias = vec![0.0_f32; n_rows * n_tokens * n_places];
        for (i, bias) in bias.chunks_exact_mut(n_places).enumerate() {
            let (row, token) = (i / n_tokens, i % n_tokens);
            bias[0] = (self.n_visible[row] as f32).ln();
            bias[self.first + token + 2..].fill(f32::NEG_INFINITY);
        }
        let bias = Tensor::from_vec(bias, (n_rows, 1, n_tokens, n_places), queries.device())?;
        let scores = (scores / (head_dim as f64).sqrt())?.broadcast_add(&bias)?;
        softmax_last_dim(&scores)?.matmul(&values)?.transpose(1, 2)?.flatten_from(D::Minus2)
    }
}

impl CustomOp3 for Attend<'_> {
    fn name(&self) -> &'static str {
        "attend-cache"
    }

    fn cpu_fwd(
        &self,
        queries: &CpuStorage,
        queries_layout: &Layout,
        keys: &CpuStorage,
        keys_layout: &Layout,
        values: &CpuStorage,
        values_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (n_rows, n_heads, n_tokens, head_dim) = queries_layout.shape().dims4()?;
        let (_, _, n_places, _) = keys_layout.shape().dims4()?;
        if keys_layout.dims() != values_layout.dims() || self.first + n_tokens >= n_places {
            bail!("a cache of {:?} cannot hold token {}", keys_layout.dims(), self.first);
        }
        let slice = |storage, layout| crate::model::ops::values(storage, layout);
        let (queries, keys) = (slice(queries, queries_layout)?, slice(keys, keys_layout)?);
        let values = slice(values, values_layout)?;
        let heads: Vec<Vec<f32>> = (0..n_rows * n_heads)
            .into_par_iter()
            .map(|head| {
                let places = head * n_places * head_dim..(head + 1) * n_places * head_dim;
                let queries = &queries[head * n_tokens * head_dim..][..n_tokens * head_dim];
                let n_visible = self.n_visible[head / n_heads] as f32;
                let cache = (&keys[places.clone()], &values[places]);
                queries
                    .chunks_exact(head_dim)
                    .enumerate()
                    .flat_map(|(i, query)| one(query, cache, self.first + i + 2, n_visible))
                    .collect()
            })
            .collect();
        // (R, N, T, H) → (R, T, N, H)
        let mut out = Vec::with_capacity(queries.len());
        for row in heads.chunks_exact(n_heads.max(1)) {
            for token in 0..n_tokens {
                for head in row {
                    out.extend_from_slice(&head[token * head_dim..][..head_dim]);
                }
            }
        }
        Ok((CpuStorage::F32(out), (n_rows, n_tokens, n_heads * head_dim).into()))
    }
}

/// One query over the first `n_places` places of its head.
fn one(
    query: &[f32],
    (keys, values): (&[f32], &[f32]),
    n_places: usize,
    n_visible: f32,
) -> Vec<f32> {
    let head_dim = query.len();
    let scale = 1.0 / (head_dim as f32).sqrt();
    let keys = keys.chunks_exact(head_dim).take(n_places);
    // The key of the prefix is zero, and so is its score.
    let scores: Vec<f32> = keys.map(|key| dot(query, key) * scale).collect();
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut out = vec![0.0; head_dim];
    let mut sum = 0.0;
    for (place, (score, value)) in scores.iter().zip(values.chunks_exact(head_dim)).enumerate() {
        let count = if place == 0 { n_visible } else { 1.0 };
        let weight = (score - largest).exp() * count;
        sum += weight;
        for (out, value) in out.iter_mut().zip(value) {
            *out += weight * value;
        }
    }
    for out in &mut out {
        *out /= sum;
    }
    out
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
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

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    fn wave(dims: &[usize], step: f32) -> Tensor {
        let n: usize = dims.iter().product();
        let values: Vec<f32> = (0..n).map(|i| (i as f32 * step).sin()).collect();
        Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
    }

    #[test]
    fn agrees_with_candle() {
        let (n_rows, n_heads, head_dim) = (2, 3, 12);
        let shape = [n_rows, n_heads, 1 + 9, head_dim];
        let cache = LayerCache { keys: wave(&shape, 0.7), values: wave(&shape, 0.3) };
        let zero = Tensor::zeros((n_rows, n_heads, 1, head_dim), DType::F32, &Device::Cpu).unwrap();
        cache.keys.slice_set(&zero, 2, 0).unwrap();
        for (first, n_tokens) in [(0, 1), (8, 1), (3, 4), (0, 9)] {
            let queries = wave(&[n_rows, n_heads, n_tokens, head_dim], 1.1);
            let attend = Attend { n_visible: &[5, 120], first };
            let ours = attend.attend(&queries, &cache).unwrap();
            let candle = attend.through_candle(&queries, &cache).unwrap();
            assert_eq!(ours.dims(), [n_rows, n_tokens, n_heads * head_dim]);
            let difference = (ours - candle).unwrap().abs().unwrap().flatten_all().unwrap();
            let difference = difference.max(0).unwrap().to_scalar::<f32>().unwrap();
            assert!(difference < 1e-6, "off by {difference}");
        }
        let queries = wave(&[n_rows, n_heads, 2, head_dim], 1.1);
        assert!(Attend { n_visible: &[5, 120], first: 8 }.attend(&queries, &cache).is_err());
    }
}
