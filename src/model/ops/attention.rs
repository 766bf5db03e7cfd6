//! Multi-head attention, with or without normalised queries and keys.
//!
//! On the CPU one task computes some rows of one picture, all heads: scores, softmax and weighted
//! values stay in its cache, and nothing is transposed in memory.

use std::cell::RefCell;

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor, bail};
use candle_nn::ops::softmax_last_dim;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::panels::{PANEL, multiply, pack};
use super::rms_norm::rms_norm;
use super::simd::{dispatch, exp};
use super::storage::values;

/// Query rows that a task takes: enough to be worth waking a thread, few enough to share.
const ROWS_PER_TASK: usize = 64;

/// Head layout, and the norms of queries and keys.
#[derive(Debug)]
pub struct Attention {
    n_heads: usize,
    /// (D/N), with the factor 1/√(D/N) of the scores folded in.
    q_norm: Tensor,
    /// (D/N)
    k_norm: Tensor,
    /// The same on the host.
    q_scale: Vec<f32>,
    k_scale: Vec<f32>,
    /// `None`: queries and keys are scaled, but not normalised.
    eps: Option<f32>,
}

/// Keys and values of a context, ready to be attended to any number of times.
#[derive(Debug, Clone)]
pub struct Context(ContextData);

#[derive(Debug, Clone)]
enum ContextData {
    /// On the CPU.
    Packed(std::sync::Arc<Packed>),
    /// Anywhere: keys (R, N, D/N, S) and values (R, N, S, D/N).
    Candle { keys: Tensor, values: Tensor },
}

/// Keys and values in panels, row by row and head by head.
#[derive(Debug)]
struct Packed {
    n_rows: usize,
    n_keys: usize,
    /// (D/N) × S
    keys: Vec<Vec<f32>>,
    /// S, filled up to whole panels, × (D/N)
    values: Vec<Vec<f32>>,
}

impl Attention {
    /// `q_norm` and `k_norm` are the weights (D/N) of the two norms.
    ///
    /// # Errors
    /// What the computation reports.
    pub fn new(n_heads: usize, q_norm: &Tensor, k_norm: Tensor, eps: f32) -> Result<Self> {
        Self::with_eps(n_heads, q_norm, k_norm, Some(eps))
    }

    /// Attention that takes queries and keys as they are.
    ///
    /// # Errors
    /// What the device reports.
    pub fn without_norms(n_heads: usize, head_dim: usize, device: &Device) -> Result<Self> {
        let ones = Tensor::ones(head_dim, DType::F32, device)?;
        Self::with_eps(n_heads, &ones, ones.clone(), None)
    }

    fn with_eps(n_heads: usize, q_norm: &Tensor, k_norm: Tensor, eps: Option<f32>) -> Result<Self> {
        let q_norm = (q_norm * (1.0 / (q_norm.elem_count() as f64).sqrt()))?;
        let (q_scale, k_scale) = (q_norm.to_vec1()?, k_norm.to_vec1()?);
        Ok(Self { n_heads, q_norm, k_norm, q_scale, k_scale, eps })
    }

    /// Attention of tokens to each other: queries, keys and values (R, T, 3D) → (R, T, D).
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn within(&self, qkv: &Tensor) -> Result<Tensor> {
        self.check(qkv, 3)?;
        if qkv.device().is_cpu() {
            return qkv.contiguous()?.apply_op1_no_bwd(&Within(self));
        }
        let parts = qkv.chunk(3, 2)?;
        let context = self.candle_context(&parts[1], &parts[2])?;
        self.through_candle(&parts[0], &context)
    }

    /// Prepares keys and values (R, S, 2D) of a context.
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn context(&self, keys_values: &Tensor) -> Result<Context> {
        let dim = self.check(keys_values, 2)?;
        if !keys_values.device().is_cpu() {
            let parts = keys_values.chunk(2, 2)?;
            return Ok(Context(self.candle_context(&parts[0], &parts[1])?));
        }
        let (n_rows, n_keys, _) = keys_values.dims3()?;
        let data: Vec<f32> = keys_values.flatten_all()?.to_vec1()?;
        let view = |first| Strided { data: &data, first, stride: 2 * dim };
        let packed = self.pack(n_rows, n_keys, view(0), view(dim));
        Ok(Context(ContextData::Packed(packed.into())))
    }

    /// Attention of queries (R, T, D) to contexts → (R, T, D). The rows are split evenly over the
    /// contexts, in order; a context has as many rows as its share, or one for all of them.
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn over(&self, queries: &Tensor, contexts: &[&Context]) -> Result<Tensor> {
        self.check(queries, 1)?;
        let n_rows = queries.dim(0)?;
        if contexts.is_empty() || !n_rows.is_multiple_of(contexts.len()) {
            bail!("{n_rows} rows of queries cannot be split over {} contexts", contexts.len());
        }
        if queries.device().is_cpu() {
            return queries.contiguous()?.apply_op1_no_bwd(&Over(self, contexts));
        }
        let share = n_rows / contexts.len();
        let attended = contexts.iter().enumerate().map(|(idx, context)| {
            self.through_candle(&queries.narrow(0, idx * share, share)?, &context.0)
        });
        Tensor::cat(&attended.collect::<Result<Vec<_>>>()?, 0)
    }

    /// D, if the last of three dimensions is `n_parts` times that.
    fn check(&self, x: &Tensor, n_parts: usize) -> Result<usize> {
        let dim = self.n_heads * self.q_scale.len();
        match x.dims() {
            [_, _, last] if *last == n_parts * dim => Ok(dim),
            dims => bail!("attention needs {n_parts} × {dim} values per token, not {dims:?}"),
        }
    }

    fn candle_context(&self, keys: &Tensor, values: &Tensor) -> Result<ContextData> {
        let keys = self.normalised(&self.split(keys)?, &self.k_norm)?;
        let keys = keys.transpose(2, 3)?.contiguous()?;
        Ok(ContextData::Candle { keys, values: self.split(values)? })
    }

    fn through_candle(&self, queries: &Tensor, context: &ContextData) -> Result<Tensor> {
        let ContextData::Candle { keys, values } = context else {
            bail!("a context of the CPU met queries of another device");
        };
        let queries = self.normalised(&self.split(queries)?, &self.q_norm)?;
        let weights = softmax_last_dim(&queries.broadcast_matmul(keys)?)?; // (R, N, T, S)
        weights.broadcast_matmul(values)?.transpose(1, 2)?.flatten_from(2)
    }

    fn normalised(&self, x: &Tensor, norm: &Tensor) -> Result<Tensor> {
        match self.eps {
            Some(eps) => rms_norm(x, norm, eps),
            None => x.broadcast_mul(norm),
        }
    }

    /// (R, T, D) → (R, N, T, D/N)
    fn split(&self, x: &Tensor) -> Result<Tensor> {
        let (n_rows, n_tokens, dim) = x.dims3()?;
        x.reshape((n_rows, n_tokens, self.n_heads, dim / self.n_heads))?
            .transpose(1, 2)?
            .contiguous()
    }

    fn pack(&self, n_rows: usize, n_keys: usize, keys: Strided<'_>, values: Strided<'_>) -> Packed {
        let head_dim = self.k_scale.len();
        let heads = (0..n_rows * self.n_heads).into_par_iter().map(|idx| {
            let (row, first) = (idx / self.n_heads, idx % self.n_heads * head_dim);
            let key = |token: usize| &keys.token(row * n_keys + token)[first..][..head_dim];
            let value = |token: usize| &values.token(row * n_keys + token)[first..][..head_dim];
            let mut normalised = vec![0.0; n_keys * head_dim];
            for (token, out) in normalised.chunks_exact_mut(head_dim).enumerate() {
                normalise(key(token), &self.k_scale, self.eps, out);
            }
            let keys = pack(head_dim, n_keys, |i, token| normalised[token * head_dim + i]);
            let n_padded = n_keys.next_multiple_of(PANEL);
            let values =
                pack(
                    n_padded,
                    head_dim,
                    |token, i| {
                        if token < n_keys { value(token)[i] } else { 0.0 }
                    },
                );
            (keys, values)
        });
        let (keys, values) = heads.unzip();
        Packed { n_rows, n_keys, keys, values }
    }

    /// Queries of `n_rows` × `n_tokens` over one packed context per group of rows: (R, T, D).
    fn attend(
        &self,
        queries: Strided<'_>,
        [n_rows, n_tokens]: [usize; 2],
        contexts: &[&Packed],
    ) -> Vec<f32> {
        let dim = self.n_heads * self.q_scale.len();
        let share = (n_rows / contexts.len()).max(1);
        let mut out = vec![0.0; n_rows * n_tokens * dim];
        let rows = out.chunks_mut((n_tokens * dim).max(1)).enumerate();
        let tasks: Vec<_> = rows
            .flat_map(|(row, out)| {
                let context = contexts[row / share];
                let row_in_context = if context.n_rows == 1 { 0 } else { row % share };
                out.chunks_mut(ROWS_PER_TASK * dim).enumerate().map(move |(block, out)| Task {
                    attention: self,
                    queries,
                    first: row * n_tokens + block * ROWS_PER_TASK,
                    context,
                    first_head: row_in_context * self.n_heads,
                    out,
                })
            })
            .collect();
        tasks.into_par_iter().for_each(|task| {
            // Nothing in here hands work to other threads, so no second task can meet the borrow.
            SCRATCH.with_borrow_mut(|scratch| dispatch(Run { task, scratch }));
        });
        out
    }
}

/// Values of tokens that lie `stride` apart.
#[derive(Clone, Copy)]
struct Strided<'a> {
    data: &'a [f32],
    first: usize,
    stride: usize,
}

impl<'a> Strided<'a> {
    /// Everything from the first value of a token on.
    fn token(&self, idx: usize) -> &'a [f32] {
        &self.data[self.first + idx * self.stride..]
    }
}

/// `out = x / rms(x) · scale`, or `x · scale` without `eps`.
#[inline(always)]
fn normalise(x: &[f32], scale: &[f32], eps: Option<f32>, out: &mut [f32]) {
    let factor = eps.map_or(1.0, |eps| {
        let mean_square = x.iter().map(|value| value * value).sum::<f32>() / x.len() as f32;
        1.0 / (mean_square + eps).sqrt()
    });
    for ((out, x), scale) in out.iter_mut().zip(x).zip(scale) {
        *out = x * factor * scale;
    }
}

/// Some query rows of one picture, all heads.
struct Task<'a> {
    attention: &'a Attention,
    queries: Strided<'a>,
    first: usize,
    context: &'a Packed,
    first_head: usize,
    /// (rows, D)
    out: &'a mut [f32],
}

/// Working space of a task.
#[derive(Default)]
struct Scratch {
    /// (rows, D/N)
    queries: Vec<f32>,
    /// Panel by panel, (rows, PANEL): scores, then weights.
    scores: Vec<f32>,
    /// (rows, PANEL)
    sums: Vec<f32>,
    /// Per row: one over the sum of its weights.
    factors: Vec<f32>,
}

thread_local! {
    /// Kept so that no call allocates it.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// A task with its working space. What vector code calls must be inlined into it, so a closure
/// that borrows the space has to stand around the vector code, not inside.
struct Run<'a, 'b> {
    task: Task<'a>,
    scratch: &'b mut Scratch,
}

impl WithSimd for Run<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for head in 0..self.task.attention.n_heads {
            self.task.head(simd, head, self.scratch);
        }
    }
}

impl Task<'_> {
    #[inline(always)]
    fn head<S: Simd>(&mut self, simd: S, head: usize, scratch: &mut Scratch) {
        let Attention { n_heads, q_scale, eps, .. } = self.attention;
        let head_dim = q_scale.len();
        let dim = n_heads * head_dim;
        let n_rows = self.out.len() / dim;
        let Packed { n_keys, keys, values, .. } = self.context;
        let (keys, values) = (&keys[self.first_head + head], &values[self.first_head + head]);
        let Scratch { queries, scores, sums, factors } = scratch;

        queries.resize(n_rows * head_dim, 0.0);
        for (row, out) in queries.chunks_exact_mut(head_dim).enumerate() {
            let query = &self.queries.token(self.first + row)[head * head_dim..][..head_dim];
            normalise(query, q_scale, *eps, out);
        }
        let query = |row: usize, _tap: usize| &queries[row * head_dim..][..head_dim];
        let panel_len = n_rows * PANEL;
        scores.resize(n_keys.div_ceil(PANEL) * panel_len, 0.0);
        let panels = scores.chunks_exact_mut(panel_len).zip(keys.chunks_exact(head_dim * PANEL));
        for (scores, keys) in panels {
            multiply(simd, keys, head_dim, &query, scores);
        }
        softmax(scores, n_rows, *n_keys, factors);

        let weights = |row: usize, panel: usize| &scores[(panel * n_rows + row) * PANEL..][..PANEL];
        sums.resize(panel_len, 0.0);
        let panels = values.chunks_exact(n_keys.next_multiple_of(PANEL) * PANEL);
        for (panel_idx, values) in panels.enumerate() {
            multiply(simd, values, PANEL, &weights, sums);
            let first = panel_idx * PANEL;
            let n = PANEL.min(head_dim - first);
            for ((row, sums), factor) in sums.chunks_exact(PANEL).enumerate().zip(&*factors) {
                let out = &mut self.out[row * dim + head * head_dim + first..][..n];
                for (out, sum) in out.iter_mut().zip(sums) {
                    *out = sum * factor;
                }
            }
        }
    }
}

/// Scores to weights that still lack the factor `1 / sum`, which goes to `factors`.
#[inline(always)]
fn softmax(scores: &mut [f32], n_rows: usize, n_keys: usize, factors: &mut Vec<f32>) {
    factors.resize(n_rows, 0.0);
    let n_panels = n_keys.div_ceil(PANEL);
    for (row, factor) in factors.iter_mut().enumerate() {
        let mut largest = [f32::NEG_INFINITY; PANEL];
        for panel in 0..n_panels {
            let scores = &mut scores[(panel * n_rows + row) * PANEL..][..PANEL];
            // Columns beyond the last key must not win the maximum nor weigh anything.
            scores[PANEL.min(n_keys - panel * PANEL)..].fill(f32::NEG_INFINITY);
            for (largest, score) in largest.iter_mut().zip(&*scores) {
                *largest = if *score > *largest { *score } else { *largest };
            }
        }
        let largest = largest.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sums = [0.0; PANEL];
        for panel in 0..n_panels {
            let scores = &mut scores[(panel * n_rows + row) * PANEL..][..PANEL];
            for (sum, score) in sums.iter_mut().zip(scores) {
                *score = exp(*score - largest);
                *sum += *score;
            }
        }
        *factor = 1.0 / sums.iter().sum::<f32>();
    }
}

/// [`Attention::within`] as candle's custom operation.
struct Within<'a>(&'a Attention);

impl CustomOp1 for Within<'_> {
    fn name(&self) -> &'static str {
        "attention-within"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n_rows, n_tokens, width) = layout.shape().dims3()?;
        let dim = width / 3;
        let data = values(storage, layout)?;
        let view = |first| Strided { data, first, stride: width };
        let context = self.0.pack(n_rows, n_tokens, view(dim), view(2 * dim));
        let out = self.0.attend(view(0), [n_rows, n_tokens], &[&context]);
        Ok((CpuStorage::F32(out), (n_rows, n_tokens, dim).into()))
    }
}

/// [`Attention::over`] as candle's custom operation.
struct Over<'a>(&'a Attention, &'a [&'a Context]);

impl CustomOp1 for Over<'_> {
    fn name(&self) -> &'static str {
        "attention-over"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n_rows, n_tokens, dim) = layout.shape().dims3()?;
        let share = n_rows / self.1.len();
        let contexts = self.1.iter().map(|context| match &context.0 {
            ContextData::Packed(packed) if [1, share].contains(&packed.n_rows) => Ok(&**packed),
            ContextData::Packed(packed) => {
                bail!("{share} rows of queries met {} rows of context", packed.n_rows)
            }
            ContextData::Candle { .. } => bail!("a context of another device met CPU queries"),
        });
        let contexts = contexts.collect::<Result<Vec<_>>>()?;
        let queries = Strided { data: values(storage, layout)?, first: 0, stride: dim };
        let out = self.0.attend(queries, [n_rows, n_tokens], &contexts);
        Ok((CpuStorage::F32(out), (n_rows, n_tokens, dim).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::storage::tests::{assert_close, assert_same, noise};
    use super::*;

    fn attention(n_heads: usize, head_dim: usize) -> Attention {
        let norm = |seed| (noise(&[head_dim], seed) + 1.0).unwrap();
        Attention::new(n_heads, &norm(1), norm(2), 1e-6).unwrap()
    }

    fn over_through_candle(attention: &Attention, queries: &Tensor, context: &Tensor) -> Tensor {
        let parts = context.chunk(2, 2).unwrap();
        let context = attention.candle_context(&parts[0], &parts[1]).unwrap();
        attention.through_candle(queries, &context).unwrap()
    }

    #[test]
    fn within_agrees_with_candle() {
        for (n_heads, head_dim, n_tokens) in [(4, 64, 256), (2, 32, 121), (3, 20, 1), (2, 40, 33)] {
            let attention = attention(n_heads, head_dim);
            let qkv = noise(&[2, n_tokens, 3 * n_heads * head_dim], 3);
            let parts = qkv.chunk(3, 2).unwrap();
            let keys_values = Tensor::cat(&parts[1..], 2).unwrap();
            let expected = over_through_candle(&attention, &parts[0], &keys_values);
            assert_close(&attention.within(&qkv).unwrap(), &expected, 1e-5);
        }
    }

    #[test]
    fn queries_and_keys_may_stay_as_they_are() {
        let attention = Attention::without_norms(4, 16, &Device::Cpu).unwrap();
        let qkv = noise(&[2, 64, 192], 3);
        let [q, k, v] = [0, 1, 2].map(|idx| {
            let part = qkv.narrow(2, idx * 64, 64).unwrap().reshape((2, 64, 4, 16)).unwrap();
            part.transpose(1, 2).unwrap().contiguous().unwrap()
        });
        let scores = (q.matmul(&k.t().unwrap().contiguous().unwrap()).unwrap() / 4.0).unwrap();
        let expected = softmax_last_dim(&scores).unwrap().matmul(&v).unwrap();
        let expected = expected.transpose(1, 2).unwrap().flatten_from(2).unwrap();
        assert_close(&attention.within(&qkv).unwrap(), &expected, 1e-5);
        let keys_values = qkv.narrow(2, 64, 128).unwrap();
        let queries = qkv.narrow(2, 0, 64).unwrap();
        assert_close(&over_through_candle(&attention, &queries, &keys_values), &expected, 1e-5);
    }

    #[test]
    fn over_agrees_with_candle() {
        let attention = attention(4, 32);
        let queries = noise(&[4, 70, 128], 1);
        let (own, shared) = (noise(&[2, 198, 256], 2), noise(&[1, 3, 256], 3));
        let contexts = [&own, &shared].map(|keys_values| attention.context(keys_values).unwrap());
        let actual = attention.over(&queries, &[&contexts[0], &contexts[1]]).unwrap();
        for (first, context) in [(0, &own), (2, &shared)] {
            let expected =
                over_through_candle(&attention, &queries.narrow(0, first, 2).unwrap(), context);
            assert_close(&actual.narrow(0, first, 2).unwrap(), &expected, 1e-5);
        }
    }

    #[test]
    fn a_row_is_the_same_alone_and_in_a_batch() {
        let attention = attention(2, 32);
        let qkv = noise(&[3, 100, 192], 1);
        let together = attention.within(&qkv).unwrap();
        for row in 0..3 {
            let alone = attention.within(&qkv.narrow(0, row, 1).unwrap()).unwrap();
            assert_same(&alone, &together.narrow(0, row, 1).unwrap());
        }
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let attention = attention(2, 32);
        assert!(attention.within(&noise(&[1, 4, 100], 1)).is_err());
        assert!(attention.context(&noise(&[1, 4, 64], 1)).is_err());
        let context = attention.context(&noise(&[3, 4, 128], 1)).unwrap();
        assert!(attention.over(&noise(&[2, 5, 64], 1), &[&context]).is_err());
        assert!(attention.over(&noise(&[2, 5, 64], 1), &[]).is_err());
    }
}
