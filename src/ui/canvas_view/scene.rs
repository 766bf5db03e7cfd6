//! Paints picture and controls in their panes.

use std::sync::Arc;

use eframe::egui_wgpu;
use egui::{Color32, Painter, Pos2, Rect, Shadow, StrokeKind, Vec2, Visuals, vec2};

use super::lens::Lens;
use super::{CanvasView, Pane, Shown, SketchView, placeholder, rows};
use crate::document::Plane;
use crate::render::{CanvasPaint, LayerStack, LayersPaint, NewStamps, SketchLook, StrokeInLayers};
use crate::state::Comparison;
use crate::ui::theme::Palette;

/// What there is to paint.
pub(super) struct Scene<'a> {
    pub(super) shown: Option<&'a Shown>,
    pub(super) sketch: Option<SketchView<'a>>,
    /// How far the picture has faded in, 0–1.
    pub(super) fade: f32,
}

/// Where and how the controls are painted.
#[derive(Debug, Clone, Copy)]
pub(super) struct SketchPlacement {
    pub(super) pane_in_ui: Rect,
    /// The whole canvas in pixels of the window; may reach beyond the pane.
    pub(super) canvas_in_screen: Rect,
    pub(super) pixels_per_point: f32,
    pub(super) opacity: f32,
    /// Centre of the circle, of [`Lens::RADIUS`], to which the controls are confined.
    pub(super) lens_in_ui: Option<Pos2>,
}

impl SketchPlacement {
    pub(super) fn canvas_in_ui(&self) -> Rect {
        self.canvas_in_screen / self.pixels_per_point
    }
}

pub(super) fn paint(
    painter: &Painter,
    visuals: &Visuals,
    view: &mut CanvasView,
    scene: &Scene<'_>,
) {
    let first = view.panes.first;
    let canvas_in_screen = view.transform.picture_in_screen(view.size_in_canvas);
    let place = SketchPlacement {
        pane_in_ui: first,
        canvas_in_screen,
        pixels_per_point: view.transform.pixels_per_point(),
        opacity: 1.0,
        lens_in_ui: None,
    };
    let painter_of = |pane: Rect| painter.with_clip_rect(painter.clip_rect().intersect(pane));
    let Some(sketch) = scene.sketch else {
        if let Some(shown) = scene.shown {
            paint_picture(&painter_of(first), visuals, view, shown, scene.fade, &place);
        }
        return;
    };

    if let Some(second) = view.panes.second {
        let offset_in_screen = view.panes.offset(Pane::Second) * place.pixels_per_point;
        let canvas_in_screen = canvas_in_screen.translate(offset_in_screen);
        let beside = SketchPlacement { pane_in_ui: second, canvas_in_screen, ..place };
        paint_pane_edge(painter, visuals, first, second);
        paint_paper(&painter_of(first), visuals, place.canvas_in_ui());
        match scene.shown {
            Some(shown) => {
                paint_picture(&painter_of(second), visuals, view, shown, scene.fade, &beside);
            }
            None => placeholder::paint(&painter_of(second), visuals, second),
        }
        paint_sketch(&painter_of(first), visuals, view, &sketch, &place);
        return;
    }

    let Some(shown) = scene.shown else {
        paint_paper(&painter_of(first), visuals, place.canvas_in_ui());
        if LayerStack::of(sketch.document, None).is_empty() {
            placeholder::paint(&painter_of(first), visuals, place.canvas_in_ui());
        }
        paint_sketch(&painter_of(first), visuals, view, &sketch, &place);
        return;
    };
    paint_picture(&painter_of(first), visuals, view, shown, scene.fade, &place);
    let is_lens = sketch.comparison == Comparison::Lens;
    let lens_in_ui = is_lens.then(|| view.lens.centre_in_ui(place.canvas_in_ui()));
    let over = SketchPlacement { opacity: sketch.controls_opacity, lens_in_ui, ..place };
    paint_sketch(&painter_of(first), visuals, view, &sketch, &over);
    if let Some(centre_in_ui) = lens_in_ui
        && !sketch.is_hidden
    {
        Lens::paint_rim(&painter_of(first), visuals, centre_in_ui);
    }
}

fn paint_sketch(
    painter: &Painter,
    visuals: &Visuals,
    view: &mut CanvasView,
    sketch: &SketchView<'_>,
    place: &SketchPlacement,
) {
    if sketch.is_hidden || place.opacity <= 0.0 {
        return;
    }
    let look = sketch_look(visuals, sketch.mask);
    let stack = LayerStack::of(sketch.document, sketch.mask);
    let mut opacity = place.opacity;
    if !view.presence.is_confirmed() {
        view.fallback.paint_sketch(painter, stack.clone(), look, place);
        // The callback is only the question whether there is a renderer.
        opacity = 0.0;
    }
    let lens_in_screen = place
        .lens_in_ui
        .map(|centre| (centre * place.pixels_per_point, Lens::RADIUS * place.pixels_per_point));
    let (stack, stroke) = match stroke_in_layers(view, sketch) {
        Some((planes, stroke)) => (planes, Some(stroke)),
        None => (stack, None),
    };
    painter.add(egui_wgpu::Callback::new_paint_callback(
        place.pane_in_ui,
        LayersPaint {
            stack,
            stroke,
            look,
            canvas_in_screen: place.canvas_in_screen,
            opacity,
            lens_in_screen,
            presence: view.presence.clone(),
        },
    ));
}

/// The stroke under the pen and the layers without it, for a renderer that draws strokes.
fn stroke_in_layers(
    view: &CanvasView,
    sketch: &SketchView<'_>,
) -> Option<(LayerStack, StrokeInLayers)> {
    let stroke = sketch.stroke.filter(|_| view.presence.draws_strokes())?;
    let plane = stroke.pen.plane;
    let plane_idx = LayerStack::idx_of(plane, sketch.document, sketch.mask)?;
    let mut stack = LayerStack::of(sketch.document, sketch.mask);
    stack.planes[plane_idx] = Some(stroke.before.plane(plane).clone());
    let n_drawn = view.presence.n_drawn_stamps(stroke.serial);
    Some((stack, StrokeInLayers { plane_idx, stamps: NewStamps::of(&stroke, n_drawn) }))
}

/// The picture over its checkerboard, with a soft shadow and a hairline around it.
fn paint_picture(
    painter: &Painter,
    visuals: &Visuals,
    view: &mut CanvasView,
    shown: &Shown,
    fade: f32,
    place: &SketchPlacement,
) {
    let size = vec2(shown.image.width() as f32, shown.image.height() as f32);
    let picture_in_screen = fitted(size, place.canvas_in_screen);
    let picture_in_ui = picture_in_screen / place.pixels_per_point;
    paint_frame(painter, visuals, picture_in_ui);

    let checker = checker_colours(visuals);
    if !view.presence.is_confirmed() {
        view.fallback.paint(painter, shown, picture_in_ui, checker);
    }
    // Also where no renderer has answered yet: the callback is the question.
    let checker_cell_in_screen = (CHECKER_CELL * place.pixels_per_point).round();
    painter.add(egui_wgpu::Callback::new_paint_callback(
        place.pane_in_ui,
        CanvasPaint {
            picture: Arc::clone(&shown.image),
            serial: shown.serial,
            picture_in_screen,
            fade,
            checker,
            checker_cell_in_screen,
            presence: view.presence.clone(),
        },
    ));
    if let Some(rows) = &view.rows {
        rows::paint(painter, visuals, rows, picture_in_ui);
    }
}

/// What is drawn on where there is no picture.
fn paint_paper(painter: &Painter, visuals: &Visuals, paper_in_ui: Rect) {
    paint_frame(painter, visuals, paper_in_ui);
    painter.rect_filled(paper_in_ui, 0.0, Palette::of(visuals).paper);
}

fn paint_frame(painter: &Painter, visuals: &Visuals, picture_in_ui: Rect) {
    let shadow = Shadow { offset: [0, 3], blur: 18, spread: 0, color: visuals.popup_shadow.color };
    painter.add(shadow.as_shape(picture_in_ui, 0.0));
    let edge = visuals.widgets.noninteractive.bg_stroke;
    painter.rect_stroke(picture_in_ui, 0.0, edge, StrokeKind::Outside);
}

/// The gap between the panes has the colour of the panels around the canvas.
fn paint_pane_edge(painter: &Painter, visuals: &Visuals, first: Rect, second: Rect) {
    let gap = Rect::from_min_max(first.right_top(), second.left_bottom());
    painter.rect_filled(gap, 0.0, visuals.panel_fill);
}

/// As large as fits into the canvas; a picture of its proportions fills it exactly.
fn fitted(size: Vec2, canvas_in_screen: Rect) -> Rect {
    let canvas = canvas_in_screen.size();
    if (size.x * canvas.y - size.y * canvas.x).abs() <= 1e-4 * size.x * canvas.y {
        return canvas_in_screen;
    }
    let scale = (canvas / size).min_elem();
    Rect::from_center_size(canvas_in_screen.center(), size * scale)
}

fn sketch_look(visuals: &Visuals, mask: Option<Plane>) -> SketchLook {
    let palette = Palette::of(visuals);
    let is_lock = mask == Some(Plane::Lock);
    SketchLook {
        ink: palette.ink,
        halo: palette.ink_halo,
        depth: palette.depth,
        wash: if is_lock { palette.locked } else { palette.weakened },
        is_hatched: is_lock,
    }
}

/// Side of a checkerboard cell in points, whatever the zoom.
pub(super) const CHECKER_CELL: f32 = 8.0;

/// Two quiet neighbours of the panel's colour, so that the checkerboard never competes with the
/// picture. In a dark window they are a middle grey on which dark outlines can be seen too.
fn checker_colours(visuals: &Visuals) -> [Color32; 2] {
    let paper = visuals.panel_fill.to_opaque();
    let ink = visuals.text_color().to_opaque();
    let shades = if visuals.dark_mode { [0.24, 0.32] } else { [0.03, 0.10] };
    shades.map(|shade| paper.lerp_to_gamma(ink, shade))
}

#[cfg(test)]
mod tests {
    use egui::pos2;

    use super::*;

    #[test]
    fn pictures_fit_into_the_canvas() {
        let canvas = Rect::from_min_size(pos2(7.0, 9.0), Vec2::splat(301.7));
        assert_eq!(fitted(Vec2::splat(256.0), canvas), canvas);
        assert_eq!(fitted(Vec2::splat(1.0), canvas), canvas);
        let wide = fitted(vec2(200.0, 100.0), canvas);
        assert!((wide.width() - 301.7).abs() < 1e-3 && (wide.height() - 150.85).abs() < 1e-3);
        assert!((wide.center() - canvas.center()).length() < 1e-3);
    }
}
