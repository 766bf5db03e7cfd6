//! One candidate: the picture, how similar it is, where it is in use, and whether it is banned.

use egui::{
    Align2, CornerRadius, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use crate::protocol::InspiredBy;
use crate::state::AppState;
use crate::ui::inspired::{provenance_ui, similarity_text};
use crate::ui::inspired_command::InspiredCommand;
use crate::ui::pictures::Pictures;
use crate::ui::{icons, theme, widgets};

/// Two lines under the picture.
pub(super) const TEXT_HEIGHT: f32 = 34.0;
const BUTTON: f32 = 24.0;
/// How faint a banned picture is.
const BANNED_OPACITY: f32 = 0.3;

pub(super) struct CellUi<'a> {
    pub(super) idx: usize,
    pub(super) picture: &'a InspiredBy,
    pub(super) state: &'a AppState,
    pub(super) rect: Rect,
    pub(super) is_at_cursor: bool,
}

impl CellUi<'_> {
    pub(super) fn show(
        &self,
        ui: &mut Ui,
        pictures: &mut Pictures,
        wishes: &mut Vec<InspiredCommand>,
    ) {
        let Self { idx, picture, state, rect, .. } = *self;
        let slot_idx = state.slot_of(picture.entry);
        let is_banned = state.is_banned(picture.entry);
        let id = ui.scope_id().with(("candidate", idx));
        // Arrows go from one to the next; Tab need not stop at each.
        let response = ui.interact(rect, id, Sense::CLICK);
        let place = slot_idx.map(|slot_idx| format!(", in place {}", slot_idx + 1));
        let ban = if is_banned { ", banned" } else { "" };
        let label = format!("Candidate “{}”{}{ban}", picture.caption, place.unwrap_or_default());
        response.widget_info(|| {
            WidgetInfo::selected(Role::Button, ui.is_enabled(), slot_idx.is_some(), &label)
        });
        let thumbnail = Rect::from_min_size(rect.min, Vec2::splat(rect.width()));
        let corner = thumbnail.right_top() + vec2(-BUTTON / 2.0 - 3.0, BUTTON / 2.0 + 3.0);
        let button = Rect::from_center_size(corner, Vec2::splat(BUTTON));
        let ban = ui.interact(button, id.with("ban"), Sense::CLICK);
        let verb = if is_banned { "Allow" } else { "Ban" };
        let ban_label = format!("{verb} candidate “{}”", picture.caption);
        ban.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), &ban_label));
        if ban.clicked() {
            wishes.push(InspiredCommand::ToggleBan(idx));
        } else if response.clicked() {
            let and_close = response.double_clicked();
            wishes.push(InspiredCommand::Choose { candidate_idx: idx, and_close });
        }
        if !ui.is_rect_visible(rect) {
            return;
        }
        let is_near = response.hovered() || ban.hovered();
        self.paint_picture(ui, thumbnail, pictures);
        self.paint_marks(ui, thumbnail, is_near);
        self.paint_text(ui, thumbnail);
        if is_banned || is_near || self.is_at_cursor {
            let palette = theme::palette(ui);
            let ground = if ban.hovered() { palette.control_press } else { palette.scrim };
            let ink = if ban.hovered() { palette.text } else { palette.on_scrim };
            ui.painter().circle_filled(corner, BUTTON / 2.0 - 2.0, ground);
            let icon = if is_banned && ban.hovered() { icons::UNDO } else { icons::BAN };
            ui.painter().text(corner, Align2::CENTER_CENTER, icon, theme::icon(13.0), ink);
        }
        let tip = if is_banned { "Allow it again (Del)" } else { "Never use it (Del)" };
        ban.on_hover_text(tip);
        response.on_hover_ui(|ui| {
            ui.set_max_width(280.0);
            provenance_ui(ui, picture);
        });
    }

    fn is_banned(&self) -> bool {
        self.state.is_banned(self.picture.entry)
    }

    fn paint_picture(&self, ui: &Ui, thumbnail: Rect, pictures: &mut Pictures) {
        let palette = theme::palette(ui);
        let opacity = if self.is_banned() { BANNED_OPACITY } else { 1.0 };
        match self.state.thumbnails.get(&self.picture.entry) {
            Some(known) => {
                pictures.paint(ui.painter(), palette, thumbnail, theme::RADIUS, known, opacity);
            }
            None => paint_waiting(ui, thumbnail, self.idx),
        }
    }

    /// Where it is in use, and where the keyboard is.
    fn paint_marks(&self, ui: &Ui, thumbnail: Rect, is_near: bool) {
        let palette = theme::palette(ui);
        let painter = ui.painter();
        let slot_idx = self.state.slot_of(self.picture.entry);
        let line = match (slot_idx, is_near) {
            (Some(_), _) => Stroke::new(2.0, palette.accent),
            (None, true) => Stroke::new(1.5, palette.line_strong),
            (None, false) => Stroke::new(1.0, palette.line),
        };
        painter.rect_stroke(thumbnail, theme::RADIUS, line, StrokeKind::Inside);
        if let Some(slot_idx) = slot_idx {
            let middle = thumbnail.left_top() + vec2(13.0, 13.0);
            painter.circle_filled(middle, 9.0, palette.accent);
            let number = (slot_idx + 1).to_string();
            painter.text(middle, Align2::CENTER_CENTER, number, theme::small(), palette.on_accent);
        }
        if self.is_at_cursor {
            let ring = Stroke::new(1.5, palette.text);
            let radius = theme::RADIUS + CornerRadius::same(2);
            painter.rect_stroke(thumbnail.expand(super::RING), radius, ring, StrokeKind::Inside);
        }
    }

    fn paint_text(&self, ui: &Ui, thumbnail: Rect) {
        let palette = theme::palette(ui);
        let is_banned = self.is_banned();
        let ink = if is_banned { palette.text_faint } else { palette.text };
        let top = thumbnail.bottom() + 3.0;
        line_ui(ui, thumbnail, top, &self.picture.caption, ink);
        let similarity = self.picture.similarity.map(similarity_text);
        let (place, ink) = match (is_banned, &*self.picture.memory) {
            (true, _) => ("Banned", palette.text_faint),
            (false, "") => ("", palette.text_faint),
            (false, memory) => (memory, palette.accent_text),
        };
        let parts = similarity.as_deref().into_iter().chain((!place.is_empty()).then_some(place));
        let about = parts.collect::<Vec<_>>().join(" · ");
        line_ui(ui, thumbnail, top + 15.0, &about, ink);
    }
}

/// A line of small type as wide as the picture, cut off where it is longer.
fn line_ui(ui: &Ui, thumbnail: Rect, top: f32, text: &str, ink: egui::Color32) {
    let galley = widgets::elided(ui, text, theme::small(), thumbnail.width(), ink);
    ui.painter().galley(pos2(thumbnail.left(), top), galley, ink);
}

/// Glows where a picture is to come.
pub(super) fn paint_waiting(ui: &Ui, rect: Rect, idx: usize) {
    let palette = theme::palette(ui);
    let thumbnail = Rect::from_min_size(rect.min, Vec2::splat(rect.width()));
    let seconds = ui.input(|input| input.time) - 0.08 * idx as f64;
    let glow = (std::f64::consts::TAU * seconds / 1.6).sin() * 0.5 + 0.5;
    theme::keep_moving(ui);
    let fill = palette.field.lerp_to_gamma(palette.control, glow as f32);
    ui.painter().rect_filled(thumbnail, theme::RADIUS, fill);
}
