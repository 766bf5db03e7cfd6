//! Drawing in the whole window on a fake model: tools, layers, strength, views; by mouse and keys.

use crate::common::fake_model::FakeModel;
use egui::accesskit::{Role, Toggled};
use egui::{Event, Key, Modifiers, PointerButton, Pos2, Rect, pos2, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use underpaint::app::AppOptions;
use underpaint::document::{Document, Plane, Symmetry};
use underpaint::params::{ControlKind, StrengthCurve};
use underpaint::state::{Comparison, Settings, Tool};

use crate::help::*;

/// A window with its first picture and the sample sketch, which draws only when asked.
fn window() -> Window {
    let mut window = window_of(FakeModel::new().with_image_size(256));
    wait_until_finished(&mut window);
    window
}

fn window_of(model: FakeModel) -> Window {
    opened(model, [1280.0, 900.0], Live::Off, AppOptions::default())
}

fn settings(window: &Window) -> &Settings {
    &state(window).settings
}

fn document(window: &Window) -> &Document {
    state(window).sketch.document()
}

/// Bytes of a layer at a pixel.
fn pixel(window: &Window, layer: ControlKind, x: usize, y: usize) -> [u8; 4] {
    document(window).plane(Plane::Pixels(layer)).pixel(x, y)
}

fn canvas(window: &Window) -> Rect {
    window.get_by_label_contains("Picture of").rect()
}

/// Where a pixel of the 256 px canvas lies in a window that shows all of it in `pane`.
fn on(pane: Rect, x: f32, y: f32) -> Pos2 {
    let room = pane.size() - vec2(48.0, 48.0);
    pane.center() + (pos2(x, y) - pos2(128.0, 128.0)) * room.min_elem() / 256.0
}

fn button(pos: Pos2, button: PointerButton, pressed: bool) -> Event {
    Event::PointerButton { pos, button, pressed, modifiers: Modifiers::NONE }
}

fn drag_in_window(window: &mut Window, way: &[Pos2]) {
    let last = way[way.len() - 1];
    window.hover_at(way[0]);
    window.event(button(way[0], PointerButton::Primary, true));
    for pos in &way[1..] {
        window.hover_at(*pos);
    }
    window.event(button(last, PointerButton::Primary, false));
    window.step();
}

/// Drags over pixels of the canvas.
fn drag(window: &mut Window, way: &[(f32, f32)]) {
    let area = canvas(window);
    let way: Vec<Pos2> = way.iter().map(|(x, y)| on(area, *x, *y)).collect();
    drag_in_window(window, &way);
}

const CORNER: [(f32, f32); 3] = [(10.0, 20.0), (20.0, 20.0), (40.0, 20.0)];

#[test]
fn a_stroke_is_drawn_undone_and_redone() {
    let mut window = window();
    let lines = |window: &Window| pixel(window, ControlKind::Lines, 30, 20)[0];
    assert_eq!(lines(&window), 0);
    window.get_by_label("Nothing to undo");
    drag(&mut window, &CORNER);
    assert!(lines(&window) > 200);
    press(&mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!(lines(&window), 0);
    assert!(!state(&window).sketch.history().can_undo(), "one stroke is one step");
    press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert!(lines(&window) > 200);
    window.step();
    click(&mut window, "Undo brush stroke");
    assert_eq!(lines(&window), 0);
    click(&mut window, "Redo brush stroke");
    assert!(lines(&window) > 200);
}

#[test]
fn tools_are_taken_by_key_and_by_click() {
    let mut window = window();
    let tool = |window: &Window| settings(window).tools.tool;
    for (key, expected) in [
        (Key::E, Tool::Eraser),
        (Key::A, Tool::Airbrush),
        (Key::U, Tool::Line),
        (Key::U, Tool::Rectangle),
        (Key::U, Tool::Ellipse),
        (Key::F, Tool::Fill),
        (Key::I, Tool::Picker),
        (Key::H, Tool::Pan),
        (Key::B, Tool::Brush),
    ] {
        press(&mut window, Modifiers::NONE, key);
        assert_eq!(tool(&window), expected);
    }
    for (label, expected) in [("Rectangle", Tool::Rectangle), ("Hand", Tool::Pan)] {
        let named = window.get_by_role_and_label(Role::Button, label);
        assert_ne!(named.accesskit_node().toggled(), Some(Toggled::True));
        named.click();
        window.step();
        window.step();
        assert_eq!(tool(&window), expected);
        let named = window.get_by_role_and_label(Role::Button, label);
        assert_eq!(named.accesskit_node().toggled(), Some(Toggled::True));
    }
}

#[test]
fn letters_are_text_in_a_text_field() {
    let mut window = window();
    window.get_by_role_and_label(Role::MultilineTextInput, "Prompt").focus();
    window.step();
    for key in [Key::E, Key::X, Key::OpenBracket] {
        press(&mut window, Modifiers::NONE, key);
    }
    window.key_down(Key::C);
    window.step();
    assert!(
        !window
            .get_by_label_contains("Picture of")
            .accesskit_node()
            .label()
            .is_none_or(|label| label.contains("without"))
    );
    window.key_up(Key::C);
    let tools = &settings(&window).tools;
    assert_eq!((tools.tool, tools.brush.size_px), (Tool::Brush, 4.0));
    press(&mut window, Modifiers::COMMAND, Key::Z);
    press(&mut window, Modifiers::NONE, Key::Escape);
    press(&mut window, Modifiers::NONE, Key::E);
    assert_eq!(settings(&window).tools.tool, Tool::Eraser);
}

#[test]
fn holding_c_hides_the_sketch() {
    let mut window = window();
    let is_hidden =
        |window: &Window| window.query_by_label_contains("without the sketch").is_some();
    assert!(!is_hidden(&window));
    window.key_down(Key::C);
    window.step();
    window.step();
    assert!(is_hidden(&window));
    window.key_up(Key::C);
    window.step();
    window.step();
    assert!(!is_hidden(&window));
}

#[test]
fn escape_drops_the_stroke_before_it_stops_the_picture() {
    let model = FakeModel::new().with_image_size(256);
    let (model, gate) =
        model.gated(|point| matches!(point, crate::common::fake_model::Point::Step(3)));
    let mut window = window_of(model);
    let held = gate.wait();
    while state(&window).shown().is_none() {
        window.step();
    }
    window.step();
    let at = on(canvas(&window), 10.0, 20.0);
    window.hover_at(at);
    window.event(button(at, PointerButton::Primary, true));
    window.step();
    assert!(state(&window).sketch.is_drawing());
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(!state(&window).sketch.is_pending() && !state(&window).sketch.history().can_undo());
    assert!(state(&window).is_drawing(), "the picture goes on");
    drop(held);
    drop(gate);
    wait_until_finished(&mut window);
}

#[test]
fn dragging_the_strength_is_one_step() {
    let mut window = window();
    let strength = |window: &Window| document(window).layer(ControlKind::Lines).strength().at(0, 4);
    assert_eq!(strength(&window), 1.0);
    let slider = window.get_by_role_and_label(Role::Slider, "Strength").rect();
    let at = |share: f32| pos2(egui::lerp(slider.x_range(), share), slider.center().y);
    drag_in_window(&mut window, &[at(0.5), at(0.4), at(0.3), at(0.25)]);
    assert!((strength(&window) - 0.5).abs() < 0.06, "{}", strength(&window));
    drag_in_window(&mut window, &[at(0.25), at(0.6), at(0.75)]);
    assert!((strength(&window) - 1.5).abs() < 0.06, "{}", strength(&window));
    assert_eq!(state(&window).sketch.history().n_steps(), 2);
    press(&mut window, Modifiers::COMMAND, Key::Z);
    assert!((strength(&window) - 0.5).abs() < 0.06);

    click(&mut window, "Layout ↔ Detail");
    let slider = window.get_by_role_and_label(Role::Slider, "Detail").rect();
    let at = |share: f32| pos2(egui::lerp(slider.x_range(), share), slider.center().y);
    drag_in_window(&mut window, &[at(0.25), at(0.1), at(0.0)]);
    let curve = document(&window).layer(ControlKind::Lines).strength().clone();
    let StrengthCurve::Ends { layout, detail } = curve else { panic!("{curve:?}") };
    assert!(detail < 0.02 && (layout - 0.5).abs() < 0.06, "{layout} {detail}");
}

#[test]
fn layers_are_chosen_hidden_and_cleared() {
    let mut window = window();
    click(&mut window, "Draw on colour");
    assert_eq!(settings(&window).tools.layer, ControlKind::Colour);
    click(&mut window, "Colour #d83a34");
    drag(&mut window, &CORNER);
    assert_eq!(pixel(&window, ControlKind::Colour, 30, 20), [0xd8, 0x3a, 0x34, 255]);
    assert_eq!(settings(&window).tools.recent_colours, [[0xd8, 0x3a, 0x34]]);

    click(&mut window, "Colour in use");
    assert!(!document(&window).layer(ControlKind::Colour).is_visible());
    drag(&mut window, &[(10.0, 40.0), (40.0, 40.0)]);
    assert!(document(&window).layer(ControlKind::Colour).is_visible(), "nobody draws blind");
    window.step();
    window.get_by_label("The colour layer is shown again");

    click(&mut window, "Clear colour");
    assert!(document(&window).layer(ControlKind::Colour).pixels().is_empty());
    assert!(!document(&window).layer(ControlKind::Lines).pixels().is_empty());
    press(&mut window, Modifiers::COMMAND, Key::Z);
    assert!(!document(&window).layer(ControlKind::Colour).pixels().is_empty());
}

#[test]
fn strength_is_painted_and_taken_back() {
    let mut window = window();
    window.get_by_role_and_label(Role::Switch, "Paint strength").click();
    window.step();
    window.step();
    press(&mut window, Modifiers::NONE, Key::X);
    drag(&mut window, &CORNER);
    let weakening =
        |window: &Window| document(window).layer(ControlKind::Lines).weakening().clone();
    assert!(weakening(&window).pixel(30, 20)[0] > 200);
    assert_eq!(pixel(&window, ControlKind::Lines, 30, 20)[0], 0, "the drawing stays");
    window.step();
    click(&mut window, "Clear painted strength");
    assert!(weakening(&window).is_empty());
}

#[test]
fn shapes_fills_and_picks_reach_the_document() {
    let mut window = window();
    press(&mut window, Modifiers::NONE, Key::Num0);
    window.get_by_role_and_label(Role::Button, "Rectangle").click();
    window.step();
    window.step();
    drag(&mut window, &[(5.0, 5.0), (20.0, 15.0), (35.0, 25.0)]);
    assert!(pixel(&window, ControlKind::Lines, 20, 5)[0] > 150, "the upper side");
    assert_eq!(pixel(&window, ControlKind::Lines, 20, 15)[0], 0, "no inside");
    assert_eq!(state(&window).sketch.history().n_steps(), 1);

    click(&mut window, "Draw on colour");
    click(&mut window, "Colour #3c7dd9");
    press(&mut window, Modifiers::NONE, Key::F);
    drag(&mut window, &[(20.0, 15.0)]);
    assert_eq!(pixel(&window, ControlKind::Colour, 20, 15), [0x3c, 0x7d, 0xd9, 255]);
    assert_eq!(pixel(&window, ControlKind::Colour, 60, 15), [0; 4], "the lines hold it back");

    click(&mut window, "Colour #ffffff");
    press(&mut window, Modifiers::NONE, Key::I);
    drag(&mut window, &[(20.0, 15.0)]);
    assert_eq!(settings(&window).tools.inks().ink.colour, [0x3c, 0x7d, 0xd9]);
    assert_eq!(settings(&window).tools.tool, Tool::Fill, "the hand has its tool again");
}

#[test]
fn options_belong_to_the_tool_in_hand() {
    let mut window = window();
    for label in ["Size", "Opacity", "Hardness", "Smoothing", "Symmetry"] {
        window.get_by_label(label);
    }
    assert!(window.query_by_label("Flow").is_none());
    press(&mut window, Modifiers::NONE, Key::CloseBracket);
    assert!(settings(&window).tools.brush.size_px > 4.0);
    press(&mut window, Modifiers::NONE, Key::A);
    window.step();
    window.get_by_label("Flow");
    press(&mut window, Modifiers::NONE, Key::F);
    window.step();
    window.get_by_label("Tolerance");
    window.get_by_label("Grow");
    press(&mut window, Modifiers::NONE, Key::B);
    window.step();
    window.get_by_label("Symmetry").click();
    window.run_steps(3);
    click(&mut window, "Left and right");
    assert_eq!(settings(&window).tools.symmetry, Symmetry::Vertical);
    window.run_steps(3);
    drag(&mut window, &CORNER);
    assert!(pixel(&window, ControlKind::Lines, 225, 20)[0] > 200, "its mirror image");
}

#[test]
fn drawing_beside_the_picture_draws_at_the_same_place() {
    let mut window = window();
    click(&mut window, "Side by side");
    assert_eq!(settings(&window).view.comparison, Comparison::SideBySide);
    for (label, y) in [("Controls", 20.0), ("Result", 40.0)] {
        let pane = window.get_by_role_and_label(Role::Image, label).rect();
        let way = [on(pane, 10.0, y), on(pane, 25.0, y), on(pane, 40.0, y)];
        drag_in_window(&mut window, &way);
        assert!(pixel(&window, ControlKind::Lines, 30, y as usize)[0] > 200, "{label}");
    }
    let n_strokes = state(&window).sketch.history().n_steps();
    assert_eq!(n_strokes, 2, "buttons over the canvas are not drawn through");
    click(&mut window, "Lens");
    assert_eq!(settings(&window).view.comparison, Comparison::Lens);
}

#[test]
fn live_is_switched_by_key_and_button() {
    let mut window = window();
    assert!(!settings(&window).live);
    press(&mut window, Modifiers::COMMAND, Key::L);
    assert!(settings(&window).live);
    window.step();
    let live = window.get_by_role_and_label(Role::Button, "Live");
    assert_eq!(live.accesskit_node().toggled(), Some(Toggled::True));
    live.click();
    window.step();
    window.step();
    assert!(!settings(&window).live);
}
