//! Pictures of the user in the window, through real files: saved, exported, opened again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::common::fake_model::{Calls, FakeModel, Point};
use egui::{Color32, Key, Modifiers, Shape};
use egui_kittest::kittest::Queryable as _;
use underpaint::app::AppOptions;
use underpaint::document::Plane;
use underpaint::imaging::RgbaImage;
use underpaint::imaging::io::read_metadata;
use underpaint::imaging::metadata::PictureRecord;
use underpaint::params::ControlKind;
use underpaint::state::{Origin, Phase};
use underpaint::ui::{Action, UiCommand};

use crate::help::*;

/// Draws only when asked, and saves into `folder`.
fn window(model: FakeModel, folder: &Path) -> Window {
    let options = AppOptions { save_dir: Some(folder.to_owned()), ..Default::default() };
    opened(model, [1280.0, 1400.0], Live::Off, options)
}

/// A window that has drawn its first picture.
fn drawn(model: FakeModel, folder: &Path) -> Window {
    let mut window = window(model, folder);
    wait_until_finished(&mut window);
    window
}

fn shown(window: &Window) -> RgbaImage {
    RgbaImage::clone(&state(window).shown().expect("a picture").still.image)
}

fn record_of(path: &Path) -> PictureRecord {
    let recalled = read_metadata(path).expect("a readable file").recalled.expect("it tells");
    *recalled.record.expect("our own record")
}

#[test]
fn a_saved_picture_tells_how_it_was_made_also_at_a_coarse_scale() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut window = drawn(FakeModel::new(), folder.path());
    let request = state(&window).job.as_ref().expect("a job").request.clone();
    let seed = request.seeds[0];
    for (number, n_scales) in [(1, 4), (2, 2)] {
        run(&mut window, UiCommand::ScrubTo(Some(n_scales - 1)));
        press(&mut window, Modifiers::COMMAND, Key::E);
        let name = format!("{number:05}-{seed}.png");
        wait_for_label(&mut window, &format!("Saved {name}"));
        window.get_by_label("Show in folder");
        let path = folder.path().join(&name);
        let record = record_of(&path);
        assert_eq!((record.prompt.as_str(), record.stop_at), (request.prompt.as_str(), n_scales));
        assert_eq!(record.seeds, vec![seed; n_scales]);
        assert_eq!((record.n_scales, record.inspirations.len()), (4, 3));
        assert_eq!(record.tokens.map(|tokens| tokens.n_scales()), Some(n_scales));
        assert!(record.controls.iter().all(|control| control.map.is_none()), "not asked for");
        assert_eq!(image::open(&path).expect("a picture").to_rgba8(), shown(&window));
        dismiss_last(&mut window);
    }
}

fn dismiss_last(window: &mut Window) {
    let id = state(window).notices.iter().next_back().expect("a notice").id;
    run(window, UiCommand::DismissNotice(id));
}

#[test]
fn the_panel_exports_in_every_format_with_and_without_words() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut window = drawn(FakeModel::new(), folder.path());
    let export = |window: &mut Window, clicks: &[&str]| {
        press(window, Modifiers::COMMAND | Modifiers::SHIFT, Key::S);
        for label in clicks {
            click(window, label);
        }
        click(window, "Export to a file");
        wait_for_label(window, "Saved ");
        let headline = &state(window).notices.iter().next_back().expect("a notice").headline;
        let path = folder.path().join(headline.strip_prefix("Saved ").expect("its name"));
        dismiss_last(window);
        assert!(state(window).export.is_none(), "the panel has closed");
        path
    };
    let prompt = state(&window).settings.recipe.prompt.clone();

    let png = export(&mut window, &["My sketch in the file", "Twice as large"]);
    assert!(record_of(&png).prompt == prompt);
    assert_eq!(image::open(&png).expect("a picture").to_rgba8().dimensions(), (32, 32));

    let bare =
        export(&mut window, &["Prompt and settings in the file", "As large as it was drawn"]);
    assert_eq!(read_metadata(&bare).expect("readable").recalled, None);
    assert_eq!(image::open(&bare).expect("a picture").to_rgba8(), shown(&window));

    let jpeg =
        export(&mut window, &["Small, without transparency", "Prompt and settings in the file"]);
    assert_eq!(jpeg.extension().and_then(|ending| ending.to_str()), Some("jpg"));
    let recalled = read_metadata(&jpeg).expect("readable").recalled.expect("A1111's text");
    assert_eq!((recalled.prompt, recalled.record), (prompt.clone(), None));

    let webp = export(&mut window, &["Every pixel, smaller than PNG"]);
    assert_eq!(image::open(&webp).expect("a picture").to_rgba8(), shown(&window));

    press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::S);
    click(&mut window, "Flat shapes, sharp at any size");
    wait_for_label(&mut window, "1 shape, 1 kB");
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(state(&window).export.is_none());
    let svg = std::fs::read_to_string(export(&mut window, &["Four times as large"])).expect("text");
    assert!(svg.contains("width=\"64\" height=\"64\" viewBox=\"1 1 16 16\""), "{svg}");
    assert!(svg.contains(&format!("<title>{prompt}</title>")), "{svg}");
}

/// White sheets behind the picture in the export panel.
fn n_papers(window: &Window) -> usize {
    let preview = window.get_by_label("The picture that is exported").rect();
    let is_paper = |shape: &Shape| match shape {
        Shape::Rect(rect) => {
            preview.contains_rect(rect.rect) && rect.fill == Color32::WHITE && rect.brush.is_none()
        }
        _ => false,
    };
    window.output().shapes.iter().filter(|clipped| is_paper(&clipped.shape)).count()
}

#[test]
fn the_preview_shows_paper_where_the_format_has_no_transparency() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut window = drawn(FakeModel::new(), folder.path());
    press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::S);
    for (label, n) in [
        ("Every pixel, with transparency", 0),
        ("Small, without transparency", 1),
        ("Every pixel, smaller than PNG", 0),
    ] {
        click(&mut window, label);
        assert_eq!(n_papers(&window), n, "{label}");
    }
}

#[test]
fn what_is_exported_is_what_was_shown_when_the_panel_opened() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut window = drawn(FakeModel::new(), folder.path());
    let before = shown(&window);
    press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::S);
    press(&mut window, Modifiers::NONE, Key::N);
    wait_until(&mut window, "another picture", |window| {
        shown(window) != before && !state(window).is_drawing()
    });
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait_for_label(&mut window, "Saved ");
    let entry = std::fs::read_dir(folder.path()).expect("the folder").next().expect("a file");
    let saved = image::open(entry.expect("an entry").path()).expect("a picture").to_rgba8();
    assert_eq!(saved, before);
}

/// Saves what is on the canvas; returns the path.
fn save(window: &mut Window, folder: &Path) -> PathBuf {
    let before: Vec<_> = std::fs::read_dir(folder).expect("the folder").flatten().collect();
    press(window, Modifiers::COMMAND, Key::E);
    wait_until(window, "saved", |_| {
        let now = std::fs::read_dir(folder).expect("the folder").flatten();
        now.filter(|entry| entry.path().extension().is_some_and(|e| e == "png")).count()
            > before.len()
    });
    wait_for_label(window, "Saved ");
    dismiss_last(window);
    let mut new =
        std::fs::read_dir(folder).expect("the folder").flatten().map(|entry| entry.path());
    let is_new = |path: &PathBuf| before.iter().all(|entry| entry.path() != *path);
    new.find(is_new).expect("a new file")
}

fn stills(window: &Window) -> Vec<Option<Arc<RgbaImage>>> {
    let job = state(window).job.as_ref().expect("a job");
    job.stills.iter().map(|still| still.as_ref().map(|still| Arc::clone(&still.image))).collect()
}

fn n_starts(calls: &Calls) -> usize {
    calls.count(|call| call.point == Point::Start)
}

/// Switches live mode on and waits for what it draws.
fn live(window: &mut Window) {
    run(window, Action::ToggleLive);
    wait_until(window, "live", |window| !state(window).is_drawing());
}

/// Opens a file and waits until its picture is there at all of its scales.
fn open(window: &mut Window, path: &Path, n_scales: usize) {
    run(window, UiCommand::OpenFile(path.to_owned()));
    wait_for_label(window, "Opened “");
    wait_until(window, "every scale", |window| stills(window).iter().flatten().count() == n_scales);
}

#[test]
fn a_saved_picture_comes_back_at_every_scale_without_being_drawn() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut window = drawn(FakeModel::new(), folder.path());
    run(&mut window, UiCommand::SetPrompt("a green pear".to_owned()));
    run(&mut window, UiCommand::SetSeed(77));
    run(&mut window, UiCommand::SetNewSeedEachTime(false));
    run(&mut window, Action::Generate);
    wait_until(&mut window, "the pear", |window| {
        let job = state(window).job.as_ref().expect("a job");
        job.request.prompt == "a green pear" && matches!(job.phase, Phase::Finished(_))
    });
    let path = save(&mut window, folder.path());
    let known = stills(&window);
    drop(window);

    let model = FakeModel::new();
    let calls = model.calls();
    let mut window = drawn(model, folder.path());
    let other = shown(&window);
    // Live mode finds nothing to do either.
    live(&mut window);
    let before = n_starts(&calls);
    open(&mut window, &path, 4);
    assert_eq!(stills(&window), known);
    let recipe = &state(&window).settings.recipe;
    assert_eq!((recipe.prompt.as_str(), recipe.seed), ("a green pear", 77));
    let node = state(&window).branches.current_node().expect("it is in the tree");
    assert_eq!((node.about.origin, node.about.is_saved), (Origin::Opened, true));
    window.run_steps(20);
    assert_eq!(n_starts(&calls), before, "nothing is drawn");

    let again = save(&mut window, folder.path());
    let pixels = |path: &Path| image::open(path).expect("a picture").to_rgba8();
    assert_eq!(pixels(&again), pixels(&path));
    assert_eq!(std::fs::read(&again).expect("read"), std::fs::read(&path).expect("read"));

    run(&mut window, Action::ToggleLive);
    run(&mut window, Action::Undo);
    assert_eq!(shown(&window), other);
    assert_ne!(state(&window).settings.recipe.prompt, "a green pear");
}

#[test]
fn a_coarse_picture_comes_back_and_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut window = drawn(FakeModel::new(), folder.path());
    let whole = shown(&window);
    run(&mut window, UiCommand::ScrubTo(Some(1)));
    let path = save(&mut window, folder.path());
    drop(window);
    let mut window = drawn(FakeModel::new(), folder.path());
    run(&mut window, UiCommand::SetPrompt("something else".to_owned()));
    open(&mut window, &path, 2);
    run(&mut window, Action::StopOrContinue);
    wait_until(&mut window, "the last scale", |window| stills(window).iter().all(Option::is_some));
    assert_eq!(shown(&window), whole);
}

#[test]
fn the_sketch_comes_back_if_it_is_in_the_file_and_is_named_if_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = || FakeModel::new().with_image_size(256);
    let mut window = drawn(model(), folder.path());
    let lines = |window: &Window| {
        state(window).sketch.document().plane(Plane::Pixels(ControlKind::Lines)).to_bytes()
    };
    let sample = lines(&window);
    let without = save(&mut window, folder.path());
    press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::S);
    click(&mut window, "My sketch in the file");
    press(&mut window, Modifiers::NONE, Key::Escape);
    let with = save(&mut window, folder.path());

    for (path, comes_back) in [(&with, true), (&without, false)] {
        let mut window = drawn(model(), folder.path());
        let clear = underpaint::document::Edit::Clear(Plane::Pixels(ControlKind::Lines));
        run(&mut window, underpaint::ui::SketchCommand::Edit(clear));
        open(&mut window, path, 4);
        assert_eq!(lines(&window) == sample, comes_back);
        let details = |window: &Window| {
            let notice = state(window).notices.iter().next_back().expect("a notice");
            notice.details.clone().unwrap_or_default()
        };
        assert_eq!(details(&window).contains("lines map is not in the file"), !comes_back);
    }
    // What is on the canvas still is as good as what is in a file.
    let mut window = drawn(model(), folder.path());
    run(&mut window, UiCommand::SetPrompt("another".to_owned()));
    open(&mut window, &without, 4);
    assert_eq!(lines(&window), sample);
}

#[test]
fn a_picture_of_another_model_keeps_its_pixels_and_settings() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut window = drawn(FakeModel::new(), folder.path());
    run(&mut window, UiCommand::SetPrompt("a green pear".to_owned()));
    run(&mut window, Action::Generate);
    wait_until(&mut window, "the pear", |window| {
        let job = state(window).job.as_ref().expect("a job");
        job.request.prompt == "a green pear" && matches!(job.phase, Phase::Finished(_))
    });
    let path = save(&mut window, folder.path());
    let pear = shown(&window);
    let model = FakeModel::new().with_scales(3);
    let calls = model.calls();
    let mut window = drawn(model, folder.path());
    live(&mut window);
    let before = n_starts(&calls);
    run(&mut window, UiCommand::OpenFile(path.clone()));
    wait_for_label(&mut window, "Settings restored, the picture stays as it is");
    assert_eq!(state(&window).settings.recipe.prompt, "a green pear");
    window.run_steps(20);
    assert_eq!(shown(&window), pear);
    assert_eq!((shown(&window), n_starts(&calls)), (pear, before));
    let again = save(&mut window, folder.path());
    assert_eq!(record_of(&again), record_of(&path), "what it told stays true");
}

#[test]
fn a_dropped_picture_of_ours_asks_what_to_do_with_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut window = drawn(FakeModel::new(), folder.path());
    let path = save(&mut window, folder.path());
    let prompt = state(&window).settings.recipe.prompt.clone();
    let drop_it = |window: &mut Window| {
        run(window, UiCommand::SetPrompt("something else".to_owned()));
        drop_files(window, &[&path]);
        wait_for_label(window, "Restore everything");
        window.get_by_label_contains("Made by Underpaint");
    };
    drop_it(&mut window);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Restore everything").is_none());
    assert_eq!(state(&window).settings.recipe.prompt, "something else");

    drop_it(&mut window);
    click(&mut window, "Prompt and settings only");
    assert_eq!(state(&window).settings.recipe.prompt, prompt);

    drop_it(&mut window);
    click(&mut window, "Use as control…");
    assert!(state(&window).imports.open.is_some());
    press(&mut window, Modifiers::NONE, Key::Escape);

    drop_it(&mut window);
    click(&mut window, "Use as inspiration");
    wait_until(&mut window, "a place", |window| state(window).slots[0].chosen.is_some());

    drop_it(&mut window);
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait_for_label(&mut window, "Opened “");
    assert_eq!(state(&window).settings.recipe.prompt, prompt);
}

#[test]
fn damaged_files_are_told_or_made_again_from_their_tokens() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut window = drawn(FakeModel::new(), folder.path());
    let path = save(&mut window, folder.path());
    let known = stills(&window);
    let bytes = std::fs::read(&path).expect("read");
    let pixels_at = bytes.windows(4).position(|name| name == b"IDAT").expect("pixels");

    let cut = folder.path().join("cut.jpg");
    std::fs::write(&cut, &bytes[..pixels_at + 8]).expect("written");
    let mut window = drawn(FakeModel::new(), folder.path());
    run(&mut window, UiCommand::SetPrompt("something else".to_owned()));
    open(&mut window, &cut, 4);
    assert_eq!(stills(&window), known, "made from its tokens");

    let torn = folder.path().join("torn.jpg");
    std::fs::write(&torn, &bytes[..60]).expect("written");
    let recipe = state(&window).settings.recipe.clone();
    let before = shown(&window);
    run(&mut window, UiCommand::OpenFile(torn));
    wait_for_label(&mut window, "The picture cannot be");
    assert_eq!((shown(&window), &state(&window).settings.recipe), (before, &recipe));
}

#[test]
fn what_other_applications_tell_is_taken_as_far_as_it_goes() {
    let fixtures = Path::new("tests/fixtures/png_metadata");
    let expected = std::fs::read_to_string(fixtures.join("expected.json")).expect("read");
    let expected: serde_json::Value = serde_json::from_str(&expected).expect("JSON");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut window = drawn(FakeModel::new(), folder.path());
    // No font of the tests has Japanese.
    window.ctx.set_missing_glyph_policy(egui::MissingGlyphPolicy::Tofu);
    for (name, expected) in expected.as_object().expect("an object") {
        let before = state(&window).settings.recipe.clone();
        run(&mut window, UiCommand::OpenFile(fixtures.join(name)));
        match expected["status"].as_str().expect("a status") {
            "unreadable" | "rejected" => {
                wait_for_label(&mut window, "The picture cannot be restored");
                assert_eq!(state(&window).settings.recipe, before, "{name}");
                dismiss_last(&mut window);
            }
            "not found" => {
                wait_until(&mut window, name, |window| state(window).imports.open.is_some());
                assert_eq!(state(&window).settings.recipe, before, "{name}");
                press(&mut window, Modifiers::NONE, Key::Escape);
            }
            _ => {
                wait_for_label(&mut window, "taken from a picture of");
                let recipe = &state(&window).settings.recipe;
                assert_eq!(recipe.prompt, expected["prompt"].as_str().expect("text"), "{name}");
                let negative = expected["negative"].as_str().unwrap_or_default();
                assert_eq!(recipe.negative, negative, "{name}");
                if let Some(seed) = expected["seed"].as_str() {
                    assert_eq!(recipe.seed.to_string(), seed, "{name}");
                }
                if let Some(cfg) = expected["cfg"].as_f64() {
                    let guidance = recipe.sampling.expect("its own").guidance;
                    assert!((f64::from(guidance) - cfg).abs() < 1e-5, "{name}: {guidance}");
                }
                let notice = state(&window).notices.iter().next_back().expect("a notice");
                let told = notice.details.clone().unwrap_or_default();
                let extra = expected["extra"].as_object().into_iter().flatten();
                for key in extra.map(|(key, _)| key).filter(|key| *key != "Version") {
                    assert!(told.contains(key.as_str()), "{name}: {key} in {told}");
                }
                dismiss_last(&mut window);
            }
        }
    }
}
