//! From keys to actions. Keys without Ctrl or Alt do nothing while a text field has the focus,
//! because they are text there.

use egui::{Event, Key, KeyboardShortcut, Modifiers};

use super::command::Action;

/// What the keys are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scene {
    /// Esc stops only if it can, and otherwise leaves a text field.
    Canvas { can_stop: bool },
    /// The gallery or another page in place of the canvas has keys of its own, and nothing reaches
    /// the canvas behind it.
    Page,
}

/// The actions whose keys were pressed since the last frame; takes the keys away from the
/// widgets.
pub(super) fn pressed_actions(ctx: &egui::Context, scene: Scene) -> Vec<Action> {
    let situation = Situation { in_text: ctx.text_edit_focused(), scene };
    let mut actions = Vec::new();
    ctx.input_mut(|input| {
        input.events.retain(|event| {
            let Some(pressed) = situation.pressed(event) else { return true };
            if !pressed.is_repeat || pressed.action.repeats() {
                actions.push(pressed.action);
            }
            false
        });
    });
    actions
}

struct Pressed {
    action: Action,
    /// The key is being held down.
    is_repeat: bool,
}

#[derive(Clone, Copy)]
struct Situation {
    in_text: bool,
    scene: Scene,
}

impl Situation {
    fn pressed(self, event: &Event) -> Option<Pressed> {
        match event {
            // The integration turns the platform's copy keys into this event.
            Event::Copy | Event::Paste(_) if self.in_text => None,
            Event::Copy if self.scene == Scene::Page => None,
            Event::Copy => Some(Pressed { action: Action::CopyPicture, is_repeat: false }),
            // Paste comes with the text of the clipboard, or with its picture if there is no text.
            // Fields take the text; the application reads the picture for itself.
            Event::Paste(_) | Event::PasteImage(_) => {
                Some(Pressed { action: Action::PastePicture, is_repeat: false })
            }
            Event::Key { key, physical_key, pressed: true, repeat, modifiers } => {
                let key = by_position(*key, *physical_key);
                let is_hit = |shortcut: &&KeyboardShortcut| {
                    shortcut.logical_key == key && modifiers.matches_exact(shortcut.modifiers)
                };
                let action = Action::ALL.into_iter().find(|action| {
                    let hit = action.text().keys.iter().find(is_hit);
                    hit.is_some_and(|shortcut| self.allows(*action, *shortcut))
                })?;
                Some(Pressed { action, is_repeat: *repeat })
            }
            _ => None,
        }
    }

    fn allows(self, action: Action, shortcut: KeyboardShortcut) -> bool {
        let stays = matches!(
            action,
            Action::ToggleGallery
                | Action::ToggleMemory
                | Action::ToggleModels
                | Action::ToggleHelp
        );
        match action {
            _ if self.scene == Scene::Page && !stays => false,
            Action::Stop => self.scene == Scene::Canvas { can_stop: true },
            // Text fields have these for themselves.
            Action::CopyPicture
            | Action::PastePicture
            | Action::Undo
            | Action::Redo
            | Action::ClearLayer => !self.in_text,
            _ => !self.in_text || !is_text(shortcut),
        }
    }
}

/// Comma, period and brackets are meant by their place on the keyboard: some layouts have them on
/// other levels.
fn by_position(key: Key, physical_key: Option<Key>) -> Key {
    match physical_key {
        Some(place @ (Key::Comma | Key::Period | Key::OpenBracket | Key::CloseBracket)) => place,
        _ => key,
    }
}

/// Whether the keys would write something into a text field.
fn is_text(shortcut: KeyboardShortcut) -> bool {
    let Modifiers { alt, ctrl, command, mac_cmd, .. } = shortcut.modifiers;
    let is_function_key = matches!(shortcut.logical_key, Key::F1);
    !(alt || ctrl || command || mac_cmd || is_function_key)
}
