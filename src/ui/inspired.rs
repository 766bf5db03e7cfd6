//! *Inspired by*: the pictures that the model looks at while it draws. Each can be banned, kept,
//! or replaced by a picture of the user's own.

use egui::{
    Align, Align2, Label, Layout, Rect, Response, RichText, Role, Sense, Stroke, StrokeKind, Ui,
    Vec2, WidgetInfo, vec2,
};

use super::command::UiCommand;
use super::pictures::Pictures;
use super::widgets::{self, Button, SliderRow};
use super::{UiState, drop, icons, side_panel, theme};
use crate::protocol::InspiredBy;
use crate::state::{AppState, Slot};

pub(super) fn inspired_ui(
    ui: &mut Ui,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let recipe = &state.settings.recipe;
    ui.horizontal(|ui| {
        widgets::section(ui, "Inspired by");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let switch = widgets::switch(ui, "Picture memory", recipe.memory_on);
            let tip = "Looks up remembered pictures that fit the prompt";
            if switch.on_hover_text(tip).clicked() {
                commands.push(UiCommand::SetMemory(!recipe.memory_on));
            }
            widgets::caption(ui, "Memory");
        });
    });

    let is_dragging = ui.input(|input| !input.raw.hovered_files.is_empty());
    let n_slots = state.slots.len() as f32;
    let side =
        ((ui.available_width() - (n_slots - 1.0) * theme::SPACE_S) / n_slots).floor().min(128.0);
    view.slot_rects.clear();
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing = vec2(theme::SPACE_S, theme::SPACE_XS);
        for (slot_idx, slot) in state.slots.iter().enumerate() {
            ui.push_id(slot_idx, |ui| {
                ui.allocate_ui_with_layout(vec2(side, 0.0), Layout::top_down(Align::Min), |ui| {
                    ui.set_width(side);
                    let slot_ui = SlotUi { slot_idx, slot, state, side };
                    let rect = slot_ui.show(ui, &mut view.pictures, commands);
                    drop::place_ui(ui, rect);
                    view.slot_rects.push(rect);
                });
            });
        }
    });
    let hint = match (is_dragging, recipe.memory_on) {
        (true, _) => Some("Drop the picture on one of these places"),
        (false, false) => Some("The memory is off: only pictures of your own are used"),
        (false, true) => None,
    };
    if let Some(hint) = hint {
        side_panel::hint(ui, hint);
    }

    let strength = SliderRow {
        label: "Reference strength",
        explanation: "How closely the first picture is followed, place by place; 0 only borrows \
                      from it",
        value: recipe.reference_strength,
        range: 0.0..=2.0,
        max: 2.0,
        decimals: 2,
    };
    commands.extend(strength.show(ui).map(UiCommand::SetReferenceStrength));
    banned_ui(ui, state, commands);
}

fn banned_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let banned = &state.settings.banned;
    if banned.is_empty() {
        return;
    }
    widgets::fold(ui, "Banned pictures", |ui| {
        for entry in banned {
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let label = format!("Allow “{}” again", entry.caption);
                    let button = Button::icon(icons::UNDO, &label);
                    if button.show(ui).on_hover_text(&label).clicked() {
                        commands.push(UiCommand::Unban(entry.entry));
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.add(Label::new(&entry.caption).truncate());
                    });
                });
            });
        }
    });
}

struct SlotUi<'a> {
    slot_idx: usize,
    slot: &'a Slot,
    state: &'a AppState,
    side: f32,
}

impl SlotUi<'_> {
    /// Returns where a picture can be dropped.
    fn show(&self, ui: &mut Ui, pictures: &mut Pictures, commands: &mut Vec<UiCommand>) -> Rect {
        let response = self.thumbnail_ui(ui, pictures);
        if response.clicked() {
            commands.push(match (self.slot.entry(), &self.slot.chosen) {
                (Some(_), None) => UiCommand::BanSlot(self.slot_idx),
                _ => UiCommand::ChoosePicture(self.slot_idx),
            });
        }
        let palette = theme::palette(ui);
        let caption = self.slot.caption().unwrap_or("Empty");
        let ink =
            if self.slot.caption().is_some() { palette.text_soft } else { palette.text_faint };
        let text = RichText::new(caption).font(theme::small()).color(ink);
        ui.add(Label::new(text).truncate());
        self.buttons_ui(ui, commands);
        response.rect
    }

    fn thumbnail_ui(&self, ui: &mut Ui, pictures: &mut Pictures) -> Response {
        let palette = theme::palette(ui);
        let (rect, response) = ui.allocate_exact_size(Vec2::splat(self.side), Sense::click());
        let place = self.slot_idx + 1;
        let (verb, icon) = match (self.slot.entry(), &self.slot.chosen) {
            (Some(_), None) => ("Ban", icons::BAN),
            (_, Some(_)) => ("Replace", icons::IMAGE_PLUS),
            (None, None) => ("Choose", icons::IMAGE_PLUS),
        };
        let label = match self.slot.caption() {
            Some(caption) => format!("{verb} “{caption}” in place {place}"),
            None => format!("{verb} a picture for place {place}"),
        };
        response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), &label));

        let painter = ui.painter();
        match self.slot.picture(&self.state.thumbnails) {
            Some(picture) => pictures.paint(painter, palette, rect, theme::RADIUS, picture, 1.0),
            None => self.paint_placeholder(ui, rect),
        }
        let is_offered = response.hovered() || response.has_focus();
        if is_offered && self.slot.caption().is_some() {
            painter.rect_filled(rect, theme::RADIUS, palette.scrim);
            let middle = rect.center();
            let icon_pos = middle - vec2(0.0, 9.0);
            painter.text(
                icon_pos,
                Align2::CENTER_CENTER,
                icon,
                theme::icon(18.0),
                palette.on_scrim,
            );
            let text_pos = middle + vec2(0.0, 12.0);
            painter.text(text_pos, Align2::CENTER_CENTER, verb, theme::small(), palette.on_scrim);
        }
        let edge = if is_offered { palette.line_strong } else { palette.line };
        painter.rect_stroke(rect, theme::RADIUS, Stroke::new(1.0, edge), StrokeKind::Inside);
        if self.slot.chosen.is_some() {
            let corner = rect.left_top() + vec2(12.0, 12.0);
            painter.circle_filled(corner, 9.0, palette.accent);
            painter.text(
                corner,
                Align2::CENTER_CENTER,
                icons::PIN,
                theme::icon(11.0),
                palette.on_accent,
            );
        }
        widgets::focus_ring(ui, &response, theme::RADIUS);
        response.on_hover_ui(|ui| self.tooltip_ui(ui))
    }

    /// Glows while the model works and a thumbnail can be expected.
    fn paint_placeholder(&self, ui: &Ui, rect: Rect) {
        let palette = theme::palette(ui);
        let is_expected = self.slot.entry().is_some();
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

    fn buttons_ui(&self, ui: &mut Ui, commands: &mut Vec<UiCommand>) {
        let place = self.slot_idx + 1;
        let size = Vec2::splat(24.0);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            if self.slot.chosen.is_some() {
                let label = format!("Release place {place}");
                let button = Button::icon(icons::CLOSE, &label).min_size(size);
                let tip = "Give this place back to the memory";
                if button.show(ui).on_hover_text(tip).clicked() {
                    commands.push(UiCommand::ReleaseSlot(self.slot_idx));
                }
            } else {
                let label = format!("Keep place {place}");
                let is_filled = self.slot.entry().is_some();
                let button = Button::icon(icons::PIN, &label).min_size(size).enabled(is_filled);
                if button.show(ui).on_hover_text("Keep it for other prompts too").clicked() {
                    commands.push(UiCommand::KeepSlot(self.slot_idx));
                }
            }
            let label = format!("Choose a file for place {place}");
            let button = Button::icon(icons::IMAGE_PLUS, &label).min_size(size);
            let tip = "Choose a picture of your own, or drop one here";
            if button.show(ui).on_hover_text(tip).clicked() {
                commands.push(UiCommand::ChoosePicture(self.slot_idx));
            }
        });
    }

    fn tooltip_ui(&self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        let faint = |text: &str| RichText::new(text).color(palette.text_faint);
        match (&self.slot.used, &self.slot.chosen) {
            (_, Some(crate::protocol::Inspiration::Picture { name, .. })) => {
                ui.label(RichText::new(name).font(theme::strong()));
                ui.label(faint("A picture of your own; click to replace it"));
            }
            (Some(used), chosen) => {
                provenance_ui(ui, used);
                let hint = match chosen {
                    Some(_) => "Kept; click to replace it",
                    None => "Click to ban it and take the next",
                };
                ui.label(faint(hint));
            }
            (None, Some(_)) => {
                ui.label(faint("Kept for the next picture"));
            }
            (None, None) => {
                ui.label(faint("Click to choose a picture, or drop one here"));
            }
        }
    }
}

/// Where a remembered picture comes from.
fn provenance_ui(ui: &mut Ui, used: &InspiredBy) {
    let palette = theme::palette(ui);
    ui.label(RichText::new(&used.caption).font(theme::strong()));
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            ui.label(RichText::new(format!("{name}: {value}")).color(palette.text_soft));
        }
    };
    line("Style", &used.style);
    line("Source", &used.source);
    line("Licence", &used.licence);
    if let Some(similarity) = used.similarity {
        line("Similarity", &format!("{:.0} %", 100.0 * similarity));
    }
}
