//! Which memories are looked into: below the places of *Inspired by*.

use egui::{Align, Layout, Ui};

use crate::state::AppState;
use crate::ui::command::UiCommand;
use crate::ui::widgets;

/// The switch of the memory. Toggles of the user's own memories belong below it.
pub(super) fn memories_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let is_on = state.settings.recipe.memory_on;
    ui.horizontal(|ui| {
        widgets::caption(ui, "Look up by the prompt");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let switch = widgets::switch(ui, "Picture memory", is_on);
            let tip = "Fills the places with remembered pictures that fit the prompt";
            if switch.on_hover_text(tip).clicked() {
                commands.push(UiCommand::SetMemory(!is_on));
            }
        });
    });
}
