//! The control layers really drawn: compared with their twin on the processor, through strokes,
//! undo and all ways to see them with the picture.
//!
//! Runs on any adapter, software ones first; without one, each test says so and passes.

#[path = "common/graphics.rs"]
mod graphics;

use std::sync::Arc;

use eframe::{egui_wgpu, wgpu};
use egui::{Color32, LayerId, Pos2, Rect, Theme, Vec2, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use egui_kittest::wgpu::WgpuTestRenderer;
use image::{Rgba, RgbaImage};
use underpaint::document::{
    Brush, Budget, Document, Edit, Editor, Ink, Mode, Pen, PenPoint, Plane, Symmetry,
};
use underpaint::params::ControlKind;
use underpaint::render::{
    self, GpuPresence, LayerStack, LayersPaint, NewStamps, PixelRect, SketchLook, StrokeInLayers,
    flatten,
};
use underpaint::state::Comparison;
use underpaint::ui::canvas_view::{CanvasView, Content, Pane, Shown, SketchView, canvas_ui};

use self::graphics::render_state;

const BACKGROUND: Color32 = Color32::from_rgb(30, 160, 90);
/// No multiple of a tile.
const SIZE_PX: usize = 100;
const ORIGIN: f32 = 6.0;
const MASK: Option<Plane> = Some(Plane::Strength(ControlKind::Depth));
const LOOK: SketchLook = SketchLook {
    ink: Color32::from_rgb(250, 240, 230),
    halo: Color32::from_rgba_premultiplied(10, 20, 30, 140),
    depth: [
        Color32::from_rgba_premultiplied(150, 120, 90, 160),
        Color32::from_rgba_premultiplied(40, 30, 20, 170),
    ],
    wash: Color32::from_rgba_premultiplied(110, 20, 40, 130),
    is_hatched: true,
};

/// A screen with the controls of an editor at 100 % on a plain background.
struct Bench {
    harness: Harness<'static, LayersPaint>,
    editor: Editor,
}

impl Bench {
    fn new(document: Document) -> Option<Self> {
        let state = render_state(wgpu::TextureFormat::Rgba8Unorm)?;
        render::install_with(&state, true);
        let side = SIZE_PX as f32;
        let paint = LayersPaint {
            stack: LayerStack::of(&document, MASK),
            stroke: None,
            look: LOOK,
            canvas_in_screen: Rect::from_min_size(pos2(ORIGIN, ORIGIN), Vec2::splat(side)),
            opacity: 1.0,
            lens_in_screen: None,
            presence: GpuPresence::default(),
        };
        let app = |ui: &mut egui::Ui, paint: &mut LayersPaint| {
            let painter = ui.ctx().layer_painter(LayerId::background());
            painter.rect_filled(painter.clip_rect(), 0.0, BACKGROUND);
            let callback =
                egui_wgpu::Callback::new_paint_callback(painter.clip_rect(), paint.clone());
            painter.add(callback);
        };
        let harness = Harness::builder()
            .with_size(Vec2::splat(side + 2.0 * ORIGIN))
            .renderer(WgpuTestRenderer::from_render_state(state))
            .build_ui_state(app, paint);
        Some(Self { harness, editor: Editor::new(document, Budget::default()) })
    }

    fn paint(&mut self) -> &mut LayersPaint {
        self.harness.state_mut()
    }

    /// Draws a frame, with the stroke under the pen from its stamps, as the canvas view does.
    fn draw(&mut self) -> RgbaImage {
        let document = self.editor.document();
        let mut stack = LayerStack::of(document, MASK);
        let presence = self.harness.state().presence.clone();
        let stroke = self.editor.stroke_in_progress().map(|stroke| {
            let plane = stroke.pen.plane;
            let plane_idx = LayerStack::idx_of(plane, document, MASK).expect("it is seen");
            stack.planes[plane_idx] = Some(stroke.before.plane(plane).clone());
            let stamps = NewStamps::of(&stroke, presence.n_drawn_stamps(stroke.serial));
            StrokeInLayers { plane_idx, stamps }
        });
        let paint = self.paint();
        (paint.stack, paint.stroke) = (stack, stroke);
        self.harness.step();
        self.harness.render().expect("a frame that wgpu can draw")
    }

    /// Compares a frame with the document flattened on the processor.
    #[track_caller]
    fn assert_drawn(&mut self, moment: &str) {
        let drawn = self.draw();
        let look = self.harness.state().look;
        let stack = LayerStack::of(self.editor.document(), MASK);
        let flat = flatten(&stack, &look, PixelRect::whole(SIZE_PX));
        for (idx, flat) in flat.chunks_exact(4).enumerate() {
            let (x, y) = (idx % SIZE_PX, idx / SIZE_PX);
            let pixel = drawn.get_pixel((x as f32 + ORIGIN) as u32, (y as f32 + ORIGIN) as u32);
            for channel in 0..3 {
                let through = 1.0 - f32::from(flat[3]) / 255.0;
                let below = f32::from(BACKGROUND.to_array()[channel]) * through;
                let expected = f32::from(flat[channel]) + below;
                let difference = (f32::from(pixel[channel]) - expected).abs();
                // Three steps of rounding, and a stroke that is up to a level off.
                assert!(difference <= 3.0, "{moment}: ({x}, {y}) is {pixel:?}, not {expected}");
            }
        }
    }
}

fn pen(plane: Plane, size_px: f32) -> Pen {
    let ink = Ink { level: 230, colour: [200, 60, 20] };
    let brush = Brush { size_px, ink, hardness: 0.5, ..Brush::default() };
    Pen { plane, brush, symmetry: Symmetry::None }
}

fn at(x: f32, y: f32, secs: f32) -> PenPoint {
    PenPoint { pos: [x, y], pressure: 0.8, secs }
}

/// Something on every plane.
fn drawn_document() -> Document {
    let mut document = Document::new(SIZE_PX).expect("a usual size");
    for (idx, plane) in Plane::ALL.into_iter().enumerate() {
        let shift = 9.0 * idx as f32;
        let mut pen = pen(plane, 14.0 + shift);
        if matches!(plane, Plane::Strength(_)) {
            pen.brush.ink.level = 60;
        }
        let points =
            vec![at(5.0 + shift, 20.0, 0.0), at(60.0, 30.0 + shift, 0.1), at(80.0, 95.0, 0.2)];
        document.apply(&Edit::Stroke { pen, points }).expect("strokes always fit");
    }
    document
}

#[test]
fn layers_look_the_same_as_on_the_processor() {
    let Some(mut bench) = Bench::new(drawn_document()) else { return };
    bench.assert_drawn("all layers");
    for layer in ControlKind::ALL {
        bench.editor.apply(&Edit::SetVisible { layer, visible: false }).unwrap();
        bench.assert_drawn("one layer less");
    }
    for _layer in ControlKind::ALL {
        assert!(bench.editor.undo());
        bench.assert_drawn("shown again");
    }
    let lines = Plane::Pixels(ControlKind::Lines);
    bench.editor.apply(&Edit::Clear(lines)).unwrap();
    bench.assert_drawn("cleared");
    assert!(bench.editor.undo());
    bench.assert_drawn("back again");
    bench.paint().look.ink = Color32::from_rgb(0, 0, 200);
    bench.assert_drawn("another theme");
}

#[test]
fn strokes_under_the_pen_look_as_they_will() {
    let Some(mut bench) = Bench::new(drawn_document()) else { return };
    bench.assert_drawn("before");
    let mut n_strokes = 0;
    for plane in [
        Plane::Pixels(ControlKind::Lines),
        Plane::Pixels(ControlKind::Colour),
        Plane::Strength(ControlKind::Depth),
        Plane::Pixels(ControlKind::Depth),
    ] {
        for mode in [Mode::Paint, Mode::Erase] {
            let mut pen = pen(plane, 22.0);
            pen.brush.mode = mode;
            pen.symmetry = Symmetry::Vertical;
            bench.editor.begin_stroke(pen);
            bench.assert_drawn("begun");
            for step in 0..5_u8 {
                let step = f32::from(step);
                bench.editor.extend_stroke(&[at(
                    20.0 + 13.0 * step,
                    10.0 + step * step * 5.0,
                    step * 0.03,
                )]);
                bench.assert_drawn("going on");
            }
            assert!(bench.paint().stroke.is_some(), "stamps were drawn");
            // Every other stroke is taken back before it ends.
            n_strokes += 1;
            if n_strokes % 2 == 0 {
                bench.editor.discard();
            } else {
                assert!(bench.editor.end_stroke().is_some());
            }
            bench.assert_drawn("ended");
        }
    }
}

#[test]
fn only_new_stamps_are_sent() {
    let Some(mut bench) = Bench::new(drawn_document()) else { return };
    bench.editor.begin_stroke(pen(Plane::Pixels(ControlKind::Lines), 4.0));
    let mut n_sent = Vec::new();
    for step in 0..12_u8 {
        let step = f32::from(step);
        bench.editor.extend_stroke(&[at(5.0 + 8.0 * step, 50.0, step * 0.02)]);
        bench.draw();
        let stroke = bench.paint().stroke.as_ref().expect("a stroke");
        n_sent.push(stroke.stamps.settled.len());
    }
    let stroke = bench.editor.stroke_in_progress().expect("a stroke");
    assert_eq!(n_sent.iter().sum::<usize>(), stroke.settled.len());
    assert!(n_sent.iter().all(|n_stamps| *n_stamps < 40), "{n_sent:?}");
}

#[test]
fn lens_and_opacity_confine_the_controls() {
    let mut document = Document::new(SIZE_PX).unwrap();
    let everything = pen(Plane::Pixels(ControlKind::Colour), 500.0);
    let brush = Brush { hardness: 1.0, ..everything.brush };
    let points = vec![at(50.0, 50.0, 0.0)];
    document.apply(&Edit::Stroke { pen: Pen { brush, ..everything }, points }).unwrap();
    let Some(mut bench) = Bench::new(document) else { return };
    bench.paint().lens_in_screen = Some((pos2(50.0, 60.0), 20.0));
    bench.paint().opacity = 0.5;
    let drawn = bench.draw();
    let half = [115, 110, 55, 255];
    for (x, y, expected) in [(50, 60, half), (65, 60, half), (50, 43, half)] {
        let pixel = drawn.get_pixel(x, y).0;
        assert!(pixel.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 2), "{pixel:?}");
    }
    for (x, y) in [(72, 60), (50, 38), (10, 10), (99, 99)] {
        assert_eq!(drawn.get_pixel(x, y).0, BACKGROUND.to_array(), "({x}, {y})");
    }
}

#[test]
fn magnified_controls_neither_ring_nor_smear() {
    let mut document = Document::new(8).unwrap();
    let stripe = Pen {
        brush: Brush { hardness: 1.0, ..pen(Plane::Pixels(ControlKind::Lines), 2.0).brush },
        ..pen(Plane::Pixels(ControlKind::Lines), 2.0)
    };
    let points = vec![at(4.0, -6.0, 0.0), at(4.0, 14.0, 0.2)];
    document.apply(&Edit::Stroke { pen: stripe, points }).unwrap();
    let Some(mut bench) = Bench::new(document) else { return };
    bench.paint().look.halo = Color32::TRANSPARENT;
    bench.paint().canvas_in_screen = Rect::from_min_size(pos2(8.0, 8.0), Vec2::splat(80.0));
    let drawn = bench.draw();
    let row: Vec<u8> = (0..96).map(|x| drawn.get_pixel(x, 48)[0]).collect();
    assert!(row[..18].iter().all(|red| *red == BACKGROUND.r()), "{row:?}");
    let (rising, falling) = (&row[8..48], &row[48..88]);
    assert!(rising.is_sorted() && falling.is_sorted_by(|a, b| a >= b), "{row:?}");
    // Smooth: no step of magnified squares anywhere.
    let steepest = row.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max();
    assert!(steepest < Some(40), "{row:?}");
    assert!(row[47] > 180, "{row:?}");
}

/// The whole widget.
struct Window {
    view: CanvasView,
    shown: Option<Shown>,
    editor: Editor,
    comparison: Comparison,
    is_hidden: bool,
}

fn window(comparison: Comparison, is_installed: bool) -> Option<Harness<'static, Window>> {
    let state = render_state(wgpu::TextureFormat::Rgba8Unorm)?;
    if is_installed {
        // With strokes, which a software device would leave to the document.
        render::install_with(&state, true);
    }
    let mut document = Document::new(64).expect("a usual size");
    let mut red = pen(Plane::Pixels(ControlKind::Colour), 300.0);
    red.brush.ink.colour = [255, 0, 0];
    red.brush.hardness = 1.0;
    let points = vec![at(32.0, 32.0, 0.0)];
    document.apply(&Edit::Stroke { pen: red, points }).expect("strokes always fit");
    let blue = RgbaImage::from_pixel(64, 64, Rgba([0, 0, 250, 255]));
    let window = Window {
        view: CanvasView::default(),
        shown: Some(Shown { image: Arc::new(blue), serial: 1 }),
        editor: Editor::new(document, Budget::default()),
        comparison,
        is_hidden: false,
    };
    let harness = Harness::builder()
        .with_size(vec2(520.0, 300.0))
        .with_theme(Theme::Dark)
        .with_render_cursor(false)
        .renderer(WgpuTestRenderer::from_render_state(state))
        .build_ui_state(
            |ui, window: &mut Window| {
                let sketch = SketchView {
                    document: window.editor.document(),
                    stroke: window.editor.stroke_in_progress(),
                    comparison: window.comparison,
                    controls_opacity: 0.5,
                    is_hidden: window.is_hidden,
                    mask: None,
                };
                let shown = window.shown.as_ref();
                let content = Content { shown, sketch: Some(sketch), description: "Picture" };
                canvas_ui(ui, &mut window.view, &content);
            },
            window,
        );
    Some(harness)
}

/// Red and blue of what is seen at a place.
fn red_and_blue(harness: &mut Harness<'_, Window>, at: Pos2) -> (u8, u8) {
    harness.step();
    let drawn = harness.render().expect("a frame that wgpu can draw");
    let pixel = drawn.get_pixel(at.x as u32, at.y as u32);
    (pixel[0], pixel[2])
}

#[track_caller]
fn assert_near(found: (u8, u8), expected: (u8, u8)) {
    let is_near = found.0.abs_diff(expected.0) <= 3 && found.1.abs_diff(expected.1) <= 3;
    assert!(is_near, "{found:?} instead of {expected:?}");
}

#[test]
fn overlay_mixes_and_hides_at_once() {
    for is_installed in [true, false] {
        let Some(mut harness) = window(Comparison::Overlay, is_installed) else { return };
        let middle = pos2(260.0, 150.0);
        for _frame in 0..3 {
            assert_near(red_and_blue(&mut harness, middle), (128, 125));
        }
        harness.state_mut().is_hidden = true;
        assert_near(red_and_blue(&mut harness, middle), (0, 250));
        harness.state_mut().is_hidden = false;
        harness.state_mut().shown = None;
        assert_near(red_and_blue(&mut harness, middle), (255, 0));
    }
}

#[test]
fn side_by_side_shows_both_with_one_transform() {
    for is_installed in [true, false] {
        let Some(mut harness) = window(Comparison::SideBySide, is_installed) else { return };
        harness.step();
        let panes = harness.state().view.panes();
        let second = panes.second.expect("two panes");
        assert_near(red_and_blue(&mut harness, panes.first.center()), (255, 0));
        assert_near(red_and_blue(&mut harness, second.center()), (0, 250));
        harness.get_by_label("Controls");
        harness.get_by_label("Result");

        let view = &harness.state().view;
        let (left, right) = (panes.first.min + vec2(70.0, 90.0), second.min + vec2(70.0, 90.0));
        let [point, same] = [left, right].map(|pos| view.canvas_point(pos).expect("a canvas"));
        assert!((pos2(point[0], point[1]) - pos2(same[0], same[1])).length() < 0.1);
        // A stroke that began on the left goes on over the right.
        let beyond = view.canvas_point_in(Pane::First, right).expect("a canvas");
        assert!(beyond[0] > 64.0);
        let back = view.ui_point_in(Pane::Second, same);
        assert!((back - right).length() < 0.1);

        // Zooming keeps what is under the pointer, in the right pane too.
        harness.hover_at(right);
        harness.event(egui::Event::Zoom(1.5));
        harness.run_steps(3);
        let zoomed = harness.state().view.canvas_point(right).expect("a canvas");
        assert!((pos2(zoomed[0], zoomed[1]) - pos2(same[0], same[1])).length() < 1.0);
    }
}

#[test]
fn lens_follows_the_pointer() {
    for is_installed in [true, false] {
        let Some(mut harness) = window(Comparison::Lens, is_installed) else { return };
        harness.step();
        harness.hover_at(pos2(150.0, 150.0));
        assert_near(red_and_blue(&mut harness, pos2(190.0, 150.0)), (128, 125));
        assert_near(red_and_blue(&mut harness, pos2(350.0, 150.0)), (0, 250));
        harness.hover_at(pos2(400.0, 150.0));
        assert_near(red_and_blue(&mut harness, pos2(350.0, 150.0)), (128, 125));
    }
}

#[test]
fn there_is_no_point_without_a_canvas() {
    let view = CanvasView::default();
    assert_eq!(view.canvas_point(pos2(10.0, 10.0)), None);
    let Some(mut harness) = window(Comparison::Overlay, false) else { return };
    harness.step();
    let view = &harness.state().view;
    let outside = view.canvas_point(pos2(-300.0, 900.0)).expect("goes on beyond the canvas");
    assert!(outside[0] < 0.0 && outside[1] > 64.0);
}

#[test]
fn the_stroke_under_the_pen_is_seen_and_stays() {
    for is_installed in [true, false] {
        let Some(mut harness) = window(Comparison::SideBySide, is_installed) else { return };
        harness.step();
        let mut blue = pen(Plane::Pixels(ControlKind::Colour), 16.0);
        blue.brush.ink.colour = [0, 0, 240];
        blue.brush.hardness = 1.0;
        let view = &harness.state().view;
        let [early, late] =
            [[12.0, 32.0], [50.0, 32.0]].map(|at| view.ui_point_in(Pane::First, at));
        assert_near(red_and_blue(&mut harness, early), (255, 0));
        harness.state_mut().editor.begin_stroke(blue);
        for step in 0..8_u8 {
            let step = f32::from(step);
            let points = [at(6.0 + 7.0 * step, 32.0, 0.02 * step)];
            harness.state_mut().editor.extend_stroke(&points);
            harness.step();
        }
        for _frame in 0..2 {
            assert_near(red_and_blue(&mut harness, early), (0, 240));
            assert_near(red_and_blue(&mut harness, late), (0, 240));
            harness.state_mut().editor.end_stroke();
        }
        assert!(harness.state_mut().editor.undo());
        assert_near(red_and_blue(&mut harness, early), (255, 0));
        assert_near(red_and_blue(&mut harness, late), (255, 0));
    }
}
