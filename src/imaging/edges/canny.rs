//! Canny's edge detector, pixel for pixel that of OpenCV (`cv2.Canny(picture, low, high)`).

use image::{GrayImage, RgbaImage};

use super::blur::{GaussianKernel, blurred};
use super::gradient::Gradients;

/// Tangent of 22.5° with 15 fractional bits.
const TAN_22_5: u32 = 13573;

const NONE: u8 = 0;
/// An edge if it hangs together with a strong one.
const WEAK: u8 = 1;
const STRONG: u8 = 255;

/// Settings of [`canny`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CannyOptions {
    /// Edges go on where the gradient `|gx| + |gy|` is greater than this. Range
    /// 0–[`MAX_MAGNITUDE`](super::MAX_MAGNITUDE). The lower of the two counts as `low`.
    pub low: u16,
    /// Edges start where the gradient is greater than this. Range as for `low`.
    pub high: u16,
    /// Standard deviation of the blur before; 0 does not blur. Range
    /// 0–[`GaussianKernel::MAX_SIGMA_PX`].
    pub blur_sigma_px: f32,
}

impl CannyOptions {
    /// Low threshold and high threshold, in this order.
    pub fn thresholds(&self) -> (u16, u16) {
        (self.low.min(self.high), self.low.max(self.high))
    }
}

impl Default for CannyOptions {
    fn default() -> Self {
        Self { low: 100, high: 200, blur_sigma_px: 0.0 }
    }
}

/// Edges of an opaque picture: 255 on an edge, 0 elsewhere. Alpha is ignored.
///
/// Each pixel takes the colour channel that changes most, so edges between colours of the same
/// brightness count; nothing is converted to grey.
pub fn canny(picture: &RgbaImage, options: CannyOptions) -> GrayImage {
    let (low, high) = options.thresholds();
    let candidates = match GaussianKernel::new(options.blur_sigma_px) {
        Some(kernel) => Candidates::new(&blurred(picture, &kernel), low, high),
        None => Candidates::new(picture, low, high),
    };
    candidates.connected()
}

/// What non-maximum suppression leaves: `NONE`, `WEAK` or `STRONG` per pixel.
struct Candidates(GrayImage);

impl Candidates {
    fn new(picture: &RgbaImage, low: u16, high: u16) -> Self {
        let width = picture.width() as usize;
        let mut candidates = GrayImage::new(picture.width(), picture.height());
        if candidates.is_empty() {
            return Self(candidates);
        }
        let gradients = Gradients::new(picture);
        let magnitudes = Magnitudes::new(&gradients, width);
        for (y, row) in candidates.chunks_exact_mut(width).enumerate() {
            let start = magnitudes.place(y);
            let own = &magnitudes.values[start..][..width];
            for (x, (candidate, magnitude)) in row.iter_mut().zip(own).enumerate() {
                if *magnitude <= low {
                    continue;
                }
                let idx = y * width + x;
                if magnitudes.is_ridge(start + x, gradients.x[idx], gradients.y[idx]) {
                    *candidate = if *magnitude > high { STRONG } else { WEAK };
                }
            }
        }
        Self(candidates)
    }

    /// Weak candidates that hang together with a strong one become edges, the others vanish.
    fn connected(self) -> GrayImage {
        let Self(mut map) = self;
        let (width, height) = map.dimensions();
        let is_strong = |idx: &usize| map.as_raw()[*idx] == STRONG;
        let mut open: Vec<usize> = (0..map.as_raw().len()).filter(is_strong).collect();
        while let Some(idx) = open.pop() {
            let (x, y) = (idx as u32 % width, idx as u32 / width);
            for y in y.saturating_sub(1)..=(y + 1).min(height - 1) {
                for x in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                    let neighbour = &mut map.get_pixel_mut(x, y).0[0];
                    if *neighbour == WEAK {
                        *neighbour = STRONG;
                        open.push((y * width + x) as usize);
                    }
                }
            }
        }
        for value in map.iter_mut().filter(|value| **value == WEAK) {
            *value = NONE;
        }
        map
    }
}

/// `|gx| + |gy|` with a frame of zeros, one pixel wide: nothing beyond the picture outdoes its
/// border.
struct Magnitudes {
    values: Vec<u16>,
    width: usize,
}

impl Magnitudes {
    /// `width` is not 0.
    fn new(gradients: &Gradients, width: usize) -> Self {
        let height = gradients.magnitude.len() / width;
        let mut values = vec![0; (width + 2) * (height + 2)];
        let framed_rows = values.chunks_exact_mut(width + 2).skip(1);
        for (target, row) in framed_rows.zip(gradients.magnitude.chunks_exact(width)) {
            target[1..=width].copy_from_slice(row);
        }
        Self { values, width }
    }

    /// Where row `y` of the picture starts within the frame.
    fn place(&self, y: usize) -> usize {
        (y + 1) * (self.width + 2) + 1
    }

    /// Whether a pixel is greatest across its edge. Of two equal ones the left or upper is kept,
    /// on diagonals neither.
    fn is_ridge(&self, place: usize, gx: i16, gy: i16) -> bool {
        let stride = self.width + 2;
        let magnitude = self.values[place];
        let ax = u32::from(gx.unsigned_abs());
        let ay = u32::from(gy.unsigned_abs()) << 15;
        let flattest = ax * TAN_22_5;
        // tan 67.5° = tan 22.5° + 2.
        let steepest = flattest + (ax << 16);
        if ay < flattest {
            magnitude > self.values[place - 1] && magnitude >= self.values[place + 1]
        } else if ay > steepest {
            magnitude > self.values[place - stride] && magnitude >= self.values[place + stride]
        } else {
            let shift = if (gx < 0) == (gy < 0) { stride + 1 } else { stride - 1 };
            magnitude > self.values[place - shift] && magnitude > self.values[place + shift]
        }
    }
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    fn grey(level: u8) -> Rgba<u8> {
        Rgba([level, level, level, 255])
    }

    fn edge_places(map: &GrayImage) -> Vec<(u32, u32)> {
        map.enumerate_pixels().filter(|(.., p)| p.0 == [255]).map(|(x, y, _)| (x, y)).collect()
    }

    #[test]
    fn a_step_gives_one_line_on_its_left() {
        let picture = RgbaImage::from_fn(6, 3, |x, _| grey(if x < 3 { 20 } else { 200 }));
        let map = canny(&picture, CannyOptions::default());
        assert_eq!(edge_places(&map), [(2, 0), (2, 1), (2, 2)]);
        assert!(map.iter().all(|value| [0, 255].contains(value)));
    }

    #[test]
    fn weak_edges_need_a_strong_one() {
        // The step fades along the picture, to 4·15 = 60 on the right.
        let fading =
            RgbaImage::from_fn(20, 6, |x, y| grey(if y < 3 { 100 } else { 175 - 3 * x as u8 }));
        let options = |low, high| CannyOptions { low, high, blur_sigma_px: 0.0 };
        let length = |low, high| edge_places(&canny(&fading, options(low, high))).len();
        assert_eq!(length(50, 280), 20);
        assert_eq!(length(280, 50), 20);
        assert!((1..12).contains(&length(200, 280)));
        assert_eq!(length(50, 400), 0);
    }

    #[test]
    fn colours_of_equal_brightness_have_an_edge() {
        let picture = RgbaImage::from_fn(8, 8, |x, _| {
            Rgba(if x < 4 { [200, 0, 0, 255] } else { [0, 59, 0, 255] })
        });
        assert_eq!(edge_places(&canny(&picture, CannyOptions::default())).len(), 8);
    }

    #[test]
    fn tiny_pictures_have_no_edges() {
        for (width, height) in [(0, 0), (1, 1), (0, 5), (5, 0), (300, 1), (1, 300)] {
            let picture = RgbaImage::from_pixel(width, height, grey(128));
            let options = CannyOptions { low: 0, high: 0, blur_sigma_px: 2.0 };
            let map = canny(&picture, options);
            assert_eq!(map.dimensions(), (width, height));
            assert!(edge_places(&map).is_empty());
        }
    }
}
