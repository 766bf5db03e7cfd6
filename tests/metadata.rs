//! Settings in picture files: what other applications write, what we write, and what is left of
//! either when a file is damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use image::{Rgba, RgbaImage};
use proptest::prelude::*;
use serde_json::Value;
use underpaint::imaging::io::{
    Export, FileFormat, decode_metadata, decode_picture, open_picture, read_metadata,
    save_new_picture, save_picture, save_png,
};
use underpaint::imaging::metadata::{
    ControlRecord, InspirationRecord, ModelRecord, PictureRecord, Recalled, SourceApp, TokenPyramid,
};
use underpaint::imaging::{ControlMap, control::Control};
use underpaint::params::{ControlKind, StrengthCurve};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/png_metadata");
/// Broken files of each kind that are tried.
const N_BROKEN: usize = 200;
/// No file of a few kilobytes may take longer than this to refuse.
const PATIENCE: Duration = Duration::from_secs(2);

/// The real program's answer to `info FILE`, as exit code, standard output and standard error.
fn info(file: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_underpaint"))
        .arg("info")
        .arg(file)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(!err.contains("panicked"), "{err}");
    (output.status.code(), out, err)
}

fn fixture(name: &str) -> PathBuf {
    Path::new(FIXTURES).join(name)
}

#[test]
fn every_fixture_is_recalled_by_the_program() {
    let expected = fs::read_to_string(fixture("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let expected = expected.as_object().unwrap();
    assert_eq!(expected.len(), 18);
    for (name, expected) in expected {
        let (code, out, err) = info(&fixture(name), &["--json"]);
        let status = expected["status"].as_str().unwrap();
        if matches!(status, "unreadable" | "rejected") {
            assert_eq!((code, &*out), (Some(1), ""), "{name}");
            assert!(err.starts_with("error: ") && err.trim_end().lines().count() == 1, "{err}");
            let words = if status == "rejected" { "longer than 1 MB" } else { "InvokeAI wrote" };
            assert!(err.contains(words) && err.contains(name), "{err}");
            continue;
        }
        assert_eq!((code, &*err), (Some(0), ""), "{name}");
        let report: Value = serde_json::from_str(&out).unwrap();
        let recalled = &report["recalled"];
        if status == "not found" {
            assert!(recalled.is_null(), "{name}: {recalled}");
            continue;
        }
        assert_eq!(recalled["place"], expected["chunk"], "{name}");
        for (field, value) in expected.as_object().unwrap() {
            match field.as_str() {
                "status" | "chunk" | "note" => {}
                "extra" => {
                    for (key, value) in value.as_object().unwrap() {
                        assert_eq!(&recalled["extra"][key], value, "{name}: {key}");
                        let told = recalled["ignored"].as_array().unwrap().iter();
                        assert!(
                            key == "Version" || told.clone().any(|what| what == key),
                            "{name}: {key}"
                        );
                    }
                }
                "cfg" => assert_eq!(recalled[field].as_f64(), value.as_f64(), "{name}"),
                _ => assert_eq!(&recalled[field], value, "{name}: {field}"),
            }
        }
    }
}

#[test]
fn what_is_not_used_is_told() {
    let (_, out, _) = info(&fixture("comfyui_default.png"), &[]);
    for line in [
        "Made by         ComfyUI",
        "Prompt          masterpiece, a quiet harbour",
        "Guidance        8",
        "\nNot used\n  scheduler\n",
        "  workflow (the editor's graph)\n",
    ] {
        assert!(out.contains(line), "“{line}” is not in:\n{out}");
    }
    let (_, out, _) = info(&fixture("a1111_multiline.png"), &[]);
    assert!(out.contains("a lighthouse on a cliff\n                Steps: many"), "{out}");
    let (_, out, _) = info(&fixture("none.png"), &[]);
    assert!(out.contains("unknown: the file does not tell"), "{out}");
}

/// Runs `generate` on the tiny model of random weights and reads what its file tells.
fn generated(desk: &Path, arguments: &[&str]) -> Option<Recalled> {
    const TINY_MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/embedded_tiny");
    let output = Command::new(env!("CARGO_BIN_EXE_underpaint"))
        .current_dir(desk)
        .args(["generate", "red apple", "--seed", "5", "--quiet", "-o", "a.png"])
        .args(["--model", TINY_MODEL])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    read_metadata(&desk.join("a.png")).expect("a readable file").recalled
}

#[test]
fn generated_pictures_tell_how_they_were_made() {
    let desk = tempfile::tempdir().unwrap();
    let recalled = generated(desk.path(), &["--stop-at", "2", "--temperature", "0.7"]).unwrap();
    let record = recalled.record.unwrap();
    assert_eq!((&*record.prompt, record.seeds), ("red apple", vec![5, 5]));
    assert_eq!((record.stop_at, record.sampling.temperature), (2, 0.7));
    let tokens = record.tokens.unwrap();
    assert_eq!(tokens.ids().map(<[u32]>::len).collect::<Vec<_>>(), [1, 4]);

    let lines = desk.path().join("lines.png");
    let ink = |x: u32| if x < 12 { [0, 0, 0, 255] } else { [255; 4] };
    RgbaImage::from_fn(64, 64, |x, _| Rgba(ink(x))).save(&lines).unwrap();
    let lines = ["--lines", "lines.png", "--strength", "lines=0.5"];
    let kept = |extra: &[&str]| {
        let recalled = generated(desk.path(), &[&lines, extra].concat()).expect("it tells");
        let [control] = recalled.record.expect("our own").controls.try_into().expect("one control");
        control
    };
    let (without, with) = (kept(&[]), kept(&["--embed-controls"]));
    assert_eq!(without.strength, StrengthCurve::Constant(0.5));
    assert!(without.control().is_err());
    assert_eq!(ControlRecord { map: None, ..with.clone() }, without);
    assert!(with.control().is_ok());

    assert_eq!(generated(desk.path(), &["--no-metadata"]), None);
}

#[test]
fn bad_files_are_told_in_one_sentence() {
    let desk = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = desk.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    for (path, words) in [
        (desk.path().join("missing.png"), "there is no such picture"),
        (desk.path().to_owned(), "this is a folder"),
        (file("empty.png", b""), "empty"),
        (file("notes.txt", b"Steps: 1, Seed: 2, Size: 3x4"), "no PNG, JPEG or WebP picture"),
        (file("a.gif", b"GIF89a"), "no PNG, JPEG or WebP picture"),
    ] {
        let (code, out, err) = info(&path, &[]);
        assert_eq!((code, &*out), (Some(1), ""), "{err}");
        assert!(err.starts_with("error: ") && err.trim_end().lines().count() == 1, "{err}");
        assert!(err.contains(words), "“{words}” is not in: {err}");
    }
}

/// A record that fills every field.
fn record() -> PictureRecord {
    let sides = [1, 2, 3, 4];
    let ids = sides.map(|side: u32| (0..side * side).map(|at| at * 977 % 4096).collect());
    let lines = (0..64 * 64).map(|at| (at % 251) as f32 / 255.0).collect();
    let control = Control {
        map: ControlMap::new(ControlKind::Lines, 64, lines).expect("a whole map"),
        strength: StrengthCurve::Ends { layout: 1.0, detail: 0.3 },
        strength_map: Some([1.0, 0.5, 0.25, 0.0].into()),
    };
    PictureRecord {
        prompt: "roter Apfel, “glänzend”\nNegative prompt: is not meant here".to_owned(),
        negative: "低品質".to_owned(),
        seeds: vec![u64::MAX, u64::MAX, 7, 7],
        stop_at: 4,
        n_scales: 8,
        width: 48,
        height: 48,
        model: ModelRecord {
            name: "prototype".to_owned(),
            kind: "next-scale".to_owned(),
            sha256: Some("0123456789abcdef".repeat(4)),
            tokenizer_sha256: None,
        },
        controls: vec![ControlRecord::new(&control, true)],
        inspirations: vec![InspirationRecord {
            entry: "00ff00ff00ff00ff".to_owned(),
            caption: "an apple".to_owned(),
            ..InspirationRecord::default()
        }],
        tokens: Some(
            TokenPyramid::new(&sides.map(|side| side as usize), ids.into()).expect("whole grids"),
        ),
        ..PictureRecord::default()
    }
}

/// Every alpha from 0 to 255, with colours even where nothing shows.
fn picture() -> RgbaImage {
    RgbaImage::from_fn(48, 48, |x, y| {
        Rgba([(x * 5) as u8, (y * 5) as u8, (x * y) as u8, (x * 48 + y) as u8])
    })
}

fn recalled(path: &Path) -> Recalled {
    read_metadata(path).expect("a readable file").recalled.expect("it tells")
}

/// Kinds and data of all chunks.
fn chunks(png: &[u8]) -> Vec<(String, &[u8])> {
    let mut rest = &png[8..];
    let mut chunks = Vec::new();
    while let Some((length, more)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        chunks.push((String::from_utf8_lossy(&more[..4]).into_owned(), &more[4..4 + length]));
        rest = &more[8 + length..];
    }
    chunks
}

#[test]
fn a_saved_picture_tells_everything_and_keeps_every_pixel() {
    let desk = tempfile::tempdir().unwrap();
    let (picture, record) = (picture(), record());
    let export = Export { format: FileFormat::Png, record: Some(&record) };
    let path = save_new_picture(desk.path(), "apple", &picture, &export).unwrap();
    assert_eq!(path.file_name().unwrap(), "apple.png");
    let recalled = recalled(&path);
    assert_eq!(recalled.app, SourceApp::Underpaint);
    assert_eq!((recalled.seed, recalled.cfg), (Some(u64::MAX), Some(4.0)));
    assert!(recalled.ignored.is_empty(), "{:?}", recalled.ignored);
    assert_eq!(*recalled.record.unwrap(), record);

    let opened = open_picture(&path).unwrap().pixels;
    assert_eq!(opened, picture);
    // Saved again without settings it is the file that it would have been without them.
    let plain = desk.path().join("plain.png");
    save_png(&plain, &opened).unwrap();
    assert!(read_metadata(&plain).unwrap().recalled.is_none());
    let (with, without) = (fs::read(&path).unwrap(), fs::read(&plain).unwrap());
    let pixels = |png| chunks(png).into_iter().filter(|(k, _)| k != "iTXt" && k != "tEXt");
    assert!(pixels(&with).eq(chunks(&without)));
}

#[test]
fn texts_stand_before_the_pixels_in_their_order() {
    let desk = tempfile::tempdir().unwrap();
    let path = desk.path().join("a.png");
    let mut record = record();
    save_picture(&path, &picture(), &Export { format: FileFormat::Png, record: Some(&record) })
        .unwrap();
    let kinds_and_keys = |path: &Path| -> Vec<(String, String)> {
        let png = fs::read(path).unwrap();
        let key = |data: &[u8]| {
            let key = data.split(|byte| *byte == 0).next().unwrap_or_default();
            String::from_utf8_lossy(key).into_owned()
        };
        let text = |kind: &str, data: &[u8]| {
            if kind.ends_with("Xt") { key(data) } else { String::new() }
        };
        chunks(&png).into_iter().map(|(kind, data)| (text(&kind, data), kind)).collect()
    };
    let pair = |key: &str, kind: &str| (key.to_owned(), kind.to_owned());
    let expected = [
        pair("", "IHDR"),
        pair("parameters", "iTXt"),
        pair("underpaint", "iTXt"),
        pair("Software", "tEXt"),
        pair("XML:com.adobe.xmp", "iTXt"),
        pair("", "IDAT"),
    ];
    assert_eq!(kinds_and_keys(&path)[..6], expected);
    // Latin-1 goes where every reader finds it.
    record.negative.clear();
    record.prompt = "glänzend ½".to_owned();
    save_picture(&path, &picture(), &Export { format: FileFormat::Png, record: Some(&record) })
        .unwrap();
    assert_eq!(kinds_and_keys(&path)[1], pair("parameters", "tEXt"));
    assert_eq!(kinds_and_keys(&path)[2], pair("underpaint", "tEXt"));
    assert_eq!(recalled(&path).prompt, "glänzend ½");
}

#[test]
fn other_formats_tell_what_galleries_read() {
    let desk = tempfile::tempdir().unwrap();
    let record = PictureRecord { prompt: "桜 🐈, glossy".to_owned(), ..record() };
    for format in [FileFormat::DEFAULT_JPEG, FileFormat::WebP] {
        let export = Export { format, record: Some(&record) };
        let path = save_new_picture(desk.path(), "apple", &picture(), &export).unwrap();
        let recalled = recalled(&path);
        assert_eq!((recalled.app, &*recalled.place), (SourceApp::Underpaint, "EXIF"));
        assert_eq!((&*recalled.prompt, &*recalled.negative), ("桜 🐈, glossy", "低品質"));
        assert_eq!((recalled.seed, recalled.size_px), (Some(u64::MAX), Some((48, 48))));
        assert_eq!(recalled.record, None);
        let opened = open_picture(&path).unwrap().pixels;
        if format == FileFormat::WebP {
            assert_eq!(opened, picture());
        } else {
            // Where nothing shows there is white paper.
            let corner = opened.get_pixel(0, 0).0;
            assert!(corner.iter().all(|value| *value > 240), "{corner:?}");
        }
        let plain = desk.path().join("plain").with_extension(format.ending());
        save_picture(&plain, &picture(), &Export { format, record: None }).unwrap();
        assert!(read_metadata(&plain).unwrap().recalled.is_none());
    }
    let long = PictureRecord { prompt: "long ".repeat(10_000), ..record };
    let export = Export { format: FileFormat::DEFAULT_JPEG, record: Some(&long) };
    let path = desk.path().join("long.jpg");
    let message = save_picture(&path, &picture(), &export).unwrap_err().to_string();
    assert!(message.contains("too long for JPEG; save as PNG"), "{message}");
    assert!(!path.exists());
}

/// Pseudo-random numbers below `n`, the same in every run.
fn random(state: &mut u64, n: usize) -> usize {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (*state >> 33) as usize % n
}

/// Opens a broken copy from the disk in every way; says whether its settings and its pixels could
/// be had.
fn open_broken(path: &Path, bytes: &[u8]) -> (bool, bool) {
    fs::write(path, bytes).expect("a file is written");
    let started = Instant::now();
    let told = match read_metadata(path) {
        Ok(facts) => facts.recalled.is_some_and(|recalled| {
            recalled.record.is_some_and(|record| {
                record.controls.iter().all(|control| control.control().is_ok())
            })
        }),
        Err(error) => {
            let message = error.to_string();
            assert!(message.ends_with(&path.display().to_string()), "{message}");
            assert_eq!(message.lines().count(), 1, "{message}");
            false
        }
    };
    let shown = match open_picture(path) {
        Ok(opened) => opened.pixels == picture(),
        Err(error) => {
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
            false
        }
    };
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    assert_eq!(fs::read(path).expect("still there"), bytes, "the file was changed");
    (told, shown)
}

fn saved_bytes(desk: &Path) -> Vec<u8> {
    let path = desk.join("whole.png");
    let record = record();
    save_picture(&path, &picture(), &Export { format: FileFormat::Png, record: Some(&record) })
        .expect("saved");
    fs::read(path).expect("just saved")
}

#[test]
fn truncated_files_tell_what_is_left() {
    let desk = tempfile::tempdir().unwrap();
    let whole = saved_bytes(desk.path());
    let path = desk.path().join("broken.png");
    let mut state = 1;
    let (mut n_told, mut n_shown) = (0, 0);
    for _ in 0..N_BROKEN {
        let (told, shown) = open_broken(&path, &whole[..random(&mut state, whole.len())]);
        n_told += usize::from(told);
        n_shown += usize::from(shown);
    }
    // The settings come first, so they outlive most of the pixels.
    assert!(n_told > N_BROKEN / 4, "{n_told} of {N_BROKEN} tell");
    assert!(n_shown < n_told, "{n_shown} of {N_BROKEN} show");
    assert_eq!(open_broken(&path, &whole), (true, true));
}

#[test]
fn flipped_bytes_cost_no_more_than_their_chunk() {
    let desk = tempfile::tempdir().unwrap();
    let whole = saved_bytes(desk.path());
    let path = desk.path().join("broken.png");
    let mut state = 2;
    let (mut n_told, mut n_shown) = (0, 0);
    for _ in 0..N_BROKEN {
        let mut broken = whole.clone();
        broken[random(&mut state, whole.len())] ^= 1 + random(&mut state, 255) as u8;
        let (told, shown) = open_broken(&path, &broken);
        n_told += usize::from(told);
        n_shown += usize::from(shown);
    }
    assert!(n_told > N_BROKEN / 4, "{n_told} of {N_BROKEN} tell");
    assert!(n_shown > N_BROKEN / 4, "{n_shown} of {N_BROKEN} show");
}

#[test]
fn fixtures_may_be_broken_anywhere() {
    for entry in fs::read_dir(FIXTURES).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "png") {
            continue;
        }
        let whole = fs::read(&path).unwrap();
        let started = Instant::now();
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= 0x41;
            decode_metadata(&broken, "broken").ok();
            decode_metadata(&whole[..at], "cut off").ok();
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{}", path.display());
    }
}

/// A chunk with its right checksum.
fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(&kind);
    crc.update(data);
    [&(data.len() as u32).to_be_bytes()[..], &kind, data, &crc.sum().to_be_bytes()].concat()
}

fn png_with(chunks: &[Vec<u8>]) -> Vec<u8> {
    let none = fs::read(fixture("none.png")).expect("a fixture");
    [&none[..33], &chunks.concat(), &none[33..]].concat()
}

#[test]
fn hostile_texts_are_refused_or_read_in_time() {
    let text =
        |key: &str, text: &str| chunk(*b"tEXt", &[key.as_bytes(), &[0], text.as_bytes()].concat());
    let deep = "{\"a\":".repeat(1_000_000);
    let message = |png: &[u8]| match decode_metadata(png, "x.png") {
        Ok(facts) => format!("{:?}", facts.recalled.map(|recalled| recalled.ignored)),
        Err(error) => error.to_string(),
    };
    let started = Instant::now();
    for (key, words) in [
        ("underpaint", "Underpaint wrote settings that cannot be read"),
        ("invokeai_metadata", "InvokeAI wrote settings that cannot be read"),
        ("prompt", "ComfyUI wrote settings that cannot be read"),
        ("parameters", "None"),
        ("Comment", "None"),
    ] {
        let told = message(&png_with(&[text(key, &deep)]));
        assert!(told.contains(words) || words == "None", "{key}: {told}");
    }
    // Good settings are read beside bad ones.
    let bomb = fs::read(fixture("bomb_ztxt.png")).unwrap();
    let bomb = bomb[33..33 + 12 + 3084].to_vec();
    let told = message(&png_with(&[bomb, text("parameters", "a cat")]));
    assert!(told.contains("a text that is too long: parameters"), "{told}");
    // Many chunks, and many bytes.
    let many = vec![text("note", "x"); 200_000];
    assert_eq!(message(&png_with(&many)), "None");
    let huge = text("parameters", &"a, ".repeat(6 << 20));
    assert!(message(&png_with(&[huge])).contains("longer than"));
    // UTF-8 that is none.
    let wrong = chunk(*b"iTXt", b"parameters\0\0\0\0\0a \xff\xfe cat");
    let facts = decode_metadata(&png_with(&[wrong]), "x.png").unwrap();
    assert_eq!(facts.recalled.unwrap().prompt, "a \u{fffd}\u{fffd} cat");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_prompt_survives(prompt in any::<String>(), negative in any::<String>(), seed: u64) {
        let record =
            PictureRecord { prompt, negative, seeds: vec![seed], stop_at: 1, ..record() };
        let desk = tempfile::tempdir().unwrap();
        let path = desk.path().join("a.png");
        let export = Export { format: FileFormat::Png, record: Some(&record) };
        save_picture(&path, &RgbaImage::new(1, 1), &export).unwrap();
        prop_assert_eq!(&*recalled(&path).record.unwrap(), &record);
    }

    #[test]
    fn any_bytes_are_refused_or_read(
        start in prop::sample::select(vec![
            &b"\x89PNG\r\n\x1a\n"[..], b"\xff\xd8\xff\xe1", b"RIFF\0\0\0\0WEBPEXIF", b"",
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let bytes = [start, &bytes].concat();
        decode_metadata(&bytes, "any").ok();
        decode_picture(&bytes, "any").ok();
    }

    #[test]
    fn any_text_is_read_under_any_key(
        key in prop::sample::select(vec![
            "parameters", "prompt", "invokeai_metadata", "underpaint", "Comment", "Description",
        ]),
        text in "[\\[\\]{}:,\"\\\\a1 \n\\-]{0,60}|\\PC{0,60}",
    ) {
        let texts = chunk(*b"iTXt", &[key.as_bytes(), b"\0\0\0\0\0", text.as_bytes()].concat());
        let software = chunk(*b"tEXt", b"Software\0Draw Things");
        decode_metadata(&png_with(&[texts, software]), "any").ok();
    }
}
