//! Errands: small work that the model does between two jobs, one after the other.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::run::{Closed, Outbox, panic_failure};
use super::thumbnails::Thumbnails;
use crate::imaging::RgbaImage;
use crate::model::{Generator, ModelError};
use crate::protocol::{Errand, ErrandId, Event, Failure, InspiredBy, Lock, PictureIds, Stills};

/// Those that wait, shared between the handle and the thread.
///
/// Not bounded, so that asking never waits: each is an answer to something that the user did, and
/// pixels are behind `Arc`.
#[derive(Debug, Default)]
pub(super) struct Errands {
    waiting: Mutex<VecDeque<(ErrandId, Errand)>>,
    /// Nobody wants results any more.
    is_closed: AtomicBool,
}

/// What an errand brings back.
enum Done {
    Stills(Stills),
    Candidates(Vec<InspiredBy>),
    /// Nothing but small pictures, which follow.
    Looked(Vec<InspiredBy>),
}

/// Why an errand has no result.
enum Unfinished {
    Closed,
    Failed(ModelError),
}

impl Errands {
    pub(super) fn put(&self, id: ErrandId, errand: Errand) {
        self.waiting().push_back((id, errand));
    }

    pub(super) fn take_next(&self) -> Option<(ErrandId, Errand)> {
        self.waiting().pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting().is_empty()
    }

    /// Ends the running errand after the scale that it decodes.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    /// Carries out the one that has waited longest, if there is one.
    pub(super) fn run_next(
        &self,
        model: &mut dyn Generator,
        thumbnails: &mut Thumbnails,
        outbox: &Outbox,
    ) -> Result<(), Closed> {
        let Some((errand, task)) = self.take_next() else { return Ok(()) };
        tracing::debug!(errand = errand.0, "errand begins");
        // Unwind safe: a generator promises to survive a panic, and nothing else is left behind.
        let done = catch_unwind(AssertUnwindSafe(|| self.carry_out(&task, model)));
        let outcome = match done {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(Unfinished::Closed)) => return Err(Closed),
            Ok(Err(Unfinished::Failed(error))) => Err(error.to_failure()),
            Err(payload) => Err(panic_failure(headline_of(&task), &*payload)),
        };
        outbox.send(match outcome {
            Ok(Done::Stills(stills)) => Event::ErrandDone { errand, outcome: Ok(stills) },
            Ok(Done::Candidates(candidates)) => {
                thumbnails.want_candidates(&candidates);
                Event::Candidates { errand, outcome: Ok(candidates) }
            }
            Ok(Done::Looked(pictures)) => {
                thumbnails.want_too(&pictures);
                Event::Candidates { errand, outcome: Ok(pictures) }
            }
            Err(failure) => failed(errand, &task, failure),
        })
    }

    /// Answers all that wait with the reason why there is no model.
    pub(super) fn refuse(&self, failure: &Failure, outbox: &Outbox) -> Result<(), Closed> {
        while let Some((errand, task)) = self.take_next() {
            outbox.send(failed(errand, &task, failure.clone()))?;
        }
        Ok(())
    }

    fn carry_out(&self, task: &Errand, model: &mut dyn Generator) -> Result<Done, Unfinished> {
        let (ids, lock) = match task {
            Errand::Encode { picture } => (Arc::new(model.encode(picture)?), None),
            Errand::Decode { ids, lock } => (Arc::clone(ids), lock.as_ref()),
            Errand::Candidates { text, memory, n } => {
                return Ok(Done::Candidates(model.candidates(text, memory, *n)?));
            }
            Errand::Look { pictures } => return Ok(Done::Looked(pictures.clone())),
        };
        let images = self.stills(&ids, lock, model)?;
        Ok(Done::Stills(Stills { ids, images }))
    }

    /// The picture after each of its scales.
    fn stills(
        &self,
        ids: &PictureIds,
        lock: Option<&Lock>,
        model: &mut dyn Generator,
    ) -> Result<Vec<Arc<RgbaImage>>, Unfinished> {
        let mut images = Vec::with_capacity(ids.len());
        for scale_idx in 0..ids.len() {
            if self.is_closed.load(Ordering::Acquire) {
                return Err(Unfinished::Closed);
            }
            images.push(Arc::new(model.decode(ids, lock, scale_idx)?));
        }
        Ok(images)
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<(ErrandId, Errand)>> {
        // Nothing that can panic runs under the lock, and the queue is always complete.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<ModelError> for Unfinished {
    fn from(error: ModelError) -> Self {
        Self::Failed(error)
    }
}

/// Every errand is answered by an event of its kind.
fn failed(errand: ErrandId, task: &Errand, failure: Failure) -> Event {
    match task {
        Errand::Encode { .. } | Errand::Decode { .. } => {
            Event::ErrandDone { errand, outcome: Err(failure) }
        }
        Errand::Candidates { .. } | Errand::Look { .. } => {
            Event::Candidates { errand, outcome: Err(failure) }
        }
    }
}

fn headline_of(task: &Errand) -> &'static str {
    match task {
        Errand::Encode { .. } => {
            "The picture could not be read by the model because of a fault in the program; try \
             another picture"
        }
        Errand::Decode { .. } => {
            "The picture could not be shown because of a fault in the program; try again"
        }
        Errand::Candidates { .. } | Errand::Look { .. } => {
            "The search found nothing because of a fault in the program; try other words"
        }
    }
}
