//! Picture files dropped onto the window.

use std::path::PathBuf;

use egui::{Align2, Context, CornerRadius, Rect, Stroke, StrokeKind, Ui, vec2};

use super::add_inspiration_command::AddInspirationCommand;
use super::command::UiCommand;
use super::import_command::ImportCommand;
use super::project_command::ProjectCommand;
use super::{UiState, icons, theme};
use crate::state::AppState;
use crate::state::project::is_project_name;

/// Files dropped on a place of *Inspired by* go there and into the places after it. Anywhere else
/// a picture goes onto the layer under the pointer, or asks what it shall become. Some systems do
/// not say where the pointer is while a file is dragged; then it asks as well.
pub(super) fn dropped_files(ctx: &Context, view: &UiState, commands: &mut Vec<UiCommand>) {
    let files = ctx.input(|input| input.raw.dropped_files.clone());
    if files.is_empty() {
        return;
    }
    let mut paths = files.iter().map(|file| PathBuf::from(file.path())).peekable();
    // A project is opened, wherever it is dropped.
    if let Some(path) = paths.next_if(|path| is_project_name(path)) {
        commands.push(ProjectCommand::Open(path).into());
        return;
    }
    let pointer = ctx.pointer_latest_pos();
    let is_aimed_at = |rect: &Rect| pointer.is_some_and(|pos| rect.contains(pos));
    if let Some(first) = view.slot_rects.iter().position(is_aimed_at) {
        let open = AddInspirationCommand::Open { slot_idx: first, paths: paths.collect() };
        commands.push(open.into());
        return;
    }
    let layer = view.layer_rects.iter().find(|(_, rect)| is_aimed_at(rect));
    let onto = layer.map(|(kind, _)| *kind);
    commands.push(ImportCommand::Open { paths: paths.collect(), onto }.into());
}

/// Marks a place for a picture, while one is being dragged.
pub(super) fn place_ui(ui: &Ui, rect: Rect) {
    if ui.input(|input| input.raw.hovered_files.is_empty()) {
        return;
    }
    let palette = theme::palette(ui);
    if ui.ctx().pointer_latest_pos().is_some_and(|pos| rect.contains(pos)) {
        ui.painter().rect_filled(rect, theme::RADIUS, palette.scrim);
    }
    let stroke = Stroke::new(2.0, palette.accent_text);
    let radius = theme::RADIUS + CornerRadius::same(2);
    ui.painter().rect_stroke(rect.expand(2.0), radius, stroke, StrokeKind::Inside);
}

/// Says that a picture can be dropped on the canvas, while one is being dragged.
pub(super) fn drop_target_ui(ui: &Ui, canvas: Rect, state: &AppState) {
    let text = if state.slots.is_empty() {
        "A saved picture comes back whole; any other becomes lines, depth or colours"
    } else {
        "A saved picture comes back whole; any other becomes lines, depth, colours or an \
         inspiration"
    };
    target_ui(ui, canvas, icons::IMAGE_PLUS, "Drop the picture here", text);
}

/// Says what becomes of files that are dropped on an area, while some are being dragged.
pub(super) fn target_ui(ui: &Ui, canvas: Rect, icon: &str, title: &str, text: &str) {
    if ui.input(|input| input.raw.hovered_files.is_empty()) {
        return;
    }
    let palette = theme::palette(ui);
    let painter = ui.painter_at(canvas);
    let target = canvas.shrink(theme::SPACE_L);
    painter.rect_filled(target, theme::RADIUS_LARGE, palette.scrim);
    let edge = Stroke::new(2.0, palette.accent);
    painter.rect_stroke(target, theme::RADIUS_LARGE, edge, StrokeKind::Inside);
    let centre = target.center();
    let ink = palette.on_scrim;
    let line = |offset: f32, text: &str, font| {
        painter.text(centre + vec2(0.0, offset), Align2::CENTER_CENTER, text, font, ink);
    };
    line(-28.0, icon, theme::icon(28.0));
    line(6.0, title, theme::title());
    line(28.0, text, theme::body());
}
