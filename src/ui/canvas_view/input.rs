//! Mouse, trackpad, touch and keys on the canvas.

use egui::{
    CursorIcon, Event, EventFilter, InputState, Key, Modifiers, MouseWheelUnit, PointerButton,
    Pos2, Response, Ui, Vec2, vec2,
};

use super::{CanvasTransform, CanvasView, drawing};
use crate::state::Tool;

/// Points that an arrow key pans.
const PAN_STEP: f32 = 48.0;
/// Factor of `+` and, inverted, of `-`.
const ZOOM_STEP: f32 = 1.25;

/// What kind of device was used last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LastDevice {
    /// Scrolling came from a trackpad, which speaks in points, rather than from a wheel, which
    /// speaks in lines. Remembered because egui spreads a wheel's step over later frames.
    is_trackpad: bool,
    /// A key was pressed after the last click.
    pub(super) is_keyboard: bool,
}

impl LastDevice {
    pub(super) fn observe(&mut self, input: &InputState) {
        for event in &input.events {
            match event {
                Event::MouseWheel { unit, .. } => {
                    self.is_trackpad = *unit == MouseWheelUnit::Point;
                }
                Event::Key { pressed: true, .. } => self.is_keyboard = true,
                Event::PointerButton { pressed: true, .. } => self.is_keyboard = false,
                _ => {}
            }
        }
    }
}

/// Pans, zooms and draws as the user asks.
pub(super) fn apply(ui: &Ui, view: &mut CanvasView, response: &Response) {
    let has_space = !ui.ctx().text_edit_focused() && ui.input(|input| input.key_down(Key::Space));
    let holds_hand = view.hand.tool == Tool::Pan || has_space;
    let multi_touch = ui.input(InputState::multi_touch);
    // Two fingers bring their own movement.
    let is_grabbed = multi_touch.is_none() && holds_hand && !view.hand.is_drawing();
    let is_dragged = response.dragged_by(PointerButton::Middle)
        || is_grabbed && response.dragged_by(PointerButton::Primary);
    if response.clicked() || response.dragged() {
        response.request_focus();
    }
    if response.double_clicked() && view.hand.tool == Tool::Pan {
        view.fit();
        view.frame(view.transform.area_in_ui(), ui.pixels_per_point(), view.size_in_canvas);
        return;
    }

    let mut transform = view.transform;
    if is_dragged {
        ui.set_cursor_icon(CursorIcon::Grabbing);
        transform = transform.panned(response.drag_delta());
    } else if response.hovered() {
        ui.set_cursor_icon(if holds_hand { CursorIcon::Grab } else { CursorIcon::Crosshair });
    }
    if response.contains_pointer() && view.hand.lets_pinch() {
        let is_trackpad = view.device.is_trackpad;
        transform = ui.input_mut(|input| scrolled(transform, input, is_trackpad));
    }
    if response.has_focus() {
        let filter =
            EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        transform = ui.input_mut(|input| steered(transform, input));
    }
    if transform != view.transform {
        view.moved_to(transform);
    }
    drawing::observe(ui, view, response, has_space);
}

/// Wheel, trackpad, pinch and two fingers on a touch screen.
fn scrolled(
    transform: CanvasTransform,
    input: &mut InputState,
    is_trackpad: bool,
) -> CanvasTransform {
    let touch = input.multi_touch();
    let Some(pos_in_ui) =
        touch.map(|touch| touch.center_pos).or_else(|| input.pointer.latest_pos())
    else {
        return transform;
    };
    // Taken away, so that nothing around the canvas scrolls too.
    let scroll = std::mem::take(&mut input.smooth_scroll_delta);
    let (wheel_zoom, scroll_pan) =
        if is_trackpad { (1.0, scroll) } else { (wheel_factor(scroll.y), vec2(scroll.x, 0.0)) };
    let touch_pan = touch.map_or(Vec2::ZERO, |touch| touch.translation_delta);
    let factor = input.zoom_delta() * wheel_zoom;
    zoomed(transform.panned(scroll_pan + touch_pan), pos_in_ui, factor)
}

/// Zooms if there is anything to do: rounding alone would count as a move of the user's.
fn zoomed(transform: CanvasTransform, pos_in_ui: Pos2, factor: f32) -> CanvasTransform {
    if factor == 1.0 { transform } else { transform.zoomed_at(pos_in_ui, factor) }
}

/// One notch of a usual wheel is 40 points and zooms by a fifth.
fn wheel_factor(scroll_points: f32) -> f32 {
    (scroll_points / 200.0).exp()
}

/// Keys of a focused canvas.
fn steered(transform: CanvasTransform, input: &mut InputState) -> CanvasTransform {
    let mut presses = |key| input.count_and_consume_key(Modifiers::NONE, key) as f32;
    let right = presses(Key::ArrowRight) - presses(Key::ArrowLeft);
    let down = presses(Key::ArrowDown) - presses(Key::ArrowUp);
    let nearer = presses(Key::Plus) + presses(Key::Equals) - presses(Key::Minus);
    // The view moves the way of the arrow, so the picture moves the other way.
    let panned = transform.panned(-PAN_STEP * vec2(right, down));
    zoomed(panned, transform.area_in_ui().center(), ZOOM_STEP.powf(nearer))
}
