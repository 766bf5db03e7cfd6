//! Published weight files in all their forms, and files that only claim to be some. The small ones
//! in `tests/fixtures/checkpoints` are written by `reference/write_checkpoints.py`.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use proptest::prelude::*;
use tempfile::NamedTempFile;
use underpaint::model::weights::{Checkpoint, Wanted};
use underpaint::model::{ModelError, WeightsError};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoints").join(name)
}

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn open(bytes: &[u8]) -> Result<Checkpoint, WeightsError> {
    Checkpoint::open(file(bytes).path())
}

/// A PyTorch file around a pickle, with one storage of 16 bytes.
fn torch_file(pickle: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in [("x/data.pkl", pickle), ("x/data/0", &[0; 16])] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn values(checkpoint: &Checkpoint, name: &str, shape: &[usize]) -> Vec<f32> {
    let vb = checkpoint.var_builder(&Device::Cpu);
    vb.get(shape, name).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn ramp(n: usize) -> Vec<f32> {
    (0..n).map(|i| i as f32 / 8.0 - 1.0).collect()
}

#[track_caller]
fn assert_refused(bytes: &[u8], because: &str) {
    let error = open(bytes).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains(because), "{error}");
    assert!(!error.contains('\n'), "more than a line: {error}");
}

#[test]
fn every_form_of_pytorch_files_is_read() {
    for (name, key) in [
        ("model_key.pt", Some("model")),
        ("module_key.pt", Some("module")),
        ("state_dict_key.pth", Some("state_dict")),
        ("bare.bin", None),
        ("parameters.pt", None),
        ("protocol4.pt", Some("model")),
    ] {
        let checkpoint = Checkpoint::open(&fixture(name)).unwrap();
        assert_eq!(checkpoint.key(), key, "{name}");
        let shapes: Vec<_> =
            checkpoint.tensors().map(|(name, shape)| (name.to_owned(), shape.to_vec())).collect();
        let expected = [
            ("brain.weight", vec![2, 3, 4]),
            ("count", vec![3]),
            ("half.weight", vec![6, 4]),
            ("norm.weight", vec![6]),
            ("output.weight", vec![4, 6]),
        ];
        assert_eq!(shapes, expected.map(|(name, shape)| (name.to_owned(), shape)), "{name}");
        assert_eq!(values(&checkpoint, "norm.weight", &[6]), ramp(6));
        assert_eq!(values(&checkpoint, "output.weight", &[4, 6]), ramp(24));
        assert_eq!(values(&checkpoint, "half.weight", &[6, 4]), ramp(24));
        assert_eq!(values(&checkpoint, "brain.weight", &[2, 3, 4]), ramp(24));
    }
}

#[test]
fn parts_of_a_storage_are_found_and_turned_ones_refused() {
    let checkpoint = Checkpoint::open(&fixture("views.pt")).unwrap();
    assert_eq!(values(&checkpoint, "a", &[6]), ramp(6));
    assert_eq!(values(&checkpoint, "b", &[4, 6]), ramp(24));
    let error = checkpoint.var_builder(&Device::Cpu).get((6, 4), "turned").unwrap_err();
    assert!(ModelError::from(error).to_failure().details.contains("transposed"));
}

#[test]
fn a_list_is_compared_before_anything_is_read() {
    let checkpoint = Checkpoint::open(&fixture("model_key.pt")).unwrap();
    let wanted = |names: &[(&str, &[usize])]| -> Vec<Wanted> {
        names.iter().map(|(name, shape)| Wanted::new(*name, *shape)).collect()
    };
    let good = wanted(&[("norm.weight", &[6]), ("output.weight", &[4, 6])]);
    let inventory = checkpoint.check(&good, &["half.", "brain."]).unwrap();
    assert_eq!(inventory.unexpected, ["count"]);
    assert_eq!(inventory.ignored, ["brain.weight", "half.weight"]);
    assert_eq!(inventory.n_parameters, 30);
    let bad = wanted(&[("norm.weight", &[7]), ("gone", &[1 << 40]), ("count", &[3])]);
    let error = checkpoint.check(&bad, &[]).unwrap_err();
    let WeightsError::Inventory { inventory, .. } = &error else { panic!("{error}") };
    assert_eq!(inventory.missing, ["gone"]);
    assert_eq!(inventory.misshaped[0].found, [6]);
    assert_eq!(inventory.undecodable, [("count".to_owned(), "Long".to_owned())]);
    let message = error.to_string();
    for word in ["gone", "norm.weight with [6] for [7]", "Long", "model_key.pt"] {
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn safetensors_stay_on_disk_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let good = Tensor::new(ramp(6), &Device::Cpu).unwrap();
    let bad = Tensor::new(&[1.0_f32, f32::NAN], &Device::Cpu).unwrap();
    let tensors = [("good".to_owned(), good), ("bad".to_owned(), bad)].into_iter().collect();
    candle_core::safetensors::save(&tensors, &path).unwrap();
    let checkpoint = Checkpoint::open(&path).unwrap();
    assert_eq!(values(&checkpoint, "good", &[6]), ramp(6));
    let error = checkpoint.var_builder(&Device::Cpu).get(2, "bad").unwrap_err();
    assert!(ModelError::from(error).to_failure().details.contains("not finite"));
    let error = checkpoint.var_builder(&Device::Cpu).get(3, "good").unwrap_err();
    assert!(ModelError::from(error).to_failure().details.contains("[6]"));
}

#[test]
fn other_files_are_refused_with_the_reason() {
    assert_refused(&fs::read(fixture("old_format.pt")).unwrap(), "before version 1.6");
    assert_refused(b"", "no header");
    assert_refused(b"GGUF....", "GGUF");
    assert_refused(&u64::MAX.to_le_bytes(), "header claims");
    assert_refused(&[&100_u64.to_le_bytes()[..], b"{}"].concat(), "header claims");
    assert_refused(&[&3_u64.to_le_bytes()[..], b"abc"].concat(), "not readable");
    let overflow = r#"{"a": {"dtype": "F32", "shape": [4294967296, 4294967296, 4],
        "data_offsets": [0, 0]}}"#;
    let overflow = [&(overflow.len() as u64).to_le_bytes()[..], overflow.as_bytes()].concat();
    assert_refused(&overflow, "does not fit");
    assert_refused(&torch_file(b"\x80\x02}."), "names no tensors");
    assert_refused(&torch_file(b"\x80\x02}q"), "cut off");
    assert_refused(&torch_file(b"\x80\x02h\x05."), "does not have");
    assert_refused(&torch_file(b"\x80\x02i"), "unknown instruction");
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let packed = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    zip.start_file("x/data.pkl", packed).unwrap();
    zip.write_all(&vec![b'N'; 100_000]).unwrap();
    assert_refused(&zip.finish().unwrap().into_inner(), "compressed");
}

/// Nesting and sharing cost no stack and little memory.
#[test]
fn deep_and_shared_pickles_are_harmless() {
    let deep = [b"\x80\x02N".as_slice(), &vec![0x85; 1_000_000], b"."].concat();
    assert_refused(&torch_file(&deep), "names no tensors");
    // A tuple of two of the last, again and again: 2^100000 leaves.
    let mut shared = b"\x80\x02Nq\x00".to_vec();
    for _ in 0..100_000 {
        shared.extend_from_slice(b"h\x00h\x00\x86q\x00");
    }
    shared.push(b'.');
    assert_refused(&torch_file(&shared), "names no tensors");
    let many = [b"\x80\x02".as_slice(), &vec![b'N'; 5_000_000], b"."].concat();
    assert_refused(&torch_file(&many), "values");
}

#[test]
fn cut_and_broken_files_never_panic() {
    for name in ["model_key.pt", "protocol4.pt", "views.pt"] {
        let whole = fs::read(fixture(name)).unwrap();
        for len in (0..whole.len()).step_by(31) {
            assert!(open(&whole[..len]).is_err(), "{name} cut to {len} bytes");
        }
        for place in (0..whole.len()).step_by(5) {
            for byte in [0xff, b'R'] {
                let mut broken = whole.clone();
                broken[place] = byte;
                let Ok(checkpoint) = open(&broken) else { continue };
                let vb = checkpoint.var_builder(&Device::Cpu);
                for (name, shape) in checkpoint.tensors() {
                    drop(vb.get(shape, name));
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn any_pickle_is_read_or_refused(
        instructions in prop::collection::vec(
            prop_oneof![
                4 => prop::sample::select(b"().]}tudse0abNRQ12hqKMlc\n\x85\x86\x87\x81\x93\x94".to_vec()),
                1 => any::<u8>(),
            ],
            0..200,
        )
    ) {
        drop(open(&torch_file(&[b"\x80\x02".as_slice(), &instructions, b"."].concat())));
    }
}
