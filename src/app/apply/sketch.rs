//! Changes of the sketch and of the tools. Live mode sees by itself that something changed.

use super::lock;
use crate::document::{Edit, Ink, Mode, Pen, PenPoint, Plane, Point, Shape};
use crate::params::ControlKind;
use crate::state::{AppState, Tool};
use crate::ui::SketchCommand;

/// Sizes that `[` and `]` step through, as factors.
const SIZE_STEP: f32 = 1.2;

/// Carries out a wish; `now` is the window's time in seconds.
pub(super) fn command(state: &mut AppState, command: SketchCommand, now: f64) {
    lock::before(state, &command, now);
    let tools = &mut state.settings.tools;
    match command {
        SketchCommand::TakeTool(tool) => take_tool(state, tool),
        SketchCommand::SelectLayer(layer) => tools.layer = layer,
        SketchCommand::PaintStrength(is_on) => tools.paints_strength = is_on,
        SketchCommand::SetTools(tools) => state.settings.tools = tools.checked(),
        SketchCommand::BeginStroke(point) => {
            let pen = tools.pen();
            begin_stroke(state, pen, point, now);
        }
        SketchCommand::BeginErasing(point) => {
            let mut pen = tools.pen();
            pen.brush.mode = Mode::Erase;
            begin_stroke(state, pen, point, now);
        }
        SketchCommand::Draw(points) => state.sketch.extend_stroke(&points),
        SketchCommand::EndStroke => {
            state.sketch.end_stroke();
        }
        SketchCommand::ShowShape { from, to } => show_shape(state, from, to, now),
        SketchCommand::DrawShape => {
            if state.sketch.accept_draft().is_some() {
                state.settings.tools.remember_colour();
            }
        }
        SketchCommand::Abandon => state.sketch.discard(),
        SketchCommand::Fill(at) => {
            let edit = Edit::Fill { pen: tools.pen(), area: tools.fill_area(at) };
            tools.remember_colour();
            reveal(state, now);
            apply(state, &edit);
        }
        SketchCommand::Pick(at) => pick(state, at),
        SketchCommand::Edit(edit) => {
            if edit == Edit::Clear(Plane::Lock)
                && let Some(kept) = &mut state.steering.kept
            {
                kept.lock = None;
            }
            apply(state, &edit);
        }
        SketchCommand::EndDrag => state.sketch.end_drag(),
    }
}

/// Takes a tool in the hand; what was being drawn with the one before is kept.
pub(super) fn take_tool(state: &mut AppState, tool: Tool) {
    state.sketch.end_stroke();
    state.settings.tools.take(tool);
}

/// Makes the tool in hand larger or smaller by some steps.
pub(super) fn resize_brush(state: &mut AppState, n_steps: i32) {
    let brush = state.settings.tools.brush_in_hand_mut();
    let stepped = brush.size_px * SIZE_STEP.powi(n_steps);
    // At least half a pixel, so that small sizes do not stick.
    let size_px = if n_steps > 0 {
        stepped.max(brush.size_px + 0.5)
    } else {
        stepped.min(brush.size_px - 0.5)
    };
    brush.size_px = (2.0 * size_px).round() / 2.0;
    *brush = brush.clamped();
}

fn begin_stroke(state: &mut AppState, pen: Pen, point: PenPoint, now: f64) {
    if !state.settings.tools.tool.is_brush() {
        return;
    }
    reveal(state, now);
    if pen.brush.mode == Mode::Paint {
        state.settings.tools.remember_colour();
    }
    state.sketch.begin_stroke(pen);
    state.sketch.extend_stroke(&[point]);
}

fn show_shape(state: &mut AppState, from: Point, to: Point, now: f64) {
    let tools = &state.settings.tools;
    let Some(kind) = tools.shape_kind() else { return };
    let edit = Edit::Shape { pen: tools.pen(), shape: Shape { kind, from, to } };
    reveal(state, now);
    state.sketch.show_draft(edit).expect("shapes fit on any canvas");
}

/// Takes the ink under the picker: from the plane that is drawn on, for colour also from the
/// picture where the layer has none. Then gives the tool before the picker back.
fn pick(state: &mut AppState, at: Point) {
    let plane = state.settings.tools.layer_plane();
    let picked = state.sketch.document().pick(plane, at);
    let from_picture = || {
        let is_colour = plane == Plane::Pixels(ControlKind::Colour);
        is_colour.then(|| picture_colour(state, at)).flatten()
    };
    let Some(ink) = picked.or_else(from_picture) else { return };
    state.settings.tools.set_ink(ink);
    if state.settings.tools.tool == Tool::Picker {
        state.settings.tools.tool = state.settings.tools.before_picker;
    }
}

/// The colour of the shown picture; `None` where it is transparent.
fn picture_colour(state: &AppState, at: Point) -> Option<Ink> {
    let image = &state.shown()?.still.image;
    // The picture fills the canvas, or lies in its middle.
    let (width, height) = image.dimensions();
    let side = width.max(height);
    let scale = side as f32 / state.sketch.document().size_px() as f32;
    let x = at[0] * scale - (side - width) as f32 / 2.0;
    let y = at[1] * scale - (side - height) as f32 / 2.0;
    let is_inside = x >= 0.0 && y >= 0.0;
    let pixel = is_inside.then(|| image.get_pixel_checked(x as u32, y as u32)).flatten()?;
    let [red, green, blue, alpha] = pixel.0;
    (alpha > 127).then_some(Ink { level: 255, colour: [red, green, blue] })
}

/// Shows the layer that is about to be drawn on: nobody means to draw without seeing it.
fn reveal(state: &mut AppState, now: f64) {
    let layer = state.settings.tools.layer;
    if state.settings.tools.plane() == Plane::Lock {
        return;
    }
    if !state.sketch.document().layer(layer).is_visible() {
        apply(state, &Edit::SetVisible { layer, visible: true });
        state.notices.info(now, format!("The {} layer is shown again", layer.name()));
    }
}

pub(super) fn apply(state: &mut AppState, edit: &Edit) {
    // Only imports can be refused, and those are fitted to the canvas before they come here.
    if let Err(error) = state.sketch.apply(edit) {
        tracing::error!(%error, "an edit was refused");
    }
}
