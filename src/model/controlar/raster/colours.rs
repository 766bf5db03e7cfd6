//! A colour for every code: what a cell looks like without decoding it. Good enough to see a picture
//! grow, and made in a millisecond.

use candle_core::Tensor;
use image::{Rgba, RgbaImage};

use crate::model::ModelError;
use crate::model::controlar::probe::Probe;
use crate::model::controlar::vq16::Vq16;

/// Codes that are decoded to learn from, and the side of the square of cells of each: a cell's
/// neighbours shine into it.
const N_SAMPLES_A_SIDE: usize = 8;
const CELLS_A_SAMPLE: usize = 2;
/// Keeps the solution small where the samples say little.
const RIDGE: f64 = 1e-3;

/// The mean colour of each code, as far as a linear map of its vector tells.
#[derive(Debug)]
pub(super) struct CodeColours(Vec<[u8; 3]>);

impl CodeColours {
    /// Decodes one small picture of codes from all over the book, and fits the rest to it.
    pub(super) fn fit(vq: &Vq16) -> Result<Self, ModelError> {
        let n_codes = vq.config().codebook_size;
        let side = N_SAMPLES_A_SIDE * CELLS_A_SAMPLE;
        let n_samples = N_SAMPLES_A_SIDE * N_SAMPLES_A_SIDE;
        let code_of = |sample: usize| (sample * n_codes / n_samples) as u32;
        let sample_of = |cell: usize| {
            let (row, column) = (cell / side / CELLS_A_SAMPLE, cell % side / CELLS_A_SAMPLE);
            row * N_SAMPLES_A_SIDE + column
        };
        let ids: Vec<u32> = (0..side * side).map(|cell| code_of(sample_of(cell))).collect();
        let picture = vq.decode(&[ids], side, side, &mut Probe::none())?; // (1, 3, H, W)
        let sample_px = CELLS_A_SAMPLE * vq.config().patch_px();
        let means: Vec<Vec<f32>> =
            picture.avg_pool2d(sample_px)?.squeeze(0)?.flatten(1, 2)?.to_vec2()?;
        let rows: Vec<Vec<f32>> = vq.codebook().to_vec2()?;
        let rows: Vec<Vec<f64>> = rows.into_iter().map(with_one).collect();
        let samples: Vec<&[f64]> =
            (0..n_samples).map(|sample| rows[code_of(sample) as usize].as_slice()).collect();
        let fits: Vec<Vec<f64>> =
            means.iter().map(|values| least_squares(&samples, values)).collect();
        let colour = |row: &Vec<f64>| {
            let channel = |channel: usize| {
                let value: f64 = row.iter().zip(&fits[channel]).map(|(a, b)| a * b).sum();
                ((value.clamp(-1.0, 1.0) + 1.0) * 127.5).round() as u8
            };
            [channel(0), channel(1), channel(2)]
        };
        Ok(Self(rows.iter().map(colour).collect()))
    }

    /// Cells of `cell_px` pixels in the colours of their codes, row by row; those that have no code
    /// yet are transparent.
    pub(super) fn mosaic(
        &self,
        ids: &[u32],
        (rows, columns): (usize, usize),
        cell_px: usize,
    ) -> RgbaImage {
        let (width, height) = (columns * cell_px, rows * cell_px);
        let mut bytes = Vec::with_capacity(4 * width * height);
        for row in ids.chunks(columns).take(rows) {
            let start = bytes.len();
            for id in row {
                let [red, green, blue] = self.0.get(*id as usize).copied().unwrap_or_default();
                for _ in 0..cell_px {
                    bytes.extend_from_slice(&Rgba([red, green, blue, 255]).0);
                }
            }
            bytes.resize(start + 4 * width, 0);
            for _ in 1..cell_px {
                bytes.extend_from_within(start..start + 4 * width);
            }
        }
        bytes.resize(4 * width * height, 0);
        RgbaImage::from_raw(width as u32, height as u32, bytes).expect("four bytes per pixel")
    }
}

fn with_one(row: Vec<f32>) -> Vec<f64> {
    row.into_iter().map(f64::from).chain([1.0]).collect()
}

/// Factors whose products with the rows come nearest to the values.
fn least_squares(rows: &[&[f64]], values: &[f32]) -> Vec<f64> {
    let n = rows.first().map_or(0, |row| row.len());
    // The normal equations, right-hand side last.
    let mut system = vec![vec![0.0; n + 1]; n];
    for (row, value) in rows.iter().zip(values) {
        for i in 0..n {
            for j in 0..n {
                system[i][j] += row[i] * row[j];
            }
            system[i][n] += row[i] * f64::from(*value);
        }
    }
    for (i, row) in system.iter_mut().enumerate() {
        row[i] += RIDGE;
    }
    // Symmetric and positive definite, so no pivots are needed.
    for i in 0..n {
        let pivot = system[i].clone();
        for row in system.iter_mut().skip(i + 1) {
            let factor = row[i] / pivot[i];
            for (value, above) in row.iter_mut().zip(&pivot) {
                *value -= factor * above;
            }
        }
    }
    let mut factors = vec![0.0; n];
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| system[i][j] * factors[j]).sum();
        factors[i] = (system[i][n] - known) / system[i][i];
    }
    factors
}

/// Opaque pixels of planes (3, H, W) about [−1, 1], above `height_px` rows in all of which the others
/// are transparent.
pub(super) fn picture_of_planes(
    planes: &Tensor,
    height_px: usize,
) -> Result<RgbaImage, ModelError> {
    let (_, n_rows, width) = planes.dims3()?;
    let bytes = crate::model::controlar::vq16::bytes_from_pictures(planes)?;
    let bytes: Vec<u8> = bytes.flatten_all()?.to_vec1()?;
    let area = n_rows * width;
    let mut pixels: Vec<u8> =
        (0..area).flat_map(|i| [bytes[i], bytes[area + i], bytes[2 * area + i], u8::MAX]).collect();
    pixels.resize(4 * width * height_px, 0);
    Ok(RgbaImage::from_raw(width as u32, height_px as u32, pixels).expect("four bytes per pixel"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_maps_are_found_again() {
        let rows: Vec<Vec<f64>> = (0..40)
            .map(|i| with_one(vec![(i as f32 * 0.7).sin(), (i as f32 * 1.3).cos()]))
            .collect();
        let values: Vec<f32> =
            rows.iter().map(|row| (0.4 * row[0] - 0.2 * row[1] + 0.1) as f32).collect();
        let samples: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        let found = least_squares(&samples, &values);
        for (factor, expected) in found.iter().zip([0.4, -0.2, 0.1]) {
            assert!((factor - expected).abs() < 1e-3, "{found:?}");
        }
    }

    #[test]
    fn a_mosaic_ends_where_the_codes_end() {
        let colours = CodeColours(vec![[9, 9, 9], [200, 100, 50]]);
        let mosaic = colours.mosaic(&[1, 0, 1, 1], (2, 3), 2);
        assert_eq!(mosaic.dimensions(), (6, 4));
        let at = |x, y| mosaic.get_pixel(x, y).0;
        assert_eq!(
            (at(0, 0), at(1, 1), at(2, 1)),
            ([200, 100, 50, 255], [200, 100, 50, 255], [9, 9, 9, 255])
        );
        assert_eq!((at(1, 3), at(2, 2), at(5, 3)), ([200, 100, 50, 255], [0; 4], [0; 4]));
    }
}
