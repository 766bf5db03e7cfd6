//! *Inspired by* and the grid of candidates.

use std::path::{Path, PathBuf};

use egui::accesskit::Toggled;
use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use underpaint::app::AppOptions;
use underpaint::imaging::io::{Export, FileFormat, read_metadata, save_picture};
use underpaint::imaging::metadata::{InspirationRecord, MemoryRecord, PictureRecord, TokenPyramid};
use underpaint::protocol::{EntryId, Inspiration, MemoryRequest};
use underpaint::state::ThemeChoice;
use underpaint::ui::{Action, UiCommand};

use crate::common::fake_model::{Calls, FakeModel, Fault, Point};
use crate::help::{
    Live, Window, click, opened, press, request, run, state, wait_for_label, wait_until,
    wait_until_finished,
};

/// High enough for the whole side panel: what is scrolled away cannot be clicked.
const SIZE: [f32; 2] = [1280.0, 1400.0];

/// A window that has drawn its first picture.
fn drawn(model: FakeModel, live: Live) -> Window {
    let mut window = opened(model, SIZE, live, AppOptions::default());
    wait_until_finished(&mut window);
    window
}

/// The memory of the newest request, once its picture is done.
fn memory(window: &mut Window) -> MemoryRequest {
    window.run_steps(2);
    wait_until_finished(window);
    request(window).memory
}

fn is_on(window: &Window, label: &str) -> bool {
    window.get_by_label(label).accesskit_node().toggled() == Some(Toggled::True)
}

fn with_candidates(window: &mut Window, slot: usize) {
    click(window, &format!("Show more candidates for place {slot}"));
    wait_for_label(window, "Candidate “entry 6”");
}

fn type_text(window: &mut Window, text: &str) {
    window.event(Event::Text(text.to_owned()));
    window.run_steps(2);
}

fn entries(memory: &MemoryRequest) -> Vec<(usize, u64)> {
    let entry = |(slot_idx, chosen): &(usize, Inspiration)| match chosen {
        Inspiration::Entry(entry) => (*slot_idx, entry.0),
        Inspiration::Remembered(picture) => (*slot_idx, picture.entry.0),
        Inspiration::Picture { name, .. } => panic!("{name}"),
    };
    memory.chosen.iter().map(entry).collect()
}

#[test]
fn each_place_tells_what_it_shows_and_where_that_is_from() {
    let window = drawn(FakeModel::new(), Live::Off);
    for place in 1..=3 {
        window.get_by_label(&format!("Place {place}: entry {place}"));
        assert!(is_on(&window, &format!("Use place {place}")));
    }
    let told = window.get_all_by_label("90 % · Fake pictures · CC0").count();
    assert_eq!(told, 3);
}

#[test]
fn a_place_is_switched_off_and_on_and_all_are() {
    let mut window = drawn(FakeModel::new(), Live::Off);
    click(&mut window, "Use place 2");
    assert_eq!(memory(&mut window).closed_slots, [1]);
    window.get_by_label("Place 2");
    assert!(!is_on(&window, "Use place 2"));
    click(&mut window, "All inspirations");
    assert_eq!(memory(&mut window).closed_slots, [0, 1, 2]);
    window.get_by_label_contains("the picture follows the prompt alone");
    click(&mut window, "Undo switching off");
    assert_eq!(state(&window).settings.recipe.closed_slots, [1]);
    click(&mut window, "Use place 2");
    assert!(memory(&mut window).closed_slots.is_empty());
    window.get_by_label("Place 2: entry 2");
}

#[test]
fn live_mode_follows_every_change_at_once() {
    let mut window = drawn(FakeModel::new(), Live::On);
    click(&mut window, "Use place 1");
    wait_until(&mut window, "a picture without it", |window| {
        request(window).memory.closed_slots == [0] && !state(window).is_drawing()
    });
    click(&mut window, "Keep place 2");
    wait_until(&mut window, "a picture with what is kept", |window| {
        entries(&request(window).memory) == [(1, 1)] && !state(window).is_drawing()
    });
}

#[test]
fn a_ban_is_listed_and_lifted() {
    let mut window = drawn(FakeModel::new(), Live::Off);
    let place = window.get_by_label("Place 1: entry 1");
    place.focus();
    window.run_steps(2);
    press(&mut window, Modifiers::NONE, Key::Delete);
    assert_eq!(memory(&mut window).banned, [EntryId(1)]);
    window.get_by_label("Place 1: entry 2");
    click(&mut window, "Banned pictures");
    click(&mut window, "Allow “entry 1” again");
    assert!(memory(&mut window).banned.is_empty());
    window.get_by_label("Place 1: entry 1");
}

#[test]
fn alt_and_an_arrow_move_a_picture_and_the_keyboard_goes_along() {
    let mut window = drawn(FakeModel::new(), Live::Off);
    window.get_by_label("Place 1: entry 1").focus();
    window.run_steps(2);
    for slots in [vec![(0, 2), (1, 1)], vec![(0, 2), (1, 3), (2, 1)]] {
        press(&mut window, Modifiers::ALT, Key::ArrowRight);
        assert_eq!(entries(&memory(&mut window)), slots);
    }
    press(&mut window, Modifiers::ALT, Key::ArrowRight);
    assert_eq!(entries(&memory(&mut window)), [(0, 2), (1, 3), (2, 1)], "there is no fourth");
    press(&mut window, Modifiers::ALT, Key::ArrowLeft);
    assert_eq!(entries(&memory(&mut window)), [(0, 2), (1, 1), (2, 3)]);
    press(&mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!(state(&window).chosen_slots()[2], (2, Inspiration::Entry(EntryId(1))));
}

#[test]
fn a_place_is_dragged_onto_another() {
    let mut window = drawn(FakeModel::new(), Live::Off);
    let [from, to] = ["Place 3: entry 3", "Place 1: entry 1"]
        .map(|label| window.get_by_label(label).rect().left_center() + egui::vec2(30.0, 0.0));
    window.drag_at(from);
    window.step();
    for step in 1..=4 {
        window.hover_at(from + (to - from) * (step as f32 / 4.0));
        window.step();
    }
    window.drop_at(to);
    window.run_steps(2);
    assert_eq!(entries(&memory(&mut window)), [(0, 3), (2, 1)]);
    window.get_by_label("Place 1: entry 3");
    window.get_by_label("Undo move");
}

#[test]
fn a_candidate_is_chosen_by_click_and_the_grid_stays() {
    let mut window = drawn(FakeModel::new(), Live::Off);
    with_candidates(&mut window, 2);
    window.get_by_label("Candidates for place 2");
    window.get_by_label("Candidate “entry 2”, in place 2");
    click(&mut window, "Candidate “entry 5”");
    assert_eq!(entries(&memory(&mut window)), [(1, 5)]);
    window.get_by_label("Candidate “entry 5”, in place 2");
    window.get_by_label("Place 2: entry 5");
    click(&mut window, "Close the candidates");
    assert!(window.query_by_label("Candidates for place 2").is_none());
}

#[test]
fn keys_search_choose_ban_and_close() {
    let mut window = drawn(FakeModel::new(), Live::Off);
    with_candidates(&mut window, 1);
    // The keyboard is in the search box; arrows go through the grid.
    press(&mut window, Modifiers::NONE, Key::ArrowRight);
    press(&mut window, Modifiers::NONE, Key::ArrowRight);
    press(&mut window, Modifiers::NONE, Key::ArrowRight);
    press(&mut window, Modifiers::NONE, Key::Delete);
    assert_eq!(memory(&mut window).banned, [EntryId(4)]);
    window.get_by_label("Candidate “entry 4”, banned");
    press(&mut window, Modifiers::NONE, Key::ArrowRight);
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(entries(&memory(&mut window)), [(0, 5)]);
    assert!(state(&window).candidates.is_none());

    with_candidates(&mut window, 1);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(state(&window).candidates.is_none());
    assert!(!state(&window).is_drawing());
}

#[test]
fn the_search_box_looks_for_what_is_typed_and_for_the_prompt_when_empty() {
    let model = FakeModel::new();
    let calls = model.calls();
    let mut window = drawn(model, Live::Off);
    run(&mut window, UiCommand::SetPrompt("a boat".to_owned()));
    with_candidates(&mut window, 1);
    window.get_by_label("Most similar to “a boat” first");
    type_text(&mut window, "teapot");
    wait_for_label(&mut window, "Most similar to “teapot” first");
    click(&mut window, "Look for the prompt again");
    wait_for_label(&mut window, "Most similar to “a boat” first");
    let texts: Vec<_> = calls.all().into_iter().collect();
    let texts: Vec<_> = texts.iter().filter(|call| call.point == Point::Candidates).collect();
    let texts: Vec<_> = texts.iter().map(|call| call.prompt.as_str()).collect();
    assert_eq!(texts, ["a boat", "teapot", "a boat"]);
    // The prompt is followed while the box is empty.
    run(&mut window, UiCommand::SetPrompt("a lamp".to_owned()));
    wait_for_label(&mut window, "Most similar to “a lamp” first");
}

#[test]
fn candidates_get_their_pictures_and_failures_are_told() {
    let model = FakeModel::new().with_fault("bad", Point::Candidates, Fault::Error);
    let mut window = drawn(model, Live::Off);
    with_candidates(&mut window, 1);
    wait_until(&mut window, "small pictures", |window| {
        (1..=6).all(|entry| state(window).thumbnails.contains_key(&EntryId(entry)))
    });
    type_text(&mut window, "bad");
    wait_for_label(&mut window, "Search again");
    click(&mut window, "Look for the prompt again");
    wait_for_label(&mut window, "Candidate “entry 6”");
}

/// A file of ours, with what a picture was inspired by in place of what it was.
fn file_inspired_by(folder: &Path, inspirations: Vec<InspirationRecord>) -> PathBuf {
    let options = AppOptions { save_dir: Some(folder.to_owned()), ..AppOptions::default() };
    let mut window = opened(FakeModel::new(), SIZE, Live::Off, options);
    wait_until_finished(&mut window);
    press(&mut window, Modifiers::COMMAND, Key::E);
    wait_for_label(&mut window, "Saved ");
    let file = std::fs::read_dir(folder).expect("a folder").next().expect("a file");
    let path = file.expect("a file").path();
    let recalled = read_metadata(&path).expect("readable").recalled.expect("it tells");
    let record = PictureRecord {
        inspirations,
        memory: MemoryRecord {
            closed_slots: vec![1],
            reference_strength: 0.5,
            ..MemoryRecord::default()
        },
        ..*recalled.record.expect("ours")
    };
    let picture = image::open(&path).expect("a picture").into_rgba8();
    let export = Export { format: FileFormat::Png, record: Some(&record) };
    save_picture(&path, &picture, &export).expect("saved");
    path
}

#[test]
fn a_file_brings_its_inspirations_back_also_those_that_are_gone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let entry = |id: u16| EntryId::of([id; 85]);
    let inspiration = |slot: usize, id: u16, is_chosen: bool| {
        let ids = [1, 2, 4, 8].map(|side| vec![u32::from(id); side * side]).to_vec();
        InspirationRecord {
            slot,
            entry: format!("{:016x}", entry(id).0),
            caption: format!("picture {id}"),
            chosen: is_chosen,
            tokens: TokenPyramid::new(&[1, 2, 4, 8], ids).ok(),
            ..InspirationRecord::default()
        }
    };
    let path =
        file_inspired_by(folder.path(), vec![inspiration(0, 77, false), inspiration(2, 5, true)]);
    let model = FakeModel::new();
    let calls = model.calls();
    let mut window = drawn(model, Live::On);
    wait_until(&mut window, "rest", |window| !state(window).is_drawing());
    let n_starts = |calls: &Calls| calls.count(|call| call.point == Point::Start);
    let before = n_starts(&calls);
    run(&mut window, UiCommand::OpenFile(path));
    wait_for_label(&mut window, "“picture 77” and “picture 5” are not in the memory any more");
    window.get_by_label("Place 1: picture 77");
    window.get_by_label("Place 3: picture 5");
    window.get_by_label("Place 2");
    assert_eq!(state(&window).settings.recipe.closed_slots, [1]);
    assert_eq!(state(&window).settings.recipe.reference_strength, 0.5);
    wait_until(&mut window, "what it looks like", |window| {
        state(window).thumbnails.contains_key(&entry(77))
    });
    window.run_steps(20);
    assert_eq!(n_starts(&calls), before, "what is opened is not drawn");
    run(&mut window, Action::AnotherSeed);
    let memory = memory(&mut window);
    let chosen = vec![(0, entry(77).0), (2, entry(5).0)];
    assert_eq!((entries(&memory), memory.closed_slots), (chosen, vec![1]));
}

#[test]
fn everything_can_be_read_out_in_narrow_windows_too() {
    let mut window = drawn(FakeModel::new(), Live::Off);
    click(&mut window, "Ban “entry 1” in place 1");
    wait_until_finished(&mut window);
    click(&mut window, "Banned pictures");
    with_candidates(&mut window, 1);
    for size in [[900.0, 640.0], [640.0, 480.0], [1280.0, 820.0]] {
        window.set_size(size.into());
        window.run_ok();
        window.check_accessibility();
    }
}

/// Pictures of the window on the real model, to be looked at: `UNDERPAINT_SHOTS` names where.
#[test]
#[ignore = "for people who want to look at the panel"]
fn shots() {
    let Some(shots) = std::env::var_os("UNDERPAINT_SHOTS").map(PathBuf::from) else { return };
    for (theme, name) in [(ThemeChoice::Dark, "dark"), (ThemeChoice::Light, "light")] {
        for (width, height) in [(1280.0, 820.0), (900.0, 700.0)] {
            let builder = egui_kittest::Harness::builder().with_size([width, height]);
            let mut window = crate::help::built(builder, Live::Off, AppOptions::default(), |ctx| {
                let load = || underpaint::model::load(&underpaint::model::LoadOptions::default());
                let wake = move || ctx.request_repaint();
                underpaint::worker::WorkerHandle::spawn(load, wake).expect("a thread")
            });
            let shot = |window: &mut Window, what: &str| {
                window.run_steps(8);
                let picture = window.render().expect("a frame that wgpu can draw");
                let name = format!("inspired-{what}-{name}-{width}.png");
                picture.save(shots.join(name)).expect("saved");
            };
            let quiet = |window: &mut Window| {
                window.run_steps(2);
                wait_until(window, "rest", |window| !state(window).is_drawing());
                wait_until(window, "small pictures", |window| {
                    let state = state(window);
                    let grid = state.candidates.iter().flat_map(|grid| &grid.pictures);
                    let slots = state.slots.iter().filter_map(underpaint::state::Slot::entry);
                    grid.map(|picture| picture.entry)
                        .chain(slots)
                        .all(|entry| state.thumbnails.contains_key(&entry))
                });
                window.run_steps(4);
            };
            run(&mut window, UiCommand::SetTheme(theme));
            wait_until_finished(&mut window);
            let place = window.get_by_label_contains("Place 3");
            place.scroll_to_me();
            window.run_steps(20);
            quiet(&mut window);
            shot(&mut window, "slots");
            let [from, to] = ["Place 1: ", "Place 3: "].map(|place| {
                let row = window.get_by_label_contains(place).rect();
                row.left_center() + egui::vec2(30.0, 0.0)
            });
            window.drag_at(from);
            window.step();
            for step in 1..=4 {
                window.hover_at(from + (to - from) * (step as f32 / 4.5));
                window.step();
            }
            shot(&mut window, "dragged");
            window.drop_at(from);
            window.run_steps(2);
            click(&mut window, "Keep place 1");
            click(&mut window, "Use place 3");
            quiet(&mut window);
            shot(&mut window, "kept-and-off");
            window.get_by_label("Show more candidates for place 2").click();
            window.run_steps(2);
            shot(&mut window, "searching");
            wait_until(&mut window, "candidates", |window| {
                state(window).candidates.as_ref().is_some_and(|grid| !grid.pictures.is_empty())
            });
            quiet(&mut window);
            press(&mut window, Modifiers::NONE, Key::ArrowRight);
            press(&mut window, Modifiers::NONE, Key::Delete);
            press(&mut window, Modifiers::NONE, Key::ArrowRight);
            quiet(&mut window);
            shot(&mut window, "candidates");
            press(&mut window, Modifiers::NONE, Key::Escape);
            click(&mut window, "Banned pictures");
            window.get_by_label("Banned pictures").scroll_to_me();
            window.run_steps(20);
            quiet(&mut window);
            shot(&mut window, "banned");
            click(&mut window, "Picture memory");
            click(&mut window, "Release place 1");
            quiet(&mut window);
            window.get_by_label_contains("Place 1").scroll_to_me();
            window.run_steps(20);
            shot(&mut window, "nothing-looked-up");
            let from = window.get_by_label("Place 2").rect().left_center() + egui::vec2(30.0, 0.0);
            window.hover_at(from);
            window.run_steps(60);
            shot(&mut window, "tooltip");
        }
    }
}
