//! The row strip: what the scale strip is for models that draw token by token. One honest film of the
//! picture, its rows from left to right, each as tall as the picture is wide. It is progress display
//! and timeline in one: the row under way grows downwards, a click or drag looks at the picture after
//! a row (the row under way follows again), and beside the words stands what can be done from there. A
//! click on the row that is looked at stops a picture there that is being drawn.

mod film;
mod header;

use egui::{Rect, Ui, pos2, vec2};

pub(super) use self::film::FilmTexture;
use self::film::FilmUi;
use super::command::{Action, UiCommand};
use super::scale_strip::{kept_ui, scrubbed};
use super::theme;
use crate::protocol::ModelInfo;
use crate::state::{AppState, Growing, Job, Kept, Phase};

const MARGIN: egui::Vec2 = vec2(theme::SPACE_L, theme::SPACE_S);
const HEADER: f32 = 28.0;
/// Between header and film, for the line over rows that are kept.
const KEPT: f32 = 12.0;
const FILM: f32 = 34.0;
/// Under the film, for the numbers of the rows.
const NUMBERS: f32 = 16.0;

pub(super) const HEIGHT: f32 = HEADER + KEPT + FILM + NUMBERS + 2.0 * MARGIN.y;

/// What the strip tells about, gathered once per frame.
struct Film<'a> {
    state: &'a AppState,
    model: &'a ModelInfo,
    job: Option<&'a Job>,
    /// Whole rows that are there.
    n_done: usize,
    /// Whole rows of the picture on the canvas.
    n_shown: usize,
    growing: Option<&'a Growing>,
}

impl<'a> Film<'a> {
    fn of(state: &'a AppState, model: &'a ModelInfo) -> Self {
        // A picture of another model has rows of its own, or none.
        let n_rows = model.scales.len();
        let job = state.job.as_ref().filter(|job| job.stills.len() == n_rows);
        let shown = state.shown().filter(|shown| job.is_some_and(|job| job.id == shown.job.id));
        Self {
            state,
            model,
            job,
            n_done: job.map_or(0, Job::n_done),
            n_shown: shown.map_or(0, |shown| shown.scale_idx + 1),
            growing: job.and_then(|job| job.growing.as_ref()),
        }
    }

    fn n_rows(&self) -> usize {
        self.model.scales.len()
    }

    fn is_running(&self) -> bool {
        self.job.is_some_and(Job::is_running)
    }

    /// Whether a row is the unfinished one.
    fn is_growing(&self, row_idx: usize) -> bool {
        self.growing.is_some_and(|growing| growing.scale_idx == row_idx)
    }

    /// Whether a token is there that was not given.
    fn has_begun(&self) -> bool {
        let n_given = self.job.map_or(0, Job::n_given);
        let is_in_row = self.growing.is_some_and(|growing| growing.n_in_row(self.model) > 0);
        self.n_done > n_given || is_in_row
    }

    /// Whether the picture was stopped where it is shown, from which it can go on.
    fn can_go_on(&self) -> bool {
        let Some(job) = self.job else { return false };
        let was_stopped = self.state.steering.is_held || matches!(job.phase, Phase::Stopped);
        let n_ids = job.first_ids().map_or(0, Vec::len);
        let is_cut_here = n_ids > 0 && n_ids == self.n_shown && n_ids < self.n_rows();
        was_stopped && is_cut_here || job.is_stopped_in_first_scale()
    }
}

/// The strip; adds what the user wants of the picture's rows.
pub(super) fn row_strip_ui(
    ui: &mut Ui,
    state: &AppState,
    model: &ModelInfo,
    texture: &mut FilmTexture,
    commands: &mut Vec<UiCommand>,
) {
    let room = ui.available_rect_before_wrap().shrink2(MARGIN);
    let film = Film::of(state, model);
    let top = room.top() + HEADER + KEPT;
    let rect = Rect::from_min_size(pos2(room.left(), top), vec2(room.width(), FILM));
    header::header_ui(ui, &film, room.with_max_y(room.top() + HEADER), commands);
    let film_ui = FilmUi { film: &film, rect };
    for row_idx in 0..film.n_rows() {
        let response = film_ui.row_ui(ui, row_idx);
        if response.clicked() {
            commands.push(if film.is_growing(row_idx) {
                UiCommand::ScrubTo(None)
            } else if film.is_running() && state.scrubbed_to == Some(row_idx) {
                Action::StopOrContinue.into()
            } else {
                UiCommand::ScrubTo(Some(row_idx))
            });
        }
        if response.dragged()
            && let Some(pos) = response.interact_pointer_pos()
        {
            let at = film_ui.row_at(pos.x);
            if film.growing.is_some_and(|growing| at >= growing.scale_idx) {
                commands.extend(state.scrubbed_to.map(|_| UiCommand::ScrubTo(None)));
            } else {
                commands.extend(scrubbed(state, at));
            }
        }
    }
    film_ui.paint(ui, texture);
    let n_kept = state.steering.kept.as_ref().map_or(0, Kept::n_scales);
    if n_kept > 0 && n_kept <= film.n_rows() {
        let right = film_ui.span(n_kept - 1).max;
        kept_ui(ui, state, rect.left_top(), right, n_kept, commands);
    }
}
