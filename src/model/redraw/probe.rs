//! Reads off a latent what its cells show, without decoding it: a linear map, fitted once to some
//! pictures of the model's memory that are decoded for that.

use candle_core::{DType, Tensor};

use super::cells::{N_FEATURES, describe};
use crate::model::ModelError;
use crate::model::memory::PictureMemory;
use crate::model::tokenizer::Tokenizer;

/// Pictures that the map is fitted to: 4,096 cells for 289 unknowns. With three times as many the
/// redrawn pictures look the same.
const N_PICTURES: usize = 16;
/// Ridge of the fit.
const RIDGE: f64 = 3.0;

/// From the 3 × 3 latent cells around a cell to its description.
#[derive(Debug)]
pub(super) struct Probe {
    /// (9 Z + 1, [`N_FEATURES`])
    weights: Tensor,
}

impl Probe {
    /// `None` if the memory is empty or cells of this model have no 4 × 4 parts.
    ///
    /// # Errors
    /// What the computation reports.
    pub(super) fn fit(
        memory: &PictureMemory,
        image_size_px: usize,
        tokenizer: &Tokenizer,
    ) -> Result<Option<Self>, ModelError> {
        let n = memory.len().min(N_PICTURES);
        let entries = (0..n).map(|i| memory.ids(i * memory.len() / n));
        let pictures: Vec<Vec<u32>> = entries.collect();
        if pictures.is_empty() {
            return Ok(None);
        }
        let latents = tokenizer.f_hat_from_ids(&pictures)?;
        let n_cells = latents.dim(3)?;
        if !image_size_px.is_multiple_of(4 * n_cells) {
            return Ok(None);
        }
        let mut described = Vec::new();
        for picture in 0..n {
            let planes = tokenizer.decode(&latents.narrow(0, picture, 1)?)?;
            let planes: Vec<f32> = planes.flatten_all()?.to_vec1()?;
            described.extend(describe(&planes, image_size_px, n_cells));
        }
        let device = latents.device();
        let described = Tensor::from_vec(described, (n * n_cells * n_cells, N_FEATURES), device)?;
        let patches = patches(&latents)?;
        let transposed = patches.t()?.contiguous()?;
        let products = transposed.matmul(&patches)?.to_dtype(DType::F64)?.to_vec2()?;
        let right = transposed.matmul(&described)?.to_dtype(DType::F64)?.to_vec2()?;
        let weights = solve(products, right).concat();
        let weights: Vec<f32> = weights.into_iter().map(|value| value as f32).collect();
        let shape = (weights.len() / N_FEATURES, N_FEATURES);
        Ok(Some(Self { weights: Tensor::from_vec(weights, shape, device)? }))
    }

    /// Latents (B, Z, G, G) → descriptions (B·G², [`N_FEATURES`]), picture by picture, row by row.
    ///
    /// # Errors
    /// What the computation reports.
    pub(super) fn describe(&self, latents: &Tensor) -> Result<Tensor, ModelError> {
        Ok(patches(latents)?.matmul(&self.weights)?)
    }
}

/// Latents (B, Z, G, G) → the 3 × 3 cells around each cell, zero outside, and a one: (B·G², 9 Z + 1).
fn patches(latents: &Tensor) -> Result<Tensor, ModelError> {
    let (batch, channels, height, width) = latents.dims4()?;
    let padded = latents.pad_with_zeros(2, 1, 1)?.pad_with_zeros(3, 1, 1)?;
    let mut shifted = Vec::with_capacity(9);
    for shift in 0..9 {
        let part = padded.narrow(2, shift / 3, height)?.narrow(3, shift % 3, width)?;
        let cells = part.permute((0, 2, 3, 1))?.contiguous()?;
        shifted.push(cells.reshape((batch * height * width, channels))?);
    }
    let ones = Tensor::ones((batch * height * width, 1), latents.dtype(), latents.device())?;
    shifted.push(ones);
    Ok(Tensor::cat(&shifted, 1)?)
}

/// Solves (A + ridge) X = B for a symmetric A without negative eigenvalues, by Cholesky. Only what is
/// on and below the diagonal of A is read.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = a.len();
    let mut factor: Vec<Vec<f64>> = Vec::with_capacity(n);
    for (row, mut values) in a.drain(..).enumerate() {
        values[row] += RIDGE;
        for column in 0..row {
            let rest = values[column] - dot(&values[..column], &factor[column]);
            values[column] = rest / factor[column][column];
        }
        values[row] = (values[row] - dot(&values[..row], &values)).max(RIDGE).sqrt();
        values.truncate(row + 1);
        factor.push(values);
    }
    // Forward with the factor, backward with its transpose.
    for (row, factor) in factor.iter().enumerate() {
        let (done, rest) = b.split_at_mut(row);
        for (weight, earlier) in factor.iter().zip(done.iter()) {
            subtract(&mut rest[0], *weight, earlier);
        }
        rest[0].iter_mut().for_each(|x| *x /= factor[row]);
    }
    for row in (0..n).rev() {
        let (rest, done) = b.split_at_mut(row + 1);
        for (later, factor) in done.iter().zip(&factor[row + 1..]) {
            subtract(&mut rest[row], factor[row], later);
        }
        rest[row].iter_mut().for_each(|x| *x /= factor[row][row]);
    }
    b
}

/// Σ a·b over the shorter of both.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn subtract(from: &mut [f64], weight: f64, values: &[f64]) {
    from.iter_mut().zip(values).for_each(|(from, value)| *from -= weight * value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved() {
        let mut a = vec![vec![4.0, 2.0, 1.0], vec![2.0, 5.0, 3.0], vec![1.0, 3.0, 6.0]];
        let x = [[1.0, -2.0], [0.5, 3.0], [2.0, 0.0]];
        let product = |row: usize, column: usize| {
            let ridge = RIDGE * x[row][column];
            (0..3).map(|i| a[row][i] * x[i][column]).sum::<f64>() + ridge
        };
        let b = (0..3).map(|row| (0..2).map(|column| product(row, column)).collect()).collect();
        // Only what is on and below the diagonal is read.
        a[0][2] = f64::NAN;
        let solved = solve(a, b);
        for (solved, wanted) in solved.iter().flatten().zip(x.iter().flatten()) {
            assert!((solved - wanted).abs() < 1e-9, "{solved} is not {wanted}");
        }
    }
}
