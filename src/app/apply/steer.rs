//! Stopping at a scale, going on from there, and drawing the rest anew.

use super::{Effect, nodes, timeline};
use crate::protocol::DecodingOrder;
use crate::state::settings::another_seed;
use crate::state::steering::{Pending, Then};
use crate::state::{AppState, Job, Kept, Origin, Phase};

/// Stops at the scale on the canvas; a picture that was stopped there goes on.
pub(super) fn stop_or_continue(state: &mut AppState, now: f64) -> Option<Effect> {
    let job = state.job.as_ref()?;
    if job.is_stopped_in_first_scale() {
        return go_on_in_first_scale(state);
    }
    if job.is_running() && job.n_done() == 0 && job.growing.is_some() {
        return Some(Effect::Cancel);
    }
    let (job, n_shown) = shown(state)?;
    if job.is_running() {
        state.steering.pending = Some(Pending { job: job.id, then: Then::Stop, n_scales: n_shown });
        return Some(Effect::Cancel);
    }
    let n_done = job.first_ids()?.len();
    // A draft under the pen was not stopped; it would go on by itself.
    let was_stopped = state.steering.is_held || matches!(job.phase, Phase::Stopped);
    if n_shown < n_done || !job.is_complete() && !was_stopped {
        return stop_at(state, n_shown);
    }
    if job.is_complete() {
        let text = match state.order() {
            DecodingOrder::NextScale => "Every scale is drawn; look at a coarser one to stop there",
            DecodingOrder::Raster => "Every row is drawn; look at one further up to stop there",
        };
        state.notices.info(now, text);
        return None;
    }
    go_on(state, now)
}

/// Keeps the scales up to the one on the canvas and draws the rest with a new seed.
pub(super) fn re_roll(state: &mut AppState, now: f64) -> Option<Effect> {
    let (job, n_shown) = shown(state)?;
    if n_shown >= job.stills.len() {
        let text = match state.order() {
            DecodingOrder::NextScale => {
                "This is the finest scale; look at a coarser one and draw what comes after anew"
            }
            DecodingOrder::Raster => {
                "This is the last row; look at one further up and draw what is below it anew"
            }
        };
        state.notices.info(now, text);
        return None;
    }
    if job.is_running() {
        let then = Then::ReRoll;
        state.steering.pending = Some(Pending { job: job.id, then, n_scales: n_shown });
        return Some(Effect::Cancel);
    }
    re_roll_from(state, n_shown, now)
}

/// Goes on from where the picture was stopped.
pub(super) fn go_on(state: &mut AppState, now: f64) -> Option<Effect> {
    let before = state.made_from();
    let job = state.job.as_ref()?;
    let ids = job.first_ids()?;
    let parent = job.node.or(job.parent);
    state.steering.kept = Some(Kept {
        given: job.prefix(ids.len())?,
        anchor: job.request.anchor.clone(),
        lock: job.request.lock.clone(),
    });
    timeline::ask(state, "continuation", before, Origin::Continued, parent);
    explain_once(state, now);
    Some(Effect::Draw)
}

/// Goes on with a picture of which not even the first scale was done: the same request again.
fn go_on_in_first_scale(state: &mut AppState) -> Option<Effect> {
    let before = state.made_from();
    let job = state.job.as_ref()?;
    let (origin, parent) = (job.origin, job.parent);
    timeline::ask(state, "continuation", before, origin, parent);
    Some(Effect::Draw)
}

/// Draws the next picture from the first scale again.
pub(super) fn let_go(state: &mut AppState) -> Option<Effect> {
    let before = state.made_from();
    if state.starts_from_source() {
        state.source = None;
    }
    state.steering.kept.take()?;
    if !state.is_live() || state.steering.is_held {
        return None;
    }
    let parent = state.branches.current;
    timeline::ask(state, "letting go", before, Origin::Generated, parent);
    Some(Effect::Draw)
}

/// The running picture has ended, in one way or the other: what was waiting for that happens now.
pub(super) fn ended(state: &mut AppState, now: f64) -> Option<Effect> {
    let pending = state.steering.pending.take()?;
    let job = state.job.as_ref()?;
    let n_done = job.first_ids().map_or(0, Vec::len);
    if job.id != pending.job || n_done == 0 {
        return None;
    }
    let n_scales = pending.n_scales.min(n_done);
    match pending.then {
        Then::Stop if n_scales < job.stills.len() => stop_at(state, n_scales),
        Then::Stop => stop_or_continue(state, now),
        Then::ReRoll => re_roll_from(state, n_scales, now),
    }
}

/// The running picture will not end as it was meant to.
pub(super) fn forget_pending(state: &mut AppState) {
    state.steering.pending = None;
}

/// A picture that was asked for was cancelled: what is there is a node like one that was stopped.
pub(super) fn stopped_by_hand(state: &mut AppState) {
    let Some(job) = &state.job else { return };
    if !matches!(job.phase, Phase::Stopped) || job.origin == Origin::Live || job.node.is_some() {
        return;
    }
    let n_done = job.n_done();
    let has_ids = job.first_ids().is_some_and(|ids| ids.len() >= n_done);
    if has_ids && n_done > job.n_given() {
        timeline::keep_picture(state, n_done);
    }
}

/// The job on the canvas and the number of scales that are seen of it.
fn shown(state: &AppState) -> Option<(&Job, usize)> {
    let shown = state.shown()?;
    let job = state.job.as_ref()?;
    (shown.job.id == job.id).then_some((job, shown.scale_idx + 1))
}

/// Puts aside what is finer.
fn stop_at(state: &mut AppState, n_scales: usize) -> Option<Effect> {
    let job = state.job.as_ref()?;
    let new = nodes::of_job(job, n_scales, Origin::Stopped, job.node.or(job.parent))?;
    // The seed that the next scale was drawn with, so that going on gives the same.
    let next_seed = new.about.recipe.seed;
    if job.request.seeds.first() == Some(&state.settings.recipe.seed) {
        state.settings.recipe.seed = next_seed;
    }
    let node = state.branches.add(new);
    timeline::step(state, "stop", Some(node));
    // What was there of the scale after those is still in the model's hands.
    let is_all = job_is_cut_at(state, n_scales);
    let growing = state.job.as_mut().and_then(|job| job.growing.take()).filter(|_| is_all);
    let effect = nodes::show(state, node);
    if let Some(job) = &mut state.job {
        job.growing = growing;
    }
    nodes::tidy(state);
    effect
}

/// Whether the run on the canvas was drawn up to this scale and no further.
fn job_is_cut_at(state: &AppState, n_scales: usize) -> bool {
    let ids = state.job.as_ref().and_then(|job| job.first_ids());
    ids.is_some_and(|ids| ids.len() == n_scales)
}

fn re_roll_from(state: &mut AppState, n_scales: usize, now: f64) -> Option<Effect> {
    let before = state.made_from();
    let job = state.job.as_ref()?;
    let parent = job.node.or(job.parent);
    state.steering.kept = Some(Kept {
        given: job.prefix(n_scales)?,
        // It would draw the rest towards what it was.
        anchor: None,
        lock: job.request.lock.clone(),
    });
    let recipe = &mut state.settings.recipe;
    recipe.seed = another_seed(recipe.seed);
    timeline::ask(state, "re-roll", before, Origin::ReRolled, parent);
    explain_once(state, now);
    Some(Effect::Draw)
}

/// In live mode it could be puzzling that strokes change the fine scales only.
fn explain_once(state: &mut AppState, now: f64) {
    if state.is_live() && !std::mem::replace(&mut state.steering.has_explained, true) {
        let text = "The coarse scales stay while you draw; click the line over them to let go";
        state.notices.info(now, text);
    }
}
