//! Published raster models behind `Generator` and `Session`, on the recorded weights: the same bytes
//! whatever is stopped, given, batched or cancelled in between; controls, locks, sizes, records; and
//! what is said when something does not fit.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

#[path = "common/raster_model.rs"]
mod raster_model;

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use image::{Rgba, RgbaImage};
use underpaint::imaging::ControlMap;
use underpaint::imaging::metadata::PictureRecord;
use underpaint::model::controlar::Precision;
use underpaint::model::{
    self, DeviceChoice, Generator, LoadOptions, ModelChoice, RasterFiles, RasterOptions, Session,
    Step,
};
use underpaint::params::{ControlKind, PictureSize, Sampling, Speculation, StrengthCurve};
use underpaint::protocol::{
    Anchor, Control, DecodingOrder, GenerateRequest, Given, Kept, Lock, LockMask, Making,
    PictureIds, Progress,
};

use raster_model::{Kind, Shelf};

fn load(shelf: &Shelf, kind: Kind, options: RasterOptions) -> Box<dyn Generator> {
    let model = ModelChoice::Raster(Box::new(shelf.choice(kind, options)));
    model::load(&LoadOptions { model, device: DeviceChoice::Cpu }).unwrap()
}

fn opened(kind: Kind) -> (Shelf, Box<dyn Generator>) {
    let shelf = Shelf::new(&[kind]);
    let model = load(&shelf, kind, RasterOptions::default());
    (shelf, model)
}

fn request(prompt: &str, seed: u64) -> GenerateRequest {
    let sampling = Sampling { guidance: 3.0, temperature: 1.0, top_k: 0, ..Sampling::default() };
    GenerateRequest { sampling, ..GenerateRequest::new(prompt, seed) }
}

fn finish(session: &mut dyn Session) {
    while session.n_done() < session.n_scales() {
        session.step(&|| true).unwrap();
    }
}

/// Ids and bytes of the first picture.
fn drawn(model: &mut dyn Generator, request: &GenerateRequest) -> (PictureIds, RgbaImage) {
    let mut session = model.start(request).unwrap();
    finish(&mut *session);
    (session.ids(0), session.render(0).unwrap())
}

fn refusal(model: &mut dyn Generator, request: &GenerateRequest) -> String {
    match model.start(request) {
        Ok(_) => panic!("this must be refused"),
        Err(error) => error.to_string(),
    }
}

/// A map with a few strokes.
fn strokes(kind: ControlKind, side: usize) -> ControlMap {
    let n = kind.n_channels() * side * side;
    let value = |i: usize| if (i / 7 + i / side).is_multiple_of(5) { 1.0 } else { 0.0 };
    ControlMap::new(kind, side, (0..n).map(value).collect()).unwrap()
}

fn lines(strength: f32) -> Control {
    let strength = StrengthCurve::Constant(strength);
    Control { map: strokes(ControlKind::Lines, 128), strength, strength_map: None }
}

#[test]
fn a_model_says_what_it_is() {
    let (_shelf, mut model) = opened(Kind::Lines);
    let info = model.info().clone();
    assert_eq!((info.name.as_str(), info.order), ("hed", DecodingOrder::Raster));
    assert_eq!((info.scales.as_slice(), info.image_size_px), ([8; 8].as_slice(), 128));
    assert_eq!(info.size_px(), (128, 128));
    assert_eq!(info.control_kinds, [ControlKind::Lines]);
    assert!(info.device.ends_with(", f32"), "{}", info.device);
    assert_eq!((info.sampling.guidance, info.sampling.top_k), (4.0, 2000));
    assert_eq!((info.n_memory_slots, model.memory_sources().len()), (0, 0));
    assert!(
        model
            .candidates("cat", &underpaint::protocol::MemoryRequest::default(), 3)
            .unwrap()
            .is_empty()
    );
    assert!(model.key("cat").unwrap_err().to_string().contains("no picture memory"));
    let (_shelf, text) = opened(Kind::Text);
    assert_eq!((text.info().sampling.guidance, text.info().sampling.top_k), (7.5, 1000));
    assert!(text.info().control_kinds.is_empty());
}

#[test]
fn a_picture_grows_token_by_token() {
    let (_shelf, mut model) = opened(Kind::Text);
    let mut session = model.start(&request("a red cat", 7)).unwrap();
    assert_eq!(session.progress(), Some(Progress { n_tokens: 0, n_wanted: 64 }));
    let (mut n_parts, mut n_rows) = (0, 0);
    while session.n_done() < session.n_scales() {
        let before = session.progress().unwrap().n_tokens;
        match session.step(&|| true).unwrap() {
            Step::Part => n_parts += 1,
            Step::Done => n_rows += 1,
            Step::Abandoned => panic!("nobody said no"),
        }
        let now = session.progress().unwrap().n_tokens;
        assert!(now == before + 1 || (now == 0 && before == 0), "one token at a time");
        let glimpse = session.glimpse(0).unwrap().unwrap();
        assert_eq!(glimpse.dimensions(), (128, 128));
        let is_filled = |cell: usize| {
            glimpse.get_pixel((cell % 8 * 16) as u32, (cell / 8 * 16) as u32).0[3] == 255
        };
        assert!((0..64).all(|cell| is_filled(cell) == (cell < now)), "{now} cells");
        if now == 20 {
            assert_eq!(session.ids(0).iter().map(Vec::len).collect::<Vec<_>>(), [8, 8]);
        }
    }
    assert_eq!(n_rows, 8);
    // 56 tokens within rows, and what was prepared before the first.
    assert_eq!(n_parts, 56 + 3);
    // A mosaic above the last row, decoded at the end.
    let half = session.render_scale(3, 0).unwrap();
    assert_eq!((half.get_pixel(5, 60).0[3], half.get_pixel(5, 70).0[3]), (255, 0));
    let whole = session.render(0).unwrap();
    assert!(whole.pixels().all(|pixel| pixel.0[3] == 255));
    let colours: std::collections::BTreeSet<_> = whole.pixels().map(|p| p.0).collect();
    assert!(colours.len() > 1000, "more than one colour per cell");
    let ids = session.ids(0);
    assert_eq!(model.decode(&ids, None, 7).unwrap(), whole);
    assert_eq!(model.decode(&ids, None, 3).unwrap(), half);
}

#[test]
fn resuming_batching_and_cancelling_change_no_byte() {
    let (_shelf, mut model) = opened(Kind::Lines);
    let controlled = |seed| GenerateRequest {
        controls: vec![lines(0.8)],
        negative: "green".to_owned(),
        ..request("a red cat", seed)
    };
    let (ids, picture) = drawn(&mut *model, &controlled(7));
    let (other_ids, other) = drawn(&mut *model, &controlled(8));
    assert_ne!(ids, other_ids);

    // Given rows, however many.
    for n_given in [1, 3, 7] {
        let given = Some(Given::prefix(&ids, n_given));
        let again = drawn(&mut *model, &GenerateRequest { given, ..controlled(7) });
        assert_eq!(again.0, ids, "after {n_given} rows");
        assert_eq!(again.1, picture);
    }
    // Two at once.
    let batch = GenerateRequest { seeds: vec![7, 8], ..controlled(7) };
    let mut session = model.start(&batch).unwrap();
    finish(&mut *session);
    assert_eq!((session.ids(0), session.ids(1)), (ids.clone(), other_ids));
    assert_eq!(session.render(0).unwrap(), picture);
    assert_eq!(session.render(1).unwrap(), other);
    // Stopped at a row, then on.
    let mut session = model.start(&GenerateRequest { stop_at: Some(3), ..controlled(7) }).unwrap();
    finish(&mut *session);
    assert_eq!(session.ids(0), ids[..3]);
    let third = session.render(0).unwrap();
    assert_eq!((third.get_pixel(9, 47).0[3], third.get_pixel(9, 48).0[3]), (255, 0));
    session.set_n_scales(8).unwrap();
    finish(&mut *session);
    assert_eq!(session.render(0).unwrap(), picture);
    assert!(session.set_n_scales(9).is_err());
}

#[test]
fn an_abandoned_step_leaves_everything_as_it_was() {
    let (shelf, mut model) = opened(Kind::Lines);
    let wanted = GenerateRequest { controls: vec![lines(1.0)], ..request("a green apple", 3) };
    let (ids, picture) = drawn(&mut *model, &wanted);
    // One that has not read the prompt yet, so that this is abandoned, too.
    let mut model = load(&shelf, Kind::Lines, RasterOptions::default());
    let mut session = model.start(&wanted).unwrap();
    let mut n_abandoned = 0;
    let mut patience = 0;
    while session.n_done() < session.n_scales() {
        // Says no at its first question, then at its second, and so on, up to a whole step.
        let left = Cell::new(patience);
        let go_on = || {
            let goes_on = left.get() > 0;
            left.set(left.get() - i32::from(goes_on));
            goes_on
        };
        let before = session.progress();
        match session.step(&go_on).unwrap() {
            Step::Abandoned => {
                assert_eq!(session.progress(), before);
                n_abandoned += 1;
                patience += 1;
            }
            Step::Part | Step::Done => patience = 0,
        }
    }
    // It is asked before a step, before the blocks and before the logits.
    assert!(n_abandoned > 60 * 3, "only {n_abandoned} times");
    assert_eq!(session.ids(0), ids);
    assert_eq!(session.render(0).unwrap(), picture);
}

#[test]
fn controls_steer_and_no_strength_is_no_control() {
    let (_shelf, mut model) = opened(Kind::Lines);
    let plain = request("a red cat", 5);
    let with = |control: Control| GenerateRequest { controls: vec![control], ..plain.clone() };
    let (free, _) = drawn(&mut *model, &plain);
    assert_eq!(drawn(&mut *model, &with(lines(0.0))).0, free);
    let (followed, _) = drawn(&mut *model, &with(lines(1.0)));
    assert_ne!(followed, free);
    assert_ne!(drawn(&mut *model, &with(lines(2.0))).0, followed);
    // Off from the fifth row on: the rows above are as with it.
    let curve = StrengthCurve::PerScale(vec![1.0, 1.0, 1.0, 1.0, 0.0]);
    let upper = Control { strength: curve, ..lines(1.0) };
    assert_eq!(drawn(&mut *model, &with(upper)).0[..4], followed[..4]);
    // A painted strength: all ones change nothing, all zeros switch it off.
    let painted =
        |factor: f32| Control { strength_map: Some(vec![factor; 64].into()), ..lines(1.0) };
    assert_eq!(drawn(&mut *model, &with(painted(1.0))).0, followed);
    assert_eq!(drawn(&mut *model, &with(painted(0.0))).0, free);

    // One row with guidance 1 or less, and another picture than with two.
    let unguided = |guidance| GenerateRequest {
        sampling: Sampling { guidance, ..plain.sampling },
        ..plain.clone()
    };
    let (one, _) = drawn(&mut *model, &unguided(1.0));
    assert_eq!(drawn(&mut *model, &unguided(0.0)).0, one);
    assert_ne!(one, free);
    let negative = GenerateRequest { negative: "a green apple".to_owned(), ..plain.clone() };
    assert_ne!(drawn(&mut *model, &negative).0, free);

    let depth = Control { map: strokes(ControlKind::Depth, 128), ..lines(1.0) };
    let small = Control { map: strokes(ControlKind::Lines, 64), ..lines(1.0) };
    for (control, words) in [(depth, "follows lines and not depth"), (small, "64 px wide")] {
        let refused = refusal(&mut *model, &with(control));
        assert!(refused.contains(words), "{refused}");
    }
    let twice = GenerateRequest { controls: vec![lines(1.0), lines(1.0)], ..plain.clone() };
    assert!(refusal(&mut *model, &twice).contains("two lines controls"));
    let (_shelf, mut text) = opened(Kind::Text);
    assert!(refusal(&mut *text, &with(lines(1.0))).contains("follows no controls"));
}

#[test]
fn classes_are_named() {
    let (_shelf, mut model) = opened(Kind::Classes);
    let (fish, _) = drawn(&mut *model, &request("goldfish", 5));
    assert_eq!(drawn(&mut *model, &request("1", 5)).0, fish);
    assert_ne!(drawn(&mut *model, &request("tench", 5)).0, fish);
    let session = model.start(&request("a golden retriever in the sun", 5)).unwrap();
    assert!(session.notices()[0].contains("golden retriever"), "{:?}", session.notices());
    assert!(refusal(&mut *model, &request("zzzzqqqq", 1)).contains("nearest are"));
}

#[test]
fn pictures_of_several_sizes() {
    let shelf = Shelf::new(&[Kind::AnySize]);
    let of_size = |width_px, height_px| RasterOptions {
        size: Some(PictureSize { width_px, height_px }),
        ..RasterOptions::default()
    };
    let mut model = load(&shelf, Kind::AnySize, of_size(160, 96));
    let info = model.info().clone();
    assert_eq!((info.scales.as_slice(), info.image_size_px), ([10; 6].as_slice(), 160));
    assert_eq!(info.size_px(), (160, 96));
    let control = Control { map: strokes(ControlKind::Lines, 160), ..lines(1.0) };
    let wide = GenerateRequest { controls: vec![control], ..request("a cat", 2) };
    let (ids, picture) = drawn(&mut *model, &wide);
    assert_eq!(picture.dimensions(), (160, 96));
    assert_eq!(ids.iter().map(Vec::len).collect::<Vec<_>>(), [10; 6]);
    let given = Some(Given::prefix(&ids, 2));
    assert_eq!(drawn(&mut *model, &GenerateRequest { given, ..wide }).0, ids);
    assert_eq!(load(&shelf, Kind::AnySize, RasterOptions::default()).info().size_px(), (192, 192));

    let refused = |kind, options| {
        let shelf = Shelf::new(&[kind]);
        let model = ModelChoice::Raster(Box::new(shelf.choice(kind, options)));
        match model::load(&LoadOptions { model, device: DeviceChoice::Cpu }) {
            Ok(_) => panic!("this size must be refused"),
            Err(error) => error.to_string(),
        }
    };
    let odd = refused(Kind::AnySize, of_size(100, 96));
    assert!(odd.contains("multiples of 16"), "{odd}");
    assert!(refused(Kind::AnySize, of_size(320, 320)).contains("12 × 12 cells"));
    let square = refused(Kind::Lines, of_size(160, 96));
    assert!(square.contains("128 × 128 pixels and no others"), "{square}");
}

#[test]
fn locked_places_stay_and_earlier_pictures_can_be_held() {
    let (_shelf, mut model) = opened(Kind::Text);
    let (ids, picture) = drawn(&mut *model, &request("a red cat", 7));
    // A corner that touches 2 × 3 cells.
    let coverage = (0..128 * 128).map(|i| if i % 128 < 33 && i / 128 < 20 { 255 } else { 0 });
    let mask = Arc::new(LockMask { size_px: 128, coverage: coverage.collect() });
    let lock = Lock { ids: Arc::new(ids.clone()), mask, beneath: None };
    let anew = GenerateRequest { lock: Some(lock.clone()), ..request("a green apple", 8) };
    let (new_ids, new) = drawn(&mut *model, &anew);
    for (row, column) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
        assert_eq!(new_ids[row][column], ids[row][column]);
    }
    assert_ne!(new_ids, ids);
    for (x, y) in [(0, 0), (32, 0), (0, 19), (32, 19)] {
        assert_eq!(new.get_pixel(x, y), picture.get_pixel(x, y), "what is locked keeps its bytes");
    }
    assert_ne!(new.get_pixel(100, 100), picture.get_pixel(100, 100));
    assert_eq!(model.decode(&new_ids, Some(&lock), 7).unwrap(), new);
    let foreign = Lock { ids: Arc::new(vec![vec![1]]), ..lock };
    let refused = refusal(&mut *model, &GenerateRequest { lock: Some(foreign), ..anew });
    assert!(refused.contains("another model"), "{refused}");

    let anchor = |hold| Some(Anchor { ids: Arc::new(vec![ids.clone()]), hold });
    let held = GenerateRequest { anchor: anchor(20.0), ..request("a green apple", 8) };
    assert_eq!(drawn(&mut *model, &held).0, ids);
    let free = GenerateRequest { anchor: anchor(0.0), ..request("a green apple", 8) };
    assert_eq!(drawn(&mut *model, &free).0, drawn(&mut *model, &request("a green apple", 8)).0);
}

#[test]
fn guessing_ahead_goes_on_with_the_same_bytes() {
    let (_shelf, mut model) = opened(Kind::Lines);
    for relaxation in [0.0, 0.3] {
        let mut wanted = GenerateRequest { controls: vec![lines(1.0)], ..request("a red cat", 7) };
        wanted.sampling.speculation = Speculation { window: 4, relaxation };
        let (ids, picture) = drawn(&mut *model, &wanted);
        let given = Some(Given::prefix(&ids, 3));
        assert_eq!(drawn(&mut *model, &GenerateRequest { given, ..wanted.clone() }).0, ids);
        // Stopped in between, and every other step abandoned.
        let mut session = model.start(&wanted).unwrap();
        session.set_n_scales(2).unwrap();
        let mut n_steps = 0;
        while session.n_done() < 8 {
            if session.n_done() == 2 {
                session.set_n_scales(8).unwrap();
            }
            let asked = Cell::new(0);
            let go_on = || {
                asked.set(asked.get() + 1);
                asked.get() < 3
            };
            if session.step(&go_on).unwrap() == Step::Abandoned {
                session.step(&|| true).unwrap();
                n_steps += 1;
            }
        }
        assert_eq!((session.ids(0), session.render(0).unwrap()), (ids, picture));
        assert!((16..=64).contains(&n_steps), "{n_steps} readings of the weights");
    }
    let record = serde_json::to_value(Sampling::default()).unwrap();
    assert!(record.get("speculation").is_none(), "files of other pictures stay as they were");
}

#[test]
fn pictures_become_ids_and_given_rows() {
    let (_shelf, mut model) = opened(Kind::Text);
    let photo = RgbaImage::from_fn(300, 200, |x, y| Rgba([x as u8, y as u8, 90, 255]));
    let ids = model.encode(&photo).unwrap();
    assert_eq!(ids.iter().map(Vec::len).collect::<Vec<_>>(), [8; 8]);
    let given = Some(Given::prefix(&ids, 5));
    let (drawn_ids, _) = drawn(&mut *model, &GenerateRequest { given, ..request("a cat", 1) });
    assert_eq!(drawn_ids[..5], ids[..5]);
    let empty = model.encode(&RgbaImage::new(10, 10)).unwrap_err().to_string();
    assert!(empty.contains("no visible pixels"), "{empty}");
    let short = Given { ids: Arc::new(vec![vec![vec![1; 7]]]), ..Given::prefix(&ids, 1) };
    let refused = refusal(&mut *model, &GenerateRequest { given: Some(short), ..request("", 1) });
    assert!(refused.contains("another model"), "{refused}");
}

#[test]
fn every_precision_draws() {
    let shelf = Shelf::new(&[Kind::Text]);
    for precision in Precision::ALL {
        let options = RasterOptions { precision: Some(precision), ..RasterOptions::default() };
        let mut model = load(&shelf, Kind::Text, options);
        assert!(model.info().device.ends_with(precision.name()));
        let (ids, picture) = drawn(&mut *model, &request("a red cat", 7));
        let given = Some(Given::prefix(&ids, 4));
        let again = drawn(&mut *model, &GenerateRequest { given, ..request("a red cat", 7) });
        assert_eq!(again, (ids, picture), "{precision} goes on with the same bytes");
    }
}

#[test]
fn files_tell_what_is_needed_to_go_on() {
    let (_shelf, mut model) = opened(Kind::Lines);
    let whole = GenerateRequest { controls: vec![lines(1.0)], ..request("a red cat", 7) };
    let (ids, picture) = drawn(&mut *model, &whole);
    let info = model.info().clone();
    let part = ids[..3].to_vec();
    let making = Making { request: &whole, seed: 7, model: &info, inspired_by: &[], ids: &part };
    let (record, remarks) = PictureRecord::from_json(&making.record(true).to_json()).unwrap();
    assert_eq!(remarks, [] as [String; 0]);
    assert_eq!((record.model.kind.as_str(), record.stop_at, record.n_scales), ("raster", 3, 8));
    let kept = Kept::from_record(&record, &info).unwrap();
    assert_eq!(kept.ids, part);
    let again = GenerateRequest { seeds: vec![7], ..kept.request(&record, 3).unwrap() };
    assert_eq!(drawn(&mut *model, &again), (ids, picture));
    let (_shelf, other) = opened(Kind::Text);
    let refused = Kept::from_record(&record, other.info()).unwrap_err().to_string();
    assert!(refused.contains("made by the model hed and this is t2i_XL"), "{refused}");
}

#[test]
fn companions_are_found_and_missing_ones_are_named() {
    let shelf = Shelf::new(&[Kind::Text, Kind::Lines]);
    let found = RasterFiles::find(&shelf.file(Kind::Lines)).unwrap();
    assert!(found.picture_tokenizer.ends_with("vq/vq_ds16.safetensors"));
    assert!(found.text.unwrap().words.ends_with("t5-ckpt/flan-t5-xl/tokenizer.json"));
    assert!(found.config.is_some_and(|path| path.ends_with("hed.json")));
    let message = |path: &Path| RasterFiles::find(path).unwrap_err().to_string();
    let several = message(shelf.path());
    assert!(several.contains("several models (hed.safetensors, t2i_XL.safetensors)"), "{several}");
    let wrong = message(&shelf.path().join("vq/vq_ds16.safetensors"));
    assert!(wrong.contains("no LlamaGen or ControlAR transformer"), "{wrong}");
    fs::remove_dir_all(shelf.path().join("t5-ckpt")).unwrap();
    let missing = message(&shelf.file(Kind::Text));
    assert!(missing.contains("google/flan-t5-xl"), "{missing}");
    fs::remove_dir_all(shelf.path().join("vq")).unwrap();
    let missing = message(&shelf.file(Kind::Text));
    assert!(missing.contains("vq_ds16_t2i.pt") && missing.contains("peizesun"), "{missing}");
}

fn underpaint(arguments: &[&str], folder: &Path) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_underpaint"))
        .args(arguments)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_command_line_draws_and_goes_on() {
    let shelf = Shelf::new(&[Kind::AnySize]);
    let file = shelf.file(Kind::AnySize);
    // A name alone: what else it needs is found where the program was started.
    let file = file.file_name().and_then(OsStr::to_str).unwrap();
    let model = ["--model", file, "--size", "160x96"];
    let run = |arguments: &[&str]| underpaint(&[arguments, &model[..]].concat(), shelf.path());
    let lines = RgbaImage::from_fn(320, 192, |x, y| {
        if x.abs_diff(y) < 9 { Rgba([0, 0, 0, 255]) } else { Rgba([255; 4]) }
    });
    lines.save(shelf.path().join("lines.png")).unwrap();
    let generate =
        ["generate", "a red cat", "--seed", "7", "--lines", "lines.png", "--embed-controls"];
    let whole = run(&[&generate[..], &["-o", "whole.png"]].concat());
    assert!(whole.0, "{}", whole.2);
    let part = run(&[&generate[..], &["-o", "part.png", "--stop-at", "2"]].concat());
    assert!(part.0, "{}", part.2);
    let on = run(&["continue", "part.png", "-o", "on.png"]);
    assert!(on.0, "{}", on.2);
    let pixels = |name: &str| image::open(shelf.path().join(name)).unwrap().into_rgba8();
    assert_eq!(pixels("on.png"), pixels("whole.png"));
    assert_eq!(pixels("whole.png").dimensions(), (160, 96));
    assert_eq!(pixels("part.png").get_pixel(3, 32).0[3], 0, "two rows of six");

    let info = run(&["info"]);
    assert!(info.0, "{}", info.2);
    for words in ["canny_MR", "160 × 96 pixels", "6 of 10 tokens", "lines"] {
        assert!(info.1.contains(words), "{words} in {}", info.1);
    }
    let of_file = underpaint(&["info", "part.png"], shelf.path());
    assert!(of_file.1.contains("2 of 6") && of_file.1.contains("canny_MR"), "{}", of_file.1);

    for (arguments, words) in [
        (&["generate", "cat", "--stop-at", "7", "-q"][..], "this model has 6 rows"),
        (&["generate", "cat", "--depth", "lines.png", "-q"][..], "whose controls are: lines"),
    ] {
        let failed = run(arguments);
        assert!(!failed.0 && failed.2.contains(words), "{}", failed.2);
    }
    let odd = underpaint(&["generate", "cat", "--size", "160x96"], shelf.path());
    assert!(!odd.0 && odd.2.contains("--size is for models"), "{}", odd.2);
    let foreign = underpaint(&["continue", "part.png"], shelf.path());
    assert!(!foreign.0 && foreign.2.contains("made by the model canny_MR"), "{}", foreign.2);
}
