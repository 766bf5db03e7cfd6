//! Pictures as the model reads and writes them: four planes of premultiplied colour, red, green,
//! blue and alpha, `size × size` values in [0, 1] each, row by row.

use image::{Rgba, RgbaImage};

use super::resample::to_straight;

/// The picture in four premultiplied planes, straight alpha. Where alpha rounds to 0 nothing is
/// left of the colour, and the pixel is transparent black. Values outside [0, 1] are clamped.
///
/// `None` unless there are `4 · size_px²` values.
pub fn rgba_from_planes(planes: &[f32], size_px: usize) -> Option<RgbaImage> {
    let n_pixels = size_px.checked_mul(size_px)?;
    if planes.len() != n_pixels.checked_mul(4)? {
        return None;
    }
    let (red, rest) = planes.split_at(n_pixels);
    let (green, rest) = rest.split_at(n_pixels);
    let (blue, alpha) = rest.split_at(n_pixels);
    let colours = red.iter().zip(green).zip(blue).zip(alpha);
    let bytes = colours.flat_map(|(((r, g), b), a)| to_straight([*r, *g, *b, *a])).collect();
    RgbaImage::from_raw(size_px as u32, size_px as u32, bytes)
}

/// The four premultiplied planes of a straight-alpha picture, in [0, 1].
pub fn planes_from_rgba(picture: &RgbaImage) -> Vec<f32> {
    let plane = |channel: usize| {
        picture.pixels().map(move |Rgba(pixel)| {
            let alpha = f32::from(pixel[3]) / 255.0;
            if channel == 3 { alpha } else { f32::from(pixel[channel]) / 255.0 * alpha }
        })
    };
    (0..4).flat_map(plane).collect()
}

/// Square planes of `size_px` at twice the side: each new pixel lies a quarter of an old one off
/// its centre and is mixed linearly from the nearest four.
pub fn doubled(planes: &[f32], size_px: usize) -> Vec<f32> {
    let wide = 2 * size_px;
    let mut doubled = Vec::with_capacity(4 * planes.len());
    let mut above = vec![0.0; wide];
    let mut below = vec![0.0; wide];
    for plane in planes.chunks_exact(size_px * size_px) {
        let row = |y: usize| &plane[y * size_px..][..size_px];
        for y in 0..size_px {
            for (neighbour, row_between) in
                [(y.saturating_sub(1), &mut above), ((y + 1).min(size_px - 1), &mut below)]
            {
                let mixed =
                    row(y).iter().zip(row(neighbour)).map(|(near, far)| near + (far - near) / 4.0);
                doubled_row(mixed, row_between);
            }
            doubled.extend_from_slice(&above);
            doubled.extend_from_slice(&below);
        }
    }
    doubled
}

/// One row at twice its width.
fn doubled_row(row: impl Iterator<Item = f32> + Clone, wide: &mut [f32]) {
    let last = row.clone().last().unwrap_or(0.0);
    let mut before = row.clone().next().unwrap_or(0.0);
    let after = row.clone().skip(1).chain([last]);
    for ((value, after), pair) in row.zip(after).zip(wide.chunks_exact_mut(2)) {
        pair[0] = value + (before - value) / 4.0;
        pair[1] = value + (after - value) / 4.0;
        before = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubling_mixes_neighbours_and_keeps_ramps() {
        // Two planes: one constant, one that rises by 4 from left to right and 8 downwards.
        let ramp = (0..16).map(|idx| (idx % 4 * 4 + idx / 4 * 8) as f32);
        let planes: Vec<f32> = std::iter::repeat_n(7.0, 16).chain(ramp).collect();
        let doubled = doubled(&planes, 4);
        assert_eq!(doubled.len(), 128);
        assert!(doubled[..64].iter().all(|value| *value == 7.0));
        let at = |x: usize, y: usize| doubled[64 + y * 8 + x];
        assert_eq!([at(2, 2), at(3, 2), at(2, 3)], [9.0, 11.0, 13.0]);
        assert_eq!((at(0, 0), at(7, 7)), (0.0, 36.0), "the border repeats");
    }

    #[test]
    fn every_colour_survives_the_round_trip() {
        // All alphas against all values of one channel; a colour is kept to what alpha resolves.
        let picture = RgbaImage::from_fn(256, 256, |x, y| Rgba([x as u8, 255, 0, y as u8]));
        let back = rgba_from_planes(&planes_from_rgba(&picture), 256).unwrap();
        for (before, after) in picture.pixels().zip(back.pixels()) {
            let expected = if before.0[3] == 0 { [0; 4] } else { before.0 };
            assert_eq!(after.0, expected);
        }
    }

    #[test]
    fn planes_are_premultiplied_channel_by_channel() {
        let mut picture = RgbaImage::new(2, 2);
        picture.put_pixel(1, 0, Rgba([255, 0, 51, 51]));
        let planes = planes_from_rgba(&picture);
        assert_eq!([planes[1], planes[5], planes[9], planes[13]], [0.2, 0.0, 0.2 * 0.2, 0.2]);
        assert_eq!(planes.iter().filter(|value| **value != 0.0).count(), 3);
    }

    #[test]
    fn decoder_output_is_clamped_and_nearly_invisible_pixels_are_cleared() {
        // Colour may exceed alpha, alpha may exceed 1 or stay under half a step; NaN is nothing.
        let planes = [0.5, 0.9, 1.2, f32::NAN, 0.5, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.25];
        let planes = [&planes[..], &[0.001, 2.0, f32::NAN]].concat();
        let picture = rgba_from_planes(&planes, 2).unwrap();
        assert_eq!(picture.get_pixel(0, 0).0, [255, 255, 0, 64]);
        assert_eq!(picture.get_pixel(1, 0).0, [0; 4]);
        assert_eq!(picture.get_pixel(0, 1).0, [153, 0, 0, 255]);
        assert_eq!(picture.get_pixel(1, 1).0, [0; 4]);
    }

    #[test]
    fn a_wrong_number_of_values_is_refused() {
        assert!(rgba_from_planes(&[0.0; 15], 2).is_none());
        assert!(rgba_from_planes(&[], usize::MAX).is_none());
        assert_eq!(rgba_from_planes(&[], 0).unwrap().dimensions(), (0, 0));
    }
}
