//! The contact sheet over the canvas: how many drafts and how far, then all of them in a grid.

use std::time::Duration;

use egui::{
    Align, Align2, Area, CornerRadius, Id, Key, Label, Layout, Modifiers, Order, Rect, Response,
    RichText, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::command::UiCommand;
use super::costs::duration_text;
use super::pictures::Pictures;
use super::sheet_command::SheetCommand;
use super::widgets::{self, Button};
use super::words::Words;
use super::{UiState, icons, theme};
use crate::state::AppState;
use crate::state::sheet::{Draft, Sheet, SheetPhase, SheetSettings};

/// Between two drafts.
const GAP: f32 = 8.0;
/// No draft is shown larger, however few there are.
const MAX_TILE: f32 = 200.0;
/// Header and footer.
const AROUND: f32 = 84.0;
/// While nothing is drawn yet.
const CHOOSING_WIDTH: f32 = 400.0;
/// Places to stop at that are offered.
const MAX_STOPS: usize = 16;
/// How much smaller drafts may be for rows that are all full.
const EVEN: f32 = 0.9;

/// Draws the sheet over `canvas`, while it is open.
pub(super) fn contact_sheet_ui(
    ui: &Ui,
    canvas: Rect,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let Some(sheet) = &state.sheet else { return };
    let space = canvas.shrink(theme::SPACE_M);
    let mut columns = 1;
    let mut wishes = Vec::new();
    let is_choosing = sheet.phase == SheetPhase::Choosing;
    let id = if is_choosing { "contact sheet to be" } else { "contact sheet" };
    let area = Area::new(Id::unique(id))
        .order(Order::Middle)
        .pivot(Align2::CENTER_CENTER)
        .fixed_pos(space.center())
        .accessible_name("Contact sheet");
    // Before the tiles, which would take Enter and Space for a click.
    let is_free = !view.was_in_text && !view.is_help_open;
    let keys = if is_free { Keys::pressed(ui) } else { Keys::default() };
    area.show(ui.ctx(), |ui| {
        let margin = theme::SPACE_L;
        let frame = theme::floating_frame(ui).inner_margin(margin);
        let mut inner = space.size() - Vec2::splat(2.0 * margin);
        if is_choosing {
            inner.x = inner.x.min(CHOOSING_WIDTH);
        }
        frame.show(ui, |ui| {
            ui.set_max_size(inner);
            ui.set_min_width(inner.x);
            if !is_choosing {
                ui.set_min_height(inner.y);
            }
            ui.spacing_mut().item_spacing.y = theme::SPACE_S;
            header_ui(ui, state, sheet, &mut wishes);
            if is_choosing {
                choosing_ui(ui, state, sheet, &mut wishes);
            } else {
                let room = vec2(inner.x, (inner.y - AROUND).max(40.0));
                columns = grid_ui(ui, sheet, room, &mut view.pictures, &mut wishes);
                footer_ui(ui, state, sheet, &mut wishes);
            }
        });
    });
    wishes.extend(keys.wish(sheet, columns));
    commands.extend(wishes.into_iter().map(UiCommand::from));
}

/// The keys of the sheet that were pressed.
#[derive(Default)]
struct Keys {
    is_back: bool,
    is_accept: bool,
    is_select: bool,
    right: isize,
    down: isize,
}

impl Keys {
    fn pressed(ui: &Ui) -> Self {
        ui.ctx().input_mut(|input| {
            let mut pressed = |key| input.consume_key(Modifiers::NONE, key);
            let mut axis = |less, more| isize::from(pressed(more)) - isize::from(pressed(less));
            Self {
                right: axis(Key::ArrowLeft, Key::ArrowRight),
                down: axis(Key::ArrowUp, Key::ArrowDown),
                is_back: pressed(Key::Escape),
                is_accept: pressed(Key::Enter),
                is_select: pressed(Key::Space),
            }
        })
    }

    fn wish(&self, sheet: &Sheet, columns: usize) -> Option<SheetCommand> {
        if self.is_back {
            return Some(SheetCommand::Back);
        }
        if sheet.phase == SheetPhase::Choosing {
            return self.is_accept.then_some(SheetCommand::Draw);
        }
        if self.is_select {
            return Some(SheetCommand::Toggle(sheet.cursor));
        }
        if self.is_accept {
            let has_selected = sheet.drafts.iter().any(|draft| draft.is_selected);
            return Some(if has_selected {
                SheetCommand::FinishSelected
            } else {
                SheetCommand::Finish(sheet.cursor)
            });
        }
        let step = self.right + self.down * columns as isize;
        let moved = sheet.cursor.checked_add_signed(step).filter(|_| step != 0)?;
        (moved < sheet.drafts.len()).then_some(SheetCommand::MoveTo(moved))
    }
}

fn header_ui(ui: &mut Ui, state: &AppState, sheet: &Sheet, wishes: &mut Vec<SheetCommand>) {
    let palette = theme::palette(ui);
    let size = vec2(ui.available_width(), theme::CONTROL_HEIGHT);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        let close = Button::icon(icons::CLOSE, "Close the contact sheet");
        if close.show(ui).on_hover_text("Close (Esc)").clicked() {
            wishes.push(SheetCommand::Close);
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = theme::SPACE_M;
            ui.label(RichText::new("Contact sheet").font(theme::title()).color(palette.text));
            let n_scales = state.model().map_or(0, |model| model.scales.len());
            let text = match sheet.phase {
                SheetPhase::Choosing => "Finish only the drafts you like".to_owned(),
                SheetPhase::Drawing => {
                    format!("Drawing draft {} of {}", sheet.n_drawn() + 1, sheet.drafts.len())
                }
                SheetPhase::Finishing => match sheet.selected().len() {
                    1 => "Finishing the draft".to_owned(),
                    n => format!("Finishing {n} drafts"),
                },
                SheetPhase::Drawn => {
                    let (stop_at, one) = (sheet.stop_at, Words::of_model(state).one);
                    format!("{} drafts at {one} {stop_at} of {n_scales}", sheet.drafts.len())
                }
            };
            let text = RichText::new(text).color(palette.text_soft);
            ui.add(Label::new(text).truncate());
        });
    });
}

/// How many drafts, how far, and what that costs.
fn choosing_ui(ui: &mut Ui, state: &AppState, sheet: &Sheet, wishes: &mut Vec<SheetCommand>) {
    let settings = state.settings.sheet;
    let n_scales = state.model().map_or(1, |model| model.scales.len());
    ui.add_space(theme::SPACE_S);
    widgets::caption(ui, "Drafts");
    chips_ui(ui, SheetSettings::COUNTS.into_iter(), settings.n_drafts, "drafts", |n_drafts| {
        wishes.push(SheetCommand::Set(SheetSettings { n_drafts, ..settings }));
    });
    let words = Words::of_model(state);
    widgets::caption(ui, &format!("Stop at {}", words.one));
    // All of many rows would be more than can be read.
    let step = n_scales.div_ceil(MAX_STOPS);
    let stops = (1..n_scales.max(2)).filter(|n| n.is_multiple_of(step) || *n == sheet.stop_at);
    chips_ui(ui, stops, sheet.stop_at, words.many, |n_scales| {
        wishes.push(SheetCommand::Set(settings.stopping_at(n_scales, state.order())));
    });
    ui.add_space(theme::SPACE_S);
    let n_drafts = settings.n_drafts;
    let n_batches = n_drafts.div_ceil(Sheet::BATCH);
    let cost = cost(state, 0..sheet.stop_at, n_drafts, n_batches);
    let text = format!("{n_drafts} drafts to {} {}: {cost}", words.one, sheet.stop_at);
    ui.label(RichText::new(text).color(theme::palette(ui).text));
    let draw = format!("Draw {n_drafts} drafts");
    let button = Button::text(&draw).with_icon(icons::PLAY).primary().min_size(vec2(180.0, 36.0));
    if button.show(ui).on_hover_text("Every draft has a seed of its own (Enter)").clicked() {
        wishes.push(SheetCommand::Draw);
    }
}

fn chips_ui(
    ui: &mut Ui,
    values: impl Iterator<Item = usize>,
    chosen: usize,
    unit: &str,
    mut choose: impl FnMut(usize),
) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        ui.spacing_mut().interact_size.y = widgets::CHIP_HEIGHT;
        ui.horizontal_wrapped(|ui| {
            for value in values {
                let label = format!("{value} {unit}");
                if widgets::chip(ui, &value.to_string(), &label, value == chosen).clicked() {
                    choose(value);
                }
            }
        });
    });
}

/// What drawing these scales takes, as measured on this machine.
fn cost(
    state: &AppState,
    scales: std::ops::Range<usize>,
    n_pictures: usize,
    n_runs: usize,
) -> String {
    let prepare = state.costs.prepare_secs().unwrap_or_default();
    match state.costs.of_drawing(scales, n_pictures) {
        Some(once) => {
            let more = prepare * n_runs.saturating_sub(1) as f64;
            let cost = once + Duration::from_secs_f64(more.max(0.0));
            format!("about {}", duration_text(cost))
        }
        None => "the time is known once a picture was drawn".to_owned(),
    }
}

/// All drafts as large as they fit; returns the number of columns.
fn grid_ui(
    ui: &mut Ui,
    sheet: &Sheet,
    room: Vec2,
    pictures: &mut Pictures,
    wishes: &mut Vec<SheetCommand>,
) -> usize {
    let n_drafts = sheet.drafts.len().max(1);
    let side_of = |columns: usize| {
        let rows = n_drafts.div_ceil(columns);
        let side = |length: f32, n: usize| (length - GAP * (n - 1) as f32) / n as f32;
        side(room.x, columns).min(side(room.y, rows)).min(MAX_TILE)
    };
    let largest = |columns: &mut dyn Iterator<Item = usize>| {
        columns.max_by(|a, b| side_of(*a).total_cmp(&side_of(*b)))
    };
    let best = largest(&mut (1..=n_drafts)).unwrap_or(1);
    // An even block looks better than a last row with gaps, if it costs little.
    let even = largest(&mut (1..=n_drafts).filter(|columns| n_drafts.is_multiple_of(*columns)));
    let columns = even.filter(|even| side_of(*even) >= EVEN * side_of(best)).unwrap_or(best);
    let side = side_of(columns).floor().max(8.0);
    let (rect, _) = ui.allocate_exact_size(room, Sense::hover());
    let rows = n_drafts.div_ceil(columns);
    let length = |n: usize| side * n as f32 + GAP * (n - 1) as f32;
    let grid = vec2(length(columns), length(rows));
    let corner = rect.center() - grid / 2.0;
    for (idx, draft) in sheet.drafts.iter().enumerate() {
        let place = vec2((idx % columns) as f32, (idx / columns) as f32) * (side + GAP);
        let tile = Rect::from_min_size(corner + place, Vec2::splat(side));
        let response = tile_ui(ui, sheet, idx, draft, tile, pictures);
        if response.clicked() {
            let adds = ui.input(|input| input.modifiers.shift || input.modifiers.command);
            wishes.push(if adds { SheetCommand::Toggle(idx) } else { SheetCommand::Finish(idx) });
        }
    }
    columns
}

fn tile_ui(
    ui: &mut Ui,
    sheet: &Sheet,
    idx: usize,
    draft: &Draft,
    rect: Rect,
    pictures: &mut Pictures,
) -> Response {
    let palette = theme::palette(ui);
    let can_click = draft.image.is_some() && sheet.phase != SheetPhase::Finishing;
    let sense = if can_click { Sense::click() } else { Sense::hover() };
    let response = ui.interact(rect, ui.scope_id().with(("draft", idx)), sense);
    let label = format!("Draft {}, seed {}", idx + 1, draft.seed);
    response
        .widget_info(|| WidgetInfo::selected(Role::Button, can_click, draft.is_selected, &label));
    let painter = ui.painter();
    let is_finishing = sheet.phase == SheetPhase::Finishing;
    if let Some(image) = &draft.image {
        let opacity = if is_finishing && !draft.is_selected { 0.35 } else { 1.0 };
        pictures.paint(painter, palette, rect, theme::RADIUS, image, opacity);
    } else {
        painter.rect_filled(rect, theme::RADIUS, palette.field);
        let number = (idx + 1).to_string();
        let font = theme::small();
        painter.text(rect.center(), Align2::CENTER_CENTER, number, font, palette.text_faint);
    }
    let line = if draft.is_selected {
        Stroke::new(3.0, palette.accent)
    } else if response.hovered() && can_click {
        Stroke::new(1.5, palette.line_strong)
    } else {
        Stroke::new(1.0, palette.line)
    };
    painter.rect_stroke(rect, theme::RADIUS, line, StrokeKind::Inside);
    if draft.is_selected {
        let middle = pos2(rect.right() - 15.0, rect.top() + 15.0);
        painter.circle_filled(middle, 10.0, palette.accent);
        let icon = theme::icon(13.0);
        painter.text(middle, Align2::CENTER_CENTER, icons::CHECK, icon, palette.on_accent);
    }
    if idx == sheet.cursor && draft.image.is_some() && !is_finishing {
        let ring = Stroke::new(1.5, palette.accent_text);
        let radius = theme::RADIUS + CornerRadius::same(2);
        painter.rect_stroke(rect.expand(3.0), radius, ring, StrokeKind::Inside);
    }
    widgets::focus_ring(ui, &response, theme::RADIUS);
    if draft.image.is_none() {
        return response.on_hover_text(format!("Seed {}; still to come", draft.seed));
    }
    response.on_hover_text(format!("Seed {}\nClick finishes it, Shift+click selects", draft.seed))
}

fn footer_ui(ui: &mut Ui, state: &AppState, sheet: &Sheet, wishes: &mut Vec<SheetCommand>) {
    let palette = theme::palette(ui);
    let size = vec2(ui.available_width(), 36.0);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_S;
        if sheet.is_busy() {
            let stop = Button::text("Stop").with_icon(icons::STOP).labelled("Stop the sheet");
            if stop.show(ui).on_hover_text("Keeps the drafts that are there (Esc)").clicked() {
                wishes.push(SheetCommand::Back);
            }
        }
        let n_selected = sheet.selected().len();
        if n_selected > 0 && sheet.phase != SheetPhase::Finishing {
            let n_scales = state.model().map_or(sheet.stop_at, |model| model.scales.len());
            let tip = cost(state, sheet.stop_at..n_scales, n_selected, 1);
            let text = format!("Finish {n_selected}");
            let finish = Button::text(&text).with_icon(icons::PLAY).primary();
            let tip = format!("Each becomes a variant: {tip} (Enter)");
            if finish.show(ui).on_hover_text(tip).clicked() {
                wishes.push(SheetCommand::FinishSelected);
            }
        }
        if sheet.phase == SheetPhase::Drawn {
            let more = Button::text("More drafts").with_icon(icons::DICE);
            let tip = "Another sheet with new seeds; drafts that are selected stay";
            if more.show(ui).on_hover_text(tip).clicked() {
                wishes.push(SheetCommand::More);
            }
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let text = match sheet.phase {
                SheetPhase::Finishing => "The first one comes onto the canvas",
                _ => "Click finishes a draft, Shift+click selects several",
            };
            let text = RichText::new(text).font(theme::small()).color(palette.text_faint);
            ui.add(Label::new(text).truncate());
        });
    });
}
