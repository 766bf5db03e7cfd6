//! What the page says while there is nothing to show: what it is for, and how to begin.

use egui::{Align, Label, Layout, RichText, Ui, vec2};

use super::add;
use crate::state::AppState;
use crate::ui::command::UiCommand;
use crate::ui::memory_command::MemoryCommand;
use crate::ui::widgets::Button;
use crate::ui::{icons, theme};

/// Of the text.
const TEXT_WIDTH: f32 = 460.0;
/// Of what stands below it.
const WIDTH: f32 = 580.0;

/// No picture has been added yet, to any memory or to the chosen one.
pub(super) fn begin_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let memories = &state.memories;
    let title = match memories.chosen_memory() {
        Some(known) => format!("“{}” has no pictures yet", super::cut(&known.name, 40)),
        None => "Teach it your style".to_owned(),
    };
    let text = "Add a folder of your own pictures, and new ones are drawn with a look at those \
                that fit the prompt. It takes seconds, needs no training, and your files stay \
                where they are.";
    centred(ui, 120.0, |ui| {
        let palette = theme::palette(ui);
        ui.label(RichText::new(icons::MEMORY).font(theme::icon(36.0)).color(palette.text_faint));
        ui.add_space(theme::SPACE_S);
        ui.label(RichText::new(title).font(theme::title()));
        ui.add_space(theme::SPACE_XS);
        let size = vec2(TEXT_WIDTH.min(ui.available_width()), 0.0);
        ui.allocate_ui_with_layout(size, Layout::top_down(Align::Center), |ui| {
            ui.add(Label::new(RichText::new(text).color(palette.text_soft)).wrap());
        });
        ui.add_space(theme::SPACE_L);
        row(ui, |ui| {
            let folder = Button::text("Add folder…")
                .with_icon(icons::FOLDER_PLUS)
                .primary()
                .min_size(vec2(140.0, 36.0))
                .enabled(!state.dialog_open);
            if folder.show(ui).clicked() {
                commands.push(MemoryCommand::AskForFolder.into());
            }
            let files = Button::text("Add files…")
                .with_icon(icons::IMAGE_PLUS)
                .min_size(vec2(120.0, 36.0))
                .enabled(!state.dialog_open);
            if files.show(ui).clicked() {
                commands.push(MemoryCommand::AskForFiles.into());
            }
            if memories.all().is_empty() {
                let import = Button::text("Import…")
                    .labelled("Import a memory")
                    .min_size(vec2(80.0, 36.0))
                    .quiet();
                let tip = "Take in a memory that was exported to a file";
                if import.show(ui).on_hover_text(tip).clicked() {
                    commands.push(MemoryCommand::Import.into());
                }
            }
        });
        ui.add_space(theme::SPACE_S);
        let hint = "Or drop files and folders here, several at once";
        ui.label(RichText::new(hint).font(theme::small()).color(palette.text_faint));
        ui.add_space(theme::SPACE_L);
        ui.spacing_mut().item_spacing = vec2(theme::SPACE_S, theme::SPACE_S);
        row(ui, |ui| add::settings_ui(ui, memories, commands));
    });
}

/// A search finds nothing.
pub(super) fn nothing_found_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let query = &state.memories.query;
    let title = if query.text.trim().is_empty() {
        "No file is gone".to_owned()
    } else {
        format!("No picture fits “{}”", super::cut(query.text.trim(), 40))
    };
    centred(ui, 60.0, |ui| {
        let palette = theme::palette(ui);
        ui.label(RichText::new(icons::SEARCH).font(theme::icon(36.0)).color(palette.text_faint));
        ui.add_space(theme::SPACE_S);
        ui.label(RichText::new(title).font(theme::title()));
        let hint = "Words are found by their beginnings, in captions and file names";
        ui.label(RichText::new(hint).color(palette.text_soft));
        ui.add_space(theme::SPACE_S);
        if Button::text("Show all pictures").show(ui).clicked() {
            commands.push(MemoryCommand::Search(String::new()).into());
            commands.push(MemoryCommand::GoneOnly(false).into());
        }
    });
}

/// A line while something is on its way.
pub(super) fn waiting_ui(ui: &mut Ui, text: &str) {
    centred(ui, 20.0, |ui| {
        ui.label(RichText::new(text).color(theme::palette(ui).text_soft));
    });
}

/// In the middle, whose half height is about `half`.
fn centred(ui: &mut Ui, half: f32, add_contents: impl FnOnce(&mut Ui)) {
    let area = ui.max_rect();
    let width = WIDTH.min(area.width() - 2.0 * theme::SPACE_L).max(120.0);
    let top = (0.5 * area.height() - half).max(theme::SPACE_L);
    let place = egui::Rect::from_min_size(
        egui::pos2(area.center().x - 0.5 * width, area.top() + top),
        vec2(width, area.height() - top),
    );
    let layout = Layout::top_down(Align::Center);
    ui.scope_builder(egui::UiBuilder::new().max_rect(place).layout(layout), add_contents);
}

/// A row that stands in the middle. Its width is known from the frame before.
fn row(ui: &mut Ui, add_contents: impl FnOnce(&mut Ui)) {
    let id = ui.next_auto_id().with("row width");
    let known: Option<f32> = ui.data(|data| data.get_temp(id));
    let room = ui.available_width();
    let width = known.unwrap_or(room).min(room);
    let size = vec2(width, 0.0);
    let layout = Layout::left_to_right(Align::Center).with_main_wrap(true);
    let used = ui.allocate_ui_with_layout(size, layout, |ui| {
        add_contents(ui);
        ui.min_rect().width()
    });
    // A point of grace, lest rounding wraps the last word.
    let now = used.inner.ceil() + 1.0;
    if known != Some(now) && now < room {
        ui.data_mut(|data| data.insert_temp(id, now));
        ui.ctx().request_repaint();
    }
}
