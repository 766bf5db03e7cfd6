//! Tells line drawings from other pictures, so that their lines are taken as they are.

use super::inflate::squared_distances_to;
use super::polarity;
use super::resample::Premultiplied;

/// Coverage below which a pixel is paper, and above which it is ink.
const PAPER: f32 = 0.1;
const INK: f32 = 0.3;
/// Share of the pixels that are paper in a drawing, at least.
const MIN_PAPER_SHARE: f32 = 0.5;
/// Share of the pixels that are ink in a drawing, at least.
const MIN_INK_SHARE: f32 = 0.002;
/// Share of the ink that is close to paper, at least: lines are thin, shaded shapes are not.
const MIN_THIN_SHARE: f32 = 0.85;
/// How close that is, as a share of the picture's longer side.
const THIN: f32 = 0.014;

/// Whether a picture is likely a line drawing: thin ink on plain paper. `pixels` holds whole rows
/// of `width` pixels; the longer side has `side_px`.
pub(super) fn is_likely(pixels: &[Premultiplied], width: usize, side_px: usize) -> bool {
    let (coverage, _) = polarity::ink_coverage(pixels, width);
    let is_paper: Vec<bool> = coverage.iter().map(|ink| *ink < PAPER).collect();
    let share_of = |n: usize, of: usize| n as f32 / of.max(1) as f32;
    let n_paper = is_paper.iter().filter(|paper| **paper).count();
    if share_of(n_paper, pixels.len()) < MIN_PAPER_SHARE {
        return false;
    }
    let Some(distances) = squared_distances_to(&is_paper, width) else { return false };
    let reach_px = (THIN * side_px as f32).max(2.0);
    let (mut n_ink, mut n_thin) = (0, 0);
    for (_, squared) in coverage.iter().zip(distances).filter(|(ink, _)| **ink > INK) {
        n_ink += 1;
        n_thin += usize::from(squared as f32 <= reach_px * reach_px);
    }
    share_of(n_ink, pixels.len()) >= MIN_INK_SHARE && share_of(n_thin, n_ink) >= MIN_THIN_SHARE
}

#[cfg(test)]
mod tests {
    use image::{Rgba, RgbaImage};

    use super::super::extract::Fitted;

    fn is_likely(picture: &RgbaImage) -> bool {
        Fitted::new(picture, 256).is_likely_drawing()
    }

    /// Rings of some thickness, as a share of the side.
    fn rings(side: u32, thickness: f64, ink: [u8; 4], paper: [u8; 4]) -> RgbaImage {
        RgbaImage::from_fn(side, side, |x, y| {
            let centre = f64::from(side) / 2.0;
            let radius = (f64::from(x) - centre).hypot(f64::from(y) - centre) / f64::from(side);
            let is_ink = [0.15, 0.4].iter().any(|r: &f64| (radius - r).abs() < thickness / 2.0);
            Rgba(if is_ink { ink } else { paper })
        })
    }

    const BLACK: [u8; 4] = [0, 0, 0, 255];
    const WHITE: [u8; 4] = [255; 4];

    #[test]
    fn thin_lines_on_any_paper_are_a_drawing() {
        for (ink, paper) in
            [(BLACK, WHITE), (WHITE, BLACK), (BLACK, [0; 4]), ([20, 40, 160, 255], WHITE)]
        {
            for thickness in [0.006, 0.02] {
                assert!(is_likely(&rings(700, thickness, ink, paper)), "{ink:?} on {paper:?}");
            }
        }
    }

    #[test]
    fn shapes_photographs_and_plain_pictures_are_not() {
        assert!(!is_likely(&rings(400, 0.1, BLACK, WHITE)), "thick shapes");
        assert!(!is_likely(&RgbaImage::from_pixel(64, 64, Rgba(WHITE))), "plain");
        let gradient = RgbaImage::from_fn(256, 256, |x, y| {
            Rgba([x as u8, y as u8, (x / 2 + y / 2) as u8, 255])
        });
        assert!(!is_likely(&gradient));
        for name in ["astronaut", "camera", "chelsea", "coffee"] {
            let path = format!("{}/tests/fixtures/canny/{name}.png", env!("CARGO_MANIFEST_DIR"));
            let photograph = image::open(path).unwrap().to_rgba8();
            assert!(!is_likely(&photograph), "{name}");
        }
        for (width, height) in [(0, 0), (1, 1), (16384, 1)] {
            assert!(!is_likely(&RgbaImage::from_pixel(width, height, Rgba(BLACK))));
        }
    }
}
