//! Which codes look alike: the nearest of each in the codebook.
//!
//! Relaxed acceptance after the idea of LANTERN (Jang et al. 2024, arXiv 2410.03355): pictures
//! hardly change when a code is replaced by one that is close to it, so a guess may count the
//! probability of its neighbours.

use candle_core::{DType, Device, Result, Tensor};
use rayon::prelude::*;

/// For each code, others from the nearest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeNeighbours {
    n_neighbours: usize,
    /// (K, k)
    table: Vec<u32>,
}

impl CodeNeighbours {
    /// As many as acceptance looks at.
    pub const N: usize = 100;

    /// Of a codebook (K, E) as it is used: at most `n_neighbours` of each code, which is not its own
    /// neighbour. Takes about a second for the published codebook.
    ///
    /// # Errors
    /// Another shape, or what the device reports.
    pub fn new(codebook: &Tensor, n_neighbours: usize) -> Result<Self> {
        let (n_codes, dim) = codebook.dims2()?;
        let n_neighbours = n_neighbours.min(n_codes.saturating_sub(1));
        let codes: Vec<f32> =
            codebook.to_dtype(DType::F32)?.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()?;
        if n_neighbours == 0 {
            return Ok(Self { n_neighbours, table: Vec::new() });
        }
        let nearest = |code: usize| -> Vec<u32> {
            let own = &codes[code * dim..][..dim];
            let mut others: Vec<(f32, u32)> = codes
                .chunks_exact(dim)
                .enumerate()
                .filter(|(other, _)| *other != code)
                .map(|(other, values)| {
                    let distance: f32 =
                        own.iter().zip(values).map(|(a, b)| (a - b) * (a - b)).sum();
                    (distance, other as u32)
                })
                .collect();
            let by_distance =
                |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
            others.select_nth_unstable_by(n_neighbours - 1, by_distance);
            others.truncate(n_neighbours);
            others.sort_unstable_by(by_distance);
            others.into_iter().map(|(_, code)| code).collect()
        };
        let table: Vec<Vec<u32>> = (0..n_codes).into_par_iter().map(nearest).collect();
        Ok(Self { n_neighbours, table: table.concat() })
    }

    /// The codes nearest to one, the nearest first.
    pub fn of(&self, code: u32) -> &[u32] {
        &self.table[code as usize * self.n_neighbours..][..self.n_neighbours]
    }

    /// The probability of a code with that of its neighbours, nearest first, as long as no more
    /// than `limit` is added: the relaxed distribution differs by no more than that from the exact
    /// one (total variation).
    pub(super) fn relaxed(&self, probabilities: &[f32], code: u32, limit: f32) -> f32 {
        let mut added = 0.0;
        for neighbour in self.of(code) {
            let more = added + probabilities[*neighbour as usize];
            if more > limit {
                break;
            }
            added = more;
        }
        probabilities[code as usize] + added
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first_and_add_up_to_the_limit() {
        let codebook = Tensor::new(&[[0.0_f32], [1.0], [3.0], [3.5]], &Device::Cpu).unwrap();
        let neighbours = CodeNeighbours::new(&codebook, 2).unwrap();
        assert_eq!(neighbours.of(0), [1, 2]);
        assert_eq!(neighbours.of(2), [3, 1]);
        assert_eq!(CodeNeighbours::new(&codebook, 99).unwrap().of(3), [2, 1, 0]);
        let probabilities = [0.4, 0.3, 0.2, 0.1];
        let relaxed = |limit| neighbours.relaxed(&probabilities, 2, limit);
        assert_eq!(relaxed(0.0), 0.2);
        assert!((relaxed(0.15) - 0.3).abs() < 1e-6);
        assert!((relaxed(0.5) - 0.6).abs() < 1e-6);
    }
}
