//! Lines, rectangles and ellipses: drawn with the brush's nib along the border, or filled.

use serde::{Deserialize, Serialize};

use super::brush::Brush;
use super::coverage;
use super::raster::{Area, Mask};
use super::symmetry::{Point, Rigid, Symmetry};

/// What the shape tools draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShapeKind {
    Line,
    Rectangle { filled: bool },
    Ellipse { filled: bool },
}

/// A shape between two positions: the ends of a line, or opposite corners.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    pub kind: ShapeKind,
    pub from: Point,
    pub to: Point,
}

impl Shape {
    /// The mask of the shape and its copies; nothing if a position is not a number.
    pub(super) fn mask(&self, brush: &Brush, symmetry: Symmetry, size_px: usize) -> Mask {
        let mut mask = Mask::empty(size_px);
        let size = size_px as f32;
        if [self.from, self.to].iter().flatten().any(|value| !value.is_finite()) {
            return mask;
        }
        // Far away is as good as a canvas away, and keeps squares of distances finite.
        let bound = |at: Point| at.map(|value| value.clamp(-8.0 * size, 9.0 * size));
        let shape = Self { from: bound(self.from), to: bound(self.to), ..*self };
        for copy in symmetry.copies(size_px) {
            let Some(area) = shape.area(&copy, brush, size_px) else { continue };
            mask.draw(area, |at, mask| mask.max(shape.coverage(brush, copy.undo(at))));
        }
        mask
    }

    /// Coverage in [0, 1] at a position.
    fn coverage(&self, brush: &Brush, at: Point) -> f32 {
        let (from, to) = (self.from, self.to);
        let centre = [0, 1].map(|axis| f32::midpoint(from[axis], to[axis]));
        let half = [0, 1].map(|axis| (to[axis] - from[axis]).abs() / 2.0);
        let local = [at[0] - centre[0], at[1] - centre[1]];
        let outline = |distance: f32| {
            coverage::nib(distance.abs(), (brush.size_px / 2.0).max(0.5), brush.hardness)
        };
        match self.kind {
            ShapeKind::Line => outline(coverage::segment_distance(at, from, to)),
            ShapeKind::Rectangle { filled } => {
                let distance = coverage::rectangle_distance(local, half);
                if filled { coverage::filled(distance) } else { outline(distance) }
            }
            ShapeKind::Ellipse { filled } => {
                let distance = coverage::ellipse_distance(local, half);
                if filled { coverage::filled(distance) } else { outline(distance) }
            }
        }
    }

    /// The pixels that a copy can reach.
    fn area(&self, copy: &Rigid, brush: &Brush, size_px: usize) -> Option<Area> {
        let reach = brush.size_px / 2.0 + 1.0;
        let corners = [[0, 0], [0, 1], [1, 0], [1, 1]].map(|[x, y]| {
            let ends = [self.from, self.to];
            copy.apply([ends[x][0], ends[y][1]])
        });
        let bound = |axis: usize, pick: fn(f32, f32) -> f32, start: f32| {
            corners.iter().map(|corner| corner[axis]).fold(start, pick)
        };
        let least = [0, 1].map(|axis| bound(axis, f32::min, f32::INFINITY) - reach);
        let most = [0, 1].map(|axis| bound(axis, f32::max, f32::NEG_INFINITY) + reach);
        Area::between(least, most, size_px)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(kind: ShapeKind, from: Point, to: Point, symmetry: Symmetry) -> f32 {
        let brush = Brush { size_px: 4.0, hardness: 1.0, ..Brush::default() };
        let mask = Shape { kind, from, to }.mask(&brush, symmetry, 200);
        mask.touched().iter().filter_map(|idx| mask.tile(*idx)).flatten().sum()
    }

    #[test]
    fn areas_are_those_of_geometry() {
        let pi = std::f32::consts::PI;
        for (kind, expected) in [
            (ShapeKind::Line, 50.0 * 4.0 + pi * 4.0),
            (ShapeKind::Rectangle { filled: true }, 1200.0),
            // Four sides, and a quarter of a nib more at each outer corner.
            (ShapeKind::Rectangle { filled: false }, 140.0 * 4.0 - 16.0 + pi * 4.0),
            (ShapeKind::Ellipse { filled: true }, pi * 300.0),
            (ShapeKind::Ellipse { filled: false }, pi * (22.0 * 17.0 - 18.0 * 13.0)),
        ] {
            let found = total(kind, [50.0, 70.0], [90.0, 100.0], Symmetry::None);
            assert!((found / expected - 1.0).abs() < 0.02, "{kind:?}: {found} for {expected}");
            let back = total(kind, [90.0, 70.0], [50.0, 100.0], Symmetry::None);
            assert!((found / back - 1.0).abs() < 1e-4, "{kind:?}");
        }
    }

    #[test]
    fn copies_are_rigid() {
        let kind = ShapeKind::Rectangle { filled: true };
        let (from, to) = ([20.0, 90.0], [60.0, 110.0]);
        for (symmetry, n_copies) in
            [(Symmetry::Vertical, 2.0), (Symmetry::Radial(4), 4.0), (Symmetry::Radial(3), 3.0)]
        {
            let found = total(kind, from, to, symmetry);
            assert!((found - 800.0 * n_copies).abs() < 2.0, "{symmetry:?}: {found}");
        }
    }

    #[test]
    fn wild_shapes_are_survived() {
        let kind = ShapeKind::Ellipse { filled: true };
        assert_eq!(total(kind, [f32::NAN, 0.0], [9.0, 9.0], Symmetry::None), 0.0);
        assert!(total(kind, [-1e30, -1e30], [1e30, 1e30], Symmetry::None) > 39_000.0);
        for kind in [ShapeKind::Line, kind, ShapeKind::Rectangle { filled: false }] {
            let dot = total(kind, [50.0, 50.0], [50.0, 50.0], Symmetry::None);
            assert!(dot.is_finite() && dot > 0.2, "{kind:?} {dot}");
        }
    }
}
