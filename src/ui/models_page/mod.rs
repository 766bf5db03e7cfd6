//! *Models*: which models there are, in place of the canvas. On the left, or on top in narrow windows,
//! all of them; beside them what there is to say and to do about one.

mod details;
mod files;
mod header;
mod keys;
mod list;
mod memory;
mod progress;
mod question;

use egui::{CentralPanel, Frame, Margin, Panel, Ui};

pub(super) use self::keys::HELP;
use super::command::UiCommand;
use super::models_command::ModelsCommand;
use super::{UiState, help, status_bar, theme, toasts, toolbar};
use crate::state::AppState;

/// Narrower than this, the models stand above the details.
const NARROW: f32 = 860.0;

/// What only the window knows of the page.
#[derive(Default)]
pub(super) struct ModelsView {
    /// What a key has led to must come into sight.
    wants_reveal: bool,
}

/// Draws the whole window while the page is open.
pub(super) fn models_page_ui(
    ui: &mut Ui,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let palette = theme::palette(ui);
    let panel = Frame::new().fill(palette.panel);
    let beside = Margin::symmetric(theme::SPACE_L as i8, 0);
    if !view.is_help_open && state.models.question.is_none() {
        keys::pressed_keys(ui, state, view, commands);
    }
    Panel::bottom("models status")
        .exact_size(status_bar::HEIGHT)
        .frame(panel.inner_margin(beside))
        .show(ui, |ui| status_bar::status_bar_ui(ui, state, commands));
    Panel::top("models header")
        .exact_size(toolbar::HEIGHT)
        .frame(panel.inner_margin(beside))
        .show(ui, |ui| header::header_ui(ui, state, commands));
    progress::scan_ui(ui, &state.models, commands);
    let is_narrow = ui.available_width() < NARROW;
    if is_narrow {
        let height = (0.38 * ui.available_height()).clamp(120.0, 320.0);
        Panel::top("models list").exact_size(height).frame(panel).show(ui, |ui| {
            list::list_ui(ui, &state.models, &mut view.models, commands);
        });
    } else {
        Panel::left("models list").exact_size(list::WIDTH).frame(panel).show(ui, |ui| {
            list::list_ui(ui, &state.models, &mut view.models, commands);
        });
    }
    let area = CentralPanel::default()
        .frame(Frame::new().fill(palette.canvas))
        .show(ui, |ui| details::details_ui(ui, state, commands))
        .response
        .rect;
    toasts::toasts_ui(ui, area, state.notices.iter(), commands);
    // Where the places of the canvas were says nothing now.
    view.slot_rects.clear();
    view.layer_rects.clear();
    dropped_folders(ui, commands);
    question::question_ui(ui, &state.models, commands);
    view.was_in_text = ui.ctx().text_edit_focused();
    if view.is_help_open {
        view.is_help_open = help::help_ui(ui, state.order());
    }
    view.pictures.forget_unused();
}

/// Folders that are dropped are looked into; of a file, the folder that it is in.
fn dropped_folders(ui: &Ui, commands: &mut Vec<UiCommand>) {
    let files = ui.input(|input| input.raw.dropped_files.clone());
    for file in files {
        let path = file.path();
        let is_model = path.extension().is_some();
        let folder = if is_model { path.parent().unwrap_or(path) } else { path };
        if !folder.as_os_str().is_empty() {
            commands.push(ModelsCommand::AddFolder(folder.to_owned()).into());
        }
    }
}
