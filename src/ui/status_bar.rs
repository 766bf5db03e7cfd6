//! The line at the bottom: what happens now, how fast, on what.

use std::time::Duration;

use egui::{Align, Align2, Color32, Label, Layout, RichText, Sense, Ui, vec2};

use super::command::{Action, UiCommand};
use super::words::Words;
use super::{costs, icons, theme};
use crate::protocol::{DecodingOrder, ModelInfo, Timings};
use crate::state::{AppState, Engine, Job, LiveStats, Phase};

pub(super) const HEIGHT: f32 = 28.0;

pub(super) fn status_bar_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let palette = theme::palette(ui);
        let (dot, _) = ui.allocate_exact_size(vec2(8.0, 8.0), Sense::hover());
        ui.painter().circle_filled(dot.center(), 3.5, mood(state, palette));
        ui.label(small(&status_text(state), palette.text));
        if state.steering.is_held {
            let goes_on = format!("{} goes on", Action::StopOrContinue.key_text(ui.ctx()));
            ui.label(small(&goes_on, palette.text_soft));
        }
        let now = ui.input(|input| input.time);
        if let Some(left) = costs::time_left(state, now) {
            let response = ui.label(small(&left, palette.text_soft));
            response.on_hover_text(match state.order() {
                DecodingOrder::NextScale => "From what each scale took on this machine before",
                DecodingOrder::Raster => "From how fast the last tokens came on this machine",
            });
        }
        if state.is_live() {
            live_ui(ui, &state.live);
        }
        if let Some(Phase::Finished(timings)) = state.job.as_ref().map(|job| &job.phase) {
            // What goes on from earlier scales is not a whole picture.
            let is_whole =
                timings.scales.len() == state.model().map_or(0, |info| info.scales.len());
            if is_whole {
                let took = match state.order() {
                    DecodingOrder::NextScale => format!("{} ms", timings.total.as_millis()),
                    DecodingOrder::Raster => costs::duration_text(timings.total),
                };
                let about = breakdown(timings, state.order());
                let took = format!("{took} per picture");
                ui.label(small(&took, palette.text_soft)).on_hover_text(about);
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            network_ui(ui, state);
            if let Some(adapter) = &state.adapter {
                let about = "The graphics adapter that paints this window";
                machine_part_ui(ui, Some(icons::MONITOR), adapter, about);
            }
            if let Some(model) = state.model() {
                let about = "Where the model computes";
                machine_part_ui(ui, Some(icons::CPU), &model.device, about);
                model_ui(ui, model, commands);
            }
        });
    });
}

/// Offline, unless the user has ordered a download.
fn network_ui(ui: &mut Ui, state: &AppState) {
    let palette = theme::palette(ui);
    let Some(transfer) = state.models.download() else {
        ui.label(small("Offline", palette.text_soft)).on_hover_text(
            "Everything is computed on this machine; the network is used for nothing but downloads \
             that you order",
        );
        icon_ui(ui, icons::OFFLINE);
        return;
    };
    let share = transfer.share().map(|share| format!(" {:.0} %", 100.0 * share));
    let text = format!("Downloading{}", share.unwrap_or_default());
    let host = state.models.list.as_ref().map_or("the server", |list| &list.host);
    let about = format!("{} comes from {host}, because you asked for it", transfer.name);
    ui.label(small(&text, palette.accent_text)).on_hover_text(about);
    icon_ui(ui, icons::DOWNLOAD);
}

/// The model's name, which leads to the others.
fn model_ui(ui: &mut Ui, model: &ModelInfo, commands: &mut Vec<UiCommand>) {
    let palette = theme::palette(ui);
    ui.add_space(theme::SPACE_S);
    let action = Action::ToggleModels;
    let text = small(&model.name, palette.text_soft);
    let response = ui.add(Label::new(text).truncate().sense(Sense::click()));
    response.widget_info(|| {
        let label = format!("{}: {}", action.label(), model.name);
        egui::WidgetInfo::labeled(egui::Role::Button, true, label)
    });
    super::widgets::focus_ring(ui, &response, theme::RADIUS);
    let tip = format!("{}\n{}\n{}", model.name, model_text(model), action.tooltip(ui.ctx()));
    if response.on_hover_text(tip).on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
        commands.push(action.into());
    }
}

/// How fast the picture follows the hand.
fn live_ui(ui: &mut Ui, live: &LiveStats) {
    let ms = |duration: Duration| format!("{} ms", duration.as_millis());
    let Some(last) = live.last() else { return };
    let typical = live.quantile(0.5).map(ms).unwrap_or_default();
    let slow = live.quantile(0.95).map(ms).unwrap_or_default();
    let response = ui.label(small(&format!("Live: {}", ms(last)), theme::palette(ui).accent_text));
    response.on_hover_text(format!(
        "From a stroke to the first picture that shows it\nHalf of them within {typical}, 95 % within \
         {slow}, of the last {}\n{} pictures were replaced by newer ones, {} never begun",
        live.len(),
        live.n_superseded,
        live.n_skipped,
    ));
}

/// What the application does, in one line.
pub(super) fn status_text(state: &AppState) -> String {
    match (&state.engine, &state.job) {
        (Engine::Loading, _) => loading_text(state),
        (Engine::Failed(_), _) => "The model could not be loaded".to_owned(),
        (Engine::Ready(_), None) => "Ready".to_owned(),
        // Scales that go by twenty times a second are no news.
        (Engine::Ready(_), Some(_)) if state.sketch.is_pending() && state.is_live() => {
            "Following your pen".to_owned()
        }
        (Engine::Ready(_), Some(job)) => job_text(job, Words::of_model(state)),
    }
}

fn loading_text(state: &AppState) -> String {
    let Some(loading) = &state.models.loading else { return "Loading model…".to_owned() };
    match loading.share() {
        Some(share) => format!("Loading {}, {:.0} %", loading.model.title, 100.0 * share),
        None => format!("Loading {}…", loading.model.title),
    }
}

fn job_text(job: &Job, words: &Words) -> String {
    let one = words.one;
    let n_scales = job.n_wanted;
    match &job.phase {
        Phase::Sent | Phase::Drawing => match job.current_scale() {
            Some(scale_idx) => format!("Drawing {one} {} of {n_scales}", scale_idx + 1),
            None => "Finishing".to_owned(),
        },
        Phase::Finished(_) => "Ready".to_owned(),
        Phase::Stopped if job.n_done() == 0 && job.growing.is_some() => {
            format!("Stopped in the first {one}")
        }
        Phase::Stopped if job.n_done() == 0 => format!("Stopped before the first {one}"),
        Phase::Stopped => format!("Stopped at {one} {} of {}", job.n_done(), job.stills.len()),
        Phase::Failed(_) => "Failed".to_owned(),
    }
}

fn mood(state: &AppState, palette: &theme::Palette) -> Color32 {
    let phase = state.job.as_ref().map(|job| &job.phase);
    match (&state.engine, phase) {
        (Engine::Failed(_), _) | (_, Some(Phase::Failed(_))) => palette.error,
        (Engine::Loading, _) => palette.text_faint,
        (_, Some(Phase::Sent | Phase::Drawing)) => palette.accent,
        (_, Some(Phase::Stopped)) => palette.warning,
        (_, None | Some(Phase::Finished(_))) => palette.ok,
    }
}

fn machine_part_ui(ui: &mut Ui, icon: Option<&str>, text: &str, explanation: &str) {
    let palette = theme::palette(ui);
    ui.add_space(theme::SPACE_S);
    let label = Label::new(small(text, palette.text_soft)).truncate();
    ui.add(label).on_hover_text(format!("{text}\n{explanation}"));
    if let Some(icon) = icon {
        icon_ui(ui, icon);
    }
}

fn icon_ui(ui: &mut Ui, icon: &str) {
    let size = vec2(13.0, 13.0);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let ink = theme::palette(ui).text_soft;
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, icon, theme::icon(size.y), ink);
}

fn model_text(model: &ModelInfo) -> String {
    let (width, height) = model.size_px();
    let memory = match model.n_memory_entries {
        0 => "no picture memory".to_owned(),
        n_entries => format!("{n_entries} remembered pictures"),
    };
    format!(
        "Model: {:.1} million parameters, {memory}, {width} × {height} pixels",
        model.n_parameters as f64 / 1e6,
    )
}

fn breakdown(timings: &Timings, order: DecodingOrder) -> String {
    if order == DecodingOrder::Raster {
        let rows: Duration = timings.scales.iter().sum();
        let parts = [timings.prepare, rows, timings.decode, timings.total];
        let [prepare, rows, decode, total] = parts.map(costs::duration_text);
        return format!(
            "Prompt and controls {prepare}\n{} rows {rows}\nDecoding {decode}\nTotal {total}",
            timings.scales.len()
        );
    }
    let ms = |duration: Duration| format!("{:.1} ms", duration.as_secs_f64() * 1e3);
    let scales = timings.scales.iter().map(|scale| ms(*scale)).collect::<Vec<_>>().join(", ");
    format!(
        "Prompt and memory {}\nScales {scales}\nDecoding {}\nTotal {}",
        ms(timings.prepare),
        ms(timings.decode),
        ms(timings.total),
    )
}

fn small(text: &str, colour: Color32) -> RichText {
    RichText::new(text).font(theme::small()).color(colour)
}
