//! Which scales of a running job are decoded, given how long ago the last preview was.

use std::time::Instant;

use crate::protocol::Previews;

#[derive(Debug)]
pub(super) struct Pace {
    previews: Previews,
    last_scale_idx: usize,
    shown_at: Option<Instant>,
}

impl Pace {
    /// For a run of `n_scales`, at least one, of which nothing is shown yet.
    pub(super) fn new(previews: Previews, n_scales: usize) -> Self {
        Self { previews, last_scale_idx: n_scales - 1, shown_at: None }
    }

    /// Whether to show this scale. Asked coarse to fine, once it is done.
    pub(super) fn is_due(&self, scale_idx: usize, now: Instant) -> bool {
        match self.previews {
            Previews::EveryScale => true,
            Previews::Draft => scale_idx == self.last_scale_idx,
            Previews::Budgeted { first_scale_idx, gap } => {
                let is_late = |shown_at| now.saturating_duration_since(shown_at) >= gap;
                scale_idx == first_scale_idx
                    || scale_idx == self.last_scale_idx
                    || self.shown_at.is_some_and(is_late)
            }
        }
    }

    /// Whether what is shown is decoded as a draft.
    pub(super) fn is_draft(&self) -> bool {
        self.previews == Previews::Draft
    }

    pub(super) fn shown(&mut self, at: Instant) {
        self.shown_at = Some(at);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const GAP: Duration = Duration::from_millis(50);

    #[test]
    fn a_scale_is_due_when_the_gap_has_passed() {
        let begin = Instant::now();
        let mut pace = Pace::new(Previews::Budgeted { first_scale_idx: 2, gap: GAP }, 8);
        // However late it is, nothing is shown before the first.
        assert!(!pace.is_due(0, begin + 10 * GAP));
        assert!(pace.is_due(2, begin));
        pace.shown(begin);
        assert!(!pace.is_due(3, begin + GAP / 2));
        assert!(pace.is_due(4, begin + GAP));
        pace.shown(begin + GAP);
        assert!(!pace.is_due(5, begin + GAP));
        assert!(pace.is_due(7, begin + GAP), "the last is always shown");
    }

    #[test]
    fn a_run_that_ends_before_the_first_shows_its_last() {
        let pace = Pace::new(Previews::Budgeted { first_scale_idx: 5, gap: GAP }, 2);
        let now = Instant::now();
        assert_eq!([0, 1].map(|scale_idx| pace.is_due(scale_idx, now)), [false, true]);
    }
}
