//! The scale strip: one still per scale, coarse to fine. It is progress display, film and
//! timeline in one. A scale that is not drawn yet shows its token grid; the one being drawn
//! flickers token by token; a click on a still brings it onto the canvas.

use egui::{
    Align2, Color32, CornerRadius, Mesh, Painter, Pos2, Rect, Response, Role, ScrollArea, Sense,
    Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::command::{Action, UiCommand};
use super::pictures::Pictures;
use super::theme::{self, Palette};
use crate::state::{AppState, Job, Still};

const GAP: f32 = theme::SPACE_S;
const LABEL_HEIGHT: f32 = 20.0;
const MARGIN: Vec2 = vec2(theme::SPACE_L, theme::SPACE_M);
const MIN_CELL: f32 = 44.0;
const MAX_CELL: f32 = 92.0;
/// Scales for which room is kept until the model has told.
const EXPECTED_SCALES: usize = 8;
/// How faint the stills of the run before are.
const EARLIER_OPACITY: f32 = 0.22;

/// Height of the strip in a window part of this width.
pub(super) fn height(width: f32, state: &AppState) -> f32 {
    cell_side(width, n_scales(state)) + LABEL_HEIGHT + 2.0 * MARGIN.y
}

/// The strip; returns the scale to look at when one was clicked.
pub(super) fn scale_strip_ui(
    ui: &mut Ui,
    state: &AppState,
    pictures: &mut Pictures,
) -> Option<UiCommand> {
    let scales = state.model().map_or(&[][..], |model| &model.scales);
    let side = cell_side(ui.available_width(), n_scales(state));
    let width = scales.len() as f32 * (side + GAP) - GAP;
    if scales.is_empty() {
        skeleton(ui, side);
        return None;
    }
    let mut command = None;
    ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
        let room = ui.available_rect_before_wrap();
        let left = (room.center().x - width / 2.0).max(room.left() + MARGIN.x);
        let top = room.top() + MARGIN.y;
        for (scale_idx, grid_side) in scales.iter().enumerate() {
            let pos = pos2(left + scale_idx as f32 * (side + GAP), top);
            let cell = Cell {
                scale_idx,
                grid_side: *grid_side,
                rect: Rect::from_min_size(pos, Vec2::splat(side)),
                content: Content::of(state, scale_idx),
            };
            if cell.show(ui, scales.len(), pictures).clicked() {
                command = Some(UiCommand::ScrubTo(Some(scale_idx)));
            }
        }
    });
    command
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

struct Cell<'a> {
    scale_idx: usize,
    grid_side: usize,
    rect: Rect,
    content: Content<'a>,
}

/// What a cell has to show.
#[derive(Clone, Copy)]
enum Content<'a> {
    /// On the canvas.
    Shown(&'a Still),
    Done(&'a Still),
    /// Being drawn now.
    Current,
    /// Still to come; what the run before had there.
    Earlier(&'a Still),
    Awaited,
}

impl<'a> Content<'a> {
    fn of(state: &'a AppState, scale_idx: usize) -> Self {
        let job = state.job.as_ref();
        if let Some(still) = job.and_then(|job| job.still(scale_idx)) {
            let is_shown = state.shown().is_some_and(|shown| shown.still.serial == still.serial);
            return if is_shown { Self::Shown(still) } else { Self::Done(still) };
        }
        if job.and_then(Job::current_scale) == Some(scale_idx) {
            return Self::Current;
        }
        let earlier = state.earlier.as_ref().and_then(|job| job.still(scale_idx));
        earlier.map_or(Self::Awaited, Self::Earlier)
    }

    fn still(self) -> Option<&'a Still> {
        match self {
            Self::Shown(still) | Self::Done(still) => Some(still),
            Self::Current | Self::Earlier(_) | Self::Awaited => None,
        }
    }
}

impl Cell<'_> {
    fn show(&self, ui: &mut Ui, n_scales: usize, pictures: &mut Pictures) -> Response {
        let palette = theme::palette(ui);
        let still = self.content.still();
        let outer = self.rect.with_max_y(self.rect.bottom() + LABEL_HEIGHT);
        let sense = if still.is_some() { Sense::click() } else { Sense::hover() };
        let response = ui.allocate_rect(outer, sense);
        let label = format!("Scale {} of {n_scales}", self.scale_idx + 1);
        let is_shown = matches!(self.content, Content::Shown(_));
        response.widget_info(|| {
            WidgetInfo::selected(Role::RadioButton, still.is_some(), is_shown, &label)
        });

        let painter = ui.painter();
        let mut picture = |still: &Still, opacity: f32| {
            pictures.paint(painter, palette, self.rect, theme::RADIUS, &still.image, opacity);
        };
        painter.rect_filled(self.rect, theme::RADIUS, palette.field);
        match self.content {
            Content::Shown(still) | Content::Done(still) => picture(still, 1.0),
            Content::Earlier(still) => picture(still, EARLIER_OPACITY),
            Content::Current => {
                let seconds = ui.input(|input| input.time);
                painter.add(self.tokens_being_drawn(palette, seconds));
                theme::keep_moving(ui);
            }
            Content::Awaited => self.paint_grid(painter, palette),
        }
        self.paint_edge(ui, palette, &response);
        self.paint_label(painter, palette);

        let side = self.grid_side;
        let elapsed = still.and_then(|still| still.elapsed);
        let time = elapsed.map(|elapsed| format!(", after {} ms", elapsed.as_millis()));
        let tip = format!("{label}: {side} × {side} tokens{}", time.unwrap_or_default());
        let [coarser, finer] =
            [Action::CoarserScale, Action::FinerScale].map(|action| action.key_text(ui.ctx()));
        response.on_hover_text(format!("{tip}\nMove with {coarser} and {finer}"))
    }

    fn paint_edge(&self, ui: &Ui, palette: &Palette, response: &Response) {
        let is_hovered = response.hovered() && response.sense.senses_click();
        let (stroke, kind) = match self.content {
            Content::Shown(_) => (Stroke::new(2.0, palette.accent), StrokeKind::Middle),
            Content::Current => (Stroke::new(1.0, palette.line_strong), StrokeKind::Inside),
            _ if is_hovered => (Stroke::new(1.0, palette.line_strong), StrokeKind::Inside),
            _ => (Stroke::new(1.0, palette.line), StrokeKind::Inside),
        };
        ui.painter().rect_stroke(self.rect, theme::RADIUS, stroke, kind);
        if response.has_focus() {
            let ring = Stroke::new(1.5, palette.accent_text);
            let radius = theme::RADIUS + CornerRadius::same(3);
            ui.painter().rect_stroke(self.rect.expand(4.0), radius, ring, StrokeKind::Inside);
        }
    }

    fn paint_label(&self, painter: &Painter, palette: &Palette) {
        let ink = match self.content {
            Content::Shown(_) => palette.accent_text,
            Content::Done(_) | Content::Current => palette.text_soft,
            Content::Earlier(_) | Content::Awaited => palette.text_faint,
        };
        let pos = pos2(self.rect.center().x, self.rect.bottom() + LABEL_HEIGHT);
        let side = self.grid_side;
        painter.text(pos, Align2::CENTER_BOTTOM, format!("{side} × {side}"), theme::small(), ink);
    }

    /// The token grid of a scale that is still to come.
    fn paint_grid(&self, painter: &Painter, palette: &Palette) {
        let stroke = Stroke::new(1.0, palette.line.gamma_multiply(0.8));
        let step = self.rect.width() / self.grid_side as f32;
        for line in 1..self.grid_side {
            let offset = line as f32 * step;
            painter.hline(self.rect.x_range(), self.rect.top() + offset, stroke);
            painter.vline(self.rect.left() + offset, self.rect.y_range(), stroke);
        }
    }

    /// Tokens lighting up and going out, each in its own rhythm.
    fn tokens_being_drawn(&self, palette: &Palette, seconds: f64) -> Shape {
        let mut mesh = Mesh::default();
        // Keeps the squares off the rounded corners.
        let inner = self.rect.shrink(3.0);
        let step = inner.width() / self.grid_side as f32;
        let gap = (step * 0.12).min(2.0);
        for row in 0..self.grid_side {
            for column in 0..self.grid_side {
                let corner = inner.min + step * vec2(column as f32, row as f32);
                let token = Rect::from_min_size(corner, Vec2::splat(step)).shrink(gap / 2.0);
                mesh.add_colored_rect(token, token_colour(palette, token.min, seconds));
            }
        }
        Shape::mesh(mesh)
    }
}

/// A colour that depends on place and time only, so that nothing has to be remembered.
fn token_colour(palette: &Palette, place: Pos2, seconds: f64) -> Color32 {
    // A well-known one-line hash for shaders; any scatter over the places would do.
    let scatter =
        f64::from(place.x).mul_add(12.9898, f64::from(place.y) * 78.233).sin() * 43758.5453;
    let phase = scatter.fract().abs();
    let wave = (std::f64::consts::TAU * (seconds * 1.4 + phase)).sin() * 0.5 + 0.5;
    palette.accent.gamma_multiply(0.08 + 0.34 * wave as f32)
}
