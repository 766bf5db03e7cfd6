//! Editing what was drawn, in the window: locked places, and pictures to start from.

use std::path::Path;
use std::sync::Arc;

use crate::common::fake_model::{FakeModel, Fault, Point};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, PointerButton, Pos2, vec2};
use egui_kittest::kittest::Queryable as _;
use image::{Rgba, RgbaImage};
use underpaint::app::AppOptions;
use underpaint::document::{Brush, Edit, Ink, Pen, PenPoint, Plane, Symmetry};
use underpaint::params::ControlKind;
use underpaint::protocol::Lock;
use underpaint::state::{Phase, Tool};
use underpaint::ui::canvas_view::Pane;
use underpaint::ui::{Action, ImportCommand, SketchCommand, SourceCommand, UiCommand};

use crate::help::*;

/// Side of the canvas.
const SIZE_PX: usize = 64;

/// Draws only when asked.
fn window(model: FakeModel) -> Window {
    window_with(model, AppOptions::default())
}

fn window_with(model: FakeModel, options: AppOptions) -> Window {
    let model = model.with_image_size(SIZE_PX);
    let mut window = opened(model, [1280.0, 1400.0], Live::Off, options);
    // The sample sketch is of another size than these models' pictures.
    tell(&mut window, SketchCommand::TakeTool(Tool::Brush));
    window
}

fn drawn(model: FakeModel) -> Window {
    let mut window = window(model);
    finish(&mut window);
    window
}

fn ids(window: &Window) -> Vec<Vec<u32>> {
    state(window).job.as_ref().and_then(|job| job.first_ids()).expect("a finished job").clone()
}

fn finish(window: &mut Window) {
    wait_until(window, "the picture must be finished", |window| {
        let phase = state(window).job.as_ref().map(|job| &job.phase);
        matches!(phase, Some(Phase::Finished(_))) && state(window).next.is_empty()
    });
    window.step();
}

fn generate(window: &mut Window) {
    let before = state(window).job.as_ref().map(|job| job.id);
    press(window, Modifiers::COMMAND, Key::Enter);
    wait_until(window, "a new run", |window| {
        state(window).job.as_ref().map(|job| job.id) != before
    });
    finish(window);
}

/// Drags over a part of the canvas, given as shares of its size.
fn drag(window: &mut Window, button: PointerButton, from: [f32; 2], to: [f32; 2]) {
    let view = &window.state().view().canvas;
    let at = |[x, y]: [f32; 2]| {
        let side = SIZE_PX as f32;
        view.ui_point_in(Pane::First, [x * side, y * side])
    };
    let [from, to]: [Pos2; 2] = [at(from), at(to)];
    let press =
        |pos, pressed| Event::PointerButton { pos, button, pressed, modifiers: Modifiers::NONE };
    window.event(Event::PointerMoved(from));
    window.step();
    window.event(press(from, true));
    window.step();
    for step in 1..=4 {
        window.event(Event::PointerMoved(from + (to - from) * (step as f32 / 4.0)));
        window.step();
    }
    window.event(press(to, false));
    window.run_steps(2);
    // Out of the way of what is clicked next.
    window.event(Event::PointerMoved(Pos2::ZERO + vec2(1.0, 1.0)));
    window.step();
}

fn lock(window: &Window) -> Lock {
    request(window).lock.expect("a lock")
}

fn coverage_at(lock: &Lock, x: f32, y: f32) -> u8 {
    let pixel = |share: f32| (share * SIZE_PX as f32) as usize;
    lock.mask.coverage[pixel(y) * SIZE_PX + pixel(x)]
}

#[test]
fn painted_places_stay_and_the_lock_can_be_undone() {
    let mut window = drawn(FakeModel::new());
    let first = ids(&window);
    press(&mut window, Modifiers::NONE, Key::L);
    assert_eq!(state(&window).settings.tools.tool, Tool::Lock);
    window.get_by_label("Draw anew outside");
    // No larger than a part of this small canvas.
    let mut tools = state(&window).settings.tools.clone();
    tools.lock_brush = Brush { size_px: 20.0, ..tools.lock_brush };
    run(&mut window, SketchCommand::SetTools(Box::new(tools)));
    drag(&mut window, PointerButton::Primary, [0.2, 0.2], [0.2, 0.8]);
    let document = state(&window).sketch.document();
    assert!(!document.lock().is_empty());
    assert!(ControlKind::ALL.iter().all(|kind| document.layer(*kind).pixels().is_empty()));

    press(&mut window, Modifiers::NONE, Key::N);
    finish(&mut window);
    let held = lock(&window);
    assert_eq!(*held.ids, first, "what was on the canvas stays");
    assert_eq!((coverage_at(&held, 0.2, 0.5), coverage_at(&held, 0.8, 0.5)), (255, 0));
    assert!(held.beneath.is_none());

    // Another seed keeps the same picture; painting on takes the one that is there now.
    press(&mut window, Modifiers::NONE, Key::N);
    finish(&mut window);
    assert_eq!(*lock(&window).ids, first);
    let second = ids(&window);
    drag(&mut window, PointerButton::Primary, [0.8, 0.2], [0.8, 0.8]);
    generate(&mut window);
    let both = lock(&window);
    assert_eq!(*both.ids, second);
    assert_eq!(coverage_at(&both, 0.8, 0.5), 255);
    assert_eq!(both.beneath.as_deref(), Some(&held), "and what was locked in it stays as it was");

    // The right button unlocks.
    drag(&mut window, PointerButton::Secondary, [0.2, 0.2], [0.2, 0.8]);
    generate(&mut window);
    assert_eq!(coverage_at(&lock(&window), 0.2, 0.5), 0);

    click(&mut window, "Clear the lock");
    assert!(state(&window).sketch.document().lock().is_empty());
    generate(&mut window);
    assert_eq!(request(&window).lock, None);
    // Over the new picture, too.
    press(&mut window, Modifiers::COMMAND, Key::Z);
    press(&mut window, Modifiers::COMMAND, Key::Z);
    wait_until(&mut window, "the lock must come back", |window| {
        !state(window).sketch.document().lock().is_empty()
    });
}

#[test]
fn the_lock_is_turned_over_and_painted_off() {
    let mut window = drawn(FakeModel::new());
    press(&mut window, Modifiers::NONE, Key::L);
    let mut tools = state(&window).settings.tools.clone();
    tools.lock_brush = Brush { size_px: 20.0, ..tools.lock_brush };
    run(&mut window, SketchCommand::SetTools(Box::new(tools)));
    drag(&mut window, PointerButton::Primary, [0.2, 0.2], [0.2, 0.8]);
    click(&mut window, "Draw anew inside");
    generate(&mut window);
    let inside = lock(&window);
    assert_eq!((coverage_at(&inside, 0.2, 0.5), coverage_at(&inside, 0.8, 0.5)), (0, 255));
    click(&mut window, "Unlock by painting");
    drag(&mut window, PointerButton::Primary, [0.2, 0.0], [0.2, 1.0]);
    drag(&mut window, PointerButton::Primary, [0.1, 0.0], [0.1, 1.0]);
    assert_eq!(state(&window).sketch.document().lock().pixel(13, 32)[0], 0);
    press(&mut window, Modifiers::NONE, Key::B);
    assert_eq!(state(&window).settings.tools.plane(), Plane::Pixels(ControlKind::Lines));
}

#[test]
fn without_a_picture_the_lock_says_so() {
    let (model, mut gate) = FakeModel::new().gated(|point| matches!(point, Point::Step(0)));
    let mut window = window(model);
    let held = gate.wait();
    window.step();
    press(&mut window, Modifiers::NONE, Key::L);
    drag(&mut window, PointerButton::Primary, [0.3, 0.3], [0.6, 0.6]);
    wait_for_label(&mut window, "There is no picture to keep yet");
    gate.open();
    drop(held);
    finish(&mut window);
    let first = ids(&window);
    press(&mut window, Modifiers::NONE, Key::N);
    finish(&mut window);
    assert_eq!(*lock(&window).ids, first);
}

fn keep_scales(window: &mut Window, key: Key) {
    window.get_by_role_and_label(Role::Slider, "Keep scales").focus();
    window.step();
    press(window, Modifiers::NONE, key);
}

/// Waits until the model has looked at the picture to start from.
fn looked_at(window: &mut Window) {
    wait_until(window, "the model must look at the picture", |window| {
        state(window).source.as_ref().is_some_and(|source| source.stills.is_some())
    });
    window.run_steps(2);
}

#[test]
fn a_picture_starts_from_the_one_on_the_canvas() {
    let mut window = drawn(FakeModel::new());
    let first = ids(&window);
    click(&mut window, "Start from this picture");
    looked_at(&mut window);
    window.get_by_label("What stays of “This picture”");
    window.get_by_label("Generate draws the rest");
    keep_scales(&mut window, Key::ArrowRight);
    assert_eq!(state(&window).source.as_ref().map(|source| source.n_kept), Some(3));
    press(&mut window, Modifiers::NONE, Key::N);
    finish(&mut window);
    let given = request(&window).given.expect("scales are given");
    assert_eq!((given.n_scales(), &given.ids[0][..]), (3, &first[..3]));
    let source = given.source.expect("it is told where they come from");
    assert_eq!((source.name.as_str(), source.n_scales), ("This picture", 3));
    assert_ne!(ids(&window)[3], first[3]);
    // The strip shows the scales that stay.
    let stills = state(&window).source.as_ref().unwrap().stills.clone().unwrap().images;
    let job = state(&window).job.as_ref().unwrap();
    for (scale_idx, still) in stills[..3].iter().enumerate() {
        assert_eq!(job.still(scale_idx).unwrap().image, *still);
    }
    generate(&mut window);
    assert_eq!(request(&window).given.map(|given| given.n_scales()), Some(3));

    click(&mut window, "Start from nothing again");
    assert!(window.query_by_label("Keep scales").is_none());
    generate(&mut window);
    assert_eq!(request(&window).given, None);
}

#[test]
fn in_live_mode_the_picture_follows_the_slider() {
    let mut window = drawn(FakeModel::new());
    press(&mut window, Modifiers::COMMAND, Key::L);
    click(&mut window, "Start from this picture");
    looked_at(&mut window);
    let n_given = |window: &Window| request(window).given.map_or(0, |given| given.n_scales());
    wait_until(&mut window, "the picture must start from it", |window| n_given(window) == 2);
    keep_scales(&mut window, Key::ArrowLeft);
    wait_until(&mut window, "the picture must follow", |window| n_given(window) == 1);
    finish(&mut window);
    window.get_by_label("The picture follows at once");
    click(&mut window, "Start from nothing again");
    wait_until(&mut window, "the picture must follow", |window| n_given(window) == 0);
}

#[test]
fn colours_that_were_painted_over_the_picture_are_taken_along() {
    let mut window = drawn(FakeModel::new());
    let before = Arc::clone(&state(&window).shown().expect("a picture").still.image);
    let ink = Ink { level: 255, colour: [10, 200, 30] };
    let brush = Brush { ink, size_px: 30.0, ..Brush::default() };
    let plane = Plane::Pixels(ControlKind::Colour);
    let pen = Pen { plane, brush, symmetry: Symmetry::None };
    let points = vec![PenPoint { pos: [10.0, 10.0], pressure: 1.0, secs: 0.0 }];
    run(&mut window, SketchCommand::Edit(Edit::Stroke { pen, points }));
    run(&mut window, SourceCommand::UseShown);
    let source = state(&window).source.as_ref().expect("a source");
    assert_eq!(source.name, "Painted picture");
    assert_eq!(source.picture.get_pixel(10, 10).0, [10, 200, 30, 255]);
    assert_eq!(source.picture.get_pixel(60, 60), before.get_pixel(60, 60));
    looked_at(&mut window);
}

fn open(window: &mut Window, path: &Path) {
    run(window, ImportCommand::Open { paths: vec![path.to_owned()], onto: None });
}

#[test]
fn a_dropped_picture_becomes_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.png");
    let picture = RgbaImage::from_pixel(90, 60, Rgba([200, 40, 90, 255]));
    picture.save(&path).unwrap();
    let mut window = drawn(FakeModel::new());
    open(&mut window, &path);
    wait_for_label(&mut window, "Use as a start");
    click(&mut window, "Use as a start");
    click(&mut window, "Accept the picture");
    looked_at(&mut window);
    let source = state(&window).source.as_ref().unwrap();
    assert_eq!((source.name.as_str(), &*source.picture), ("photo", &picture));
    generate(&mut window);
    let given = request(&window).given.expect("scales are given");
    assert_eq!(given.source.map(|source| source.name).as_deref(), Some("photo"));
}

#[test]
fn pictures_that_are_of_no_use_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let clear = folder.path().join("clear.png");
    RgbaImage::new(20, 20).save(&clear).unwrap();
    let mut window = drawn(FakeModel::new());
    open(&mut window, &clear);
    wait_for_label(&mut window, "Use as a start");
    click(&mut window, "Use as a start");
    click(&mut window, "Accept the picture");
    wait_for_label(&mut window, "Nothing can be seen in “clear”");
    assert!(state(&window).source.is_none());
}

#[test]
fn a_picture_that_the_model_cannot_read_is_let_go() {
    for fault in [Fault::Error, Fault::Panic] {
        let mut window = drawn(FakeModel::new().with_fault("", Point::Encode, fault));
        click(&mut window, "Start from this picture");
        wait_until(&mut window, "the source must go", |window| state(window).source.is_none());
        let failed = state(&window).notices.iter().any(|notice| notice.details.is_some());
        assert!(failed, "{:?}", state(&window).notices);
        generate(&mut window);
        assert_eq!(request(&window).given, None);
    }
}

#[test]
fn a_lock_is_brought_back_with_its_picture() {
    let mut window = drawn(FakeModel::new());
    press(&mut window, Modifiers::NONE, Key::L);
    drag(&mut window, PointerButton::Primary, [0.3, 0.3], [0.6, 0.6]);
    press(&mut window, Modifiers::NONE, Key::N);
    finish(&mut window);
    let held = lock(&window);
    click(&mut window, "Clear the lock");
    press(&mut window, Modifiers::NONE, Key::N);
    finish(&mut window);
    assert_eq!(request(&window).lock, None);
    // Back over the new picture and the clearing.
    press(&mut window, Modifiers::COMMAND, Key::Z);
    press(&mut window, Modifiers::COMMAND, Key::Z);
    generate(&mut window);
    let again = lock(&window);
    assert!(Arc::ptr_eq(&again.ids, &held.ids) || again.ids == held.ids);
    assert_eq!(again.mask, held.mask);
}

#[test]
fn a_lock_is_brought_back_from_a_saved_picture() {
    let folder = tempfile::tempdir().unwrap();
    let options = || AppOptions { save_dir: Some(folder.path().to_owned()), ..Default::default() };
    let mut window = window_with(FakeModel::new(), options());
    finish(&mut window);
    press(&mut window, Modifiers::NONE, Key::L);
    drag(&mut window, PointerButton::Primary, [0.3, 0.3], [0.6, 0.6]);
    press(&mut window, Modifiers::NONE, Key::N);
    finish(&mut window);
    let held = lock(&window);
    run(&mut window, Action::SavePicture);
    wait_for_label(&mut window, "Saved");
    drop(window);

    let saved = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let mut window = window_with(FakeModel::new(), options());
    finish(&mut window);
    run(&mut window, UiCommand::OpenFile(saved));
    wait_until(&mut window, "the lock must be there", |window| {
        !state(window).sketch.document().lock().is_empty()
    });
    generate(&mut window);
    assert_eq!(lock(&window), held);
}
