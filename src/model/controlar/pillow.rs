//! Resizing bytes as the Python library Pillow does it with its bicubic filter: anti-aliased, in
//! integers, so that the same bytes come out everywhere.

use super::resample::Size;

/// Weights are stored with this many bits behind the point.
const PRECISION_BITS: u32 = 22;

/// One output place along an axis: the first input place and the weights from there on.
struct Tap {
    first: usize,
    weights: Vec<i64>,
}

/// Resizes planes of bytes that lie one after the other, `from.height × from.width` each. Columns
/// first, rounded to bytes, then rows. No side of either size may be 0.
pub fn bicubic(bytes: &[u8], from: Size, to: Size) -> Vec<u8> {
    let columns = taps(from.width, to.width);
    let rows = taps(from.height, to.height);
    let mut out = Vec::new();
    for plane in bytes.chunks_exact(from.height * from.width) {
        let mut narrow = Vec::with_capacity(from.height * to.width);
        for row in plane.chunks_exact(from.width) {
            narrow.extend(columns.iter().map(|tap| tap.apply(|j| row[j])));
        }
        for tap in &rows {
            out.extend((0..to.width).map(|x| tap.apply(|y| narrow[y * to.width + x])));
        }
    }
    out
}

impl Tap {
    fn apply(&self, byte: impl Fn(usize) -> u8) -> u8 {
        let half = 1 << (PRECISION_BITS - 1);
        let products = self.weights.iter().enumerate();
        let sum: i64 = products.map(|(j, w)| w * i64::from(byte(self.first + j))).sum();
        ((sum + half) >> PRECISION_BITS).clamp(0, 255) as u8
    }
}

fn taps(n_in: usize, n_out: usize) -> Vec<Tap> {
    let ratio = n_in as f64 / n_out as f64;
    let scale = ratio.max(1.0);
    let reach = 2.0 * scale;
    let tap = |i: usize| {
        let centre = (i as f64 + 0.5) * ratio;
        // Towards zero, as casts do there.
        let first = (centre - reach + 0.5).max(0.0) as usize;
        let end = ((centre + reach + 0.5) as usize).min(n_in);
        let weights: Vec<f64> =
            (first..end).map(|j| kernel((j as f64 - centre + 0.5) / scale)).collect();
        let sum: f64 = weights.iter().sum();
        let unit = f64::from(1_u32 << PRECISION_BITS);
        let weights = weights.iter().map(|weight| (weight / sum * unit).round() as i64).collect();
        Tap { first, weights }
    };
    (0..n_out).map(tap).collect()
}

/// Keys' cubic kernel with a = −0.5.
fn kernel(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_picture_stays_flat_and_the_same_size_changes_nothing() {
        let from = Size { height: 5, width: 7 };
        let flat = bicubic(&[200; 35], from, Size { height: 3, width: 11 });
        assert_eq!(flat, [200; 33]);
        let bytes: Vec<u8> = (0..35).map(|i| (i * 7) as u8).collect();
        assert_eq!(bicubic(&bytes, from, from), bytes);
    }
}
