//! Adding pictures to a memory: finding them, reading and fitting them on threads of their own while
//! the batch before is encoded, and writing batches.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, Scope, available_parallelism};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};

use super::batch::{NewEntry, Outcome};
use super::fingerprint::{Fingerprinter, Fingerprints, Grid, RecentGrids};
use super::plan::{Plan, Task};
use super::prepare::{Prepared, Recipe, prepare_picture};
use super::{MemoryError, MemoryStore, captions};
use crate::imaging::RgbaImage;
use crate::protocol::{
    AddProblem, AddProgress, AddReport, Duplicate, Failure, MemoryEncoder, MemoryId, MemoryModel,
    RememberedId,
};

/// Pictures that are encoded, and written, in one go: less than a second of work.
pub(super) const BATCH: usize = 16;
/// Each may hold a picture of a gigabyte while it is read.
const MAX_READERS: usize = 2;
/// Before a step that another process was in the way of is tried again …
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// … for so long.
const RETRY_LIMIT: Duration = Duration::from_mins(2);

/// What to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddKind {
    /// What was noted down by [`MemoryStore::note_jobs`] and not finished.
    Noted,
    /// All folders and files of the memory, for what is new, changed, renamed or gone.
    Rescan,
}

/// Why adding does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The user does not want the rest.
    Cancel,
    /// The program ends; the next run goes on.
    Close,
}

/// Adds what is to be added. Whatever ends it, what was written is whole, and the same call goes on
/// with the rest.
pub struct Adder<'a> {
    pub store: &'a mut MemoryStore,
    pub encoder: &'a mut dyn MemoryEncoder,
    /// Asked between two batches, and now and then while folders are looked through.
    pub stop: &'a (dyn Fn() -> Option<Stop> + Sync),
    pub progress: &'a mut dyn FnMut(AddProgress),
}

impl Adder<'_> {
    /// Carries out what is noted for a memory, or compares it with its folders.
    ///
    /// # Errors
    /// [`MemoryError`]; files that cannot be read are no errors but stand in the report.
    pub fn run(self, memory: MemoryId, kind: AddKind) -> Result<AddReport, MemoryError> {
        let Self { store, encoder, stop, progress } = self;
        store.name(memory)?;
        let model = encoder.model()?;
        progress(AddProgress { memory, n_done: 0, n_total: None });
        let mut report = AddReport {
            memory,
            n_added: 0,
            n_renewed: 0,
            n_renamed: 0,
            n_gone: 0,
            duplicates: Vec::new(),
            problems: Vec::new(),
            remarks: Vec::new(),
            was_cancelled: false,
        };
        let plan = match Plan::make(store, memory, kind, stop) {
            Ok(plan) => plan,
            // The table of captions will not become better by waiting.
            Err(error @ MemoryError::Captions(_)) => {
                store.end_jobs(memory, &[])?;
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        let Some(plan) = plan else {
            return finish(store, memory, stop(), report, &[]);
        };
        retried(stop, || store.follow(memory, &plan.gone, &plan.back, &plan.renamed))?;
        report.n_gone = plan.gone.len();
        report.n_renamed = plan.renamed.len();
        report.problems.clone_from(&plan.problems);
        let ended = if plan.tasks.is_empty() {
            None
        } else {
            retried(stop, || store.set_n_left(memory, plan.tasks.len()))?;
            let fingerprints = store.fingerprints(memory)?;
            let work = Work {
                store,
                encoder,
                stop,
                progress,
                memory,
                model,
                plan: &plan,
                fingerprints,
                grids: RecentGrids::default(),
                report: &mut report,
            };
            work.run()?
        };
        finish(store, memory, ended, report, &plan.missing)
    }
}

fn finish(
    store: &mut MemoryStore,
    memory: MemoryId,
    ended: Option<Stop>,
    mut report: AddReport,
    missing: &[PathBuf],
) -> Result<AddReport, MemoryError> {
    report.was_cancelled = ended.is_some();
    if ended != Some(Stop::Close) {
        retried(&|| None, || store.end_jobs(memory, missing))?;
    }
    Ok(report)
}

/// What is written while another process writes is tried again.
fn retried<T>(
    stop: &dyn Fn() -> Option<Stop>,
    mut write: impl FnMut() -> Result<T, MemoryError>,
) -> Result<T, MemoryError> {
    let started_at = Instant::now();
    loop {
        match write() {
            Err(error)
                if error.is_busy() && started_at.elapsed() < RETRY_LIMIT && stop().is_none() =>
            {
                std::thread::sleep(RETRY_PAUSE);
            }
            done => return done,
        }
    }
}

struct Work<'a> {
    store: &'a mut MemoryStore,
    encoder: &'a mut dyn MemoryEncoder,
    stop: &'a (dyn Fn() -> Option<Stop> + Sync),
    progress: &'a mut dyn FnMut(AddProgress),
    memory: MemoryId,
    model: MemoryModel,
    plan: &'a Plan,
    fingerprints: Fingerprints,
    grids: RecentGrids,
    report: &'a mut AddReport,
}

impl Work<'_> {
    /// Goes through all files; tells why it ended early, if it did.
    fn run(mut self) -> Result<Option<Stop>, MemoryError> {
        let (plan, stop, size_px) = (self.plan, self.stop, self.model.image_size_px);
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let readers = start_readers(scope, plan, size_px, &is_over)?;
            let ended = self.take_all(&readers, stop);
            // Readers that wait for room find nobody there.
            is_over.store(true, Ordering::Relaxed);
            drop(readers);
            ended
        })
    }

    fn take_all(
        &mut self,
        readers: &[Receiver<Result<Prepared, String>>],
        stop: &dyn Fn() -> Option<Stop>,
    ) -> Result<Option<Stop>, MemoryError> {
        let n_total = self.plan.tasks.len();
        let mut n_done = 0;
        for tasks in self.plan.tasks.chunks(BATCH) {
            if let Some(stop) = stop() {
                return Ok(Some(stop));
            }
            (self.progress)(AddProgress { memory: self.memory, n_done, n_total: Some(n_total) });
            let mut read = Vec::with_capacity(tasks.len());
            for (task_idx, task) in tasks.iter().enumerate() {
                let reader = &readers[(n_done + task_idx) % readers.len()];
                let prepared =
                    reader.recv().unwrap_or_else(|_| Err("The file was not read".to_owned()));
                read.push((task.clone(), prepared));
                // A batch of huge pictures takes long.
                if let Some(stop) = stop() {
                    return Ok(Some(stop));
                }
            }
            n_done += tasks.len();
            self.put(read, n_total - n_done)?;
        }
        (self.progress)(AddProgress { memory: self.memory, n_done, n_total: Some(n_total) });
        Ok(None)
    }

    /// Encodes and writes one batch.
    fn put(
        &mut self,
        read: Vec<(Task, Result<Prepared, String>)>,
        n_left: usize,
    ) -> Result<(), MemoryError> {
        let mut batch: Vec<(Task, Outcome)> = Vec::with_capacity(read.len());
        let mut fresh: Vec<(usize, Prepared)> = Vec::new();
        for (task, prepared) in read {
            let outcome = match prepared {
                Err(reason) => Outcome::Problem { reason },
                Ok(prepared) => {
                    if let Some(of) = self.duplicate(&task, &prepared, &fresh)? {
                        Outcome::Duplicate { of }
                    } else {
                        fresh.push((batch.len(), prepared));
                        // Replaced below.
                        Outcome::Problem { reason: String::new() }
                    }
                }
            };
            batch.push((task, outcome));
        }
        self.encode(fresh, &mut batch)?;
        let (memory, model) = (self.memory, &self.model);
        let store = &mut *self.store;
        let ids = retried(self.stop, || store.put_batch(memory, model, &batch, n_left))?;
        for ((task, outcome), id) in batch.into_iter().zip(ids) {
            self.note(task, outcome, id);
        }
        Ok(())
    }

    /// The caption of the entry that a picture repeats.
    fn duplicate(
        &mut self,
        task: &Task,
        prepared: &Prepared,
        fresh: &[(usize, Prepared)],
    ) -> Result<Option<String>, MemoryError> {
        // A file that has changed keeps its entry.
        if task.renews.is_some() {
            return Ok(None);
        }
        let near = self.fingerprints.like(&prepared.fingerprint);
        let fresh: Vec<&Prepared> = fresh
            .iter()
            .map(|(_, fresh)| fresh)
            .filter(|fresh| fresh.fingerprint.is_near(&prepared.fingerprint))
            .collect();
        if near.is_empty() && fresh.is_empty() {
            return Ok(None);
        }
        let grid = Grid::of(&prepared.fitted);
        if let Some(same) = fresh.iter().find(|fresh| Grid::of(&fresh.fitted).is_same(&grid)) {
            return Ok(Some(same.caption.text.clone()));
        }
        for id in near {
            if self.grids.get(id).is_none() {
                let Some(picture) = self.store.picture(id)? else { continue };
                self.grids.insert(id, Grid::of(&picture));
            }
            if self.grids.get(id).is_some_and(|known| known.is_same(&grid)) {
                return Ok(Some(self.store.caption(id)?));
            }
        }
        Ok(None)
    }

    /// Has the model make codes. A picture that it does not take is left out alone.
    fn encode(
        &mut self,
        fresh: Vec<(usize, Prepared)>,
        batch: &mut [(Task, Outcome)],
    ) -> Result<(), MemoryError> {
        let pictures: Vec<_> = fresh.iter().map(|(_, new)| Arc::clone(&new.fitted)).collect();
        let captions: Vec<String> = fresh
            .iter()
            .map(|(idx, new)| {
                let own = batch[*idx].0.renews.as_ref().and_then(|r| r.own_caption.clone());
                own.unwrap_or_else(|| new.caption.text.clone())
            })
            .collect();
        let codes = codes_of(self.encoder, &self.model, &pictures, &captions)?;
        for (((idx, new), caption), codes) in fresh.into_iter().zip(captions).zip(codes) {
            batch[idx].1 = match codes {
                Ok((ids, key)) => {
                    let job = &self.plan.jobs[batch[idx].0.job_idx].0;
                    if let Some(remark) = new.remark.clone() {
                        let path = batch[idx].0.path.clone();
                        self.report.remarks.push(AddProblem { path, reason: remark });
                    }
                    let has_own_caption =
                        batch[idx].0.renews.as_ref().is_some_and(|r| r.own_caption.is_some());
                    tracing::trace!("{} is new in {}", caption, job.path.display());
                    Outcome::Entry(Box::new(NewEntry {
                        caption: captions::Caption { text: caption, ..new.caption },
                        has_own_caption,
                        encoded: new.encoded,
                        fingerprint: new.fingerprint,
                        ids,
                        key,
                    }))
                }
                Err(failure) => Outcome::Problem { reason: failure.headline },
            };
        }
        Ok(())
    }

    fn note(&mut self, task: Task, outcome: Outcome, id: Option<RememberedId>) {
        match (outcome, id) {
            (Outcome::Entry(entry), Some(id)) => {
                if task.renews.is_some() {
                    self.report.n_renewed += 1;
                } else {
                    self.report.n_added += 1;
                    self.fingerprints.push(id, entry.fingerprint);
                }
            }
            (Outcome::Entry(_), None) => {}
            (Outcome::Duplicate { of }, _) => {
                self.report.duplicates.push(Duplicate { path: task.path, of });
            }
            (Outcome::Problem { reason }, _) => {
                self.report.problems.push(AddProblem { path: task.path, reason });
            }
        }
    }
}

/// Ids and key of one picture.
type Codes = (Vec<u16>, Vec<i8>);

/// What the model makes of pictures and captions; of each alone if it does not take them together.
///
/// # Errors
/// [`MemoryError::Encoder`] if it takes none of them.
pub(super) fn codes_of(
    encoder: &mut dyn MemoryEncoder,
    model: &MemoryModel,
    pictures: &[Arc<RgbaImage>],
    captions: &[String],
) -> Result<Vec<Result<Codes, Failure>>, MemoryError> {
    if pictures.is_empty() {
        return Ok(Vec::new());
    }
    let mut all = |pictures: &[Arc<RgbaImage>], captions: &[String]| {
        let ids = encoder.ids(pictures)?;
        let keys = encoder.keys(captions)?;
        let fits = ids.len() == pictures.len()
            && keys.len() == captions.len()
            && ids.iter().all(|ids| ids.len() == model.n_tokens)
            && keys.iter().all(|key| key.len() == model.key_dim);
        if !fits {
            // The model was exchanged meanwhile.
            return Err(Failure {
                headline: "The model has changed while pictures were added; add them again"
                    .to_owned(),
                details: String::new(),
            });
        }
        let ids = ids.into_iter().map(|ids| ids.to_vec());
        Ok::<Vec<Codes>, Failure>(ids.zip(keys).collect())
    };
    match all(pictures, captions) {
        Ok(codes) => Ok(codes.into_iter().map(Ok).collect()),
        Err(failure) if pictures.len() == 1 => {
            // Is it the picture or the model?
            encoder.model()?;
            Ok(vec![Err(failure)])
        }
        Err(_) => {
            let mut codes = Vec::with_capacity(pictures.len());
            for (picture, caption) in pictures.iter().zip(captions) {
                let alone = all(std::slice::from_ref(picture), std::slice::from_ref(caption));
                codes.push(alone.map(|mut codes| codes.remove(0)));
            }
            match codes.iter().find_map(|codes| codes.as_ref().err()) {
                Some(failure) if codes.iter().all(Result::is_err) => {
                    Err(MemoryError::Encoder(failure.clone()))
                }
                _ => Ok(codes),
            }
        }
    }
}

/// Threads that read the tasks in turn; results come in order, one channel each.
fn start_readers<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    plan: &'env Plan,
    size_px: usize,
    is_over: &'env AtomicBool,
) -> Result<Vec<Receiver<Result<Prepared, String>>>, MemoryError> {
    let n_cores = available_parallelism().map_or(1, usize::from);
    let n_readers = (n_cores / 2).clamp(1, MAX_READERS);
    let mut receivers = Vec::with_capacity(n_readers);
    for reader_idx in 0..n_readers {
        let (sender, receiver) = bounded(BATCH.div_ceil(n_readers));
        receivers.push(receiver);
        let work = move || {
            let fingerprinter = Fingerprinter::new();
            for task in plan.tasks.iter().skip(reader_idx).step_by(n_readers) {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                let (job, captions) = &plan.jobs[task.job_idx];
                let recipe = Recipe {
                    captions,
                    root: &job.path,
                    removes_background: job.removes_background,
                    size_px,
                };
                if sender.send(recipe.prepare(&task.path, &fingerprinter)).is_err() {
                    return;
                }
            }
        };
        let started = Builder::new().name("memory reader".to_owned()).spawn_scoped(scope, work);
        started.map_err(|source| {
            is_over.store(true, Ordering::Relaxed);
            MemoryError::Encoder(Failure {
                headline: "The system has no thread to give; close other programs".to_owned(),
                details: source.to_string(),
            })
        })?;
    }
    Ok(receivers)
}

/// Adds a picture that is in no file. Tells its number, or what it repeats.
///
/// # Errors
/// [`MemoryError`]; nothing was added then.
pub(super) fn add_picture(
    store: &mut MemoryStore,
    encoder: &mut dyn MemoryEncoder,
    memory: MemoryId,
    picture: RgbaImage,
    caption: &str,
) -> Result<Result<RememberedId, String>, MemoryError> {
    let model = encoder.model()?;
    let fingerprinter = Fingerprinter::new();
    let prepared = prepare_picture(picture, true, model.image_size_px, &fingerprinter)
        .map_err(|headline| Failure { headline, details: String::new() })?;
    let grid = Grid::of(&prepared.fitted);
    for id in store.fingerprints(memory)?.like(&prepared.fingerprint) {
        let known = store.picture(id)?.map(|picture| Grid::of(&picture));
        if known.is_some_and(|known| known.is_same(&grid)) {
            return Ok(Err(store.caption(id)?));
        }
    }
    let text = captions::tidy(caption);
    let fitted = [Arc::clone(&prepared.fitted)];
    let mut codes = codes_of(encoder, &model, &fitted, std::slice::from_ref(&text))?;
    let (ids, key) = codes.remove(0)?;
    let entry = NewEntry {
        caption: captions::Caption { text, ..prepared.caption },
        has_own_caption: true,
        encoded: prepared.encoded,
        fingerprint: prepared.fingerprint,
        ids,
        key,
    };
    retried(&|| None, || store.put_loose(memory, &model, "", &entry)).map(Ok)
}
