//! The toolbar over the canvas: what to do with the picture, how the window looks.

use egui::{Align, Layout, RichText, Ui, Vec2};

use super::command::{Action, UiCommand};
use super::import_command::ImportCommand;
use super::widgets::Button;
use super::{icons, mark, project_menu, theme};
use crate::document::History;
use crate::state::{AppState, ThemeChoice};

pub(super) const HEIGHT: f32 = 52.0;
/// Narrower than this, the buttons have no room for words.
const NARROW: f32 = 880.0;
/// Narrower than this, the program's name and what has a telling icon give their room to the
/// project's name.
const ROOMY: f32 = 1190.0;
/// Widths from which on there is room for them. What is left out has a key.
const ROOM_FOR_PASTE: f32 = NARROW;
/// From here on *Export…* has room for its word beside *Paste*.
const ROOM_FOR_EXPORT_WORD: f32 = 940.0;
const ROOM_FOR_VARIANTS: f32 = 506.0;
const ROOM_FOR_MEMORY: f32 = 416.0;
const ROOM_FOR_COPY: f32 = 380.0;
const ROOM_FOR_MARK: f32 = 346.0;
const ROOM_FOR_GALLERY: f32 = 316.0;
const ROOM_FOR_HELP: f32 = 288.0;
const ROOM_FOR_PICTURE: f32 = 256.0;

pub(super) fn toolbar_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_S;
        let width = ui.available_width();
        let is_narrow = width < NARROW;
        let labelled = |text, icon| {
            if is_narrow { Button::icon(icon, text) } else { Button::text(text).with_icon(icon) }
        };
        let is_roomy = width >= ROOMY;
        if width >= ROOM_FOR_MARK {
            wordmark_ui(ui, is_roomy);
        }
        project_menu::project_menu_ui(ui, state, is_narrow, commands);
        ui.add_space(if is_narrow { 0.0 } else { theme::SPACE_S });
        let has_picture = state.shown().is_some();
        for (action, icon, room) in [
            (Action::SavePicture, icons::SAVE, ROOM_FOR_PICTURE),
            (Action::ExportPicture, icons::EXPORT, ROOM_FOR_PICTURE),
            (Action::CopyPicture, icons::COPY, ROOM_FOR_COPY),
        ] {
            if width < room {
                continue;
            }
            let has_word = match action {
                Action::CopyPicture => is_roomy,
                Action::ExportPicture => width >= ROOM_FOR_EXPORT_WORD,
                _ => true,
            };
            let button = if has_word {
                labelled(action.label(), icon)
            } else {
                Button::icon(icon, action.label())
            };
            let button = button.enabled(has_picture);
            if button.show(ui).on_hover_text(action.tooltip(ui.ctx())).clicked() {
                commands.push(action.into());
            }
        }
        ui.add_space(theme::SPACE_S);
        let import = labelled("Import…", icons::IMAGE_PLUS);
        let tip = "Take lines, depth or colours from a picture file";
        if import.show(ui).on_hover_text(tip).clicked() {
            commands.push(ImportCommand::Choose { onto: None }.into());
        }
        // The key does it as well.
        if width >= ROOM_FOR_PASTE {
            let paste = Action::PastePicture;
            let button = Button::text(paste.label());
            if button.show(ui).on_hover_text(paste.tooltip(ui.ctx())).clicked() {
                commands.push(paste.into());
            }
        }
        ui.add_space(theme::SPACE_S);
        if width >= ROOM_FOR_PICTURE {
            history_ui(ui, state.sketch.history(), commands);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let help = Action::ToggleHelp;
            if width >= ROOM_FOR_HELP {
                let button = Button::icon(icons::HELP, help.label());
                if button.show(ui).on_hover_text(help.tooltip(ui.ctx())).clicked() {
                    commands.push(help.into());
                }
            }
            commands.extend(theme_button_ui(ui, state.settings.theme));
            let gallery = Action::ToggleGallery;
            let button = if is_roomy {
                Button::text(gallery.label()).with_icon(icons::GALLERY).quiet()
            } else {
                Button::icon(icons::GALLERY, gallery.label())
            };
            if width >= ROOM_FOR_GALLERY
                && button.show(ui).on_hover_text(gallery.tooltip(ui.ctx())).clicked()
            {
                commands.push(gallery.into());
            }
            let memory = Action::ToggleMemory;
            let button = if is_roomy {
                Button::text(memory.label()).with_icon(icons::MEMORY).quiet()
            } else {
                Button::icon(icons::MEMORY, memory.label())
            };
            if width >= ROOM_FOR_MEMORY
                && button.show(ui).on_hover_text(memory.tooltip(ui.ctx())).clicked()
            {
                commands.push(memory.into());
            }
            if width >= ROOM_FOR_VARIANTS {
                let variants = Action::ToggleVariants;
                let is_open = state.settings.view.shows_variants;
                let button = Button::text(variants.label()).quiet().selected(is_open);
                if button.show(ui).on_hover_text(variants.tooltip(ui.ctx())).clicked() {
                    commands.push(variants.into());
                }
            }
        });
    });
}

/// *Undo* and *Redo* are named after the step that they take.
fn history_ui(ui: &mut Ui, history: &History, commands: &mut Vec<UiCommand>) {
    ui.spacing_mut().item_spacing.x = 2.0;
    for (action, icon, label, none) in [
        (Action::Undo, icons::UNDO, history.undo_label(), "Nothing to undo"),
        (Action::Redo, icons::REDO, history.redo_label(), "Nothing to redo"),
    ] {
        let text = label.as_deref().unwrap_or(none);
        let button = Button::icon(icon, text).enabled(label.is_some()).show(ui);
        let tip = format!("{text} ({})", action.key_text(ui.ctx()));
        if button.on_hover_text(tip).clicked() {
            commands.push(action.into());
        }
    }
}

fn theme_button_ui(ui: &mut Ui, theme: ThemeChoice) -> Option<UiCommand> {
    let (icon, label, next) = match theme {
        ThemeChoice::System => {
            (icons::MONITOR, "Colours: as the system has them", ThemeChoice::Dark)
        }
        ThemeChoice::Dark => (icons::MOON, "Colours: dark", ThemeChoice::Light),
        ThemeChoice::Light => (icons::SUN, "Colours: light", ThemeChoice::System),
    };
    let response = Button::icon(icon, label).show(ui).on_hover_text(label);
    response.clicked().then_some(UiCommand::SetTheme(next))
}

fn wordmark_ui(ui: &mut Ui, has_room: bool) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(20.0), egui::Sense::hover());
    mark::paint(ui.painter(), theme::palette(ui), rect);
    if has_room {
        ui.label(RichText::new("Underpaint").font(theme::title()));
    }
}
