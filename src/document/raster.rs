//! Stamps to coverage, coverage to pixels. The reference for a shader that does the same.
//!
//! A stroke first becomes a mask: per pixel `max(mask, c)` over its stamps, or
//! `mask + (1 - mask) · c` for an accumulating brush. Only then is it laid over what was there
//! before the stroke: `base + (ink - base) · mask · opacity`. So the overlap of a stroke with
//! itself shows as little as the tool says, and the same mask over the same base is the same
//! pixels, however often it is drawn.

use std::collections::BTreeSet;

use super::brush::{Brush, BuildUp, Mode};
use super::layer::Plane;
use super::stamp::Stamp;
use super::symmetry::Point;
use super::tiles::{TILE_AREA, TILE_PX, TileGrid};

/// Coverage in [0, 1] per pixel of a canvas, in the tiles of a [`TileGrid`].
#[derive(Debug, Clone)]
pub(super) struct Mask {
    size_px: usize,
    tiles: Vec<Option<Box<[f32]>>>,
}

impl Mask {
    pub(super) fn empty(size_px: usize) -> Self {
        let side = size_px.div_ceil(TILE_PX);
        Self { size_px, tiles: vec![None; side * side] }
    }

    pub(super) fn tile(&self, tile_idx: usize) -> Option<&[f32]> {
        self.tiles[tile_idx].as_deref()
    }

    /// Tiles that were ever drawn on.
    pub(super) fn touched(&self) -> BTreeSet<usize> {
        (0..self.tiles.len()).filter(|idx| self.tiles[*idx].is_some()).collect()
    }

    pub(super) fn forget(&mut self, tile_idx: usize) {
        self.tiles[tile_idx] = None;
    }

    /// Starts each tile that `stamp` reaches as a copy of the one `below`, if it has none.
    pub(super) fn lift(&mut self, stamp: &Stamp, below: &Self) {
        for tile_idx in self.reached(stamp) {
            if self.tiles[tile_idx].is_none() {
                self.tiles[tile_idx].clone_from(&below.tiles[tile_idx]);
            }
        }
    }

    /// The tiles that a stamp changes.
    pub(super) fn reached(&self, stamp: &Stamp) -> impl Iterator<Item = usize> + use<> {
        let side = self.size_px.div_ceil(TILE_PX);
        let area = Area::around(stamp.centre, stamp.reach_px(), self.size_px);
        area.into_iter().flat_map(move |area| area.tiles(side))
    }

    /// Adds a stamp.
    pub(super) fn stamp(&mut self, stamp: &Stamp, build_up: BuildUp) {
        let Some(area) = Area::around(stamp.centre, stamp.reach_px(), self.size_px) else { return };
        match build_up {
            BuildUp::Capped => self.draw(area, |at, mask| mask.max(stamp.coverage(at))),
            BuildUp::Accumulating => {
                self.draw(area, |at, mask| mask + (1.0 - mask) * stamp.coverage(at));
            }
        }
    }

    /// Replaces the mask inside `area` by `value(position of the pixel's centre, mask)`.
    pub(super) fn draw(&mut self, area: Area, value: impl Fn(Point, f32) -> f32) {
        let side = self.size_px.div_ceil(TILE_PX);
        for tile_idx in area.tiles(side) {
            let (left, top) = (tile_idx % side * TILE_PX, tile_idx / side * TILE_PX);
            let tile =
                self.tiles[tile_idx].get_or_insert_with(|| vec![0.0; TILE_AREA].into_boxed_slice());
            let columns = area.left.max(left)..area.right.min(left + TILE_PX);
            for y in area.top.max(top)..area.bottom.min(top + TILE_PX) {
                let row = &mut tile[(y - top) * TILE_PX..][..TILE_PX];
                let row = &mut row[columns.start - left..columns.end - left];
                // 32-bit counting keeps the loop in vector instructions.
                for (x, mask) in (columns.start as i32..).zip(row) {
                    *mask = value([x as f32 + 0.5, y as f32 + 0.5], *mask);
                }
            }
        }
    }
}

/// A rectangle of pixels on the canvas; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) right: usize,
    pub(super) bottom: usize,
}

impl Area {
    pub(super) fn whole(size_px: usize) -> Self {
        Self { left: 0, top: 0, right: size_px, bottom: size_px }
    }

    /// All pixels that have a part within `reach_px` of a position; `None` off the canvas.
    pub(super) fn around(centre: Point, reach_px: f32, size_px: usize) -> Option<Self> {
        Self::between(centre.map(|v| v - reach_px), centre.map(|v| v + reach_px), size_px)
    }

    /// The pixels that overlap the rectangle between two corners; `None` off the canvas.
    pub(super) fn between(least: Point, most: Point, size_px: usize) -> Option<Self> {
        // The cast saturates: far away is the edge of the canvas, and NaN is 0.
        let pixel = |value: f32| (value as usize).min(size_px);
        let [left, top] = least.map(|value| pixel(value.floor()));
        let [right, bottom] = most.map(|value| pixel(value.ceil()));
        (left < right && top < bottom).then_some(Self { left, top, right, bottom })
    }

    fn tiles(self, side: usize) -> impl Iterator<Item = usize> + use<> {
        let rows = self.top / TILE_PX..=(self.bottom - 1) / TILE_PX;
        let columns = self.left / TILE_PX..=(self.right - 1) / TILE_PX;
        rows.flat_map(move |row| columns.clone().map(move |column| row * side + column))
    }
}

/// What a mask lays down: the bytes it leads to and how far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    /// Per channel of the plane, 0–255, premultiplied.
    target: [f32; 4],
    opacity: f32,
}

impl Paint {
    pub(super) fn new(brush: &Brush, plane: Plane) -> Self {
        let target = match (brush.mode, plane) {
            (Mode::Erase, _) => [0; 4],
            (Mode::Paint, plane) => plane.bytes_of(brush.ink),
        };
        Self { target: target.map(f32::from), opacity: brush.opacity }
    }

    /// One tile of `base` (`None` for all 0) with the mask laid over it.
    pub(super) fn over(&self, base: Option<&[u8]>, mask: &[f32], n_channels: usize) -> Vec<u8> {
        let mut bytes = base.map_or_else(|| vec![0; TILE_AREA * n_channels], <[u8]>::to_vec);
        for (pixel, mask) in bytes.chunks_exact_mut(n_channels).zip(mask) {
            let alpha = mask * self.opacity;
            for (byte, target) in pixel.iter_mut().zip(self.target) {
                let base = f32::from(*byte);
                *byte = (base + (target - base) * alpha + 0.5) as u8;
            }
        }
        bytes
    }

    /// Lays a whole mask over a picture.
    pub(super) fn apply(&self, grid: &mut TileGrid, mask: &Mask) {
        for tile_idx in mask.touched() {
            let Some(coverage) = mask.tile(tile_idx) else { continue };
            let bytes = self.over(grid.tile(tile_idx), coverage, grid.n_channels());
            grid.write(tile_idx, &bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::ControlKind;

    fn stamp(x: f32, y: f32, radius_px: f32, alpha: f32) -> Stamp {
        Stamp { centre: [x, y], radius_px, hardness: 1.0, alpha }
    }

    fn at(mask: &Mask, x: usize, y: usize) -> f32 {
        let side = mask.size_px.div_ceil(TILE_PX);
        let tile = mask.tile(y / TILE_PX * side + x / TILE_PX);
        tile.map_or(0.0, |tile| tile[y % TILE_PX * TILE_PX + x % TILE_PX])
    }

    fn sum(mask: &Mask) -> f32 {
        mask.touched().iter().filter_map(|idx| mask.tile(*idx)).flatten().sum()
    }

    #[test]
    fn a_stamp_covers_its_disc_and_every_pixel_by_the_formula() {
        let mut mask = Mask::empty(150);
        let disc = stamp(64.3, 63.8, 20.0, 1.0);
        mask.stamp(&disc, BuildUp::Capped);
        assert!((sum(&mask) - std::f32::consts::PI * 400.0).abs() < 2.0);
        for (x, y) in (0..150).flat_map(|x| (0..150).map(move |y| (x, y))) {
            assert_eq!(at(&mask, x, y), disc.coverage([x as f32 + 0.5, y as f32 + 0.5]));
        }
    }

    #[test]
    fn capped_strokes_take_the_strongest_stamp_and_airbrushes_add_up() {
        let (weak, strong) = (stamp(20.5, 20.5, 5.0, 0.25), stamp(20.5, 20.5, 5.0, 0.5));
        for (build_up, expected) in
            [(BuildUp::Capped, 0.5), (BuildUp::Accumulating, 1.0 - 0.75 * 0.5 * 0.75)]
        {
            let mut mask = Mask::empty(64);
            for stamp in [weak, strong, weak] {
                mask.stamp(&stamp, build_up);
            }
            assert!((at(&mask, 20, 20) - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn stamps_off_the_canvas_are_cut() {
        let mut mask = Mask::empty(70);
        for (x, y) in [(-30.0, 5.0), (1e20, 0.0), (f32::NAN, 3.0), (35.0, 200.0)] {
            mask.stamp(&stamp(x, y, 20.0, 1.0), BuildUp::Capped);
        }
        assert_eq!(sum(&mask), 0.0);
        mask.stamp(&stamp(70.0, 70.0, 20.0, 1.0), BuildUp::Capped);
        let quarter = std::f32::consts::PI * 100.0;
        assert!((sum(&mask) - quarter).abs() < 1.0, "{}", sum(&mask));
    }

    #[test]
    fn paint_lies_over_what_was_there() {
        let brush = Brush { opacity: 0.5, ..Brush::default() };
        let mask = vec![1.0; TILE_AREA];
        let lines = Plane::Pixels(ControlKind::Lines);
        assert_eq!(Paint::new(&brush, lines).over(None, &mask, 1)[7], 128);
        let base = vec![200; TILE_AREA];
        assert_eq!(Paint::new(&brush, lines).over(Some(&base), &mask, 1)[7], 228);
        let eraser = Brush { mode: Mode::Erase, ..brush };
        assert_eq!(Paint::new(&eraser, lines).over(Some(&base), &mask, 1)[7], 100);
        let nothing = vec![0.0; TILE_AREA];
        assert_eq!(Paint::new(&brush, lines).over(Some(&base), &nothing, 1), base);
    }

    #[test]
    fn colour_stays_premultiplied() {
        let plane = Plane::Pixels(ControlKind::Colour);
        for seed in 0..4000_u32 {
            let bits = seed.wrapping_mul(2_654_435_761);
            let [red, alpha, ink, mask] = bits.to_le_bytes();
            let mut base = vec![0; TILE_AREA * 4];
            base[..4].copy_from_slice(&[red.min(alpha), alpha, 0, alpha]);
            let mut brush = Brush { opacity: f32::from(mask) / 255.0, ..Brush::default() };
            brush.ink.colour = [ink, 255, 0];
            let out = Paint::new(&brush, plane).over(Some(&base), &vec![0.77; TILE_AREA], 4);
            assert!(out[..3].iter().all(|channel| *channel <= out[3]), "{:?}", &out[..4]);
        }
    }
}
