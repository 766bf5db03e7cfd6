//! Very large documents: memory by accounting, and times. Prints the figures with `--nocapture`.

use std::time::{Duration, Instant};

use underpaint::document::{
    Brush, Budget, Document, Edit, Editor, Pen, PenPoint, Plane, Stamp, Symmetry, TILE_PX,
};
use underpaint::params::ControlKind;

const N_STROKES: usize = 10_000;
const MAX_BYTES: usize = 300_000_000;
const MAX_UNDO: Duration = Duration::from_millis(5);

/// A curly stroke across a good part of the canvas, different for each number.
fn stroke(idx: usize, plane: Plane, size_px: f32) -> Edit {
    let phase = idx as f32 * 0.737;
    let points = (0..24)
        .map(|step| {
            let t = step as f32 * 0.11;
            let x = 128.0 + 110.0 * (phase + t).sin();
            let y = 128.0 + 110.0 * (phase * 1.31 + 1.7 * t).cos();
            let pressure = 0.6 + 0.4 * (t * 3.0).sin();
            PenPoint { pos: [x, y], pressure, secs: step as f32 * 0.008 }
        })
        .collect();
    let mut brush = Brush { size_px, hardness: 0.6, ..Brush::default() };
    brush.ink.level = 55 + (idx * 37 % 200) as u8;
    brush.ink.colour = [idx as u8, (idx * 7) as u8, (idx * 31) as u8];
    Edit::Stroke { pen: Pen { plane, brush, symmetry: Symmetry::None }, points }
}

/// Bytes of the pixels of all planes.
fn document_bytes(document: &Document) -> usize {
    let planes = Plane::ALL.into_iter().map(|plane| {
        let grid = document.plane(plane);
        let n_full = (0..grid.n_tiles()).filter(|idx| grid.tile(*idx).is_some()).count();
        n_full * TILE_PX * TILE_PX * grid.n_channels()
    });
    planes.sum()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
fn ten_thousand_strokes_are_small_and_quickly_undone() {
    let document = Document::new(Document::DEFAULT_SIZE_PX).unwrap();
    let mut editor = Editor::new(document, Budget::default());
    let mut apply_times = Vec::with_capacity(N_STROKES);
    for idx in 0..N_STROKES {
        let kind = ControlKind::ALL[idx % 3];
        let size_px = [3.0, 8.0, 24.0][idx / 3 % 3];
        let edit = stroke(idx, Plane::Pixels(kind), size_px);
        let start = Instant::now();
        editor.apply(&edit).unwrap();
        apply_times.push(start.elapsed());
    }
    let history = editor.history();
    let n_bytes = history.n_bytes() + document_bytes(editor.document());
    println!(
        "{} steps: {} MB; a stroke {:?} (median)",
        history.n_steps(),
        n_bytes / 1_000_000,
        median(apply_times)
    );
    assert_eq!(history.n_steps(), N_STROKES, "strokes were forgotten");
    assert!(n_bytes < MAX_BYTES);

    let last = editor.document().clone();
    let mut undo_times = Vec::with_capacity(N_STROKES);
    loop {
        let start = Instant::now();
        if !editor.undo() {
            break;
        }
        undo_times.push(start.elapsed());
    }
    assert_eq!(undo_times.len(), N_STROKES);
    assert_eq!(editor.document(), &Document::new(Document::DEFAULT_SIZE_PX).unwrap());
    println!("undo: {:?} at most", undo_times.iter().max().unwrap());
    // The packed half alone: the recent steps would flatter the figure.
    let packed = median(undo_times.split_off(N_STROKES / 2));
    println!("undo of a compressed step: {packed:?} (median)");
    assert!(packed < MAX_UNDO);
    while editor.redo() {}
    assert_eq!(editor.document(), &last);
}

#[test]
fn the_whole_canvas_is_undone_as_quickly() {
    let colour = Plane::Pixels(ControlKind::Colour);
    let document = Document::new(Document::DEFAULT_SIZE_PX).unwrap();
    let mut editor = Editor::new(document, Budget { recent: 0, ..Budget::default() });
    for idx in 0..30 {
        // Every tile of the layer, hard to compress.
        for stroke_idx in 0..6 {
            editor.apply(&stroke(idx * 6 + stroke_idx, colour, 60.0)).unwrap();
        }
        editor.apply(&Edit::Clear(colour)).unwrap();
    }
    let mut times = Vec::new();
    loop {
        let start = Instant::now();
        if !editor.undo() {
            break;
        }
        times.push(start.elapsed());
    }
    let slowest_half = median(times);
    println!("undo of a whole layer: {slowest_half:?} (median)");
    assert!(slowest_half < MAX_UNDO);
}

#[test]
fn a_long_stroke_costs_little_per_stamp() {
    const N_POINTS: usize = 2000;
    let plane = Plane::Pixels(ControlKind::Lines);
    let brush = Brush { size_px: 40.0, spacing: 0.1, smoothing_secs: 0.0, ..Brush::default() };
    let pen = Pen { plane, brush, symmetry: Symmetry::None };
    let at = |idx: usize| {
        let t = idx as f32 * 0.02;
        let pos = [128.0 + 100.0 * t.sin(), 128.0 + 100.0 * (1.3 * t).cos()];
        PenPoint { pos, pressure: 1.0, secs: idx as f32 * 0.008 }
    };
    let points: Vec<PenPoint> = (0..N_POINTS).map(at).collect();
    let n_stamps = pen.stamps(&points, Document::DEFAULT_SIZE_PX).len();

    let edit = Edit::Stroke { pen, points: points.clone() };
    let mut document = Document::new(Document::DEFAULT_SIZE_PX).unwrap();
    let runs = (0..7).map(|_| {
        document.apply(&Edit::Clear(plane)).unwrap();
        let start = Instant::now();
        document.apply(&edit).unwrap();
        start.elapsed()
    });
    let at_once = median(runs.collect());

    let empty = Document::new(Document::DEFAULT_SIZE_PX).unwrap();
    let mut editor = Editor::new(empty, Budget::default());
    editor.begin_stroke(pen);
    let mut times = Vec::with_capacity(N_POINTS);
    for point in &points {
        let start = Instant::now();
        editor.extend_stroke(std::slice::from_ref(point));
        times.push(start.elapsed());
    }
    assert_eq!(editor.document(), &document);

    let stamp = Stamp { centre: [128.0, 128.0], radius_px: 20.0, hardness: 0.9, alpha: 1.0 };
    assert_eq!(stamp.coverage([128.5, 128.5]), 1.0);
    let per_stamp = at_once.as_secs_f32() * 1e6 / n_stamps as f32;
    let per_point = median(times.clone());
    println!("40 px: {per_stamp:.2} µs per stamp of {n_stamps}");
    println!("40 px, live: {per_point:?} per point (median), {:?} at most", times.iter().max());
    // What a frame may take, with the other cores busy.
    assert!(per_point < Duration::from_millis(4));
    assert!(per_stamp < 100.0);
}
