//! What the user draws: control layers in tiles, the tools that draw on them, and their history.
//!
//! Plain data and pure functions. [`Document`] holds the layers, an [`Edit`] is a command on them
//! that can be written down and repeated, [`History`] takes edits back, and an [`Editor`] joins
//! the three with what is still being drawn. Windows, files, threads and the model are others'
//! business; the same edits on the same canvas give the same bytes.

mod tiles;
mod symmetry;
mod coverage;
mod brush;
mod layer;
mod stamp;
mod stroke;
mod raster;
mod shape;
mod fill;
mod edit;
mod saved;
mod controls;
mod delta;
mod history;
mod live_stroke;
mod editor;

use crate::params::ControlKind;

pub use brush::{Brush, BuildUp, Ink, Mode, PressureCurve};
pub use controls::{ControlCache, ControlSize};
pub use coverage::nib;
pub use edit::{Edit, Pen};
pub use editor::Editor;
pub use fill::FillArea;
pub use history::{Budget, History, StepId};
pub use layer::{Layer, LayerImage, Plane};
pub use live_stroke::StrokeInProgress;
pub use shape::{Shape, ShapeKind};
pub use stamp::Stamp;
pub use stroke::PenPoint;
pub use symmetry::{Point, Symmetry};
pub use tiles::{TILE_PX, TileGrid};

/// Why an edit or a canvas was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    #[error("a canvas of {size_px} px cannot be made; choose 1 to {} px", Document::MAX_SIZE_PX)]
    CanvasSize { size_px: usize },
    #[error(
        "the {} picture is {found} px wide and the canvas {expected} px; fit it to the canvas first",
        kind.name()
    )]
    LayerSize { kind: ControlKind, expected: usize, found: usize },
    #[error("a {} layer needs {expected} bytes, not {found}; the file is damaged", kind.name())]
    LayerBytes { kind: ControlKind, expected: usize, found: usize },
    #[error("the pixels take {expected} bytes, not {found}; the file is damaged")]
    PlaneBytes { expected: usize, found: usize },
    #[error("the pixels are {found} px wide and the canvas {expected} px; the file is damaged")]
    PlaneSize { expected: usize, found: usize },
}

/// The control layers on a square canvas. Copies share their pixels and are cheap.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    size_px: usize,
    layers: [Layer; 3],
    lock: TileGrid,
}

impl Document {
    /// What the embedded model draws.
    pub const DEFAULT_SIZE_PX: usize = 256;
    pub const MAX_SIZE_PX: usize = 4096;

    /// Empty layers on a canvas `size_px` wide and high, 1–[`Self::MAX_SIZE_PX`].
    pub fn new(size_px: usize) -> Result<Self, DocumentError> {
        if !(1..=Self::MAX_SIZE_PX).contains(&size_px) {
            return Err(DocumentError::CanvasSize { size_px });
        }
        let layers = ControlKind::ALL.map(|kind| Layer::empty(kind, size_px));
        Ok(Self { size_px, layers, lock: TileGrid::empty(size_px, 1) })
    }

    /// Width and height in pixels.
    pub fn size_px(&self) -> usize {
        self.size_px
    }

    /// Whether anything is drawn on a layer.
    pub fn has_pixels(&self) -> bool {
        self.layers.iter().any(|layer| !layer.pixels.is_empty())
    }

    pub fn layer(&self, kind: ControlKind) -> &Layer {
        &self.layers[layer_idx(kind)]
    }

    /// What was painted to be locked: 255 wholly, 0 not.
    pub fn lock(&self) -> &TileGrid {
        &self.lock
    }

    pub fn plane(&self, plane: Plane) -> &TileGrid {
        match plane {
            Plane::Pixels(layer) => &self.layer(layer).pixels,
            Plane::Strength(layer) => &self.layer(layer).weakening,
            Plane::Lock => &self.lock,
        }
    }

    /// The ink at a position, for the colour picker; `None` off the canvas and where there is
    /// nothing. Of a layer with levels the colour is grey.
    pub fn pick(&self, plane: Plane, at: Point) -> Option<Ink> {
        let (x, y) = fill::pixel_at(at, self.size_px)?;
        let pixel = self.plane(plane).pixel(x, y);
        let level = pixel[0];
        match plane {
            Plane::Strength(_) => Some(Ink { level: 255 - level, colour: [255 - level; 3] }),
            Plane::Pixels(ControlKind::Colour) => {
                let alpha = u32::from(pixel[3]);
                let straight = |value: u8| {
                    let rounded = (u32::from(value) * 255 + alpha / 2) / alpha;
                    rounded.min(255) as u8
                };
                let [red, green, blue, _] = pixel;
                (alpha > 0).then(|| Ink { colour: [red, green, blue].map(straight), level: 255 })
            }
            Plane::Pixels(_) | Plane::Lock => {
                (level > 0).then_some(Ink { level, colour: [level; 3] })
            }
        }
    }

    /// Takes over another document of the same size; tiles that are equal stay the same.
    fn become_like(&mut self, other: &Self) {
        for plane in Plane::ALL {
            self.plane_mut(plane).replace_by(other.plane(plane));
        }
        for kind in ControlKind::ALL {
            let layer = self.layer_mut(kind);
            layer.visible = other.layer(kind).visible;
            layer.strength.clone_from(&other.layer(kind).strength);
        }
    }

    fn layer_mut(&mut self, kind: ControlKind) -> &mut Layer {
        &mut self.layers[layer_idx(kind)]
    }

    fn plane_mut(&mut self, plane: Plane) -> &mut TileGrid {
        match plane {
            Plane::Pixels(layer) => &mut self.layer_mut(layer).pixels,
            Plane::Strength(layer) => &mut self.layer_mut(layer).weakening,
            Plane::Lock => &mut self.lock,
        }
    }
}

fn layer_idx(kind: ControlKind) -> usize {
    match kind {
        ControlKind::Lines => 0,
        ControlKind::Depth => 1,
        ControlKind::Colour => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canvases_have_bounds() {
        assert_eq!(Document::new(Document::DEFAULT_SIZE_PX).unwrap().size_px(), 256);
        for size_px in [0, 4097, usize::MAX] {
            let error = Document::new(size_px).unwrap_err().to_string();
            assert!(error.ends_with("choose 1 to 4096 px"), "{error}");
        }
    }

    #[test]
    fn layers_are_found_by_their_kind() {
        let document = Document::new(8).unwrap();
        for kind in ControlKind::ALL {
            assert_eq!(document.layer(kind).pixels().n_channels(), kind.n_channels());
        }
    }

    #[test]
    fn the_picker_reads_what_was_painted() {
        let mut document = Document::new(32).unwrap();
        let colour = Plane::Pixels(ControlKind::Colour);
        assert_eq!(document.pick(colour, [4.0, 4.0]), None);
        let brush = Brush {
            ink: Ink { level: 77, colour: [200, 100, 0] },
            opacity: 0.5,
            ..Brush::default()
        };
        for plane in Plane::ALL {
            let pen = Pen { plane, brush, symmetry: Symmetry::None };
            let area = FillArea { from: [1.0, 1.0], within: plane, tolerance: 0, grow_px: 0 };
            document.apply(&Edit::Fill { pen, area }).unwrap();
        }
        let picked = document.pick(colour, [4.0, 4.0]).unwrap();
        for (found, expected) in picked.colour.iter().zip([200_u8, 100, 0]) {
            assert!(found.abs_diff(expected) <= 1);
        }
        let lines = Plane::Pixels(ControlKind::Lines);
        assert_eq!(document.pick(lines, [4.0, 4.0]).unwrap().level, 39);
        let strength = Plane::Strength(ControlKind::Lines);
        assert_eq!(document.pick(strength, [4.0, 4.0]).unwrap().level, 255 - 89);
        assert_eq!(document.pick(lines, [32.0, 4.0]), None);
    }
}
