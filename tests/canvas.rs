//! The canvas really drawn: pixels of the pipeline compared with a plain reference.
//!
//! Runs on any adapter, software ones first; without one, each test says so and passes.

#[path = "common/graphics.rs"]
mod graphics;

use std::sync::Arc;

use eframe::{egui_wgpu, wgpu};
use egui::{Color32, LayerId, Rect, Theme, ViewportId, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::wgpu::WgpuTestRenderer;
use image::{Rgba, RgbaImage};
use underpaint::render::{self, CanvasPaint, GpuPresence};
use underpaint::ui::canvas_view::{CanvasView, Content, Shown, canvas_ui};

use self::graphics::render_state;

const BACKGROUND: Color32 = Color32::from_rgb(30, 60, 90);
const CHECKER: [Color32; 2] = [Color32::from_rgb(200, 200, 200), Color32::from_rgb(100, 110, 120)];
const SCREEN_SIZE: u32 = 64;

/// A screen with one canvas callback on a plain background.
struct Bench(Harness<'static, CanvasPaint>);

impl Bench {
    fn new(format: wgpu::TextureFormat, paint: CanvasPaint) -> Option<Self> {
        let state = render_state(format)?;
        render::install(&state);
        let app = |ui: &mut egui::Ui, paint: &mut CanvasPaint| {
            let painter = ui.ctx().layer_painter(LayerId::background());
            painter.rect_filled(painter.clip_rect(), 0.0, BACKGROUND);
            let area_in_ui = painter.clip_rect().shrink(1.0);
            painter.add(egui_wgpu::Callback::new_paint_callback(area_in_ui, paint.clone()));
        };
        let harness = Harness::builder()
            .with_size(vec2(SCREEN_SIZE as f32, SCREEN_SIZE as f32))
            .renderer(WgpuTestRenderer::from_render_state(state))
            .build_ui_state(app, paint);
        Some(Self(harness))
    }

    fn gamma(paint: CanvasPaint) -> Option<Self> {
        Self::new(wgpu::TextureFormat::Rgba8Unorm, paint)
    }

    /// Draws a frame after changing what is to be drawn.
    fn draw(&mut self, change: impl FnOnce(&mut CanvasPaint)) -> RgbaImage {
        change(self.0.state_mut());
        self.0.step();
        self.0.render().expect("a frame that wgpu can draw")
    }
}

fn paint(picture: RgbaImage, picture_in_screen: Rect) -> CanvasPaint {
    CanvasPaint {
        picture: Arc::new(picture),
        serial: 1,
        picture_in_screen,
        fade: 1.0,
        checker: CHECKER,
        checker_cell_in_screen: 4.0,
        presence: GpuPresence::default(),
    }
}

fn rect(x: f32, y: f32, width: f32, height: f32) -> Rect {
    Rect::from_min_size(pos2(x, y), vec2(width, height))
}

/// Sharp colours, all alphas; nothing about it is smooth.
fn noise(side: u32, seed: u32) -> RgbaImage {
    RgbaImage::from_fn(side, side, |x, y| {
        let hash = [(x, 73_856_093), (y, 19_349_663), (seed, 83_492_791)]
            .map(|(value, prime): (u32, u32)| value.wrapping_mul(prime))
            .into_iter()
            .fold(0, |hash, value| (hash ^ value).wrapping_mul(2_654_435_761));
        let [red, green, blue, alpha] = hash.to_le_bytes();
        // Every other pixel is opaque, some are clear.
        let alpha = if (x + y) % 2 == 0 {
            255
        } else if alpha < 50 {
            0
        } else {
            alpha
        };
        Rgba([red, green, blue, alpha])
    })
}

fn solid(side: u32, colour: [u8; 4]) -> RgbaImage {
    RgbaImage::from_pixel(side, side, Rgba(colour))
}

/// Colour of `above`, straight alpha, on an opaque colour.
fn over(above: [f32; 4], below: Color32) -> [f32; 3] {
    let below = [below.r(), below.g(), below.b()];
    let alpha = above[3] / 255.0;
    std::array::from_fn(|i| above[i] * alpha + f32::from(below[i]) * (1.0 - alpha))
}

/// What one screen pixel must show: the mean of many samples of it, each the nearest picture pixel
/// over its checkerboard cell or, beside the picture, the background.
fn reference(paint: &CanvasPaint, x: u32, y: u32) -> [f32; 3] {
    const N_SAMPLES: u32 = 40;
    let picture = &paint.picture;
    let on = paint.picture_in_screen;
    let checker_cell = |pos: f32, min: f32| ((pos - min) / paint.checker_cell_in_screen).floor();
    // The cell is that of the pixel's centre: the checkerboard lies on whole pixels.
    let cell = checker_cell(x as f32 + 0.5, on.min.x) + checker_cell(y as f32 + 0.5, on.min.y);
    let checker = paint.checker[usize::from(cell.rem_euclid(2.0) == 1.0)];
    let mut sum = [0.0; 3];
    for sample in 0..N_SAMPLES * N_SAMPLES {
        let within = |idx: u32| (idx as f32 + 0.5) / N_SAMPLES as f32;
        let u = (x as f32 + within(sample % N_SAMPLES) - on.min.x) / on.width();
        let v = (y as f32 + within(sample / N_SAMPLES) - on.min.y) / on.height();
        let is_inside = (0.0..1.0).contains(&u) && (0.0..1.0).contains(&v);
        let colour = if is_inside {
            let texel = ((u * picture.width() as f32) as u32, (v * picture.height() as f32) as u32);
            over(picture.get_pixel(texel.0, texel.1).0.map(f32::from), checker)
        } else {
            [BACKGROUND.r(), BACKGROUND.g(), BACKGROUND.b()].map(f32::from)
        };
        sum = std::array::from_fn(|i| sum[i] + colour[i]);
    }
    sum.map(|sum| sum / (N_SAMPLES * N_SAMPLES) as f32)
}

#[track_caller]
fn assert_close(drawn: Rgba<u8>, expected: [f32; 3], tolerance: f32, place: &str) {
    for (channel, expected) in expected.iter().enumerate() {
        let difference = (f32::from(drawn[channel]) - expected).abs();
        assert!(
            difference <= tolerance,
            "{place}: drawn {drawn:?}, channel {channel} of {expected}"
        );
    }
}

#[track_caller]
fn assert_matches_reference(drawn: &RgbaImage, paint: &CanvasPaint, tolerance: f32) {
    for (x, y, pixel) in drawn.enumerate_pixels() {
        let expected = reference(paint, x, y);
        assert_close(*pixel, expected, tolerance, &format!("({x}, {y})"));
        assert_eq!(pixel[3], 255, "({x}, {y}) is transparent");
    }
}

#[test]
fn opaque_pixels_keep_their_colour() {
    let mut picture = noise(4, 1);
    picture.pixels_mut().for_each(|pixel| pixel[3] = 255);
    let Some(mut bench) = Bench::gamma(paint(picture.clone(), rect(16.0, 16.0, 32.0, 32.0))) else {
        return;
    };
    let drawn = bench.draw(|_| {});
    for (x, y, pixel) in picture.enumerate_pixels() {
        for (dx, dy) in [(0, 0), (7, 0), (3, 4), (7, 7)] {
            assert_eq!(drawn.get_pixel(16 + 8 * x + dx, 16 + 8 * y + dy), pixel);
        }
    }
}

#[test]
fn half_transparent_pixels_show_both_checker_colours() {
    let colour = [250, 40, 10, 128];
    let Some(mut bench) = Bench::gamma(paint(solid(4, colour), rect(16.0, 16.0, 32.0, 32.0)))
    else {
        return;
    };
    let drawn = bench.draw(|_| {});
    let colour = colour.map(f32::from);
    assert_close(*drawn.get_pixel(17, 17), over(colour, CHECKER[0]), 1.0, "even cell");
    assert_close(*drawn.get_pixel(21, 17), over(colour, CHECKER[1]), 1.0, "odd cell");
    assert_close(*drawn.get_pixel(21, 21), over(colour, CHECKER[0]), 1.0, "even cell");
}

#[test]
fn every_zoom_shows_the_mean_of_what_a_pixel_covers() {
    let picture = noise(16, 2);
    // Magnified and not, sharp and at odd places, anisotropic and partly off screen.
    let places = [
        rect(8.0, 8.0, 48.0, 48.0),
        rect(10.0, 12.0, 16.0, 16.0),
        rect(9.3, 11.7, 21.9, 21.9),
        rect(4.0, 5.0, 52.4, 52.4),
        rect(20.0, 20.0, 4.0, 4.0),
        rect(20.4, 20.2, 5.3, 3.7),
        rect(30.0, 30.0, 0.8, 0.8),
        rect(1.0, 1.0, 62.0, 62.0),
    ];
    let Some(mut bench) = Bench::gamma(paint(picture, places[0])) else { return };
    for place in places {
        let drawn = bench.draw(|paint| paint.picture_in_screen = place);
        // 40 × 40 samples of hard edges are off by up to a fortieth of the contrast.
        assert_matches_reference(&drawn, bench.0.state(), 5.0);
    }
}

#[test]
fn minified_exactly_is_the_exact_mean() {
    let picture = noise(16, 3);
    let place = rect(20.0, 20.0, 4.0, 4.0);
    let Some(mut bench) = Bench::gamma(paint(picture.clone(), place)) else { return };
    let drawn = bench.draw(|paint| paint.checker = [CHECKER[0]; 2]);
    for (x, y) in [(0, 0), (1, 0), (2, 3), (3, 3)] {
        let block = (0..16).map(|i| *picture.get_pixel(4 * x + i % 4, 4 * y + i / 4));
        let colours = block.map(|pixel| over(pixel.0.map(f32::from), CHECKER[0]));
        let sum = colours.fold([0.0; 3], |sum, colour| std::array::from_fn(|i| sum[i] + colour[i]));
        assert_close(*drawn.get_pixel(20 + x, 20 + y), sum.map(|s| s / 16.0), 2.0, "block mean");
    }
}

#[test]
fn nothing_smears_out_of_the_picture() {
    let Some(mut bench) = Bench::gamma(paint(solid(3, [255; 4]), rect(20.0, 20.0, 24.0, 24.0)))
    else {
        return;
    };
    let drawn = bench.draw(|_| {});
    for (x, y, pixel) in drawn.enumerate_pixels() {
        let is_inside = (20..44).contains(&x) && (20..44).contains(&y);
        let expected = if is_inside { Color32::WHITE } else { BACKGROUND };
        assert_eq!(pixel.0, expected.to_array(), "({x}, {y})");
    }
}

#[test]
fn clear_pixels_leave_no_fringe() {
    // Bright green that must never be seen, next to black, at a zoom that mixes the two.
    let picture = RgbaImage::from_fn(8, 8, |x, _| {
        if x % 2 == 0 { Rgba([0, 255, 0, 0]) } else { Rgba([0, 0, 0, 255]) }
    });
    let Some(mut bench) = Bench::gamma(paint(picture, rect(20.0, 20.0, 4.0, 4.0))) else { return };
    let drawn = bench.draw(|paint| paint.checker = [Color32::BLACK; 2]);
    assert_eq!(drawn.get_pixel(21, 21).0, [0, 0, 0, 255]);
}

#[test]
fn srgb_targets_look_the_same() {
    let place = rect(16.0, 16.0, 32.0, 32.0);
    let format = wgpu::TextureFormat::Rgba8UnormSrgb;
    let Some(mut bench) = Bench::new(format, paint(noise(4, 4), place)) else { return };
    let drawn = bench.draw(|_| {});
    assert_matches_reference(&drawn, bench.0.state(), 2.0);
}

/// Shows `picture` under `serial` at some point of its fade.
fn show(bench: &mut Bench, picture: &RgbaImage, serial: u64, fade: f32) -> [u8; 4] {
    let drawn = bench.draw(|paint| {
        paint.picture = Arc::new(picture.clone());
        paint.serial = serial;
        paint.fade = fade;
    });
    drawn.get_pixel(33, 33).0
}

#[track_caller]
fn assert_colour(drawn: [u8; 4], expected: [u8; 3]) {
    assert_close(Rgba(drawn), expected.map(f32::from), 2.0, "fade");
}

#[test]
fn new_picture_fades_in_over_the_old() {
    let (red, blue) = (solid(4, [240, 0, 0, 255]), solid(4, [0, 0, 200, 255]));
    let Some(mut bench) = Bench::gamma(paint(red.clone(), rect(16.0, 16.0, 32.0, 32.0))) else {
        return;
    };
    assert_colour(show(&mut bench, &red, 1, 0.3), [240, 0, 0]);
    assert_colour(show(&mut bench, &red, 1, 1.0), [240, 0, 0]);
    assert_colour(show(&mut bench, &blue, 2, 0.0), [240, 0, 0]);
    assert_colour(show(&mut bench, &blue, 2, 0.5), [120, 0, 100]);
    assert_colour(show(&mut bench, &blue, 2, 1.0), [0, 0, 200]);
}

#[test]
fn picture_within_a_fade_starts_from_what_is_seen() {
    let (red, blue) = (solid(4, [240, 0, 0, 255]), solid(4, [0, 0, 200, 255]));
    // Half of its alpha with half of the opaque black: what is seen is kept with its alpha.
    let clear = solid(4, [0, 0, 0, 0]);
    let Some(mut bench) = Bench::gamma(paint(red.clone(), rect(16.0, 16.0, 32.0, 32.0))) else {
        return;
    };
    show(&mut bench, &red, 1, 1.0);
    assert_colour(show(&mut bench, &blue, 2, 0.5), [120, 0, 100]);
    assert_colour(show(&mut bench, &clear, 3, 0.0), [120, 0, 100]);
    // (33, 33) lies on an even cell.
    assert_colour(show(&mut bench, &clear, 3, 0.5), [160, 100, 150]);
    assert_colour(show(&mut bench, &red, 4, 0.0), [160, 100, 150]);
    assert_colour(show(&mut bench, &red, 4, 0.25), [180, 75, 113]);
    assert_colour(show(&mut bench, &blue, 5, 0.0), [180, 75, 113]);
    assert_colour(show(&mut bench, &blue, 5, 1.0), [0, 0, 200]);
    assert_colour(show(&mut bench, &red, 6, 0.5), [120, 0, 100]);
}

#[test]
fn picture_that_was_never_seen_is_skipped() {
    let (red, blue) = (solid(4, [240, 0, 0, 255]), solid(4, [0, 0, 200, 255]));
    let Some(mut bench) = Bench::gamma(paint(red.clone(), rect(16.0, 16.0, 32.0, 32.0))) else {
        return;
    };
    show(&mut bench, &red, 1, 1.0);
    show(&mut bench, &solid(4, [0, 255, 0, 255]), 2, 0.0);
    assert_colour(show(&mut bench, &blue, 3, 0.5), [120, 0, 100]);
}

#[test]
fn pixels_are_uploaded_only_with_a_new_serial() {
    let (red, blue) = (solid(4, [240, 0, 0, 255]), solid(4, [0, 0, 200, 255]));
    let Some(mut bench) = Bench::gamma(paint(red.clone(), rect(16.0, 16.0, 32.0, 32.0))) else {
        return;
    };
    assert_colour(show(&mut bench, &red, 1, 1.0), [240, 0, 0]);
    assert_colour(show(&mut bench, &blue, 1, 1.0), [240, 0, 0]);
    assert_colour(show(&mut bench, &blue, 2, 1.0), [0, 0, 200]);
}

#[test]
fn picture_of_another_size_cuts_in() {
    let (red, blue) = (solid(4, [240, 0, 0, 255]), solid(6, [0, 0, 200, 255]));
    let Some(mut bench) = Bench::gamma(paint(red.clone(), rect(16.0, 16.0, 32.0, 32.0))) else {
        return;
    };
    assert_colour(show(&mut bench, &red, 1, 1.0), [240, 0, 0]);
    assert_colour(show(&mut bench, &blue, 2, 0.25), [0, 0, 200]);
    assert_colour(show(&mut bench, &blue, 2, 1.0), [0, 0, 200]);
}

/// The whole widget: two opaque colours side by side at 800 %, drawn with or without our renderer.
fn widget(is_installed: bool) -> Option<Harness<'static, (CanvasView, Option<Shown>)>> {
    let state = render_state(wgpu::TextureFormat::Rgba8Unorm)?;
    if is_installed {
        render::install(&state);
    }
    let picture = RgbaImage::from_fn(2, 2, |x, _| {
        if x == 0 { Rgba([250, 0, 0, 255]) } else { Rgba([0, 0, 250, 255]) }
    });
    let mut view = CanvasView::default();
    view.set_zoom(8.0);
    let shown = Shown { image: Arc::new(picture), serial: 1 };
    let harness = Harness::builder()
        .with_size(vec2(80.0, 80.0))
        .with_theme(Theme::Dark)
        .with_step_dt(0.03)
        .with_render_cursor(false)
        .renderer(WgpuTestRenderer::from_render_state(state))
        .build_ui_state(
            |ui, (view, shown): &mut (CanvasView, Option<Shown>)| {
                // The harness turns animations off.
                ui.style_mut().animation_time = 0.1;
                let shown = shown.as_ref();
                let content = Content { shown, sketch: None, description: "Picture" };
                canvas_ui(ui, view, &content);
            },
            (view, Some(shown)),
        );
    Some(harness)
}

#[track_caller]
fn assert_red_and_blue(harness: &mut Harness<'_, (CanvasView, Option<Shown>)>) {
    harness.step();
    let drawn = harness.render().expect("a frame that wgpu can draw");
    // 16 × 16 points in the middle of the window.
    for (x, y, expected) in [(32, 32, 0), (39, 47, 0), (40, 32, 2), (47, 47, 2)] {
        let mut colour = [0, 0, 0, 255];
        colour[expected] = 250;
        assert_eq!(drawn.get_pixel(x, y).0, colour, "({x}, {y})");
    }
}

#[test]
fn widget_shows_the_picture_in_its_first_frame_and_later() {
    for is_installed in [true, false] {
        let Some(mut harness) = widget(is_installed) else { return };
        for _frame in 0..3 {
            assert_red_and_blue(&mut harness);
        }
    }
}

fn wants_repaint<State>(harness: &Harness<'_, State>) -> bool {
    harness.output().viewport_output[&ViewportId::ROOT].repaint_delay.is_zero()
}

#[test]
fn widget_fades_and_comes_to_rest() {
    let Some(mut harness) = widget(true) else { return };
    assert_red_and_blue(&mut harness);
    for _frame in 0..10 {
        harness.step();
    }
    let image = Arc::new(solid(2, [0, 0, 250, 255]));
    harness.state_mut().1 = Some(Shown { image, serial: 2 });
    let mut reds = vec![];
    for _frame in 0..10 {
        harness.step();
        reds.push(harness.render().unwrap().get_pixel(33, 33)[0]);
        // egui adds a frame of its own at the end.
        let is_fading = reds.last().is_some_and(|red| *red > 0);
        assert!(wants_repaint(&harness) || !is_fading, "{reds:?}");
    }
    assert!(!wants_repaint(&harness), "still repainting after {reds:?}");
    assert!(reds.is_sorted_by(|a, b| a >= b), "{reds:?}");
    assert!(reds.iter().filter(|red| (10..240).contains(*red)).count() >= 2, "{reds:?}");
    assert_eq!(reds.last(), Some(&0));
}
