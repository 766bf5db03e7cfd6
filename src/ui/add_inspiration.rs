//! *Add inspiration*: a panel over the canvas for a picture with a background. It shows the picture
//! with it and without, as the model would see it, and takes name and place.

use std::sync::Arc;

use egui::{
    Align, Align2, Area, Id, Key, Label, Layout, Modifiers, Order, Rect, RichText, Role, Sense,
    Stroke, StrokeKind, TextEdit, Ui, Vec2, WidgetInfo, vec2,
};

use super::add_inspiration_command::AddInspirationCommand;
use super::command::UiCommand;
use super::pictures::Pictures;
use super::widgets::{self, Button, SliderRow};
use super::{UiState, icons, theme};
use crate::imaging::RgbaImage;
use crate::imaging::cutout::Outcome;
use crate::state::add_inspiration::{AddSettings, CutViews};
use crate::state::{Adding, AppState};

const WIDTH: f32 = 332.0;
const LABEL_WIDTH: f32 = 44.0;
/// The usual span of the tolerance; more can be typed.
const USUAL_TOLERANCE: f32 = 100.0;

/// Draws the panel in the upper right of `canvas`, while a picture waits for an answer.
pub(super) fn add_inspiration_ui(
    ui: &Ui,
    canvas: Rect,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let Some(adding) = &state.adding.open else { return };
    let n_before = commands.len();
    let space = canvas.shrink(theme::SPACE_M);
    let area = Area::new(Id::unique("add inspiration"))
        .order(Order::Middle)
        .pivot(Align2::RIGHT_TOP)
        .fixed_pos(space.right_top())
        .accessible_name("Add inspiration");
    let card = area.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(space.width()));
        let frame = theme::floating_frame(ui).inner_margin(theme::SPACE_M);
        frame.show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = theme::SPACE_S;
            header_ui(ui, state, adding, commands);
            views_ui(ui, adding, &mut view.pictures);
            let mut wanted = adding.settings.clone();
            let is_entered = settings_ui(ui, state, adding, &mut wanted);
            if wanted != adding.settings {
                commands.push(AddInspirationCommand::Set(Box::new(wanted)).into());
            }
            if is_entered {
                commands.push(AddInspirationCommand::Accept.into());
            }
            footer_ui(ui, state, adding, commands);
        });
    });
    // A key that pressed a button of the panel, or that belongs to a field, is taken.
    if commands.len() == n_before && !view.was_in_text && !view.is_help_open {
        commands.extend(key_wish(ui, card.response.rect, view.canvas.transform().area_in_ui()));
    }
}

/// Enter accepts and Esc puts away, unless another control has the keyboard.
fn key_wish(ui: &Ui, card: Rect, canvas: Rect) -> Option<UiCommand> {
    let pressed = |key| ui.ctx().input_mut(|input| input.consume_key(Modifiers::NONE, key));
    if pressed(Key::Escape) {
        return Some(AddInspirationCommand::Cancel.into());
    }
    let focused = ui.ctx().memory(egui::Memory::focused);
    let is_here = |id: Id| {
        let place = ui.ctx().read_response(id).map(|response| response.rect.center());
        place.is_some_and(|place| card.contains(place) || canvas.contains(place))
    };
    let is_ours = focused.is_none_or(is_here);
    (is_ours && pressed(Key::Enter)).then(|| AddInspirationCommand::Accept.into())
}

fn header_ui(ui: &mut Ui, state: &AppState, adding: &Adding, commands: &mut Vec<UiCommand>) {
    let palette = theme::palette(ui);
    ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
        let close = Button::icon(icons::CLOSE, "Put the picture away");
        if close.show(ui).on_hover_text("Put the picture away (Esc)").clicked() {
            commands.push(AddInspirationCommand::Cancel.into());
        }
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let title = RichText::new("Add inspiration").font(theme::title()).color(palette.text);
            ui.label(title);
            let picture = &adding.picture;
            let waiting = match state.adding.waiting.len() {
                0 => String::new(),
                1 => " · 1 more picture waits".to_owned(),
                n_waiting => format!(" · {n_waiting} more pictures wait"),
            };
            let facts = format!("{} × {} pixels{waiting}", picture.width, picture.height);
            let facts = RichText::new(facts).font(theme::small()).color(palette.text_soft);
            ui.add(Label::new(facts).truncate());
        });
    });
}

/// The picture with its background and as it was asked for, side by side.
fn views_ui(ui: &mut Ui, adding: &Adding, pictures: &mut Pictures) {
    let found = adding.found.as_ref().and_then(|found| found.result.as_ref().ok());
    let side = ((ui.available_width() - theme::SPACE_S) / 2.0).floor();
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_S;
        let Some(CutViews { before, after, .. }) = found else { return };
        view_ui(ui, pictures, side, "As it came", before);
        let title =
            if Arc::ptr_eq(before, after) { "Nothing removed" } else { "Without background" };
        view_ui(ui, pictures, side, title, after);
    });
}

fn view_ui(ui: &mut Ui, pictures: &mut Pictures, side: f32, title: &str, picture: &Arc<RgbaImage>) {
    let palette = theme::palette(ui);
    ui.allocate_ui_with_layout(vec2(side, 0.0), Layout::top_down(Align::Min), |ui| {
        ui.spacing_mut().item_spacing.y = theme::SPACE_XS;
        let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::hover());
        let label = format!("Picture: {title}");
        response.widget_info(|| WidgetInfo::labeled(Role::Image, ui.is_enabled(), &label));
        pictures.paint(ui.painter(), palette, rect, theme::RADIUS, picture, 1.0);
        let line = Stroke::new(1.0, palette.line);
        ui.painter().rect_stroke(rect, theme::RADIUS, line, StrokeKind::Inside);
        let text = RichText::new(title).font(theme::small()).color(palette.text_soft);
        ui.add(Label::new(text).truncate());
    });
}

/// Says whether Enter was pressed in the name.
fn settings_ui(ui: &mut Ui, state: &AppState, adding: &Adding, wanted: &mut AddSettings) -> bool {
    let cut = &mut wanted.cut;
    ui.horizontal(|ui| {
        let label = widgets::caption(ui, "Remove background");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let switch = widgets::switch(ui, "Remove background", cut.removes_background);
            let tip = "Takes away what hangs together with the border and has its colour";
            if switch.labelled_by(label.id).on_hover_text(tip).clicked() {
                cut.removes_background = !cut.removes_background;
            }
        });
    });
    if cut.removes_background {
        let tolerance = SliderRow {
            label: "Tolerance",
            explanation: "How much colours may differ from that of the border and still be \
                          background",
            value: f32::from(cut.tolerance),
            range: 0.0..=USUAL_TOLERANCE,
            max: 255.0,
            decimals: 0,
        };
        if let Some(tolerance) = tolerance.show(ui) {
            cut.tolerance = tolerance.round() as u8;
        }
    }
    note_ui(ui, adding);
    divider(ui);
    let is_entered = name_ui(ui, &mut wanted.name);
    places_ui(ui, state, &mut wanted.slot_idx);
    is_entered
}

/// What came of looking for the background. The room for it stays, so that nothing jumps while the
/// tolerance is being tried.
fn note_ui(ui: &mut Ui, adding: &Adding) {
    let palette = theme::palette(ui);
    let found = adding.found.as_ref().map(|found| &found.result);
    let is_asked = adding.settings.cut.removes_background;
    let (icon, text, ink) = match found {
        Some(Err(problem)) => (icons::WARNING, problem.clone(), palette.warning),
        Some(Ok(views)) => match (views.outcome, views.outcome.note()) {
            (_, Some(note)) if is_asked => (icons::WARNING, note.to_owned(), palette.warning),
            (Outcome::Removed { share }, _) if is_asked => {
                let text = format!("{:.0} % of the picture is background", 100.0 * share);
                (icons::INFO, text, palette.text_soft)
            }
            _ => {
                let text = "The model sees the background too".to_owned();
                (icons::INFO, text, palette.text_soft)
            }
        },
        None => return,
    };
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label(RichText::new(icon).font(theme::icon(13.0)).color(ink));
        let text = RichText::new(text).font(theme::small()).color(palette.text_soft);
        ui.add(Label::new(text).wrap());
    });
}

/// Says whether Enter was pressed in it.
fn name_ui(ui: &mut Ui, name: &mut String) -> bool {
    ui.horizontal(|ui| {
        let label = row_label_ui(ui, "Name");
        let field = TextEdit::singleline(name)
            .desired_width(ui.available_width())
            .margin(egui::Margin::symmetric(8, 5))
            .char_limit(200);
        let response = ui.add(field).labelled_by(label.id);
        response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
    })
    .inner
}

/// Where it goes, and what makes room there.
fn places_ui(ui: &mut Ui, state: &AppState, slot_idx: &mut usize) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        row_label_ui(ui, "Place");
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.spacing_mut().interact_size.y = widgets::CHIP_HEIGHT;
        for idx in 0..state.slots.len() {
            let label = format!("Put it into place {}", idx + 1);
            let text = (idx + 1).to_string();
            if widgets::chip(ui, &text, &label, idx == *slot_idx).clicked() {
                *slot_idx = idx;
            }
        }
        let replaced = state.slots.get(*slot_idx).filter(|slot| slot.chosen.is_some());
        let text = match (replaced.and_then(|slot| slot.caption()), *slot_idx) {
            (Some(caption), _) => format!("Replaces “{caption}”"),
            (None, 0) => "Counts most".to_owned(),
            (None, _) => String::new(),
        };
        let text = RichText::new(text).font(theme::small()).color(palette.text_faint);
        ui.add(Label::new(text).truncate());
    });
}

/// What stands before the fields of the panel, so that they begin in one line.
fn row_label_ui(ui: &mut Ui, text: &str) -> egui::Response {
    let size = vec2(LABEL_WIDTH, widgets::CHIP_HEIGHT);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(LABEL_WIDTH);
        widgets::caption(ui, text)
    })
    .inner
}

fn footer_ui(ui: &mut Ui, state: &AppState, adding: &Adding, commands: &mut Vec<UiCommand>) {
    let has_failed = adding.found.as_ref().is_some_and(|found| found.result.is_err());
    let can_accept = state.model().is_some() && (!has_failed || adding.is_working());
    let size = vec2(ui.available_width(), theme::CONTROL_HEIGHT);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_S;
        let accept =
            Button::text("Add").labelled("Add the inspiration").primary().enabled(can_accept);
        let tip = "The model looks at it from now on (Enter)";
        if accept.show(ui).on_hover_text(tip).clicked() && can_accept {
            commands.push(AddInspirationCommand::Accept.into());
        }
        let cancel = Button::text("Cancel").labelled("Add no inspiration").quiet();
        if cancel.show(ui).on_hover_text("Puts the picture away (Esc)").clicked() {
            commands.push(AddInspirationCommand::Cancel.into());
        }
    });
}

fn divider(ui: &mut Ui) {
    let size = vec2(ui.available_width(), 1.0);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let line = Stroke::new(1.0, theme::palette(ui).line);
    ui.painter().hline(rect.x_range(), rect.center().y, line);
}
