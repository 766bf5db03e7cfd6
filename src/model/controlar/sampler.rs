//! From the logits of one position to the distribution that its code is drawn from, in the order
//! of LlamaGen: guidance, temperature, top-k, top-p.

/// How far logits are driven from the null condition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guidance {
    /// 1 or less: the null condition is not computed at all.
    pub scale: f32,
    /// Guidance ends behind token `interval + 1`; `None`: never.
    pub interval: Option<usize>,
}

/// How the codes of a raster model are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RasterSampling {
    /// 0 takes the largest logit.
    pub temperature: f32,
    /// 0 keeps all codes.
    pub top_k: usize,
    /// 1 keeps all codes.
    pub top_p: f32,
}

/// Temperatures are no less than this.
const MIN_TEMPERATURE: f32 = 1e-5;

impl Guidance {
    /// No guidance.
    pub const OFF: Self = Self { scale: 1.0, interval: None };

    pub fn is_on(&self) -> bool {
        self.scale > 1.0
    }

    /// Guided logits of token `token_idx`: `rows` holds the rows of all pictures, and with guidance
    /// those of the null condition behind them.
    pub fn combine(&self, rows: &[f32], token_idx: usize) -> Vec<f32> {
        if !self.is_on() {
            return rows.to_vec();
        }
        let (cond, null) = rows.split_at(rows.len() / 2);
        if self.interval.is_some_and(|interval| token_idx > interval + 1) {
            return cond.to_vec();
        }
        cond.iter().zip(null).map(|(cond, null)| null + (cond - null) * self.scale).collect()
    }
}

impl RasterSampling {
    /// The most probable code, always.
    pub const GREEDY: Self = Self { temperature: 0.0, top_k: 0, top_p: 1.0 };

    /// Logits over temperature; codes that are not to be drawn are −∞.
    ///
    /// Top-k keeps all that equal the k-th; top-p drops a code if those before it already hold
    /// more than `top_p`.
    pub fn filter(&self, logits: &[f32]) -> Vec<f32> {
        let temperature = self.temperature.max(MIN_TEMPERATURE);
        let mut scores: Vec<f32> = logits.iter().map(|logit| logit / temperature).collect();
        keep_top_k(&mut scores, self.top_k);
        if self.top_p < 1.0 {
            keep_top_p(&mut scores, self.top_p);
        }
        scores
    }

    /// The distribution that is drawn from; sums to 1, dropped codes have exactly 0.
    pub fn probabilities(&self, logits: &[f32]) -> Vec<f32> {
        softmax(&self.filter(logits))
    }
}

/// Index of the largest value; the first of equals.
pub fn argmax(values: &[f32]) -> u32 {
    let mut best = (0, f32::NEG_INFINITY);
    for (idx, value) in values.iter().enumerate() {
        if *value > best.1 {
            best = (idx as u32, *value);
        }
    }
    best.0
}

/// Drops all below the k-th largest, unless `top_k` is 0.
pub(super) fn keep_top_k(scores: &mut [f32], top_k: usize) {
    if top_k > 0 && top_k < scores.len() {
        let mut sorted = scores.to_vec();
        let (_, kth, _) = sorted.select_nth_unstable_by(top_k - 1, |a, b| b.total_cmp(a));
        let kth = *kth;
        drop_where(scores, |score| score < kth);
    }
}

fn drop_where(scores: &mut [f32], is_dropped: impl Fn(f32) -> bool) {
    for score in scores {
        if is_dropped(*score) {
            *score = f32::NEG_INFINITY;
        }
    }
}

fn keep_top_p(scores: &mut [f32], top_p: f32) {
    let probabilities = softmax(scores);
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]).then(a.cmp(b)));
    // Summed in double and rounded, as the reference's cumulative sum.
    let mut mass = 0.0_f64;
    let n_kept = order.iter().take_while(|idx| {
        let is_kept = mass as f32 <= top_p;
        mass += f64::from(probabilities[**idx]);
        is_kept
    });
    let n_kept = n_kept.count().max(1);
    for idx in &order[n_kept..] {
        scores[*idx] = f32::NEG_INFINITY;
    }
}

pub(super) fn softmax(scores: &[f32]) -> Vec<f32> {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f32> = scores.iter().map(|score| (score - largest).exp()).collect();
    let sum: f32 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_keep_what_the_reference_keeps() {
        let logits = [0.4_f32, 0.3, 0.15, 0.1, 0.05].map(f32::ln);
        let kept = |top_k, top_p| {
            let probabilities =
                RasterSampling { temperature: 1.0, top_k, top_p }.probabilities(&logits);
            probabilities.iter().filter(|p| **p > 0.0).count()
        };
        assert_eq!([kept(0, 0.8), kept(0, 0.69), kept(2, 1.0), kept(3, 0.8)], [3, 2, 2, 2]);
        assert_eq!([kept(99, 1.0), kept(0, 0.0), kept(1, 0.5)], [5, 1, 1]);
    }

    #[test]
    fn guidance_ends_behind_its_interval() {
        let guidance = Guidance { scale: 3.0, interval: Some(1) };
        let rows = [1.0, 2.0, 0.0, 4.0];
        assert_eq!(guidance.combine(&rows, 2), [3.0, -2.0]);
        assert_eq!(guidance.combine(&rows, 3), [1.0, 2.0]);
        assert_eq!(Guidance::OFF.combine(&rows[..2], 0), [1.0, 2.0]);
    }

    #[test]
    fn temperature_zero_is_greedy() {
        let probabilities = RasterSampling::GREEDY.probabilities(&[1.0, 1.5, -2.0]);
        assert_eq!(probabilities, [0.0, 1.0, 0.0]);
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
    }
}
