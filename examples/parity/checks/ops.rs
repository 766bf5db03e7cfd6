//! Norms and activations at small magnitudes, where a wrong eps shows.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_nn::ops::layer_norm;
use underpaint::model::controlar::vq16::normalise;
use underpaint::model::ops::{GroupNorm, nchw_from_nhwc, nhwc_from_nchw, rms_norm, swiglu};

use super::{Expected, Report, Tolerance};

pub(super) fn check(folder: &Path, report: &mut Report) -> Result<()> {
    let mut expected = Expected::read(folder, "ops.safetensors")?;
    let input = |name: &str| expected.get(name).cloned();
    let (vectors, weight, bias) = (input("in.vectors")?, input("in.weight")?, input("in.bias")?);
    let (maps, tiny, x) = (input("in.maps")?, input("in.tiny")?, input("in.x")?);
    let group = [("weight", input("in.group_weight")?), ("bias", input("in.group_bias")?)];
    let group: HashMap<String, Tensor> =
        group.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect();
    let group = VarBuilder::from_tensors(group, DType::F32, &Device::Cpu);
    let group = GroupNorm::load(group, maps.dim(1)?, 32, 1e-6)?;
    let (ones, zeros) = (weight.ones_like()?, bias.zeros_like()?);
    // SiLU is the gate of the feed-forward layers: here with nothing to gate.
    let gated = Tensor::stack(&[&x, &x.ones_like()?], 1)?; // (N, 2)
    let results = [
        ("exp.rms_norm_eps1e-5", rms_norm(&vectors, &weight, 1e-5)?),
        ("exp.rms_norm_eps1e-6", rms_norm(&vectors, &weight, 1e-6)?),
        ("exp.layer_norm_eps1e-6", layer_norm(&vectors, &weight, &bias, 1e-6)?),
        ("exp.layer_norm_plain_eps1e-6", layer_norm(&vectors, &ones, &zeros, 1e-6)?),
        ("exp.gelu_erf", x.gelu_erf()?),
        ("exp.gelu_tanh", x.gelu()?),
        ("exp.silu", swiglu(&gated)?.flatten_all()?),
        ("exp.l2_normalise_eps1e-12", normalise(&tiny)?),
    ];
    for (name, actual) in results {
        report.compare(
            &mut expected,
            name,
            &actual,
            Tolerance::absolute(1e-5).or_relative(1e-5),
        )?;
    }
    // Values near 0.5 with a spread of 3e-4 lose digits when the mean is taken away.
    let normed = nchw_from_nhwc(&group.forward_nhwc(&nhwc_from_nchw(&maps)?)?)?;
    let tolerance = Tolerance::absolute(1e-3).or_relative(1e-5);
    report.compare(&mut expected, "exp.group_norm32_eps1e-6", &normed, tolerance)?;
    report.finish(&expected);
    Ok(())
}
