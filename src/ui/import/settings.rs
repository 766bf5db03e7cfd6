//! What can be set for each thing that a picture becomes.

use egui::{Ui, vec2};

use super::super::widgets::{self, SliderRow};
use super::super::{side_panel, theme};
use crate::imaging::blocks::BlockSize;
use crate::imaging::edges::{CannyOptions, GaussianKernel, MAX_MAGNITUDE, SoftEdgeOptions};
use crate::imaging::polarity::InkTone;
use crate::params::ControlKind;
use crate::state::AppState;
use crate::state::import::{DepthFrom, DepthNetwork, ImportSettings, ImportTarget, LinesFrom};

/// One of several that exclude each other.
pub(super) struct Choice<T> {
    text: &'static str,
    /// What a screen reader says.
    label: &'static str,
    value: T,
    is_enabled: bool,
}

impl<T> Choice<T> {
    pub(super) const fn new(text: &'static str, label: &'static str, value: T) -> Self {
        Self { text, label, value, is_enabled: true }
    }
}

/// Returns what was clicked.
pub(super) fn choice_row<T: Copy + PartialEq>(
    ui: &mut Ui,
    choices: &[Choice<T>],
    chosen: T,
) -> Option<T> {
    let mut clicked = None;
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        ui.spacing_mut().interact_size.y = widgets::CHIP_HEIGHT;
        ui.horizontal_wrapped(|ui| {
            for choice in choices {
                let is_chosen = choice.value == chosen;
                ui.add_enabled_ui(choice.is_enabled, |ui| {
                    if widgets::chip(ui, choice.text, choice.label, is_chosen).clicked() {
                        clicked = Some(choice.value);
                    }
                });
            }
        });
    });
    clicked
}

/// Everything that belongs to the chosen target.
pub(super) fn settings_ui(ui: &mut Ui, state: &AppState, settings: &mut ImportSettings) {
    divider(ui);
    match settings.target {
        ImportTarget::Layer(ControlKind::Lines) => lines_ui(ui, settings),
        ImportTarget::Layer(ControlKind::Depth) => depth_ui(ui, state, settings),
        ImportTarget::Layer(ControlKind::Colour) => colour_ui(ui, settings),
        ImportTarget::Inspiration { slot_idx } => {
            inspiration_ui(ui, state, slot_idx, settings);
        }
        ImportTarget::Start => side_panel::hint(
            ui,
            "The picture keeps its coarse scales and the rest is drawn by the prompt; a slider in \
             the panel says how many",
        ),
    }
}

fn lines_ui(ui: &mut Ui, settings: &mut ImportSettings) {
    const FROM: [Choice<LinesFrom>; 3] = [
        Choice::new("Edges", "Lines from edges", LinesFrom::Edges),
        Choice::new("Soft edges", "Lines from soft edges", LinesFrom::SoftEdges),
        Choice::new("As drawn", "Lines as they are drawn", LinesFrom::Drawing),
    ];
    if let Some(lines) = choice_row(ui, &FROM, settings.lines) {
        settings.lines = lines;
    }
    match settings.lines {
        LinesFrom::Edges => canny_ui(ui, &mut settings.canny),
        LinesFrom::SoftEdges => soft_edges_ui(ui, &mut settings.soft_edges),
        LinesFrom::Drawing => {
            const INKS: [Choice<Option<InkTone>>; 3] = [
                Choice::new("Automatic", "Find out which tone is the ink", None),
                Choice::new("Dark ink", "The dark parts are lines", Some(InkTone::Dark)),
                Choice::new("Light ink", "The light parts are lines", Some(InkTone::Light)),
            ];
            if let Some(ink) = choice_row(ui, &INKS, settings.ink) {
                settings.ink = ink;
            }
        }
    }
}

/// A usual range of contrast; more can be typed.
const USUAL_MAGNITUDE: f32 = 500.0;

fn canny_ui(ui: &mut Ui, canny: &mut CannyOptions) {
    let (low, high) = canny.thresholds();
    let threshold = |label, explanation, value: u16| SliderRow {
        label,
        explanation,
        value: f32::from(value),
        range: 0.0..=USUAL_MAGNITUDE,
        max: f32::from(MAX_MAGNITUDE),
        decimals: 0,
    };
    let start = "Lines begin where the contrast is greater than this";
    if let Some(value) = threshold("Lines begin above", start, high).show(ui) {
        let high = value.round() as u16;
        (canny.low, canny.high) = (low.min(high), high);
    }
    let go_on = "Lines go on while the contrast is greater than this";
    if let Some(value) = threshold("Lines go on above", go_on, low).show(ui) {
        let low = value.round() as u16;
        (canny.low, canny.high) = (low, high.max(low));
    }
    blur_ui(ui, &mut canny.blur_sigma_px);
}

fn soft_edges_ui(ui: &mut Ui, soft_edges: &mut SoftEdgeOptions) {
    blur_ui(ui, &mut soft_edges.blur_sigma_px);
    let floor = SliderRow {
        label: "Leave out below",
        explanation: "Edges weaker than this share of the strongest stay white",
        value: soft_edges.floor,
        range: 0.0..=0.9,
        max: 0.9,
        decimals: 2,
    };
    if let Some(floor) = floor.show(ui) {
        soft_edges.floor = floor;
    }
}

fn blur_ui(ui: &mut Ui, sigma_px: &mut f32) {
    let blur = SliderRow {
        label: "Blur",
        explanation: "Takes grain and texture away before looking for edges; in pixels of the \
                      sketch",
        value: *sigma_px,
        range: 0.0..=4.0,
        max: GaussianKernel::MAX_SIGMA_PX,
        decimals: 1,
    };
    if let Some(value) = blur.show(ui) {
        *sigma_px = value;
    }
}

fn depth_ui(ui: &mut Ui, state: &AppState, settings: &mut ImportSettings) {
    let network = &state.imports.depth_network;
    let mut sources = vec![
        Choice::new("Silhouette", "Depth from the silhouette", DepthFrom::Silhouette),
        Choice {
            is_enabled: *network == DepthNetwork::Found,
            ..Choice::new("Network", "Depth from the depth network", DepthFrom::Network)
        },
        Choice::new("As it is", "The picture is a depth map", DepthFrom::Map),
    ];
    if *network == DepthNetwork::Unknown {
        sources.retain(|source| source.value != DepthFrom::Network);
    }
    if let Some(depth) = choice_row(ui, &sources, settings.depth) {
        settings.depth = depth;
    }
    match settings.depth {
        DepthFrom::Silhouette => {
            let tolerance = SliderRow {
                label: "Background varies by",
                explanation: "How much colours may differ and still be background; transparent \
                              pictures need none",
                value: f32::from(settings.inflate.tolerance),
                range: 0.0..=128.0,
                max: 255.0,
                decimals: 0,
            };
            if let Some(tolerance) = tolerance.show(ui) {
                settings.inflate.tolerance = tolerance.round() as u8;
            }
            side_panel::hint(ui, "The shape is blown up like a balloon: round in the middle");
        }
        DepthFrom::Network => {
            side_panel::hint(ui, "A network looks at the whole picture; it takes a few seconds");
        }
        DepthFrom::Map => side_panel::hint(ui, "White is near, black is far"),
    }
    if let DepthNetwork::Missing { advice } = network {
        side_panel::hint(ui, advice);
    }
}

fn colour_ui(ui: &mut Ui, settings: &mut ImportSettings) {
    const BLOCKS: [Choice<Option<BlockSize>>; 4] = [
        Choice::new("8 px", "Colour blocks of 8 pixels", Some(BlockSize::Px8)),
        Choice::new("16 px", "Colour blocks of 16 pixels", Some(BlockSize::Px16)),
        Choice::new("32 px", "Colour blocks of 32 pixels", Some(BlockSize::Px32)),
        Choice::new("As it is", "Every pixel's own colour", None),
    ];
    if let Some(blocks) = choice_row(ui, &BLOCKS, settings.blocks) {
        settings.blocks = blocks;
    }
    let hint = match settings.blocks {
        Some(_) => "Mean colours: large blocks leave more to the model",
        None => "The model follows every colour of the picture",
    };
    side_panel::hint(ui, hint);
}

fn inspiration_ui(ui: &mut Ui, state: &AppState, slot_idx: usize, settings: &mut ImportSettings) {
    const PLACES: [(&str, &str); 4] = [
        ("Place 1", "First place"),
        ("Place 2", "Second place"),
        ("Place 3", "Third place"),
        ("Place 4", "Fourth place"),
    ];
    let places: Vec<Choice<usize>> = PLACES
        .into_iter()
        .take(state.slots.len())
        .enumerate()
        .map(|(slot_idx, (text, label))| Choice::new(text, label, slot_idx))
        .collect();
    if let Some(slot_idx) = choice_row(ui, &places, slot_idx) {
        settings.target = ImportTarget::Inspiration { slot_idx };
    }
    side_panel::hint(ui, "The model borrows from it; it is not copied onto the sketch");
}

fn divider(ui: &mut Ui) {
    let size = vec2(ui.available_width(), 1.0);
    let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
    let line = egui::Stroke::new(1.0, theme::palette(ui).line);
    ui.painter().hline(rect.x_range(), rect.center().y, line);
}
