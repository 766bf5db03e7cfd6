//! Recalling how a picture was made from what its file tells, whichever application wrote it.
//!
//! Each application has a file with what is known of its conventions. Here the texts of a file are
//! collected, and the first that can be read wins; what is left is told, never silently dropped.

mod a1111;
mod comfyui;
mod draw_things;
mod fooocus;
mod invokeai;
mod own;

use std::fmt;
use std::io::{self, BufRead, Read as _, Seek};

use serde::Serialize;

use super::png_text::{self, Damage, DamageKind, PngText};
use super::record::PictureRecord;
use super::{exif, xmp};

/// An application that tells how a picture was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceApp {
    Underpaint,
    A1111,
    Forge,
    ComfyUi,
    InvokeAi,
    Fooocus,
    DrawThings,
    SdCpp,
    Krita,
}

impl fmt::Display for SourceApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Underpaint => "Underpaint",
            Self::A1111 => "A1111",
            Self::Forge => "Forge",
            Self::ComfyUi => "ComfyUI",
            Self::InvokeAi => "InvokeAI",
            Self::Fooocus => "Fooocus",
            Self::DrawThings => "Draw Things",
            Self::SdCpp => "stable-diffusion.cpp",
            Self::Krita => "Krita AI Diffusion",
        })
    }
}

/// Which part of a file a text was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// tEXt.
    Latin1,
    /// zTXt.
    Latin1Compressed,
    /// iTXt.
    Utf8,
    /// iTXt with its compression flag.
    Utf8Compressed,
    /// EXIF of JPEG or WebP.
    Exif,
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Latin1 => "tEXt",
            Self::Latin1Compressed => "zTXt",
            Self::Utf8 => "iTXt",
            Self::Utf8Compressed => "iTXt (compressed)",
            Self::Exif => "EXIF",
        })
    }
}

/// A text in a file, under the key that it has in PNG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFound {
    pub key: String,
    pub text: String,
    pub carrier: Carrier,
    /// Behind the pixels, where many readers do not look.
    pub after_pixels: bool,
}

impl TextFound {
    /// Where it was found, such as `tEXt after IDAT`.
    pub fn place(&self) -> String {
        let after = if self.after_pixels { " after IDAT" } else { "" };
        format!("{}{after}", self.carrier)
    }
}

/// How a picture was made, as far as its file tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Recalled {
    pub app: SourceApp,
    /// As the application writes it.
    pub app_version: Option<String>,
    /// Where in the file it was found, such as `tEXt`.
    pub place: String,
    pub prompt: String,
    /// Empty for none.
    pub negative: String,
    pub seed: Option<u64>,
    pub steps: Option<u64>,
    pub cfg: Option<f64>,
    pub sampler: Option<String>,
    /// Width and height that were asked for; the file may have been scaled since.
    pub size_px: Option<(u32, u32)>,
    pub model: Option<String>,
    pub model_hash: Option<String>,
    /// Other settings as they stand in the file.
    pub extra: Vec<(String, String)>,
    /// All that Underpaint keeps of its own pictures.
    pub record: Option<Box<PictureRecord>>,
    /// What was found and not understood or not taken, each in a few words.
    pub ignored: Vec<String>,
}

impl Recalled {
    /// Nothing but the name of the application.
    fn new(app: SourceApp) -> Self {
        Self {
            app,
            app_version: None,
            place: String::new(),
            prompt: String::new(),
            negative: String::new(),
            seed: None,
            steps: None,
            cfg: None,
            sampler: None,
            size_px: None,
            model: None,
            model_hash: None,
            extra: Vec::new(),
            record: None,
            ignored: Vec::new(),
        }
    }
}

/// The file is known to tell how it was made, but nothing can be had of it. Each is one sentence
/// that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum RecallError {
    #[error("the file cannot be read ({0}); check the disk")]
    Read(#[from] io::Error),
    #[error("this is no PNG, JPEG or WebP picture, and only those tell how they were made")]
    Format,
    #[error(
        "the settings under “{key}” are longer than {} MB, which is the limit; \
         save the picture without them",
        png_text::MAX_INFLATED_BYTES >> 20
    )]
    TooLong { key: String },
    #[error("the settings under “{key}” are damaged; get the file again")]
    Damaged { key: String },
    #[error("{app} wrote settings that cannot be read ({reason}); get the file again")]
    Unreadable { app: SourceApp, reason: String },
    #[error("{app} made the picture, but no prompt or sampler is found in its settings; {hint}")]
    NoParameters { app: SourceApp, hint: &'static str },
}

/// Reads how a picture was made from a PNG, JPEG or WebP file; `None` if it does not tell.
///
/// No pixel is decoded, and memory is bounded whatever the file claims; see
/// [`super::MAX_INFLATED_BYTES`] and [`super::MAX_CHUNK_BYTES`].
///
/// # Errors
/// [`RecallError`] if there are settings of a known application that cannot be used.
pub fn recall(reader: &mut (impl BufRead + Seek)) -> Result<Option<Recalled>, RecallError> {
    let mut head = Vec::with_capacity(12);
    reader.by_ref().take(12).read_to_end(&mut head)?;
    reader.rewind()?;
    let found = if head.starts_with(png_text::SIGNATURE) {
        reader.seek_relative(png_text::SIGNATURE.len() as i64)?;
        png_text::read(reader)?
    } else if head.starts_with(b"\xff\xd8\xff") {
        of_exif(exif::find_in_jpeg(reader)?)
    } else if head.starts_with(b"RIFF") && head.ends_with(b"WEBP") {
        of_exif(exif::find_in_webp(reader)?)
    } else {
        return Err(RecallError::Format);
    };
    from_texts(&found)
}

fn of_exif(data: Option<Vec<u8>>) -> PngText {
    let texts = data.map(|data| exif::parse(&data)).unwrap_or_default();
    PngText { texts, ..PngText::default() }
}

/// A way to read the texts of a file: `None` if they are not of this kind.
type Reader = fn(&Texts<'_>) -> Option<Result<Recalled, RecallError>>;

/// Most telling first.
const READERS: [Reader; 6] =
    [own::read, fooocus::read, a1111::read, invokeai::read, draw_things::read, comfyui::read];

/// Keys whose loss is worth an error.
const KNOWN_KEYS: [&str; 8] = [
    "underpaint",
    "parameters",
    "invokeai_metadata",
    "prompt",
    "workflow",
    "Comment",
    "Description",
    "fooocus_scheme",
];

/// Texts that are no settings, or only repeat what is read elsewhere.
const SILENT_KEYS: [&str; 4] = ["Software", "fooocus_scheme", "Description", xmp::KEYWORD];

fn from_texts(found: &PngText) -> Result<Option<Recalled>, RecallError> {
    let texts = Texts(&found.texts);
    let mut failure = None;
    let mut ignored = Vec::new();
    for read in READERS {
        match read(&texts) {
            None => {}
            Some(Ok(mut recalled)) => {
                recalled.ignored.extend(ignored);
                recalled.ignored.extend(remarks(found, &recalled));
                return Ok(Some(recalled));
            }
            Some(Err(error)) => {
                ignored.push(error.to_string());
                failure.get_or_insert(error);
            }
        }
    }
    match failure.or_else(|| found.damages.iter().find_map(damage_error)) {
        Some(error) => Err(error),
        None => Ok(None),
    }
}

/// Damage matters where settings may have been lost by it.
fn damage_error(damage: &Damage) -> Option<RecallError> {
    let Damage { key, kind } = damage;
    let is_settings = KNOWN_KEYS.contains(&key.as_str());
    // A key that is damaged itself might have been any.
    let is_unknown = key.is_empty();
    let key = key.clone();
    match kind {
        DamageKind::TooLong if is_settings => Some(RecallError::TooLong { key }),
        DamageKind::Checksum | DamageKind::CutOff | DamageKind::Format
            if is_settings || is_unknown =>
        {
            Some(RecallError::Damaged { key: if is_unknown { "?".to_owned() } else { key } })
        }
        _ => None,
    }
}

/// What else is in the file.
fn remarks(found: &PngText, recalled: &Recalled) -> Vec<String> {
    let used: &[&str] = match recalled.app {
        SourceApp::Underpaint => &["underpaint", "parameters"],
        SourceApp::InvokeAi => &["invokeai_metadata"],
        SourceApp::DrawThings => &["Comment"],
        SourceApp::ComfyUi => &["prompt"],
        _ => &["parameters"],
    };
    let is_told = |key: &str| !used.contains(&key) && !SILENT_KEYS.contains(&key);
    let texts = found.texts.iter().filter(|text| is_told(&text.key)).map(|text| {
        let what = match text.key.as_str() {
            "workflow" => " (the editor's graph)",
            "prompt" => " (ComfyUI's graph)",
            "invokeai_workflow" | "invokeai_graph" => " (InvokeAI's graph)",
            _ => "",
        };
        format!("{}{what}", text.key)
    });
    let damages = found.damages.iter().map(|damage| {
        let under = if damage.key.is_empty() { String::new() } else { format!(": {}", damage.key) };
        format!("{}{under}", damage.kind.describe())
    });
    let cut_off = found.is_cut_off.then(|| "the rest of the file, which is cut off".to_owned());
    texts.chain(damages).chain(cut_off).collect()
}

/// The texts of a file by their keys.
struct Texts<'a>(&'a [TextFound]);

impl<'a> Texts<'a> {
    /// The first text under a key.
    fn get(&self, key: &str) -> Option<&'a TextFound> {
        self.0.iter().find(|found| found.key == key)
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        self.get(key).map(|found| found.text.as_str())
    }
}

/// `WxH`, both from 1.
fn size(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.trim().split_once(['x', 'X', '×'])?;
    let side = |text: &str| text.trim().parse().ok().filter(|side| *side > 0);
    Some((side(width)?, side(height)?))
}

/// `None` for texts that name nothing.
fn name(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}
