//! How fast something goes: over the last seconds, so that it neither jumps nor lags.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(4);
/// Before this has passed, a figure would mean nothing.
const FIRST: Duration = Duration::from_millis(400);
/// Points within this time are one.
const STEP: Duration = Duration::from_millis(100);

/// Bytes and when they were there.
#[derive(Debug, Default)]
pub(super) struct Speed {
    points: VecDeque<(Instant, u64)>,
}

impl Speed {
    pub(super) fn note(&mut self, now: Instant, n_done: u64) {
        let has_begun = self.points.len() > 1;
        match self.points.back_mut().filter(|last| now.duration_since(last.0) < STEP) {
            Some(last) if has_begun => {
                last.1 = n_done;
                return;
            }
            _ => self.points.push_back((now, n_done)),
        }
        while self.points.front().is_some_and(|(at, _)| now.duration_since(*at) > WINDOW) {
            self.points.pop_front();
        }
    }

    /// `None` until it can be told.
    pub(super) fn per_second(&self) -> Option<f64> {
        let ((first_at, first), (last_at, last)) = (self.points.front()?, self.points.back()?);
        let passed = last_at.duration_since(*first_at);
        (passed >= FIRST).then(|| last.saturating_sub(*first) as f64 / passed.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_seconds_count() {
        let start = Instant::now();
        let mut speed = Speed::default();
        for tenth in 0..=100_u64 {
            // A thousand bytes a second at first, then ten thousand.
            let n = if tenth < 50 { tenth * 100 } else { 5_000 + (tenth - 50) * 1_000 };
            speed.note(start + Duration::from_millis(100 * tenth), n);
            if tenth == 3 {
                assert_eq!(speed.per_second(), None);
            }
        }
        let found = speed.per_second().expect("enough has passed");
        assert!((found - 10_000.0).abs() < 600.0, "{found}");
    }
}
