//! Keys in the gallery. Letters and arrows rest while text is being typed.

use egui::{Event, Key, Modifiers, Ui};

use super::rows::Step;
use super::{UiState, select};
use crate::state::{AppState, Gallery};
use crate::ui::command::UiCommand;
use crate::ui::gallery_command::GalleryCommand;

/// What they do, for the list of shortcuts.
pub(in crate::ui) const HELP: [(&str, &str); 5] = [
    ("Gallery: go to another picture", "Arrows"),
    ("Gallery: open the picture", "Enter"),
    ("Gallery: star the picture", "S"),
    ("Gallery: move the picture to the trash", "Delete"),
    ("Gallery: search", "/"),
];

pub(super) fn pressed_keys(
    ui: &Ui,
    state: &AppState,
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
        let first = gallery.pictures().first().map(|picture| picture.id);
        view.gallery.to_reveal = first;
        commands.extend(first.map(select));
        return;
    }
    if in_text {
        return;
    }
    if let Some(step) = pressed_step(ui) {
        commands.extend(stepped(gallery, view, step));
    }
    let on_button = ctx.memory(|memory| memory.focused().is_some());
    let Some(picture) = gallery.selected_picture() else {
        if ctx.input_mut(|input| consume_slash(&mut input.events)) {
            view.gallery.wants_search = true;
        }
        return;
    };
    if !on_button && pressed(Modifiers::NONE, Key::Enter) && picture.problem.is_none() {
        commands.push(GalleryCommand::Open(picture.path.clone()).into());
    }
    if pressed(Modifiers::NONE, Key::S) {
        let is_starred = !picture.is_starred;
        commands.push(GalleryCommand::Star { id: picture.id, is_starred }.into());
    }
    if pressed(Modifiers::NONE, Key::Delete) || pressed(Modifiers::COMMAND, Key::Backspace) {
        commands.push(GalleryCommand::Trash(picture.id).into());
    }
    if pressed(Modifiers::COMMAND, Key::Z)
        && let Some(trashed) = gallery.trashed.last()
    {
        commands.push(GalleryCommand::Restore(trashed.serial).into());
    }
    let copies = |event: &Event| matches!(event, Event::Copy);
    if !picture.prompt.is_empty() && ctx.input(|input| input.events.iter().any(copies)) {
        commands.push(UiCommand::CopyText(picture.prompt.clone()));
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

fn stepped(gallery: &Gallery, view: &mut UiState, step: Step) -> Option<UiCommand> {
    let pictures = gallery.pictures();
    let place = gallery.selected.and_then(|id| pictures.iter().position(|one| one.id == id));
    let next = match place {
        Some(place) => view.gallery.rows.after(place, step, view.gallery.n_rows_per_page)?,
        None if step == Step::Last => pictures.len().checked_sub(1)?,
        None => 0,
    };
    let next = pictures.get(next)?;
    view.gallery.to_reveal = Some(next.id);
    (gallery.selected != Some(next.id)).then(|| select(next.id))
}
