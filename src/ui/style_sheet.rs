//! The style sheet in place of the canvas: a prompt, and two rows of its pictures, without a memory
//! and with it.

use std::sync::Arc;

use egui::{
    Align, Align2, CentralPanel, Frame, Id, Key, Label, Layout, Margin, Modifiers, Panel, Rect,
    Response, RichText, Role, ScrollArea, Sense, Stroke, StrokeKind, TextEdit, Ui, Vec2,
    WidgetInfo, vec2,
};

use super::command::UiCommand;
use super::pictures::Pictures;
use super::style_command::{Lettering, StyleCommand};
use super::widgets::{self, Button};
use super::words::Words;
use super::{UiState, help, icons, lettering, status_bar, theme, toasts, toolbar};
use crate::state::AppState;
use crate::state::style_sheet::{StyleDrawing, StyleRow, StyleSheet};

/// Between two pictures.
const GAP: f32 = 8.0;
/// Of the name over a row.
const NAME_HEIGHT: f32 = 40.0;
/// No picture is shown larger, however few there are.
const MAX_TILE: f32 = 256.0;
const MIN_TILE: f32 = 72.0;
/// Longer suggestions are cut on their chips.
const MAX_CHARS: usize = 28;

/// Draws the whole window while the sheet is open.
pub(super) fn style_sheet_ui(
    ui: &mut Ui,
    state: &AppState,
    sheet: &StyleSheet,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let palette = theme::palette(ui);
    let panel = Frame::new().fill(palette.panel);
    let side = theme::SPACE_L as i8;
    let mut wishes = Vec::new();
    if !view.is_help_open && !view.was_in_text && !ui.ctx().text_edit_focused() {
        let escape = |input: &mut egui::InputState| input.consume_key(Modifiers::NONE, Key::Escape);
        if ui.ctx().input_mut(escape) {
            wishes.push(StyleCommand::Back);
        }
    }
    Panel::bottom("style status")
        .exact_size(status_bar::HEIGHT)
        .frame(panel.inner_margin(Margin::symmetric(side, 0)))
        .show(ui, |ui| status_bar::status_bar_ui(ui, state, commands));
    Panel::top("style header")
        .exact_size(toolbar::HEIGHT)
        .frame(panel.inner_margin(Margin::symmetric(side, 0)))
        .show(ui, |ui| header_ui(ui, sheet, &mut wishes));
    Panel::top("style tools")
        .resizable(false)
        .frame(panel.inner_margin(Margin { left: side, right: side, top: 0, bottom: 12 }))
        .show(ui, |ui| tools_ui(ui, state, sheet, &mut wishes));
    let frame = Frame::new().fill(palette.canvas).inner_margin(Margin::same(side));
    let centre = CentralPanel::default().frame(frame).show(ui, |ui| {
        if let Some(drawn) = &sheet.drawn {
            rows_ui(ui, sheet, drawn, &mut view.pictures, &mut wishes);
        } else {
            let text = if sheet.is_busy() { "Reading the memory…" } else { "Draw to see it" };
            ui.centered_and_justified(|ui| {
                ui.label(RichText::new(text).color(palette.text_soft));
            });
        }
    });
    commands.extend(wishes.into_iter().map(UiCommand::Style));
    toasts::toasts_ui(ui, centre.response.rect, state.notices.iter(), commands);
    view.slot_rects.clear();
    view.layer_rects.clear();
    view.was_in_text = ui.ctx().text_edit_focused();
    if view.is_help_open {
        view.is_help_open = help::help_ui(ui, state.order());
    }
    view.pictures.forget_unused();
}

fn header_ui(ui: &mut Ui, sheet: &StyleSheet, wishes: &mut Vec<StyleCommand>) {
    let palette = theme::palette(ui);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_S;
        let is_whole = sheet.drawn.as_ref().is_some_and(|drawn| drawn.n_drawn() == drawn.n_cells());
        let save = Button::text("Save the sheet…").with_icon(icons::SAVE).enabled(is_whole);
        if save.show(ui).on_hover_text("Both rows in one PNG file").clicked()
            && let Some(drawn) = sheet.drawn.as_ref().filter(|_| is_whole)
        {
            wishes.push(StyleCommand::Save(written(ui, sheet, drawn)));
        }
        if sheet.is_busy() {
            let stop = Button::text("Stop").with_icon(icons::STOP).labelled("Stop the sheet");
            if stop.show(ui).on_hover_text("Keeps the pictures that are there (Esc)").clicked() {
                wishes.push(StyleCommand::Back);
            }
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let back = Button::icon(icons::BACK, "Back to my memory");
            if back.show(ui).on_hover_text("Back to my memory (Esc)").clicked() {
                wishes.push(StyleCommand::Close);
            }
            let title = format!("What “{}” does", sheet.name);
            let title = RichText::new(title).font(theme::title()).color(palette.text);
            ui.add(Label::new(title).truncate());
            if let Some(drawn) = sheet.drawn.as_ref().filter(|_| sheet.is_busy()) {
                let (n_drawn, n_cells) = (drawn.n_drawn(), drawn.n_cells());
                let text = format!("Drawing {} of {n_cells}", (n_drawn + 1).min(n_cells));
                ui.label(RichText::new(text).color(palette.text_soft));
            }
        });
    });
}

fn tools_ui(ui: &mut Ui, state: &AppState, sheet: &StyleSheet, wishes: &mut Vec<StyleCommand>) {
    ui.spacing_mut().item_spacing = vec2(theme::SPACE_S, theme::SPACE_S);
    let size = vec2(ui.available_width(), 34.0);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        let dice = Button::icon(icons::DICE, "Other seeds");
        if dice.show(ui).on_hover_text("Draw both rows with other seeds").clicked() {
            wishes.push(StyleCommand::Draw { other_seeds: true });
        }
        let draw = Button::text("Draw").labelled("Draw the sheet").with_icon(icons::PLAY).primary();
        let draw = draw.min_size(vec2(96.0, 32.0));
        let is_clicked = draw.show(ui).on_hover_text("Both rows of this prompt (Enter)").clicked();
        let is_entered = prompt_ui(ui, sheet, wishes);
        if is_clicked || is_entered {
            wishes.push(StyleCommand::Draw { other_seeds: false });
        }
    });
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        ui.spacing_mut().interact_size.y = widgets::CHIP_HEIGHT;
        ui.horizontal_wrapped(|ui| {
            widgets::caption(ui, "Try");
            for text in &sheet.suggestions {
                let label = format!("Try “{text}”");
                let is_drawn =
                    sheet.drawn.as_ref().is_some_and(|drawn| drawn.request.prompt == *text);
                if widgets::chip(ui, &shortened(text), &label, is_drawn).clicked() {
                    wishes.push(StyleCommand::Try(text.clone()));
                }
            }
        });
        ui.horizontal_wrapped(|ui| {
            widgets::caption(ui, "Columns");
            for n in StyleSheet::COLUMNS {
                let label = format!("{n} columns");
                if widgets::chip(ui, &n.to_string(), &label, n == sheet.n_columns).clicked() {
                    wishes.push(StyleCommand::SetColumns(n));
                    wishes.push(StyleCommand::Draw { other_seeds: false });
                }
            }
            ui.add_space(theme::SPACE_M);
            let words = Words::of_model(state);
            widgets::caption(ui, &format!("Stop at {}", words.one));
            let n_scales = state.model().map_or(sheet.n_scales, |model| model.scales.len());
            for n in 1..=n_scales {
                let label = format!("{n} {}", words.many);
                let text = if n == n_scales { "all".to_owned() } else { n.to_string() };
                if widgets::chip(ui, &text, &label, n == sheet.n_scales).clicked() {
                    wishes.push(StyleCommand::SetScales(n));
                    wishes.push(StyleCommand::Draw { other_seeds: false });
                }
            }
        });
    });
}

/// Whether Enter was pressed in it.
fn prompt_ui(ui: &mut Ui, sheet: &StyleSheet, wishes: &mut Vec<StyleCommand>) -> bool {
    let mut text = sheet.prompt.clone();
    let edit = TextEdit::singleline(&mut text)
        .id(Id::unique("style prompt"))
        .hint_text("A prompt to draw with the memory and without")
        .desired_width(f32::INFINITY)
        .margin(Margin::symmetric(8, 6));
    let response = ui.add(edit);
    response.widget_info(|| {
        let mut info = WidgetInfo::text_edit(true, &sheet.prompt, &sheet.prompt, "");
        info.label = Some("Prompt of the sheet".to_owned());
        info
    });
    if text != sheet.prompt {
        wishes.push(StyleCommand::SetPrompt(text));
    }
    response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}

/// Both rows, as large as they fit; they scroll where that would be too small.
fn rows_ui(
    ui: &mut Ui,
    sheet: &StyleSheet,
    drawn: &StyleDrawing,
    pictures: &mut Pictures,
    wishes: &mut Vec<StyleCommand>,
) {
    let n_columns = drawn.seeds.len().max(1);
    let room = ui.available_size();
    let by_width = (room.x - GAP * (n_columns - 1) as f32) / n_columns as f32;
    let by_height = (room.y - 2.0 * NAME_HEIGHT - theme::SPACE_L) / 2.0;
    let side = by_width.min(by_height.max(MIN_TILE)).clamp(MIN_TILE, MAX_TILE).floor();
    ScrollArea::both().auto_shrink(false).show(ui, |ui| {
        let width = side * n_columns as f32 + GAP * (n_columns - 1) as f32;
        let left = (0.5 * (ui.available_width() - width)).max(0.0);
        let height = 2.0 * (NAME_HEIGHT + side) + theme::SPACE_L;
        let (area, _) =
            ui.allocate_exact_size(vec2(width.max(ui.available_width()), height), Sense::hover());
        for row in StyleRow::ALL {
            let top = area.top() + row.idx() as f32 * (NAME_HEIGHT + side + theme::SPACE_L);
            let corner = egui::pos2(area.left() + left, top);
            name_ui(ui, sheet, drawn, row, Rect::from_min_size(corner, vec2(width, NAME_HEIGHT)));
            for column in 0..n_columns {
                let offset = vec2(column as f32 * (side + GAP), NAME_HEIGHT);
                let tile = Rect::from_min_size(corner + offset, Vec2::splat(side));
                if tile_ui(ui, sheet, drawn, (row, column), tile, pictures).clicked() {
                    wishes.push(StyleCommand::Take { row, column });
                }
            }
        }
    });
}

fn row_name(sheet: &StyleSheet, row: StyleRow) -> String {
    match row {
        StyleRow::Without => format!("Without “{}”", sheet.name),
        StyleRow::With => format!("With “{}”", sheet.name),
    }
}

/// The name of a row and what its pictures were inspired by.
fn name_ui(ui: &mut Ui, sheet: &StyleSheet, drawn: &StyleDrawing, row: StyleRow, rect: Rect) {
    let palette = theme::palette(ui);
    let builder = egui::UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Min));
    // It has its place already.
    let ui = &mut ui.new_child(builder);
    ui.spacing_mut().item_spacing.y = 1.0;
    let name = RichText::new(row_name(sheet, row)).font(theme::strong()).color(palette.text);
    ui.add(Label::new(name).truncate());
    let captions: Vec<String> = drawn.rows[row.idx()]
        .inspired_by
        .iter()
        .map(|used| {
            let is_own = !used.memory.is_empty();
            let mark = if is_own { "" } else { " (the model’s)" };
            format!("“{}”{mark}", used.caption)
        })
        .collect();
    let text = match captions.as_slice() {
        [] => String::new(),
        captions => format!("Inspired by {}", captions.join(", ")),
    };
    let text = RichText::new(text).font(theme::small()).color(palette.text_soft);
    ui.add(Label::new(text).truncate());
}

fn tile_ui(
    ui: &mut Ui,
    sheet: &StyleSheet,
    drawn: &StyleDrawing,
    (row, column): (StyleRow, usize),
    rect: Rect,
    pictures: &mut Pictures,
) -> Response {
    let palette = theme::palette(ui);
    let cell = drawn.cell(row, column);
    let seed = drawn.seeds.get(column).copied().unwrap_or_default();
    let sense = if cell.is_some() { Sense::click() } else { Sense::hover() };
    let response = ui.interact(rect, ui.scope_id().with(("style", row, column)), sense);
    let label = format!("{}, seed {seed}", row_name(sheet, row));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, cell.is_some(), &label));
    let painter = ui.painter();
    if let Some(cell) = cell {
        pictures.paint(painter, palette, rect, theme::RADIUS, &cell.image, 1.0);
    } else {
        painter.rect_filled(rect, theme::RADIUS, palette.field);
        let is_now = sheet
            .batch
            .as_ref()
            .is_some_and(|batch| batch.row == row && batch.columns.contains(&column));
        let text = if is_now { "…" } else { "" };
        painter.text(
            rect.center(),
            Align2::CENTER_CENTER,
            text,
            theme::title(),
            palette.text_faint,
        );
    }
    let line = if response.hovered() && cell.is_some() {
        Stroke::new(2.0, palette.accent)
    } else {
        Stroke::new(1.0, palette.line)
    };
    painter.rect_stroke(rect, theme::RADIUS, line, StrokeKind::Inside);
    widgets::focus_ring(ui, &response, theme::RADIUS);
    if cell.is_none() {
        return response;
    }
    response.on_hover_text(format!("Seed {seed}\nClick takes it to the canvas as a variant"))
}

/// What is written on the sheet when it is saved.
fn written(ui: &Ui, sheet: &StyleSheet, drawn: &StyleDrawing) -> Lettering {
    const TITLE_PX: f32 = 26.0;
    const NAME_PX: f32 = 18.0;
    let pictures = drawn.rows.iter().flat_map(|row| row.cells.iter().flatten());
    let side = pictures.map(|cell| cell.image.width()).max().unwrap_or(256);
    let max_width = (side * drawn.seeds.len() as u32).max(480) as f32;
    let letters = |text: &str, size, is_strong| {
        Arc::new(lettering::letters(ui.ctx(), text, size, is_strong, max_width))
    };
    Lettering {
        title: letters(&drawn.request.prompt, TITLE_PX, true),
        rows: StyleRow::ALL.map(|row| letters(&row_name(sheet, row), NAME_PX, false)),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
