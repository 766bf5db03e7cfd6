//! Taking a part of the picture on the canvas as an inspiration: a drag draws its outline, letting
//! go takes it, a click takes the whole picture.

use egui::{
    Align2, Id, Key, Modifiers, PointerButton, Pos2, Rect, Response, RichText, Stroke, StrokeKind,
    Ui, vec2,
};

use super::add_inspiration_command::AddInspirationCommand;
use super::canvas_view::{CanvasView, Pane};
use super::command::UiCommand;
use super::widgets::{self, Button};
use super::{UiState, icons, theme};
use crate::document::Point;
use crate::state::AppState;
use crate::state::add_inspiration::CanvasPart;

/// What the hand is doing.
#[derive(Debug, Default)]
pub(super) struct PartInHand {
    /// The mode was on in the last frame.
    was_on: bool,
    drag: Option<Drag>,
}

#[derive(Debug, Clone, Copy)]
struct Drag {
    part: CanvasPart,
    /// The outline stays in the pane where it began.
    pane: Pane,
}

/// Draws the outline over the canvas, if a part is to be taken; `covered` lies over the canvas and
/// belongs to something else.
pub(super) fn part_ui(
    ui: &Ui,
    canvas: &Response,
    covered: Rect,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    if !state.adding.is_taking_part {
        view.part = PartInHand::default();
        return;
    }
    let begins = !std::mem::replace(&mut view.part.was_on, true);
    if begins {
        // For those who work by keys: Enter takes the whole picture.
        canvas.request_focus();
    }
    let is_reading = view.is_help_open || view.was_in_text;
    if !is_reading && let Some(command) = key_wish(ui, canvas.id, view.part.drag) {
        commands.push(command.into());
        view.part.drag = None;
        return;
    }
    let pans = ui.input(|input| input.key_down(Key::Space));
    let origin = ui.input(|input| input.pointer.press_origin());
    let is_ours =
        origin.is_some_and(|origin| canvas.rect.contains(origin) && !covered.contains(origin));
    let is_down = canvas.is_pointer_button_down_on()
        && ui.input(|input| input.pointer.button_down(PointerButton::Primary));
    if is_down && is_ours && !pans {
        view.part.drag = origin.and_then(|from| drag(ui, &view.canvas, from));
    }
    let is_let_go = ui.input(|input| input.pointer.button_released(PointerButton::Primary));
    if is_let_go && let Some(Drag { mut part, pane }) = view.part.drag.take() {
        // The last movement may have come with the release.
        let last = ui.ctx().pointer_latest_pos();
        part.to = last.and_then(|pos| view.canvas.canvas_point_in(pane, pos)).unwrap_or(part.to);
        commands.push(AddInspirationCommand::UsePart(Some(part)).into());
        return;
    }
    match view.part.drag.filter(|drag| drag.part.is_meant()) {
        Some(drag) => paint_outline(ui, canvas.rect, &view.canvas, drag),
        None => hint_ui(ui, canvas.rect),
    }
}

fn drag(ui: &Ui, canvas: &CanvasView, from: Pos2) -> Option<Drag> {
    let pane = canvas.panes().nearest(from);
    let to = ui.ctx().pointer_latest_pos().unwrap_or(from);
    let point = |pos| canvas.canvas_point_in(pane, pos);
    Some(Drag { part: CanvasPart { from: point(from)?, to: point(to)? }, pane })
}

/// Enter takes what is outlined or all, and Esc leaves, unless another control has the keyboard.
fn key_wish(ui: &Ui, canvas: Id, drag: Option<Drag>) -> Option<AddInspirationCommand> {
    let pressed = |key| ui.ctx().input_mut(|input| input.consume_key(Modifiers::NONE, key));
    if pressed(Key::Escape) {
        return Some(AddInspirationCommand::TakePart(false));
    }
    let focused = ui.ctx().memory(egui::Memory::focused);
    let is_free = focused.is_none_or(|id| id == canvas);
    let wish = AddInspirationCommand::UsePart(drag.map(|drag| drag.part));
    (is_free && pressed(Key::Enter)).then_some(wish)
}

/// The part stays bright, and its size stands beside it.
fn paint_outline(ui: &Ui, area: Rect, canvas: &CanvasView, Drag { part, pane }: Drag) {
    let palette = theme::palette(ui);
    let painter = ui.painter_at(area);
    let corner = |point: Point| canvas.ui_point_in(pane, point);
    let outline = Rect::from_two_pos(corner(part.from), corner(part.to));
    let (left, right) = (area.with_max_x(outline.left()), area.with_min_x(outline.right()));
    let middle = area.with_min_x(outline.left()).with_max_x(outline.right());
    let (above, below) = (middle.with_max_y(outline.top()), middle.with_min_y(outline.bottom()));
    for around in [left, right, above, below] {
        if around.is_positive() {
            painter.rect_filled(around, 0.0, palette.scrim);
        }
    }
    painter.rect_stroke(outline, 0.0, Stroke::new(1.0, palette.ink_halo), StrokeKind::Inside);
    painter.rect_stroke(outline, 0.0, Stroke::new(2.0, palette.accent), StrokeKind::Outside);
    let side = |axis: usize| (part.to[axis] - part.from[axis]).abs().round();
    let text = format!("{} × {}", side(0), side(1));
    let galley = painter.layout_no_wrap(text, theme::small(), palette.on_scrim);
    let size = galley.size() + vec2(theme::SPACE_M, theme::SPACE_S - 2.0);
    let under = outline.left_bottom() + vec2(-2.0, theme::SPACE_XS);
    let place = Align2::LEFT_TOP.anchor_size(under, size);
    let place = if area.contains_rect(place) {
        place
    } else {
        Align2::LEFT_BOTTOM.anchor_size(outline.left_bottom() + vec2(4.0, -6.0), size)
    };
    painter.rect_filled(place, theme::RADIUS, palette.scrim);
    painter.galley(place.center() - galley.size() / 2.0, galley, palette.on_scrim);
}

/// What to do now.
fn hint_ui(ui: &Ui, area: Rect) {
    const TEXT: &str = "Drag over a part of the picture · click for all of it · Esc leaves";
    let palette = theme::palette(ui);
    let painter = ui.painter_at(area);
    let galley = painter.layout_no_wrap(TEXT.to_owned(), theme::body(), palette.on_scrim);
    let size = galley.size() + vec2(2.0 * theme::SPACE_M, theme::SPACE_M);
    let top = area.center_top() + vec2(0.0, theme::SPACE_L);
    let rect = Align2::CENTER_TOP.anchor_size(top, size);
    painter.rect_filled(rect, size.y / 2.0, palette.scrim);
    painter.galley(rect.center() - galley.size() / 2.0, galley, palette.on_scrim);
}

/// The row over the canvas while a part is taken.
pub(super) fn part_options_ui(ui: &mut Ui, commands: &mut Vec<UiCommand>) {
    ui.label(RichText::new("Take a part").font(theme::strong()));
    ui.add_space(theme::SPACE_XS);
    widgets::caption(ui, "Drag over the picture");
    ui.add_space(theme::SPACE_XS);
    let all = Button::text("Take all of it").labelled("Be inspired by the whole picture");
    if all.show(ui).on_hover_text("The whole picture becomes an inspiration (Enter)").clicked() {
        commands.push(AddInspirationCommand::UsePart(None).into());
    }
    let leave = Button::text("Cancel").labelled("Take no part").quiet();
    if leave.show(ui).on_hover_text("Leaves the picture alone (Esc)").clicked() {
        commands.push(AddInspirationCommand::TakePart(false).into());
    }
}

/// Begins and ends it.
pub(super) fn part_button_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let has_picture = state.shown().is_some() && state.model().is_some();
    let is_on = state.adding.is_taking_part;
    let button = Button::text("Part of this picture…")
        .labelled("Take a part of the picture as inspiration")
        .with_icon(icons::CROP)
        .quiet()
        .enabled(has_picture)
        .selected(is_on);
    let tip = "Drag over the canvas: that part of the picture becomes an inspiration";
    if button.show(ui).on_hover_text(tip).clicked() && has_picture {
        commands.push(AddInspirationCommand::TakePart(!is_on).into());
    }
}

/// So that nothing is drawn under the drag.
pub(super) fn hold(view: &mut CanvasView, area: Rect) {
    view.hand.tool = crate::state::Tool::Picker;
    view.hand.covered = Some(area);
}
