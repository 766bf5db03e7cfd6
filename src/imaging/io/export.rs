//! Formats that pictures are written in, and what is told beside the pixels.

use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder as _, ImageResult, RgbaImage};

use super::SaveError;
use super::save::shown;
use crate::imaging::composite;
use crate::imaging::metadata::{self, PictureRecord};
use crate::imaging::trace::{self, About, Traced};

/// What a segment of a JPEG file holds beside the mark of EXIF.
const MAX_JPEG_EXIF_BYTES: usize = 65_533 - 6;
/// Behind transparent parts where a format has no transparency.
pub const PAPER: [u8; 3] = [255; 3];

/// A format that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Every pixel as it is. Holds the whole record.
    Png,
    /// Small, with loss; transparent parts become white. `quality` is 1–100. Holds only what
    /// A1111's text tells of the record.
    Jpeg { quality: u8 },
    /// Every pixel as it is, smaller than PNG. Holds only what A1111's text tells.
    WebP,
    /// Flat shapes instead of pixels, shown `scale` times as large as the picture. Holds only what
    /// A1111's text tells.
    Svg { scale: u32 },
}

impl FileFormat {
    /// Good to the eye at a third of the size of PNG.
    pub const DEFAULT_JPEG: Self = Self::Jpeg { quality: 92 };

    /// The format that a file name asks for; `None` for others and for names without ending.
    pub fn from_path(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::DEFAULT_JPEG),
            "webp" => Some(Self::WebP),
            "svg" => Some(Self::Svg { scale: 1 }),
            _ => None,
        }
    }

    /// The usual ending of file names, without a dot.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg { .. } => "jpg",
            Self::WebP => "webp",
            Self::Svg { .. } => "svg",
        }
    }

    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg { .. } => "JPEG",
            Self::WebP => "WebP",
            Self::Svg { .. } => "SVG",
        }
    }
}

/// How a picture is saved.
#[derive(Debug, Clone, Copy)]
pub struct Export<'a> {
    pub format: FileFormat,
    /// How the picture was made; `None` tells nothing.
    pub record: Option<&'a PictureRecord>,
}

impl Export<'_> {
    /// PNG that tells nothing but its pixels.
    pub const PLAIN_PNG: Self = Self { format: FileFormat::Png, record: None };
}

/// The bytes of the file; `path` is for messages.
pub(super) fn encode(
    path: &Path,
    picture: &RgbaImage,
    export: &Export<'_>,
) -> Result<Vec<u8>, SaveError> {
    let Export { format, record } = *export;
    let exif = || record.map(metadata::exif_with_record);
    let encoded = match format {
        FileFormat::Png => {
            encode_png(picture).map(|png| match record {
                // The pixels are those of a plain file, byte for byte.
                Some(record) => metadata::png_with_record(&png, record),
                None => png,
            })
        }
        FileFormat::Jpeg { quality } => {
            let exif = exif();
            if exif.as_ref().is_some_and(|exif| exif.len() > MAX_JPEG_EXIF_BYTES) {
                return Err(SaveError::TooMuchText { format: format.name(), name: shown(path) });
            }
            encode_jpeg(picture, quality, exif)
        }
        FileFormat::WebP => encode_webp(picture, exif()),
        FileFormat::Svg { scale } => {
            let traced = trace::trace(picture)
                .map_err(|source| SaveError::Trace { name: shown(path), source })?;
            return Ok(svg(&traced, scale, record).into_bytes());
        }
    };
    encoded.map_err(|source| SaveError::Encode { format: format.name(), name: shown(path), source })
}

/// The file of a picture that was traced.
fn svg(traced: &Traced, scale: u32, record: Option<&PictureRecord>) -> String {
    let description = record.map(metadata::text_of).unwrap_or_default();
    let about = record.map(|record| About { title: &record.prompt, description: &description });
    traced.to_svg(scale, about)
}

fn encode_png(picture: &RgbaImage) -> ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    let (width, height) = picture.dimensions();
    PngEncoder::new(&mut bytes).write_image(
        picture.as_raw(),
        width,
        height,
        ExtendedColorType::Rgba8,
    )?;
    Ok(bytes)
}

fn encode_jpeg(picture: &RgbaImage, quality: u8, exif: Option<Vec<u8>>) -> ImageResult<Vec<u8>> {
    let flat = composite::over_paper(picture, PAPER);
    let flat = DynamicImage::ImageRgba8(flat).into_rgb8();
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100));
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif).map_err(image::ImageError::Unsupported)?;
    }
    encoder.write_image(flat.as_raw(), flat.width(), flat.height(), ExtendedColorType::Rgb8)?;
    Ok(bytes)
}

fn encode_webp(picture: &RgbaImage, exif: Option<Vec<u8>>) -> ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut bytes);
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif).map_err(image::ImageError::Unsupported)?;
    }
    let (width, height) = picture.dimensions();
    encoder.write_image(picture.as_raw(), width, height, ExtendedColorType::Rgba8)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_format() {
        let format = |name: &str| FileFormat::from_path(Path::new(name));
        assert_eq!(format("a.PNG"), Some(FileFormat::Png));
        assert_eq!(format("a/b.jpeg"), Some(FileFormat::DEFAULT_JPEG));
        assert_eq!(format("a.b.webp"), Some(FileFormat::WebP));
        assert_eq!(format("a.svg"), Some(FileFormat::Svg { scale: 1 }));
        assert_eq!((format("png"), format("a.gif")), (None, None));
    }
}
