//! Pictures of the user in the window, through real files: saved, exported, opened again.

mod common;

use std::path::Path;
use std::time::Instant;

use common::fake_model::{FakeModel, TIME_LIMIT};
use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use underpaint::app::{App, AppOptions};
use underpaint::imaging::RgbaImage;
use underpaint::imaging::io::read_metadata;
use underpaint::imaging::metadata::PictureRecord;
use underpaint::state::{AppState, Phase};
use underpaint::ui::{Action, UiCommand};
use underpaint::worker::WorkerHandle;

type Window = Harness<'static, App>;

/// Draws only when asked, and saves into `folder`.
fn window(model: FakeModel, folder: &Path) -> Window {
    let options = AppOptions { save_dir: Some(folder.to_owned()), ..Default::default() };
    // Grids of 1 to 4: scales 1×1 to 4×4.
    let model = model.with_scales(4);
    Harness::builder().with_size([1280.0, 1400.0]).with_step_dt(1.0 / 60.0).build_eframe(|cc| {
        let ctx = cc.egui_ctx.clone();
        let wake = move || ctx.request_repaint();
        let worker = WorkerHandle::spawn(model.into_loader(), wake).expect("a thread");
        let mut app = App::new(cc, worker, options).expect("a thread");
        let frame = eframe::Frame::_new_kittest();
        app.run(&cc.egui_ctx, &frame, Action::ToggleLive.into());
        app
    })
}

/// A window that has drawn its first picture.
fn drawn(model: FakeModel, folder: &Path) -> Window {
    let mut window = window(model, folder);
    wait_until(&mut window, "the picture must be finished", |window| {
        let phase = state(window).job.as_ref().map(|job| &job.phase);
        matches!(phase, Some(Phase::Finished(_)))
    });
    window.step();
    window
}

fn state(window: &Window) -> &AppState {
    window.state().state()
}

fn run(window: &mut Window, command: UiCommand) {
    let ctx = window.ctx.clone();
    let frame = eframe::Frame::_new_kittest();
    window.state_mut().run(&ctx, &frame, command);
    window.step();
}

fn wait_until(window: &mut Window, what: &str, is_so: impl Fn(&Window) -> bool) {
    let started_at = Instant::now();
    while !is_so(window) {
        assert!(started_at.elapsed() < TIME_LIMIT, "{what}: {:?}", state(window).notices);
        window.step();
        std::thread::yield_now();
    }
}

fn wait_for_label(window: &mut Window, label: &str) {
    wait_until(window, label, |window| window.query_by_label_contains(label).is_some());
    window.run_steps(2);
}

fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.run_steps(2);
}

fn click(window: &mut Window, label: &str) {
    window.get_by_label(label).click();
    window.run_steps(2);
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
