//! Weight files made here, whole and broken.

use std::collections::HashMap;

use candle_core::quantized::gguf_file;
use candle_core::safetensors::save;

use super::*;
use crate::model::ModelError;

const PATH: &str = "/models/some.weights";

fn wave(shape: &[usize]) -> Tensor {
    let n = shape.iter().product::<usize>();
    let values = (0..n).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<_>>();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// A safetensors file with the given tensors.
fn safetensors_of(tensors: &[(&str, Tensor)]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.safetensors");
    let tensors: HashMap<String, Tensor> =
        tensors.iter().map(|(name, tensor)| ((*name).to_owned(), tensor.clone())).collect();
    save(&tensors, &path).unwrap();
    std::fs::read(path).unwrap()
}

/// A safetensors file with a header of our own choosing.
fn safetensors_with(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

fn open(container: Container, bytes: Vec<u8>) -> Result<Weights, WeightsError> {
    Weights::from_bytes(container, Cow::Owned(bytes), Path::new(PATH))
}

fn load_error(weights: &Weights, shape: &[usize], name: &str) -> WeightsError {
    let error = weights.var_builder(&Device::Cpu).get(shape, name).unwrap_err();
    match ModelError::from(error) {
        ModelError::Weights(error) => error,
        other => panic!("not an error about weights: {other}"),
    }
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn mixed_types_are_decoded_to_f32() {
    let source = wave(&[3, 5]);
    let bytes = safetensors_of(&[
        ("a.full", source.clone()),
        ("a.half", source.to_dtype(DType::F16).unwrap()),
        ("a.brain", source.to_dtype(DType::BF16).unwrap()),
        ("a.scalar", wave(&[])),
    ]);
    let weights = open(Container::Safetensors, bytes).unwrap();
    assert_eq!(weights.n_parameters(), 46);
    let vb = weights.var_builder(&Device::Cpu).pp("a");
    for (name, dtype) in [("full", DType::F32), ("half", DType::F16), ("brain", DType::BF16)] {
        let expected = source.to_dtype(dtype).unwrap().to_dtype(DType::F32).unwrap();
        let found = vb.get((3, 5), name).unwrap();
        assert_eq!(found.dtype(), DType::F32);
        assert_eq!(values(&found), values(&expected), "{name}");
    }
    assert_eq!(vb.get((), "scalar").unwrap().rank(), 0);
    assert_eq!(vb.get_unchecked("half").unwrap().dims(), &[3, 5]);
}

#[test]
fn unused_tensors_are_listed() {
    let bytes = safetensors_of(&[("used", wave(&[2])), ("left", wave(&[2]))]);
    let weights = open(Container::Safetensors, bytes).unwrap();
    let vb = weights.var_builder(&Device::Cpu);
    assert!(vb.contains_tensor("left"));
    vb.get(2, "used").unwrap();
    assert_eq!(weights.unused(), ["left"]);
    vb.get(2, "left").unwrap();
    assert!(weights.unused().is_empty());
}

#[test]
fn missing_and_misshapen_tensors_are_named() {
    let bytes = safetensors_of(&[("a", wave(&[2, 3, 4]))]);
    let weights = open(Container::Safetensors, bytes).unwrap();
    let missing = load_error(&weights, &[2], "b");
    assert_eq!(
        missing.to_string(),
        "tensor b is missing; the file belongs to another model: /models/some.weights"
    );
    let shape = load_error(&weights, &[2, 12], "a");
    assert_eq!(
        shape.to_string(),
        "tensor a has shape [2, 3, 4], this configuration needs [2, 12]: /models/some.weights"
    );
    // Dimensions whose product is beyond all memory are only a wrong shape.
    assert!(matches!(load_error(&weights, &[usize::MAX, 3, 4], "a"), WeightsError::Shape { .. }));
}

#[test]
fn values_that_are_not_numbers_are_refused() {
    for (dtype, bad) in
        [(DType::F32, f64::NAN), (DType::F16, f64::INFINITY), (DType::BF16, f64::NAN)]
    {
        // Longer than a chunk, so that one of several tasks must say so.
        let source = wave(&[70_000]).to_dtype(dtype).unwrap();
        let bad = Tensor::full(bad as f32, 1, &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
        let source = Tensor::cat(&[&source, &bad], 0).unwrap();
        let weights = open(Container::Safetensors, safetensors_of(&[("a", source)])).unwrap();
        let error = load_error(&weights, &[70_001], "a");
        assert!(matches!(&error, WeightsError::NotFinite { name, .. } if name == "a"), "{error}");
    }
}

#[test]
fn whole_numbers_are_refused_only_when_asked_for() {
    let ids = Tensor::new(&[1_u32, 2], &Device::Cpu).unwrap();
    let bytes = safetensors_of(&[("ids", ids), ("a", wave(&[2]))]);
    let weights = open(Container::Safetensors, bytes).unwrap();
    assert_eq!(weights.n_parameters(), 2);
    let error = load_error(&weights, &[2], "ids");
    assert!(matches!(&error, WeightsError::Encoding { found, .. } if found == "U32"), "{error}");
}

#[test]
fn absurd_safetensors_headers_are_damage() {
    let entry = |shape: &str, offsets: &str| {
        format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    let headers = [
        entry("[2]", "[0,4]"),
        entry("[2]", "[8,0]"),
        entry("[2]", "[8,16]"),
        entry("[4611686018427387904,4]", "[0,0]"),
        entry("[4611686018427387903]", "[0,18446744073709551612]"),
        entry("[2]", "[18446744073709551608,18446744073709551615]"),
        entry("[-2]", "[0,8]"),
        entry("2", "[0,8]"),
        r#"{"a":{"dtype":"F32"}}"#.to_owned(),
        r#"["a"]"#.to_owned(),
        "{".to_owned(),
        "[".repeat(100_000),
    ];
    for header in headers {
        let result = open(Container::Safetensors, safetensors_with(&header, &[0; 8]));
        assert!(matches!(result, Err(WeightsError::Damaged { .. })), "{header:.80}: {result:?}");
    }
    for claimed in [9, 1 << 20, 1 << 62, u64::MAX] {
        let mut bytes = safetensors_with("{}", &[]);
        bytes[..8].copy_from_slice(&claimed.to_le_bytes());
        let result = open(Container::Safetensors, bytes);
        assert!(matches!(result, Err(WeightsError::Damaged { .. })), "{claimed}");
    }
}

#[test]
fn newer_files_are_refused() {
    let header = r#"{"__metadata__":{"underpaint.format":"2"}}"#;
    let result = open(Container::Safetensors, safetensors_with(header, &[]));
    assert_eq!(
        result.unwrap_err().to_string(),
        "the file is made for a newer Underpaint (format 2, this one knows 1); \
         update Underpaint: /models/some.weights"
    );
    let gguf = gguf_of(&[("underpaint.format", gguf_file::Value::U32(7))]);
    let result = open(Container::Gguf, gguf);
    assert!(matches!(result, Err(WeightsError::Newer { found: 7, .. })), "{result:?}");
}

#[test]
fn packing_keeps_values_and_shapes() {
    let tensors = [
        ("generator.head.weight", wave(&[64, 256])),
        ("tokenizer.decoder.up0.weight", wave(&[64, 32, 3, 3])),
        ("tokenizer.codebook.weight", wave(&[512, 32])),
        ("generator.blocks.0.modulation", wave(&[8, 6, 32])),
        ("generator.norm_out.weight", (wave(&[9]).affine(1e5, 0.0)).unwrap()),
        ("generator.pos_scale", wave(&[])),
    ];
    let weights = open(Container::Safetensors, safetensors_of(&tensors)).unwrap();
    let packed = to_gguf(&weights, "test").unwrap();
    assert_eq!(packed, to_gguf(&weights, "test").unwrap(), "packing must be deterministic");
    let packed = open(Container::Gguf, packed).unwrap();
    assert_eq!(packed.n_parameters(), weights.n_parameters());
    let vb = packed.var_builder(&Device::Cpu);
    for (name, source) in &tensors {
        let found = vb.get(source.shape(), name).unwrap();
        let largest = values(source).iter().fold(0.0_f32, |a, b| a.max(b.abs()));
        let error = values(&(found - source).unwrap()).iter().fold(0.0_f32, |a, b| a.max(b.abs()));
        // F16 has 11 bits; Q8_0 adds half a step of 127, its factor being F16.
        let is_quantised = name.contains("head") || name.contains("up0");
        let steps = if is_quantised { 1.0 / 2048.0 + 0.5 / 127.0 } else { 1.0 / 2048.0 };
        let allowed = largest * steps;
        assert!(error <= allowed, "{name}: {error} of {largest}");
    }
    assert!(packed.unused().is_empty());
    let error = load_error(&packed, &[32, 64, 3, 3], "tokenizer.decoder.up0.weight");
    assert!(matches!(&error, WeightsError::Shape { found, .. } if *found == [64, 288]), "{error}");
    assert!(matches!(
        load_error(&packed, &[256, 64], "generator.head.weight"),
        WeightsError::Shape { .. }
    ));
}

#[test]
fn our_reader_agrees_with_candles() {
    let tensors = [
        ("generator.head.weight", wave(&[64, 256])),
        ("generator.start", wave(&[100])),
        ("generator.scale", wave(&[3]).affine(1e6, 0.0).unwrap()),
    ];
    let weights = open(Container::Safetensors, safetensors_of(&tensors)).unwrap();
    let bytes = to_gguf(&weights, "test").unwrap();
    let mut file = std::io::Cursor::new(&bytes);
    let content = gguf_file::Content::read(&mut file).unwrap();
    assert_eq!(content.metadata["general.name"].to_string().unwrap(), "test");
    let ours = open(Container::Gguf, bytes.clone()).unwrap();
    for (name, source) in &tensors {
        let theirs = content.tensor(&mut file, name, &Device::Cpu).unwrap();
        let theirs = theirs.dequantize(&Device::Cpu).unwrap();
        let ours = ours.var_builder(&Device::Cpu).get(source.shape(), name).unwrap();
        assert_eq!(values(&ours), values(&theirs), "{name}");
    }
}

/// A GGUF file without tensors.
fn gguf_of(metadata: &[(&str, gguf_file::Value)]) -> Vec<u8> {
    let metadata: Vec<_> = metadata.iter().map(|(key, value)| (*key, value)).collect();
    let mut file = std::io::Cursor::new(Vec::new());
    gguf_file::write(&mut file, &metadata, &[]).unwrap();
    file.into_inner()
}

#[test]
fn all_kinds_of_gguf_metadata_are_skipped() {
    use gguf_file::Value;
    let array = Value::Array(vec![Value::String("x".to_owned()), Value::String(String::new())]);
    let bytes = gguf_of(&[
        ("a", Value::I8(-1)),
        ("b", Value::I16(-1)),
        ("c", Value::F32(1.0)),
        ("d", Value::I64(-1)),
        ("e", Value::F64(1.0)),
        ("f", Value::Bool(true)),
        ("g", array.clone()),
        ("h", Value::Array(vec![array])),
        ("underpaint.format", Value::U64(1)),
    ]);
    open(Container::Gguf, bytes).unwrap();
}

#[test]
fn absurd_gguf_headers_are_damage() {
    use gguf_file::Value;
    let mut nested = Value::Array(vec![]);
    for _ in 0..50 {
        nested = Value::Array(vec![nested]);
    }
    let mut broken = vec![
        gguf_of(&[("general.alignment", Value::U32(0))]),
        gguf_of(&[("general.alignment", Value::U32(33))]),
        gguf_of(&[("general.alignment", Value::String("x".to_owned()))]),
        gguf_of(&[("deep", nested)]),
        b"GGUF".to_vec(),
        b"PK\x03\x04".to_vec(),
    ];
    // Counts of tensors and of metadata that no file could hold, and an unknown version.
    for (position, value) in [(4, 9), (8, u64::MAX), (16, u64::MAX), (8, 1), (16, 1)] {
        let mut bytes = gguf_of(&[]);
        bytes[position..position + 4].copy_from_slice(&(value as u32).to_le_bytes());
        broken.push(bytes);
    }
    for bytes in broken {
        let result = open(Container::Gguf, bytes);
        assert!(matches!(result, Err(WeightsError::Damaged { .. })), "{result:?}");
    }
}
