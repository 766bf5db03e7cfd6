//! Any picture as inspiration: dropped, pasted, of the gallery, of the tree, of the canvas; its
//! background taken away or left; taken back.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::common::fake_model::{FakeModel, Point as At};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, PointerButton, Pos2, Rect};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use image::{Rgba, RgbaImage};
use tempfile::TempDir;
use underpaint::app::AppOptions;
use underpaint::app::clipboard::{Clipboard, PasteError, Pasted};
use underpaint::imaging::{cutout, fit};
use underpaint::protocol::{EntryId, Inspiration};
use underpaint::state::Adding;
use underpaint::ui::canvas_view::Pane;
use underpaint::ui::{Action, AddInspirationCommand, InspiredCommand, UiCommand};

use crate::help::*;

const SIZE_PX: usize = 64;

/// Pictures of people, in a folder of their own.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn picture(&self, name: &str, picture: &RgbaImage) -> PathBuf {
        let path = self.0.path().join(name);
        picture.save(&path).expect("saved");
        path
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).expect("written");
        path
    }
}

/// A red disc on white paper.
fn photo() -> RgbaImage {
    RgbaImage::from_fn(120, 90, |x, y| {
        let from_middle = (x as f32 - 60.0).hypot(y as f32 - 45.0);
        if from_middle < 30.0 { Rgba([200, 30, 40, 255]) } else { Rgba([255; 4]) }
    })
}

/// A green square on nothing.
fn sticker() -> RgbaImage {
    RgbaImage::from_fn(80, 80, |x, y| {
        let is_inside = (20..60).contains(&x) && (30..50).contains(&y);
        Rgba(if is_inside { [20, 160, 40, 255] } else { [0; 4] })
    })
}

fn window_with(options: AppOptions) -> Window {
    let model = FakeModel::new().with_image_size(SIZE_PX);
    let mut window = opened(model, [1280.0, 900.0], Live::Off, options);
    wait_until_finished(&mut window);
    window
}

fn window() -> Window {
    window_with(AppOptions::default())
}

fn adding(window: &Window) -> &Adding {
    state(window).adding.open.as_ref().expect("the panel is open")
}

fn chosen(window: &Window, slot_idx: usize) -> Option<&Inspiration> {
    state(window).slots[slot_idx].chosen.as_ref()
}

/// Name and pixels of a picture in a place.
fn picture_in(window: &Window, slot_idx: usize) -> (&str, &RgbaImage) {
    match chosen(window, slot_idx) {
        Some(Inspiration::Picture { name, pixels }) => (name, pixels),
        other => panic!("{other:?}"),
    }
}

fn wait_for_place(window: &mut Window, slot_idx: usize) {
    wait_until(window, "a picture in its place", |window| chosen(window, slot_idx).is_some());
    wait_until_finished(window);
    window.run_steps(2);
}

/// Until the panel shows what its settings give.
fn wait_for_preview(window: &mut Window) {
    wait_until(window, "a preview", |window| {
        state(window).adding.open.as_ref().is_some_and(|adding| !adding.is_working())
    });
    window.run_steps(2);
}

fn wait_for_panel(window: &mut Window) {
    wait_until(window, "the panel", |window| state(window).adding.open.is_some());
    window.run_steps(2);
}

fn place_rect(window: &Window, place: usize) -> Rect {
    let words = format!("in place {place}");
    let buttons = window.get_all_by_role(Role::Button);
    let mut places = buttons
        .filter(|node| node.accesskit_node().label().is_some_and(|label| label.contains(&words)));
    places.next().expect("the place").rect()
}

/// Drops files on a place, as it is called in the window.
fn drop_on(window: &mut Window, place: usize, paths: &[&Path]) {
    let rect = place_rect(window, place);
    window.hover_at(rect.center());
    window.step();
    drop_files(window, paths);
}

#[test]
fn a_transparent_picture_goes_straight_in_and_can_be_taken_back() {
    let folder = Folder::new();
    let path = folder.picture("my sticker.png", &sticker());
    let mut window = window();
    drop_on(&mut window, 2, &[&path]);
    wait_for_place(&mut window, 1);
    assert!(state(&window).adding.open.is_none());
    assert_eq!(picture_in(&window, 1), ("my sticker", &fit::fit_square(&sticker(), SIZE_PX)));
    assert_eq!(request(&window).memory.chosen.len(), 1, "it is drawn with");
    wait_for_label(&mut window, "“my sticker” is in place 2 now");
    click(&mut window, "Undo");
    assert_eq!(chosen(&window, 1), None);
    assert!(request(&window).memory.chosen.is_empty(), "the picture before is back");
    assert!(window.query_by_label_contains("is in place 2 now").is_none());
}

#[test]
fn undo_and_redo_know_it_as_a_step() {
    let folder = Folder::new();
    let path = folder.picture("one.png", &sticker());
    let mut window = window();
    drop_on(&mut window, 1, &[&path]);
    wait_for_place(&mut window, 0);
    let with = chosen(&window, 0).cloned();
    press(&mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!(chosen(&window, 0), None);
    press(&mut window, Modifiers::COMMAND, Key::Y);
    assert_eq!(chosen(&window, 0).cloned(), with);
    // Something else was done in between: the offer still means this one place.
    wait_until_finished(&mut window);
    run(&mut window, Action::AnotherSeed);
    wait_until_finished(&mut window);
    let seed = state(&window).settings.recipe.seed;
    click(&mut window, "Undo");
    assert_eq!(chosen(&window, 0), None);
    assert_eq!(state(&window).settings.recipe.seed, seed, "nothing else is taken back");
}

#[test]
fn an_opaque_picture_asks_about_its_background() {
    let folder = Folder::new();
    let path = folder.picture("apple.png", &photo());
    let mut window = window();
    drop_on(&mut window, 1, &[&path]);
    wait_for_panel(&mut window);
    assert!(chosen(&window, 0).is_none());
    assert!(adding(&window).settings.cut.removes_background, "white paper is no doubt");
    window.get_by_label("As it came");
    window.get_by_label("Without background");
    window.get_by_label_contains("of the picture is background");
    window.check_accessibility();
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait_for_place(&mut window, 0);
    let (name, pixels) = picture_in(&window, 0);
    assert_eq!((name, pixels), ("apple", &cutout::fitted(&photo(), SIZE_PX).0));
    assert_eq!(pixels.get_pixel(4, 4).0[3], 0, "the corner of the square is transparent");
    assert!(state(&window).adding.open.is_none());
}

#[test]
fn the_panel_is_worked_by_its_controls() {
    let folder = Folder::new();
    let path = folder.picture("apple.png", &photo());
    let mut window = window();
    drop_on(&mut window, 1, &[&path]);
    wait_for_panel(&mut window);
    window.get_by_role_and_label(Role::Slider, "Tolerance").focus();
    window.step();
    press(&mut window, Modifiers::NONE, Key::ArrowRight);
    assert_eq!(adding(&window).settings.cut.tolerance, 25);
    wait_for_preview(&mut window);
    window.get_by_role_and_label(Role::Switch, "Remove background").click();
    window.run_steps(2);
    wait_for_preview(&mut window);
    window.get_by_label("Nothing removed");
    assert!(window.query_by_label("Tolerance").is_none());
    click(&mut window, "Put it into place 3");
    window.get_by_role_and_label(Role::TextInput, "Name").focus();
    window.step();
    press(&mut window, Modifiers::COMMAND, Key::A);
    window.event(Event::Text("red fruit".to_owned()));
    window.run_steps(2);
    // Esc leaves the field, and nothing else.
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(adding(&window).settings.name, "red fruit");
    click(&mut window, "Add the inspiration");
    wait_for_place(&mut window, 2);
    assert_eq!(picture_in(&window, 2), ("red fruit", &fit::fit_square(&photo(), SIZE_PX)));

    // What is there already is named before it is replaced, and Esc replaces nothing.
    drop_on(&mut window, 3, &[&path]);
    wait_for_panel(&mut window);
    window.get_by_label("Replaces “red fruit”");
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(state(&window).adding.open.is_none());
    assert_eq!(picture_in(&window, 2).0, "red fruit");
    // Enter in the name accepts.
    drop_on(&mut window, 3, &[&path]);
    wait_for_panel(&mut window);
    window.get_by_role_and_label(Role::TextInput, "Name").focus();
    window.step();
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait_until(&mut window, "accepted", |window| state(window).adding.open.is_none());
    assert_eq!(picture_in(&window, 2).0, "apple");
}

#[test]
fn what_was_accepted_waits_for_its_newest_settings() {
    let folder = Folder::new();
    let path = folder.picture("apple.png", &photo());
    let mut window = window();
    drop_on(&mut window, 1, &[&path]);
    wait_for_panel(&mut window);
    let mut settings = adding(&window).settings.clone();
    settings.cut.removes_background = false;
    tell(&mut window, AddInspirationCommand::Set(Box::new(settings)));
    tell(&mut window, AddInspirationCommand::Accept);
    wait_for_place(&mut window, 0);
    assert_eq!(picture_in(&window, 0).1, &fit::fit_square(&photo(), SIZE_PX));
}

#[test]
fn a_picture_without_background_stays_whole() {
    let folder = Folder::new();
    let plain = RgbaImage::from_pixel(50, 40, Rgba([30, 90, 200, 255]));
    let busy = RgbaImage::from_fn(60, 60, |x, y| {
        let mixed = (x * 131 + y * 57).wrapping_mul(2_654_435_761);
        Rgba([(mixed >> 24) as u8, (mixed >> 16) as u8, (mixed >> 8) as u8, 255])
    });
    let mut window = window();
    for (name, picture, words) in
        [("plain.png", &plain, "Nothing would be left"), ("busy.png", &busy, "no common colour")]
    {
        let path = folder.picture(name, picture);
        drop_on(&mut window, 1, &[&path]);
        wait_for_panel(&mut window);
        let switch = window.get_by_role_and_label(Role::Switch, "Remove background");
        assert!(!adding(&window).settings.cut.removes_background, "{name}");
        switch.click();
        window.run_steps(2);
        wait_for_preview(&mut window);
        wait_for_label(&mut window, words);
        press(&mut window, Modifiers::NONE, Key::Enter);
        wait_until(&mut window, "accepted", |window| state(window).adding.open.is_none());
        assert_eq!(picture_in(&window, 0).1, &fit::fit_square(picture, SIZE_PX), "{name}");
    }
}

#[test]
fn files_that_come_together_go_into_places_side_by_side() {
    let folder = Folder::new();
    let first = folder.picture("first.png", &photo());
    let second = folder.picture("second.png", &photo());
    let third = folder.picture("third.png", &photo());
    let mut window = window();
    drop_on(&mut window, 2, &[&first, &second, &third]);
    wait_for_label(&mut window, "3 files came together; the first ones are used");
    wait_until(&mut window, "two pictures", |window| {
        state(window).adding.open.is_some() && state(window).adding.waiting.len() == 1
    });
    window.run_steps(2);
    window.get_by_label_contains("1 more picture waits");
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(adding(&window).settings.name, "second", "the other one is still there");
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait_for_place(&mut window, 2);
    assert_eq!(picture_in(&window, 2).0, "second");
    assert_eq!(chosen(&window, 1), None);
    assert!(state(&window).adding.open.is_none());
}

#[test]
fn a_pasted_picture_goes_where_the_pointer_is_or_asks() {
    let clipboard = Clipboard::new(|| Ok(Pasted::Picture(sticker())));
    let mut window = window_with(AppOptions { clipboard, ..AppOptions::default() });
    let place = place_rect(&window, 3);
    window.hover_at(place.center());
    window.step();
    window.event(Event::Paste(String::new()));
    wait_for_place(&mut window, 2);
    assert_eq!(picture_in(&window, 2).0, "Pasted picture");

    window.hover_at(Pos2::new(500.0, 400.0));
    window.step();
    window.event(Event::Paste(String::new()));
    wait_until(&mut window, "the panel", |window| state(window).imports.open.is_some());
    window.run_steps(2);
    click(&mut window, "Use as inspiration");
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait_for_place(&mut window, 0);
    assert_eq!(picture_in(&window, 0).1, &fit::fit_square(&sticker(), SIZE_PX));
}

#[test]
fn a_clipboard_without_a_picture_is_told() {
    let clipboard = Clipboard::new(|| Err(PasteError::NoPicture));
    let mut window = window_with(AppOptions { clipboard, ..AppOptions::default() });
    tell(&mut window, AddInspirationCommand::Paste { slot_idx: 0 });
    wait_for_label(&mut window, "There is no picture on the clipboard");
    wait_until(&mut window, "the end of pasting", |window| !state(window).imports.is_pasting);
}

#[test]
fn a_picture_dropped_on_the_canvas_may_become_an_inspiration() {
    let folder = Folder::new();
    let path = folder.picture("apple.png", &photo());
    let mut window = window();
    window.hover_at(Pos2::new(500.0, 400.0));
    window.step();
    drop_files(&mut window, &[&path]);
    wait_for_label(&mut window, "Use as inspiration");
    click(&mut window, "Use as inspiration");
    click(&mut window, "Accept the picture");
    wait_for_panel(&mut window);
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait_for_place(&mut window, 0);
    assert_eq!(picture_in(&window, 0).0, "apple");
}

/// A window whose pictures are saved in a folder, and the one that it has saved.
fn with_saved(folder: &Folder) -> (Window, PathBuf) {
    let save_dir = Some(folder.0.path().to_owned());
    let data_dir = Some(folder.0.path().join("data"));
    let options = AppOptions { save_dir, data_dir, ..AppOptions::default() };
    let mut window = window_with(options);
    run(&mut window, Action::SavePicture);
    wait_for_label(&mut window, "Saved ");
    let saved = fs::read_dir(folder.0.path()).expect("a folder").filter_map(|entry| {
        let path = entry.expect("readable").path();
        path.extension().is_some_and(|ending| ending == "png").then_some(path)
    });
    let path = saved.into_iter().next().expect("a picture");
    (window, path)
}

/// The ids of the picture on the canvas.
fn shown_ids(window: &Window) -> Vec<u16> {
    let job = state(window).job.as_ref().expect("a job");
    job.first_ids().expect("finished").iter().flatten().map(|id| *id as u16).collect()
}

fn remembered_ids(window: &Window, slot_idx: usize) -> Vec<u16> {
    match chosen(window, slot_idx) {
        Some(Inspiration::Remembered(picture)) => {
            assert_eq!(picture.entry, EntryId::of(picture.ids.iter().copied()));
            picture.ids.to_vec()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn more_like_a_picture_of_the_gallery_loses_nothing_of_it() {
    let folder = Folder::new();
    let (mut window, path) = with_saved(&folder);
    let ids = shown_ids(&window);
    press(&mut window, Modifiers::NONE, Key::G);
    wait_until(&mut window, "the file", |window| {
        state(window).gallery.pictures().iter().any(|picture| picture.path == path)
    });
    window.run_steps(2);
    press(&mut window, Modifiers::NONE, Key::ArrowRight);
    wait_until(&mut window, "a selection", |window| state(window).gallery.selected.is_some());
    window.run_steps(2);
    press(&mut window, Modifiers::NONE, Key::I);
    wait_for_place(&mut window, 0);
    assert!(!state(&window).gallery.is_open, "the canvas shows what comes of it");
    assert_eq!(remembered_ids(&window, 0), ids);

    // Once is enough.
    press(&mut window, Modifiers::NONE, Key::G);
    window.run_steps(2);
    press(&mut window, Modifiers::NONE, Key::I);
    wait_for_label(&mut window, "This picture is in place 1 already");
    assert_eq!(chosen(&window, 1), None);
    // The same by the button; and by the menu of the picture.
    run(&mut window, InspiredCommand::Release(0));
    press(&mut window, Modifiers::NONE, Key::G);
    window.run_steps(2);
    click(&mut window, "More like this");
    wait_for_place(&mut window, 0);
    run(&mut window, InspiredCommand::Release(0));
    press(&mut window, Modifiers::NONE, Key::G);
    window.run_steps(2);
    let selected = state(&window).gallery.selected_picture().expect("selected").title();
    window.get_by_role_and_label(Role::Button, &selected).click_secondary();
    window.run_steps(2);
    let menu = window.get_all_by_label("More like this").last().expect("in the menu");
    menu.click();
    wait_for_place(&mut window, 0);
    assert_eq!(remembered_ids(&window, 0), ids);
    // A file of ours that is dropped on a place is as good.
    run(&mut window, InspiredCommand::Release(0));
    drop_on(&mut window, 1, &[&path]);
    wait_for_place(&mut window, 0);
    assert_eq!(remembered_ids(&window, 0), ids);
}

#[test]
fn more_like_a_picture_of_the_tree_takes_its_ids() {
    let mut window = window();
    let ids = shown_ids(&window);
    window.get_by_label_contains("Variant 1:").click_secondary();
    window.run_steps(2);
    click(&mut window, "More like this");
    wait_for_place(&mut window, 0);
    assert_eq!(remembered_ids(&window, 0), ids);
    wait_for_label(&mut window, "is in place 1 now");
}

fn on_canvas(window: &Window, point: [f32; 2]) -> Pos2 {
    window.state().view().canvas.ui_point_in(Pane::First, point)
}

fn pointer(window: &mut Window, pos: Pos2, pressed: Option<bool>) {
    window.event(match pressed {
        None => Event::PointerMoved(pos),
        Some(pressed) => Event::PointerButton {
            pos,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        },
    });
    window.step();
}

fn drag(window: &mut Window, from: [f32; 2], to: [f32; 2]) {
    let (from, to) = (on_canvas(window, from), on_canvas(window, to));
    pointer(window, from, None);
    pointer(window, from, Some(true));
    pointer(window, from.lerp(to, 0.5), None);
    pointer(window, to, None);
    pointer(window, to, Some(false));
    window.run_steps(2);
}

/// Presses the button without a pointer, wherever it is scrolled to.
fn begin_part(window: &mut Window) {
    window.get_by_label(TAKE).click_accesskit();
    window.run_steps(2);
}

const TAKE: &str = "Take a part of the picture as inspiration";

#[test]
fn a_part_of_the_canvas_becomes_an_inspiration() {
    let mut window = window();
    let whole = Arc::clone(&state(&window).shown().expect("a picture").still.image);
    let n_steps = state(&window).sketch.history().n_steps();
    begin_part(&mut window);
    window.get_by_label("Take a part");
    drag(&mut window, [16.0, 8.0], [48.0, 40.0]);
    wait_for_place(&mut window, 0);
    let part = image::imageops::crop_imm(whole.as_ref(), 16, 8, 32, 32).to_image();
    let (name, pixels) = picture_in(&window, 0);
    assert!(name.starts_with("Part of "), "{name}");
    assert_eq!(pixels, &fit::fit_square(&part, SIZE_PX));
    assert!(!state(&window).adding.is_taking_part);
    let n_steps_now = state(&window).sketch.history().n_steps();
    assert_eq!(n_steps_now, n_steps + 1, "nothing was drawn");
    assert!(window.query_by_label("Take a part").is_none());
}

#[test]
fn a_click_takes_the_whole_picture_and_esc_none_of_it() {
    let mut window = window();
    let ids = shown_ids(&window);
    begin_part(&mut window);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(!state(&window).adding.is_taking_part);
    assert_eq!(chosen(&window, 0), None);
    // Esc in the middle of a drag as well.
    begin_part(&mut window);
    let (from, to) = (on_canvas(&window, [9.0, 9.0]), on_canvas(&window, [50.0, 50.0]));
    pointer(&mut window, from, None);
    pointer(&mut window, from, Some(true));
    pointer(&mut window, to, None);
    press(&mut window, Modifiers::NONE, Key::Escape);
    pointer(&mut window, to, Some(false));
    window.run_steps(2);
    assert_eq!((chosen(&window, 0), state(&window).adding.is_taking_part), (None, false));
    // A tool in hand ends it.
    begin_part(&mut window);
    press(&mut window, Modifiers::NONE, Key::B);
    assert!(!state(&window).adding.is_taking_part);

    begin_part(&mut window);
    drag(&mut window, [30.0, 30.0], [30.0, 30.0]);
    wait_for_place(&mut window, 0);
    assert_eq!(remembered_ids(&window, 0), ids);
    // Without a pointer: Enter takes all of it.
    run(&mut window, InspiredCommand::Release(0));
    begin_part(&mut window);
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait_for_place(&mut window, 0);
    // Where there is nothing to see, the mode stays.
    begin_part(&mut window);
    drag(&mut window, [66.0, 2.0], [90.0, 30.0]);
    wait_for_label(&mut window, "There is nothing to see in this part");
    assert!(state(&window).adding.is_taking_part);
    click(&mut window, "Take no part");
    assert!(!state(&window).adding.is_taking_part);
}

#[test]
fn bad_files_are_told_as_everywhere() {
    let folder = Folder::new();
    let mut huge = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    huge.extend(30_000_u32.to_be_bytes());
    huge.extend(30_000_u32.to_be_bytes());
    huge.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
    let mut window = window();
    for (path, words) in [
        (folder.file("empty.png", b""), "empty (0 bytes)"),
        (folder.file("notes.png", b"Dear diary"), "this is not a picture"),
        (folder.file("huge.png", &huge), "30000×30000 pixels and 16384×16384 is the limit"),
        (folder.0.path().to_owned(), "this is a folder; give a picture file"),
        (folder.0.path().join("gone.png"), "there is no such picture"),
        (folder.file("drawing.svg", b"<svg/>"), "save it as PNG first"),
    ] {
        drop_on(&mut window, 1, &[&path]);
        wait_for_label(&mut window, words);
        assert_eq!(chosen(&window, 0), None);
        assert!(state(&window).adding.open.is_none());
    }
}

#[test]
fn odd_files_are_taken_and_what_is_odd_is_told() {
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures");
    let mut window = window();
    for (name, words) in [("animated.webp", "first"), ("cmyk.jpg", ""), ("palette.png", "")] {
        drop_on(&mut window, 1, &[&pictures.join(name)]);
        wait_until(&mut window, name, |window| {
            state(window).adding.open.is_some() || chosen(window, 0).is_some()
        });
        let told = |text: &str| text.contains(words);
        let is_told = state(&window).notices.iter().any(|notice| told(&notice.headline));
        assert!(words.is_empty() || is_told, "{name}: {:?}", state(&window).notices);
        press(&mut window, Modifiers::NONE, Key::Enter);
        wait_for_place(&mut window, 0);
        run(&mut window, InspiredCommand::Release(0));
    }
}

#[test]
fn without_a_model_it_says_so() {
    let (model, gate) = FakeModel::new().with_image_size(SIZE_PX).gated(|point| point == At::Load);
    let mut window = opened(model, [1280.0, 900.0], Live::Off, AppOptions::default());
    let held = gate.wait();
    let folder = Folder::new();
    let path = folder.picture("apple.png", &photo());
    tell(&mut window, AddInspirationCommand::Open { slot_idx: 0, paths: vec![path] });
    wait_for_label(&mut window, "The model is still loading");
    let take = window.get_by_label(TAKE);
    assert!(take.accesskit_node().is_disabled());
    drop(held);
}

/// Pictures of the window, to be looked at: `UNDERPAINT_SHOTS` names where, and
/// `UNDERPAINT_SHOT_PICTURES` a folder of pictures with a background.
#[test]
#[ignore = "for people who want to look at the panel"]
fn shots() {
    let place = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let (Some(shots), Some(pictures)) =
        (place("UNDERPAINT_SHOTS"), place("UNDERPAINT_SHOT_PICTURES"))
    else {
        return;
    };
    let of_size = |size: [f32; 2]| {
        let model = FakeModel::new().with_image_size(256);
        let mut window = opened(model, size, Live::Off, AppOptions::default());
        wait_until_finished(&mut window);
        window
    };
    let shot = |window: &mut Window, name: &str| {
        window.run_steps(12);
        let picture = window.render().expect("a frame that wgpu can draw");
        picture.save(shots.join(format!("add-inspiration-{name}.png"))).expect("saved");
    };
    let mut files: Vec<_> = fs::read_dir(pictures)
        .expect("a folder")
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.sort();
    let mut high = of_size([1280.0, 1400.0]);
    drop_on(&mut high, 1, &[&files[0]]);
    wait_for_panel(&mut high);
    press(&mut high, Modifiers::NONE, Key::Enter);
    wait_for_place(&mut high, 0);
    shot(&mut high, "in-place");
    let mut window = of_size([1280.0, 820.0]);
    for theme in [underpaint::state::ThemeChoice::Dark, underpaint::state::ThemeChoice::Light] {
        run(&mut window, UiCommand::SetTheme(theme));
        for path in &files {
            drop_on(&mut window, 1, &[path]);
            wait_until(&mut window, "the picture", |window| state(window).adding.open.is_some());
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            shot(&mut window, &format!("{name}-{theme:?}"));
            press(&mut window, Modifiers::NONE, Key::Enter);
            wait_until(&mut window, "accepted", |window| state(window).adding.open.is_none());
        }
        wait_until_finished(&mut window);
        shot(&mut window, &format!("placed-{theme:?}"));
        begin_part(&mut window);
        let (from, to) = (on_canvas(&window, [60.0, 40.0]), on_canvas(&window, [180.0, 150.0]));
        shot(&mut window, &format!("part-hint-{theme:?}"));
        pointer(&mut window, from, None);
        pointer(&mut window, from, Some(true));
        pointer(&mut window, from.lerp(to, 0.5), None);
        pointer(&mut window, to, None);
        shot(&mut window, &format!("part-{theme:?}"));
        press(&mut window, Modifiers::NONE, Key::Escape);
        pointer(&mut window, to, Some(false));
    }
}
