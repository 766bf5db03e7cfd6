//! All about the selected picture of this session that is in no file yet.

use egui::{Ui, vec2};

use super::UiState;
use super::details::{buttons_ui, fact, frame_ui, prompt_ui};
use super::item::Item;
use crate::state::Node;
use crate::ui::command::UiCommand;
use crate::ui::gallery_command::GalleryCommand;
use crate::ui::widgets::{self, Button};
use crate::ui::words::Words;
use crate::ui::{icons, node_text, theme};

pub(super) fn unsaved_ui(
    ui: &mut Ui,
    node: &Node,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let (width, height) = node.picture.dimensions();
    let area = frame_ui(ui, &Item::Unsaved(node).title(), Some((width, height)));
    let place = super::details::fitted(area, &node.picture);
    let palette = theme::palette(ui);
    view.pictures.paint(ui.painter(), palette, place, theme::RADIUS, &node.picture, 1.0);
    ui.add_space(theme::SPACE_XS);
    buttons_ui(ui, Item::Unsaved(node), commands);
    let save = Button::text("Save picture")
        .with_icon(icons::SAVE)
        .min_size(vec2(ui.available_width(), theme::CONTROL_HEIGHT + 4.0));
    let tip = "Save it among your pictures, with its prompt and seed (Ctrl+E)";
    if save.show(ui).on_hover_text(tip).clicked() {
        commands.push(GalleryCommand::SaveNode(node.id).into());
    }
    ui.add_space(theme::SPACE_S);
    prompt_ui(ui, &node.about.recipe.prompt, "It has no prompt", commands);
    facts_ui(ui, node, commands);
}

fn facts_ui(ui: &mut Ui, node: &Node, commands: &mut Vec<UiCommand>) {
    widgets::section(ui, "Details");
    let seeds = &node.about.seeds;
    let text = node_text::seeds(node);
    // One word says it: the name before it, or the text itself.
    let (name, text) = match text.strip_prefix("Seed ") {
        Some(seed) => ("Seed", seed),
        None => ("Seeds", text.strip_prefix("Seeds ").unwrap_or(&text)),
    };
    let (n_done, n_scales) = (node.ids.len(), node.n_scales);
    let scales = if node.is_complete() {
        format!("All {n_scales}")
    } else {
        format!("{n_done} of {n_scales}")
    };
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 6.0;
        if !node.is_reduced {
            let (width, height) = node.picture.dimensions();
            fact(ui, "Size", &format!("{width} × {height} pixels"));
        }
        fact(ui, name, text);
        fact(ui, Words::of_ids(&node.ids).many_first, &scales);
        fact(ui, "Made", &node_text::origin(node));
        fact(ui, "File", "Not saved yet");
    });
    let Some(seed) = seeds.last() else { return };
    let copy = Button::text("Copy seed").quiet().with_icon(icons::COPY);
    if copy.show(ui).clicked() {
        commands.push(UiCommand::CopyText(seed.to_string()));
    }
}
