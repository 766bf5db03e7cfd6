//! Tensors in blocks of few bits per value, as GGUF files hold them.

use std::borrow::Cow;

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Result};

/// Takes blocks over as they are stored. `stored` has the length that `shape` asks for.
///
/// # Errors
/// Rows that are no whole number of blocks, or what the device reports.
pub(super) fn quantised(
    format: GgmlDType,
    stored: &[u8],
    shape: &[usize],
    device: &Device,
) -> Result<QTensor> {
    // candle reads blocks as structures, at even addresses; a file may have them anywhere.
    let mut aligned = vec![0_u64; stored.len().div_ceil(size_of::<u64>())];
    let bytes = &mut bytemuck::cast_slice_mut::<u64, u8>(&mut aligned)[..stored.len()];
    bytes.copy_from_slice(stored);
    QTensor::new(QStorage::from_data(Cow::Borrowed(bytes), device, format)?, shape)
}
