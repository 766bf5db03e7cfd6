//! Replays a minute of drawing on the real window with the embedded model, at 60 frames a second
//! and in real time: `cargo bench --bench live`.
//!
//! Measured are the work on the window's thread per frame (everything of egui, from input to
//! triangles; painting those is the graphics device's work and not part of it), the time from each
//! movement of the pen to the end of the frame that shows a picture made from it, and the time
//! from lifting the pen to the finished picture. Proven is, frame by frame, that no picture older
//! than one shown before appears, that something is always shown, that every request carried the
//! sketch as it was, and, afterwards, that pictures shown are what their requests give.

#![expect(clippy::print_stdout, reason = "a benchmark reports")]

mod figures;
mod session;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use egui::{Event, Modifiers, PointerButton, Pos2, pos2};
use egui_kittest::Harness;
use figures::Times;
use session::Gesture;
use underpaint::app::{App, AppOptions};
use underpaint::document::{ControlCache, Document};
use underpaint::imaging::RgbaImage;
use underpaint::model::{self, Generator, LoadOptions};
use underpaint::params::ControlKind;
use underpaint::protocol::{GenerateRequest, Previews};
use underpaint::state::AppState;
use underpaint::ui::{Action, SketchCommand, UiCommand};
use underpaint::worker::WorkerHandle;

const SESSION: &str = include_str!("../../tests/sessions/cat.csv");
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);
const UI_BAR: Duration = Duration::from_millis(16);
const COARSE_BAR: Duration = Duration::from_millis(80);
/// Shown pictures that are made again afterwards, spread over the session.
const N_CHECKED: usize = 24;

/// A picture that was on the canvas.
struct Sample {
    request: GenerateRequest,
    scale_idx: usize,
    image: Arc<RgbaImage>,
}

struct Replay {
    window: Harness<'static, App>,
    woken: Receiver<()>,
    started_at: Instant,
    pointer: Pos2,
    /// Movements that no shown picture answers yet: when, and the sketch's revision after them.
    unanswered: Vec<(Duration, u64)>,
    lifted: Option<(Duration, u64)>,
    sketches: BTreeMap<u64, Document>,
    ui: Times,
    to_coarse: Times,
    to_final: Times,
    /// Of runs that ended by themselves.
    prepare: Times,
    decode: Times,
    coarse_run: Times,
    n_lifts: usize,
    n_frames: usize,
    timed: u64,
    newest_shown: (u64, u64),
    samples: Vec<Sample>,
}

fn main() {
    let mut replay = Replay::open();
    let session = session::parse(SESSION);
    replay.play(&session);
    replay.report();
    let samples = std::mem::take(&mut replay.samples);
    drop(replay);
    check(&samples);
}

impl Replay {
    /// The window, with its first picture drawn.
    fn open() -> Self {
        let (ring, woken) = bounded(1);
        let mut window = Harness::builder().with_size([1280.0, 900.0]).build_eframe(|cc| {
            let ctx = cc.egui_ctx.clone();
            let wake = move || {
                ctx.request_repaint();
                ring.try_send(()).ok();
            };
            let load = || model::load(&LoadOptions::default());
            let worker = WorkerHandle::spawn(load, wake).expect("a thread");
            App::new(cc, worker, AppOptions::default()).expect("a thread")
        });
        let state = |window: &Harness<'_, App>| {
            window.state().state().shown().is_some_and(|shown| shown.scale_idx == 7)
                && !window.state().state().is_drawing()
        };
        while !state(&window) {
            woken.recv_timeout(Duration::from_mins(1)).expect("the first picture");
            window.step();
        }
        Self {
            window,
            woken,
            started_at: Instant::now(),
            pointer: Pos2::ZERO,
            unanswered: Vec::new(),
            lifted: None,
            sketches: BTreeMap::new(),
            ui: Times::default(),
            to_coarse: Times::default(),
            to_final: Times::default(),
            prepare: Times::default(),
            decode: Times::default(),
            coarse_run: Times::default(),
            n_lifts: 0,
            n_frames: 0,
            timed: 0,
            newest_shown: (0, 0),
            samples: Vec::new(),
        }
    }

    fn state(&self) -> &AppState {
        self.window.state().state()
    }

    fn play(&mut self, session: &[(Duration, Gesture)]) {
        self.started_at = Instant::now();
        let mut next_frame = Duration::ZERO;
        let mut rest = session;
        let end = session.last().map_or(Duration::ZERO, |(at, _)| *at);
        while self.started_at.elapsed() < end {
            let due_at = rest.first().map_or(end, |(at, _)| *at).min(end);
            let is_due = self.window.ctx.has_requested_repaint()
                || self.woken.try_recv().is_ok()
                || self.started_at.elapsed() >= due_at;
            if !is_due {
                let wait = due_at.saturating_sub(self.started_at.elapsed());
                if self.woken.recv_timeout(wait).is_err() {
                    continue;
                }
            }
            // No frame sooner than the screen shows one.
            while self.started_at.elapsed() < next_frame {
                std::thread::sleep(next_frame.saturating_sub(self.started_at.elapsed()));
            }
            let now = self.started_at.elapsed();
            next_frame = now + FRAME;
            let n_due = rest.iter().take_while(|(at, _)| *at <= now).count();
            let (due, later) = rest.split_at(n_due);
            rest = later;
            self.frame(due);
        }
    }

    /// One frame with everything that the hand did since the last.
    fn frame(&mut self, due: &[(Duration, Gesture)]) {
        let before = self.state().sketch.document().clone();
        for (_, gesture) in due {
            self.hand_over(gesture);
        }
        self.window.input_mut().time = Some(self.started_at.elapsed().as_secs_f64());
        let begin = Instant::now();
        self.window.step();
        let output = self.window.output();
        let triangles = self.window.ctx.tessellate(output.shapes.clone(), output.pixels_per_point);
        self.ui.push(begin.elapsed());
        std::hint::black_box(triangles);
        self.n_frames += 1;
        self.note_changes(due, &before);
        self.look(self.started_at.elapsed());
    }

    fn hand_over(&mut self, gesture: &Gesture) {
        let transform = self.window.state().view().canvas.transform().ui_from_canvas();
        let ui_pos = |[x, y]: [f32; 2]| transform * pos2(x, y);
        let button = |pos: Pos2, pressed: bool| Event::PointerButton {
            pos,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        };
        match gesture {
            Gesture::Move(pos) => self.pointer = ui_pos(*pos),
            Gesture::Down(pos) | Gesture::Up(pos) => {
                self.pointer = ui_pos(*pos);
                let event = button(self.pointer, matches!(gesture, Gesture::Down(_)));
                self.window.input_mut().events.push(event);
                return;
            }
            Gesture::Command(name) => {
                for command in commands(name) {
                    let ctx = self.window.ctx.clone();
                    let frame = eframe::Frame::_new_kittest();
                    self.window.state_mut().run(&ctx, &frame, command);
                }
                return;
            }
        }
        let moved = Event::PointerMoved(self.pointer);
        self.window.input_mut().events.push(moved);
    }

    /// Remembers what was drawn in this frame and waits for its picture.
    fn note_changes(&mut self, due: &[(Duration, Gesture)], before: &Document) {
        let revision = self.state().sketch.revision();
        let is_pen_down = self.state().sketch.is_drawing();
        // Ink on ink and an eraser on paper change nothing that a picture could show.
        let is_changed = self.state().sketch.document() != before;
        if is_changed {
            self.sketches.insert(revision, self.state().sketch.document().clone());
        }
        for (at, gesture) in due {
            match gesture {
                Gesture::Move(_) | Gesture::Down(_) if is_pen_down && is_changed => {
                    self.unanswered.push((*at, revision));
                }
                Gesture::Up(_) => {
                    self.n_lifts += 1;
                    self.lifted = Some((*at, revision));
                }
                Gesture::Down(_) => self.lifted = None,
                _ => {}
            }
        }
    }

    /// What this frame shows, and whether it may.
    fn look(&mut self, now: Duration) {
        let state = self.window.state().state();
        let shown = state.shown().expect("never blank after the first picture");
        let newest = state.job.as_ref().expect("a run");
        for job in [state.earlier.as_ref(), Some(newest)].into_iter().flatten() {
            if job.id.0 > self.timed
                && job.request.stop_at.is_some()
                && let Some(elapsed) = job.newest().and_then(|(_, still)| still.elapsed)
            {
                self.timed = job.id.0;
                self.prepare.push(job.timings.prepare);
                self.decode.push(job.timings.decode);
                self.coarse_run.push(elapsed);
            }
        }
        let is_stand_in = state.earlier.as_ref().is_some_and(|job| job.id == shown.job.id);
        assert!(shown.job.id == newest.id || (newest.n_done() == 0 && is_stand_in), "stale");
        // After undo the picture of that sketch comes back, which no run has drawn now.
        let is_recalled = shown.job.recall.is_some();
        let run = if is_recalled { self.newest_shown.0 } else { shown.job.id.0 };
        let shown_now = (run, shown.job.sketch_revision);
        assert!(shown_now >= self.newest_shown, "{shown_now:?} after {:?}", self.newest_shown);
        assert!(shown_now.1 >= self.newest_shown.1, "an older sketch came back");
        if shown_now.0 != self.newest_shown.0 || is_recalled && shown_now != self.newest_shown {
            check_sketch(&self.sketches, shown.job.sketch_revision, &shown.job.request);
        }
        self.newest_shown = shown_now;
        let revision = shown.job.sketch_revision;
        let to_coarse = &mut self.to_coarse;
        self.unanswered.retain(|(at, drawn)| {
            let is_answered = *drawn <= revision;
            if is_answered {
                to_coarse.push(now.saturating_sub(*at));
            }
            !is_answered
        });
        let is_final = shown.scale_idx + 1 == shown.job.stills.len();
        if let Some((at, drawn)) = self.lifted
            && is_final
            && drawn <= revision
        {
            self.to_final.push(now.saturating_sub(at));
            self.lifted = None;
        }
        let is_new =
            self.samples.last().is_none_or(|last| !Arc::ptr_eq(&last.image, &shown.still.image));
        if is_new {
            self.samples.push(Sample {
                request: shown.job.request.clone(),
                scale_idx: shown.scale_idx,
                image: Arc::clone(&shown.still.image),
            });
        }
    }

    fn report(&self) {
        let live = &self.state().live;
        Times::print_head();
        self.ui.print("window's thread, per frame", Some((0.99, UI_BAR)));
        self.to_coarse.print("pen to coarse preview", Some((0.95, COARSE_BAR)));
        self.to_final.print("pen lifted to finished picture", None);
        self.prepare.print("preparing a coarse run", None);
        self.decode.print("decoding its preview", None);
        self.coarse_run.print("a coarse run, decoded", None);
        println!(
            "\n{} frames, {} pictures shown, {} runs replaced by newer ones after their first \
             preview, {} requests replaced before they began,\n{} of {} strokes rested long enough to be finished, {} movements without an \
             answer at the end",
            self.n_frames,
            self.samples.len(),
            live.n_superseded,
            live.n_skipped,
            self.to_final.len(),
            self.n_lifts,
            self.unanswered.len(),
        );
        let mut first = [0; 8];
        for sample in &self.samples {
            first[sample.scale_idx] += 1;
        }
        println!("pictures shown per scale: {first:?}");
    }
}

/// A request carried the sketch of its revision.
fn check_sketch(sketches: &BTreeMap<u64, Document>, revision: u64, request: &GenerateRequest) {
    // Sketches from before the session are not known.
    let Some(sketch) = sketches.get(&revision) else { return };
    let controls = sketch.to_controls(16, &mut ControlCache::default());
    assert_eq!(controls, request.controls, "the request drew another sketch");
}

/// Makes some of the shown pictures again, from their requests alone.
fn check(samples: &[Sample]) {
    let mut generator: Box<dyn Generator> =
        model::load(&LoadOptions::default()).expect("the embedded model");
    let step = (samples.len() / N_CHECKED).max(1);
    let mut n_checked = 0;
    for sample in samples.iter().step_by(step) {
        let stop_at = Some(sample.scale_idx + 1);
        let request =
            GenerateRequest { stop_at, previews: Previews::EveryScale, ..sample.request.clone() };
        let mut session = generator.start(&request).expect("it ran before");
        while session.n_done() < session.n_scales() {
            session.step(&|| true).expect("it ran before");
        }
        let image = session.render(0).expect("it ran before");
        // A run that goes on keeps the draft of the one before until it has more to show.
        let draft = session.render_draft(0).expect("it ran before");
        let is_same = image == *sample.image || draft == *sample.image;
        assert!(is_same, "a shown picture is not what its request gives");
        n_checked += 1;
    }
    println!("{n_checked} shown pictures made again from their requests: same bytes");
}

fn commands(name: &str) -> Vec<UiCommand> {
    let layer = |kind| vec![SketchCommand::SelectLayer(kind).into()];
    let action = |action: Action| vec![UiCommand::Run(action)];
    match name {
        "clear" => action(Action::ClearLayer),
        "undo" => action(Action::Undo),
        "redo" => action(Action::Redo),
        "eraser" => action(Action::EraserTool),
        "brush" => action(Action::BrushTool),
        "larger" => action(Action::LargerBrush),
        "layer:colour" => layer(ControlKind::Colour),
        "layer:lines" => layer(ControlKind::Lines),
        "end" => Vec::new(),
        _ => match name.strip_prefix("prompt:") {
            Some(prompt) => vec![UiCommand::SetPrompt(prompt.to_owned())],
            None => panic!("the session has an unknown command: {name}"),
        },
    }
}
