//! Keys on the page.

use egui::{Key, Modifiers, Ui};

use super::list;
use crate::protocol::ModelState;
use crate::state::AppState;
use crate::ui::UiState;
use crate::ui::command::UiCommand;
use crate::ui::models_command::ModelsCommand;

/// What they do, for the list of shortcuts.
pub(in crate::ui) const HELP: [(&str, &str); 2] =
    [("Models: go to another model", "Up, Down"), ("Models: load the model", "Enter")];

pub(super) fn pressed_keys(
    ui: &Ui,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let models = &state.models;
    let ctx = ui.ctx();
    let pressed = |key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    if pressed(Key::Escape) {
        commands.push(ModelsCommand::Close.into());
    }
    let steps = [(Key::ArrowDown, 1), (Key::ArrowUp, -1), (Key::Home, -1000), (Key::End, 1000)];
    for (key, step) in steps {
        if pressed(key)
            && let Some(model) = list::stepped(models, step)
        {
            view.models.wants_reveal = true;
            commands.push(ModelsCommand::Choose(model).into());
        }
    }
    // A button that has the focus is what Enter means.
    let on_button = ctx.memory(|memory| memory.focused().is_some());
    let can_load = models.loading.is_none()
        && models
            .chosen_model()
            .is_some_and(|model| matches!(model.state, ModelState::Ready | ModelState::BuiltIn));
    if !on_button && can_load && pressed(Key::Enter) {
        commands.push(ModelsCommand::Load(models.chosen.clone()).into());
    }
}
