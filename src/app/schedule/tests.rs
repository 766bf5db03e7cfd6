//! Tests of when what is sent, without model, window or clock.

use std::sync::Arc;

use super::*;
use crate::app::apply;
use crate::document::{PenPoint, Point};
use crate::imaging::RgbaImage;
use crate::params::{ControlKind, Sampling};
use crate::protocol::{DecodingOrder, Event, ModelInfo, Timings};
use crate::state::Settings;
use crate::ui::{Action, SketchCommand, UiCommand};

const N_SCALES: usize = 8;

/// A window's state and schedule, and a model that answers when told.
struct Rig {
    state: AppState,
    schedule: Schedule,
    now: Instant,
    n_jobs: u64,
}

impl Rig {
    /// Live, with nothing asked for yet.
    fn new() -> Self {
        let mut state = AppState::new(Settings::default());
        let info = ModelInfo {
            name: "test".to_owned(),
            device: "CPU".to_owned(),
            order: DecodingOrder::NextScale,
            scales: (1..=N_SCALES).collect(),
            image_size_px: 256,
            control_kinds: ControlKind::ALL.to_vec(),
            class_names: std::sync::Arc::default(),
            styles: std::sync::Arc::default(),
            n_memory_slots: 2,
            n_memory_entries: 9,
            memory_entries: (1..10).map(crate::protocol::EntryId).collect(),
            n_parameters: 1,
            sha256: None,
            tokenizer_sha256: None,
            sampling: Sampling::default(),
        };
        apply::event(&mut state, Event::ModelReady(info), 0.0);
        Self { state, schedule: Schedule::default(), now: Instant::now(), n_jobs: 0 }
    }

    /// A frame of the window; what was sent in it.
    fn frame(&mut self) -> Option<GenerateRequest> {
        self.now += Duration::from_millis(16);
        self.schedule.observe(&mut self.state, self.now);
        let due = self.schedule.due(&mut self.state, self.now)?;
        self.n_jobs += 1;
        let job = JobId(self.n_jobs);
        let (Due::Now(request) | Due::Next(request)) = &due;
        let request = request.clone();
        self.schedule.sent(job, request.clone());
        match due {
            Due::Now(_) => apply::sent(&mut self.state, job, request.clone()),
            Due::Next(_) => apply::sent_to_follow(&mut self.state, job, request.clone()),
        }
        Some(request)
    }

    /// The run that the model is at: it takes up what waits when the one before has shown
    /// something.
    fn running(&self) -> JobId {
        let job = self.state.job.as_ref().expect("a run");
        match self.state.next.back() {
            Some(next) if job.n_done() > 0 || !job.is_running() => next.id,
            _ => job.id,
        }
    }

    fn wait(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
    }

    fn sketch(&mut self, command: SketchCommand) {
        apply::command(&mut self.state, UiCommand::Sketch(command), 0.0);
    }

    fn pen_down(&mut self) {
        self.sketch(SketchCommand::BeginStroke(point([20.0, 20.0])));
    }

    fn draw_to(&mut self, pos: Point) {
        self.sketch(SketchCommand::Draw(vec![point(pos)]));
    }

    /// The model shows a scale of the newest run.
    fn show(&mut self, scale_idx: usize) {
        let still = Arc::new(RgbaImage::from_pixel(1, 1, image::Rgba([self.n_jobs as u8; 4])));
        let elapsed = Duration::from_millis(5);
        let job = self.running();
        let timings = Timings { scales: vec![Duration::ZERO; 4], ..Timings::default() };
        let event = Event::ScaleFinished { job, scale_idx, still, elapsed, timings };
        apply::event(&mut self.state, event, 0.0);
    }

    fn finish(&mut self) {
        let timings = Timings { scales: vec![Duration::ZERO; 4], ..Timings::default() };
        let (job, images, ids) = (self.running(), Vec::new(), Arc::default());
        let event = Event::Finished { job, images, ids, timings };
        apply::event(&mut self.state, event, 0.0);
    }

    /// Sends, shows and finishes what is due, until nothing more is.
    fn settle(&mut self) {
        while let Some(request) = self.frame() {
            self.show(request.stop_at.unwrap_or(N_SCALES) - 1);
            self.finish();
        }
    }
}

fn point(pos: Point) -> PenPoint {
    PenPoint { pos, pressure: 1.0, secs: 0.0 }
}

#[test]
fn nothing_is_sent_twice() {
    let mut rig = Rig::new();
    let first = rig.frame().expect("live mode asks for the first picture");
    assert_eq!(first.stop_at, None);
    assert!(!first.controls.is_empty(), "the sample sketch takes part");
    assert_eq!(rig.frame(), None);
    rig.show(7);
    rig.finish();
    assert_eq!(rig.frame(), None);
}

#[test]
fn a_change_waits_for_the_first_preview_and_no_longer() {
    let mut rig = Rig::new();
    rig.settle();
    rig.pen_down();
    let coarse = rig.frame().expect("the stroke has begun");
    let n_first = coarse.stop_at.expect("the pen is down");
    assert!(n_first < N_SCALES);
    let first = rig.running();
    for x in [30.0, 40.0, 50.0] {
        rig.draw_to([x, 20.0]);
        rig.frame().expect("sent at once");
        assert_eq!(rig.running(), first, "one run in flight");
    }
    rig.show(n_first - 1);
    assert_eq!(rig.running(), JobId(rig.n_jobs), "all three changes in one run");
    rig.show(n_first - 1);
    let job = rig.state.job.as_ref().expect("a run");
    assert!(!job.request.is_same_picture(&coarse));
    assert_eq!(job.id, JobId(rig.n_jobs));
    assert_eq!(rig.state.live.n_skipped, 2, "nothing queues");
    assert_eq!(rig.state.live.n_superseded, 1);
    assert_eq!(rig.frame(), None);
    assert_eq!(rig.state.live.len(), 4, "every change was answered");
}

#[test]
fn the_fine_scales_come_when_the_pen_rests_or_lifts() {
    for lifts in [false, true] {
        let mut rig = Rig::new();
        rig.settle();
        rig.pen_down();
        rig.draw_to([90.0, 40.0]);
        let coarse = rig.frame().expect("drawn");
        rig.show(coarse.stop_at.expect("the pen is down") - 1);
        rig.finish();
        assert_eq!(rig.frame(), None, "the pen may move on");
        assert!(rig.schedule.wake_after(&rig.state, rig.now).is_some(), "somebody must look again");
        if lifts {
            rig.sketch(SketchCommand::EndStroke);
        } else {
            rig.wait(200);
        }
        let fine = rig.frame().expect("goes on");
        assert_eq!(fine.stop_at, None);
        assert!(fine.is_same_picture(&coarse));
        let job = rig.state.job.as_ref().expect("the run");
        assert!(job.n_done() > 0, "what was there stays");
        rig.show(7);
        rig.finish();
        assert_eq!(rig.frame(), None);
        assert_eq!(rig.schedule.wake_after(&rig.state, rig.now), None);
        assert_eq!(rig.state.live.len(), 1, "going on is no answer to a change");
    }
}

#[test]
fn latency_counts_from_the_change_to_the_picture_that_shows_it() {
    let mut rig = Rig::new();
    rig.settle();
    rig.pen_down();
    let n_first = rig.frame().and_then(|request| request.stop_at).expect("the pen is down");
    rig.draw_to([30.0, 20.0]);
    rig.frame().expect("the second change, which waits");
    rig.wait(84);
    rig.show(n_first - 1);
    rig.frame();
    assert_eq!(rig.state.live.last(), Some(Duration::from_millis(116)), "16 + 84 + 16");
    rig.show(n_first - 1);
    rig.frame();
    assert_eq!(rig.state.live.last(), Some(Duration::from_millis(116)), "84 + 16 + 16");
    assert_eq!(rig.state.live.len(), 2);
}

#[test]
fn switching_off_stops_and_changes_rest() {
    let mut rig = Rig::new();
    rig.settle();
    let toggled = apply::command(&mut rig.state, UiCommand::Run(Action::ToggleLive), 0.0);
    assert_eq!(toggled, Some(apply::Effect::Cancel));
    rig.pen_down();
    rig.draw_to([90.0, 40.0]);
    rig.sketch(SketchCommand::EndStroke);
    assert_eq!(rig.frame(), None);
    rig.schedule.want();
    let wanted = rig.frame().expect("asked for");
    assert_eq!((wanted.stop_at, wanted.previews), (None, Previews::EveryScale));
}

#[test]
fn typing_is_live_too_and_undo_gives_the_old_request_back() {
    let mut rig = Rig::new();
    rig.settle();
    let before = rig.state.request();
    apply::command(&mut rig.state, UiCommand::SetPrompt("green frog".to_owned()), 0.0);
    let typed = rig.frame().expect("another prompt");
    assert_eq!((typed.prompt.as_str(), typed.stop_at), ("green frog", None));
    rig.show(7);
    apply::command(&mut rig.state, UiCommand::SetPrompt(before.prompt.clone()), 0.0);
    rig.settle();
    rig.pen_down();
    rig.draw_to([90.0, 40.0]);
    rig.sketch(SketchCommand::EndStroke);
    rig.settle();
    assert!(!rig.state.request().is_same_picture(&before));
    apply::command(&mut rig.state, UiCommand::Run(Action::Undo), 0.0);
    let undone = rig.frame().expect("the sketch changed");
    assert!(GenerateRequest { anchor: None, ..undone }.is_same_picture(&before));
}

#[test]
fn a_change_of_the_sketch_stays_close_to_the_finished_picture_and_no_other_does() {
    let mut rig = Rig::new();
    assert_eq!(rig.frame().expect("the first picture").anchor, None);
    rig.show(7);
    rig.finish();
    rig.pen_down();
    rig.draw_to([90.0, 40.0]);
    let drawn = rig.frame().expect("the sketch changed");
    assert_eq!(drawn.anchor.as_ref().map(|anchor| anchor.hold), Some(Anchor::LIVE_HOLD));
    rig.sketch(SketchCommand::EndStroke);
    rig.show(drawn.stop_at.expect("the pen was down") - 1);
    rig.finish();
    rig.settle();
    assert_eq!(rig.frame(), None, "a finished picture is no change");
    apply::command(&mut rig.state, UiCommand::SetSeed(99), 0.0);
    assert_eq!(rig.frame().expect("another seed").anchor, None);
}

#[test]
fn runs_never_go_back_to_an_older_one() {
    let mut rig = Rig::new();
    rig.settle();
    rig.pen_down();
    rig.frame().expect("the first");
    rig.draw_to([40.0, 30.0]);
    rig.frame().expect("the second waits");
    // The first has given way, but nothing was heard of the second yet when the third is sent.
    let first = rig.state.job.as_ref().expect("a run").id;
    rig.show(0);
    apply::event(&mut rig.state, Event::Cancelled { job: first, ids: Arc::default() }, 0.0);
    rig.draw_to([60.0, 30.0]);
    rig.frame().expect("the third");
    for job in [JobId(first.0 + 1), JobId(first.0 + 2)] {
        let (inspired_by, notices) = (Vec::new(), Vec::new());
        apply::event(&mut rig.state, Event::Started { job, inspired_by, notices }, 0.0);
        assert_eq!(rig.state.job.as_ref().map(|job| job.id), Some(job));
    }
    assert!(rig.state.next.is_empty());
}
