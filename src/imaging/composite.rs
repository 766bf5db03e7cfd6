//! Laying pictures over each other and over paper.

use image::RgbaImage;

/// Lays `picture` (straight alpha) over paper of one colour: the opaque picture that a viewer
/// without transparency should see.
pub fn over_paper(picture: &RgbaImage, paper: [u8; 3]) -> RgbaImage {
    let mut flat = picture.clone();
    for pixel in flat.pixels_mut() {
        let alpha = u32::from(pixel.0[3]);
        for (channel, paper) in pixel.0.iter_mut().zip(paper) {
            let sum = u32::from(*channel) * alpha + u32::from(paper) * (255 - alpha);
            *channel = ((sum + 127) / 255) as u8;
        }
        pixel.0[3] = 255;
    }
    flat
}

/// Lays `top` over `base`, both straight alpha, with the left upper corner of `top` at
/// `(left, top_edge)` of `base`; parts outside are cut off.
pub fn over(base: &mut RgbaImage, top: &RgbaImage, left: i64, top_edge: i64) {
    image::imageops::overlay(base, top, left, top_edge);
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    #[test]
    fn transparency_shows_the_paper() {
        let picture = RgbaImage::from_vec(3, 1, vec![9, 9, 9, 0, 255, 0, 0, 255, 0, 0, 0, 128])
            .expect("three pixels");
        let flat = over_paper(&picture, [255, 255, 255]);
        assert_eq!(flat.as_raw()[..8], [255, 255, 255, 255, 255, 0, 0, 255]);
        assert_eq!(flat.get_pixel(2, 0).0, [127, 127, 127, 255]);
    }

    #[test]
    fn parts_outside_are_cut_off() {
        let mut base = RgbaImage::new(2, 2);
        let red = RgbaImage::from_pixel(2, 2, Rgba([255, 0, 0, 255]));
        over(&mut base, &red, -1, 1);
        assert_eq!(base.get_pixel(0, 1).0, [255, 0, 0, 255]);
        assert_eq!(base.get_pixel(1, 1).0, [0; 4]);
    }
}
