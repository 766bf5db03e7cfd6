//! Picture files dropped onto the window.

use std::path::Path;

use egui::{Context, Rect};

use super::command::UiCommand;
use crate::state::AppState;

/// Puts each dropped file into a slot: the one under the pointer, then those after it. Some
/// systems do not say where the pointer is while a file is dragged; the first slot that is not
/// taken by hand is meant then.
pub(super) fn dropped_files(
    ctx: &Context,
    state: &AppState,
    slot_rects: &[Rect],
    commands: &mut Vec<UiCommand>,
) {
    let files = ctx.input(|input| input.raw.dropped_files.clone());
    if files.is_empty() || state.slots.is_empty() {
        return;
    }
    let pointer = ctx.pointer_latest_pos();
    let aimed_at = pointer.and_then(|pos| slot_rects.iter().position(|rect| rect.contains(pos)));
    let free = || state.slots.iter().position(|slot| slot.chosen.is_none());
    let first = aimed_at.or_else(free).unwrap_or(0);
    for (slot_idx, file) in (first..state.slots.len()).zip(&files) {
        let path: &Path = file.path();
        commands.push(UiCommand::OpenPicture { slot_idx, path: path.to_owned() });
    }
}
