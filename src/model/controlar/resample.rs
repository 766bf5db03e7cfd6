//! Resizes as PyTorch's `interpolate` does them, to the rounding of its coordinates.
//!
//! Rows and columns are independent: each output place along an axis is a short weighted sum of
//! input places. Coordinates are computed in `f32` like there; exact ones would differ by up to
//! 2e-4 on rough pictures.

use rayon::prelude::*;

/// How output places are made of input places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// ⌊i · in / out⌋.
    Nearest,
    /// Two neighbours of the cell's centre.
    Bilinear,
    /// Four neighbours of the cell's centre; Keys' kernel with a = −0.75, no anti-aliasing.
    Bicubic,
    /// [`Self::Bicubic`] with the outermost places on each other.
    BicubicAlignCorners,
    /// The mean of all covered places.
    Area,
}

/// A grid of rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub height: usize,
    pub width: usize,
}

/// Resizes planes that lie one after the other, `from.height × from.width` values each. No side of
/// either size may be 0.
pub fn resample(values: &[f32], from: Size, to: Size, method: Method) -> Vec<f32> {
    let columns = taps(from.width, to.width, method);
    let rows = taps(from.height, to.height, method);
    let mut out = vec![0.0; values.len() / (from.height * from.width) * to.height * to.width];
    let planes = out.par_chunks_exact_mut(to.height * to.width);
    planes.zip(values.par_chunks_exact(from.height * from.width)).for_each(|(out, plane)| {
        // Each input row at its new width, then the rows.
        let narrow: Vec<f32> = plane
            .chunks_exact(from.width)
            .flat_map(|row| columns.iter().map(|taps| sum(taps, |j| row[j])))
            .collect();
        for (out, taps) in out.chunks_exact_mut(to.width).zip(&rows) {
            for (x, out) in out.iter_mut().enumerate() {
                *out = sum(taps, |y| narrow[y * to.width + x]);
            }
        }
    });
    out
}

fn sum(taps: &[(usize, f32)], value: impl Fn(usize) -> f32) -> f32 {
    taps.iter().map(|(j, weight)| value(*j) * weight).sum()
}

/// Per output place: input places and their weights.
fn taps(n_in: usize, n_out: usize, method: Method) -> Vec<Vec<(usize, f32)>> {
    let place = |i: usize| match method {
        Method::Nearest => vec![(i * n_in / n_out, 1.0)],
        Method::Bilinear => {
            let x = centre(i, n_in, n_out).max(0.0);
            let first = (x.floor() as usize).min(n_in - 1);
            let t = x - first as f32;
            vec![(first, 1.0 - t), ((first + 1).min(n_in - 1), t)]
        }
        Method::Bicubic => cubic_taps(centre(i, n_in, n_out), n_in),
        Method::BicubicAlignCorners => {
            let scale = if n_out > 1 { (n_in - 1) as f32 / (n_out - 1) as f32 } else { 0.0 };
            cubic_taps(scale * i as f32, n_in)
        }
        Method::Area => {
            let covered = i * n_in / n_out..((i + 1) * n_in).div_ceil(n_out);
            let weight = 1.0 / covered.len() as f32;
            covered.map(|j| (j, weight)).collect()
        }
    };
    (0..n_out).map(place).collect()
}

/// Where the centre of output cell `i` lies among the centres of input cells.
fn centre(i: usize, n_in: usize, n_out: usize) -> f32 {
    let scale = n_in as f32 / n_out as f32;
    scale * (i as f32 + 0.5) - 0.5
}

fn cubic_taps(x: f32, n_in: usize) -> Vec<(usize, f32)> {
    const A: f32 = -0.75;
    let near = |t: f32| ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
    let far = |t: f32| ((A * t - 5.0 * A) * t + 8.0 * A) * t - 4.0 * A;

    let first = x.floor();
    let t = x - first;
    let weights = [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)];
    let place = |tap: isize| (first as isize + tap).clamp(0, n_in as isize - 1) as usize;
    (-1..=2).map(place).zip(weights).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[f32], to: usize, method: Method) -> Vec<f32> {
        let from = Size { height: 1, width: values.len() };
        resample(values, from, Size { height: 1, width: to }, method)
    }

    #[track_caller]
    fn assert_close(actual: &[f32], expected: &[f32]) {
        assert_eq!(actual.len(), expected.len());
        for (actual, expected) in actual.iter().zip(expected) {
            assert!((actual - expected).abs() < 2e-5, "{actual}, not {expected}");
        }
    }

    #[test]
    fn rows_agree_with_pytorch() {
        let squares = [0.0, 1.0, 4.0, 9.0, 16.0];
        assert_close(&row(&squares, 3, Method::Bicubic), &[0.14815, 4.0, 14.07408]);
        let wider = [-0.07872, 0.26531, 1.68222, 4.0, 7.04665, 12.46356, 16.55103];
        assert_close(&row(&squares, 7, Method::Bicubic), &wider);
        let aligned = [0.0, 0.35185, 1.77778, 4.0, 6.81482, 11.75925, 16.0];
        assert_close(&row(&squares, 7, Method::BicubicAlignCorners), &aligned);
        assert_eq!(row(&squares, 7, Method::Nearest), [0.0, 0.0, 1.0, 4.0, 4.0, 9.0, 16.0]);
        let ramp: Vec<f32> = (0..16).map(|i| i as f32).collect();
        let means = [0.5, 1.5, 2.5, 3.5, 5.0, 6.5, 7.5, 8.5, 10.0, 11.5, 12.5, 13.5, 14.5];
        assert_close(&row(&ramp, 13, Method::Area), &means);
    }

    #[test]
    fn squares_agree_with_pytorch() {
        let values = [0.0, 1.0, 2.0, 3.0];
        let resize = |side, method| {
            let from = Size { height: 2, width: 2 };
            resample(&values, from, Size { height: side, width: side }, method)
        };
        let bicubic = resize(4, Method::Bicubic);
        assert_close(&bicubic[..4], &[-0.316406, 0.015625, 0.5625, 0.894531]);
        assert_close(&bicubic[4..8], &[0.347656, 0.679688, 1.226563, 1.558594]);
        let aligned = [0.0, 0.5, 1.0, 1.0, 1.5, 2.0, 2.0, 2.5, 3.0];
        assert_close(&resize(3, Method::BicubicAlignCorners), &aligned);
        assert_close(
            &resize(4, Method::Bilinear)[..8],
            &[0., 0.25, 0.75, 1., 0.5, 0.75, 1.25, 1.5],
        );
    }

    #[test]
    fn positions_of_dino_agree_with_transformers() {
        let ramp: Vec<f32> = (0..37).map(|i| i as f32).collect();
        let shrunk = row(&ramp, 32, Method::Bicubic);
        for (value, expected) in shrunk.iter().zip([0.0587, 1.282, 2.4167, 3.5353]) {
            assert!((value - expected).abs() < 1e-4, "{value}, not {expected}");
        }
    }
}
