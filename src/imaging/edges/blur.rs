//! Gaussian blur of 8-bit pictures in whole numbers, bit for bit that of OpenCV.
//!
//! Whole numbers make the result the same on every machine, and on the GPU.

use image::RgbaImage;

/// Fractional bits of a weight, and of a value between the two passes.
const FRACTION_BITS: u32 = 8;

/// Weights of a Gaussian along one axis, in 256ths.
///
/// There is an odd number of them, they are symmetric, and their sum is exactly 256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GaussianKernel {
    weights: Vec<u16>,
}

impl GaussianKernel {
    /// Greatest standard deviation, in pixels.
    pub const MAX_SIGMA_PX: f32 = 8.0;
    /// Most weights a kernel has: that of [`Self::MAX_SIGMA_PX`].
    pub const MAX_WEIGHTS: usize = 49;

    /// The kernel of a standard deviation, cut off at three of them. `None` where nothing would be
    /// blurred: at 0, below, and for NaN. Greater values than [`Self::MAX_SIGMA_PX`] count as that.
    pub fn new(sigma_px: f32) -> Option<Self> {
        if sigma_px.is_nan() || sigma_px <= 0.0 {
            return None;
        }
        let sigma_px = f64::from(sigma_px.min(Self::MAX_SIGMA_PX));
        let n_weights = (sigma_px * 6.0 + 1.0).round_ties_even() as usize | 1;
        let radius = n_weights / 2;
        let exact = |x: usize| {
            let x = 2.0 * x as f64 - 2.0 * radius as f64;
            (x * x * (-0.125 / (sigma_px * sigma_px))).exp()
        };
        let sum = 1.0 + 2.0 * (0..radius).map(exact).sum::<f64>();
        let one = f64::from(1 << FRACTION_BITS);
        let mut weights = vec![0; n_weights];
        // What rounding takes from one weight is given to the next, the rest to the middle.
        let (mut carried, mut left) = (0.0, 1_u16 << FRACTION_BITS);
        for idx in 0..radius {
            let wanted = exact(idx) / sum * one + carried;
            let rounded = wanted.round_ties_even();
            carried = wanted - rounded;
            weights[idx] = rounded as u16;
            weights[n_weights - 1 - idx] = rounded as u16;
            left -= 2 * rounded as u16;
        }
        weights[radius] = left;
        Some(Self { weights })
    }

    /// In 256ths, from left to right.
    pub fn weights(&self) -> &[u16] {
        &self.weights
    }

    fn radius(&self) -> usize {
        self.weights.len() / 2
    }
}

/// Bytes of a pixel. Alpha comes along to the end: four lanes are quicker than three.
const N_LANES: usize = 4;

/// Blurs the colours of a picture, mirrored at its border; alpha is kept.
pub fn blurred(picture: &RgbaImage, kernel: &GaussianKernel) -> RgbaImage {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut result = picture.clone();
    if width == 0 || height == 0 {
        return result;
    }
    let row_len = width * N_LANES;
    let rows = blurred_rows(picture, kernel);
    let mut sums = vec![0_u32; row_len];
    for (y, target) in result.chunks_exact_mut(row_len).enumerate() {
        sums.fill(0);
        for (idx, weight) in kernel.weights.iter().enumerate() {
            let source_y = mirrored(y as isize + idx as isize - kernel.radius() as isize, height);
            let source = &rows[source_y * row_len..][..row_len];
            for (sum, value) in sums.iter_mut().zip(source) {
                *sum += u32::from(*value) * u32::from(*weight);
            }
        }
        let (pixels, _) = target.as_chunks_mut::<N_LANES>();
        for (pixel, sum) in pixels.iter_mut().zip(sums.as_chunks::<N_LANES>().0) {
            let half = 1 << (2 * FRACTION_BITS - 1);
            let [red, green, blue, _] = sum.map(|sum| ((sum + half) >> (2 * FRACTION_BITS)) as u8);
            *pixel = [red, green, blue, pixel[3]];
        }
    }
    result
}

/// All four lanes blurred along the rows, as 8.8 fixed point.
fn blurred_rows(picture: &RgbaImage, kernel: &GaussianKernel) -> Vec<u16> {
    let width = picture.width() as usize;
    let radius = kernel.radius();
    let mut rows = vec![0_u16; picture.as_raw().len()];
    let mut padded = vec![[0_u16; N_LANES]; width + 2 * radius];
    let sources = picture.chunks_exact(width * N_LANES);
    for (source, target) in sources.zip(rows.chunks_exact_mut(width * N_LANES)) {
        let (source, _) = source.as_chunks::<N_LANES>();
        for (idx, pixel) in padded.iter_mut().enumerate() {
            *pixel = source[mirrored(idx as isize - radius as isize, width)].map(u16::from);
        }
        for (shift, weight) in kernel.weights.iter().enumerate() {
            for (sum, value) in target.iter_mut().zip(padded[shift..].as_flattened()) {
                *sum += value * weight;
            }
        }
    }
    rows
}

/// Index of a place along a line of `n` pixels that is mirrored at its ends, which are not doubled.
fn mirrored(mut place: isize, n: usize) -> usize {
    let last = n as isize - 1;
    if last == 0 {
        return 0;
    }
    // Kernels may be longer than the line.
    while place < 0 || place > last {
        place = if place < 0 { -place } else { 2 * last - place };
    }
    place as usize
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    #[test]
    fn kernels_are_those_of_opencv() {
        let weights = |sigma| GaussianKernel::new(sigma).map(|kernel| kernel.weights);
        // cv2.GaussianBlur of a single white pixel, sigma 0.5 and 1.
        assert_eq!(weights(0.5), Some(vec![0, 27, 202, 27, 0]));
        assert_eq!(weights(1.0), Some(vec![1, 14, 62, 102, 62, 14, 1]));
        assert_eq!(weights(0.0), None);
        assert_eq!(weights(-1.0), None);
        assert_eq!(weights(f32::NAN), None);
        assert_eq!(weights(1e30), weights(GaussianKernel::MAX_SIGMA_PX));
        for tenth in 1..=80 {
            let weights = weights(tenth as f32 / 10.0).unwrap();
            assert!(weights.len() % 2 == 1 && weights.len() <= GaussianKernel::MAX_WEIGHTS);
            assert_eq!(weights.iter().sum::<u16>(), 256, "{tenth}");
            assert!(weights.iter().eq(weights.iter().rev()), "{tenth}");
        }
    }

    #[test]
    fn flat_pictures_of_any_size_stay_as_they_are() {
        let kernel = GaussianKernel::new(8.0).unwrap();
        for (width, height) in [(0, 0), (1, 1), (2, 1), (1, 40), (7, 3), (60, 50)] {
            let picture = RgbaImage::from_pixel(width, height, Rgba([0, 255, 77, 9]));
            assert_eq!(blurred(&picture, &kernel), picture);
        }
    }

    #[test]
    fn lines_are_mirrored_without_doubling_their_ends() {
        let found: Vec<_> = (-5..8).map(|place| mirrored(place, 3)).collect();
        assert_eq!(found, [1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]);
        assert_eq!(mirrored(-7, 1), 0);
    }
}
