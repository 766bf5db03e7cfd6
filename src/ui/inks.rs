//! The inks at the foot of the tool strip: the one in use before the one that X brings, and under
//! them what there is to choose from, colours or a level.

use egui::color_picker::{Alpha, color_picker_color32};
use egui::{
    Color32, Popup, PopupCloseBehavior, Rect, Response, RichText, Role, Sense, Slider, Stroke,
    StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo, vec2,
};

use super::command::{Action, UiCommand};
use super::sketch_command::SketchCommand;
use super::widgets::{self, Button};
use super::{icons, theme, tool_look};
use crate::document::{Ink, Plane};
use crate::params::ControlKind;
use crate::state::Tools;

const CHIP: f32 = 26.0;
/// From the ink in front to the one behind it.
const CHIP_OFFSET: Vec2 = vec2(12.0, 12.0);
/// From swatch to swatch.
const SWATCH_STEP: f32 = 21.0;

pub(super) fn inks_ui(ui: &mut Ui, tools: &Tools, commands: &mut Vec<UiCommand>) {
    pair_ui(ui, tools, commands);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.add_space((ui.available_width() - 44.0) / 2.0);
        for (action, icon) in
            [(Action::SwapInks, icons::SWAP), (Action::DefaultInks, icons::CONTRAST)]
        {
            let button = Button::icon(icon, action.label()).min_size(vec2(22.0, 24.0)).show(ui);
            if button.on_hover_text(action.tooltip(ui.ctx())).clicked() {
                commands.push(action.into());
            }
        }
    });
    ui.add_space(theme::SPACE_XS);
    if tools.layer_plane() == Plane::Pixels(ControlKind::Colour) {
        swatches_ui(ui, tools, commands);
    } else {
        level_ui(ui, tools, commands);
    }
}

/// The ink in use, which opens a picker, over the other, which comes to the front.
fn pair_ui(ui: &mut Ui, tools: &Tools, commands: &mut Vec<UiCommand>) {
    let (area, _) = ui.allocate_exact_size(Vec2::splat(CHIP) + CHIP_OFFSET, Sense::hover());
    let plane = tools.layer_plane();
    let inks = tools.inks();
    let behind = Rect::from_min_size(area.min + CHIP_OFFSET, Vec2::splat(CHIP));
    let swap = chip_ui(ui, behind, plane, inks.other, "Other ink");
    if swap.on_hover_text(Action::SwapInks.tooltip(ui.ctx())).clicked() {
        commands.push(Action::SwapInks.into());
    }
    let front = Rect::from_min_size(area.min, Vec2::splat(CHIP));
    let chip = chip_ui(ui, front, plane, inks.ink, "Ink");
    let tip = match plane {
        Plane::Pixels(ControlKind::Colour) => "The colour you draw with; click for more colours",
        Plane::Pixels(_) => "The ink you draw with",
        Plane::Strength(_) | Plane::Lock => "The strength you paint",
    };
    let chip = chip.on_hover_text(tip);
    if plane != Plane::Pixels(ControlKind::Colour) {
        return;
    }
    Popup::menu(&chip)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .accessible_name("Colour picker")
        .show(|ui| {
            ui.spacing_mut().slider_width = 220.0;
            let mut colour = tool_look::ink_colour(theme::palette(ui), plane, inks.ink);
            if color_picker_color32(ui, &mut colour, Alpha::Opaque) {
                commands.push(with_colour(tools, [colour.r(), colour.g(), colour.b()]));
            }
        });
}

fn chip_ui(ui: &Ui, rect: Rect, plane: Plane, ink: Ink, label: &str) -> Response {
    let palette = theme::palette(ui);
    let response = ui.interact(rect, ui.scope_id().with(label), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), label));
    // Two edges, so that black and white are both seen on any panel.
    ui.painter().rect_filled(rect, 5.0, palette.panel);
    let fill = tool_look::ink_colour(palette, plane, ink);
    let edge = if response.hovered() { palette.text } else { palette.line_strong };
    let inner = rect.shrink(1.0);
    ui.painter().rect(inner, 4.0, fill, Stroke::new(1.0, edge), StrokeKind::Inside);
    widgets::focus_ring(ui, &response, egui::CornerRadius::same(4));
    response
}

/// Good colours to begin with, and those that were drawn with last.
fn swatches_ui(ui: &mut Ui, tools: &Tools, commands: &mut Vec<UiCommand>) {
    let mut chosen = None;
    for (name, colours) in [("swatches", &theme::SWATCHES[..]), ("recent", &tools.recent_colours)] {
        if colours.is_empty() {
            continue;
        }
        if name == "recent" {
            ui.add_space(theme::SPACE_XS);
            let text = RichText::new("Recent").font(theme::small());
            ui.label(text.color(theme::palette(ui).text_faint));
        }
        let n_rows = colours.len().div_ceil(2) as f32;
        let (area, _) =
            ui.allocate_exact_size(vec2(SWATCH_STEP * 2.0, SWATCH_STEP * n_rows), Sense::hover());
        for (idx, colour) in colours.iter().enumerate() {
            let offset = SWATCH_STEP * vec2((idx % 2) as f32, (idx / 2) as f32);
            let rect = Rect::from_min_size(area.min + offset, Vec2::splat(SWATCH_STEP)).shrink(1.5);
            let is_chosen = tools.inks().ink.colour == *colour;
            let swatch = ui.interact(rect, ui.scope_id().with((name, idx)), Sense::click());
            if swatch_ui(ui, swatch, *colour, is_chosen).clicked() {
                chosen = Some(*colour);
            }
        }
    }
    commands.extend(chosen.map(|colour| with_colour(tools, colour)));
}

fn swatch_ui(ui: &Ui, response: Response, colour: [u8; 3], is_chosen: bool) -> Response {
    let palette = theme::palette(ui);
    let [red, green, blue] = colour;
    let label = format!("Colour #{red:02x}{green:02x}{blue:02x}");
    let rect = response.rect;
    response.widget_info(|| {
        WidgetInfo::selected(Role::Button, ui.is_enabled(), is_chosen, label.as_str())
    });
    let fill = Color32::from_rgb(red, green, blue);
    let edge = match (is_chosen, response.hovered()) {
        (true, _) => Stroke::new(2.0, palette.accent_text),
        (false, true) => Stroke::new(1.0, palette.text),
        (false, false) => Stroke::new(1.0, palette.line_strong),
    };
    ui.painter().rect(rect, 4.0, fill, edge, StrokeKind::Inside);
    widgets::focus_ring(ui, &response, egui::CornerRadius::same(4));
    response.on_hover_text(label)
}

fn with_colour(tools: &Tools, colour: [u8; 3]) -> UiCommand {
    let mut tools = tools.clone();
    tools.set_ink(Ink { level: 255, colour });
    SketchCommand::SetTools(Box::new(tools)).into()
}

/// How much of the layer's one quantity the ink gives, upright: near above far.
fn level_ui(ui: &mut Ui, tools: &Tools, commands: &mut Vec<UiCommand>) {
    let palette = theme::palette(ui);
    let [most, least] = tool_look::level_names(tools.layer_plane());
    let small = |text: &str| RichText::new(text).font(theme::small()).color(palette.text_soft);
    ui.label(small(most));
    let ink = tools.inks().ink;
    let mut level = ink.level;
    let (rect, _) = ui.allocate_exact_size(vec2(20.0, 100.0), Sense::hover());
    let response = ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        ui.spacing_mut().slider_width = rect.height();
        ui.spacing_mut().interact_size.y = 20.0;
        ui.visuals_mut().selection.bg_fill = palette.accent;
        ui.visuals_mut().widgets.inactive.fg_stroke = Stroke::new(1.5, palette.accent);
        ui.add(Slider::new(&mut level, 0..=255).vertical().show_value(false))
    });
    let name = format!("Ink level, {} to {}", least.to_lowercase(), most.to_lowercase());
    response.inner.accessible_name(name).on_hover_text(format!("{level} of 255"));
    ui.label(small(least));
    if level != ink.level {
        let mut tools = tools.clone();
        tools.set_ink(Ink { level, ..ink });
        commands.push(SketchCommand::SetTools(Box::new(tools)).into());
    }
}
