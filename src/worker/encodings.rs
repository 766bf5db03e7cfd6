//! What other threads want of the model for the user's memories: ids of pictures and keys of
//! captions. Done when there is nothing else to do, and left for whatever comes: a request waits for
//! one picture at most.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};

use super::run::panic_failure;
use crate::imaging::RgbaImage;
use crate::model::{Generator, ModelError};
use crate::protocol::{Failure, MemoryEncoder, MemoryModel, row_of};

/// Captions that the model reads together; they take about as long as a picture.
const N_CAPTIONS: usize = 8;
/// Jobs that follow each other without a pause let one piece through in this time.
const MAX_WAIT: Duration = Duration::from_millis(500);

/// Makes entries of memories on the worker's thread, from any other one. Calls wait for the model,
/// also while it is being loaded; they end with a failure when the worker's handle is dropped, so
/// that goes before threads that use this are waited for.
#[derive(Debug, Clone)]
pub struct WorkerMemoryEncoder {
    encodings: Arc<Encodings>,
    /// Weak, so that the worker's thread ends with its handle.
    bell: Weak<Sender<()>>,
    /// The load of the model that was last asked for: ids of another one must not come between.
    load: Option<u64>,
}

/// Those that wait, shared between all encoders and the thread.
#[derive(Debug, Default)]
pub(super) struct Encodings(Mutex<Waiting>);

/// Each is the call of a thread that waits for it, so there are few.
#[derive(Debug, Default)]
struct Waiting {
    calls: VecDeque<Call>,
    /// Nobody answers any more.
    is_closed: bool,
}

#[derive(Debug)]
enum Call {
    Model(Sender<Result<(MemoryModel, u64), Failure>>),
    Ids(Series<Arc<RgbaImage>, Arc<[u16]>>),
    Keys(Series<String, Vec<i8>>),
}

/// Things of one call, of which some are done.
#[derive(Debug)]
struct Series<T, R> {
    things: Vec<T>,
    done: Vec<R>,
    load: Option<u64>,
    answer: Sender<Result<Vec<R>, Failure>>,
}

impl WorkerMemoryEncoder {
    pub(super) fn new(encodings: Arc<Encodings>, bell: Weak<Sender<()>>) -> Self {
        Self { encodings, bell, load: None }
    }

    fn call<R>(&self, call: impl FnOnce(Sender<Result<R, Failure>>) -> Call) -> Result<R, Failure> {
        let (answer, answered) = bounded(1);
        self.encodings.put(call(answer));
        if let Some(bell) = self.bell.upgrade() {
            // Full means that it rings already.
            bell.try_send(()).ok();
        }
        // Fails when the call was dropped without an answer.
        answered.recv().unwrap_or_else(|_unanswered| Err(closed()))
    }
}

impl MemoryEncoder for WorkerMemoryEncoder {
    fn model(&mut self) -> Result<MemoryModel, Failure> {
        let (model, load) = self.call(Call::Model)?;
        self.load = Some(load);
        Ok(model)
    }

    fn ids(&mut self, pictures: &[Arc<RgbaImage>]) -> Result<Vec<Arc<[u16]>>, Failure> {
        self.call(|answer| Call::Ids(Series::new(pictures, self.load, answer)))
    }

    fn keys(&mut self, captions: &[String]) -> Result<Vec<Vec<i8>>, Failure> {
        self.call(|answer| Call::Keys(Series::new(captions, self.load, answer)))
    }
}

impl Encodings {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting().calls.is_empty()
    }

    /// Works on the call that has waited longest: one picture or some captions, and more of them as
    /// long as `is_idle`.
    /// `load` is the number of the model's load.
    pub(super) fn run_piece(
        &self,
        model: &mut dyn Generator,
        load: u64,
        is_idle: impl Fn() -> bool,
    ) {
        let Some(call) = self.waiting().calls.pop_front() else { return };
        if model.info().n_memory_slots == 0 {
            return call.refuse(&no_memory());
        }
        if call.load().is_some_and(|asked| asked != load) {
            return call.refuse(&changed());
        }
        let go_on = || is_idle() && !self.waiting().is_closed;
        if let Some(unfinished) = call.run_piece(model, load, &go_on) {
            let mut waiting = self.waiting();
            if !waiting.is_closed {
                waiting.calls.push_front(unfinished);
            }
        }
    }

    /// Answers all that wait with the reason why there is no model.
    pub(super) fn refuse(&self, failure: &Failure) {
        let calls = std::mem::take(&mut self.waiting().calls);
        for call in calls {
            call.refuse(failure);
        }
    }

    /// Answers all that wait, and all that come later, that there is nobody to do it.
    pub(super) fn close(&self) {
        self.waiting().is_closed = true;
        self.refuse(&closed());
    }

    fn put(&self, call: Call) {
        let mut waiting = self.waiting();
        // Otherwise the call is dropped, which answers it.
        if !waiting.is_closed {
            waiting.calls.push_back(call);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that can panic runs under the lock, and the queue is always complete.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it is time for a piece although there are jobs.
#[derive(Debug)]
pub(super) struct Patience {
    last: Instant,
}

impl Patience {
    pub(super) fn new(now: Instant) -> Self {
        Self { last: now }
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) >= MAX_WAIT
    }

    pub(super) fn renew(&mut self, now: Instant) {
        self.last = now;
    }
}

impl Call {
    /// What is left of it, if it is not answered yet. Nobody may wait for the answer any more.
    fn run_piece(
        self,
        model: &mut dyn Generator,
        load: u64,
        go_on: &dyn Fn() -> bool,
    ) -> Option<Self> {
        match self {
            Self::Model(answer) => {
                answer.send(guarded(|| Ok((model.memory_model(), load)))).ok();
                None
            }
            Self::Ids(series) => {
                let encode = |pictures: &[Arc<RgbaImage>]| {
                    let rows = pictures.iter().map(|picture| Ok(row_of(&model.encode(picture)?)));
                    rows.collect()
                };
                series.run_piece(1, encode, go_on).map(Self::Ids)
            }
            Self::Keys(series) => series
                .run_piece(N_CAPTIONS, |captions: &[_]| model.keys(captions), go_on)
                .map(Self::Keys),
        }
    }

    /// The load of the model that it is meant for; `None` if any will do.
    fn load(&self) -> Option<u64> {
        match self {
            Self::Model(_) => None,
            Self::Ids(series) => series.load,
            Self::Keys(series) => series.load,
        }
    }

    fn refuse(self, failure: &Failure) {
        match self {
            Self::Model(answer) => answer.send(Err(failure.clone())).ok(),
            Self::Ids(series) => series.answer.send(Err(failure.clone())).ok(),
            Self::Keys(series) => series.answer.send(Err(failure.clone())).ok(),
        };
    }
}

impl<T: Clone, R> Series<T, R> {
    fn new(things: &[T], load: Option<u64>, answer: Sender<Result<Vec<R>, Failure>>) -> Self {
        Self { things: things.to_vec(), done: Vec::with_capacity(things.len()), load, answer }
    }

    /// `make` is given up to `n` things at a time.
    fn run_piece(
        mut self,
        n: usize,
        mut make: impl FnMut(&[T]) -> Result<Vec<R>, ModelError>,
        go_on: &dyn Fn() -> bool,
    ) -> Option<Self> {
        loop {
            let n_done = self.done.len();
            let next = &self.things[n_done..self.things.len().min(n_done + n)];
            if next.is_empty() {
                self.answer.send(Ok(self.done)).ok();
                return None;
            }
            match guarded(|| make(next)) {
                Ok(made) => self.done.extend(made),
                Err(failure) => {
                    self.answer.send(Err(failure)).ok();
                    return None;
                }
            }
            if self.done.len() < self.things.len() && !go_on() {
                return Some(self);
            }
        }
    }
}

fn guarded<R>(work: impl FnOnce() -> Result<R, ModelError>) -> Result<R, Failure> {
    // Unwind safe: a generator promises to survive a panic, and nothing else is left behind.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| error.to_failure()),
        Err(payload) => Err(panic_failure(
            "The pictures could not be remembered because of a fault in the program; try again",
            &*payload,
        )),
    }
}

fn no_memory() -> Failure {
    Failure {
        headline: "This model has no picture memory; load the built-in model to add pictures"
            .to_owned(),
        details: "the model has no memory slots".to_owned(),
    }
}

fn changed() -> Failure {
    Failure {
        headline: "The pictures were not remembered because another model was loaded; add them \
                   again"
            .to_owned(),
        details: "the model was replaced".to_owned(),
    }
}

fn closed() -> Failure {
    Failure {
        headline: "The pictures could not be remembered because Underpaint is closing; add them \
                   again when it is open"
            .to_owned(),
        details: "the worker has ended".to_owned(),
    }
}
