//! One control layer: its pixels, how strongly it is followed, and where.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::DocumentError;
use super::brush::Ink;
use super::tiles::TileGrid;
use crate::imaging::ControlMap;
use crate::params::{ControlKind, StrengthCurve};

/// What a tool draws on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plane {
    /// The layer itself.
    Pixels(ControlKind),
    /// How strongly the layer is followed at each place: full where nothing was painted.
    Strength(ControlKind),
    /// Where an earlier picture stays: a mask of its own, on no layer.
    Lock,
}

impl Plane {
    pub const ALL: [Self; 7] = [
        Self::Pixels(ControlKind::Lines),
        Self::Pixels(ControlKind::Depth),
        Self::Pixels(ControlKind::Colour),
        Self::Strength(ControlKind::Lines),
        Self::Strength(ControlKind::Depth),
        Self::Strength(ControlKind::Colour),
        Self::Lock,
    ];

    /// The layer that it belongs to, if any.
    pub const fn layer(self) -> Option<ControlKind> {
        match self {
            Self::Pixels(layer) | Self::Strength(layer) => Some(layer),
            Self::Lock => None,
        }
    }

    /// Channels of the plane's pixels.
    pub const fn n_channels(self) -> usize {
        match self {
            Self::Pixels(layer) => layer.n_channels(),
            Self::Strength(_) | Self::Lock => 1,
        }
    }

    /// The pixel that full coverage of `ink` makes.
    pub(super) fn bytes_of(self, ink: Ink) -> [u8; 4] {
        let [red, green, blue] = ink.colour;
        match self {
            Self::Pixels(ControlKind::Colour) => [red, green, blue, 255],
            Self::Pixels(ControlKind::Lines | ControlKind::Depth) | Self::Lock => {
                [ink.level, 0, 0, 0]
            }
            Self::Strength(_) => [255 - ink.level, 0, 0, 0],
        }
    }
}

/// A control layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    pub(super) visible: bool,
    pub(super) strength: StrengthCurve,
    pub(super) pixels: TileGrid,
    /// What is missing from full strength, so that an untouched plane is empty.
    pub(super) weakening: TileGrid,
}

impl Layer {
    pub(super) fn empty(kind: ControlKind, size_px: usize) -> Self {
        Self {
            visible: true,
            strength: StrengthCurve::Ends { layout: 1.0, detail: 1.0 },
            pixels: TileGrid::empty(size_px, kind.n_channels()),
            weakening: TileGrid::empty(size_px, 1),
        }
    }

    pub fn is_visible(&self) -> bool {
        self.visible
    }

    pub fn strength(&self) -> &StrengthCurve {
        &self.strength
    }

    /// Lines: ink coverage. Depth: nearness. Colour: premultiplied RGBA.
    pub fn pixels(&self) -> &TileGrid {
        &self.pixels
    }

    /// Painted weakening: 0 full strength, 255 none.
    pub fn weakening(&self) -> &TileGrid {
        &self.weakening
    }

    /// Whether the layer says anything to the model.
    pub fn takes_part(&self) -> bool {
        self.visible && !self.pixels.is_empty() && !self.strength.is_zero()
    }

    /// Painted strength as `n_cells × n_cells` factors in [0, 1], row by row, each the mean of its
    /// part of the canvas; `None` if nothing was painted.
    pub fn strength_cells(&self, n_cells: usize) -> Option<Arc<[f32]>> {
        if self.weakening.is_empty() {
            return None;
        }
        let size_px = self.weakening.size_px();
        let bytes = self.weakening.to_bytes();
        let span = |cell: usize| {
            let start = (cell * size_px / n_cells).min(size_px - 1);
            start..((cell + 1) * size_px / n_cells).max(start + 1)
        };
        let mean = |cell: usize| {
            let (rows, columns) = (span(cell / n_cells), span(cell % n_cells));
            let n_pixels = rows.len() * columns.len();
            let missing: u32 = rows
                .flat_map(|row| &bytes[row * size_px..][columns.clone()])
                .map(|byte| u32::from(*byte))
                .sum();
            1.0 - missing as f32 / (255 * n_pixels) as f32
        };
        Some((0..n_cells * n_cells).map(mean).collect())
    }
}

/// A whole layer as pixels: what is imported, and what is saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawLayerImage", into = "RawLayerImage")]
pub struct LayerImage {
    kind: ControlKind,
    size_px: usize,
    bytes: Arc<[u8]>,
}

impl LayerImage {
    /// `bytes`: `size_px² × kind.n_channels()`, interleaved, row by row.
    pub fn new(
        kind: ControlKind,
        size_px: usize,
        bytes: impl Into<Arc<[u8]>>,
    ) -> Result<Self, DocumentError> {
        let bytes = bytes.into();
        let expected = size_px.saturating_mul(size_px).saturating_mul(kind.n_channels());
        if bytes.len() == expected {
            Ok(Self { kind, size_px, bytes })
        } else {
            Err(DocumentError::LayerBytes { kind, expected, found: bytes.len() })
        }
    }

    /// The map rounded to bytes.
    pub fn from_map(map: &ControlMap) -> Self {
        let (kind, size_px) = (map.kind(), map.size_px());
        let area = size_px * size_px;
        let n_channels = kind.n_channels();
        let byte = |idx: usize| {
            let value = map.values()[idx % n_channels * area + idx / n_channels];
            (value * 255.0 + 0.5) as u8
        };
        Self { kind, size_px, bytes: (0..n_channels * area).map(byte).collect() }
    }

    pub fn kind(&self) -> ControlKind {
        self.kind
    }

    /// Width and height in pixels.
    pub fn size_px(&self) -> usize {
        self.size_px
    }

    /// `size_px² × channels`, interleaved, row by row.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// How a [`LayerImage`] is written down.
#[derive(Serialize, Deserialize)]
struct RawLayerImage {
    kind: ControlKind,
    size_px: usize,
    bytes: Vec<u8>,
}

impl From<LayerImage> for RawLayerImage {
    fn from(image: LayerImage) -> Self {
        Self { kind: image.kind, size_px: image.size_px, bytes: image.bytes.to_vec() }
    }
}

impl TryFrom<RawLayerImage> for LayerImage {
    type Error = DocumentError;

    fn try_from(raw: RawLayerImage) -> Result<Self, DocumentError> {
        Self::new(raw.kind, raw.size_px, raw.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_cells_are_means() {
        let mut layer = Layer::empty(ControlKind::Lines, 64);
        assert!(layer.strength_cells(16).is_none());
        let mut bytes = vec![0; 64 * 64];
        for row in 0..4 {
            bytes[row * 64..][..2].fill(255);
            bytes[row * 64..][4..8].fill(51);
        }
        layer.weakening = TileGrid::from_bytes(64, 1, &bytes);
        let cells = layer.strength_cells(16).unwrap();
        assert_eq!(cells.len(), 256);
        assert!((cells[0] - 0.5).abs() < 1e-6 && (cells[1] - 0.8).abs() < 1e-6);
        assert!(cells[2..].iter().all(|factor| *factor == 1.0));
        // More cells than pixels, and sizes that do not divide.
        for (size_px, n_cells) in [(5, 16), (100, 16), (64, 1)] {
            let mut layer = Layer::empty(ControlKind::Lines, size_px);
            layer.weakening = TileGrid::from_bytes(size_px, 1, &vec![255; size_px * size_px]);
            let cells = layer.strength_cells(n_cells).unwrap();
            assert!(cells.iter().all(|factor| *factor == 0.0));
        }
    }

    #[test]
    fn layer_images_are_checked() {
        let map = ControlMap::new(ControlKind::Colour, 1, vec![0.2, 0.4, 0.6, 1.0]).unwrap();
        let image = LayerImage::from_map(&map);
        assert_eq!(image.bytes(), [51, 102, 153, 255]);
        let text = serde_json::to_string(&image).unwrap();
        assert_eq!(serde_json::from_str::<LayerImage>(&text).unwrap(), image);
        let broken = text.replace("51,", "");
        let error = serde_json::from_str::<LayerImage>(&broken).unwrap_err().to_string();
        assert!(error.contains("colour layer needs 4 bytes, not 3"), "{error}");
    }
}
