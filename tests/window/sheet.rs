//! The contact sheet in the window, driven by keys and clicks, found by accessible names.

use std::path::Path;

use crate::common::fake_model::{FakeModel, Point, TIME_LIMIT, colour_of, middle};
use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use underpaint::app::AppOptions;
use underpaint::imaging::RgbaImage;
use underpaint::model::{self, LoadOptions, ModelChoice};
use underpaint::state::sheet::{Sheet, SheetPhase};
use underpaint::state::{Origin, Phase};
use underpaint::ui::{Action, UiCommand};
use underpaint::worker::WorkerHandle;

use crate::help::*;

/// With a picture drawn; draws only when asked.
fn window(spawn: impl FnOnce(egui::Context) -> WorkerHandle) -> Window {
    let builder = Harness::builder().with_size([1280.0, 1000.0]);
    let mut window = built(builder, Live::Off, AppOptions::default(), spawn);
    wait_until_finished(&mut window);
    window
}

fn fake(model: FakeModel) -> Window {
    window(|ctx| {
        let wake = move || ctx.request_repaint();
        WorkerHandle::spawn(model.into_loader(), wake).expect("a thread")
    })
}

fn sheet(window: &Window) -> &Sheet {
    state(window).sheet.as_ref().expect("the sheet is open")
}

/// Opens a sheet of as many drafts to scale 2 and waits until all are there.
fn drawn_sheet(window: &mut Window, n_drafts: usize) {
    press(window, Modifiers::SHIFT, Key::G);
    click(window, &format!("{n_drafts} drafts"));
    click(window, "2 scales");
    click(window, &format!("Draw {n_drafts} drafts"));
    wait_until(window, "all drafts", |window| sheet(window).phase == SheetPhase::Drawn);
    window.run_steps(2);
}

fn shown(window: &Window) -> RgbaImage {
    RgbaImage::clone(&state(window).shown().expect("a picture").still.image)
}

fn draft_label(window: &Window, idx: usize) -> String {
    format!("Draft {}, seed {}", idx + 1, sheet(window).drafts[idx].seed)
}

#[test]
fn the_cost_is_told_first_and_drafts_leave_the_canvas_alone() {
    let mut window = fake(FakeModel::new());
    let before = shown(&window);
    let seed = state(&window).settings.recipe.seed;
    press(&mut window, Modifiers::SHIFT, Key::G);
    window.get_by_label_contains("16 drafts to scale 3: about ");
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(state(&window).sheet.is_none());

    drawn_sheet(&mut window, 8);
    let prompt = state(&window).settings.recipe.prompt.clone();
    let mut seeds: Vec<u64> = sheet(&window).drafts.iter().map(|draft| draft.seed).collect();
    for draft in &sheet(&window).drafts {
        let image = draft.image.as_ref().expect("drawn");
        assert_eq!(middle(image), colour_of(&prompt, draft.seed, 1));
        assert_eq!(draft.ids.len(), 2);
    }
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), 8, "each has a seed of its own");
    assert_eq!((shown(&window), state(&window).settings.recipe.seed), (before.clone(), seed));
    assert_eq!(state(&window).branches.n_listed(), 1);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(state(&window).sheet.is_none());
    assert_eq!(shown(&window), before);
}

#[test]
fn a_click_finishes_one_draft_and_only_its_last_scales_are_drawn() {
    let model = FakeModel::new();
    let calls = model.calls();
    let mut window = fake(model);
    drawn_sheet(&mut window, 4);
    let label = draft_label(&window, 2);
    let seed = sheet(&window).drafts[2].seed;
    let prompt = state(&window).settings.recipe.prompt.clone();
    let n_coarse = || calls.count(|call| matches!(call.point, Point::Step(0 | 1)));
    let before = n_coarse();
    click(&mut window, &label);
    wait_until(&mut window, "the finished draft", |window| state(window).sheet.is_none());
    assert_eq!(n_coarse(), before, "the coarse scales are there already");
    assert_eq!(middle(&shown(&window)), colour_of(&prompt, seed, 3));
    assert_eq!(state(&window).settings.recipe.seed, seed);
    let node = state(&window).branches.current_node().expect("a variant");
    assert_eq!((node.about.origin, node.about.n_given), (Origin::Finished, 0));
    wait_until(&mut window, "every scale", |window| {
        state(window).job.as_ref().is_some_and(|job| job.stills.iter().all(Option::is_some))
    });
}

#[test]
fn several_are_selected_and_become_variants() {
    let mut window = fake(FakeModel::new());
    drawn_sheet(&mut window, 4);
    let seeds = [0, 3].map(|idx: usize| sheet(&window).drafts[idx].seed);
    for idx in [0, 3] {
        let label = draft_label(&window, idx);
        window.get_by_label(&label).click_modifiers(Modifiers::SHIFT);
        window.run_steps(2);
        let tile = window.get_by_label(&label);
        let toggled = tile.accesskit_node().toggled();
        assert_eq!(toggled, Some(egui::accesskit::Toggled::True));
    }
    let parent = state(&window).branches.current;
    click(&mut window, "Finish 2");
    wait_until(&mut window, "both", |window| state(window).sheet.is_none());
    let prompt = state(&window).settings.recipe.prompt.clone();
    let new: Vec<_> = state(&window)
        .branches
        .listed()
        .filter(|node| node.about.origin == Origin::Finished)
        .collect();
    assert_eq!(new.len(), 2);
    for (node, seed) in new.iter().zip(seeds) {
        assert_eq!((node.about.recipe.seed, node.parent), (seed, parent), "siblings");
        assert_eq!(middle(&node.picture), colour_of(&prompt, seed, 3));
    }
    assert_eq!(state(&window).branches.current, Some(new[0].id));
}

#[test]
fn the_keyboard_does_it_all() {
    let mut window = fake(FakeModel::new());
    press(&mut window, Modifiers::SHIFT, Key::G);
    click(&mut window, "4 drafts");
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait_until(&mut window, "drafts", |window| sheet(window).phase == SheetPhase::Drawn);
    press(&mut window, Modifiers::NONE, Key::ArrowRight);
    assert_eq!(sheet(&window).cursor, 1);
    press(&mut window, Modifiers::NONE, Key::Space);
    assert_eq!(sheet(&window).selected(), [1]);
    press(&mut window, Modifiers::NONE, Key::ArrowLeft);
    press(&mut window, Modifiers::NONE, Key::ArrowLeft);
    assert_eq!(sheet(&window).cursor, 0, "it ends at the edge");
    // Keys of the canvas rest.
    press(&mut window, Modifiers::NONE, Key::N);
    let seed = sheet(&window).drafts[1].seed;
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait_until(&mut window, "the finished draft", |window| state(window).sheet.is_none());
    assert_eq!(state(&window).settings.recipe.seed, seed);
}

#[test]
fn esc_stops_and_more_keeps_what_is_selected() {
    let (model, mut gate) = FakeModel::new().gated(|point| matches!(point, Point::Step(1)));
    let mut window = window_of_gated(model, &mut gate);
    press(&mut window, Modifiers::SHIFT, Key::G);
    click(&mut window, "8 drafts");
    click(&mut window, "2 scales");
    click(&mut window, "Draw 8 drafts");
    let held = loop {
        window.step();
        if let Ok(held) = gate.arrivals().try_recv() {
            break held;
        }
    };
    drop(held);
    wait_until(&mut window, "the first batch", |window| sheet(window).n_drawn() == 4);
    press(&mut window, Modifiers::NONE, Key::Escape);
    gate.open();
    assert_eq!((sheet(&window).phase, sheet(&window).drafts.len()), (SheetPhase::Drawn, 4));
    press(&mut window, Modifiers::NONE, Key::Space);
    let kept = sheet(&window).drafts[0].seed;
    click(&mut window, "More drafts");
    wait_until(&mut window, "more", |window| sheet(window).phase == SheetPhase::Drawn);
    assert_eq!((sheet(&window).drafts.len(), sheet(&window).drafts[0].seed), (8, kept));
    assert_eq!(sheet(&window).selected(), [0]);
}

/// The first picture is let through.
fn window_of_gated(model: FakeModel, gate: &mut crate::common::fake_model::Gate) -> Window {
    let arrivals = gate.arrivals().clone();
    let first = std::thread::Builder::new()
        .name("gate".to_owned())
        .spawn(move || drop(arrivals.recv_timeout(TIME_LIMIT)))
        .expect("a thread");
    let window = fake(model);
    first.join().expect("no panic");
    window
}

/// On the real thing, if small: what a draft becomes is what its seed would have become alone.
#[test]
fn a_finished_draft_has_the_bytes_of_its_seed_alone() {
    let options = || LoadOptions {
        model: ModelChoice::Folder(Path::new("tests/fixtures/embedded_tiny").to_owned()),
        ..LoadOptions::default()
    };
    let mut window = window(|ctx| {
        let load = move || model::load(&options());
        WorkerHandle::spawn(load, move || ctx.request_repaint()).expect("a thread")
    });
    drawn_sheet(&mut window, 4);
    let label = draft_label(&window, 1);
    click(&mut window, &label);
    wait_until(&mut window, "the finished draft", |window| state(window).sheet.is_none());
    let finished = shown(&window);
    let seed = state(&window).settings.recipe.seed;

    run(&mut window, UiCommand::SetSeed(seed + 1));
    run(&mut window, UiCommand::SetNewSeedEachTime(false));
    let draw = |window: &mut Window, seed: u64| {
        run(window, UiCommand::SetSeed(seed));
        run(window, Action::Generate);
        wait_until(window, "a whole picture", |window| {
            let job = state(window).job.as_ref().expect("a job");
            job.request.seeds == [seed]
                && job.request.given.is_none()
                && job.recall.is_none()
                && matches!(job.phase, Phase::Finished(_))
        });
    };
    draw(&mut window, seed.wrapping_add(1));
    assert_ne!(shown(&window), finished);
    draw(&mut window, seed);
    assert_eq!(shown(&window), finished);
}
