//! Drawing and taking back: whatever happens, the document is what its commands make of an empty
//! canvas, and a stroke under the pen is the stroke it will be.

use std::sync::Arc;

use proptest::prelude::*;
use underpaint::document::{
    Brush, Budget, BuildUp, ControlCache, Document, DocumentError, Edit, Editor, FillArea, Ink,
    LayerImage, Mode, Pen, PenPoint, Plane, Point, PressureCurve, Shape, ShapeKind, Symmetry,
};
use underpaint::params::{ControlKind, StrengthCurve};

/// Two tiles wide, the second cut off.
const SIZE_PX: usize = 90;

#[derive(Debug, Clone)]
enum Action {
    Apply(Edit),
    /// A stroke drawn live, in portions of this many points; dropped if `discarded`.
    Draw {
        pen: Pen,
        points: Vec<PenPoint>,
        portion: usize,
        discarded: bool,
    },
    /// A draft, accepted or not.
    Draft {
        edit: Edit,
        accepted: bool,
    },
    EndDrag,
    Undo(usize),
    Redo(usize),
}

fn kinds() -> impl Strategy<Value = ControlKind> {
    prop::sample::select(ControlKind::ALL.to_vec())
}

fn positions() -> impl Strategy<Value = Point> {
    let size = SIZE_PX as f32;
    prop::array::uniform2(-20.0..size + 20.0)
}

fn symmetries() -> impl Strategy<Value = Symmetry> {
    prop_oneof![
        4 => Just(Symmetry::None),
        1 => Just(Symmetry::Vertical),
        1 => Just(Symmetry::Horizontal),
        1 => Just(Symmetry::Both),
        1 => (1_u8..7).prop_map(Symmetry::Radial),
    ]
}

fn brushes() -> impl Strategy<Value = Brush> {
    let nib = (0.5_f32..40.0, 0.0_f32..1.0, 0.05_f32..1.0, 0.05_f32..0.6, 0.0_f32..0.1);
    (nib, any::<[u8; 4]>(), any::<[bool; 3]>()).prop_map(
        |(
            (size_px, hardness, opacity, spacing, smoothing_secs),
            ink,
            [erases, builds, presses],
        )| {
            let curve = PressureCurve { least: 0.1, bend: 0.4 };
            let by_pressure = if presses { curve } else { PressureCurve::OFF };
            Brush {
                mode: if erases { Mode::Erase } else { Mode::Paint },
                build_up: if builds { BuildUp::Accumulating } else { BuildUp::Capped },
                ink: Ink { level: ink[0], colour: [ink[1], ink[2], ink[3]] },
                size_px,
                hardness,
                opacity,
                flow: 0.3,
                spacing,
                smoothing_secs,
                size_by_pressure: by_pressure,
                opacity_by_pressure: by_pressure,
            }
        },
    )
}

fn pens() -> impl Strategy<Value = Pen> {
    (prop::sample::select(Plane::ALL.to_vec()), brushes(), symmetries())
        .prop_map(|(plane, brush, symmetry)| Pen { plane, brush, symmetry })
}

fn pen_points() -> impl Strategy<Value = Vec<PenPoint>> {
    let point = (positions(), 0.0_f32..1.0, 0.0_f32..0.02);
    prop::collection::vec(point, 0..12).prop_map(|points| {
        let mut now = 0.0;
        let timed = points.into_iter().map(|(pos, pressure, secs)| {
            now += secs;
            PenPoint { pos, pressure, secs: now }
        });
        timed.collect()
    })
}

fn edits() -> impl Strategy<Value = Edit> {
    let shape_kinds = prop_oneof![
        Just(ShapeKind::Line),
        any::<bool>().prop_map(|filled| ShapeKind::Rectangle { filled }),
        any::<bool>().prop_map(|filled| ShapeKind::Ellipse { filled }),
    ];
    let shapes = (shape_kinds, positions(), positions()).prop_map(|(kind, from, to)| Shape {
        kind,
        from,
        to,
    });
    let areas =
        (positions(), prop::sample::select(Plane::ALL.to_vec()), any::<u8>(), 0_u8..3).prop_map(
            |(from, within, tolerance, grow_px)| FillArea { from, within, tolerance, grow_px },
        );
    prop_oneof![
        4 => (pens(), pen_points()).prop_map(|(pen, points)| Edit::Stroke { pen, points }),
        2 => (pens(), shapes).prop_map(|(pen, shape)| Edit::Shape { pen, shape }),
        1 => (pens(), areas).prop_map(|(pen, area)| Edit::Fill { pen, area }),
        1 => prop::sample::select(Plane::ALL.to_vec()).prop_map(Edit::Clear),
        1 => (kinds(), any::<u64>()).prop_map(|(kind, seed)| Edit::Import(layer_image(kind, seed))),
        1 => (kinds(), any::<bool>())
            .prop_map(|(layer, visible)| Edit::SetVisible { layer, visible }),
        3 => (kinds(), 0.0_f32..2.0, 0.0_f32..2.0).prop_map(|(layer, layout, detail)| {
            Edit::SetStrength { layer, strength: StrengthCurve::Ends { layout, detail } }
        }),
    ]
}

/// Blocks of pseudo-random bytes, a third of them empty.
fn layer_image(kind: ControlKind, seed: u64) -> LayerImage {
    let byte = |idx: usize| {
        let hash = (idx as u64 / 300 + seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        if hash.is_multiple_of(3) { 0 } else { hash as u8 }
    };
    let n_bytes = SIZE_PX * SIZE_PX * kind.n_channels();
    LayerImage::new(kind, SIZE_PX, (0..n_bytes).map(byte).collect::<Vec<u8>>())
        .expect("as many bytes as a layer has")
}

fn actions() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => edits().prop_map(Action::Apply),
        2 => (pens(), pen_points(), 1_usize..5, prop::bool::weighted(0.2)).prop_map(
            |(pen, points, portion, discarded)| Action::Draw { pen, points, portion, discarded }
        ),
        1 => (edits(), any::<bool>()).prop_map(|(edit, accepted)| Action::Draft { edit, accepted }),
        1 => Just(Action::EndDrag),
        4 => (1_usize..4).prop_map(Action::Undo),
        3 => (1_usize..4).prop_map(Action::Redo),
    ]
}

fn empty() -> Document {
    Document::new(SIZE_PX).expect("a small canvas")
}

/// A history that keeps nothing but the list of commands, and knows drags.
#[derive(Default)]
struct Script {
    /// Per step the commands that it is made of.
    steps: Vec<Vec<Edit>>,
    undone: Vec<Vec<Edit>>,
    is_open: bool,
}

impl Script {
    fn rendered(&self) -> Document {
        let mut document = empty();
        for edit in self.steps.iter().flatten() {
            document.apply(edit).expect("edits fit the canvas");
        }
        document
    }

    fn push(&mut self, edit: Edit) {
        let before = self.rendered();
        let mut after = before.clone();
        after.apply(&edit).expect("edits fit the canvas");
        if before == after {
            return;
        }
        let slider = |edit: &Edit| match edit {
            Edit::SetStrength { layer, .. } => Some(*layer),
            _ => None,
        };
        if !self.undone.is_empty() {
            self.undone.clear();
            self.is_open = false;
        }
        match self.steps.last_mut() {
            Some(last)
                if self.is_open && slider(&edit).is_some() && slider(&last[0]) == slider(&edit) =>
            {
                last.push(edit);
                let joined = self.steps.pop().expect("there is a last one");
                if self.rendered() != after {
                    self.steps.push(joined);
                }
            }
            _ => self.steps.push(vec![edit]),
        }
        self.is_open = true;
    }

    fn undo(&mut self) -> bool {
        self.is_open = false;
        let step = self.steps.pop();
        let done = step.is_some();
        self.undone.extend(step);
        done
    }

    fn redo(&mut self) -> bool {
        self.is_open = false;
        let step = self.undone.pop();
        let done = step.is_some();
        self.steps.extend(step);
        done
    }
}

fn draw(editor: &mut Editor, pen: Pen, points: &[PenPoint], portion: usize) {
    editor.begin_stroke(pen);
    for points in points.chunks(portion) {
        editor.extend_stroke(points);
    }
}

fn act(editor: &mut Editor, script: &mut Script, action: Action) {
    match action {
        Action::Apply(edit) => {
            editor.apply(&edit).expect("edits fit the canvas");
            script.push(edit);
        }
        Action::Draw { pen, points, portion, discarded } => {
            draw(editor, pen, &points, portion);
            if discarded {
                editor.discard();
            } else {
                editor.end_stroke();
                script.push(Edit::Stroke { pen, points });
            }
        }
        Action::Draft { edit, accepted } => {
            // A first draft that the real one replaces.
            editor
                .show_draft(Edit::Clear(Plane::Pixels(ControlKind::Lines)))
                .expect("edits fit the canvas");
            editor.show_draft(edit.clone()).expect("edits fit the canvas");
            if accepted {
                editor.accept_draft();
                script.push(edit);
            } else {
                editor.discard();
            }
        }
        Action::EndDrag => {
            editor.end_drag();
            script.is_open = false;
        }
        Action::Undo(n_steps) => {
            for _ in 0..n_steps {
                assert_eq!(editor.undo(), script.undo());
                assert_eq!(editor.document(), &script.rendered());
            }
        }
        Action::Redo(n_steps) => {
            for _ in 0..n_steps {
                assert_eq!(editor.redo(), script.redo());
                assert_eq!(editor.document(), &script.rendered());
            }
        }
    }
    assert_eq!(editor.document(), &script.rendered());
    assert_eq!(editor.history().n_steps(), script.steps.len() + script.undone.len());
    assert_eq!(editor.history().can_redo(), !script.undone.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_document_is_what_its_commands_make(
        actions in prop::collection::vec(actions(), 1..14),
        // From nothing kept uncompressed to everything.
        recent in prop::sample::select(vec![0_usize, 20_000, 1 << 30]),
    ) {
        let budget = Budget { recent, total: usize::MAX };
        let mut editor = Editor::new(empty(), budget);
        let mut script = Script::default();
        for action in actions {
            act(&mut editor, &mut script, action);
        }
        while editor.undo() {}
        prop_assert_eq!(editor.document(), &empty());
    }

    #[test]
    fn a_stroke_under_the_pen_is_the_stroke_it_will_be(
        first in edits(),
        pen in pens(),
        points in pen_points(),
        portion in 1_usize..4,
    ) {
        let mut editor = Editor::new(empty(), Budget::default());
        editor.apply(&first).unwrap();
        let before = editor.document().clone();
        editor.begin_stroke(pen);
        let mut drawn = Vec::new();
        for points in points.chunks(portion) {
            editor.extend_stroke(points);
            drawn.extend_from_slice(points);
            let mut at_once = before.clone();
            at_once.apply(&Edit::Stroke { pen, points: drawn.clone() }).unwrap();
            prop_assert_eq!(editor.document(), &at_once);
        }
        let shown = editor.document().clone();
        let edit = editor.end_stroke();
        prop_assert_eq!(editor.document(), &shown);
        prop_assert_eq!(edit.is_some(), shown != before);
    }

    #[test]
    fn edits_can_be_written_down(edit in edits()) {
        let text = serde_json::to_string(&edit).unwrap();
        prop_assert_eq!(serde_json::from_str::<Edit>(&text).unwrap(), edit);
    }
}

fn plain_pen(plane: Plane) -> Pen {
    let brush = Brush { size_px: 12.0, hardness: 1.0, smoothing_secs: 0.0, ..Brush::default() };
    Pen { plane, brush, symmetry: Symmetry::None }
}

fn line(pen: Pen, from: Point, to: Point) -> Edit {
    let point = |pos: Point, secs: f32| PenPoint { pos, pressure: 1.0, secs };
    Edit::Stroke { pen, points: vec![point(from, 0.0), point(to, 0.1)] }
}

#[test]
fn mirrored_strokes_are_mirror_images() {
    let mut pen = plain_pen(Plane::Pixels(ControlKind::Lines));
    pen.symmetry = Symmetry::Both;
    let mut document = empty();
    document.apply(&line(pen, [10.3, 12.9], [31.0, 40.2])).unwrap();
    let pixels = document.plane(pen.plane);
    let last = SIZE_PX - 1;
    for (x, y) in (0..SIZE_PX).flat_map(|x| (0..SIZE_PX).map(move |y| (x, y))) {
        let level = pixels.pixel(x, y)[0];
        for mirrored in [(last - x, y), (x, last - y), (last - x, last - y)] {
            assert!(level.abs_diff(pixels.pixel(mirrored.0, mirrored.1)[0]) <= 1);
        }
    }
    assert_eq!(pixels.pixel(79, 12)[0], 255);
}

#[test]
fn a_stroke_over_itself_is_no_darker_than_its_opacity() {
    let plane = Plane::Pixels(ControlKind::Depth);
    let mut pen = plain_pen(plane);
    pen.brush.opacity = 0.5;
    let back_and_forth: Vec<PenPoint> = (0..9)
        .map(|idx| PenPoint {
            pos: [if idx % 2 == 0 { 20.0 } else { 60.0 }, 45.0],
            pressure: 1.0,
            secs: idx as f32 * 0.05,
        })
        .collect();
    let level = |pen: Pen| {
        let mut document = empty();
        document.apply(&Edit::Stroke { pen, points: back_and_forth.clone() }).unwrap();
        document.plane(plane).pixel(40, 45)[0]
    };
    assert_eq!(level(pen), 128);
    // An airbrush adds up, but not beyond the opacity either.
    pen.brush.build_up = BuildUp::Accumulating;
    pen.brush.flow = 0.02;
    assert!((20..127).contains(&level(pen)), "{}", level(pen));
    pen.brush.flow = 0.9;
    assert_eq!(level(pen), 128);
}

#[test]
fn colour_is_filled_within_lines() {
    let lines = Plane::Pixels(ControlKind::Lines);
    let colour = Plane::Pixels(ControlKind::Colour);
    let mut document = empty();
    let shape =
        Shape { kind: ShapeKind::Ellipse { filled: false }, from: [20.0, 20.0], to: [70.0, 70.0] };
    document.apply(&Edit::Shape { pen: plain_pen(lines), shape }).unwrap();
    let mut pen = plain_pen(colour);
    pen.brush.ink.colour = [10, 200, 30];
    let area = FillArea { from: [45.0, 45.0], within: lines, tolerance: 40, grow_px: 2 };
    document.apply(&Edit::Fill { pen, area }).unwrap();
    assert_eq!(document.plane(colour).pixel(45, 45), [10, 200, 30, 255]);
    assert_eq!(document.plane(colour).pixel(5, 5), [0; 4]);
}

#[test]
fn only_layers_that_take_part_become_controls() {
    let mut editor = Editor::new(empty(), Budget::default());
    let mut cache = ControlCache::default();
    assert!(editor.document().to_controls(16, &mut cache).is_empty());
    for kind in ControlKind::ALL {
        let pen = plain_pen(Plane::Pixels(kind));
        editor.apply(&line(pen, [9.0, 9.0], [60.0, 9.0])).unwrap();
    }
    let controls = editor.document().to_controls(16, &mut cache);
    let found: Vec<ControlKind> = controls.iter().map(|control| control.map.kind()).collect();
    assert_eq!(found, ControlKind::ALL);
    assert_eq!(controls[0].map.values()[9 * SIZE_PX + 20], 1.0);
    assert_eq!(controls[2].map.values()[3 * SIZE_PX * SIZE_PX + 9 * SIZE_PX + 20], 1.0);
    assert!(controls.iter().all(|control| control.strength_map.is_none()));

    editor.apply(&Edit::SetVisible { layer: ControlKind::Depth, visible: false }).unwrap();
    let off = StrengthCurve::Ends { layout: 0.0, detail: 0.0 };
    editor.apply(&Edit::SetStrength { layer: ControlKind::Colour, strength: off }).unwrap();
    assert_eq!(editor.document().to_controls(16, &mut cache).len(), 1);
}

#[test]
fn unchanged_layers_give_the_same_map() {
    let mut editor = Editor::new(empty(), Budget::default());
    let mut cache = ControlCache::default();
    for kind in [ControlKind::Lines, ControlKind::Depth] {
        editor.apply(&line(plain_pen(Plane::Pixels(kind)), [9.0, 9.0], [60.0, 9.0])).unwrap();
    }
    let mut strength_pen = plain_pen(Plane::Strength(ControlKind::Depth));
    strength_pen.brush.ink.level = 0;
    editor.apply(&line(strength_pen, [3.0, 3.0], [3.0, 80.0])).unwrap();
    let before = editor.document().to_controls(16, &mut cache);
    editor
        .apply(&line(plain_pen(Plane::Pixels(ControlKind::Lines)), [9.0, 50.0], [60.0, 50.0]))
        .unwrap();
    let after = editor.document().to_controls(16, &mut cache);
    let same = |idx: usize| std::ptr::eq(before[idx].map.values(), after[idx].map.values());
    assert_eq!((same(0), same(1)), (false, true));
    assert!(before[0].map != after[0].map);
    let cells = |controls: &[underpaint::protocol::Control]| {
        Arc::clone(controls[1].strength_map.as_ref().unwrap())
    };
    assert!(Arc::ptr_eq(&cells(&before), &cells(&after)));
    assert_eq!(cells(&before).len(), 256);
    assert!(cells(&before)[4 * 16] < 0.05 && cells(&before)[4 * 16 + 8] == 1.0);

    // Another grid, and strength that is wiped away again.
    assert_eq!(cells(&editor.document().to_controls(8, &mut cache)).len(), 64);
    editor.apply(&Edit::Clear(Plane::Strength(ControlKind::Depth))).unwrap();
    assert!(editor.document().to_controls(8, &mut cache)[1].strength_map.is_none());
}

#[test]
fn a_picture_of_another_size_is_refused_and_nothing_changes() {
    let mut editor = Editor::new(empty(), Budget::default());
    let image = LayerImage::new(ControlKind::Lines, 8, vec![255; 64]).unwrap();
    let error = editor.apply(&Edit::Import(image)).unwrap_err();
    assert!(matches!(error, DocumentError::LayerSize { expected: SIZE_PX, found: 8, .. }));
    assert!(error.to_string().contains("lines picture is 8 px wide and the canvas 90 px"));
    assert_eq!(editor.document(), &empty());
    assert!(!editor.history().can_undo());
}

#[test]
fn a_stroke_is_never_lost_to_another_command() {
    let pen = plain_pen(Plane::Pixels(ControlKind::Lines));
    let mut editor = Editor::new(empty(), Budget::default());
    let points = [PenPoint { pos: [30.0, 30.0], pressure: 1.0, secs: 0.0 }];
    draw(&mut editor, pen, &points, 1);
    assert!(editor.is_drawing());
    editor.apply(&line(pen, [60.0, 9.0], [60.0, 60.0])).unwrap();
    assert_eq!(editor.history().n_steps(), 2);
    draw(&mut editor, pen, &[PenPoint { pos: [9.0, 80.0], ..points[0] }], 1);
    assert!(editor.undo());
    assert_eq!((editor.history().n_steps(), editor.history().can_redo()), (3, true));
    assert_eq!(editor.end_stroke(), None);
}
