//! How tools, inks and layers are called and which sign they have.

use egui::Color32;

use super::command::Action;
use super::{icons, theme};
use crate::document::{Ink, Plane};
use crate::params::ControlKind;
use crate::state::Tool;

/// A name with its sign.
pub(super) struct Look {
    pub(super) icon: &'static str,
    pub(super) label: &'static str,
    /// One line for those who hover.
    pub(super) explanation: &'static str,
}

pub(super) fn of_tool(tool: Tool) -> Look {
    let (icon, label, explanation) = match tool {
        Tool::Brush => (icons::BRUSH, "Brush", "Draw freely"),
        Tool::Eraser => (icons::ERASER, "Eraser", "Take ink away"),
        Tool::Airbrush => (icons::AIRBRUSH, "Airbrush", "Build up softly; made for depth"),
        Tool::Line => (icons::LINE, "Line", "Drag a line; Shift for straight angles"),
        Tool::Rectangle => (icons::RECTANGLE, "Rectangle", "Drag a rectangle; Shift for a square"),
        Tool::Ellipse => (icons::ELLIPSE, "Ellipse", "Drag an ellipse; Shift for a circle"),
        Tool::Fill => (icons::FILL, "Fill", "Fill an area within lines"),
        Tool::Picker => {
            (icons::PICKER, "Picker", "Take the ink under the pointer; Alt + click too")
        }
        Tool::Lock => (icons::LOCK, "Lock", "Paint over what stays when the rest is drawn anew"),
        Tool::Pan => (icons::HAND, "Hand", "Move the view; Space + drag too"),
    };
    Look { icon, label, explanation }
}

/// The action whose key takes the tool.
pub(super) fn action_of(tool: Tool) -> Action {
    match tool {
        Tool::Brush => Action::BrushTool,
        Tool::Eraser => Action::EraserTool,
        Tool::Airbrush => Action::AirbrushTool,
        Tool::Line | Tool::Rectangle | Tool::Ellipse => Action::ShapeTool,
        Tool::Fill => Action::FillTool,
        Tool::Picker => Action::PickerTool,
        Tool::Lock => Action::LockTool,
        Tool::Pan => Action::PanTool,
    }
}

pub(super) fn of_layer(layer: ControlKind) -> Look {
    let (icon, label, explanation) = match layer {
        ControlKind::Lines => (icons::LINES, "Lines", "Outlines the picture follows"),
        ControlKind::Depth => (icons::DEPTH, "Depth", "What is near, what is far"),
        ControlKind::Colour => (icons::COLOUR, "Colour", "Where which colour goes"),
    };
    Look { icon, label, explanation }
}

/// What the two ends of a plane's level are called: all of it, and none.
pub(super) fn level_names(plane: Plane) -> [&'static str; 2] {
    match plane {
        Plane::Pixels(ControlKind::Depth) => ["Near", "Far"],
        Plane::Strength(_) => ["Full", "None"],
        Plane::Lock => ["Locked", "Free"],
        Plane::Pixels(_) => ["Ink", "Paper"],
    }
}

/// The colour that stands for an ink on a plane.
pub(super) fn ink_colour(palette: &theme::Palette, plane: Plane, ink: Ink) -> Color32 {
    let [red, green, blue] = ink.colour;
    let share = f32::from(ink.level) / 255.0;
    match plane {
        Plane::Pixels(ControlKind::Colour) => Color32::from_rgb(red, green, blue),
        Plane::Pixels(ControlKind::Lines) => palette.paper.lerp_to_gamma(palette.ink, share),
        Plane::Pixels(ControlKind::Depth) | Plane::Strength(_) | Plane::Lock => {
            Color32::from_gray(ink.level)
        }
    }
}
