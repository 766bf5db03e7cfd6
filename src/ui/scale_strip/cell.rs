//! One cell of the scale strip: the still of a scale, or what is there instead of it, and on the
//! shown one what can be done from there.

use egui::{
    Align2, Color32, CornerRadius, Id, Mesh, Painter, Pos2, Rect, Response, Role, Sense, Shape,
    Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::LABEL_HEIGHT;
use crate::state::{AppState, Job, Kept, Phase, Still};
use crate::ui::command::{Action, UiCommand};
use crate::ui::pictures::Pictures;
use crate::ui::{costs, icons, theme, widgets};
use theme::Palette;

/// How faint the stills of the run before are.
const EARLIER_OPACITY: f32 = 0.22;
/// Side of the buttons on the shown cell.
const BUTTON: f32 = 20.0;

pub(super) struct Cell<'a> {
    pub(super) scale_idx: usize,
    pub(super) grid_side: usize,
    pub(super) rect: Rect,
    pub(super) content: Content<'a>,
}

/// What a cell has to show.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
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
    pub(super) fn of(state: &'a AppState, scale_idx: usize) -> Self {
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

    pub(super) fn still(self) -> Option<&'a Still> {
        match self {
            Self::Shown(still) | Self::Done(still) => Some(still),
            Self::Current | Self::Earlier(_) | Self::Awaited => None,
        }
    }
}

impl Cell<'_> {
    pub(super) fn show(&self, ui: &mut Ui, state: &AppState, pictures: &mut Pictures) -> Response {
        let palette = theme::palette(ui);
        let still = self.content.still();
        let outer = self.rect.with_max_y(self.rect.bottom() + LABEL_HEIGHT);
        let sense = if still.is_some() { Sense::click_and_drag() } else { Sense::hover() };
        let response = ui.allocate_rect(outer, sense);
        let n_scales = state.model().map_or(0, |model| model.scales.len());
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
        // The tooltip must not hide what is under the pointer while it scrubs.
        if response.dragged() {
            return response;
        }
        response.on_hover_ui(|ui| self.tooltip_ui(ui, state, &label))
    }

    /// What can be done from the shown scale: stop there or go on, and draw the rest anew.
    pub(super) fn actions_ui(
        &self,
        ui: &mut Ui,
        state: &AppState,
        is_near: bool,
        commands: &mut Vec<UiCommand>,
    ) {
        let Some(job) = state.job.as_ref().filter(|_| matches!(self.content, Content::Shown(_)))
        else {
            return;
        };
        let n_shown = self.scale_idx + 1;
        if n_shown >= job.stills.len() || self.rect.width() < 2.0 * BUTTON + 2.0 {
            return;
        }
        let goes_on = can_go_on(state, job, n_shown);
        let stop = if goes_on { (icons::PLAY, "Continue") } else { (icons::STOP, "Stop here") };
        let re_roll = (icons::DICE, Action::ReRoll.label());
        let actions = [(Action::StopOrContinue, stop), (Action::ReRoll, re_roll)];
        let size = vec2(2.0 * BUTTON, BUTTON);
        let bar =
            Align2::CENTER_BOTTOM.anchor_size(self.rect.center_bottom() - vec2(0.0, 4.0), size);
        let buttons = actions.map(|(action, (icon, label))| {
            let idx = f32::from(u8::from(action == Action::ReRoll));
            let corner = bar.left_top() + vec2(idx * BUTTON, 0.0);
            let rect = Rect::from_min_size(corner, Vec2::splat(BUTTON));
            let response = ui.interact(rect, Id::unique(("scale action", label)), Sense::click());
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label));
            if response.clicked() {
                commands.push(action.into());
            }
            (action, icon, response)
        });
        let has_focus = buttons.iter().any(|(.., response)| response.has_focus());
        // A picture that was stopped offers to go on without being asked.
        if is_near || has_focus || goes_on {
            let palette = theme::palette(ui);
            ui.painter().rect_filled(bar, theme::RADIUS, palette.scrim);
            for (_, icon, response) in &buttons {
                let ink = if response.hovered() || response.has_focus() {
                    palette.accent_hover
                } else {
                    palette.on_scrim
                };
                let middle = response.rect.center();
                ui.painter().text(middle, Align2::CENTER_CENTER, icon, theme::icon(13.0), ink);
                widgets::focus_ring(ui, response, theme::RADIUS);
            }
        }
        for (action, _, response) in buttons {
            response.on_hover_ui(|ui| action_tip_ui(ui, state, action, n_shown, goes_on));
        }
    }

    fn tooltip_ui(&self, ui: &mut Ui, state: &AppState, label: &str) {
        let palette = theme::palette(ui);
        let soft = |ui: &mut Ui, text: String| {
            ui.label(egui::RichText::new(text).color(palette.text_soft));
        };
        let side = self.grid_side;
        ui.label(format!("{label}: {side} × {side} tokens"));
        if let Some(elapsed) = self.content.still().and_then(|still| still.elapsed) {
            soft(ui, format!("There after {}", costs::duration_text(elapsed)));
        }
        let job = state.job.as_ref();
        if let Some(seed) = job.and_then(|job| job.seeds.get(self.scale_idx)) {
            let n_kept = state.steering.kept.as_ref().map_or(0, Kept::n_scales);
            let kept = if self.scale_idx < n_kept { ", kept" } else { "" };
            soft(ui, format!("Seed {seed}{kept}"));
        }
        let n_scales = state.model().map_or(0, |model| model.scales.len());
        let n_done = self.scale_idx + 1;
        if let Some(cost) = state.costs.of_run(0..n_done) {
            soft(ui, format!("Drawing up to here takes {}", costs::duration_text(cost)));
        }
        if let Some(cost) = state.costs.of_run(n_done..n_scales).filter(|_| n_done < n_scales) {
            soft(ui, format!("A re-roll from here takes {}", costs::duration_text(cost)));
        }
        let [coarser, finer] =
            [Action::CoarserScale, Action::FinerScale].map(|action| action.key_text(ui.ctx()));
        let hint = format!("Move with “{coarser}” and “{finer}”, or drag");
        ui.label(egui::RichText::new(hint).color(palette.text_faint));
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

/// Whether the picture was stopped at its shown scale, from which it can go on.
fn can_go_on(state: &AppState, job: &Job, n_shown: usize) -> bool {
    let was_stopped = state.steering.is_held || matches!(job.phase, Phase::Stopped);
    was_stopped && job.first_ids().is_some_and(|ids| ids.len() == n_shown)
}

fn action_tip_ui(ui: &mut Ui, state: &AppState, action: Action, n_shown: usize, goes_on: bool) {
    let key = action.key_text(ui.ctx());
    let text = match (action, goes_on) {
        (Action::ReRoll, _) => "Keep the scales so far and draw the rest with a new seed",
        (_, true) => "Draw the scales that are missing; changes since the stop take part",
        (_, false) => "Put aside what is finer; change something and continue later",
    };
    ui.label(format!("{text} ({key})"));
    let n_scales = state.model().map_or(0, |model| model.scales.len());
    let draws = action == Action::ReRoll || goes_on;
    if let Some(cost) = state.costs.of_run(n_shown..n_scales).filter(|_| draws) {
        let ink = theme::palette(ui).text_soft;
        let text = format!("Takes {}", costs::duration_text(cost));
        ui.label(egui::RichText::new(text).color(ink));
    }
}
