//! Attention of tokens to all before them: the prefix, of which only the mean value is kept, and
//! the tokens of the picture.

use candle_core::{D, DType, Device, Result, Storage, Tensor, bail};
use candle_nn::ops::softmax_last_dim;

use crate::model::controlar::precision::Precision;
use crate::model::ops::{Past, PastShape, Queries};

/// Keys and values of one layer, allocated once. Place 0 holds the prefix, whose key is zero, place
/// `i + 1` token i.
#[derive(Debug)]
pub(super) enum LayerCache {
    Cpu(Past),
    /// On other devices: (R, N, 1 + S, H).
    Device {
        keys: Tensor,
        values: Tensor,
    },
}

/// Attention of tokens to a cache that already holds them.
pub(super) struct Attend<'a> {
    /// Visible rows of the prefix, per row of the batch.
    pub(super) n_visible: &'a [usize],
    /// Where the first of the tokens stands in the picture.
    pub(super) first: usize,
}

impl LayerCache {
    /// Zeros; in 16 bits unless the matrices are exact.
    pub(super) fn new(shape: PastShape, precision: Precision, device: &Device) -> Result<Self> {
        if device.is_cpu() {
            return Ok(Self::Cpu(Past::new(shape, precision != Precision::F32)));
        }
        let PastShape { n_rows, n_heads, n_places, head_dim } = shape;
        let zeros = || Tensor::zeros((n_rows, n_heads, n_places, head_dim), DType::F32, device);
        Ok(Self::Device { keys: zeros()?, values: zeros()? })
    }

    /// Writes the mean value of the prefix, (R, N, 1, H).
    pub(super) fn put_prefix(&mut self, value: &Tensor) -> Result<()> {
        self.put_at(0, &value.zeros_like()?, value)
    }

    /// Writes (R, N, T, H) of tokens; the first one is token `first` of the picture.
    pub(super) fn put(&mut self, first: usize, keys: &Tensor, values: &Tensor) -> Result<()> {
        self.put_at(first + 1, keys, values)
    }

    fn put_at(&mut self, first: usize, keys: &Tensor, values: &Tensor) -> Result<()> {
        let (keys, values) = (keys.contiguous()?, values.contiguous()?);
        match self {
            Self::Cpu(past) => {
                let (_, _, n_tokens, head_dim) = keys.dims4()?;
                if first + n_tokens > past.n_places() || head_dim != past.head_dim() {
                    bail!("{n_tokens} tokens from place {first} do not fit {}", past.n_places());
                }
                with_values(&keys, |keys| {
                    with_values(&values, |values| {
                        past.put(first, keys, values);
                        Ok(())
                    })
                })
            }
            Self::Device { keys: all_keys, values: all_values } => {
                all_keys.slice_set(&keys, 2, first)?;
                all_values.slice_set(&values, 2, first)
            }
        }
    }
}

impl Attend<'_> {
    /// Queries (R, N, T, H) → (R, T, N · H).
    pub(super) fn attend(&self, queries: &Tensor, cache: &LayerCache) -> Result<Tensor> {
        let (n_rows, n_heads, n_tokens, head_dim) = queries.dims4()?;
        match cache {
            LayerCache::Cpu(past) => {
                if self.first + 1 + n_tokens > past.n_places() || head_dim != past.head_dim() {
                    bail!("a cache of {} places cannot hold token {}", past.n_places(), self.first);
                }
                let first_counts: Vec<f32> = self.n_visible.iter().map(|n| *n as f32).collect();
                let out = with_values(&queries.contiguous()?, |values| {
                    let n_seen = self.first + 2;
                    let first_counts = &first_counts;
                    Ok(past.attend(&Queries { values, n_tokens, n_seen, first_counts }))
                })?;
                Tensor::from_vec(out, (n_rows, n_tokens, n_heads * head_dim), queries.device())
            }
            LayerCache::Device { keys, values } => self.through_candle(queries, keys, values),
        }
    }

    fn through_candle(&self, queries: &Tensor, keys: &Tensor, values: &Tensor) -> Result<Tensor> {
        let (n_rows, _, n_tokens, head_dim) = queries.dims4()?;
        let n_places = self.first + n_tokens + 1;
        let keys = keys.narrow(2, 0, n_places)?.contiguous()?;
        let values = values.narrow(2, 0, n_places)?.contiguous()?;
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

/// Lends the values of a contiguous tensor of the CPU.
fn with_values<T>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> Result<T>) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else { bail!("a tensor of the CPU was expected") };
    f(crate::model::ops::values(storage, layout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(dims: &[usize], step: f32) -> Tensor {
        let n: usize = dims.iter().product();
        let values: Vec<f32> = (0..n).map(|i| (i as f32 * step).sin()).collect();
        Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
    }

    #[test]
    fn agrees_with_candle() {
        let shape = PastShape { n_rows: 2, n_heads: 3, n_places: 1 + 9, head_dim: 20 };
        let dims = |n| [2, 3, n, 20];
        for (precision, limit) in [(Precision::F32, 1e-6), (Precision::Q8, 1e-4)] {
            let mut cache = LayerCache::new(shape, precision, &Device::Cpu).unwrap();
            let (prefix, keys, values) =
                (wave(&dims(1), 0.2), wave(&dims(9), 0.7), wave(&dims(9), 0.3));
            cache.put_prefix(&prefix).unwrap();
            cache.put(0, &keys, &values).unwrap();
            let all_keys = Tensor::cat(&[&prefix.zeros_like().unwrap(), &keys], 2).unwrap();
            let all_values = Tensor::cat(&[&prefix, &values], 2).unwrap();
            for (first, n_tokens) in [(0, 1), (8, 1), (3, 4), (0, 9)] {
                let queries = wave(&dims(n_tokens), 1.1);
                let attend = Attend { n_visible: &[5, 120], first };
                let ours = attend.attend(&queries, &cache).unwrap();
                let candle = attend.through_candle(&queries, &all_keys, &all_values).unwrap();
                assert_eq!(ours.dims(), [2, n_tokens, 60]);
                let difference = (ours - candle).unwrap().abs().unwrap();
                let difference = difference.max_all().unwrap().to_scalar::<f32>().unwrap();
                assert!(difference < limit, "off by {difference}");
            }
            let queries = wave(&dims(2), 1.1);
            assert!(Attend { n_visible: &[5, 120], first: 8 }.attend(&queries, &cache).is_err());
            assert!(cache.put(8, &queries, &queries).is_err());
        }
    }

    /// Several tokens at once give the bits of one after the other.
    #[test]
    fn a_token_is_the_same_alone_and_among_others() {
        let shape = PastShape { n_rows: 1, n_heads: 2, n_places: 40, head_dim: 64 };
        let mut cache = LayerCache::new(shape, Precision::Q4, &Device::Cpu).unwrap();
        let tokens = wave(&[1, 2, 30, 64], 0.37);
        cache.put(0, &tokens, &tokens).unwrap();
        let together = Attend { n_visible: &[7], first: 20 };
        let together = together.attend(&tokens.narrow(2, 20, 5).unwrap(), &cache).unwrap();
        for i in 0..5 {
            let alone = Attend { n_visible: &[7], first: 20 + i };
            let alone = alone.attend(&tokens.narrow(2, 20 + i, 1).unwrap(), &cache).unwrap();
            let of_all = together.narrow(1, i, 1).unwrap();
            let same = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(same(&alone), same(&of_all));
        }
    }
}
