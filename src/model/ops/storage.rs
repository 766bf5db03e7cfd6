//! From candle's CPU storage to slices.

use candle_core::{CpuStorage, Layout, Result, bail};

/// The values of a contiguous `f32` tensor.
pub(in crate::model) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("a tensor of shape {:?} is not contiguous", layout.shape());
    };
    Ok(&storage.as_slice::<f32>()?[start..end])
}

/// Where the rows of the last dimension start in the storage, in order. That dimension must be
/// contiguous; the others may have any stride.
pub(super) fn row_starts(layout: &Layout) -> Vec<usize> {
    let outer = layout.dims().len().saturating_sub(1);
    let mut starts = vec![layout.start_offset()];
    for (n, stride) in layout.dims()[..outer].iter().zip(layout.stride()) {
        starts = starts.iter().flat_map(|start| (0..*n).map(move |i| start + i * stride)).collect();
    }
    starts
}

#[cfg(test)]
pub(super) mod tests {
    use candle_core::{Device, Tensor};

    /// Values in [-1, 1) that look random; the same for the same arguments.
    pub(in super::super) fn noise(dims: &[usize], seed: u64) -> Tensor {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let values: Vec<f32> = (0..dims.iter().product())
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 40) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect();
        Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
    }

    /// Fails unless shapes are equal and no value is off by more than `tolerance`.
    #[track_caller]
    pub(in super::super) fn assert_close(actual: &Tensor, expected: &Tensor, tolerance: f32) {
        assert_eq!(actual.dims(), expected.dims());
        let difference = (actual - expected).unwrap().abs().unwrap().flatten_all().unwrap();
        let difference = difference.max(0).unwrap().to_scalar::<f32>().unwrap();
        assert!(difference <= tolerance, "off by {difference}, allowed {tolerance}");
    }

    /// Fails unless both tensors hold the same bits.
    #[track_caller]
    pub(in super::super) fn assert_same(actual: &Tensor, expected: &Tensor) {
        assert_eq!(actual.dims(), expected.dims());
        let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(values(actual) == values(expected), "values differ");
    }
}
