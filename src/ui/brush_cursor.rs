//! The outline of the brush on the canvas at its true size, and its new size while that changes.

use egui::{Align2, CursorIcon, Key, Painter, PointerButton, Pos2, Rect, Response, Ui, vec2};

use super::canvas_view::{CanvasView, CursorKind, Pane, paint_cursor};
use super::theme::{self, Palette};
use crate::document::Symmetry;
use crate::state::{Tool, Tools};

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

    let radius = view.brush_radius(size_px);
    let painter = ui.painter_at(canvas.rect);
    let visuals = ui.visuals();
    let pointer = canvas.hover_pos().or_else(|| canvas.interact_pointer_pos());
    let pointer = pointer.filter(|pos| canvas.rect.contains(*pos));
    let picks = tools.tool == Tool::Picker || ui.input(|input| input.modifiers.alt);
    let moves = tools.tool == Tool::Pan
        || ui.input(|input| input.key_down(Key::Space))
        || canvas.dragged_by(PointerButton::Middle);
    let kind = if tools.tool.is_brush() && !picks {
        CursorKind::Brush { radius }
    } else {
        CursorKind::Crosshair
    };
    if let Some(pos) = pointer.filter(|_| !moves) {
        ui.set_cursor_icon(CursorIcon::None);
        let symmetry = if picks { Symmetry::None } else { tools.symmetry };
        for pane in [Pane::First, Pane::Second] {
            if let Some(at) = seen_in(view, pane, pos) {
                let copies = view.copies_of(pane, at, symmetry);
                paint_cursor(&painter, visuals, at, kind, &copies);
            }
        }
    }
    if now < preview.until {
        let centre = pointer.unwrap_or_else(|| view.panes().first.center());
        if pointer.is_none() || kind == CursorKind::Crosshair {
            paint_cursor(&painter, visuals, centre, CursorKind::Brush { radius }, &[]);
        }
        let palette = theme::palette(ui);
        size_ui(&painter, palette, canvas.rect, centre + vec2(0.0, radius), size_px);
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
