//! The scale strip: one still per scale, coarse to fine. It is progress display, film and
//! timeline in one. A scale that is not drawn yet shows its token grid; the one being drawn
//! flickers token by token; a click on a still, or dragging along them, brings it onto the canvas.
//! A click on the shown still of a picture that is being drawn stops it there. A line over the
//! first scales says that they are kept.

mod cell;

use egui::{
    Align2, Id, Pos2, Rect, Role, ScrollArea, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use self::cell::{Cell, Content};
use super::command::{Action, UiCommand};
use super::pictures::Pictures;
use super::words::Words;
use super::{icons, theme, widgets};
use crate::state::{AppState, Job, Kept};

const GAP: f32 = theme::SPACE_S;
const LABEL_HEIGHT: f32 = 20.0;
const MARGIN: Vec2 = vec2(theme::SPACE_L, theme::SPACE_M);
const MIN_CELL: f32 = 44.0;
const MAX_CELL: f32 = 92.0;
/// Scales for which room is kept until the model has told.
const EXPECTED_SCALES: usize = 8;

/// Height of the strip in a window part of this width.
pub(super) fn height(width: f32, state: &AppState) -> f32 {
    cell_side(width, n_scales(state)) + LABEL_HEIGHT + 2.0 * MARGIN.y
}

/// The strip; adds what the user wants of the picture's scales.
pub(super) fn scale_strip_ui(
    ui: &mut Ui,
    state: &AppState,
    pictures: &mut Pictures,
    commands: &mut Vec<UiCommand>,
) {
    let scales = state.model().map_or(&[][..], |model| &model.scales);
    let side = cell_side(ui.available_width(), n_scales(state));
    let width = scales.len() as f32 * (side + GAP) - GAP;
    if scales.is_empty() {
        skeleton(ui, side);
        return;
    }
    let is_near = ui.rect_contains_pointer(ui.max_rect());
    ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
        let room = ui.available_rect_before_wrap();
        let left = (room.center().x - width / 2.0).max(room.left() + MARGIN.x);
        let top = room.top() + MARGIN.y;
        let place = |scale_idx: usize| {
            let pos = pos2(left + scale_idx as f32 * (side + GAP), top);
            Rect::from_min_size(pos, Vec2::splat(side))
        };
        let mut shown = None;
        for (scale_idx, grid_side) in scales.iter().enumerate() {
            let cell = Cell {
                scale_idx,
                grid_side: *grid_side,
                rect: place(scale_idx),
                content: Content::of(state, scale_idx),
            };
            let response = cell.show(ui, state, pictures);
            if response.clicked() {
                let stops = matches!(cell.content, Content::Shown(_))
                    && state.job.as_ref().is_some_and(Job::is_running);
                commands.push(if stops {
                    Action::StopOrContinue.into()
                } else {
                    UiCommand::ScrubTo(Some(scale_idx))
                });
            }
            if response.dragged()
                && let Some(pos) = response.interact_pointer_pos()
            {
                let at = ((pos.x - left) / (side + GAP)).max(0.0) as usize;
                commands.extend(scrubbed(state, at));
            }
            if matches!(cell.content, Content::Shown(_)) {
                shown = Some(cell);
            }
        }
        if let Some(cell) = shown {
            cell.actions_ui(ui, state, is_near, commands);
        }
        let n_kept = state.steering.kept.as_ref().map_or(0, Kept::n_scales);
        if n_kept > 0 && n_kept <= scales.len() {
            let from = place(0).left_top();
            kept_ui(ui, state, from, place(n_kept - 1).right(), n_kept, commands);
        }
    });
}

/// The still nearest to where the pointer was dragged, unless it is shown.
pub(super) fn scrubbed(state: &AppState, at: usize) -> Option<UiCommand> {
    let job = state.job.as_ref()?;
    let there = (0..job.stills.len()).filter(|idx| job.still(*idx).is_some());
    let nearest = there.min_by_key(|idx| idx.abs_diff(at))?;
    let is_shown = state.shown().is_some_and(|shown| shown.scale_idx == nearest);
    (!is_shown).then_some(UiCommand::ScrubTo(Some(nearest)))
}

/// A line over the scales that the next picture takes over, with a pin; a click lets them go.
pub(super) fn kept_ui(
    ui: &mut Ui,
    state: &AppState,
    from: Pos2,
    right: f32,
    n_kept: usize,
    commands: &mut Vec<UiCommand>,
) {
    let palette = theme::palette(ui);
    let rect = Rect::from_min_max(from - vec2(0.0, MARGIN.y - 1.0), pos2(right, from.y - 1.0));
    let is_held = state.steering.is_held;
    let sense = if is_held { Sense::hover() } else { Sense::click() };
    let response = ui.interact(rect, Id::unique("kept scales"), sense);
    let words = Words::of_model(state);
    let label = if is_held {
        format!("Stopped: these {} are kept", words.many)
    } else {
        format!("Let go of the kept {}", words.many)
    };
    let role = if is_held { Role::Label } else { Role::Button };
    response.widget_info(|| WidgetInfo::labeled(role, true, &label));
    let ink = if response.hovered() { palette.accent_hover } else { palette.accent_text };
    let y = rect.center().y;
    let painter = ui.painter();
    let pin = pos2(rect.left() + 5.0, y);
    painter.text(pin, Align2::CENTER_CENTER, icons::PIN, theme::icon(10.0), ink);
    painter.hline(rect.left() + 13.0..=rect.right() - 1.0, y, Stroke::new(2.0, ink));
    widgets::focus_ring(ui, &response, theme::RADIUS);
    if response.clicked() {
        commands.push(UiCommand::LetGo);
    }
    let which = match n_kept {
        1 => format!("{} 1 is", words.one_first),
        _ => format!("{} 1–{n_kept} are", words.many_first),
    };
    response.on_hover_text(if is_held {
        format!("{which} kept; {} draws the rest", Action::StopOrContinue.key_text(ui.ctx()))
    } else {
        format!(
            "{which} kept: changes draw the {} anew\nClick to draw all of them again",
            words.later
        )
    });
}

fn n_scales(state: &AppState) -> usize {
    state.model().map_or(EXPECTED_SCALES, |model| model.scales.len())
}

fn cell_side(width: f32, n_scales: usize) -> f32 {
    let n_scales = n_scales.max(1) as f32;
    let room = width - 2.0 * MARGIN.x - (n_scales - 1.0) * GAP;
    (room / n_scales).floor().clamp(MIN_CELL, MAX_CELL)
}

/// Keeps the places until the model has told its scales.
fn skeleton(ui: &mut Ui, side: f32) {
    let room = ui.available_rect_before_wrap();
    let step = side + GAP;
    let left = room.center().x - (EXPECTED_SCALES as f32 * step - GAP) / 2.0;
    for idx in 0..EXPECTED_SCALES {
        let pos = pos2(left + idx as f32 * step, room.top() + MARGIN.y);
        let cell = Rect::from_min_size(pos, Vec2::splat(side));
        ui.painter().rect_filled(cell, theme::RADIUS, theme::palette(ui).field);
    }
}
