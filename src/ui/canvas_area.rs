//! The middle of the window: the canvas, and what lies over it.

use std::sync::Arc;

use egui::{Align2, Rect, Ui, vec2};

use super::brush_cursor::brush_cursor_ui;
use super::canvas_view::{Content, Shown, SketchView, canvas_ui};
use super::command::UiCommand;
use super::words::Words;
use super::{UiState, part, theme, view_bar};
use crate::document::Plane;
use crate::params::ControlKind;
use crate::state::{AppState, Engine, Tool};

/// Nobody listens to a longer prompt.
const MAX_SPOKEN_CHARS: usize = 200;

pub(super) fn canvas_area_ui(
    ui: &mut Ui,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let area = ui.max_rect();
    let still = state.growing().map(|growing| &growing.still);
    let still = still.or_else(|| state.shown().map(|shown| shown.still));
    let shown = still.map(|still| Shown { image: Arc::clone(&still.image), serial: still.serial });
    view.canvas.rows = state.shown_rows();
    view.canvas.hand.tool = state.settings.tools.tool;
    let takes_part = state.adding.is_taking_part;
    if takes_part {
        part::hold(&mut view.canvas, area);
    }
    let tools = &state.settings.tools;
    let view_settings = &state.settings.view;
    // A part is taken of the picture, and not of the sketch over it.
    let is_hidden = view_bar::hides_controls(ui) || takes_part;
    let sketch = SketchView {
        document: state.sketch.document(),
        stroke: state.sketch.stroke_in_progress(),
        comparison: view_settings.comparison,
        controls_opacity: view_settings.controls_opacity,
        is_hidden,
        mask: shown_mask(state),
    };
    let mut description = description(state);
    if is_hidden {
        description.push_str(", without the sketch");
    }
    let content =
        Content { shown: shown.as_ref(), sketch: Some(sketch), description: &description };
    let response = canvas_ui(ui, &mut view.canvas, &content);
    if !takes_part {
        brush_cursor_ui(ui, &response, &view.canvas, tools, &mut view.size_preview);
    }
    commands.extend(view.canvas.hand.take_commands().into_iter().map(UiCommand::Sketch));
    let zoom = view.canvas.zoom();
    let bar = view_bar::view_bar_ui(ui, area, zoom, state.settings.view, commands);
    view.canvas.hand.covered = Some(bar);
    part::part_ui(ui, &response, bar, state, view, commands);
    if shown.is_none() {
        obstacle_ui(ui, area, state);
    }
    let is_empty = ControlKind::ALL
        .iter()
        .all(|kind| state.sketch.document().layer(*kind).pixels().is_empty());
    if is_empty && !takes_part && !matches!(tools.tool, Tool::Pan | Tool::Lock) {
        invitation_ui(ui, area);
    }
}

/// The plane that the user paints, if it is a mask; else the lock, which is never out of sight.
fn shown_mask(state: &AppState) -> Option<Plane> {
    let plane = state.settings.tools.plane();
    let is_locked = !state.sketch.document().lock().is_empty();
    match plane {
        Plane::Strength(_) | Plane::Lock => Some(plane),
        Plane::Pixels(_) => is_locked.then_some(Plane::Lock),
    }
}

/// What a screen reader says of the canvas.
fn description(state: &AppState) -> String {
    let shown = state.shown();
    let job =
        shown.map(|shown| shown.job).or(state.job.as_ref().filter(|_| state.growing().is_some()));
    let Some(job) = job else { return "Canvas, no picture yet".to_owned() };
    let prompt = match job.request.prompt.trim() {
        "" => "an empty prompt".to_owned(),
        prompt => prompt.chars().take(MAX_SPOKEN_CHARS).collect(),
    };
    let (n_shown, n_scales) = (shown.map_or(0, |shown| shown.scale_idx + 1), job.stills.len());
    let one = Words::of_model(state).one;
    format!("Picture of {prompt}, {one} {n_shown} of {n_scales}")
}

/// What an empty canvas is for.
fn invitation_ui(ui: &Ui, area: Rect) {
    const TEXT: &str = "Draw here, or drop a picture";
    let palette = theme::palette(ui);
    let galley = ui.painter().layout_no_wrap(TEXT.to_owned(), theme::body(), palette.on_scrim);
    let size = galley.size() + vec2(2.0 * theme::SPACE_M, theme::SPACE_M);
    let top = area.center_top() + vec2(0.0, theme::SPACE_L);
    let rect = Align2::CENTER_TOP.anchor_size(top, size);
    ui.painter().rect_filled(rect, size.y / 2.0, palette.scrim);
    let pos = rect.center() - galley.size() / 2.0;
    ui.painter().galley(pos, galley, palette.on_scrim);
}

/// Why there is nothing to see, beyond what the empty canvas says itself.
fn obstacle_ui(ui: &mut Ui, area: Rect, state: &AppState) {
    let text = match &state.engine {
        Engine::Loading => "Loading the model…",
        Engine::Failed(failure) => &failure.headline,
        Engine::Ready(_) => return,
    };
    let pos = area.center_bottom() - vec2(0.0, theme::SPACE_XL);
    let ink = theme::palette(ui).text_soft;
    ui.painter().text(pos, Align2::CENTER_BOTTOM, text, theme::body(), ink);
}
