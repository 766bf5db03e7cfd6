//! Sobel gradients: how strongly and in which direction a picture changes at every pixel.

use image::RgbaImage;

/// Greatest `|gx| + |gy|` that a pixel can have.
pub const MAX_MAGNITUDE: u16 = 2040;

/// 3×3 Sobel gradients of a picture, row by row: of its colour channels the one that changes most
/// (`|gx| + |gy|`, the first of equals). Each component is in [−1020, 1020].
pub(super) struct Gradients {
    /// Positive where it gets brighter to the right.
    pub(super) x: Vec<i16>,
    /// Positive where it gets brighter downwards.
    pub(super) y: Vec<i16>,
}

impl Gradients {
    /// Ignores alpha; beyond its border the picture goes on as its border pixels.
    pub(super) fn new(picture: &RgbaImage) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let mut gradients = Self { x: vec![0; width * height], y: vec![0; width * height] };
        let mut lines = Lines::new(width);
        for y in 0..height {
            let row = |y: usize| &picture.as_raw()[y * width * 4..][..width * 4];
            let rows = [row(y.saturating_sub(1)), row(y), row((y + 1).min(height - 1))];
            let target_x = &mut gradients.x[y * width..][..width];
            let target_y = &mut gradients.y[y * width..][..width];
            for channel in 0..3 {
                lines.fill(rows, channel);
                for (x, (gx, gy)) in target_x.iter_mut().zip(target_y.iter_mut()).enumerate() {
                    let found = lines.gradient(x);
                    let is_greater = found.0.abs() + found.1.abs() > gx.abs() + gy.abs();
                    if is_greater {
                        (*gx, *gy) = found;
                    }
                }
            }
        }
        gradients
    }
}

/// Three rows of one channel combined down their columns, one pixel longer at both ends.
struct Lines {
    /// 1, 2, 1.
    smooth: Vec<i16>,
    /// Lower minus upper row.
    step: Vec<i16>,
}

impl Lines {
    fn new(width: usize) -> Self {
        Self { smooth: vec![0; width + 2], step: vec![0; width + 2] }
    }

    fn fill(&mut self, rows: [&[u8]; 3], channel: usize) {
        let n = self.smooth.len();
        let [above, here, below] = rows.map(|row| row.as_chunks::<4>().0);
        let inner = self.smooth[1..n - 1].iter_mut().zip(&mut self.step[1..n - 1]);
        for ((smooth, step), ((above, here), below)) in inner.zip(above.iter().zip(here).zip(below))
        {
            let [above, here, below] = [above, here, below].map(|pixel| i16::from(pixel[channel]));
            *smooth = above + 2 * here + below;
            *step = below - above;
        }
        for line in [&mut self.smooth, &mut self.step] {
            line[0] = line[1];
            line[n - 1] = line[n - 2];
        }
    }

    /// Of the pixel in column `x`.
    fn gradient(&self, x: usize) -> (i16, i16) {
        let gx = self.smooth[x + 2] - self.smooth[x];
        let gy = self.step[x] + 2 * self.step[x + 1] + self.step[x + 2];
        (gx, gy)
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
