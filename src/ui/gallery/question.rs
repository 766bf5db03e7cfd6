//! The question before the first picture goes to a trash that gives nothing back by itself.

use egui::{Id, Modal, RichText, Ui};

use crate::state::Gallery;
use crate::ui::command::UiCommand;
use crate::ui::gallery_command::GalleryCommand;
use crate::ui::theme;
use crate::ui::widgets::Button;

pub(super) fn question_ui(ui: &Ui, gallery: &Gallery, commands: &mut Vec<UiCommand>) {
    let palette = theme::palette(ui);
    let frame = egui::Frame::window(ui.style()).inner_margin(theme::SPACE_XL);
    let modal = Modal::new(Id::unique("trash question"));
    let modal = modal.backdrop_color(palette.backdrop).frame(frame);
    let name = gallery.trash_question.and_then(|id| gallery.picture(id));
    let name = name.map(crate::protocol::KnownPicture::file_name).unwrap_or_default();
    let response = modal.show(ui.ctx(), |ui| {
        ui.set_max_width(380.0);
        ui.label(RichText::new("Move the picture to the trash?").font(theme::title()));
        ui.add_space(theme::SPACE_XS);
        let text = format!(
            "{name} can be put back from the trash of your system, but not from here. \
             You will not be asked again."
        );
        ui.label(RichText::new(text).color(palette.text_soft));
        ui.add_space(theme::SPACE_M);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if Button::text("Move to trash").primary().show(ui).clicked() {
                return Some(true);
            }
            Button::text("Keep it").quiet().show(ui).clicked().then_some(false)
        })
        .inner
    });
    let answer = response.inner.or(response.should_close().then_some(false));
    commands.extend(answer.map(|is_allowed| GalleryCommand::AnswerTrash { is_allowed }.into()));
}
