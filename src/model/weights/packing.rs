//! Weights to the compact GGUF that ships inside the program: big matrices in 8 bits, the rest in
//! 16. Used by `examples/pack_model.rs`; reading is the parent module's business.

use std::io::Cursor;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use super::{FORMAT, Weights, decode};
use crate::model::ModelError;

/// Tensors below this size stay in 16 bits: they weigh nothing and carry biases, norms and small
/// projections whose errors spread everywhere.
const MIN_QUANTISED: usize = 16_384;
/// The first and last layers of the picture's path, the codebook and its smoothing (remembered ids
/// mean what these make of them), and the tables of positions and scales.
const KEPT: [&str; 9] = [
    "tokenizer.codebook.",
    "tokenizer.phi.",
    "tokenizer.encoder.stem.",
    "tokenizer.encoder.conv_out.",
    "tokenizer.decoder.conv_out.",
    "generator.pointer.",
    "generator.scale_embed",
    "generator.memory.",
    "text.embeddings.position_embeddings.",
];

/// Writes all tensors of `weights` as GGUF: matrices and kernels, flattened to (out, rest), as
/// Q8_0; what must stay exact or has rows that are not whole blocks as F16, or as F32 where F16
/// would overflow. The same weights give the same bytes.
///
/// # Errors
/// What reading a tensor or candle's writer reports.
pub fn to_gguf(weights: &Weights, model_name: &str) -> Result<Vec<u8>, ModelError> {
    let mut tensors = Vec::new();
    for (name, shape) in weights.tensors() {
        let (values, _) = weights.load(name, None)?;
        let stored_shape = flattened(shape);
        let dtype = storage_of(name, &stored_shape, shape.len(), &values);
        let tensor = Tensor::from_vec(values, stored_shape, &Device::Cpu)?;
        tensors.push((name, QTensor::quantize(&tensor, dtype)?));
    }
    let metadata = [
        ("general.architecture", Value::String("underpaint".to_owned())),
        ("general.name", Value::String(model_name.to_owned())),
        ("underpaint.format", Value::U32(FORMAT as u32)),
    ];
    let metadata: Vec<_> = metadata.iter().map(|(key, value)| (*key, value)).collect();
    let tensors: Vec<_> = tensors.iter().map(|(name, tensor)| (*name, tensor)).collect();
    let mut file = Cursor::new(Vec::new());
    gguf_file::write(&mut file, &metadata, &tensors)?;
    Ok(file.into_inner())
}

/// Kernels (out, in, k, k) become (out, in·k·k), so that their rows are long enough for blocks; a
/// single number becomes a vector, because GGUF has no scalars.
fn flattened(shape: &[usize]) -> Vec<usize> {
    match shape {
        [] => vec![1],
        [out, rest @ ..] if shape.len() == 4 => vec![*out, rest.iter().product()],
        _ => shape.to_owned(),
    }
}

fn storage_of(name: &str, stored_shape: &[usize], rank: usize, values: &[f32]) -> GgmlDType {
    let is_matrix = matches!(rank, 2 | 4);
    let has_whole_blocks =
        stored_shape.last().is_some_and(|row| row.is_multiple_of(decode::Q8_0_VALUES));
    let is_kept = KEPT.iter().any(|prefix| name.starts_with(prefix));
    if is_matrix && has_whole_blocks && !is_kept && values.len() >= MIN_QUANTISED {
        GgmlDType::Q8_0
    } else if values.iter().all(|value| half::f16::from_f32(*value).is_finite()) {
        GgmlDType::F16
    } else {
        GgmlDType::F32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_quantised_and_delicate_tensors_kept() {
        let values = vec![0.5; 32_768];
        let storage = |name, shape: &[usize]| {
            let n: usize = shape.iter().product();
            storage_of(name, &flattened(shape), shape.len(), &values[..n])
        };
        assert_eq!(storage("generator.head.weight", &[128, 256]), GgmlDType::Q8_0);
        assert_eq!(
            storage("generator.control.lines.conv1.weight", &[32, 32, 3, 3]),
            GgmlDType::F16
        );
        assert_eq!(storage("tokenizer.decoder.up0.weight", &[64, 32, 3, 3]), GgmlDType::Q8_0);
        assert_eq!(storage("tokenizer.codebook.weight", &[512, 32]), GgmlDType::F16);
        assert_eq!(storage("generator.blocks.0.modulation", &[8, 6, 256]), GgmlDType::F16);
        assert_eq!(storage("generator.head.weight", &[400, 50]), GgmlDType::F16);
        assert_eq!(storage("generator.pos_scale", &[]), GgmlDType::F16);
        assert_eq!(storage_of("a.bias", &[1], 1, &[7e4]), GgmlDType::F32);
    }
}
