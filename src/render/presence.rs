//! What the view knows about the renderer behind its callbacks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Tells the view whether its callbacks reach an installed renderer, and what that has drawn.
///
/// The view cannot see the renderer, and a callback that nobody runs leaves a hole; so each
/// callback reports back, and until the first report the view draws with plain egui.
#[derive(Debug, Clone, Default)]
pub struct GpuPresence(Arc<Mutex<Report>>);

#[derive(Debug, Default)]
struct Report {
    is_confirmed: bool,
    draws_strokes: bool,
    /// Serial of the stroke and how many of its settled stamps are in the mask.
    drawn: Option<(u64, usize)>,
}

impl GpuPresence {
    /// Whether a callback with this mark has been prepared by an installed renderer.
    pub fn is_confirmed(&self) -> bool {
        self.report().is_confirmed
    }

    /// Whether the renderer draws the stroke under the pen itself.
    pub fn draws_strokes(&self) -> bool {
        self.report().draws_strokes
    }

    /// How many settled stamps of a stroke the renderer has drawn; only those after them need to
    /// be sent.
    pub fn n_drawn_stamps(&self, stroke_serial: u64) -> usize {
        let drawn = self.report().drawn.filter(|(serial, _)| *serial == stroke_serial);
        drawn.map_or(0, |(_, n_stamps)| n_stamps)
    }

    pub(super) fn confirm(&self) {
        self.report().is_confirmed = true;
    }

    pub(super) fn report_strokes(&self, draws_strokes: bool, drawn: Option<(u64, usize)>) {
        let mut report = self.report();
        report.draws_strokes = draws_strokes;
        report.drawn = drawn;
    }

    fn report(&self) -> MutexGuard<'_, Report> {
        // Plain values are whole even if a panic came between.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
