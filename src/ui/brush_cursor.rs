//! The outline of the brush on the canvas at its true size, and its new size while that changes.

use egui::{Align2, CursorIcon, Painter, Pos2, Rect, Response, Stroke, Ui, vec2};

use super::canvas_view::{CanvasView, Pane};
use super::theme::{self, Palette};
use crate::state::{Tool, Tools};

/// Points below which an outline would hide under the pointer.
const MIN_DIAMETER: f32 = 6.0;
/// Seconds for which a new size is shown.
const PREVIEW_SECS: f64 = 0.8;

/// The size as it was last seen, and until when to show it.
#[derive(Debug, Default)]
pub(super) struct SizePreview {
    seen: Option<(Tool, f32)>,
    until: f64,
}

pub(super) fn brush_cursor_ui(
    ui: &Ui,
    canvas: &Response,
    view: &CanvasView,
    tools: &Tools,
    preview: &mut SizePreview,
) {
    let has_nib = tools.tool.is_brush() || tools.tool.is_shape();
    let size_px = tools.brush_in_hand().size_px;
    let now = ui.input(|input| input.time);
    let seen = (tools.tool, size_px);
    let is_resized =
        preview.seen.is_some_and(|(tool, size)| tool == seen.0 && size != seen.1) && has_nib;
    preview.seen = Some(seen);
    if is_resized {
        preview.until = now + PREVIEW_SECS;
    }

    let diameter = size_px * view.zoom() / ui.pixels_per_point();
    let palette = theme::palette(ui);
    let painter = ui.painter_at(canvas.rect);
    let pointer = canvas.hover_pos().or_else(|| canvas.interact_pointer_pos());
    let pointer = pointer.filter(|pos| canvas.rect.contains(*pos));
    if let Some(pos) = pointer
        && tools.tool.is_brush()
        && ui.input(|input| !input.modifiers.alt)
        && !ui.input(|input| input.key_down(egui::Key::Space))
        && diameter >= MIN_DIAMETER
    {
        ui.set_cursor_icon(CursorIcon::None);
        for pane in [Pane::First, Pane::Second] {
            if let Some(at) = seen_in(view, pane, pos) {
                outline(&painter, palette, at, diameter);
                painter.circle_filled(at, 1.0, palette.on_scrim);
            }
        }
    }
    if now < preview.until {
        let centre = pointer.unwrap_or_else(|| view.panes().first.center());
        if pointer.is_none() || diameter < MIN_DIAMETER || !tools.tool.is_brush() {
            outline(&painter, palette, centre, diameter);
        }
        size_ui(&painter, palette, canvas.rect, centre + vec2(0.0, diameter / 2.0), size_px);
        ui.ctx().request_repaint_after_secs((preview.until - now) as f32);
    }
}

/// The same place of the canvas in a pane that is there.
fn seen_in(view: &CanvasView, pane: Pane, pos: Pos2) -> Option<Pos2> {
    if pane == Pane::Second {
        view.panes().second?;
    }
    Some(view.ui_point_in(pane, view.canvas_point(pos)?))
}

/// Light on dark, to be seen on any picture.
fn outline(painter: &Painter, palette: &Palette, centre: Pos2, diameter: f32) {
    painter.circle_stroke(centre, diameter / 2.0, Stroke::new(2.5, palette.scrim));
    painter.circle_stroke(centre, diameter / 2.0, Stroke::new(1.0, palette.on_scrim));
}

fn size_ui(painter: &Painter, palette: &Palette, area: Rect, below: Pos2, size_px: f32) {
    let text = format!("{size_px} px");
    let galley = painter.layout_no_wrap(text, theme::small(), palette.on_scrim);
    let top = below + vec2(0.0, theme::SPACE_S);
    let rect = Align2::CENTER_TOP.anchor_size(top, galley.size() + vec2(12.0, 6.0));
    // Under a large brush there may be no room left.
    let rect = rect.translate(vec2(0.0, (area.bottom() - 12.0 - rect.bottom()).min(0.0)));
    painter.rect_filled(rect, theme::RADIUS, palette.scrim);
    painter.galley(rect.min + vec2(6.0, 3.0), galley, palette.on_scrim);
}
