//! Weights of the right shapes that nobody has trained: the same name gives the same numbers, and
//! only what is asked for is ever in memory.

use candle_core::{DType, Device, Result, Shape, Tensor};
use candle_nn::VarBuilder;
use candle_nn::var_builder::SimpleBackend;
use rayon::prelude::*;

/// Makes up every tensor that it is asked for.
#[derive(Debug)]
pub(crate) struct RandomWeights;

/// Where networks get their random tensors from, on the CPU.
pub(crate) fn random_weights() -> VarBuilder<'static> {
    let backend: Box<dyn SimpleBackend> = Box::new(RandomWeights);
    VarBuilder::from_backend(backend, DType::F32, Device::Cpu)
}

impl SimpleBackend for RandomWeights {
    /// Vectors are those of norms, 1, or biases, 0; matrices keep the size of what they multiply.
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: candle_nn::Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        let dims = shape.dims();
        let values = if dims.len() < 2 {
            vec![if name.ends_with("bias") { 0.0 } else { 1.0 }; shape.elem_count()]
        } else {
            let limit = (3.0 / dims[1..].iter().product::<usize>() as f32).sqrt();
            let seed = name
                .bytes()
                .fold(1_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
            noise(shape.elem_count(), seed, limit)
        };
        Tensor::from_vec(values, shape, device)?.to_dtype(dtype)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        candle_core::bail!("nobody knows the shape of {name}")
    }

    fn contains_tensor(&self, name: &str) -> bool {
        !name.ends_with("bias")
    }
}

/// Evenly distributed in ±`limit`.
pub(crate) fn noise(n: usize, seed: u64, limit: f32) -> Vec<f32> {
    const CHUNK: usize = 1 << 14;
    let mut values = vec![0.0; n];
    values.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, values)| {
        let mut state = (seed ^ (chunk as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)) | 1;
        for value in values {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *value = ((state >> 40) as f32 / (1 << 23) as f32 - 1.0) * limit;
        }
    });
    values
}
