//! From logits to distributions in the order of next-scale models (VAR and its kin), which differs
//! from that of raster models: no temperature, and top-p counts from the least probable code.

use super::sampler::{keep_top_k, softmax};

/// The distribution that a code is drawn from. Top-k keeps all that equal the k-th; 0 keeps all.
/// Top-p drops the least probable codes that together hold no more than `1 − top_p`; 0 keeps all.
pub fn probabilities(logits: &[f32], top_k: usize, top_p: f32) -> Vec<f32> {
    let mut scores = logits.to_vec();
    keep_top_k(&mut scores, top_k);
    if top_p > 0.0 {
        let shares = softmax(&scores);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]).then(a.cmp(b)));
        order.pop(); // The most probable always stays.
        let mut mass = 0.0_f64;
        for idx in order {
            mass += f64::from(shares[idx]);
            if mass as f32 <= 1.0 - top_p {
                scores[idx] = f32::NEG_INFINITY;
            }
        }
    }
    softmax(&scores)
}

/// Weights of a soft mixture of codes for smooth demonstrations: sharper with each scale. `ratio`
/// runs from 0 at the first scale to 1 at the last, `noise` holds a standard Gumbel draw per code.
pub fn smooth_weights(logits: &[f32], noise: &[f32], ratio: f64) -> Vec<f32> {
    let sharpness = (0.27 * (1.0 - 0.95 * ratio)).max(0.005);
    let factor = (1.0 + ratio) as f32;
    let mixed = logits.iter().zip(noise).map(|(l, n)| (l * factor + n) / sharpness as f32);
    softmax(&mixed.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_known_sets() {
        let logits = [0.4_f32, 0.3, 0.15, 0.1, 0.05].map(f32::ln);
        let kept = |top_k, top_p| {
            probabilities(&logits, top_k, top_p).iter().filter(|p| **p > 0.0).count()
        };
        assert_eq!([kept(0, 0.8), kept(0, 0.7), kept(0, 0.69), kept(3, 0.8)], [3, 2, 2, 2]);
        assert_eq!([kept(0, 0.0), kept(9, 0.0), kept(1, 0.5)], [5, 5, 1]);
    }

    #[test]
    fn late_scales_are_sharp() {
        let share = |ratio| smooth_weights(&[1.0, 0.5], &[0.0, 0.0], ratio)[0];
        assert!(share(0.0) < 0.9 && share(1.0) > 0.999);
    }
}
