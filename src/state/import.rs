//! A picture on its way into the sketch: what it is, what it shall become, and what of that is
//! shown as a draft. Nothing of it is part of the document until it is accepted.

use std::sync::Arc;

use crate::document::LayerImage;
use crate::imaging::RgbaImage;
use crate::imaging::blocks::BlockSize;
use crate::imaging::edges::{CannyOptions, SoftEdgeOptions};
use crate::imaging::extract::Extractor;
use crate::imaging::inflate::InflateOptions;
use crate::imaging::polarity::{InkTone, Polarity};
use crate::params::ControlKind;

/// A picture that was opened, dropped or pasted.
#[derive(Debug, PartialEq)]
pub struct ImportPicture {
    /// Without folder and ending.
    pub name: String,
    /// As it came.
    pub width: u32,
    pub height: u32,
    /// At most [`Self::MAX_SIDE_PX`] wide and high; straight alpha.
    pub pixels: RgbaImage,
    /// For the panel: at most [`Self::THUMBNAIL_PX`] wide and high.
    pub thumbnail: Arc<RgbaImage>,
    pub is_likely_drawing: bool,
    /// What the user should know, such as that only the first frame was taken.
    pub note: Option<String>,
}

impl ImportPicture {
    /// Control maps are small, so what is larger is reduced once: it would only take memory.
    pub const MAX_SIDE_PX: usize = 2048;
    pub const THUMBNAIL_PX: usize = 128;
}

/// What a picture becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImportTarget {
    Layer(ControlKind),
    /// The generator looks at it, in the given place.
    Inspiration {
        slot_idx: usize,
    },
    /// The next pictures start from it: its coarse scales are kept.
    Start,
}

/// Where lines come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum LinesFrom {
    #[default]
    Edges,
    SoftEdges,
    /// The picture is a line drawing.
    Drawing,
}

/// Where depth comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum DepthFrom {
    #[default]
    Silhouette,
    /// A network that sees depth, if there is one.
    Network,
    /// The picture is a depth map.
    Map,
}

/// What a picture becomes and how: the settings of the panel. Kept from one import to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImportSettings {
    pub target: ImportTarget,
    pub lines: LinesFrom,
    pub depth: DepthFrom,
    pub canny: CannyOptions,
    pub soft_edges: SoftEdgeOptions,
    /// Which tone of a drawing is its ink; `None` finds out.
    pub ink: Option<InkTone>,
    pub inflate: InflateOptions,
    /// `None` takes the colours as they are.
    pub blocks: Option<BlockSize>,
}

impl ImportSettings {
    /// What to take from the picture; `None` if it becomes no layer.
    pub fn wanted(&self) -> Option<Wanted> {
        let ImportTarget::Layer(kind) = self.target else { return None };
        if (kind, self.depth) == (ControlKind::Depth, DepthFrom::Network) {
            return Some(Wanted::DepthNetwork);
        }
        Some(Wanted::Extract(match (kind, self.lines, self.depth) {
            (ControlKind::Lines, LinesFrom::Edges, _) => Extractor::Canny(self.canny),
            (ControlKind::Lines, LinesFrom::SoftEdges, _) => Extractor::SoftEdges(self.soft_edges),
            (ControlKind::Lines, LinesFrom::Drawing, _) => Extractor::Drawing(self.ink),
            (ControlKind::Depth, _, DepthFrom::Map) => Extractor::DepthMap,
            (ControlKind::Depth, ..) => Extractor::Inflate(self.inflate),
            (ControlKind::Colour, ..) => {
                self.blocks.map_or(Extractor::Colours, Extractor::ColourBlocks)
            }
        }))
    }
}

impl Default for ImportSettings {
    fn default() -> Self {
        Self {
            target: ImportTarget::Layer(ControlKind::Lines),
            lines: LinesFrom::default(),
            depth: DepthFrom::default(),
            canny: CannyOptions::default(),
            soft_edges: SoftEdgeOptions::default(),
            ink: None,
            inflate: InflateOptions::default(),
            blocks: Some(BlockSize::default()),
        }
    }
}

/// The panel while it is open.
#[derive(Debug, Clone)]
pub struct Import {
    pub picture: Arc<ImportPicture>,
    pub settings: ImportSettings,
    /// What is being looked for, or was last.
    pub asked: Option<Asked>,
    /// What was found last. Not of the newest settings while [`Self::is_working`].
    pub found: Option<Found>,
    /// The user has accepted already; it is done once the newest settings are shown.
    pub is_accepted: bool,
}

/// What a layer is made by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wanted {
    Extract(Extractor),
    DepthNetwork,
}

impl Wanted {
    /// Of the layer.
    pub const fn kind(&self) -> ControlKind {
        match self {
            Self::Extract(extractor) => extractor.kind(),
            Self::DepthNetwork => ControlKind::Depth,
        }
    }
}

/// Whether there is a network that sees depth.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DepthNetwork {
    /// Not looked for: it is not spoken of.
    #[default]
    Unknown,
    Found,
    /// How to get one: a sentence without a full stop.
    Missing {
        advice: String,
    },
}

/// What the extraction was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asked {
    pub serial: u64,
    pub wanted: Wanted,
    /// Size of the map.
    pub size_px: usize,
}

/// What came of one extraction.
#[derive(Debug, Clone)]
pub struct Found {
    /// That of what was asked.
    pub serial: u64,
    pub result: Result<FoundLayer, String>,
}

/// What a layer may be replaced by.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundLayer {
    pub image: LayerImage,
    /// What the user should know; sentences without a full stop.
    pub notes: Vec<String>,
    /// Of line drawings.
    pub drawing: Option<FoundDrawing>,
}

/// How a line drawing was read.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundDrawing {
    pub polarity: Polarity,
    /// The same drawing with the other tone as its ink.
    pub turned_over: LayerImage,
}

impl Import {
    pub fn new(picture: Arc<ImportPicture>, settings: ImportSettings) -> Self {
        Self { picture, settings, asked: None, found: None, is_accepted: false }
    }

    /// Whether the network is at it, which takes its time.
    pub fn is_network_working(&self) -> bool {
        self.is_working() && self.settings.wanted() == Some(Wanted::DepthNetwork)
    }

    /// Whether the settings have changed since what was found.
    pub fn is_working(&self) -> bool {
        let asked = self.asked.map(|asked| asked.serial);
        asked.is_some() && asked != self.found.as_ref().map(|found| found.serial)
    }

    /// What was found last, if that is of the layer which is chosen now.
    pub fn layer(&self) -> Option<&FoundLayer> {
        let layer = self.found.as_ref()?.result.as_ref().ok()?;
        let is_chosen = self.settings.target == ImportTarget::Layer(layer.image.kind());
        is_chosen.then_some(layer)
    }
}

/// Everything about imports that outlives one.
#[derive(Debug, Clone, Default)]
pub struct Imports {
    /// The panel, while it is open.
    pub open: Option<Import>,
    /// The panel as it was when the pen touched down, until that is drawn or dropped; and whether
    /// what it showed has become a step.
    pub interrupted: Option<(Import, bool)>,
    /// Those of the last import that was accepted.
    pub settings: Option<ImportSettings>,
    /// The newest drawing that was inverted on its way in.
    pub inverted: Option<InvertedLines>,
    pub depth_network: DepthNetwork,
    /// The clipboard is being read; once at a time is enough.
    pub is_pasting: bool,
    last_serial: u64,
}

impl Imports {
    /// A number for a new question or notice, larger than all before.
    pub fn next_serial(&mut self) -> u64 {
        self.last_serial += 1;
        self.last_serial
    }
}

/// An imported drawing that can be turned over: both ways of reading it.
#[derive(Debug, Clone)]
pub struct InvertedLines {
    /// Of the notice that offers it.
    pub id: u64,
    /// With light parts as ink, and with dark ones.
    pub light: LayerImage,
    pub dark: LayerImage,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_gives_its_layer() {
        let mut settings = ImportSettings::default();
        for kind in ControlKind::ALL {
            settings.target = ImportTarget::Layer(kind);
            for lines in [LinesFrom::Edges, LinesFrom::SoftEdges, LinesFrom::Drawing] {
                for depth in [DepthFrom::Silhouette, DepthFrom::Network, DepthFrom::Map] {
                    let settings = ImportSettings { lines, depth, ..settings };
                    assert_eq!(settings.wanted().map(|wanted| wanted.kind()), Some(kind));
                }
            }
        }
        settings.target = ImportTarget::Inspiration { slot_idx: 0 };
        assert_eq!(settings.wanted(), None);
    }
}
