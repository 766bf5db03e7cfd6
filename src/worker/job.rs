//! One job: from the request to its pictures, or to the reason why there are none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cancel::CancelToken;
use super::run::{Closed, Outbox, panic_failure};
use super::thumbnails::Thumbnails;
use crate::imaging::RgbaImage;
use crate::model::{Generator, ModelError, Session};
use crate::protocol::{Event, Failure, GenerateRequest, JobId, Preview, Timings};

pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) request: GenerateRequest,
    pub(super) cancel: CancelToken,
}

/// Why a job has no pictures.
enum Interrupted {
    Cancelled,
    Closed,
    Failed(ModelError),
}

impl Job {
    /// Sends everything about this job; its last event is sent here and nowhere else.
    pub(super) fn run(
        self,
        model: &mut dyn Generator,
        thumbnails: &mut Thumbnails,
        outbox: &Outbox,
    ) -> Result<(), Closed> {
        let job = self.id;
        tracing::debug!(job = job.0, n_seeds = self.request.seeds.len(), "job begins");
        // Unwind safe: the session dies within; a generator promises to survive a panic; the
        // thumbnails are a list of names that is always complete.
        let caught = catch_unwind(AssertUnwindSafe(|| self.generate(model, thumbnails, outbox)));
        let last = match caught {
            Ok(Ok((images, timings))) => Event::Finished { job, images, timings },
            Ok(Err(Interrupted::Cancelled)) => Event::Cancelled { job },
            Ok(Err(Interrupted::Closed)) => return Err(Closed),
            Ok(Err(Interrupted::Failed(error))) => {
                Event::Failed { job, failure: error.to_failure() }
            }
            Err(payload) => Event::Failed {
                job,
                failure: panic_failure(
                    "The picture could not be made because of a fault in the program; try again",
                    &*payload,
                ),
            },
        };
        log_end(&last);
        outbox.send(last)
    }

    fn generate(
        &self,
        model: &mut dyn Generator,
        thumbnails: &mut Thumbnails,
        outbox: &Outbox,
    ) -> Result<(Vec<Arc<RgbaImage>>, Timings), Interrupted> {
        let job = self.id;
        let begin = Instant::now();
        let mut timings = Timings::default();
        self.check_cancelled()?;
        if self.request.seeds.is_empty() {
            let reason = "The request has no seed; give one for each picture".to_owned();
            return Err(ModelError::Request { reason }.into());
        }
        let mut session = timed(&mut timings.prepare, || model.start(&self.request))?;
        thumbnails.want(session.inspired_by());
        outbox.send(Event::Started {
            job,
            inspired_by: session.inspired_by().to_vec(),
            notices: session.notices().to_vec(),
        })?;

        let mut newest_still = None;
        while session.n_done() < session.n_scales() {
            self.check_cancelled()?;
            let mut step = Duration::ZERO;
            timed(&mut step, || session.step())?;
            timings.scales.push(step);
            let scale_idx = session.n_done() - 1;
            tracing::trace!(job = job.0, scale_idx, ?step, "scale done");
            let still = self.render(&*session, 0, &mut timings)?;
            outbox.publish(Preview { job, scale_idx, image: Arc::clone(&still) });
            outbox.send(Event::ScaleFinished {
                job,
                scale_idx,
                still: Arc::clone(&still),
                elapsed: begin.elapsed(),
            })?;
            newest_still = Some(still);
        }

        let first = match newest_still {
            Some(still) => still,
            // A run may begin complete, such as one that only shows given tokens.
            None => self.render(&*session, 0, &mut timings)?,
        };
        let mut images = vec![first];
        for batch_idx in 1..self.request.seeds.len() {
            images.push(self.render(&*session, batch_idx, &mut timings)?);
        }
        timings.total = begin.elapsed();
        Ok((images, timings))
    }

    fn render(
        &self,
        session: &dyn Session,
        batch_idx: usize,
        timings: &mut Timings,
    ) -> Result<Arc<RgbaImage>, Interrupted> {
        self.check_cancelled()?;
        Ok(Arc::new(timed(&mut timings.decode, || session.render(batch_idx))?))
    }

    fn check_cancelled(&self) -> Result<(), Interrupted> {
        if self.cancel.is_cancelled() { Err(Interrupted::Cancelled) } else { Ok(()) }
    }
}

impl From<ModelError> for Interrupted {
    fn from(error: ModelError) -> Self {
        Self::Failed(error)
    }
}

impl From<Closed> for Interrupted {
    fn from(Closed: Closed) -> Self {
        Self::Closed
    }
}

/// Adds to `spent` how long `work` takes.
fn timed<T>(spent: &mut Duration, work: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let result = work();
    *spent += begin.elapsed();
    result
}

fn log_end(last: &Event) {
    match last {
        Event::Finished { job, timings, .. } => {
            tracing::debug!(job = job.0, total = ?timings.total, "job finished");
        }
        Event::Failed { job, failure: Failure { details, .. } } => {
            tracing::debug!(job = job.0, details, "job failed");
        }
        _ => tracing::debug!(job = ?last.job(), "job cancelled"),
    }
}
