//! Lines between the tools and the pictures: what is wrong, how far adding is, what came of it.

use egui::{Align, Align2, Frame, Label, Layout, Margin, Panel, RichText, Sense, Ui, Vec2, vec2};

use super::pictures_text;
use crate::protocol::{AddProgress, KnownMemory};
use crate::state::Memories;
use crate::ui::command::UiCommand;
use crate::ui::gallery::with_commas;
use crate::ui::memory_command::MemoryCommand;
use crate::ui::widgets::Button;
use crate::ui::{icons, theme};

const HEIGHT: f32 = 40.0;

/// Why the memories do not work as they should; stays until they do.
pub(super) fn trouble_ui(
    ui: &mut Ui,
    headline: &str,
    details: &str,
    commands: &mut Vec<UiCommand>,
) {
    let palette = theme::palette(ui);
    strip_ui(ui, "memory trouble", icons::WARNING, palette.warning, headline, |ui| {
        if details.is_empty() {
            return;
        }
        let copy = Button::text("Copy details").with_icon(icons::COPY).quiet();
        if copy.show(ui).on_hover_text(details).clicked() {
            commands.push(UiCommand::CopyText(format!("{headline}\n{details}")));
        }
    });
}

/// What there is to say of the chosen memory.
pub(super) fn strips_ui(ui: &mut Ui, memories: &Memories, commands: &mut Vec<UiCommand>) {
    let Some(known) = memories.chosen_memory() else { return };
    if let Some(report) = memories.report(known.memory) {
        report_ui(ui, report, commands);
    }
    let has_report = memories.report(known.memory).is_some();
    if known.n_problems > 0 && !has_report && memories.progress(known.memory).is_none() {
        problems_ui(ui, known, commands);
    }
    let is_adding = memories.progress(known.memory).is_some();
    if known.n_gone > 0 && !is_adding {
        gone_ui(ui, memories, known, commands);
    }
}

fn report_ui(ui: &mut Ui, report: &crate::protocol::AddReport, commands: &mut Vec<UiCommand>) {
    let palette = theme::palette(ui);
    let (icon, ink) = if report.problems.is_empty() {
        (icons::CHECK, palette.ok)
    } else {
        (icons::WARNING, palette.warning)
    };
    strip_ui(ui, "memory report", icon, ink, &report.headline(), |ui| {
        if Button::icon(icons::CLOSE, "Put the report away").show(ui).clicked() {
            commands.push(MemoryCommand::DismissReport(report.memory).into());
        }
        let details = Button::text("Details").labelled("Read the report");
        if report.has_details() && details.show(ui).clicked() {
            commands.push(MemoryCommand::ReadReport(Some(report.memory)).into());
        }
    });
}

fn problems_ui(ui: &mut Ui, known: &KnownMemory, commands: &mut Vec<UiCommand>) {
    let palette = theme::palette(ui);
    let text = match known.n_problems {
        1 => "1 file could not be read".to_owned(),
        n => format!("{} files could not be read", with_commas(n)),
    };
    strip_ui(ui, "memory problems", icons::WARNING, palette.warning, &text, |ui| {
        let details = Button::text("Details").labelled("Read which files and why");
        if details.show(ui).clicked() {
            commands.push(MemoryCommand::ReadProblems(known.memory).into());
        }
    });
}

fn gone_ui(ui: &mut Ui, memories: &Memories, known: &KnownMemory, commands: &mut Vec<UiCommand>) {
    let palette = theme::palette(ui);
    let text = match known.n_gone {
        1 => "The file of 1 picture is gone; the memory still has it".to_owned(),
        n => {
            format!("The files of {} pictures are gone; the memory still has them", with_commas(n))
        }
    };
    strip_ui(ui, "memory gone", icons::BROKEN, palette.text_soft, &text, |ui| {
        let remove = Button::text("Remove these").with_icon(icons::TRASH);
        let tip = format!("Takes {} out of the memory", pictures_text(known.n_gone));
        if remove.show(ui).on_hover_text(tip).clicked() {
            commands.push(MemoryCommand::RemoveGone.into());
        }
        let gone_only = memories.query.gone_only;
        let (text, label) = if gone_only {
            ("Show all", "Show all pictures")
        } else {
            ("Show these", "Show only pictures whose file is gone")
        };
        if Button::text(text).labelled(label).quiet().show(ui).clicked() {
            commands.push(MemoryCommand::GoneOnly(!gone_only).into());
        }
    });
}

fn strip_ui(
    ui: &mut Ui,
    id: &'static str,
    icon: &str,
    ink: egui::Color32,
    text: &str,
    buttons: impl FnOnce(&mut Ui),
) {
    let palette = theme::palette(ui);
    let frame = Frame::new()
        .fill(palette.floating)
        .inner_margin(Margin::symmetric(theme::SPACE_L as i8, 0));
    Panel::top(id).exact_size(HEIGHT).frame(frame).show(ui, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = theme::SPACE_S;
            buttons(ui);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.label(RichText::new(icon).font(theme::icon(15.0)).color(ink));
                let label = ui.add(Label::new(RichText::new(text).color(palette.text)).truncate());
                ui.ctx().accesskit_node_builder(label.id, |node| {
                    node.set_live(egui::accesskit::Live::Polite);
                });
            });
        });
    });
}

/// How far adding to a memory is, with a way to stop it.
pub(super) fn progress_ui(
    ui: &mut Ui,
    progress: AddProgress,
    size: Vec2,
    commands: &mut Vec<UiCommand>,
) {
    let palette = theme::palette(ui);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_XS;
        let stop = Button::icon(icons::CLOSE, "Stop adding pictures").min_size(vec2(22.0, 22.0));
        if stop.show(ui).on_hover_text("Stop; what was added stays").clicked() {
            commands.push(MemoryCommand::StopAdding(progress.memory).into());
        }
        let (rect, response) = ui.allocate_exact_size(
            vec2(ui.available_width() - theme::SPACE_XS, 16.0),
            Sense::hover(),
        );
        let (share, text) = match progress.n_total {
            Some(n_total) => {
                let share = progress.n_done as f32 / n_total.max(1) as f32;
                let (n_done, n_total) = (with_commas(progress.n_done), with_commas(n_total));
                (share, format!("Adding {n_done} of {n_total}"))
            }
            None => (0.0, "Looking for pictures…".to_owned()),
        };
        response.widget_info(|| {
            let mut info = egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, &text);
            info.value = Some(f64::from(share.clamp(0.0, 1.0)));
            info
        });
        let painter = ui.painter().with_clip_rect(rect);
        let radius = egui::CornerRadius::same(4);
        painter.rect_filled(rect, radius, palette.field);
        let mut done = rect;
        done.set_width(rect.width() * share.clamp(0.0, 1.0));
        painter.rect_filled(done, radius, palette.accent);
        // Twice, so that it can be read on both grounds.
        let font = theme::small();
        let centre = rect.center();
        painter.text(centre, Align2::CENTER_CENTER, &text, font.clone(), palette.text);
        let on_done = painter.with_clip_rect(done);
        on_done.text(centre, Align2::CENTER_CENTER, &text, font, palette.on_accent);
    });
}
