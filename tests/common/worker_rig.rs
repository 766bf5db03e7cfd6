//! A worker over the fake model, with everything that it told so far.

#![allow(dead_code, reason = "each test crate uses another part of it")]

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;
use std::time::Instant;

use crossbeam_channel::{Receiver, bounded};
use underpaint::protocol::{Event, GenerateRequest, JobId};
use underpaint::worker::WorkerHandle;

use super::fake_model::{FakeModel, Gate, Point, TIME_LIMIT};

pub(crate) struct Rig {
    /// Dropped before the worker, so that a failing test does not wait for what is held.
    pub(crate) gate: Gate,
    pub(crate) worker: WorkerHandle,
    /// Rings after a wake; one ring may stand for several.
    pub(crate) woken: Receiver<()>,
    n_wakes: Arc<AtomicUsize>,
    pub(crate) seen: Vec<Event>,
}

impl Rig {
    pub(crate) fn new(model: FakeModel) -> Self {
        Self::gated(model, |_| false)
    }

    /// Holds the worker at each point that `holds` names.
    pub(crate) fn gated(model: FakeModel, holds: fn(Point) -> bool) -> Self {
        let (model, gate) = model.gated(holds);
        let (ring, woken) = bounded(1);
        let n_wakes = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&n_wakes);
        let wake = move || {
            counter.fetch_add(1, Ordering::SeqCst);
            ring.try_send(()).ok();
        };
        let worker = WorkerHandle::spawn(model.into_loader(), wake).expect("a thread");
        Self { gate, worker, woken, n_wakes, seen: Vec::new() }
    }

    pub(crate) fn generate(&mut self, prompt: &str) -> JobId {
        self.worker.generate(GenerateRequest::new(prompt, 7))
    }

    pub(crate) fn drain(&mut self) {
        self.seen.extend(self.worker.drain());
    }

    /// Drains until the last event is this one, named as in [`Self::story`].
    pub(crate) fn drain_until(&mut self, name: &str) {
        self.wait(name, |rig| {
            rig.drain();
            rig.seen.iter().any(|event| name_of(event) == name)
        });
    }

    /// Waits without draining.
    pub(crate) fn wait_for_wakes(&mut self, n_wakes: usize) {
        self.wait("enough wakes", |rig| rig.n_wakes.load(Ordering::SeqCst) >= n_wakes);
    }

    /// What was seen, one name per event, such as `scale 2 of job 1`.
    pub(crate) fn story(&self) -> Vec<String> {
        self.seen.iter().map(name_of).collect()
    }

    /// Opens the gate and drops the worker on another thread. The answer comes when that is done.
    pub(crate) fn begin_drop(self) -> Dropping {
        let (done, is_done) = bounded(1);
        let drop_worker = move || {
            drop(self.worker);
            done.send(()).ok();
        };
        Builder::new().name("drop".to_owned()).spawn(drop_worker).expect("a thread");
        Dropping(is_done)
    }

    fn wait(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + TIME_LIMIT;
        while !holds(self) {
            let woken = self.woken.recv_deadline(deadline);
            assert!(woken.is_ok(), "still waiting for “{what}”; seen: {:#?}", self.story());
        }
    }
}

pub(crate) struct Dropping(Receiver<()>);

impl Dropping {
    pub(crate) fn finish(self) {
        self.0.recv_timeout(TIME_LIMIT).expect("dropping the worker must not hang");
    }
}

fn name_of(event: &Event) -> String {
    let (mut name, job) = match event {
        Event::ModelReady(_) => return "model ready".to_owned(),
        Event::ModelFailed(_) => return "model failed".to_owned(),
        Event::ErrandDone { errand, .. } => return format!("errand {}", errand.0),
        Event::Candidates { errand, .. } => return format!("candidates {}", errand.0),
        Event::Thumbnail { entry, .. } => return format!("thumbnail {}", entry.0),
        Event::Started { job, .. } => ("started".to_owned(), job),
        Event::ScaleFinished { job, scale_idx, .. } => (format!("scale {scale_idx}"), job),
        Event::Finished { job, .. } => ("finished".to_owned(), job),
        Event::Cancelled { job, .. } => ("cancelled".to_owned(), job),
        Event::Failed { job, .. } => ("failed".to_owned(), job),
    };
    write!(name, " of job {}", job.0).expect("strings take all");
    name
}
