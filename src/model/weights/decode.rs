//! Stored numbers to F32, on all cores.

use candle_core::Device;
use half::f16;
use half::slice::HalfFloatSliceExt as _;
use rayon::prelude::*;

use super::{Encoding, blocks};

/// Values in a Q8_0 block, and its size in bytes.
pub(super) const Q8_0_VALUES: usize = 32;
pub(super) const Q8_0_BYTES: usize = 34;

/// Values decoded by one task; a multiple of every block.
const CHUNK: usize = 1 << 15;

/// Decodes `n` values. `None` if one of them is infinite or not a number.
///
/// `stored` has the length that `encoding` takes for `n` values, and `encoding` is a known one.
pub(super) fn to_f32(encoding: &Encoding, stored: &[u8], n: usize) -> Option<Vec<f32>> {
    let mut values = vec![0.0; n];
    let n_chunk_bytes = encoding.n_bytes(CHUNK).expect("a chunk is a multiple of every block");
    let chunks = values.par_chunks_mut(CHUNK).zip(stored.par_chunks(n_chunk_bytes));
    let all_finite = chunks
        .map(|(values, stored)| {
            decode_chunk(encoding, stored, values);
            // No early exit: the loop without branches is several times faster.
            values.iter().fold(true, |finite, value| finite & value.is_finite())
        })
        .reduce(|| true, |a, b| a & b);
    all_finite.then_some(values)
}

fn decode_chunk(encoding: &Encoding, stored: &[u8], values: &mut [f32]) {
    match encoding {
        Encoding::F32 => {
            for (value, bytes) in values.iter_mut().zip(stored.as_chunks().0) {
                *value = f32::from_le_bytes(*bytes);
            }
        }
        Encoding::F16 => {
            let halves: Vec<f16> =
                stored.as_chunks().0.iter().map(|bytes| f16::from_le_bytes(*bytes)).collect();
            halves.convert_to_f32_slice(values);
        }
        Encoding::Bf16 => {
            for (value, bytes) in values.iter_mut().zip(stored.as_chunks().0) {
                *value = f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16);
            }
        }
        Encoding::Q8_0 => {
            let blocks = values.as_chunks_mut::<Q8_0_VALUES>().0;
            for (block, bytes) in blocks.iter_mut().zip(stored.as_chunks::<Q8_0_BYTES>().0) {
                let factor = f16::from_le_bytes([bytes[0], bytes[1]]).to_f32();
                for (value, byte) in block.iter_mut().zip(&bytes[2..]) {
                    *value = f32::from(byte.cast_signed()) * factor;
                }
            }
        }
        Encoding::Blocks(dtype) => {
            let decoded = blocks::quantised(*dtype, stored, &[values.len()], &Device::Cpu)
                .and_then(|blocks| blocks.dequantize(&Device::Cpu)?.to_vec1::<f32>());
            match decoded {
                Ok(decoded) => values.copy_from_slice(&decoded),
                // Told as numbers that are none.
                Err(_) => values.fill(f32::NAN),
            }
        }
        Encoding::Other(_) => unreachable!("only known encodings are decoded"),
    }
}
