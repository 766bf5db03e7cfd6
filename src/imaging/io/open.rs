//! Reading pictures: by content, with limits that hold before anything is allocated.

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Cursor, Read as _, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{
    AnimationDecoder as _, ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat,
    ImageReader, Limits, RgbaImage,
};

use super::{one_line, sniff};

/// Greatest width and height of a picture that is read.
pub const MAX_SIDE_PX: u32 = 16384;
/// Greatest memory that a picture may take while it is read.
const MAX_DECODED_BYTES: u64 = 1 << 30;
/// Greatest size of a picture that comes through a pipe and must be kept whole.
const MAX_PIPED_BYTES: u64 = 256 << 20;
/// Formats as people call them, for messages.
const READABLE: &str = "PNG, JPEG, WebP, GIF, BMP, TIFF, QOI, TGA, ICO or PNM";

/// A picture cannot be read. Every message is one sentence that says what to do, the name last.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error("there is no such picture; check the name: {name}")]
    Missing { name: String },
    #[error("the picture cannot be opened ({source}); check its permissions: {name}")]
    Open { name: String, source: io::Error },
    #[error("this is a folder; give a picture file: {name}")]
    Folder { name: String },
    #[error("the picture file is empty (0 bytes); save or copy it again: {name}")]
    Empty { name: String },
    #[error("this is not a picture; give a {READABLE} file: {name}")]
    NotAPicture { name: String },
    #[error("this is {what}, which is not read; save it as PNG first: {name}")]
    Foreign { what: String, name: String },
    #[error("the {format} picture has no pixels ({width}×{height}); give another one: {name}")]
    NoPixels { format: &'static str, width: u32, height: u32, name: String },
    #[error(
        "the picture has {width}×{height} pixels and {MAX_SIDE_PX}×{MAX_SIDE_PX} is the limit; \
         make it smaller: {name}"
    )]
    TooLarge { width: u32, height: u32, name: String },
    #[error(
        "the picture needs more than {} MB of memory, which is the limit; make it smaller: {name}",
        MAX_DECODED_BYTES >> 20
    )]
    TooHeavy { name: String },
    #[error("the {format} picture is damaged or cut off; get it again or save it anew: {name}")]
    Damaged { format: &'static str, name: String, source: ImageError },
    #[error("this kind of {format} picture is not read; save it as PNG first: {name}")]
    Unsupported { format: &'static str, name: String, source: ImageError },
}

/// A picture as it should look: straight alpha, 8 bits, upright.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenedPicture {
    pub pixels: RgbaImage,
    /// What the user should know, such as that only the first frame was taken.
    pub note: Option<String>,
}

/// Reads a picture file of any format, told by its content. Rotation recorded by a camera is
/// applied.
///
/// # Errors
/// [`PictureError`] naming what is wrong with the file.
pub fn open_picture(path: &Path) -> Result<OpenedPicture, PictureError> {
    let (file, metadata, name) = open_file(path)?;
    let failed = |source| PictureError::of_file(&name, source);
    if metadata.is_file() {
        return decode(BufReader::new(file), name);
    }
    // A pipe cannot be rewound: look at its start before keeping the rest.
    let mut bytes = Vec::new();
    let mut file = BufReader::new(file);
    file.by_ref().take(sniff::HEAD_LEN).read_to_end(&mut bytes).map_err(failed)?;
    find_format(&bytes, &name)?;
    file.take(MAX_PIPED_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_PIPED_BYTES {
        return Err(PictureError::TooHeavy { name });
    }
    decode(Cursor::new(bytes), name)
}

/// Opens whatever is no folder; also what is known of it, and its name for messages.
///
/// # Errors
/// [`PictureError`] if there is nothing to open.
pub(super) fn open_file(path: &Path) -> Result<(File, Metadata, String), PictureError> {
    let name = one_line(&path.display().to_string());
    let failed = |source| PictureError::of_file(&name, source);
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(PictureError::Folder { name });
    }
    Ok((file, metadata, name))
}

impl PictureError {
    /// What the system says of a file.
    fn of_file(name: &str, source: io::Error) -> Self {
        let name = name.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { name },
            _ => Self::Open { name, source },
        }
    }
}

/// Reads a picture that was dropped or pasted; `name` is for messages.
///
/// # Errors
/// [`PictureError`] naming what is wrong with it.
pub fn decode_picture(bytes: &[u8], name: &str) -> Result<OpenedPicture, PictureError> {
    decode(Cursor::new(bytes), one_line(name))
}

fn decode(mut reader: impl BufRead + Seek, name: String) -> Result<OpenedPicture, PictureError> {
    let mut head = Vec::new();
    let failed = |source| PictureError::Open { name: name.clone(), source };
    reader.by_ref().take(sniff::HEAD_LEN).read_to_end(&mut head).map_err(failed)?;
    let format = find_format(&head, &name)?;
    if format == ImageFormat::Jpeg {
        reader.rewind().map_err(failed)?;
        if !sniff::jpeg_is_complete(&mut reader).map_err(failed)? {
            let missing = io::Error::new(io::ErrorKind::UnexpectedEof, "the end is missing");
            let source = ImageError::IoError(missing);
            return Err(PictureError::Damaged { format: "JPEG", name, source });
        }
    }
    if let Some((width, height)) = sniff::png_size(&head) {
        check_size(width, height, format, &name)?;
    }
    reader.rewind().map_err(failed)?;
    let subject = Subject { format, name };
    // Decoders are hardened against hostile files, yet a defect there must not end the program.
    catch_unwind(AssertUnwindSafe(|| subject.read(&mut reader))).unwrap_or_else(|_panic| {
        Err(subject.explain(ImageError::IoError(io::Error::other("the decoder gave up"))))
    })
}

fn find_format(head: &[u8], name: &str) -> Result<ImageFormat, PictureError> {
    let name = || name.to_owned();
    if head.is_empty() {
        return Err(PictureError::Empty { name: name() });
    }
    if let Some(what) = sniff::foreign_format(head) {
        return Err(PictureError::Foreign { what: what.to_owned(), name: name() });
    }
    // TGA files have no signature; only their name tells.
    let by_name = || ImageFormat::from_path(name()).ok().filter(|f| *f == ImageFormat::Tga);
    let found = image::guess_format(head).ok().or_else(by_name);
    let format = found.ok_or_else(|| PictureError::NotAPicture { name: name() })?;
    if !format.reading_enabled() {
        let what = format!("a picture in the format {format:?}");
        return Err(PictureError::Foreign { what, name: name() });
    }
    Ok(format)
}

fn check_size(
    width: u32,
    height: u32,
    format: ImageFormat,
    name: &str,
) -> Result<(), PictureError> {
    let name = || name.to_owned();
    if width == 0 || height == 0 {
        let format = format_name(format);
        return Err(PictureError::NoPixels { format, width, height, name: name() });
    }
    if width.max(height) > MAX_SIDE_PX {
        return Err(PictureError::TooLarge { width, height, name: name() });
    }
    Ok(())
}

fn format_name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Gif => "GIF",
        ImageFormat::WebP => "WebP",
        ImageFormat::Pnm => "PNM",
        ImageFormat::Tiff => "TIFF",
        ImageFormat::Tga => "TGA",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Ico => "ICO",
        ImageFormat::Qoi => "QOI",
        _ => "unknown",
    }
}

/// A file whose format is known.
struct Subject {
    format: ImageFormat,
    name: String,
}

impl Subject {
    /// Decodes from a reader that stands at the start of the file.
    fn read(&self, reader: &mut (impl BufRead + Seek)) -> Result<OpenedPicture, PictureError> {
        let explain = |error| self.explain(error);
        let (pixels, is_animated) = match self.format {
            ImageFormat::Png => {
                let decoder = PngDecoder::with_limits(reader, limits()).map_err(explain)?;
                let is_animated = decoder.is_apng().unwrap_or(false);
                (self.finish(decoder)?, is_animated)
            }
            ImageFormat::WebP => {
                let decoder = WebPDecoder::new(reader).map_err(explain)?;
                let is_animated = decoder.has_animation();
                (self.finish(decoder)?, is_animated)
            }
            ImageFormat::Gif => {
                let pixels = self.finish(GifDecoder::new(&mut *reader).map_err(explain)?)?;
                (pixels, gif_has_second_frame(reader))
            }
            format => {
                let decoder = ImageReader::with_format(reader, format).into_decoder();
                (self.finish(decoder.map_err(explain)?)?, false)
            }
        };
        let note = is_animated.then(|| {
            format!("The {} is animated; its first frame is used", format_name(self.format))
        });
        Ok(OpenedPicture { pixels, note })
    }

    fn finish(&self, mut decoder: impl ImageDecoder) -> Result<RgbaImage, PictureError> {
        let (width, height) = decoder.dimensions();
        check_size(width, height, self.format, &self.name)?;
        let n_rgba_bytes = u64::from(width) * u64::from(height) * 4;
        let n_decoded_bytes = decoder.total_bytes();
        let is_rgba8 = decoder.color_type() == ColorType::Rgba8;
        let n_converted_bytes = if is_rgba8 { 0 } else { n_rgba_bytes };
        if n_decoded_bytes.saturating_add(n_converted_bytes) > MAX_DECODED_BYTES {
            return Err(PictureError::TooHeavy { name: self.name.clone() });
        }
        decoder.set_limits(limits()).map_err(|error| self.explain(error))?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let mut decoded =
            DynamicImage::from_decoder(decoder).map_err(|error| self.explain(error))?;
        decoded.apply_orientation(orientation);
        Ok(decoded.into_rgba8())
    }

    fn explain(&self, source: ImageError) -> PictureError {
        let (format, name) = (format_name(self.format), self.name.clone());
        match source {
            ImageError::Unsupported(_) => PictureError::Unsupported { format, name, source },
            ImageError::Limits(_) => PictureError::TooHeavy { name },
            _ => PictureError::Damaged { format, name, source },
        }
    }
}

/// What decoders may allocate; sides are checked here, where the message can name them.
fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    limits
}

fn gif_has_second_frame(reader: &mut (impl BufRead + Seek)) -> bool {
    let second_frame = || {
        reader.rewind().ok()?;
        let mut decoder = GifDecoder::new(reader).ok()?;
        decoder.set_limits(limits()).ok()?;
        decoder.into_frames().nth(1)?.ok()
    };
    second_frame().is_some()
}
