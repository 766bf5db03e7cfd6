//! Pictures on their way into the sketch, in the whole window: dropped, pasted, tried, accepted or
//! put away; and files of every kind that people have.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::common::fake_model::{FakeModel, Point as At};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageBuffer, ImageFormat, Rgba, RgbaImage};
use underpaint::app::AppOptions;
use underpaint::app::clipboard::{Clipboard, PasteError, Pasted};
use underpaint::app::depth::DepthSource;
use underpaint::document::{Edit, LayerImage, PenPoint};
use underpaint::imaging::ControlMap;
use underpaint::imaging::blocks::BlockSize;
use underpaint::imaging::cutout;
use underpaint::imaging::extract::{Extractor, extract};
use underpaint::imaging::polarity::InkTone;
use underpaint::params::ControlKind;
use underpaint::protocol::{Failure, Inspiration};
use underpaint::state::import::{DepthFrom, ImportSettings, ImportTarget, LinesFrom};
use underpaint::state::{Import, Tool};
use underpaint::ui::{ImportCommand, SketchCommand};

use crate::help::*;

const SIZE_PX: usize = 64;

fn window_with(model: FakeModel, clipboard: Clipboard) -> Window {
    window_of(model, AppOptions { clipboard, ..AppOptions::default() })
}

fn window_of(model: FakeModel, options: AppOptions) -> Window {
    opened(model, [1280.0, 900.0], Live::On, options)
}

fn empty_clipboard() -> Clipboard {
    Clipboard::new(|| Err(PasteError::NoPicture))
}

/// A window with an empty sketch of 64 × 64 pixels.
fn window() -> Window {
    ready(window_with(FakeModel::new().with_image_size(SIZE_PX), empty_clipboard()))
}

fn ready(mut window: Window) -> Window {
    wait_until_finished(&mut window);
    window
}

fn import(window: &Window) -> &Import {
    state(window).imports.open.as_ref().expect("the panel is open")
}

/// Until the panel shows what its settings give.
fn wait_for_preview(window: &mut Window) {
    wait_until(window, "a preview", |window| {
        let open = state(window).imports.open.as_ref();
        open.is_some_and(|import| import.asked.is_some() && !import.is_working())
    });
    window.run_steps(2);
}

fn set(window: &mut Window, change: impl FnOnce(&mut ImportSettings)) {
    let mut settings = import(window).settings;
    change(&mut settings);
    tell(window, ImportCommand::Set(Box::new(settings)));
}

fn layer(window: &Window, kind: ControlKind) -> Vec<u8> {
    state(window).sketch.document().layer(kind).pixels().to_bytes()
}

fn n_steps(window: &Window) -> usize {
    state(window).sketch.history().n_steps()
}

fn expected(picture: &RgbaImage, extractor: Extractor) -> Vec<u8> {
    LayerImage::from_map(&extract(picture, &extractor, SIZE_PX).map).bytes().to_vec()
}

/// A shaded ball on a plain ground: no line drawing.
fn ball() -> RgbaImage {
    RgbaImage::from_fn(200, 150, |x, y| {
        let (dx, dy) = (f32::from(x as u16) - 100.0, f32::from(y as u16) - 75.0);
        let radius = dx.hypot(dy) / 60.0;
        let level = (230.0 - 120.0 * radius - dx) as u8;
        if radius < 1.0 { Rgba([level, level / 2, 40, 255]) } else { Rgba([210, 220, 230, 255]) }
    })
}

/// A ring in thin lines.
fn drawing(ink: u8, paper: u8) -> RgbaImage {
    RgbaImage::from_fn(300, 300, |x, y| {
        let radius = (f32::from(x as u16) - 150.0).hypot(f32::from(y as u16) - 150.0);
        let level = if (radius - 100.0).abs() < 2.0 { ink } else { paper };
        Rgba([level, level, level, 255])
    })
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn picture(&self, name: &str, picture: &RgbaImage) -> PathBuf {
        let path = self.0.path().join(name);
        picture.save(&path).expect("saved");
        path
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).expect("written");
        path
    }
}

/// Drops a picture and waits for its preview.
fn taken_in(window: &mut Window, picture: &RgbaImage) {
    let folder = Folder::new();
    let path = folder.picture("my picture.png", picture);
    let before = state(window).imports.open.as_ref().map(|import| Arc::clone(&import.picture));
    drop_files(window, &[&path]);
    wait_until(window, "the picture must be read", |window| {
        let open = state(window).imports.open.as_ref();
        open.is_some_and(|open| {
            before.as_ref().is_none_or(|before| !Arc::ptr_eq(before, &open.picture))
        })
    });
    wait_for_preview(window);
}

type Change = Box<dyn Fn(&mut ImportSettings)>;

#[test]
fn every_setting_is_shown_on_the_canvas_and_drawn_at_once() {
    let mut window = window();
    taken_in(&mut window, &ball());
    window.get_by_label("my picture");
    window.get_by_label("200 × 150 pixels");
    let lines = |lines: LinesFrom| {
        move |settings: &mut ImportSettings| {
            settings.target = ImportTarget::Layer(ControlKind::Lines);
            settings.lines = lines;
        }
    };
    let depth = |depth: DepthFrom| {
        move |settings: &mut ImportSettings| {
            settings.target = ImportTarget::Layer(ControlKind::Depth);
            settings.depth = depth;
        }
    };
    let colour = |blocks: Option<BlockSize>| {
        move |settings: &mut ImportSettings| {
            settings.target = ImportTarget::Layer(ControlKind::Colour);
            settings.blocks = blocks;
        }
    };
    let defaults = ImportSettings::default();
    let cases: [(Change, Extractor); 8] = [
        (Box::new(lines(LinesFrom::Edges)), Extractor::Canny(defaults.canny)),
        (Box::new(lines(LinesFrom::SoftEdges)), Extractor::SoftEdges(defaults.soft_edges)),
        (Box::new(lines(LinesFrom::Drawing)), Extractor::Drawing(None)),
        (Box::new(depth(DepthFrom::Silhouette)), Extractor::Inflate(defaults.inflate)),
        (Box::new(depth(DepthFrom::Map)), Extractor::DepthMap),
        (Box::new(colour(Some(BlockSize::Px8))), Extractor::ColourBlocks(BlockSize::Px8)),
        (Box::new(colour(Some(BlockSize::Px32))), Extractor::ColourBlocks(BlockSize::Px32)),
        (Box::new(colour(None)), Extractor::Colours),
    ];
    for (change, extractor) in cases {
        set(&mut window, change);
        wait_for_preview(&mut window);
        let kind = extractor.kind();
        assert!(layer(&window, kind) == expected(&ball(), extractor), "{extractor:?}");
        let others = ControlKind::ALL.into_iter().filter(|other| *other != kind);
        for other in others {
            assert!(layer(&window, other).iter().all(|byte| *byte == 0), "{other:?} is left");
        }
        // Live mode draws what is shown.
        wait_until(&mut window, "drawn", |window| {
            let controls = &state(window).job.as_ref().expect("a job").request.controls;
            controls.iter().map(|control| control.map.kind()).eq([kind])
        });
    }
    assert_eq!(n_steps(&window), 0, "nothing is accepted yet");
}

#[test]
fn accepting_is_one_step_and_putting_away_leaves_no_trace() {
    let mut window = window();
    taken_in(&mut window, &ball());
    let lines = layer(&window, ControlKind::Lines);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(state(&window).imports.open.is_none());
    assert!(window.query_by_label("my picture").is_none());
    assert!(layer(&window, ControlKind::Lines).iter().all(|byte| *byte == 0));
    assert_eq!(n_steps(&window), 0);

    taken_in(&mut window, &ball());
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert!(state(&window).imports.open.is_none());
    assert_eq!((n_steps(&window), layer(&window, ControlKind::Lines)), (1, lines));
    let label = state(&window).sketch.history().undo_label();
    assert_eq!(label.as_deref(), Some("Undo import lines"));
    press(&mut window, Modifiers::COMMAND, Key::Z);
    assert!(layer(&window, ControlKind::Lines).iter().all(|byte| *byte == 0));

    // While the panel is open, Undo means the newest thing: the panel.
    press(&mut window, Modifiers::COMMAND, Key::Y);
    taken_in(&mut window, &ball());
    set(&mut window, |settings| settings.target = ImportTarget::Layer(ControlKind::Depth));
    wait_for_preview(&mut window);
    press(&mut window, Modifiers::COMMAND, Key::Z);
    assert!(state(&window).imports.open.is_none());
    assert!(layer(&window, ControlKind::Depth).iter().all(|byte| *byte == 0));
    assert!(layer(&window, ControlKind::Lines).iter().any(|byte| *byte > 0));
}

#[test]
fn the_panel_is_worked_by_its_buttons() {
    let mut window = window();
    taken_in(&mut window, &ball());
    for (label, kind) in [
        ("Use as depth", Some(ControlKind::Depth)),
        ("Use as colours", Some(ControlKind::Colour)),
        ("Use as inspiration", None),
        ("Use as lines", Some(ControlKind::Lines)),
    ] {
        click(&mut window, label);
        let target = import(&window).settings.target;
        assert_eq!(
            import(&window).settings.wanted().map(|wanted| wanted.kind()),
            kind,
            "{target:?}"
        );
    }
    for (label, lines) in [
        ("Lines from soft edges", LinesFrom::SoftEdges),
        ("Lines as they are drawn", LinesFrom::Drawing),
        ("Lines from edges", LinesFrom::Edges),
    ] {
        click(&mut window, label);
        assert_eq!(import(&window).settings.lines, lines);
    }
    window.get_by_role_and_label(Role::Slider, "Lines begin above").focus();
    window.step();
    let before = import(&window).settings.canny;
    press(&mut window, Modifiers::NONE, Key::ArrowRight);
    assert!(import(&window).settings.canny.high > before.high);
    window.check_accessibility();
    wait_for_preview(&mut window);
    click(&mut window, "Accept the picture");
    assert_eq!(n_steps(&window), 1);

    // The next picture begins with the same settings.
    taken_in(&mut window, &ball());
    assert_ne!(import(&window).settings.canny, before);
    click(&mut window, "Cancel");
    assert!(state(&window).imports.open.is_none());
    assert_eq!(n_steps(&window), 1);
}

#[test]
fn keys_in_a_text_field_do_not_accept_or_put_away() {
    let mut window = window();
    taken_in(&mut window, &ball());
    window.get_by_role_and_label(Role::MultilineTextInput, "Prompt").focus();
    window.step();
    press(&mut window, Modifiers::NONE, Key::Enter);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(state(&window).imports.open.is_some(), "Esc left the field");
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(state(&window).imports.open.is_none());
}

#[test]
fn an_accepted_picture_waits_for_its_newest_settings() {
    let mut window = window();
    taken_in(&mut window, &ball());
    set(&mut window, |settings| settings.target = ImportTarget::Layer(ControlKind::Colour));
    assert!(import(&window).is_working());
    tell(&mut window, ImportCommand::Accept);
    wait_until(&mut window, "accepted", |window| state(window).imports.open.is_none());
    let blocks = Extractor::ColourBlocks(BlockSize::default());
    assert!(layer(&window, ControlKind::Colour) == expected(&ball(), blocks));
    assert_eq!(n_steps(&window), 1);
    assert_eq!(state(&window).settings.tools.layer, ControlKind::Colour);
}

#[test]
fn an_inverted_drawing_is_told_and_turned_over_with_a_click() {
    let mut window = window();
    let white_on_black = drawing(255, 0);
    taken_in(&mut window, &white_on_black);
    assert_eq!(import(&window).settings.lines, LinesFrom::Drawing, "told from a photograph");
    wait_for_label(&mut window, "Inverted: the lines were light on dark");
    press(&mut window, Modifiers::NONE, Key::Enter);
    let light = expected(&white_on_black, Extractor::Drawing(Some(InkTone::Light)));
    let dark = expected(&white_on_black, Extractor::Drawing(Some(InkTone::Dark)));
    assert!(layer(&window, ControlKind::Lines) == light && light != dark);

    wait_for_label(&mut window, "Inverted: the lines were light on dark");
    click(&mut window, "Undo");
    assert!(layer(&window, ControlKind::Lines) == dark);
    wait_for_label(&mut window, "Not inverted: the dark parts are lines now");
    assert_eq!(n_steps(&window), 2);
    press(&mut window, Modifiers::COMMAND, Key::Z);
    assert!(layer(&window, ControlKind::Lines) == light, "turning over is undoable");
    // From either side the offer means the other one.
    click(&mut window, "Undo");
    assert!(layer(&window, ControlKind::Lines) == dark);

    // Drawn on since: what was drawn is not replaced.
    stroke(&mut window, &[[10.0, 10.0], [50.0, 30.0]]);
    let drawn_on = layer(&window, ControlKind::Lines);
    click(&mut window, "Undo");
    assert!(layer(&window, ControlKind::Lines) == drawn_on);
    wait_for_label(&mut window, "The lines have changed since");
}

#[test]
fn a_drawing_in_dark_ink_needs_no_words() {
    let mut window = window();
    taken_in(&mut window, &drawing(20, 250));
    press(&mut window, Modifiers::NONE, Key::Enter);
    window.run_steps(3);
    assert!(state(&window).notices.is_empty(), "{:?}", state(&window).notices);
    // Nor one whose ink was chosen by hand.
    taken_in(&mut window, &drawing(255, 0));
    set(&mut window, |settings| settings.ink = Some(InkTone::Light));
    wait_for_preview(&mut window);
    press(&mut window, Modifiers::NONE, Key::Enter);
    window.run_steps(3);
    assert!(state(&window).notices.is_empty(), "{:?}", state(&window).notices);
}

fn pen(pos: [f32; 2], secs: f32) -> PenPoint {
    PenPoint { pos, pressure: 1.0, secs }
}

fn stroke(window: &mut Window, points: &[[f32; 2]]) {
    let points: Vec<_> = (0..).zip(points).map(|(n, pos)| pen(*pos, 0.02 * n as f32)).collect();
    tell(window, SketchCommand::BeginStroke(points[0]));
    for point in &points[1..] {
        tell(window, SketchCommand::Draw(vec![*point]));
        window.step();
    }
    tell(window, SketchCommand::EndStroke);
    window.step();
}

const WAY: [[f32; 2]; 4] = [[4.0, 60.0], [20.0, 40.0], [44.0, 40.0], [60.0, 60.0]];

/// What the stroke along [`WAY`] alone looks like.
fn stroke_alone() -> Vec<u8> {
    let mut window = window();
    stroke(&mut window, &WAY);
    layer(&window, ControlKind::Lines)
}

#[test]
fn drawing_keeps_what_is_on_show_as_a_step_of_its_own() {
    let mut window = window();
    taken_in(&mut window, &ball());
    set(&mut window, |settings| settings.target = ImportTarget::Layer(ControlKind::Depth));
    wait_for_preview(&mut window);
    let depth = layer(&window, ControlKind::Depth);
    stroke(&mut window, &WAY);
    assert!(state(&window).imports.open.is_none());
    assert_eq!(n_steps(&window), 2);
    assert!(layer(&window, ControlKind::Depth) == depth);
    assert!(layer(&window, ControlKind::Lines) == stroke_alone(), "the pen stays on its layer");
    press(&mut window, Modifiers::COMMAND, Key::Z);
    assert!(layer(&window, ControlKind::Lines).iter().all(|byte| *byte == 0));
    assert!(layer(&window, ControlKind::Depth) == depth);
    press(&mut window, Modifiers::COMMAND, Key::Z);
    assert!(layer(&window, ControlKind::Depth).iter().all(|byte| *byte == 0));
}

#[test]
fn a_stroke_that_is_dropped_brings_the_panel_back() {
    let mut window = window();
    taken_in(&mut window, &drawing(255, 0));
    let lines = layer(&window, ControlKind::Lines);
    let shape = SketchCommand::ShowShape { from: [5.0, 5.0], to: [60.0, 50.0] };
    for (tool, begin) in [
        (Tool::Brush, SketchCommand::BeginStroke(pen(WAY[0], 0.0))),
        (Tool::Brush, SketchCommand::BeginErasing(pen(WAY[0], 0.0))),
        (Tool::Line, shape),
    ] {
        tell(&mut window, SketchCommand::TakeTool(tool));
        tell(&mut window, begin);
        assert!(state(&window).imports.open.is_none());
        assert_eq!(n_steps(&window), 1, "kept while drawing");
        tell(&mut window, SketchCommand::Abandon);
        assert!(state(&window).imports.open.is_some());
        assert!(layer(&window, ControlKind::Lines) == lines);
        assert!(!state(&window).sketch.history().can_undo());
        assert!(state(&window).notices.is_empty());
    }
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(layer(&window, ControlKind::Lines).iter().all(|byte| *byte == 0));
}

#[test]
fn a_preview_does_not_end_the_stroke_under_the_pen() {
    let mut window = window();
    tell(&mut window, SketchCommand::BeginStroke(pen(WAY[0], 0.0)));
    tell(&mut window, SketchCommand::Draw(vec![pen(WAY[1], 0.02)]));
    let folder = Folder::new();
    drop_files(&mut window, &[&folder.picture("ball.png", &ball())]);
    run_until_found(&mut window);
    assert!(state(&window).sketch.is_drawing());
    tell(&mut window, SketchCommand::Draw(vec![pen(WAY[2], 0.04)]));
    tell(&mut window, SketchCommand::Draw(vec![pen(WAY[3], 0.06)]));
    tell(&mut window, SketchCommand::EndStroke);
    // Now the preview lies over the stroke, which is a step.
    assert_eq!(n_steps(&window), 1);
    assert!(matches!(state(&window).sketch.draft(), Some(Edit::Import(_))));
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(layer(&window, ControlKind::Lines) == stroke_alone());
}

#[test]
fn a_preview_does_not_replace_a_shape_that_is_being_drawn() {
    let mut window = window();
    tell(&mut window, SketchCommand::TakeTool(Tool::Line));
    let shape = SketchCommand::ShowShape { from: [5.0, 5.0], to: [60.0, 50.0] };
    tell(&mut window, shape);
    let line = layer(&window, ControlKind::Lines);
    assert!(line.iter().any(|byte| *byte > 0));
    let folder = Folder::new();
    drop_files(&mut window, &[&folder.picture("ball.png", &ball())]);
    run_until_found(&mut window);
    assert!(layer(&window, ControlKind::Lines) == line);
    tell(&mut window, SketchCommand::DrawShape);
    assert_eq!(n_steps(&window), 1);
    assert!(matches!(state(&window).sketch.draft(), Some(Edit::Import(_))));
    // The end of a shape that never was is no acceptance.
    tell(&mut window, SketchCommand::DrawShape);
    tell(&mut window, SketchCommand::Abandon);
    assert!(matches!(state(&window).sketch.draft(), Some(Edit::Import(_))));
    assert_eq!(n_steps(&window), 1);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(layer(&window, ControlKind::Lines) == line);
}

fn run_until_found(window: &mut Window) {
    wait_until(window, "found", |window| {
        state(window).imports.open.as_ref().is_some_and(|import| import.found.is_some())
    });
}

#[test]
fn other_changes_of_the_sketch_leave_the_preview_on_show() {
    let mut window = window();
    tell(
        &mut window,
        SketchCommand::Edit(Edit::SetVisible { layer: ControlKind::Lines, visible: false }),
    );
    taken_in(&mut window, &ball());
    let is_visible =
        |window: &Window| state(window).sketch.document().layer(ControlKind::Lines).is_visible();
    assert!(is_visible(&window), "nobody imports without seeing it");
    let shown = layer(&window, ControlKind::Lines);
    let strength = underpaint::params::StrengthCurve::Constant(0.5);
    tell(
        &mut window,
        SketchCommand::Edit(Edit::SetStrength { layer: ControlKind::Lines, strength }),
    );
    assert!(layer(&window, ControlKind::Lines) == shown);
    assert!(state(&window).imports.open.is_some());
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(!is_visible(&window), "as it was");
    assert_eq!(n_steps(&window), 2);
}

#[test]
fn a_picture_becomes_an_inspiration() {
    let mut window = window();
    taken_in(&mut window, &ball());
    click(&mut window, "Use as inspiration");
    assert!(layer(&window, ControlKind::Lines).iter().all(|byte| *byte == 0), "no layer");
    click(&mut window, "Second place");
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait_until(&mut window, "the panel", |window| state(window).adding.open.is_some());
    window.run_steps(2);
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait_for_label(&mut window, "Replace “my picture” in place 2");
    let slot = &state(&window).slots[1];
    let Some(Inspiration::Picture { pixels, .. }) = &slot.chosen else { panic!("{slot:?}") };
    assert_eq!(**pixels, cutout::fitted(&ball(), SIZE_PX).0);
    assert!(state(&window).imports.open.is_none());
}

#[test]
fn pictures_come_while_the_model_is_loading() {
    let (model, mut gate) =
        FakeModel::new().with_image_size(SIZE_PX).gated(|point| point == At::Load);
    let mut window = window_with(model, empty_clipboard());
    let held = gate.wait();
    taken_in(&mut window, &ball());
    assert_eq!(layer(&window, ControlKind::Lines).len(), 256 * 256, "the sketch has a size");
    assert!(layer(&window, ControlKind::Lines).iter().any(|byte| *byte > 0));
    click(&mut window, "Use as inspiration");
    let accept = window.get_by_label("Accept the picture");
    assert!(accept.accesskit_node().is_disabled());
    click(&mut window, "Use as lines");
    drop(held);
    gate.open();
    // The model has another size: the preview follows.
    let mut window = ready(window);
    let canny = Extractor::Canny(ImportSettings::default().canny);
    wait_until(&mut window, "fitted anew", |window| {
        layer(window, ControlKind::Lines) == expected(&ball(), canny)
    });
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(n_steps(&window), 1);
}

#[test]
fn a_sketch_imported_while_the_model_is_loading_is_kept() {
    let (model, mut gate) = FakeModel::new().with_image_size(256).gated(|point| point == At::Load);
    let mut window = window_with(model, empty_clipboard());
    let held = gate.wait();
    taken_in(&mut window, &ball());
    press(&mut window, Modifiers::NONE, Key::Enter);
    let lines = layer(&window, ControlKind::Lines);
    drop(held);
    gate.open();
    let window = ready(window);
    assert!(layer(&window, ControlKind::Lines) == lines);
    let controls = &state(&window).job.as_ref().expect("a job").request.controls;
    assert_eq!(controls.len(), 1);
}

/// A window with a network that answers once a word is sent for each question.
fn window_with_network(network: DepthSource) -> Window {
    let options = AppOptions { depth: network, ..AppOptions::default() };
    ready(window_of(FakeModel::new().with_image_size(SIZE_PX), options))
}

#[test]
fn a_depth_network_takes_its_time_and_holds_nothing_up() {
    let (may_answer, asked) = crossbeam_channel::bounded::<Result<f32, &str>>(8);
    let network = DepthSource::Found(Arc::new(move || {
        let asked = asked.clone();
        Ok(Box::new(move |_: &RgbaImage, size_px| match asked.recv().expect("a word") {
            Ok(level) => {
                let values = vec![level; size_px * size_px];
                Ok(ControlMap::new(ControlKind::Depth, size_px, values).expect("complete"))
            }
            Err(reason) => {
                let (headline, details) = (reason.to_owned(), String::new());
                Err(Failure { headline, details })
            }
        }))
    }));
    let mut window = window_with_network(network);
    taken_in(&mut window, &ball());
    click(&mut window, "Use as depth");
    wait_for_preview(&mut window);
    click(&mut window, "Depth from the depth network");
    wait_for_label(&mut window, "Looking for depth…");
    // Meanwhile everything else works, and the answer to an old question is not shown.
    click(&mut window, "Depth from the silhouette");
    wait_for_preview(&mut window);
    let inflated = Extractor::Inflate(ImportSettings::default().inflate);
    assert!(layer(&window, ControlKind::Depth) == expected(&ball(), inflated));
    click(&mut window, "Depth from the depth network");
    may_answer.send(Ok(0.2)).expect("somebody asks");
    wait_for_preview(&mut window);
    assert!(layer(&window, ControlKind::Depth).iter().all(|byte| *byte == 51));
    assert!(window.query_by_label("Looking for depth…").is_none());
    // Nobody waits twice for the same picture.
    click(&mut window, "The picture is a depth map");
    wait_for_preview(&mut window);
    click(&mut window, "Depth from the depth network");
    wait_for_preview(&mut window);
    assert!(layer(&window, ControlKind::Depth).iter().all(|byte| *byte == 51));

    taken_in(&mut window, &drawing(0, 255));
    click(&mut window, "Use as depth");
    click(&mut window, "Depth from the depth network");
    may_answer.send(Err("The depth network cannot be used: broken")).expect("somebody asks");
    wait_for_label(&mut window, "The depth network cannot be used: broken");
    let accept = window.get_by_label("Accept the picture");
    assert!(accept.accesskit_node().is_disabled(), "there is nothing to accept");
}

#[test]
fn without_a_depth_network_the_panel_says_how_to_get_one() {
    let advice = "Put weights into a folder to let a network see depth".to_owned();
    let mut window = window_with_network(DepthSource::Missing { advice: advice.clone() });
    taken_in(&mut window, &ball());
    click(&mut window, "Use as depth");
    window.get_by_label(&advice);
    let chip = window.get_by_label("Depth from the depth network");
    assert!(chip.accesskit_node().is_disabled());
    chip.click();
    window.run_steps(2);
    assert_eq!(import(&window).settings.depth, DepthFrom::Silhouette);
}

fn paste_window(read: fn() -> Result<Pasted, PasteError>) -> Window {
    let model = FakeModel::new().with_image_size(SIZE_PX);
    ready(window_with(model, Clipboard::new(read)))
}

#[test]
fn pictures_are_pasted_by_key_and_button() {
    let mut window = paste_window(|| Ok(Pasted::Picture(ball())));
    // The system's integration sends this where the clipboard has text beside the picture …
    window.event(Event::Paste("ball.png".to_owned()));
    wait_for_label(&mut window, "Pasted picture");
    wait_for_preview(&mut window);
    press(&mut window, Modifiers::NONE, Key::Escape);
    // … and this where it has none.
    window.event(Event::PasteImage(Arc::new(egui::ColorImage::example())));
    wait_for_label(&mut window, "Pasted picture");
    press(&mut window, Modifiers::NONE, Key::Escape);
    click(&mut window, "Paste");
    wait_for_label(&mut window, "Pasted picture");
    assert_eq!(import(&window).picture.width, 200);
}

#[test]
fn text_fields_keep_their_own_paste() {
    let mut window = paste_window(|| Ok(Pasted::Picture(ball())));
    window.get_by_role_and_label(Role::MultilineTextInput, "Prompt").focus();
    window.step();
    window.event(Event::Paste(", pasted text".to_owned()));
    window.run_steps(3);
    assert!(state(&window).settings.recipe.prompt.contains("pasted text"));
    assert!(!state(&window).imports.is_pasting && state(&window).imports.open.is_none());
    // A picture is nothing that a text field could take.
    window.event(Event::PasteImage(Arc::new(egui::ColorImage::example())));
    wait_for_label(&mut window, "Pasted picture");
}

#[test]
fn a_clipboard_without_a_picture_is_told() {
    for (read, words) in [
        (
            (|| Err(PasteError::NoPicture)) as fn() -> Result<Pasted, PasteError>,
            "There is no picture on the clipboard; copy one first",
        ),
        (|| Ok(Pasted::Files(Vec::new())), "There is no picture on the clipboard"),
        (|| Ok(Pasted::Picture(RgbaImage::new(0, 0))), "There is no picture on the clipboard"),
        (|| Ok(Pasted::Picture(RgbaImage::new(20_000, 1))), "20000×1 pixels and 16384×16384"),
        (|| Ok(Pasted::Files(vec!["/missing.png".into()])), "there is no such picture"),
        (|| Err(PasteError::Occupied), "paste again in a moment"),
    ] {
        let mut window = paste_window(read);
        click(&mut window, "Paste");
        wait_for_label(&mut window, words);
        wait_until(&mut window, "over", |window| !state(window).imports.is_pasting);
        assert!(state(&window).imports.open.is_none());
    }
}

#[test]
fn copied_files_are_pasted() {
    let mut window = paste_window(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures/cmyk.jpg");
        Ok(Pasted::Files(vec![path.clone(), path]))
    });
    click(&mut window, "Paste");
    wait_for_label(&mut window, "2 files came together; the first, “cmyk”, is used");
    assert_eq!((import(&window).picture.width, import(&window).picture.height), (24, 16));
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("the format can be written");
    bytes.into_inner()
}

#[test]
fn odd_pictures_work_and_say_what_is_special() {
    let folder = Folder::new();
    let dot = RgbaImage::from_pixel(1, 1, Rgba([200, 30, 30, 255]));
    let thread = RgbaImage::from_fn(16384, 1, |x, _| Rgba([(x / 64) as u8, 0, 0, 255]));
    let deep =
        ImageBuffer::from_fn(90, 60, |x, y| Rgba([x as u16 * 700, y as u16 * 900, 0, 65535]));
    let deep = encoded(&DynamicImage::ImageRgba16(deep), ImageFormat::Png);
    let mut gif = Vec::new();
    let frames = [[9, 9, 9, 255], [250, 0, 0, 255]];
    let frames = frames.map(|c| Frame::new(RgbaImage::from_pixel(8, 8, Rgba(c))));
    GifEncoder::new(&mut gif).encode_frames(frames).expect("encoded");
    let cases = [
        (folder.picture("dot.png", &dot), "1 × 1 pixels", None),
        (folder.picture("thread.png", &thread), "16384 × 1 pixels", None),
        (folder.file("deep.png", &deep), "90 × 60 pixels", None),
        (
            folder.file("cmyk.jpg", include_bytes!("../fixtures/pictures/cmyk.jpg")),
            "24 × 16 pixels",
            None,
        ),
        (folder.file("moving.gif", &gif), "8 × 8 pixels", Some("The GIF is animated")),
        (
            folder.file("moving.webp", include_bytes!("../fixtures/pictures/animated.webp")),
            "24 × 16 pixels",
            Some("The WebP is animated; its first frame is used"),
        ),
    ];
    let mut window = window();
    for (path, size, note) in cases {
        drop_files(&mut window, &[&path]);
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        wait_for_label(&mut window, &name);
        wait_for_label(&mut window, size);
        if let Some(note) = note {
            wait_for_label(&mut window, note);
        }
        for kind in ControlKind::ALL {
            set(&mut window, |settings| settings.target = ImportTarget::Layer(kind));
            wait_for_preview(&mut window);
            assert!(import(&window).layer().is_some(), "{name} as {}", kind.name());
        }
        window.check_accessibility();
        // Kept as colours, one step each.
        press(&mut window, Modifiers::NONE, Key::Enter);
        assert!(state(&window).imports.open.is_none(), "{name}");
    }
    assert!(n_steps(&window) >= 5);
}

#[test]
fn what_cannot_be_used_is_refused_and_nothing_is_lost() {
    let folder = Folder::new();
    let png = encoded(&DynamicImage::ImageRgba8(ball()), ImageFormat::Png);
    let mut corrupt = png.clone();
    corrupt[60..200].fill(0x55);
    let mut huge = png.clone();
    huge[16..24].copy_from_slice(&[0, 0, 0x80, 0, 0, 0, 0x80, 0]);
    let refused = [
        (folder.file("corrupt.png", &corrupt), "damaged or cut off"),
        (folder.file("cut.png", &png[..png.len() / 2]), "damaged or cut off"),
        (folder.file("empty.png", b""), "empty (0 bytes)"),
        (folder.file("notes.png", b"Dear diary"), "this is not a picture"),
        (folder.file("huge.png", &huge), "32768×32768 pixels and 16384×16384 is the limit"),
        (folder.0.path().to_owned(), "this is a folder; give a picture file"),
        (folder.0.path().join("gone.png"), "there is no such picture"),
        (folder.file("drawing.svg", b"<svg/>"), "save it as PNG first"),
    ];
    let mut window = window();
    stroke(&mut window, &WAY);
    taken_in(&mut window, &ball());
    set(&mut window, |settings| settings.target = ImportTarget::Layer(ControlKind::Depth));
    wait_for_preview(&mut window);
    let depth = layer(&window, ControlKind::Depth);
    for (path, words) in &refused {
        drop_files(&mut window, &[path]);
        wait_until(&mut window, words, |window| {
            state(window).notices.iter().any(|notice| notice.headline.contains(words))
        });
        let is_told = |text: &str| text.starts_with("The picture cannot be used: ");
        assert!(state(&window).notices.iter().all(|notice| is_told(&notice.headline)));
    }
    assert_eq!(import(&window).picture.name, "my picture", "the panel stays as it was");
    assert!(layer(&window, ControlKind::Depth) == depth);
    assert!(layer(&window, ControlKind::Lines) == stroke_alone());
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let path = folder.picture("locked.png", &ball());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("permissions are set");
    if fs::read(&path).is_ok() {
        // Nothing is locked for the superuser.
        return;
    }
    let mut window = window();
    drop_files(&mut window, &[&path]);
    wait_for_label(&mut window, "check its permissions");
}

#[test]
fn of_several_files_the_first_is_used() {
    let folder = Folder::new();
    let first = folder.picture("first.png", &ball());
    let second = folder.picture("second.png", &drawing(0, 255));
    let mut window = window();
    drop_files(&mut window, &[&first, &second, &second]);
    wait_for_label(&mut window, "3 files came together; the first, “first”, is used");
    assert_eq!(import(&window).picture.name, "first");
    // A picture for the layer under the pointer.
    let row = window.get_by_label("Draw on depth").rect();
    window.hover_at(row.center());
    window.step();
    drop_files(&mut window, &[&second]);
    wait_until(&mut window, "opened", |window| import(window).picture.name == "second");
    wait_for_preview(&mut window);
    assert_eq!(import(&window).settings.target, ImportTarget::Layer(ControlKind::Depth));
}
