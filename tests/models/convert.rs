//! PyTorch files to safetensors.

use std::path::{Path, PathBuf};

use candle_core::Device;
use tempfile::tempdir;
use underpaint::catalogue::convert::{ConvertError, convert, converted_path, sha256_of};
use underpaint::imaging::metadata::sha256_hex;
use underpaint::model::weights::Checkpoint;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoints").join(name)
}

fn tensors(path: &Path) -> Vec<(String, String, Vec<usize>, Vec<f32>)> {
    let file = Checkpoint::open(path).unwrap();
    let vb = file.var_builder(&Device::Cpu);
    let stored = file.stored().filter(|tensor| tensor.n_bytes > 0);
    stored
        .map(|tensor| {
            let values = vb.get(tensor.shape, tensor.name).unwrap();
            let values = values.flatten_all().unwrap().to_vec1().unwrap();
            (tensor.name.to_owned(), tensor.dtype.to_owned(), tensor.shape.to_vec(), values)
        })
        .collect()
}

#[test]
fn every_tensor_keeps_its_type_and_numbers() {
    let folder = tempdir().unwrap();
    for name in ["model_key.pt", "bare.bin", "protocol4.pt"] {
        let to = folder.path().join(name).with_extension("safetensors");
        let mut last = None;
        let done = convert(&fixture(name), &to, &|| true, &mut |progress| last = Some(progress));
        let done = done.unwrap();
        assert_eq!(tensors(&to), tensors(&fixture(name)), "{name}");
        assert_eq!(done.left_out, [("count".to_owned(), "Long".to_owned())]);
        let bytes = std::fs::read(&to).unwrap();
        assert_eq!((done.n_bytes, done.sha256), (bytes.len() as u64, sha256_hex(&bytes)));
        assert!(String::from_utf8_lossy(&bytes).contains(name), "its origin is told");
        // Others can read it too.
        safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(last.map(|progress| Some(progress.n_done) == progress.n_total), Some(true));
        let hash = sha256_of(&to, &|| true, &mut |_| {}).unwrap();
        assert_eq!(hash, Some(sha256_hex(&bytes)));
    }
}

#[test]
fn nothing_is_left_behind_by_what_did_not_work() {
    let folder = tempdir().unwrap();
    let to = folder.path().join("x.safetensors");
    let tried =
        |from: &Path, go_on: &dyn Fn() -> bool| convert(from, &to, go_on, &mut |_| {}).unwrap_err();
    assert!(matches!(tried(&fixture("bare.bin"), &|| false), ConvertError::Stopped));
    let garbage = folder.path().join("garbage.pt");
    std::fs::write(&garbage, "PK\u{3}\u{4} and so on").unwrap();
    assert!(matches!(tried(&garbage, &|| true), ConvertError::Weights(_)));
    std::fs::remove_file(&garbage).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    std::fs::write(&to, "mine").unwrap();
    assert!(matches!(tried(&fixture("bare.bin"), &|| true), ConvertError::Exists { .. }));
    assert_eq!(std::fs::read(&to).unwrap(), b"mine");
    let already = convert(&to, &folder.path().join("y"), &|| true, &mut |_| {}).unwrap_err();
    assert!(matches!(already, ConvertError::Already { .. }), "{already}");
    assert_eq!(converted_path(Path::new("a/b.pt")), Path::new("a/b.safetensors"));
}
