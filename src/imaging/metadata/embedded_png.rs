//! Small pictures inside a record: PNG in Base64.

use std::io::Cursor;

use image::codecs::png::{PngDecoder, PngEncoder};
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder as _, ImageEncoder as _, Limits, RgbaImage,
};

use super::base64;

/// Greatest side of a picture that is read.
const MAX_SIDE_PX: u32 = 4096;

/// A square of grey levels; `None` if there are not `side²`.
pub(super) fn write_grey(levels: &[u8], side: usize) -> Option<String> {
    (levels.len() == side * side).then_some(())?;
    let mut png = Vec::new();
    let side = u32::try_from(side).ok()?;
    PngEncoder::new(&mut png).write_image(levels, side, side, ExtendedColorType::L8).ok()?;
    Some(base64::encode(&png))
}

pub(super) fn write_rgba(picture: &RgbaImage) -> Option<String> {
    let mut png = Vec::new();
    let (width, height) = picture.dimensions();
    PngEncoder::new(&mut png)
        .write_image(picture.as_raw(), width, height, ExtendedColorType::Rgba8)
        .ok()?;
    Some(base64::encode(&png))
}

/// `None` if it is damaged or beyond 4096 pixels a side.
pub(super) fn read(text: &str) -> Option<DynamicImage> {
    let png = base64::decode(text)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE_PX);
    limits.max_image_height = Some(MAX_SIDE_PX);
    let mut decoder = PngDecoder::with_limits(Cursor::new(png), limits.clone()).ok()?;
    decoder.set_limits(limits).ok()?;
    DynamicImage::from_decoder(decoder).ok()
}
