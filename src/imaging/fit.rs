//! Fits any picture into the square that the model knows, the way its training pictures were
//! fitted: cropped to what is visible, centred, with a small transparent margin.

use image::{Rgba, RgbaImage};

use super::resample::{self, Filter, Region};

/// Margin of the training pictures, in pixels of a 256-pixel picture.
const MARGIN_AT_256_PX: usize = 8;
/// Pixels up to this alpha count as invisible when cropping.
const INVISIBLE_ALPHA: u8 = 8;

/// The visible part of a picture in a transparent square of `size_px`, aspect kept, straight
/// alpha. A picture without visible pixels gives a transparent square.
pub fn fit_square(picture: &RgbaImage, size_px: usize) -> RgbaImage {
    let mut square = RgbaImage::new(size_px as u32, size_px as u32);
    let Some(region) = visible_region(picture) else { return square };
    let margin_px = (size_px * MARGIN_AT_256_PX + 128) / 256;
    let (width, height) =
        resample::fitted_size(region.width, region.height, size_px - 2 * margin_px);
    let pixels = resample::resize(picture, region, (width, height), Filter::Sharp);
    let middle = (size_px.saturating_sub(width) / 2, size_px.saturating_sub(height) / 2);
    paste(&mut square, &pixels, width, middle);
    square
}

/// Writes premultiplied rows of `width` pixels into a square, over what is there; what reaches over
/// its edges is left out.
pub(super) fn paste(
    square: &mut RgbaImage,
    pixels: &[resample::Premultiplied],
    width: usize,
    (left, top): (usize, usize),
) {
    for (y, row) in pixels.chunks_exact(width).enumerate() {
        for (x, pixel) in row.iter().enumerate() {
            let straight = Rgba(resample::to_straight(*pixel));
            if let Some(target) = square.get_pixel_mut_checked((left + x) as u32, (top + y) as u32)
            {
                *target = straight;
            }
        }
    }
}

/// The smallest rectangle that holds every visible pixel.
pub(super) fn visible_region(picture: &RgbaImage) -> Option<Region> {
    let (mut left, mut right, mut top, mut bottom) = (u32::MAX, 0, u32::MAX, 0);
    for (y, row) in picture.rows().enumerate() {
        let is_visible = |pixel: &Rgba<u8>| pixel.0[3] > INVISIBLE_ALPHA;
        let mut row_pixels = row;
        let Some(first) = row_pixels.clone().position(is_visible) else { continue };
        let last = row_pixels.rposition(is_visible).unwrap_or(first);
        left = left.min(first as u32);
        right = right.max(last as u32);
        top = top.min(y as u32);
        bottom = y as u32;
    }
    (left <= right && top <= bottom).then(|| Region {
        x: left,
        y: top,
        width: right - left + 1,
        height: bottom - top + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(picture: &RgbaImage) -> (u32, u32, u32, u32) {
        let region = visible_region(picture).expect("something is visible");
        (region.x, region.y, region.width, region.height)
    }

    #[test]
    fn crops_to_what_is_visible_and_keeps_the_margin() {
        let mut picture = RgbaImage::new(500, 300);
        for y in 100..150 {
            for x in 20..120 {
                picture.put_pixel(x, y, Rgba([10, 200, 30, 255]));
            }
        }
        let fitted = fit_square(&picture, 256);
        assert_eq!(fitted.dimensions(), (256, 256));
        assert_eq!(bounds(&fitted), (8, 68, 240, 120));
        assert_eq!(fitted.get_pixel(128, 128).0, [10, 200, 30, 255]);
        assert_eq!(fitted.get_pixel(0, 0).0, [0; 4]);
    }

    #[test]
    fn an_opaque_picture_is_fitted_whole() {
        let picture = RgbaImage::from_pixel(64, 64, Rgba([255; 4]));
        assert_eq!(bounds(&fit_square(&picture, 128)), (4, 4, 120, 120));
    }

    #[test]
    fn odd_pictures_do_not_panic() {
        let dot = RgbaImage::from_pixel(1, 1, Rgba([1, 2, 3, 255]));
        assert_eq!(fit_square(&dot, 64).get_pixel(32, 32).0, [1, 2, 3, 255]);
        let line = RgbaImage::from_pixel(16384, 1, Rgba([9, 9, 9, 255]));
        assert_eq!(bounds(&fit_square(&line, 256)), (8, 127, 240, 1));
        let nothing = RgbaImage::new(0, 0);
        assert!(fit_square(&nothing, 16).pixels().all(|pixel| pixel.0 == [0; 4]));
        assert_eq!(fit_square(&RgbaImage::new(9, 9), 1).dimensions(), (1, 1));
        assert_eq!(fit_square(&dot, 0).dimensions(), (0, 0));
    }
}
