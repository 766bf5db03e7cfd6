//! The list of keyboard shortcuts.

use egui::{Grid, Id, Modal, RichText, ScrollArea, Stroke, StrokeKind, Ui, vec2};

use super::command::{self, Action};
use super::widgets::{self, Button};
use super::{icons, theme};
use crate::protocol::DecodingOrder;

/// What keys and buttons do while they are held down on the canvas.
const HELD: [(&str, &str); 7] = [
    ("See the picture without the sketch", "C, held"),
    ("Move the view with any tool", "Space + drag"),
    ("Pick ink with any tool", "Alt + click"),
    ("Draw straight on from the last stroke", "Shift + click"),
    ("Straight angles, squares and circles", "Shift, in a shape"),
    ("Shapes around their centre", "Alt, in a shape"),
    ("Erase with the brush", "Right button"),
];

/// Shows the list; returns whether it stays open.
pub(super) fn help_ui(ui: &Ui, order: DecodingOrder) -> bool {
    let palette = theme::palette(ui);
    let frame = egui::Frame::window(ui.style()).inner_margin(theme::SPACE_XL);
    let modal = Modal::new(Id::unique("help")).backdrop_color(palette.backdrop).frame(frame);
    let response = modal.show(ui.ctx(), |ui| {
        ui.set_max_width(420.0);
        let mut is_closed = false;
        ui.horizontal(|ui| {
            ui.label(RichText::new(Action::ToggleHelp.label()).font(theme::title()));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                is_closed = Button::icon(icons::CLOSE, "Close").show(ui).clicked();
            });
        });
        ui.add_space(theme::SPACE_S);
        let max_height = ui.ctx().content_rect().height() - 200.0;
        ScrollArea::vertical().max_height(max_height).show(ui, |ui| {
            ui.spacing_mut().interact_size.y = 22.0;
            let spacing = vec2(theme::SPACE_XL, theme::SPACE_XS);
            Grid::new("shortcuts").num_columns(2).spacing(spacing).show(ui, |ui| {
                for action in Action::ALL {
                    ui.label(action.text_for(order).explanation);
                    keys_ui(ui, action);
                    ui.end_row();
                }
                let pages = super::gallery::HELP
                    .into_iter()
                    .chain(super::memory_page::HELP)
                    .chain(super::models_page::HELP);
                for (explanation, key) in HELD.into_iter().chain(pages) {
                    ui.label(explanation);
                    ui.horizontal(|ui| key_ui(ui, key));
                    ui.end_row();
                }
            });
        });
        ui.add_space(theme::SPACE_S);
        widgets::caption(ui, "Single keys rest while you type in a text field");
        is_closed
    });
    !(response.inner || response.should_close())
}

fn keys_ui(ui: &mut Ui, action: Action) {
    ui.horizontal(|ui| {
        for key in action.text().keys {
            key_ui(ui, &command::key_text(ui.ctx(), key));
        }
    });
}

fn key_ui(ui: &mut Ui, text: &str) {
    let palette = theme::palette(ui);
    let label = RichText::new(text).font(theme::small()).color(palette.text_soft);
    let frame = egui::Frame::new().inner_margin(egui::Margin::symmetric(6, 2));
    let cap = frame.show(ui, |ui| ui.label(label)).response.rect;
    let edge = Stroke::new(1.0, palette.line_strong);
    ui.painter().rect_stroke(cap, 4.0, edge, StrokeKind::Inside);
}
