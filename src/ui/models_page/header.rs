//! The line over the page: way back, what is here, folders.

use egui::{Align, Layout, RichText, Ui};

use crate::protocol::{ModelState, bytes_text};
use crate::state::AppState;
use crate::state::models::Models;
use crate::ui::command::UiCommand;
use crate::ui::models_command::ModelsCommand;
use crate::ui::widgets::Button;
use crate::ui::{icons, theme};

/// What the counts need beside the buttons.
const ROOM_FOR_COUNTS: f32 = 760.0;

pub(super) fn header_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let models = &state.models;
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_S;
        let width = ui.available_width();
        let back = Button::icon(icons::BACK, "Back to the canvas");
        if back.show(ui).on_hover_text("Back to the canvas (Esc)").clicked() {
            commands.push(ModelsCommand::Close.into());
        }
        ui.label(RichText::new("Models").font(theme::title()));
        ui.add_space(theme::SPACE_XS);
        if width >= ROOM_FOR_COUNTS {
            let palette = theme::palette(ui);
            ui.label(RichText::new(counts(models)).color(palette.text_soft));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let add = Button::text("Add folder…").with_icon(icons::FOLDER_PLUS);
            let tip = "Look for models in a folder of yours; nothing is copied";
            if add.enabled(!state.dialog_open).show(ui).on_hover_text(tip).clicked() {
                commands.push(ModelsCommand::AskForFolder.into());
            }
            let again = Button::text("Look again").with_icon(icons::RESET).quiet();
            let tip = "Look through all folders again";
            let is_free = models.scanning.is_none();
            if again.enabled(is_free).show(ui).on_hover_text(tip).clicked() && is_free {
                commands.push(ModelsCommand::LookAgain.into());
            }
        });
    });
}

/// How many models there are, and the memory for them.
fn counts(models: &Models) -> String {
    let Some(list) = &models.list else { return "Looking for models…".to_owned() };
    let is_ready = |state: &ModelState| matches!(state, ModelState::BuiltIn | ModelState::Ready);
    let n_ready = list.models.iter().filter(|model| is_ready(&model.state)).count();
    let mut text = match n_ready {
        1 => "1 ready".to_owned(),
        n => format!("{n} ready"),
    };
    if let Some(available) = models.available() {
        text = format!("{text} · {} of memory free", bytes_text(available));
    }
    text
}
