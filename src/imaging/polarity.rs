//! Finds the ink in a line drawing, whichever way round it is: dark on light, light on dark, or
//! either on a transparent ground. Decided once, at import; from then on a map holds coverage.

use super::resample::Premultiplied;

/// Contrast below which a drawing is not brightened further, so that paper grain stays faint.
const MIN_PEAK: f32 = 0.25;
/// Ink fainter than this is grain of the paper or of compression; the model knows only clean paper.
const GRAIN: f32 = 0.06;
/// Share of all pixels that the strongest ink must have to set the scale; single specks do not.
const PEAK_SHARE: f32 = 0.0005;
/// More ink than this and the border was a frame, not the paper.
const MAX_INK_SHARE: f32 = 0.75;
/// On a transparent ground, this share of dark pixels makes it a drawing in dark ink; the rest is
/// then a light filling.
const DARK_INK_SHARE: f32 = 0.02;

/// How a drawing stands out from its ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polarity {
    DarkOnLight,
    LightOnDark,
    DarkOnTransparent,
    LightOnTransparent,
}

/// Which of the two tones of a drawing is its ink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InkTone {
    Dark,
    Light,
}

impl InkTone {
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Dark => Self::Light,
            Self::Light => Self::Dark,
        }
    }
}

impl Polarity {
    pub const fn ink(self) -> InkTone {
        match self {
            Self::DarkOnLight | Self::DarkOnTransparent => InkTone::Dark,
            Self::LightOnDark | Self::LightOnTransparent => InkTone::Light,
        }
    }

    /// What the user should know about it.
    pub const fn note(self) -> Option<&'static str> {
        match self {
            Self::DarkOnLight | Self::DarkOnTransparent => None,
            Self::LightOnDark => Some("Inverted: the lines were light on dark"),
            Self::LightOnTransparent => Some("Inverted: the lines were light on transparent"),
        }
    }
}

/// Ink coverage in [0, 1] of each pixel of a picture `width` pixels wide; the strongest ink
/// becomes 1. A picture in one colour has no ink.
pub fn ink_coverage(pixels: &[Premultiplied], width: usize) -> (Vec<f32>, Polarity) {
    let ground = Ground::find(pixels, width);
    (ground.coverage(pixels), ground.polarity)
}

/// Like [`ink_coverage`], for somebody who says which tone is the ink. Where that is not the tone
/// that would be found, paper is what has the other tone fully.
pub fn ink_coverage_of(
    pixels: &[Premultiplied],
    width: usize,
    ink: InkTone,
) -> (Vec<f32>, Polarity) {
    let found = Ground::find(pixels, width);
    let ground = if found.polarity.ink() == ink { found } else { found.turned_over() };
    (ground.coverage(pixels), ground.polarity)
}

/// Luminance of a premultiplied pixel, weighted by its alpha.
pub fn luminance(pixel: &Premultiplied) -> f32 {
    let [red, green, blue, _] = pixel;
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// What the drawing is on.
struct Ground {
    polarity: Polarity,
    /// Luminance of the paper; ink is what differs from it in the direction of `polarity`.
    level: f32,
}

impl Ground {
    fn find(pixels: &[Premultiplied], width: usize) -> Self {
        let border = border(pixels, width);
        let border_alpha = median(border.iter().map(|pixel| pixel[3]).collect());
        if border_alpha < 0.5 {
            return Self::transparent(pixels);
        }
        let opaque = border.iter().filter(|pixel| pixel[3] >= 0.5);
        let level = median(opaque.map(|pixel| luminance(pixel) / pixel[3]).collect());
        let by_border = Self::opaque(level);
        let n_ink = pixels.iter().filter(|pixel| by_border.ink(pixel) > 0.5).count();
        if n_ink as f32 <= MAX_INK_SHARE * pixels.len() as f32 {
            return by_border;
        }
        let inside = pixels.iter().filter(|pixel| pixel[3] >= 0.5);
        Self::opaque(median(inside.map(|pixel| luminance(pixel) / pixel[3]).collect()))
    }

    fn opaque(level: f32) -> Self {
        let polarity = if level >= 0.5 { Polarity::DarkOnLight } else { Polarity::LightOnDark };
        Self { polarity, level }
    }

    fn transparent(pixels: &[Premultiplied]) -> Self {
        let (mut dark, mut all) = (0.0, 0.0);
        for pixel in pixels {
            all += pixel[3];
            if luminance(pixel) < 0.5 * pixel[3] {
                dark += pixel[3];
            }
        }
        if dark >= DARK_INK_SHARE * all {
            Self { polarity: Polarity::DarkOnTransparent, level: 1.0 }
        } else {
            Self { polarity: Polarity::LightOnTransparent, level: 0.0 }
        }
    }

    fn turned_over(&self) -> Self {
        let (polarity, level) = match self.polarity {
            Polarity::DarkOnLight => (Polarity::LightOnDark, 0.0),
            Polarity::LightOnDark => (Polarity::DarkOnLight, 1.0),
            Polarity::DarkOnTransparent => (Polarity::LightOnTransparent, 0.0),
            Polarity::LightOnTransparent => (Polarity::DarkOnTransparent, 1.0),
        };
        Self { polarity, level }
    }

    /// Ink of every pixel, the strongest of it 1, the grain of the paper gone.
    fn coverage(&self, pixels: &[Premultiplied]) -> Vec<f32> {
        let mut coverage: Vec<f32> = pixels.iter().map(|pixel| self.ink(pixel)).collect();
        let peak = peak(&coverage).max(MIN_PEAK);
        for ink in &mut coverage {
            *ink = ((*ink / peak - GRAIN) / (1.0 - GRAIN)).clamp(0.0, 1.0);
        }
        coverage
    }

    /// Coverage times contrast; transparent pixels are ground.
    fn ink(&self, pixel: &Premultiplied) -> f32 {
        let ground = self.level * pixel[3];
        let contrast = match self.polarity {
            Polarity::DarkOnLight | Polarity::DarkOnTransparent => {
                (ground - luminance(pixel)) / self.level
            }
            Polarity::LightOnDark | Polarity::LightOnTransparent => {
                (luminance(pixel) - ground) / (1.0 - self.level)
            }
        };
        contrast.clamp(0.0, 1.0)
    }
}

fn border(pixels: &[Premultiplied], width: usize) -> Vec<Premultiplied> {
    let height = pixels.len() / width.max(1);
    let is_border = |idx: &usize| {
        let (x, y) = (idx % width, idx / width);
        x == 0 || y == 0 || x + 1 == width || y + 1 == height
    };
    (0..pixels.len()).filter(is_border).map(|idx| pixels[idx]).collect()
}

fn median(mut values: Vec<f32>) -> f32 {
    let middle = values.len() / 2;
    if values.is_empty() {
        return 1.0;
    }
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// The coverage that the strongest pixels reach.
fn peak(coverage: &[f32]) -> f32 {
    let rank = (coverage.len() as f32 * PEAK_SHARE) as usize;
    let mut sorted = coverage.to_vec();
    if sorted.is_empty() {
        return 0.0;
    }
    *sorted.select_nth_unstable_by(rank, |a, b| b.total_cmp(a)).1
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 16;

    /// A square outline in `ink` on `paper`.
    fn drawing(ink: Premultiplied, paper: Premultiplied) -> Vec<Premultiplied> {
        let on_line = |x: usize, y: usize| {
            let edge = |v: usize| v == 4 || v == 11;
            (edge(x) && (4..12).contains(&y)) || (edge(y) && (4..12).contains(&x))
        };
        (0..SIDE * SIDE)
            .map(|idx| if on_line(idx % SIDE, idx / SIDE) { ink } else { paper })
            .collect()
    }

    fn grey(level: f32) -> Premultiplied {
        [level, level, level, 1.0]
    }

    #[test]
    fn every_way_round_gives_the_same_coverage() {
        let (expected, polarity) = ink_coverage(&drawing(grey(0.0), grey(1.0)), SIDE);
        assert_eq!(polarity, Polarity::DarkOnLight);
        assert_eq!(expected.iter().sum::<f32>(), 28.0);
        let nothing = [0.0; 4];
        for (ink, paper, found) in [
            (grey(1.0), grey(0.0), Polarity::LightOnDark),
            (grey(0.0), nothing, Polarity::DarkOnTransparent),
            (grey(1.0), nothing, Polarity::LightOnTransparent),
            (grey(0.2), grey(0.8), Polarity::DarkOnLight),
            (grey(0.9), grey(0.3), Polarity::LightOnDark),
        ] {
            let (coverage, polarity) = ink_coverage(&drawing(ink, paper), SIDE);
            assert_eq!(polarity, found);
            for (value, expected) in coverage.iter().zip(&expected) {
                assert!((value - expected).abs() < 1e-5, "{found:?}: {value} for {expected}");
            }
        }
    }

    #[test]
    fn the_other_tone_can_be_asked_for() {
        for (ink, paper) in [
            (grey(0.0), grey(1.0)),
            (grey(1.0), grey(0.0)),
            (grey(0.0), [0.0; 4]),
            (grey(1.0), [0.0; 4]),
        ] {
            let pixels = drawing(ink, paper);
            let (found, polarity) = ink_coverage(&pixels, SIDE);
            let same = ink_coverage_of(&pixels, SIDE, polarity.ink());
            assert_eq!(same, (found.clone(), polarity));
            let (turned, other) = ink_coverage_of(&pixels, SIDE, polarity.ink().other());
            assert_eq!(other.ink(), polarity.ink().other());
            // What was ink is none now; opaque paper is, and nothing stays nothing.
            assert!(turned.iter().zip(&found).all(|(turned, found)| turned * found == 0.0));
            assert_eq!(turned[0], paper[3], "{other:?}");
        }
    }

    #[test]
    fn a_frame_is_not_the_paper() {
        let mut framed = drawing(grey(0.0), grey(1.0));
        for (idx, pixel) in framed.iter_mut().enumerate() {
            // Two sides and a bit: most of the border, little of the picture.
            if idx % SIDE == 0 || idx < SIDE + 4 {
                *pixel = grey(0.0);
            }
        }
        let (coverage, polarity) = ink_coverage(&framed, SIDE);
        assert_eq!(polarity, Polarity::DarkOnLight);
        assert_eq!(coverage[2 * SIDE + 2], 0.0);
    }

    #[test]
    fn a_light_filling_is_not_ink() {
        let mut sticker = drawing(grey(0.0), [0.0; 4]);
        for y in 5..11 {
            for x in 5..11 {
                sticker[y * SIDE + x] = grey(1.0);
            }
        }
        let (coverage, polarity) = ink_coverage(&sticker, SIDE);
        assert_eq!(polarity, Polarity::DarkOnTransparent);
        assert_eq!((coverage[4 * SIDE + 4], coverage[8 * SIDE + 8]), (1.0, 0.0));
    }

    #[test]
    fn one_colour_has_no_ink_and_grain_goes() {
        for level in [0.0, 0.5, 1.0] {
            let (coverage, _) = ink_coverage(&[grey(level); 9], 3);
            assert!(coverage.iter().all(|ink| *ink == 0.0), "{level}");
        }
        let (coverage, _) = ink_coverage(&drawing(grey(0.99), grey(1.0)), SIDE);
        assert!(coverage.iter().all(|ink| *ink == 0.0));
        let (coverage, _) = ink_coverage(&drawing(grey(0.9), grey(1.0)), SIDE);
        assert!((0.3..0.5).contains(&coverage[4 * SIDE + 4]), "faint ink stays");
        assert!(ink_coverage(&[], 0).0.is_empty());
    }
}
