//! How far a live picture can get in time: from what the parts of a run cost on this machine follows
//! which scale is the first to be shown.

use std::time::Duration;

use crate::state::costs::{Costs, Decoding};

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

/// The finest scale that can be decoded and shown in time, of `n_scales`.
pub(super) fn first_scale_idx(costs: &Costs, n_scales: usize, decoding: Decoding) -> usize {
    let last_idx = n_scales.saturating_sub(1);
    let whole = costs.decode_secs(Decoding::Whole);
    let decode = match decoding {
        Decoding::Whole => whole,
        Decoding::Draft => {
            costs.decode_secs(Decoding::Draft).or(whole.map(|decode| DRAFT_SHARE * decode))
        }
    };
    let (Some(prepare), Some(decode)) = (costs.prepare_secs(), decode) else {
        return FIRST_GUESS_IDX.min(last_idx);
    };
    let room = TARGET.as_secs_f64() - prepare - decode;
    let ends = costs.scale_secs().scan(0.0, |end, scale| {
        *end += scale;
        Some(*end)
    });
    let n_in_time = ends.take_while(|end| *end <= room).count();
    n_in_time.saturating_sub(1).max(LEAST_SCALE_IDX).min(last_idx)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Timings;

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
        assert_eq!(first_scale_idx(&costs, 8, Decoding::Draft), FIRST_GUESS_IDX);
        assert_eq!(first_scale_idx(&costs, 2, Decoding::Draft), 1);
        costs.observe_start(&timings(1), 0, 2, Decoding::Whole);
        assert_eq!(first_scale_idx(&costs, 8, Decoding::Whole), 2);
        assert_eq!(first_scale_idx(&costs, 8, Decoding::Draft), 3);
        for _ in 0..40 {
            costs.observe_start(&timings(10), 0, 2, Decoding::Draft);
        }
        let idx = first_scale_idx(&costs, 8, Decoding::Draft);
        assert_eq!(idx, LEAST_SCALE_IDX, "late is better than a blot");
        let mut instant = Costs::default();
        instant.observe_start(&timings(0), 0, 2, Decoding::Draft);
        assert_eq!(first_scale_idx(&instant, 8, Decoding::Draft), 7);
    }

    #[test]
    fn what_was_never_run_is_not_planned() {
        let mut costs = Costs::default();
        let short = Timings { scales: vec![ms(1); 4], ..timings(0) };
        costs.observe_start(&short, 0, 1, Decoding::Whole);
        assert_eq!(first_scale_idx(&costs, 8, Decoding::Whole), 3);
    }
}
