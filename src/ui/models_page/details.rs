//! What there is to say of one model, and what can be done with it.

use egui::{Align, Frame, Label, Layout, Margin, RichText, ScrollArea, Ui, vec2};

use super::{files, memory, progress};
use crate::params::ControlKind;
use crate::protocol::{DecodingOrder, KnownModel, ModelKey, ModelState, TransferKind, bytes_text};
use crate::state::AppState;
use crate::state::models::Models;
use crate::ui::command::UiCommand;
use crate::ui::models_command::ModelsCommand;
use crate::ui::widgets::{self, Button};
use crate::ui::{icons, theme};

/// Lines longer than this are hard to read.
const MAX_WIDTH: f32 = 720.0;
/// Of the names of facts.
const FACT_WIDTH: f32 = 92.0;

pub(super) fn details_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let models = &state.models;
    let Some(model) = models.chosen_model() else {
        waiting_ui(ui);
        return;
    };
    ScrollArea::vertical().id_salt("model details").auto_shrink(false).show(ui, |ui| {
        let margin = Margin::symmetric(theme::SPACE_XL as i8, theme::SPACE_L as i8);
        Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.set_max_width(MAX_WIDTH);
            ui.spacing_mut().item_spacing.y = theme::SPACE_S;
            let palette = theme::palette(ui);
            ui.label(RichText::new(&model.title).font(theme::title()));
            ui.add(Label::new(RichText::new(&model.purpose).color(palette.text_soft)).wrap());
            ui.add_space(theme::SPACE_XS);
            actions_ui(ui, models, model, commands);
            progress::model_ui(ui, models, model, commands);
            failure_ui(ui, models, model, commands);
            reason_ui(ui, model);
            ui.add_space(theme::SPACE_S);
            facts_ui(ui, state, model, commands);
            memory::memory_ui(ui, models, model, commands);
            files::files_ui(ui, models, model, commands);
        });
    });
}

fn waiting_ui(ui: &mut Ui) {
    ui.centered_and_justified(|ui| {
        let palette = theme::palette(ui);
        ui.label(RichText::new("Looking for models…").color(palette.text_soft));
    });
}

fn actions_ui(ui: &mut Ui, models: &Models, model: &KnownModel, commands: &mut Vec<UiCommand>) {
    let is_loaded = models.loaded.key == model.key && models.loading.is_none();
    let is_busy = models.loading.is_some();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(theme::SPACE_S, theme::SPACE_S);
        let tall = vec2(112.0, 34.0);
        match &model.state {
            ModelState::BuiltIn if is_loaded => {
                let palette = theme::palette(ui);
                ui.label(RichText::new(icons::CHECK).font(theme::icon(15.0)).color(palette.ok));
                ui.label("It draws now");
            }
            ModelState::BuiltIn => {
                let button = Button::text("Use it").with_icon(icons::PLAY).primary().min_size(tall);
                if button.enabled(!is_busy).show(ui).clicked() && !is_busy {
                    commands.push(ModelsCommand::Unload.into());
                }
            }
            ModelState::Ready => {
                let wanted = models.precision_of(model);
                let is_same = is_loaded
                    && models.loaded.precision == wanted
                    && models.loaded.side_px == models.side_of(model);
                let text = if is_loaded && !is_same { "Load again" } else { "Load" };
                let button = Button::text(text).with_icon(icons::PLAY).primary().min_size(tall);
                let can_load = !is_busy && !is_same;
                if button.enabled(can_load).show(ui).clicked() && can_load {
                    commands.push(ModelsCommand::Load(model.key.clone()).into());
                }
                if is_loaded {
                    let button = Button::text("Unload").min_size(vec2(0.0, tall.y));
                    let tip = "Frees its memory and goes back to the built-in model";
                    if button.show(ui).on_hover_text(tip).clicked() {
                        commands.push(ModelsCommand::Unload.into());
                    }
                }
            }
            ModelState::Incomplete | ModelState::Absent => {
                download_ui(ui, models, model, tall, commands);
            }
            ModelState::Unpublished(_) | ModelState::Unusable(_) => {}
        }
        let main = model.parts.first().and_then(|part| part.files.first());
        let Some(main) = main else { return };
        let show = Button::text("Show in folder").with_icon(icons::FOLDER).quiet();
        if show.min_size(vec2(0.0, tall.y)).show(ui).clicked() {
            commands.push(ModelsCommand::ShowInFolder(main.path.clone()).into());
        }
    });
}

fn download_ui(
    ui: &mut Ui,
    models: &Models,
    model: &KnownModel,
    size: egui::Vec2,
    commands: &mut Vec<UiCommand>,
) {
    let files = model.to_download();
    if files.is_empty() || models.transfer(&model.key, TransferKind::Download).is_some() {
        return;
    }
    let n_bytes: u64 = files.iter().filter_map(|file| file.n_bytes).sum();
    let is_exact = files.iter().all(|file| file.n_bytes.is_some());
    let more = if is_exact { "" } else { " and more" };
    let what =
        if model.state == ModelState::Absent { "Download" } else { "Download what is missing" };
    let text = match n_bytes {
        0 => what.to_owned(),
        n => format!("{what}, {}{more}", bytes_text(n)),
    };
    let button = Button::text(&text).with_icon(icons::DOWNLOAD).primary().min_size(size);
    let has_place = models.list.as_ref().is_some_and(|list| list.download_folder.is_some());
    if button.enabled(has_place).show(ui).on_hover_text("Asks before it connects").clicked()
        && has_place
    {
        commands.push(ModelsCommand::AskDownload(model.key.clone()).into());
    }
}

fn failure_ui(ui: &mut Ui, models: &Models, model: &KnownModel, commands: &mut Vec<UiCommand>) {
    let Some(failure) = models.failure(&model.key) else { return };
    let palette = theme::palette(ui);
    Frame::new()
        .fill(palette.floating)
        .stroke(egui::Stroke::new(1.0, palette.error))
        .corner_radius(theme::RADIUS)
        .inner_margin(Margin::symmetric(12, 8))
        .show(ui, |ui| {
            ui.horizontal_top(|ui| {
                let icon = RichText::new(icons::WARNING).font(theme::icon(15.0));
                ui.label(icon.color(palette.error));
                let size = vec2((ui.available_width() - 72.0).max(80.0), 0.0);
                ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
                    ui.add(Label::new(&failure.headline).wrap());
                });
                let copy = Button::icon(icons::COPY, "Copy the message");
                if copy.show(ui).on_hover_text(&failure.details).clicked() {
                    let text = format!("{}\n{}", failure.headline, failure.details);
                    commands.push(UiCommand::CopyText(text));
                }
                if Button::icon(icons::CLOSE, "Put the message away").show(ui).clicked() {
                    commands.push(ModelsCommand::Dismiss(model.key.clone()).into());
                }
            });
        });
}

/// Why it cannot be used, and what else to know.
fn reason_ui(ui: &mut Ui, model: &KnownModel) {
    let reason = match &model.state {
        ModelState::Unpublished(reason) | ModelState::Unusable(reason) => Some(reason),
        _ => None,
    };
    let palette = theme::palette(ui);
    let of_reason = reason.map(|reason| (icons::BAN, palette.error, reason));
    let remarks = model.remarks.iter().map(|remark| (icons::INFO, palette.warning, remark));
    for (icon, ink, text) in of_reason.into_iter().chain(remarks) {
        ui.horizontal_top(|ui| {
            ui.label(RichText::new(icon).font(theme::icon(14.0)).color(ink));
            ui.add(Label::new(RichText::new(text).color(palette.text)).wrap());
        });
    }
}

fn facts_ui(ui: &mut Ui, state: &AppState, model: &KnownModel, commands: &mut Vec<UiCommand>) {
    if !model.sizes.is_empty() {
        fact_ui(ui, "Pictures", |ui| {
            ui.add(Label::new(&model.sizes).wrap());
            sides_ui(ui, &state.models, model, commands);
        });
    }
    if !matches!(model.state, ModelState::Unpublished(_)) {
        fact_ui(ui, "Controls", |ui| controls_ui(ui, state, model));
    }
    if !model.licence.is_empty() {
        fact_ui(ui, "Licence", |ui| {
            ui.label(&model.licence);
        });
    }
    if let Some(page) = &model.page {
        fact_ui(ui, "Published at", |ui| {
            ui.horizontal(|ui| {
                let width = ui.available_width() - 30.0;
                let text = super::files::shortened(page, (width / 7.0) as usize);
                ui.label(text).on_hover_text(page);
                let copy = Button::icon(icons::COPY, "Copy the address").min_size(vec2(22.0, 22.0));
                if copy.show(ui).on_hover_text("Copy the address").clicked() {
                    commands.push(UiCommand::CopyText(page.clone()));
                }
            });
        });
    }
}

/// How large its pictures are to be, where it leaves the choice.
fn sides_ui(ui: &mut Ui, models: &Models, model: &KnownModel, commands: &mut Vec<UiCommand>) {
    let Some(chosen) = models.side_of(model) else { return };
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        ui.spacing_mut().interact_size.y = widgets::CHIP_HEIGHT;
        for side in &model.sides_px {
            let label = format!("Draw {side} × {side} pixels");
            let tip = "Small pictures are done sooner; takes effect when the model is loaded";
            let chip = widgets::chip(ui, &format!("{side} px"), &label, *side == chosen);
            if chip.on_hover_text(tip).clicked() {
                commands.push(ModelsCommand::SetSide(*side).into());
            }
        }
    });
}

/// The kinds that it knows, those that it does not, and why.
fn controls_ui(ui: &mut Ui, state: &AppState, model: &KnownModel) {
    let palette = theme::palette(ui);
    // Once a model is loaded, it says itself what it knows.
    let is_loaded = state.models.loaded.key == model.key && state.models.loading.is_none();
    let info = state.model().filter(|_| is_loaded);
    let known = info.map_or(model.controls.as_slice(), |info| info.control_kinds.as_slice());
    ui.vertical(|ui| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = theme::SPACE_M;
            for (kind, name) in [
                (ControlKind::Lines, "Lines"),
                (ControlKind::Depth, "Depth"),
                (ControlKind::Colour, "Colour"),
            ] {
                let (icon, ink) = if known.contains(&kind) {
                    (icons::CHECK, palette.ok)
                } else {
                    (icons::CLOSE, palette.text_faint)
                };
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = 4.0;
                    ui.label(RichText::new(icon).font(theme::icon(13.0)).color(ink));
                    let ink = if known.contains(&kind) { palette.text } else { palette.text_faint };
                    let label = ui.label(RichText::new(name).color(ink));
                    if !known.contains(&kind) {
                        label.on_hover_text("This model does not know it, so it is hidden");
                    }
                });
            }
        });
        if !model.about_controls.is_empty() {
            let about = RichText::new(&model.about_controls).font(theme::small());
            ui.add(Label::new(about.color(palette.text_soft)).wrap());
        }
        let draws_rows = info.is_some_and(|info| info.order == DecodingOrder::Raster)
            || info.is_none() && !model.needs.is_empty();
        if draws_rows && model.key != ModelKey::BuiltIn {
            let about = "Draws token by token from the top, so you see rows and not scales";
            let about = RichText::new(about).font(theme::small()).color(palette.text_soft);
            ui.add(Label::new(about).wrap());
        }
    });
}

/// A name and what it is.
pub(super) fn fact_ui(ui: &mut Ui, name: &str, add_value: impl FnOnce(&mut Ui)) {
    ui.spacing_mut().interact_size.y = 20.0;
    let palette = theme::palette(ui);
    ui.horizontal_top(|ui| {
        let size = vec2(FACT_WIDTH, 20.0);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Min), |ui| {
            ui.set_min_size(size);
            ui.label(RichText::new(name).color(palette.text_soft));
        });
        ui.vertical(add_value);
    });
}
