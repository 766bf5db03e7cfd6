//! The worker's promises under random sequences of requests, cancellations and readings, each
//! with the model at any point of its work.

mod common;

use crossbeam_channel::select;
use proptest::prelude::*;
use underpaint::protocol::{Event, GenerateRequest, JobId, MemoryRequest};

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
    let generate =
        (prompt, 0_usize..=3).prop_map(|(prompt, n_seeds)| Action::Generate { prompt, n_seeds });
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
    n_stills: usize,
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
                assert_eq!(*scale_idx, self.n_stills);
                assert_eq!(middle(still), colour_of(prompt, seeds[0], *scale_idx));
                self.n_stills += 1;
            }
            Event::Finished { images, .. } => {
                assert_eq!((prompt, self.n_stills), ("good", N_SCALES));
                let expected = seeds.iter().map(|seed| colour_of(prompt, *seed, N_SCALES - 1));
                assert!(images.iter().map(|image| middle(image)).eq(expected));
            }
            Event::Cancelled { .. } => assert!(self.is_cancelled),
            Event::Failed { .. } => {
                let n_stills_before = match prompt {
                    _ if seeds.is_empty() => 0,
                    "error" => 1,
                    "panic" => 2,
                    _ => panic!("no reason to fail"),
                };
                assert_eq!(self.n_stills, n_stills_before);
            }
            Event::ModelReady(_) | Event::ModelFailed(_) | Event::Thumbnail { .. } => {}
        }
        self.has_ended = event.ends_job();
    }
}

struct Run {
    rig: Rig,
    newest: Option<Watched>,
}

impl Run {
    fn act(&mut self, action: Action) {
        match action {
            Action::Generate { prompt, n_seeds } => self.generate(prompt, n_seeds),
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

    fn generate(&mut self, prompt: &str, n_seeds: usize) {
        let request = GenerateRequest {
            seeds: (0..n_seeds as u64).collect(),
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
            n_stills: 0,
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
        self.generate("good", 1);
        while self.is_job_running() {
            self.advance();
        }
        let last = self.newest.as_ref().expect("just asked for");
        assert_eq!(last.n_stills, N_SCALES);
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
