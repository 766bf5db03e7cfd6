//! Which memories are looked into: below the places of *Inspired by*.

use egui::{Align, Layout, Ui, vec2};

use crate::state::AppState;
use crate::ui::command::{Action, UiCommand};
use crate::ui::memory_command::MemoryCommand;
use crate::ui::side_panel;
use crate::ui::widgets::{self, Button};

/// More chips than this are no help; the page has the rest.
const MAX_CHIPS: usize = 12;
/// Longer names are cut on chips.
const MAX_CHARS: usize = 24;

/// The switch of the memory, and below it one for each of the user's own.
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
    own_ui(ui, state, commands);
}

/// A chip for each of the user's memories, and the way to their page.
fn own_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let memories = &state.memories;
    ui.horizontal(|ui| {
        widgets::caption(ui, "My memories");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let page = Action::ToggleMemory;
            let manage = Button::text("Manage…").labelled("Manage my memories").quiet();
            if manage.show(ui).on_hover_text(page.tooltip(ui.ctx())).clicked() {
                commands.push(page.into());
            }
        });
    });
    if memories.all().is_empty() {
        side_panel::hint(ui, "Add a folder of your pictures and it draws in your style");
        return;
    }
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        ui.spacing_mut().interact_size.y = widgets::CHIP_HEIGHT;
        ui.horizontal_wrapped(|ui| {
            for known in memories.all().iter().take(MAX_CHIPS) {
                let label = format!("Look into “{}”", known.name);
                let chip = widgets::chip(ui, &shortened(&known.name), &label, known.is_on);
                let tip = match (known.is_on, state.settings.recipe.memory_on) {
                    (_, false) => "The memory is off; switch it on to look into this one",
                    (true, _) => "It is looked into for every picture; click to leave it out",
                    (false, _) => "Click to look into it for every picture",
                };
                if chip.on_hover_text(tip).clicked() {
                    let (memory, is_on) = (known.memory, !known.is_on);
                    commands.push(MemoryCommand::Switch { memory, is_on }.into());
                }
            }
        });
    });
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}
