//! Pictures whose right answer is known: a subject that was laid over a background by us.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, Rgb, RgbImage};

use super::*;

const SIDE: u32 = 96;

/// How much of a pixel a disc in the middle covers, with `softness` pixels of blur.
fn disc(x: u32, y: u32, radius: f32, softness: f32) -> f32 {
    let middle = (SIDE - 1) as f32 / 2.0;
    let distance = (x as f32 - middle).hypot(y as f32 - middle);
    ((radius - distance) / softness + 0.5).clamp(0.0, 1.0)
}

fn over(subject: [u8; 3], ground: [u8; 3], coverage: f32) -> Rgba<u8> {
    let mix = |channel: usize| {
        let (from, to) = (f32::from(ground[channel]), f32::from(subject[channel]));
        (from + coverage * (to - from)).round() as u8
    };
    Rgba([mix(0), mix(1), mix(2), 255])
}

fn disc_on(subject: [u8; 3], ground: impl Fn(u32, u32) -> [u8; 3]) -> RgbaImage {
    RgbaImage::from_fn(SIDE, SIDE, |x, y| over(subject, ground(x, y), disc(x, y, 30.0, 1.0)))
}

fn cut(picture: &RgbaImage) -> Cutout {
    Cutter::new(picture).without_background(Ground::DEFAULT_TOLERANCE)
}

/// Mean and greatest difference of the coverage to that of the disc.
fn coverage_error(cutout: &RgbaImage) -> (f32, f32) {
    let errors = cutout
        .enumerate_pixels()
        .map(|(x, y, pixel)| (f32::from(pixel.0[3]) / 255.0 - disc(x, y, 30.0, 1.0)).abs());
    let errors: Vec<f32> = errors.collect();
    let n_rim = std::f32::consts::TAU * 30.0;
    (errors.iter().sum::<f32>() / n_rim, errors.iter().copied().fold(0.0, f32::max))
}

/// The picture laid over black: what of the white background stayed shines.
fn greatest_fringe(cutout: &RgbaImage, subject: [u8; 3]) -> f32 {
    let over_black = |pixel: &Rgba<u8>, channel: usize| {
        let alpha = f32::from(pixel.0[3]) / 255.0;
        f32::from(pixel.0[channel]) * alpha - f32::from(subject[channel]) * alpha
    };
    let fringe = |pixel: &Rgba<u8>| (0..3).map(|c| over_black(pixel, c)).fold(0.0, f32::max);
    cutout.pixels().map(fringe).fold(0.0, f32::max)
}

fn as_jpeg(picture: &RgbaImage, quality: u8) -> RgbaImage {
    let rgb = RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue, _] = picture.get_pixel(x, y).0;
        Rgb([red, green, blue])
    });
    let mut bytes = Cursor::new(Vec::new());
    rgb.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality)).expect("written");
    let read = image::load_from_memory_with_format(bytes.get_ref(), ImageFormat::Jpeg);
    read.expect("a JPEG").to_rgba8()
}

#[test]
fn the_soft_edge_comes_back_without_a_fringe() {
    for (subject, ground) in [
        ([200, 30, 40], [255; 3]),
        ([20, 20, 20], [255; 3]),
        ([250, 220, 60], [255; 3]),
        ([240, 240, 240], [10, 30, 90]),
    ] {
        let cutout = cut(&disc_on(subject, |_, _| ground));
        assert!(matches!(cutout.outcome, Outcome::Removed { share } if share > 0.6));
        assert!(cutout.is_convincing);
        let (mean, greatest) = coverage_error(&cutout.pixels);
        assert!(mean < 0.1 && greatest < 0.3, "{subject:?}: {mean} {greatest}");
        let fringe = greatest_fringe(&cutout.pixels, subject);
        assert!(fringe < 20.0, "{subject:?} on {ground:?}: {fringe}");
        assert_eq!(cutout.pixels.get_pixel(0, 0).0, [0; 4]);
        assert_eq!(cutout.pixels.get_pixel(48, 48).0[3], 255);
        assert_eq!(cutout.pixels.get_pixel(48, 48).0[..3], subject);
    }
}

#[test]
fn a_hard_edge_stays_as_it_is() {
    let square = RgbaImage::from_fn(SIDE, SIDE, |x, y| {
        let is_inside = (20..70).contains(&x) && (30..60).contains(&y);
        Rgba(if is_inside { [30, 90, 200, 255] } else { [255; 4] })
    });
    let cutout = cut(&square);
    for (x, y, pixel) in cutout.pixels.enumerate_pixels() {
        let before = square.get_pixel(x, y);
        assert_eq!(pixel.0, if before.0 == [255; 4] { [0; 4] } else { before.0 }, "{x} {y}");
    }
}

#[test]
fn noise_of_jpeg_is_background() {
    let picture = as_jpeg(&disc_on([200, 30, 40], |_, _| [255; 3]), 60);
    let cutout = cut(&picture);
    assert!(cutout.is_convincing);
    let (mean, greatest) = coverage_error(&cutout.pixels);
    assert!(mean < 0.25 && greatest < 0.7, "{mean} {greatest}");
    let is_clear_outside = cutout
        .pixels
        .enumerate_pixels()
        .all(|(x, y, pixel)| disc(x, y, 34.0, 1.0) > 0.0 || pixel.0[3] == 0);
    assert!(is_clear_outside, "nothing of the noise is left around the subject");
}

#[test]
fn a_gradient_is_background_too() {
    let shaded = |_: u32, y: u32| [180 + (y / 2) as u8, 190 + (y / 2) as u8, 200 + (y / 2) as u8];
    let cutout = cut(&disc_on([120, 20, 60], shaded));
    assert!(cutout.is_convincing, "{:?}", cutout.outcome);
    let (mean, greatest) = coverage_error(&cutout.pixels);
    assert!(mean < 0.1 && greatest < 0.3, "{mean} {greatest}");
}

#[test]
fn a_subject_at_the_border_stays_whole() {
    // From the middle of the picture down to its lower border, as a portrait.
    let portrait = RgbaImage::from_fn(SIDE, SIDE, |x, y| {
        let is_inside = (30..66).contains(&x) && y >= 24;
        Rgba(if is_inside { [90, 60, 40, 255] } else { [240, 240, 240, 255] })
    });
    let cutout = cut(&portrait);
    assert!(cutout.is_convincing);
    for (x, y, pixel) in cutout.pixels.enumerate_pixels() {
        let is_inside = (30..66).contains(&x) && y >= 24;
        assert_eq!(pixel.0[3], if is_inside { 255 } else { 0 }, "{x} {y}");
    }
}

#[test]
fn what_is_enclosed_stays() {
    let mut picture = disc_on([200, 30, 40], |_, _| [255; 3]);
    for y in 44..52 {
        for x in 44..52 {
            picture.put_pixel(x, y, Rgba([255; 4]));
        }
    }
    let cutout = cut(&picture);
    assert_eq!(cutout.pixels.get_pixel(48, 48).0, [255; 4]);
}

#[test]
fn nothing_is_taken_from_what_has_no_background() {
    let plain = cut(&RgbaImage::from_pixel(40, 30, Rgba([250, 250, 250, 255])));
    assert_eq!((plain.outcome, plain.is_convincing), (Outcome::NoSubject, false));
    assert!(plain.pixels.pixels().all(|pixel| pixel.0[3] == 255));
    let dot = cut(&RgbaImage::from_pixel(1, 1, Rgba([7, 8, 9, 255])));
    assert_eq!(dot.outcome, Outcome::NoSubject);
    assert_eq!(dot.pixels.get_pixel(0, 0).0, [7, 8, 9, 255]);
    let nothing = cut(&RgbaImage::new(0, 0));
    assert_eq!((nothing.outcome, nothing.pixels.dimensions()), (Outcome::NoGround, (0, 0)));
    // Every pixel differs from its neighbours.
    let busy = RgbaImage::from_fn(64, 64, |x, y| {
        let hash = (x * 97 + y).wrapping_mul(2_654_435_761);
        Rgba([(hash >> 3) as u8, (hash >> 9) as u8, (hash >> 15) as u8, 255])
    });
    let cutout = cut(&busy);
    assert!(!cutout.is_convincing, "{:?}", cutout.outcome);
}

#[test]
fn transparency_at_the_border_counts_as_cut_out() {
    let sticker = RgbaImage::from_fn(32, 32, |x, y| {
        let is_inside = (8..24).contains(&x) && (8..24).contains(&y);
        Rgba(if is_inside { [9, 90, 9, 255] } else { [0; 4] })
    });
    assert_eq!(cut(&sticker).outcome, Outcome::Transparent);
    assert_eq!(cut(&sticker).pixels, sticker);
    assert!(!Cutter::new(&RgbaImage::new(9, 9)).is_cut_out(), "there is nothing to see");
    // A window with round corners is not cut out: its ground is the paper in it.
    let window = RgbaImage::from_fn(64, 64, |x, y| {
        let is_corner = !(3..=60).contains(&x) && !(3..=60).contains(&y);
        let is_inside = (20..44).contains(&x) && (20..44).contains(&y);
        Rgba(match (is_corner, is_inside) {
            (true, _) => [0; 4],
            (_, true) => [200, 20, 20, 255],
            _ => [255; 4],
        })
    });
    let cutout = cut(&window);
    assert!(matches!(cutout.outcome, Outcome::Removed { .. }) && cutout.is_convincing);
    let n_left = cutout.pixels.pixels().filter(|pixel| pixel.0[3] > 0).count();
    assert_eq!(n_left, 24 * 24);
}

#[test]
fn an_inspiration_fills_its_square() {
    let picture = disc_on([200, 30, 40], |_, _| [255; 3]);
    let (square, outcome) = fitted(&picture, 64);
    assert!(matches!(outcome, Outcome::Removed { .. }));
    // The disc reaches to the margin of 2 pixels; its background does not count.
    let alpha = |x: u32, y: u32| square.get_pixel(x, y).0[3];
    assert_eq!((alpha(32, 1), alpha(32, 4), alpha(4, 4)), (0, 255, 0));
    let large = RgbaImage::from_fn(1500, 900, |x, y| {
        Rgba(if (700..900).contains(&x) && y > 300 { [10, 10, 90, 255] } else { [255; 4] })
    });
    assert_eq!(Cutter::new(&large).picture().dimensions(), (1024, 614));
    assert!(matches!(fitted(&large, 64).1, Outcome::Removed { .. }));
}
