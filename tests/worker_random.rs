//! The worker's promises under random sequences of requests, cancellations and readings, each
//! with the model at any point of its work.

mod common;

use std::time::Duration;

use crossbeam_channel::select;
use proptest::prelude::*;
use underpaint::protocol::{Event, GenerateRequest, JobId, MemoryRequest, Previews};

use common::fake_model::{FakeModel, Fault, Point, TIME_LIMIT, colour_of, middle};
use common::worker_rig::Rig;

const N_SCALES: usize = 4;
/// The model fails at scale 1 for the second prompt and panics at scale 2 for the third.
const PROMPTS: [&str; 3] = ["good", "error", "panic"];

#[derive(Debug, Clone, Copy)]
enum Action {
    Generate {
        prompt: &'static str,
        n_seeds: usize,
        stop_at: Option<usize>,
        previews: Previews,
    },
    Cancel,
    /// Lets the model do its next step, or waits until the job ends.
    Advance,
    Drain,
    TakePreview,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    // Good prompts are the most frequent, so that many jobs get far.
    let prompt = prop_oneof![4 => Just(PROMPTS[0]), 1 => Just(PROMPTS[1]), 1 => Just(PROMPTS[2])];
    let n_seeds = prop_oneof![1 => Just(0_usize), 4 => Just(1), 1 => Just(3)];
    let stop_at = prop::option::of(1..=N_SCALES);
    let gap = prop_oneof![Just(Duration::ZERO), Just(Duration::MAX)];
    let budgeted = (0..N_SCALES, gap)
        .prop_map(|(first_scale_idx, gap)| Previews::Budgeted { first_scale_idx, gap });
    let previews = prop_oneof![Just(Previews::EveryScale), budgeted];
    let generate =
        (prompt, n_seeds, stop_at, previews).prop_map(|(prompt, n_seeds, stop_at, previews)| {
            Action::Generate { prompt, n_seeds, stop_at, previews }
        });
    let action = prop_oneof![
        2 => generate,
        1 => Just(Action::Cancel),
        6 => Just(Action::Advance),
        2 => Just(Action::Drain),
        2 => Just(Action::TakePreview),
    ];
    prop::collection::vec(action, 1..40)
}

/// The newest job, and what was seen of it.
struct Watched {
    id: JobId,
    request: GenerateRequest,
    is_cancelled: bool,
    has_started: bool,
    /// Scales of the stills, in the order of their coming.
    stills: Vec<usize>,
    has_ended: bool,
    n_previewed: usize,
}

impl Watched {
    fn check(&mut self, event: &Event) {
        let Some(job) = event.job() else {
            assert!(matches!(event, Event::ModelReady(_)), "{event:?}");
            return;
        };
        assert_eq!(job, self.id, "an event of an older job");
        assert!(!self.has_ended, "something follows the end");
        let prompt = self.request.prompt.as_str();
        let seeds = &self.request.seeds;
        match event {
            Event::Started { .. } => {
                assert!(!self.has_started && !seeds.is_empty());
                self.has_started = true;
            }
            Event::ScaleFinished { scale_idx, still, .. } => {
                assert!(self.has_started);
                assert!(!self.stills.contains(scale_idx) && *scale_idx < self.n_scales());
                assert_eq!(middle(still), colour_of(prompt, seeds[0], *scale_idx));
                self.stills.push(*scale_idx);
                self.check_order();
            }
            Event::Finished { images, .. } => {
                let last = self.n_scales() - 1;
                assert!(prompt == "good" || self.n_scales() <= n_scales_before_fault(prompt));
                assert!(self.stills.contains(&last));
                let is_complete = self.stills.len() == self.n_scales();
                assert!(is_complete || (self.is_budgeted() && self.n_scales() < N_SCALES));
                let expected = seeds.iter().map(|seed| colour_of(prompt, *seed, last));
                assert!(images.iter().map(|image| middle(image)).eq(expected));
            }
            Event::Cancelled { .. } => assert!(self.is_cancelled),
            Event::Failed { .. } => {
                assert!(prompt != "good" || seeds.is_empty(), "no reason to fail");
                let n_done = if seeds.is_empty() { 0 } else { n_scales_before_fault(prompt) };
                assert!(self.stills.iter().all(|scale_idx| *scale_idx < n_done));
                assert!(self.is_budgeted() || self.stills.len() == n_done);
            }
            Event::ModelReady(_)
            | Event::ModelFailed(_)
            | Event::ErrandDone { .. }
            | Event::Candidates { .. }
            | Event::Thumbnail { .. } => {}
        }
        self.has_ended = event.ends_job();
    }

    /// Coarse to fine; in a budgeted run twice, parted by the last scale.
    fn check_order(&self) {
        let mut runs = self.stills.chunk_by(|a, b| a < b);
        let first = runs.next().expect("there is a still");
        let Some(others) = runs.next() else { return };
        assert!(self.is_budgeted() && runs.next().is_none(), "{:?}", self.stills);
        assert!(first.ends_with(&[N_SCALES - 1]) && !others.is_empty(), "{:?}", self.stills);
    }

    fn n_scales(&self) -> usize {
        self.request.stop_at.unwrap_or(N_SCALES)
    }

    fn is_budgeted(&self) -> bool {
        self.request.previews != Previews::EveryScale
    }
}

fn n_scales_before_fault(prompt: &str) -> usize {
    if prompt == "error" { 1 } else { 2 }
}

struct Run {
    rig: Rig,
    newest: Option<Watched>,
}

impl Run {
    fn act(&mut self, action: Action) {
        match action {
            Action::Generate { prompt, n_seeds, stop_at, previews } => {
                self.generate(prompt, n_seeds, stop_at, previews);
            }
            Action::Cancel => {
                self.rig.worker.cancel();
                if let Some(job) = &mut self.newest {
                    job.is_cancelled = true;
                }
            }
            Action::Advance => self.advance(),
            Action::Drain => self.drain(),
            Action::TakePreview => self.take_preview(),
        }
    }

    fn generate(
        &mut self,
        prompt: &str,
        n_seeds: usize,
        stop_at: Option<usize>,
        previews: Previews,
    ) {
        let request = GenerateRequest {
            seeds: (0..n_seeds as u64).collect(),
            stop_at,
            previews,
            memory: MemoryRequest::off(),
            ..GenerateRequest::new(prompt, 0)
        };
        let id = self.rig.worker.generate(request.clone());
        assert!(self.newest.as_ref().is_none_or(|previous| previous.id < id), "numbers rise");
        self.newest = Some(Watched {
            id,
            request,
            is_cancelled: false,
            has_started: false,
            stills: Vec::new(),
            has_ended: false,
            n_previewed: 0,
        });
    }

    fn drain(&mut self) {
        for event in self.rig.worker.drain() {
            match &mut self.newest {
                Some(job) => job.check(&event),
                None => assert!(matches!(event, Event::ModelReady(_)), "{event:?}"),
            }
        }
    }

    fn take_preview(&mut self) {
        let Some(preview) = self.rig.worker.take_preview() else { return };
        let job = self.newest.as_mut().expect("no preview before the first job");
        assert_eq!(preview.job, job.id, "a preview of an older job");
        assert!(preview.scale_idx >= job.n_previewed, "previews only get finer");
        let seed = job.request.seeds[0];
        let colour = colour_of(&job.request.prompt, seed, preview.scale_idx);
        assert_eq!(middle(&preview.image), colour);
        job.n_previewed = preview.scale_idx + 1;
    }

    /// The newest job either reaches a step, which it may then do, or its end.
    fn advance(&mut self) {
        while self.is_job_running() {
            select! {
                recv(self.rig.gate.arrivals()) -> held => return drop(held),
                recv(self.rig.woken) -> _ => self.drain(),
                default(TIME_LIMIT) => panic!("neither a step nor an end"),
            }
        }
    }

    fn is_job_running(&self) -> bool {
        self.newest.as_ref().is_some_and(|job| !job.has_ended)
    }

    /// Whatever happened before, the newest job ends, and the worker serves another one.
    fn finish(mut self) {
        while self.is_job_running() {
            self.advance();
        }
        self.take_preview();
        self.generate("good", 1, None, Previews::EveryScale);
        while self.is_job_running() {
            self.advance();
        }
        let last = self.newest.as_ref().expect("just asked for");
        assert_eq!(last.stills.len(), N_SCALES);
        self.take_preview();
        self.rig.begin_drop().finish();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn promises_hold_in_any_order_of_events(actions in actions()) {
        let model = FakeModel::new()
            .with_scales(N_SCALES)
            .with_fault("error", Point::Step(1), Fault::Error)
            .with_fault("panic", Point::Step(2), Fault::Panic);
        let rig = Rig::gated(model, |point| matches!(point, Point::Step(_)));
        let mut run = Run { rig, newest: None };
        for action in actions {
            run.act(action);
        }
        run.finish();
    }
}
