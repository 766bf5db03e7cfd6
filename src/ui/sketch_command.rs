//! What the user can do to the sketch, besides the actions that have keys.

use crate::document::{Edit, PenPoint, Point};
use crate::params::ControlKind;
use crate::state::{Tool, Tools};

/// A wish that concerns the sketch and the tools.
#[derive(Debug, Clone, PartialEq)]
pub enum SketchCommand {
    /// Takes a tool in the hand.
    TakeTool(Tool),
    /// Draws on this layer from now on.
    SelectLayer(ControlKind),
    /// Paints where the layer is followed, instead of the layer.
    PaintStrength(bool),
    /// New settings of the tools.
    SetTools(Box<Tools>),
    /// The pen touches down, with the tool in hand. Positions are in canvas pixels.
    BeginStroke(PenPoint),
    /// The same, taking ink away whatever the tool.
    BeginErasing(PenPoint),
    /// The pen moves on.
    Draw(Vec<PenPoint>),
    /// The pen lifts: the stroke becomes a step.
    EndStroke,
    /// Shows the shape of the tool in hand between two positions; it is not a step yet.
    ShowShape { from: Point, to: Point },
    /// Makes the shown shape a step.
    DrawShape,
    /// Drops the stroke or the shape that is being drawn.
    Abandon,
    /// Fills from here.
    Fill(Point),
    /// Takes the ink that is here.
    Pick(Point),
    /// Anything else that changes the document: clearing, visibility, strength.
    Edit(Edit),
    /// A slider has been let go: its next change is a step of its own.
    EndDrag,
}
