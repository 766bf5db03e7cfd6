//! What the parts of a picture cost on this machine, as measured: the number of tokens per scale is
//! fixed, so the time that a run takes is a sum and no guess.

use std::ops::Range;
use std::time::Duration;

use super::growing::Pace;
use super::job::Job;
use crate::protocol::{DecodingOrder, ModelInfo, Previews, Timings};

/// Share of a new measurement in the running mean.
const LEARNING: f64 = 0.25;

/// Running means of what one picture costs, in seconds; nothing before the first was measured.
#[derive(Debug, Clone, Default)]
pub struct Costs {
    prepare: Option<f64>,
    scales: Vec<Option<f64>>,
    decode: Option<f64>,
    draft: Option<f64>,
    /// Of a raster model: its rows. They all cost about the same, and only the last one is decoded;
    /// of the others a mosaic is shown.
    n_rows: Option<usize>,
    /// Decoding a finished picture of rows.
    finish: Option<f64>,
}

/// How a preview is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoding {
    Whole,
    Draft,
}

impl Costs {
    /// Nothing measured yet.
    pub fn of_model(model: &ModelInfo) -> Self {
        let n_rows = (model.order == DecodingOrder::Raster).then_some(model.scales.len());
        Self { n_rows, ..Self::default() }
    }

    /// Takes over what the beginning of a run took that went through `first_idx` and the scales
    /// after it, and in which `n_decoded` pictures were decoded in this way.
    pub fn observe_start(
        &mut self,
        timings: &Timings,
        first_idx: usize,
        n_decoded: usize,
        decoding: Decoding,
    ) {
        learn(&mut self.prepare, timings.prepare.as_secs_f64());
        // Rows are observed one by one.
        if self.n_rows.is_some() {
            return;
        }
        if n_decoded > 0 {
            let mean = match decoding {
                Decoding::Whole => &mut self.decode,
                Decoding::Draft => &mut self.draft,
            };
            learn(mean, timings.decode.as_secs_f64() / n_decoded as f64);
        }
        self.observe_scales(first_idx, &timings.scales);
    }

    /// Takes over what decoding a finished picture of rows took.
    pub fn observe_finish(&mut self, decoding: Duration) {
        learn(&mut self.finish, decoding.as_secs_f64());
    }

    /// Takes over what these scales took, from `first_idx` on.
    pub fn observe_scales(&mut self, first_idx: usize, scales: &[Duration]) {
        let end = first_idx + scales.len();
        if self.scales.len() < end {
            self.scales.resize(end, None);
        }
        for (mean, scale) in self.scales[first_idx..].iter_mut().zip(scales) {
            learn(mean, scale.as_secs_f64());
        }
    }

    /// Seconds before the first scale.
    pub fn prepare_secs(&self) -> Option<f64> {
        self.prepare
    }

    /// Seconds to decode one picture.
    pub fn decode_secs(&self, decoding: Decoding) -> Option<f64> {
        match decoding {
            Decoding::Whole => self.decode,
            Decoding::Draft => self.draft,
        }
    }

    /// Seconds of each scale, coarse to fine, up to the first that was never measured.
    pub fn scale_secs(&self) -> impl Iterator<Item = f64> {
        self.scales.iter().map_while(|scale| *scale)
    }

    /// What it takes to draw these scales of `n_pictures` and to decode each picture once; `None`
    /// if some of it was never measured.
    pub fn of_drawing(&self, scales: Range<usize>, n_pictures: usize) -> Option<Duration> {
        let decode = match self.n_rows {
            Some(_) => self.finish_secs(scales.end),
            None => self.decode?,
        };
        let each = self.of_scales(scales)? + decode;
        seconds(self.prepare? + n_pictures as f64 * each)
    }

    /// What a run through these scales takes of which each is decoded, for the strip.
    pub fn of_run(&self, scales: Range<usize>) -> Option<Duration> {
        let decode = match self.n_rows {
            Some(_) => self.finish_secs(scales.end),
            None => scales.len() as f64 * self.decode?,
        };
        seconds(self.prepare? + self.of_scales(scales)? + decode)
    }

    /// What a job of a raster model has still to do, from the pace of its tokens; before the first
    /// one, from what rows took before. `since` is the time since its last token.
    pub fn left_of_rows(&self, job: &Job, pace: &Pace, since: Duration) -> Option<Duration> {
        if !job.is_running() {
            return None;
        }
        let finish = Duration::try_from_secs_f64(self.finish_secs(job.n_wanted)).ok()?;
        if let Some(growing) = &job.growing
            && let Some(left) = pace.left(growing.progress, since)
        {
            return Some(left + finish);
        }
        let n_done = job.n_done().max(job.n_given()).min(job.n_wanted);
        let prepare = if job.timings.scales.is_empty() { self.prepare? } else { 0.0 };
        let left = seconds(prepare + self.of_scales(n_done..job.n_wanted)?)?;
        Some(left.saturating_sub(since) + finish)
    }

    /// What a job has still to do; `None` if it has ended or some of it was never measured.
    /// `in_scale` is the time since its last scale was done.
    pub fn left_of(&self, job: &Job, in_scale: Duration) -> Option<Duration> {
        if !job.is_running() {
            return None;
        }
        let n_done = job.n_done().max(job.n_given()).min(job.n_wanted);
        let decoding =
            if job.request.previews == Previews::Draft { Decoding::Draft } else { Decoding::Whole };
        let decodes_all = decoding == Decoding::Whole
            && (job.n_wanted == job.stills.len() || job.request.previews == Previews::EveryScale);
        let n_missing = job.stills[..job.n_wanted].iter().filter(|still| still.is_none()).count();
        let n_to_decode = if decodes_all { n_missing } else { n_missing.min(1) };
        let n_pictures = job.request.seeds.len() as f64;
        let draw = n_pictures * self.of_scales(n_done..job.n_wanted)?;
        let begun = in_scale
            .as_secs_f64()
            .min(n_pictures * self.scales.get(n_done).copied().flatten().unwrap_or_default());
        let decode = n_to_decode as f64 * self.decode_secs(decoding).or(self.decode)?;
        let prepare = if n_done == job.n_given() { self.prepare? } else { 0.0 };
        seconds(prepare + draw - begun + decode)
    }

    fn of_scales(&self, scales: Range<usize>) -> Option<f64> {
        let any = self.n_rows.and_then(|_| self.mean_row());
        scales.map(|scale_idx| self.scales.get(scale_idx).copied().flatten().or(any)).sum()
    }

    /// Of the rows that were measured.
    fn mean_row(&self) -> Option<f64> {
        let known: Vec<_> = self.scales.iter().copied().flatten().collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    }

    /// What decoding takes after so many rows; nothing before that was measured.
    fn finish_secs(&self, n_rows: usize) -> f64 {
        self.finish.filter(|_| self.n_rows == Some(n_rows)).unwrap_or_default()
    }
}

fn seconds(secs: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(secs.max(0.0)).ok()
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

    #[test]
    fn a_drawing_costs_the_sum_of_its_parts() {
        let mut costs = Costs::default();
        assert_eq!(costs.of_drawing(0..2, 1), None, "nothing was measured");
        let timings =
            Timings { prepare: ms(10), scales: vec![ms(1), ms(2)], decode: ms(40), total: ms(53) };
        costs.observe_start(&timings, 0, 2, Decoding::Whole);
        assert_eq!(costs.of_drawing(0..2, 1), Some(ms(33)));
        assert_eq!(costs.of_drawing(0..2, 3), Some(ms(79)));
        assert_eq!(costs.of_drawing(0..3, 1), None, "the third scale was never run");
        costs.observe_scales(2, &[ms(8)]);
        assert_eq!(costs.of_drawing(1..3, 1), Some(ms(40)));
    }

    #[test]
    fn rows_that_were_never_drawn_cost_as_much_as_the_others() {
        let mut costs = Costs { n_rows: Some(4), ..Costs::default() };
        costs.observe_start(
            &Timings { prepare: ms(10), ..Timings::default() },
            0,
            1,
            Decoding::Whole,
        );
        assert_eq!(costs.of_run(0..4), None);
        costs.observe_scales(0, &[ms(100)]);
        costs.observe_scales(1, &[ms(120)]);
        assert_eq!(costs.of_run(0..4), Some(ms(450)));
        costs.observe_finish(ms(50));
        assert_eq!(costs.of_run(0..4), Some(ms(500)), "the last row is decoded");
        assert_eq!(costs.of_run(0..3), Some(ms(340)), "what is stopped before is not");
        assert_eq!(costs.of_drawing(0..4, 2), Some(ms(990)));
    }

    #[test]
    fn what_went_on_from_later_scales_leaves_a_gap() {
        let mut costs = Costs::default();
        costs.observe_scales(2, &[ms(8)]);
        assert_eq!(costs.scale_secs().count(), 0);
        assert_eq!(costs.of_scales(2..3), Some(0.008));
    }
}
