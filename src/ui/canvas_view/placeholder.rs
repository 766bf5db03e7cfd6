//! What the canvas says before there is a picture.

use egui::{Align2, FontId, Painter, Rect, Vec2, Visuals, pos2, vec2};

const TITLE: &str = "Your picture appears here";
const HINT: &str = "Describe it or draw it, then press Generate";

const TILE: f32 = 44.0;
const GAP: f32 = 14.0;
/// Cells per side of each tile: the idea of the program in four small pictures.
const GRIDS: [usize; 4] = [1, 2, 4, 11];

/// A ball that comes up from coarse to fine, and two lines of text, in the middle of the area.
pub(super) fn paint(painter: &Painter, visuals: &Visuals, area_in_ui: Rect) {
    let n_tiles = GRIDS.len() as f32;
    let row = vec2(n_tiles * TILE + (n_tiles - 1.0) * GAP, TILE);
    let centre = area_in_ui.center();
    if area_in_ui.width() > row.x && area_in_ui.height() > 4.0 * TILE {
        let mut tile =
            Rect::from_min_size(centre - vec2(row.x / 2.0, 1.5 * TILE), Vec2::splat(TILE));
        for n_cells in GRIDS {
            paint_ball(painter, visuals, tile, n_cells);
            tile = tile.translate(vec2(TILE + GAP, 0.0));
        }
    }
    let text = |offset: f32, text, size, colour| {
        let pos_in_ui = centre + vec2(0.0, offset);
        painter.text(pos_in_ui, Align2::CENTER_CENTER, text, FontId::proportional(size), colour);
    };
    text(16.0, TITLE, 17.0, visuals.text_color());
    text(40.0, HINT, 13.0, visuals.weak_text_color());
}

/// A ball drawn with `n_cells` × `n_cells` cells, each with its mean shade.
fn paint_ball(painter: &Painter, visuals: &Visuals, tile: Rect, n_cells: usize) {
    let ink = visuals.text_color();
    let cell = TILE / n_cells as f32;
    for row in 0..n_cells {
        for column in 0..n_cells {
            let min = tile.min + cell * vec2(column as f32, row as f32);
            let (coverage, shadow) = ball(row, column, n_cells);
            // Ink darkens a light window and lightens a dark one.
            let opacity = if visuals.dark_mode { coverage - shadow } else { shadow };
            let colour = ink.gamma_multiply(opacity);
            painter.rect_filled(Rect::from_min_size(min, Vec2::splat(cell)), 0.0, colour);
        }
    }
}

/// Of a cell of a ball that touches the tile's sides and is lit from the top left: how much of it
/// the ball covers, 0–1, and how much of that lies in shadow, from 8 × 8 samples.
fn ball(row: usize, column: usize, n_cells: usize) -> (f32, f32) {
    const N_SAMPLES: usize = 8;
    let position = |cell: usize, sample: usize| {
        (cell as f32 + (sample as f32 + 0.5) / N_SAMPLES as f32) / n_cells as f32
    };
    let (mut coverage, mut shadow) = (0.0, 0.0);
    for sample in 0..N_SAMPLES * N_SAMPLES {
        let pos = pos2(position(column, sample % N_SAMPLES), position(row, sample / N_SAMPLES));
        if pos.distance(pos2(0.5, 0.5)) <= 0.5 {
            coverage += 1.0;
            shadow += 0.75 * pos.distance(pos2(0.22, 0.22)) + 0.15;
        }
    }
    let n_samples = (N_SAMPLES * N_SAMPLES) as f32;
    (coverage / n_samples, shadow / n_samples)
}
