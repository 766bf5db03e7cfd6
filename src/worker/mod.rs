//! One thread, one model, one job at a time. The window keeps a [`WorkerHandle`], asks for
//! pictures and collects what came of it; it never waits for the model.
//!
//! ```text
//! generate() ─▶ Latest<Job> + bell ─▶ thread "generate": start, then step and render per scale
//! errand() ──▶ queue + bell ───────▶ encode, decode or search, between two jobs
//! memory_encoder() ▶ queue + bell ─▶ ids and keys for memories, answered to the calling thread
//! drain() ◀─── events, bounded ◀──── Started, ScaleFinished …, Finished | Cancelled | Failed
//! take_preview() ◀─ Latest<Preview> ◀ the picture after each scale that is shown
//! ```
//!
//! Invariants:
//! - The newest request wins. It ends the running job ([`WorkerHandle::follow`]: once that has
//!   shown something) and replaces one that still waits, so nothing queues. What
//!   [`WorkerHandle::drain`] and [`WorkerHandle::take_preview`] show never goes back to an older
//!   job, and once `generate` has returned, none of a job before is shown.
//! - Each job that is not superseded ends in exactly one of `Finished`, `Cancelled` and `Failed`,
//!   and nothing follows that. Before it come, in this order, at most one `Started` and one
//!   `ScaleFinished` per scale. `Started` is missing if the job never began.
//! - Scales are told of coarse to fine. With [`Previews::Budgeted`] those that are shown while the
//!   job runs come first, coarse to fine; then, if it ran to the model's last scale, the others,
//!   coarse to fine. So a job that finishes there has told of every scale in either mode, and one
//!   that stops earlier has told of its last scale. Previews only get finer.
//! - After [`WorkerHandle::cancel`], a job ends with `Cancelled`, or with `Finished` or `Failed`
//!   if it was faster. The flag is read before every step and every decoding, and by the model
//!   within a step.
//! - A job whose request differs from the one before in `stop_at` and `previews` alone goes on from
//!   the scales done so far, also after a cancellation. It tells of the earlier ones again, as far
//!   as they were decoded. After a failure it starts anew.
//! - No scale is decoded twice, even over jobs that go on from each other: the still is the
//!   preview, and the last still the picture.
//! - Events are never lost, previews may be skipped. If nobody drains, the worker waits when
//!   [`WorkerHandle::EVENT_CAPACITY`] events are pending; no method of the handle waits for it.
//! - `wake` is called after each event and each preview, on the worker's thread.
//! - Errors and panics of the model become events; the worker and the model live on.
//! - Errands are done one at a time, in the order asked for, each between two jobs: a job waits for
//!   one errand at most, an errand for the running job and the errands before it. Each is answered
//!   by one `ErrandDone`, or `Candidates` for a search, which is never stale. Jobs supersede and cancel no errand, errands no job,
//!   and the next job goes on from the one before as if no errand had been in between.
//! - Thumbnails are idle work: between two of them the worker looks for errands and a new request.
//! - So are ids and keys for memories, after the thumbnails: between two of them the worker looks for
//!   anything else, and jobs without a pause let one through now and then. Whoever waits for them, on
//!   whatever thread, gets an answer: at the latest when the worker ends.
//! - [`WorkerHandle::replace_model`] ends all jobs, drops the model and then loads another one on the
//!   same thread. Jobs, errands and memories that waited are answered; what is said of a model that
//!   has been replaced since is not heard.
//! - Dropping the handle ends the thread within one step, one decoding of an errand, or when loading
//!   ends, and waits for it.
//!
//! Deliberately absent: any knowledge of the window.
//!
//! [`Previews::Budgeted`]: crate::protocol::Previews::Budgeted

mod encodings;
mod errands;
mod job;
mod latest;
mod orders;
mod pace;
mod painting;
mod run;
mod thumbnails;

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use self::encodings::Encodings;
pub use self::encodings::WorkerMemoryEncoder;
use self::errands::Errands;
use self::job::Job;
use self::latest::Latest;
use self::orders::Orders;
use self::run::{Inbox, Load, Outbox};
use crate::model::{Generator, ModelError};
use crate::protocol::{Errand, ErrandId, Event, GenerateRequest, JobId, Preview};

/// The window's end of the worker. See the module for what it promises.
pub struct WorkerHandle {
    /// The newest job's number and how many there were; 0 before the first.
    n_jobs: u64,
    /// The oldest job of which something may still be seen.
    oldest_seen: JobId,
    n_errands: u64,
    orders: Orders,
    /// Number of the newest load; the first is 0.
    n_loads: u64,
    loads: Arc<Latest<Load>>,
    jobs: Arc<Latest<Job>>,
    errands: Arc<Errands>,
    encodings: Arc<Encodings>,
    previews: Arc<Latest<Preview>>,
    // Dropped in this order: without bell and events the thread ends, wherever it waits, and only
    // then is it joined.
    bell: Arc<Sender<()>>,
    events: Receiver<(u64, Event)>,
    _thread: JoinOnDrop,
}

impl WorkerHandle {
    /// Events that can be pending before the worker waits for [`Self::drain`]: several jobs' worth.
    pub const EVENT_CAPACITY: usize = 64;

    /// Starts the thread, named `generate`. `load` runs on it and is answered by
    /// [`Event::ModelReady`] or [`Event::ModelFailed`]; requests may be made before that. `wake`
    /// is called on it after every event and preview, and must not wait for the handle's owner.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn spawn(
        load: impl FnOnce() -> Result<Box<dyn Generator>, ModelError> + Send + 'static,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let loads = Arc::new(Latest::default());
        let jobs = Arc::new(Latest::default());
        let errands = Arc::new(Errands::default());
        let encodings = Arc::new(Encodings::default());
        let previews = Arc::new(Latest::default());
        // One ring is enough, however much was put: whoever hears it looks at all that is there.
        let (bell, bell_of_worker) = bounded(1);
        let (events_of_worker, events) = bounded(Self::EVENT_CAPACITY);
        let inbox = Inbox {
            loads: Arc::clone(&loads),
            jobs: Arc::clone(&jobs),
            errands: Arc::clone(&errands),
            encodings: Arc::clone(&encodings),
            bell: bell_of_worker,
        };
        let outbox = Outbox {
            events: events_of_worker,
            load: 0,
            previews: Arc::clone(&previews),
            wake: Box::new(wake),
        };
        let first = Load { number: 0, load: Box::new(load) };
        let thread = Builder::new()
            .name("generate".to_owned())
            .spawn(move || run::run(first, &inbox, outbox))?;
        Ok(Self {
            n_jobs: 0,
            oldest_seen: JobId(0),
            n_errands: 0,
            orders: Orders::default(),
            n_loads: 0,
            loads,
            jobs,
            errands,
            encodings,
            previews,
            bell: Arc::new(bell),
            events,
            _thread: JoinOnDrop(Some(thread)),
        })
    }

    /// Loads another model in place of the one that is there or being loaded; all jobs are stopped.
    /// Never waits; answered as in [`Self::spawn`].
    pub fn replace_model(
        &mut self,
        load: impl FnOnce() -> Result<Box<dyn Generator>, ModelError> + Send + 'static,
    ) {
        self.cancel();
        self.n_loads += 1;
        self.loads.put(Load { number: self.n_loads, load: Box::new(load) });
        self.ring();
    }

    /// Supersedes the running job: of that one, nothing is seen any more. If the model could not
    /// be loaded, the job ends as [`Event::Failed`].
    pub fn generate(&mut self, request: GenerateRequest) -> JobId {
        let job = self.put(request);
        // Only now, so that the worker, when it sees the old job's end, finds the new one.
        self.orders.end_below(job);
        self.oldest_seen = job;
        job
    }

    /// Like [`Self::generate`], but a running job that has shown nothing yet goes on until it
    /// has. For requests that come faster than pictures: each run shows something, and the next
    /// one begins without waiting for the window.
    pub fn follow(&mut self, request: GenerateRequest) -> JobId {
        let job = self.put(request);
        self.orders.yield_below(job);
        job
    }

    /// Stops all jobs within a part of a scale; what is shown stays. Harmless if they have ended.
    pub fn cancel(&mut self) {
        self.orders.end_below(JobId(self.n_jobs + 1));
    }

    /// Has the model do something small between two jobs. Never waits, and supersedes nothing; the
    /// answer is [`Event::ErrandDone`] with the number that is given back, also if there is no
    /// model.
    pub fn errand(&mut self, errand: Errand) -> ErrandId {
        self.n_errands += 1;
        let id = ErrandId(self.n_errands);
        self.errands.put(id, errand);
        self.ring();
        id
    }

    /// Makes entries of memories for any thread; each has its own clone. See
    /// [`WorkerMemoryEncoder`] for what it promises.
    pub fn memory_encoder(&self) -> WorkerMemoryEncoder {
        WorkerMemoryEncoder::new(Arc::clone(&self.encodings), Arc::downgrade(&self.bell))
    }

    /// All events since the last call, oldest first, without those of superseded jobs.
    pub fn drain(&mut self) -> Vec<Event> {
        // What a waiting worker adds meanwhile is left for the next call, for which it wakes us:
        // so a call is short however fast the worker is.
        let n_pending = self.events.len();
        let oldest_seen = self.oldest_seen;
        let newest_load = self.n_loads;
        let is_wanted = |(load, event): &(u64, Event)| {
            let is_of_model = matches!(
                event,
                Event::ModelReady(_) | Event::ModelFailed(_) | Event::Thumbnail { .. }
            );
            event.job().is_none_or(|job| job >= oldest_seen)
                && (!is_of_model || *load == newest_load)
        };
        let events = self.events.try_iter().take(n_pending).filter(is_wanted);
        events.map(|(_, event)| event).collect()
    }

    /// The newest preview, once, if its job is not superseded.
    pub fn take_preview(&mut self) -> Option<Preview> {
        self.previews.take().filter(|preview| preview.job >= self.oldest_seen)
    }

    /// Puts a request where the worker finds it, in place of one that still waits there.
    fn put(&mut self, request: GenerateRequest) -> JobId {
        self.n_jobs += 1;
        let id = JobId(self.n_jobs);
        self.jobs.put(Job { id, request, orders: self.orders.clone() });
        self.ring();
        id
    }

    fn ring(&self) {
        // Full means that the bell rings already. Closed means that the thread has died, which
        // only a panic of `wake` can do, and the panic hook has reported that.
        self.bell.try_send(()).ok();
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        self.cancel();
        self.errands.close();
        self.encodings.close();
    }
}

struct JoinOnDrop(Option<JoinHandle<()>>);

impl Drop for JoinOnDrop {
    fn drop(&mut self) {
        if let Some(Err(_)) = self.0.take().map(JoinHandle::join) {
            tracing::error!("the worker's thread ended by a panic");
        }
    }
}
