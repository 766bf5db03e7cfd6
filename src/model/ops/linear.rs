//! Linear layers. On the CPU the weights are packed when they are loaded, which matters with few
//! rows: a general matrix product would reorder the whole weight matrix at every call.

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, bail,
};
use candle_nn::VarBuilder;

use super::direct::Direct;
use super::panels::whole_panels;
use super::share::{Extent, Finish, Task, run};
use super::storage::values;

/// `y = x · weightᵀ + bias`.
#[derive(Debug)]
pub struct Linear {
    in_dim: usize,
    out_dim: usize,
    method: Method,
}

#[derive(Debug)]
enum Method {
    /// On the CPU. The bias has one value for every column of every panel.
    Packed { layer: Direct, bias: Vec<f32> },
    /// Anywhere: weight (O, I).
    Candle(candle_nn::Linear),
}

impl Linear {
    /// Reads `weight` (O, I) and, if there is one, `bias` (O).
    ///
    /// # Errors
    /// A missing or mis-shaped tensor.
    pub fn load(vb: VarBuilder<'_>, in_dim: usize, out_dim: usize) -> Result<Self> {
        let weight = vb.get((out_dim, in_dim), "weight")?;
        let bias = if vb.contains_tensor("bias") { Some(vb.get(out_dim, "bias")?) } else { None };
        Self::new(&weight, bias.as_ref())
    }

    /// `weight` (O, I), `bias` (O).
    ///
    /// # Errors
    /// Another shape or type.
    pub fn new(weight: &Tensor, bias: Option<&Tensor>) -> Result<Self> {
        let (out_dim, in_dim) = weight.dims2()?;
        if in_dim == 0 || out_dim == 0 {
            bail!("a linear layer needs values, not {in_dim} to {out_dim}");
        }
        if let Some(bias) = bias
            && bias.dims() != [out_dim]
        {
            bail!("a bias of shape {:?} does not fit {out_dim} outputs", bias.dims());
        }
        let method = if weight.device().is_cpu() {
            let layer = Direct::new(in_dim, out_dim, 1, 1, &weight.flatten_all()?.to_vec1()?);
            let bias = bias.map_or(Ok(Vec::new()), Tensor::to_vec1)?;
            Method::Packed { layer, bias: whole_panels(bias, out_dim) }
        } else {
            Method::Candle(candle_nn::Linear::new(weight.clone(), bias.cloned()))
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
            Method::Packed { .. } => x.contiguous()?.apply_op1_no_bwd(&Forward(self)),
            Method::Candle(linear) => candle_core::Module::forward(linear, x),
        }
    }

    /// `residual + gain ·` [`Self::forward`]; `residual` has the shape of the result, `gain` (O).
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn forward_add(
        &self,
        x: &Tensor,
        residual: &Tensor,
        gain: Option<&Tensor>,
    ) -> Result<Tensor> {
        let out_dims = self.out_dims(x.dims())?;
        if residual.dims() != out_dims {
            bail!("a residual of shape {:?} cannot be added to {out_dims:?}", residual.dims());
        }
        if let Some(gain) = gain
            && gain.dims() != [self.out_dim]
        {
            bail!("a gain of shape {:?} does not fit {} outputs", gain.dims(), self.out_dim);
        }
        match (&self.method, gain) {
            (Method::Packed { .. }, gain) => {
                let (x, residual) = (x.contiguous()?, residual.contiguous()?);
                match gain {
                    Some(gain) => {
                        x.apply_op3_no_bwd(&residual, &gain.contiguous()?, &Forward(self))
                    }
                    None => x.apply_op2_no_bwd(&residual, &Forward(self)),
                }
            }
            (Method::Candle(_), Some(gain)) => residual + self.forward(x)?.broadcast_mul(gain)?,
            (Method::Candle(_), None) => residual + self.forward(x)?,
        }
    }

    fn out_dims(&self, dims: &[usize]) -> Result<Vec<usize>> {
        match dims.split_last() {
            Some((last, outer)) if *last == self.in_dim => Ok([outer, &[self.out_dim]].concat()),
            _ => bail!("a linear layer of {} inputs cannot take {dims:?}", self.in_dim),
        }
    }
}

/// A linear layer as candle's custom operation.
struct Forward<'a>(&'a Linear);

impl Forward<'_> {
    fn run(
        &self,
        (storage, layout): (&CpuStorage, &Layout),
        residual: Option<(&CpuStorage, &Layout)>,
        gain: Option<(&CpuStorage, &Layout)>,
    ) -> Result<(CpuStorage, Shape)> {
        let Method::Packed { layer, bias } = &self.0.method else {
            bail!("a linear layer of another device met a CPU tensor");
        };
        let input = values(storage, layout)?;
        let extent = Extent { batch: 1, height: input.len() / self.0.in_dim, width: 1 };
        let residual = residual.map(|(storage, layout)| values(storage, layout)).transpose()?;
        let gain = gain.map(|(storage, layout)| values(storage, layout)).transpose()?;
        let task = Task {
            input,
            in_extent: extent,
            out_extent: extent,
            out_channels: self.0.out_dim,
            finish: Finish { bias, silu: false, gain, residual },
        };
        Ok((CpuStorage::F32(run(layer, &task)), self.0.out_dims(layout.dims())?.into()))
    }
}

impl CustomOp1 for Forward<'_> {
    fn name(&self) -> &'static str {
        "linear-packed"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.run((x, layout), None, None)
    }
}

/// With a residual.
impl CustomOp2 for Forward<'_> {
    fn name(&self) -> &'static str {
        "linear-packed-add"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.run((x, layout), Some((residual, residual_layout)), None)
    }
}

/// With a residual and a gain.
impl CustomOp3 for Forward<'_> {
    fn name(&self) -> &'static str {
        "linear-packed-gain-add"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
        gain: &CpuStorage,
        gain_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.run((x, layout), Some((residual, residual_layout)), Some((gain, gain_layout)))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Module as _;

    use super::super::storage::tests::{assert_close, assert_same, noise};
    use super::*;

    #[test]
    fn agrees_with_candle() {
        for (in_dim, out_dim) in [(256, 704), (32, 5), (7, 33), (384, 512)] {
            let weight = noise(&[out_dim, in_dim], 1);
            let bias = noise(&[out_dim], 2);
            let layer = Linear::new(&weight, Some(&bias)).unwrap();
            let candle = candle_nn::Linear::new(weight, Some(bias));
            for n_rows in [1, 2, 4, 36, 121, 512] {
                let x = noise(&[1, n_rows, in_dim], 3);
                assert_close(&layer.forward(&x).unwrap(), &candle.forward(&x).unwrap(), 1e-4);
            }
        }
    }

    #[test]
    fn residual_and_gain_agree_with_candle() {
        let (weight, bias, gain) = (noise(&[33, 40], 1), noise(&[33], 2), noise(&[33], 3));
        let layer = Linear::new(&weight, Some(&bias)).unwrap();
        let (x, residual) = (noise(&[2, 9, 40], 4), noise(&[2, 9, 33], 5));
        let plain = candle_nn::Linear::new(weight, Some(bias)).forward(&x).unwrap();
        let expected = (&residual + plain.broadcast_mul(&gain).unwrap()).unwrap();
        assert_close(&layer.forward_add(&x, &residual, Some(&gain)).unwrap(), &expected, 1e-5);
        let expected = (&residual + plain).unwrap();
        assert_close(&layer.forward_add(&x, &residual, None).unwrap(), &expected, 1e-5);
        assert!(layer.forward_add(&x, &x, None).is_err());
        assert!(layer.forward_add(&x, &residual, Some(&noise(&[40], 1))).is_err());
    }

    #[test]
    fn a_row_is_the_same_alone_and_among_others() {
        let layer = Linear::new(&noise(&[96, 64], 1), None).unwrap();
        let x = noise(&[200, 64], 2);
        let together = layer.forward(&x).unwrap();
        for row in [0, 99, 199] {
            let alone = layer.forward(&x.narrow(0, row, 1).unwrap()).unwrap();
            assert_same(&alone, &together.narrow(0, row, 1).unwrap());
        }
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let layer = Linear::new(&noise(&[4, 8], 1), None).unwrap();
        assert!(layer.forward(&noise(&[2, 9], 1)).is_err());
        assert!(Linear::new(&noise(&[4, 8], 1), Some(&noise(&[8], 1))).is_err());
    }
}
