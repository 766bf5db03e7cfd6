//! The bar at the lower left of the canvas: the zoom, and how controls and result are seen
//! together.

use egui::{Align, Align2, Frame, Key, Layout, Margin, Rect, Slider, Stroke, Ui, UiBuilder, vec2};

use super::command::{Action, UiCommand};
use super::widgets::Button;
use super::{icons, theme};
use crate::state::{Comparison, ViewSettings};

const HEIGHT: f32 = theme::CONTROL_HEIGHT + 8.0;

/// Whether C is held down to look at the result alone.
pub(super) fn hides_controls(ui: &Ui) -> bool {
    let is_held = ui.input(|input| input.key_down(Key::C) && input.modifiers.is_none());
    is_held && !ui.ctx().text_edit_focused()
}

/// The bar; returns where it lies.
pub(super) fn view_bar_ui(
    ui: &mut Ui,
    area: Rect,
    zoom: f32,
    settings: ViewSettings,
    commands: &mut Vec<UiCommand>,
) -> Rect {
    let palette = theme::palette(ui);
    let room = area.shrink(theme::SPACE_M);
    let size = vec2(room.width().min(360.0), HEIGHT);
    let rect = Align2::LEFT_BOTTOM.align_size_within_rect(size, room);
    let builder = UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center));
    ui.scope_builder(builder, |ui| {
        let frame = Frame::new()
            .fill(palette.panel)
            .stroke(Stroke::new(1.0, palette.line))
            .corner_radius(theme::RADIUS_LARGE)
            .inner_margin(Margin::same(3));
        let bar = frame.show(ui, |ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            zoom_ui(ui, zoom, commands);
            ui.add_space(theme::SPACE_XS);
            for comparison in Comparison::ALL {
                let (icon, label, tip) = look(comparison);
                let is_chosen = settings.comparison == comparison;
                let button = Button::icon(icon, label).selected(is_chosen).show(ui);
                if button.on_hover_text(tip).clicked() {
                    commands.push(UiCommand::SetView(ViewSettings { comparison, ..settings }));
                }
            }
            // Beside each other, nothing lies over anything.
            if settings.comparison != Comparison::SideBySide {
                ui.add_space(theme::SPACE_XS);
                opacity_ui(ui, settings, commands);
                ui.add_space(theme::SPACE_XS);
            }
        });
        bar.response.rect
    })
    .inner
}

/// The zoom, which is also the way back to the whole picture.
fn zoom_ui(ui: &mut Ui, zoom: f32, commands: &mut Vec<UiCommand>) {
    let text = format!("{:.0} %", 100.0 * zoom);
    let button =
        Button::text(&text).with_icon(icons::FIT).quiet().labelled(Action::FitView.label());
    let tip = Action::FitView.tooltip(ui.ctx());
    let size = vec2(84.0, theme::CONTROL_HEIGHT);
    if button.min_size(size).show(ui).on_hover_text(tip).clicked() {
        commands.push(Action::FitView.into());
    }
}

fn look(comparison: Comparison) -> (&'static str, &'static str, &'static str) {
    match comparison {
        Comparison::Overlay => {
            (icons::OVERLAY, "Overlay", "The sketch over the picture; hold C to hide it")
        }
        Comparison::SideBySide => {
            (icons::SIDE_BY_SIDE, "Side by side", "The sketch beside the picture")
        }
        Comparison::Lens => (icons::LENS, "Lens", "The sketch in a circle around the pointer"),
    }
}

fn opacity_ui(ui: &mut Ui, settings: ViewSettings, commands: &mut Vec<UiCommand>) {
    let palette = theme::palette(ui);
    let mut percent = (100.0 * settings.controls_opacity).round();
    ui.spacing_mut().slider_width = 84.0;
    ui.spacing_mut().interact_size.y = 20.0;
    let visuals = ui.visuals_mut();
    visuals.selection.bg_fill = palette.accent;
    visuals.widgets.inactive.fg_stroke = Stroke::new(1.5, palette.accent);
    visuals.widgets.hovered.fg_stroke = Stroke::new(1.5, palette.accent_hover);
    let slider = Slider::new(&mut percent, 0.0..=100.0).step_by(1.0).show_value(false);
    let response = ui.add(slider).accessible_name("Opacity of the sketch");
    response.on_hover_text(format!("Opacity of the sketch: {percent} % (hold C to hide it)"));
    let controls_opacity = percent / 100.0;
    if (controls_opacity - settings.controls_opacity).abs() > 0.004 {
        commands.push(UiCommand::SetView(ViewSettings { controls_opacity, ..settings }));
    }
}
