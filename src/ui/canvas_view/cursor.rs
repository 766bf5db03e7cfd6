//! What the pointer looks like over the canvas: the outline of the brush at its size, or a
//! crosshair, light on dark so that it can be seen on any picture.

use egui::{Color32, Painter, Pos2, Stroke, Vec2, Visuals, vec2};

use super::{CanvasView, Pane};
use crate::document::Symmetry;
use crate::ui::theme::Palette;

/// The shape of the cursor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CursorKind {
    /// A circle with this radius in points.
    Brush { radius: f32 },
    /// For tools that work on a pixel, such as picker and fill.
    Crosshair,
}

/// A brush smaller than this looks this large, in points; else it could not be found.
const MIN_RADIUS: f32 = 2.0;
/// From this radius on, a dot in the middle says where exactly the pen is.
const DOT_FROM_RADIUS: f32 = 16.0;
const ARM: f32 = 9.0;
const GAP: f32 = 3.0;
/// Opacity of copies that symmetry makes.
const COPY_OPACITY: f32 = 0.4;

impl CanvasView {
    /// Radius in points at which a brush with a diameter of `size_px` canvas pixels is seen.
    pub fn brush_radius(&self, size_px: f32) -> f32 {
        size_px / 2.0 * self.transform.ui_from_canvas().scaling
    }

    /// Where the copies of a position are seen in its pane, without the position itself.
    pub fn copies_of(&self, pane: Pane, pos_in_ui: Pos2, symmetry: Symmetry) -> Vec<Pos2> {
        let size_px = self.size_in_canvas.x as usize;
        let Some(at) = self.canvas_point_in(pane, pos_in_ui) else { return Vec::new() };
        let copies = symmetry.images_of(at, size_px).into_iter().skip(1);
        copies.map(|copy| self.ui_point_in(pane, copy)).collect()
    }
}

/// Paints the cursor, and a faint one for each copy.
pub fn paint_cursor(
    painter: &Painter,
    visuals: &Visuals,
    pos_in_ui: Pos2,
    kind: CursorKind,
    copies: &[Pos2],
) {
    for copy in copies {
        paint_one(painter, visuals, *copy, kind, COPY_OPACITY);
    }
    paint_one(painter, visuals, pos_in_ui, kind, 1.0);
}

fn paint_one(painter: &Painter, visuals: &Visuals, at: Pos2, kind: CursorKind, opacity: f32) {
    let palette = Palette::of(visuals);
    let colours = [palette.scrim, palette.on_scrim].map(|colour| colour.gamma_multiply(opacity));
    match kind {
        CursorKind::Brush { radius } => paint_brush(painter, at, radius.max(MIN_RADIUS), colours),
        CursorKind::Crosshair => paint_crosshair(painter, at, colours),
    }
}

fn paint_brush(painter: &Painter, at: Pos2, radius: f32, [dark, light]: [Color32; 2]) {
    painter.circle_stroke(at, radius, Stroke::new(3.0, dark));
    painter.circle_stroke(at, radius, Stroke::new(1.0, light));
    if radius >= DOT_FROM_RADIUS {
        painter.circle_filled(at, 2.0, dark);
        painter.circle_filled(at, 1.0, light);
    }
}

fn paint_crosshair(painter: &Painter, at: Pos2, colours: [Color32; 2]) {
    // On the middle of screen pixels, so that the light line is one pixel and not two grey ones.
    let pixels_per_point = painter.pixels_per_point();
    let middle = |value: f32| ((value * pixels_per_point).floor() + 0.5) / pixels_per_point;
    let at = Pos2::new(middle(at.x), middle(at.y));
    let arms: [Vec2; 4] = [vec2(1.0, 0.0), vec2(-1.0, 0.0), vec2(0.0, 1.0), vec2(0.0, -1.0)];
    for (width, overhang, colour) in [(3.0, 1.0, colours[0]), (1.0, 0.0, colours[1])] {
        for arm in arms {
            let ends = [at + arm * (GAP - overhang), at + arm * (ARM + overhang)];
            painter.line_segment(ends, Stroke::new(width, colour));
        }
    }
}
