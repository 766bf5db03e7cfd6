//! The rim between subject and background: how much of each of its pixels is subject, and what
//! colour that has.

use image::{Rgba, RgbaImage};

/// Pixels at the sides of the picture for each pixel that the rim is wide, beyond the first.
const PX_PER_RIM_PX: u32 = 512;
/// Euclidean distance of subject and background below which their mixture cannot be told.
const MIN_CONTRAST: f32 = 28.0;
/// A colour that is farther than this from every mixture of the two is no mixture.
const MAX_RESIDUE: f32 = 36.0;
/// A coverage this near to 0 or 1 is noise.
const NOISE: f32 = 0.07;

type Colour = [f32; 3];

/// The subject with a soft edge on a transparent ground; straight alpha. `is_ground` says for each
/// pixel, row by row, whether it is background.
pub(super) fn soften(picture: &RgbaImage, is_ground: &[bool]) -> RgbaImage {
    let (width, height) = picture.dimensions();
    let rim_px = (1 + width.max(height) / PX_PER_RIM_PX) as u8;
    let inside = depths(is_ground, (width, height), false, rim_px + 2);
    let outside = depths(is_ground, (width, height), true, rim_px + 2);
    let rim = Rim { picture, inside: &inside, outside: &outside, width_px: rim_px };
    RgbaImage::from_fn(width, height, |x, y| {
        let idx = (y * width + x) as usize;
        let pixel = *picture.get_pixel(x, y);
        let depth = if is_ground[idx] { outside[idx] } else { inside[idx] };
        let is_rim = (1..=rim_px).contains(&depth);
        match is_rim.then(|| rim.mixture(x, y, is_ground[idx])).flatten() {
            Some(mixed) => mixed,
            None if is_ground[idx] => Rgba([0; 4]),
            None => pixel,
        }
    })
}

/// For each pixel of one side the steps over sides to the nearest one of the other, at most `max`;
/// 0 for those of the other side. The edge of the picture is no other side.
fn depths(is_ground: &[bool], size: (u32, u32), of_ground: bool, max: u8) -> Vec<u8> {
    let width = size.0 as usize;
    let mut depths: Vec<u8> =
        is_ground.iter().map(|is_ground| if *is_ground == of_ground { max } else { 0 }).collect();
    // Forth and back: each pass hands the nearest distance on to the right and down, or back.
    for idx in 0..depths.len() {
        let left = if idx % width > 0 { depths[idx - 1] } else { max };
        let above = if idx >= width { depths[idx - width] } else { max };
        depths[idx] = depths[idx].min(left.min(above).saturating_add(1));
    }
    for idx in (0..depths.len()).rev() {
        let right = if (idx + 1) % width > 0 { depths[idx + 1] } else { max };
        let below = depths.get(idx + width).copied().unwrap_or(max);
        depths[idx] = depths[idx].min(right.min(below).saturating_add(1));
    }
    depths
}

struct Rim<'a> {
    picture: &'a RgbaImage,
    /// Steps to the background; 0 outside.
    inside: &'a [u8],
    /// Steps to the subject; 0 inside.
    outside: &'a [u8],
    width_px: u8,
}

impl Rim<'_> {
    /// A pixel as a mixture of the subject and the background beside it; `None` if it is none, and
    /// belongs to one of them alone.
    fn mixture(&self, x: u32, y: u32, is_ground: bool) -> Option<Rgba<u8>> {
        let idx = (y * self.picture.width() + x) as usize;
        // What stands deeper inside than the pixel itself shows what the subject looks like.
        let subject = self.deepest(x, y, self.inside, self.inside[idx])?;
        let ground = self.deepest(x, y, self.outside, self.outside[idx])?;
        let pixel = *self.picture.get_pixel(x, y);
        let colour = colour_of(pixel);
        let way = minus(subject, ground);
        let length = dot(way, way).sqrt();
        if length < MIN_CONTRAST {
            return None;
        }
        let along = dot(minus(colour, ground), way) / (length * length);
        let along = along.clamp(0.0, 1.0);
        let nearest = mixed(ground, subject, along);
        let residue = minus(colour, nearest);
        if dot(residue, residue).sqrt() > MAX_RESIDUE {
            return None;
        }
        let coverage = ((along - NOISE) / (1.0 - 2.0 * NOISE)).clamp(0.0, 1.0);
        if coverage >= 1.0 && !is_ground {
            return None;
        }
        // What the pixel would be without the background; the less of it there is, the less sure.
        let alone = [0, 1, 2].map(|channel| {
            let taken_out = colour[channel] - (1.0 - coverage) * ground[channel];
            (taken_out / coverage.max(NOISE)).clamp(0.0, 255.0)
        });
        let [red, green, blue] =
            mixed(subject, alone, coverage).map(|value| value.round().clamp(0.0, 255.0) as u8);
        let alpha = (coverage * f32::from(pixel.0[3])).round() as u8;
        Some(if alpha == 0 { Rgba([0; 4]) } else { Rgba([red, green, blue, alpha]) })
    }

    /// Mean colour of what is nearby and beyond the rim, by `depths`; if nothing is, of the deepest
    /// that is there. `None` if that is no deeper than `own`.
    fn deepest(&self, x: u32, y: u32, depths: &[u8], own: u8) -> Option<Colour> {
        let (width, height) = self.picture.dimensions();
        let reach = u32::from(self.width_px) + 2;
        let beyond = self.width_px + 1;
        let (mut sum, mut n_pixels, mut deepest) = ([0.0; 3], 0.0, own);
        for y in y.saturating_sub(reach)..=(y + reach).min(height - 1) {
            for x in x.saturating_sub(reach)..=(x + reach).min(width - 1) {
                let depth = depths[(y * width + x) as usize].min(beyond);
                if depth < deepest || depth <= own {
                    continue;
                }
                if depth > deepest {
                    (sum, n_pixels, deepest) = ([0.0; 3], 0.0, depth);
                }
                let colour = colour_of(*self.picture.get_pixel(x, y));
                sum = [0, 1, 2].map(|channel| sum[channel] + colour[channel]);
                n_pixels += 1.0;
            }
        }
        (n_pixels > 0.0).then(|| sum.map(|channel| channel / n_pixels))
    }
}

fn colour_of(pixel: Rgba<u8>) -> Colour {
    [0, 1, 2].map(|channel| f32::from(pixel.0[channel]))
}

fn minus(a: Colour, b: Colour) -> Colour {
    [0, 1, 2].map(|channel| a[channel] - b[channel])
}

fn dot(a: Colour, b: Colour) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn mixed(a: Colour, b: Colour, share_of_b: f32) -> Colour {
    [0, 1, 2].map(|channel| a[channel] + share_of_b * (b[channel] - a[channel]))
}
