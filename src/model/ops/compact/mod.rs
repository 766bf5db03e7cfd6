//! Linear layers whose weights are held in fewer bits than they are computed in. With few rows the
//! time of a linear layer is that of reading its weights, so half the bits are half the time.
//!
//! On the CPU only the weights are rounded: rows of activations become 16-bit numbers with a factor
//! per 32 values, which is far finer than the weights, and products are summed as whole
//! numbers. As everywhere in [`super`], a row gives the same bits alone and among others.

mod block;
mod rows;
mod brain;
mod eight;
mod four;
mod product;
pub(in crate::model) mod rounding;

use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, DType, Layout, Module as _, Result, Shape, Tensor, bail,
};

use super::storage::values;
use block::pack;
use brain::BrainBlock;
use eight::EightBlock;
use four::FourBlock;
use product::{Residual, product};

/// How the weights of a [`CompactLinear`] are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightFormat {
    /// The upper half of F32.
    Bf16,
    /// 8 bits and a factor per 32 weights of a row: what GGUF calls `Q8_0`.
    Eight,
    /// 4 bits, a factor and an offset per 32 weights of a row: what GGUF calls `Q4_1`.
    Four,
}

/// `y = x · weightᵀ` with the weights in a [`WeightFormat`].
#[derive(Debug)]
pub struct CompactLinear {
    in_dim: usize,
    out_dim: usize,
    method: Method,
}

/// On the CPU, the blocks of each tile of outputs one behind the other.
#[derive(Debug)]
enum Method {
    Brain(Vec<BrainBlock>),
    Eight(Vec<EightBlock>),
    Four(Vec<FourBlock>),
    /// On other devices.
    Candle(QMatMul),
    CandleBrain(Tensor),
}

impl CompactLinear {
    /// Rounds `weight` (O, I).
    ///
    /// # Errors
    /// Another shape or type; on devices that are not the CPU also an I that is no multiple of 32.
    pub fn new(weight: &Tensor, format: WeightFormat) -> Result<Self> {
        let (out_dim, in_dim) = weight.dims2()?;
        if in_dim == 0 || out_dim == 0 {
            bail!("a linear layer needs values, not {in_dim} to {out_dim}");
        }
        let method = if weight.device().is_cpu() {
            let weight: Vec<f32> = weight.flatten_all()?.to_vec1()?;
            match format {
                WeightFormat::Bf16 => Method::Brain(pack(&weight, in_dim)),
                WeightFormat::Eight => Method::Eight(pack(&weight, in_dim)),
                WeightFormat::Four => Method::Four(pack(&weight, in_dim)),
            }
        } else {
            match format {
                WeightFormat::Bf16 => Method::CandleBrain(weight.to_dtype(DType::BF16)?),
                WeightFormat::Eight => through_candle(weight, GgmlDType::Q8_0)?,
                WeightFormat::Four => through_candle(weight, GgmlDType::Q4_1)?,
            }
        };
        Ok(Self { in_dim, out_dim, method })
    }

    /// (…, I) → (…, O).
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.out_dims(x.dims())?;
        match &self.method {
            Method::Candle(matrix) => matrix.forward(x),
            Method::CandleBrain(weight) => {
                x.to_dtype(DType::BF16)?.broadcast_matmul(&weight.t()?)?.to_dtype(DType::F32)
            }
            _ => x.contiguous()?.apply_op1_no_bwd(&Forward(self)),
        }
    }

    /// `residual +` [`Self::forward`]; `residual` has the shape of the result.
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn forward_add(&self, x: &Tensor, residual: &Tensor) -> Result<Tensor> {
        let out_dims = self.out_dims(x.dims())?;
        if residual.dims() != out_dims {
            bail!("a residual of shape {:?} cannot be added to {out_dims:?}", residual.dims());
        }
        match &self.method {
            Method::Candle(_) | Method::CandleBrain(_) => residual + self.forward(x)?,
            _ => x.contiguous()?.apply_op2_no_bwd(&residual.contiguous()?, &Forward(self)),
        }
    }

    fn out_dims(&self, dims: &[usize]) -> Result<Vec<usize>> {
        match dims.split_last() {
            Some((last, outer)) if *last == self.in_dim => Ok([outer, &[self.out_dim]].concat()),
            _ => bail!("a linear layer of {} inputs cannot take {dims:?}", self.in_dim),
        }
    }
}

fn through_candle(weight: &Tensor, dtype: GgmlDType) -> Result<Method> {
    Ok(Method::Candle(QMatMul::from_qtensor(QTensor::quantize(weight, dtype)?)?))
}

/// The layer as candle's custom operation.
struct Forward<'a>(&'a CompactLinear);

impl Forward<'_> {
    fn run(
        &self,
        (storage, layout): (&CpuStorage, &Layout),
        residual: Residual<'_>,
    ) -> Result<(CpuStorage, Shape)> {
        let CompactLinear { in_dim, out_dim, method } = self.0;
        let x = values(storage, layout)?;
        let out = match method {
            Method::Brain(blocks) => product(blocks, x, *in_dim, *out_dim, residual),
            Method::Eight(blocks) => product(blocks, x, *in_dim, *out_dim, residual),
            Method::Four(blocks) => product(blocks, x, *in_dim, *out_dim, residual),
            _ => bail!("a linear layer of another device met a CPU tensor"),
        };
        Ok((CpuStorage::F32(out), self.0.out_dims(layout.dims())?.into()))
    }
}

impl CustomOp1 for Forward<'_> {
    fn name(&self) -> &'static str {
        "linear-compact"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.run((x, layout), None)
    }
}

/// With a residual.
impl CustomOp2 for Forward<'_> {
    fn name(&self) -> &'static str {
        "linear-compact-add"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.run((x, layout), Some(values(residual, residual_layout)?))
    }
}

#[cfg(test)]
mod tests;
