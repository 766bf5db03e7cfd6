//! Takes the background away from a picture that is to stand alone, as the pictures do that the
//! model was trained on. The rim gets a soft edge, and the colour of the background is taken out of
//! it, so that no fringe stays on another ground.

mod rim;

use image::{Rgba, RgbaImage};

use self::rim::soften;
use super::background::{self, Ground};
use super::fit;
use super::resample::at_most;

/// Share of the border that has to be transparent for a picture to be cut out already.
const CLEAR_BORDER_SHARE: f64 = 0.5;
/// Share of the border that has to have its usual colour for that to be a background without doubt.
const PLAIN_BORDER_SHARE: f64 = 0.6;
/// A background that is less than this share of the picture is not worth to be taken away.
const MIN_GROUND_SHARE: f64 = 0.005;
/// A subject that is less than this share of the picture is none.
const MIN_SUBJECT_SHARE: f64 = 0.002;

/// What came of looking for a background.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// It was taken away: so large a part of the picture, range 0–1.
    Removed { share: f32 },
    /// The picture stands on a transparent ground; it is as it was.
    Transparent,
    /// What has the usual colour of the border is too little; the picture is as it was.
    NoGround,
    /// Nothing would be left; the picture is as it was.
    NoSubject,
}

impl Outcome {
    /// Why the picture was left as it was, for people; one sentence without a full stop.
    pub fn note(self) -> Option<&'static str> {
        match self {
            Self::Removed { .. } | Self::Transparent => None,
            Self::NoGround => Some(
                "The border has no common colour, so the picture stays whole; a higher tolerance \
                 may help",
            ),
            Self::NoSubject => Some(
                "Nothing would be left, so the picture stays whole; a lower tolerance may help",
            ),
        }
    }
}

/// A picture after its background was looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Cutout {
    /// Straight alpha.
    pub pixels: RgbaImage,
    pub outcome: Outcome,
    /// The background goes round most of the picture, so it is meant as one.
    pub is_convincing: bool,
}

/// A picture at the size at which its background is looked for, to try several tolerances.
#[derive(Debug, Clone)]
pub struct Cutter {
    picture: RgbaImage,
    is_cut_out: bool,
}

impl Cutter {
    /// More would only take time: the model's pictures are small.
    pub const MAX_SIDE_PX: usize = 1024;

    pub fn new(picture: &RgbaImage) -> Self {
        let is_cut_out = is_cut_out(picture);
        Self { picture: at_most(picture.clone(), Self::MAX_SIDE_PX), is_cut_out }
    }

    /// Whether the picture stands on a transparent ground already.
    pub fn is_cut_out(&self) -> bool {
        self.is_cut_out
    }

    /// Takes away what hangs together with the border and differs from its usual colour by at most
    /// `tolerance`, gradual changes included. What would take away everything takes away nothing.
    pub fn without_background(&self, tolerance: u8) -> Cutout {
        let whole = |outcome| Cutout {
            pixels: self.picture.clone(),
            outcome,
            is_convincing: outcome == Outcome::Transparent,
        };
        if self.is_cut_out {
            return whole(Outcome::Transparent);
        }
        let is_ground = background::ground_at_border(&self.picture, tolerance);
        let n_pixels = is_ground.len() as f64;
        let n_ground = is_ground.iter().filter(|is_ground| **is_ground).count() as f64;
        if n_ground == 0.0 || n_ground < MIN_GROUND_SHARE * n_pixels {
            return whole(Outcome::NoGround);
        }
        if n_pixels - n_ground < (MIN_SUBJECT_SHARE * n_pixels).max(1.0) {
            return whole(Outcome::NoSubject);
        }
        let share = (n_ground / n_pixels) as f32;
        Cutout {
            pixels: soften(&self.picture, &is_ground),
            outcome: Outcome::Removed { share },
            is_convincing: border_share(&self.picture, &is_ground) >= PLAIN_BORDER_SHARE,
        }
    }

    /// The picture with its background, at most [`Self::MAX_SIDE_PX`] wide and high.
    pub fn picture(&self) -> &RgbaImage {
        &self.picture
    }
}

/// A picture as an inspiration: fitted into a square of `size_px`, without a background that goes
/// round most of it.
pub fn fitted(picture: &RgbaImage, size_px: usize) -> (RgbaImage, Outcome) {
    let cutter = Cutter::new(picture);
    let cutout = cutter.without_background(Ground::DEFAULT_TOLERANCE);
    match cutout.outcome {
        Outcome::Removed { .. } if cutout.is_convincing => {
            (fit::fit_square(&cutout.pixels, size_px), cutout.outcome)
        }
        Outcome::Removed { .. } => (fit::fit_square(picture, size_px), Outcome::NoGround),
        outcome => (fit::fit_square(picture, size_px), outcome),
    }
}

/// Whether something can be seen on a ground that is transparent at most of the border.
pub fn is_cut_out(picture: &RgbaImage) -> bool {
    let is_clear = |pixel: &Rgba<u8>| !background::is_solid(*pixel);
    let border = background::border(picture.width(), picture.height());
    let n_clear = border.iter().filter(|(x, y)| is_clear(picture.get_pixel(*x, *y))).count();
    n_clear > 0
        && n_clear as f64 >= CLEAR_BORDER_SHARE * border.len() as f64
        && picture.pixels().any(|pixel| background::is_solid(*pixel))
}

fn border_share(picture: &RgbaImage, is_ground: &[bool]) -> f64 {
    let (width, height) = picture.dimensions();
    let border = background::border(width, height);
    let n_ground = border.iter().filter(|(x, y)| is_ground[(y * width + x) as usize]).count();
    n_ground as f64 / border.len().max(1) as f64
}

#[cfg(test)]
mod tests;
