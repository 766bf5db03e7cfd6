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
