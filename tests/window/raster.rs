//! A model that draws token by token, in the whole window: rows instead of scales, a picture that
//! grows, stopping within a token and going on with the next one, and what such a model cannot do.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::common::fake_model::{FakeModel, Gate, Held, Point};
use crate::gallery::work_done;
use crate::help::*;
use egui::accesskit::{Role, Toggled};
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use underpaint::app::AppOptions;
use underpaint::params::ControlKind;
use underpaint::state::{Comparison, Job, Phase, Rows, ThemeChoice};
use underpaint::ui::{AddInspirationCommand, UiCommand};

const N_ROWS: usize = 4;
const N_COLUMNS: usize = 6;
/// More than the worker leaves between two looks at an unfinished row.
const LOOK_GAP: Duration = Duration::from_millis(45);

fn is_token(point: Point) -> bool {
    matches!(point, Point::Token(..))
}

fn raster() -> FakeModel {
    FakeModel::raster(N_ROWS, N_COLUMNS)
}

/// A window with a model that is ready; nothing is drawn until it is asked for.
fn ready(model: FakeModel, live: Live) -> Window {
    let mut window = opened(model, [1400.0, 1000.0], live, AppOptions::default());
    wait_until(&mut window, "the model", |window| state(window).model().is_some());
    window.run_steps(2);
    window
}

fn generate(window: &mut Window) {
    press(window, Modifiers::COMMAND, Key::Enter);
}

/// A window that is held in its first picture before this token.
fn held_at(row: usize, column: usize) -> (Window, Gate, Held) {
    let (model, gate) = raster().gated(is_token);
    let mut window = ready(model, Live::Off);
    generate(&mut window);
    let held = wait_for_token(&mut window, &gate, row, column);
    wait_until(&mut window, "what is there so far", |window| {
        let shown = state(window).shown_rows();
        shown.is_some_and(|rows| (rows.n_done, rows.n_in_row) == (row, column))
    });
    window.run_steps(2);
    (window, gate, held)
}

/// Lets tokens pass until the worker stands before this one. It looks at an unfinished row only so often,
/// so the last token before is held until a look is due again.
fn wait_for_token(window: &mut Window, gate: &Gate, row: usize, column: usize) -> Held {
    loop {
        let held = gate.wait();
        if held.point == Point::Token(row, column) {
            return held;
        }
        let begin = Instant::now();
        let is_before = held.point == before(row, column);
        window.step();
        while is_before && begin.elapsed() < LOOK_GAP {
            window.step();
        }
    }
}

fn before(row: usize, column: usize) -> Point {
    match column.checked_sub(1) {
        Some(column) => Point::Token(row, column),
        None => Point::Token(row - 1, N_COLUMNS - 1),
    }
}

fn wait_until_rested(window: &mut Window) {
    wait_until(window, "the picture must be at rest", |window| {
        let state = state(window);
        let phase = state.job.as_ref().map(|job| &job.phase);
        matches!(phase, Some(Phase::Finished(_) | Phase::Stopped)) && !state.is_drawing()
    });
    window.run_steps(2);
}

fn rows(window: &Window) -> Option<Rows> {
    state(window).shown_rows()
}

fn is_chosen(window: &Window, label: &str) -> bool {
    let node = window.get_by_role_and_label(Role::RadioButton, label);
    node.accesskit_node().toggled() == Some(Toggled::True)
}

fn n_tokens_drawn(calls: &crate::common::fake_model::Calls) -> usize {
    calls.count(|call| is_token(call.point))
}

#[test]
fn nothing_is_drawn_until_it_is_asked_for_and_live_mode_says_why_not() {
    let model = raster();
    let calls = model.calls();
    let mut window = ready(model, Live::On);
    window.run_steps(20);
    assert_eq!(calls.count(|call| call.point == Point::Start), 0);
    assert!(state(&window).settings.live, "the habit is kept for another model");
    assert!(!state(&window).is_live());
    assert!(window.get_by_label("Live").accesskit_node().is_disabled());
    press(&mut window, Modifiers::COMMAND, Key::L);
    window.get_by_label_contains("token by token, which takes too long");
    assert!(state(&window).settings.live);

    generate(&mut window);
    wait_until_rested(&mut window);
    assert!(state(&window).job.as_ref().is_some_and(Job::is_complete));
    run(&mut window, UiCommand::SetPrompt("a green frog".to_owned()));
    window.run_steps(20);
    assert_eq!(calls.count(|call| call.point == Point::Start), 1, "no change is followed");
}

#[test]
fn a_picture_grows_token_by_token_and_is_whole_at_the_end() {
    let (mut window, gate, held) = held_at(1, 3);
    let expected =
        Rows { n_rows: N_ROWS, n_done: 1, n_columns: N_COLUMNS, n_in_row: 3, is_drawing: true };
    assert_eq!(rows(&window), Some(expected));
    assert!(window.query_all_by_label("Drawing row 2 of 4").next().is_some());
    assert!(window.query_all_by_label_contains("token 9 of 24").next().is_some());
    assert!(window.query_all_by_label_contains(" left").next().is_some(), "the time is known");
    assert!(window.query_by_label_contains("scale").is_none(), "there are no scales");
    window.get_by_label_contains(", row 1 of 4");
    let growing = state(&window).growing().expect("an unfinished row");
    let (filled, clear) = ((3 * 4 - 1, 4), (3 * 4, 4));
    assert_eq!(growing.still.image.get_pixel(filled.0, filled.1).0[3], 255);
    assert_eq!(growing.still.image.get_pixel(clear.0, clear.1).0[3], 0);
    drop(held);
    drop(gate);
    wait_until_rested(&mut window);
    assert_eq!(rows(&window), None, "nothing is hatched");
    assert!(state(&window).growing().is_none());
    assert!(window.query_all_by_label("All 4 rows").next().is_some());
    assert!(is_chosen(&window, "Row 4 of 4"));
    window.check_accessibility();
}

#[test]
fn esc_stops_within_a_row_and_continue_goes_on_with_the_next_token() {
    let (model, gate) = raster().gated(is_token);
    let calls = model.calls();
    let mut window = ready(model, Live::Off);
    generate(&mut window);
    let held = wait_for_token(&mut window, &gate, 1, 2);
    wait_until(&mut window, "the first row", |window| {
        rows(window).is_some_and(|rows| (rows.n_done, rows.n_in_row) == (1, 2))
    });
    press(&mut window, Modifiers::NONE, Key::Escape);
    drop(held);
    wait_until_rested(&mut window);
    assert!(window.query_all_by_label("Stopped at row 1 of 4").next().is_some());
    window.get_by_label("Variant 1: Stopped at 1");
    let stopped = rows(&window).expect("it is not whole");
    assert_eq!((stopped.n_done, stopped.n_in_row, stopped.is_drawing), (1, 2, false));
    let n_before = n_tokens_drawn(&calls);

    click(&mut window, "Continue");
    drop(gate);
    wait_until_rested(&mut window);
    assert!(state(&window).job.as_ref().is_some_and(Job::is_complete));
    // The token at which it was stopped is asked for once more, and none of those before it.
    assert_eq!(n_tokens_drawn(&calls) - n_before, N_ROWS * N_COLUMNS - N_COLUMNS - 2);
    window.get_by_label("Variant 2: Continued from 1");
}

#[test]
fn what_is_stopped_in_the_first_row_can_be_gone_on_with() {
    let (model, gate) = raster().gated(is_token);
    let calls = model.calls();
    let mut window = ready(model, Live::Off);
    generate(&mut window);
    let held = wait_for_token(&mut window, &gate, 0, 3);
    wait_until(&mut window, "a token", |window| {
        rows(window).is_some_and(|rows| rows.n_in_row == 3)
    });
    press(&mut window, Modifiers::SHIFT, Key::Enter);
    drop(held);
    wait_until_rested(&mut window);
    assert!(window.query_all_by_label("Stopped in the first row").next().is_some());
    assert_eq!(rows(&window).map(|rows| (rows.n_done, rows.n_in_row)), Some((0, 3)));
    let n_before = n_tokens_drawn(&calls);
    press(&mut window, Modifiers::SHIFT, Key::Enter);
    drop(gate);
    wait_until_rested(&mut window);
    assert!(state(&window).job.as_ref().is_some_and(Job::is_complete));
    assert_eq!(n_tokens_drawn(&calls) - n_before, N_ROWS * N_COLUMNS - 3);
}

#[test]
fn shift_enter_stops_at_the_shown_row_and_r_draws_what_is_below_anew() {
    let mut window = ready(raster(), Live::Off);
    generate(&mut window);
    wait_until_rested(&mut window);
    let before = request(&window);
    press(&mut window, Modifiers::NONE, Key::Comma);
    press(&mut window, Modifiers::NONE, Key::Comma);
    assert!(is_chosen(&window, "Row 2 of 4"));
    assert_eq!(rows(&window).map(|rows| (rows.n_done, rows.n_in_row)), Some((2, 0)));
    press(&mut window, Modifiers::SHIFT, Key::Enter);
    assert!(window.query_all_by_label("Stopped at row 2 of 4").next().is_some());
    window.get_by_label("Stopped: these rows are kept");
    press(&mut window, Modifiers::SHIFT, Key::Enter);
    wait_until_rested(&mut window);
    assert_eq!((request(&window).n_given(), &request(&window).seeds), (2, &before.seeds));

    window.get_by_role_and_label(Role::RadioButton, "Row 3 of 4").click();
    window.run_steps(2);
    press(&mut window, Modifiers::NONE, Key::R);
    wait_until_rested(&mut window);
    let after = request(&window);
    assert_eq!(after.n_given(), 3);
    assert_ne!(after.seeds, before.seeds);
    window.get_by_label("Variant 4: Re-rolled from 3");
    click(&mut window, "Let go of the kept rows");
    assert!(state(&window).steering.kept.is_none());
}

#[test]
fn dragging_along_the_film_scrubs_through_many_rows() {
    let mut window =
        opened(FakeModel::raster(48, 4), [760.0, 600.0], Live::Off, AppOptions::default());
    wait_until(&mut window, "the model", |window| state(window).model().is_some());
    generate(&mut window);
    wait_until_rested(&mut window);
    let place = |window: &Window, n: usize| {
        window.get_by_role_and_label(Role::RadioButton, &format!("Row {n} of 48")).rect()
    };
    let [first, last] = [1, 48].map(|n| place(&window, n));
    assert!(first.left() >= 0.0 && last.right() <= 760.0 && last.width() > 3.0, "{first} {last}");
    window.drag_at(last.center());
    window.step();
    for step in 1..=8 {
        let to = last.center() + (first.center() - last.center()) * (step as f32 / 8.0);
        window.hover_at(to);
        window.step();
    }
    window.drop_at(first.center());
    window.run_steps(2);
    assert_eq!(state(&window).scrubbed_to, Some(0));
    window.check_accessibility();
}

#[test]
fn layers_that_the_model_cannot_read_wait_and_the_others_are_sent_in_its_size() {
    let model = FakeModel::raster(16, 16).with_control_kinds(&[ControlKind::Lines]);
    let mut window = ready(model, Live::Off);
    let size_px = state(&window).model().expect("a model").image_size_px;
    assert_eq!(size_px, 64);
    let document = state(&window).sketch.document();
    assert!(document.size_px() != size_px && document.has_pixels(), "the sample sketch stays");
    window.get_by_label("Drawn at 256 px; the model sees it at 64 px");
    generate(&mut window);
    wait_until_rested(&mut window);
    let controls = request(&window).controls;
    let kinds: Vec<_> = controls.iter().map(|control| control.map.kind()).collect();
    assert_eq!(kinds, [ControlKind::Lines]);
    assert_eq!(controls[0].map.size_px(), size_px);
    assert!(controls[0].map.values().iter().any(|ink| *ink > 0.5), "lines are still lines");
    window.get_by_label("Draw on depth").hover();
    window.run_steps(60);
    window.get_by_label_contains("reads lines only; depth wait");
}

#[test]
fn looking_back_leaves_the_growing_row_and_looking_forth_follows_it_again() {
    let (mut window, _gate, _held) = held_at(2, 3);
    assert!(is_chosen(&window, "Row 3 of 4"), "it is followed");
    press(&mut window, Modifiers::NONE, Key::Comma);
    assert_eq!(state(&window).scrubbed_to, Some(1), "the rows that are done");
    assert!(is_chosen(&window, "Row 2 of 4") && state(&window).growing().is_none());
    press(&mut window, Modifiers::NONE, Key::Comma);
    assert_eq!(state(&window).scrubbed_to, Some(0));
    assert_eq!(rows(&window).map(|rows| (rows.n_done, rows.is_drawing)), Some((1, false)));
    for _ in 0..2 {
        press(&mut window, Modifiers::NONE, Key::Period);
    }
    assert_eq!(state(&window).scrubbed_to, None);
    window.get_by_role_and_label(Role::RadioButton, "Row 1 of 4").click();
    window.run_steps(2);
    assert!(state(&window).is_drawing(), "a first click only looks");
    window.get_by_role_and_label(Role::RadioButton, "Row 3 of 4").click();
    window.run_steps(2);
    assert!(state(&window).growing().is_some(), "followed again");
}

#[test]
fn a_click_on_the_row_that_is_looked_at_stops_there() {
    let (mut window, gate, held) = held_at(2, 3);
    for _ in 0..2 {
        window.get_by_role_and_label(Role::RadioButton, "Row 1 of 4").click();
        window.run_steps(2);
    }
    drop(held);
    drop(gate);
    wait_until_rested(&mut window);
    assert_eq!(rows(&window).map(|rows| rows.n_done), Some(1));
    window.get_by_label("Variant 1: Stopped at 1");
    assert!(state(&window).steering.is_held);
}

#[test]
fn no_picture_inspires_a_model_without_memory() {
    let mut window = ready(raster(), Live::Off);
    window.get_by_label_contains("This model has no picture memory: it draws from the prompt");
    generate(&mut window);
    wait_until_rested(&mut window);
    let node = state(&window).branches.current.expect("a variant");
    run(&mut window, AddInspirationCommand::MoreLikeNode(node));
    wait_for_label(&mut window, "load the built-in model to be inspired by pictures");
    assert!(state(&window).adding.open.is_none());
}

#[test]
fn the_upper_rows_of_a_picture_are_kept() {
    let mut window = ready(raster(), Live::Off);
    generate(&mut window);
    wait_until_rested(&mut window);
    click(&mut window, "Start from this picture");
    wait_until(&mut window, "the model has looked", |window| {
        state(window).source.as_ref().is_some_and(|source| source.prefix().is_some())
    });
    window.run_steps(2);
    assert!(window.query_all_by_label("Keep upper rows").next().is_some());
    generate(&mut window);
    wait_until_rested(&mut window);
    assert_eq!(request(&window).n_given(), N_ROWS / 2);
    window.get_by_label("Variant 2: Edited from 2");
    assert!(window.query_by_label_contains("scale").is_none());
}

#[test]
fn a_model_of_classes_has_a_search_in_place_of_the_prompt() {
    let names = ["tench, Tinca tinca", "golden retriever", "daisy"];
    let mut window = ready(raster().with_classes(&names), Live::Off);
    window.get_by_label("None yet: choose what to draw");
    assert!(window.query_by_label("3d style").is_none(), "styles are for prompts");
    press(&mut window, Modifiers::ALT, Key::A);
    window.event(egui::Event::Text("golden".to_owned()));
    window.run_steps(2);
    assert!(window.query_by_label("Class 2: daisy").is_none());
    click(&mut window, "Class 1: golden retriever");
    window.get_by_label("golden retriever, class 1");
    generate(&mut window);
    wait_until_rested(&mut window);
    assert_eq!(request(&window).prompt, "golden retriever");
    window.check_accessibility();
}

#[test]
fn the_contact_sheet_speaks_of_rows() {
    let mut window = ready(FakeModel::raster(32, 8), Live::Off);
    generate(&mut window);
    wait_until_rested(&mut window);
    press(&mut window, Modifiers::SHIFT, Key::G);
    window.get_by_label("Stop at row");
    window.get_by_label_contains("16 drafts to row 8: ");
    click(&mut window, "Draw 16 drafts");
    wait_for_label(&mut window, "16 drafts at row 8 of 32");
    assert!(window.query_by_label_contains("scale").is_none());
}

#[test]
fn frames_stay_short_while_a_picture_grows() {
    let size = [1400.0, 1000.0];
    let mut window = opened(FakeModel::raster(32, 32), size, Live::Off, AppOptions::default());
    wait_until(&mut window, "the model", |window| state(window).model().is_some());
    window.run_steps(30);
    let mut times = Vec::new();
    while times.len() < 300 {
        if !state(&window).is_drawing() {
            generate(&mut window);
        }
        let began_at = work_done();
        window.step();
        times.push(work_done().saturating_sub(began_at));
        // The worker gets its turn.
        std::thread::yield_now();
    }
    times.sort_unstable();
    let (median, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    eprintln!("UI work per frame: median {median:?}, p99 {p99:?}");
    assert!(p99 < Duration::from_millis(16), "{p99:?}");
}

/// Writes screenshots into the folder that `UNDERPAINT_SHOTS` names.
#[test]
fn shots() {
    let Some(folder) = std::env::var_os("UNDERPAINT_SHOTS").map(PathBuf::from) else { return };
    for (name, size, theme) in [
        ("dark", [1400.0, 900.0], ThemeChoice::Dark),
        ("light", [1400.0, 900.0], ThemeChoice::Light),
        ("narrow", [800.0, 640.0], ThemeChoice::Dark),
    ] {
        let shot = |window: &mut Window, what: &str| {
            window.run_steps(12);
            let picture = window.render().expect("a frame that wgpu can draw");
            picture.save(folder.join(format!("raster_{name}_{what}.png"))).expect("saved");
        };
        let model = FakeModel::raster(32, 32).with_control_kinds(&[ControlKind::Lines]);
        let (model, gate) = model.gated(is_token);
        let mut window = opened(model, size, Live::On, AppOptions::default());
        wait_until(&mut window, "the model", |window| state(window).model().is_some());
        run(&mut window, UiCommand::SetTheme(theme));
        shot(&mut window, "empty");
        generate(&mut window);
        let held = loop {
            let held = gate.wait();
            window.step();
            if held.point == Point::Token(11, 19) {
                break held;
            }
        };
        shot(&mut window, "growing");
        let mut view = state(&window).settings.view;
        view.comparison = Comparison::SideBySide;
        run(&mut window, UiCommand::SetView(view));
        shot(&mut window, "beside");
        view.comparison = Comparison::Overlay;
        run(&mut window, UiCommand::SetView(view));
        press(&mut window, Modifiers::NONE, Key::Escape);
        drop(held);
        wait_until_rested(&mut window);
        shot(&mut window, "stopped");
        click(&mut window, "Continue");
        drop(gate);
        wait_until_rested(&mut window);
        window.run_steps(40);
        shot(&mut window, "finished");
        for _ in 0..12 {
            press(&mut window, Modifiers::NONE, Key::Comma);
        }
        shot(&mut window, "scrubbed");
        let film = window.get_by_role_and_label(Role::RadioButton, "Row 9 of 32").rect().center();
        window.hover_at(film);
        window.run_steps(60);
        shot(&mut window, "hovered");
        press(&mut window, Modifiers::SHIFT, Key::G);
        shot(&mut window, "sheet");
    }
}
