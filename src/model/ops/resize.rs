//! Resizes between fixed square grids, as matrices computed once.

use candle_core::{Device, Result, Tensor, bail};

use super::Linear;

/// A resize of square maps from one side to another.
#[derive(Debug)]
pub struct GridResize {
    from: usize,
    to: usize,
    /// (to², from²); `None` where the sides are equal.
    matrix: Option<Linear>,
}

impl GridResize {
    /// Area averaging, as `F.interpolate(mode="area")`: cell i averages the cells from
    /// ⌊i · from / to⌋ to ⌈(i + 1) · from / to⌉.
    ///
    /// # Errors
    /// A side of 0, or what the device reports.
    pub fn area(from: usize, to: usize, device: &Device) -> Result<Self> {
        Self::separable(from, to, device, |i| {
            let bin = i * from / to..((i + 1) * from).div_ceil(to);
            let weight = 1.0 / bin.len() as f64;
            bin.map(|j| (j, weight)).collect()
        })
    }

    /// Bicubic interpolation, as `F.interpolate(mode="bicubic", align_corners=False)`: Keys'
    /// kernel with a = −0.75, borders repeated.
    ///
    /// # Errors
    /// A side of 0, or what the device reports.
    pub fn bicubic(from: usize, to: usize, device: &Device) -> Result<Self> {
        Self::separable(from, to, device, |i| {
            let pos = (i as f64 + 0.5) * from as f64 / to as f64 - 0.5;
            let first = pos.floor();
            let taps = (-1..=2).map(|tap| {
                let j = (first as isize + tap).clamp(0, from as isize - 1);
                (j as usize, cubic(pos - first - tap as f64))
            });
            taps.collect()
        })
    }

    /// (B, C, from, from) → (B, C, to, to).
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, channels, height, width) = x.dims4()?;
        if (height, width) != (self.from, self.from) {
            bail!("a resize from {} cells a side cannot take {height}×{width}", self.from);
        }
        let Some(matrix) = &self.matrix else { return Ok(x.clone()) };
        let x = x.contiguous()?.reshape((batch, channels, self.from * self.from))?;
        matrix.forward(&x)?.reshape((batch, channels, self.to, self.to))
    }

    /// The matrix of a resize whose output cell i is, along either axis, the sum of cells times
    /// weights of `taps(i)`.
    fn separable(
        from: usize,
        to: usize,
        device: &Device,
        taps: impl Fn(usize) -> Vec<(usize, f64)>,
    ) -> Result<Self> {
        if from == 0 || to == 0 {
            bail!("a grid of {from} cells a side cannot be resized to {to}");
        }
        if from == to {
            return Ok(Self { from, to, matrix: None });
        }
        let taps: Vec<_> = (0..to).map(taps).collect();
        let mut values = vec![0.0_f64; to * to * from * from];
        for (cell, values) in values.chunks_exact_mut(from * from).enumerate() {
            for (y, weight_y) in &taps[cell / to] {
                for (x, weight_x) in &taps[cell % to] {
                    values[y * from + x] += weight_y * weight_x;
                }
            }
        }
        let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
        let matrix = Tensor::from_vec(values, (to * to, from * from), device)?;
        Ok(Self { from, to, matrix: Some(Linear::new(&matrix, None)?) })
    }
}

/// Keys' cubic kernel with a = −0.75.
fn cubic(distance: f64) -> f64 {
    const A: f64 = -0.75;
    let x = distance.abs();
    if x <= 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::storage::tests::{assert_close, assert_same, noise};
    use super::*;

    fn resized(resize: &GridResize, values: &[f32]) -> Vec<f32> {
        let side = resize.from;
        let x = Tensor::from_slice(values, (1, 1, side, side), &Device::Cpu).unwrap();
        resize.apply(&x).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn area_averages_overlapping_bins() {
        let ramp = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]; // 3 × 3
        let halves = GridResize::area(3, 2, &Device::Cpu).unwrap();
        assert_eq!(resized(&halves, &ramp), [2.0, 3.0, 5.0, 6.0]);
        let whole = GridResize::area(3, 1, &Device::Cpu).unwrap();
        assert_close_slices(&resized(&whole, &ramp), &[4.0]);
    }

    /// Against `F.interpolate(arange(9).view(1, 1, 3, 3) ** 1.5, (5, 5), mode="bicubic",
    /// align_corners=False)` of `PyTorch` 2.15.
    #[test]
    fn bicubic_is_pytorchs() {
        #[rustfmt::skip]
        let expected = [
            -0.578_206_1, -0.300_321_8, 0.328_000_4, 1.427_102_6, 2.189_714_4,
            1.175_910_8, 1.798_524, 2.958_545, 4.474_830_6, 5.464_264,
            4.926_983_4, 6.055_062, 8.0, 10.148_245, 11.485_654,
            11.043_223, 12.488_291, 14.942_4, 17.551_622, 19.156_403,
            15.232_583, 16.828_316, 19.530_209, 22.380_566, 24.129_171,
        ];
        let x: Vec<f32> = (0..9).map(|i| (i as f32).powf(1.5)).collect();
        let resize = GridResize::bicubic(3, 5, &Device::Cpu).unwrap();
        assert_close_slices(&resized(&resize, &x), &expected);
    }

    #[test]
    fn constants_stay_and_equal_sides_change_nothing() {
        for (from, to) in [(16, 11), (16, 6), (11, 16), (1, 16), (3, 16)] {
            let x = noise(&[2, 3, from, from], 1).ones_like().unwrap();
            for resize in [GridResize::area, GridResize::bicubic] {
                let y = resize(from, to, &Device::Cpu).unwrap().apply(&x).unwrap();
                assert_close(&y, &y.ones_like().unwrap(), 1e-6);
            }
        }
        let x = noise(&[1, 2, 8, 8], 2);
        let same = GridResize::area(8, 8, &Device::Cpu).unwrap();
        assert_same(&same.apply(&x).unwrap(), &x);
        assert!(same.apply(&noise(&[1, 2, 4, 4], 1)).is_err());
        assert!(GridResize::bicubic(0, 4, &Device::Cpu).is_err());
    }

    #[track_caller]
    fn assert_close_slices(actual: &[f32], expected: &[f32]) {
        let close = actual.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(close && actual.len() == expected.len(), "{actual:?} is not {expected:?}");
    }
}
