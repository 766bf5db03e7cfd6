//! `underpaint generate`: one picture after another, with the model loaded once.
//!
//! Everything that can be wrong with the arguments, the pictures and the places to write to is
//! found before the first scale is computed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::console::{self, Console};
use super::destination::{Destination, PreviewFolder};
use super::report::{self, ms};
use super::{CliError, GenerateArgs, GenerateReport, ModelArgs, PictureReport, PictureTimes};
use crate::imaging::io::{Export, OpenedPicture, open_picture};
use crate::imaging::{RgbaImage, control, fit};
use crate::model::{self, Generator};
use crate::params::{ControlKind, Sampling, StrengthCurve};
use crate::protocol::{
    Control, GenerateRequest, Inspiration, Making, MemoryRequest, ModelInfo, Previews,
};

/// # Errors
/// [`CliError`]; pictures that were finished before stay.
pub(super) fn run(args: &GenerateArgs, model: &ModelArgs) -> Result<(), CliError> {
    let started = Instant::now();
    let destination = Destination::new(args.output.as_deref(), args.count, &args.prompt)?;
    check_strengths(args)?;
    let pictures = InputPictures::open(args)?;
    let load_started = Instant::now();
    let mut generator = model::load(&model.load_options())?;
    let load = load_started.elapsed();
    let silent = args.quiet || args.json;
    let mut run = Run {
        console: if silent { Console::silent() } else { Console::talkative() },
        destination,
        previews: None,
        notices: Vec::new(),
        prints_paths: !args.json,
        keeps: match (args.no_metadata, args.embed_controls) {
            (true, _) => Keeps::Pixels,
            (false, false) => Keeps::Settings,
            (false, true) => Keeps::Controls,
        },
    };
    let request = run.request(args, pictures, generator.info())?;
    let first_seed = args.seed.unwrap_or_else(random_seed);
    let seeds = (0..args.count).map(|offset| first_seed.wrapping_add(u64::from(offset)));
    for seed in seeds.clone() {
        run.destination.check(seed)?;
    }
    if let Some(folder) = &args.previews {
        run.previews = Some(PreviewFolder::create(folder, args.count)?);
    }
    if args.seed.is_none() {
        run.console.remark(&format!("the seed is {first_seed}"));
    }
    let mut report = GenerateReport {
        version: env!("CARGO_PKG_VERSION"),
        model: generator.info().name.clone(),
        device: generator.info().device.clone(),
        prompt: args.prompt.clone(),
        pictures: Vec::new(),
        notices: Vec::new(),
        load_ms: ms(load),
        total_ms: 0.0,
        peak_memory_bytes: None,
        error: None,
    };
    let painted = run.paint_all(generator.as_mut(), &request, seeds, &mut report);
    run.console.end();
    report.notices = run.notices;
    report.total_ms = ms(started.elapsed());
    report.peak_memory_bytes = report::peak_memory_bytes();
    report.error = painted.as_ref().err().map(ToString::to_string);
    if args.json && !report.pictures.is_empty() {
        console::print_json(&report)?;
    }
    painted
}

/// A picture named on the command line.
struct InputPicture {
    /// File name without folder and ending.
    name: String,
    pixels: RgbaImage,
    notes: Vec<String>,
}

impl InputPicture {
    fn open(file: &Path) -> Result<Self, CliError> {
        let name = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
        let OpenedPicture { pixels, note } = open_picture(file)?;
        Ok(Self { name, pixels, notes: note.into_iter().collect() })
    }
}

/// Pictures named on the command line, opened and upright.
struct InputPictures {
    controls: Vec<(ControlKind, InputPicture)>,
    inspirations: Vec<InputPicture>,
}

impl InputPictures {
    fn open(args: &GenerateArgs) -> Result<Self, CliError> {
        let controls = control_files(args)
            .into_iter()
            .filter_map(|(kind, file)| Some((kind, file?)))
            .map(|(kind, file)| Ok((kind, InputPicture::open(file)?)))
            .collect::<Result<_, CliError>>()?;
        let inspirations =
            args.inspire.iter().map(|file| InputPicture::open(file)).collect::<Result<_, _>>()?;
        Ok(Self { controls, inspirations })
    }
}

/// What stays the same over all pictures of a command.
struct Run {
    console: Console,
    destination: Destination,
    previews: Option<PreviewFolder>,
    /// Remarks so far, each once.
    notices: Vec<String>,
    prints_paths: bool,
    keeps: Keeps,
}

/// What a file tells beside its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    /// Nothing.
    Pixels,
    Settings,
    /// The settings and the control maps themselves.
    Controls,
}

impl Run {
    /// The request for any picture, its seed still open.
    fn request(
        &mut self,
        args: &GenerateArgs,
        pictures: InputPictures,
        info: &ModelInfo,
    ) -> Result<GenerateRequest, CliError> {
        check_against_model(args, info)?;
        let controls = pictures
            .controls
            .into_iter()
            .map(|(kind, picture)| {
                let read = control::from_picture(kind, &picture.pixels, info.image_size_px);
                self.notices_about(&picture.name, picture.notes.iter().chain(&read.notes));
                let strength = StrengthCurve::Constant(strength_of(args, kind));
                Control { map: read.map, strength, strength_map: None }
            })
            .collect();
        let chosen = pictures
            .inspirations
            .into_iter()
            .enumerate()
            .map(|(slot, picture)| {
                self.notices_about(&picture.name, &picture.notes);
                let pixels = Arc::new(fit::fit_square(&picture.pixels, info.image_size_px));
                (slot, Inspiration::Picture { name: picture.name, pixels })
            })
            .collect();
        let memory = MemoryRequest { retrieval: !args.no_memory, chosen, ..Default::default() };
        Ok(GenerateRequest {
            prompt: args.prompt.clone(),
            negative: args.negative.clone(),
            seeds: Vec::new(),
            sampling: Sampling {
                guidance: args.guidance.unwrap_or(info.sampling.guidance),
                temperature: args.temperature.unwrap_or(info.sampling.temperature),
                top_k: args.top_k.unwrap_or(info.sampling.top_k),
                top_p: args.top_p.unwrap_or(info.sampling.top_p),
            },
            stop_at: args.stop_at,
            previews: Previews::default(),
            anchor: None,
            given: None,
            lock: None,
            controls,
            memory,
        })
    }

    /// One picture after another, so that each is what a run of its own would give.
    fn paint_all(
        &mut self,
        generator: &mut dyn Generator,
        request: &GenerateRequest,
        seeds: impl ExactSizeIterator<Item = u64>,
        report: &mut GenerateReport,
    ) -> Result<(), CliError> {
        let n_pictures = seeds.len();
        let n_scales = request.stop_at.unwrap_or(generator.info().scales.len());
        self.console.begin(n_pictures * n_scales);
        for (idx, seed) in seeds.enumerate() {
            self.console.picture(idx + 1, n_pictures);
            let request = GenerateRequest { seeds: vec![seed], ..request.clone() };
            let picture = self.paint(generator, &request, seed)?;
            if self.prints_paths {
                self.console.result(&picture.path)?;
            }
            report.pictures.push(picture);
        }
        Ok(())
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
        while session.n_done() < session.n_scales() {
            let mut scale = Duration::ZERO;
            timed(&mut scale, || session.step(&|| true))?;
            spent.scales.push(scale);
            self.console.scale_done();
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
        let making = Making {
            request,
            seed,
            model: &model,
            inspired_by: session.inspired_by(),
            ids: &session.ids(0),
        };
        let record =
            (self.keeps != Keeps::Pixels).then(|| making.record(self.keeps == Keeps::Controls));
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

    fn notices_about<'a>(&mut self, name: &str, notes: impl IntoIterator<Item = &'a String>) {
        for note in notes {
            self.notice(&format!("{name}: {note}"));
        }
    }

    fn notice(&mut self, text: &str) {
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

fn control_files(args: &GenerateArgs) -> [(ControlKind, Option<&PathBuf>); 3] {
    [
        (ControlKind::Lines, args.lines.as_ref()),
        (ControlKind::Depth, args.depth.as_ref()),
        (ControlKind::Colour, args.colour.as_ref()),
    ]
}

/// The last strength given for a kind counts, as usual for options.
fn strength_of(args: &GenerateArgs, kind: ControlKind) -> f32 {
    args.strength.iter().rfind(|strength| strength.kind == kind).map_or(1.0, |s| s.value)
}

fn check_strengths(args: &GenerateArgs) -> Result<(), CliError> {
    for (kind, file) in control_files(args) {
        if file.is_none() && args.strength.iter().any(|strength| strength.kind == kind) {
            let name = kind.name();
            return Err(CliError::Usage(format!(
                "--strength {name} needs a picture: add --{name} FILE"
            )));
        }
    }
    Ok(())
}

fn check_against_model(args: &GenerateArgs, info: &ModelInfo) -> Result<(), CliError> {
    let n_scales = info.scales.len();
    if args.stop_at.is_some_and(|stop_at| !(1..=n_scales).contains(&stop_at)) {
        return Err(CliError::Usage(format!(
            "--stop-at must be 1 to {n_scales}: this model has {n_scales} scales"
        )));
    }
    for (kind, file) in control_files(args) {
        if file.is_some() && !info.control_kinds.contains(&kind) {
            let known: Vec<_> = info.control_kinds.iter().map(|kind| kind.name()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(CliError::Usage(format!(
                "--{} does not fit this model, whose controls are: {known}",
                kind.name()
            )));
        }
    }
    if args.inspire.len() > info.n_memory_slots {
        return Err(CliError::Usage(format!(
            "--inspire can be given up to {} times with this model",
            info.n_memory_slots
        )));
    }
    Ok(())
}

/// A seed that is easy to note down: below 2³².
fn random_seed() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    // The standard library seeds its hash maps from the system's random numbers.
    let hasher = std::hash::RandomState::new().build_hasher();
    hasher.finish() & u64::from(u32::MAX)
}
