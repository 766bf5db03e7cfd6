//! Convolutions: 3×3 with padding 1 or 1×1 without, stride 1 or 2.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, bail};
use candle_nn::VarBuilder;

use super::direct::Direct;
use super::layout::{nchw_from_nhwc, nhwc_from_nchw};
use super::panels::whole_panels;
use super::share::{Algorithm, Extent, Finish, Task, run};
use super::storage::values;
use super::winograd::Winograd;

/// Size of transformed weights up to which 4×4 tiles are taken. Beyond it 2×2 tiles are about as
/// fast, since reading the weights is what takes the time, and need less than half the memory.
const MAX_TRANSFORMED_BYTES: usize = 6 << 20;

/// A convolution with its weights ready for the device they are on.
#[derive(Debug)]
pub struct Conv2d {
    in_channels: usize,
    out_channels: usize,
    kernel: usize,
    stride: usize,
    silu: bool,
    method: Method,
}

#[derive(Debug)]
enum Method {
    /// On the CPU. The bias has one value for every channel of every panel.
    Packed { algorithm: Box<dyn Algorithm>, bias: Vec<f32> },
    /// Anywhere: weight (O, I, k, k), bias (1, O, 1, 1).
    Candle { weight: Tensor, bias: Option<Tensor> },
}

impl Conv2d {
    /// Reads `weight` (O, I, k, k) and, if there is one, `bias` (O). `kernel` is 3 (padding 1) or
    /// 1 (no padding), `stride` 1 or 2. On the CPU it takes the fastest method for the shape, which
    /// is off by about 1e-5 of the outputs' size.
    ///
    /// # Errors
    /// A missing or mis-shaped tensor, or another kernel or stride.
    pub fn load(
        vb: VarBuilder<'_>,
        in_channels: usize,
        out_channels: usize,
        kernel: usize,
        stride: usize,
    ) -> Result<Self> {
        let conv = Self::read(&vb, in_channels, out_channels, kernel, stride)?;
        if vb.device().is_cpu() { conv.packed(fastest) } else { Ok(conv) }
    }

    /// Like [`Self::load`], but always sums the plain products: about half as fast where tiles
    /// could be used, off by about 1e-6, and in no more memory than the weights have.
    ///
    /// # Errors
    /// Those of [`Self::load`].
    pub fn load_plain(
        vb: VarBuilder<'_>,
        in_channels: usize,
        out_channels: usize,
        kernel: usize,
        stride: usize,
    ) -> Result<Self> {
        let conv = Self::read(&vb, in_channels, out_channels, kernel, stride)?;
        if vb.device().is_cpu() { conv.packed(plain) } else { Ok(conv) }
    }

    /// The same convolution followed by `SiLU`.
    #[must_use]
    pub fn with_silu(self) -> Self {
        Self { silu: true, ..self }
    }

    /// (B, I, H, W) → (B, O, H / stride, W / stride), odd sides rounded up.
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        nchw_from_nhwc(&self.forward_nhwc(&nhwc_from_nchw(x)?)?)
    }

    /// (B, H, W, I) → (B, H / stride, W / stride, O), odd sides rounded up.
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn forward_nhwc(&self, x: &Tensor) -> Result<Tensor> {
        self.out_dims(x.dims())?;
        match &self.method {
            Method::Packed { .. } => x.contiguous()?.apply_op1_no_bwd(&Forward(self)),
            Method::Candle { weight, bias } => self.through_candle(x, weight, bias.as_ref()),
        }
    }

    /// `residual +` [`Self::forward_nhwc`]; `residual` has the shape of the result.
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn forward_nhwc_add(&self, x: &Tensor, residual: &Tensor) -> Result<Tensor> {
        let out_dims = self.out_dims(x.dims())?;
        if residual.dims() != out_dims {
            bail!("a residual of shape {:?} cannot be added to {out_dims:?}", residual.dims());
        }
        match &self.method {
            Method::Packed { .. } => {
                x.contiguous()?.apply_op2_no_bwd(&residual.contiguous()?, &Forward(self))
            }
            Method::Candle { weight, bias } => {
                self.through_candle(x, weight, bias.as_ref())? + residual
            }
        }
    }

    fn read(
        vb: &VarBuilder<'_>,
        in_channels: usize,
        out_channels: usize,
        kernel: usize,
        stride: usize,
    ) -> Result<Self> {
        if in_channels == 0 || out_channels == 0 {
            bail!("a convolution needs channels, not {in_channels} to {out_channels}");
        }
        if !matches!((kernel, stride), (1 | 3, 1 | 2)) {
            bail!("convolutions have kernel 1 or 3 and stride 1 or 2, not {kernel} and {stride}");
        }
        let weight = vb.get((out_channels, in_channels, kernel, kernel), "weight")?;
        let bias = if vb.contains_tensor("bias") {
            Some(vb.get(out_channels, "bias")?.reshape((1, out_channels, 1, 1))?)
        } else {
            None
        };
        let method = Method::Candle { weight, bias };
        Ok(Self { in_channels, out_channels, kernel, stride, silu: false, method })
    }

    /// Packs the weights for the CPU.
    fn packed(self, pack: impl Fn(&Self, &[f32]) -> Box<dyn Algorithm>) -> Result<Self> {
        let Method::Candle { weight, bias } = &self.method else { return Ok(self) };
        let algorithm = pack(&self, &weight.flatten_all()?.to_vec1::<f32>()?);
        let bias = match bias {
            Some(bias) => bias.flatten_all()?.to_vec1()?,
            None => Vec::new(),
        };
        let bias = whole_panels(bias, self.out_channels);
        Ok(Self { method: Method::Packed { algorithm, bias }, ..self })
    }

    fn out_dims(&self, dims: &[usize]) -> Result<[usize; 4]> {
        match *dims {
            [batch, height, width, channels] if channels == self.in_channels => {
                let [height, width] = [height, width].map(|side| side.div_ceil(self.stride));
                Ok([batch, height, width, self.out_channels])
            }
            _ => bail!("a convolution of {} channels cannot take {dims:?}", self.in_channels),
        }
    }

    fn through_candle(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let x = x.permute((0, 3, 1, 2))?.contiguous()?;
        let mut y = x.conv2d(weight, self.kernel / 2, self.stride, 1, 1)?;
        if let Some(bias) = bias {
            y = y.broadcast_add(bias)?;
        }
        if self.silu {
            y = y.silu()?;
        }
        y.permute((0, 2, 3, 1))?.contiguous()
    }
}

fn fastest(conv: &Conv2d, weight: &[f32]) -> Box<dyn Algorithm> {
    let &Conv2d { in_channels, out_channels, kernel, stride, .. } = conv;
    let suits = kernel == 3 && stride == 1 && Winograd::<4>::suits(in_channels, out_channels);
    if !suits {
        plain(conv, weight)
    } else if Winograd::<4>::bytes_for(in_channels, out_channels) <= MAX_TRANSFORMED_BYTES {
        Box::new(Winograd::<4>::new(in_channels, out_channels, weight))
    } else {
        Box::new(Winograd::<2>::new(in_channels, out_channels, weight))
    }
}

fn plain(conv: &Conv2d, weight: &[f32]) -> Box<dyn Algorithm> {
    let &Conv2d { in_channels, out_channels, kernel, stride, .. } = conv;
    Box::new(Direct::new(in_channels, out_channels, kernel, stride, weight))
}

/// A convolution as candle's custom operation.
struct Forward<'a>(&'a Conv2d);

impl Forward<'_> {
    fn compute(
        &self,
        storage: &CpuStorage,
        layout: &Layout,
        residual: Option<&[f32]>,
    ) -> Result<(CpuStorage, Shape)> {
        let Method::Packed { algorithm, bias } = &self.0.method else {
            bail!("a convolution of another device met a CPU tensor");
        };
        let out_dims = self.0.out_dims(layout.dims())?;
        let task = Task {
            input: values(storage, layout)?,
            in_extent: Extent::of(layout.dims()),
            out_extent: Extent::of(&out_dims),
            out_channels: self.0.out_channels,
            finish: Finish { bias, silu: self.0.silu, gain: None, residual },
        };
        Ok((CpuStorage::F32(run(&**algorithm, &task)), out_dims.as_slice().into()))
    }
}

impl CustomOp1 for Forward<'_> {
    fn name(&self) -> &'static str {
        "conv2d-nhwc"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.compute(storage, layout, None)
    }
}

impl CustomOp2 for Forward<'_> {
    fn name(&self) -> &'static str {
        "conv2d-nhwc-add"
    }

    fn cpu_fwd(
        &self,
        storage: &CpuStorage,
        layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.compute(storage, layout, Some(values(residual, residual_layout)?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use candle_core::{DType, Device};

    use super::super::storage::tests::{assert_close, assert_same, noise};
    use super::*;

    /// (I, O, kernel, stride); tiles of 4, tiles of 2 and plain products, whole and broken panels.
    const SHAPES: [(usize, usize, usize, usize); 8] = [
        (64, 64, 3, 1),
        (16, 32, 3, 1),
        (224, 256, 3, 1),
        (5, 7, 3, 1),
        (40, 33, 3, 2),
        (130, 64, 3, 2),
        (48, 96, 1, 1),
        (9, 40, 1, 2),
    ];

    fn read(in_channels: usize, out_channels: usize, kernel: usize, stride: usize) -> Conv2d {
        let scale = 1.0 / ((in_channels * kernel * kernel) as f64).sqrt();
        let weight = (noise(&[out_channels, in_channels, kernel, kernel], 1) * scale).unwrap();
        let bias = noise(&[out_channels], 2);
        let tensors = HashMap::from([("weight".to_owned(), weight), ("bias".to_owned(), bias)]);
        let vb = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
        Conv2d::read(&vb, in_channels, out_channels, kernel, stride).unwrap()
    }

    #[test]
    fn agrees_with_candle() {
        for (i, o, kernel, stride) in SHAPES {
            for (batch, height, width) in [(1, 16, 16), (3, 9, 13), (2, 32, 32), (1, 1, 2)] {
                let candle = read(i, o, kernel, stride).with_silu();
                let x = noise(&[batch, height, width, i], 3);
                let expected = candle.forward_nhwc(&x).unwrap();
                let residual = noise(expected.dims(), 4);
                let expected_sum = (&expected + &residual).unwrap();
                for pack in [fastest, plain] {
                    let conv = read(i, o, kernel, stride).with_silu().packed(pack).unwrap();
                    assert_close(&conv.forward_nhwc(&x).unwrap(), &expected, 1e-4);
                    let sum = conv.forward_nhwc_add(&x, &residual).unwrap();
                    assert_close(&sum, &expected_sum, 1e-4);
                }
            }
        }
    }

    #[test]
    fn a_picture_is_the_same_alone_and_in_a_batch() {
        for (i, o, kernel, stride) in SHAPES {
            for pack in [fastest, plain] {
                let conv = read(i, o, kernel, stride).packed(pack).unwrap();
                let x = noise(&[8, 16, 16, i], 3);
                let together = conv.forward_nhwc(&x).unwrap();
                for image in 0..8 {
                    let alone = conv.forward_nhwc(&x.narrow(0, image, 1).unwrap()).unwrap();
                    assert_same(&alone, &together.narrow(0, image, 1).unwrap());
                }
            }
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let pools =
            [1, 2, 7].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap());
        for (i, o, kernel, stride) in SHAPES {
            for pack in [fastest, plain] {
                let conv = read(i, o, kernel, stride).packed(pack).unwrap();
                let x = noise(&[1, 16, 16, i], 3);
                let [one, two, seven] =
                    [0, 1, 2].map(|idx| pools[idx].install(|| conv.forward_nhwc(&x).unwrap()));
                assert_same(&two, &one);
                assert_same(&seven, &one);
            }
        }
    }

    #[test]
    fn both_layouts_agree() {
        let conv = read(32, 64, 3, 2).packed(fastest).unwrap();
        let x = noise(&[2, 32, 10, 12], 5);
        let y = conv.forward(&x).unwrap();
        assert_eq!(y.dims(), [2, 64, 5, 6]);
        let nhwc = conv.forward_nhwc(&x.permute((0, 2, 3, 1)).unwrap()).unwrap();
        assert_same(&y, &nhwc.permute((0, 3, 1, 2)).unwrap());
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let conv = read(8, 8, 3, 1).packed(fastest).unwrap();
        assert!(conv.forward_nhwc(&noise(&[1, 4, 4, 9], 1)).is_err());
        assert!(conv.forward_nhwc(&noise(&[4, 4, 8], 1)).is_err());
        let x = noise(&[1, 4, 4, 8], 1);
        assert!(conv.forward_nhwc_add(&x, &noise(&[1, 4, 5, 8], 1)).is_err());
        assert_eq!(conv.forward_nhwc(&noise(&[0, 4, 4, 8], 1)).unwrap().dims(), [0, 4, 4, 8]);
    }
}
