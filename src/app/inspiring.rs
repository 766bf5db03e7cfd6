//! Looks at pictures that are to go into *Inspired by*, on the file thread; and the thread that
//! takes backgrounds away while the user tries tolerances.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use super::files::{FileAnswer, failure};
use super::importing;
use super::newest::Newest;
use crate::imaging::background::Ground;
use crate::imaging::cutout::{Cutter, Outcome};
use crate::imaging::io::PictureError;
use crate::imaging::metadata::PictureRecord;
use crate::imaging::{RgbaImage, fit, io};
use crate::state::add_inspiration::{Cut, CutAsked, CutFound, CutViews, FirstLook, Offer};
use crate::state::import::ImportPicture;

/// A picture to look at for *Inspired by*.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct InspireJob {
    /// Where it was dropped; `None` takes the first free place.
    pub(super) slot_idx: Option<usize>,
    pub(super) source: InspireSource,
    /// Of the model's pictures.
    pub(super) size_px: usize,
}

/// Where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum InspireSource {
    File(PathBuf),
    /// It is open already.
    Picture(Arc<ImportPicture>),
    /// Pixels of ours; of a picture that stands on a transparent ground nothing is to be removed.
    Pixels {
        name: String,
        pixels: Arc<RgbaImage>,
        is_cut_out: bool,
    },
}

/// Reads the picture and looks at it with and without its background.
pub(super) fn look(job: &InspireJob) -> FileAnswer {
    let InspireJob { slot_idx, source, size_px } = job;
    let (picture, record, is_known) = match source {
        InspireSource::File(path) => match open(path) {
            Ok((picture, record)) => (Arc::new(picture), record, false),
            Err(error) => {
                return FileAnswer::Failed(failure("The picture cannot be used", &error));
            }
        },
        InspireSource::Picture(picture) => (Arc::clone(picture), None, false),
        InspireSource::Pixels { name, pixels, is_cut_out } => {
            let picture = importing::prepared(name, RgbaImage::clone(pixels), None);
            (Arc::new(picture), None, *is_cut_out)
        }
    };
    let look = first_look(&picture.pixels, *size_px, is_known);
    FileAnswer::InspirationRead(Box::new(Offer { slot_idx: *slot_idx, picture, record, look }))
}

/// Looks at a picture that was pasted for a place.
pub(super) fn pasted(picture: ImportPicture, slot_idx: usize, size_px: usize) -> FileAnswer {
    let source = InspireSource::Picture(Arc::new(picture));
    look(&InspireJob { slot_idx: Some(slot_idx), source, size_px })
}

/// A picture file and, if it is one of ours, what it tells of its making.
fn open(path: &Path) -> Result<(ImportPicture, Option<Arc<PictureRecord>>), PictureError> {
    let picture = importing::open(path)?;
    // Whatever else the file tells, its pixels can be looked at.
    let recalled = io::read_metadata(path).ok().and_then(|facts| facts.recalled);
    let record = recalled.and_then(|recalled| recalled.record);
    Ok((picture, record.map(Arc::<PictureRecord>::from)))
}

fn first_look(pixels: &RgbaImage, size_px: usize, is_cut_out: bool) -> FirstLook {
    let cutter = Cutter::new(pixels);
    let is_cut_out = is_cut_out || cutter.is_cut_out();
    let before = Arc::new(fit::fit_square(pixels, size_px));
    let whole =
        |outcome| CutViews { before: Arc::clone(&before), after: Arc::clone(&before), outcome };
    if is_cut_out {
        let views = whole(Outcome::Transparent);
        return FirstLook { size_px, views, is_cut_out, is_convincing: true };
    }
    let cutout = cutter.without_background(Ground::DEFAULT_TOLERANCE);
    let views = if cutout.is_convincing {
        let after = Arc::new(fit::fit_square(&cutout.pixels, size_px));
        CutViews { after, ..whole(cutout.outcome) }
    } else {
        whole(cutout.outcome)
    };
    FirstLook { size_px, views, is_cut_out, is_convincing: cutout.is_convincing }
}

/// A background to take away, or to leave.
#[derive(Debug)]
pub(super) struct CutJob {
    pub(super) asked: CutAsked,
    pub(super) picture: Arc<ImportPicture>,
}

/// The application's end of the thread. Dropping it waits for the one picture that it is at.
pub(super) struct CutoutThread {
    jobs: Arc<Newest<CutJob>>,
    found: Arc<Newest<CutFound>>,
    thread: Option<JoinHandle<()>>,
}

impl CutoutThread {
    /// `wake` is called when there is something to take.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(super) fn spawn(wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (jobs, found) = (Arc::<Newest<CutJob>>::default(), Arc::<Newest<CutFound>>::default());
        let (inbox, outbox) = (Arc::clone(&jobs), Arc::clone(&found));
        let work = move || {
            let mut cutting = None;
            while let Some(job) = inbox.wait() {
                outbox.put(carry_out(&job, &mut cutting));
                wake();
            }
        };
        let thread = Builder::new().name("cutout".to_owned()).spawn(work)?;
        Ok(Self { jobs, found, thread: Some(thread) })
    }

    /// Never waits; a newer job replaces the one that waits.
    pub(super) fn ask(&self, job: CutJob) {
        self.jobs.put(job);
    }

    /// What was found since the last call.
    pub(super) fn take(&self) -> Option<CutFound> {
        self.found.take()
    }
}

impl Drop for CutoutThread {
    fn drop(&mut self) {
        self.jobs.close();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// The picture in hand, for trying several tolerances.
struct Cutting {
    picture: Arc<ImportPicture>,
    size_px: usize,
    cutter: Cutter,
    before: Arc<RgbaImage>,
}

fn carry_out(job: &CutJob, cutting: &mut Option<Cutting>) -> CutFound {
    // A defect in the search must not end the thread: another tolerance may do.
    let views = catch_unwind(AssertUnwindSafe(|| views(job, cutting)));
    let result = views.map_err(|_panic| {
        *cutting = None;
        "This did not work on the picture; try another tolerance".to_owned()
    });
    CutFound { serial: job.asked.serial, result }
}

fn views(job: &CutJob, cutting: &mut Option<Cutting>) -> CutViews {
    let CutAsked { cut: Cut { removes_background, tolerance }, size_px, .. } = job.asked;
    let is_known =
        |known: &Cutting| Arc::ptr_eq(&known.picture, &job.picture) && known.size_px == size_px;
    if !cutting.as_ref().is_some_and(is_known) {
        *cutting = None;
    }
    let Cutting { cutter, before, .. } = cutting.get_or_insert_with(|| Cutting {
        picture: Arc::clone(&job.picture),
        size_px,
        cutter: Cutter::new(&job.picture.pixels),
        before: Arc::new(fit::fit_square(&job.picture.pixels, size_px)),
    });
    let cutout = removes_background.then(|| cutter.without_background(tolerance));
    let outcome = cutout.as_ref().map_or(Outcome::Transparent, |cutout| cutout.outcome);
    let after = match cutout {
        Some(cutout) if matches!(outcome, Outcome::Removed { .. }) => {
            Arc::new(fit::fit_square(&cutout.pixels, size_px))
        }
        _ => Arc::clone(before),
    };
    CutViews { before: Arc::clone(before), after, outcome }
}
