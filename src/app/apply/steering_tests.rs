//! Tests of stopping, going on, re-rolling, the tree and the timeline, on a model that draws at
//! once: its ids tell request, seed and scale, so that two pictures are the same only if they are.

mod random;

use std::sync::Arc;

use super::*;
use crate::app::schedule::{Due, Schedule};
use crate::document::{Document, PenPoint, Point};
use crate::params::{ControlKind, Sampling};
use crate::protocol::{
    DecodingOrder, Event, GenerateRequest, JobId, ModelInfo, PictureIds, Stills, Timings,
};
use crate::state::{NodeId, Settings};
use crate::ui::GalleryCommand;

const N_SCALES: usize = 5;

/// A window's state and schedule, and a model that does what is asked.
struct Rig {
    state: AppState,
    schedule: Schedule,
    now: std::time::Instant,
    n_jobs: u64,
    n_requests: usize,
}

impl Rig {
    fn new(live: bool) -> Self {
        let settings = Settings { live, ..Settings::default() };
        let mut state = AppState::new(settings);
        let info = ModelInfo {
            name: "test".to_owned(),
            device: "CPU".to_owned(),
            order: DecodingOrder::NextScale,
            scales: (1..=N_SCALES).collect(),
            image_size_px: 256,
            control_kinds: ControlKind::ALL.to_vec(),
            class_names: Arc::default(),
            styles: Arc::default(),
            n_memory_slots: 2,
            n_memory_entries: 9,
            memory_entries: (1..10).map(crate::protocol::EntryId).collect(),
            n_parameters: 1,
            sha256: None,
            tokenizer_sha256: None,
            sampling: Sampling::default(),
        };
        event(&mut state, Event::ModelReady(info), 0.0);
        let mut schedule = Schedule::default();
        schedule.want();
        let now = std::time::Instant::now();
        let mut rig = Self { state, schedule, now, n_jobs: 0, n_requests: 0 };
        rig.settle();
        rig
    }

    fn act(&mut self, action: Action) {
        self.run(action.into());
    }

    fn run(&mut self, wish: UiCommand) {
        let effect = command(&mut self.state, wish, 0.0);
        self.carry_out(effect.as_ref());
    }

    fn carry_out(&mut self, effect: Option<&Effect>) {
        match effect {
            Some(Effect::Draw) => self.schedule.want(),
            Some(Effect::Cancel) => self.cancel(),
            _ => {}
        }
    }

    /// The model gives up whatever it is at.
    fn cancel(&mut self) {
        let Some(job) = self.state.job.as_ref().filter(|job| job.is_running()) else { return };
        let (id, n_done) = (job.id, job.n_done());
        let mut ids = ids_of(&job.request);
        ids.truncate(n_done);
        let ids = Arc::new(if ids.is_empty() { Vec::new() } else { vec![ids] });
        let effect = event(&mut self.state, Event::Cancelled { job: id, ids }, 0.0);
        self.carry_out(effect.as_ref());
    }

    /// Sends what is due; the request, if there was one.
    fn send(&mut self) -> Option<GenerateRequest> {
        self.now += std::time::Duration::from_millis(200);
        self.schedule.observe(&mut self.state, self.now);
        let due = self.schedule.due(&mut self.state, self.now)?;
        self.n_jobs += 1;
        self.n_requests += 1;
        let job = JobId(self.n_jobs);
        let (Due::Now(request) | Due::Next(request)) = &due;
        let request = request.clone();
        self.schedule.sent(job, request.clone());
        match due {
            Due::Now(_) => sent(&mut self.state, job, request.clone()),
            Due::Next(_) => sent_to_follow(&mut self.state, job, request.clone()),
        }
        Some(request)
    }

    /// The model draws the newest run up to this many scales.
    fn draw(&mut self, n_scales: usize) {
        let job = self.state.job.as_ref().expect("a run");
        let (id, request, n_given) = (job.id, job.request.clone(), job.n_given());
        let started = Event::Started { job: id, inspired_by: Vec::new(), notices: Vec::new() };
        event(&mut self.state, started, 0.0);
        let ids = ids_of(&request);
        for scale_idx in 0..n_scales {
            let still = picture_of(&ids[..=scale_idx]);
            let timings = Timings {
                scales: vec![
                    std::time::Duration::from_millis(1);
                    scale_idx.saturating_sub(n_given)
                ],
                ..Timings::default()
            };
            let elapsed = std::time::Duration::from_millis(1);
            let told = Event::ScaleFinished { job: id, scale_idx, still, elapsed, timings };
            event(&mut self.state, told, 0.0);
        }
    }

    fn finish(&mut self) {
        let job = self.state.job.as_ref().expect("a run");
        let (job_id, n_wanted) = (job.id, job.n_wanted);
        let mut ids = ids_of(&job.request);
        ids.truncate(n_wanted);
        self.draw(n_wanted);
        let images = vec![picture_of(&ids)];
        let timings = Timings::default();
        let done = Event::Finished { job: job_id, images, ids: Arc::new(vec![ids]), timings };
        let effect = event(&mut self.state, done, 0.0);
        self.carry_out(effect.as_ref());
    }

    fn settle(&mut self) {
        for _ in 0..8 {
            if self.send().is_none() && !self.state.is_drawing() {
                self.answer_errands();
                return;
            }
            while self.state.is_drawing() {
                if let Some(next) = self.state.next.back() {
                    let (job, inspired_by, notices) = (next.id, Vec::new(), Vec::new());
                    event(&mut self.state, Event::Started { job, inspired_by, notices }, 0.0);
                }
                self.finish();
            }
        }
        panic!("the model never rests");
    }

    fn answer_errands(&mut self) {
        while let Some((purpose, errand)) = nodes::errand_due(&mut self.state) {
            let crate::protocol::Errand::Decode { ids, .. } = errand else { panic!("{errand:?}") };
            self.n_jobs += 1;
            let errand = crate::protocol::ErrandId(self.n_jobs);
            nodes::errand_sent(&mut self.state, errand, purpose);
            let images = (0..ids.len()).map(|idx| picture_of(&ids[..=idx])).collect();
            let outcome = Ok(Stills { ids, images });
            event(&mut self.state, Event::ErrandDone { errand, outcome }, 0.0);
        }
    }

    fn stroke(&mut self, at: Point) {
        let point = |pos| PenPoint { pos, pressure: 1.0, secs: 0.0 };
        self.run(SketchCommand::BeginStroke(point(at)).into());
        self.run(SketchCommand::Draw(vec![point([at[0] + 20.0, at[1]])]).into());
        self.run(SketchCommand::EndStroke.into());
    }

    fn scrub_to(&mut self, scale_idx: usize) {
        self.run(UiCommand::ScrubTo(Some(scale_idx)));
    }

    fn ids(&self) -> PictureIds {
        self.job().first_ids().cloned().unwrap_or_default()
    }

    fn job(&self) -> &crate::state::Job {
        self.state.job.as_ref().expect("a job")
    }

    fn current(&self) -> NodeId {
        self.state.branches.current.expect("a node on the canvas")
    }

    fn origin(&self) -> Origin {
        self.state.branches.current_node().expect("a node on the canvas").about.origin
    }

    /// What the user sees and works on.
    fn view(&self) -> View {
        let shown = self.state.shown().map(|shown| Arc::clone(&shown.still.image));
        let recipe = &self.state.settings.recipe;
        View {
            picture: shown.map(|image| image.as_raw().clone()),
            sketch: self.state.sketch.document().clone(),
            recipe: (recipe.prompt.clone(), recipe.seed),
            listed: self.state.branches.listed().map(|node| node.id).collect(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct View {
    picture: Option<Vec<u8>>,
    sketch: Document,
    recipe: (String, u64),
    listed: Vec<NodeId>,
}

/// What the model draws: given scales as they are, then numbers that depend on all that counts.
fn ids_of(request: &GenerateRequest) -> PictureIds {
    let given = request.given.as_ref().and_then(|given| given.ids.first());
    let mut ids = given.cloned().unwrap_or_default();
    let ink: f32 =
        request.controls.iter().flat_map(|control| control.map.values().iter().copied()).sum();
    for scale_idx in ids.len()..N_SCALES {
        let text: u64 = request.prompt.bytes().map(u64::from).sum();
        let hash = (text * 31 + request.seeds[0]) * 17 + ink.to_bits() as u64;
        let side = scale_idx + 1;
        ids.push(vec![(hash % 65_521) as u32; side * side]);
    }
    ids
}

fn picture_of(ids: &[Vec<u32>]) -> Arc<RgbaImage> {
    let code = ids.iter().flatten().fold(7_u32, |hash, id| hash.wrapping_mul(31) ^ *id);
    Arc::new(RgbaImage::from_pixel(2, 2, image::Rgba(code.to_le_bytes())))
}

#[test]
fn a_finished_picture_is_stopped_at_the_shown_scale_and_goes_on_to_the_same() {
    let mut rig = Rig::new(false);
    let whole = (rig.ids(), rig.view().picture);
    rig.scrub_to(2);
    rig.act(Action::StopOrContinue);
    assert_eq!(rig.ids(), whole.0[..3]);
    assert_eq!((rig.origin(), rig.job().n_done()), (Origin::Stopped, 3));
    rig.settle();
    assert_eq!(rig.n_requests, 1, "stopping draws nothing");

    rig.act(Action::StopOrContinue);
    let request = rig.send().expect("it goes on");
    assert_eq!(request.n_given(), 3);
    assert!(rig.job().still(2).is_some(), "what was there stays");
    rig.finish();
    assert_eq!((rig.ids(), rig.view().picture), whole);
    assert_eq!(rig.origin(), Origin::Continued);
    assert_eq!(rig.state.branches.n_listed(), 3);
}

#[test]
fn a_running_picture_is_cancelled_and_what_is_finer_put_aside() {
    let mut rig = Rig::new(false);
    rig.act(Action::Generate);
    rig.send().expect("asked for");
    rig.draw(4);
    rig.scrub_to(1);
    rig.act(Action::StopOrContinue);
    assert_eq!((rig.ids().len(), rig.job().n_done()), (2, 2));
    assert_eq!(rig.origin(), Origin::Stopped);
    assert!(!rig.state.is_drawing());
}

#[test]
fn what_changed_while_it_was_stopped_shows_in_the_rest() {
    let mut rig = Rig::new(true);
    let whole = rig.ids();
    rig.scrub_to(1);
    rig.act(Action::StopOrContinue);
    rig.run(UiCommand::SetPrompt("green frog".to_owned()));
    rig.stroke([30.0, 30.0]);
    rig.settle();
    assert_eq!(rig.n_requests, 1, "live mode waits");
    rig.act(Action::StopOrContinue);
    rig.settle();
    let ids = rig.ids();
    assert_eq!(ids[..2], whole[..2]);
    assert_ne!(ids[2..], whole[2..]);
    assert_eq!(rig.n_requests, 2, "and is content with what came of it");
}

#[test]
fn a_re_roll_keeps_the_coarse_scales_and_their_seeds() {
    let mut rig = Rig::new(false);
    let (whole, seed) = (rig.ids(), rig.job().request.seeds[0]);
    rig.scrub_to(2);
    rig.act(Action::ReRoll);
    rig.settle();
    let ids = rig.ids();
    assert_eq!(ids[..3], whole[..3]);
    assert_ne!(ids[3..], whole[3..]);
    let node = rig.state.branches.current_node().expect("a node");
    let new_seed = rig.state.settings.recipe.seed;
    assert_eq!(node.about.seeds, [seed, seed, seed, new_seed, new_seed]);
    assert_eq!((node.about.origin, node.about.n_given), (Origin::ReRolled, 3));
    assert_ne!(seed, new_seed);

    // Stopped below the re-roll, it goes on with the seed that those scales had.
    rig.scrub_to(1);
    rig.act(Action::StopOrContinue);
    rig.act(Action::StopOrContinue);
    rig.settle();
    assert_eq!(rig.ids(), whole);
}

#[test]
fn the_finest_scale_has_nothing_to_re_roll() {
    let mut rig = Rig::new(false);
    rig.act(Action::ReRoll);
    rig.act(Action::StopOrContinue);
    assert_eq!(rig.send(), None);
    assert_eq!(rig.state.notices.iter().count(), 2);
    assert_eq!(rig.state.branches.n_listed(), 1);
}

#[test]
fn undo_takes_a_stroke_and_its_live_picture_back_without_drawing() {
    let mut rig = Rig::new(true);
    let before = rig.view();
    rig.stroke([30.0, 30.0]);
    rig.settle();
    let after = rig.view();
    assert_ne!(before.picture, after.picture);
    let n_requests = rig.n_requests;
    for _ in 0..2 {
        rig.act(Action::Undo);
        let undone = rig.view();
        assert_eq!((&undone.picture, &undone.sketch), (&before.picture, &before.sketch));
        rig.settle();
        assert_eq!(rig.view(), undone, "nothing flickers afterwards");
        rig.act(Action::Redo);
        rig.settle();
        assert_eq!(rig.view(), after);
    }
    assert_eq!(rig.n_requests, n_requests);
}

#[test]
fn undo_while_a_picture_runs_cancels_it_first() {
    let mut rig = Rig::new(false);
    let before = rig.view();
    rig.act(Action::AnotherSeed);
    rig.send().expect("asked for");
    rig.draw(2);
    assert_eq!(rig.state.sketch.history().undo_label().as_deref(), Some("Undo another seed"));
    rig.act(Action::Undo);
    assert!(!rig.state.is_drawing());
    assert_eq!(rig.view().picture, before.picture);
    assert_eq!(rig.view().recipe, before.recipe);
    // What was never finished is drawn when the step is taken again.
    rig.act(Action::Redo);
    let request = rig.send().expect("drawn now");
    assert_ne!(request.seeds, [before.recipe.1]);
}

#[test]
fn a_prompt_that_live_mode_followed_is_a_step() {
    let mut rig = Rig::new(true);
    let before = rig.view();
    for text in ["green f", "green fr", "green frog"] {
        rig.run(UiCommand::SetPrompt(text.to_owned()));
        rig.settle();
    }
    assert_eq!(rig.state.sketch.history().n_steps(), 1, "one for all the letters");
    rig.act(Action::Undo);
    rig.settle();
    assert_eq!((rig.view().picture, rig.view().recipe), (before.picture, before.recipe));
}

#[test]
fn switching_is_instant_and_one_step() {
    let mut rig = Rig::new(true);
    let (first, before) = (rig.current(), rig.view());
    rig.stroke([30.0, 30.0]);
    rig.settle();
    rig.run(UiCommand::SetPrompt("green frog".to_owned()));
    rig.settle();
    let (n_requests, after) = (rig.n_requests, rig.view());
    rig.run(UiCommand::ShowNode(first));
    let View { picture, sketch, recipe, .. } = rig.view();
    assert_eq!((picture, sketch, recipe), (before.picture, before.sketch, before.recipe));
    rig.settle();
    rig.act(Action::Undo);
    rig.settle();
    assert_eq!(rig.view(), after);
    assert_eq!(rig.n_requests, n_requests);
}

#[test]
fn a_deleted_node_comes_back() {
    let mut rig = Rig::new(true);
    rig.stroke([30.0, 30.0]);
    rig.settle();
    let (deleted, before) = (rig.current(), rig.view());
    rig.run(UiCommand::DeleteNode(deleted));
    assert_ne!(rig.current(), deleted);
    assert_eq!(rig.state.branches.n_listed(), 1);
    rig.settle();
    rig.act(Action::Undo);
    rig.settle();
    assert_eq!((rig.current(), rig.view()), (deleted, before));
    rig.act(Action::Redo);
    rig.settle();
    assert_eq!(rig.state.branches.n_listed(), 1);
}

#[test]
fn dropped_stills_are_decoded_again() {
    let mut rig = Rig::new(false);
    let first = rig.current();
    rig.act(Action::Generate);
    rig.settle();
    rig.state.branches.forget_stills(first);
    rig.run(UiCommand::ShowNode(first));
    assert_eq!(rig.job().stills.iter().flatten().count(), 1, "the finest is there at once");
    rig.answer_errands();
    assert_eq!(rig.job().stills.iter().flatten().count(), N_SCALES);
    assert!(!rig.state.branches.get(first).expect("there").lacks_stills());
}

#[test]
fn a_picture_that_is_kept_small_is_decoded_before_it_is_saved() {
    let mut rig = Rig::new(false);
    let first = rig.current();
    rig.act(Action::Generate);
    rig.settle();
    let mut nodes: Vec<_> = rig.state.branches.all().cloned().collect();
    let node = nodes.iter_mut().find(|node| node.id == first).expect("there");
    (node.is_reduced, node.picture) = (true, Arc::new(RgbaImage::new(1, 1)));
    let ids = node.ids.to_vec();
    let current = rig.state.branches.current;
    rig.state.branches.restore(nodes, current);
    let save = GalleryCommand::SaveNode(first);
    assert_eq!(command(&mut rig.state, save.clone().into(), 0.0), None);
    assert_eq!(command(&mut rig.state, save.into(), 0.0), None, "it is under way");
    let (purpose, _) = nodes::errand_due(&mut rig.state).expect("it is decoded");
    assert!(nodes::errand_due(&mut rig.state).is_none(), "once");
    let errand = crate::protocol::ErrandId(1000);
    nodes::errand_sent(&mut rig.state, errand, purpose);
    let images = (0..ids.len()).map(|idx| picture_of(&ids[..=idx])).collect();
    let outcome = Ok(Stills { ids: Arc::new(ids.clone()), images });
    let effect = event(&mut rig.state, Event::ErrandDone { errand, outcome }, 0.0);
    let Some(Effect::Export(ExportEffect::SaveAtOnce(keepsake))) = effect else {
        panic!("{effect:?}")
    };
    assert_eq!((keepsake.node, &keepsake.picture), (Some(first), &picture_of(&ids)));
    assert!(rig.state.gallery.saving.is_empty());
}

#[test]
fn esc_keeps_what_was_asked_for_as_a_node() {
    let mut rig = Rig::new(false);
    rig.act(Action::Generate);
    rig.send().expect("asked for");
    rig.draw(3);
    rig.act(Action::Stop);
    assert_eq!((rig.origin(), rig.ids().len()), (Origin::Stopped, 3));
    rig.act(Action::StopOrContinue);
    assert_eq!(rig.send().expect("goes on").n_given(), 3);
}

#[test]
fn a_prompt_that_live_mode_drew_on_the_way_back_comes_back() {
    let mut rig = Rig::new(true);
    let first = rig.current();
    rig.stroke([0.0, 30.0]);
    rig.settle();
    rig.run(UiCommand::ShowNode(first));
    rig.act(Action::ToggleLive);
    rig.stroke([0.0, 30.0]);
    rig.run(UiCommand::SetPrompt("green frog".to_owned()));
    rig.run(UiCommand::ShowNode(first));
    rig.act(Action::ToggleLive);
    rig.act(Action::Undo);
    rig.settle();
    let drawn = rig.view();
    assert_eq!(drawn.recipe.0, "green frog");
    for action in [Action::Undo, Action::Redo] {
        for _ in 0..3 {
            rig.act(action);
            rig.settle();
        }
    }
    let View { picture, sketch, recipe, .. } = rig.view();
    assert_eq!((picture, sketch, recipe), (drawn.picture, drawn.sketch, drawn.recipe));
}
