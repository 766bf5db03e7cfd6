//! The list of unsaved work: what earlier windows left behind, each to be opened or deleted. It
//! never opens anything by itself, and hides nothing of the canvas for long.

use egui::{
    Align, Align2, Area, Id, Label, Layout, Order, Rect, RichText, ScrollArea, Sense, Ui, Vec2,
    vec2,
};

use super::command::UiCommand;
use super::pictures::Pictures;
use super::project_command::ProjectCommand;
use super::widgets::{self, Button};
use super::{UiState, icons, theme};
use crate::state::AppState;
use crate::state::project::Offer;

const WIDTH: f32 = 440.0;
const THUMBNAIL: f32 = 56.0;

pub(super) fn recovery_ui(
    ui: &Ui,
    canvas: Rect,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let recovery = &state.recovery;
    if !recovery.is_open || recovery.offers.is_empty() {
        return;
    }
    let palette = theme::palette(ui);
    let width = WIDTH.min(canvas.width() - 2.0 * theme::SPACE_M);
    let area = Area::new(Id::unique("unsaved work"))
        .order(Order::Middle)
        .pivot(Align2::CENTER_CENTER)
        .fixed_pos(canvas.center())
        .accessible_name("Unsaved work");
    area.show(ui.ctx(), |ui| {
        let frame = theme::floating_frame(ui).inner_margin(theme::SPACE_L);
        frame.show(ui, |ui| {
            ui.set_width(width - 2.0 * theme::SPACE_L);
            ui.label(RichText::new("Unsaved work").font(theme::title()));
            widgets::caption(ui, "Left by windows that closed without saving");
            ui.add_space(theme::SPACE_S);
            let max_height = (canvas.height() - 200.0).max(THUMBNAIL);
            ScrollArea::vertical().max_height(max_height).show(ui, |ui| {
                for (idx, offer) in recovery.offers.iter().enumerate() {
                    if idx > 0 {
                        ui.separator();
                    }
                    ui.push_id(&offer.id, |ui| {
                        offer_ui(ui, offer, &mut view.pictures, commands);
                    });
                }
            });
            ui.add_space(theme::SPACE_M);
            ui.horizontal(|ui| {
                let text = RichText::new("It stays in the project menu until you decide");
                ui.label(text.font(theme::small()).color(palette.text_faint));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if Button::text("Later").show(ui).clicked() {
                        commands.push(ProjectCommand::ShowRecovery(false).into());
                    }
                });
            });
        });
    });
}

fn offer_ui(ui: &mut Ui, offer: &Offer, pictures: &mut Pictures, commands: &mut Vec<UiCommand>) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(THUMBNAIL);
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(THUMBNAIL), Sense::hover());
        if let Some(content) = &offer.content {
            let painter = ui.painter();
            pictures.paint(painter, palette, rect, theme::RADIUS, &content.thumbnail, 1.0);
        } else {
            ui.painter().rect_filled(rect, theme::RADIUS, palette.field);
            let (icon, ink) = (icons::WARNING, palette.warning);
            let font = theme::icon(20.0);
            ui.painter().text(rect.center(), Align2::CENTER_CENTER, icon, font, ink);
        }
        ui.add_space(theme::SPACE_XS);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = theme::SPACE_S;
            buttons_ui(ui, offer, commands);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.vertical(|ui| {
                    ui.add_space((THUMBNAIL - 36.0) / 2.0);
                    ui.spacing_mut().item_spacing = vec2(0.0, 2.0);
                    let title = RichText::new(offer.title()).font(theme::strong());
                    ui.add(Label::new(title.color(palette.text)).truncate());
                    let summary = format!("{} · {}", offer.age(), offer.summary());
                    let summary = RichText::new(summary).font(theme::small());
                    ui.add(Label::new(summary.color(palette.text_soft)).truncate());
                });
            });
        });
    });
}

/// *Delete* asks once more in its own place: there is no way back.
fn buttons_ui(ui: &mut Ui, offer: &Offer, commands: &mut Vec<UiCommand>) {
    let id = ui.make_persistent_id("is deleting");
    let is_deleting = ui.data(|data| data.get_temp(id)).unwrap_or(false);
    let set_deleting = |ui: &Ui, value: bool| ui.data_mut(|data| data.insert_temp(id, value));
    if offer.is_busy {
        widgets::caption(ui, "Working…");
        return;
    }
    if is_deleting {
        if Button::text("Keep").show(ui).clicked() {
            set_deleting(ui, false);
        }
        let label = format!("Delete {} for good", offer.title());
        if Button::text("Delete for good").labelled(&label).show(ui).clicked() {
            set_deleting(ui, false);
            commands.push(ProjectCommand::DeleteUnsaved(offer.id.clone()).into());
        }
        return;
    }
    let (open, delete) = (format!("Open {}", offer.title()), format!("Delete {}", offer.title()));
    if offer.content.is_some() {
        let tip = "Opens it; what is on the canvas now is kept in this list if it is unsaved";
        let button = Button::text("Open").labelled(&open).show(ui).on_hover_text(tip);
        if button.clicked() {
            commands.push(ProjectCommand::Recover(offer.id.clone()).into());
        }
    }
    if Button::icon(icons::TRASH, &delete).show(ui).on_hover_text("Delete…").clicked() {
        set_deleting(ui, true);
    }
}
