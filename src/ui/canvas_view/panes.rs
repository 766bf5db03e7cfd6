//! The parts of the canvas: one, or two beside each other that show the same place.

use egui::emath::GuiRounding as _;
use egui::{Pos2, Rect, Vec2, vec2};

/// Points between two panes.
const GAP: f32 = 8.0;

/// Which part of the canvas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pane {
    /// The only one, or the left one with the controls.
    #[default]
    First,
    /// The right one, with the result.
    Second,
}

/// Where the panes are, in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Panes {
    pub first: Rect,
    pub second: Option<Rect>,
}

impl Default for Panes {
    /// No room, until the first frame says where the canvas is.
    fn default() -> Self {
        Self::one(Rect::ZERO)
    }
}

impl Panes {
    pub(super) fn one(area_in_ui: Rect) -> Self {
        Self { first: area_in_ui, second: None }
    }

    /// Two of the same size, so that a part of the picture is at the same place in both. All edges
    /// fall on whole pixels.
    pub(super) fn side_by_side(area_in_ui: Rect, pixels_per_point: f32) -> Self {
        let area = area_in_ui.round_to_pixels(pixels_per_point);
        let width = ((area.width() - GAP) / 2.0).max(0.0).round_to_pixels(pixels_per_point);
        let size = vec2(width, area.height());
        let first = Rect::from_min_size(area.min, size);
        let second = Rect::from_min_size(area.right_top() - vec2(width, 0.0), size);
        Self { first, second: Some(second) }
    }

    /// The pane nearest to a position.
    pub fn nearest(&self, pos_in_ui: Pos2) -> Pane {
        let first = self.first.distance_sq_to_pos(pos_in_ui);
        match self.second {
            Some(second) if second.distance_sq_to_pos(pos_in_ui) < first => Pane::Second,
            _ => Pane::First,
        }
    }

    /// From the first pane to the other; zero for the first.
    pub(super) fn offset(&self, pane: Pane) -> Vec2 {
        match (pane, self.second) {
            (Pane::Second, Some(second)) => second.min - self.first.min,
            _ => Vec2::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use egui::pos2;

    use super::*;

    #[test]
    fn two_panes_are_alike_and_on_whole_pixels() {
        for pixels_per_point in [1.0, 1.25, 1.5, 2.0] {
            for width in [301.0, 640.5, 1000.0] {
                let area = Rect::from_min_size(pos2(10.3, 20.0), vec2(width, 400.0));
                let panes = Panes::side_by_side(area, pixels_per_point);
                let second = panes.second.unwrap();
                assert!((second.size() - panes.first.size()).length() < 1e-3);
                let offset = panes.offset(Pane::Second) * pixels_per_point;
                assert!((offset - offset.round()).length() < 1e-3, "{offset}");
                assert!((second.left() - panes.first.right() - GAP).abs() < 2.0);
                assert!((second.right() - area.right()).abs() < 1.0);
                assert_eq!(panes.nearest(second.center()), Pane::Second);
                assert_eq!(panes.nearest(panes.first.center()), Pane::First);
                assert_eq!(panes.nearest(pos2(5000.0, 0.0)), Pane::Second);
            }
        }
    }

    #[test]
    fn no_room_is_no_reason_to_panic() {
        let panes = Panes::side_by_side(Rect::from_min_size(pos2(3.0, 3.0), Vec2::splat(2.0)), 1.0);
        assert_eq!(panes.first.width(), 0.0);
        assert_eq!(Panes::one(panes.first).nearest(pos2(9.0, 9.0)), Pane::First);
    }
}
