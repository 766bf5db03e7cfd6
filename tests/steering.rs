//! Stop, quit, reopen, continue: through real files and a second process, to the byte.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use image::{Rgba, RgbaImage};
use serde_json::Value;
use tempfile::TempDir;
use underpaint::imaging::io::read_metadata;
use underpaint::imaging::metadata::PictureRecord;
use underpaint::model::{self, DeviceChoice, Generator, LoadOptions, ModelChoice};
use underpaint::protocol::Kept;

const TINY_MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/embedded_tiny");
const TINY: &[&str] = &["--model", TINY_MODEL];
/// The model inside the program, which remembers pictures.
const EMBEDDED: &[&str] = &[];

/// An empty folder in which the program runs.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A process of its own; its standard output.
    fn run(&self, arguments: &[&[&str]]) -> String {
        let Output { status, stdout, stderr } = self.output(arguments);
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).expect("text")
    }

    /// One line of error that holds `words`.
    fn fails(&self, arguments: &[&[&str]], code: i32, words: &str) {
        let Output { status, stdout, stderr } = self.output(arguments);
        let error = String::from_utf8(stderr).expect("text");
        assert_eq!((status.code(), stdout.len()), (Some(code), 0), "{error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
        assert!(error.starts_with("error: ") && error.contains(words), "“{words}”: {error}");
    }

    fn output(&self, arguments: &[&[&str]]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_underpaint"))
            .current_dir(self.0.path())
            .args(arguments.concat())
            .stdin(Stdio::null())
            .output()
            .expect("the program starts")
    }

    fn picture(&self, name: &str) -> RgbaImage {
        image::open(self.path(name)).expect("a picture").into_rgba8()
    }

    fn record(&self, name: &str) -> PictureRecord {
        record_of(&self.path(name))
    }

    /// A drawing with soft edges in odd places: no map of whole bytes by chance.
    fn draw(&self, name: &str) {
        let ring = |x: u32, y: u32| {
            let radius = (f64::from(x) - 150.3).hypot(f64::from(y) - 111.7);
            let level = ((radius - 80.0).abs() * 24.0).min(255.0) as u8;
            Rgba([level, level, level, 255])
        };
        RgbaImage::from_fn(311, 207, ring).save(self.path(name)).expect("a drawing is saved");
    }

    fn paint(&self, name: &str) {
        let spot = |x: u32, y: u32| {
            let near = (f64::from(x) - 90.0).hypot(f64::from(y) - 60.0) < 50.0;
            if near { Rgba([210, 60, (x % 256) as u8, 190]) } else { Rgba([0; 4]) }
        };
        RgbaImage::from_fn(180, 140, spot).save(self.path(name)).expect("a picture is saved");
    }
}

fn record_of(path: &Path) -> PictureRecord {
    *read_metadata(path).expect("readable").recalled.expect("told").record.expect("our record")
}

fn tiny() -> Box<dyn Generator> {
    let model = ModelChoice::Folder(TINY_MODEL.into());
    model::load(&LoadOptions { model, device: DeviceChoice::Cpu }).expect("the tiny model")
}

/// Stops at scale 5, goes on in another process, and compares with a run without a break.
fn goes_on_to_the_byte(model: &[&str], prompt: &str, options: &[&str]) {
    let desk = Desk::new();
    desk.draw("lines.png");
    desk.paint("colour.png");
    let generate: &[&[&str]] = &[&["generate", prompt, "--seed", "7"], model, options];
    desk.run(&[generate.concat().as_slice(), &["-o", "whole.png"]]);
    desk.run(&[generate.concat().as_slice(), &["--stop-at", "5", "-o", "half.png"]]);
    let read = || fs::read(desk.path("half.png")).expect("the file is there");
    let before = read();
    desk.run(&[&["continue", "half.png", "-o", "on.png"], model]);
    assert!(desk.picture("on.png") == desk.picture("whole.png"), "{options:?}");
    assert!(desk.picture("half.png") != desk.picture("whole.png"), "{options:?}");
    assert_eq!(read(), before, "the file stays as it was");
    // In steps, from what was gone on with.
    desk.run(&[&["continue", "half.png", "--stop-at", "6", "-o", "more.png"], model]);
    desk.run(&[&["continue", "more.png", "-o", "all.png"], model]);
    assert!(desk.picture("all.png") == desk.picture("whole.png"), "{options:?}");
    // The file says what the file of a run without a break says.
    let (on, whole) = (desk.record("all.png"), desk.record("whole.png"));
    assert_eq!(on, PictureRecord { stop_at: 8, ..whole }, "{options:?}");
}

#[test]
fn going_on_in_a_second_process_gives_the_same_bytes() {
    goes_on_to_the_byte(EMBEDDED, "red apple, 3d style", &["--embed-controls"]);
    goes_on_to_the_byte(TINY, "red apple", &["--no-memory"]);
    goes_on_to_the_byte(
        TINY,
        "red apple",
        &["--guidance", "3.3", "--negative", "blue", "--temperature", "0.83", "--top-p", "0.9"],
    );
}

#[test]
fn going_on_with_embedded_controls_gives_the_same_bytes() {
    let controls = ["--lines", "lines.png", "--colour", "colour.png", "--strength", "lines=1.3"];
    let options = [&controls[..], &["--embed-controls", "--guidance", "2"]].concat();
    goes_on_to_the_byte(TINY, "red apple", &options);
    goes_on_to_the_byte(
        EMBEDDED,
        "red apple",
        &["--lines", "lines.png", "--inspire", "colour.png", "--embed-controls", "--guidance", "2"],
    );
}

#[test]
fn an_earlier_scale_is_decoded_from_the_file_alone() {
    let desk = Desk::new();
    desk.draw("lines.png");
    let generate = ["generate", "pear", "--seed", "3", "--lines", "lines.png", "-o", "pear.png"];
    desk.run(&[&generate, TINY, &["--previews", "scales"]]);
    for number in 1..=8 {
        // Without its control map, which only painting needs.
        let stop_at = number.to_string();
        desk.run(&[&["continue", "pear.png", "-o", "at.png", "--stop-at", &stop_at], TINY]);
        let expected = desk.picture(&format!("scales/{number:02}.png"));
        assert!(desk.picture("at.png") == expected, "scale {number}");
        assert_eq!(desk.record("at.png").stop_at, number);
    }
    // The library decodes the same, and what it saves again is the same.
    let mut generator = tiny();
    let kept = Kept::from_record(&desk.record("pear.png"), generator.info()).unwrap();
    let decoded = generator.decode(&kept.ids, kept.lock.as_ref(), 7).unwrap();
    assert!(decoded == desk.picture("pear.png"));
}

#[test]
fn scales_are_painted_anew_from_one_on() {
    let desk = Desk::new();
    desk.run(&[&["generate", "pear", "--seed", "3", "-o", "pear.png"], TINY]);
    let from_4 = ["continue", "pear.png", "--from-scale", "4"];
    desk.run(&[&from_4, &["--seed", "9", "-o", "new.png"], TINY]);
    desk.run(&[&from_4, &["--seed", "9", "-o", "again.png"], TINY]);
    assert!(desk.picture("new.png") == desk.picture("again.png"));
    assert!(desk.picture("new.png") != desk.picture("pear.png"));
    let (old, new) = (desk.record("pear.png"), desk.record("new.png"));
    assert_eq!(new.seeds, [3, 3, 3, 9, 9, 9, 9, 9]);
    let ids = |record: &PictureRecord| {
        record.tokens.as_ref().unwrap().ids().map(<[u32]>::to_vec).collect::<Vec<_>>()
    };
    assert_eq!(ids(&old)[..3], ids(&new)[..3]);
    assert_ne!(ids(&old)[3..], ids(&new)[3..]);
    // With its own seed it comes out as it was.
    desk.run(&[&from_4, &["--seed", "3", "-o", "same.png"], TINY]);
    assert!(desk.picture("same.png") == desk.picture("pear.png"));
    // Both seeds are known when it is stopped and gone on with.
    desk.run(&[&from_4, &["--seed", "9", "--stop-at", "6", "-o", "part.png"], TINY]);
    desk.run(&[&["continue", "part.png", "-o", "on.png"], TINY]);
    assert!(desk.picture("on.png") == desk.picture("new.png"));
    assert_eq!(desk.record("on.png").seeds, new.seeds);
    let told = desk.run(&[&["info", "on.png"]]);
    assert!(told.contains("3, 9 from scale 4"), "{told}");
    // A random one is told, and all can be painted anew.
    let out = desk.output(&[&["continue", "pear.png", "--from-scale", "1", "-o", "r.png"], TINY]);
    assert!(String::from_utf8_lossy(&out.stderr).contains("the seed is "), "{out:?}");
    assert_ne!(desk.record("r.png").seeds[0], 3);
}

#[test]
fn a_picture_starts_from_another() {
    let desk = Desk::new();
    desk.paint("spot.png");
    let start = |keep: &str, name: &str| {
        let arguments = ["generate", "pear", "--seed", "3", "--from-picture", "spot.png"];
        desk.run(&[&arguments, &["--keep-scales", keep, "-o", name], TINY]);
    };
    start("8", "all.png");
    let mut generator = tiny();
    let ids = generator.encode(&desk.picture("spot.png")).unwrap();
    assert!(generator.decode(&ids, None, 7).unwrap() == desk.picture("all.png"));
    start("3", "some.png");
    let record = desk.record("some.png");
    let source = record.source.clone().unwrap();
    assert_eq!((source.name.as_str(), source.n_scales), ("spot", 3));
    let kept = Kept::from_record(&record, generator.info()).unwrap();
    assert_eq!(kept.ids[..3], ids[..3]);
    assert_ne!(kept.ids[3..], ids[3..]);
    // Stopped and gone on with.
    let arguments = ["generate", "pear", "--seed", "3", "--from-picture", "spot.png"];
    desk.run(&[&arguments, &["--keep-scales", "3", "--stop-at", "4", "-o", "4.png"], TINY]);
    desk.run(&[&["continue", "4.png", "-o", "on.png"], TINY]);
    assert!(desk.picture("on.png") == desk.picture("some.png"));
    assert_eq!(desk.record("on.png"), record);
    // Half of the scales are kept if nothing is said.
    desk.run(&[&arguments, &["-o", "half.png"], TINY]);
    assert_eq!(desk.record("half.png").source.unwrap().n_scales, 4);

    for (keep, words) in [("0", "1 to 8"), ("9", "1 to 8"), ("x", "whole number")] {
        desk.fails(&[&arguments, &["--keep-scales", keep], TINY], 2, words);
    }
    desk.fails(&[&arguments, &["--keep-scales", "5", "--stop-at", "4"], TINY], 2, "--stop-at 4");
    desk.fails(&[&["generate", "x", "--keep-scales", "5"], TINY], 2, "--from-picture");
    desk.fails(&[&["generate", "x", "--from-picture", "no.png"], TINY], 1, "no.png");
    RgbaImage::new(9, 9).save(desk.path("empty.png")).unwrap();
    desk.fails(&[&["generate", "x", "--from-picture", "empty.png"], TINY], 1, "no visible pixels");
}

#[test]
fn what_cannot_be_gone_on_with_is_told_in_one_sentence() {
    let desk = Desk::new();
    desk.draw("lines.png");
    let generate = ["generate", "pear", "--seed", "3", "--stop-at", "5"];
    desk.run(&[&generate, &["-o", "half.png"], TINY]);
    desk.run(&[&generate, &["-o", "lined.png", "--lines", "lines.png"], TINY]);
    desk.run(&[&generate, &["-o", "mine.png", "--inspire", "lines.png"], EMBEDDED]);
    desk.run(&[&generate, &["-o", "bare.png", "--no-metadata"], TINY]);
    desk.run(&[&["continue", "half.png", "-o", "whole.png"], TINY]);
    let fails = |arguments: &[&str], model: &[&str], code: i32, words: &str| {
        desk.fails(&[&["continue"], arguments, model], code, words);
    };
    fails(&["half.png"], EMBEDDED, 1, "made by the model");
    fails(&["lined.png"], TINY, 1, "the lines map is not in the file");
    // What inspired a picture is in its file as ids, so it can be gone on with.
    desk.run(&[&["continue", "mine.png", "-o", "my-whole.png"], EMBEDDED]);
    fails(&["bare.png"], TINY, 1, "generate --from-picture");
    fails(&["lines.png"], TINY, 1, "does not tell how its picture was made");
    fails(&["whole.png"], TINY, 2, "has all 8 scales");
    fails(&["no.png"], TINY, 1, "no.png");
    fails(&["half.png", "--stop-at", "9"], TINY, 2, "1 to 8, not 9");
    fails(&["half.png", "--stop-at", "0"], TINY, 2, "1 to 8, not 0");
    fails(&["half.png", "--from-scale", "7"], TINY, 2, "1 to 6, not 7: the picture has 5 scales");
    fails(&["half.png", "--from-scale", "0"], TINY, 2, "1 to 6, not 0");
    fails(&["whole.png", "--from-scale", "9"], TINY, 2, "1 to 8, not 9");
    fails(&["half.png", "--from-scale", "4", "--stop-at", "3"], TINY, 2, "before --from-scale 4");
    fails(&["half.png", "--seed", "-1"], TINY, 2, "whole number");
    fails(&["half.png", "-o", "on.gif"], TINY, 2, "PNG");
    fails(&[], TINY, 2, "<FILE>");
    let a1111 = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/png_metadata");
    let foreign = fs::read_dir(a1111).unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        let told = read_metadata(&path).ok()?.recalled?;
        (told.record.is_none()).then_some(path)
    });
    let foreign = foreign.min().expect("a file of another application");
    fails(&[foreign.to_str().unwrap()], TINY, 1, "cannot be continued");
}

#[test]
fn damaged_files_are_continued_or_refused() {
    let desk = Desk::new();
    desk.run(&[&["generate", "pear", "--seed", "3", "--stop-at", "5", "-o", "half.png"], TINY]);
    let whole = fs::read(desk.path("half.png")).unwrap();
    let n_before = fs::read_dir(desk.0.path()).unwrap().count();
    // Cut inside the signature, the record, and the pixels, which are not needed.
    let record_at = whole.windows(10).position(|bytes| bytes == b"underpaint").unwrap();
    let pixels_at = whole.windows(4).position(|bytes| bytes == b"IDAT").unwrap();
    for length in [0, 5, record_at + 40, pixels_at + 30] {
        fs::write(desk.path("cut.png"), &whole[..length]).unwrap();
        let Output { status, stderr, .. } =
            desk.output(&[&["continue", "cut.png", "-o", "on.png"], TINY]);
        let error = String::from_utf8(stderr).unwrap();
        assert!(!error.contains("panicked"), "{error}");
        if status.success() {
            assert_eq!(length, pixels_at + 30, "what is before the pixels is enough");
            fs::remove_file(desk.path("on.png")).unwrap();
        } else {
            assert_eq!((status.code(), error.trim_end().lines().count()), (Some(1), 1), "{error}");
        }
        fs::remove_file(desk.path("cut.png")).unwrap();
        assert_eq!(fs::read_dir(desk.0.path()).unwrap().count(), n_before);
    }
    // Another model of the same name and shape.
    let other = desk.path("other");
    fs::create_dir(&other).unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(Path::new(TINY_MODEL).join(file), other.join(file)).unwrap();
    }
    let mut weights = fs::read(other.join("model.safetensors")).unwrap();
    let last = weights.len() - 2;
    weights[last] ^= 1;
    fs::write(other.join("model.safetensors"), weights).unwrap();
    desk.fails(&[&["continue", "half.png", "--model", "other"]], 1, "another version of the model");
}

#[test]
fn info_tells_the_hashes_of_the_model() {
    let desk = Desk::new();
    let told: Value = serde_json::from_str(&desk.run(&[&["info", "--json"], TINY])).unwrap();
    let hash_of = |file: &str| {
        let bytes = fs::read(Path::new(TINY_MODEL).join(file)).unwrap();
        underpaint::imaging::metadata::sha256_hex(&bytes)
    };
    assert_eq!(told["model"]["sha256"], hash_of("model.safetensors"));
    assert_eq!(told["model"]["tokenizer_sha256"], hash_of("tokenizer.json"));
    let told: Value = serde_json::from_str(&desk.run(&[&["info", "--json"]])).unwrap();
    assert_eq!(told["model"]["sha256"].as_str().map(str::len), Some(64));
}
