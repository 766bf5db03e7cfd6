//! The memory that a model takes, and how exactly its weights are held.

use egui::{CornerRadius, Label, Rect, RichText, Sense, Ui, pos2, vec2};

use crate::protocol::{KnownModel, MemoryNeed, ModelState, bytes_text};
use crate::state::models::Models;
use crate::ui::command::UiCommand;
use crate::ui::models_command::ModelsCommand;
use crate::ui::theme;
use crate::ui::widgets;

const BAR_HEIGHT: f32 = 8.0;

pub(super) fn memory_ui(
    ui: &mut Ui,
    models: &Models,
    model: &KnownModel,
    commands: &mut Vec<UiCommand>,
) {
    if model.needs.is_empty() || matches!(model.state, ModelState::Unpublished(_)) {
        return;
    }
    let Some(precision) = models.precision_of(model) else { return };
    ui.add_space(theme::SPACE_S);
    widgets::section(ui, "Memory");
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        ui.spacing_mut().interact_size.y = widgets::CHIP_HEIGHT;
        for need in &model.needs {
            let text = format!("{} · {}", need.label(), bytes_text(need.peak()));
            let label = format!("Hold the weights in {}", need.label());
            let chip = widgets::chip(ui, &text, &label, need.precision == precision);
            if chip.on_hover_text(about(need)).clicked() {
                commands.push(ModelsCommand::SetPrecision(need.precision).into());
            }
        }
    });
    let Some(need) = model.need(precision) else { return };
    bar_ui(ui, models, need);
}

fn about(need: &MemoryNeed) -> String {
    let quality = match need.precision {
        "q4" => "Smallest and fastest; details may differ a little",
        "q8" => "Pictures look the same as in full",
        "bf16" => "As the published models were run",
        _ => "As the file has it; largest and slowest",
    };
    let mut text = format!(
        "{quality}\n{} for the weights, {} while a picture is drawn",
        bytes_text(need.weights),
        bytes_text(need.drawing),
    );
    if need.prompt > 0 {
        text = format!("{text}\n{} while a new prompt is read", bytes_text(need.prompt));
    }
    text
}

/// What is needed beside what is there.
fn bar_ui(ui: &mut Ui, models: &Models, need: &MemoryNeed) {
    let palette = theme::palette(ui);
    let peak = need.peak();
    let (fits, text) = match models.available() {
        Some(available) if peak > available => (
            false,
            format!(
                "It takes up to {}, but only {} are free",
                bytes_text(peak),
                bytes_text(available)
            ),
        ),
        Some(available) => (
            true,
            format!(
                "It takes up to {} of the {} that are free",
                bytes_text(peak),
                bytes_text(available)
            ),
        ),
        None => (
            true,
            format!(
                "It takes up to {}; this system does not tell how much is free",
                bytes_text(peak)
            ),
        ),
    };
    if let Some(available) = models.available() {
        let size = vec2(ui.available_width(), BAR_HEIGHT);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        let radius = CornerRadius::same((BAR_HEIGHT / 2.0) as u8);
        let whole = available.max(peak).max(1) as f32;
        let part = |bytes: u64| {
            let right = rect.left() + rect.width() * (bytes as f32 / whole);
            Rect::from_min_max(rect.min, pos2(right, rect.bottom()))
        };
        ui.painter().rect_filled(part(available), radius, palette.control_press);
        let ink = if fits { palette.accent } else { palette.error };
        ui.painter().rect_filled(part(peak), radius, ink);
        if !fits {
            let x = part(available).right();
            let line = egui::Stroke::new(2.0, palette.text);
            ui.painter().vline(x, rect.expand(3.0).y_range(), line);
        }
    }
    let ink = if fits { palette.text_soft } else { palette.error };
    ui.add(Label::new(RichText::new(text).font(theme::small()).color(ink)).wrap());
}
