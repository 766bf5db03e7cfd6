//! How live mode is doing: what the status bar tells.

use std::collections::VecDeque;
use std::time::Duration;

/// Previews that the figures speak of: the last half minute of drawing.
const N_REMEMBERED: usize = 512;

/// Times from a change to the first picture that shows it.
#[derive(Debug, Clone, Default)]
pub struct LiveStats {
    latencies: VecDeque<Duration>,
    /// Runs that a newer one replaced while they ran.
    pub n_superseded: u64,
    /// Requests that a newer one replaced before they began.
    pub n_skipped: u64,
}

impl LiveStats {
    pub fn record(&mut self, latency: Duration) {
        if self.latencies.len() == N_REMEMBERED {
            self.latencies.pop_front();
        }
        self.latencies.push_back(latency);
    }

    /// Of the newest preview.
    pub fn last(&self) -> Option<Duration> {
        self.latencies.back().copied()
    }

    pub fn len(&self) -> usize {
        self.latencies.len()
    }

    pub fn is_empty(&self) -> bool {
        self.latencies.is_empty()
    }

    /// The time that a share of the previews took at most; `share` in [0, 1].
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let mut sorted: Vec<_> = self.latencies.iter().copied().collect();
        sorted.sort_unstable();
        let last_idx = sorted.len().checked_sub(1)?;
        sorted.get((share.clamp(0.0, 1.0) * last_idx as f64).ceil() as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_newest_previews() {
        let mut stats = LiveStats::default();
        assert_eq!((stats.last(), stats.quantile(0.5)), (None, None));
        for ms in 0..2000 {
            stats.record(Duration::from_millis(ms));
        }
        assert_eq!(stats.len(), N_REMEMBERED);
        assert_eq!(stats.last(), Some(Duration::from_millis(1999)));
        assert_eq!(stats.quantile(0.0), Some(Duration::from_millis(1488)));
        assert_eq!(stats.quantile(1.0), stats.last());
    }
}
