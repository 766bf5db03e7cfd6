//! *Start from*: a picture whose coarse scales are kept. The slider says how many; beside it stands
//! what they give.

use egui::{
    Align, CornerRadius, Label, Layout, Rect, RichText, Role, Sense, Ui, Vec2, WidgetInfo, vec2,
};

use super::command::UiCommand;
use super::pictures::Pictures;
use super::source_command::SourceCommand;
use super::widgets::{self, Button, SliderRow};
use super::words::Words;
use super::{UiState, icons, theme};
use crate::imaging::RgbaImage;
use crate::protocol::DecodingOrder;
use crate::state::{AppState, Source};

const THUMBNAIL: f32 = 56.0;

pub(super) fn source_ui(
    ui: &mut Ui,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    ui.horizontal(|ui| {
        widgets::section(ui, "Start from");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = theme::SPACE_XS;
            let open = Button::text("Open…")
                .labelled("Start from a picture file")
                .quiet()
                .enabled(!state.dialog_open);
            let early = Words::of_model(state).early;
            let tip = format!(
                "Keeps the {early} of a picture and draws the rest; dropping it on the window works too"
            );
            if open.show(ui).on_hover_text(tip).clicked() && !state.dialog_open {
                commands.push(SourceCommand::Choose.into());
            }
            let has_picture = state.shown().is_some() && state.model().is_some();
            let this = Button::text("This picture")
                .labelled("Start from this picture")
                .quiet()
                .enabled(has_picture);
            let tip = format!(
                "Keeps the {early} of the picture on the canvas, with the colours you painted over \
                 it, and draws the rest"
            );
            if this.show(ui).on_hover_text(tip).clicked() && has_picture {
                commands.push(SourceCommand::UseShown.into());
            }
        });
    });
    if let Some(source) = &state.source {
        chosen_ui(ui, state, source, &mut view.pictures, commands);
    }
}

fn chosen_ui(
    ui: &mut Ui,
    state: &AppState,
    source: &Source,
    pictures: &mut Pictures,
    commands: &mut Vec<UiCommand>,
) {
    let palette = theme::palette(ui);
    let words = Words::of_model(state);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_S;
        let kept = source.prefix().unwrap_or(&source.picture);
        let label = format!("What stays of “{}”", source.name);
        thumbnail_ui(ui, pictures, &source.picture, &source.name);
        let arrow = RichText::new(icons::CHEVRON_RIGHT).font(theme::icon(14.0));
        ui.allocate_ui_with_layout(
            vec2(14.0, THUMBNAIL),
            Layout::centered_and_justified(egui::Direction::TopDown),
            |ui| ui.label(arrow.color(palette.text_faint)),
        );
        thumbnail_ui(ui, pictures, kept, &label);
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            let button = Button::icon(icons::CLOSE, "Start from nothing again").show(ui);
            if button.on_hover_text("Starts from nothing again").clicked() {
                commands.push(SourceCommand::Remove.into());
            }
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                let name = RichText::new(&source.name).font(theme::strong()).color(palette.text);
                ui.add(Label::new(name).truncate());
                let not_in_use = format!(
                    "Not in use: the picture goes on from its own {}; Generate starts from this",
                    words.many
                );
                let text = if source.prefix().is_none() {
                    "The model looks at it…"
                } else if !state.starts_from_source() {
                    &not_in_use
                } else if state.is_live() {
                    "The picture follows at once"
                } else {
                    "Generate draws the rest"
                };
                let text = RichText::new(text).font(theme::small()).color(palette.text_soft);
                ui.add(Label::new(text).wrap());
            });
        });
    });
    let n_scales = state.model().map_or(1, |model| model.scales.len());
    let is_raster = state.order() == DecodingOrder::Raster;
    let slider = SliderRow {
        label: if is_raster { "Keep upper rows" } else { "Keep scales" },
        explanation: if is_raster {
            "How many rows of it stay, from the top; what is below is drawn anew"
        } else {
            "How much of it stays: 1 is its colour alone, all is the picture itself"
        },
        value: source.n_kept as f32,
        range: 1.0..=n_scales as f32,
        max: n_scales as f32,
        decimals: 0,
    };
    if let Some(n_kept) = slider.show(ui) {
        let n_kept = (n_kept.round() as usize).clamp(1, n_scales);
        if n_kept != source.n_kept {
            commands.push(SourceCommand::Keep(n_kept).into());
        }
    }
}

/// Fits the picture into a square.
fn thumbnail_ui(
    ui: &mut Ui,
    pictures: &mut Pictures,
    picture: &std::sync::Arc<RgbaImage>,
    label: &str,
) {
    let (square, response) = ui.allocate_exact_size(Vec2::splat(THUMBNAIL), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, ui.is_enabled(), label));
    let size = vec2(picture.width() as f32, picture.height() as f32);
    let scale = THUMBNAIL / size.max_elem().max(1.0);
    let rect = Rect::from_center_size(square.center(), size * scale);
    let palette = theme::palette(ui);
    pictures.paint(ui.painter(), palette, rect, CornerRadius::same(4), picture, 1.0);
    response.on_hover_text(label);
}
