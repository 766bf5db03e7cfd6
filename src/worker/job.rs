//! One job: from the request to its pictures, or to the reason why there are none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::orders::Orders;
use super::pace::Pace;
use super::painting::Painting;
use super::run::{Closed, Outbox, panic_failure};
use super::thumbnails::Thumbnails;
use crate::imaging::RgbaImage;
use crate::model::{Generator, ModelError, Step};
use crate::protocol::{Event, Failure, GenerateRequest, JobId, PictureIds, Preview, Timings};

/// Least time between two looks at a scale that is not finished.
const GLIMPSE_GAP: Duration = Duration::from_millis(40);

pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) request: GenerateRequest,
    pub(super) orders: Orders,
}

/// Why a job has no pictures.
enum Interrupted {
    Cancelled,
    Closed,
    Failed(ModelError),
}

/// One per seed.
struct Pictures {
    images: Vec<Arc<RgbaImage>>,
    ids: Arc<Vec<PictureIds>>,
}

impl Job {
    /// Sends everything about this job; its last event is sent here and nowhere else. Goes on with
    /// the painting that an earlier job left, if that is of the same request, and leaves its own.
    pub(super) fn run(
        self,
        model: &mut dyn Generator,
        left: &mut Option<Painting>,
        thumbnails: &mut Thumbnails,
        outbox: &Outbox,
    ) -> Result<(), Closed> {
        let job = self.id;
        tracing::debug!(job = job.0, n_seeds = self.request.seeds.len(), "job begins");
        let mut progress = Progress {
            job: &self,
            outbox,
            begin: Instant::now(),
            timings: Timings::default(),
            has_shown: false,
            glimpsed_at: None,
            done: Arc::default(),
        };
        // Unwind safe: the painting dies within; a generator promises to survive a panic; the
        // thumbnails are a list of names that is always complete; timings are numbers.
        let caught = catch_unwind(AssertUnwindSafe(|| progress.generate(model, left, thumbnails)));
        let last = match caught {
            Ok(Ok(Pictures { images, ids })) => {
                let total = progress.begin.elapsed();
                let timings = Timings { total, ..progress.timings };
                Event::Finished { job, images, ids, timings }
            }
            Ok(Err(Interrupted::Cancelled)) => Event::Cancelled { job, ids: progress.done },
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
}

/// A job under way.
struct Progress<'a> {
    job: &'a Job,
    outbox: &'a Outbox,
    begin: Instant,
    timings: Timings,
    /// Whether a preview was published.
    has_shown: bool,
    /// When a scale that was not finished was shown last.
    glimpsed_at: Option<Instant>,
    /// The ids of an interrupted job, as far as it came.
    done: Arc<Vec<PictureIds>>,
}

impl Progress<'_> {
    fn generate(
        &mut self,
        model: &mut dyn Generator,
        left: &mut Option<Painting>,
        thumbnails: &mut Thumbnails,
    ) -> Result<Pictures, Interrupted> {
        self.check_cancelled()?;
        // Taken, so that nobody goes on with a painting in which something went wrong.
        let left_painting = left.take();
        let mut painting = self.begin(model, left_painting)?;
        thumbnails.want(painting.session.inspired_by());
        self.outbox.send(Event::Started {
            job: self.job.id,
            inspired_by: painting.session.inspired_by().to_vec(),
            notices: painting.session.notices().to_vec(),
        })?;
        let n_model_scales = model.info().scales.len();
        let pictures = self.paint(&mut painting, n_model_scales);
        if matches!(pictures, Err(Interrupted::Cancelled)) {
            self.done = self.ids(&painting, n_model_scales);
        }
        if !matches!(pictures, Err(Interrupted::Failed(_))) {
            *left = Some(painting);
        }
        pictures
    }

    /// The painting to go on with, or a new one.
    fn begin(
        &mut self,
        model: &mut dyn Generator,
        left: Option<Painting>,
    ) -> Result<Painting, Interrupted> {
        let request = &self.job.request;
        if request.seeds.is_empty() {
            let reason = "The request has no seed; give one for each picture".to_owned();
            return Err(ModelError::Request { reason }.into());
        }
        let n_model_scales = model.info().scales.len();
        let n_scales = request.stop_at.unwrap_or(n_model_scales);
        // What is out of range is left to `start`, which has the sentence for it.
        let is_possible = (1..=n_model_scales).contains(&n_scales);
        if let Some(mut painting) = left.filter(|left| is_possible && left.is_of(request)) {
            painting.go_on_for(request);
            let session = &mut painting.session;
            session.set_n_scales(n_scales.max(session.n_done()))?;
            return Ok(painting);
        }
        let session = timed(&mut self.timings.prepare, || model.start(request))?;
        Ok(Painting::new(request.clone(), session))
    }

    fn paint(
        &mut self,
        painting: &mut Painting,
        n_model_scales: usize,
    ) -> Result<Pictures, Interrupted> {
        // A painting that was gone on with may have more scales than are wanted now.
        let n_scales = self.job.request.stop_at.unwrap_or(painting.session.n_scales());
        let mut pace = Pace::new(self.job.request.previews, n_scales);
        let mut is_shown = vec![false; n_scales];
        let is_draft = pace.is_draft() && n_scales < n_model_scales;
        let mut draft = None;
        for (scale_idx, is_shown) in is_shown.iter_mut().enumerate() {
            if scale_idx == painting.session.n_done() {
                self.draw_scale(painting)?;
            }
            let is_ready = painting.decoded(scale_idx, 0).is_some();
            if is_ready || pace.is_due(scale_idx, Instant::now()) {
                let image = if is_draft && scale_idx + 1 == n_scales && !is_ready {
                    let image = self.draft(painting)?;
                    draft = Some(Arc::clone(&image));
                    image
                } else {
                    self.picture(painting, scale_idx, 0)?
                };
                let job = self.job.id;
                // The facts first: whoever sees the preview may send the next request at once, and
                // then learns no more of this job.
                self.tell_of(scale_idx, Arc::clone(&image))?;
                self.outbox.publish(Preview { job, scale_idx, image, progress: None });
                pace.shown(Instant::now());
                self.has_shown = true;
                *is_shown = true;
            }
        }
        if n_scales == n_model_scales {
            for (scale_idx, _) in is_shown.iter().enumerate().filter(|(_, is_shown)| !**is_shown) {
                let still = self.picture(painting, scale_idx, 0)?;
                self.tell_of(scale_idx, still)?;
            }
        }
        let n_pictures = self.job.request.seeds.len();
        let first_idx = draft.iter().len();
        let others = (first_idx..n_pictures)
            .map(|batch_idx| self.picture(painting, n_scales - 1, batch_idx));
        let images = draft.map(Ok).into_iter().chain(others).collect::<Result<_, _>>()?;
        Ok(Pictures { images, ids: self.ids(painting, n_scales) })
    }

    /// Per seed, at most the first `n_scales`.
    fn ids(&self, painting: &Painting, n_scales: usize) -> Arc<Vec<PictureIds>> {
        let of_picture = |batch_idx| {
            let mut ids = painting.session.ids(batch_idx);
            ids.truncate(n_scales);
            ids
        };
        Arc::new((0..self.job.request.seeds.len()).map(of_picture).collect())
    }

    /// Draws the next scale, and shows it growing if the model draws it in parts.
    fn draw_scale(&mut self, painting: &mut Painting) -> Result<(), Interrupted> {
        let mut spent = Duration::ZERO;
        loop {
            self.check_cancelled()?;
            let go_on = || !self.job.orders.must_end(self.job.id, self.has_shown);
            match timed(&mut spent, || painting.session.step(&go_on))? {
                Step::Done => break,
                Step::Part => self.show_part(painting)?,
                Step::Abandoned => return Err(Interrupted::Cancelled),
            }
        }
        let scale_idx = painting.session.n_done() - 1;
        tracing::trace!(job = self.job.id.0, scale_idx, ?spent, "scale done");
        self.timings.scales.push(spent);
        Ok(())
    }

    /// Publishes what there is to see within a scale, unless the last time was a moment ago.
    fn show_part(&mut self, painting: &Painting) -> Result<(), Interrupted> {
        let now = Instant::now();
        let is_soon = |at: Instant| now.saturating_duration_since(at) < GLIMPSE_GAP;
        if self.glimpsed_at.is_some_and(is_soon) {
            return Ok(());
        }
        let session = &painting.session;
        if let Some(image) = timed(&mut self.timings.decode, || session.glimpse(0))? {
            let (job, scale_idx) = (self.job.id, session.n_done());
            let progress = session.progress();
            self.outbox.publish(Preview { job, scale_idx, image: Arc::new(image), progress });
            self.glimpsed_at = Some(now);
        }
        Ok(())
    }

    /// A picture after a scale that is done, decoded now if it was not before.
    fn picture(
        &mut self,
        painting: &mut Painting,
        scale_idx: usize,
        batch_idx: usize,
    ) -> Result<Arc<RgbaImage>, Interrupted> {
        if let Some(image) = painting.decoded(scale_idx, batch_idx) {
            return Ok(Arc::clone(image));
        }
        self.check_cancelled()?;
        Ok(timed(&mut self.timings.decode, || painting.decode(scale_idx, batch_idx))?)
    }

    /// A draft of the first picture, of which nothing is kept.
    fn draft(&mut self, painting: &Painting) -> Result<Arc<RgbaImage>, Interrupted> {
        self.check_cancelled()?;
        Ok(timed(&mut self.timings.decode, || painting.draft())?)
    }

    fn tell_of(&self, scale_idx: usize, still: Arc<RgbaImage>) -> Result<(), Closed> {
        let (job, elapsed, timings) = (self.job.id, self.begin.elapsed(), self.timings.clone());
        self.outbox.send(Event::ScaleFinished { job, scale_idx, still, elapsed, timings })
    }

    fn check_cancelled(&self) -> Result<(), Interrupted> {
        let Job { id, orders, .. } = self.job;
        if orders.must_end(*id, self.has_shown) { Err(Interrupted::Cancelled) } else { Ok(()) }
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
