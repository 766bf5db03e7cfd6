//! Figures of a session, and how they stand beside their bars.

use std::time::Duration;

/// Many times of one kind.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The time that this share of them took at most, by rank.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last_idx = sorted.len().saturating_sub(1);
        sorted.get((share * last_idx as f64).ceil() as usize).copied().unwrap_or_default()
    }

    /// One row of the table; with a bar for one of the quantiles, whether it holds.
    pub(crate) fn print(&self, name: &str, bar: Option<(f64, Duration)>) {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let [p50, p95, p99, most] = [0.5, 0.95, 0.99, 1.0].map(|share| ms(self.quantile(share)));
        print!("{name:<34}{:>7}{p50:>9.1}{p95:>9.1}{p99:>9.1}{most:>9.1}", self.len());
        match bar {
            None => println!(),
            Some((share, bar)) => {
                let verdict = if self.quantile(share) <= bar { "holds" } else { "MISSED" };
                println!("   p{:.0} ≤ {:.0} ms: {verdict}", share * 100.0, ms(bar));
            }
        }
    }

    pub(crate) fn print_head() {
        println!(
            "{:<34}{:>7}{:>9}{:>9}{:>9}{:>9}",
            "milliseconds", "n", "p50", "p95", "p99", "most"
        );
    }
}
