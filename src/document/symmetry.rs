//! Positions on the canvas and the mirrors a pen can draw through.

use serde::{Deserialize, Serialize};

/// A position in canvas pixels; (0, 0) is the top left corner of the canvas.
pub type Point = [f32; 2];

pub(super) fn distance(a: Point, b: Point) -> f32 {
    let (x, y) = (a[0] - b[0], a[1] - b[1]);
    (x * x + y * y).sqrt()
}

/// Where everything drawn is drawn again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Symmetry {
    #[default]
    None,
    /// Left and right are mirrored: the axis is vertical.
    Vertical,
    /// Top and bottom are mirrored: the axis is horizontal.
    Horizontal,
    /// Mirrored both ways: four copies.
    Both,
    /// Turned around the centre, this many copies; range 1–[`Symmetry::MAX_COPIES`].
    Radial(u8),
}

impl Symmetry {
    pub const MAX_COPIES: u8 = 32;

    /// Where a position and its copies lie on a canvas `size_px` wide; the position itself first.
    pub fn images_of(self, at: Point, size_px: usize) -> Vec<Point> {
        self.copies(size_px).iter().map(|copy| copy.apply(at)).collect()
    }

    /// One map per copy, the identity first.
    pub(super) fn copies(self, size_px: usize) -> Vec<Rigid> {
        let size = size_px as f32;
        let mirror = |x: f32, y: f32| Rigid { matrix: [[x, 0.0], [0.0, y]], size };
        match self {
            Self::None => vec![mirror(1.0, 1.0)],
            Self::Vertical => vec![mirror(1.0, 1.0), mirror(-1.0, 1.0)],
            Self::Horizontal => vec![mirror(1.0, 1.0), mirror(1.0, -1.0)],
            Self::Both => {
                vec![mirror(1.0, 1.0), mirror(-1.0, 1.0), mirror(1.0, -1.0), mirror(-1.0, -1.0)]
            }
            Self::Radial(n_copies) => {
                let n_copies = n_copies.clamp(1, Self::MAX_COPIES);
                let turn = |idx: u8| {
                    let angle = std::f32::consts::TAU * f32::from(idx) / f32::from(n_copies);
                    let (sin, cos) = angle.sin_cos();
                    Rigid { matrix: [[cos, -sin], [sin, cos]], size }
                };
                (0..n_copies).map(turn).collect()
            }
        }
    }
}

/// A rotation or reflection around the middle of the canvas.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rigid {
    matrix: [[f32; 2]; 2],
    size: f32,
}

impl Rigid {
    pub(super) fn apply(&self, at: Point) -> Point {
        self.around_centre(at, self.matrix)
    }

    /// Rotations and reflections are undone by their transpose.
    pub(super) fn undo(&self, at: Point) -> Point {
        let [[a, b], [c, d]] = self.matrix;
        self.around_centre(at, [[a, c], [b, d]])
    }

    fn around_centre(&self, at: Point, [[a, b], [c, d]]: [[f32; 2]; 2]) -> Point {
        let half = self.size / 2.0;
        let (x, y) = (at[0] - half, at[1] - half);
        [a * x + b * y + half, c * x + d * y + half]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_land_where_they_should() {
        let land = |symmetry: Symmetry| {
            let copies = symmetry.copies(100);
            copies.iter().map(|copy| copy.apply([10.0, 20.0])).collect::<Vec<_>>()
        };
        assert_eq!(land(Symmetry::None), [[10.0, 20.0]]);
        assert_eq!(land(Symmetry::Vertical), [[10.0, 20.0], [90.0, 20.0]]);
        assert_eq!(land(Symmetry::Horizontal), [[10.0, 20.0], [10.0, 80.0]]);
        assert_eq!(land(Symmetry::Both).len(), 4);
        assert_eq!(land(Symmetry::Radial(0)).len(), 1);
        let quarter = land(Symmetry::Radial(4))[1];
        assert!(distance(quarter, [80.0, 10.0]) < 1e-3, "{quarter:?}");
    }

    #[test]
    fn every_copy_can_be_undone() {
        for symmetry in [Symmetry::Both, Symmetry::Radial(7), Symmetry::Radial(255)] {
            for copy in symmetry.copies(256) {
                assert!(distance(copy.undo(copy.apply([13.0, 200.0])), [13.0, 200.0]) < 1e-3);
            }
        }
    }
}
