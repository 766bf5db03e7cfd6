//! The canvas under the user's hand: mouse, pen, fingers, wheel, trackpad, keys, screen readers.

use std::sync::Arc;

use egui::{
    Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, PointerButton, Pos2, Rect,
    TouchDeviceId, TouchId, TouchPhase, Vec2, pos2, vec2,
};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use image::RgbaImage;
use underpaint::state::Tool;
use underpaint::ui::SketchCommand;
use underpaint::ui::canvas_view::{CanvasTransform, CanvasView, Content, Shown, canvas_ui};

const DESCRIPTION: &str = "Picture, scale 5 of 8";

#[derive(Default)]
struct Bench {
    view: CanvasView,
    shown: Option<Shown>,
    drawn: Vec<SketchCommand>,
}

fn shown(side: u32, serial: u64) -> Shown {
    Shown { image: Arc::new(RgbaImage::new(side, side)), serial }
}

/// A window of 500 × 400 points with a picture of 256 × 256 pixels, the hand taken.
fn harness() -> Harness<'static, Bench> {
    harness_with(Tool::Pan)
}

fn harness_with(tool: Tool) -> Harness<'static, Bench> {
    let mut bench = Bench { shown: Some(shown(256, 1)), ..Default::default() };
    bench.view.hand.tool = tool;
    Harness::builder().with_size(vec2(500.0, 400.0)).with_step_dt(1.0 / 60.0).build_ui_state(
        |ui, bench: &mut Bench| {
            let shown = bench.shown.as_ref();
            let content = Content { shown, sketch: None, description: DESCRIPTION };
            canvas_ui(ui, &mut bench.view, &content);
            bench.drawn.extend(bench.view.hand.take_commands());
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

fn button(pos: Pos2, button: PointerButton, pressed: bool, modifiers: Modifiers) -> Event {
    Event::PointerButton { pos, button, pressed, modifiers }
}

/// Goes down at the first position and up at the last; every event has a frame of its own.
fn drag(harness: &mut Harness<'_, Bench>, which: PointerButton, held: Modifiers, way: &[Pos2]) {
    let (first, last) = (way[0], way[way.len() - 1]);
    harness.event(Event::ModifiersChanged(held));
    harness.hover_at(first);
    harness.event(button(first, which, true, held));
    for pos in &way[1..] {
        harness.hover_at(*pos);
    }
    harness.event(button(last, which, false, held));
    harness.event(Event::ModifiersChanged(Modifiers::NONE));
    harness.step();
}

fn touch(id: u64, phase: TouchPhase, pos: Pos2, force: Option<f32>) -> Event {
    Event::Touch { device_id: TouchDeviceId(1), id: TouchId(id), phase, pos, force }
}

/// The first finger or a pen also moves the pointer, as the integration has it.
fn lead(harness: &mut Harness<'_, Bench>, phase: TouchPhase, pos: Pos2, force: Option<f32>) {
    harness.event(touch(1, phase, pos, force));
    match phase {
        TouchPhase::Start => {
            harness.hover_at(pos);
            harness.event(button(pos, PointerButton::Primary, true, Modifiers::NONE));
        }
        TouchPhase::Move => harness.hover_at(pos),
        TouchPhase::End => {
            harness.event(button(pos, PointerButton::Primary, false, Modifiers::NONE));
            harness.event(Event::PointerGone);
        }
        TouchPhase::Cancel => harness.event(Event::PointerGone),
    }
}

fn drawn(harness: &mut Harness<'_, Bench>) -> Vec<SketchCommand> {
    std::mem::take(&mut harness.state_mut().drawn)
}

/// One letter per command: begin, draw, end, erase, show, accept, abandon, fill, pick.
fn spelled(commands: &[SketchCommand]) -> String {
    let letter = |command: &SketchCommand| match command {
        SketchCommand::BeginStroke(_) => 'b',
        SketchCommand::Draw(_) => 'd',
        SketchCommand::EndStroke => 'e',
        SketchCommand::BeginErasing(_) => 'r',
        SketchCommand::ShowShape { .. } => 's',
        SketchCommand::DrawShape => 'a',
        SketchCommand::Abandon => 'x',
        SketchCommand::Fill(_) => 'f',
        SketchCommand::Pick(_) => 'p',
        _ => '?',
    };
    commands.iter().map(letter).collect()
}

fn points(commands: &[SketchCommand]) -> Vec<underpaint::document::PenPoint> {
    let each = |command: &SketchCommand| match command {
        SketchCommand::BeginStroke(point) | SketchCommand::BeginErasing(point) => vec![*point],
        SketchCommand::Draw(points) => points.clone(),
        _ => Vec::new(),
    };
    commands.iter().flat_map(each).collect()
}

#[test]
fn a_fast_stroke_keeps_every_point_of_a_frame() {
    let mut harness = harness_with(Tool::Brush);
    harness.step();
    let start = picture_in_ui(&harness);
    let main = |x, y, pressed| button(pos2(x, y), PointerButton::Primary, pressed, Modifiers::NONE);
    harness.input_mut().events.extend([
        Event::PointerMoved(pos2(200.0, 100.0)),
        main(200.0, 100.0, true),
        Event::PointerMoved(pos2(210.0, 110.0)),
        Event::PointerMoved(pos2(220.0, 110.0)),
        Event::PointerMoved(pos2(230.0, 110.0)),
        main(230.0, 110.0, false),
    ]);
    harness.step();
    let commands = drawn(&mut harness);
    assert_eq!(spelled(&commands), "bde");
    let points = points(&commands);
    let expected = [(200.0, 100.0), (210.0, 110.0), (220.0, 110.0), (230.0, 110.0)];
    assert_eq!(points.len(), expected.len());
    for (point, (x, y)) in points.iter().zip(expected) {
        let pos = in_canvas(&harness, pos2(x, y));
        assert!((pos2(point.pos[0], point.pos[1]) - pos).length() < 1e-3);
        assert_eq!(point.pressure, 1.0);
    }
    assert!(points.windows(2).all(|pair| pair[0].secs < pair[1].secs), "{points:?}");
    assert!(points[3].secs < 0.02, "within one frame");
    assert_eq!(picture_in_ui(&harness), start, "drawing moves nothing");
}

#[test]
fn a_stroke_takes_its_time_over_frames() {
    let mut harness = harness_with(Tool::Airbrush);
    harness.step();
    let way: Vec<Pos2> = (0..13).map(|step| pos2(150.0 + 5.0 * step as f32, 200.0)).collect();
    drag(&mut harness, PointerButton::Primary, Modifiers::NONE, &way);
    let points = points(&drawn(&mut harness));
    let secs = points.last().expect("points").secs;
    assert!((secs - 13.0 / 60.0).abs() < 0.02, "{secs}");
}

#[test]
fn a_pen_has_pressure_and_draws_beside_a_resting_hand() {
    let mut harness = harness_with(Tool::Brush);
    harness.step();
    let zoom = harness.state().view.zoom();
    let pos = pos2(200.0, 100.0);
    lead(&mut harness, TouchPhase::Start, pos, Some(0.25));
    harness.step();
    harness.event(touch(2, TouchPhase::Start, pos2(300.0, 300.0), None));
    lead(&mut harness, TouchPhase::Move, pos + vec2(9.0, 0.0), Some(0.75));
    harness.step();
    harness.event(touch(2, TouchPhase::Move, pos2(290.0, 300.0), None));
    lead(&mut harness, TouchPhase::Move, pos + vec2(18.0, 0.0), Some(0.5));
    harness.step();
    lead(&mut harness, TouchPhase::End, pos + vec2(18.0, 0.0), Some(0.0));
    harness.step();
    let commands = drawn(&mut harness);
    assert_eq!(spelled(&commands), "bdde");
    let pressures: Vec<f32> = points(&commands).iter().map(|point| point.pressure).collect();
    assert_eq!(pressures, [0.25, 0.75, 0.5]);
    assert_eq!(harness.state().view.zoom(), zoom, "the heel of the hand zooms nothing");
}

#[test]
fn one_finger_draws_and_two_pinch() {
    let mut harness = harness_with(Tool::Brush);
    harness.step();
    let zoom = harness.state().view.zoom();
    let (one, other) = (pos2(200.0, 200.0), pos2(260.0, 200.0));
    lead(&mut harness, TouchPhase::Start, one, None);
    harness.step();
    harness.event(touch(2, TouchPhase::Start, other, None));
    harness.step();
    for spread in 1..=10 {
        let by = vec2(3.0 * spread as f32, 0.0);
        lead(&mut harness, TouchPhase::Move, one - by, None);
        harness.event(touch(2, TouchPhase::Move, other + by, None));
        harness.step();
    }
    assert_eq!(spelled(&drawn(&mut harness)), "bx", "the beginning is taken back");
    assert!((harness.state().view.zoom() / zoom - 2.0).abs() < 0.05);

    // Nothing begins until both are lifted.
    lead(&mut harness, TouchPhase::End, one, None);
    harness.step();
    harness.event(touch(2, TouchPhase::End, other, None));
    harness.step();
    lead(&mut harness, TouchPhase::Start, one, None);
    lead(&mut harness, TouchPhase::Move, other, None);
    lead(&mut harness, TouchPhase::End, other, None);
    harness.step();
    assert_eq!(spelled(&drawn(&mut harness)), "bde");
}

#[test]
fn a_late_second_finger_keeps_the_stroke() {
    let mut harness = harness_with(Tool::Brush);
    harness.step();
    lead(&mut harness, TouchPhase::Start, pos2(200.0, 200.0), None);
    harness.run_steps(20);
    harness.event(touch(2, TouchPhase::Start, pos2(260.0, 200.0), None));
    harness.step();
    assert_eq!(spelled(&drawn(&mut harness)), "be");
}

#[test]
fn space_and_the_middle_button_pan_with_a_brush_in_hand() {
    let mut harness = harness_with(Tool::Brush);
    harness.step();
    let start = picture_in_ui(&harness).min;
    let way = [pos2(200.0, 200.0), pos2(220.0, 200.0), pos2(250.0, 190.0)];
    drag(&mut harness, PointerButton::Middle, Modifiers::NONE, &way);
    let moved = picture_in_ui(&harness).min - start;
    assert!((moved - vec2(50.0, -10.0)).length() < 8.0, "{moved}");
    harness.key_down(Key::Space);
    harness.step();
    drag(&mut harness, PointerButton::Primary, Modifiers::NONE, &way);
    harness.key_up(Key::Space);
    harness.step();
    let moved = picture_in_ui(&harness).min - start;
    assert!((moved - vec2(100.0, -20.0)).length() < 16.0, "{moved}");
    assert_eq!(drawn(&mut harness), []);
    drag(&mut harness, PointerButton::Primary, Modifiers::NONE, &way);
    assert_eq!(spelled(&drawn(&mut harness)), "bdde", "Space has been let go");
}

#[test]
fn double_clicks_of_a_brush_do_not_fit() {
    let mut harness = harness_with(Tool::Brush);
    harness.state_mut().view.set_zoom(20.0);
    harness.step();
    click(&mut harness, pos2(200.0, 200.0));
    click(&mut harness, pos2(200.0, 200.0));
    assert_eq!(harness.state().view.zoom(), 20.0);
    assert_eq!(spelled(&drawn(&mut harness)), "bebe");
}

#[test]
fn alt_picks_whatever_is_in_the_hand() {
    for tool in [Tool::Brush, Tool::Ellipse, Tool::Fill, Tool::Picker] {
        let mut harness = harness_with(tool);
        harness.step();
        drag(&mut harness, PointerButton::Primary, Modifiers::ALT, &[pos2(200.0, 150.0)]);
        let commands = drawn(&mut harness);
        let [SketchCommand::Pick([x, y])] = commands[..] else { panic!("{commands:?}") };
        let pos = in_canvas(&harness, pos2(200.0, 150.0));
        assert!((pos2(x, y) - pos).length() < 1e-3);
    }
}

#[test]
fn fills_where_it_is_clicked_but_not_where_fingers_pinch() {
    let mut harness = harness_with(Tool::Fill);
    harness.step();
    drag(&mut harness, PointerButton::Primary, Modifiers::NONE, &[pos2(200.0, 150.0)]);
    assert_eq!(spelled(&drawn(&mut harness)), "f");
    lead(&mut harness, TouchPhase::Start, pos2(200.0, 200.0), None);
    harness.event(touch(2, TouchPhase::Start, pos2(260.0, 200.0), None));
    harness.step();
    lead(&mut harness, TouchPhase::End, pos2(200.0, 200.0), None);
    harness.event(touch(2, TouchPhase::End, pos2(260.0, 200.0), None));
    harness.step();
    assert_eq!(drawn(&mut harness), []);
}

#[test]
fn shapes_follow_the_pointer_and_its_keys() {
    let mut harness = harness_with(Tool::Rectangle);
    harness.step();
    let (from, to) = (pos2(200.0, 150.0), pos2(240.0, 170.0));
    drag(&mut harness, PointerButton::Primary, Modifiers::NONE, &[from, to]);
    let commands = drawn(&mut harness);
    assert_eq!(spelled(&commands), "sa");
    let ends = |command: &SketchCommand| match command {
        SketchCommand::ShowShape { from, to } => [*from, *to].map(|[x, y]| pos2(x, y)),
        other => panic!("{other:?}"),
    };
    let [start, end] = ends(&commands[0]);
    assert!((start - in_canvas(&harness, from)).length() < 1e-3);
    assert!((end - in_canvas(&harness, to)).length() < 1e-3);

    drag(&mut harness, PointerButton::Primary, Modifiers::SHIFT, &[from, to]);
    let size = drawn(&mut harness).first().map(|command| ends(command)[1] - ends(command)[0]);
    let size = size.expect("a shape");
    assert!((size.x - size.y).abs() < 1e-3 && size.x > 20.0, "{size}");

    drag(&mut harness, PointerButton::Primary, Modifiers::NONE, &[from]);
    assert_eq!(drawn(&mut harness), [], "a click is no shape");
}

#[test]
fn escape_drops_and_leaving_keeps() {
    for (tool, event, expected) in [
        (Tool::Brush, Event::PointerGone, "bde"),
        (Tool::Brush, Event::WindowFocused(false), "bde"),
        (Tool::Ellipse, Event::PointerGone, "sa"),
    ] {
        let mut harness = harness_with(tool);
        harness.step();
        harness.hover_at(pos2(200.0, 150.0));
        harness.event(button(pos2(200.0, 150.0), PointerButton::Primary, true, Modifiers::NONE));
        harness.step();
        harness.hover_at(pos2(220.0, 160.0));
        harness.step();
        harness.event(event.clone());
        harness.step();
        assert_eq!(spelled(&drawn(&mut harness)), expected, "{tool:?} {event:?}");
    }
    let mut harness = harness_with(Tool::Brush);
    harness.step();
    let pos = pos2(200.0, 150.0);
    harness.hover_at(pos);
    harness.event(button(pos, PointerButton::Primary, true, Modifiers::NONE));
    harness.step();
    assert!(harness.state().view.hand.is_drawing());
    harness.key_press(Key::Escape);
    harness.step();
    harness.hover_at(pos + vec2(30.0, 0.0));
    harness.step();
    harness.event(button(pos, PointerButton::Primary, false, Modifiers::NONE));
    harness.step();
    assert_eq!(spelled(&drawn(&mut harness)), "bx");
    drag(&mut harness, PointerButton::Primary, Modifiers::NONE, &[pos]);
    assert_eq!(spelled(&drawn(&mut harness)), "be", "and the next stroke begins anew");
}

#[test]
fn the_right_button_erases_with_brushes_alone() {
    for (tool, expected) in [(Tool::Brush, "rde"), (Tool::Line, ""), (Tool::Pan, "")] {
        let mut harness = harness_with(tool);
        harness.step();
        let way = [pos2(200.0, 150.0), pos2(220.0, 150.0)];
        drag(&mut harness, PointerButton::Secondary, Modifiers::NONE, &way[..1]);
        let first = spelled(&drawn(&mut harness));
        assert_eq!(first.replace('d', ""), expected.replace('d', ""), "{tool:?}");
    }
}

#[test]
fn shift_draws_straight_on_from_the_last_stroke() {
    let mut harness = harness_with(Tool::Brush);
    harness.step();
    let (first, second) = (pos2(180.0, 150.0), pos2(260.0, 210.0));
    drag(&mut harness, PointerButton::Primary, Modifiers::SHIFT, &[first]);
    assert!(points(&drawn(&mut harness)).len() <= 2, "nothing to go on from");
    drag(&mut harness, PointerButton::Primary, Modifiers::SHIFT, &[second]);
    let points = points(&drawn(&mut harness));
    let [from, to] = [first, second].map(|pos| in_canvas(&harness, pos));
    let way = (to - from).normalized();
    assert!(points.len() > 10);
    assert!((pos2(points[0].pos[0], points[0].pos[1]) - from).length() < 1e-3);
    for point in &points {
        let offset = pos2(point.pos[0], point.pos[1]) - from;
        assert!(offset.dot(way.rot90()).abs() < 1e-2, "{point:?} is off the line");
    }
    assert!(points.windows(2).all(|pair| pair[0].secs <= pair[1].secs));
}

#[test]
fn what_begins_beside_the_canvas_draws_nothing() {
    let mut harness = harness_with(Tool::Brush);
    harness.step();
    drag(
        &mut harness,
        PointerButton::Primary,
        Modifiers::NONE,
        &[pos2(2.0, 2.0), pos2(200.0, 200.0)],
    );
    assert_eq!(drawn(&mut harness), []);
}
