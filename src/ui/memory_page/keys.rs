//! Keys on the page. Letters and arrows rest while text is being typed.

use egui::{Event, Key, Modifiers, Ui};

use super::places::{Places, Step};
use crate::state::AppState;
use crate::ui::UiState;
use crate::ui::command::UiCommand;
use crate::ui::memory_command::MemoryCommand;

/// What they do, for the list of shortcuts.
pub(in crate::ui) const HELP: [(&str, &str); 5] = [
    ("My memory: go to another picture", "Arrows"),
    ("My memory: edit the caption", "Enter"),
    ("My memory: use the picture as inspiration", "I"),
    ("My memory: take the picture out", "Delete"),
    ("My memory: search", "/"),
];

const STEPS: [(Key, Step); 8] = [
    (Key::ArrowLeft, Step::Left),
    (Key::ArrowRight, Step::Right),
    (Key::ArrowUp, Step::Up),
    (Key::ArrowDown, Step::Down),
    (Key::PageUp, Step::PageUp),
    (Key::PageDown, Step::PageDown),
    (Key::Home, Step::First),
    (Key::End, Step::Last),
];

pub(super) fn pressed_keys(
    ui: &Ui,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let memories = &state.memories;
    let ctx = ui.ctx();
    let in_text = ctx.text_edit_focused();
    let pressed = |modifiers, key| ctx.input_mut(|input| input.consume_key(modifiers, key));
    if pressed(Modifiers::COMMAND, Key::F) {
        view.memory.wants_search = true;
    }
    // A field has lost the focus to Esc before this frame began.
    if !in_text && !view.was_in_text && pressed(Modifiers::NONE, Key::Escape) {
        if memories.query.text.is_empty() {
            commands.push(MemoryCommand::Close.into());
        } else {
            commands.push(MemoryCommand::Search(String::new()).into());
        }
    }
    if in_text {
        return;
    }
    if ctx.input_mut(|input| consume_slash(&mut input.events)) {
        view.memory.wants_search = true;
    }
    if let Some((_, step)) = STEPS.iter().find(|(key, _)| pressed(Modifiers::NONE, *key))
        && let Some(place) = stepped(state, view, *step)
    {
        let id = memories.entries().get(place).map(|entry| entry.id);
        view.memory.to_reveal = id;
        commands.push(MemoryCommand::Select(id).into());
    }
    if pressed(Modifiers::COMMAND, Key::Z)
        && let Some(removed) = memories.removed.last()
    {
        commands.push(MemoryCommand::Restore(removed.serial).into());
    }
    let Some(entry) = memories.selected_entry() else { return };
    let on_button = ctx.memory(|memory| memory.focused().is_some());
    if pressed(Modifiers::NONE, Key::F2) || (!on_button && pressed(Modifiers::NONE, Key::Enter)) {
        view.memory.wants_caption = true;
    }
    if pressed(Modifiers::NONE, Key::I) {
        commands.push(MemoryCommand::Inspire(entry.id).into());
    }
    if pressed(Modifiers::NONE, Key::Delete) || pressed(Modifiers::COMMAND, Key::Backspace) {
        commands.push(MemoryCommand::Remove(entry.id).into());
    }
    let copies = |event: &Event| matches!(event, Event::Copy);
    if ctx.input(|input| input.events.iter().any(copies)) {
        commands.push(UiCommand::CopyText(entry.caption.clone()));
    }
}

/// Layouts have the slash in different places, so it is meant as text.
fn consume_slash(events: &mut Vec<Event>) -> bool {
    let n_before = events.len();
    events.retain(|event| !matches!(event, Event::Text(text) if text == "/"));
    events.len() < n_before
}

/// Where a step leads.
fn stepped(state: &AppState, view: &UiState, step: Step) -> Option<usize> {
    let entries = state.memories.entries();
    let selected = state.memories.selected;
    let place = selected.and_then(|id| entries.iter().position(|entry| entry.id == id));
    match place {
        Some(place) => {
            let places = Places::with_columns(entries.len(), view.memory.n_columns);
            places.after(place, step, view.memory.n_rows_per_page)
        }
        None if step == Step::Last => entries.len().checked_sub(1),
        None => (!entries.is_empty()).then_some(0),
    }
}
