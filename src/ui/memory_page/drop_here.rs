//! Files and folders dropped on the page.

use std::path::PathBuf;

use egui::{Rect, Ui};

use super::MemoryView;
use crate::state::Memories;
use crate::ui::command::UiCommand;
use crate::ui::memory_command::MemoryCommand;
use crate::ui::{drop, icons};

/// Adds what is dropped to the memory under the pointer, or to the chosen one. Says so while
/// something is being dragged.
pub(super) fn drop_here_ui(
    ui: &Ui,
    area: Rect,
    memories: &Memories,
    view: &MemoryView,
    commands: &mut Vec<UiCommand>,
) {
    let title = match memories.chosen_memory() {
        Some(known) => format!("Drop to add to “{}”", super::cut(&known.name, 40)),
        None => "Drop to begin a memory".to_owned(),
    };
    let text = "Pictures and folders, several at once";
    drop::target_ui(ui, area, icons::MEMORY, &title, text);
    for (_, card) in &view.cards {
        drop::place_ui(ui, *card);
    }
    let files = ui.input(|input| input.raw.dropped_files.clone());
    if files.is_empty() {
        return;
    }
    let pointer = ui.ctx().pointer_latest_pos();
    let is_aimed_at = |rect: &Rect| pointer.is_some_and(|pos| rect.contains(pos));
    if let Some((memory, _)) = view.cards.iter().find(|(_, rect)| is_aimed_at(rect)) {
        commands.push(MemoryCommand::Choose(*memory).into());
    }
    let paths = files.iter().map(|file| PathBuf::from(file.path())).collect();
    commands.push(MemoryCommand::Add(paths).into());
}
