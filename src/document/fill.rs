//! Flood fill: everything that is connected and alike.

use serde::{Deserialize, Serialize};

use super::layer::Plane;
use super::raster::{Area, Mask};
use super::symmetry::{Point, Symmetry};
use super::tiles::TileGrid;

/// Where a fill starts and what stops it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FillArea {
    pub from: Point,
    /// The plane whose pixels decide how far the fill runs. Colour is mostly filled within lines.
    pub within: Plane,
    /// How far any channel may be from the one at the start, 0–255.
    pub tolerance: u8,
    /// Pixels by which the area then grows, to reach under antialiased edges; at most 32.
    pub grow_px: u8,
}

const MAX_GROW_PX: u8 = 32;

impl FillArea {
    /// 1 in the area and its copies, 0 elsewhere; `grid` is the plane that it stays within.
    /// Nothing if the start is off the canvas.
    pub(super) fn mask(&self, grid: &TileGrid, symmetry: Symmetry) -> Mask {
        let size_px = grid.size_px();
        let mut inside = vec![false; size_px * size_px];
        let bytes = grid.to_bytes();
        for copy in symmetry.copies(size_px) {
            if let Some(start) = pixel_at(copy.apply(self.from), size_px) {
                flood(&bytes, size_px, start, self.tolerance, &mut inside);
            }
        }
        for _ in 0..self.grow_px.min(MAX_GROW_PX) {
            inside = grown(&inside, size_px);
        }
        let mut mask = Mask::empty(size_px);
        if inside.contains(&true) {
            mask.draw(Area::whole(size_px), |at, _| {
                f32::from(u8::from(inside[at[1] as usize * size_px + at[0] as usize]))
            });
        }
        mask
    }
}

/// Column and row of a position; `None` off the canvas.
pub(super) fn pixel_at(at: Point, size_px: usize) -> Option<(usize, usize)> {
    let range = 0.0..size_px as f32;
    (range.contains(&at[0]) && range.contains(&at[1])).then_some((at[0] as usize, at[1] as usize))
}

/// Marks what is connected (over edges, not corners) to `start` and alike. Runs along rows.
fn flood(bytes: &[u8], size_px: usize, start: (usize, usize), tolerance: u8, inside: &mut [bool]) {
    let n_channels = bytes.len() / (size_px * size_px);
    let pixel = |idx: usize| &bytes[idx * n_channels..][..n_channels];
    let sample = pixel(start.1 * size_px + start.0);
    let is_alike = |idx: usize| {
        pixel(idx).iter().zip(sample).all(|(byte, sample)| byte.abs_diff(*sample) <= tolerance)
    };
    let mut visited = vec![false; size_px * size_px];
    let mut starts = vec![start];
    while let Some((x, y)) = starts.pop() {
        let row = y * size_px;
        if visited[row + x] {
            continue;
        }
        let is_free = |x: usize, visited: &[bool]| !visited[row + x] && is_alike(row + x);
        let mut left = x;
        while left > 0 && is_free(left - 1, &visited) {
            left -= 1;
        }
        let mut right = x + 1;
        while right < size_px && is_free(right, &visited) {
            right += 1;
        }
        visited[row + left..row + right].fill(true);
        inside[row + left..row + right].fill(true);
        for next in [y.checked_sub(1), (y + 1 < size_px).then_some(y + 1)].into_iter().flatten() {
            let free = |x: usize| !visited[next * size_px + x] && is_alike(next * size_px + x);
            for x in left..right {
                // One start per run of free pixels.
                if free(x) && (x == left || !free(x - 1)) {
                    starts.push((x, next));
                }
            }
        }
    }
}

/// The area and its eight neighbours.
fn grown(inside: &[bool], size_px: usize) -> Vec<bool> {
    let near = |position: usize| position.saturating_sub(1)..(position + 2).min(size_px);
    let is_near = |idx: usize| {
        let (rows, columns) = (near(idx / size_px), near(idx % size_px));
        rows.into_iter().any(|row| inside[row * size_px..][columns.clone()].contains(&true))
    };
    (0..inside.len()).map(is_near).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::ControlKind;

    const SIZE: usize = 90;

    /// A ring of ink, 30–31 px around the middle, with a faint smear inside.
    fn ring() -> TileGrid {
        let byte = |idx: usize| {
            let (x, y) = ((idx % SIZE) as f32 - 45.0, (idx / SIZE) as f32 - 45.0);
            let radius = x.hypot(y);
            if (29.0..31.5).contains(&radius) {
                255
            } else if radius < 5.0 {
                20
            } else {
                0
            }
        };
        TileGrid::from_bytes(SIZE, 1, &(0..SIZE * SIZE).map(byte).collect::<Vec<u8>>())
    }

    fn area(from: Point, tolerance: u8, grow_px: u8, symmetry: Symmetry) -> f32 {
        let within = Plane::Pixels(ControlKind::Lines);
        let mask = FillArea { from, within, tolerance, grow_px }.mask(&ring(), symmetry);
        mask.touched().iter().filter_map(|idx| mask.tile(*idx)).flatten().sum()
    }

    #[test]
    fn a_fill_stays_inside_its_border() {
        let disc = |radius: f32| std::f32::consts::PI * radius * radius;
        let none = Symmetry::None;
        let inside = area([45.0, 60.0], 0, 0, none);
        assert!((inside - (disc(29.0) - disc(5.0))).abs() < 60.0, "{inside}");
        let tolerant = area([45.0, 60.0], 32, 0, none);
        assert!((tolerant - disc(29.0)).abs() < 60.0, "{tolerant}");
        assert!((area([45.0, 60.0], 32, 1, none) - disc(30.0)).abs() < 90.0);
        let outside = area([1.0, 1.0], 0, 0, none);
        assert!((outside - (8100.0 - disc(31.5))).abs() < 60.0, "{outside}");
        assert_eq!(area([1.0, 1.0], 255, 0, none), 8100.0);
    }

    #[test]
    fn a_fill_off_the_canvas_does_nothing() {
        for from in [[-0.1, 4.0], [90.0, 4.0], [f32::NAN, 4.0], [3.0, f32::INFINITY]] {
            assert_eq!(area(from, 9, 9, Symmetry::None), 0.0);
        }
    }

    #[test]
    fn a_fill_agrees_with_the_naive_one() {
        // A maze of pseudo-random pixels.
        let bytes: Vec<u8> =
            (0..SIZE * SIZE).map(|idx| ((idx * 2_654_435_761) >> 13) as u8 % 3 / 2).collect();
        let mut inside = vec![false; SIZE * SIZE];
        let start = bytes.iter().position(|byte| *byte == 0).unwrap();
        flood(&bytes, SIZE, (start % SIZE, start / SIZE), 0, &mut inside);
        let mut naive = vec![false; SIZE * SIZE];
        naive[start] = true;
        loop {
            let before = naive.clone();
            for idx in (0..SIZE * SIZE).filter(|idx| bytes[*idx] == 0) {
                let (x, y) = (idx % SIZE, idx / SIZE);
                naive[idx] |= (x > 0 && naive[idx - 1])
                    || (x + 1 < SIZE && naive[idx + 1])
                    || (y > 0 && naive[idx - SIZE])
                    || (y + 1 < SIZE && naive[idx + SIZE]);
            }
            if naive == before {
                break;
            }
        }
        assert!(naive.iter().filter(|inside| **inside).count() > 1000);
        assert_eq!(inside, naive);
    }
}
