//! Control maps: what a drawing or picture says to the model, as planes of numbers.

use std::sync::Arc;

use image::RgbaImage;

use super::extract::{Extractor, Fitted, extract};
use super::planes;
use super::polarity::Polarity;
use super::resample::Premultiplied;
use crate::params::{ControlKind, StrengthCurve};

/// Mean ink above which a picture is hardly a line drawing.
const MUCH_INK: f32 = 0.35;
/// Greatest ink of an empty drawing.
pub(super) const NO_INK: f32 = 0.02;

/// A control map of one kind: `channels × size × size` values in [0, 1], channel by channel,
/// row by row. The pixels are shared, so a map is cheap to clone and to send.
#[derive(Debug, Clone)]
pub struct ControlMap {
    kind: ControlKind,
    size_px: usize,
    values: Arc<[f32]>,
}

impl ControlMap {
    /// `None` unless `values` holds `kind.n_channels() · size_px²` finite numbers.
    /// Values outside [0, 1] are clamped.
    pub fn new(kind: ControlKind, size_px: usize, mut values: Vec<f32>) -> Option<Self> {
        let complete = size_px > 0 && values.len() == kind.n_channels() * size_px * size_px;
        if !complete || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        for value in &mut values {
            *value = value.clamp(0.0, 1.0);
        }
        Some(Self { kind, size_px, values: values.into() })
    }

    /// The map in the 8 bits that a file keeps, so that a picture can be gone on with from its file
    /// to the byte. Nothing changes when that is done again.
    #[must_use]
    pub fn in_8_bits(self) -> Self {
        let values: Vec<f32> = match self.kind {
            ControlKind::Lines | ControlKind::Depth => {
                let level = |value: &f32| f32::from((value * 255.0).round() as u8) / 255.0;
                self.values.iter().map(level).collect()
            }
            ControlKind::Colour => match planes::rgba_from_planes(&self.values, self.size_px) {
                Some(picture) => planes::planes_from_rgba(&picture),
                None => return self,
            },
        };
        Self { values: values.into(), ..self }
    }

    pub fn kind(&self) -> ControlKind {
        self.kind
    }

    /// Width and height in pixels.
    pub fn size_px(&self) -> usize {
        self.size_px
    }

    /// `channels × size × size` values in [0, 1].
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

impl PartialEq for ControlMap {
    /// Maps that share their pixels are equal without looking: caches ask for every request.
    fn eq(&self, other: &Self) -> bool {
        let same_pixels = Arc::ptr_eq(&self.values, &other.values) || self.values == other.values;
        (self.kind, self.size_px) == (other.kind, other.size_px) && same_pixels
    }
}

/// A control map and how strongly it is followed.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    pub map: ControlMap,
    pub strength: StrengthCurve,
    /// Painted strength, one factor per cell of the finest token grid, row by row.
    pub strength_map: Option<Arc<[f32]>>,
}

/// A map made from a picture, and what the user should know about how it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlFromPicture {
    pub map: ControlMap,
    /// Sentences without a full stop.
    pub notes: Vec<String>,
    /// How a line drawing stood out from its paper; `None` for everything else.
    pub polarity: Option<Polarity>,
}

/// Reads a picture of any size as a control map of `size_px`: its aspect is kept, the rest says
/// nothing.
///
/// Lines become ink coverage, whichever way round they are drawn; depth is luminance, white near;
/// colour is taken as it is.
///
/// # Panics
/// If `size_px` is 0.
pub fn from_picture(kind: ControlKind, picture: &RgbaImage, size_px: usize) -> ControlFromPicture {
    extract(picture, &Extractor::as_it_is(kind), size_px)
}

/// Like [`from_picture`], for a model whose pictures are `width × height` pixels: they lie in the
/// middle of a map whose side is the longer of the two.
///
/// # Panics
/// If one of them is 0.
pub fn from_picture_within(
    kind: ControlKind,
    picture: &RgbaImage,
    size: (usize, usize),
) -> ControlFromPicture {
    Fitted::within(picture, size).extract(&Extractor::as_it_is(kind))
}

/// What the user should know about lines that were read from a drawing.
pub(super) fn line_notes(coverage: &[f32], found: Polarity) -> Vec<String> {
    let most = coverage.iter().copied().fold(0.0, f32::max);
    if most < NO_INK {
        return vec!["No lines were found in the picture".to_owned()];
    }
    let mut notes: Vec<String> = found.note().map(str::to_owned).into_iter().collect();
    if coverage.iter().sum::<f32>() > MUCH_INK * coverage.len() as f32 {
        notes.push("The picture is not a line drawing: its filled parts count as ink".to_owned());
    }
    notes
}

/// White paper around a colour sketch is a hint as well; people rarely mean that.
pub(super) fn colour_note(pixels: &[Premultiplied], width: usize) -> Option<String> {
    let last = pixels.len() - 1;
    let corners = [0, width - 1, last + 1 - width, last];
    let is_white = |idx: usize| pixels[idx].iter().all(|value| *value > 0.98);
    (pixels.len() >= 4 && corners.into_iter().all(is_white)).then(|| {
        "The white background counts as colour; make it transparent to leave it open".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    fn circle(side: u32, ink: Rgba<u8>, paper: Rgba<u8>) -> RgbaImage {
        let centre = f64::from(side) / 2.0;
        RgbaImage::from_fn(side, side, |x, y| {
            let radius = (f64::from(x) - centre).hypot(f64::from(y) - centre) / f64::from(side);
            if (radius - 0.3).abs() < 0.02 { ink } else { paper }
        })
    }

    fn grey(level: u8) -> Rgba<u8> {
        Rgba([level, level, level, 255])
    }

    #[test]
    fn black_on_white_and_white_on_black_give_the_same_map() {
        let normal = from_picture(ControlKind::Lines, &circle(700, grey(0), grey(255)), 256);
        assert!(normal.notes.is_empty());
        assert!(normal.map.values().contains(&1.0));
        let inverted = from_picture(ControlKind::Lines, &circle(700, grey(255), grey(0)), 256);
        assert_eq!(inverted.notes, ["Inverted: the lines were light on dark"]);
        for (a, b) in normal.map.values().iter().zip(inverted.map.values()) {
            assert!((a - b).abs() < 1e-5);
        }
    }

    #[test]
    fn a_picture_is_fitted_into_the_middle_of_the_map() {
        let full = RgbaImage::from_pixel(40, 10, grey(255));
        let read = from_picture_within(ControlKind::Depth, &full, (16, 8));
        let map = read.map;
        assert_eq!(map.size_px(), 16);
        let rows: Vec<usize> = (0..16).filter(|y| map.values()[y * 16 + 8] > 0.5).collect();
        assert_eq!(rows, (6..10).collect::<Vec<_>>(), "a quarter as high as wide, in the middle");
        let square = from_picture_within(ControlKind::Depth, &full, (16, 16));
        assert_eq!(square.map, from_picture(ControlKind::Depth, &full, 16).map);
    }

    #[test]
    fn eight_bits_are_kept_as_they_are() {
        for kind in ControlKind::ALL {
            let n_values = kind.n_channels() * 64;
            let values = (0..n_values).map(|idx| (idx * 37 % 101) as f32 / 100.0).collect();
            let fine = ControlMap::new(kind, 8, values).unwrap();
            let once = fine.clone().in_8_bits();
            assert_ne!(once, fine);
            assert_eq!(once.clone().in_8_bits(), once, "{kind:?}");
        }
    }

    #[test]
    fn padding_says_nothing_for_every_kind() {
        // White on black would be ink all round if padding were taken for paper.
        let wide = RgbaImage::from_pixel(200, 100, grey(255));
        for kind in [ControlKind::Depth, ControlKind::Colour] {
            let map = from_picture(kind, &wide, 64).map;
            assert_eq!(map.values()[0], 0.0);
            assert_eq!(map.values()[32 * 64 + 32], 1.0);
        }
        let lines = circle(100, grey(0), grey(255));
        let tall = image::imageops::crop_imm(&lines, 0, 0, 60, 100).to_image();
        let map = from_picture(ControlKind::Lines, &tall, 64).map;
        let column = |x: usize| (0..64).map(|y| map.values()[y * 64 + x]).sum::<f32>();
        assert_eq!((column(0), column(63)), (0.0, 0.0));
        assert!(column(26) > 1.0);
    }

    #[test]
    fn depth_is_luminance_times_alpha() {
        let mut picture = RgbaImage::from_pixel(4, 4, Rgba([255, 255, 255, 51]));
        picture.put_pixel(0, 0, Rgba([255, 0, 0, 255]));
        let values = from_picture(ControlKind::Depth, &picture, 4).map;
        assert!((values.values()[0] - 0.2126).abs() < 1e-4);
        assert!((values.values()[5] - 0.2).abs() < 1e-4);
    }

    #[test]
    fn colour_is_premultiplied_and_warns_of_white_paper() {
        let picture = RgbaImage::from_pixel(2, 2, Rgba([255, 0, 0, 128]));
        let colour = from_picture(ControlKind::Colour, &picture, 2);
        assert!((colour.map.values()[0] - 128.0 / 255.0).abs() < 1e-5);
        assert_eq!(colour.map.values()[4], 0.0);
        assert!(colour.notes.is_empty());
        let paper = RgbaImage::from_pixel(2, 2, grey(255));
        assert!(from_picture(ControlKind::Colour, &paper, 2).notes[0].contains("white background"));
    }

    #[test]
    fn pictures_of_odd_sizes_work() {
        for (width, height) in [(1, 1), (16384, 1), (1, 16384), (3, 2), (0, 0)] {
            let picture = RgbaImage::from_pixel(width, height, grey(90));
            for kind in ControlKind::ALL {
                let control = from_picture(kind, &picture, 32);
                assert_eq!(control.map.values().len(), kind.n_channels() * 32 * 32);
            }
        }
    }

    #[test]
    fn notes_name_empty_and_filled_drawings() {
        let empty = RgbaImage::from_pixel(9, 9, grey(255));
        let notes = from_picture(ControlKind::Lines, &empty, 32).notes;
        assert_eq!(notes, ["No lines were found in the picture"]);
        let half = RgbaImage::from_fn(64, 64, |x, y| {
            grey(if (6..58).contains(&x) && (12..52).contains(&y) { 0 } else { 255 })
        });
        let notes = from_picture(ControlKind::Lines, &half, 32).notes;
        assert!(notes[0].contains("not a line drawing"), "{notes:?}");
    }
}
