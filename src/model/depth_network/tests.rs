//! A network of the right structure with few channels and random weights.

use std::collections::{BTreeMap, HashMap};

use candle_core::Device;
use candle_nn::VarMap;
use image::Rgba;
use tempfile::TempDir;

use super::head::bilinear;
use super::*;
use crate::model::WeightsError;

const TINY: Architecture = Architecture {
    dim: 16,
    depth: 4,
    n_heads: 2,
    taps: [0, 1, 2, 3],
    tap_channels: [4, 4, 8, 8],
    n_features: 8,
};

/// Random tensors as in the published file.
fn tensors() -> HashMap<String, Tensor> {
    let variables = VarMap::new();
    let vb = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
    DepthNetwork::new(&TINY, vb.pp("pretrained"), &vb.pp("depth_head")).unwrap();
    let data = variables.data().lock().unwrap();
    let names = data.iter().filter(|(name, _)| !WithoutClassifier::is_classifier(name));
    // Small numbers that differ: a row of sines.
    let random = |name: &String, shape: &Shape| {
        let phase = name.bytes().map(usize::from).sum::<usize>();
        let value = |idx: usize| ((idx * 7 + phase) as f32 * 1.7).sin() * 0.3;
        let values = (0..shape.elem_count()).map(value).collect();
        Tensor::from_vec(values, shape.clone(), &Device::Cpu).unwrap()
    };
    let mut tensors: HashMap<String, Tensor> =
        names.map(|(name, var)| (name.clone(), random(name, var.shape()))).collect();
    // Far enough above 0 that the last layer cuts nothing off.
    let far = Tensor::full(100.0_f32, 1, &Device::Cpu).unwrap();
    tensors.insert("depth_head.scratch.output_conv2.2.bias".to_owned(), far);
    tensors
}

fn write(folder: &TempDir, name: &str, tensors: &HashMap<String, Tensor>) {
    candle_core::safetensors::save(tensors, folder.path().join(name)).unwrap();
}

fn found(folder: &TempDir) -> DepthFiles {
    find(&[folder.path().join("nothing"), folder.path().to_owned()]).unwrap()
}

fn load(folder: &TempDir) -> Result<DepthNetwork, ModelError> {
    DepthNetwork::load_as(&TINY, &found(folder), &Device::Cpu)
}

/// A ball on transparent ground, higher than wide.
fn picture() -> RgbaImage {
    RgbaImage::from_fn(40, 80, |x, y| {
        let from_centre = (x as f32 - 20.0).hypot(y as f32 - 40.0);
        if from_centre < 18.0 { Rgba([250 - 4 * x as u8, 90, 30, 255]) } else { Rgba([0; 4]) }
    })
}

#[test]
fn both_layouts_give_the_same_map() {
    let tensors = tensors();
    let whole = tempfile::tempdir().unwrap();
    write(&whole, "depth_anything_v2_vits.safetensors", &tensors);
    let map = load(&whole).unwrap().estimate(&picture(), 64).unwrap();

    assert_eq!((map.kind(), map.size_px()), (ControlKind::Depth, 64));
    let values = map.values();
    assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
    assert!(values.iter().any(|value| *value > 0.5), "something is near");
    // Beside the picture, and where it is transparent, is nothing.
    assert!((0..64).all(|row| values[row * 64..][..16].iter().all(|value| *value == 0.0)));
    assert_eq!(values[32], 0.0);

    let parts = tempfile::tempdir().unwrap();
    let (mut head, mut backbone) = (HashMap::new(), HashMap::new());
    for (name, tensor) in BTreeMap::from_iter(tensors) {
        match name.strip_prefix("pretrained.") {
            Some(name) => backbone.insert(name.to_owned(), tensor),
            None => head.insert(name, tensor),
        };
    }
    write(&parts, "depth_anything_v2_vits.safetensors", &head);
    let message = load(&parts).unwrap_err().to_string();
    assert!(message.contains("put dinov2_vits14.safetensors beside it"), "{message}");
    write(&parts, "dinov2_vits14.safetensors", &backbone);
    let network = load(&parts).unwrap();
    assert_eq!(network.estimate(&picture(), 64).unwrap().values(), values);

    let blank = network.estimate(&RgbaImage::new(9, 9), 16).unwrap();
    assert_eq!(blank.values(), [0.0; 256]);
    assert_eq!(network.estimate(&RgbaImage::new(0, 5), 16).unwrap().values(), [0.0; 256]);
}

#[test]
fn what_does_not_fit_is_named() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(find(&[folder.path().to_owned()]), None);
    let name = "depth_anything_v2_vitb.safetensors";
    let mut tensors = tensors();
    let conv = "depth_head.scratch.refinenet2.out_conv.weight";
    let weight = tensors.remove(conv).unwrap();
    write(&folder, name, &tensors);
    assert_eq!(found(&folder).path(), folder.path().join(name));
    let error = load(&folder).unwrap_err();
    assert!(
        matches!(&error, ModelError::Weights(WeightsError::Missing { name, .. }) if name == conv),
        "{error}"
    );
    tensors.insert(conv.to_owned(), weight.narrow(0, 0, 3).unwrap());
    write(&folder, name, &tensors);
    let error = load(&folder).unwrap_err();
    assert!(
        matches!(&error, ModelError::Weights(WeightsError::Shape { name, .. }) if name == conv),
        "{error}"
    );
    std::fs::write(folder.path().join(name), "not a weight file").unwrap();
    assert!(matches!(load(&folder), Err(ModelError::Weights(WeightsError::Damaged { .. }))));
}

/// Against `F.interpolate(arange(9).view(1, 1, 3, 3), (5, 5), mode="bilinear",
/// align_corners=True)`.
#[test]
fn bilinear_keeps_the_corners() {
    let x: Vec<f32> = (0..9).map(|value| value as f32).collect();
    let x = Tensor::from_vec(x, (1, 3, 3, 1), &Device::Cpu).unwrap();
    let y: Vec<f32> = bilinear(&x, 5).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    let expected: Vec<f32> =
        (0..25).map(|idx| (idx / 5) as f32 * 1.5 + (idx % 5) as f32 * 0.5).collect();
    assert!(y.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6), "{y:?}");
}
