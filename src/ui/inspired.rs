//! *Inspired by*: the pictures that the model looks at while it draws. Each can be kept, banned,
//! moved, switched off, or replaced: by another remembered picture or one of the user's own.

mod banned;
mod memories;
mod slot;

use egui::{Align, DragAndDrop, Layout, Ui};

use self::slot::{SlotDrag, SlotUi};
use super::command::UiCommand;
use super::inspired_command::InspiredCommand;
use super::widgets::{self, SliderRow};
use super::{UiState, drop, part, side_panel, theme};
use crate::protocol::{InspiredBy, Provenance};
use crate::state::AppState;

pub(super) fn inspired_ui(
    ui: &mut Ui,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let recipe = &state.settings.recipe;
    let has_open = (0..state.slots.len()).any(|slot_idx| recipe.is_open(slot_idx));
    ui.horizontal(|ui| {
        widgets::section(ui, "Inspired by")
            .on_hover_text("The pictures that the model looks at while it draws");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let switch = widgets::switch(ui, "All inspirations", has_open);
            let tip = if has_open { "Draw from the prompt alone" } else { "Use all places" };
            if switch.on_hover_text(tip).clicked() {
                commands.push(InspiredCommand::SetAllOpen(!has_open).into());
            }
        });
    });

    let is_dragging = ui.input(|input| !input.raw.hovered_files.is_empty());
    view.slot_rects.clear();
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for (slot_idx, slot) in state.slots.iter().enumerate() {
            ui.push_id(slot_idx, |ui| {
                let rect = SlotUi { slot_idx, slot, state }.show(ui, &mut view.pictures, commands);
                drop::place_ui(ui, rect.shrink(2.0));
                view.slot_rects.push(rect);
            });
        }
    });
    paint_dragged(ui, state, view);
    let hint = match (is_dragging, has_open, recipe.memory_on) {
        (true, ..) => Some("Drop the picture on one of these places"),
        (false, false, _) => Some("All are off: the picture follows the prompt alone"),
        (false, true, false) => {
            Some("Nothing is looked up: only pictures that you choose are used")
        }
        (false, true, true) => None,
    };
    if let Some(hint) = hint {
        side_panel::hint(ui, hint);
    }

    part::part_button_ui(ui, state, commands);
    let strength = SliderRow {
        label: "Reference strength",
        explanation: "How closely the first picture is followed, place by place; 0 only borrows \
                      from it",
        value: recipe.reference_strength,
        range: 0.0..=2.0,
        max: 2.0,
        decimals: 2,
    };
    ui.add_enabled_ui(recipe.is_open(0), |ui| {
        commands.extend(strength.show(ui).map(UiCommand::SetReferenceStrength));
    });
    memories::memories_ui(ui, state, commands);
    banned::banned_ui(ui, state, &mut view.pictures, commands);
}

/// In place of the pictures, with a model that looks at none.
pub(super) fn without_memory_ui(ui: &mut Ui, view: &mut UiState) {
    view.slot_rects.clear();
    widgets::section(ui, "Inspired by");
    side_panel::hint(
        ui,
        "This model has no picture memory: it draws from the prompt and the sketch alone",
    );
}

/// The picture that is being dragged to another place, under the pointer.
fn paint_dragged(ui: &Ui, state: &AppState, view: &mut UiState) {
    let Some(drag) = DragAndDrop::payload::<SlotDrag>(ui.ctx()) else { return };
    let Some(pos) = ui.ctx().pointer_interact_pos() else { return };
    let Some(slot) = state.slots.get(drag.0) else { return };
    ui.ctx().set_cursor_icon(egui::CursorIcon::Grabbing);
    let Some(picture) = slot.picture(&state.thumbnails) else { return };
    let layer = egui::LayerId::new(egui::Order::Tooltip, egui::Id::unique("dragged inspiration"));
    let painter = ui.ctx().layer_painter(layer);
    let rect = egui::Rect::from_center_size(pos, egui::Vec2::splat(slot::THUMBNAIL));
    view.pictures.paint(&painter, theme::palette(ui), rect, theme::RADIUS, picture, 0.85);
}

/// Where a remembered picture comes from, in as many lines as there is to say.
pub(super) fn provenance_ui(ui: &mut Ui, picture: &InspiredBy) {
    let palette = theme::palette(ui);
    ui.label(egui::RichText::new(&picture.caption).font(theme::strong()));
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            ui.label(egui::RichText::new(format!("{name}: {value}")).color(palette.text_soft));
        }
    };
    line("Style", &picture.style);
    match picture.provenance {
        Provenance::Redrawn => line("Redrawn in the look of", &picture.memory),
        Provenance::Joined => {
            line("Made of", "pictures of each thing, side by side");
            line("Drawn after", &picture.memory);
        }
        Provenance::Entry | Provenance::Given => line("Your memory", &picture.memory),
    }
    line("Source", &picture.source);
    line("Licence", &picture.licence);
    if let Some(similarity) = picture.similarity {
        line("Similarity to the prompt", &similarity_text(similarity));
    }
}

/// A cosine for people.
pub(super) fn similarity_text(similarity: f32) -> String {
    format!("{:.0} %", 100.0 * similarity)
}

/// The user's memory that a picture is from or redrawn after; empty for the model's own.
fn memory_text(memory: &str, provenance: Provenance) -> String {
    match provenance {
        Provenance::Redrawn => format!("redrawn as {memory}"),
        Provenance::Joined if memory.is_empty() => "side by side".to_owned(),
        Provenance::Joined => format!("side by side, after {memory}"),
        Provenance::Entry | Provenance::Given => memory.to_owned(),
    }
}
