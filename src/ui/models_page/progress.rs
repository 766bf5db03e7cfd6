//! How far scans, loading, downloads, conversions and checks are, each with a way to stop it.

use egui::{Align, CornerRadius, Frame, Label, Layout, Margin, Panel, RichText, Sense, Ui, vec2};

use crate::protocol::{KnownModel, Transfer, TransferKind, bytes_text};
use crate::state::models::Models;
use crate::ui::command::UiCommand;
use crate::ui::models_command::ModelsCommand;
use crate::ui::widgets::Button;
use crate::ui::{icons, theme};

const HEIGHT: f32 = 34.0;

/// A line over the page while folders are looked through.
pub(super) fn scan_ui(ui: &mut Ui, models: &Models, commands: &mut Vec<UiCommand>) {
    let Some(scan) = &models.scanning else { return };
    let palette = theme::palette(ui);
    let margin = Margin::symmetric(theme::SPACE_L as i8, 0);
    let frame = Frame::new().fill(palette.floating).inner_margin(margin);
    Panel::top("models scan").exact_size(HEIGHT).frame(frame).show(ui, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let stop = Button::icon(icons::CLOSE, "Stop looking").min_size(vec2(22.0, 22.0));
            if stop.show(ui).on_hover_text("Stop; what was found stays").clicked() {
                commands.push(ModelsCommand::StopScan.into());
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let folder = super::files::shortened(&scan.folder.display().to_string(), 80);
                let text = format!("Looking into {folder}");
                let text = RichText::new(text).font(theme::small()).color(palette.text_soft);
                ui.add(Label::new(text).truncate());
            });
        });
    });
    theme::keep_moving(ui);
}

/// What goes on with a model.
pub(super) fn model_ui(
    ui: &mut Ui,
    models: &Models,
    model: &KnownModel,
    commands: &mut Vec<UiCommand>,
) {
    if let Some(loading) = models.loading.as_ref().filter(|loading| loading.model.key == model.key)
    {
        let (n_done, n_total) = loading.progress;
        let text = match (loading.is_return, n_total) {
            (true, _) => "Coming back…".to_owned(),
            (false, 0) => "Loading…".to_owned(),
            (false, _) => {
                format!("Loading, {} of {}", bytes_text(n_done.min(n_total)), bytes_text(n_total))
            }
        };
        if bar_ui(ui, loading.share(), &text, "Stop loading") {
            commands.push(ModelsCommand::StopLoading.into());
        }
    }
    for transfer in models.transfers.iter().filter(|transfer| transfer.model == model.key) {
        let label = match transfer.kind {
            TransferKind::Download => "Stop the download; what came is kept",
            TransferKind::Convert => "Stop the conversion",
            TransferKind::Verify => "Stop checking",
        };
        if bar_ui(ui, transfer.share(), &text_of(transfer), label) {
            commands.push(ModelsCommand::Stop(transfer.id).into());
        }
    }
}

/// What is being done, in a word.
pub(super) fn verb(kind: TransferKind) -> &'static str {
    match kind {
        TransferKind::Download => "Downloading",
        TransferKind::Convert => "Converting",
        TransferKind::Verify => "Checking",
    }
}

fn text_of(transfer: &Transfer) -> String {
    let Transfer { name, place: (place, n_files), n_done, n_total, .. } = transfer;
    let mut text = format!("{} {name}", verb(transfer.kind));
    if *n_files > 1 {
        text = format!("{text} ({place} of {n_files})");
    }
    text = match n_total {
        Some(n_total) => format!("{text}, {} of {}", bytes_text(*n_done), bytes_text(*n_total)),
        None if *n_done > 0 => format!("{text}, {}", bytes_text(*n_done)),
        None => format!("{text}…"),
    };
    if let Some(speed) = transfer.bytes_per_second {
        text = format!("{text} · {}/s", bytes_text(speed as u64));
    }
    if let Some(seconds) = transfer.seconds_left().filter(|seconds| *seconds >= 1.0) {
        text = format!("{text} · {} left", time_text(seconds));
    }
    text
}

/// `40 s`, `3 min`, `2 h 5 min`.
fn time_text(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    match minutes {
        _ if seconds < 55.0 => format!("{seconds:.0} s"),
        0..60 => format!("{} min", minutes.max(1)),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

/// A bar with a line of text over it; whether it is to be stopped.
fn bar_ui(ui: &mut Ui, share: Option<f32>, text: &str, stop_label: &str) -> bool {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let stop = Button::icon(icons::CLOSE, stop_label).min_size(vec2(24.0, 24.0));
            let is_stopped = stop.show(ui).on_hover_text(stop_label).clicked();
            let size = vec2(ui.available_width(), 30.0);
            ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 4.0;
                let label = RichText::new(text).font(theme::small()).color(palette.text);
                ui.add(Label::new(label).truncate());
                let size = vec2(ui.available_width(), 6.0);
                let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
                response.widget_info(|| {
                    let role = egui::Role::ProgressIndicator;
                    let mut info = egui::WidgetInfo::labeled(role, true, text);
                    info.value = share.map(f64::from);
                    info
                });
                let radius = CornerRadius::same(3);
                ui.painter().rect_filled(rect, radius, palette.control_press);
                let mut done = rect;
                if let Some(share) = share {
                    done.set_width(rect.width() * share);
                } else {
                    // It moves as long as nothing can be told.
                    let phase = (ui.input(|input| input.time) * 0.6).fract() as f32;
                    let width = 0.2 * rect.width();
                    done.set_left(rect.left() + phase * (rect.width() - width));
                    done.set_width(width);
                    theme::keep_moving(ui);
                }
                ui.painter().rect_filled(done, radius, palette.accent);
            });
            is_stopped
        })
        .inner
    })
    .inner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        let texts = [3.4, 59.0, 185.0, 7500.0].map(time_text);
        assert_eq!(texts, ["3 s", "1 min", "3 min", "2 h 5 min"]);
    }
}
