//! The middle of the window: the canvas, and what lies over it.

use std::sync::Arc;

use egui::{Align2, Rect, Ui, UiBuilder, vec2};

use super::canvas_view::{Content, Shown, SketchView, canvas_ui};
use super::command::{Action, UiCommand};
use super::widgets::Button;
use super::{UiState, icons, theme};
use crate::state::{AppState, Engine};

/// Nobody listens to a longer prompt.
const MAX_SPOKEN_CHARS: usize = 200;

pub(super) fn canvas_area_ui(
    ui: &mut Ui,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let area = ui.max_rect();
    let shown = state
        .shown()
        .map(|shown| Shown { image: Arc::clone(&shown.still.image), serial: shown.still.serial });
    view.canvas.hand.tool = state.settings.tools.tool;
    let tools = &state.settings.tools;
    let view_settings = &state.settings.view;
    let sketch = SketchView {
        document: state.sketch.document(),
        stroke: state.sketch.stroke_in_progress(),
        comparison: view_settings.comparison,
        controls_opacity: view_settings.controls_opacity,
        is_hidden: false,
        strength_of: tools.paints_strength.then_some(tools.layer),
    };
    let description = description(state);
    let content =
        Content { shown: shown.as_ref(), sketch: Some(sketch), description: &description };
    canvas_ui(ui, &mut view.canvas, &content);
    commands.extend(view.canvas.hand.take_commands().into_iter().map(UiCommand::Sketch));
    if shown.is_some() {
        zoom_ui(ui, area, view.canvas.zoom(), commands);
    } else {
        obstacle_ui(ui, area, state);
    }
}

/// What a screen reader says of the canvas.
fn description(state: &AppState) -> String {
    let Some(shown) = state.shown() else { return "Canvas, no picture yet".to_owned() };
    let prompt = match shown.job.request.prompt.trim() {
        "" => "an empty prompt".to_owned(),
        prompt => prompt.chars().take(MAX_SPOKEN_CHARS).collect(),
    };
    let n_scales = shown.job.stills.len();
    format!("Picture of {prompt}, scale {} of {n_scales}", shown.scale_idx + 1)
}

/// The zoom, which is also the way back to the whole picture.
fn zoom_ui(ui: &mut Ui, area: Rect, zoom: f32, commands: &mut Vec<UiCommand>) {
    let size = vec2(76.0, theme::CONTROL_HEIGHT);
    let margin = vec2(theme::SPACE_M, theme::SPACE_M);
    let rect = Align2::LEFT_BOTTOM.align_size_within_rect(size, area.shrink2(margin));
    ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        let text = format!("{:.0} %", 100.0 * zoom);
        let button = Button::text(&text).with_icon(icons::FIT).labelled(Action::FitView.label());
        let tip = Action::FitView.tooltip(ui.ctx());
        if button.min_size(size).show(ui).on_hover_text(tip).clicked() {
            commands.push(Action::FitView.into());
        }
    });
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
