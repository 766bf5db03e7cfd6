//! Depth from an outline: shapes are blown up like balloons.
//!
//! A disc becomes half a ball. That is no true depth, but it says what is round and what is in
//! front, and it needs no network.

use image::RgbaImage;

use super::background::{Ground, GroundSource};

/// Squared distance of what is infinitely far away.
const FAR: u64 = u64::MAX;

/// Settings of [`inflated`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InflateOptions {
    /// How much the ground of an opaque picture may vary, per channel. See [`Ground::find`].
    pub tolerance: u8,
}

impl Default for InflateOptions {
    fn default() -> Self {
        Self { tolerance: Ground::DEFAULT_TOLERANCE }
    }
}

/// Depth of every pixel, row by row, and how its outline was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Inflated {
    /// In [0, 1]: 0 on the ground, 1 at the place that is furthest from it.
    pub depth: Vec<f32>,
    pub ground: GroundSource,
}

/// Inflates the subject of a picture.
///
/// With `d` the distance to the ground and `t = d / max d`, depth is `√(t·(2 − t))`, the profile of
/// a ball. A subject that is cut by the border of the picture goes on behind it, and does not fall
/// off there; without any ground the border is the outline.
pub fn inflated(picture: &RgbaImage, options: InflateOptions) -> Inflated {
    let ground = Ground::find(picture, options.tolerance);
    let width = picture.width() as usize;
    let depth = match ground.source {
        GroundSource::None => ball_profile(&framed_distances(width, picture.height() as usize)),
        GroundSource::Alpha | GroundSource::Border => {
            let squared = squared_distances(&ground.is_ground, width);
            ball_profile(&squared)
        }
    };
    Inflated { depth, ground: ground.source }
}

/// Exact squared Euclidean distance, in pixels, from every pixel to the nearest marked one; `None`
/// everywhere if none is marked. `is_marked` holds whole rows of `width` pixels.
///
/// Takes time in proportion to the pixels: the lower envelope of parabolas, along columns and then
/// along rows (Felzenszwalb and Huttenlocher, *Distance transforms of sampled functions*).
pub fn squared_distances_to(is_marked: &[bool], width: usize) -> Option<Vec<u64>> {
    is_marked.contains(&true).then(|| squared_distances(is_marked, width))
}

/// [`FAR`] everywhere if nothing is marked.
fn squared_distances(is_marked: &[bool], width: usize) -> Vec<u64> {
    let width = width.max(1);
    let height = is_marked.len() / width;
    let mut distances: Vec<u64> =
        is_marked.iter().map(|marked| if *marked { 0 } else { FAR }).collect();
    let mut envelope = Envelope::default();
    let mut line = vec![0; height];
    for x in 0..width {
        for (y, value) in line.iter_mut().enumerate() {
            *value = distances[y * width + x];
        }
        envelope.transform(&mut line);
        for (y, value) in line.iter().enumerate() {
            distances[y * width + x] = *value;
        }
    }
    for row in distances.chunks_exact_mut(width) {
        envelope.transform(row);
    }
    distances
}

/// Squared distances to the pixels just outside the border.
fn framed_distances(width: usize, height: usize) -> Vec<u64> {
    let distance = |place: usize, n: usize| (place + 1).min(n - place) as u64;
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    places.map(|(x, y)| distance(x, width).min(distance(y, height)).pow(2)).collect()
}

fn ball_profile(squared: &[u64]) -> Vec<f32> {
    // The outline runs between pixels, half a pixel before the first one that is ground.
    let distance = |squared: u64| if squared == 0 { 0.0 } else { (squared as f32).sqrt() - 0.5 };
    let greatest = squared.iter().copied().max().map_or(0.0, distance);
    let profile = |squared: &u64| {
        let t = distance(*squared) / greatest;
        (t * (2.0 - t)).max(0.0).sqrt()
    };
    if greatest > 0.0 { squared.iter().map(profile).collect() } else { vec![0.0; squared.len()] }
}

/// The lower envelope of parabolas along a line; kept to be used again for the next.
#[derive(Default)]
struct Envelope {
    /// The parabolas that are lowest somewhere, from left to right.
    parabolas: Vec<Parabola>,
}

struct Parabola {
    /// Its lowest point.
    apex: u64,
    height: u64,
    /// First place where it is not above those before it.
    from: u64,
}

impl Envelope {
    /// Replaces each value by the least of `values[i] + (place − i)²`.
    fn transform(&mut self, values: &mut [u64]) {
        self.parabolas.clear();
        let n = values.len() as u64;
        for (apex, height) in (0..n).zip(values.iter().copied()).filter(|(_, h)| *h != FAR) {
            let mut from = 0;
            while let Some(last) = self.parabolas.last() {
                from = last.overtaken_at(apex, height);
                if from > last.from {
                    break;
                }
                self.parabolas.pop();
                from = 0;
            }
            if from < n {
                self.parabolas.push(Parabola { apex, height, from });
            }
        }
        let mut lowest = 0;
        if self.parabolas.is_empty() {
            return;
        }
        for (place, value) in (0..n).zip(values) {
            while self.parabolas.get(lowest + 1).is_some_and(|next| next.from <= place) {
                lowest += 1;
            }
            let parabola = &self.parabolas[lowest];
            *value = parabola.height + parabola.apex.abs_diff(place).pow(2);
        }
    }
}

impl Parabola {
    /// First whole place, 0 at least, where the parabola with its lowest point further right at
    /// `apex` is not above this one. Whole numbers, so that no rounding can misplace it.
    fn overtaken_at(&self, apex: u64, height: u64) -> u64 {
        let ours = self.height as i64 + (self.apex * self.apex) as i64;
        let theirs = height as i64 + (apex * apex) as i64;
        let twice_apart = 2 * (apex - self.apex) as i64;
        // Rounded up, for whatever sign: at this place or later theirs is no greater.
        let place = (theirs - ours + twice_apart - 1).div_euclid(twice_apart);
        place.max(0) as u64
    }
}

#[cfg(test)]
mod tests {
    use image::Rgba;
    use proptest::prelude::*;

    use super::*;

    fn by_brute_force(is_marked: &[bool], width: usize) -> Option<Vec<u64>> {
        let marked: Vec<usize> = (0..is_marked.len()).filter(|idx| is_marked[*idx]).collect();
        let squared = |a: usize, b: usize| {
            let (dx, dy) = ((a % width).abs_diff(b % width), (a / width).abs_diff(b / width));
            (dx * dx + dy * dy) as u64
        };
        let nearest = |idx| marked.iter().map(|other| squared(idx, *other)).min();
        (0..is_marked.len()).map(nearest).collect()
    }

    proptest! {
        #[test]
        fn distances_are_exact(
            width in 1_usize..24,
            height in 1_usize..24,
            density in 1_u8..100,
            seed in any::<u64>(),
        ) {
            let mut state = seed | 1;
            let is_marked: Vec<bool> = (0..width * height)
                .map(|_| {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    (state >> 33) % 100 < u64::from(density)
                })
                .collect();
            let expected = by_brute_force(&is_marked, width).filter(|_| is_marked.contains(&true));
            prop_assert_eq!(squared_distances_to(&is_marked, width), expected);
        }

        #[test]
        fn depth_stays_in_range(
            (width, height) in (0_u32..12, 0_u32..12),
            bytes in proptest::collection::vec(any::<u8>(), 4 * 12 * 12),
            is_opaque in any::<bool>(),
        ) {
            let n_bytes = (width * height * 4) as usize;
            let mut picture = RgbaImage::from_raw(width, height, bytes[..n_bytes].to_vec()).unwrap();
            if is_opaque {
                picture.pixels_mut().for_each(|pixel| pixel.0[3] = 255);
            }
            let Inflated { depth, .. } = inflated(&picture, InflateOptions::default());
            prop_assert_eq!(depth.len(), (width * height) as usize);
            prop_assert!(depth.iter().all(|value| (0.0..=1.0).contains(value)));
        }
    }

    #[test]
    fn one_pixel_in_a_large_grid_is_found_from_everywhere() {
        let (width, height) = (300, 200);
        let mut is_marked = vec![false; width * height];
        is_marked[40 * width + 290] = true;
        let distances = squared_distances_to(&is_marked, width).unwrap();
        assert_eq!(distances[0], 290 * 290 + 40 * 40);
        assert_eq!(distances, by_brute_force(&is_marked, width).unwrap());
        assert_eq!(squared_distances_to(&[false; 4], 2), None);
        assert_eq!(squared_distances_to(&[], 0), None);
    }

    fn disc(side: u32, ink: Rgba<u8>, paper: Rgba<u8>) -> RgbaImage {
        RgbaImage::from_fn(side, side, |x, y| {
            let from_centre = |place: u32| f64::from(place) + 0.5 - f64::from(side) / 2.0;
            let radius = from_centre(x).hypot(from_centre(y));
            if radius < 0.4 * f64::from(side) { ink } else { paper }
        })
    }

    #[test]
    fn a_disc_becomes_half_a_ball() {
        let red = Rgba([200, 0, 0, 255]);
        let sticker = inflated(&disc(100, red, Rgba([0; 4])), InflateOptions::default());
        assert_eq!(sticker.ground, GroundSource::Alpha);
        let photo = inflated(&disc(100, red, Rgba([255; 4])), InflateOptions::default());
        assert_eq!((photo.ground, &photo.depth), (GroundSource::Border, &sticker.depth));
        for y in 0..100 {
            for x in 0..100 {
                let radius = (x as f32 + 0.5 - 50.0).hypot(y as f32 + 0.5 - 50.0) / 40.0;
                let depth = sticker.depth[y * 100 + x];
                let ball = (1.0 - radius * radius).max(0.0).sqrt();
                // The rim is steep: half a pixel there is much.
                let tolerance = if radius > 0.93 { 0.3 } else { 0.05 };
                assert!((depth - ball).abs() < tolerance, "({x}, {y}): {depth} for {ball}");
                assert_eq!(depth == 0.0, radius >= 1.0);
            }
        }
        assert!(sticker.depth.contains(&1.0));
    }

    #[test]
    fn a_subject_cut_by_the_border_goes_on_behind_it() {
        let bust = RgbaImage::from_fn(40, 40, |x, y| {
            Rgba([0, 0, 0, if (10..30).contains(&x) && y >= 10 { 255 } else { 0 }])
        });
        let Inflated { depth, .. } = inflated(&bust, InflateOptions::default());
        assert_eq!(depth[39 * 40 + 20], depth[30 * 40 + 20]);
        assert!(depth[39 * 40 + 20] > 0.99);
    }

    #[test]
    fn without_ground_the_border_is_the_outline() {
        let plain = RgbaImage::from_pixel(9, 9, Rgba([7, 7, 7, 255]));
        let Inflated { depth, ground } = inflated(&plain, InflateOptions::default());
        assert_eq!(ground, GroundSource::None);
        assert_eq!(depth[4 * 9 + 4], 1.0);
        assert!(depth[0] > 0.0 && depth[0] < depth[9 + 1]);
        let clear = inflated(&RgbaImage::new(3, 3), InflateOptions::default());
        assert_eq!(clear.depth, [0.0; 9]);
    }
}
