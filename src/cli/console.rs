//! Standard output for results, standard error for people. A reader that goes away is no error.

use std::io::{self, Write as _};
use std::ops::Range;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::CliError;
use crate::protocol::{DecodingOrder, ModelInfo};

/// `error: …` and, if asked for, the causes on a second line.
pub(super) fn print_error(error: &CliError, verbose: bool) {
    print_line(&format!("error: {}", error.to_string().replace('\n', " ")));
    let causes = error.causes();
    if verbose && !causes.is_empty() {
        print_line(&format!("cause: {causes}"));
    }
}

/// A line on standard error. If nobody listens there, nothing is to be done.
pub(super) fn print_line(line: &str) {
    writeln!(io::stderr(), "{line}").ok();
}

/// A result on standard output.
///
/// # Errors
/// If it cannot be written; a closed pipe is fine.
pub(super) fn print_result(text: &str) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// A report as one JSON object on standard output.
///
/// # Errors
/// If it cannot be written; a closed pipe is fine.
pub(super) fn print_json(report: &impl Serialize) -> Result<(), CliError> {
    let json = serde_json::to_string_pretty(report).map_err(io::Error::from)?;
    print_result(&json)
}

/// The look of a bar.
pub(super) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The progress bar and the remarks, as far as they are wanted.
pub(super) struct Console {
    bar: ProgressBar,
    remarks: bool,
}

impl Console {
    /// Shows remarks, and progress if standard error is a terminal.
    pub(super) fn talkative() -> Self {
        Self::new(ProgressDrawTarget::stderr(), true)
    }

    /// Shows nothing.
    pub(super) fn silent() -> Self {
        Self::new(ProgressDrawTarget::hidden(), false)
    }

    fn new(target: ProgressDrawTarget, remarks: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), target);
        Self { bar, remarks }
    }

    /// A bar for pictures whose `scales` are to be drawn: in scales, or in tokens if they are drawn
    /// one by one.
    pub(super) fn begin(&self, model: &ModelInfo, n_pictures: usize, scales: Range<usize>) {
        let (template, n) = match model.order {
            DecodingOrder::NextScale => ("{wide_bar} {pos}/{len} scales {msg}", scales.len()),
            DecodingOrder::Raster => (
                "{wide_bar} {pos}/{len} tokens, {per_sec}, {eta} left {msg}",
                model.n_tokens().skip(scales.start).take(scales.len()).sum(),
            ),
        };
        self.bar.set_style(style(template));
        self.bar.set_length((n_pictures * n) as u64);
        self.bar.reset_eta();
    }

    pub(super) fn picture(&self, number: usize, n_pictures: usize) {
        if n_pictures > 1 {
            self.bar.set_message(format!("picture {number} of {n_pictures}"));
        }
    }

    /// As many more scales, or tokens if they are drawn one by one.
    pub(super) fn drawn(&self, n: usize) {
        self.bar.inc(n as u64);
    }

    pub(super) fn remark(&self, text: &str) {
        if self.remarks {
            self.bar.suspend(|| print_line(&format!("note: {text}")));
        }
    }

    /// A result while the bar is shown.
    pub(super) fn result(&self, text: &str) -> Result<(), CliError> {
        self.bar.suspend(|| print_result(text))
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
