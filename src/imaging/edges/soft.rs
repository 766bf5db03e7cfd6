//! Soft edges: lines as dark as the edge is strong, as a pencil would draw them.

use image::RgbaImage;

use super::blur::{GaussianKernel, blurred};
use super::gradient::Gradients;

/// Gradients below this never count as the strongest: that of a step by an eighth of the range,
/// so that a nearly flat picture does not turn its noise into ink.
const MIN_PEAK: f32 = 128.0;
/// Share of all pixels that the strongest gradients must have to set the scale.
const PEAK_SHARE: f32 = 0.01;

/// Settings of [`soft_edges`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoftEdgeOptions {
    /// Standard deviation of the blur before: takes grain away and makes lines wider. Range
    /// 0–[`GaussianKernel::MAX_SIGMA_PX`].
    pub blur_sigma_px: f32,
    /// Share of the strongest gradient below which the paper stays white. Range 0–0.9.
    pub floor: f32,
}

impl Default for SoftEdgeOptions {
    fn default() -> Self {
        Self { blur_sigma_px: 1.0, floor: 0.1 }
    }
}

/// Ink coverage, 0–1, of every pixel of an opaque picture, row by row. Alpha is ignored.
///
/// Coverage is the length of the gradient after a blur, of the channel that changes most, as a
/// share of the strongest in the picture (the one that a hundredth of all pixels exceeds, so that
/// specks do not set the scale). From `floor` to 1 it runs through a smooth step: faint texture
/// stays faint, clear edges become full ink.
pub fn soft_edges(picture: &RgbaImage, options: SoftEdgeOptions) -> Vec<f32> {
    let gradients = match GaussianKernel::new(options.blur_sigma_px) {
        Some(kernel) => Gradients::new(&blurred(picture, &kernel)),
        None => Gradients::new(picture),
    };
    let length = |(x, y): (&i16, &i16)| f32::from(*x).hypot(f32::from(*y));
    let mut coverage: Vec<f32> = gradients.x.iter().zip(&gradients.y).map(length).collect();
    let peak = peak(&coverage).max(MIN_PEAK);
    let floor = if options.floor.is_nan() { 0.0 } else { options.floor.clamp(0.0, 0.9) };
    for value in &mut coverage {
        *value = smooth_step((*value / peak - floor) / (1.0 - floor));
    }
    coverage
}

fn peak(lengths: &[f32]) -> f32 {
    let rank = (lengths.len() as f32 * PEAK_SHARE) as usize;
    let mut lengths = lengths.to_vec();
    if lengths.is_empty() {
        return 0.0;
    }
    *lengths.select_nth_unstable_by(rank, |a, b| b.total_cmp(a)).1
}

fn smooth_step(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    fn step(side: u32, difference: u8) -> RgbaImage {
        RgbaImage::from_fn(side, side, |x, _| {
            let level = if x < side / 2 { 100 } else { 100 + difference };
            Rgba([level, level, level, 255])
        })
    }

    #[test]
    fn a_step_gives_a_line_that_fades_to_both_sides() {
        let coverage = soft_edges(&step(32, 100), SoftEdgeOptions::default());
        let row = &coverage[10 * 32..][..32];
        assert_eq!((row[15], row[16]), (1.0, 1.0));
        assert!(row[13] < row[14] && row[14] < 1.0 && row[14] > 0.0, "{row:?}");
        assert_eq!((row[0], row[31]), (0.0, 0.0));
        for (left, right) in row[..16].iter().zip(row[16..].iter().rev()) {
            assert!((left - right).abs() < 0.02, "{row:?}");
        }
    }

    #[test]
    fn stronger_edges_get_more_ink_and_grain_none() {
        let mut picture = step(64, 120);
        // A faint step beside the clear one.
        for (x, _, pixel) in picture.enumerate_pixels_mut() {
            if x >= 50 {
                pixel.0[0] = 180;
            }
        }
        let coverage = soft_edges(&picture, SoftEdgeOptions::default());
        let (clear, faint) = (coverage[20 * 64 + 31], coverage[20 * 64 + 49]);
        assert!(clear > 0.99 && faint < 0.8 * clear && faint > 0.05, "{clear} {faint}");
        let grain = soft_edges(&step(64, 3), SoftEdgeOptions::default());
        assert!(grain.iter().all(|ink| *ink < 0.01));
    }

    #[test]
    fn every_value_is_a_coverage() {
        let noise = RgbaImage::from_fn(17, 9, |x, y| {
            let hash = (x * 73 + y * 151).wrapping_mul(2_654_435_761);
            Rgba(hash.to_le_bytes())
        });
        for floor in [f32::NAN, -1.0, 0.0, 0.5, 7.0, f32::INFINITY] {
            for blur_sigma_px in [f32::NAN, -1.0, 0.0, 1.5, f32::INFINITY] {
                let coverage = soft_edges(&noise, SoftEdgeOptions { blur_sigma_px, floor });
                assert_eq!(coverage.len(), 17 * 9);
                assert!(coverage.iter().all(|ink| (0.0..=1.0).contains(ink)));
            }
        }
        let empty = soft_edges(&RgbaImage::new(0, 0), SoftEdgeOptions::default());
        assert!(empty.is_empty());
    }
}
