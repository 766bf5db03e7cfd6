//! From what the hand does on the canvas to strokes, shapes, fills and picks.
//!
//! Every event of a frame is taken in its order, so that fast strokes keep their bends. A gesture
//! ends by itself when the pointer or the focus goes elsewhere: what was drawn is kept.

use std::collections::BTreeSet;

use egui::{Event, Key, Modifiers, PointerButton, Pos2, Rect, Response, TouchId, TouchPhase, Ui};

use super::constrain::constrained;
use super::{CanvasView, Pane};
use crate::document::{PenPoint, Point};
use crate::state::Tool;
use crate::ui::SketchCommand;

/// A second finger that lands this soon was meant to pinch, not to draw.
const PINCH_SECS: f64 = 0.15;
/// The longest time over which the events of one frame are spread.
const MAX_FRAME_SECS: f64 = 1.0 / 30.0;
/// Canvas pixels between the points of a straight line, and the time that each takes.
const RULER_STEP_PX: f32 = 4.0;
const RULER_STEP_SECS: f32 = 0.01;

/// The hand that draws: which tool it holds, and what it is in the middle of.
#[derive(Debug, Default)]
pub struct Hand {
    /// What the main button does.
    pub tool: Tool,
    /// Where controls lie over the canvas and nothing may begin.
    pub covered: Option<Rect>,
    gesture: Gesture,
    pane: Pane,
    touches: BTreeSet<TouchId>,
    /// The touch that moves the pointer: the first.
    leader: Option<TouchId>,
    /// Its pressure. Fingers on most screens have none; a pen has.
    force: Option<f32>,
    /// End of the last stroke: where a straight line starts.
    last_point: Option<Point>,
    /// Time of the frame before.
    seen_at: f64,
    commands: Vec<SketchCommand>,
}

/// What happened since the last frame.
struct Frame {
    events: Vec<Event>,
    /// Window time in seconds.
    time: f64,
    /// As they are at its end.
    modifiers: Modifiers,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Gesture {
    #[default]
    Idle,
    Stroke {
        began_at: f64,
        /// Added to the time since then: what a straight line took.
        ruled_secs: f32,
        button: PointerButton,
    },
    /// `shown` are the ends of the shape as it is on the canvas.
    Shape { began_at: f64, from: Point, to: Point, shown: Option<[Point; 2]> },
    /// Something happens where the button is released.
    Click { began_at: f64, picks: bool },
    /// Waits for all fingers and buttons to be lifted.
    Over,
}

impl Hand {
    /// Whether a stroke or a shape is being drawn: Esc is for it then.
    pub fn is_drawing(&self) -> bool {
        matches!(self.gesture, Gesture::Stroke { .. } | Gesture::Shape { .. })
    }

    /// What has been drawn since the last call.
    pub fn take_commands(&mut self) -> Vec<SketchCommand> {
        std::mem::take(&mut self.commands)
    }

    /// Whether two fingers move the view now. Beside a pen they are the heel of a hand.
    pub(super) fn lets_pinch(&self) -> bool {
        !self.is_drawing()
    }

    /// Takes in a frame; `may_begin` tells whether something may begin at a position.
    fn observe(&mut self, input: &Frame, view: &CanvasView, may_begin: impl Fn(Pos2) -> bool) {
        let frame_secs = (input.time - self.seen_at).clamp(0.0, MAX_FRAME_SECS);
        let n_events = input.events.len().max(1) as f64;
        for (idx, event) in input.events.iter().enumerate() {
            // Events carry no time of their own: they are spread evenly over the frame.
            let at = input.time - frame_secs * (1.0 - (idx + 1) as f64 / n_events);
            // A stroke stays in the pane where it began.
            let point_at = |hand: &Self, pos: Pos2| view.canvas_point_in(hand.pane, pos);
            match event {
                Event::Touch { id, phase, force, .. } => self.touched(*id, *phase, *force, at),
                Event::PointerMoved(pos) => {
                    if let Some(point) = point_at(self, *pos) {
                        self.moved(point, at);
                    }
                }
                Event::PointerButton { pos, button, pressed: true, modifiers }
                    if may_begin(*pos) =>
                {
                    if !self.is_drawing() {
                        self.pane = view.panes().nearest(*pos);
                    }
                    if let Some(point) = point_at(self, *pos) {
                        self.begin(*button, point, *modifiers, at);
                    }
                }
                Event::PointerButton { pos, button, pressed: false, modifiers } => {
                    if let Some(point) = point_at(self, *pos) {
                        self.released(*button, point, *modifiers, at);
                    }
                }
                Event::Key { key: Key::Escape, pressed: true, .. } => self.abandon(),
                Event::PointerGone => self.finish(input.modifiers),
                Event::WindowFocused(false) => {
                    self.finish(input.modifiers);
                    // Nobody tells of fingers that are lifted elsewhere.
                    self.touches.clear();
                }
                _ => {}
            }
        }
        self.show_shape(input.modifiers);
        self.seen_at = input.time;
    }

    fn touched(&mut self, id: TouchId, phase: TouchPhase, force: Option<f32>, at: f64) {
        match phase {
            TouchPhase::Start => {
                if self.touches.is_empty() {
                    (self.leader, self.force) = (Some(id), force);
                } else {
                    self.another_finger(force, at);
                }
                self.touches.insert(id);
            }
            TouchPhase::Move if self.leader == Some(id) => self.force = force,
            TouchPhase::Move => {}
            TouchPhase::End | TouchPhase::Cancel => {
                self.touches.remove(&id);
                if self.touches.is_empty() && self.gesture == Gesture::Over {
                    self.gesture = Gesture::Idle;
                }
            }
        }
    }

    /// Two fingers move the view. A pen, which alone has a force, draws on beside a finger.
    fn another_finger(&mut self, force: Option<f32>, at: f64) {
        let is_beside_pen = self.force.is_some() && force.is_none();
        if is_beside_pen && self.is_drawing() {
            return;
        }
        match self.gesture {
            Gesture::Stroke { began_at, .. } | Gesture::Shape { began_at, .. }
                if at - began_at < PINCH_SECS =>
            {
                self.commands.push(SketchCommand::Abandon);
            }
            Gesture::Stroke { .. } => self.commands.push(SketchCommand::EndStroke),
            Gesture::Shape { .. } => self.commands.push(SketchCommand::DrawShape),
            Gesture::Idle | Gesture::Click { .. } | Gesture::Over => {}
        }
        self.gesture = Gesture::Over;
    }

    fn begin(&mut self, button: PointerButton, at: Point, modifiers: Modifiers, now: f64) {
        if self.is_drawing() {
            return;
        }
        // A mouse has no touches; a finger whose partner moves the view may not begin.
        if self.touches.len() > 1 && self.force.is_none() {
            self.gesture = Gesture::Over;
            return;
        }
        if self.touches.is_empty() {
            self.force = None;
        }
        let is_main = button == PointerButton::Primary;
        let is_eraser = button == PointerButton::Secondary && self.tool.is_brush();
        if !is_main && !is_eraser || self.tool == Tool::Pan {
            return;
        }
        if is_main && (modifiers.alt || self.tool == Tool::Picker) {
            self.gesture = Gesture::Click { began_at: now, picks: true };
        } else if self.tool == Tool::Fill {
            self.gesture = Gesture::Click { began_at: now, picks: false };
        } else if self.tool.is_shape() {
            self.gesture = Gesture::Shape { began_at: now, from: at, to: at, shown: None };
        } else {
            let begin = |point| {
                if is_eraser {
                    SketchCommand::BeginErasing(point)
                } else {
                    SketchCommand::BeginStroke(point)
                }
            };
            let ruled = self.last_point.filter(|_| modifiers.shift).map(|from| [from, at]);
            let ruled_secs = ruled.map_or(0.0, ruled_secs);
            self.gesture = Gesture::Stroke { began_at: now, ruled_secs, button };
            let start = ruled.map_or(at, |[from, _]| from);
            self.commands.push(begin(PenPoint { pos: start, ..self.pen_point(at, 0.0) }));
            if let Some(ends) = ruled {
                let points = ruled_points(ends, self.pressure());
                self.commands.push(SketchCommand::Draw(points));
            }
            self.last_point = Some(at);
        }
    }

    fn moved(&mut self, at: Point, now: f64) {
        match &mut self.gesture {
            Gesture::Stroke { began_at, ruled_secs, .. } => {
                let secs = (now - *began_at) as f32 + *ruled_secs;
                let point = self.pen_point(at, secs);
                self.last_point = Some(at);
                if let Some(SketchCommand::Draw(points)) = self.commands.last_mut() {
                    points.push(point);
                } else {
                    self.commands.push(SketchCommand::Draw(vec![point]));
                }
            }
            Gesture::Shape { to, .. } => *to = at,
            Gesture::Idle | Gesture::Click { .. } | Gesture::Over => {}
        }
    }

    fn released(&mut self, button: PointerButton, at: Point, modifiers: Modifiers, now: f64) {
        match self.gesture {
            Gesture::Stroke { button: drawing, .. } if button == drawing => {
                if self.last_point != Some(at) {
                    self.moved(at, now);
                }
                self.finish(modifiers);
            }
            Gesture::Shape { .. } if button == PointerButton::Primary => {
                self.moved(at, now);
                self.finish(modifiers);
            }
            Gesture::Click { picks, .. } if button == PointerButton::Primary => {
                self.commands.push(if picks {
                    SketchCommand::Pick(at)
                } else {
                    SketchCommand::Fill(at)
                });
                self.gesture = Gesture::Idle;
            }
            Gesture::Over if self.touches.is_empty() => self.gesture = Gesture::Idle,
            _ => {}
        }
    }

    /// Keeps what has been drawn.
    fn finish(&mut self, modifiers: Modifiers) {
        match self.gesture {
            Gesture::Stroke { .. } => self.commands.push(SketchCommand::EndStroke),
            Gesture::Shape { .. } => {
                self.show_shape(modifiers);
                if let Gesture::Shape { shown: Some(_), .. } = self.gesture {
                    self.commands.push(SketchCommand::DrawShape);
                }
            }
            Gesture::Idle | Gesture::Click { .. } | Gesture::Over => {}
        }
        self.gesture = Gesture::Idle;
    }

    fn abandon(&mut self) {
        if self.is_drawing() {
            self.commands.push(SketchCommand::Abandon);
            self.gesture = Gesture::Over;
            self.last_point = None;
        }
    }

    /// Follows the pointer and the keys that constrain a shape.
    fn show_shape(&mut self, modifiers: Modifiers) {
        let Gesture::Shape { from, to, shown, .. } = &mut self.gesture else { return };
        let is_line = self.tool == Tool::Line;
        let ends = constrained([*from, *to], is_line, modifiers);
        // A click alone draws no shape.
        if *shown != Some(ends) && (from != to || shown.is_some()) {
            *shown = Some(ends);
            let [from, to] = ends;
            self.commands.push(SketchCommand::ShowShape { from, to });
        }
    }

    fn pen_point(&self, pos: Point, secs: f32) -> PenPoint {
        PenPoint { pos, pressure: self.pressure(), secs }
    }

    fn pressure(&self) -> f32 {
        self.force.filter(|force| force.is_finite()).map_or(1.0, |force| force.clamp(0.0, 1.0))
    }
}

/// Lets the hand draw on the view that has just been placed; `pans` if it moves the view instead.
pub(super) fn observe(ui: &Ui, view: &mut CanvasView, response: &Response, pans: bool) {
    let mut hand = std::mem::take(&mut view.hand);
    // A dialog over the canvas takes the pointer from it.
    let is_reached = response.contains_pointer()
        || response.is_pointer_button_down_on()
        || response.drag_stopped()
        || response.clicked();
    // Buttons over the canvas do not: a drag that begins on one counts as the canvas's.
    let covered = hand.covered;
    let ctx = ui.ctx();
    let may_begin = |pos: Pos2| {
        let is_here =
            response.rect.contains(pos) && ctx.layer_id_at(pos) == Some(response.layer_id);
        is_reached && is_here && !pans && !covered.is_some_and(|rect| rect.contains(pos))
    };
    let frame = ui.input(|input| Frame {
        events: input.events.clone(),
        time: input.time,
        modifiers: input.modifiers,
    });
    hand.observe(&frame, view, may_begin);
    view.hand = hand;
}

fn ruled_secs([from, to]: [Point; 2]) -> f32 {
    n_ruled_steps(from, to) as f32 * RULER_STEP_SECS
}

fn n_ruled_steps(from: Point, to: Point) -> usize {
    let length = (to[0] - from[0]).hypot(to[1] - from[1]);
    ((length / RULER_STEP_PX).ceil() as usize).clamp(1, 1024)
}

/// A straight line at an even pace, without its start.
fn ruled_points([from, to]: [Point; 2], pressure: f32) -> Vec<PenPoint> {
    let n_steps = n_ruled_steps(from, to);
    let point = |step: usize| {
        let t = step as f32 / n_steps as f32;
        let pos = [0, 1].map(|axis| from[axis] + t * (to[axis] - from[axis]));
        PenPoint { pos, pressure, secs: step as f32 * RULER_STEP_SECS }
    };
    (1..=n_steps).map(point).collect()
}
