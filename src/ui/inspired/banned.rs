//! The list of banned pictures.

use egui::{Align, Label, Layout, Rect, RichText, Sense, Ui, Vec2};

use crate::state::AppState;
use crate::state::settings::MAX_BANNED_SHOWN;
use crate::ui::command::UiCommand;
use crate::ui::inspired_command::InspiredCommand;
use crate::ui::pictures::Pictures;
use crate::ui::widgets::{self, Button};
use crate::ui::{icons, theme};

const THUMBNAIL: f32 = 28.0;

pub(super) fn banned_ui(
    ui: &mut Ui,
    state: &AppState,
    pictures: &mut Pictures,
    commands: &mut Vec<UiCommand>,
) {
    let banned = &state.settings.banned;
    if banned.is_empty() {
        return;
    }
    widgets::fold(ui, "Banned pictures", |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let is_known =
            |entry| state.thumbnails.contains_key(entry) || state.looked_at.contains(entry);
        if !banned.iter().rev().take(MAX_BANNED_SHOWN).all(|banned| is_known(&banned.entry)) {
            commands.push(InspiredCommand::LookAtBanned.into());
        }
        for entry in banned {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = theme::SPACE_S;
                let (rect, _) = ui.allocate_exact_size(Vec2::splat(THUMBNAIL), Sense::hover());
                match state.thumbnails.get(&entry.entry) {
                    Some(picture) => {
                        let palette = theme::palette(ui);
                        pictures.paint(ui.painter(), palette, rect, theme::RADIUS, picture, 1.0);
                    }
                    None => paint_unknown(ui, rect),
                }
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let label = format!("Allow “{}” again", entry.caption);
                    let button = Button::icon(icons::UNDO, &label);
                    if button.show(ui).on_hover_text(&label).clicked() {
                        commands.push(InspiredCommand::Allow(entry.entry).into());
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        let caption = RichText::new(&entry.caption);
                        ui.add(Label::new(caption.color(theme::palette(ui).text_soft)).truncate());
                    });
                });
            });
        }
    });
}

fn paint_unknown(ui: &Ui, rect: Rect) {
    let palette = theme::palette(ui);
    ui.painter().rect_filled(rect, theme::RADIUS, palette.field);
    let (centre, font) = (egui::Align2::CENTER_CENTER, theme::icon(13.0));
    ui.painter().text(rect.center(), centre, icons::BAN, font, palette.text_faint);
}
