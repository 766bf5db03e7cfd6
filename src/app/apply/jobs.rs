//! Runs of the model: what was sent, what came of it, and which of them is shown. A run that ends
//! with a picture becomes a node of the branch tree.

use std::sync::Arc;

use super::{Effect, inspired, nodes, sheet, steer, style, timeline};
use crate::document::{Budget, Document, Editor};
use crate::imaging::RgbaImage;
use crate::protocol::{Event, GenerateRequest, JobId, ModelInfo, PictureIds, Preview, Timings};
use crate::state::job::Order;
use crate::state::steering::Asked;
use crate::state::{AppState, Engine, Job, Origin, Phase, Slot, Still};

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
        Event::ModelReady(info) => model_ready(state, info),
        Event::ModelFailed(failure) => {
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
            if let Some(job) = &mut state.job {
                job.timings = timings;
                job.advanced_at = now;
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

/// Takes over a picture that came before its event.
pub(in crate::app) fn preview(state: &mut AppState, preview: Preview) {
    promote(state, preview.job);
    if state.job.as_ref().is_some_and(|job| job.id == preview.job) {
        set_still(state, preview.scale_idx, preview.image);
    }
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
    // Only what this run drew is timed; anything else tells of a run that went another way.
    if n_pictures == 1 && job.first_idx + timings.scales.len() == n_wanted {
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
    let is_untouched = !has_history && state.project.serial == 0;
    if state.sketch.document().size_px() != size_px
        && is_untouched
        && let Ok(document) = Document::new(size_px)
    {
        state.sketch = Editor::new(document, Budget::default());
    }
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
    if state.job.as_ref().is_some_and(|job| job.n_done() > 0) {
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
