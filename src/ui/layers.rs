//! The layers of the sketch: which one is drawn on, which are seen, how closely the picture
//! follows each.

use egui::{
    Align, Align2, CornerRadius, Image, Layout, Rect, Role, Sense, Ui, UiBuilder, Vec2, WidgetInfo,
    vec2,
};

use super::command::{Action, UiCommand};
use super::import_command::ImportCommand;
use super::layer_strength;
use super::layer_thumbnails::LayerThumbnails;
use super::sketch_command::SketchCommand;
use super::widgets::{self, Button};
use super::{UiState, drop, icons, side_panel, theme, tool_look};
use crate::document::{Document, Edit, Plane};
use crate::params::ControlKind;
use crate::state::AppState;

const ROW_HEIGHT: f32 = 52.0;
const THUMBNAIL: f32 = 40.0;
/// How faint a row is that says nothing to the model.
const QUIET_OPACITY: f32 = 0.55;

/// One row per layer; the one that is drawn on unfolds its settings. Layers that the model cannot read
/// stay, with the reason why they wait.
pub(super) fn layers_ui(
    ui: &mut Ui,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    view.layer_rects.clear();
    let kinds = state.model().map_or(&ControlKind::ALL[..], |model| &model.control_kinds);
    let document = state.sketch.document();
    // A model that reads none hides nothing that was drawn.
    if kinds.is_empty() && !document.has_pixels() {
        return;
    }
    side_panel::divider(ui);
    widgets::section(ui, "Sketch").on_hover_text("What you draw here steers the picture");
    if let Some(model) = state.model()
        && model.image_size_px != document.size_px()
    {
        let (sketch, model) = (document.size_px(), model.image_size_px);
        let text = format!("Drawn at {sketch} px; the model sees it at {model} px");
        side_panel::hint(ui, &text);
    }
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for kind in ControlKind::ALL {
            let rect = row_ui(ui, state, kind, &mut view.layer_thumbnails, commands);
            drop::place_ui(ui, rect.shrink(2.0));
            view.layer_rects.push((kind, rect));
        }
    });
    let layer = state.settings.tools.layer;
    if kinds.contains(&layer) {
        layer_strength::layer_strength_ui(ui, state, layer, commands);
    }
}

/// Returns where a picture can be dropped.
fn row_ui(
    ui: &mut Ui,
    state: &AppState,
    kind: ControlKind,
    thumbnails: &mut LayerThumbnails,
    commands: &mut Vec<UiCommand>,
) -> Rect {
    let palette = theme::palette(ui);
    let document = state.sketch.document();
    let layer = document.layer(kind);
    let tools = &state.settings.tools;
    let is_selected = tools.layer == kind;
    let look = tool_look::of_layer(kind);

    let (rect, row) =
        ui.allocate_exact_size(vec2(ui.available_width(), ROW_HEIGHT), Sense::click());
    let label = format!("Draw on {}", look.label.to_lowercase());
    row.widget_info(|| {
        WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), is_selected, label.as_str())
    });
    let fill = match (is_selected, row.hovered()) {
        (true, _) => palette.accent_soft,
        (false, true) => palette.control_hover,
        (false, false) => palette.control.gamma_multiply(0.5),
    };
    ui.painter().rect_filled(rect, theme::RADIUS, fill);
    widgets::focus_ring(ui, &row, theme::RADIUS);
    if row.clicked() {
        commands.push(SketchCommand::SelectLayer(kind).into());
    }

    let inner = rect.shrink2(vec2(theme::SPACE_XS, 0.0));
    ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = theme::SPACE_S;
            eye_ui(ui, kind, document, commands);
            let reason = waits(state, kind);
            let takes_part = layer.takes_part() && reason.is_none();
            let opacity = if takes_part { 1.0 } else { QUIET_OPACITY };
            let is_strength = is_selected && tools.paints_strength;
            let plane = if is_strength { Plane::Strength(kind) } else { Plane::Pixels(kind) };
            thumbnail_ui(ui, thumbnails, document, plane, opacity);
            let text_left = ui.cursor().left();
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 0.0;
                clear_ui(ui, kind, document, commands);
                import_ui(ui, kind, commands);
            });
            let about = match &reason {
                Some(_) => "Not read by this model",
                None if is_strength => "Painting where it is followed",
                None => look.explanation,
            };
            let text = rect.with_min_x(text_left).with_max_x(rect.right() - 60.0);
            let painter = ui.painter().with_clip_rect(text);
            let ink = if is_selected { palette.accent_text } else { palette.text };
            let is_seen = layer.is_visible() && reason.is_none();
            let ink = if is_seen { ink } else { palette.text_faint };
            let middle = text.left_center();
            let name = vec2(0.0, -9.0);
            painter.text(middle + name, Align2::LEFT_CENTER, look.label, theme::strong(), ink);
            let soft = if is_selected { palette.text_soft } else { palette.text_faint };
            painter.text(middle - name, Align2::LEFT_CENTER, about, theme::small(), soft);
        });
    });
    if let Some(reason) = waits(state, kind) {
        row.on_hover_text(reason);
    }
    rect
}

/// Why a layer says nothing to the model; `None` if the model reads it.
fn waits(state: &AppState, kind: ControlKind) -> Option<String> {
    let model = state.model().filter(|model| !model.control_kinds.contains(&kind))?;
    let name = |kind: &ControlKind| tool_look::of_layer(*kind).label.to_lowercase();
    let known: Vec<_> = model.control_kinds.iter().map(name).collect();
    let reads = match &known[..] {
        [] => "reads no sketch".to_owned(),
        [one] => format!("reads {one} only"),
        [one, other] => format!("reads {one} and {other}"),
        _ => format!("reads {}", known.join(", ")),
    };
    let this = name(&kind);
    Some(format!("{} {reads}; {this} wait for a model that knows them", model.name))
}

fn eye_ui(ui: &mut Ui, kind: ControlKind, document: &Document, commands: &mut Vec<UiCommand>) {
    let is_visible = document.layer(kind).is_visible();
    let name = tool_look::of_layer(kind).label;
    let (icon, verb) = if is_visible { (icons::EYE, "Hide") } else { (icons::EYE_OFF, "Show") };
    // The name stays the same while it is toggled; only the tip tells what a click does.
    let label = format!("{name} in use");
    let button = Button::icon(icon, &label).toggled(is_visible).show(ui);
    let tip = format!("{verb} {}; hidden layers do not steer the picture", name.to_lowercase());
    if button.on_hover_text(tip).clicked() {
        let edit = Edit::SetVisible { layer: kind, visible: !is_visible };
        commands.push(SketchCommand::Edit(edit).into());
    }
}

fn thumbnail_ui(
    ui: &mut Ui,
    thumbnails: &mut LayerThumbnails,
    document: &Document,
    plane: Plane,
    opacity: f32,
) {
    let palette = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(THUMBNAIL), Sense::hover());
    let texture = thumbnails.texture(ui.ctx(), palette, plane, document.plane(plane));
    let corner = CornerRadius::same(4);
    ui.scope(|ui| {
        ui.multiply_opacity(opacity);
        Image::new((texture, rect.size())).corner_radius(corner).paint_at(ui, rect);
    });
    let edge = egui::Stroke::new(1.0, palette.line_strong);
    ui.painter().rect_stroke(rect, corner, edge, egui::StrokeKind::Inside);
}

fn import_ui(ui: &mut Ui, kind: ControlKind, commands: &mut Vec<UiCommand>) {
    let name = tool_look::of_layer(kind).label.to_lowercase();
    let label = format!("Import {name}");
    let tip = format!("Take the {name} of a picture; you can also drop it here");
    if Button::icon(icons::IMAGE_PLUS, &label).show(ui).on_hover_text(tip).clicked() {
        commands.push(ImportCommand::Choose { onto: Some(kind) }.into());
    }
}

fn clear_ui(ui: &mut Ui, kind: ControlKind, document: &Document, commands: &mut Vec<UiCommand>) {
    let name = tool_look::of_layer(kind).label.to_lowercase();
    let has_pixels = !document.layer(kind).pixels().is_empty();
    let label = format!("Clear {name}");
    let button = Button::icon(icons::TRASH, &label).enabled(has_pixels).show(ui);
    let key = Action::ClearLayer.key_text(ui.ctx());
    let tip = format!("Take everything off the {name} layer ({key} for the one you draw on)");
    if button.on_hover_text(tip).clicked() {
        commands.push(SketchCommand::Edit(Edit::Clear(Plane::Pixels(kind))).into());
    }
}
