//! The thread's loop: loads the model, then waits for jobs, and makes thumbnails when idle.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TryRecvError};

use super::errands::Errands;
use super::job::Job;
use super::latest::Latest;
use super::thumbnails::Thumbnails;
use crate::model::{Generator, ModelError};
use crate::protocol::{Event, Failure, Preview};

/// Where work comes from. The bell tells that there may be some, and by its end that no more comes.
pub(super) struct Inbox {
    pub(super) jobs: Arc<Latest<Job>>,
    pub(super) errands: Arc<Errands>,
    pub(super) bell: Receiver<()>,
}

/// Where results go.
pub(super) struct Outbox {
    pub(super) events: Sender<Event>,
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
        self.events.send(event).map_err(|_undelivered| Closed)?;
        (self.wake)();
        Ok(())
    }

    pub(super) fn publish(&self, preview: Preview) {
        self.previews.put(preview);
        (self.wake)();
    }
}

/// Runs until the handle is dropped.
pub(super) fn run(
    load: impl FnOnce() -> Result<Box<dyn Generator>, ModelError>,
    inbox: &Inbox,
    outbox: &Outbox,
) {
    // `Closed` is the ordinary end.
    let Closed = match load_model(load) {
        Ok(mut model) => serve(&mut *model, inbox, outbox),
        Err(failure) => refuse(&failure, inbox, outbox),
    };
    tracing::debug!("the worker ends");
}

fn load_model(
    load: impl FnOnce() -> Result<Box<dyn Generator>, ModelError>,
) -> Result<Box<dyn Generator>, Failure> {
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

fn serve(model: &mut dyn Generator, inbox: &Inbox, outbox: &Outbox) -> Closed {
    let mut thumbnails = Thumbnails::default();
    // What the last job painted; the next one may go on with it.
    let mut left = None;
    if let Err(closed) = outbox.send(Event::ModelReady(model.info().clone())) {
        return closed;
    }
    loop {
        let is_idle = thumbnails.is_done() && inbox.errands.is_empty();
        // Whatever is put after that look rings the bell.
        let rung = if is_idle {
            inbox.bell.recv().map_err(TryRecvError::from)
        } else {
            inbox.bell.try_recv()
        };
        let has_errand = !inbox.errands.is_empty();
        let sent = match rung {
            // Nothing is there if the last ring already brought what this one announces.
            Ok(()) => {
                let ran = match inbox.jobs.take() {
                    Some(job) => job.run(model, &mut left, &mut thumbnails, outbox),
                    None => Ok(()),
                };
                // Jobs that follow each other without a pause must not keep it waiting for ever.
                ran.and_then(|()| inbox.errands.run_next(model, outbox))
            }
            Err(TryRecvError::Empty) if has_errand => inbox.errands.run_next(model, outbox),
            Err(TryRecvError::Empty) => thumbnails.make_next(model, outbox),
            Err(TryRecvError::Disconnected) => Err(Closed),
        };
        if let Err(closed) = sent {
            return closed;
        }
    }
}

/// Answers every job and errand with the reason why there is no model.
fn refuse(failure: &Failure, inbox: &Inbox, outbox: &Outbox) -> Closed {
    let mut sent = outbox.send(Event::ModelFailed(failure.clone()));
    while sent.is_ok() && inbox.bell.recv().is_ok() {
        if let Some(job) = inbox.jobs.take() {
            sent = outbox.send(Event::Failed { job: job.id, failure: failure.clone() });
        }
        sent = sent.and_then(|()| inbox.errands.refuse(failure, outbox));
    }
    Closed
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
