//! The row over the canvas while the lock is in hand: what is painted, and what stays.

use egui::Ui;

use super::command::UiCommand;
use super::sketch_command::SketchCommand;
use super::widgets::{self, Button};
use super::{icons, tool_options};
use crate::document::{Edit, Mode, Plane};
use crate::state::{AppState, Tools};

pub(super) fn lock_options_ui(
    ui: &mut Ui,
    state: &AppState,
    tools: &mut Tools,
    commands: &mut Vec<UiCommand>,
) {
    let modes = [
        (Mode::Paint, icons::LOCK, "Lock", "Paint over what stays"),
        (Mode::Erase, icons::LOCK_OPEN, "Unlock", "Take the lock off again; right button too"),
    ];
    for (mode, icon, text, tip) in modes {
        let is_chosen = tools.lock_brush.mode == mode;
        let label = format!("{text} by painting");
        let button = Button::text(text).with_icon(icon).labelled(&label).selected(is_chosen);
        if button.show(ui).on_hover_text(tip).clicked() {
            tools.lock_brush.mode = mode;
        }
    }
    tool_options::size_ui(ui, &mut tools.lock_brush, "Diameter in pixels of the canvas");
    widgets::caption(ui, "Draw anew");
    let sides = [
        (false, "Outside", "Draw anew outside", "What is painted stays, all else is drawn anew"),
        (true, "Inside", "Draw anew inside", "What is painted is drawn anew, all else stays"),
    ];
    for (inside, text, label, tip) in sides {
        let is_chosen = tools.regenerates_painted == inside;
        let button = Button::text(text).labelled(label).selected(is_chosen);
        if button.show(ui).on_hover_text(tip).clicked() {
            tools.regenerates_painted = inside;
        }
    }
    let is_locked = !state.sketch.document().lock().is_empty();
    let clear = Button::text("Clear").with_icon(icons::TRASH).labelled("Clear the lock");
    let clear = clear.quiet().enabled(is_locked).show(ui);
    if clear.on_hover_text("Nothing is locked any more; Undo brings it back").clicked() && is_locked
    {
        commands.push(SketchCommand::Edit(Edit::Clear(Plane::Lock)).into());
    }
}
