//! Small pictures: made from a file, and as they are kept in the database.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder as _, ImageReader, Limits};

use crate::imaging::RgbaImage;
use crate::imaging::io::{self, PictureError};
use crate::imaging::resample;

/// Greatest side of a small picture.
pub const THUMBNAIL_PX: usize = 128;
/// Problems that may be over without a change of the file.
pub(super) const GONE: &str = "The file is gone";
pub(super) const CLOSED: &str = "The file cannot be opened; check its permissions";
/// Of small pictures without transparency: a quarter of the size of one without loss.
const JPEG_QUALITY: u8 = 85;

/// Opens a picture and reduces it to `side_px`. The error says what is wrong in a few words.
pub(super) fn opened_at(path: &Path, side_px: usize) -> Result<RgbaImage, String> {
    let opened = io::open_picture(path).map_err(|error| described(&error))?;
    Ok(resample::at_most(opened.pixels, side_px))
}

pub(super) fn described(error: &PictureError) -> String {
    match error {
        PictureError::Missing { .. } => GONE.to_owned(),
        PictureError::Open { .. } => CLOSED.to_owned(),
        PictureError::Empty { .. } => "The file is empty".to_owned(),
        PictureError::TooLarge { width, height, .. } => {
            format!("The picture is too large to show ({width} × {height})")
        }
        PictureError::TooHeavy { .. } => "The picture is too large to show".to_owned(),
        PictureError::NoPixels { .. } => "The picture has no pixels".to_owned(),
        PictureError::Damaged { .. } => "The picture is damaged or cut off".to_owned(),
        _ => "It is no picture that can be read".to_owned(),
    }
}

/// Without loss if anything shows through, else as JPEG. `None` if that does not work.
pub(super) fn encode(picture: &RgbaImage) -> Option<Vec<u8>> {
    let (width, height) = picture.dimensions();
    let mut bytes = Vec::new();
    let is_opaque = picture.pixels().all(|pixel| pixel.0[3] == 255);
    if is_opaque {
        let flat = DynamicImage::ImageRgba8(picture.clone()).into_rgb8();
        JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)
            .write_image(flat.as_raw(), width, height, ExtendedColorType::Rgb8)
            .ok()?;
    } else {
        WebPEncoder::new_lossless(&mut bytes)
            .write_image(picture.as_raw(), width, height, ExtendedColorType::Rgba8)
            .ok()?;
    }
    Some(bytes)
}

/// What [`encode`] wrote; `None` for anything else.
pub(super) fn decode(bytes: &[u8]) -> Option<RgbaImage> {
    let read = || {
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
        let mut limits = Limits::default();
        limits.max_image_width = Some(THUMBNAIL_PX as u32);
        limits.max_image_height = Some(THUMBNAIL_PX as u32);
        reader.limits(limits);
        Some(reader.decode().ok()?.into_rgba8())
    };
    // A damaged database must not end the thread.
    catch_unwind(AssertUnwindSafe(read)).ok().flatten()
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    #[test]
    fn small_pictures_come_back() {
        let clear = RgbaImage::from_fn(40, 128, |x, y| Rgba([x as u8, y as u8, 7, (2 * y) as u8]));
        let encoded = encode(&clear).expect("encoded");
        assert_eq!(decode(&encoded).expect("decoded"), clear);
        let opaque = RgbaImage::from_pixel(64, 20, Rgba([200, 30, 90, 255]));
        let encoded = encode(&opaque).expect("encoded");
        let decoded = decode(&encoded).expect("decoded");
        let far = |a: &u8, b: &u8| a.abs_diff(*b) > 6;
        assert!(!decoded.iter().zip(opaque.iter()).any(|(a, b)| far(a, b)));
        assert_eq!(decode(&encoded[..encoded.len() / 8]), None);
        assert_eq!(decode(b"not a picture"), None);
    }
}
