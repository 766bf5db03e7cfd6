//! Painting without a window: steps a session, saves its picture and tells what it took.

use std::time::{Duration, Instant};

use super::console::{self, Console};
use super::destination::{Destination, PreviewFolder};
use super::report::{self, ms};
use super::{CliError, GenerateReport, PictureReport, PictureTimes};
use crate::imaging::io::Export;
use crate::imaging::metadata::PictureRecord;
use crate::model::{Generator, Session, Step};
use crate::protocol::{GenerateRequest, Given, Making, ModelInfo};

/// What stays the same over all pictures of a command.
pub(super) struct Run {
    pub(super) console: Console,
    pub(super) destination: Destination,
    pub(super) previews: Option<PreviewFolder>,
    /// Remarks so far, each once.
    pub(super) notices: Vec<String>,
    pub(super) prints_paths: bool,
    pub(super) keeps: Keeps,
    /// The record of the picture that is gone on with.
    pub(super) earlier: Option<Box<PictureRecord>>,
}

/// What came before the first picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loading {
    pub(super) started: Instant,
    pub(super) load: Duration,
}

/// What a file tells beside its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Nothing.
    Pixels,
    Settings,
    /// The settings and the control maps themselves.
    Controls,
}

impl Run {
    /// One picture after another, so that each is what a run of its own would give; then, if paths
    /// are not wanted, a report about all.
    ///
    /// # Errors
    /// [`CliError`]; pictures that were finished before stay.
    pub(super) fn paint_all(
        mut self,
        generator: &mut dyn Generator,
        request: &GenerateRequest,
        seeds: impl ExactSizeIterator<Item = u64>,
        loading: Loading,
    ) -> Result<(), CliError> {
        let n_pictures = seeds.len();
        let n_given = request.given.as_ref().map_or(0, Given::n_scales);
        let model = generator.info();
        let n_scales = request.stop_at.unwrap_or(model.scales.len());
        self.console.begin(model, n_pictures, n_given..n_scales);
        let mut pictures = Vec::new();
        let paint_each = || {
            for (idx, seed) in seeds.enumerate() {
                self.console.picture(idx + 1, n_pictures);
                let request = GenerateRequest { seeds: vec![seed], ..request.clone() };
                let picture = self.paint(generator, &request, seed)?;
                if self.prints_paths {
                    self.console.result(&picture.path)?;
                }
                pictures.push(picture);
            }
            Ok(())
        };
        let painted = paint_each();
        self.console.end();
        if self.prints_paths || pictures.is_empty() {
            return painted;
        }
        console::print_json(&GenerateReport {
            version: env!("CARGO_PKG_VERSION"),
            model: generator.info().name.clone(),
            device: generator.info().device.clone(),
            prompt: request.prompt.clone(),
            pictures,
            notices: self.notices,
            load_ms: ms(loading.load),
            total_ms: ms(loading.started.elapsed()),
            peak_memory_bytes: report::peak_memory_bytes(),
            error: painted.as_ref().err().map(CliError::to_string),
        })?;
        painted
    }

    fn paint(
        &mut self,
        generator: &mut dyn Generator,
        request: &GenerateRequest,
        seed: u64,
    ) -> Result<PictureReport, CliError> {
        let started = Instant::now();
        let mut spent = Spent::default();
        let model = generator.info().clone();
        timed(&mut spent.text, || generator.encode_text(request))?;
        let mut session = timed(&mut spent.retrieval, || generator.start(request))?;
        for notice in session.notices() {
            self.notice(notice);
        }
        let inspired_by = session.inspired_by().iter().map(Into::into).collect();
        let mut previews = Vec::new();
        let mut newest = None;
        if let Some(folder) = &self.previews {
            for scale_idx in 0..session.n_done() {
                let picture = timed(&mut spent.decode, || session.render_scale(scale_idx, 0))?;
                let path = timed(&mut spent.save, || folder.save(seed, scale_idx + 1, &picture))?;
                previews.push(path.display().to_string());
            }
        }
        while session.n_done() < session.n_scales() {
            let mut scale = Duration::ZERO;
            loop {
                let n_before = session.progress().map(|progress| progress.n_tokens);
                let step = timed(&mut scale, || session.step(&|| true))?;
                let n_now = session.progress().map(|progress| progress.n_tokens);
                match n_now.zip(n_before) {
                    Some((now, before)) => self.console.drawn(now - before),
                    None if step == Step::Done => self.console.drawn(1),
                    None => {}
                }
                if step == Step::Done {
                    break;
                }
            }
            spent.scales.push(scale);
            if let Some(folder) = &self.previews {
                let picture = timed(&mut spent.decode, || session.render(0))?;
                let number = session.n_done();
                let path = timed(&mut spent.save, || folder.save(seed, number, &picture))?;
                previews.push(path.display().to_string());
                newest = Some(picture);
            }
        }
        let picture = match newest {
            Some(picture) => picture,
            None => timed(&mut spent.decode, || session.render(0))?,
        };
        let record = self.record(request, seed, &model, session.as_ref());
        let export = Export { format: self.destination.format(), record: record.as_ref() };
        let path = timed(&mut spent.save, || self.destination.save(seed, &picture, &export))?;
        Ok(PictureReport {
            path: path.display().to_string(),
            seed,
            previews,
            inspired_by,
            times_ms: spent.report(started.elapsed()),
        })
    }

    /// What the file tells of its making; `None` if it is to tell nothing.
    fn record(
        &self,
        request: &GenerateRequest,
        seed: u64,
        model: &ModelInfo,
        session: &dyn Session,
    ) -> Option<PictureRecord> {
        if self.keeps == Keeps::Pixels {
            return None;
        }
        let earlier = self.earlier.as_deref();
        let making = Making {
            request,
            seed,
            model,
            inspired_by: session.inspired_by(),
            ids: &session.ids(0),
        };
        let record = making.record(self.keeps == Keeps::Controls);
        let Some(earlier) = earlier.cloned() else { return Some(record) };
        // Gone on with: what was said stays as it was said, such as which pictures were looked up.
        let n_scales = record.stop_at;
        Some(PictureRecord {
            app_version: record.app_version,
            seeds: record.seeds,
            stop_at: n_scales,
            model: record.model,
            tokens: record.tokens,
            source: record.source,
            anchor: earlier.anchor.filter(|_| n_scales < record.n_scales),
            ..earlier
        })
    }

    pub(super) fn notices_about<'a>(
        &mut self,
        name: &str,
        notes: impl IntoIterator<Item = &'a String>,
    ) {
        for note in notes {
            self.notice(&format!("{name}: {note}"));
        }
    }

    pub(super) fn notice(&mut self, text: &str) {
        if !self.notices.iter().any(|known| known == text) {
            self.console.remark(text);
            self.notices.push(text.to_owned());
        }
    }
}

#[derive(Default)]
struct Spent {
    text: Duration,
    retrieval: Duration,
    scales: Vec<Duration>,
    decode: Duration,
    save: Duration,
}

impl Spent {
    fn report(&self, total: Duration) -> PictureTimes {
        PictureTimes {
            text: ms(self.text),
            retrieval: ms(self.retrieval),
            prepare: ms(self.text + self.retrieval),
            scales: self.scales.iter().copied().map(ms).collect(),
            decode: ms(self.decode),
            save: ms(self.save),
            total: ms(total),
        }
    }
}

fn timed<T>(spent: &mut Duration, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    *spent += started.elapsed();
    result
}
