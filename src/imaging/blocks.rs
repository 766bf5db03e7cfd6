//! Colour blocks: a picture reduced to the mean colour of squares, as hints of where which colour
//! belongs.

use super::resample::Premultiplied;

/// Side of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BlockSize {
    Px8,
    #[default]
    Px16,
    Px32,
}

impl BlockSize {
    pub const ALL: [Self; 3] = [Self::Px8, Self::Px16, Self::Px32];

    pub const fn px(self) -> usize {
        match self {
            Self::Px8 => 8,
            Self::Px16 => 16,
            Self::Px32 => 32,
        }
    }
}

/// Gives every pixel the mean of its block. The mean is premultiplied, so that transparent pixels
/// add no colour; blocks at the right and lower end may be cut off. `pixels` holds whole rows of
/// `width` pixels.
pub fn fill_blocks(pixels: &mut [Premultiplied], width: usize, size: BlockSize) {
    if width == 0 {
        return;
    }
    for band in pixels.chunks_mut(size.px() * width) {
        let n_rows = band.len() / width;
        for first in (0..width).step_by(size.px()) {
            let columns = first..(first + size.px()).min(width);
            let n_pixels = (n_rows * columns.len()) as f64;
            // Exact enough for one colour to stay that colour.
            let mut sum = [0.0_f64; 4];
            for row in band.chunks_exact(width) {
                for pixel in &row[columns.clone()] {
                    for (sum, value) in sum.iter_mut().zip(pixel) {
                        *sum += f64::from(*value);
                    }
                }
            }
            let mean = sum.map(|sum| (sum / n_pixels) as f32);
            for row in band.chunks_exact_mut(width) {
                row[columns.clone()].fill(mean);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_block_gets_its_mean() {
        // 20 × 10: two and a half blocks of 8 across, one and a quarter down.
        let mut pixels: Vec<Premultiplied> =
            (0..200).map(|idx| [(idx % 20) as f32, (idx / 20) as f32, 0.5, 1.0]).collect();
        fill_blocks(&mut pixels, 20, BlockSize::Px8);
        assert_eq!(pixels[0], [3.5, 3.5, 0.5, 1.0]);
        assert_eq!(pixels[7 * 20 + 15], [11.5, 3.5, 0.5, 1.0]);
        assert_eq!(pixels[9 * 20 + 19], [17.5, 8.5, 0.5, 1.0]);
        assert_eq!(pixels[7 * 20 + 7], pixels[0]);
        assert_ne!(pixels[8 * 20], pixels[0]);
    }

    #[test]
    fn transparency_dilutes_and_does_not_darken() {
        let mut pixels = vec![[0.0; 4]; 16 * 16];
        pixels[..128].fill([0.8, 0.4, 0.0, 1.0]);
        fill_blocks(&mut pixels, 16, BlockSize::Px16);
        assert!(pixels.iter().all(|pixel| *pixel == [0.4, 0.2, 0.0, 0.5]));
    }

    #[test]
    fn one_colour_stays_exactly_that_at_any_size() {
        for (width, height) in [(0, 0), (1, 1), (33, 1), (1, 50), (31, 65)] {
            for size in BlockSize::ALL {
                let mut pixels = vec![[0.1, 0.2, 0.3, 0.7]; width * height];
                fill_blocks(&mut pixels, width, size);
                assert!(pixels.iter().all(|pixel| *pixel == [0.1, 0.2, 0.3, 0.7]), "{size:?}");
            }
        }
    }
}
