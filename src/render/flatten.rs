//! The control layers as one picture: the twin of `fs_flatten` in `shaders/layers.wgsl`, for
//! windows without our renderer. A test compares the two.
//!
//! From below: colours as they are, depth as a relief lit from the top left, a halo and the ink of
//! the lines, and, when asked for, a wash where a layer is followed less or the picture is locked.

use egui::Color32;

use super::PixelRect;
use crate::document::{Document, Plane, TileGrid};
use crate::params::ControlKind;

/// How far a pixel of the drawing shows beyond itself: the halo, and the slope of the depth.
pub const FLATTEN_MARGIN_PX: u32 = 1;

/// The colours of what has none of its own; their alpha says how much they cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SketchLook {
    pub ink: Color32,
    /// Around the ink, so that it can be read on any picture.
    pub halo: Color32,
    /// Near surfaces that face the light, and those that turn away.
    pub depth: [Color32; 2],
    /// Over what the mask covers: where a layer is not followed at all, or what is locked.
    pub wash: Color32,
    /// The wash is hatched rather than even.
    pub is_hatched: bool,
}

impl SketchLook {
    /// Change of nearness from one pixel to the next, in 255ths, that is wholly lit or shaded; for
    /// a canvas of 256 pixels.
    pub(super) const STEEPEST: f32 = 7.0;

    /// Canvas pixels from one stripe of the hatch to the next; 0 for an even wash.
    pub(super) fn hatch_period(&self, size_px: usize) -> u32 {
        if self.is_hatched { (size_px as u32 * 12 / 256).max(2) } else { 0 }
    }

    /// How much lighter a slope gets the steeper it is. Slopes on larger canvases are as steep.
    pub(super) fn relief(size_px: usize) -> f32 {
        255.0 / Self::STEEPEST * size_px as f32 / 256.0 / 2.0
    }
}

/// The pixels of the layers that are to be seen: in the order of [`LayerStack::KINDS`], then what is
/// covered by a mask: what is missing from full strength, or what is locked. A layer that is hidden or empty is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerStack {
    pub planes: [Option<TileGrid>; 4],
    pub size_px: usize,
}

impl LayerStack {
    pub const KINDS: [ControlKind; 3] =
        [ControlKind::Lines, ControlKind::Depth, ControlKind::Colour];

    /// The visible layers, and `mask`, a plane of strength or that of the lock.
    pub fn of(document: &Document, mask: Option<Plane>) -> Self {
        let painted = |grid: &TileGrid| (!grid.is_empty()).then(|| grid.clone());
        let [lines, depth, colour] = Self::KINDS.map(|kind| {
            let layer = document.layer(kind);
            painted(layer.pixels()).filter(|_| layer.is_visible())
        });
        let mask = mask.and_then(|mask| painted(document.plane(mask)));
        Self { planes: [lines, depth, colour, mask], size_px: document.size_px() }
    }

    /// Which of the planes a plane of the document is; `None` if it is not to be seen.
    pub fn idx_of(plane: Plane, document: &Document, mask: Option<Plane>) -> Option<usize> {
        match plane {
            Plane::Strength(_) | Plane::Lock => (mask == Some(plane)).then_some(3),
            Plane::Pixels(kind) => {
                let idx = Self::KINDS.iter().position(|other| *other == kind);
                idx.filter(|_| document.layer(kind).is_visible())
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.planes.iter().all(Option::is_none)
    }

    /// The part of the canvas with something on it, by whole tiles.
    pub fn drawn(&self) -> Option<PixelRect> {
        let tiles = self.planes.iter().flatten().flat_map(|grid| {
            let drawn = (0..grid.n_tiles()).filter(|idx| grid.tile(*idx).is_some());
            drawn.map(|idx| PixelRect::of_tile(grid, idx).grown(FLATTEN_MARGIN_PX, self.size_px))
        });
        tiles.reduce(PixelRect::union)
    }

    /// What has to be drawn again if `older` is what is drawn: the changed tiles and the pixels
    /// around them into which they show.
    pub fn changed_since(&self, older: &Self) -> Vec<PixelRect> {
        let size_px = self.size_px;
        if older.size_px != size_px {
            return vec![PixelRect::whole(size_px)];
        }
        let mut tiles: Vec<usize> = Vec::new();
        for (new, old) in self.planes.iter().zip(&older.planes) {
            match (new, old) {
                (None, None) => {}
                (Some(new), Some(old)) => tiles.extend(new.changed_tiles(old)),
                (Some(grid), None) | (None, Some(grid)) => {
                    tiles.extend((0..grid.n_tiles()).filter(|idx| grid.tile(*idx).is_some()));
                }
            }
        }
        tiles.sort_unstable();
        tiles.dedup();
        let Some(grid) = self.planes.iter().chain(&older.planes).flatten().next() else {
            return Vec::new();
        };
        let rect = |idx| PixelRect::of_tile(grid, idx).grown(FLATTEN_MARGIN_PX, size_px);
        tiles.into_iter().map(rect).collect()
    }
}

/// The part `rect` of the picture: premultiplied RGBA, row by row, gamma-encoded.
pub fn flatten(stack: &LayerStack, look: &SketchLook, rect: PixelRect) -> Vec<u8> {
    let mut bytes = Vec::with_capacity((4 * rect.width() * rect.height()) as usize);
    for y in rect.min[1]..rect.max[1] {
        for x in rect.min[0]..rect.max[0] {
            let pixel = flat_pixel(stack, look, x as usize, y as usize);
            bytes.extend(pixel.map(|value| (value * 255.0 + 0.5) as u8));
        }
    }
    bytes
}

fn flat_pixel(stack: &LayerStack, look: &SketchLook, x: usize, y: usize) -> [f32; 4] {
    let [lines, depth, colour, mask] = &stack.planes;
    let last = stack.size_px - 1;
    // The drawing goes on beyond its border as it is there.
    let level = |grid: &TileGrid, dx: isize, dy: isize| {
        let (x, y) = (x.saturating_add_signed(dx).min(last), y.saturating_add_signed(dy).min(last));
        f32::from(grid.pixel(x, y)[0]) / 255.0
    };
    let mut flat = [0.0; 4];
    if let Some(colour) = colour {
        flat = colour.pixel(x, y).map(|byte| f32::from(byte) / 255.0);
    }
    if let Some(depth) = depth {
        let nearness = level(depth, 0, 0);
        // Sobel's slope along the diagonal; plain differences would show the steps between levels.
        let after = level(depth, 1, 1) + level(depth, 1, 0) + level(depth, 0, 1);
        let before = level(depth, -1, -1) + level(depth, -1, 0) + level(depth, 0, -1);
        let rise = (after - before) / 2.0;
        let light = (0.5 + 0.5 * SketchLook::relief(stack.size_px) * rise).clamp(0.0, 1.0);
        let [lit, shaded] = look.depth.map(Color32::to_normalized_gamma_f32);
        let surface = [0, 1, 2, 3].map(|i| shaded[i] + (lit[i] - shaded[i]) * light);
        flat = over(surface, nearness, flat);
    }
    if let Some(lines) = lines {
        let ink = level(lines, 0, 0);
        let mut around = ink;
        for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
            around = around.max(level(lines, dx, dy));
        }
        for (dx, dy) in [(-1, -1), (1, -1), (-1, 1), (1, 1)] {
            around = around.max(HALO_CORNER * level(lines, dx, dy));
        }
        flat = over(look.halo.to_normalized_gamma_f32(), around, flat);
        flat = over(look.ink.to_normalized_gamma_f32(), ink, flat);
    }
    if let Some(mask) = mask {
        let period = look.hatch_period(stack.size_px) as usize;
        let is_between = period > 0 && (x + y) % period >= period / 2;
        let share = if is_between { BETWEEN_STRIPES } else { 1.0 };
        flat = over(look.wash.to_normalized_gamma_f32(), share * level(mask, 0, 0), flat);
    }
    flat
}

/// Share of the wash between the stripes of a hatch.
pub(super) const BETWEEN_STRIPES: f32 = 0.4;

/// Share of the halo that reaches a pixel from across a corner: a round halo.
pub(super) const HALO_CORNER: f32 = 0.7;

/// A premultiplied colour, times `coverage`, over another.
fn over(above: [f32; 4], coverage: f32, below: [f32; 4]) -> [f32; 4] {
    let through = 1.0 - above[3] * coverage;
    [0, 1, 2, 3].map(|i| above[i] * coverage + below[i] * through)
}
