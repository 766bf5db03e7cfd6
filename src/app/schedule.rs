//! When a request is sent, and how much of it.
//!
//! A wish of the user (*Generate*) is sent as soon as there is a model, in full. In live mode
//! every change is a wish of its own:
//! - One run at a time, newest wins, nothing queues: each change is sent at once, replaces the one
//!   that still waits, and begins as soon as the running picture has shown something. So a hand
//!   that never rests still sees pictures.
//! - After a change of the sketch alone, the picture stays close to the last finished one.
//! - A picture that was stopped waits until it goes on; a picture that is shown again counts as the
//!   answer to what it was drawn for, so that nothing is sent for it.
//! - While the pen moves, a run ends at the first scale that can be shown in time. When the pen
//!   rests or lifts, the same run goes on to the finest scale.

mod pace;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use self::pace::first_scale_idx;
use crate::protocol::{Anchor, GenerateRequest, JobId, Previews};
use crate::state::costs::Decoding;
use crate::state::{AppState, Engine, Phase};

/// A pen that has not moved for so long rests.
const REST: Duration = Duration::from_millis(120);
/// Between two previews of a picture that is being finished.
const PREVIEW_GAP: Duration = Duration::from_millis(45);

/// A request and how it is to be sent.
#[derive(Debug)]
pub(super) enum Due {
    /// In place of whatever runs.
    Now(GenerateRequest),
    /// As soon as the running picture has shown something.
    Next(GenerateRequest),
}

/// Decides about requests; remembers those under way.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    /// The user wants a picture of the present settings, whatever was sent before.
    is_wanted: bool,
    /// The program has just begun: a picture is welcome if it takes a moment.
    is_first_wanted: bool,
    /// Oldest first; the last is the newest request, the others are under way or were replaced.
    sent: VecDeque<Sent>,
    /// What was asked for at the last look, and since when.
    seen: Option<(GenerateRequest, Instant)>,
    /// The picture that was last shown again; see `Job::recall`.
    recalled: Option<u64>,
}

/// A request that was sent.
#[derive(Debug)]
struct Sent {
    job: JobId,
    request: GenerateRequest,
    /// When the change came that it answers; `None` if it answers none or that has been shown.
    changed_at: Option<Instant>,
    /// It goes on from the scales of the one before.
    is_continuation: bool,
    /// Nothing more is to be learnt from it.
    is_counted: bool,
}

impl Schedule {
    /// Wants a picture of the present settings.
    pub(super) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// Wants the first picture of the program, which nobody has asked for: a model that takes minutes
    /// waits for the user.
    pub(super) fn want_first(&mut self) {
        self.is_first_wanted = true;
    }

    /// What to send now, if anything; follow with [`Self::sent`]. A model that failed to load
    /// answers nothing.
    pub(super) fn due(&mut self, state: &mut AppState, now: Instant) -> Option<Due> {
        match state.engine {
            Engine::Ready(_) => {}
            Engine::Loading => return None,
            Engine::Failed(_) => {
                self.is_wanted = false;
                return None;
            }
        }
        self.adopt_recalled(state);
        let is_first_wanted = std::mem::take(&mut self.is_first_wanted) && state.can_be_live();
        if std::mem::take(&mut self.is_wanted) || is_first_wanted {
            return Some(Due::Now(state.request()));
        }
        let waits = state.steering.is_held || state.steering.pending.is_some();
        if !state.is_live() || waits {
            self.seen = None;
            return None;
        }
        let mut request = state.request();
        request.anchor = self.anchor(&request, state);
        let since = self.look(&request, now);
        let has_rested = !state.sketch.is_pending() || now.duration_since(since) >= REST;
        if self.sent.back().is_some_and(|sent| sent.request.is_same_picture(&request)) {
            let goes_on = has_rested && self.can_go_on(state);
            return goes_on.then(|| Due::Next(Self::finishing(request, state)));
        }
        Some(Due::Next(Self::live(request, state)))
    }

    /// A request went to the worker.
    pub(super) fn sent(&mut self, job: JobId, request: GenerateRequest) {
        let before = self.sent.back();
        let is_continuation = before.is_some_and(|sent| sent.request.is_same_picture(&request));
        // The very first picture answers the start of the program, not a hand.
        let changed_at = match &self.seen {
            Some((_, since)) if before.is_some() && !is_continuation => Some(*since),
            _ => None,
        };
        self.sent.push_back(Sent { job, request, changed_at, is_continuation, is_counted: false });
    }

    /// A picture that is shown again answers its request, as if it had just been drawn.
    fn adopt_recalled(&mut self, state: &AppState) {
        let Some(job) = &state.job else { return };
        if job.recall.is_none() || job.recall == self.recalled {
            return;
        }
        self.recalled = job.recall;
        self.seen = None;
        self.sent = VecDeque::from([Sent {
            job: job.id,
            request: job.request.clone(),
            changed_at: None,
            is_continuation: true,
            is_counted: true,
        }]);
    }

    /// Learns from what the newest run has shown.
    pub(super) fn observe(&mut self, state: &mut AppState, now: Instant) {
        let Some(job) = state.job.as_ref().filter(|job| job.n_done() > 0) else { return };
        // What was replaced before it began is answered by what replaced it.
        for sent in self.sent.iter_mut().take_while(|sent| sent.job <= job.id) {
            if let Some(changed_at) = sent.changed_at.take() {
                state.live.record(now.duration_since(changed_at));
            }
        }
        while self.sent.len() > 1 && self.sent[0].job < job.id {
            self.sent.pop_front();
        }
        // Once, from the first preview: by the end of a run another one may have replaced it.
        let sent = self.sent.front_mut().filter(|sent| sent.job == job.id);
        if let Some(sent) = sent.filter(|sent| !sent.is_counted && !sent.is_continuation)
            && !job.timings.scales.is_empty()
        {
            sent.is_counted = true;
            let decoding = match sent.request.previews {
                Previews::Draft => Decoding::Draft,
                Previews::EveryScale | Previews::Budgeted { .. } => Decoding::Whole,
            };
            let n_decoded = job.stills.iter().flatten().count();
            if job.request.seeds.len() == 1 {
                state.costs.observe_start(&job.timings, job.first_idx, n_decoded, decoding);
            }
        }
    }

    /// When to look again although nothing happens.
    pub(super) fn wake_after(&self, state: &AppState, now: Instant) -> Option<Duration> {
        let (_, since) = self.seen.as_ref()?;
        let rested_for = now.duration_since(*since);
        let waits = state.is_live() && state.sketch.is_pending();
        REST.checked_sub(rested_for).filter(|rest| waits && !rest.is_zero())
    }

    /// What a live picture stays close to: after a change of the sketch, the last finished picture,
    /// so that the rest keeps still under the pen. Another prompt, seed or setting starts afresh.
    fn anchor(&self, request: &GenerateRequest, state: &AppState) -> Option<Anchor> {
        let sent = &self.sent.back()?.request;
        let as_sent =
            |controls| GenerateRequest { anchor: sent.anchor.clone(), controls, ..request.clone() };
        if as_sent(request.controls.clone()).is_same_picture(sent) {
            return sent.anchor.clone();
        }
        let only_sketch_changed = as_sent(sent.controls.clone()).is_same_picture(sent);
        let ids = state.finished_ids.clone().filter(|_| only_sketch_changed)?;
        Some(Anchor { ids, hold: Anchor::LIVE_HOLD })
    }

    /// Since when the request is what it is.
    fn look(&mut self, request: &GenerateRequest, now: Instant) -> Instant {
        match &self.seen {
            Some((seen, since)) if seen.is_same_picture(request) => *since,
            _ => {
                self.seen = Some((request.clone(), now));
                now
            }
        }
    }

    /// Whether the newest run has ended early because the pen was moving.
    fn can_go_on(&self, state: &AppState) -> bool {
        let Some(sent) = self.sent.back() else { return false };
        let has_ended = state
            .job
            .as_ref()
            .is_some_and(|job| job.id == sent.job && matches!(job.phase, Phase::Finished(_)));
        has_ended && sent.request.stop_at.is_some()
    }

    /// While the pen moves, a draft of what can be shown in time; otherwise the whole picture.
    fn live(request: GenerateRequest, state: &AppState) -> GenerateRequest {
        let n_scales = n_scales(state);
        // What is given needs no drawing: the first scale that can change comes after it.
        let n_given = request.n_given();
        let draft_idx = first_scale_idx(&state.costs, n_scales, Decoding::Draft).max(n_given);
        if state.sketch.is_pending() && draft_idx + 1 < n_scales {
            let stop_at = Some(draft_idx + 1);
            return GenerateRequest { stop_at, previews: Previews::Draft, ..request };
        }
        let first_scale_idx = first_scale_idx(&state.costs, n_scales, Decoding::Whole).max(n_given);
        let previews = Previews::Budgeted { first_scale_idx, gap: PREVIEW_GAP };
        GenerateRequest { stop_at: None, previews, ..request }
    }

    /// The rest of a picture of which a draft is shown.
    fn finishing(request: GenerateRequest, state: &AppState) -> GenerateRequest {
        let n_given = request.n_given();
        let draft_idx = first_scale_idx(&state.costs, n_scales(state), Decoding::Draft);
        let first_scale_idx = draft_idx.max(n_given) + 1;
        let previews = Previews::Budgeted { first_scale_idx, gap: PREVIEW_GAP };
        GenerateRequest { stop_at: None, previews, ..request }
    }
}

fn n_scales(state: &AppState) -> usize {
    state.model().map_or(0, |model| model.scales.len())
}

#[cfg(test)]
mod tests;
