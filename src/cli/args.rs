//! What can be given on the command line, and what each value may be.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

use super::inspiration_args::InspirationArgs;
use super::{MemoryArgs, ModelsArgs};
use crate::model::controlar::Precision;
use crate::model::{DeviceChoice, LoadOptions, ModelChoice, ModelError, RasterOptions};
use crate::params::{ControlKind, PictureSize, Sampling, Speculation, StrengthCurve};

/// Place in the help of options that every command has.
const LAST: usize = 1000;

/// Type a prompt, sketch, and watch the picture come up through its layers.
///
/// Without a command, the window opens.
#[derive(Debug, Parser)]
#[command(name = "underpaint", version)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Project or picture to open in the window.
    #[arg(value_name = "FILE", value_parser = file_to_open)]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub model: ModelArgs,
    /// Folder in which the window saves pictures without asking, named after prompt and seed.
    #[arg(long, value_name = "DIR")]
    pub save_dir: Option<PathBuf>,
    /// Say more about errors.
    #[arg(short, long, global = true, display_order = LAST)]
    pub verbose: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make pictures from a prompt, without a window.
    Generate(Box<GenerateArgs>),
    /// Go on with a saved picture, or make some of its scales anew.
    Continue(Box<ContinueArgs>),
    /// Tell about this program and its model, or how a picture was made.
    Info(InfoArgs),
    /// Your own pictures as memories that the model looks at.
    Memory(MemoryArgs),
    /// Models on this machine and those that are published.
    Models(ModelsArgs),
}

#[derive(Debug, Clone, ClapArgs)]
pub struct ModelArgs {
    /// Another model: a file of ControlAR or LlamaGen, a folder with a model, or the name of one that
    /// “underpaint models list” shows as ready; the model inside the program if not given.
    #[arg(long = "model", value_name = "PATH|NAME", global = true, display_order = LAST)]
    pub path: Option<PathBuf>,
    /// How a large model is held: auto, f32, bf16, q8 or q4, from exact and slow to small and fast.
    #[arg(
        long,
        default_value = "auto",
        value_name = "PRECISION",
        global = true,
        display_order = LAST
    )]
    pub precision: PrecisionChoice,
    /// Size of the pictures in pixels, for models that draw several.
    #[arg(long, value_name = "WxH", global = true, display_order = LAST)]
    pub size: Option<PictureSize>,
    /// Where to compute: auto, cpu, cuda:N or metal.
    #[arg(
        long,
        default_value = "auto",
        value_name = "DEVICE",
        global = true,
        display_order = LAST
    )]
    pub device: DeviceChoice,
    /// Database of your memories; the window's if not given.
    #[arg(long, value_name = "FILE", global = true, display_order = LAST)]
    pub library: Option<PathBuf>,
}

impl ModelArgs {
    /// Looks for the model's files; reads none of them whole.
    ///
    /// # Errors
    /// [`ModelError`] naming what is missing or does not fit.
    pub fn load_options(&self) -> Result<LoadOptions, ModelError> {
        let options = RasterOptions { precision: self.precision.0, size: self.size };
        let model = match &self.path {
            Some(path) => match super::models::installed(path, options)? {
                Some(choice) => choice,
                None => ModelChoice::at(path, options)?,
            },
            None => ModelChoice::Embedded,
        };
        let asked = [("--precision", self.precision.0.is_some()), ("--size", self.size.is_some())];
        let unused = asked.into_iter().find(|(_, is_asked)| *is_asked);
        match unused {
            Some((name, _)) if !matches!(model, ModelChoice::Raster(_)) => {
                Err(ModelError::Request {
                    reason: format!(
                        "{name} is for models that draw token by token; name one with --model or \
                         leave it out"
                    ),
                })
            }
            _ => Ok(LoadOptions { model, device: self.device }),
        }
    }
}

#[derive(Debug, ClapArgs)]
pub struct GenerateArgs {
    /// What to paint, such as "red apple, 3d style"; may be empty.
    pub prompt: String,
    /// What to stay away from.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub negative: String,
    /// The same seed gives the same picture; random if not given.
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// How strictly the prompt is followed, 0 to 20.
    #[arg(long, value_name = "G", value_parser = guidance, allow_negative_numbers = true)]
    pub guidance: Option<f32>,
    /// How boldly tokens are drawn, 0 to 2; 0 always takes the likeliest.
    #[arg(long, value_name = "T", value_parser = temperature, allow_negative_numbers = true)]
    pub temperature: Option<f32>,
    /// Codes to choose from at each place; 0 for all.
    #[arg(long, value_name = "K", value_parser = whole, allow_negative_numbers = true)]
    pub top_k: Option<usize>,
    /// Share of probability to choose from at each place, 0 to 1.
    #[arg(long, value_name = "P", value_parser = probability, allow_negative_numbers = true)]
    pub top_p: Option<f32>,
    /// Tokens to guess ahead and check at once, 1 to 64; 1 draws one after the other. For models that
    /// draw token by token: another number gives another picture, as likely.
    #[arg(long, value_name = "N", value_parser = window, allow_negative_numbers = true)]
    pub guess_ahead: Option<usize>,
    /// How readily a guess that looks alike is taken for what was meant, 0 to 1; 0 is exact.
    #[arg(
        long, value_name = "R", value_parser = probability, allow_negative_numbers = true,
        requires = "guess_ahead"
    )]
    pub relax: Option<f32>,
    /// Stop after this many scales, or rows of models that draw token by token.
    #[arg(long, value_name = "K", value_parser = whole, allow_negative_numbers = true)]
    pub stop_at: Option<usize>,
    /// Picture to start from: its coarse scales are kept, the others painted.
    #[arg(long, value_name = "FILE")]
    pub from_picture: Option<PathBuf>,
    /// Scales of that picture to keep; half of them if not given.
    #[arg(
        long, value_name = "K", value_parser = whole, allow_negative_numbers = true,
        requires = "from_picture"
    )]
    pub keep_scales: Option<usize>,
    /// Picture of lines to follow: dark on light, light on dark or on transparent.
    #[arg(long, value_name = "FILE")]
    pub lines: Option<PathBuf>,
    /// Picture of depths to follow: white is near.
    #[arg(long, value_name = "FILE")]
    pub depth: Option<PathBuf>,
    /// Picture of colours to follow: transparent parts are left open.
    #[arg(long, alias = "color", value_name = "FILE")]
    pub colour: Option<PathBuf>,
    /// How strongly a control is followed, 0 to 2, such as lines=0.8; may be repeated.
    #[arg(long, value_name = "KIND=VALUE")]
    pub strength: Vec<Strength>,
    #[command(flatten)]
    pub inspiration: InspirationArgs,
    /// Folder for a picture after each scale: 01.png, 02.png …, with the seed in front if there
    /// are several pictures. Created if missing.
    #[arg(long, value_name = "DIR")]
    pub previews: Option<PathBuf>,
    /// Number of pictures, with the seeds N, N+1 …; 1 to 1000.
    #[arg(
        long, value_name = "COUNT", default_value_t = 1, allow_negative_numbers = true,
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    pub count: u32,
    /// File for the picture, which is replaced if it exists: PNG, JPEG, WebP or SVG by its ending.
    /// With --count, the seed is added to the name: FILE-7.png, FILE-8.png … Without this, a new
    /// file is named after the prompt.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Save the pixels alone, without prompt, seed and settings.
    #[arg(long)]
    pub no_metadata: bool,
    /// Save the control pictures within the file too, so that it can be continued from the file
    /// alone.
    #[arg(long, conflicts_with = "no_metadata")]
    pub embed_controls: bool,
    /// Print one JSON object about all pictures instead of their paths.
    #[arg(long)]
    pub json: bool,
    /// No progress and no remarks, only errors.
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, ClapArgs)]
pub struct ContinueArgs {
    /// PNG that Underpaint has saved, with its settings.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Stop after this many scales; if the picture has them already, it is shown as it was then.
    #[arg(long, value_name = "K", value_parser = whole, allow_negative_numbers = true)]
    pub stop_at: Option<usize>,
    /// Paint this scale and those after it anew, instead of going on where the picture stops.
    #[arg(long, value_name = "K", value_parser = whole, allow_negative_numbers = true)]
    pub from_scale: Option<usize>,
    /// Seed of the scales that are painted; that of the picture if not given, or a random one with
    /// --from-scale.
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// File for the picture, which is replaced if it exists. Without this, a new file is named
    /// after the prompt.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Folder for a picture after each scale: 01.png, 02.png …; created if missing.
    #[arg(long, value_name = "DIR")]
    pub previews: Option<PathBuf>,
    /// Save the pixels alone, without prompt, seed and settings.
    #[arg(long)]
    pub no_metadata: bool,
    /// Print one JSON object about the picture instead of its path.
    #[arg(long)]
    pub json: bool,
    /// No progress and no remarks, only errors.
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, ClapArgs)]
pub struct InfoArgs {
    /// Picture to tell about instead: PNG, JPEG or WebP of Underpaint and many other programs.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `--precision q8`; `None` is `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrecisionChoice(pub Option<Precision>);

impl std::str::FromStr for PrecisionChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self(None)),
            // What others call it; ours has the same number of bits and a wider range.
            "f16" => Ok(Self(Some(Precision::Bf16))),
            _ => match text.parse() {
                Ok(precision) => Ok(Self(Some(precision))),
                Err(_) => Err(format!("“{text}” is not auto, f32, bf16, q8 or q4")),
            },
        }
    }
}

/// `--strength lines=0.8`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Strength {
    pub kind: ControlKind,
    /// 0 to [`StrengthCurve::MAX`].
    pub value: f32,
}

impl std::str::FromStr for Strength {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| "write KIND=VALUE, such as lines=0.8".to_owned())?;
        let kind = ControlKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name || (*kind == ControlKind::Colour && name == "color"))
            .ok_or_else(|| format!("“{name}” is not lines, depth or colour"))?;
        Ok(Self { kind, value: number(value, StrengthCurve::MAX)? })
    }
}

/// A word that is no file is most likely a command with a slip of the pen.
fn file_to_open(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.exists() || path.extension().is_some() || path.components().count() > 1 {
        Ok(path)
    } else {
        Err("this is neither a command nor a file; see --help".to_owned())
    }
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_error| format!("give a whole number from 0 to {}", u64::MAX))
}

fn whole(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_error| "give a whole number".to_owned())
}

fn window(text: &str) -> Result<usize, String> {
    let window = whole(text).ok().filter(|n| (1..=Speculation::MAX_WINDOW).contains(n));
    window.ok_or_else(|| format!("give a whole number from 1 to {}", Speculation::MAX_WINDOW))
}

fn guidance(text: &str) -> Result<f32, String> {
    number(text, Sampling::MAX_GUIDANCE)
}

fn temperature(text: &str) -> Result<f32, String> {
    number(text, Sampling::MAX_TEMPERATURE)
}

fn probability(text: &str) -> Result<f32, String> {
    number(text, 1.0)
}

/// A number from 0 to `max`; NaN and infinities are none.
pub(super) fn number(text: &str, max: f32) -> Result<f32, String> {
    let value: Option<f32> = text.trim().parse().ok();
    value
        .filter(|value| (0.0..=max).contains(value))
        .ok_or_else(|| format!("give a number from 0 to {max}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn strengths_are_parsed() {
        let parse = |text: &str| text.parse::<Strength>();
        assert_eq!(parse("lines=0.8"), Ok(Strength { kind: ControlKind::Lines, value: 0.8 }));
        assert_eq!(parse("color=2"), Ok(Strength { kind: ControlKind::Colour, value: 2.0 }));
        for (text, words) in [
            ("lines", "KIND=VALUE"),
            ("edges=1", "not lines, depth or colour"),
            ("lines=", "from 0 to 2"),
            ("lines=2.1", "from 0 to 2"),
            ("lines=-0.1", "from 0 to 2"),
            ("lines=nan", "from 0 to 2"),
            ("lines=inf", "from 0 to 2"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains(words), "{text}: {message}");
        }
    }

    #[test]
    fn a_file_is_opened_and_a_slip_of_the_pen_is_told() {
        let parse = |word: &str| Args::try_parse_from(["underpaint", word]);
        let args = parse("work/cat.underpaint").unwrap();
        assert_eq!(args.file, Some(PathBuf::from("work/cat.underpaint")));
        let args = parse("info").unwrap();
        assert!(args.file.is_none() && matches!(args.command, Some(Command::Info(_))));
        let message = parse("generat").unwrap_err().to_string();
        assert!(message.contains("neither a command nor a file"), "{message}");
    }

    #[test]
    fn options_of_the_model_stand_before_or_after_the_command() {
        for arguments in [
            ["underpaint", "--device", "cuda:1", "generate", ""],
            ["underpaint", "generate", "", "--device", "cuda:1"],
        ] {
            let args = Args::try_parse_from(arguments).unwrap();
            assert_eq!(args.model.device, DeviceChoice::Cuda(1));
            assert!(matches!(args.command, Some(Command::Generate(_))));
        }
    }
}
