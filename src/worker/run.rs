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

/// Where work comes from. The bell tells that there may be some, and by its end that no more comes.
pub(super) struct Inbox {
    pub(super) jobs: Arc<Latest<Job>>,
    pub(super) errands: Arc<Errands>,
    pub(super) encodings: Arc<Encodings>,
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
    let _closing = CloseOnDrop(&inbox.encodings);
    // `Closed` is the ordinary end.
    let Closed = match load_model(load) {
        Ok(mut model) => serve(&mut *model, inbox, outbox),
        Err(failure) => refuse(&failure, inbox, outbox),
    };
    tracing::debug!("the worker ends");
}

/// Whoever waits for the model must learn that the thread ends, even by a panic.
struct CloseOnDrop<'a>(&'a Encodings);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
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
    let Inbox { jobs, errands, encodings, bell } = inbox;
    let mut thumbnails = Thumbnails::default();
    let mut patience = Patience::new(Instant::now());
    // What the last job painted; the next one may go on with it.
    let mut left = None;
    if let Err(closed) = outbox.send(Event::ModelReady(model.info().clone())) {
        return closed;
    }
    loop {
        let is_idle = thumbnails.is_done() && errands.is_empty() && encodings.is_empty();
        // Whatever is put after that look rings the bell.
        let rung = if is_idle { bell.recv().map_err(TryRecvError::from) } else { bell.try_recv() };
        let sent = match rung {
            // Nothing is there if the last ring already brought what this one announces.
            Ok(()) => {
                let ran = match jobs.take() {
                    Some(job) => job.run(model, &mut left, &mut thumbnails, outbox),
                    None => Ok(()),
                };
                // Jobs that follow each other without a pause must not keep the others waiting for
                // ever.
                if patience.is_over(Instant::now()) {
                    encodings.run_piece(model, || bell.is_empty());
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
                encodings.run_piece(model, || bell.is_empty());
                patience.renew(Instant::now());
                Ok(())
            }
        };
        if let Err(closed) = sent {
            return closed;
        }
    }
}

/// Answers every job and errand, and whoever wants pictures remembered, with the reason why there
/// is no model.
fn refuse(failure: &Failure, inbox: &Inbox, outbox: &Outbox) -> Closed {
    inbox.encodings.refuse(failure);
    let mut sent = outbox.send(Event::ModelFailed(failure.clone()));
    while sent.is_ok() && inbox.bell.recv().is_ok() {
        inbox.encodings.refuse(failure);
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
