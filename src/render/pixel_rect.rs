//! Rectangles of whole pixels: which part of a canvas has to be drawn again.

use crate::document::{Stamp, TileGrid};

/// Pixels from `min` up to, not including, `max`; x first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelRect {
    pub min: [u32; 2],
    pub max: [u32; 2],
}

impl PixelRect {
    /// A whole canvas.
    pub fn whole(size_px: usize) -> Self {
        Self { min: [0; 2], max: [size_px as u32; 2] }
    }

    /// The part of a tile that lies on the canvas.
    pub fn of_tile(grid: &TileGrid, tile_idx: usize) -> Self {
        let (left, top) = grid.tile_origin(tile_idx);
        let (width, height) = grid.tile_extent(tile_idx);
        let min = [left as u32, top as u32];
        Self { min, max: [min[0] + width as u32, min[1] + height as u32] }
    }

    /// All pixels on the canvas that the stamps reach; `None` if there are none.
    pub fn of_stamps(stamps: &[Stamp], size_px: usize) -> Option<Self> {
        let reach = |stamp: &Stamp| {
            // The casts saturate, which is right for what lies far outside.
            let pixel = |value: f32| (value as u32).min(size_px as u32);
            let min = stamp.centre.map(|value| pixel((value - stamp.reach_px()).floor()));
            let max = stamp.centre.map(|value| pixel((value + stamp.reach_px()).ceil()));
            (min[0] < max[0] && min[1] < max[1]).then_some(Self { min, max })
        };
        stamps.iter().filter_map(reach).reduce(Self::union)
    }

    pub fn width(&self) -> u32 {
        self.max[0] - self.min[0]
    }

    pub fn height(&self) -> u32 {
        self.max[1] - self.min[1]
    }

    /// The smallest rectangle with both in it.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self {
            min: [0, 1].map(|axis| self.min[axis].min(other.min[axis])),
            max: [0, 1].map(|axis| self.max[axis].max(other.max[axis])),
        }
    }

    /// Larger by `margin_px` on all sides, as far as the canvas goes.
    #[must_use]
    pub fn grown(self, margin_px: u32, size_px: usize) -> Self {
        Self {
            min: self.min.map(|value| value.saturating_sub(margin_px)),
            max: self.max.map(|value| (value + margin_px).min(size_px as u32)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_reach_whole_pixels_on_the_canvas() {
        let stamp =
            |x: f32, y: f32| Stamp { centre: [x, y], radius_px: 2.0, hardness: 1.0, alpha: 1.0 };
        let found = PixelRect::of_stamps(&[stamp(10.0, 10.2), stamp(-50.0, 3.0)], 64);
        assert_eq!(found, Some(PixelRect { min: [7, 7], max: [13, 13] }));
        let both = PixelRect::of_stamps(&[stamp(1.0, 1.0), stamp(63.5, 20.0)], 64);
        assert_eq!(both, Some(PixelRect { min: [0, 0], max: [64, 23] }));
        assert_eq!(PixelRect::of_stamps(&[stamp(f32::NAN, 1e30)], 64), None);
        let grown = both.map(|rect| rect.grown(3, 64));
        assert_eq!(grown, Some(PixelRect { min: [0, 0], max: [64, 26] }));
    }
}
