//! The strip at the left edge: the tools, and the inks they draw with.

use egui::{Align, Layout, ScrollArea, Sense, Stroke, Ui, scroll_area::ScrollBarVisibility, vec2};

use super::command::UiCommand;
use super::sketch_command::SketchCommand;
use super::widgets::Button;
use super::{inks, theme, tool_look};
use crate::state::{AppState, Tool};

pub(super) const WIDTH: f32 = 52.0;

/// Tools that do alike stand together.
const GROUPS: [&[Tool]; 5] = [
    &[Tool::Brush, Tool::Eraser, Tool::Airbrush],
    &[Tool::Line, Tool::Rectangle, Tool::Ellipse],
    &[Tool::Fill, Tool::Picker],
    &[Tool::Lock],
    &[Tool::Pan],
];

pub(super) fn tool_strip_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let scroll = ScrollArea::vertical().auto_shrink(false);
    scroll.scroll_bar_visibility(ScrollBarVisibility::AlwaysHidden).show(ui, |ui| {
        ui.with_layout(Layout::top_down(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.add_space(theme::SPACE_S);
            for (idx, group) in GROUPS.iter().enumerate() {
                if idx > 0 {
                    divider(ui);
                }
                for tool in *group {
                    tool_ui(ui, *tool, state.settings.tools.tool, commands);
                }
            }
            divider(ui);
            inks::inks_ui(ui, &state.settings.tools, commands);
            ui.add_space(theme::SPACE_S);
        });
    });
}

fn tool_ui(ui: &mut Ui, tool: Tool, in_hand: Tool, commands: &mut Vec<UiCommand>) {
    let look = tool_look::of_tool(tool);
    let key = tool_look::action_of(tool).key_text(ui.ctx());
    let button = Button::icon(look.icon, look.label)
        .selected(tool == in_hand)
        .min_size(vec2(36.0, 32.0))
        .show(ui);
    let tip = format!("{} ({key})\n{}", look.label, look.explanation);
    if button.on_hover_text(tip).clicked() {
        commands.push(SketchCommand::TakeTool(tool).into());
    }
}

fn divider(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(28.0, 9.0), Sense::hover());
    let line = Stroke::new(1.0, theme::palette(ui).line);
    ui.painter().hline(rect.x_range(), rect.center().y, line);
}
