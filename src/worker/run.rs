//! The thread's loop: loads the model, then waits for jobs, and makes thumbnails when idle.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, TryRecvError};

use super::encodings::{Encodings, Patience};
use super::errands::Errands;
use super::job::Job;
use super::latest::Latest;
use super::thumbnails::Thumbnails;
use crate::model::{Generator, ModelError};
use crate::protocol::{Event, Failure, Preview};

/// Makes the model, on the thread.
type LoadModel = Box<dyn FnOnce() -> Result<Box<dyn Generator>, ModelError> + Send>;

/// A model to load in place of the one that is there.
pub(super) struct Load {
    /// Rising; what is said of the model of an earlier one is stale.
    pub(super) number: u64,
    pub(super) load: LoadModel,
}

/// Why a model is not served any more.
enum Ended {
    Closed,
    /// Another one is to take its place.
    Replaced(Load),
}

impl From<Closed> for Ended {
    fn from(Closed: Closed) -> Self {
        Self::Closed
    }
}

/// Where work comes from. The bell tells that there may be some, and by its end that no more comes.
pub(super) struct Inbox {
    pub(super) loads: Arc<Latest<Load>>,
    pub(super) jobs: Arc<Latest<Job>>,
    pub(super) errands: Arc<Errands>,
    pub(super) encodings: Arc<Encodings>,
    pub(super) bell: Receiver<()>,
}

/// Where results go.
pub(super) struct Outbox {
    /// With the number of the load that its model came from.
    pub(super) events: Sender<(u64, Event)>,
    pub(super) load: u64,
    pub(super) previews: Arc<Latest<Preview>>,
    pub(super) wake: Box<dyn Fn() + Send>,
}

/// The handle is gone: nobody wants results any more.
#[derive(Debug)]
pub(super) struct Closed;

impl Outbox {
    /// Waits while the channel is full, until someone drains it or the handle is dropped.
    pub(super) fn send(&self, event: Event) -> Result<(), Closed> {
        // The error is the event itself, which nobody can receive.
        self.events.send((self.load, event)).map_err(|_undelivered| Closed)?;
        (self.wake)();
        Ok(())
    }

    pub(super) fn publish(&self, preview: Preview) {
        self.previews.put(preview);
        (self.wake)();
    }
}

/// Runs until the handle is dropped.
pub(super) fn run(first: Load, inbox: &Inbox, mut outbox: Outbox) {
    let _closing = CloseOnDrop(&inbox.encodings);
    let mut next = first;
    loop {
        outbox.load = next.number;
        // The model before is gone when the next one is loaded: there may not be memory for both.
        let loaded = load_model(next.load);
        // Another one may have been wanted meanwhile.
        let ended = match (inbox.loads.take(), loaded) {
            (Some(newer), _unwanted) => Ended::Replaced(newer),
            (None, Ok(mut model)) => serve(&mut *model, inbox, &outbox),
            (None, Err(failure)) => refuse(&failure, inbox, &outbox),
        };
        match ended {
            Ended::Closed => break,
            Ended::Replaced(newer) => next = newer,
        }
        // What waits was meant for the model before.
        let failure = replaced();
        inbox.encodings.refuse(&failure);
        if inbox.errands.refuse(&failure, &outbox).is_err() {
            break;
        }
    }
    tracing::debug!("the worker ends");
}

fn replaced() -> Failure {
    Failure {
        headline: "Another model is being loaded; try again when it is there".to_owned(),
        details: "the model was replaced".to_owned(),
    }
}

/// Whoever waits for the model must learn that the thread ends, even by a panic.
struct CloseOnDrop<'a>(&'a Encodings);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn load_model(load: LoadModel) -> Result<Box<dyn Generator>, Failure> {
    // Unwind safe: `load` is consumed, so nobody can see what it left half done.
    match catch_unwind(AssertUnwindSafe(load)) {
        Ok(Ok(model)) => Ok(model),
        Ok(Err(error)) => Err(error.to_failure()),
        Err(payload) => Err(panic_failure(
            "The model could not be loaded because of a fault in the program; restart it",
            &*payload,
        )),
    }
}

fn serve(model: &mut dyn Generator, inbox: &Inbox, outbox: &Outbox) -> Ended {
    let Inbox { loads, jobs, errands, encodings, bell } = inbox;
    let load = outbox.load;
    let mut thumbnails = Thumbnails::default();
    let mut patience = Patience::new(Instant::now());
    // What the last job painted; the next one may go on with it.
    let mut left = None;
    if let Err(closed) = outbox.send(Event::ModelReady(model.info().clone())) {
        return closed.into();
    }
    loop {
        if let Some(newer) = loads.take() {
            return Ended::Replaced(newer);
        }
        let is_idle = thumbnails.is_done() && errands.is_empty() && encodings.is_empty();
        // Whatever is put after that look rings the bell.
        let rung = if is_idle { bell.recv().map_err(TryRecvError::from) } else { bell.try_recv() };
        let sent = match rung {
            // Looked for above.
            Ok(()) if !loads.is_empty() => Ok(()),
            // Nothing is there if the last ring already brought what this one announces.
            Ok(()) => {
                let ran = match jobs.take() {
                    Some(job) => job.run(model, &mut left, &mut thumbnails, outbox),
                    None => Ok(()),
                };
                // Jobs that follow each other without a pause must not keep the others waiting for
                // ever.
                if patience.is_over(Instant::now()) {
                    encodings.run_piece(model, load, || bell.is_empty());
                    patience.renew(Instant::now());
                }
                ran.and_then(|()| errands.run_next(model, &mut thumbnails, outbox))
            }
            Err(TryRecvError::Disconnected) => Err(Closed),
            Err(TryRecvError::Empty) if !errands.is_empty() => {
                errands.run_next(model, &mut thumbnails, outbox)
            }
            Err(TryRecvError::Empty) if !thumbnails.is_done() => {
                thumbnails.make_next(model, outbox)
            }
            Err(TryRecvError::Empty) => {
                encodings.run_piece(model, load, || bell.is_empty());
                patience.renew(Instant::now());
                Ok(())
            }
        };
        if let Err(closed) = sent {
            return closed.into();
        }
    }
}

/// Answers every job and errand, and whoever wants pictures remembered, with the reason why there
/// is no model.
fn refuse(failure: &Failure, inbox: &Inbox, outbox: &Outbox) -> Ended {
    inbox.encodings.refuse(failure);
    let mut sent = outbox.send(Event::ModelFailed(failure.clone()));
    while sent.is_ok() {
        if let Some(newer) = inbox.loads.take() {
            return Ended::Replaced(newer);
        }
        if inbox.bell.recv().is_err() {
            break;
        }
        inbox.encodings.refuse(failure);
        if let Some(job) = inbox.jobs.take() {
            sent = outbox.send(Event::Failed { job: job.id, failure: failure.clone() });
        }
        sent = sent.and_then(|()| inbox.errands.refuse(failure, outbox));
    }
    Ended::Closed
}

/// What to show of a caught panic. Where it happened, the panic hook has already logged.
pub(super) fn panic_failure(headline: &str, payload: &(dyn Any + Send)) -> Failure {
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message");
    Failure { headline: headline.to_owned(), details: message.to_owned() }
}
