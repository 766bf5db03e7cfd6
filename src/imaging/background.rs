//! What of a picture is ground and what is its subject: by transparency, or by a guess.

use image::{Rgba, RgbaImage};

use super::composite::over_paper;

/// From this alpha on a pixel belongs to the subject.
const SOLID_ALPHA: u8 = 128;
/// Share of transparent pixels from which transparency is taken to mean the ground.
const TRANSPARENT_SHARE: f64 = 0.002;
/// How much of the tolerance a gradual change may take from pixel to pixel …
const STEP_SHARE: u16 = 6;
/// … and how many tolerances it may lead away from the colour of the border.
const DRIFT_TOLERANCES: u16 = 3;
/// Share of all pixels up to which a lone piece of subject on a coloured ground counts as grain.
const SPECK_SHARE: f64 = 0.0005;
/// Share of the rim that may vanish on a paper that is otherwise good.
const HIDDEN_SHARE: f64 = 0.05;

/// Papers that a subject may be looked at on, the most usual first.
const PAPERS: [[u8; 3]; 9] = [
    [255, 255, 255],
    [0, 0, 0],
    [128, 128, 128],
    [255, 0, 255],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 0],
    [255, 0, 0],
    [0, 255, 255],
];

/// How the ground was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroundSource {
    /// It is transparent.
    Alpha,
    /// It has the colour of the border and hangs together with it.
    Border,
    /// There is none: the border has no common colour, or everything has it.
    None,
}

/// Which pixels of a picture are ground.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    pub source: GroundSource,
    /// Row by row; true where there is no subject.
    pub is_ground: Vec<bool>,
}

impl Ground {
    /// Tolerance that copes with the noise of JPEG and with soft shadows.
    pub const DEFAULT_TOLERANCE: u8 = 24;

    /// Transparent pixels if there are any to speak of; otherwise what hangs together with the
    /// border and differs from its usual colour by at most `tolerance` in every channel, gradual
    /// changes of colour and lone specks included.
    pub fn find(picture: &RgbaImage, tolerance: u8) -> Self {
        let is_ground: Vec<bool> = picture.pixels().map(|pixel| !is_solid(*pixel)).collect();
        let n_clear = count(&is_ground);
        if n_clear > 0 && n_clear as f64 >= TRANSPARENT_SHARE * is_ground.len() as f64 {
            return Self::unless_all(GroundSource::Alpha, is_ground);
        }
        Self::unless_all(GroundSource::Border, ground_at_border(picture, tolerance))
    }

    fn unless_all(source: GroundSource, is_ground: Vec<bool>) -> Self {
        let n_ground = count(&is_ground);
        if n_ground == 0 || (source == GroundSource::Border && n_ground == is_ground.len()) {
            return Self { source: GroundSource::None, is_ground: vec![false; is_ground.len()] };
        }
        Self { source, is_ground }
    }
}

/// What hangs together with the border and has its usual colour, row by row; see [`Ground::find`].
/// Transparent pixels have every colour. May be everything or nothing.
pub(super) fn ground_at_border(picture: &RgbaImage, tolerance: u8) -> Vec<bool> {
    let mut is_ground = flooded(picture, tolerance);
    absorb_specks(&mut is_ground, picture.width() as usize);
    is_ground
}

fn count(flags: &[bool]) -> usize {
    flags.iter().filter(|flag| **flag).count()
}

pub(super) fn is_solid(pixel: Rgba<u8>) -> bool {
    pixel.0[3] >= SOLID_ALPHA
}

/// Grows the ground from the border inwards, over sides and not over corners.
fn flooded(picture: &RgbaImage, tolerance: u8) -> Vec<bool> {
    let (width, height) = picture.dimensions();
    let mut is_ground = vec![false; (width * height) as usize];
    let border = border(width, height);
    let solid: Vec<_> =
        border.iter().copied().filter(|(x, y)| is_solid(*picture.get_pixel(*x, *y))).collect();
    let Some(colour) = usual_colour(picture, &solid) else { return is_ground };
    let tolerance = u16::from(tolerance);
    let mut open = Vec::new();
    let is_clear = |x: u32, y: u32| !is_solid(*picture.get_pixel(x, y));
    for (x, y) in border {
        let idx = (y * width + x) as usize;
        let is_usual = is_clear(x, y) || distance(rgb(picture, x, y), colour) <= tolerance;
        if !is_ground[idx] && is_usual {
            is_ground[idx] = true;
            open.push((x, y));
        }
    }
    while let Some((x, y)) = open.pop() {
        let (here, from_clear) = (rgb(picture, x, y), is_clear(x, y));
        // Beyond an edge, wrapping gives a place that no picture has.
        let sides = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
        for (x, y) in sides.into_iter().filter(|(x, y)| *x < width && *y < height) {
            let idx = (y * width + x) as usize;
            if is_ground[idx] {
                continue;
            }
            let there = rgb(picture, x, y);
            let from_usual = distance(there, colour);
            let is_gradual = distance(there, here) * STEP_SHARE <= tolerance
                && !from_clear
                && from_usual <= DRIFT_TOLERANCES * tolerance;
            if from_usual <= tolerance || is_gradual || is_clear(x, y) {
                is_ground[idx] = true;
                open.push((x, y));
            }
        }
    }
    is_ground
}

/// Gives pieces of the subject to the ground that are too small to be meant, as the grain of a table.
fn absorb_specks(is_ground: &mut [bool], width: usize) {
    let n_speck = (is_ground.len() as f64 * SPECK_SHARE) as usize;
    let mut is_seen = is_ground.to_vec();
    let mut piece = Vec::new();
    for start in 0..is_ground.len() {
        if is_seen[start] {
            continue;
        }
        is_seen[start] = true;
        piece.clear();
        piece.push(start);
        let mut n_done = 0;
        while let Some(idx) = piece.get(n_done).copied() {
            n_done += 1;
            let is_first = idx % width == 0;
            let is_last = (idx + 1) % width == 0;
            let sides = [
                (!is_first).then(|| idx - 1),
                (!is_last).then_some(idx + 1),
                idx.checked_sub(width),
                Some(idx + width),
            ];
            for side in sides.into_iter().flatten() {
                if is_seen.get(side) == Some(&false) {
                    is_seen[side] = true;
                    piece.push(side);
                }
            }
        }
        if piece.len() <= n_speck {
            for idx in &piece {
                is_ground[*idx] = true;
            }
        }
    }
}

/// Every place at the border, corners twice.
pub(super) fn border(width: u32, height: u32) -> Vec<(u32, u32)> {
    if width == 0 || height == 0 {
        return Vec::new();
    }
    let rows = (0..width).flat_map(|x| [(x, 0), (x, height - 1)]);
    let columns = (0..height).flat_map(|y| [(0, y), (width - 1, y)]);
    rows.chain(columns).collect()
}

/// The median of every channel: a subject that is cut by the border does not move it.
fn usual_colour(picture: &RgbaImage, places: &[(u32, u32)]) -> Option<[u8; 3]> {
    if places.is_empty() {
        return None;
    }
    Some([0, 1, 2].map(|channel| {
        let mut values: Vec<u8> =
            places.iter().map(|(x, y)| rgb(picture, *x, *y)[channel]).collect();
        let middle = values.len() / 2;
        *values.select_nth_unstable(middle).1
    }))
}

fn rgb(picture: &RgbaImage, x: u32, y: u32) -> [u8; 3] {
    let [red, green, blue, _] = picture.get_pixel(x, y).0;
    [red, green, blue]
}

/// Greatest difference of a channel.
fn distance(a: [u8; 3], b: [u8; 3]) -> u16 {
    a.into_iter().zip(b).map(|(a, b)| u16::from(a.abs_diff(b))).max().unwrap_or(0)
}

/// The picture without transparency, for detectors of edges: laid over the paper against which its
/// rim stands out best, so that its silhouette is an edge. Of papers as good as each other white
/// and black come first.
pub fn over_contrast(picture: &RgbaImage) -> RgbaImage {
    if picture.pixels().all(|pixel| pixel.0[3] == 255) {
        return picture.clone();
    }
    over_paper(picture, contrasting_paper(&rim(picture)))
}

/// Colours of solid pixels with a neighbour that is not.
fn rim(picture: &RgbaImage) -> Vec<[u8; 3]> {
    let (width, height) = picture.dimensions();
    let is_clear =
        |x: u32, y: u32| picture.get_pixel_checked(x, y).is_some_and(|pixel| !is_solid(*pixel));
    let is_rim = |x: u32, y: u32| {
        is_clear(x.wrapping_sub(1), y)
            || is_clear(x + 1, y)
            || is_clear(x, y.wrapping_sub(1))
            || is_clear(x, y + 1)
    };
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    places
        .filter(|(x, y)| is_solid(*picture.get_pixel(*x, *y)) && is_rim(*x, *y))
        .map(|(x, y)| rgb(picture, x, y))
        .collect()
}

/// The paper whose contrast to all but a few of the colours is greatest.
fn contrasting_paper(colours: &[[u8; 3]]) -> [u8; 3] {
    let hidden = (colours.len() as f64 * HIDDEN_SHARE) as usize;
    let contrast = |paper: [u8; 3]| {
        let mut distances: Vec<u16> =
            colours.iter().map(|colour| distance(*colour, paper)).collect();
        if distances.is_empty() { 0 } else { *distances.select_nth_unstable(hidden).1 }
    };
    let mut best = (PAPERS[0], contrast(PAPERS[0]));
    for paper in &PAPERS[1..] {
        let found = contrast(*paper);
        if found > best.1 {
            best = (*paper, found);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: [u8; 4] = [255; 4];

    /// A square of 8 pixels in the middle of 16.
    fn square(inside: [u8; 4], outside: [u8; 4]) -> RgbaImage {
        RgbaImage::from_fn(16, 16, |x, y| {
            let is_inside = (4..12).contains(&x) && (4..12).contains(&y);
            Rgba(if is_inside { inside } else { outside })
        })
    }

    fn n_ground(picture: &RgbaImage) -> (GroundSource, usize) {
        let ground = Ground::find(picture, Ground::DEFAULT_TOLERANCE);
        (ground.source, count(&ground.is_ground))
    }

    #[test]
    fn transparency_and_plain_colour_are_ground() {
        let outside = 16 * 16 - 8 * 8;
        let sticker = square([90, 20, 20, 255], [0; 4]);
        assert_eq!(n_ground(&sticker), (GroundSource::Alpha, outside));
        let photo = square([90, 20, 20, 255], WHITE);
        assert_eq!(n_ground(&photo), (GroundSource::Border, outside));
        // The hidden colour of transparent pixels says nothing.
        let hidden = square([90, 20, 20, 255], [90, 20, 20, 0]);
        assert_eq!(n_ground(&hidden), (GroundSource::Alpha, outside));
    }

    #[test]
    fn enclosed_paper_belongs_to_the_subject() {
        let mut ring = square([90, 20, 20, 255], WHITE);
        for y in 6..10 {
            for x in 6..10 {
                ring.put_pixel(x, y, Rgba(WHITE));
            }
        }
        assert_eq!(n_ground(&ring), (GroundSource::Border, 16 * 16 - 8 * 8));
        // A gap at a corner only does not let the ground in.
        ring.put_pixel(4, 4, Rgba(WHITE));
        ring.put_pixel(5, 5, Rgba(WHITE));
        assert_eq!(n_ground(&ring), (GroundSource::Border, 16 * 16 - 8 * 8 + 1));
    }

    #[test]
    fn noise_and_gradual_changes_are_ground_too() {
        let shaded = RgbaImage::from_fn(64, 64, |x, y| {
            let is_inside = (20..44).contains(&x) && (20..44).contains(&y);
            let level = if is_inside { 40 } else { 190 + y as u8 / 2 + (x * 7 + y * 5) as u8 % 3 };
            Rgba([level, level, level, 255])
        });
        assert_eq!(n_ground(&shaded), (GroundSource::Border, 64 * 64 - 24 * 24));
        let ground = Ground::find(&shaded, 0);
        assert!(count(&ground.is_ground) < 64 * 64 / 4);
    }

    #[test]
    fn specks_are_ground_and_small_parts_are_not() {
        let mut photo = RgbaImage::from_pixel(100, 100, Rgba(WHITE));
        let mut draw = |left: u32, side: u32| {
            for idx in 0..side * side {
                photo.put_pixel(left + idx % side, 50 + idx / side, Rgba([0, 0, 0, 255]));
            }
        };
        // Of 10,000 pixels, 5 are a speck.
        draw(10, 2);
        draw(20, 3);
        draw(99, 1);
        draw(0, 1);
        assert_eq!(n_ground(&photo), (GroundSource::Border, 10_000 - 9));
    }

    #[test]
    fn a_picture_without_ground_says_so() {
        let busy = RgbaImage::from_fn(32, 32, |x, y| {
            let level = if (x / 4 + y / 4) % 2 == 0 { 0 } else { 255 };
            Rgba([level, (x * 8) as u8, (y * 8) as u8, 255])
        });
        let plain = RgbaImage::from_pixel(9, 9, Rgba(WHITE));
        assert_eq!(n_ground(&plain), (GroundSource::None, 0));
        assert_eq!(n_ground(&RgbaImage::new(0, 0)), (GroundSource::None, 0));
        assert_eq!(n_ground(&RgbaImage::from_pixel(1, 1, Rgba(WHITE))), (GroundSource::None, 0));
        assert_eq!(n_ground(&RgbaImage::new(5, 5)), (GroundSource::Alpha, 25));
        assert!(n_ground(&busy).1 < 32 * 32 / 4);
    }

    #[test]
    fn a_subject_is_seen_against_a_paper_that_contrasts() {
        let paper = |inside| over_contrast(&square(inside, [0; 4])).get_pixel(0, 0).0;
        assert_eq!(paper([0, 0, 0, 255]), WHITE);
        assert_eq!(paper(WHITE), [0, 0, 0, 255]);
        let opaque = square([9, 9, 9, 255], WHITE);
        assert_eq!(over_contrast(&opaque), opaque);
        // Black above, white below: no grey contrasts with both as well as a colour does.
        let halves = RgbaImage::from_fn(16, 16, |x, y| {
            let level = if y < 8 { 0 } else { 255 };
            Rgba([level, level, level, if (4..12).contains(&x) { 255 } else { 0 }])
        });
        assert_eq!(over_contrast(&halves).get_pixel(0, 0).0, [255, 0, 255, 255]);
        assert_eq!(over_contrast(&RgbaImage::new(3, 2)).get_pixel(2, 1).0, WHITE);
        assert_eq!(over_contrast(&RgbaImage::new(0, 0)).dimensions(), (0, 0));
    }
}
