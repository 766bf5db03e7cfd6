//! The canvas under the user's hand: mouse, wheel, trackpad, pinch, keys and screen readers.

use std::sync::Arc;

use egui::{
    Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, PointerButton, Pos2, Rect, TouchPhase,
    Vec2, pos2, vec2,
};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use image::RgbaImage;
use underpaint::ui::canvas_view::{CanvasTransform, CanvasView, Content, Shown, canvas_ui};

const DESCRIPTION: &str = "Picture, scale 5 of 8";

#[derive(Default)]
struct Bench {
    view: CanvasView,
    shown: Option<Shown>,
}

fn shown(side: u32, serial: u64) -> Shown {
    Shown { image: Arc::new(RgbaImage::new(side, side)), serial }
}

/// A window of 500 × 400 points with a picture of 256 × 256 pixels.
fn harness() -> Harness<'static, Bench> {
    let bench = Bench { shown: Some(shown(256, 1)), ..Default::default() };
    Harness::builder().with_size(vec2(500.0, 400.0)).with_step_dt(1.0 / 60.0).build_ui_state(
        |ui, bench: &mut Bench| {
            let shown = bench.shown.as_ref();
            let content = Content { shown, sketch: None, description: DESCRIPTION };
            canvas_ui(ui, &mut bench.view, &content);
        },
        bench,
    )
}

fn transform(harness: &Harness<'_, Bench>) -> CanvasTransform {
    *harness.state().view.transform()
}

fn in_canvas(harness: &Harness<'_, Bench>, pos_in_ui: Pos2) -> Pos2 {
    transform(harness).canvas_from_ui() * pos_in_ui
}

fn centre_in_canvas(harness: &Harness<'_, Bench>) -> Pos2 {
    in_canvas(harness, transform(harness).area_in_ui().center())
}

fn picture_in_ui(harness: &Harness<'_, Bench>) -> Rect {
    transform(harness).ui_from_canvas() * Rect::from_min_size(Pos2::ZERO, Vec2::splat(256.0))
}

/// Scrolls at a place and lets egui spread the step over its frames.
fn scroll(
    harness: &mut Harness<'_, Bench>,
    pos: Pos2,
    wheel: (MouseWheelUnit, Vec2),
    held: Modifiers,
) {
    harness.hover_at(pos);
    harness.step();
    harness.event(Event::MouseWheel {
        unit: wheel.0,
        delta: wheel.1,
        phase: TouchPhase::Move,
        source: MouseWheelSource::Unknown,
        modifiers: held,
    });
    harness.run_steps(60);
}

fn click(harness: &mut Harness<'_, Bench>, pos: Pos2) {
    harness.hover_at(pos);
    harness.drag_at(pos);
    harness.step();
    harness.event(Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed: false,
        modifiers: Modifiers::NONE,
    });
    harness.step();
}

#[test]
fn fits_and_follows_the_window_until_moved() {
    let mut harness = harness();
    harness.step();
    assert!(harness.state().view.is_fit());
    // 400 points less the harness's margin of 8 and ours of 24 on both sides.
    let fitted = (400.0 - 2.0 * (8.0 + 24.0)) / 256.0;
    assert!((harness.state().view.zoom() - fitted).abs() < 1e-3);

    harness.set_size(vec2(900.0, 700.0));
    harness.step();
    let grown = harness.state().view.zoom();
    assert!(grown > 1.5 * fitted);

    harness.state_mut().view.set_zoom(1.0);
    harness.set_size(vec2(500.0, 400.0));
    harness.step();
    assert_eq!(harness.state().view.zoom(), 1.0);
    assert!((centre_in_canvas(&harness) - pos2(128.0, 128.0)).length() < 1.0);

    harness.state_mut().view.fit();
    harness.step();
    assert!((harness.state().view.zoom() - fitted).abs() < 1e-3);
}

#[test]
fn wheel_zooms_to_the_pointer() {
    let mut harness = harness();
    harness.step();
    let pointer = pos2(210.0, 150.0);
    let (before, zoom) = (in_canvas(&harness, pointer), harness.state().view.zoom());
    scroll(&mut harness, pointer, (MouseWheelUnit::Line, vec2(0.0, 3.0)), Modifiers::NONE);
    let zoomed = harness.state().view.zoom();
    assert!((zoomed / zoom - 1.822).abs() < 0.02, "{zoom} to {zoomed}");
    assert!((in_canvas(&harness, pointer) - before).length() < 1.0);
    assert!(!harness.state().view.is_fit());
}

#[test]
fn shift_wheel_and_trackpad_pan() {
    let mut harness = harness();
    harness.step();
    let (pointer, zoom) = (pos2(210.0, 150.0), harness.state().view.zoom());
    let start = picture_in_ui(&harness).min;
    scroll(&mut harness, pointer, (MouseWheelUnit::Line, vec2(0.0, 1.0)), Modifiers::SHIFT);
    let panned = picture_in_ui(&harness).min;
    assert!((panned - start - vec2(40.0, 0.0)).length() < 1.5, "{start} to {panned}");
    scroll(&mut harness, pointer, (MouseWheelUnit::Point, vec2(-5.0, 7.0)), Modifiers::NONE);
    let scrolled = picture_in_ui(&harness).min;
    assert!((scrolled - panned - vec2(-5.0, 7.0)).length() < 1.5, "{panned} to {scrolled}");
    assert_eq!(harness.state().view.zoom(), zoom);
}

#[test]
fn pinch_and_control_wheel_zoom() {
    let mut harness = harness();
    harness.step();
    let zoom = harness.state().view.zoom();
    harness.hover_at(pos2(200.0, 200.0));
    harness.event(Event::Zoom(2.0));
    harness.step();
    assert!((harness.state().view.zoom() / zoom - 2.0).abs() < 1e-3);
    let wheel = (MouseWheelUnit::Point, vec2(0.0, -7.0));
    scroll(&mut harness, pos2(200.0, 200.0), wheel, Modifiers::CTRL);
    assert!(harness.state().view.zoom() < 1.99 * zoom);
}

#[test]
fn zoom_stops_at_its_limits() {
    let mut harness = harness();
    harness.step();
    harness.hover_at(pos2(200.0, 200.0));
    for _ in 0..20 {
        harness.event(Event::Zoom(3.0));
    }
    harness.step();
    assert_eq!(harness.state().view.zoom(), 64.0);
    for _ in 0..30 {
        harness.event(Event::Zoom(0.3));
    }
    harness.step();
    assert_eq!(harness.state().view.zoom(), 0.05);
    harness.state_mut().view.set_zoom(f32::INFINITY);
    assert_eq!(harness.state().view.zoom(), 64.0);
}

#[test]
fn dragging_pans_and_never_loses_the_picture() {
    for button in [PointerButton::Primary, PointerButton::Middle] {
        let mut harness = harness();
        harness.step();
        let start = picture_in_ui(&harness).min;
        let press = |pos, pressed| Event::PointerButton {
            pos,
            button,
            pressed,
            modifiers: Modifiers::NONE,
        };
        harness.hover_at(pos2(200.0, 200.0));
        harness.event(press(pos2(200.0, 200.0), true));
        harness.hover_at(pos2(220.0, 200.0));
        harness.hover_at(pos2(250.0, 190.0));
        harness.step();
        let panned = picture_in_ui(&harness).min - start;
        assert!((panned - vec2(50.0, -10.0)).length() < 8.0, "{button:?}: {panned}");

        harness.hover_at(pos2(-9000.0, -9000.0));
        harness.step();
        let left = picture_in_ui(&harness).intersect(transform(&harness).area_in_ui());
        assert!(left.width() > 40.0 && left.height() > 40.0, "{button:?}: {left}");
        harness.event(press(pos2(-9000.0, -9000.0), false));
        harness.step();
    }
}

#[test]
fn double_click_fits() {
    let mut harness = harness();
    harness.state_mut().view.set_zoom(20.0);
    harness.step();
    click(&mut harness, pos2(200.0, 200.0));
    assert_eq!(harness.state().view.zoom(), 20.0);
    click(&mut harness, pos2(200.0, 200.0));
    assert!(harness.state().view.is_fit());
    assert!(harness.state().view.zoom() < 2.0);
}

#[test]
fn keys_pan_and_zoom_only_with_focus() {
    let mut harness = harness();
    harness.step();
    let zoom = harness.state().view.zoom();
    harness.key_press(Key::Plus);
    harness.step();
    assert_eq!(harness.state().view.zoom(), zoom);

    harness.key_press(Key::Tab);
    harness.step();
    assert!(harness.get_by_label(DESCRIPTION).accesskit_node().is_focused());
    harness.key_press(Key::Plus);
    harness.step();
    assert!((harness.state().view.zoom() / zoom - 1.25).abs() < 1e-3);
    harness.key_press(Key::Minus);
    harness.step();
    assert!((harness.state().view.zoom() / zoom - 1.0).abs() < 1e-3);

    let start = picture_in_ui(&harness).min;
    for key in [Key::ArrowRight, Key::ArrowDown, Key::ArrowDown] {
        harness.key_press(key);
        harness.step();
    }
    let panned = picture_in_ui(&harness).min - start;
    assert!((panned - vec2(-48.0, -96.0)).length() < 1.5, "{panned}");
    assert!(harness.get_by_label(DESCRIPTION).accesskit_node().is_focused());
}

#[test]
fn empty_and_pixelless_canvases_are_calm() {
    let mut harness = harness();
    for shown in [None, Some(shown(0, 9))] {
        harness.state_mut().shown = shown;
        harness.hover_at(pos2(200.0, 200.0));
        harness.event(Event::Zoom(3.0));
        harness.run();
        harness.get_by_label(DESCRIPTION);
    }
}

#[test]
fn zoom_set_before_there_is_a_picture_holds() {
    let mut harness = harness();
    harness.state_mut().shown = None;
    harness.state_mut().view.set_zoom(2.0);
    harness.step();
    harness.state_mut().shown = Some(shown(64, 3));
    harness.step();
    assert_eq!(harness.state().view.zoom(), 2.0);
    assert!((centre_in_canvas(&harness) - pos2(32.0, 32.0)).length() < 1.0);
}
