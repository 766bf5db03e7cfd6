//! A picture that is drawn row by row: what is still to come is hatched, and a thin line stands
//! between it and what is there, with a mark at the next token.

use egui::{Color32, Painter, Rect, Stroke, Visuals, pos2};

use crate::state::Rows;
use crate::ui::theme::Palette;

/// Points between two lines of the hatching.
const GAP: f32 = 9.0;

/// Where a picture of rows is there and where not, in any space.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frontier {
    /// Of the row that is not finished: what is still to come of it.
    rest_of_row: Rect,
    /// All rows after it.
    rows_below: Rect,
    /// The token that is drawn next.
    next: Rect,
}

impl Frontier {
    pub(super) fn of(rows: &Rows, picture: Rect) -> Self {
        let height = picture.height() / rows.n_rows.max(1) as f32;
        let width = picture.width() / rows.n_columns.max(1) as f32;
        let top = picture.top() + rows.n_done as f32 * height;
        let left = picture.left() + rows.n_in_row as f32 * width;
        let bottom = (top + height).min(picture.bottom());
        // Before a row has begun there is no step in the line.
        let bottom_of_rest = if rows.n_in_row == 0 { top } else { bottom };
        Self {
            rest_of_row: Rect::from_min_max(pos2(left, top), pos2(picture.right(), bottom_of_rest)),
            rows_below: Rect::from_min_max(
                pos2(picture.left(), bottom_of_rest),
                picture.right_bottom(),
            ),
            next: Rect::from_min_max(pos2(left, top), pos2(left + width, bottom)),
        }
    }
}

/// Paints over the picture what there is not yet of it.
pub(super) fn paint(painter: &Painter, visuals: &Visuals, rows: &Rows, picture_in_ui: Rect) {
    let palette = Palette::of(visuals);
    let frontier = Frontier::of(rows, picture_in_ui);
    for rest in [frontier.rest_of_row, frontier.rows_below] {
        hatch(painter, palette, rest);
    }
    let ink = if rows.is_drawing { palette.accent } else { palette.line_strong };
    paint_line(painter, &frontier, Stroke::new(1.0, ink));
    if rows.is_drawing {
        paint_next(painter, palette, frontier.next);
    }
}

/// Quiet stripes over a quiet ground. They stay in their place while the picture grows.
pub(in crate::ui) fn hatch(painter: &Painter, palette: &Palette, rest: Rect) {
    let seen = rest.intersect(painter.clip_rect());
    if !seen.is_positive() {
        return;
    }
    let painter = painter.with_clip_rect(seen);
    painter.rect_filled(seen, 0.0, palette.to_come);
    let stroke = Stroke::new(1.0, palette.to_come_line);
    // All points of a line have the same x + y.
    let first = ((seen.left() + seen.top()) / GAP).ceil() as i64;
    let last = ((seen.right() + seen.bottom()) / GAP).floor() as i64;
    for line in first..=last {
        let sum = line as f32 * GAP;
        let from = pos2(sum - seen.top(), seen.top());
        let to = pos2(sum - seen.bottom(), seen.bottom());
        painter.line_segment([from, to], stroke);
    }
}

/// Under what is there, and down the edge of the last token.
fn paint_line(painter: &Painter, frontier: &Frontier, stroke: Stroke) {
    let Frontier { rest_of_row, rows_below, .. } = frontier;
    let left = rest_of_row.left();
    painter.hline(rows_below.left()..=left, rows_below.top(), stroke);
    painter.vline(left, rest_of_row.top()..=rows_below.top(), stroke);
    painter.hline(left..=rest_of_row.right(), rest_of_row.top(), stroke);
}

fn paint_next(painter: &Painter, palette: &Palette, next: Rect) {
    let glow: Color32 = palette.accent.gamma_multiply(0.4);
    painter.rect_filled(next, 0.0, glow);
    let mark = Stroke::new(2.0, palette.accent);
    painter.vline(next.left(), next.y_range(), mark);
}

#[cfg(test)]
mod tests {
    use egui::Vec2;

    use super::*;

    fn frontier(n_done: usize, n_in_row: usize) -> Frontier {
        let rows = Rows { n_rows: 4, n_done, n_columns: 8, n_in_row, is_drawing: true };
        Frontier::of(&rows, Rect::from_min_size(pos2(10.0, 20.0), Vec2::splat(80.0)))
    }

    #[test]
    fn what_is_to_come_begins_at_the_next_token() {
        let Frontier { rest_of_row, rows_below, next } = frontier(2, 3);
        assert_eq!(rest_of_row, Rect::from_min_max(pos2(40.0, 60.0), pos2(90.0, 80.0)));
        assert_eq!(rows_below, Rect::from_min_max(pos2(10.0, 80.0), pos2(90.0, 100.0)));
        assert_eq!(next, Rect::from_min_max(pos2(40.0, 60.0), pos2(50.0, 80.0)));
    }

    #[test]
    fn a_row_that_has_not_begun_is_below() {
        let Frontier { rest_of_row, rows_below, next } = frontier(0, 0);
        assert!(!rest_of_row.is_positive());
        assert_eq!(rows_below, Rect::from_min_size(pos2(10.0, 20.0), Vec2::splat(80.0)));
        assert_eq!(next.min, pos2(10.0, 20.0));
    }

    #[test]
    fn in_the_last_row_nothing_is_below() {
        let Frontier { rest_of_row, rows_below, .. } = frontier(3, 7);
        assert!(rest_of_row.is_positive() && !rows_below.is_positive());
    }
}
