//! The row over the canvas: what the tool in hand is set to.

use egui::scroll_area::ScrollBarVisibility;
use egui::{ComboBox, RichText, ScrollArea, Ui};

use super::command::UiCommand;
use super::drag_field::{DragField, Pace};
use super::sketch_command::SketchCommand;
use super::widgets::{self, Button};
use super::{icons, lock_options, part, theme, tool_look};
use crate::document::{Brush, Symmetry};
use crate::state::{AppState, Tool, Tools};

pub(super) const HEIGHT: f32 = 40.0;

/// Points from which on the name of the tool stands before its settings.
const ROOM_FOR_NAME: f32 = 680.0;

/// The largest size that the field offers; keys go on to the brush's own limit.
const MAX_SIZE_PX: f32 = 256.0;
/// Seconds of smoothing that count as all.
const MAX_SMOOTHING_SECS: f32 = 0.5;
/// Turns that a new radial symmetry has.
const DEFAULT_COPIES: u8 = 6;

pub(super) fn tool_options_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let tools = &state.settings.tools;
    let mut wish = tools.clone();
    let scroll = ScrollArea::horizontal().auto_shrink(false);
    scroll.scroll_bar_visibility(ScrollBarVisibility::AlwaysHidden).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            if state.adding.is_taking_part {
                part::part_options_ui(ui, commands);
                return;
            }
            // Where there is little room, the strip tells the tool well enough.
            if ui.available_width() > ROOM_FOR_NAME {
                let name = tool_look::of_tool(tools.tool).label;
                ui.label(RichText::new(name).font(theme::strong()));
                ui.add_space(theme::SPACE_XS);
            }
            match tools.tool {
                Tool::Brush | Tool::Eraser | Tool::Airbrush => brush_ui(ui, &mut wish),
                Tool::Line | Tool::Rectangle | Tool::Ellipse => shape_ui(ui, &mut wish),
                Tool::Fill => fill_ui(ui, &mut wish),
                Tool::Lock => lock_options::lock_options_ui(ui, state, &mut wish, commands),
                Tool::Picker => {
                    widgets::caption(ui, "Click on the canvas to draw with what is there");
                }
                Tool::Pan => {
                    widgets::caption(ui, "Drag to move, wheel to zoom, double-click to fit");
                }
            }
            if !matches!(tools.tool, Tool::Picker | Tool::Pan) {
                symmetry_ui(ui, &mut wish.symmetry);
            }
        });
    });
    if wish != *tools {
        commands.push(SketchCommand::SetTools(Box::new(wish)).into());
    }
}

fn brush_ui(ui: &mut Ui, tools: &mut Tools) {
    let is_airbrush = tools.tool == Tool::Airbrush;
    let brush = tools.brush_in_hand_mut();
    size_ui(ui, brush, "Diameter in pixels of the canvas");
    if is_airbrush {
        let tip = "How much each touch adds";
        share_ui(ui, "Flow", tip, &mut brush.flow);
    }
    share_ui(ui, "Opacity", "The most that one stroke covers", &mut brush.opacity);
    share_ui(
        ui,
        "Hardness",
        "100 % has a sharp edge, 0 % fades from the middle",
        &mut brush.hardness,
    );
    let mut smoothing = brush.smoothing_secs / MAX_SMOOTHING_SECS;
    let tip = "Evens out a shaky hand; the line follows a little later";
    share_ui(ui, "Smoothing", tip, &mut smoothing);
    brush.smoothing_secs = smoothing * MAX_SMOOTHING_SECS;
}

fn shape_ui(ui: &mut Ui, tools: &mut Tools) {
    let has_inside = tools.tool != Tool::Line;
    if has_inside {
        let button = Button::text("Filled").with_icon(icons::FILL).selected(tools.fills_shapes);
        if button.show(ui).on_hover_text("Fill the shape instead of drawing its outline").clicked()
        {
            tools.fills_shapes = !tools.fills_shapes;
        }
    }
    let fills = has_inside && tools.fills_shapes;
    let brush = tools.brush_in_hand_mut();
    if !fills {
        size_ui(ui, brush, "Width of the outline in pixels of the canvas");
    }
    share_ui(ui, "Opacity", "How much the shape covers", &mut brush.opacity);
}

fn fill_ui(ui: &mut Ui, tools: &mut Tools) {
    let tolerance = DragField {
        label: "Tolerance",
        explanation: "How different neighbours may be to be filled too",
        value: f32::from(tools.fill_tolerance),
        range: 0.0..=255.0,
        pace: Pace::Even(1.0),
        unit: "",
    };
    if let (_, Some(value)) = tolerance.show(ui) {
        tools.fill_tolerance = value.round() as u8;
    }
    let grow = DragField {
        label: "Grow",
        explanation: "How far the fill reaches under the edge of lines",
        value: f32::from(tools.fill_grow_px),
        range: 0.0..=32.0,
        pace: Pace::Even(0.1),
        unit: " px",
    };
    if let (_, Some(value)) = grow.show(ui) {
        tools.fill_grow_px = value.round() as u8;
    }
    let brush = tools.brush_in_hand_mut();
    share_ui(ui, "Opacity", "How much the fill covers", &mut brush.opacity);
}

pub(super) fn size_ui(ui: &mut Ui, brush: &mut Brush, explanation: &str) {
    let field = DragField {
        label: "Size",
        explanation: &format!("{explanation} ([ and ])"),
        value: brush.size_px,
        range: 0.5..=MAX_SIZE_PX.max(brush.size_px),
        pace: Pace::Growing,
        unit: " px",
    };
    if let (_, Some(size_px)) = field.show(ui) {
        brush.size_px = size_px;
    }
}

/// A number from 0 to 1, shown in per cent.
fn share_ui(ui: &mut Ui, label: &str, explanation: &str, share: &mut f32) {
    let percent = (100.0 * *share).round();
    let field = DragField {
        label,
        explanation,
        value: percent,
        range: 0.0..=100.0,
        pace: Pace::Even(0.5),
        unit: " %",
    };
    if let (_, Some(percent)) = field.show(ui) {
        *share = percent / 100.0;
    }
}

fn symmetry_ui(ui: &mut Ui, symmetry: &mut Symmetry) {
    let n_copies = match symmetry {
        Symmetry::Radial(n_copies) => *n_copies,
        _ => DEFAULT_COPIES,
    };
    let choices = [
        (Symmetry::None, "No symmetry"),
        (Symmetry::Vertical, "Left and right"),
        (Symmetry::Horizontal, "Top and bottom"),
        (Symmetry::Both, "Both ways"),
        (Symmetry::Radial(n_copies), "Around"),
    ];
    let now = choices.iter().find(|(choice, _)| choice == symmetry);
    let combo = ComboBox::from_id_salt("symmetry")
        .width(104.0)
        .selected_text(now.map_or("Symmetry", |(_, name)| name))
        .show_ui(ui, |ui| {
            for (choice, name) in choices {
                ui.selectable_value(symmetry, choice, name);
            }
        });
    combo
        .response
        .accessible_name("Symmetry")
        .on_hover_text("Where everything drawn is drawn again, around the middle");
    if let Symmetry::Radial(n_copies) = symmetry {
        let field = DragField {
            label: "Copies",
            explanation: "How often it is drawn around the middle",
            value: f32::from(*n_copies),
            range: 2.0..=f32::from(Symmetry::MAX_COPIES),
            pace: Pace::Even(0.1),
            unit: "",
        };
        if let (_, Some(value)) = field.show(ui) {
            *n_copies = value.round() as u8;
        }
    }
}
