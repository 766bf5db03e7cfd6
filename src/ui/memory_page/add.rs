//! Adding pictures: from where, with which captions, and with their backgrounds or without.

use egui::{Ui, vec2};

use crate::protocol::Captions;
use crate::state::{AppState, Memories, NO_MEMORY};
use crate::ui::command::UiCommand;
use crate::ui::icons;
use crate::ui::memory_command::MemoryCommand;
use crate::ui::style_command::StyleCommand;
use crate::ui::theme;
use crate::ui::widgets::{self, Button};

/// Narrower than this, the settings have a row of their own.
const ROOM_FOR_ONE_ROW: f32 = 960.0;
/// Longer file names are cut on the chip.
const MAX_CHARS: usize = 24;

/// What is done with the chosen memory.
pub(super) fn tools_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    ui.spacing_mut().item_spacing = vec2(theme::SPACE_S, theme::SPACE_S);
    let is_wide = ui.available_width() >= ROOM_FOR_ONE_ROW;
    ui.horizontal(|ui| {
        buttons_ui(ui, state, commands);
        if is_wide {
            ui.add_space(theme::SPACE_S);
            settings_ui(ui, &state.memories, commands);
            ui.add_space(theme::SPACE_S);
        }
        if let Some(known) = state.memories.chosen_memory() {
            let has_places = !state.slots.is_empty();
            let see = Button::text("See what it does").with_icon(icons::STYLES);
            let tip = if has_places {
                "Draws one prompt with this memory and without, side by side"
            } else {
                NO_MEMORY
            };
            if see.enabled(has_places).show(ui).on_hover_text(tip).clicked() && has_places {
                commands.push(StyleCommand::Open(known.memory).into());
            }
        }
        let again = Button::icon(icons::RESET, "Look after the files");
        let tip = "Look after the files: changed ones are taken anew, gone ones are marked";
        if again.show(ui).on_hover_text(tip).clicked() {
            commands.push(MemoryCommand::LookAgain.into());
        }
    });
    if !is_wide {
        ui.horizontal(|ui| settings_ui(ui, &state.memories, commands));
    }
}

/// *Add files* and *Add folder*.
pub(super) fn buttons_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let is_free = !state.dialog_open;
    let files = Button::text("Add files…").with_icon(icons::IMAGE_PLUS).enabled(is_free);
    if files.show(ui).on_hover_text("Choose pictures, or drop them on this page").clicked() {
        commands.push(MemoryCommand::AskForFiles.into());
    }
    let folder = Button::text("Add folder…").with_icon(icons::FOLDER_PLUS).enabled(is_free);
    let tip = "Choose a folder; the pictures in all folders within are added too";
    if folder.show(ui).on_hover_text(tip).clicked() {
        commands.push(MemoryCommand::AskForFolder.into());
    }
}

/// How the next pictures are added.
pub(super) fn settings_ui(ui: &mut Ui, memories: &Memories, commands: &mut Vec<UiCommand>) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.horizontal(|ui| {
            widgets::caption(ui, "Captions");
            captions_ui(ui, &memories.captions, commands);
        });
    });
    ui.add_space(theme::SPACE_S);
    ui.horizontal(|ui| {
        let removes = !memories.keeps_background;
        let label = "Remove plain backgrounds";
        let tip = "Pictures that fill their frame are cut out if their background is plain; \
                   remembered pictures stand on nothing, like stickers";
        let switch = widgets::switch(ui, label, removes).on_hover_text(tip);
        widgets::caption(ui, label).on_hover_text(tip);
        if switch.clicked() {
            commands.push(MemoryCommand::KeepBackground(removes).into());
        }
    });
}

fn captions_ui(ui: &mut Ui, captions: &Captions, commands: &mut Vec<UiCommand>) {
    let mut choose = |ui: &mut Ui, text: &str, label: &str, tip: &str, is_chosen, command| {
        if widgets::chip(ui, text, label, is_chosen).on_hover_text(tip).clicked() {
            commands.push(UiCommand::Memory(command));
        }
    };
    choose(
        ui,
        "File names",
        "Captions from file names",
        "“red_apple-02.png” becomes “red apple”",
        *captions == Captions::FileNames,
        MemoryCommand::SetCaptions(Captions::FileNames),
    );
    choose(
        ui,
        "Text files",
        "Captions from text files",
        "“apple.txt” beside “apple.png”; without one, the file name",
        *captions == Captions::TextFiles,
        MemoryCommand::SetCaptions(Captions::TextFiles),
    );
    let table = match captions {
        Captions::Table(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()),
        Captions::FileNames | Captions::TextFiles => None,
    };
    let text = match &table {
        Some(name) => super::cut(name, MAX_CHARS),
        None => "CSV table…".to_owned(),
    };
    choose(
        ui,
        &text,
        "Captions from a CSV table",
        "A table with the columns “file” and “caption”, and perhaps “source” and “licence”",
        table.is_some(),
        MemoryCommand::AskForTable,
    );
}
