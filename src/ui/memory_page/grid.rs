//! The entries of the chosen memory, as many as fit: only rows that can be seen are laid out.

use egui::{Pos2, Rect, ScrollArea, Ui, vec2};

use super::cell::Cell;
use super::places::{GAP, Places};
use super::{MemoryView, Shown, empty};
use crate::protocol::RememberedId;
use crate::state::{AppState, Memories};
use crate::ui::command::UiCommand;
use crate::ui::memory_command::MemoryCommand;
use crate::ui::theme;

pub(super) fn grid_ui(
    ui: &mut Ui,
    state: &AppState,
    view: &mut MemoryView,
    commands: &mut Vec<UiCommand>,
) {
    let memories = &state.memories;
    if memories.known.is_none() {
        // Trouble is told above.
        if memories.trouble.is_none() {
            empty::waiting_ui(ui, "Looking for your memories…");
        }
        return;
    }
    let n_entries = memories.entries().len();
    if n_entries == 0 {
        nothing_ui(ui, state, commands);
        return;
    }
    let side = theme::SPACE_L;
    let places = Places::new(n_entries, ui.available_width() - 2.0 * side);
    let chosen = memories.chosen.map_or(0, |id| id.0);
    let area = ScrollArea::vertical().id_salt(("entries", chosen)).auto_shrink(false);
    let output = area.show_viewport(ui, |ui, viewport| {
        ui.set_width(ui.available_width());
        ui.set_height(places.height() + 2.0 * side - GAP);
        let origin = ui.min_rect().min + vec2(side, side);
        let viewport = viewport.translate(vec2(0.0, -side));
        for place in places.between(viewport.top(), viewport.bottom()) {
            let Some(entry) = memories.entries().get(place) else { continue };
            let rect = places.rect(place).translate(origin.to_vec2());
            let is_selected = memories.selected == Some(entry.id);
            let cell = Cell { entry, rect, side: places.cell, is_selected };
            cell.show(ui, memories, view, commands);
        }
        reveal(ui, memories, places, origin, view);
        tell_what_is_shown(memories, places, viewport, view, commands);
    });
    view.n_columns = places.n_columns;
    let n_rows = (output.inner_rect.height() / places.row_height()) as usize;
    view.n_rows_per_page = n_rows.max(1);
}

fn nothing_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let memories = &state.memories;
    let query = &memories.query;
    let is_filtered = query.gone_only || !query.text.trim().is_empty();
    let known = memories.chosen_memory();
    if known.is_some_and(|known| memories.progress(known.memory).is_some()) {
        empty::waiting_ui(ui, "Pictures appear here as they are added");
    } else if is_filtered {
        if memories.listing.is_some() {
            empty::nothing_found_ui(ui, state, commands);
        }
    } else if known.is_none_or(|known| known.n_entries == 0) {
        empty::begin_ui(ui, state, commands);
    } else if memories.trouble.is_none() {
        empty::waiting_ui(ui, "Reading the memory…");
    }
}

fn reveal(ui: &Ui, memories: &Memories, places: Places, origin: Pos2, view: &mut MemoryView) {
    let Some(id) = view.to_reveal.take() else { return };
    if let Some(place) = memories.entries().iter().position(|entry| entry.id == id) {
        let rect = places.rect(place).translate(origin.to_vec2());
        ui.scroll_to_rect(rect.expand2(vec2(0.0, GAP)), None);
    }
}

/// Says which entries are on the screen and which small pictures are missing, there and on the next
/// page either way, if that has changed.
fn tell_what_is_shown(
    memories: &Memories,
    places: Places,
    viewport: Rect,
    view: &mut MemoryView,
    commands: &mut Vec<UiCommand>,
) {
    let entries = memories.entries();
    let id_at = |place: usize| entries.get(place).map(|entry| entry.id);
    let page = viewport.height();
    let seen = places.between(viewport.top(), viewport.bottom());
    let below = places.between(viewport.bottom(), viewport.bottom() + page);
    let above = places.between(viewport.top() - page, viewport.top());
    let on_screen: Vec<RememberedId> = seen.clone().filter_map(id_at).collect();
    let mut missing: Vec<RememberedId> = Vec::new();
    for id in seen.chain(below).chain(above).filter_map(id_at) {
        if memories.thumbnails.get(id).is_none() && !missing.contains(&id) {
            missing.push(id);
        }
    }
    let shown = Shown { on_screen, missing };
    // What was asked for and came is no reason to ask again.
    let is_asked = shown.on_screen == view.shown.on_screen
        && shown.missing.iter().all(|id| view.shown.missing.contains(id));
    if is_asked {
        return;
    }
    let Shown { on_screen, missing } = &shown;
    let (on_screen, missing) = (on_screen.clone(), missing.clone());
    commands.push(MemoryCommand::Show { on_screen, missing }.into());
    view.shown = shown;
}
