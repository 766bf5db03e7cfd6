//! The export panel: format, what the file tells, and what it will look like.

use std::sync::Arc;

use egui::{
    Align, Align2, Area, Color32, Id, Key, Label, Layout, Modifiers, Order, Rect, RichText, Sense,
    Slider, SliderClamping, Stroke, StrokeKind, Ui, Vec2, vec2,
};

use super::command::{Action, UiCommand};
use super::export_command::ExportCommand;
use super::pictures::Pictures;
use super::widgets::{self, Button};
use super::{UiState, icons, theme};
use crate::imaging::RgbaImage;
use crate::imaging::io::PAPER;
use crate::state::export::{ExportFormat, ExportSettings, Tracing};
use crate::state::{AppState, Export};

const WIDTH: f32 = 304.0;
/// Low enough that a notice under the panel has room in a window of 800 pixels.
const PREVIEW: f32 = 124.0;

/// Draws the panel in the upper right of `canvas`, while it is open.
pub(super) fn export_ui(
    ui: &Ui,
    canvas: Rect,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let Some(export) = &state.export else { return };
    let space = canvas.shrink(theme::SPACE_M);
    let area = Area::new(Id::unique("export"))
        .order(Order::Middle)
        .pivot(Align2::RIGHT_TOP)
        .fixed_pos(space.right_top())
        .accessible_name("Export");
    area.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(space.width()));
        let frame = theme::floating_frame(ui).inner_margin(theme::SPACE_M);
        frame.show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = theme::SPACE_S;
            header_ui(ui, commands);
            let settings = state.settings.export;
            preview_ui(ui, export, settings.format, &mut view.pictures);
            let mut wanted = settings;
            format_ui(ui, &mut wanted);
            told_ui(ui, &mut wanted);
            if wanted != settings {
                commands.push(ExportCommand::Set(wanted).into());
            }
            footer_ui(ui, commands);
        });
    });
    let is_free = !view.was_in_text && !view.is_help_open;
    let pressed = |key| ui.ctx().input_mut(|input| input.consume_key(Modifiers::NONE, key));
    if is_free && pressed(Key::Escape) {
        commands.push(ExportCommand::Cancel.into());
    }
    // A key that presses a focused button is that button's.
    let has_focus = ui.ctx().memory(|memory| memory.focused().is_some());
    if is_free && !has_focus && pressed(Key::Enter) {
        commands.push(ExportCommand::Accept.into());
    }
}

fn header_ui(ui: &mut Ui, commands: &mut Vec<UiCommand>) {
    ui.horizontal(|ui| {
        widgets::section(ui, "Export the picture");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let close = Button::icon(icons::CLOSE, "Close the export panel");
            if close.show(ui).on_hover_text("Close (Esc)").clicked() {
                commands.push(ExportCommand::Cancel.into());
            }
        });
    });
}

/// The picture as its file will look.
fn preview_ui(ui: &mut Ui, export: &Export, format: ExportFormat, pictures: &mut Pictures) {
    let palette = theme::palette(ui);
    let size = vec2(ui.available_width(), PREVIEW);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter().rect_filled(rect, theme::RADIUS, palette.field);
    let is_svg = format == ExportFormat::Svg;
    let image: &Arc<RgbaImage> = match &export.tracing {
        Tracing::Done(traced) if is_svg => &traced.image,
        _ => &export.keepsake.picture,
    };
    let (width, height) = image.dimensions();
    let size = vec2(width as f32, height as f32);
    let side = PREVIEW - 2.0 * theme::SPACE_S;
    let shown = (size * (side / size.max_elem().max(1.0))).max(Vec2::splat(1.0));
    let inner = Align2::CENTER_CENTER.align_size_within_rect(shown, rect);
    if format == ExportFormat::Jpeg {
        let [red, green, blue] = PAPER;
        let paper = Color32::from_rgb(red, green, blue);
        pictures.paint_on_paper(ui.painter(), paper, inner, theme::RADIUS, image);
    } else {
        pictures.paint(ui.painter(), palette, inner, theme::RADIUS, image, 1.0);
    }
    let line = Stroke::new(1.0, palette.line);
    ui.painter().rect_stroke(rect, theme::RADIUS, line, StrokeKind::Inside);
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Image, true, "The picture that is exported")
    });
    if is_svg {
        let (text, ink) = match &export.tracing {
            Tracing::NotAsked | Tracing::Waiting => {
                ("Looking for shapes…".to_owned(), palette.text_soft)
            }
            Tracing::Done(traced) => {
                let kilobytes = traced.n_bytes.div_ceil(1000);
                let shapes = if traced.n_shapes == 1 { "shape" } else { "shapes" };
                (format!("{} {shapes}, {kilobytes} kB", traced.n_shapes), palette.text_soft)
            }
            Tracing::Failed(problem) => (problem.clone(), palette.warning),
        };
        ui.add(Label::new(RichText::new(text).font(theme::small()).color(ink)).wrap());
    }
}

fn format_ui(ui: &mut Ui, settings: &mut ExportSettings) {
    let formats = ExportFormat::ALL.map(|format| match format {
        ExportFormat::Png => ("PNG", "Every pixel, with transparency", format),
        ExportFormat::Jpeg => ("JPEG", "Small, without transparency", format),
        ExportFormat::WebP => ("WebP", "Every pixel, smaller than PNG", format),
        ExportFormat::Svg => ("SVG", "Flat shapes, sharp at any size", format),
    });
    if let Some(format) = choices_ui(ui, &formats, settings.format) {
        settings.format = format;
    }
    let sizes = ExportSettings::SCALES.map(|scale| match scale {
        1 => ("× 1", "As large as it was drawn", scale),
        2 => ("× 2", "Twice as large", scale),
        _ => ("× 4", "Four times as large", scale),
    });
    row_ui(ui, "Size", |ui| {
        if let Some(scale) = choices_ui(ui, &sizes, settings.scale) {
            settings.scale = scale;
        }
    });
    if settings.format == ExportFormat::Jpeg {
        row_ui(ui, "Quality", |ui| {
            ui.spacing_mut().slider_width = 120.0;
            let slider =
                Slider::new(&mut settings.quality, 40..=100).clamping(SliderClamping::Edits);
            ui.add(slider).accessible_name("Quality");
        });
    }
}

/// What the file tells beside its pixels.
fn told_ui(ui: &mut Ui, settings: &mut ExportSettings) {
    let label = "Prompt and settings in the file";
    switch_row_ui(ui, "With prompt and settings", label, &mut settings.with_record);
    let can_hold_sketch = settings.with_record && settings.format == ExportFormat::Png;
    ui.add_enabled_ui(can_hold_sketch, |ui| {
        let mut with_sketch = settings.with_sketch && can_hold_sketch;
        if switch_row_ui(ui, "With my sketch", "My sketch in the file", &mut with_sketch) {
            settings.with_sketch = with_sketch;
        }
    });
    let hint = match settings.format {
        ExportFormat::Png if !settings.with_record => "The file holds nothing but its pixels",
        ExportFormat::Png if settings.with_sketch => {
            "Opening the file brings everything back; whoever gets it can see your sketch, also in \
             pictures saved at once"
        }
        ExportFormat::Png => {
            "Opening the file brings everything back but the sketch, which stays with you"
        }
        _ if settings.with_record => "Only PNG holds all that is needed to go on from the file",
        _ => "The file tells nothing of how it was made",
    };
    let ink = theme::palette(ui).text_soft;
    ui.add(Label::new(RichText::new(hint).font(theme::small()).color(ink)).wrap());
}

/// Says whether it was switched.
fn switch_row_ui(ui: &mut Ui, text: &str, label: &str, is_on: &mut bool) -> bool {
    let mut is_clicked = false;
    row_ui(ui, text, |ui| is_clicked = widgets::switch(ui, label, *is_on).clicked());
    *is_on ^= is_clicked;
    is_clicked
}

/// A caption to the left, a control to the right.
fn row_ui(ui: &mut Ui, text: &str, control: impl FnOnce(&mut Ui)) {
    let size = vec2(ui.available_width(), widgets::CHIP_HEIGHT);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        widgets::caption(ui, text);
        ui.with_layout(Layout::right_to_left(Align::Center), control);
    });
}

fn choices_ui<T: Copy + PartialEq>(
    ui: &mut Ui,
    choices: &[(&str, &str, T)],
    chosen: T,
) -> Option<T> {
    let mut clicked = None;
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let is_reversed = ui.layout().prefer_right_to_left();
        ui.horizontal(|ui| {
            let mut choice_ui = |(text, label, value): &(&str, &str, T)| {
                let chip = widgets::chip(ui, text, label, *value == chosen);
                if chip.on_hover_text(*label).clicked() {
                    clicked = Some(*value);
                }
            };
            if is_reversed {
                choices.iter().rev().for_each(&mut choice_ui);
            } else {
                choices.iter().for_each(&mut choice_ui);
            }
        });
    });
    clicked
}

fn footer_ui(ui: &mut Ui, commands: &mut Vec<UiCommand>) {
    let size = vec2(ui.available_width(), theme::CONTROL_HEIGHT);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_S;
        let accept = Button::text("Export…").labelled("Export to a file").primary();
        if accept.show(ui).on_hover_text("Choose where to (Enter)").clicked() {
            commands.push(ExportCommand::Accept.into());
        }
        let copy = Button::text("Copy").labelled("Copy instead").quiet();
        let tip = "Copies the pixels alone, without prompt and settings";
        if copy.show(ui).on_hover_text(tip).clicked() {
            commands.push(Action::CopyPicture.into());
        }
    });
}
