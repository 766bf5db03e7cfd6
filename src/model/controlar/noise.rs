//! Noise that belongs to its place: hashed from (seed, token, purpose), never drawn from a stream,
//! so that stopping, going on or guessing ahead cannot shift it.

use crate::model::sampling::{GOLDEN_RATIO, gumbel, mix};

/// What the noise of a token is for. Different purposes are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Drawing it, or guessing it.
    Draw = 1,
    /// Whether a guess stands.
    Accept = 2,
    /// Drawing it after a guess has fallen.
    Redraw = 3,
}

/// The noise of one token of one picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise {
    key: u64,
}

impl Noise {
    pub(super) fn new(seed: u64, token_idx: usize, purpose: Purpose) -> Self {
        let place = (purpose as u64) << 56 | token_idx as u64;
        let key = mix(seed.wrapping_add(GOLDEN_RATIO)) ^ place;
        Self { key: mix(key.wrapping_add(GOLDEN_RATIO)) }
    }

    /// Evenly between 0 and 1, both excluded.
    pub(super) fn uniform(self) -> f32 {
        let bits = mix(self.key.wrapping_add(GOLDEN_RATIO)) >> 41;
        (bits as f32 + 0.5) / (1 << 23) as f32
    }

    /// An index, each as probable as its weight is large. Weights are at least 0; `None` if all are
    /// 0.
    pub(super) fn pick(self, weights: &[f32]) -> Option<u32> {
        let mut best = (None, f32::NEG_INFINITY);
        for (idx, weight) in weights.iter().enumerate() {
            if *weight > 0.0 {
                let score = weight.ln() + gumbel(self.key, idx as u32);
                if score > best.1 {
                    best = (Some(idx as u32), score);
                }
            }
        }
        best.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks_follow_the_weights() {
        let weights = [0.5, 0.0, 2.0, 1.5];
        let mut counts = [0; 4];
        for token_idx in 0..40_000 {
            let noise = Noise::new(5, token_idx, Purpose::Redraw);
            counts[noise.pick(&weights).unwrap() as usize] += 1;
        }
        for (count, weight) in counts.iter().zip(weights) {
            let expected = 40_000.0 * weight / 4.0;
            assert!((*count as f32 - expected).abs() <= 400.0, "{counts:?}");
        }
        assert_eq!(Noise::new(5, 0, Purpose::Draw).pick(&[0.0, 0.0]), None);
    }

    #[test]
    fn purposes_are_independent() {
        let n = 20_000;
        let product = |i| {
            let of = |purpose| Noise::new(9, i, purpose).uniform() - 0.5;
            of(Purpose::Accept) * of(Purpose::Redraw)
        };
        let covariance = (0..n).map(product).sum::<f32>() / n as f32;
        assert!(covariance.abs() < 0.003, "{covariance}");
    }
}
