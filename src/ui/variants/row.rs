//! One row of *Variants*: a dot in its lane, the picture, and how it came about.

use std::ops::Range;

use egui::{
    Align2, Color32, Id, Key, Mesh, Pos2, Rect, RectAlign, Response, Role, Sense, Shape, Stroke,
    StrokeKind, Tooltip, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::MAX_LANES;
use crate::state::Node;
use crate::state::branches::LanePlace;
use crate::ui::add_inspiration_command::AddInspirationCommand;
use crate::ui::command::UiCommand;
use crate::ui::pictures::Pictures;
use crate::ui::words::Words;
use crate::ui::{icons, node_text, theme, widgets};

pub(super) const ROW_HEIGHT: f32 = 52.0;
const THUMBNAIL: f32 = 44.0;
const LANE: f32 = 11.0;
const LEFT: f32 = 10.0;
const DOT: f32 = 3.5;
const BUTTON: f32 = 20.0;

pub(super) struct RowUi<'a> {
    pub(super) row: usize,
    pub(super) place: LanePlace,
    pub(super) node: &'a Node,
    pub(super) is_current: bool,
    pub(super) is_compact: bool,
    pub(super) n_lanes: usize,
}

impl RowUi<'_> {
    pub(super) fn show(
        &self,
        ui: &mut Ui,
        rect: Rect,
        pictures: &mut Pictures,
        commands: &mut Vec<UiCommand>,
    ) {
        let palette = theme::palette(ui);
        let id = self.node.id;
        // The id of the widget is that of the node, so that the focus stays where it is.
        let response = ui.interact(rect, Id::unique(("variant", id.0)), Sense::click());
        let label = self.label();
        response.widget_info(|| {
            WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), self.is_current, &label)
        });
        let is_near = ui.rect_contains_pointer(rect) || response.has_focus();
        let inner = rect.shrink2(vec2(4.0, 1.0));
        let left = rect.left() + LEFT + self.n_lanes as f32 * LANE;
        let behind = inner.with_min_x(left - 4.0);
        if self.is_current {
            ui.painter().rect_filled(behind, theme::RADIUS, palette.accent_soft);
        } else if is_near {
            ui.painter().rect_filled(behind, theme::RADIUS, palette.control);
        }
        self.paint_dot(ui, rect);

        let corner = pos2(left, rect.center().y - THUMBNAIL / 2.0);
        let thumbnail = Rect::from_min_size(corner, Vec2::splat(THUMBNAIL));
        let painter = ui.painter();
        pictures.paint(painter, palette, thumbnail, theme::RADIUS, &self.node.picture, 1.0);
        let edge = if self.is_current { palette.accent_text } else { palette.line };
        painter.rect_stroke(thumbnail, theme::RADIUS, Stroke::new(1.0, edge), StrokeKind::Inside);
        if !self.is_compact {
            self.paint_text(ui, rect.with_min_x(thumbnail.right() + theme::SPACE_S), is_near);
        }
        if response.has_focus() {
            widgets::focus_ring(ui, &response.clone().with_new_rect(behind), theme::RADIUS);
            if ui.input(|input| input.key_pressed(Key::Delete)) {
                commands.push(UiCommand::DeleteNode(id));
            }
        }
        self.buttons_ui(ui, rect, thumbnail, is_near, commands);
        if response.clicked() {
            commands.push(UiCommand::ShowNode(id));
        }
        self.menu_ui(&response, commands);
        // Beside the panel: below, it would lie on the next rows.
        let mut tooltip = Tooltip::for_enabled(&response);
        tooltip.popup = tooltip.popup.align(RectAlign::LEFT).gap(theme::SPACE_S);
        tooltip.show(|ui| self.tooltip_ui(ui));
    }

    fn label(&self) -> String {
        let star = if self.node.about.is_starred { ", starred" } else { "" };
        format!("Variant {}: {}{star}", self.row + 1, node_text::origin(self.node))
    }

    fn paint_dot(&self, ui: &Ui, rect: Rect) {
        let palette = theme::palette(ui);
        let centre = dot_at(rect, self.place.lane);
        let (fill, edge) = if self.is_current {
            (palette.accent, palette.accent)
        } else if self.node.is_complete() {
            (palette.text_faint, palette.text_faint)
        } else {
            // Something is missing.
            (palette.panel, palette.text_soft)
        };
        ui.painter().circle(centre, DOT, fill, Stroke::new(1.5, edge));
    }

    fn paint_text(&self, ui: &Ui, rect: Rect, is_near: bool) {
        let palette = theme::palette(ui);
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        let ink = if self.is_current { palette.accent_text } else { palette.text };
        let middle = rect.center().y;
        let top = pos2(rect.left(), middle - 1.0);
        painter.text(top, Align2::LEFT_BOTTOM, node_text::origin(self.node), theme::body(), ink);
        let seed = self.node.about.seeds.last().copied().unwrap_or_default();
        let below = pos2(rect.left(), middle + 1.0);
        let beside_buttons = rect.with_max_x(rect.right() - 2.0 * BUTTON - theme::SPACE_M);
        let room = if is_near { beside_buttons } else { rect };
        let painter = ui.painter().with_clip_rect(room.intersect(ui.clip_rect()));
        painter.text(
            below,
            Align2::LEFT_TOP,
            format!("Seed {seed}"),
            theme::small(),
            palette.text_faint,
        );
    }

    fn buttons_ui(
        &self,
        ui: &Ui,
        rect: Rect,
        thumbnail: Rect,
        is_near: bool,
        commands: &mut Vec<UiCommand>,
    ) {
        let id = self.node.id;
        let is_starred = self.node.about.is_starred;
        let palette = theme::palette(ui);
        if is_starred {
            let centre = thumbnail.right_top() + vec2(-7.0, 7.0);
            ui.painter().circle_filled(centre, 7.0, palette.scrim);
            paint_star(ui, centre, 5.0, palette.on_scrim);
        }
        if self.is_compact {
            return;
        }
        let square = |n_from_right: f32| {
            // On the second line, so that the first can still be read.
            let centre = pos2(
                rect.right() - theme::SPACE_S - (n_from_right + 0.5) * BUTTON,
                rect.center().y + 10.0,
            );
            Rect::from_center_size(centre, Vec2::splat(BUTTON))
        };
        let number = self.row + 1;
        let button = |place: Rect, label: String| {
            let response = ui.interact(place, Id::unique(&label).with(id.0), Sense::click());
            response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), &label));
            let is_offered = is_near || response.has_focus();
            let ink = if response.hovered() { palette.text } else { palette.text_soft };
            widgets::focus_ring(ui, &response, theme::RADIUS);
            (response, is_offered, ink)
        };
        let (verb, tip) = if is_starred {
            ("Unstar", "Take the star away")
        } else {
            ("Star", "Mark it; it is never thinned out")
        };
        let (star, is_offered, ink) = button(square(1.0), format!("{verb} variant {number}"));
        if is_offered {
            let ink = if is_starred { palette.accent_text } else { ink };
            paint_star(ui, square(1.0).center(), 6.0, ink);
        }
        if star.on_hover_text(tip).clicked() {
            commands.push(UiCommand::StarNode { node: id, is_starred: !is_starred });
        }
        let (delete, is_offered, ink) = button(square(0.0), format!("Delete variant {number}"));
        if is_offered {
            let middle = square(0.0).center();
            let font = theme::icon(13.0);
            ui.painter().text(middle, Align2::CENTER_CENTER, icons::TRASH, font, ink);
        }
        if delete.on_hover_text("Take it off the list; undo brings it back").clicked() {
            commands.push(UiCommand::DeleteNode(id));
        }
    }

    fn menu_ui(&self, response: &Response, commands: &mut Vec<UiCommand>) {
        let id = self.node.id;
        let is_starred = self.node.about.is_starred;
        response.context_menu(|ui| {
            if ui.button("Show").clicked() {
                commands.push(UiCommand::ShowNode(id));
                ui.close();
            }
            if ui.button("More like this").clicked() {
                commands.push(AddInspirationCommand::MoreLikeNode(id).into());
                ui.close();
            }
            if ui.button(if is_starred { "Unstar" } else { "Star" }).clicked() {
                commands.push(UiCommand::StarNode { node: id, is_starred: !is_starred });
                ui.close();
            }
            if ui.button("Delete").clicked() {
                commands.push(UiCommand::DeleteNode(id));
                ui.close();
            }
        });
    }

    fn tooltip_ui(&self, ui: &mut Ui) {
        const MAX_CHARS: usize = 120;
        let palette = theme::palette(ui);
        let about = &self.node.about;
        let soft = |ui: &mut Ui, text: String| {
            ui.label(egui::RichText::new(text).color(palette.text_soft));
        };
        ui.label(egui::RichText::new(node_text::origin(self.node)).font(theme::strong()));
        let prompt: String = about.recipe.prompt.trim().chars().take(MAX_CHARS).collect();
        if !prompt.is_empty() {
            soft(ui, prompt);
        }
        soft(ui, node_text::seeds(self.node));
        let (n_done, n_scales) = (self.node.ids.len(), self.node.n_scales);
        if n_done < n_scales {
            let many = Words::of_ids(&self.node.ids).many;
            soft(ui, format!("{n_done} of {n_scales} {many}"));
        }
        let hint = "Click to bring it back, Delete takes it off the list";
        ui.label(egui::RichText::new(hint).color(palette.text_faint));
    }
}

/// Lines from each picture to what it was made from, behind the rows.
pub(super) fn paint_lines(
    ui: &Ui,
    places: &[LanePlace],
    range: &Range<usize>,
    rect_of: impl Fn(usize) -> Rect,
) {
    let stroke = Stroke::new(1.5, theme::palette(ui).line_strong);
    let painter = ui.painter();
    for (row, place) in places.iter().enumerate() {
        let Some((parent_row, parent_lane)) = place.parent else { continue };
        // A line between rows that are both out of sight on the same side is out of sight too.
        if row < range.start || parent_row >= range.end {
            continue;
        }
        let from = dot_at(rect_of(parent_row), parent_lane);
        let to = dot_at(rect_of(row), place.lane);
        if (from.x - to.x).abs() < 0.5 {
            painter.line_segment([from, to], stroke);
        } else {
            // Leaves the parent aside, then goes down in the lane of the child.
            let bend = pos2(to.x, from.y + ROW_HEIGHT * 0.35);
            painter.line_segment([from, bend], stroke);
            painter.line_segment([bend, to], stroke);
        }
    }
}

fn dot_at(rect: Rect, lane: usize) -> Pos2 {
    let lane = lane.min(MAX_LANES - 1) as f32;
    pos2(rect.left() + LEFT + (lane + 0.5) * LANE - 2.0, rect.center().y)
}

/// A filled five-pointed star. The icons' font has it in outline only.
fn paint_star(ui: &Ui, centre: Pos2, radius: f32, ink: Color32) {
    const N_CORNERS: u16 = 10;
    let corner = |idx: u16| {
        let turn = f32::from(idx) / f32::from(N_CORNERS) - 0.25;
        let length = if idx.is_multiple_of(2) { radius } else { 0.45 * radius };
        centre + length * Vec2::angled(turn * std::f32::consts::TAU)
    };
    let mut mesh = Mesh::default();
    mesh.colored_vertex(centre, ink);
    for idx in 0..N_CORNERS {
        mesh.colored_vertex(corner(idx), ink);
        let next = (idx + 1) % N_CORNERS;
        mesh.add_triangle(0, u32::from(idx) + 1, u32::from(next) + 1);
    }
    ui.painter().add(Shape::mesh(mesh));
}
