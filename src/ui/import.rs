//! The import panel: beside the canvas, or over it, while a picture waits to become lines, depth, colours or
//! an inspiration. The canvas shows live what the settings make of it, and stays free to draw on.

mod settings;

use egui::{
    Align, Align2, Area, Frame, Id, Key, Label, Layout, Modifiers, Order, Panel, Rect, RichText,
    ScrollArea, Sense, Stroke, StrokeKind, Ui, Vec2, vec2,
};

use super::command::UiCommand;
use super::import_command::ImportCommand;
use super::pictures::Pictures;
use super::widgets::Button;
use super::{UiState, icons, theme};
use crate::params::ControlKind;
use crate::protocol::DecodingOrder;
use crate::state::import::{ImportPicture, ImportSettings, ImportTarget};
use crate::state::{AppState, Import};

const WIDTH: f32 = 304.0;
/// The canvas is not made narrower than this for the panel.
const MIN_CANVAS: f32 = 380.0;
/// Header, footer and margins.
const HEIGHT_AROUND: f32 = 140.0;
const THUMBNAIL: f32 = 52.0;

/// Draws the panel beside the canvas where there is room, so that it hides nothing of the picture.
/// While something is being drawn the canvas keeps its size: it must not move under the pen.
pub(super) fn import_beside_ui(
    ui: &mut Ui,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let import = state.imports.open.as_ref();
    let margin = theme::SPACE_M;
    let width = WIDTH + 2.0 * margin;
    if !view.canvas.hand.is_drawing() {
        let has_room = ui.available_width() >= width + MIN_CANVAS;
        view.is_import_beside = import.is_some() && has_room;
    }
    if !view.is_import_beside {
        return;
    }
    let frame = Frame::new().fill(theme::palette(ui).canvas).inner_margin(margin);
    let panel = Panel::right("import")
        .exact_size(width)
        .resizable(false)
        .show_separator_line(false)
        .frame(frame);
    panel.show(ui, |ui| {
        if let Some(import) = import {
            card_ui(ui, state, import, view, commands);
        }
    });
}

/// Draws the panel in the upper right of `canvas`, unless it is beside it or something is being
/// drawn.
pub(super) fn import_over_ui(
    ui: &Ui,
    canvas: Rect,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let Some(import) = &state.imports.open else { return };
    if view.is_import_beside || view.canvas.hand.is_drawing() {
        return;
    }
    let space = canvas.shrink(theme::SPACE_M);
    let area = Area::new(Id::unique("import"))
        .order(Order::Middle)
        .pivot(Align2::RIGHT_TOP)
        .fixed_pos(space.right_top())
        .accessible_name("Import");
    area.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(space.width()));
        ui.set_max_height(space.height());
        card_ui(ui, state, import, view, commands);
    });
}

/// The panel as wide as the available space and at most as high.
fn card_ui(
    ui: &mut Ui,
    state: &AppState,
    import: &Import,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let n_before = commands.len();
    let max_height = (ui.available_height() - HEIGHT_AROUND).max(60.0);
    let frame = theme::floating_frame(ui).inner_margin(theme::SPACE_M);
    let card = frame.show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = theme::SPACE_S;
        header_ui(ui, &import.picture, &mut view.pictures, commands);
        ScrollArea::vertical().max_height(max_height).show(ui, |ui| {
            commands.extend(choices_ui(ui, state, &import.settings));
            notes_ui(ui, state, import);
        });
        footer_ui(ui, state, import, commands);
    });
    // A key that pressed a button of the panel, or that belongs to a field, is taken.
    let is_free = commands.len() == n_before
        && !view.was_in_text
        && !view.is_help_open
        && !view.canvas.hand.is_drawing();
    if is_free {
        commands.extend(key_wish(ui, card.response.rect, view.canvas.transform().area_in_ui()));
    }
}

/// Enter accepts and Esc puts away, unless another control has the keyboard.
fn key_wish(ui: &Ui, card: Rect, canvas: Rect) -> Option<UiCommand> {
    let pressed = |key| ui.ctx().input_mut(|input| input.consume_key(Modifiers::NONE, key));
    if pressed(Key::Escape) {
        return Some(ImportCommand::Cancel.into());
    }
    let focused = ui.ctx().memory(egui::Memory::focused);
    let is_here = |id: Id| {
        let response = ui.ctx().read_response(id);
        response.is_some_and(|response| {
            let middle = response.rect.center();
            card.contains(middle) || canvas.contains(middle)
        })
    };
    let is_ours = focused.is_none_or(is_here);
    (is_ours && pressed(Key::Enter)).then(|| ImportCommand::Accept.into())
}

fn header_ui(
    ui: &mut Ui,
    picture: &ImportPicture,
    pictures: &mut Pictures,
    commands: &mut Vec<UiCommand>,
) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_M;
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(THUMBNAIL), Sense::hover());
        ui.painter().rect_filled(rect, theme::RADIUS, palette.field);
        let (width, height) = picture.thumbnail.dimensions();
        let size = vec2(width as f32, height as f32);
        let shown = (size * (THUMBNAIL / size.max_elem())).max(Vec2::splat(1.0));
        let inner = Align2::CENTER_CENTER.align_size_within_rect(shown, rect);
        let radius = if shown.min_elem() < 16.0 { egui::CornerRadius::ZERO } else { theme::RADIUS };
        pictures.paint(ui.painter(), palette, inner, radius, &picture.thumbnail, 1.0);
        let line = Stroke::new(1.0, palette.line);
        ui.painter().rect_stroke(rect, theme::RADIUS, line, StrokeKind::Inside);

        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            let close = Button::icon(icons::CLOSE, "Put the picture away");
            if close.show(ui).on_hover_text("Put the picture away (Esc)").clicked() {
                commands.push(ImportCommand::Cancel.into());
            }
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.add_space(6.0);
                let name = RichText::new(&picture.name).font(theme::strong()).color(palette.text);
                ui.add(Label::new(name).truncate());
                let size = format!("{} × {} pixels", picture.width, picture.height);
                let size = RichText::new(size).font(theme::small()).color(palette.text_soft);
                ui.add(Label::new(size).truncate());
            });
        });
    });
}

/// What the picture becomes, and how.
fn choices_ui(ui: &mut Ui, state: &AppState, settings: &ImportSettings) -> Option<UiCommand> {
    let free_slot = state.slots.iter().position(|slot| slot.chosen.is_none()).unwrap_or(0);
    let slot_idx = match settings.target {
        ImportTarget::Inspiration { slot_idx } => slot_idx,
        ImportTarget::Layer(_) | ImportTarget::Start => free_slot,
    };
    let mut targets = vec![
        settings::Choice::new("Lines", "Use as lines", ImportTarget::Layer(ControlKind::Lines)),
        settings::Choice::new("Depth", "Use as depth", ImportTarget::Layer(ControlKind::Depth)),
        settings::Choice::new("Colour", "Use as colours", ImportTarget::Layer(ControlKind::Colour)),
    ];
    if !state.slots.is_empty() {
        let target = ImportTarget::Inspiration { slot_idx };
        targets.push(settings::Choice::new("Inspiration", "Use as inspiration", target));
    }
    targets.push(settings::Choice::new("Start", "Use as a start", ImportTarget::Start));
    let mut wanted = *settings;
    if let Some(target) = settings::choice_row(ui, &targets, settings.target) {
        wanted.target = target;
    }
    settings::settings_ui(ui, state, &mut wanted);
    (wanted != *settings).then(|| ImportCommand::Set(Box::new(wanted)).into())
}

fn notes_ui(ui: &mut Ui, state: &AppState, import: &Import) {
    let palette = theme::palette(ui);
    let mut note = |icon: &str, text: &str, ink| {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.label(RichText::new(icon).font(theme::icon(13.0)).color(ink));
            let text = RichText::new(text).font(theme::small()).color(palette.text_soft);
            ui.add(Label::new(text).wrap());
        });
    };
    if let Some(text) = &import.picture.note {
        note(icons::INFO, text, palette.text_soft);
    }
    if let ImportTarget::Layer(kind) = import.settings.target
        && let Some(model) = state.model()
        && !model.control_kinds.contains(&kind)
    {
        let text = format!("The model does not look at {}", kind.name());
        note(icons::WARNING, &text, palette.warning);
    }
    if let Some(layer) = import.layer().filter(|_| !import.is_working()) {
        for text in &layer.notes {
            note(icons::INFO, text, palette.text_soft);
        }
    }
    if import.is_network_working() {
        progress_ui(ui);
        return;
    }
    if let Some(Err(problem)) = import.found.as_ref().map(|found| &found.result) {
        note(icons::WARNING, problem, palette.warning);
    }
}

/// Nobody knows how long a network needs, so the bar only says that it is at it.
fn progress_ui(ui: &mut Ui) {
    let palette = theme::palette(ui);
    let text = RichText::new("Looking for depth…").font(theme::small()).color(palette.text);
    ui.label(text);
    let size = vec2(ui.available_width(), 3.0);
    let (track, _) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter().rect_filled(track, 1.5, palette.control);
    let seconds = ui.input(|input| input.time);
    let at = (std::f64::consts::TAU * seconds / 2.4).sin() as f32 * 0.5 + 0.5;
    let mut bar = track;
    bar.set_width(0.3 * track.width());
    let bar = bar.translate(vec2(at * 0.7 * track.width(), 0.0));
    ui.painter().rect_filled(bar, 1.5, palette.accent);
    theme::keep_moving(ui);
}

fn footer_ui(ui: &mut Ui, state: &AppState, import: &Import, commands: &mut Vec<UiCommand>) {
    let (text, can_accept, tip) = match import.settings.target {
        ImportTarget::Layer(kind) => {
            let text = match kind {
                ControlKind::Lines => "Use as lines",
                ControlKind::Depth => "Use as depth",
                ControlKind::Colour => "Use as colours",
            };
            let has_failed = import.found.as_ref().is_some_and(|found| found.result.is_err());
            let tip = "Replaces what is on the layer (Enter); Undo brings it back";
            (text, !has_failed || import.is_working(), tip)
        }
        ImportTarget::Start if state.model().is_none() => {
            ("Use as a start", false, "The model is still loading")
        }
        ImportTarget::Start => match state.order() {
            DecodingOrder::NextScale => {
                ("Use as a start", true, "Its coarse scales are kept, the rest is drawn (Enter)")
            }
            DecodingOrder::Raster => {
                ("Use as a start", true, "Its upper rows are kept, the rest is drawn (Enter)")
            }
        },
        ImportTarget::Inspiration { .. } if state.model().is_none() => {
            ("Use as inspiration", false, "The model is still loading")
        }
        ImportTarget::Inspiration { .. } => {
            ("Use as inspiration", true, "The model looks at it from now on (Enter)")
        }
    };
    let size = vec2(ui.available_width(), theme::CONTROL_HEIGHT);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_S;
        let accept =
            Button::text(text).labelled("Accept the picture").primary().enabled(can_accept);
        if accept.show(ui).on_hover_text(tip).clicked() && can_accept {
            commands.push(ImportCommand::Accept.into());
        }
        let cancel = Button::text("Cancel").quiet();
        let tip = "Leaves the sketch as it was (Esc)";
        if cancel.show(ui).on_hover_text(tip).clicked() {
            commands.push(ImportCommand::Cancel.into());
        }
    });
}
