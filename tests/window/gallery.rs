//! The gallery in the window: driven by keys and clicks, found by accessible names.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::common::fake_model::{FakeModel, TIME_LIMIT};
use eframe::App as _;
use egui::{Event, Key, Modifiers, OutputCommand};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use image::{Rgba, RgbaImage};
use tempfile::TempDir;
use underpaint::app::desktop::Desktop;
use underpaint::app::{App, AppOptions};
use underpaint::imaging::io::{self, Export, FileFormat};
use underpaint::imaging::metadata::PictureRecord;
use underpaint::library::{FILE_NAME, IndexedFile, Library};
use underpaint::protocol::{KnownPicture, PictureQuery};
use underpaint::state::{Gallery, Node, NodeId};
use underpaint::ui::{Action, UiCommand};
use underpaint::worker::WorkerHandle;

use crate::help::*;

type Revealed = Arc<Mutex<Vec<PathBuf>>>;

/// Pictures, a database and a trash of our own.
struct Shelf {
    folder: TempDir,
    revealed: Revealed,
}

impl Shelf {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("pictures")).expect("a folder");
        fs::create_dir(folder.path().join("trash")).expect("a folder");
        Self { folder, revealed: Revealed::default() }
    }

    /// Three pictures, the last of them the newest.
    fn filled() -> Self {
        let shelf = Self::new();
        for (name, prompt) in [
            ("1.png", "golden teapot, glossy style"),
            ("2.png", "green boat"),
            ("3.png", "red apple, 3d style"),
        ] {
            shelf.add(name, prompt);
        }
        shelf
    }

    fn add(&self, name: &str, prompt: &str) -> PathBuf {
        let path = self.pictures().join(name);
        let shade = prompt.len() as u8 * 5;
        let picture = RgbaImage::from_pixel(64, 64, Rgba([shade, 255 - shade, 90, 255]));
        let record = PictureRecord {
            prompt: prompt.to_owned(),
            seeds: vec![4242],
            ..PictureRecord::default()
        };
        let export = Export { format: FileFormat::Png, record: Some(&record) };
        io::save_picture(&path, &picture, &export).expect("saved");
        path
    }

    fn pictures(&self) -> PathBuf {
        self.folder.path().join("pictures")
    }

    fn trash(&self) -> PathBuf {
        self.folder.path().join("trash")
    }

    fn options(&self) -> AppOptions {
        AppOptions {
            save_dir: Some(self.pictures()),
            data_dir: Some(self.folder.path().join("data")),
            desktop: self.desktop(true),
            ..AppOptions::default()
        }
    }

    /// A trash that is a folder.
    fn desktop(&self, can_restore: bool) -> Desktop {
        let trash = self.trash();
        let in_trash = move |path: &Path| trash.join(path.file_name().expect("a file"));
        let place = in_trash.clone();
        let take = move |path: &Path| fs::rename(path, in_trash(path)).map_err(|e| e.to_string());
        let give = move |path: &Path| fs::rename(place(path), path).map_err(|e| e.to_string());
        let revealed = Arc::clone(&self.revealed);
        let reveal = move |path: &Path| {
            revealed.lock().expect("not poisoned").push(path.to_owned());
            if path.ends_with("1.png") { Err("no file manager".to_owned()) } else { Ok(()) }
        };
        Desktop::new(take, can_restore.then_some(give), reveal)
    }
}

fn window_with(options: AppOptions) -> Window {
    opened(FakeModel::new(), [1280.0, 820.0], Live::Off, options)
}

/// A window that shows the gallery, with everything read.
fn of_shelf(shelf: &Shelf) -> Window {
    opened_with(shelf.options())
}

fn opened_with(options: AppOptions) -> Window {
    let mut window = window_with(options);
    // The picture that the window begins with would stand before the files.
    without_unsaved(&mut window);
    press(&mut window, Modifiers::NONE, Key::G);
    wait_until(&mut window, "the gallery is read", |window| {
        gallery(window).scanned.is_some() && gallery(window).listing.is_some()
    });
    window.run_steps(2);
    window
}

/// Waits for a picture and takes all that are there off the tree.
fn without_unsaved(window: &mut Window) {
    wait_until(window, "a picture", |window| state(window).branches.n_listed() > 0);
    let nodes: Vec<_> = state(window).branches.listed().map(|node| node.id).collect();
    for node in nodes {
        tell(window, UiCommand::DeleteNode(node));
    }
}

/// Draws a prompt to the end.
fn draw(window: &mut Window, prompt: &str) -> NodeId {
    tell(window, UiCommand::SetPrompt(prompt.to_owned()));
    tell(window, Action::Generate);
    wait_until(window, prompt, |window| node_of(window, prompt).is_some());
    node_of(window, prompt).expect("it is there").id
}

fn node_of<'a>(window: &'a Window, prompt: &str) -> Option<&'a Node> {
    state(window).branches.listed().find(|node| node.about.recipe.prompt == prompt)
}

fn gallery(window: &Window) -> &Gallery {
    &state(window).gallery
}

fn names(window: &Window) -> Vec<String> {
    gallery(window).pictures().iter().map(KnownPicture::file_name).collect()
}

fn selected(window: &Window) -> Option<String> {
    gallery(window).selected_picture().map(KnownPicture::file_name)
}

fn type_text(window: &mut Window, text: &str) {
    window.event(Event::Text(text.to_owned()));
    window.step();
    window.step();
}

#[test]
fn the_gallery_shows_saved_pictures_newest_first_and_closes_again() {
    let shelf = Shelf::filled();
    let mut window = window_with(shelf.options());
    let database = shelf.folder.path().join("data/library.sqlite");
    assert!(!database.exists(), "nothing is opened before it is needed");
    click(&mut window, "Gallery");
    wait_for_label(&mut window, "3 pictures");
    assert!(database.exists());
    for label in ["red apple, 3d style", "green boat", "golden teapot, glossy style", "Today"] {
        window.get_by_label(label);
    }
    assert_eq!(names(&window), ["3.png", "2.png", "1.png"]);
    window.get_by_label("Select a picture to see how it was made");
    wait_until(&mut window, "small pictures", |window| gallery(window).thumbnails.len() == 3);
    assert!(window.query_by_label("Prompt").is_none(), "the canvas is out of the way");
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(!gallery(&window).is_open);
    window.get_by_label("Generate");
    press(&mut window, Modifiers::NONE, Key::G);
    window.get_by_label("green boat");
    click(&mut window, "Back to the canvas");
    assert!(!gallery(&window).is_open);
}

#[test]
fn details_tell_how_a_picture_was_made() {
    let shelf = Shelf::filled();
    let mut window = of_shelf(&shelf);
    click(&mut window, "red apple, 3d style");
    window.get_by_label("Selected: red apple, 3d style");
    window.get_by_label("64 × 64 pixels");
    window.get_by_label("4242");
    window.get_by_label_contains("3.png, ");
    wait_until(&mut window, "the larger picture", |window| gallery(window).preview.is_some());

    click(&mut window, "Copy prompt");
    let copied = |command: &OutputCommand| matches!(command, OutputCommand::CopyText(text) if text == "red apple, 3d style");
    wait_until(&mut window, "the prompt is copied", |window| {
        window.output().platform_output.commands.iter().any(copied)
            || window.query_by_label("Copied").is_some()
    });
    click(&mut window, "Use prompt");
    assert!(!gallery(&window).is_open);
    assert_eq!(state(&window).settings.recipe.prompt, "red apple, 3d style");
}

#[test]
fn keys_go_from_picture_to_picture_and_open_one() {
    let shelf = Shelf::filled();
    let mut window = of_shelf(&shelf);
    for (key, name) in [
        (Key::ArrowRight, "3.png"),
        (Key::ArrowRight, "2.png"),
        (Key::End, "1.png"),
        (Key::ArrowRight, "1.png"),
        (Key::ArrowLeft, "2.png"),
        (Key::ArrowDown, "2.png"),
        (Key::Home, "3.png"),
    ] {
        press(&mut window, Modifiers::NONE, key);
        assert_eq!(selected(&window).as_deref(), Some(name), "{key:?}");
    }
    // Keys of the canvas rest.
    let tool = state(&window).settings.tools.tool;
    for key in [Key::B, Key::E, Key::F, Key::N] {
        press(&mut window, Modifiers::NONE, key);
    }
    assert_eq!(state(&window).settings.tools.tool, tool);
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert!(!gallery(&window).is_open);
}

#[test]
fn search_finds_words_as_they_are_typed() {
    let shelf = Shelf::filled();
    let mut window = of_shelf(&shelf);
    press(&mut window, Modifiers::COMMAND, Key::F);
    type_text(&mut window, "gre");
    wait_for_label(&mut window, "1 of 3 pictures");
    assert_eq!(names(&window), ["2.png"]);
    assert_eq!(selected(&window), None);
    // Letters are text here.
    type_text(&mut window, "s");
    wait_for_label(&mut window, "No picture fits “gres”");
    assert!(gallery(&window).is_open);
    click(&mut window, "Show all pictures");
    wait_for_label(&mut window, "3 pictures");
    press(&mut window, Modifiers::COMMAND, Key::F);
    type_text(&mut window, "apple");
    wait_for_label(&mut window, "1 of 3 pictures");
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    assert_eq!(selected(&window).as_deref(), Some("3.png"));
    click(&mut window, "Clear search");
    wait_for_label(&mut window, "3 pictures");
    // Esc leaves the field and empties it before it closes the gallery.
    press(&mut window, Modifiers::COMMAND, Key::F);
    type_text(&mut window, "boat");
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(gallery(&window).is_open);
    assert_eq!(gallery(&window).query.text, "");
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(!gallery(&window).is_open);
}

#[test]
fn stars_are_kept_and_filtered() {
    let shelf = Shelf::filled();
    let mut window = of_shelf(&shelf);
    click(&mut window, "Starred only");
    wait_for_label(&mut window, "No picture has a star");
    click(&mut window, "Starred only");
    let is_listed = |window: &Window| window.query_by_label("green boat").is_some();
    wait_until(&mut window, "all pictures again", is_listed);
    click(&mut window, "green boat");
    press(&mut window, Modifiers::NONE, Key::S);
    window.get_by_label("Take the star from “green boat”");
    click(&mut window, "Star “red apple, 3d style”");
    click(&mut window, "Starred only");
    wait_for_label(&mut window, "2 of 3 pictures");
    assert_eq!(names(&window), ["3.png", "2.png"]);
    click(&mut window, "Take the star away");
    drop(window);

    let window = of_shelf(&shelf);
    let stars: Vec<_> =
        gallery(&window).pictures().iter().map(|picture| picture.is_starred).collect();
    assert_eq!(stars, [true, false, false], "3.png still has its star");
}

#[test]
fn the_trash_gives_back_what_was_moved_there() {
    let shelf = Shelf::filled();
    let mut window = of_shelf(&shelf);
    click(&mut window, "green boat");
    press(&mut window, Modifiers::NONE, Key::S);
    press(&mut window, Modifiers::NONE, Key::Delete);
    wait_for_label(&mut window, "Moved 2.png to the trash");
    assert!(shelf.trash().join("2.png").exists() && !shelf.pictures().join("2.png").exists());
    assert_eq!(names(&window), ["3.png", "1.png"]);
    assert_eq!(selected(&window).as_deref(), Some("1.png"), "what took its place");
    window.get_by_label_contains("2 pictures");
    click(&mut window, "Undo");
    wait_for_label(&mut window, "3 pictures");
    assert!(shelf.pictures().join("2.png").exists());
    window.get_by_label("Take the star from “green boat”");

    // A file that came in between is not replaced.
    click(&mut window, "red apple, 3d style");
    click(&mut window, "Move to trash");
    wait_for_label(&mut window, "Moved 3.png to the trash");
    shelf.add("3.png", "another one");
    press(&mut window, Modifiers::COMMAND, Key::Z);
    wait_for_label(&mut window, "could not be brought back");
    assert!(shelf.trash().join("3.png").exists());
}

/// The system's own trash, in a process with a home of its own.
#[cfg(target_os = "linux")]
#[test]
fn the_trash_of_the_system_gives_back_as_well() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let data = home.path().join("data home");
    let program = std::env::current_exe().expect("this program");
    let output = std::process::Command::new(program)
        .args(["--ignored", "--exact", "gallery::in_a_home_of_its_own"])
        .env("HOME", home.path())
        .env("XDG_DATA_HOME", &data)
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(data.join("Trash/info").is_dir(), "it went through the trash");
}

#[test]
#[ignore = "uses the trash of whoever runs it; another test runs it in a home of its own"]
fn in_a_home_of_its_own() {
    let shelf = Shelf::filled();
    let options = AppOptions { desktop: Desktop::default(), ..shelf.options() };
    let mut window = opened_with(options);
    click(&mut window, "green boat");
    press(&mut window, Modifiers::NONE, Key::Delete);
    wait_for_label(&mut window, "Moved 2.png to the trash");
    assert!(!shelf.pictures().join("2.png").exists());
    click(&mut window, "Undo");
    wait_for_label(&mut window, "3 pictures");
    assert!(shelf.pictures().join("2.png").exists());
}

#[test]
fn a_trash_that_gives_nothing_back_asks_once() {
    let shelf = Shelf::filled();
    let options = AppOptions { desktop: shelf.desktop(false), ..shelf.options() };
    let mut window = opened_with(options);
    click(&mut window, "green boat");
    press(&mut window, Modifiers::NONE, Key::Delete);
    wait_for_label(&mut window, "Move the picture to the trash?");
    click(&mut window, "Keep it");
    assert!(shelf.pictures().join("2.png").exists());
    press(&mut window, Modifiers::NONE, Key::Delete);
    window.get_all_by_label("Move to trash").last().expect("the answer").click();
    window.step();
    wait_for_label(&mut window, "2 pictures");
    press(&mut window, Modifiers::NONE, Key::Delete);
    wait_for_label(&mut window, "1 picture");
    assert_eq!(names(&window), ["3.png"]);
}

#[test]
fn a_file_is_shown_in_its_folder_or_the_reason_told() {
    let shelf = Shelf::filled();
    let mut window = of_shelf(&shelf);
    click(&mut window, "green boat");
    click(&mut window, "Show in folder");
    let revealed = Arc::clone(&shelf.revealed);
    wait_until(&mut window, "it is shown", |_| revealed.lock().expect("sound").len() == 1);
    assert_eq!(*shelf.revealed.lock().expect("sound"), [shelf.pictures().join("2.png")]);
    click(&mut window, "golden teapot, glossy style");
    click(&mut window, "Show in folder");
    wait_for_label(&mut window, "The folder cannot be shown");
}

#[test]
fn what_is_saved_appears_at_once() {
    let shelf = Shelf::new();
    let mut window = of_shelf(&shelf);
    wait_for_label(&mut window, "No pictures yet");
    press(&mut window, Modifiers::NONE, Key::Escape);
    wait_until(&mut window, "a picture", |window| state(window).shown().is_some());
    press(&mut window, Modifiers::COMMAND, Key::E);
    wait_for_label(&mut window, "Saved ");
    press(&mut window, Modifiers::NONE, Key::G);
    wait_for_label(&mut window, "1 picture");
    assert_eq!(names(&window).len(), 1);
}

#[test]
fn pictures_of_this_session_stand_before_the_files_until_they_are_saved() {
    let shelf = Shelf::filled();
    let mut window = window_with(shelf.options());
    without_unsaved(&mut window);
    let house = draw(&mut window, "blue house");
    let moon = draw(&mut window, "yellow moon");
    press(&mut window, Modifiers::NONE, Key::G);
    wait_for_label(&mut window, "3 pictures · 2 not saved");
    window.get_by_label("This session · not saved");
    for (key, node, file) in [
        (Key::ArrowRight, Some(moon), None),
        (Key::ArrowRight, Some(house), None),
        (Key::ArrowRight, None, Some("3.png")),
        (Key::Home, Some(moon), None),
        (Key::ArrowDown, None, Some("3.png")),
        (Key::ArrowLeft, Some(house), None),
    ] {
        press(&mut window, Modifiers::NONE, key);
        assert_eq!(gallery(&window).selected_node, node, "{key:?}");
        assert_eq!(selected(&window).as_deref(), file, "{key:?}");
    }
    window.get_by_label("Selected: blue house");
    window.get_by_label_contains("All ");
    window.get_by_label("Generated");
    window.get_by_label("Not saved yet");

    // The search and the stars are for all.
    press(&mut window, Modifiers::COMMAND, Key::F);
    type_text(&mut window, "YELL");
    wait_for_label(&mut window, "0 of 3 pictures · 1 not saved");
    window.get_by_label("yellow moon, not saved");
    assert!(window.query_by_label("blue house, not saved").is_none());
    type_text(&mut window, "x");
    wait_for_label(&mut window, "No picture fits “YELLx”");
    click(&mut window, "Show all pictures");
    wait_for_label(&mut window, "3 pictures · 2 not saved");
    click(&mut window, "Star “blue house”");
    click(&mut window, "Starred only");
    wait_for_label(&mut window, "0 of 3 pictures · 1 not saved");
    assert!(window.query_by_label("yellow moon, not saved").is_none());
    click(&mut window, "blue house, not saved");
    press(&mut window, Modifiers::NONE, Key::S);
    wait_for_label(&mut window, "No picture has a star");
    assert_eq!(gallery(&window).selected_node, None);
    click(&mut window, "Show all pictures");

    wait_for_label(&mut window, "3 pictures · 2 not saved");
    click(&mut window, "blue house, not saved");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert!(!gallery(&window).is_open);
    assert_eq!(state(&window).branches.current, Some(house));
    assert_eq!(state(&window).settings.recipe.prompt, "blue house");
}

#[test]
fn pictures_of_this_session_are_saved_or_taken_off_the_list() {
    let shelf = Shelf::filled();
    let mut window = window_with(shelf.options());
    without_unsaved(&mut window);
    let moon = draw(&mut window, "yellow moon");
    let house = draw(&mut window, "blue house");
    press(&mut window, Modifiers::NONE, Key::G);
    wait_for_label(&mut window, "3 pictures · 2 not saved");
    click(&mut window, "blue house, not saved");
    press(&mut window, Modifiers::NONE, Key::Delete);
    wait_for_label(&mut window, "3 pictures · 1 not saved");
    assert!(node_of(&window, "blue house").is_none());
    assert_eq!(gallery(&window).selected_node, Some(moon), "what took its place");
    press(&mut window, Modifiers::COMMAND, Key::Z);
    wait_for_label(&mut window, "3 pictures · 2 not saved");
    assert_eq!(gallery(&window).selected_node, Some(house));
    assert_eq!(state(&window).branches.current, Some(house));
    click(&mut window, "Take off the list");
    press(&mut window, Modifiers::COMMAND, Key::Z);

    // Another one than the one on the canvas.
    click(&mut window, "Star “yellow moon”");
    click(&mut window, "yellow moon, not saved");
    click(&mut window, "Save picture");
    wait_for_label(&mut window, "4 pictures · 1 not saved");
    assert_eq!(state(&window).branches.current, Some(house));
    assert!(window.query_by_label("yellow moon, not saved").is_none());
    window.get_by_label("Take the star from “yellow moon”");
    let seed = node_of(&window, "yellow moon").expect("it is there").about.recipe.seed;
    let saved = gallery(&window).pictures().first().expect("four").clone();
    assert_eq!((saved.prompt.as_str(), saved.seed), ("yellow moon", Some(seed)));
    let picture = image::open(&saved.path).expect("a picture").to_rgba8();
    assert_eq!(picture, *node_of(&window, "yellow moon").expect("it is there").picture);
    assert_eq!(gallery(&window).selected_node, Some(house), "what took its place");
    press(&mut window, Modifiers::COMMAND, Key::E);
    wait_for_label(&mut window, "5 pictures");
    assert!(window.query_by_label("This session · not saved").is_none());
}

#[test]
fn broken_files_are_shown_as_such_and_can_be_thrown_away() {
    let shelf = Shelf::filled();
    fs::write(shelf.pictures().join("broken.png"), "no picture").expect("written");
    let mut window = of_shelf(&shelf);
    window.get_by_label_contains("4 pictures · some cannot be shown");
    click(&mut window, "broken.png cannot be shown");
    window.get_by_label("Selected: broken.png");
    assert!(window.get_by_label("Open the picture").accesskit_node().is_disabled());
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert!(gallery(&window).is_open);
    press(&mut window, Modifiers::NONE, Key::Delete);
    wait_for_label(&mut window, "Moved broken.png to the trash");
}

#[test]
fn a_damaged_index_is_told_and_made_anew() {
    let shelf = Shelf::filled();
    let data = shelf.folder.path().join("data");
    fs::create_dir(&data).expect("a folder");
    fs::write(data.join(FILE_NAME), "not a database at all, just some text").expect("written");
    let mut window = of_shelf(&shelf);
    wait_for_label(&mut window, "The index of your pictures was damaged");
    wait_for_label(&mut window, "3 pictures");
}

/// An index of ten thousand pictures in a folder that cannot be looked into, with a small picture
/// of each.
fn many(n_pictures: usize) -> Shelf {
    let shelf = Shelf::new();
    fs::remove_dir(shelf.pictures()).expect("it was empty");
    let database = shelf.folder.path().join("data").join(FILE_NAME);
    let mut library = Library::open(Some(&database)).expect("a database").library;
    let folder = library.folder(&shelf.pictures()).expect("a number");
    let file = |n: usize| IndexedFile {
        path: format!("{n:05}.png").into(),
        n_bytes: 1000,
        modified_ns: (1_700_000_000 + n as i64 * 600) * 1_000_000_000,
        size_px: Some((256, 256)),
        prompt: format!("picture number {n}, flat style"),
        ..IndexedFile::default()
    };
    let files: Vec<_> = (0..n_pictures).map(file).collect();
    library.put(folder, &files).expect("written");
    let picture = RgbaImage::from_fn(128, 128, |x, y| {
        Rgba([2 * x as u8, 2 * y as u8, 90, if x > 20 { 255 } else { 0 }])
    });
    let mut encoded = Cursor::new(Vec::new());
    picture.write_to(&mut encoded, image::ImageFormat::WebP).expect("encoded");
    let listing = library.list(&shelf.pictures(), &PictureQuery::default()).expect("a list");
    for picture in &listing.pictures {
        library.put_thumbnail(picture.id, encoded.get_ref()).expect("written");
    }
    shelf
}

#[test]
fn keys_bring_what_they_lead_to_into_sight() {
    let shelf = many(400);
    let mut window = of_shelf(&shelf);
    let is_seen = |window: &Window, label: &str| window.query_by_label(label).is_some();
    let (newest, oldest) =
        ("Star “picture number 399, flat style”", "Star “picture number 0, flat style”");
    assert!(is_seen(&window, newest) && !is_seen(&window, oldest));
    press(&mut window, Modifiers::NONE, Key::End);
    wait_until(&mut window, "the end", |window| is_seen(window, oldest));
    window.get_by_label("Selected: picture number 0, flat style");
    press(&mut window, Modifiers::NONE, Key::PageUp);
    press(&mut window, Modifiers::NONE, Key::Home);
    wait_until(&mut window, "the start", |window| is_seen(window, newest));
}

/// What this thread has worked, without the time in which others had the processor; where the system
/// does not tell, the time that has gone by.
pub(crate) fn work_done() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanos.map_or_else(|| START.get_or_init(Instant::now).elapsed(), Duration::from_nanos)
}

#[test]
fn ten_thousand_pictures_scroll_smoothly() {
    const N_FRAMES: usize = 400;
    let shelf = many(10_000);
    let ctx = egui::Context::default();
    let cc = eframe::CreationContext::_new_kittest(ctx.clone());
    let wake = || {};
    let worker = WorkerHandle::spawn(FakeModel::new().into_loader(), wake).expect("a thread");
    let mut app = App::new(&cc, worker, shelf.options()).expect("threads");
    let mut frame = eframe::Frame::_new_kittest();
    app.run(&ctx, &frame, Action::ToggleLive.into());
    app.run(&ctx, &frame, Action::ToggleGallery.into());
    let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1920.0, 1080.0));
    let mut paint = |app: &mut App, events: Vec<Event>, n: usize| {
        let input = egui::RawInput {
            screen_rect: Some(screen),
            time: Some(n as f64 / 60.0),
            events,
            ..egui::RawInput::default()
        };
        let started_at = work_done();
        let mut output = ctx.run_ui(input, |ui| {
            app.logic(&ui.ctx().clone(), &mut frame);
            app.ui(ui, &mut frame);
        });
        output.textures_delta.clear();
        let n_shapes = output.shapes.len();
        let _meshes = ctx.tessellate(output.shapes, output.pixels_per_point);
        (work_done().saturating_sub(started_at), n_shapes)
    };
    let started_at = Instant::now();
    let mut n = 0;
    while app.state().gallery.pictures().len() < 10_000 {
        assert!(started_at.elapsed() < TIME_LIMIT, "{:?}", app.state().notices);
        paint(&mut app, vec![], n);
        n += 1;
        std::thread::yield_now();
    }
    let mut times = Vec::new();
    let mut most_shapes = 0;
    for step in 0..N_FRAMES {
        // Slow, fast, and by leaps.
        let delta = match step % 100 {
            0..50 => -40.0,
            50..90 => -400.0,
            _ => 20_000.0,
        };
        let events = vec![
            Event::PointerMoved(egui::pos2(600.0, 500.0)),
            Event::MouseWheel {
                unit: egui::MouseWheelUnit::Point,
                delta: egui::vec2(0.0, delta),
                modifiers: Modifiers::NONE,
                phase: egui::TouchPhase::Move,
                source: egui::MouseWheelSource::Unknown,
            },
        ];
        let (elapsed, n_shapes) = paint(&mut app, events, n);
        times.push(elapsed);
        most_shapes = most_shapes.max(n_shapes);
        n += 1;
    }
    times.sort();
    let quantile = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let (median, p99) = (quantile(0.5), quantile(0.99));
    eprintln!("UI work per frame: median {median:?}, p99 {p99:?}, most shapes {most_shapes}");
    assert!(app.state().gallery.thumbnails.len() > 50, "small pictures came on the way");
    assert!(p99 < Duration::from_millis(16), "{p99:?}");
    assert!(most_shapes < 4000, "only what is seen is laid out: {most_shapes}");
}

/// Pictures of the window, to be looked at: `UNDERPAINT_SHOTS` names where, and
/// `UNDERPAINT_SHOT_PICTURES` a folder of pictures to show.
#[test]
#[ignore = "for people who want to look at the gallery"]
fn shots() {
    let place = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let (Some(shots), Some(pictures)) =
        (place("UNDERPAINT_SHOTS"), place("UNDERPAINT_SHOT_PICTURES"))
    else {
        return;
    };
    let shelf = Shelf::filled();
    let options = AppOptions { save_dir: Some(pictures), ..shelf.options() };
    let mut window = opened_with(options);
    let shot = |window: &mut Window, name: &str| {
        window.run_steps(8);
        let picture = window.render().expect("a frame that wgpu can draw");
        picture.save(shots.join(format!("gallery-{name}.png"))).expect("saved");
    };
    let loaded = |window: &mut Window, n: usize| {
        wait_until(window, "small pictures", |window| gallery(window).thumbnails.len() >= n);
    };
    let n_pictures = gallery(&window).pictures().len();
    loaded(&mut window, n_pictures.min(30));
    shot(&mut window, "grid-dark");
    for _ in 0..8 {
        press(&mut window, Modifiers::NONE, Key::ArrowRight);
    }
    press(&mut window, Modifiers::NONE, Key::S);
    press(&mut window, Modifiers::NONE, Key::ArrowRight);
    wait_until(&mut window, "the larger picture", |window| gallery(window).preview.is_some());
    shot(&mut window, "details-dark");
    press(&mut window, Modifiers::COMMAND, Key::F);
    type_text(&mut window, "zebra");
    wait_for_label(&mut window, "No picture fits");
    shot(&mut window, "no-result-dark");
    click(&mut window, "Show all pictures");
    loaded(&mut window, 1);
    let ctx = window.ctx.clone();
    let frame = eframe::Frame::_new_kittest();
    let light = underpaint::ui::UiCommand::SetTheme(underpaint::state::ThemeChoice::Light);
    window.state_mut().run(&ctx, &frame, light);
    window.run_steps(4);
    loaded(&mut window, n_pictures.min(30));
    shot(&mut window, "details-light");
    for _ in 0..3 {
        press(&mut window, Modifiers::NONE, Key::PageDown);
    }
    window.run_steps(60);
    shot(&mut window, "scrolled-light");
    drop(window);
    let options = AppOptions { save_dir: place("UNDERPAINT_SHOT_PICTURES"), ..shelf.options() };
    let mut window = window_with(options);
    for (prompt, seed) in [("blue house, flat style", 7), ("a lamp", 21), ("a lamp", 22)] {
        tell(&mut window, UiCommand::SetSeed(seed));
        draw(&mut window, prompt);
    }
    press(&mut window, Modifiers::NONE, Key::G);
    loaded(&mut window, n_pictures.min(30));
    for _ in 0..2 {
        press(&mut window, Modifiers::NONE, Key::ArrowRight);
    }
    press(&mut window, Modifiers::NONE, Key::S);
    shot(&mut window, "session");
    drop(window);
    let mut window = of_shelf(&Shelf::new());
    shot(&mut window, "empty-dark");
}
