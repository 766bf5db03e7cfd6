//! Logits to codes: temperature, top-k, top-p, and a draw whose noise belongs to its place.
//!
//! The draw is Gumbel-max: the code with the largest `logit / temperature + noise` wins. The
//! noise is a hash of (seed, scale, row, column, code), not a stream, so it does not depend on
//! what else is drawn: resuming, locking or batching never changes a picture, and a small edit of
//! the controls flips few tokens.

use rayon::prelude::*;

use crate::params::Sampling;

/// Where a scale's noise comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoisePlace {
    pub seed: u64,
    pub scale_idx: usize,
    /// Side of the scale's grid.
    pub side: usize,
}

/// Draws one code per position.
///
/// `logits` holds `side²` rows of `n_codes` values. The order of the filters is temperature,
/// top-k (ties go to the lower code), top-p (the smallest set that holds the mass, at least one
/// code), draw. Temperature 0 takes the largest logit.
pub fn draw(logits: &[f32], n_codes: usize, sampling: &Sampling, place: NoisePlace) -> Vec<u32> {
    logits
        .par_chunks_exact(n_codes)
        .enumerate()
        .map(|(position, row)| {
            if sampling.temperature == 0.0 {
                return argmax(row.iter().copied());
            }
            let (row_idx, col_idx) = (position / place.side, position % place.side);
            let key = noise_key(place.seed, place.scale_idx, row_idx, col_idx);
            let kept = keep_top_p(keep_top_k(row, sampling), sampling.top_p);
            let winner = argmax(kept.iter().map(|(code, score)| score + gumbel(key, *code)));
            kept[winner as usize].0
        })
        .collect()
}

/// Draws one code of a picture that is drawn token by token, from scores (logits over temperature,
/// −∞ for codes that are dropped). The noise belongs to seed and place, as in [`draw`].
pub fn draw_one(scores: &[f32], seed: u64, (row_idx, col_idx): (usize, usize)) -> u32 {
    let key = noise_key(seed, 0, row_idx, col_idx);
    let noisy = |(code, score): (usize, &f32)| {
        if *score == f32::NEG_INFINITY { *score } else { score + gumbel(key, code as u32) }
    };
    argmax(scores.iter().enumerate().map(noisy))
}

/// Multiplies the probability of each position's code in `ids` by e to the power of `hold`, for a
/// [`draw`] that stays close to an earlier one: position by position as there.
///
/// At temperature 0, `hold` is what another code's logit must be ahead to win.
pub fn hold_on_to(ids: &[u32], hold: f32, logits: &mut [f32], n_codes: usize, sampling: &Sampling) {
    let unit = if sampling.temperature == 0.0 { 1.0 } else { sampling.temperature };
    for (row, id) in logits.chunks_exact_mut(n_codes).zip(ids) {
        row[*id as usize] += hold * unit;
    }
}

/// The `top_k` best codes with their logits over temperature, lower codes first.
fn keep_top_k(row: &[f32], sampling: &Sampling) -> Vec<(u32, f32)> {
    let inverse = 1.0 / sampling.temperature;
    let scored = |(code, logit): (usize, &f32)| (code as u32, logit * inverse);
    if sampling.top_k == 0 || sampling.top_k >= row.len() {
        return row.iter().enumerate().map(scored).collect();
    }
    let mut sorted = row.to_vec();
    let (_, kth, _) = sorted.select_nth_unstable_by(sampling.top_k - 1, |a, b| b.total_cmp(a));
    let kth = *kth;
    let n_above = row.iter().filter(|logit| logit.total_cmp(&kth).is_gt()).count();
    let mut n_ties_left = sampling.top_k - n_above;
    let mut kept = Vec::with_capacity(sampling.top_k);
    for (code, logit) in row.iter().enumerate() {
        let order = logit.total_cmp(&kth);
        if order.is_gt() {
            kept.push(scored((code, logit)));
        } else if order.is_eq() && n_ties_left > 0 {
            n_ties_left -= 1;
            kept.push(scored((code, logit)));
        }
    }
    kept
}

/// The most probable codes that together reach the mass `top_p`; ties go to the lower code.
fn keep_top_p(mut kept: Vec<(u32, f32)>, top_p: f32) -> Vec<(u32, f32)> {
    if top_p >= 1.0 {
        return kept;
    }
    kept.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let best = kept[0].1;
    let weights: Vec<f32> = kept.iter().map(|(_, score)| (score - best).exp()).collect();
    let goal = top_p * weights.iter().sum::<f32>();
    let mut mass = 0.0;
    let n_kept = weights.iter().take_while(|weight| {
        let is_needed = mass < goal;
        mass += **weight;
        is_needed
    });
    let n_kept = n_kept.count().max(1);
    kept.truncate(n_kept);
    kept
}

/// Index of the largest value; the first of equals.
fn argmax(values: impl Iterator<Item = f32>) -> u32 {
    let mut best = (0, f32::NEG_INFINITY);
    for (idx, value) in values.enumerate() {
        if value > best.1 {
            best = (idx as u32, value);
        }
    }
    best.0
}

pub(super) const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;

/// Finaliser of `SplitMix64` (Steele et al. 2014, *Fast splittable pseudorandom number generators*).
pub(super) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn noise_key(seed: u64, scale_idx: usize, row_idx: usize, col_idx: usize) -> u64 {
    let place = (scale_idx as u64) << 40 | (row_idx as u64) << 20 | col_idx as u64;
    mix((mix(seed.wrapping_add(GOLDEN_RATIO)) ^ place).wrapping_add(GOLDEN_RATIO))
}

/// Standard Gumbel noise of one code at one place.
pub(super) fn gumbel(key: u64, code: u32) -> f32 {
    let bits = mix(key.wrapping_add(GOLDEN_RATIO.wrapping_mul(u64::from(code) + 1))) >> 41;
    // 23 bits and a half step fit an f32 exactly and lie strictly between 0 and 1, so both
    // logarithms are finite.
    let uniform = (bits as f32 + 0.5) / (1 << 23) as f32;
    -(-uniform.ln()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: NoisePlace = NoisePlace { seed: 7, scale_idx: 2, side: 1 };

    fn draw_with_seeds(row: &[f32], sampling: &Sampling, n_draws: u64) -> Vec<u32> {
        (0..n_draws)
            .map(|seed| draw(row, row.len(), sampling, NoisePlace { seed, ..PLACE })[0])
            .collect()
    }

    fn sampling(temperature: f32, top_k: usize, top_p: f32) -> Sampling {
        Sampling { guidance: 0.0, temperature, top_k, top_p, ..Sampling::default() }
    }

    #[test]
    fn draws_follow_the_softmax() {
        let row = [1.0_f32, 0.0, 2.0, -1.0];
        let total: f32 = row.iter().map(|logit| logit.exp()).sum();
        let draws = draw_with_seeds(&row, &sampling(1.0, 0, 1.0), 40_000);
        for (code, logit) in row.iter().enumerate() {
            let share = draws.iter().filter(|draw| **draw == code as u32).count() as f32 / 40_000.0;
            // Four standard deviations of a share are at most 0.01 at this many draws.
            assert!((share - logit.exp() / total).abs() < 0.01, "code {code}: {share}");
        }
    }

    #[test]
    fn temperature_zero_takes_the_first_maximum() {
        assert_eq!(draw(&[0.0, 3.0, 3.0], 3, &sampling(0.0, 1, 0.1), PLACE), [1]);
    }

    #[test]
    fn top_k_keeps_exactly_k_with_ties_to_lower_codes() {
        let row = [1.0, 5.0, 1.0, 1.0, 9.0];
        let kept = keep_top_k(&row, &sampling(0.5, 3, 1.0));
        assert_eq!(kept, [(0, 2.0), (1, 10.0), (4, 18.0)]);
        assert_eq!(keep_top_k(&row, &sampling(1.0, 0, 1.0)).len(), 5);
        assert_eq!(keep_top_k(&row, &sampling(1.0, 99, 1.0)).len(), 5);
    }

    #[test]
    fn top_p_keeps_the_smallest_sufficient_set() {
        // Probabilities 0.5, 0.25, 0.25.
        let kept = vec![(0, 0.25_f32.ln()), (1, 0.5_f32.ln()), (2, 0.25_f32.ln())];
        let codes = |top_p| -> Vec<u32> {
            keep_top_p(kept.clone(), top_p).iter().map(|(code, _)| *code).collect()
        };
        assert_eq!(codes(0.0), [1]);
        assert_eq!(codes(0.4), [1]);
        assert_eq!(codes(0.6), [1, 0]);
        assert_eq!(codes(0.9), [1, 0, 2]);
    }

    #[test]
    fn holding_multiplies_the_probability_of_the_earlier_code() {
        let row = [1.0_f32, 0.0, 2.0, -1.0];
        for temperature in [1.0, 0.5] {
            let options = sampling(temperature, 0, 1.0);
            let mut held = row;
            hold_on_to(&[1], 3.0_f32.ln(), &mut held, 4, &options);
            let weights = row.map(|logit| (logit / temperature).exp());
            let expected = 3.0 * weights[1] / (weights.iter().sum::<f32>() + 2.0 * weights[1]);
            let draws = draw_with_seeds(&held, &options, 40_000);
            let share = draws.iter().filter(|draw| **draw == 1).count() as f32 / 40_000.0;
            assert!((share - expected).abs() < 0.01, "{share}, not {expected}");
        }
        // Without temperature, it takes what is ahead by more than the hold.
        let options = sampling(0.0, 0, 1.0);
        for (hold, expected) in [(1.9, 2), (2.1, 1)] {
            let mut held = row;
            hold_on_to(&[1], hold, &mut held, 4, &options);
            assert_eq!(draw(&held, 4, &options, PLACE), [expected]);
        }
    }

    #[test]
    fn codes_one_by_one_follow_the_softmax() {
        let scores = [1.0_f32, f32::NEG_INFINITY, 2.0, -1.0];
        let total: f32 = scores.iter().map(|score| score.exp()).sum();
        let draws: Vec<u32> = (0..40_000)
            .map(|i| draw_one(&scores, i / 200, (i as usize % 200 / 20, i as usize % 20)))
            .collect();
        for (code, score) in scores.iter().enumerate() {
            let share = draws.iter().filter(|draw| **draw == code as u32).count() as f32 / 40_000.0;
            assert!((share - score.exp() / total).abs() < 0.01, "code {code}: {share}");
        }
        assert!(!draws.contains(&1), "what is dropped is never drawn");
    }

    #[test]
    fn noise_belongs_to_its_place() {
        let rows: Vec<f32> = (0..4 * 64).map(|i| ((i * 37) % 11) as f32 * 0.1).collect();
        let options = sampling(1.0, 0, 1.0);
        let grid = NoisePlace { side: 2, ..PLACE };
        let all = draw(&rows, 64, &options, grid);
        // Changing one row leaves the others as they were.
        let mut edited = rows.clone();
        edited[64..128].fill(0.0);
        let after = draw(&edited, 64, &options, grid);
        assert_eq!((all[0], all[2], all[3]), (after[0], after[2], after[3]));
        // Places and seeds differ.
        let other = draw(&rows, 64, &options, NoisePlace { seed: 8, ..grid });
        assert_ne!(all, other);
    }

    /// Computed by `reference/` with the same hash.
    #[test]
    fn noise_matches_the_reference() {
        let key = noise_key(42, 3, 1, 2);
        assert_eq!(key, 0x689a_4043_e74a_4553);
        for (code, expected) in [(0, 0.763141), (1, -0.509015), (4095, 0.247485)] {
            assert!((gumbel(key, code) - expected).abs() < 1e-5, "code {code}");
        }
    }
}
