//! Keys in the gallery. Letters and arrows rest while text is being typed.

use egui::{Event, Key, Modifiers, Ui};

use super::UiState;
use super::item::{Item, Items};
use super::rows::Step;
use crate::state::AppState;
use crate::ui::command::UiCommand;
use crate::ui::gallery_command::GalleryCommand;

/// What they do, for the list of shortcuts.
pub(in crate::ui) const HELP: [(&str, &str); 7] = [
    ("Gallery: go to another picture", "Arrows"),
    ("Gallery: open the picture", "Enter"),
    ("Gallery: be inspired by the picture", "I"),
    ("Gallery: star the picture", "S"),
    ("Gallery: save a picture of this session", "Ctrl+E"),
    ("Gallery: move the picture to the trash, or off the list", "Delete"),
    ("Gallery: search", "/"),
];

pub(super) fn pressed_keys(
    ui: &Ui,
    state: &AppState,
    items: &Items<'_>,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let gallery = &state.gallery;
    if gallery.trash_question.is_some() {
        return;
    }
    let ctx = ui.ctx();
    let in_text = ctx.text_edit_focused();
    let pressed = |modifiers, key| ctx.input_mut(|input| input.consume_key(modifiers, key));
    if pressed(Modifiers::COMMAND, Key::F) {
        view.gallery.wants_search = true;
    }
    // A field has lost the focus to Esc before this frame began.
    if !in_text && pressed(Modifiers::NONE, Key::Escape) {
        let is_searching = view.was_in_text && !gallery.query.text.is_empty();
        if is_searching {
            let query =
                crate::protocol::PictureQuery { text: String::new(), ..gallery.query.clone() };
            commands.push(GalleryCommand::Search(query).into());
        } else if !view.was_in_text {
            commands.push(GalleryCommand::Close.into());
        }
    }
    // From the search straight to what was found.
    if in_text && pressed(Modifiers::NONE, Key::ArrowDown) {
        ctx.memory_mut(|memory| {
            if let Some(id) = memory.focused() {
                memory.surrender_focus(id);
            }
        });
        items.go_to(0, &mut view.gallery, commands);
        return;
    }
    if in_text {
        return;
    }
    if let Some(step) = pressed_step(ui) {
        let place = stepped(items, view, step);
        if let Some(place) = place {
            items.go_to(place, &mut view.gallery, commands);
        }
    }
    if pressed(Modifiers::COMMAND, Key::Z) {
        if !gallery.taken_off.is_empty() {
            commands.push(GalleryCommand::PutBack.into());
        } else if let Some(trashed) = gallery.trashed.last() {
            commands.push(GalleryCommand::Restore(trashed.serial).into());
        }
    }
    let on_button = ctx.memory(|memory| memory.focused().is_some());
    let Some(item) = items.selected() else {
        if ctx.input_mut(|input| consume_slash(&mut input.events)) {
            view.gallery.wants_search = true;
        }
        return;
    };
    if !on_button && pressed(Modifiers::NONE, Key::Enter) {
        item.open(commands);
    }
    if item.problem().is_none() && pressed(Modifiers::NONE, Key::I) {
        commands.push(item.more_like());
    }
    if pressed(Modifiers::NONE, Key::S) {
        commands.push(item.toggle_star());
    }
    if pressed(Modifiers::NONE, Key::Delete) || pressed(Modifiers::COMMAND, Key::Backspace) {
        commands.push(item.remove());
    }
    if let Item::Unsaved(node) = item
        && pressed(Modifiers::COMMAND, Key::E)
    {
        commands.push(GalleryCommand::SaveNode(node.id).into());
    }
    let copies = |event: &Event| matches!(event, Event::Copy);
    if !item.prompt().is_empty() && ctx.input(|input| input.events.iter().any(copies)) {
        commands.push(UiCommand::CopyText(item.prompt().to_owned()));
    }
    if ctx.input_mut(|input| consume_slash(&mut input.events)) {
        view.gallery.wants_search = true;
    }
}

/// Layouts have the slash in different places, so it is meant as text.
fn consume_slash(events: &mut Vec<Event>) -> bool {
    let n_before = events.len();
    events.retain(|event| !matches!(event, Event::Text(text) if text == "/"));
    events.len() < n_before
}

fn pressed_step(ui: &Ui) -> Option<Step> {
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
    ui.input_mut(|input| {
        let pressed = |(key, _): &&(Key, Step)| input.consume_key(Modifiers::NONE, *key);
        STEPS.iter().find(pressed).map(|(_, step)| *step)
    })
}

/// Where a step leads.
fn stepped(items: &Items<'_>, view: &UiState, step: Step) -> Option<usize> {
    match items.selected_place() {
        Some(place) => view.gallery.rows.after(place, step, view.gallery.n_rows_per_page),
        None if step == Step::Last => items.len().checked_sub(1),
        None => Some(0),
    }
}
