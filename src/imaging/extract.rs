//! Control maps taken from pictures: edges, a depth, colours; or what the picture is already.

use image::RgbaImage;

use super::background::{GroundSource, over_contrast};
use super::blocks::{BlockSize, fill_blocks};
use super::control::{ControlFromPicture, ControlMap, NO_INK, colour_note, line_notes};
use super::drawing;
use super::edges::{CannyOptions, SoftEdgeOptions, canny, soft_edges};
use super::inflate::{InflateOptions, inflated};
use super::polarity::{self, InkTone};
use super::resample::{self, Filter, Premultiplied, Region, to_straight};
use crate::params::ControlKind;

/// What is taken from a picture, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Extractor {
    /// Hard lines.
    Canny(CannyOptions),
    /// Lines as dark as the edge is strong.
    SoftEdges(SoftEdgeOptions),
    /// Depth from the silhouette.
    Inflate(InflateOptions),
    /// Mean colours.
    ColourBlocks(BlockSize),
    /// The picture is a line drawing; `None` finds out which tone is its ink.
    Drawing(Option<InkTone>),
    /// The picture is a depth map, white near.
    DepthMap,
    /// The picture's own colours.
    Colours,
}

impl Extractor {
    /// What the map says.
    pub const fn kind(&self) -> ControlKind {
        match self {
            Self::Canny(_) | Self::SoftEdges(_) | Self::Drawing(_) => ControlKind::Lines,
            Self::Inflate(_) | Self::DepthMap => ControlKind::Depth,
            Self::ColourBlocks(_) | Self::Colours => ControlKind::Colour,
        }
    }

    /// Takes the picture for a map of this kind.
    pub const fn as_it_is(kind: ControlKind) -> Self {
        match kind {
            ControlKind::Lines => Self::Drawing(None),
            ControlKind::Depth => Self::DepthMap,
            ControlKind::Colour => Self::Colours,
        }
    }
}

/// Makes a control map of `size_px` from a picture of any size: its aspect is kept, the rest says
/// nothing. Settings in pixels mean those of the map.
///
/// # Panics
/// If `size_px` is 0.
pub fn extract(picture: &RgbaImage, extractor: &Extractor, size_px: usize) -> ControlFromPicture {
    Fitted::new(picture, size_px).extract(extractor)
}

/// A picture at the size of a map. Keep it to try several settings: the picture is read once.
#[derive(Debug, Clone)]
pub struct Fitted {
    size_px: usize,
    width: usize,
    /// Whole rows of `width`; empty if the picture has no pixels.
    pixels: Vec<Premultiplied>,
}

impl Fitted {
    /// # Panics
    /// If `size_px` is 0.
    pub fn new(picture: &RgbaImage, size_px: usize) -> Self {
        assert!(size_px > 0, "a map has pixels");
        if picture.width() == 0 || picture.height() == 0 {
            return Self { size_px, width: 0, pixels: Vec::new() };
        }
        let size = resample::fitted_size(picture.width(), picture.height(), size_px);
        let pixels = resample::resize(picture, Region::whole(picture), size, Filter::Area);
        Self { size_px, width: size.0, pixels }
    }

    /// Like [`Self::new`], within a part of `width × height` pixels in the middle of the map, whose
    /// side is the longer of the two.
    ///
    /// # Panics
    /// If one of them is 0.
    pub fn within(picture: &RgbaImage, (width, height): (usize, usize)) -> Self {
        assert!(width.min(height) > 0, "a map has pixels");
        let size_px = width.max(height);
        if picture.width() == 0 || picture.height() == 0 {
            return Self { size_px, width: 0, pixels: Vec::new() };
        }
        let (from_width, from_height) = (f64::from(picture.width()), f64::from(picture.height()));
        let scale = (width as f64 / from_width).min(height as f64 / from_height);
        let fit = |from: f64, most: usize| ((from * scale).round() as usize).clamp(1, most);
        let size = (fit(from_width, width), fit(from_height, height));
        let pixels = resample::resize(picture, Region::whole(picture), size, Filter::Area);
        Self { size_px, width: size.0, pixels }
    }

    /// The map that `extractor` makes, and what the user should know about it.
    pub fn extract(&self, extractor: &Extractor) -> ControlFromPicture {
        match extractor {
            Extractor::Canny(options) => self.lines_from_edges(&canny(&self.opaque(), *options)),
            Extractor::SoftEdges(options) => self.lines(&soft_edges(&self.opaque(), *options)),
            Extractor::Inflate(options) => self.depth(*options),
            Extractor::ColourBlocks(size) => self.colours(Some(*size)),
            Extractor::Drawing(ink) => self.drawing(*ink),
            Extractor::DepthMap => {
                let nearness: Vec<f32> = self.pixels.iter().map(polarity::luminance).collect();
                self.placed(ControlKind::Depth, &[&nearness], None)
            }
            Extractor::Colours => self.colours(None),
        }
    }

    /// Whether the picture is likely a line drawing: thin ink on plain paper.
    pub fn is_likely_drawing(&self) -> bool {
        drawing::is_likely(&self.pixels, self.width, self.size_px)
    }

    /// A depth of every pixel of the picture, row by row, as a map, wherever it was made.
    ///
    /// # Panics
    /// If there is another number of values than pixels in [`Self::opaque`].
    pub fn depth_from_values(&self, nearness: &[f32]) -> ControlFromPicture {
        self.placed(ControlKind::Depth, &[nearness], None)
    }

    /// The picture on the paper that lets its silhouette stand out: what edges are looked for in,
    /// here or on the graphics device.
    pub fn opaque(&self) -> RgbaImage {
        over_contrast(&self.straight())
    }

    /// The lines of an edge map of [`Self::opaque`], wherever it was made.
    ///
    /// # Panics
    /// If the map has another size.
    pub fn lines_from_edges(&self, edges: &image::GrayImage) -> ControlFromPicture {
        let coverage: Vec<f32> =
            edges.as_raw().iter().map(|value| f32::from(*value) / 255.0).collect();
        self.lines(&coverage)
    }

    fn lines(&self, coverage: &[f32]) -> ControlFromPicture {
        let most = coverage.iter().copied().fold(0.0, f32::max);
        let note = (most < NO_INK)
            .then(|| "No edges were found in the picture; lower the thresholds".to_owned());
        self.placed(ControlKind::Lines, &[coverage], note)
    }

    fn depth(&self, options: InflateOptions) -> ControlFromPicture {
        let found = inflated(&self.straight(), options);
        let note = (found.ground == GroundSource::None)
            .then(|| "No background was found: the whole picture counts as one shape".to_owned());
        self.placed(ControlKind::Depth, &[&found.depth], note)
    }

    fn drawing(&self, ink: Option<InkTone>) -> ControlFromPicture {
        let (coverage, polarity) = match ink {
            None => polarity::ink_coverage(&self.pixels, self.width),
            Some(ink) => polarity::ink_coverage_of(&self.pixels, self.width, ink),
        };
        let mut control = self.placed(ControlKind::Lines, &[&coverage], None);
        control.notes = line_notes(&coverage, polarity);
        control.polarity = Some(polarity);
        control
    }

    /// Blocks lie on the grid of the map, not on that of the picture.
    fn colours(&self, blocks: Option<BlockSize>) -> ControlFromPicture {
        let side = self.size_px;
        let note = (!self.pixels.is_empty()).then(|| colour_note(&self.pixels, self.width));
        let mut square = vec![[0.0; 4]; side * side];
        for (idx, pixel) in self.pixels.iter().enumerate() {
            square[self.place(idx)] = *pixel;
        }
        if let Some(size) = blocks {
            fill_blocks(&mut square, side, size);
        }
        let planes = (0..4).flat_map(|channel| square.iter().map(move |pixel| pixel[channel]));
        self.finished(ControlKind::Colour, planes.collect(), note.flatten())
    }

    fn straight(&self) -> RgbaImage {
        let height = self.pixels.len().checked_div(self.width).unwrap_or(0);
        let bytes = self.pixels.iter().flat_map(|pixel| to_straight(*pixel)).collect();
        RgbaImage::from_raw(self.width as u32, height as u32, bytes).expect("four bytes per pixel")
    }

    /// Puts planes of the picture's size into the middle of the map.
    fn placed(
        &self,
        kind: ControlKind,
        planes: &[&[f32]],
        note: Option<String>,
    ) -> ControlFromPicture {
        let area = self.size_px * self.size_px;
        let mut values = vec![0.0; kind.n_channels() * area];
        for (target, plane) in values.chunks_exact_mut(area).zip(planes) {
            assert_eq!(plane.len(), self.pixels.len(), "the plane has the picture's size");
            for (idx, value) in plane.iter().enumerate() {
                target[self.place(idx)] = *value;
            }
        }
        self.finished(kind, values, note)
    }

    /// Where pixel `idx` lies in the map.
    fn place(&self, idx: usize) -> usize {
        let height = self.pixels.len() / self.width;
        let (left, top) = ((self.size_px - self.width) / 2, (self.size_px - height) / 2);
        (top + idx / self.width) * self.size_px + left + idx % self.width
    }

    fn finished(
        &self,
        kind: ControlKind,
        values: Vec<f32>,
        note: Option<String>,
    ) -> ControlFromPicture {
        let map =
            ControlMap::new(kind, self.size_px, values).expect("complete, finite and not empty");
        ControlFromPicture { map, notes: note.into_iter().collect(), polarity: None }
    }
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    const ALL: [Extractor; 4] = [
        Extractor::Canny(CannyOptions { low: 100, high: 200, blur_sigma_px: 0.0 }),
        Extractor::SoftEdges(SoftEdgeOptions { blur_sigma_px: 1.0, floor: 0.1 }),
        Extractor::Inflate(InflateOptions { tolerance: 24 }),
        Extractor::ColourBlocks(BlockSize::Px8),
    ];

    /// A white square on nothing, with black hidden under the transparency.
    fn sticker() -> RgbaImage {
        RgbaImage::from_fn(200, 100, |x, y| {
            let is_inside = (60..140).contains(&x) && (20..80).contains(&y);
            if is_inside { Rgba([255; 4]) } else { Rgba([0; 4]) }
        })
    }

    #[test]
    fn silhouettes_give_lines_whatever_their_colour() {
        for colour in [[255; 4], [0, 0, 0, 255], [128, 128, 128, 255], [255, 0, 255, 255]] {
            let mut picture = sticker();
            for pixel in picture.pixels_mut().filter(|pixel| pixel.0[3] > 0) {
                *pixel = Rgba(colour);
            }
            for extractor in &ALL[..2] {
                let control = extract(&picture, extractor, 100);
                assert!(control.notes.is_empty(), "{colour:?}");
                // The upper edge of the square: rows 20 of 100 become 10 of 50, 25 further down.
                let column = |y: usize| control.map.values()[y * 100 + 50];
                assert!(column(34).max(column(35)) > 0.9, "{colour:?} {extractor:?}");
                assert_eq!(column(50), 0.0);
            }
        }
    }

    #[test]
    fn nothing_is_found_beside_the_picture() {
        // The border of a picture is no edge, whatever its colours.
        let picture = RgbaImage::from_fn(64, 16, |x, _| Rgba([(x * 4) as u8, 200, 30, 255]));
        for extractor in &ALL {
            let map = extract(&picture, extractor, 64).map;
            assert_eq!(map.kind(), extractor.kind());
            let is_silent = |row: usize| map.values()[row * 64..][..64].iter().all(|v| *v == 0.0);
            assert!(is_silent(0) && is_silent(23) && is_silent(40), "{extractor:?}");
        }
    }

    #[test]
    fn colours_are_means_of_blocks_of_the_map() {
        let map = extract(&sticker(), &Extractor::ColourBlocks(BlockSize::Px8), 64).map;
        assert_eq!(map.values().len(), 4 * 64 * 64);
        let alpha = &map.values()[3 * 64 * 64..];
        assert!(alpha[0] == 0.0 && alpha[32 * 64 + 32] > 0.9999);
        // Columns 19.2–44.8 hold the square: block 16–24 is covered by 4.8 of 8.
        assert!((alpha[32 * 64 + 16] - 0.6).abs() < 1e-4);
        assert!(map.values()[..64].iter().zip(alpha).all(|(red, alpha)| red <= alpha));
    }

    #[test]
    fn notes_say_what_was_not_found() {
        let plain = RgbaImage::from_pixel(30, 30, Rgba([9, 90, 200, 255]));
        let notes = |idx: usize| extract(&plain, &ALL[idx], 32).notes;
        assert!(notes(0)[0].contains("No edges"));
        assert!(notes(1)[0].contains("No edges"));
        assert!(notes(2)[0].contains("No background"));
        assert!(notes(3).is_empty());
        let white = RgbaImage::from_pixel(30, 30, Rgba([255; 4]));
        assert!(extract(&white, &ALL[3], 32).notes[0].contains("white background"));
    }

    #[test]
    fn pictures_of_any_size_work() {
        for (width, height) in [(0, 0), (1, 1), (16384, 1), (1, 16384), (3, 2), (300, 200)] {
            let picture = RgbaImage::from_fn(width, height, |x, y| {
                Rgba([(x * 31) as u8, (y * 17) as u8, 80, (x * 3 + y * 5) as u8])
            });
            for extractor in &ALL {
                for size_px in [1, 32] {
                    let map = extract(&picture, extractor, size_px).map;
                    assert_eq!(map.size_px(), size_px, "{width}×{height} {extractor:?}");
                }
            }
        }
    }
}
