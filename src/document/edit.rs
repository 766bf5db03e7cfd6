//! Commands on a document: complete in themselves, so that a list of them is the document.

use serde::{Deserialize, Serialize};

use super::brush::{Brush, BuildUp, Mode};
use super::fill::FillArea;
use super::layer::{LayerImage, Plane};
use super::raster::{Mask, Paint};
use super::shape::{Shape, ShapeKind};
use super::stamp::Stamp;
use super::stroke::{PenPoint, StrokePath};
use super::symmetry::{Rigid, Symmetry};
use super::tiles::TileGrid;
use super::{Document, DocumentError};
use crate::params::{ControlKind, StrengthCurve};

/// Where and with what something is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pen {
    pub plane: Plane,
    pub brush: Brush,
    pub symmetry: Symmetry,
}

impl Pen {
    /// The bytes of a pixel of the plane that is wholly covered at full opacity; channels that the
    /// plane does not have are 0.
    pub fn covered(&self) -> [u8; 4] {
        match self.brush.mode {
            Mode::Erase => [0; 4],
            Mode::Paint => self.plane.bytes_of(self.brush.ink),
        }
    }

    /// The prints that make a stroke on a canvas `size_px` wide, in order, with the copies of its
    /// symmetry. What a shader draws in place of [`Document::apply`].
    pub fn stamps(&self, points: &[PenPoint], size_px: usize) -> Vec<Stamp> {
        let copies = self.symmetry.copies(size_px);
        let mut stamps = Vec::new();
        let mut print = |stamp: Stamp| {
            let copy_of = |copy: &Rigid| Stamp { centre: copy.apply(stamp.centre), ..stamp };
            stamps.extend(copies.iter().map(copy_of));
        };
        let mut path = StrokePath::new(&self.brush, size_px);
        for point in points {
            path.push(*point, &mut print);
        }
        path.print_tail(&mut print);
        stamps
    }
}

/// A command on a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    Stroke {
        pen: Pen,
        points: Vec<PenPoint>,
    },
    Shape {
        pen: Pen,
        shape: Shape,
    },
    /// Takes mode, ink and opacity from the pen's brush.
    Fill {
        pen: Pen,
        area: FillArea,
    },
    Clear(Plane),
    /// Replaces a layer's pixels, and shows the layer: nobody imports without seeing it.
    Import(LayerImage),
    SetVisible {
        layer: ControlKind,
        visible: bool,
    },
    /// Values outside 0–2 are moved into the range; NaN becomes 0.
    SetStrength {
        layer: ControlKind,
        strength: StrengthCurve,
    },
}

impl Edit {
    /// What it is called after *Undo* and *Redo*.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Stroke { pen, .. } => stroke_label(pen),
            Self::Shape { pen, .. } | Self::Fill { pen, .. } if pen.plane == Plane::Lock => "lock",
            Self::Shape { shape, .. } => match shape.kind {
                ShapeKind::Line => "line",
                ShapeKind::Rectangle { .. } => "rectangle",
                ShapeKind::Ellipse { .. } => "ellipse",
            },
            Self::Fill { .. } => "fill",
            Self::Clear(Plane::Strength(_)) => "clear painted strength",
            Self::Clear(Plane::Lock) => "clear lock",
            Self::Clear(Plane::Pixels(layer)) => match layer {
                ControlKind::Lines => "clear lines",
                ControlKind::Depth => "clear depth",
                ControlKind::Colour => "clear colour",
            },
            Self::Import(image) => match image.kind() {
                ControlKind::Lines => "import lines",
                ControlKind::Depth => "import depth",
                ControlKind::Colour => "import colour",
            },
            Self::SetVisible { visible: true, .. } => "show layer",
            Self::SetVisible { visible: false, .. } => "hide layer",
            Self::SetStrength { .. } => "strength",
        }
    }

    /// The setting that a slider drags, if it is one: further edits of it join the same step.
    pub(super) fn dragged(&self) -> Option<ControlKind> {
        match self {
            Self::SetStrength { layer, .. } => Some(*layer),
            _ => None,
        }
    }
}

fn stroke_label(pen: &Pen) -> &'static str {
    match (pen.plane, pen.brush.mode, pen.brush.build_up) {
        (Plane::Strength(_), ..) => "strength stroke",
        (Plane::Lock, Mode::Paint, _) => "lock stroke",
        (Plane::Lock, Mode::Erase, _) => "unlock stroke",
        (_, Mode::Erase, _) => "eraser stroke",
        (_, Mode::Paint, BuildUp::Accumulating) => "airbrush stroke",
        (_, Mode::Paint, BuildUp::Capped) => "brush stroke",
    }
}

impl Document {
    /// Carries out a command. An error leaves the document as it was.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), DocumentError> {
        match edit {
            Edit::Stroke { pen, points } => {
                self.lay(pen, &stroke_mask(pen, points, self.size_px));
            }
            Edit::Shape { pen, shape } => {
                let mask = shape.mask(&pen.brush.clamped(), pen.symmetry, self.size_px);
                self.lay(pen, &mask);
            }
            Edit::Fill { pen, area } => {
                let mask = area.mask(self.plane(area.within), pen.symmetry);
                self.lay(pen, &mask);
            }
            Edit::Clear(plane) => self.plane_mut(*plane).clear(),
            Edit::Import(image) => self.import(image)?,
            Edit::SetVisible { layer, visible } => self.layer_mut(*layer).visible = *visible,
            Edit::SetStrength { layer, strength } => {
                self.layer_mut(*layer).strength = in_range(strength);
            }
        }
        Ok(())
    }

    fn lay(&mut self, pen: &Pen, mask: &Mask) {
        Paint::new(&pen.brush.clamped(), pen.plane).apply(self.plane_mut(pen.plane), mask);
    }

    fn import(&mut self, image: &LayerImage) -> Result<(), DocumentError> {
        let kind = image.kind();
        if image.size_px() != self.size_px {
            let (expected, found) = (self.size_px, image.size_px());
            return Err(DocumentError::LayerSize { kind, expected, found });
        }
        let pixels = TileGrid::from_bytes(self.size_px, kind.n_channels(), image.bytes());
        let layer = self.layer_mut(kind);
        layer.pixels.replace_by(&pixels);
        layer.visible = true;
        Ok(())
    }
}

/// A whole stroke at once.
fn stroke_mask(pen: &Pen, points: &[PenPoint], size_px: usize) -> Mask {
    let mut mask = Mask::empty(size_px);
    for stamp in pen.stamps(points, size_px) {
        mask.stamp(&stamp, pen.brush.build_up);
    }
    mask
}

pub(super) fn in_range(strength: &StrengthCurve) -> StrengthCurve {
    let clamp =
        |value: f32| if value.is_nan() { 0.0 } else { value.clamp(0.0, StrengthCurve::MAX) };
    match strength {
        StrengthCurve::Constant(value) => StrengthCurve::Constant(clamp(*value)),
        StrengthCurve::Ends { layout, detail } => {
            StrengthCurve::Ends { layout: clamp(*layout), detail: clamp(*detail) }
        }
        StrengthCurve::PerScale(values) => {
            StrengthCurve::PerScale(values.iter().map(|value| clamp(*value)).collect())
        }
    }
}
