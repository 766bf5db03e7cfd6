//! A picture within a scale: what there is to see before the scale is done, and how fast it comes.
//! Only models that draw a scale in parts have this; to them a scale is a row of tokens.

use std::collections::VecDeque;
use std::time::Duration;

use super::job::Still;
use crate::protocol::{ModelInfo, Progress};

/// Gaps between two tellings that the pace speaks of: the last few seconds, seldom more than a minute.
const N_GAPS: usize = 48;

/// The unfinished scale of a run.
#[derive(Debug, Clone)]
pub struct Growing {
    pub scale_idx: usize,
    /// With what is not drawn left transparent.
    pub still: Still,
    /// Of the whole run, scales that were given included.
    pub progress: Progress,
}

/// How much of a picture is there that is drawn row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    pub n_rows: usize,
    /// Whole rows that are there.
    pub n_done: usize,
    /// Tokens of a row.
    pub n_columns: usize,
    /// Tokens that are there of the row after those.
    pub n_in_row: usize,
    /// More of it is being drawn now.
    pub is_drawing: bool,
}

/// How fast tokens come, from when it was told how many there are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pace {
    /// Window time and tokens at the last telling.
    last: Option<(f64, usize)>,
    /// Seconds per token and how many tokens, newest last.
    gaps: VecDeque<(f64, usize)>,
}

impl Growing {
    /// Tokens that are there of the unfinished row.
    pub fn n_in_row(&self, model: &ModelInfo) -> usize {
        let before: usize = model.n_tokens().take(self.scale_idx).sum();
        let of_row = model.n_tokens().nth(self.scale_idx).unwrap_or_default();
        self.progress.n_tokens.saturating_sub(before).min(of_row)
    }
}

impl Pace {
    /// So many tokens were there at a window time. A run that begins anew has fewer than before;
    /// what was learnt of the pace stays.
    pub fn observe(&mut self, n_tokens: usize, now: f64) {
        match self.last {
            Some((_, before)) if n_tokens == before => return,
            Some((at, before)) if n_tokens > before && now > at => {
                if self.gaps.len() == N_GAPS {
                    self.gaps.pop_front();
                }
                let n_new = n_tokens - before;
                self.gaps.push_back(((now - at) / n_new as f64, n_new));
            }
            _ => {}
        }
        self.last = Some((now, n_tokens));
    }

    /// Forgets when the last tokens came: nothing is drawn for a while.
    pub fn pause(&mut self) {
        self.last = None;
    }

    /// The median over tokens, so that a hiccup of the machine does not change the forecast.
    pub fn secs_per_token(&self) -> Option<f64> {
        let mut gaps: Vec<_> = self.gaps.iter().copied().collect();
        gaps.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let n_tokens: usize = gaps.iter().map(|(_, n_tokens)| n_tokens).sum();
        let mut n_below = 0;
        let middle = gaps.into_iter().find(|(_, n_gap)| {
            n_below += n_gap;
            2 * n_below >= n_tokens
        });
        middle.map(|(secs, _)| secs)
    }

    /// What the rest of a run takes; `since` is the time since the last telling.
    pub fn left(&self, progress: Progress, since: Duration) -> Option<Duration> {
        let secs = self.secs_per_token()?;
        let n_left = progress.n_wanted.saturating_sub(progress.n_tokens);
        // A token that takes longer than usual is about to come.
        let begun = since.as_secs_f64().min(secs * n_left.min(1) as f64);
        Duration::try_from_secs_f64((secs * n_left as f64 - begun).max(0.0)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pace_of(tellings: &[(usize, f64)]) -> Pace {
        let mut pace = Pace::default();
        for (n_tokens, now) in tellings {
            pace.observe(*n_tokens, *now);
        }
        pace
    }

    #[test]
    fn one_long_wait_does_not_change_the_pace() {
        assert_eq!(pace_of(&[(1, 0.0)]).secs_per_token(), None);
        let pace = pace_of(&[(1, 0.0), (2, 0.5), (3, 1.0), (4, 9.0), (5, 9.5)]);
        assert_eq!(pace.secs_per_token(), Some(0.5));
    }

    #[test]
    fn tokens_that_come_together_share_their_time() {
        let pace = pace_of(&[(0, 0.0), (4, 1.0), (8, 2.0), (9, 3.0)]);
        assert_eq!(pace.secs_per_token(), Some(0.25));
    }

    #[test]
    fn what_is_left_shrinks_with_time_and_never_below_the_tokens_after_this_one() {
        let pace = pace_of(&[(0, 0.0), (1, 1.0), (2, 2.0)]);
        let progress = Progress { n_tokens: 2, n_wanted: 12 };
        assert_eq!(pace.left(progress, Duration::ZERO), Some(10 * SECOND));
        assert_eq!(pace.left(progress, SECOND / 2), Some(19 * SECOND / 2));
        assert_eq!(pace.left(progress, 60 * SECOND), Some(9 * SECOND));
        let done = Progress { n_tokens: 12, n_wanted: 12 };
        assert_eq!(pace.left(done, 60 * SECOND), Some(Duration::ZERO));
    }

    #[test]
    fn another_run_goes_on_with_the_pace_and_not_with_the_tokens() {
        let mut pace = pace_of(&[(100, 0.0), (101, 1.0)]);
        pace.observe(3, 50.0);
        pace.observe(4, 51.0);
        assert_eq!(pace.secs_per_token(), Some(1.0));
        pace.pause();
        pace.observe(5, 90.0);
        pace.observe(6, 91.0);
        assert_eq!(pace.secs_per_token(), Some(1.0));
    }
}
