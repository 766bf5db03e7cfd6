//! `underpaint models`, as a program would call it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::files;
use crate::server::{Server, file};

struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, server: &str, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_underpaint"))
            .arg("models")
            .args(arguments)
            .env("XDG_DATA_HOME", self.path("data"))
            .env("HF_HOME", self.path("hub"))
            .env("HF_ENDPOINT", server)
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    #[track_caller]
    fn json(&self, server: &str, arguments: &[&str]) -> Value {
        let output = self.run(server, &[arguments, &["--json"]].concat());
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str], words: &str) {
        let output = self.run("http://127.0.0.1:1", arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains(words), "{told}");
        assert!(told.lines().last().unwrap_or_default().starts_with("error:"), "{told}");
    }
}

const NOWHERE: &str = "http://127.0.0.1:1";

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let models = list["models"].as_array().unwrap();
    models.iter().find(|model| model["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn models_are_listed_scanned_and_shown() {
    let desk = Desk::new();
    let list = desk.json(NOWHERE, &["list"]);
    assert_eq!(named(&list, "built-in")["state"], "built-in");
    assert_eq!(named(&list, "edge_base")["state"], "absent");
    assert_eq!(named(&list, "seg_ade20k")["state"], "unpublished");

    files::write_readme_layout(&desk.path("mine"));
    let found = desk.json(NOWHERE, &["scan", "mine", "--remember"]);
    assert_eq!(found["models"].as_array().unwrap().len(), 1);
    // What was remembered is listed from then on.
    let list = desk.json(NOWHERE, &["list"]);
    let model = named(&list, "canny_MR");
    assert_eq!(model["state"], "ready");
    assert_eq!(model["controls"], serde_json::json!(["lines"]));
    assert_eq!(model["memory"][1]["precision"], "q8");
    let text = desk.run(NOWHERE, &["show", "canny_mr"]).stdout;
    let text = String::from_utf8_lossy(&text);
    for words in ["Picture decoder", "Licence:", "Apache-2.0", "canny_MR.safetensors", "q4"] {
        assert!(text.contains(words), "{text}");
    }
    let by_file = desk.json(NOWHERE, &["show", "mine/checkpoints/t2i/canny/canny_MR.safetensors"]);
    assert_eq!(by_file["name"], "canny_MR");
}

#[test]
fn missing_files_are_fetched_and_nothing_else() {
    let desk = Desk::new();
    files::write(&desk.path("x/c2i_B_384.pt"), &files::classes());
    desk.json(NOWHERE, &["scan", "x", "--remember"]);
    let server = Server::new(|request, stream| file(request, stream, b"tokenizer", "\"one\""));
    let done = desk.json(&server.url(""), &["get", "c2i_B_384"]);
    let paths: Vec<_> =
        server.requests.lock().unwrap().iter().map(|request| request.path.clone()).collect();
    assert_eq!(paths, ["/FoundationVision/LlamaGen/resolve/main/vq_ds16_c2i.pt"]);
    let path = Path::new(done["files"][0]["path"].as_str().unwrap());
    assert_eq!(std::fs::read(path).unwrap(), b"tokenizer");
}

#[test]
fn files_are_converted_and_named_by_their_hash() {
    let desk = Desk::new();
    let from =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoints/model_key.pt");
    std::fs::copy(from, desk.path("a.pt")).unwrap();
    let done = desk.json(NOWHERE, &["convert", "a.pt"]);
    assert_eq!((&done["path"], &done["n_tensors"]), (&"a.safetensors".into(), &4.into()));
    let verified = desk.json(NOWHERE, &["verify", "a.safetensors"]);
    assert_eq!(verified["sha256"], done["sha256"]);
    assert!(verified["published"].is_null());
    desk.refused(&["convert", "a.pt"], "of this name already");
    desk.refused(&["convert", "a.pt", "--precision", "q8"], "only transformers");
}

#[test]
fn mistakes_say_what_to_do() {
    let desk = Desk::new();
    desk.refused(&["show", "edge_bass"], "models list");
    desk.refused(&["get", "seg_ade20k"], "never published");
    desk.refused(&["get", "edge_base"], "cannot be reached");
    desk.refused(&["scan", "nowhere"], "no such folder");
    desk.refused(&["convert", "nothing.pt"], "cannot be read");
    desk.refused(&["verify", "nothing.pt"], "check the name");
}
