//! Projects in the window, through real files: begun, saved, opened, and had back after a crash.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::common::fake_model::FakeModel;
use egui::accesskit::Role;
use egui::{Key, Modifiers, ViewportCommand};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use underpaint::app::AppOptions;
use underpaint::document::{Brush, Edit, Pen, PenPoint, Plane, Symmetry};
use underpaint::params::ControlKind;
use underpaint::project;
use underpaint::protocol::Given;

use underpaint::ui::{ProjectCommand, SketchCommand, SourceCommand};
use underpaint::worker::WorkerHandle;

use crate::help::*;

/// The variable that names a folder for pictures of the window, for people to look at.
const SHOTS: &str = "UNDERPAINT_SHOTS";

fn options(desk: &Path) -> AppOptions {
    AppOptions { data_dir: Some(desk.join("data")), ..AppOptions::default() }
}

/// Draws only when asked.
fn window(options: AppOptions) -> Window {
    window_with(FakeModel::new().with_image_size(256), options)
}

fn window_with(model: FakeModel, options: AppOptions) -> Window {
    let mut builder = Harness::builder().with_size([1280.0, 820.0]);
    if env::var_os(SHOTS).is_some() {
        builder = builder.wgpu();
    }
    built(builder, Live::Off, options, |ctx| {
        let wake = move || ctx.request_repaint();
        WorkerHandle::spawn(model.into_loader(), wake).expect("a thread")
    })
}

/// A window that shows a picture.
fn drawn(options: AppOptions) -> Window {
    let mut window = window(options);
    wait_until(&mut window, "a picture", |window| state(window).branches.current.is_some());
    window.run_steps(2);
    window
}

fn stroke(window: &mut Window, x: f32) {
    let pen = Pen {
        plane: Plane::Pixels(ControlKind::Lines),
        brush: Brush::default(),
        symmetry: Symmetry::None,
    };
    let point = |y: f32| PenPoint { pos: [x, y], pressure: 1.0, secs: y / 200.0 };
    let points = vec![point(40.0), point(120.0), point(200.0)];
    run(window, SketchCommand::Edit(Edit::Stroke { pen, points }));
}

fn save_to(window: &mut Window, path: &Path) {
    run(window, ProjectCommand::SaveTo(path.to_owned()));
    wait_for_label(window, "Saved cat.underpaint");
    window.run_steps(2);
}

/// What the window was last told to be called.
fn title(window: &mut Window) -> Option<String> {
    let output = window.output();
    let commands = output.viewport_output.values().flat_map(|viewport| &viewport.commands);
    let title = |command: &ViewportCommand| match command {
        ViewportCommand::Title(title) => Some(title.clone()),
        _ => None,
    };
    commands.filter_map(title).next_back()
}

fn shoot(window: &mut Window, name: &str) {
    let Some(folder) = env::var_os(SHOTS).map(PathBuf::from) else { return };
    window.run_steps(20);
    let picture = window.render().expect("a frame that wgpu can draw");
    picture.save(folder.join(format!("{name}.png"))).expect("a folder to write to");
}

#[test]
fn a_project_is_saved_and_opened_again_with_its_pictures() {
    let desk = tempfile::tempdir().expect("a temporary folder");
    let path = desk.path().join("cat.underpaint");
    let mut window = drawn(options(desk.path()));
    assert!(!state(&window).project.is_unsaved, "the first picture comes by itself");
    window.get_by_label("Project Untitled");
    stroke(&mut window, 60.0);
    assert!(state(&window).project.is_unsaved);
    window.get_by_label("Project Untitled, unsaved changes");
    press(&mut window, Modifiers::COMMAND, Key::Enter);
    wait_until(&mut window, "two pictures", |window| state(window).branches.n_listed() == 2);
    save_to(&mut window, &path);
    assert!(!state(&window).project.is_unsaved);
    window.get_by_label("Project cat");
    let picture = Arc::clone(&state(&window).shown().expect("a picture").still.image);
    let sketch = state(&window).sketch.document().clone();
    let recipe = state(&window).settings.recipe.clone();

    // Another stroke, taken back: nothing is unsaved again.
    stroke(&mut window, 90.0);
    assert!(state(&window).project.is_unsaved);
    press(&mut window, Modifiers::COMMAND, Key::Z);
    assert!(!state(&window).project.is_unsaved);

    press(&mut window, Modifiers::COMMAND, Key::N);
    assert!(state(&window).sketch.document().layer(ControlKind::Lines).pixels().is_empty());
    assert_eq!((state(&window).branches.n_listed(), state(&window).shown().is_none()), (0, true));
    run(&mut window, ProjectCommand::Open(path.clone()));
    wait_until(&mut window, "the project", |window| state(window).branches.n_listed() == 2);
    window.run_steps(2);
    assert!(*state(&window).sketch.document() == sketch);
    assert!(*state(&window).shown().expect("its picture").still.image == *picture);
    assert_eq!(state(&window).settings.recipe, recipe);
    assert!(!state(&window).project.is_unsaved);
    assert_eq!(state(&window).settings.recent_projects, [path]);
    let last = title(&mut window);
    assert!(last.is_none_or(|title| title == "cat – Underpaint"));
}

/// Starts from the picture on the canvas with so many scales.
fn start_from_shown(window: &mut Window, n_kept: usize) {
    run(window, SourceCommand::UseShown);
    wait_for_stills(window);
    run(window, SourceCommand::Keep(n_kept));
}

fn wait_for_stills(window: &mut Window) {
    wait_until(window, "what stays of the source", |window| {
        state(window).source.as_ref().is_some_and(|source| source.prefix().is_some())
    });
    window.run_steps(2);
}

/// Draws another picture, and says what it was given.
fn given_of_another(window: &mut Window) -> Option<Given> {
    let n_listed = state(window).branches.n_listed();
    press(window, Modifiers::NONE, Key::N);
    wait_until(window, "another picture", |window| state(window).branches.n_listed() > n_listed);
    state(window).job.as_ref().expect("a job").request.given.clone()
}

#[test]
fn the_picture_to_start_from_is_saved_and_opened_again() {
    let desk = tempfile::tempdir().expect("a temporary folder");
    let path = desk.path().join("cat.underpaint");
    let mut window = drawn(options(desk.path()));
    start_from_shown(&mut window, 3);
    assert!(state(&window).project.is_unsaved, "it was chosen");
    save_to(&mut window, &path);
    let source = state(&window).source.clone().expect("a source");
    let shown = Arc::clone(&state(&window).shown().expect("a picture").still.image);
    let given = given_of_another(&mut window);
    assert_eq!(given.as_ref().map(Given::n_scales), Some(3));

    press(&mut window, Modifiers::COMMAND, Key::N);
    assert!(state(&window).source.is_none());
    run(&mut window, ProjectCommand::Open(path));
    wait_for_stills(&mut window);
    let opened = state(&window).source.as_ref().expect("the source");
    assert_eq!((&opened.name, opened.n_kept), (&source.name, source.n_kept));
    assert!(opened.picture == source.picture && opened.stills == source.stills);
    window.get_by_label("What stays of “This picture”");
    assert!(!state(&window).project.is_unsaved, "looking at it is no work");
    assert!(*state(&window).shown().expect("a picture").still.image == *shown);
    assert_eq!(given_of_another(&mut window), given);
}

#[test]
fn the_picture_to_start_from_comes_back_with_unsaved_work() {
    let desk = tempfile::tempdir().expect("a temporary folder");
    let mut first = drawn(options(desk.path()));
    start_from_shown(&mut first, 2);
    let source = state(&first).source.clone().expect("a source");
    let given = given_of_another(&mut first);
    drop(first);
    let mut window = drawn(options(desk.path()));
    wait_for_label(&mut window, "Open Untitled");
    click(&mut window, "Open Untitled");
    wait_for_stills(&mut window);
    let opened = state(&window).source.as_ref().expect("the source");
    assert!(opened.picture == source.picture && opened.stills == source.stills);
    assert_eq!(given_of_another(&mut window), given);
}

#[test]
fn a_model_with_other_scales_looks_at_the_picture_anew() {
    let desk = tempfile::tempdir().expect("a temporary folder");
    let path = desk.path().join("cat.underpaint");
    let mut first = drawn(options(desk.path()));
    start_from_shown(&mut first, 4);
    save_to(&mut first, &path);
    drop(first);
    let model = FakeModel::new().with_image_size(256).with_scales(3);
    let mut window = window_with(model, options(desk.path()));
    wait_until(&mut window, "the model", |window| state(window).model().is_some());
    run(&mut window, ProjectCommand::Open(path));
    wait_for_stills(&mut window);
    let source = state(&window).source.as_ref().expect("the source");
    let n_scales = source.stills.as_ref().map(|stills| stills.ids.len());
    assert_eq!((source.n_kept, n_scales), (3, Some(3)));
    assert_eq!(given_of_another(&mut window).map(|given| given.n_scales()), Some(3));
}

#[test]
fn ctrl_s_writes_where_the_project_is_and_keeps_the_version_before() {
    let desk = tempfile::tempdir().expect("a temporary folder");
    let path = desk.path().join("cat.underpaint");
    let mut window = drawn(options(desk.path()));
    stroke(&mut window, 60.0);
    save_to(&mut window, &path);
    let first = fs::read(&path).expect("it is there");
    stroke(&mut window, 90.0);
    press(&mut window, Modifiers::COMMAND, Key::S);
    wait_until(&mut window, "saved", |window| !state(window).project.is_unsaved);
    assert!(fs::read(&path).expect("it is there") != first);
    assert!(fs::read(project::previous_of(&path)).expect("it is kept") == first);
}

#[test]
fn what_cannot_be_saved_stays_unsaved() {
    let desk = tempfile::tempdir().expect("a temporary folder");
    let mut window = drawn(options(desk.path()));
    stroke(&mut window, 60.0);
    run(&mut window, ProjectCommand::SaveTo(desk.path().join("gone/cat.underpaint")));
    wait_for_label(&mut window, "The project was not saved: the folder does not exist");
    assert!(state(&window).project.is_unsaved && !state(&window).project.is_saving);
    assert_eq!(state(&window).project.path, None);
}

#[test]
fn files_that_must_not_be_written_over_are_not() {
    let desk = tempfile::tempdir().expect("a temporary folder");
    let path = desk.path().join("cat.underpaint");
    let mut window = drawn(options(desk.path()));
    stroke(&mut window, 60.0);
    save_to(&mut window, &path);
    // Its end is missing: what is left opens, and the file stays.
    let bytes = fs::read(&path).expect("it is there");
    let cut = &bytes[..bytes.len() / 2];
    fs::write(&path, cut).expect("written");
    run(&mut window, ProjectCommand::Open(path.clone()));
    wait_for_label(&mut window, "Part of this project cannot be read");
    stroke(&mut window, 90.0);
    run(&mut window, ProjectCommand::SaveTo(path.clone()));
    wait_for_label(&mut window, "This file is kept as it is; choose another name");
    assert_eq!(fs::read(&path).expect("it is there"), cut);
    let other = desk.path().join("b").join("cat.underpaint");
    fs::create_dir(desk.path().join("b")).expect("a folder");
    // What was saved before is still told of, so its notice says nothing.
    run(&mut window, ProjectCommand::SaveTo(other.clone()));
    wait_until(&mut window, "saved", |window| !state(window).project.is_unsaved);
    // And one that is none at all.
    fs::write(&path, "no project").expect("written");
    run(&mut window, ProjectCommand::Open(path));
    wait_for_label(&mut window, "this is not a project of Underpaint");
    assert_eq!(state(&window).project.path.as_ref(), Some(&other), "what was open stays open");
}

#[test]
fn a_file_named_at_the_start_is_opened_instead_of_drawing() {
    let desk = tempfile::tempdir().expect("a temporary folder");
    let path = desk.path().join("cat.underpaint");
    let mut first = drawn(options(desk.path()));
    stroke(&mut first, 60.0);
    save_to(&mut first, &path);
    let picture = Arc::clone(&state(&first).shown().expect("a picture").still.image);
    drop(first);
    let mut window = window(AppOptions { file: Some(path), ..options(desk.path()) });
    wait_for_label(&mut window, "Project cat");
    wait_until(&mut window, "its picture", |window| state(window).shown().is_some());
    wait_until(&mut window, "the model", |window| state(window).model().is_some());
    window.run_steps(5);
    assert!(*state(&window).shown().expect("its picture").still.image == *picture);
    assert_eq!(state(&window).branches.n_listed(), 1, "nothing was drawn anew");
    assert!(!state(&window).project.is_unsaved);
}

#[test]
fn unsaved_work_is_offered_and_comes_back() {
    let desk = tempfile::tempdir().expect("a temporary folder");
    let sessions = desk.path().join("data/unsaved");
    let n_sessions = || fs::read_dir(&sessions).expect("it is there").count() - 1;
    let mut first = drawn(options(desk.path()));
    stroke(&mut first, 60.0);
    stroke(&mut first, 90.0);
    let sketch = state(&first).sketch.document().clone();
    // A second window at the same time is not offered what the first still works on.
    let mut second = drawn(options(desk.path()));
    second.run_steps(10);
    assert!(state(&second).recovery.offers.is_empty());
    drop(second);
    drop(first);

    let mut window = drawn(options(desk.path()));
    wait_for_label(&mut window, "Left by windows that closed without saving");
    window.get_by_label_contains("2 strokes, 1 picture");
    assert!(*state(&window).sketch.document() != sketch, "nothing opens by itself");
    click(&mut window, "Later");
    assert!(window.query_by_label("Unsaved work").is_none());
    run(&mut window, ProjectCommand::ShowRecovery(true));
    wait_for_label(&mut window, "Open Untitled");
    click(&mut window, "Open Untitled");
    wait_until(&mut window, "the work", |window| *state(window).sketch.document() == sketch);
    window.run_steps(2);
    assert!(state(&window).project.is_unsaved, "it is still in no file");
    wait_until(&mut window, "one session", |_| n_sessions() == 1);

    // Saved and closed, nothing is left to offer.
    save_to(&mut window, &desk.path().join("cat.underpaint"));
    drop(window);
    assert_eq!(n_sessions(), 0);
}

#[test]
fn a_new_project_sets_unsaved_work_aside() {
    let desk = tempfile::tempdir().expect("a temporary folder");
    let mut window = drawn(options(desk.path()));
    stroke(&mut window, 60.0);
    let sketch = state(&window).sketch.document().clone();
    press(&mut window, Modifiers::COMMAND, Key::N);
    wait_for_label(&mut window, "“Untitled” was set aside with its unsaved work");
    click(&mut window, "Show");
    wait_for_label(&mut window, "1 stroke, 1 picture");
    click(&mut window, "Open Untitled");
    wait_until(&mut window, "the work", |window| *state(window).sketch.document() == sketch);
    // Deleting asks once more.
    press(&mut window, Modifiers::COMMAND, Key::N);
    wait_for_label(&mut window, "was set aside");
    run(&mut window, ProjectCommand::ShowRecovery(true));
    wait_for_label(&mut window, "Delete Untitled");
    click(&mut window, "Delete Untitled");
    click(&mut window, "Keep");
    click(&mut window, "Delete Untitled");
    click(&mut window, "Delete Untitled for good");
    wait_until(&mut window, "deleted", |window| state(window).recovery.offers.is_empty());
}

/// The buttons of the toolbar with their places, from left to right.
fn toolbar(window: &Window) -> Vec<(String, egui::Rect)> {
    let panel = window.get_by_label("Prompt").rect();
    let buttons = window.query_all_by_role(Role::Button);
    let mut buttons: Vec<_> = buttons
        .map(|node| (node.accesskit_node().label().unwrap_or_default(), node.rect()))
        .filter(|(_, rect)| rect.bottom() < 52.0 && rect.left() < panel.left() - 8.0)
        .collect();
    buttons.sort_by(|(_, a), (_, b)| a.left().total_cmp(&b.left()));
    buttons
}

#[test]
fn no_two_buttons_of_the_toolbar_overlap() {
    let desk = tempfile::tempdir().expect("a temporary folder");
    let mut window = drawn(options(desk.path()));
    // As wide as so few letters can be.
    let name = "WWWWWWWWWWWWWWWWWWWWWWWW";
    run(&mut window, ProjectCommand::SaveTo(desk.path().join(format!("{name}.underpaint"))));
    wait_for_label(&mut window, "Saved");
    stroke(&mut window, 60.0);
    // Below 640, the toolbar is as narrow as beside a side panel that was drawn wide.
    for width in (480..=1600).step_by(16).chain([1024]) {
        window.set_size(egui::vec2(width as f32, 820.0));
        window.run_steps(2);
        let buttons = toolbar(&window);
        let has = |start: &str| buttons.iter().any(|(label, _)| label.starts_with(start));
        let unfailing = [format!("Project {name}, unsaved"), "Import".into(), "Colours".into()];
        for start in &unfailing {
            assert!(has(start), "{width}: {start} is missing");
        }
        let at_least = ["Save picture", "Export", "Undo", "Nothing to redo"];
        assert!(width < 640 || at_least.iter().all(|start| has(start)), "{width}: {buttons:?}");
        let later = ["Copy", "Gallery", "Keyboard", "Variants"];
        assert!(width < 880 || later.iter().all(|start| has(start)), "{width}: {buttons:?}");
        for ((left, a), (right, b)) in buttons.iter().zip(&buttons[1..]) {
            assert!(a.right() <= b.left(), "{width}: {left} {a} lies under {right} {b}");
        }
        if env::var_os(SHOTS).is_some() && [640, 800, 1024, 1280, 1440].contains(&width) {
            shoot(&mut window, &format!("toolbar-{width}"));
        }
    }
}

#[test]
fn the_menu_and_the_list_are_there_to_be_seen() {
    let desk = tempfile::tempdir().expect("a temporary folder");
    for (idx, n_strokes) in [3_u16, 1, 7].into_iter().enumerate() {
        let mut window = drawn(options(desk.path()));
        for stroke_idx in 0..n_strokes {
            stroke(&mut window, 40.0 + 22.0 * f32::from(stroke_idx));
        }
        if idx == 1 {
            save_to(&mut window, &desk.path().join("cat.underpaint"));
            stroke(&mut window, 200.0);
        }
    }
    let damaged = desk.path().join("data/unsaved/1-1-1");
    fs::create_dir(&damaged).expect("a folder");
    fs::write(damaged.join("0001.journal"), "not a journal").expect("written");
    let mut window = drawn(options(desk.path()));
    wait_for_label(&mut window, "Left by windows that closed without saving");
    window.get_by_label_contains("nothing of it can be read");
    window.get_by_label("Open cat");
    shoot(&mut window, "recovery-list-dark");
    click(&mut window, "Later");
    let recent = ["sticker sheet", "a lighthouse on a very long cliff by the sea"];
    for name in recent {
        let path = desk.path().join(format!("{name}.underpaint"));
        run(&mut window, ProjectCommand::SaveTo(path));
        wait_for_label(&mut window, &format!("Saved {name}"));
    }
    stroke(&mut window, 120.0);
    window.get_by_label_contains("Project a lighthouse").click();
    window.run_steps(3);
    window.get_by_label_contains("Save as…");
    window.get_by_label("sticker sheet");
    window.get_by_label_contains("Unsaved work… (4)");
    shoot(&mut window, "project-menu-dark");
}
