//! Lays pictures side by side: one picture that shows a thing of each.

use image::RgbaImage;

use super::fit::{paste, visible_region};
use super::resample::{self, Filter};

/// How much of its place a picture may fill, so that neighbours do not touch.
const FILL: f64 = 0.92;
/// The longest side of a picture in parts of the whole: what is tall does not dwarf what lies.
const LONGEST: f64 = 0.62;

/// The visible parts of pictures in a transparent square of `size_px`, aspects kept, straight alpha,
/// in reading order: two share a row, three have two above and one below.
pub fn side_by_side(pictures: &[&RgbaImage], size_px: usize) -> RgbaImage {
    let mut square = RgbaImage::new(size_px as u32, size_px as u32);
    for (place, picture) in places(pictures.len(), size_px).into_iter().zip(pictures) {
        let Some(region) = visible_region(picture) else { continue };
        let (width, height) = (f64::from(region.width), f64::from(region.height));
        let scale = (FILL * place.width as f64 / width)
            .min(FILL * place.height as f64 / height)
            .min(LONGEST * size_px as f64 / width.max(height));
        let fit = |side: f64| ((side * scale).round() as usize).max(1);
        let size = (fit(width), fit(height));
        let pixels = resample::resize(picture, region, size, Filter::Area);
        let left = place.left + place.width.saturating_sub(size.0) / 2;
        let top = place.top + place.height.saturating_sub(size.1) / 2;
        paste(&mut square, &pixels, size.0, (left, top));
    }
    square
}

/// A rectangle, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

/// Rows of equal places, as many rows as fit into about as many columns; the last row is centred.
fn places(n: usize, size_px: usize) -> Vec<Place> {
    let n_columns = (n as f64).sqrt().ceil().max(1.0) as usize;
    let n_rows = n.div_ceil(n_columns).max(1);
    let (width, height) = (size_px / n_columns, size_px / n_rows);
    let place = |idx: usize| {
        let (row, column) = (idx / n_columns, idx % n_columns);
        let n_in_row = (n - row * n_columns).min(n_columns);
        let indent = (size_px - n_in_row * width) / 2;
        Place { left: indent + column * width, top: row * height, width, height }
    };
    (0..n).map(place).collect()
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;
    use crate::imaging::planes::planes_from_rgba;

    /// A rectangle of one colour in the middle of an empty picture.
    fn block(width: u32, height: u32, colour: [u8; 3]) -> RgbaImage {
        let [red, green, blue] = colour;
        RgbaImage::from_fn(100, 100, |x, y| {
            let is_inside = (50 - width / 2..50 + width / 2).contains(&x)
                && (50 - height / 2..50 + height / 2).contains(&y);
            if is_inside { Rgba([red, green, blue, 255]) } else { Rgba([0; 4]) }
        })
    }

    fn centre(picture: &RgbaImage, is_of: impl Fn(&Rgba<u8>) -> bool) -> (f64, f64) {
        let found: Vec<_> = picture.enumerate_pixels().filter(|(_, _, p)| is_of(p)).collect();
        let mean = |sum: u32| f64::from(sum) / found.len() as f64 + 0.5;
        (mean(found.iter().map(|p| p.0).sum()), mean(found.iter().map(|p| p.1).sum()))
    }

    #[test]
    fn two_share_a_row_and_three_have_one_below() {
        let (red, green, blue) =
            (block(60, 60, [255, 0, 0]), block(60, 20, [0, 255, 0]), block(20, 60, [0, 0, 255]));
        let two = side_by_side(&[&red, &green], 128);
        let (x, y) = centre(&two, |p| p.0 == [255, 0, 0, 255]);
        assert!((x - 32.0).abs() < 1.0 && (y - 64.0).abs() < 1.0, "{x} {y}");
        let (x, y) = centre(&two, |p| p.0 == [0, 255, 0, 255]);
        assert!((x - 96.0).abs() < 1.0 && (y - 64.0).abs() < 1.0, "{x} {y}");
        let three = side_by_side(&[&red, &green, &blue], 128);
        let (x, y) = centre(&three, |p| p.0 == [0, 0, 255, 255]);
        assert!((x - 64.0).abs() < 1.0 && (y - 96.0).abs() < 1.0, "{x} {y}");
    }

    /// `reference/write_joined.py` made it: three things, two of them side by side, all three.
    #[test]
    fn things_lie_where_the_reference_lays_them() {
        let bytes = include_bytes!("../../tests/fixtures/pictures/joined.png");
        let row = image::load_from_memory(bytes).unwrap().into_rgba8();
        let squares: Vec<RgbaImage> = (0..5)
            .map(|idx| image::imageops::crop_imm(&row, 64 * idx, 0, 64, 64).to_image())
            .collect();
        for (n, expected) in [(2, &squares[3]), (3, &squares[4])] {
            let things: Vec<&RgbaImage> = squares[..n].iter().collect();
            let laid = planes_from_rgba(&side_by_side(&things, 64));
            let pairs = laid.iter().zip(planes_from_rgba(expected));
            let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1.5 / 255.0, "{n} things: {worst}");
        }
    }

    #[test]
    fn aspects_are_kept_and_neighbours_do_not_touch() {
        let (wide, tall) = (block(80, 40, [255, 0, 0]), block(20, 80, [0, 0, 255]));
        let picture = side_by_side(&[&wide, &tall], 200);
        let count = |x: u32| (0..200).filter(|y| picture.get_pixel(x, *y).0[3] > 0).count();
        assert_eq!((0..100).filter(|x| count(*x) > 0).count(), 92, "nearly half");
        assert_eq!(count(50), 46, "half as high as wide");
        assert_eq!(count(150), 124, "the longest side");
        assert!((97..103).all(|x| count(x) == 0), "a gap");
    }

    #[test]
    fn odd_pictures_do_not_panic() {
        let (nothing, dot) = (RgbaImage::new(0, 0), RgbaImage::from_pixel(1, 1, Rgba([9; 4])));
        assert_eq!(side_by_side(&[], 16).dimensions(), (16, 16));
        for size_px in [0, 1, 2, 5] {
            for n in 1..6 {
                let pictures: Vec<&RgbaImage> =
                    [&dot, &nothing].into_iter().cycle().take(n).collect();
                assert_eq!(side_by_side(&pictures, size_px).width() as usize, size_px);
            }
        }
        let line = RgbaImage::from_pixel(4000, 1, Rgba([9, 9, 9, 255]));
        assert_eq!(side_by_side(&[&line, &line], 64).dimensions(), (64, 64));
    }
}
