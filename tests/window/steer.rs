//! Steering in the whole window, on a fake model: the scale strip, the branch tree and undo over
//! pictures, driven by keys and clicks, found by accessible names.

use crate::common::fake_model::{FakeModel, Gate, Point, colour_of, middle};
use egui::accesskit::{Role, Toggled};
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use underpaint::app::AppOptions;
use underpaint::document::PenPoint;
use underpaint::state::{Node, Phase};
use underpaint::ui::SketchCommand;

use crate::help::*;

fn window(model: FakeModel, is_live: bool) -> Window {
    let live = if is_live { Live::On } else { Live::Off };
    opened(model, [1400.0, 1400.0], live, AppOptions::default())
}

/// A window that has drawn its first picture, and draws only when asked.
fn drawn() -> Window {
    let mut window = window(FakeModel::new(), false);
    wait_until_rested(&mut window);
    window
}

/// A window that is held in the second picture before its third scale.
fn held_in_second_picture() -> (Window, Gate) {
    let (model, gate) = FakeModel::new().gated(|point| point == Point::Step(2));
    let mut window = window(model, false);
    drop(gate.wait());
    wait_until_rested(&mut window);
    press(&mut window, Modifiers::COMMAND, Key::Enter);
    (window, gate)
}

/// The picture on the canvas is done, and nothing is on its way.
fn wait_until_rested(window: &mut Window) {
    wait_until(window, "the picture must be finished", |window| {
        let state = state(window);
        let phase = state.job.as_ref().map(|job| &job.phase);
        matches!(phase, Some(Phase::Finished(_) | Phase::Stopped)) && !state.is_drawing()
    });
    window.run_steps(2);
}

fn stroke(window: &mut Window, y: f32) {
    let point = |x: f32| PenPoint { pos: [x, y], pressure: 1.0, secs: x / 100.0 };
    run(window, SketchCommand::BeginStroke(point(2.0)));
    run(window, SketchCommand::Draw(vec![point(12.0)]));
    run(window, SketchCommand::EndStroke);
}

fn is_chosen(window: &Window, label: &str) -> bool {
    let node = window.get_by_role_and_label(Role::RadioButton, label);
    node.accesskit_node().toggled() == Some(Toggled::True)
}

fn shown_colour(window: &Window) -> image::Rgba<u8> {
    middle(&state(window).shown().expect("a picture").still.image)
}

#[test]
fn shift_enter_stops_at_the_shown_scale_and_goes_on_from_there() {
    let mut window = drawn();
    let before = (shown_colour(&window), request(&window));
    press(&mut window, Modifiers::NONE, Key::Comma);
    press(&mut window, Modifiers::NONE, Key::Comma);
    press(&mut window, Modifiers::SHIFT, Key::Enter);
    window.get_by_label("Stopped at scale 2 of 4");
    window.get_by_label("Shift+Enter goes on");
    window.get_by_label("Variant 2: Stopped at 2");
    window.get_by_label("Stopped: these scales are kept");
    assert_eq!(state(&window).job.as_ref().map(underpaint::state::Job::n_done), Some(2));

    press(&mut window, Modifiers::SHIFT, Key::Enter);
    wait_until_rested(&mut window);
    window.get_by_label("Variant 3: Continued from 2");
    assert_eq!(request(&window).n_given(), 2);
    assert_eq!(request(&window).seeds, before.1.seeds);
    assert_eq!(shown_colour(&window), before.0, "the same picture");
}

#[test]
fn a_click_on_the_shown_still_stops_a_running_picture() {
    let (mut window, gate) = held_in_second_picture();
    let held = gate.wait();
    wait_until(&mut window, "the second scale", |window| {
        state(window).job.as_ref().is_some_and(|job| job.is_running() && job.n_done() == 2)
    });
    window.step();
    click(&mut window, "Scale 2 of 4");
    drop(held);
    wait_until(&mut window, "stopped", |window| state(window).steering.is_held);
    window.step();
    window.get_by_label("Stopped at scale 2 of 4");
    window.get_by_label("Continue");
}

#[test]
fn r_keeps_the_scales_so_far_and_marks_them() {
    let mut window = drawn();
    let before = request(&window);
    click(&mut window, "Scale 3 of 4");
    press(&mut window, Modifiers::NONE, Key::R);
    wait_until_rested(&mut window);
    let after = request(&window);
    assert_eq!(after.n_given(), 3);
    assert_ne!(after.seeds, before.seeds);
    window.get_by_label("Variant 2: Re-rolled from 3");
    let job = state(&window).job.as_ref().expect("a job");
    let kept = middle(&job.still(2).expect("the third scale").image);
    assert_eq!(kept, colour_of(&before.prompt, before.seeds[0], 2));
    assert_eq!(shown_colour(&window), colour_of(&before.prompt, after.seeds[0], 3));

    click(&mut window, "Let go of the kept scales");
    assert!(window.query_by_label("Let go of the kept scales").is_none());
    assert!(state(&window).steering.kept.is_none());
}

#[test]
fn dragging_along_the_strip_scrubs() {
    let mut window = drawn();
    let [first, last] =
        ["Scale 1 of 4", "Scale 4 of 4"].map(|label| window.get_by_label(label).rect().center());
    window.drag_at(last);
    window.step();
    for step in 1..=4 {
        window.hover_at(last + (first - last) * (step as f32 / 4.0));
        window.step();
    }
    window.drop_at(first);
    window.run_steps(2);
    assert_eq!(state(&window).scrubbed_to, Some(0));
    assert!(is_chosen(&window, "Scale 1 of 4"));
}

#[test]
fn undo_goes_through_sketch_and_pictures_and_names_them() {
    let mut window = drawn();
    let first = shown_colour(&window);
    stroke(&mut window, 4.0);
    press(&mut window, Modifiers::COMMAND, Key::Enter);
    wait_until_rested(&mut window);
    let second = shown_colour(&window);
    assert_ne!(first, second);
    click(&mut window, "Scale 1 of 4");
    press(&mut window, Modifiers::NONE, Key::R);
    wait_until_rested(&mut window);

    click(&mut window, "Undo re-roll");
    assert_eq!(shown_colour(&window), second, "at once");
    click(&mut window, "Undo generation");
    assert_eq!(shown_colour(&window), first);
    assert!(is_chosen(&window, "Variant 1: Generated"));
    window.get_by_label("Undo brush stroke");
    click(&mut window, "Redo generation");
    assert_eq!(shown_colour(&window), second);
}

#[test]
fn a_live_stroke_and_its_picture_are_one_step_and_undo_draws_nothing() {
    let model = FakeModel::new();
    let calls = model.calls();
    let mut window = window(model, true);
    wait_until_rested(&mut window);
    stroke(&mut window, 4.0);
    wait_until(&mut window, "the picture of the stroke", |window| {
        // A model as fast as this one may have finished pictures of the stroke on the way.
        let state = state(window);
        let is_of_stroke = |node: &Node| node.sketch == *state.sketch.document();
        let current = state.branches.current_node();
        !state.is_drawing() && state.branches.n_listed() > 1 && current.is_some_and(is_of_stroke)
    });
    window.run_steps(20);
    let n_runs = calls.count(|call| call.point == Point::Start);
    for label in ["Undo brush stroke", "Redo brush stroke"] {
        click(&mut window, label);
        window.run_steps(30);
    }
    press(&mut window, Modifiers::COMMAND, Key::Z);
    window.run_steps(30);
    assert!(is_chosen(&window, "Variant 1: Generated"));
    assert_eq!(calls.count(|call| call.point == Point::Start), n_runs);
}

#[test]
fn a_click_brings_a_variant_back_and_delete_can_be_undone() {
    let mut window = drawn();
    let first = (shown_colour(&window), request(&window).seeds);
    press(&mut window, Modifiers::NONE, Key::N);
    wait_until_rested(&mut window);
    assert!(is_chosen(&window, "Variant 2: Generated"));
    click(&mut window, "Variant 1: Generated");
    assert_eq!((shown_colour(&window), request(&window).seeds), first);
    assert!(is_chosen(&window, "Variant 1: Generated"));
    assert_eq!(state(&window).settings.recipe.seed, first.1[0]);

    click(&mut window, "Star variant 2");
    window.get_by_label("Variant 2: Generated, starred");
    click(&mut window, "Delete variant 1");
    assert!(window.query_by_label("Variant 2: Generated, starred").is_none());
    assert!(is_chosen(&window, "Variant 1: Generated, starred"), "its neighbour is shown");
    click(&mut window, "Undo deletion");
    assert!(is_chosen(&window, "Variant 1: Generated"));
    window.get_by_label("Variant 2: Generated, starred");
}

#[test]
fn the_panel_is_hidden_and_shown_and_says_what_it_is_for() {
    let (model, gate) = FakeModel::new().gated(|point| point == Point::Step(0));
    let mut window = window(model, false);
    window.run_steps(3);
    window.get_by_label_contains("Each finished or stopped picture appears here");
    click(&mut window, "Hide variants");
    assert!(window.query_by_label("Hide variants").is_none());
    press(&mut window, Modifiers::NONE, Key::V);
    window.get_by_label("Hide variants");
    drop(gate);
    wait_until_rested(&mut window);
    window.get_by_label("Variant 1: Generated");
}

#[test]
fn forty_variants_stay_reachable_in_every_window() {
    let mut window = drawn();
    for _ in 0..39 {
        press(&mut window, Modifiers::NONE, Key::N);
        wait_until_rested(&mut window);
    }
    assert_eq!(state(&window).branches.n_listed(), 40);
    assert!(is_chosen(&window, "Variant 40: Generated"), "the newest is in sight");
    for size in [[1000.0, 700.0], [640.0, 480.0]] {
        window.set_size(size.into());
        window.run_ok();
        window.check_accessibility();
    }
    // There is no room for it unless it is asked for.
    assert!(window.query_by_label("Hide variants").is_none());
    press(&mut window, Modifiers::NONE, Key::V);
    window.run_ok();
    window.get_by_label("Hide variants");
    window.check_accessibility();
}

#[test]
fn costs_are_told_before_and_while_drawing() {
    let (mut window, gate) = held_in_second_picture();
    let held = gate.wait();
    wait_until(&mut window, "the second scale", |window| {
        state(window).job.as_ref().is_some_and(|job| job.is_running() && job.n_done() == 2)
    });
    let costs = &state(&window).costs;
    assert!(costs.of_run(0..4).is_some(), "one picture was measured");
    let job = state(&window).job.as_ref().expect("a job");
    let left = costs.left_of(job, std::time::Duration::ZERO).expect("all scales were measured");
    assert!(Some(left) < costs.of_run(0..4));
    drop(held);
    drop(gate);
    wait_until_rested(&mut window);
    let job = state(&window).job.as_ref().expect("a job");
    assert_eq!(state(&window).costs.left_of(job, std::time::Duration::ZERO), None);
}
