//! How durations and costs are written.

use std::time::Duration;

use crate::protocol::{DecodingOrder, Progress};
use crate::state::AppState;

/// As people say it: `84 ms`, `1.2 s`, `2 min 5 s`.
pub(super) fn duration_text(duration: Duration) -> String {
    let secs = duration.as_secs_f64();
    if secs < 0.9995 {
        format!("{} ms", (secs * 1e3).round())
    } else if secs < 59.95 {
        format!("{secs:.1} s")
    } else {
        let secs = secs.round() as u64;
        format!("{} min {} s", secs / 60, secs % 60)
    }
}

/// What of a picture is still to come: `0.1 s left`. Nothing for what is over before it is read.
pub(super) fn time_left(state: &AppState, now: f64) -> Option<String> {
    // In live mode one picture follows another; only long ones are waited for.
    let least = Duration::from_millis(if state.is_live() { 1000 } else { 50 });
    let job = state.job.as_ref()?;
    let in_scale = if job.advanced_at > 0.0 { (now - job.advanced_at).max(0.0) } else { 0.0 };
    let in_scale = Duration::try_from_secs_f64(in_scale).ok()?;
    let left = match state.order() {
        DecodingOrder::NextScale => state.costs.left_of(job, in_scale),
        DecodingOrder::Raster => state.costs.left_of_rows(job, &state.pace, in_scale),
    };
    let left = left.filter(|left| *left >= least)?;
    let secs = left.as_secs_f64();
    // Who waits for minutes is not helped by tenths.
    let is_calm = state.order() == DecodingOrder::Raster;
    Some(if is_calm && secs < 59.5 {
        format!("{} s left", secs.ceil())
    } else if secs < 60.0 {
        format!("{secs:.1} s left")
    } else {
        format!("{} left", duration_text(left))
    })
}

/// How fast tokens come: `2.1 tokens/s`.
pub(super) fn pace(state: &AppState) -> Option<String> {
    let per_sec = state.pace.secs_per_token().filter(|secs| *secs > 0.0)?.recip();
    let decimals = usize::from(per_sec < 10.0);
    Some(format!("{per_sec:.decimals$} tokens/s"))
}

/// `token 380 of 1,024`.
pub(super) fn tokens(progress: Progress) -> String {
    let Progress { n_tokens, n_wanted } = progress;
    format!("token {} of {}", grouped(n_tokens), grouped(n_wanted))
}

/// Thousands apart.
fn grouped(n: usize) -> String {
    if n < 1000 { n.to_string() } else { format!("{},{:03}", grouped(n / 1000), n % 1000) }
}

/// What a whole picture takes: `Takes 250 ms`.
pub(super) fn of_picture(state: &AppState) -> Option<String> {
    let n_scales = state.model()?.scales.len();
    let cost = state.costs.of_run(0..n_scales)?;
    Some(format!("Takes {}", duration_text(cost)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        let texts = [0, 999, 1024, 12_003, 1_000_000].map(grouped);
        assert_eq!(texts, ["0", "999", "1,024", "12,003", "1,000,000"]);
    }

    #[test]
    fn durations_are_short_and_never_wrong_by_more_than_they_show() {
        let texts = [0.0, 0.084, 0.9996, 1.24, 59.96, 125.0]
            .map(|secs| duration_text(Duration::from_secs_f64(secs)));
        assert_eq!(texts, ["0 ms", "84 ms", "1.0 s", "1.2 s", "1 min 0 s", "2 min 5 s"]);
    }
}
