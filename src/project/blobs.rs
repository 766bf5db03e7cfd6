//! Pixels as PNG files that are named after what they show, so that each is kept once.

use std::collections::{BTreeSet, VecDeque};
use std::io::Cursor;
use std::panic::catch_unwind;
use std::sync::Arc;

use image::codecs::png::{CompressionType, FilterType, PngDecoder, PngEncoder};
use image::{ColorType, DynamicImage, ExtendedColorType, ImageDecoder as _, ImageEncoder as _};

use crate::document::{Document, TileGrid};
use crate::imaging::RgbaImage;
use crate::imaging::metadata::sha256_hex;

/// Digits of a name: 128 bits of a hash. Names need not withstand an attacker, who could as well
/// write another file.
pub(super) const NAME_LEN: usize = 32;
/// Greatest side of a picture that is read.
pub(super) const MAX_SIDE_PX: usize = Document::MAX_SIZE_PX;
/// Memory that a decoder may take: a canvas of the greatest size in colour, and some.
const MAX_DECODER_BYTES: u64 = 128 << 20;
/// Planes and pictures that are recognised without looking at their pixels.
const N_REMEMBERED: usize = 64;

/// A PNG file and its name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Blob {
    pub(super) name: String,
    pub(super) png: Vec<u8>,
}

/// Collects what must be written beside the records.
#[derive(Debug, Default)]
pub(super) struct Blobs {
    new: Vec<Blob>,
    known: BTreeSet<String>,
    planes: VecDeque<(TileGrid, String)>,
    pictures: VecDeque<(Arc<RgbaImage>, String)>,
}

impl Blobs {
    /// The name of a plane's pixels; `None` if there are none.
    pub(super) fn plane(&mut self, grid: &TileGrid) -> Option<String> {
        if grid.is_empty() {
            return None;
        }
        let is_same = |(known, _): &&(TileGrid, String)| {
            (known.size_px(), known.n_channels()) == (grid.size_px(), grid.n_channels())
                && grid.changed_tiles(known).next().is_none()
        };
        if let Some((_, name)) = self.planes.iter().rev().find(is_same) {
            return Some(name.clone());
        }
        let (bytes, side) = (grid.to_bytes(), grid.size_px());
        let colour =
            if grid.n_channels() == 4 { ExtendedColorType::Rgba8 } else { ExtendedColorType::L8 };
        let name = self.add(&bytes, side, side, colour);
        remember(&mut self.planes, (grid.clone(), name.clone()));
        Some(name)
    }

    /// The name of a picture.
    pub(super) fn picture(&mut self, picture: &Arc<RgbaImage>) -> String {
        let is_same = |(known, _): &&(Arc<RgbaImage>, String)| Arc::ptr_eq(known, picture);
        if let Some((_, name)) = self.pictures.iter().rev().find(is_same) {
            return name.clone();
        }
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let name = self.add(picture.as_raw(), width, height, ExtendedColorType::Rgba8);
        remember(&mut self.pictures, (Arc::clone(picture), name.clone()));
        name
    }

    /// The name of a square of bytes.
    pub(super) fn levels(&mut self, levels: &[u8], size_px: usize) -> String {
        self.add(levels, size_px, size_px, ExtendedColorType::L8)
    }

    /// What was added since the last call.
    pub(super) fn take_new(&mut self) -> Vec<Blob> {
        std::mem::take(&mut self.new)
    }

    /// Makes everything new again but what has one of these names.
    pub(super) fn forget_all_but<'a>(&mut self, names: impl Iterator<Item = &'a String>) {
        self.known = names.cloned().collect();
        let known = &self.known;
        self.planes.retain(|(_, name)| known.contains(name));
        self.pictures.retain(|(_, name)| known.contains(name));
    }

    fn add(
        &mut self,
        pixels: &[u8],
        width: usize,
        height: usize,
        colour: ExtendedColorType,
    ) -> String {
        let name = name_of(pixels, width, height);
        if self.known.insert(name.clone()) {
            let png = encode(pixels, width as u32, height as u32, colour);
            self.new.push(Blob { name: name.clone(), png });
        }
        name
    }
}

fn remember<T>(known: &mut VecDeque<T>, new: T) {
    if known.len() == N_REMEMBERED {
        known.pop_front();
    }
    known.push_back(new);
}

/// The shape is part of the name: the same bytes may be another picture.
fn name_of(pixels: &[u8], width: usize, height: usize) -> String {
    let mut bytes = Vec::with_capacity(pixels.len() + 16);
    bytes.extend_from_slice(&(width as u64).to_le_bytes());
    bytes.extend_from_slice(&(height as u64).to_le_bytes());
    bytes.extend_from_slice(pixels);
    let mut name = sha256_hex(&bytes);
    name.truncate(NAME_LEN);
    name
}

/// Whether it may be the name of a blob; others are not looked for.
pub(super) fn is_name(name: &str) -> bool {
    name.len() == NAME_LEN && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(super) fn encode(pixels: &[u8], width: u32, height: u32, colour: ExtendedColorType) -> Vec<u8> {
    let mut png = Vec::new();
    let encoder =
        PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Adaptive);
    encoder.write_image(pixels, width, height, colour).expect("memory takes all that is written");
    png
}

/// `size_px² × n_channels` bytes; `None` if the file is anything else.
pub(super) fn decode_square(png: &[u8], size_px: usize, n_channels: usize) -> Option<Vec<u8>> {
    let decoded = decode(png)?;
    let side = size_px as u32;
    match (decoded, n_channels) {
        (DynamicImage::ImageLuma8(levels), 1) if levels.dimensions() == (side, side) => {
            Some(levels.into_raw())
        }
        (DynamicImage::ImageRgba8(colours), 4) if colours.dimensions() == (side, side) => {
            Some(colours.into_raw())
        }
        _ => None,
    }
}

pub(super) fn decode_picture(png: &[u8]) -> Option<RgbaImage> {
    Some(decode(png)?.into_rgba8())
}

fn decode(png: &[u8]) -> Option<DynamicImage> {
    // Decoders are hardened against hostile files, yet a defect there must not end the program.
    catch_unwind(|| {
        let mut limits = image::Limits::default();
        limits.max_image_width = Some(MAX_SIDE_PX as u32);
        limits.max_image_height = Some(MAX_SIDE_PX as u32);
        limits.max_alloc = Some(MAX_DECODER_BYTES);
        let mut decoder = PngDecoder::with_limits(Cursor::new(png), limits.clone()).ok()?;
        decoder.set_limits(limits).ok()?;
        let is_ours = matches!(decoder.color_type(), ColorType::L8 | ColorType::Rgba8);
        let (width, height) = decoder.dimensions();
        let is_picture = width > 0 && height > 0;
        (is_ours && is_picture).then(|| DynamicImage::from_decoder(decoder).ok()).flatten()
    })
    .ok()
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Plane;
    use crate::params::ControlKind;

    #[test]
    fn what_is_the_same_is_kept_once() {
        let mut document = Document::new(70).unwrap();
        let lines = Plane::Pixels(ControlKind::Lines);
        let depth = Plane::Pixels(ControlKind::Depth);
        let mut blobs = Blobs::default();
        assert_eq!(blobs.plane(document.plane(lines)), None);
        let bytes: Vec<u8> = (0..70 * 70).map(|idx| (idx % 7) as u8).collect();
        document.restore_plane(lines, &bytes).unwrap();
        document.restore_plane(depth, &bytes).unwrap();
        let name = blobs.plane(document.plane(lines)).unwrap();
        assert!(is_name(&name));
        assert_eq!(blobs.plane(document.plane(depth)).as_ref(), Some(&name));
        assert_eq!(blobs.plane(document.clone().plane(lines)).as_ref(), Some(&name));
        let new = blobs.take_new();
        assert_eq!(new.len(), 1);
        assert_eq!(decode_square(&new[0].png, 70, 1), Some(bytes));
        assert_eq!(decode_square(&new[0].png, 70, 4), None);
        assert_eq!(decode_square(&new[0].png, 69, 1), None);
        let picture = Arc::new(RgbaImage::from_pixel(70, 70, image::Rgba([1, 2, 3, 4])));
        let name = blobs.picture(&picture);
        assert_eq!(blobs.picture(&Arc::new((*picture).clone())), name);
        let new = blobs.take_new();
        assert_eq!(decode_picture(&new[0].png).as_ref(), Some(&*picture));
    }

    #[test]
    fn names_tell_shapes_apart() {
        assert_ne!(name_of(&[0; 6], 2, 3), name_of(&[0; 6], 3, 2));
        for name in ["", "../../../../../../../etc/passwd..", &"g".repeat(NAME_LEN)] {
            assert!(!is_name(name));
        }
    }
}
