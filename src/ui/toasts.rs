//! Notices, stacked over the lower right of the canvas.

use egui::{
    Align, Align2, Area, Frame, Id, Label, Layout, Margin, Order, Rect, RichText, ScrollArea, Ui,
    vec2,
};

use super::add_inspiration_command::AddInspirationCommand;
use super::command::UiCommand;
use super::export_command::ExportCommand;
use super::gallery_command::GalleryCommand;
use super::import_command::ImportCommand;
use super::inspired_command::InspiredCommand;
use super::memory_command::MemoryCommand;
use super::project_command::ProjectCommand;
use super::widgets::Button;
use super::{icons, theme};
use crate::state::{Notice, NoticeAction, NoticeKind};

const WIDTH: f32 = 340.0;
/// Seconds over which a notice fades out.
const FADE_SECS: f64 = 0.3;

pub(super) fn toasts_ui<'a>(
    ui: &Ui,
    canvas: Rect,
    notices: impl Iterator<Item = &'a Notice>,
    commands: &mut Vec<UiCommand>,
) {
    let corner = canvas.right_bottom() - vec2(theme::SPACE_M, theme::SPACE_M);
    let width = WIDTH.min(canvas.width() - 2.0 * theme::SPACE_M);
    let area = Area::new(Id::unique("notices"))
        .order(Order::Foreground)
        .pivot(Align2::RIGHT_BOTTOM)
        .fixed_pos(corner)
        .accessible_name("Notices");
    let response = area.show(ui.ctx(), |ui| {
        ui.set_width(width);
        for notice in notices {
            ui.push_id(notice.id, |ui| toast_ui(ui, notice, commands));
        }
    });
    if response.response.contains_pointer() {
        commands.push(UiCommand::HoldNotices);
    }
}

fn toast_ui(ui: &mut Ui, notice: &Notice, commands: &mut Vec<UiCommand>) {
    let now = ui.input(|input| input.time);
    if let Some(expires_at) = notice.expires_at {
        let left = expires_at - now;
        if left < FADE_SECS {
            ui.set_opacity((left / FADE_SECS).clamp(0.0, 1.0) as f32);
            ui.ctx().request_repaint();
        } else {
            ui.ctx().request_repaint_after_secs((left - FADE_SECS) as f32);
        }
    }
    let palette = theme::palette(ui);
    let (icon, ink) = match notice.kind {
        NoticeKind::Info => (icons::INFO, palette.text_soft),
        NoticeKind::Done => (icons::CHECK, palette.ok),
        NoticeKind::Warning => (icons::WARNING, palette.warning),
        NoticeKind::Error => (icons::ERROR, palette.error),
    };
    let frame =
        theme::floating_frame(ui).inner_margin(Margin { left: 12, right: 6, top: 6, bottom: 6 });
    frame.show(ui, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            if Button::icon(icons::CLOSE, "Dismiss").show(ui).clicked() {
                commands.push(UiCommand::DismissNotice(notice.id));
            }
            if let Some(action) = &notice.action {
                commands.extend(action_ui(ui, notice, action));
            }
            ui.with_layout(Layout::left_to_right(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.x = theme::SPACE_S;
                let row = |ui: &mut Ui| ui.add_space(6.0);
                ui.vertical(|ui| {
                    row(ui);
                    ui.label(RichText::new(icon).font(theme::icon(15.0)).color(ink));
                });
                ui.vertical(|ui| {
                    row(ui);
                    headline_ui(ui, notice);
                    if let (NoticeKind::Done, Some(details)) = (notice.kind, &notice.details) {
                        let text = RichText::new(details).font(theme::small());
                        ui.add(Label::new(text.color(palette.text_faint)).wrap());
                    }
                    ui.add_space(theme::SPACE_XS);
                });
            });
        });
        if let Some(details) = notice.details.as_ref().filter(|_| notice.kind != NoticeKind::Done) {
            details_ui(ui, notice, details, commands);
        }
    });
}

fn headline_ui(ui: &mut Ui, notice: &Notice) {
    let response = ui.add(Label::new(&notice.headline).wrap());
    // Screen readers speak up without being asked.
    ui.ctx().accesskit_node_builder(response.id, |node| {
        if notice.kind == NoticeKind::Error {
            node.set_live(egui::accesskit::Live::Assertive);
        } else {
            node.set_live(egui::accesskit::Live::Polite);
        }
    });
}

fn action_ui(ui: &mut Ui, notice: &Notice, action: &NoticeAction) -> Option<UiCommand> {
    let (label, icon, command) = match action {
        NoticeAction::Unban(entry) => ("Undo", icons::UNDO, InspiredCommand::Allow(*entry).into()),
        NoticeAction::TurnOver(id) => {
            ("Undo", icons::UNDO, UiCommand::Import(ImportCommand::TurnOver(*id)))
        }
        NoticeAction::ShowUnsaved => {
            let tip = "Opens the list of unsaved work";
            let response = Button::text("Show").quiet().show(ui).on_hover_text(tip);
            return response.clicked().then(|| ProjectCommand::ShowRecovery(true).into());
        }
        NoticeAction::ShowInFolder(path) => {
            let tip = "Opens the folder in your file manager";
            let response = Button::text("Show in folder").quiet().show(ui).on_hover_text(tip);
            let command = ExportCommand::ShowInFolder(path.clone());
            return response.clicked().then_some(UiCommand::Export(command));
        }
        NoticeAction::RestoreInspiration(serial) => {
            ("Undo", icons::UNDO, AddInspirationCommand::Restore(*serial).into())
        }
        NoticeAction::Restore(serial) => {
            ("Undo", icons::UNDO, GalleryCommand::Restore(*serial).into())
        }
        NoticeAction::PutBack(serial) => {
            ("Undo", icons::UNDO, MemoryCommand::Restore(*serial).into())
        }
    };
    let button = Button::text(label).with_icon(icon).quiet();
    let response = button.show(ui).on_hover_text(format!("Take it back: {}", notice.headline));
    response.clicked().then_some(command)
}

fn details_ui(ui: &mut Ui, notice: &Notice, details: &str, commands: &mut Vec<UiCommand>) {
    let id = ui.make_persistent_id("details");
    let mut is_open = ui.data(|data| data.get_temp(id)).unwrap_or(false);
    ui.horizontal(|ui| {
        let label = if is_open { "Hide details" } else { "Details" };
        if Button::text(label).quiet().show(ui).clicked() {
            is_open = !is_open;
            ui.data_mut(|data| data.insert_temp(id, is_open));
        }
        if Button::text("Copy details").quiet().with_icon(icons::COPY).show(ui).clicked() {
            let text = format!("{}\n{details}", notice.headline);
            commands.push(UiCommand::CopyText(text));
        }
    });
    if is_open {
        let palette = theme::palette(ui);
        let frame = Frame::new().fill(palette.field).corner_radius(theme::RADIUS);
        frame.inner_margin(theme::SPACE_S).show(ui, |ui| {
            ScrollArea::vertical().max_height(140.0).show(ui, |ui| {
                let text = RichText::new(details).font(theme::small()).color(palette.text_soft);
                ui.add(Label::new(text).wrap());
                ui.take_available_width();
            });
        });
    }
}
