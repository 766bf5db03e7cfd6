//! *My memory* in the window, with its real threads and the fake model: driven by keys and clicks,
//! found by accessible names.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use eframe::App as _;
use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use image::{Rgba, RgbaImage};
use tempfile::TempDir;
use underpaint::app::{App, AppOptions};
use underpaint::protocol::{Inspiration, KnownMemory};
use underpaint::state::Memories;
use underpaint::ui::{Action, MemoryCommand};
use underpaint::worker::WorkerHandle;

use crate::common::fake_model::{FakeModel, TIME_LIMIT, colour_of, middle};
use crate::gallery::work_done;
use crate::help::{
    Live, Window, click, drop_files, opened, press, request, run, state, wait_for_label,
    wait_until, wait_until_finished,
};

/// A data folder, and pictures to add.
struct Shelf {
    folder: TempDir,
}

impl Shelf {
    /// With pictures that look different.
    fn with(names: &[&str]) -> Self {
        let shelf = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        fs::create_dir(shelf.pictures()).expect("a folder");
        for (idx, name) in names.iter().enumerate() {
            shelf.add(name, idx);
        }
        shelf
    }

    fn pictures(&self) -> PathBuf {
        self.folder.path().join("my cats")
    }

    fn add(&self, name: &str, look: usize) -> PathBuf {
        let path = self.pictures().join(name);
        picture(look).save(&path).expect("written");
        path
    }

    fn options(&self) -> AppOptions {
        AppOptions {
            save_dir: Some(self.folder.path().join("saved")),
            data_dir: Some(self.folder.path().join("data")),
            ..AppOptions::default()
        }
    }

    fn window(&self) -> Window {
        opened(FakeModel::new(), [1280.0, 820.0], Live::Off, self.options())
    }
}

/// Blocks whose places and colours are the number's.
fn picture(number: usize) -> RgbaImage {
    // A few rounds of a generator, so that neighbours look nothing alike.
    let mut bits = number as u64 + 1;
    for _ in 0..4 {
        bits = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (bits >> 29);
    }
    RgbaImage::from_fn(48, 48, |x, y| {
        let block = (y / 6) * 8 + x / 6;
        let is_on = bits.rotate_left(block) & 1 == 1;
        let shade = |n: u32| (bits >> (8 * n)) as u8 | 0x40;
        if is_on { Rgba([shade(1), shade(2), shade(3), 255]) } else { Rgba([0; 4]) }
    })
}

fn memories(window: &Window) -> &Memories {
    &state(window).memories
}

fn captions(window: &Window) -> Vec<&str> {
    let mut captions: Vec<_> =
        memories(window).entries().iter().map(|entry| entry.caption.as_str()).collect();
    captions.sort_unstable();
    captions
}

/// The page with a memory of these pictures.
fn filled(shelf: &Shelf) -> Window {
    let mut window = shelf.window();
    wait_until_finished(&mut window);
    press(&mut window, Modifiers::NONE, Key::M);
    wait_for_label(&mut window, "Teach it your style");
    let n_files = fs::read_dir(shelf.pictures()).expect("a folder").count();
    drop_files(&mut window, &[&shelf.pictures()]);
    wait_until(&mut window, "all are dealt with", |window| !memories(window).reports.is_empty());
    let report = memories(&window).reports[0].clone();
    let n_told = report.n_added + report.problems.len() + report.duplicates.len();
    assert_eq!(n_told, n_files, "{report:?}");
    wait_until(&mut window, "the list", |window| captions(window).len() == report.n_added);
    wait_until(&mut window, "the memory", |window| {
        let own = memories(window).for_requests();
        own.first().is_some_and(|own| own.entries.len() == report.n_added)
    });
    window.run_steps(2);
    window
}

fn only_memory(window: &Window) -> KnownMemory {
    let [known] = memories(window).all() else { panic!("{:?}", memories(window).known) };
    known.clone()
}

fn type_over(window: &mut Window, text: &str) {
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.event(Event::Text(text.to_owned()));
    window.run_steps(2);
    press(window, Modifiers::NONE, Key::Enter);
    window.run_steps(2);
}

#[test]
fn a_folder_that_is_dropped_becomes_a_memory_that_pictures_look_into() {
    let shelf = Shelf::with(&["red_apple.png", "green-boat-02.png", "owl.png"]);
    fs::copy(shelf.pictures().join("owl.png"), shelf.pictures().join("x.png")).expect("a copy");
    fs::write(shelf.pictures().join("empty.png"), "").expect("written");
    let mut window = filled(&shelf);
    window.get_by_label("Memory “my cats”");
    window.get_by_label("red apple");
    assert_eq!(captions(&window), ["green boat", "owl", "red apple"]);

    // What became of the others can be read and copied.
    window.get_by_label_contains("Added 3 pictures · 1 there already · 1 could not be read");
    click(&mut window, "Read the report");
    wait_for_label(&mut window, "Could not be added (1)");
    window.get_by_label("empty.png");
    window.get_by_label("There already (1)");
    window.get_by_label_contains("Looks like “owl”");
    click(&mut window, "Copy the list");
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(memories(&window).open_report, None);
    click(&mut window, "Put the report away");
    assert!(memories(&window).reports.is_empty());

    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(!memories(&window).is_open);
    run(&mut window, Action::Generate);
    wait_until(&mut window, "a picture that looks into it", |window| {
        state(window).slots[0].used.as_ref().is_some_and(|used| used.memory == "my cats")
    });
    assert_eq!(request(&window).memory.own.len(), 1);
}

#[test]
fn pictures_are_renamed_found_removed_and_brought_back() {
    let shelf = Shelf::with(&["red apple.png", "green boat.png", "owl.png"]);
    let mut window = filled(&shelf);
    click(&mut window, "owl");
    press(&mut window, Modifiers::NONE, Key::Enter);
    type_over(&mut window, "  snowy   owl ");
    wait_until(&mut window, "the caption", |window| {
        captions(window) == ["green boat", "red apple", "snowy owl"]
    });
    wait_until(&mut window, "the generator's view", |window| {
        let own = memories(window).for_requests();
        own.iter().flat_map(|own| &own.entries).any(|entry| entry.caption == "snowy owl")
    });

    window.event(Event::Text("/".to_owned()));
    window.run_steps(3);
    window.event(Event::Text("snow".to_owned()));
    wait_until(&mut window, "what was found", |window| captions(window) == ["snowy owl"]);
    click(&mut window, "Clear search");
    wait_until(&mut window, "all", |window| captions(window).len() == 3);

    click(&mut window, "red apple");
    press(&mut window, Modifiers::NONE, Key::Delete);
    wait_until(&mut window, "it is gone", |window| {
        captions(window) == ["green boat", "snowy owl"] && only_memory(window).n_entries == 2
    });
    assert!(shelf.pictures().join("red apple.png").exists(), "files are only read");
    press(&mut window, Modifiers::COMMAND, Key::Z);
    wait_until(&mut window, "it is back", |window| captions(window).contains(&"red apple"));
}

#[test]
fn memories_are_named_switched_and_deleted() {
    let shelf = Shelf::with(&["red apple.png", "owl.png"]);
    let mut window = filled(&shelf);
    click(&mut window, "Rename the memory “my cats”");
    type_over(&mut window, "Cats of mine");
    wait_until(&mut window, "the name", |window| only_memory(window).name == "Cats of mine");
    click(&mut window, "Look into “Cats of mine”");
    assert!(!only_memory(&window).is_on && memories(&window).for_requests().is_empty());
    click(&mut window, "Look into “Cats of mine”");
    wait_until(&mut window, "its pictures", |window| {
        memories(window).for_requests().iter().any(|own| own.entries.len() == 2)
    });

    click(&mut window, "New memory");
    wait_for_label(&mut window, "Name of the memory");
    type_over(&mut window, "Dogs");
    wait_until(&mut window, "two", |window| {
        let names: Vec<_> = memories(window).all().iter().map(|known| &known.name).collect();
        names == ["Cats of mine", "Dogs"]
    });
    wait_for_label(&mut window, "“Dogs” has no pictures yet");
    click(&mut window, "Memory “Cats of mine”");
    wait_until(&mut window, "its entries", |window| captions(window).len() == 2);
    click(&mut window, "Delete the memory “Cats of mine”");
    wait_until(&mut window, "one", |window| only_memory_name(window) == Some("Dogs"));
    press(&mut window, Modifiers::COMMAND, Key::Z);
    wait_until(&mut window, "it is back", |window| captions(window).len() == 2);

    // Kept for the next start, where it comes by itself.
    drop(window);
    let mut window = shelf.window();
    wait_until(&mut window, "what was kept", |window| {
        memories(window).for_requests().iter().any(|own| own.name == "Cats of mine")
    });
}

fn only_memory_name(window: &Window) -> Option<&str> {
    let [known] = memories(window).all() else { return None };
    Some(&known.name)
}

#[test]
fn an_entry_inspires_whatever_the_prompt() {
    let shelf = Shelf::with(&["red apple.png", "owl.png"]);
    let mut window = filled(&shelf);
    click(&mut window, "owl");
    click(&mut window, "Use as inspiration");
    wait_until(&mut window, "the canvas", |window| !memories(window).is_open);
    let Some(Inspiration::Remembered(picture)) = &state(&window).slots[0].chosen else {
        panic!("{:?}", state(&window).slots[0]);
    };
    assert_eq!((picture.caption.as_str(), picture.memory.as_str()), ("owl", "my cats"));
}

#[test]
fn files_that_are_gone_are_marked_and_removed_together() {
    let shelf = Shelf::with(&["red apple.png", "green boat.png", "owl.png"]);
    let mut window = filled(&shelf);
    fs::remove_file(shelf.pictures().join("owl.png")).expect("removed");
    fs::remove_file(shelf.pictures().join("red apple.png")).expect("removed");
    click(&mut window, "Look after the files");
    wait_for_label(&mut window, "The files of 2 pictures are gone");
    window.get_by_label("owl, its file is gone");
    click(&mut window, "Remove these");
    wait_until(&mut window, "the rest", |window| {
        captions(window) == ["green boat"] && only_memory(window).n_gone == 0
    });
}

#[test]
fn the_style_sheet_shows_what_a_memory_does() {
    let shelf = Shelf::with(&["red apple.png", "owl.png"]);
    let mut window = filled(&shelf);
    let before = state(&window).branches.n_listed();
    click(&mut window, "See what it does");
    let drawn = |window: &Window| {
        let sheet = state(window).style_sheet.as_ref();
        let drawn = sheet.and_then(|sheet| sheet.drawn.clone());
        drawn.filter(|drawn| drawn.n_drawn() == drawn.n_cells())
    };
    wait_until(&mut window, "the sheet", |window| drawn(window).is_some());
    click(&mut window, "4 columns");
    click(&mut window, "Try “sailing boat”");
    wait_until(&mut window, "another prompt", |window| {
        drawn(window).is_some_and(|drawn| drawn.request.prompt == "sailing boat")
    });
    window.run_steps(2);
    window.get_by_label_contains("Inspired by “owl”, “red apple”");
    let sheet = drawn(&window).expect("drawn");
    assert_eq!(sheet.seeds.len(), 4);
    let inspired = |row: usize| sheet.rows[row].inspired_by[0].memory.clone();
    assert_eq!((inspired(0).as_str(), inspired(1).as_str()), ("", "my cats"));
    assert_eq!(state(&window).branches.n_listed(), before, "the canvas knows nothing of it");

    click(&mut window, "Save the sheet…");
    let saved = shelf.folder.path().join("saved");
    wait_until(&mut window, "a file", |_| {
        fs::read_dir(&saved).is_ok_and(|mut files| files.next().is_some())
    });
    wait_for_label(&mut window, "Saved sailing-boat-style-sheet.png");
    let file = saved.join("sailing-boat-style-sheet.png");
    let (width, height) = image::open(file).expect("a picture").to_rgba8().dimensions();
    assert!(width >= 4 * 16 && height >= 2 * 16, "{width} × {height}");

    let seed = sheet.seeds[2];
    click(&mut window, &format!("With “my cats”, seed {seed}"));
    assert!(!memories(&window).is_open && state(&window).style_sheet.is_none());
    let image = &state(&window).shown().expect("a picture").still.image;
    assert_eq!(middle(image), colour_of("sailing boat", seed, 3));
    assert_eq!(state(&window).settings.recipe.prompt, "sailing boat");
    assert_eq!(state(&window).branches.n_listed(), before + 1);
}

#[test]
fn the_page_is_left_by_its_key_and_gives_way_to_the_gallery() {
    let shelf = Shelf::with(&[]);
    // High enough for all of the side panel.
    let mut window = opened(FakeModel::new(), [1280.0, 1400.0], Live::Off, shelf.options());
    wait_until_finished(&mut window);
    let database = shelf.folder.path().join("data/library.sqlite");
    assert!(!database.exists(), "nothing is opened before it is needed");
    click(&mut window, "My memory");
    wait_for_label(&mut window, "Teach it your style");
    press(&mut window, Modifiers::NONE, Key::G);
    assert!(state(&window).gallery.is_open && !memories(&window).is_open);
    press(&mut window, Modifiers::NONE, Key::M);
    assert!(!state(&window).gallery.is_open && memories(&window).is_open);
    press(&mut window, Modifiers::NONE, Key::M);
    assert!(!memories(&window).is_open);
    click(&mut window, "Manage my memories");
    assert!(memories(&window).is_open);
}

/// The work of the window's thread per frame, without waiting for a screen.
#[test]
fn the_window_stays_smooth_while_a_thousand_pictures_are_added() {
    const N_PICTURES: usize = 1000;
    let shelf = Shelf::with(&[]);
    for n in 0..N_PICTURES {
        shelf.add(&format!("picture {n}.png"), n);
    }
    let ctx = egui::Context::default();
    let cc = eframe::CreationContext::_new_kittest(ctx.clone());
    let worker = WorkerHandle::spawn(FakeModel::new().into_loader(), || {}).expect("a thread");
    let mut app = App::new(&cc, worker, shelf.options()).expect("threads");
    let mut frame = eframe::Frame::_new_kittest();
    app.run(&ctx, &frame, Action::ToggleLive.into());
    app.run(&ctx, &frame, Action::ToggleMemory.into());
    app.run(&ctx, &frame, MemoryCommand::Add(vec![shelf.pictures()]).into());
    let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1920.0, 1080.0));
    let mut times = Vec::new();
    let started_at = Instant::now();
    let is_done = |app: &App| {
        let memories = &app.state().memories;
        !memories.reports.is_empty() && memories.entries().len() == memories.reports[0].n_added
    };
    while !is_done(&app) || times.len() < 200 {
        assert!(started_at.elapsed() < 4 * TIME_LIMIT, "{:?}", app.state().memories.adding);
        let delta = if times.len() % 40 < 20 { -120.0 } else { 200.0 };
        let scroll = Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta: egui::vec2(0.0, delta),
            phase: egui::TouchPhase::Move,
            modifiers: Modifiers::NONE,
            source: egui::MouseWheelSource::Unknown,
        };
        let over = Event::PointerMoved(egui::pos2(1000.0, 600.0));
        let input = egui::RawInput {
            screen_rect: Some(screen),
            time: Some(times.len() as f64 / 60.0),
            events: vec![over, scroll],
            ..egui::RawInput::default()
        };
        let began_at = work_done();
        let mut output = ctx.run_ui(input, |ui| {
            app.logic(&ui.ctx().clone(), &mut frame);
            app.ui(ui, &mut frame);
        });
        output.textures_delta.clear();
        let _meshes = ctx.tessellate(output.shapes, output.pixels_per_point);
        times.push(work_done().saturating_sub(began_at));
        // A screen would make us wait too; the others get their turn.
        std::thread::yield_now();
    }
    let report = &app.state().memories.reports[0];
    assert_eq!(report.n_added + report.duplicates.len(), N_PICTURES, "{report:?}");
    assert!(report.n_added > N_PICTURES / 2, "they look different");
    times.sort_unstable();
    let (median, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    let n_frames = times.len();
    eprintln!("UI work per frame of {n_frames}: median {median:?}, p99 {p99:?}");
    assert!(p99 < Duration::from_millis(16), "{p99:?}");
}

#[test]
fn a_memory_of_another_folder_is_chosen_by_dropping_on_its_card() {
    let shelf = Shelf::with(&["red apple.png"]);
    let mut window = filled(&shelf);
    let first = only_memory(&window).memory;
    click(&mut window, "New memory");
    wait_for_label(&mut window, "Name of the memory");
    type_over(&mut window, "Dogs");
    assert_ne!(memories(&window).chosen, Some(first));
    let card = window.get_by_label("Memory “my cats”").rect().center();
    let path = shelf.add("owl.png", 7);
    window.event(Event::PointerMoved(card));
    let paths: [&Path; 1] = [&path];
    drop_files(&mut window, &paths);
    window.run_steps(2);
    assert_eq!(memories(&window).chosen, Some(first));
    wait_until(&mut window, "it is added", |window| captions(window) == ["owl", "red apple"]);
}
