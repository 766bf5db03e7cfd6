//! One place of *Inspired by*: the picture, what there is to say of it, and what can be done.

use egui::{
    Align, Align2, EventFilter, Id, Key, Label, Layout, Modifiers, Rect, RectAlign, Response,
    RichText, Role, Sense, Stroke, StrokeKind, Tooltip, Ui, UiBuilder, Vec2, WidgetInfo, vec2,
};

use super::{memory_text, provenance_ui, similarity_text};
use crate::protocol::Inspiration;
use crate::state::{AppState, Slot};
use crate::ui::command::UiCommand;
use crate::ui::inspired_command::InspiredCommand;
use crate::ui::pictures::Pictures;
use crate::ui::widgets::{self, Button};
use crate::ui::{icons, theme};

pub(super) const THUMBNAIL: f32 = 64.0;
const ROW_HEIGHT: f32 = 76.0;
const BUTTON: Vec2 = Vec2::splat(24.0);
/// How faint a place is that is switched off.
const CLOSED_OPACITY: f32 = 0.4;

/// The place whose picture is being dragged to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SlotDrag(pub(super) usize);

pub(super) struct SlotUi<'a> {
    pub(super) slot_idx: usize,
    pub(super) slot: &'a Slot,
    pub(super) state: &'a AppState,
}

impl SlotUi<'_> {
    /// Returns where a picture can be dropped.
    pub(super) fn show(
        &self,
        ui: &mut Ui,
        pictures: &mut Pictures,
        commands: &mut Vec<UiCommand>,
    ) -> Rect {
        let size = vec2(ui.available_width(), ROW_HEIGHT);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        // The id is that of the place, so that the keyboard can follow what it moves.
        let row = ui.interact(rect, row_id(self.slot_idx), Sense::click_and_drag());
        let label = self.label();
        row.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), &label));
        self.paint_row(ui, &row);
        self.drag_ui(&row, commands);
        self.keys_ui(ui, &row, commands);
        if row.clicked() {
            commands.push(InspiredCommand::ShowCandidates(self.slot_idx).into());
        }

        let inner = rect.shrink2(vec2(6.0, 6.0));
        let thumbnail = Rect::from_min_size(inner.min, Vec2::splat(THUMBNAIL));
        self.paint_thumbnail(ui, thumbnail, pictures);
        let beside = inner.with_min_x(thumbnail.right() + theme::SPACE_S + 2.0);
        ui.scope_builder(UiBuilder::new().max_rect(beside), |ui| {
            ui.spacing_mut().item_spacing = vec2(2.0, 0.0);
            self.title_ui(ui, commands);
            self.about_ui(ui);
            ui.add_space(theme::SPACE_XS);
            self.buttons_ui(ui, commands);
        });
        widgets::focus_ring(ui, &row, theme::RADIUS);
        // Beside the panel: below, it would lie on the next place.
        let mut tooltip = Tooltip::for_enabled(&row);
        tooltip.popup = tooltip.popup.align(RectAlign::LEFT).gap(theme::SPACE_S);
        tooltip.show(|ui| self.tooltip_ui(ui));
        rect
    }

    fn is_open(&self) -> bool {
        self.state.settings.recipe.is_open(self.slot_idx)
    }

    /// What there is to see: what a place showed before it was switched off is not in it any more.
    fn caption(&self) -> Option<&str> {
        let is_there = self.is_open() || self.slot.chosen.is_some();
        self.slot.caption().filter(|_| is_there)
    }

    fn label(&self) -> String {
        let place = self.slot_idx + 1;
        match self.caption() {
            Some(caption) => format!("Place {place}: {caption}"),
            None => format!("Place {place}"),
        }
    }

    fn paint_row(&self, ui: &Ui, row: &Response) {
        let palette = theme::palette(ui);
        let is_target =
            row.dnd_hover_payload::<SlotDrag>().is_some_and(|drag| drag.0 != self.slot_idx);
        let candidates = self.state.candidates.as_ref();
        let is_chosen_for = candidates.is_some_and(|grid| grid.slot_idx == self.slot_idx);
        let fill = match (is_target || is_chosen_for, row.hovered()) {
            (true, _) => palette.accent_soft,
            (false, true) => palette.control_hover,
            (false, false) => palette.control.gamma_multiply(0.5),
        };
        ui.painter().rect_filled(row.rect, theme::RADIUS, fill);
        if is_target {
            let line = Stroke::new(1.5, palette.accent_text);
            ui.painter().rect_stroke(row.rect, theme::RADIUS, line, StrokeKind::Inside);
        }
    }

    fn drag_ui(&self, row: &Response, commands: &mut Vec<UiCommand>) {
        if self.caption().is_some() {
            row.dnd_set_drag_payload(SlotDrag(self.slot_idx));
        }
        if let Some(drag) = row.dnd_release_payload::<SlotDrag>()
            && drag.0 != self.slot_idx
        {
            commands.push(InspiredCommand::Move { from: drag.0, to: self.slot_idx }.into());
        }
    }

    /// Alt and an arrow move the picture, and the keyboard goes along.
    fn keys_ui(&self, ui: &Ui, row: &Response, commands: &mut Vec<UiCommand>) {
        if !row.has_focus() {
            return;
        }
        let sideways = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(row.id, sideways));
        let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::ALT, key));
        let step = isize::from(pressed(Key::ArrowRight)) - isize::from(pressed(Key::ArrowLeft));
        let to = self.slot_idx.checked_add_signed(step).filter(|_| step != 0);
        if let Some(to) = to.filter(|to| *to < self.state.slots.len())
            && self.caption().is_some()
        {
            commands.push(InspiredCommand::Move { from: self.slot_idx, to }.into());
            ui.memory_mut(|memory| memory.request_focus(row_id(to)));
        }
        let wants_ban = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Delete));
        if wants_ban && self.can_ban() {
            commands.push(InspiredCommand::Ban(self.slot_idx).into());
        }
    }

    fn can_ban(&self) -> bool {
        self.is_open() && self.slot.entry().is_some()
    }

    fn paint_thumbnail(&self, ui: &Ui, rect: Rect, pictures: &mut Pictures) {
        let palette = theme::palette(ui);
        let painter = ui.painter();
        let opacity = if self.is_open() { 1.0 } else { CLOSED_OPACITY };
        let picture = self.slot.picture(&self.state.thumbnails);
        match picture.filter(|_| self.caption().is_some()) {
            Some(picture) => {
                pictures.paint(painter, palette, rect, theme::RADIUS, picture, opacity);
            }
            None => self.paint_placeholder(ui, rect),
        }
        let line = Stroke::new(1.0, palette.line);
        painter.rect_stroke(rect, theme::RADIUS, line, StrokeKind::Inside);
        if self.slot.chosen.is_some() {
            let corner = rect.left_top() + vec2(11.0, 11.0);
            let (ground, ink) = if self.is_open() {
                (palette.accent, palette.on_accent)
            } else {
                (palette.control_press, palette.text_soft)
            };
            painter.circle_filled(corner, 8.0, ground);
            let font = theme::icon(10.0);
            painter.text(corner, Align2::CENTER_CENTER, icons::PIN, font, ink);
        }
    }

    /// Glows while the model works and a picture can be expected.
    fn paint_placeholder(&self, ui: &Ui, rect: Rect) {
        let palette = theme::palette(ui);
        let is_expected = self.is_open() && self.slot.entry().is_some();
        let fill = if is_expected && self.state.is_drawing() {
            let seconds = ui.input(|input| input.time) - 0.15 * self.slot_idx as f64;
            let glow = (std::f64::consts::TAU * seconds / 1.6).sin() * 0.5 + 0.5;
            theme::keep_moving(ui);
            palette.field.lerp_to_gamma(palette.control_hover, glow as f32)
        } else {
            palette.field
        };
        ui.painter().rect_filled(rect, theme::RADIUS, fill);
        let icon = if is_expected { icons::IMAGE } else { icons::IMAGE_PLUS };
        let ink = palette.text_faint;
        ui.painter().text(rect.center(), Align2::CENTER_CENTER, icon, theme::icon(18.0), ink);
    }

    fn title_ui(&self, ui: &mut Ui, commands: &mut Vec<UiCommand>) {
        let palette = theme::palette(ui);
        let size = vec2(ui.available_width(), 18.0);
        ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
            let is_open = self.is_open();
            let label = format!("Use place {}", self.slot_idx + 1);
            let tip = if is_open { "Leave this place empty" } else { "Use this place again" };
            if widgets::switch(ui, &label, is_open).on_hover_text(tip).clicked() {
                let (slot_idx, is_open) = (self.slot_idx, !is_open);
                commands.push(InspiredCommand::SetOpen { slot_idx, is_open }.into());
            }
            ui.add_space(theme::SPACE_S);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let (text, ink) = match self.caption() {
                    Some(caption) if is_open => (caption, palette.text),
                    Some(caption) => (caption, palette.text_faint),
                    None if is_open => ("Empty", palette.text_faint),
                    None => ("Off", palette.text_faint),
                };
                let text = RichText::new(text).font(theme::strong()).color(ink);
                ui.add(Label::new(text).truncate());
            });
        });
    }

    /// Similarity, source and licence, as far as there is room.
    fn about_ui(&self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        let mut parts: Vec<String> = Vec::new();
        if self.caption().is_some() {
            match &self.slot.chosen {
                Some(Inspiration::Picture { .. }) => parts.push("Your picture".to_owned()),
                Some(Inspiration::Remembered(picture)) => {
                    parts.extend(
                        [
                            &memory_text(&picture.memory, picture.provenance),
                            &picture.source,
                            &picture.licence,
                        ]
                        .map(Clone::clone),
                    );
                }
                Some(Inspiration::Entry(_)) | None => {
                    if let Some(about) = self.slot.about() {
                        parts.extend(about.similarity.map(similarity_text));
                        parts.extend(
                            [
                                &memory_text(&about.memory, about.provenance),
                                &about.source,
                                &about.licence,
                            ]
                            .map(Clone::clone),
                        );
                    }
                }
            }
        } else if self.is_open() {
            parts.push(if self.state.settings.recipe.memory_on {
                "Nothing fits".to_owned()
            } else {
                "Choose or drop a picture".to_owned()
            });
        }
        parts.retain(|part| !part.is_empty());
        let ink = if self.is_open() { palette.text_soft } else { palette.text_faint };
        let text = RichText::new(parts.join(" · ")).font(theme::small()).color(ink);
        ui.add(Label::new(text).truncate().selectable(false));
    }

    fn buttons_ui(&self, ui: &mut Ui, commands: &mut Vec<UiCommand>) {
        let Self { slot_idx, .. } = *self;
        let place = slot_idx + 1;
        let is_open = self.is_open();
        ui.horizontal(|ui| {
            // In line with the text: the buttons show no edge.
            ui.add_space(-5.0);
            if self.slot.chosen.is_some() {
                let label = format!("Release place {place}");
                let button = Button::icon(icons::PIN, &label).min_size(BUTTON).selected(true);
                let tip = "Kept for other prompts too; click to give this place back to the memory";
                if button.enabled(is_open).show(ui).on_hover_text(tip).clicked() {
                    commands.push(InspiredCommand::Release(slot_idx).into());
                }
            } else {
                let label = format!("Keep place {place}");
                let can_keep = is_open && self.slot.entry().is_some();
                let button = Button::icon(icons::PIN, &label).min_size(BUTTON).enabled(can_keep);
                if button.show(ui).on_hover_text("Keep it for other prompts too").clicked() {
                    commands.push(InspiredCommand::Keep(slot_idx).into());
                }
            }
            let label = match self.caption() {
                Some(caption) => format!("Ban “{caption}” in place {place}"),
                None => format!("Ban what is in place {place}"),
            };
            let button = Button::icon(icons::BAN, &label).min_size(BUTTON);
            let tip = "Never use it again and take the next (Del)";
            if button.enabled(self.can_ban()).show(ui).on_hover_text(tip).clicked() {
                commands.push(InspiredCommand::Ban(slot_idx).into());
            }
            let label = match self.caption() {
                Some(caption) => format!("Replace “{caption}” in place {place}"),
                None => format!("Choose a picture for place {place}"),
            };
            let button = Button::icon(icons::IMAGE_PLUS, &label).min_size(BUTTON);
            let tip = "Take a picture of your own; you can also drop one here";
            if button.show(ui).on_hover_text(tip).clicked() {
                commands.push(UiCommand::ChoosePicture(slot_idx));
            }
            let label = format!("Show more candidates for place {place}");
            let more = Button::icon(icons::SEARCH, &label).min_size(BUTTON);
            if more.show(ui).on_hover_text("Show more candidates").clicked() {
                commands.push(InspiredCommand::ShowCandidates(slot_idx).into());
            }
        });
    }

    fn tooltip_ui(&self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        let faint = |ui: &mut Ui, text: &str| {
            ui.label(RichText::new(text).color(palette.text_faint));
        };
        match (&self.slot.chosen, self.slot.about()) {
            (Some(Inspiration::Picture { name, .. }), _) => {
                ui.label(RichText::new(name).font(theme::strong()));
                ui.label(RichText::new("A picture of your own").color(palette.text_soft));
            }
            (Some(Inspiration::Remembered(picture)), None) => {
                ui.label(RichText::new(&picture.caption).font(theme::strong()));
                faint(ui, "Kept for the next picture");
            }
            (_, Some(about)) => provenance_ui(ui, about),
            (Some(Inspiration::Entry(_)), None) => faint(ui, "Kept for the next picture"),
            (None, None) => {}
        }
        faint(ui, "Click for more candidates");
        if self.caption().is_some() {
            faint(ui, "Drag it onto another place to exchange both (Alt+← or →)");
        }
    }
}

fn row_id(slot_idx: usize) -> Id {
    Id::unique(("inspired by", slot_idx))
}
