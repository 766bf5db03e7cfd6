//! Where the entries stand: equal cells in rows, computed and not stored, whatever their number.

use std::ops::Range;

use egui::{Rect, pos2, vec2};

const MIN_CELL: f32 = 112.0;
const MAX_CELL: f32 = 148.0;
pub(super) const GAP: f32 = 8.0;
/// Under the picture.
pub(super) const CAPTION_HEIGHT: f32 = 22.0;

/// The grid of a list at a width.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Places {
    n_entries: usize,
    pub(super) n_columns: usize,
    /// Side of a picture.
    pub(super) cell: f32,
}

/// A step by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Left,
    Right,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
}

impl Places {
    /// `width` in points.
    pub(super) fn new(n_entries: usize, width: f32) -> Self {
        let n_columns = (((width + GAP) / (MIN_CELL + GAP)) as usize).max(1);
        let cell = (width - GAP * (n_columns - 1) as f32) / n_columns as f32;
        Self { n_entries, n_columns, cell: cell.clamp(16.0, MAX_CELL).floor() }
    }

    /// For steps, which need no width.
    pub(super) fn with_columns(n_entries: usize, n_columns: usize) -> Self {
        Self { n_entries, n_columns: n_columns.max(1), cell: MIN_CELL }
    }

    pub(super) fn row_height(self) -> f32 {
        self.cell + CAPTION_HEIGHT + GAP
    }

    /// Of all rows together.
    pub(super) fn height(self) -> f32 {
        self.n_entries.div_ceil(self.n_columns) as f32 * self.row_height()
    }

    /// Entries in rows that can be seen between two heights.
    pub(super) fn between(self, top: f32, bottom: f32) -> Range<usize> {
        let row = |height: f32| (height.max(0.0) / self.row_height()) as usize;
        let end = if bottom > 0.0 { row(bottom) + 1 } else { 0 };
        let first = (row(top) * self.n_columns).min(self.n_entries);
        first..(end * self.n_columns).clamp(first, self.n_entries)
    }

    /// Picture and caption of an entry, from the top left of the grid.
    pub(super) fn rect(self, place: usize) -> Rect {
        let (row, column) = (place / self.n_columns, place % self.n_columns);
        let corner = pos2(column as f32 * (self.cell + GAP), row as f32 * self.row_height());
        Rect::from_min_size(corner, vec2(self.cell, self.cell + CAPTION_HEIGHT))
    }

    /// Where a step leads from a place.
    pub(super) fn after(self, place: usize, step: Step, n_rows_per_page: usize) -> Option<usize> {
        let last = self.n_entries.checked_sub(1)?;
        let up = |n_rows: usize| {
            let n_rows = n_rows.min(place / self.n_columns);
            place - n_rows * self.n_columns
        };
        let down = |n_rows: usize| {
            let n_below = last / self.n_columns - place / self.n_columns;
            (place + n_rows.min(n_below) * self.n_columns).min(last)
        };
        let place = place.min(last);
        Some(match step {
            Step::Left => place.saturating_sub(1),
            Step::Right => (place + 1).min(last),
            Step::Up => up(1),
            Step::Down => down(1),
            Step::PageUp => up(n_rows_per_page),
            Step::PageDown => down(n_rows_per_page),
            Step::First => 0,
            Step::Last => last,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_in_sight_are_laid_out() {
        let places = Places::new(100_000, 500.0);
        assert_eq!(places.n_columns, 4);
        let row = places.row_height();
        assert_eq!(places.between(0.0, row - 1.0), 0..4);
        assert_eq!(places.between(10.0 * row + 1.0, 12.0 * row - 1.0), 40..48);
        assert_eq!(places.between(-50.0, -1.0), 0..0);
        assert_eq!(places.between(places.height() - 1.0, places.height() + 900.0).end, 100_000);
        assert!(places.rect(99_999).bottom() <= places.height());
        assert!(places.rect(3).right() <= 500.0);
        assert_eq!(Places::new(0, 500.0).between(0.0, 900.0), 0..0);
    }

    #[test]
    fn keys_lead_to_the_neighbours_and_never_out() {
        let places = Places::new(10, 500.0);
        let after = |place, step| places.after(place, step, 2);
        assert_eq!(after(0, Step::Left), Some(0));
        assert_eq!(after(9, Step::Right), Some(9));
        assert_eq!(after(7, Step::Down), Some(9), "the last of a shorter row");
        assert_eq!(after(9, Step::Down), Some(9));
        assert_eq!(after(5, Step::Up), Some(1));
        assert_eq!(after(1, Step::Up), Some(1));
        assert_eq!(after(0, Step::PageDown), Some(8));
        assert_eq!(after(9, Step::PageUp), Some(1));
        assert_eq!((after(3, Step::First), after(3, Step::Last)), (Some(0), Some(9)));
        assert_eq!(Places::new(0, 500.0).after(0, Step::Down, 1), None);
    }
}
