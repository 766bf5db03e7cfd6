//! `underpaint generate`: one picture after another, with the model loaded once.
//!
//! Everything that can be wrong with the arguments, the pictures and the places to write to is
//! found before the first scale is computed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::console::Console;
use super::destination::{Destination, PreviewFolder};
use super::inspiring::InspiringPicture;
use super::painting::{Keeps, Loading, Run};
use super::{CliError, GenerateArgs, ModelArgs, loading, own_memories, unit};
use crate::imaging::io::{OpenedPicture, open_picture};
use crate::imaging::{RgbaImage, control};
use crate::model::Generator;
use crate::params::{ControlKind, Sampling, Speculation, StrengthCurve};
use crate::protocol::{Control, GenerateRequest, Given, ModelInfo, OwnMemory, Previews};

/// # Errors
/// [`CliError`]; pictures that were finished before stay.
pub(super) fn run(args: &GenerateArgs, model: &ModelArgs) -> Result<(), CliError> {
    let started = Instant::now();
    let destination = Destination::new(args.output.as_deref(), args.count, &args.prompt)?;
    check_strengths(args)?;
    let mut pictures = InputPictures::open(args)?;
    let load_started = Instant::now();
    let silent = args.quiet || args.json;
    let mut generator = loading::load(model, silent)?;
    let load = load_started.elapsed();
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
        earlier: None,
    };
    let source = pictures.source.take();
    let names = &args.inspiration.memory;
    let (own, remarks) =
        own_memories::open(names, &generator.memory_model(), model.library.as_deref())?;
    for remark in remarks {
        run.notice(&remark);
    }
    let mut request = run.request(args, pictures, own, generator.info())?;
    if let Some(source) = source {
        run.start_from(&source, args.keep_scales, &mut request, generator.as_mut())?;
    }
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
    run.paint_all(generator.as_mut(), &request, seeds, Loading { started, load })
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
    /// In the order of [`super::InspirationArgs::files`].
    inspirations: Vec<InspiringPicture>,
    /// What the coarse scales are encoded from.
    source: Option<InputPicture>,
}

impl InputPictures {
    fn open(args: &GenerateArgs) -> Result<Self, CliError> {
        let controls = control_files(args)
            .into_iter()
            .filter_map(|(kind, file)| Some((kind, file?)))
            .map(|(kind, file)| Ok((kind, InputPicture::open(file)?)))
            .collect::<Result<_, CliError>>()?;
        let inspirations = args.inspiration.files();
        let inspirations =
            inspirations.map(|file| InspiringPicture::open(file)).collect::<Result<_, _>>()?;
        let source = args.from_picture.as_deref().map(InputPicture::open).transpose()?;
        Ok(Self { controls, inspirations, source })
    }
}

impl Run {
    /// The request for any picture, its seed still open.
    fn request(
        &mut self,
        args: &GenerateArgs,
        pictures: InputPictures,
        own: Vec<Arc<OwnMemory>>,
        info: &ModelInfo,
    ) -> Result<GenerateRequest, CliError> {
        check_against_model(args, info)?;
        let controls = pictures
            .controls
            .into_iter()
            .map(|(kind, picture)| {
                let read = control::from_picture_within(kind, &picture.pixels, info.size_px());
                self.notices_about(&picture.name, picture.notes.iter().chain(&read.notes));
                let strength = StrengthCurve::Constant(strength_of(args, kind));
                Control { map: read.map.in_8_bits(), strength, strength_map: None }
            })
            .collect();
        let inspirations = pictures.inspirations.into_iter().map(|mut picture| {
            let inspiration = picture.inspiration(info, args.inspiration.keep_background);
            self.notices_about(&picture.name, &picture.notes);
            inspiration
        });
        let memory = args.inspiration.request(inspirations, own, info);
        Ok(GenerateRequest {
            prompt: args.prompt.clone(),
            negative: args.negative.clone(),
            seeds: Vec::new(),
            sampling: Sampling {
                guidance: args.guidance.unwrap_or(info.sampling.guidance),
                temperature: args.temperature.unwrap_or(info.sampling.temperature),
                top_k: args.top_k.unwrap_or(info.sampling.top_k),
                top_p: args.top_p.unwrap_or(info.sampling.top_p),
                speculation: Speculation {
                    window: args.guess_ahead.unwrap_or(info.sampling.speculation.window),
                    relaxation: args.relax.unwrap_or(info.sampling.speculation.relaxation),
                },
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

    /// Encodes a picture and gives its coarse scales to the request.
    fn start_from(
        &mut self,
        source: &InputPicture,
        keep_scales: Option<usize>,
        request: &mut GenerateRequest,
        generator: &mut dyn Generator,
    ) -> Result<(), CliError> {
        let n_scales = generator.info().scales.len();
        let unit = unit(generator.info());
        let n_kept = keep_scales.unwrap_or(n_scales / 2);
        if !(1..=n_scales).contains(&n_kept) {
            return Err(CliError::Usage(format!(
                "--keep-scales must be 1 to {n_scales}: this model has {n_scales} {unit}"
            )));
        }
        if let Some(stop_at) = request.stop_at.filter(|stop_at| *stop_at < n_kept) {
            return Err(CliError::Usage(format!(
                "--stop-at {stop_at} is before the end of --keep-scales {n_kept}; stop later or \
                 keep fewer"
            )));
        }
        self.notices_about(&source.name, &source.notes);
        let ids = generator.encode(&source.pixels)?;
        request.given = Some(Given::prefix(&ids, n_kept).encoded_from(&source.name, n_kept));
        Ok(())
    }
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
    let (n_scales, unit) = (info.scales.len(), unit(info));
    if args.stop_at.is_some_and(|stop_at| !(1..=n_scales).contains(&stop_at)) {
        return Err(CliError::Usage(format!(
            "--stop-at must be 1 to {n_scales}: this model has {n_scales} {unit}"
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
    args.inspiration.check(info)
}

/// A seed that is easy to note down: below 2³².
pub(super) fn random_seed() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    // The standard library seeds its hash maps from the system's random numbers.
    let hasher = std::hash::RandomState::new().build_hasher();
    hasher.finish() & u64::from(u32::MAX)
}
