//! Resizing of pictures to the small squares that models read.
//!
//! Works row by row in premultiplied colour, so that a transparent pixel never bleeds its hidden
//! colour and even the largest picture needs little memory besides itself.

use image::RgbaImage;

/// A premultiplied RGBA pixel, each value in [0, 1].
pub type Premultiplied = [f32; 4];

/// How pixels are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Shrinks by the exact mean of the covered area, enlarges linearly. Never overshoots.
    Area,
    /// Shrinks with Lanczos-3, enlarges with Catmull-Rom: the filters of the training pictures.
    Sharp,
}

/// A rectangle of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

impl Region {
    pub fn whole(picture: &RgbaImage) -> Self {
        Self { x: 0, y: 0, width: picture.width(), height: picture.height() }
    }
}

/// Width and height of a picture that keeps its aspect and whose longer side becomes `side_px`;
/// no side is less than 1.
pub fn fitted_size(width: u32, height: u32, side_px: usize) -> (usize, usize) {
    let scale = side_px as f64 / f64::from(width.max(height).max(1));
    let fit = |side: u32| ((f64::from(side) * scale).round() as usize).clamp(1, side_px.max(1));
    (fit(width), fit(height))
}

/// The picture itself if it is at most `side_px` wide and high, otherwise reduced to that by the mean
/// of the covered areas. Straight alpha in and out.
pub fn at_most(picture: RgbaImage, side_px: usize) -> RgbaImage {
    let (width, height) = picture.dimensions();
    if width.max(height) as usize <= side_px || width.min(height) == 0 {
        return picture;
    }
    let size = fitted_size(width, height, side_px);
    let pixels = resize(&picture, Region::whole(&picture), size, Filter::Area);
    let bytes = pixels.iter().flat_map(|pixel| to_straight(*pixel)).collect();
    RgbaImage::from_raw(size.0 as u32, size.1 as u32, bytes).expect("four bytes per pixel")
}

/// Resizes `region` of a picture to `width × height` pixels, row by row.
///
/// `region` must lie inside the picture and have pixels; `width` and `height` must not be 0.
pub fn resize(
    picture: &RgbaImage,
    region: Region,
    (width, height): (usize, usize),
    filter: Filter,
) -> Vec<Premultiplied> {
    let columns = taps(region.width as usize, width, filter);
    let rows = taps(region.height as usize, height, filter);
    let mut pixels = vec![[0.0; 4]; width * height];
    let mut source_row = vec![[0.0; 4]; region.width as usize];
    let mut row = vec![[0.0; 4]; width];
    // Output rows that still need source rows start here; the taps rise monotonically.
    let mut first_open = 0;
    for y in 0..region.height as usize {
        while first_open < height && rows[first_open].end() <= y {
            first_open += 1;
        }
        if first_open == height {
            break;
        }
        if rows[first_open].first > y {
            continue;
        }
        premultiply_row(picture, region, y, &mut source_row);
        for (pixel, tap) in row.iter_mut().zip(&columns) {
            *pixel = tap.apply(&source_row);
        }
        for (out_y, tap) in rows.iter().enumerate().skip(first_open) {
            if tap.first > y {
                break;
            }
            if y < tap.end() {
                let weight = tap.weights[y - tap.first];
                for (sum, value) in pixels[out_y * width..][..width].iter_mut().zip(&row) {
                    accumulate(sum, value, weight);
                }
            }
        }
    }
    pixels.iter_mut().for_each(settle);
    pixels
}

/// Resizes a square of `n_in × n_in` numbers to `n_out × n_out`, row by row. Sharp filters may leave
/// the range of what comes in.
///
/// # Panics
/// If a side is 0 or `values` are not as many as `n_in` says.
pub fn resize_plane(values: &[f32], n_in: usize, n_out: usize, filter: Filter) -> Vec<f32> {
    assert_eq!(values.len(), n_in * n_in, "a square of numbers");
    let taps = taps(n_in, n_out, filter);
    let mut wide = vec![0.0; n_in * n_out];
    for (row, wide) in values.chunks_exact(n_in).zip(wide.chunks_exact_mut(n_out)) {
        for (value, tap) in wide.iter_mut().zip(&taps) {
            let pairs = row[tap.first..tap.end()].iter().zip(&tap.weights);
            *value = pairs.map(|(value, weight)| value * weight).sum();
        }
    }
    let mut plane = vec![0.0; n_out * n_out];
    for (row, tap) in plane.chunks_exact_mut(n_out).zip(&taps) {
        for (y, weight) in (tap.first..).zip(&tap.weights) {
            for (sum, value) in row.iter_mut().zip(&wide[y * n_out..][..n_out]) {
                *sum += value * weight;
            }
        }
    }
    plane
}

/// One straight-alpha pixel of 8 bits per channel; fully transparent ones have no colour.
pub fn to_straight(pixel: Premultiplied) -> [u8; 4] {
    let to_byte = |value: f32| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
    let alpha = to_byte(pixel[3]);
    if alpha == 0 {
        return [0; 4];
    }
    let [red, green, blue] = [0, 1, 2].map(|channel| to_byte(pixel[channel] / pixel[3]));
    [red, green, blue, alpha]
}

/// The source pixels that one output pixel is made of, along one axis.
struct Tap {
    first: usize,
    /// Sum to 1.
    weights: Vec<f32>,
}

impl Tap {
    fn end(&self) -> usize {
        self.first + self.weights.len()
    }

    fn apply(&self, line: &[Premultiplied]) -> Premultiplied {
        let mut sum = [0.0; 4];
        for (value, weight) in line[self.first..self.end()].iter().zip(&self.weights) {
            accumulate(&mut sum, value, *weight);
        }
        sum
    }
}

fn accumulate(sum: &mut Premultiplied, value: &Premultiplied, weight: f32) {
    for channel in 0..4 {
        sum[channel] += value[channel] * weight;
    }
}

fn premultiply_row(picture: &RgbaImage, region: Region, y: usize, row: &mut [Premultiplied]) {
    let start = ((region.y as usize + y) * picture.width() as usize + region.x as usize) * 4;
    let (bytes, _) = picture.as_raw()[start..][..row.len() * 4].as_chunks::<4>();
    for (pixel, [red, green, blue, alpha]) in row.iter_mut().zip(bytes) {
        let coverage = f32::from(*alpha) / 255.0;
        let scale = coverage / 255.0;
        *pixel = [
            f32::from(*red) * scale,
            f32::from(*green) * scale,
            f32::from(*blue) * scale,
            coverage,
        ];
    }
}

/// Puts a pixel back into range: sharp filters overshoot at edges.
fn settle(pixel: &mut Premultiplied) {
    pixel[3] = pixel[3].clamp(0.0, 1.0);
    for channel in 0..3 {
        pixel[channel] = pixel[channel].clamp(0.0, pixel[3]);
    }
}

fn taps(n_in: usize, n_out: usize, filter: Filter) -> Vec<Tap> {
    let ratio = n_in as f64 / n_out as f64;
    (0..n_out)
        .map(|out_idx| match filter {
            Filter::Area if ratio >= 1.0 => covered_area(out_idx, ratio, n_in),
            Filter::Area => kernel_tap(out_idx, ratio, n_in, 1.0, triangle),
            Filter::Sharp if ratio > 1.0 => kernel_tap(out_idx, ratio, n_in, 3.0, lanczos3),
            Filter::Sharp => kernel_tap(out_idx, ratio, n_in, 2.0, catmull_rom),
        })
        .collect()
}

/// Weighs each source pixel by how much of it lies under the output pixel.
fn covered_area(out_idx: usize, ratio: f64, n_in: usize) -> Tap {
    let from = out_idx as f64 * ratio;
    let to = (from + ratio).min(n_in as f64);
    let first = (from as usize).min(n_in - 1);
    // The small amount keeps rounding from adding a pixel of no weight.
    let end = ((to - 1e-9).ceil() as usize).clamp(first + 1, n_in);
    let overlap = |idx: usize| (to.min(idx as f64 + 1.0) - from.max(idx as f64)).max(0.0);
    normalised(first, (first..end).map(overlap).collect())
}

fn kernel_tap(
    out_idx: usize,
    ratio: f64,
    n_in: usize,
    support: f64,
    kernel: fn(f64) -> f64,
) -> Tap {
    let scale = ratio.max(1.0);
    let centre = (out_idx as f64 + 0.5) * ratio;
    let first = ((centre - support * scale).floor().max(0.0) as usize).min(n_in - 1);
    let end = ((centre + support * scale).ceil() as usize).clamp(first + 1, n_in);
    let weight = |idx: usize| kernel((idx as f64 + 0.5 - centre) / scale);
    normalised(first, (first..end).map(weight).collect())
}

fn normalised(first: usize, weights: Vec<f64>) -> Tap {
    let sum: f64 = weights.iter().sum();
    Tap { first, weights: weights.into_iter().map(|weight| (weight / sum) as f32).collect() }
}

fn triangle(x: f64) -> f64 {
    (1.0 - x.abs()).max(0.0)
}

/// The cubic kernel with a = −0.5.
fn catmull_rom(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        (1.5 * x - 2.5) * x * x + 1.0
    } else if x < 2.0 {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        0.0
    }
}

fn lanczos3(x: f64) -> f64 {
    let sinc = |x: f64| {
        let angle = x * std::f64::consts::PI;
        if angle == 0.0 { 1.0 } else { angle.sin() / angle }
    };
    if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    fn resized(picture: &RgbaImage, size: (usize, usize), filter: Filter) -> Vec<Premultiplied> {
        resize(picture, Region::whole(picture), size, filter)
    }

    #[test]
    fn shrinking_by_area_takes_the_mean() {
        let picture = RgbaImage::from_fn(6, 4, |x, y| Rgba([(x * 10 + y) as u8, 0, 0, 255]));
        let small = resized(&picture, (2, 2), Filter::Area);
        // Columns 0–2 and rows 0–1: mean x is 1, mean y is 0.5.
        assert!((small[0][0] * 255.0 - 10.5).abs() < 1e-3);
        assert!((small[3][0] * 255.0 - 42.5).abs() < 1e-3);
        // 3 → 2: the middle pixel is shared by halves.
        let thirds = RgbaImage::from_fn(3, 1, |x, _| Rgba([(x * 90) as u8, 0, 0, 255]));
        let halves = resized(&thirds, (2, 1), Filter::Area);
        assert!((halves[0][0] * 255.0 - 30.0).abs() < 1e-3);
        assert!((halves[1][0] * 255.0 - 150.0).abs() < 1e-3);
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let picture = RgbaImage::from_fn(7, 5, |x, y| Rgba([x as u8 * 30, y as u8 * 40, 9, 255]));
        for filter in [Filter::Area, Filter::Sharp] {
            let same = resized(&picture, (7, 5), filter);
            for (pixel, expected) in same.iter().zip(picture.pixels()) {
                assert_eq!(to_straight(*pixel), expected.0, "{filter:?}");
            }
        }
    }

    #[test]
    fn hidden_colour_does_not_bleed() {
        let picture = RgbaImage::from_fn(2, 1, |x, _| {
            if x == 0 { Rgba([255, 0, 0, 255]) } else { Rgba([0, 255, 0, 0]) }
        });
        for filter in [Filter::Area, Filter::Sharp] {
            for size in [(1, 1), (9, 9)] {
                for pixel in resized(&picture, size, filter) {
                    assert_eq!(pixel[1], 0.0, "{filter:?} {size:?}");
                }
            }
        }
    }

    #[test]
    fn flat_colour_stays_flat_at_any_size() {
        let picture = RgbaImage::from_pixel(37, 11, Rgba([200, 100, 50, 255]));
        for filter in [Filter::Area, Filter::Sharp] {
            for size in [(1, 1), (5, 3), (37, 40), (100, 2)] {
                for pixel in resized(&picture, size, filter) {
                    assert_eq!(to_straight(pixel), [200, 100, 50, 255], "{filter:?} {size:?}");
                }
            }
        }
    }

    #[test]
    fn extreme_shapes_keep_at_least_one_pixel() {
        assert_eq!(fitted_size(16384, 1, 256), (256, 1));
        assert_eq!(fitted_size(1, 16384, 256), (1, 256));
        assert_eq!(fitted_size(1, 1, 256), (256, 256));
        assert_eq!(fitted_size(300, 200, 240), (240, 160));
    }
}
