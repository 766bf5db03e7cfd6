//! Sobel gradients: how strongly and in which direction a picture changes at every pixel.

use image::RgbaImage;

/// Greatest `|gx| + |gy|` that a pixel can have.
pub const MAX_MAGNITUDE: u16 = 2040;

/// Channels of a pixel, alpha included: four lanes side by side are quicker than three apart.
const N_LANES: usize = 4;

/// 3×3 Sobel gradients of a picture, row by row: of its colour channels the one that changes most
/// (`|gx| + |gy|`, the first of equals). Each component is in [−1020, 1020].
pub(super) struct Gradients {
    /// Positive where it gets brighter to the right.
    pub(super) x: Vec<i16>,
    /// Positive where it gets brighter downwards.
    pub(super) y: Vec<i16>,
    /// `|gx| + |gy|`.
    pub(super) magnitude: Vec<u16>,
}

impl Gradients {
    /// Ignores alpha; beyond its border the picture goes on as its border pixels.
    pub(super) fn new(picture: &RgbaImage) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let n_pixels = width * height;
        let mut gradients =
            Self { x: vec![0; n_pixels], y: vec![0; n_pixels], magnitude: vec![0; n_pixels] };
        if n_pixels == 0 {
            return gradients;
        }
        let mut lines = Lines::new(width);
        let targets = gradients
            .x
            .chunks_exact_mut(width)
            .zip(gradients.y.chunks_exact_mut(width))
            .zip(gradients.magnitude.chunks_exact_mut(width));
        for (y, ((target_x, target_y), target_magnitude)) in targets.enumerate() {
            let row = |y: usize| &picture.as_raw()[y * width * N_LANES..][..width * N_LANES];
            lines.fill([row(y.saturating_sub(1)), row(y), row((y + 1).min(height - 1))]);
            let pixels = lines.gradients();
            let targets = target_x.iter_mut().zip(target_y).zip(target_magnitude);
            for ((gx, gy), ((target_x, target_y), target_magnitude)) in pixels.zip(targets) {
                let magnitudes: [u16; 3] =
                    [0, 1, 2].map(|lane| gx[lane].unsigned_abs() + gy[lane].unsigned_abs());
                let mut strongest = 0;
                for lane in [1, 2] {
                    if magnitudes[lane] > magnitudes[strongest] {
                        strongest = lane;
                    }
                }
                *target_x = gx[strongest];
                *target_y = gy[strongest];
                *target_magnitude = magnitudes[strongest];
            }
        }
        gradients
    }
}

/// Three rows combined down their columns, one pixel longer at both ends; then along the rows.
struct Lines {
    /// 1, 2, 1.
    smooth: Vec<i16>,
    /// Lower minus upper row.
    step: Vec<i16>,
    /// Gradients of every channel, of the pixels alone.
    x: Vec<i16>,
    y: Vec<i16>,
}

impl Lines {
    fn new(width: usize) -> Self {
        let framed = || vec![0; (width + 2) * N_LANES];
        let plain = || vec![0; width * N_LANES];
        Self { smooth: framed(), step: framed(), x: plain(), y: plain() }
    }

    fn fill(&mut self, [above, here, below]: [&[u8]; 3]) {
        let n = self.x.len();
        let smooth = &mut self.smooth[N_LANES..][..n];
        let step = &mut self.step[N_LANES..][..n];
        let rows = above.iter().zip(here).zip(below);
        for ((smooth, step), ((above, here), below)) in smooth.iter_mut().zip(step).zip(rows) {
            let [above, here, below] = [*above, *here, *below].map(i16::from);
            *smooth = above + 2 * here + below;
            *step = below - above;
        }
        for line in [&mut self.smooth, &mut self.step] {
            line.copy_within(N_LANES..2 * N_LANES, 0);
            line.copy_within(n..n + N_LANES, n + N_LANES);
        }
        let (left, right) = (&self.smooth[..n], &self.smooth[2 * N_LANES..]);
        for ((gx, left), right) in self.x.iter_mut().zip(left).zip(right) {
            *gx = right - left;
        }
        let (left, middle, right) =
            (&self.step[..n], &self.step[N_LANES..][..n], &self.step[2 * N_LANES..]);
        for (((gy, left), middle), right) in self.y.iter_mut().zip(left).zip(middle).zip(right) {
            *gy = left + 2 * middle + right;
        }
    }

    /// Of every channel, pixel by pixel.
    fn gradients(&self) -> impl Iterator<Item = (&[i16; N_LANES], &[i16; N_LANES])> {
        let (x, _) = self.x.as_chunks::<N_LANES>();
        let (y, _) = self.y.as_chunks::<N_LANES>();
        x.iter().zip(y)
    }
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    #[test]
    fn a_ramp_has_the_same_gradient_everywhere_inside() {
        let picture = RgbaImage::from_fn(5, 4, |x, y| Rgba([(10 * x + 3 * y) as u8, 9, 9, 0]));
        let gradients = Gradients::new(&picture);
        assert_eq!((gradients.x[6], gradients.y[6]), (80, 24));
        // At the border half of it is missing.
        assert_eq!((gradients.x[0], gradients.y[0]), (40, 12));
    }

    #[test]
    fn the_channel_that_changes_most_counts() {
        let picture = RgbaImage::from_fn(3, 3, |x, y| {
            Rgba([x as u8 * 10, y as u8 * 10, 200 - y as u8 * 20, 255])
        });
        let gradients = Gradients::new(&picture);
        assert_eq!((gradients.x[4], gradients.y[4]), (0, -160));
        // Red and green change alike: red is first.
        let equal = RgbaImage::from_fn(3, 3, |x, y| Rgba([x as u8 * 10, y as u8 * 10, 0, 255]));
        let gradients = Gradients::new(&equal);
        assert_eq!((gradients.x[4], gradients.y[4]), (80, 0));
    }

    #[test]
    fn pictures_without_extent_have_no_gradient() {
        for (width, height) in [(0, 0), (1, 1), (3, 0), (0, 3)] {
            let gradients = Gradients::new(&RgbaImage::from_pixel(width, height, Rgba([9; 4])));
            assert!(gradients.x.iter().chain(&gradients.y).all(|value| *value == 0));
        }
    }
}
