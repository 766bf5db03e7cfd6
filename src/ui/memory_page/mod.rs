//! *My memory*: the pictures that the user has taught the program, in place of the canvas. On the
//! left, or on top in narrow windows, the named memories; beside them the pictures of one.

mod add;
mod cell;
mod drop_here;
mod empty;
mod entry;
mod grid;
mod header;
mod keys;
mod list;
mod places;
mod report;
mod strips;

use egui::{CentralPanel, Frame, Margin, Panel, Rect, Ui};

pub(super) use self::keys::HELP;
use super::command::UiCommand;
use super::gallery::Textures;
use super::{UiState, help, status_bar, theme, toasts, toolbar};
use crate::protocol::{MemoryId, RememberedId};
use crate::state::AppState;

/// Narrower than this, the memories stand above their pictures.
const NARROW: f32 = 900.0;

/// What only the window knows of the page.
#[derive(Default)]
pub(super) struct MemoryView {
    textures: Textures<RememberedId>,
    /// What was last said to be on the screen.
    shown: Shown,
    n_columns: usize,
    /// Rows that fit on the screen, for turning pages.
    n_rows_per_page: usize,
    /// What a key has led to must come into sight.
    to_reveal: Option<RememberedId>,
    wants_search: bool,
    /// The caption is to be edited.
    wants_caption: bool,
    /// A name as it is being typed.
    name: Option<(MemoryId, String)>,
    /// A caption as it is being typed.
    caption: Option<(RememberedId, String)>,
    /// Where pictures can be dropped onto a memory.
    cards: Vec<(MemoryId, Rect)>,
}

#[derive(Default, PartialEq)]
struct Shown {
    on_screen: Vec<RememberedId>,
    missing: Vec<RememberedId>,
}

/// Draws the whole window while the page is open.
pub(super) fn memory_page_ui(
    ui: &mut Ui,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let palette = theme::palette(ui);
    let memories = &state.memories;
    let panel = Frame::new().fill(palette.panel);
    let beside = Margin::symmetric(theme::SPACE_L as i8, 0);
    let is_free = !view.is_help_open && memories.open_report.is_none();
    if is_free {
        keys::pressed_keys(ui, state, view, commands);
    }
    Panel::bottom("memory status")
        .exact_size(status_bar::HEIGHT)
        .frame(panel.inner_margin(beside))
        .show(ui, |ui| status_bar::status_bar_ui(ui, state, commands));
    Panel::top("memory header")
        .exact_size(toolbar::HEIGHT)
        .frame(panel.inner_margin(beside))
        .show(ui, |ui| header::header_ui(ui, memories, &mut view.memory, commands));
    if let Some((headline, details)) = &memories.trouble {
        strips::trouble_ui(ui, headline, details, commands);
    }
    view.memory.cards.clear();
    let has_memories = !memories.all().is_empty();
    if has_memories && ui.available_width() < NARROW {
        Panel::top("memories")
            .exact_size(list::STRIP_HEIGHT)
            .frame(panel)
            .show(ui, |ui| list::strip_ui(ui, memories, &mut view.memory, commands));
    } else if has_memories {
        Panel::left("memories")
            .exact_size(list::WIDTH)
            .frame(panel)
            .show(ui, |ui| list::list_ui(ui, memories, &mut view.memory, commands));
    }
    if let Some(entry) = memories.selected_entry() {
        Panel::bottom("memory entry")
            .exact_size(entry::HEIGHT)
            .frame(panel.inner_margin(beside))
            .show(ui, |ui| entry::entry_ui(ui, state, entry, view, commands));
    }
    if memories.chosen_memory().is_some_and(|known| known.n_entries > 0) {
        Panel::top("memory tools")
            .resizable(false)
            .frame(panel.inner_margin(Margin::symmetric(theme::SPACE_L as i8, 8)))
            .show(ui, |ui| add::tools_ui(ui, state, commands));
    }
    strips::strips_ui(ui, memories, commands);
    let grid = CentralPanel::default()
        .frame(Frame::new().fill(palette.canvas))
        .show(ui, |ui| grid::grid_ui(ui, state, &mut view.memory, commands));
    view.memory.textures.end_frame(ui.ctx());

    let area = grid.response.rect;
    toasts::toasts_ui(ui, area, state.notices.iter(), commands);
    // Where the places of the canvas were says nothing now.
    view.slot_rects.clear();
    view.layer_rects.clear();
    drop_here::drop_here_ui(ui, area, memories, &view.memory, commands);
    if let Some(report) = memories.open_report.and_then(|id| memories.report(id)) {
        report::report_ui(ui, report, commands);
    }
    view.was_in_text = ui.ctx().text_edit_focused();
    if view.is_help_open {
        view.is_help_open = help::help_ui(ui, state.order());
    }
    view.pictures.forget_unused();
}

/// `1 picture`, `3,200 pictures`.
fn pictures_text(n_pictures: usize) -> String {
    match n_pictures {
        1 => "1 picture".to_owned(),
        n => format!("{} pictures", super::gallery::with_commas(n)),
    }
}

/// The start of a text that may be a novel.
fn cut(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
