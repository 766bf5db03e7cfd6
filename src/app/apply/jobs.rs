//! Runs of the model: what was sent, what came of it, and which of them is shown. A run that ends
//! with a picture becomes a node of the branch tree.

use std::sync::Arc;

use super::{Effect, inspired, models, nodes, sheet, steer, style, timeline};
use crate::document::{Budget, Document, Editor};
use crate::imaging::RgbaImage;
use crate::protocol::{
    DecodingOrder, Event, GenerateRequest, JobId, ModelInfo, PictureIds, Preview, Progress, Timings,
};
use crate::state::job::Order;
use crate::state::steering::Asked;
use crate::state::{AppState, Costs, Engine, Growing, Job, Origin, Pace, Phase, Slot, Still};

/// Thumbnails kept for slots and candidates that may come back.
pub(super) const MAX_THUMBNAILS: usize = 128;
/// Requests kept that may or may not have begun.
const MAX_WAITING: usize = 16;

/// Takes over what the model's thread says; events of other runs than the newest, and the one
/// that waits, are stale.
pub(in crate::app) fn event(state: &mut AppState, event: Event, now: f64) -> Option<Effect> {
    if style::is_of_sheet(state, &event) {
        return style::event(state, event);
    }
    if sheet::is_of_sheet(state, &event) {
        return sheet::event(state, event);
    }
    if let Some(job) = event.job() {
        promote(state, job);
        if state.job.as_ref().is_none_or(|current| current.id != job) {
            return None;
        }
    }
    match event {
        Event::ModelReady(info) => {
            let n_slots = info.n_memory_slots;
            model_ready(state, info);
            models::ready(state, n_slots, now);
        }
        Event::ModelFailed(failure) => {
            if let Some(effect) = models::failed(state, &failure) {
                return Some(effect);
            }
            state.notices.error(&failure);
            state.engine = Engine::Failed(failure);
        }
        Event::Started { inspired_by, notices, .. } => {
            set_phase(state, Phase::Drawing);
            for (slot_idx, slot) in state.slots.iter_mut().enumerate() {
                slot.used = inspired_by.iter().find(|used| used.slot == slot_idx).cloned();
            }
            if let Some(job) = &mut state.job {
                job.inspired_by = inspired_by;
                job.advanced_at = now;
            }
            for notice in notices {
                state.notices.info(now, notice);
            }
        }
        Event::ScaleFinished { scale_idx, still, elapsed, timings, .. } => {
            observe_row(state, scale_idx, &timings, now);
            if let Some(job) = &mut state.job {
                job.timings = timings;
                job.advanced_at = now;
                job.growing.take_if(|growing| growing.scale_idx <= scale_idx);
            }
            set_still(state, scale_idx, still);
            let job = state.job.as_mut();
            if let Some(Some(still)) = job.and_then(|job| job.stills.get_mut(scale_idx)) {
                still.elapsed = Some(elapsed);
            }
        }
        Event::Finished { images, ids, timings, .. } => {
            return finished(state, images, ids, timings, now);
        }
        Event::Cancelled { ids, .. } => return cancelled(state, ids, now),
        Event::Failed { failure, .. } => {
            state.notices.error(&failure);
            set_phase(state, Phase::Failed(failure));
            if let Some(job) = &mut state.job {
                job.growing = None;
            }
            forget_earlier(state);
            steer::forget_pending(state);
        }
        Event::ErrandDone { errand, outcome } => {
            return nodes::errand_done(state, errand, outcome, now);
        }
        Event::Candidates { errand, outcome } => inspired::found(state, errand, outcome),
        Event::Thumbnail { entry, image } => {
            state.thumbnails.insert(entry, image);
            if state.thumbnails.len() > MAX_THUMBNAILS {
                let shown = inspired::shown_entries(state);
                state.thumbnails.retain(|entry, _| shown.contains(entry));
                state.looked_at.retain(|entry| shown.contains(entry));
            }
        }
    }
    None
}

/// Takes over a picture that came before its event, or that is within a scale. `now` is the window's
/// time.
pub(in crate::app) fn preview(state: &mut AppState, preview: Preview, now: f64) {
    let Preview { job, scale_idx, image, progress } = preview;
    promote(state, job);
    if state.job.as_ref().is_none_or(|current| current.id != job) {
        return;
    }
    match progress {
        Some(progress) => grow(state, scale_idx, image, progress, now),
        None => set_still(state, scale_idx, image),
    }
}

/// Shows what there is of an unfinished scale. What was published before the scale was done may
/// arrive after that was told.
fn grow(
    state: &mut AppState,
    scale_idx: usize,
    image: Arc<RgbaImage>,
    progress: Progress,
    now: f64,
) {
    let serial = state.next_serial();
    let Some(job) = state.job.as_mut().filter(|job| job.is_running()) else { return };
    if job.still(scale_idx).is_some() || job.n_done() > scale_idx {
        return;
    }
    job.advanced_at = now;
    let still = Still { image, serial, elapsed: None };
    job.growing = Some(Growing { scale_idx, still, progress });
    state.pace.observe(progress.n_tokens, now);
}

/// Learns what a row took, as soon as it is done: a picture of many takes minutes.
fn observe_row(state: &mut AppState, scale_idx: usize, timings: &Timings, now: f64) {
    let Some(model) = state.model().filter(|model| model.order == DecodingOrder::Raster) else {
        return;
    };
    let n_tokens = model.n_tokens().take(scale_idx + 1).sum();
    let is_last = scale_idx + 1 == model.scales.len();
    let Some(job) = &state.job else { return };
    // What was given or drawn before is told again, and takes no time.
    let is_drawn_now = timings.scales.len() > job.timings.scales.len();
    let begins_within = job.origin == Origin::Continued && scale_idx == job.first_idx;
    if !is_drawn_now {
        return;
    }
    if let (Some(secs), false) = (timings.scales.last(), begins_within) {
        state.costs.observe_scales(scale_idx, &[*secs]);
    }
    if is_last {
        state.costs.observe_finish(timings.decode.saturating_sub(job.timings.decode));
    }
    state.pace.observe(n_tokens, now);
}

/// A request is on its way, in place of whatever runs.
pub(in crate::app) fn sent(state: &mut AppState, id: JobId, request: GenerateRequest) {
    state.next.clear();
    let asked = state.steering.asked.take();
    let asked =
        asked.unwrap_or(Asked { origin: Origin::Generated, parent: state.branches.current });
    let job = new_job(state, id, request, asked);
    begin(state, job);
}

/// A request is on its way that waits for a run that has shown nothing yet.
pub(in crate::app) fn sent_to_follow(state: &mut AppState, id: JobId, request: GenerateRequest) {
    // The rest of a picture that was asked for belongs to that one.
    let goes_on = state.job.as_ref().filter(|job| job.request.is_same_picture(&request));
    let asked = match goes_on {
        Some(job) => Asked { origin: job.origin, parent: job.parent },
        None => Asked { origin: Origin::Live, parent: state.branches.current },
    };
    let job = new_job(state, id, request, asked);
    if state.next.is_empty() && !state.job.as_ref().is_some_and(Job::is_running) {
        begin(state, job);
        return;
    }
    if state.next.len() == MAX_WAITING {
        // The oldest may have begun without our having heard of it; those in between have not.
        state.next.remove(1);
        state.live.n_skipped += 1;
    }
    state.next.push_back(job);
}

/// Whatever runs is not wanted any more; the picture before it stays.
pub(super) fn put_away(state: &mut AppState) -> Option<Effect> {
    let was_drawing = state.is_drawing();
    state.next.clear();
    state.steering.asked = None;
    state.steering.pending = None;
    was_drawing.then_some(Effect::Cancel)
}

fn new_job(state: &mut AppState, id: JobId, request: GenerateRequest, asked: Asked) -> Job {
    Job::new(Order {
        id,
        n_scales: state.model().map_or(0, |model| model.scales.len()),
        sketch_revision: state.sketch.revision(),
        made: state.made_from(),
        origin: asked.origin,
        parent: asked.parent,
        request,
    })
}

/// A run takes the place of the one before.
fn begin(state: &mut AppState, mut job: Job) {
    if let Some(before) = &state.job {
        job = job.continuing(before);
        let is_superseded = before.is_running() && !before.request.is_same_picture(&job.request);
        state.live.n_superseded += u64::from(is_superseded);
    }
    let before = state.job.replace(job);
    // A run that was superseded before its first still leaves the picture before it in place.
    if let Some(before) = before.filter(|job| job.n_done() > 0) {
        state.earlier = Some(before);
    }
    state.scrubbed_to = None;
    state.pace.pause();
    state.steering.is_held = false;
    state.steering.pending = None;
}

/// A run has begun: if it is one of those that waited, those before it never will.
fn promote(state: &mut AppState, id: JobId) {
    if !state.next.iter().any(|next| next.id == id) {
        return;
    }
    while let Some(next) = state.next.pop_front() {
        if next.id == id {
            begin(state, next);
            return;
        }
        state.live.n_skipped += 1;
    }
}

fn finished(
    state: &mut AppState,
    images: Vec<Arc<RgbaImage>>,
    ids: Arc<Vec<PictureIds>>,
    timings: Timings,
    now: f64,
) -> Option<Effect> {
    let job = state.job.as_ref()?;
    let (n_wanted, n_scales, n_pictures) =
        (job.n_wanted, job.stills.len(), job.request.seeds.len());
    // Only what this run drew is timed; anything else tells of a run that went another way. Rows were
    // timed as they came.
    let is_raster = state.order() == DecodingOrder::Raster;
    if !is_raster && n_pictures == 1 && job.first_idx + timings.scales.len() == n_wanted {
        let n_known = state.costs.scale_secs().count().max(job.first_idx);
        let unknown = timings.scales.get(n_known - job.first_idx..).unwrap_or_default();
        state.costs.observe_scales(n_known, unknown);
    }
    if n_wanted == n_scales {
        state.finished_ids = Some(Arc::clone(&ids));
    }
    if let (Some(image), Some(scale_idx)) = (images.into_iter().next(), n_wanted.checked_sub(1)) {
        set_still(state, scale_idx, image);
    }
    if let Some(job) = &mut state.job {
        job.growing = None;
    }
    state.pace.pause();
    set_ids(state, ids);
    set_phase(state, Phase::Finished(timings));
    state.earlier = None;
    // A draft under the pen goes on by itself, and a batch is shown elsewhere.
    if n_wanted == n_scales && n_pictures == 1 {
        timeline::keep_picture(state, n_wanted);
    }
    steer::ended(state, now)
}

fn cancelled(state: &mut AppState, ids: Arc<Vec<PictureIds>>, now: f64) -> Option<Effect> {
    // It gave way to one that waited.
    state.live.n_superseded += u64::from(!state.next.is_empty());
    set_phase(state, Phase::Stopped);
    state.pace.pause();
    forget_earlier(state);
    set_ids(state, ids);
    let was_awaited = state.steering.pending.is_some();
    let effect = steer::ended(state, now);
    if !was_awaited {
        steer::stopped_by_hand(state);
    }
    effect
}

fn model_ready(state: &mut AppState, info: ModelInfo) {
    state.slots.resize(info.n_memory_slots, Slot::default());
    // A sketch that was begun is kept; it waits for a model of its size.
    let size_px = info.image_size_px;
    let has_history = state.sketch.history().can_undo() || state.sketch.history().can_redo();
    // Controls are resampled to the model's size; only what would be small for it is begun anew.
    let is_sample = info.order == DecodingOrder::Raster && state.sketch.document().has_pixels();
    let is_untouched = !has_history && state.project.serial == 0 && !is_sample;
    if state.sketch.document().size_px() != size_px
        && is_untouched
        && let Ok(document) = Document::new(size_px)
    {
        state.sketch = Editor::new(document, Budget::default());
        state.sample = None;
    }
    let tools = &mut state.settings.tools;
    if let Some(known) = info.control_kinds.first()
        && !info.control_kinds.contains(&tools.layer)
    {
        tools.layer = *known;
    }
    state.costs = Costs::of_model(&info);
    state.pace = Pace::default();
    state.engine = Engine::Ready(info);
}

fn set_phase(state: &mut AppState, phase: Phase) {
    if let Some(job) = &mut state.job {
        job.phase = phase;
    }
}

/// A run that never began has none.
fn set_ids(state: &mut AppState, ids: Arc<Vec<PictureIds>>) {
    if let Some(job) = state.job.as_mut().filter(|_| !ids.is_empty()) {
        job.ids = ids;
    }
}

/// A stopped run with nothing to show leaves the picture before it.
fn forget_earlier(state: &mut AppState) {
    if state.job.as_ref().is_some_and(|job| job.n_done() > 0 || job.growing.is_some()) {
        state.earlier = None;
    }
}

fn set_still(state: &mut AppState, scale_idx: usize, image: Arc<RgbaImage>) {
    let serial = state.next_serial();
    let Some(still) = state.job.as_mut().and_then(|job| job.stills.get_mut(scale_idx)) else {
        return;
    };
    match still {
        // The same pixels again must not look like a new picture.
        Some(known) if Arc::ptr_eq(&known.image, &image) || known.image == image => {}
        _ => *still = Some(Still { image, serial, elapsed: None }),
    }
}
