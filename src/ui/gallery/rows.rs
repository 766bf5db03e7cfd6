//! Where the pictures stand in the grid: rows of equal cells, first of those that are in no file
//! yet, then under the day that they were made on. Computed once per list and width, so that a frame looks only at the rows that it shows.

use std::ops::Range;

use egui::{Rect, Vec2, pos2, vec2};

use crate::protocol::{Day, Listing};

const MIN_CELL: f32 = 124.0;
const MAX_CELL: f32 = 160.0;
pub(super) const GAP: f32 = 8.0;
const DAY_HEIGHT: f32 = 40.0;
/// After the last row of a day.
const DAY_GAP: f32 = 8.0;

/// The grid of one list.
#[derive(Debug, Default)]
pub(super) struct Rows {
    made_of: Option<MadeOf>,
    list: Vec<Row>,
    height: f32,
    cell: f32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct MadeOf {
    n_unsaved: usize,
    /// Of the listing of files.
    serial: u64,
    /// All together.
    n_pictures: usize,
    width: f32,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// Below the top of the grid.
    pub(super) top: f32,
    pub(super) kind: RowKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum RowKind {
    Title {
        section: Section,
        first: usize,
        n_pictures: usize,
    },
    /// Places in the list.
    Cells(Range<usize>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// Of this session, in no file yet.
    Unsaved,
    Day(Day),
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

impl Row {
    /// Of the title of a section.
    pub(super) fn title_rect(&self, width: f32) -> Rect {
        Rect::from_min_size(pos2(0.0, self.top), vec2(width, DAY_HEIGHT))
    }
}

impl Rows {
    /// Brings the rows in line with the list of files, what stands before it, and the width in
    /// points.
    pub(super) fn update(&mut self, n_unsaved: usize, listing: Option<&Listing>, width: f32) {
        let files = listing.map_or(&[][..], |listing| &listing.pictures);
        let serial = listing.map_or(0, |listing| listing.serial);
        let made_of = MadeOf { n_unsaved, serial, n_pictures: n_unsaved + files.len(), width };
        if self.made_of == Some(made_of) {
            return;
        }
        let n_columns = (((width + GAP) / (MIN_CELL + GAP)) as usize).max(1);
        let cell = (width - GAP * (n_columns - 1) as f32) / n_columns as f32;
        let cell = cell.clamp(16.0, MAX_CELL).floor();
        let mut rows = Vec::new();
        let mut top = 0.0;
        let mut first = 0;
        let unsaved = (n_unsaved > 0).then_some((Section::Unsaved, n_unsaved));
        let days = files
            .chunk_by(|a, b| a.day() == b.day())
            .map(|pictures| (Section::Day(pictures[0].day()), pictures.len()));
        for (section, n_pictures) in unsaved.into_iter().chain(days) {
            rows.push(Row { top, kind: RowKind::Title { section, first, n_pictures } });
            top += DAY_HEIGHT;
            let end = first + n_pictures;
            while first < end {
                let cells = first..(first + n_columns).min(end);
                first = cells.end;
                rows.push(Row { top, kind: RowKind::Cells(cells) });
                top += cell + GAP;
            }
            top += DAY_GAP;
        }
        *self = Self { made_of: Some(made_of), list: rows, height: top, cell };
    }

    /// Of all rows together.
    pub(super) fn height(&self) -> f32 {
        self.height
    }

    /// Side of a cell.
    pub(super) fn cell(&self) -> f32 {
        self.cell
    }

    /// Rows that can be seen between two heights.
    pub(super) fn between(&self, top: f32, bottom: f32) -> &[Row] {
        let first = self.list.partition_point(|row| row.top <= top).saturating_sub(1);
        let end = self.list.partition_point(|row| row.top < bottom);
        self.list.get(first..end.max(first)).unwrap_or_default()
    }

    /// Pictures in rows that can be seen between two heights.
    pub(super) fn places_between(&self, top: f32, bottom: f32) -> impl Iterator<Item = usize> {
        let cells = |row: &Row| match &row.kind {
            RowKind::Cells(cells) => cells.clone(),
            RowKind::Title { .. } => 0..0,
        };
        self.between(top, bottom).iter().flat_map(cells)
    }

    /// Cell of a picture whose row begins with place `first`.
    pub(super) fn cell_rect(&self, row: &Row, first: usize, place: usize) -> Rect {
        let left = (place - first) as f32 * (self.cell + GAP);
        Rect::from_min_size(pos2(left, row.top), Vec2::splat(self.cell))
    }

    /// Where a picture stands, with the title of its day if that is right above it.
    pub(super) fn rect_to_reveal(&self, place: usize) -> Option<Rect> {
        let (row_idx, cells) = self.row_of(place)?;
        let row = &self.list[row_idx];
        let mut rect = self.cell_rect(row, cells.start, place);
        if let Some(Row { top, kind: RowKind::Title { .. } }) =
            row_idx.checked_sub(1).map(|idx| &self.list[idx])
        {
            rect.min.y = *top;
        }
        Some(rect.expand2(vec2(0.0, GAP)))
    }

    /// Where a step leads from a place.
    pub(super) fn after(&self, place: usize, step: Step, n_rows_per_page: usize) -> Option<usize> {
        let last = self.made_of.as_ref()?.n_pictures.checked_sub(1)?;
        let by_rows = |n_rows: isize| {
            let (row_idx, cells) = self.row_of(place)?;
            let column = place - cells.start;
            let is_cells = |row: &&Row| matches!(row.kind, RowKind::Cells(_));
            let target = if n_rows < 0 {
                let above = self.list[..row_idx].iter().rev().filter(is_cells);
                above.take(n_rows.unsigned_abs()).last()
            } else {
                let below = self.list[row_idx + 1..].iter().filter(is_cells);
                below.take(n_rows.unsigned_abs()).last()
            };
            match target.map(|row| &row.kind) {
                Some(RowKind::Cells(cells)) => Some((cells.start + column).min(cells.end - 1)),
                _ => Some(place),
            }
        };
        let page = n_rows_per_page.max(1) as isize;
        match step {
            Step::Left => Some(place.saturating_sub(1)),
            Step::Right => Some((place + 1).min(last)),
            Step::Up => by_rows(-1),
            Step::Down => by_rows(1),
            Step::PageUp => by_rows(-page),
            Step::PageDown => by_rows(page),
            Step::First => Some(0),
            Step::Last => Some(last),
        }
    }

    fn row_of(&self, place: usize) -> Option<(usize, Range<usize>)> {
        // A title begins where its first row does, and stands before it.
        let first = |row: &Row| match &row.kind {
            RowKind::Cells(cells) => cells.start,
            RowKind::Title { first, .. } => *first,
        };
        let row_idx = self.list.partition_point(|row| first(row) <= place).checked_sub(1)?;
        match &self.list[row_idx].kind {
            RowKind::Cells(cells) if cells.contains(&place) => Some((row_idx, cells.clone())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{KnownPicture, PictureId};

    /// Two days with 5 and 3 pictures.
    fn rows(width: f32) -> Rows {
        rows_after(0, width)
    }

    /// The same after pictures that are in no file.
    fn rows_after(n_unsaved: usize, width: f32) -> Rows {
        let picture = |n: i64| KnownPicture {
            id: PictureId(n),
            path: format!("{n}.png").into(),
            prompt: String::new(),
            seed: None,
            model: None,
            software: None,
            size_px: None,
            n_bytes: 1,
            written_at_secs: if n < 5 { 86_400 * 3 } else { 0 },
            problem: None,
            is_starred: false,
        };
        let listing = Listing { pictures: (0..8).map(picture).collect(), ..Listing::default() };
        let mut rows = Rows::default();
        rows.update(n_unsaved, Some(&listing), width);
        rows
    }

    #[test]
    fn every_picture_has_a_cell_under_its_day() {
        let rows = rows(400.0);
        let kinds: Vec<_> = rows.list.iter().map(|row| row.kind.clone()).collect();
        let day = |day, first, n_pictures| {
            let section = Section::Day(Day(day));
            RowKind::Title { section, first, n_pictures }
        };
        let expected = [
            day(3, 0, 5),
            RowKind::Cells(0..3),
            RowKind::Cells(3..5),
            day(0, 5, 3),
            RowKind::Cells(5..8),
        ];
        assert_eq!(kinds, expected);
        for place in 0..8 {
            let rect = rows.rect_to_reveal(place).expect("it has a cell");
            assert!(rect.left() >= 0.0 && rect.right() <= 400.0);
        }
        assert_eq!(rows.rect_to_reveal(8), None);
        let seen = |top, bottom| rows.places_between(top, bottom).collect::<Vec<_>>();
        assert_eq!(seen(0.0, 10_000.0), (0..8).collect::<Vec<_>>());
        assert_eq!(seen(0.0, 60.0), [0, 1, 2]);
        assert_eq!(seen(rows.height - 20.0, rows.height), [5, 6, 7]);
    }

    #[test]
    fn what_is_in_no_file_stands_first_under_a_title_of_its_own() {
        let rows = rows_after(4, 400.0);
        let kinds: Vec<_> = rows.list.iter().map(|row| row.kind.clone()).take(4).collect();
        let title = |section, first, n_pictures| RowKind::Title { section, first, n_pictures };
        let expected = [
            title(Section::Unsaved, 0, 4),
            RowKind::Cells(0..3),
            RowKind::Cells(3..4),
            title(Section::Day(Day(3)), 4, 5),
        ];
        assert_eq!(kinds, expected);
        assert_eq!(rows.after(3, Step::Down, 2), Some(4));
        assert_eq!(rows.after(0, Step::Last, 2), Some(11));
        let mut alone = Rows::default();
        alone.update(2, None, 400.0);
        assert_eq!(alone.after(0, Step::Last, 2), Some(1));
    }

    #[test]
    fn keys_lead_to_the_neighbours_and_never_out() {
        let rows = rows(400.0);
        let after = |place, step| rows.after(place, step, 2);
        assert_eq!(after(0, Step::Left), Some(0));
        assert_eq!(after(4, Step::Right), Some(5));
        assert_eq!(after(7, Step::Right), Some(7));
        assert_eq!(after(2, Step::Down), Some(4), "the last of a shorter row");
        assert_eq!(after(4, Step::Down), Some(6));
        assert_eq!(after(6, Step::Up), Some(4));
        assert_eq!(after(1, Step::Up), Some(1));
        assert_eq!(after(0, Step::PageDown), Some(5));
        assert_eq!(after(0, Step::Last), Some(7));
        assert_eq!(Rows::default().after(0, Step::Down, 1), None);
    }
}
