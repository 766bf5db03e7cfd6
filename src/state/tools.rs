//! The tools, and what each of them is set to. Remembered from one launch to the next.

use serde::{Deserialize, Serialize};

use crate::document::{Brush, FillArea, Ink, Mode, Pen, Plane, Point, ShapeKind, Symmetry};
use crate::params::ControlKind;

/// What the pointer does on the canvas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tool {
    #[default]
    Brush,
    Eraser,
    /// Soft and building up; made for depth.
    Airbrush,
    Line,
    Rectangle,
    Ellipse,
    Fill,
    Picker,
    /// Paints where the picture stays.
    Lock,
    /// Moves the view.
    Pan,
}

impl Tool {
    pub const ALL: [Self; 10] = [
        Self::Brush,
        Self::Eraser,
        Self::Airbrush,
        Self::Line,
        Self::Rectangle,
        Self::Ellipse,
        Self::Fill,
        Self::Picker,
        Self::Lock,
        Self::Pan,
    ];

    /// Whether it draws along the way of the pointer.
    pub const fn is_brush(self) -> bool {
        matches!(self, Self::Brush | Self::Eraser | Self::Airbrush | Self::Lock)
    }

    /// Whether it draws between where the pointer went down and where it is.
    pub const fn is_shape(self) -> bool {
        matches!(self, Self::Line | Self::Rectangle | Self::Ellipse)
    }
}

/// What a plane is painted with, and what X brings instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InkPair {
    pub ink: Ink,
    pub other: Ink,
}

/// The tool in hand and the settings of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tools {
    pub tool: Tool,
    /// The tool before the picker, which gives the hand back after a pick.
    pub before_picker: Tool,
    /// The layer that is drawn on.
    pub layer: ControlKind,
    /// Where the layer is followed is painted, instead of the layer.
    pub paints_strength: bool,
    /// Also draws the outline of shapes.
    pub brush: Brush,
    pub eraser: Brush,
    pub airbrush: Brush,
    pub lock_brush: Brush,
    /// What is painted with the lock is regenerated, and all else stays.
    pub regenerates_painted: bool,
    pub symmetry: Symmetry,
    pub fills_shapes: bool,
    /// How far a fill runs over differences, 0–255.
    pub fill_tolerance: u8,
    /// Pixels that a fill creeps under the edge of lines.
    pub fill_grow_px: u8,
    inks: [InkPair; 4],
    /// Colours that were drawn with, newest first.
    pub recent_colours: Vec<[u8; 3]>,
}

impl Tools {
    const MAX_RECENT_COLOURS: usize = 6;

    /// What the tools draw on.
    pub fn plane(&self) -> Plane {
        if self.tool == Tool::Lock { Plane::Lock } else { self.layer_plane() }
    }

    /// What all tools but the lock draw on.
    pub fn layer_plane(&self) -> Plane {
        if self.paints_strength { Plane::Strength(self.layer) } else { Plane::Pixels(self.layer) }
    }

    /// The inks of the plane that is drawn on.
    pub fn inks(&self) -> InkPair {
        self.inks[self.ink_idx()]
    }

    pub fn set_ink(&mut self, ink: Ink) {
        self.inks[self.ink_idx()].ink = ink;
    }

    pub fn swap_inks(&mut self) {
        let InkPair { ink, other } = self.inks();
        self.inks[self.ink_idx()] = InkPair { ink: other, other: ink };
    }

    pub fn reset_inks(&mut self) {
        self.inks[self.ink_idx()] = InkPair::default();
    }

    /// Remembers the colour in use, if the tool in hand draws with it.
    pub fn remember_colour(&mut self) {
        let pen = self.pen();
        if pen.plane != Plane::Pixels(ControlKind::Colour) || pen.brush.mode == Mode::Erase {
            return;
        }
        let colour = pen.brush.ink.colour;
        self.recent_colours.retain(|recent| *recent != colour);
        self.recent_colours.insert(0, colour);
        self.recent_colours.truncate(Self::MAX_RECENT_COLOURS);
    }

    /// The brush whose size and softness the tool in hand uses.
    pub fn brush_in_hand(&self) -> &Brush {
        match self.tool {
            Tool::Eraser => &self.eraser,
            Tool::Airbrush => &self.airbrush,
            Tool::Lock => &self.lock_brush,
            _ => &self.brush,
        }
    }

    pub fn brush_in_hand_mut(&mut self) -> &mut Brush {
        match self.tool {
            Tool::Eraser => &mut self.eraser,
            Tool::Airbrush => &mut self.airbrush,
            Tool::Lock => &mut self.lock_brush,
            _ => &mut self.brush,
        }
    }

    /// What the tool in hand draws with.
    pub fn pen(&self) -> Pen {
        if self.tool == Tool::Lock {
            let brush = Brush { ink: InkPair::default().ink, ..self.lock_brush };
            return Pen { plane: Plane::Lock, brush, symmetry: self.symmetry };
        }
        let mut brush = Brush { ink: self.inks().ink, ..*self.brush_in_hand() };
        // Paper on a drawing of lines is no ink at all; painting nothing would leave it there.
        let is_paper = brush.ink.level == 0 && self.plane() == Plane::Pixels(ControlKind::Lines);
        if self.tool == Tool::Eraser || is_paper {
            brush.mode = Mode::Erase;
        }
        Pen { plane: self.plane(), brush, symmetry: self.symmetry }
    }

    /// The shape that the tool in hand draws, if it is a shape tool.
    pub fn shape_kind(&self) -> Option<ShapeKind> {
        let filled = self.fills_shapes;
        match self.tool {
            Tool::Line => Some(ShapeKind::Line),
            Tool::Rectangle => Some(ShapeKind::Rectangle { filled }),
            Tool::Ellipse => Some(ShapeKind::Ellipse { filled }),
            _ => None,
        }
    }

    /// The area that the bucket fills from a position. Colour and depth are filled within the
    /// drawn lines, lines and strength within themselves.
    pub fn fill_area(&self, from: Point) -> FillArea {
        let within = match self.plane() {
            Plane::Pixels(ControlKind::Colour | ControlKind::Depth) => {
                Plane::Pixels(ControlKind::Lines)
            }
            plane => plane,
        };
        FillArea { from, within, tolerance: self.fill_tolerance, grow_px: self.fill_grow_px }
    }

    /// Takes another tool; the picker remembers the one before it.
    pub fn take(&mut self, tool: Tool) {
        if tool == Tool::Picker && self.tool != Tool::Picker {
            self.before_picker = self.tool;
        }
        self.tool = tool;
    }

    /// The same tools with every value in its range, whatever a file said.
    #[must_use]
    pub fn checked(mut self) -> Self {
        self.recent_colours.truncate(Self::MAX_RECENT_COLOURS);
        Self {
            brush: self.brush.clamped(),
            eraser: Brush { mode: Mode::Erase, ..self.eraser.clamped() },
            airbrush: self.airbrush.clamped(),
            lock_brush: self.lock_brush.clamped(),
            fill_grow_px: self.fill_grow_px.min(32),
            ..self
        }
    }

    fn ink_idx(&self) -> usize {
        match (self.paints_strength, self.layer) {
            (true, _) => 3,
            (false, ControlKind::Lines) => 0,
            (false, ControlKind::Depth) => 1,
            (false, ControlKind::Colour) => 2,
        }
    }
}

impl Default for Tools {
    fn default() -> Self {
        Self {
            tool: Tool::Brush,
            before_picker: Tool::Brush,
            layer: ControlKind::Lines,
            paints_strength: false,
            brush: Brush::default(),
            eraser: Brush::eraser(),
            airbrush: Brush::airbrush(),
            lock_brush: Brush { size_px: 48.0, ..Brush::default() },
            regenerates_painted: false,
            symmetry: Symmetry::None,
            fills_shapes: false,
            fill_tolerance: 96,
            fill_grow_px: 1,
            inks: [InkPair::default(); 4],
            recent_colours: Vec::new(),
        }
    }
}

impl Default for InkPair {
    /// Black and full before white and none.
    fn default() -> Self {
        Self { ink: Ink { level: 255, colour: [0; 3] }, other: Ink { level: 0, colour: [255; 3] } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plane_has_inks_of_its_own() {
        let mut tools = Tools { layer: ControlKind::Depth, ..Tools::default() };
        tools.set_ink(Ink { level: 128, colour: [128; 3] });
        tools.layer = ControlKind::Lines;
        assert_eq!(tools.inks(), InkPair::default());
        tools.layer = ControlKind::Depth;
        assert_eq!(tools.inks().ink.level, 128);
        tools.swap_inks();
        assert_eq!((tools.inks().ink.level, tools.inks().other.level), (0, 128));
        tools.reset_inks();
        assert_eq!(tools.inks(), InkPair::default());
    }

    #[test]
    fn colours_are_remembered_once_and_newest_first() {
        let mut tools = Tools { layer: ControlKind::Colour, ..Tools::default() };
        for red in [1, 2, 3, 4, 5, 6, 7, 3] {
            tools.set_ink(Ink { level: 255, colour: [red, 0, 0] });
            tools.remember_colour();
        }
        let reds: Vec<u8> = tools.recent_colours.iter().map(|colour| colour[0]).collect();
        assert_eq!(reds, [3, 7, 6, 5, 4, 2]);
        tools.set_ink(Ink { level: 255, colour: [9, 0, 0] });
        tools.take(Tool::Eraser);
        tools.remember_colour();
        tools.take(Tool::Brush);
        tools.layer = ControlKind::Lines;
        tools.remember_colour();
        assert_eq!(tools.recent_colours.len(), 6);
        assert_eq!(tools.recent_colours[0][0], 3, "neither erasing nor lines use a colour");
    }

    #[test]
    fn paper_on_lines_takes_ink_away() {
        let mut tools = Tools::default();
        assert_eq!(tools.pen().brush.mode, Mode::Paint);
        tools.swap_inks();
        assert_eq!(tools.pen().brush.mode, Mode::Erase);
        tools.layer = ControlKind::Depth;
        tools.swap_inks();
        assert_eq!(tools.pen().brush.mode, Mode::Paint, "far is something to say");
        tools.take(Tool::Eraser);
        assert_eq!(tools.pen().brush.mode, Mode::Erase);
    }

    #[test]
    fn the_picker_remembers_the_tool_before_it() {
        let mut tools = Tools::default();
        tools.take(Tool::Ellipse);
        tools.take(Tool::Picker);
        tools.take(Tool::Picker);
        assert_eq!(tools.before_picker, Tool::Ellipse);
    }

    #[test]
    fn tools_survive_a_round_trip_and_wild_files() {
        let tools = Tools { symmetry: Symmetry::Radial(6), ..Tools::default() };
        let json = serde_json::to_string(&tools).expect("plain data");
        assert_eq!(serde_json::from_str::<Tools>(&json).expect("our own"), tools);
        let wild: Tools =
            serde_json::from_str(r#"{"brush":{"size_px":1e9},"fill_grow_px":255}"#).expect("wild");
        assert_eq!(wild.clone().checked().brush.size_px, Brush::MAX_SIZE_PX);
        assert_eq!(wild.checked().fill_grow_px, 32);
    }
}
