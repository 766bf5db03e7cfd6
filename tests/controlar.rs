//! The raster models against recorded numbers (`tests/fixtures/controlar`): the same checks as
//! `cargo run --release --example parity`.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

#[path = "../examples/parity/checks/mod.rs"]
mod checks;

use std::path::{Path, PathBuf};

use checks::{Report, check_tree};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/controlar").join(name)
}

#[track_caller]
fn assert_parity(name: &str, at_least: usize) {
    let reports = check_tree(&fixture(name)).unwrap();
    let [Report { folder, kind, lines }] = reports.as_slice() else {
        panic!("one folder, one report")
    };
    let failed: Vec<String> =
        lines.iter().filter(|line| !line.passed).map(|line| format!("{line}\n")).collect();
    assert!(failed.is_empty(), "{kind} in {}:\n{}", folder.display(), failed.concat());
    assert!(lines.len() >= at_least, "only {} comparisons", lines.len());
}

#[test]
fn norms_and_activations() {
    assert_parity("ops", 9);
}

#[test]
fn resizes() {
    assert_parity("resample", 30);
}

#[test]
fn filters_of_logits() {
    assert_parity("sampler", 40);
}

#[test]
fn picture_tokenizer() {
    assert_parity("vq16", 50);
}

#[test]
fn class_conditional_transformer() {
    assert_parity("llamagen_c2i", 30);
}

#[test]
fn text_conditional_transformer() {
    assert_parity("llamagen_t2i", 30);
}

#[test]
fn text_encoder() {
    assert_parity("t5", 8);
}

#[test]
fn control_on_a_square_grid() {
    assert_parity("controlar_square", 50);
}

#[test]
fn control_on_a_wide_grid() {
    assert_parity("controlar_mr", 50);
}

/// Sizes that no published model has, in PyTorch files: nothing is hard-wired.
#[test]
fn other_sizes_and_other_files() {
    let reports = check_tree(&fixture("variants")).unwrap();
    let kinds: Vec<&str> = reports.iter().map(|report| report.kind).collect();
    assert_eq!(kinds, ["llamagen", "controlar", "controlar", "llamagen", "t5"]);
    for Report { folder, lines, .. } in reports {
        let failed: Vec<String> =
            lines.iter().filter(|line| !line.passed).map(|line| format!("{line}\n")).collect();
        assert!(failed.is_empty(), "{}:\n{}", folder.display(), failed.concat());
        assert!(lines.len() >= 5, "only {} comparisons", lines.len());
    }
}

/// What is missing in a weight file, misshapen or too much in it is told, tensor by tensor.
#[test]
fn weights_that_do_not_fit_fail() {
    let source = fixture("llamagen_c2i");
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(&source).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let path = folder.path().join("weights.safetensors");
    let cpu = &candle_core::Device::Cpu;
    let whole = candle_core::safetensors::load(&path, cpu).unwrap();
    let fails = |change: &dyn Fn(&mut std::collections::HashMap<String, candle_core::Tensor>),
                 name: &str| {
        let mut tensors = whole.clone();
        change(&mut tensors);
        candle_core::safetensors::save(&tensors, &path).unwrap();
        let reports = check_tree(folder.path()).unwrap();
        let failed: Vec<&str> =
            reports[0].lines.iter().filter(|l| !l.passed).map(|l| l.name.as_str()).collect();
        assert_eq!(failed, [format!("weights {name}")]);
    };
    fails(&|tensors| drop(tensors.remove("norm.weight")), "norm.weight");
    fails(
        &|tensors| {
            let turned = tensors["output.weight"].t().unwrap().contiguous().unwrap();
            tensors.insert("output.weight".to_owned(), turned);
        },
        "output.weight",
    );
    fails(
        &|tensors| {
            let norm = tensors["norm.weight"].clone();
            tensors.insert("norm.other".to_owned(), norm);
        },
        "norm.other",
    );
    // A file that is none is a failure like any other.
    std::fs::write(&path, "<html>").unwrap();
    let reports = check_tree(folder.path()).unwrap();
    assert!(!reports[0].lines[0].passed);
    assert!(reports[0].lines[0].to_string().contains("web page"));
}
