//! Rules that keep the layers apart: who may import whom, which crates a layer may name, a module
//! doc in every file, and no file too long to read.

use std::fs;
use std::path::{Path, PathBuf};

/// Per top-level module: the modules of ours it may import, and the crates it never names.
const LAYERS: &[(&str, &[&str], &[&str])] = &[
    ("params", &[], &["egui", "wgpu", "candle"]),
    ("imaging", &["params"], &["egui", "wgpu", "candle"]),
    ("protocol", &["params", "imaging"], &["egui", "wgpu", "candle"]),
    ("library", &["params", "imaging", "protocol"], &["egui", "wgpu", "candle"]),
    (
        "document",
        &["params", "imaging"],
        &["egui", "wgpu", "candle", "thread", "crossbeam_channel", "Instant"],
    ),
    (
        "project",
        &["params", "imaging", "protocol", "document"],
        &["egui", "wgpu", "candle", "thread", "crossbeam_channel", "Instant"],
    ),
    (
        "model",
        &["params", "imaging", "protocol"],
        &["egui", "wgpu", "crossbeam_channel", "Instant"],
    ),
    ("worker", &["params", "imaging", "protocol", "model"], &["egui", "wgpu", "candle"]),
    ("catalogue", &["params", "imaging", "protocol", "model"], &["egui", "wgpu", "candle"]),
    ("render", &["params", "imaging", "document"], &["candle", "worker"]),
    (
        "state",
        &["params", "imaging", "protocol", "document", "project"],
        &["candle", "wgpu", "worker"],
    ),
    ("ui", &["params", "imaging", "protocol", "document", "render", "state"], &["candle"]),
    (
        "app",
        &[
            "params",
            "imaging",
            "protocol",
            "library",
            "document",
            "project",
            "worker",
            "catalogue",
            "render",
            "state",
            "ui",
        ],
        &["candle"],
    ),
    (
        "cli",
        &[
            "params",
            "imaging",
            "protocol",
            "library",
            "document",
            "project",
            "model",
            "worker",
            "catalogue",
            "render",
            "state",
            "ui",
            "app",
        ],
        &["candle"],
    ),
];

const MAX_LINES: usize = 600;

#[test]
fn layers_import_only_downwards() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let Some((module, allowed, banned)) = layer_of(&path) else { continue };
        for (line_idx, line) in code_lines(&text) {
            let place = format!("{}:{}", path.display(), line_idx + 1);
            for imported in imported_modules(line) {
                if imported != *module && !allowed.contains(&imported.as_str()) {
                    broken.push(format!("{place}: {module} must not import {imported}"));
                }
            }
            for name in *banned {
                if words(line).any(|word| word == *name || word.starts_with(&format!("{name}_"))) {
                    broken.push(format!("{place}: {module} must not name {name}"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn device_features_stay_in_one_file() {
    for (path, text) in sources() {
        if path.ends_with("model/device.rs") {
            continue;
        }
        for (line_idx, line) in code_lines(&text) {
            let names_feature =
                line.contains("feature = \"cuda\"") || line.contains("feature = \"metal\"");
            assert!(!names_feature, "{}:{}", path.display(), line_idx + 1);
        }
    }
}

#[test]
fn every_file_says_what_it_is_for_and_is_short() {
    for (path, text) in sources() {
        assert!(text.starts_with("//! "), "{} needs a leading //! line", path.display());
        assert!(!text.starts_with("//! To be written"), "{} is empty", path.display());
        let n_lines = text.lines().count();
        assert!(n_lines <= MAX_LINES, "{} has {n_lines} lines", path.display());
    }
}

#[test]
fn every_module_has_its_rule() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let modules = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    for module in modules {
        assert!(LAYERS.iter().any(|(name, ..)| *name == module), "no rule for {module}");
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files under `src/`, with paths relative to it.
fn sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the sources are readable") {
            let path = entry.expect("the sources are readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                let path = path.strip_prefix(root().join("src")).expect("found there").to_owned();
                files.push((path, text));
            }
        }
    }
    assert!(files.len() > 10, "the sources were not found");
    files
}

fn layer_of(
    path: &Path,
) -> Option<&'static (&'static str, &'static [&'static str], &'static [&'static str])> {
    let first = path.iter().next()?.to_str()?;
    let module = first.strip_suffix(".rs").unwrap_or(first);
    LAYERS.iter().find(|(name, ..)| *name == module)
}

/// Lines outside comments, up to the unit tests at the end of a file.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Top-level modules of ours that a line names: `crate::a::…` and `crate::{a::…, b}`.
fn imported_modules(line: &str) -> Vec<String> {
    let mut modules = Vec::new();
    for (start, _) in line.match_indices("crate::") {
        let rest = &line[start + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for character in group.chars() {
                match character {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => modules.push(std::mem::take(&mut word)),
                    _ if depth == 0 => word.push(character),
                    _ => {}
                }
            }
            modules.push(word);
        } else {
            modules.push(rest.to_owned());
        }
    }
    modules
        .iter()
        .filter_map(|path| words(path).next().map(ToOwned::to_owned))
        .filter(|word| word.starts_with(char::is_lowercase))
        .collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
}

#[test]
fn imports_are_recognised() {
    assert_eq!(imported_modules("use crate::model::Config;"), ["model"]);
    assert_eq!(imported_modules("use crate::{imaging::RgbaImage, ui};"), ["imaging", "ui"]);
    assert_eq!(imported_modules("let x = crate::app::run(); // y"), ["app"]);
    assert!(imported_modules("use std::fs;").is_empty());
}
