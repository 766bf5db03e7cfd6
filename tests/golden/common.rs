//! The tiny model, its golden tensors and the comparison with them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use underpaint::model::config::Config;

/// Tensors by name, as in the fixture's README.
pub(crate) static GOLDEN: LazyLock<HashMap<String, Tensor>> =
    LazyLock::new(|| load("golden.safetensors"));

static WEIGHTS: LazyLock<HashMap<String, Tensor>> = LazyLock::new(|| load("model.safetensors"));

pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/embedded_tiny").join(name)
}

fn load(name: &str) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(fixture(name), &Device::Cpu).expect("the fixture is complete")
}

pub(crate) fn golden(name: &str) -> &'static Tensor {
    GOLDEN.get(name).unwrap_or_else(|| panic!("the fixture has no tensor {name}"))
}

pub(crate) fn config() -> Config {
    let json = std::fs::read_to_string(fixture("config.json")).expect("the fixture is complete");
    Config::parse(&json).expect("the fixture is valid")
}

/// The F16 weights, computed in F32 as the golden tensors were.
pub(crate) fn var_builder() -> VarBuilder<'static> {
    VarBuilder::from_tensors(WEIGHTS.clone(), DType::F32, &Device::Cpu)
}

/// Fails unless shapes are equal and no value is off by more than `tolerance`.
#[track_caller]
pub(crate) fn assert_close(actual: &Tensor, name: &str, tolerance: f32) {
    let expected = golden(name);
    assert_eq!(actual.dims(), expected.dims(), "shape of {name}");
    let difference = (actual - expected)
        .and_then(|difference| difference.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>())
        .expect("both are f32");
    assert!(difference <= tolerance, "{name} is off by {difference}, allowed {tolerance}");
}
