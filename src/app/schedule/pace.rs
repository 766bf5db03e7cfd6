//! How far a live picture can get in time: what the parts of a run cost on this machine, and which
//! scale is therefore the first to be shown.

use std::time::Duration;

use crate::protocol::Timings;

/// From the beginning of a run to its first preview. A change that just missed a run waits for
/// that one and for the next, and for the screen before and after; that together is to stay below
/// 80 ms.
const TARGET: Duration = Duration::from_millis(28);
/// What a draft costs in proportion to a whole picture, as long as none was measured.
const DRAFT_SHARE: f64 = 0.3;
/// Scales that say little however fast they come.
const LEAST_SCALE_IDX: usize = 1;
/// The first guess, before anything was measured.
const FIRST_GUESS_IDX: usize = 3;
/// Share of a new measurement in the running mean.
const LEARNING: f64 = 0.25;

/// Running means of what one picture costs.
#[derive(Debug, Clone, Default)]
pub(super) struct Costs {
    prepare: Option<f64>,
    /// Seconds per scale, as far as measured.
    scales: Vec<f64>,
    decode: Option<f64>,
    draft: Option<f64>,
}

/// How the first preview is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decoding {
    Whole,
    Draft,
}

impl Costs {
    /// Takes over what a run from its first scale took, in which `n_decoded` pictures were decoded
    /// in this way.
    pub(super) fn observe(&mut self, timings: &Timings, n_decoded: usize, decoding: Decoding) {
        learn(&mut self.prepare, timings.prepare.as_secs_f64());
        if n_decoded > 0 {
            let mean = match decoding {
                Decoding::Whole => &mut self.decode,
                Decoding::Draft => &mut self.draft,
            };
            learn(mean, timings.decode.as_secs_f64() / n_decoded as f64);
        }
        for (scale_idx, scale) in timings.scales.iter().enumerate() {
            match self.scales.get_mut(scale_idx) {
                Some(known) => *known += LEARNING * (scale.as_secs_f64() - *known),
                None => self.scales.push(scale.as_secs_f64()),
            }
        }
    }

    /// The finest scale that can be decoded and shown in time, of `n_scales`.
    pub(super) fn first_scale_idx(&self, n_scales: usize, decoding: Decoding) -> usize {
        let last_idx = n_scales.saturating_sub(1);
        let decode = match decoding {
            Decoding::Whole => self.decode,
            Decoding::Draft => self.draft.or(self.decode.map(|decode| DRAFT_SHARE * decode)),
        };
        let (Some(prepare), Some(decode)) = (self.prepare, decode) else {
            return FIRST_GUESS_IDX.min(last_idx);
        };
        let room = TARGET.as_secs_f64() - prepare - decode;
        let ends = self.scales.iter().scan(0.0, |end, scale| {
            *end += scale;
            Some(*end)
        });
        let n_in_time = ends.take_while(|end| *end <= room).count();
        n_in_time.saturating_sub(1).max(LEAST_SCALE_IDX).min(last_idx)
    }
}

fn learn(mean: &mut Option<f64>, value: f64) {
    *mean = Some(mean.map_or(value, |mean| mean + LEARNING * (value - mean)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    fn timings(factor: u64) -> Timings {
        Timings {
            prepare: ms(2 * factor),
            scales: [2, 3, 4, 6, 13, 20, 34, 72].map(|scale| ms(scale * factor)).to_vec(),
            decode: ms(2 * 15 * factor),
            total: ms(200 * factor),
        }
    }

    #[test]
    fn a_faster_machine_shows_a_finer_scale_first() {
        let mut costs = Costs::default();
        assert_eq!(costs.first_scale_idx(8, Decoding::Draft), FIRST_GUESS_IDX);
        assert_eq!(costs.first_scale_idx(2, Decoding::Draft), 1);
        costs.observe(&timings(1), 2, Decoding::Whole);
        assert_eq!(costs.first_scale_idx(8, Decoding::Whole), 2);
        assert_eq!(costs.first_scale_idx(8, Decoding::Draft), 3);
        for _ in 0..40 {
            costs.observe(&timings(10), 2, Decoding::Draft);
        }
        let idx = costs.first_scale_idx(8, Decoding::Draft);
        assert_eq!(idx, LEAST_SCALE_IDX, "late is better than a blot");
        let mut instant = Costs::default();
        instant.observe(&timings(0), 2, Decoding::Draft);
        assert_eq!(instant.first_scale_idx(8, Decoding::Draft), 7);
    }

    #[test]
    fn what_was_never_run_is_not_planned() {
        let mut costs = Costs::default();
        let short = Timings { scales: vec![ms(1); 4], ..timings(0) };
        costs.observe(&short, 1, Decoding::Whole);
        assert_eq!(costs.first_scale_idx(8, Decoding::Whole), 3);
    }
}
