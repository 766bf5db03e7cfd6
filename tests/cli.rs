//! The real program: what it prints, with which exit code, and what it leaves on the disk.
//!
//! Runs on the tiny model of random weights, so pictures are noise, but quick.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use image::{Rgba, RgbaImage};
use serde_json::Value;
use tempfile::TempDir;
use underpaint::imaging::io::{Export, FileFormat, read_metadata, save_picture};
use underpaint::imaging::metadata::Provenance;

const TINY_MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/embedded_tiny");

/// An empty folder in which the program runs.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_underpaint"));
        command.current_dir(self.0.path()).args(arguments).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::new(self.command(arguments).output().expect("the program starts"))
    }

    /// `generate` on the tiny model.
    fn generate(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["generate", "--model", TINY_MODEL], arguments].concat())
    }

    /// All files below the folder, temporary and hidden ones included.
    fn files(&self) -> Vec<String> {
        fn collect(folder: &Path, root: &Path, names: &mut Vec<String>) {
            for entry in fs::read_dir(folder).expect("a readable folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    collect(&path, root, names);
                } else {
                    let name = path.strip_prefix(root).expect("it lies below");
                    names.push(name.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        let mut names = Vec::new();
        collect(self.0.path(), self.0.path(), &mut names);
        names.sort();
        names
    }

    fn picture(&self, name: &str) -> RgbaImage {
        image::open(self.path(name)).expect("a picture").into_rgba8()
    }

    /// A drawing of a cross.
    fn draw(&self, name: &str, ink: u8, paper: u8) {
        let grey = |level| Rgba([level, level, level, 255]);
        RgbaImage::from_fn(300, 200, |x, y| {
            grey(if (140..160).contains(&x) || (90..110).contains(&y) { ink } else { paper })
        })
        .save(self.path(name))
        .expect("a drawing is saved");
    }
}

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    fn new(output: Output) -> Self {
        let ran = Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        };
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        ran
    }

    fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).expect("one JSON object")
    }

    /// One line of error that holds `words`, and nothing on standard output.
    fn failed(&self, code: i32, words: &str) {
        assert_eq!(self.code, Some(code), "{}", self.err);
        assert!(self.err.starts_with("error: "), "{}", self.err);
        assert_eq!(self.err.trim_end().lines().count(), 1, "{}", self.err);
        assert!(self.err.contains(words), "“{words}” is not in: {}", self.err);
        assert_eq!(self.out, "");
    }
}

/// A PNG header that declares a size, without pixels.
fn png_of_size(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 6, 0, 0, 0]);
    let mut crc = flate2::Crc::new();
    crc.update(&header);
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    png.extend(header);
    png.extend(crc.sum().to_be_bytes());
    png.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e\0\0\0\0IEND\xae\x42\x60\x82");
    png
}

#[test]
fn mistakes_in_arguments_exit_with_2() {
    let desk = Desk::new();
    for (arguments, words) in [
        (&["--stop-at", "0"][..], "--stop-at must be 1 to 8: this model has 8 scales"),
        (&["--stop-at", "99"], "--stop-at must be 1 to 8: this model has 8 scales"),
        (&["--stop-at", "-1"], "give a whole number"),
        (&["--seed", "-1"], "give a whole number from 0 to 18446744073709551615"),
        (&["--seed", "1.5"], "give a whole number"),
        (&["--guidance", "nan"], "give a number from 0 to 20"),
        (&["--guidance", "inf"], "give a number from 0 to 20"),
        (&["--guidance", "-1"], "give a number from 0 to 20"),
        (&["--guidance", "much"], "give a number from 0 to 20"),
        (&["--temperature", "2.5"], "give a number from 0 to 2"),
        (&["--top-p", "1.1"], "give a number from 0 to 1"),
        (&["--top-k", "-3"], "give a whole number"),
        (&["--count", "0"], "0 is not in 1..=1000"),
        (&["--count", "1001"], "1001 is not in 1..=1000"),
        (&["--strength", "lines"], "write KIND=VALUE, such as lines=0.8"),
        (&["--strength", "edges=1"], "“edges” is not lines, depth or colour"),
        (&["--strength", "lines=3"], "give a number from 0 to 2"),
        (&["--strength", "lines=nan"], "give a number from 0 to 2"),
        (&["--strength", "lines=1"], "--strength lines needs a picture: add --lines FILE"),
        (&["--device", "gpu"], "“gpu” is not auto, cpu, cuda:N or metal"),
        (&["-o", "a.gif"], "pictures are saved as PNG"),
        (&["-o", "folder/"], "--output must name a file"),
        (&["--line", "a.png"], "a similar argument exists: '--lines'"),
        (&["--lines"], "a value is required"),
        (&["second prompt"], "unexpected argument 'second prompt'"),
    ] {
        desk.generate(&[&["cat"], arguments].concat()).failed(2, words);
    }
    desk.generate(&[]).failed(2, "<PROMPT>");
    desk.run(&["paint"])
        .failed(2, "invalid value 'paint' for '[FILE]': this is neither a command nor a file");
    desk.run(&["--save-dir", ".", "info"]).failed(2, "--save-dir is for the window");
    desk.draw("a.png", 0, 255);
    for (arguments, words) in [
        (&["--pin", "4=a.png"][..], "there is no place 4"),
        (&["--close-slot", "9"], "there is no place 9"),
        (&["--pin", "1=a.png", "--pin", "1=a.png"], "--pin 1 is given twice"),
        (&["--pin", "2=a.png", "--close-slot", "2"], "closed by --close-slot 2"),
        (&["--pin", "a.png"], "SLOT=FILE"),
        (&["--ban", "12"], "16 digits"),
        (&["--close-slot", "0"], "from 1"),
        (&["--reference-strength", "3"], "from 0 to 2"),
        (
            &["--pin", "1=a.png", "--inspire", "a.png", "--inspire", "a.png", "--inspire", "a.png"],
            "--inspire can be given up to 2 times",
        ),
    ] {
        desk.generate(&[&["cat"], arguments].concat()).failed(2, words);
    }
    let four = ["cat", "--inspire", "a.png"].into_iter().chain(["--inspire", "a.png"].repeat(3));
    desk.generate(&four.collect::<Vec<_>>()).failed(2, "--inspire can be given up to 3 times");
    assert_eq!(desk.files(), ["a.png"]);
}

#[test]
fn unusable_pictures_are_named() {
    let desk = Desk::new();
    fs::create_dir(desk.path("folder")).unwrap();
    fs::write(desk.path("notes.png"), b"Dear diary, today I drew nothing.").unwrap();
    fs::write(desk.path("empty.png"), b"").unwrap();
    fs::write(desk.path("none.png"), png_of_size(0, 0)).unwrap();
    fs::write(desk.path("huge.png"), png_of_size(20000, 20000)).unwrap();
    desk.draw("whole.png", 0, 255);
    let whole = fs::read(desk.path("whole.png")).unwrap();
    fs::write(desk.path("cut.png"), &whole[..whole.len() / 2]).unwrap();
    let before = desk.files();
    for (file, words) in [
        ("missing.png", "there is no such picture; check the name: missing.png"),
        ("folder", "this is a folder; give a picture file: folder"),
        ("notes.png", "this is not a picture; give a PNG"),
        ("empty.png", "empty (0 bytes)"),
        ("none.png", "no pixels (0×0)"),
        ("huge.png", "20000×20000 pixels and 16384×16384 is the limit"),
        ("cut.png", "damaged or cut off"),
    ] {
        for option in ["--lines", "--depth", "--colour", "--inspire"] {
            let ran = desk.generate(&["cat", option, file, "--previews", "p", "-o", "a.png"]);
            ran.failed(1, words);
        }
    }
    assert_eq!(desk.files(), before);
    assert!(!desk.path("p").exists());
}

#[test]
fn unwritable_places_are_found_before_painting() {
    let desk = Desk::new();
    fs::create_dir(desk.path("folder")).unwrap();
    fs::write(desk.path("file"), b"kept").unwrap();
    for (arguments, words) in [
        (&["-o", "no/such/a.png"][..], "the folder does not exist"),
        (&["-o", "folder"], "this is a folder"),
        (&["-o", "file/a.png"], "cannot be written"),
        (&["-o", "a.png", "--previews", "file"], "the folder cannot be created"),
        (&["-o", "no/a.png", "--count", "3", "--previews", "p"], "the folder does not exist"),
    ] {
        let ran = desk.generate(&[&["cat", "--seed", "1"], arguments].concat());
        ran.failed(1, words);
    }
    if cfg!(unix) {
        desk.generate(&["cat", "-o", "/dev/null"]).failed(1, "this is a device");
    }
    assert_eq!(desk.files(), ["file"]);
    assert!(!desk.path("p").exists());
}

#[test]
fn unusable_models_are_named() {
    let desk = Desk::new();
    let generate = |model: &str| desk.run(&["generate", "cat", "-o", "a.png", "--model", model]);
    generate("missing").failed(1, "missing");
    fs::create_dir(desk.path("empty")).unwrap();
    generate("empty").failed(1, "empty");
    let copy = |name: &str| {
        fs::create_dir(desk.path(name)).expect("a new folder");
        for entry in fs::read_dir(TINY_MODEL).expect("the tiny model") {
            let from = entry.expect("an entry").path();
            if from.file_name().is_some_and(|name| name != "golden.safetensors") {
                let to = desk.path(name).join(from.file_name().expect("a name"));
                let bytes = fs::read(from).expect("a readable file");
                fs::write(to, bytes).expect("a copy");
            }
        }
    };
    copy("cut");
    let weights = desk.path("cut/model.safetensors");
    let bytes = fs::read(&weights).unwrap();
    fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    generate("cut").failed(1, "model.safetensors");
    copy("other");
    let config = desk.path("other/config.json");
    let mut json: Value = serde_json::from_slice(&fs::read(&config).unwrap()).unwrap();
    let ffn_dim = json["generator"]["ffn_dim"].as_u64().unwrap();
    json["generator"]["ffn_dim"] = (ffn_dim + 8).into();
    fs::write(&config, json.to_string()).unwrap();
    let ran = generate("other");
    ran.failed(1, "tensor generator.blocks.0.ffn");
    assert!(ran.err.contains("has shape") && ran.err.contains("needs"), "{}", ran.err);
    copy("garbled");
    fs::write(desk.path("garbled/config.json"), b"{ not json").unwrap();
    generate("garbled").failed(1, "configuration is not valid");
    if !cfg!(feature = "cuda") {
        desk.generate(&["cat", "--device", "cuda:0"]).failed(1, "--features cuda");
    }
    assert!(!desk.path("a.png").exists());
}

#[test]
fn causes_are_told_on_request() {
    let desk = Desk::new();
    desk.draw("whole.png", 0, 255);
    let whole = fs::read(desk.path("whole.png")).unwrap();
    fs::write(desk.path("cut.png"), &whole[..whole.len() / 2]).unwrap();
    let ran = desk.generate(&["cat", "--lines", "cut.png", "-v"]);
    assert_eq!(ran.code, Some(1));
    let lines: Vec<_> = ran.err.lines().collect();
    assert!(lines.len() == 2 && lines[1].starts_with("cause: "), "{lines:?}");
}

#[test]
fn a_picture_is_saved_and_its_path_printed() {
    let desk = Desk::new();
    let ran = desk.generate(&["red apple, 3d style", "--seed", "7"]).succeeded();
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("red-apple-3d-style-7.png\n", ""));
    assert_eq!(desk.picture("red-apple-3d-style-7.png").dimensions(), (256, 256));
    // The same name is never overwritten …
    let ran = desk.generate(&["Red apple! 3D style", "--seed", "7"]).succeeded();
    assert_eq!(ran.out, "red-apple-3d-style-7-2.png\n");
    // … except if it is given.
    fs::write(desk.path("a.png"), b"old").unwrap();
    desk.generate(&["red apple, 3d style", "--seed", "7", "-o", "a.png"]).succeeded();
    let bytes = |name: &str| fs::read(desk.path(name)).unwrap();
    assert_eq!(bytes("a.png"), bytes("red-apple-3d-style-7.png"));
    assert_eq!(desk.files().len(), 3);
}

#[test]
fn prompts_of_every_kind_work() {
    let desk = Desk::new();
    for (prompt, name) in [
        ("", "picture-1.png"),
        ("苹果", "苹果-1.png"),
        ("🍎👩‍👩‍👧‍👦", "picture-1-2.png"),
        ("naïve café\n\ttabs \u{7} and \u{202e}marks", "naïve-café-tabs-and-marks-1.png"),
    ] {
        let ran = desk.generate(&["--seed", "1", "--stop-at", "3", prompt]).succeeded();
        assert_eq!((ran.out.trim_end(), ran.err.as_str()), (name, ""));
    }
    let long = "apple ".repeat(1667);
    let ran = desk.generate(&["--seed", "1", "--stop-at", "3", "-o", "a.png", &long]).succeeded();
    assert_eq!(ran.out, "a.png\n");
    assert!(ran.err.starts_with("note: ") && ran.err.lines().count() == 1, "{}", ran.err);
    let ran = desk.generate(&["--seed", "1", "-q", "--stop-at", "3", &long]).succeeded();
    assert_eq!(ran.err, "");
}

#[test]
fn a_missing_seed_is_drawn_and_told() {
    let desk = Desk::new();
    let seeds: Vec<u64> = (0..2)
        .map(|_| {
            let ran = desk.generate(&["cat", "--stop-at", "1"]).succeeded();
            let told = ran.err.strip_prefix("note: the seed is ").expect("the seed is told");
            let seed: u64 = told.trim_end().parse().expect("a number");
            assert_eq!(ran.out, format!("cat-{seed}.png\n"));
            seed
        })
        .collect();
    assert_ne!(seeds[0], seeds[1]);
}

#[test]
fn several_pictures_are_what_single_runs_give() {
    let desk = Desk::new();
    desk.draw("cross.png", 0, 255);
    let common = ["blue cat", "--lines", "cross.png", "--negative", "red"];
    let run = |more: &[&str]| desk.generate(&[&common, more].concat()).succeeded();
    let ran = run(&["--seed", "5", "--count", "3", "-o", "many.png", "--previews", "p"]);
    assert_eq!(ran.out, "many-5.png\nmany-6.png\nmany-7.png\n");
    let bytes = |name: String| fs::read(desk.path(&name)).unwrap();
    for seed in 5..8 {
        let seed_text = seed.to_string();
        run(&["--seed", &seed_text, "-o", "one.png", "--previews", "q"]);
        assert_eq!(bytes(format!("many-{seed}.png")), bytes("one.png".to_owned()));
        for scale in 1..=8 {
            assert_eq!(
                bytes(format!("p/{seed}-{scale:02}.png")),
                bytes(format!("q/{scale:02}.png"))
            );
        }
        // Beside the pixels, finished pictures tell how they were made.
        assert_eq!(desk.picture("q/08.png"), desk.picture("one.png"));
    }
    assert_ne!(bytes("many-5.png".to_owned()), bytes("many-6.png".to_owned()));
    assert_eq!(desk.files().len(), 1 + 3 + 1 + 24 + 8);
}

#[test]
fn controls_and_inspirations_change_the_picture() {
    let desk = Desk::new();
    desk.draw("cross.png", 0, 255);
    desk.draw("inverted.png", 255, 0);
    let paint = |arguments: &[&str]| {
        let ran = desk.generate(&[&["cat", "--seed", "1", "-o", "a.png"], arguments].concat());
        (ran.succeeded().err, desk.picture("a.png"))
    };
    let (_, plain) = paint(&[]);
    let (note, lines) = paint(&["--lines", "cross.png"]);
    assert_eq!(note, "");
    assert!(plain != lines, "lines have an effect");
    let (note, inverted) = paint(&["--lines", "inverted.png"]);
    assert_eq!(note, "note: inverted: Inverted: the lines were light on dark\n");
    assert!(lines == inverted, "polarity has none");
    assert!(plain == paint(&["--lines", "cross.png", "--strength", "lines=0"]).1);
    assert!(lines != paint(&["--lines", "cross.png", "--strength", "lines=0.5"]).1);
    assert!(plain != paint(&["--depth", "cross.png"]).1);
    assert!(paint(&["--color", "cross.png"]).0.contains("white background counts as colour"));
    let (note, inspired) = paint(&["--inspire", "cross.png"]);
    assert!(note.contains("cross: the background was taken away"), "{note}");
    assert!(plain != inspired);
    let (note, with_paper) = paint(&["--inspire", "cross.png", "--keep-background"]);
    assert_eq!(note, "");
    assert!(with_paper != plain && with_paper != inspired);
    desk.generate(&["dog", "--seed", "3", "-o", "dog.png"]).succeeded();
    let (note, by_ids) = paint(&["--inspire", "dog.png"]);
    assert_eq!(note, "", "a picture of ours is known by its ids");
    assert!(by_ids != plain);
    assert!(inspired == paint(&["--pin", "1=cross.png"]).1, "the first place that is free");
    assert!(inspired != paint(&["--pin", "2=cross.png"]).1);
    assert!(inspired != paint(&["--close-slot", "1", "--inspire", "cross.png"]).1);
    let weak = ["--inspire", "cross.png", "--reference-strength", "0.2"];
    assert!(inspired != paint(&weak).1);
    assert!(plain != paint(&["--stop-at", "4"]).1);
}

#[test]
fn json_is_one_object_with_everything() {
    let desk = Desk::new();
    desk.draw("sun.png", 255, 0);
    let arguments = ["cat", "--seed", "9", "--count", "2", "-o", "a.png", "--json"];
    let more = ["--inspire", "sun.png", "--lines", "sun.png", "--previews", "p", "--stop-at", "5"];
    let ran = desk.generate(&[&arguments[..], &more].concat()).succeeded();
    assert_eq!(ran.err, "");
    let report = ran.json();
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report["prompt"], "cat");
    assert!(report["model"].is_string() && report["device"].is_string());
    assert_eq!(report["notices"][0], "sun: Inverted: the lines were light on dark");
    assert_eq!(report["error"], Value::Null);
    assert!(report["load_ms"].as_f64().unwrap() > 0.0);
    assert!(report["total_ms"].as_f64() > report["load_ms"].as_f64());
    let peak = report["peak_memory_bytes"].as_u64();
    assert_eq!(peak.is_some_and(|bytes| bytes > 1 << 20), cfg!(target_os = "linux"));
    let pictures = report["pictures"].as_array().unwrap();
    assert_eq!(pictures.len(), 2);
    for (picture, seed) in pictures.iter().zip([9, 10]) {
        assert_eq!(picture["seed"], seed);
        assert_eq!(picture["path"], format!("a-{seed}.png"));
        assert_eq!(picture["previews"][4], format!("p/{seed}-05.png").as_str());
        assert_eq!(picture["previews"].as_array().unwrap().len(), 5);
        let times = &picture["times_ms"];
        assert_eq!(times["scales"].as_array().unwrap().len(), 5);
        for part in ["text", "retrieval", "prepare", "decode", "save", "total"] {
            assert!(times[part].as_f64().unwrap() >= 0.0, "{part}");
        }
        let inspiration = &picture["inspired_by"][0];
        assert_eq!(inspiration["slot"], 0);
        assert_eq!(inspiration["similarity"], Value::Null);
        for part in ["entry", "caption", "style", "source", "licence"] {
            assert!(inspiration[part].is_string(), "{part}: {inspiration}");
        }
    }
}

#[test]
fn info_tells_about_the_model() {
    let desk = Desk::new();
    let ran = desk.run(&["info", "--json", "--model", TINY_MODEL]).succeeded();
    let report = ran.json();
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report["model"]["scales"], serde_json::json!([1, 2, 3, 4, 6, 8, 11, 16]));
    assert!(report["model"]["n_parameters"].as_u64().unwrap() > 1000);
    assert!(report["model"]["memory_sources"].is_array());
    let text = desk.run(&["info", "--model", TINY_MODEL]).succeeded().out;
    for words in ["Underpaint", "Parameters", "1 2 3 4 6 8 11 16", "Memory", "Device", "Threads"] {
        assert!(text.contains(words), "{words} is not in: {text}");
    }
    desk.run(&["info", "--model", "missing"]).failed(1, "missing");
}

#[test]
fn help_and_version_go_to_standard_output() {
    let desk = Desk::new();
    let ran = desk.run(&["--version"]).succeeded();
    assert_eq!(ran.out, format!("underpaint {}\n", env!("CARGO_PKG_VERSION")));
    assert!(desk.run(&["--help"]).succeeded().out.contains("the window opens"));
    let help = desk.run(&["generate", "--help"]).succeeded().out;
    assert!(help.contains("FILE-7.png, FILE-8.png"), "{help}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let desk = Desk::new();
    for arguments in [
        &["generate", "cat", "--seed", "1", "--model", TINY_MODEL][..],
        &["generate", "cat", "--seed", "1", "--json", "--model", TINY_MODEL],
        &["info", "--model", TINY_MODEL],
        &["--help"],
    ] {
        let mut command = desk.command(arguments);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        drop(child.stdout.take());
        let ran = Ran::new(child.wait_with_output().expect("it ends")).succeeded();
        assert_eq!(ran.err, "", "{arguments:?}");
    }
    assert_eq!(desk.files(), ["cat-1-2.png", "cat-1.png"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_an_error() {
    let desk = Desk::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = desk.command(&["info", "--model", TINY_MODEL]);
    let ran = Ran::new(command.stdout(full).output().unwrap());
    ran.failed(1, "the result cannot be printed");
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_display_the_command_line_is_recommended() {
    let desk = Desk::new();
    let mut command = desk.command(&["--model", TINY_MODEL]);
    for variable in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
        command.env_remove(variable);
    }
    let ran = Ran::new(command.output().unwrap());
    ran.failed(1, "check that a display is available, or use `underpaint generate`");
}

#[test]
fn a_memory_that_is_not_there_is_named() {
    let desk = Desk::new();
    let mut command = desk.command(&["generate", "--model", TINY_MODEL, "cat"]);
    command.args(["--memory", "My cats"]).env("XDG_DATA_HOME", desk.path("data"));
    let ran = Ran::new(command.output().expect("the program starts"));
    ran.failed(1, "there is no memory “My cats”");
    desk.generate(&["cat", "--memory", "a", "--no-memory"]).failed(2, "cannot be used with");
    assert_eq!(desk.files(), [""; 0], "looking for a memory makes none");
}

#[test]
fn what_inspired_a_picture_is_taken_from_its_file() {
    let desk = Desk::new();
    desk.draw("sun.png", 255, 0);
    let arguments = ["cat", "--seed", "9", "-o", "a.png", "--inspire", "sun.png", "--quiet"];
    desk.generate(&arguments).succeeded();
    let go_on = |file: &str, output: &str| {
        let arguments = ["continue", file, "--model", TINY_MODEL, "--from-scale", "5"];
        let seed = ["--seed", "9", "-o", output];
        let mut command = desk.command(&[&arguments[..], &seed].concat());
        command.env("XDG_DATA_HOME", desk.path("data"));
        Ran::new(command.output().expect("the program starts")).succeeded().err
    };
    assert!(!go_on("a.png", "b.png").contains("no longer"));
    assert_eq!(desk.picture("a.png"), desk.picture("b.png"));
    // As if it had been found in a memory that was removed since.
    let recalled = read_metadata(&desk.path("a.png")).unwrap().recalled.unwrap();
    let mut record = recalled.record.unwrap();
    record.inspirations[0].entry = "00000000000000aa".to_owned();
    record.inspirations[0].memory = "My suns".to_owned();
    record.inspirations[0].provenance = Provenance::Entry;
    let export = Export { format: FileFormat::Png, record: Some(&record) };
    save_picture(&desk.path("c.png"), &desk.picture("a.png"), &export).unwrap();
    let notes = go_on("c.png", "d.png");
    assert!(notes.contains("the memory “My suns” no longer has “sun”"), "{notes}");
    assert_eq!(desk.picture("a.png"), desk.picture("d.png"));
}
