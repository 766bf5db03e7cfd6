//! Model folders, whole and broken: each fault has its own one-line error, none a panic.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use tempfile::TempDir;
use underpaint::model::memory::{Checksum, PictureMemory, pack_loose};
use underpaint::model::weights::{Container, Weights, to_gguf};
use underpaint::model::{Config, ModelError, ModelFiles, WeightsError};

const CONTAINERS: [Container; 2] = [Container::Safetensors, Container::Gguf];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/embedded_tiny").join(name)
}

fn config() -> Config {
    Config::parse(&fs::read_to_string(fixture("config.json")).unwrap()).unwrap()
}

/// A copy of the tiny model that a test may break.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(fixture(name), folder.path().join(name)).unwrap();
    }
    folder
}

/// The tiny model's weights in one of the containers.
fn weight_bytes(container: Container) -> Vec<u8> {
    let path = fixture("model.safetensors");
    match container {
        Container::Safetensors => fs::read(path).unwrap(),
        Container::Gguf => to_gguf(&Weights::read(&path).unwrap(), "tiny").unwrap(),
    }
}

fn open(container: Container, bytes: Vec<u8>) -> Result<Weights, WeightsError> {
    Weights::from_bytes(container, Cow::Owned(bytes), Path::new("some/model.file"))
}

/// The sentence and its causes, which must be one line.
fn message(error: &ModelError) -> String {
    let details = error.to_failure().details;
    assert!(!details.contains('\n'), "more than a line: {details}");
    details
}

/// Asks for every tensor in the shape that the original has.
fn load_all(weights: &Weights, original: &Weights) -> Result<(), ModelError> {
    let vb = weights.var_builder(&Device::Cpu);
    for (name, shape) in original.tensors() {
        vb.get(shape, name)?;
    }
    Ok(())
}

#[test]
fn a_whole_folder_opens() {
    let folder = folder();
    let files = ModelFiles::open(folder.path()).unwrap();
    let config = files.config().unwrap();
    assert_eq!(config.name, "tiny");
    assert!(files.memory(&config).unwrap().is_empty());
    assert!(files.tokenizer_json().unwrap().len() > 100_000);
    let weights = files.weights().unwrap();
    load_all(&weights, &weights).unwrap();
    assert!(weights.unused().is_empty());
}

#[test]
fn missing_files_are_named() {
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        let folder = folder();
        fs::remove_file(folder.path().join(name)).unwrap();
        let error = ModelFiles::open(folder.path()).unwrap_err();
        let expected = format!(
            "the model folder has no {name}; expected config.json, tokenizer.json and \
             model.safetensors or model.gguf: {}",
            folder.path().display()
        );
        assert_eq!(message(&error), expected);
    }
    for path in [fixture("no such folder"), fixture("config.json")] {
        let error = ModelFiles::open(&path).unwrap_err();
        assert!(message(&error).starts_with("there is no model folder; name one"), "{error}");
        assert!(message(&error).ends_with(&path.display().to_string()));
    }
}

#[test]
fn files_that_vanish_are_read_errors() {
    let folder = folder();
    let files = ModelFiles::open(folder.path()).unwrap();
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    assert!(matches!(files.config(), Err(ModelError::Read { what: "config.json", .. })));
    assert!(matches!(files.tokenizer_json(), Err(ModelError::Read { .. })));
    let error = files.weights().unwrap_err();
    assert!(matches!(error, ModelError::Weights(WeightsError::Read { .. })));
    assert!(message(&error).contains("the weight file cannot be read"), "{}", message(&error));
}

#[test]
fn broken_configurations_say_where_they_are() {
    let broken: [&[u8]; 4] = [b"", b"{\"name\": \"x\"}", b"\xff\xfe", b"[[[["];
    for bytes in broken {
        let folder = folder();
        let path = folder.path().join("config.json");
        fs::write(&path, bytes).unwrap();
        let error = ModelFiles::open(folder.path()).unwrap().config().unwrap_err();
        assert!(matches!(error, ModelError::Config { .. }));
        assert!(message(&error).ends_with(&path.display().to_string()), "{}", message(&error));
    }
}

#[test]
fn packed_weights_are_close_to_the_original() {
    let original = open(Container::Safetensors, weight_bytes(Container::Safetensors)).unwrap();
    let folder = folder();
    fs::write(folder.path().join("model.gguf"), weight_bytes(Container::Gguf)).unwrap();
    // Both containers are there now; the packed one is read.
    let packed = ModelFiles::open(folder.path()).unwrap().weights().unwrap();
    assert_eq!(packed.n_parameters(), original.n_parameters());
    let (packed_vb, original_vb) =
        (packed.var_builder(&Device::Cpu), original.var_builder(&Device::Cpu));
    let mut n_inexact = 0;
    for (name, shape) in original.tensors() {
        let expected = original_vb.get(shape, name).unwrap();
        let difference = (packed_vb.get(shape, name).unwrap() - &expected).unwrap();
        let norm = |tensor: &Tensor| {
            tensor.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap().sqrt()
        };
        let loss = norm(&difference);
        // Normally distributed weights lose 0.5 % in blocks of 8 bits; the source is F16.
        assert!(loss <= 0.01 * norm(&expected), "{name} lost {loss}");
        n_inexact += usize::from(loss > 0.0);
    }
    assert!(n_inexact > 0, "large matrices are quantised");
}

#[test]
fn truncated_weights_are_damage_at_every_length() {
    for container in CONTAINERS {
        let bytes = weight_bytes(container);
        let in_header = (0..40_000).step_by(499);
        // The last bytes of GGUF may be padding.
        let in_data = (1..100).map(|hundredth| bytes.len() / 100 * hundredth);
        for len in (0..64).chain(in_header).chain(in_data) {
            let error = open(container, bytes[..len].to_vec()).unwrap_err();
            assert!(
                matches!(error, WeightsError::Damaged { .. }),
                "{container:?} cut at {len}: {error}"
            );
            let line = message(&ModelError::from(error));
            assert!(line.ends_with(": some/model.file"), "{line}");
        }
    }
}

#[test]
fn garbled_weights_never_panic() {
    let original = open(Container::Safetensors, weight_bytes(Container::Safetensors)).unwrap();
    for container in CONTAINERS {
        let bytes = weight_bytes(container);
        let mut n_refused = 0;
        for position in (0..24).chain((24..30_000).step_by(613)) {
            let mut bytes = bytes.clone();
            bytes[position] ^= 0x3d;
            bytes[position + 1] = 0xff;
            let loaded = open(container, bytes)
                .map_err(ModelError::from)
                .and_then(|weights| load_all(&weights, &original));
            if let Err(error) = loaded {
                assert!(matches!(error, ModelError::Weights(_)), "{error:?}");
                message(&error);
                n_refused += 1;
            }
        }
        assert!(n_refused > 40, "{container:?}: only {n_refused} were noticed");
    }
}

#[test]
fn a_wrong_container_is_damage() {
    for (name, bytes) in [
        ("model.gguf", weight_bytes(Container::Safetensors)),
        ("model.safetensors", weight_bytes(Container::Gguf)),
        ("model.safetensors", b"<!DOCTYPE html><html>404</html>".to_vec()),
        ("model.safetensors", b"version https://git-lfs.github.com/spec/v1\n".to_vec()),
        ("model.gguf", Vec::new()),
    ] {
        let folder = folder();
        fs::write(folder.path().join(name), bytes).unwrap();
        let error = ModelFiles::open(folder.path()).unwrap().weights().unwrap_err();
        assert!(matches!(error, ModelError::Weights(WeightsError::Damaged { .. })), "{error:?}");
        let line = message(&error);
        assert!(
            line.starts_with("the model's weights cannot be used: the file is damaged"),
            "{line}"
        );
    }
}

/// Loads a folder's weights after one tensor was changed, asking for it as the network would.
fn load_changed(change: impl FnOnce(&mut HashMap<String, Tensor>)) -> ModelError {
    const NAME: &str = "generator.head.weight";
    let folder = folder();
    let path = folder.path().join("model.safetensors");
    let mut tensors = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
    let shape = tensors[NAME].shape().clone();
    change(&mut tensors);
    candle_core::safetensors::save(&tensors, &path).unwrap();
    let weights = ModelFiles::open(folder.path()).unwrap().weights().unwrap();
    let vb = weights.var_builder(&Device::Cpu).pp("generator").pp("head");
    let error = ModelError::from(vb.get(shape, "weight").unwrap_err());
    assert!(message(&error).ends_with(&path.display().to_string()), "{}", message(&error));
    error
}

#[test]
fn a_missing_tensor_is_named() {
    let error = load_changed(|tensors| {
        tensors.remove("generator.head.weight");
    });
    let ModelError::Weights(WeightsError::Missing { name, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(name, "generator.head.weight");
}

#[test]
fn a_tensor_of_another_shape_is_named_with_both() {
    let error = load_changed(|tensors| {
        let tensor = &tensors["generator.head.weight"];
        let reshaped = tensor.reshape((32, 128)).unwrap();
        tensors.insert("generator.head.weight".to_owned(), reshaped);
    });
    let ModelError::Weights(WeightsError::Shape { name, expected, found, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(name, "generator.head.weight");
    assert_eq!((expected, found), (vec![64, 64], vec![32, 128]));
}

#[test]
fn values_that_are_not_numbers_are_refused() {
    for dtype in [DType::F16, DType::F32] {
        let error = load_changed(|tensors| {
            let shape = tensors["generator.head.weight"].shape().clone();
            let nan = Tensor::full(f32::NAN, shape, &Device::Cpu).unwrap();
            tensors.insert("generator.head.weight".to_owned(), nan.to_dtype(dtype).unwrap());
        });
        assert!(matches!(error, ModelError::Weights(WeightsError::NotFinite { .. })), "{error:?}");
    }
}

/// A loose memory: `ids` of (entries, tokens), keys and lines for as many entries.
struct Loose {
    n_tokens: usize,
    ids: Vec<i16>,
    keys: Vec<i8>,
    lines: String,
}

impl Loose {
    fn of(n_entries: usize, config: &Config) -> Self {
        let n_tokens = config.n_tokens();
        let line = r#"{"caption": "fox", "style": "flat", "source": "Set", "licence": "MIT"}"#;
        Self {
            n_tokens,
            ids: (0..n_entries * n_tokens).map(|i| (i * 7 % 61) as i16).collect(),
            keys: vec![9; n_entries * config.text.hidden_size],
            lines: format!("{line}\n").repeat(n_entries),
        }
    }

    fn tensors(&self) -> Vec<u8> {
        let ids: Vec<u8> = self.ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        let keys: Vec<u8> = self.keys.iter().map(|key| key.cast_unsigned()).collect();
        let shape = |len: usize, columns: usize| vec![len / columns, columns];
        let views = [
            ("ids", Dtype::I16, shape(self.ids.len(), self.n_tokens), &ids),
            ("keys", Dtype::I8, shape(self.keys.len(), 32), &keys),
        ];
        let views = views
            .map(|(name, dtype, shape, data)| (name, TensorView::new(dtype, shape, data).unwrap()));
        safetensors::serialize(views, None).unwrap()
    }

    fn open(&self, config: &Config) -> Result<PictureMemory, ModelError> {
        PictureMemory::from_loose(&self.tensors(), &self.lines, config)
    }

    fn reason(&self) -> String {
        match self.open(&config()) {
            Err(ModelError::Memory { reason }) => reason,
            other => panic!("expected an error about the memory, got {other:?}"),
        }
    }
}

#[test]
fn both_forms_of_a_memory_hold_the_same() {
    let config = config();
    let loose = Loose::of(5, &config);
    let folder = folder();
    fs::write(folder.path().join("memory.safetensors"), loose.tensors()).unwrap();
    fs::write(folder.path().join("memory.jsonl"), &loose.lines).unwrap();
    let from_loose = ModelFiles::open(folder.path()).unwrap().memory(&config).unwrap();
    let packed = pack_loose(&loose.tensors(), &loose.lines, &config).unwrap();
    fs::remove_file(folder.path().join("memory.safetensors")).unwrap();
    fs::write(folder.path().join("memory.upmem"), packed).unwrap();
    let from_packed = ModelFiles::open(folder.path()).unwrap().memory(&config).unwrap();
    for memory in [from_loose, from_packed] {
        assert_eq!(memory.len(), 5);
        for entry_idx in 0..5 {
            let start = entry_idx * loose.n_tokens;
            let expected = loose.ids[start..start + loose.n_tokens].iter().map(|id| *id as u32);
            assert_eq!(memory.ids(entry_idx), expected.collect::<Vec<_>>());
            assert_eq!(memory.about(entry_idx).caption, "fox");
        }
    }
    assert!(Loose::of(0, &config).open(&config).unwrap().is_empty());
}

#[test]
fn faults_of_a_loose_memory_are_named() {
    let whole = |n_entries| Loose::of(n_entries, &config());
    let mut loose = whole(2);
    loose.ids[600] = 64;
    assert_eq!(loose.reason(), "it holds id 64, but the codebook has 64 codes");
    loose.ids[600] = -1;
    assert_eq!(loose.reason(), "it holds id -1, but the codebook has 64 codes");
    let mut loose = whole(2);
    loose.lines.push_str("{}\n");
    assert!(loose.reason().starts_with("line 3 of memory.jsonl is not valid: missing field"));
    let mut loose = whole(2);
    loose.lines.truncate(80);
    assert!(
        loose.reason().starts_with("line 2 of memory.jsonl is not valid"),
        "{}",
        loose.reason()
    );
    let mut loose = whole(2);
    loose.lines.clear();
    assert_eq!(loose.reason(), "it has 2 rows of ids, 2 keys and 0 lines in memory.jsonl");
    let mut loose = whole(2);
    loose.keys.truncate(32);
    assert_eq!(loose.reason(), "it has 2 rows of ids, 1 keys and 2 lines in memory.jsonl");
    let mut loose = whole(2);
    (loose.n_tokens, loose.ids) = (500, vec![0; 1000]);
    assert!(loose.reason().starts_with("it is made for another model"), "{}", loose.reason());
}

#[test]
fn truncated_memories_are_damage_at_every_length() {
    let config = config();
    let loose = Loose::of(3, &config);
    let tensors = loose.tensors();
    for len in (0..tensors.len()).step_by(7) {
        let opened = PictureMemory::from_loose(&tensors[..len], &loose.lines, &config);
        let Err(ModelError::Memory { reason }) = opened else { panic!("{len} bytes were read") };
        assert!(reason.starts_with("memory.safetensors is damaged"), "{reason}");
    }
    let packed = pack_loose(&tensors, &loose.lines, &config).unwrap();
    for len in (0..packed.len()).step_by(7) {
        let bytes = Cow::Owned(packed[..len].to_vec());
        let opened = PictureMemory::from_packed(bytes, Checksum::Verify, &config);
        assert!(matches!(opened, Err(ModelError::Memory { .. })), "{len} bytes were read");
    }
}

#[test]
fn broken_memory_files_say_where_they_are() {
    let folder = folder();
    let config = config();
    let path = folder.path().join("memory.safetensors");
    fs::write(&path, b"nothing").unwrap();
    let error = ModelFiles::open(folder.path()).unwrap_err();
    assert!(message(&error).contains("has no memory.jsonl beside it"), "{error}");
    fs::write(folder.path().join("memory.jsonl"), b"").unwrap();
    let error = ModelFiles::open(folder.path()).unwrap().memory(&config).unwrap_err();
    assert!(message(&error).ends_with(&path.display().to_string()), "{error}");
    let path = folder.path().join("memory.upmem");
    fs::write(&path, b"UPMEMORY\x02\0\0\0").unwrap();
    let error = ModelFiles::open(folder.path()).unwrap().memory(&config).unwrap_err();
    let expected = format!(
        "the picture memory cannot be used: it is made for a newer Underpaint (version 2, this one \
         knows 1); update Underpaint: {}",
        path.display()
    );
    assert_eq!(message(&error), expected);
}
