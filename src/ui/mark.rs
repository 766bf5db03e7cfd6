//! The sign of the application: a square that gets finer from corner to corner, like a picture
//! here does.

use egui::{IconData, Painter, Rect, Vec2, pos2, vec2};

use super::theme::{self, Palette};

/// Tiles per side of the four quarters, in reading order.
const QUARTERS: [usize; 4] = [1, 2, 2, 4];
/// Of the tiles that stand back.
const DIM: f32 = 0.45;

/// One tile inside the unit square.
struct Tile {
    rect: Rect,
    opacity: f32,
}

pub(super) fn paint(painter: &Painter, palette: &Palette, rect: Rect) {
    for tile in tiles() {
        let min = rect.min + tile.rect.min.to_vec2() * rect.width();
        let area = Rect::from_min_size(min, tile.rect.size() * rect.width()).shrink(0.5);
        painter.rect_filled(area, 1.0, palette.accent.gamma_multiply(tile.opacity));
    }
}

/// The sign for the task bar, on a dark ground.
pub fn icon(size_px: usize) -> IconData {
    let (ground, ink) = theme::icon_colours();
    let margin = 0.14;
    let tiles: Vec<_> = tiles().collect();
    let pixel = |idx: usize| {
        let in_unit = |step: usize| (step as f32 + 0.5) / size_px as f32;
        let pos = pos2(in_unit(idx % size_px), in_unit(idx / size_px));
        let on_tiles = ((pos - Vec2::splat(margin)).to_vec2() / (1.0 - 2.0 * margin)).to_pos2();
        // A little smaller than its place, so that the tiles stand apart.
        let tile = tiles.iter().find(|tile| tile.rect.shrink(0.018).contains(on_tiles));
        let colour = tile.map_or(ground, |tile| ground.lerp_to_gamma(ink, tile.opacity));
        if is_in_rounded_square(pos) { colour.to_array() } else { [0; 4] }
    };
    let rgba = (0..size_px * size_px).flat_map(pixel).collect();
    IconData { rgba, width: size_px as u32, height: size_px as u32 }
}

fn tiles() -> impl Iterator<Item = Tile> {
    QUARTERS.into_iter().enumerate().flat_map(|(quarter, n)| {
        let corner = vec2((quarter % 2) as f32, (quarter / 2) as f32) * 0.5;
        let step = 0.5 / n as f32;
        (0..n * n).map(move |idx| {
            let (row, column) = (idx / n, idx % n);
            let min = corner + step * vec2(column as f32, row as f32);
            let is_lit = n == 1 || (row + column).is_multiple_of(2);
            let rect = Rect::from_min_size(min.to_pos2(), Vec2::splat(step));
            Tile { rect, opacity: if is_lit { 1.0 } else { DIM } }
        })
    })
}

fn is_in_rounded_square(pos: egui::Pos2) -> bool {
    const RADIUS: f32 = 0.2;
    let inner = Rect::from_min_max(pos2(RADIUS, RADIUS), pos2(1.0 - RADIUS, 1.0 - RADIUS));
    inner.distance_to_pos(pos) <= RADIUS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_has_clear_corners_and_a_lit_first_quarter() {
        let icon = icon(64);
        let at = |x: usize, y: usize| &icon.rgba[4 * (64 * y + x)..][..4];
        assert_eq!(at(0, 0)[3], 0);
        let (ground, ink) = theme::icon_colours();
        assert_eq!(at(20, 20), ink.to_array());
        assert_eq!(at(32, 3), ground.to_array());
    }
}
