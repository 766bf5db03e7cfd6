//! Errands of the worker, and jobs with given scales, on a fake model.

mod common;

use std::sync::Arc;

use underpaint::imaging::RgbaImage;
use underpaint::protocol::{
    Errand, ErrandId, Event, Failure, GenerateRequest, Given, MemoryRequest, PictureIds, Stills,
};

use common::fake_model::{FakeModel, Fault, Point, colour_of, middle};
use common::worker_rig::Rig;

/// Request without memory, so that no thumbnails follow.
fn plain(prompt: &str) -> GenerateRequest {
    GenerateRequest { memory: MemoryRequest::off(), ..GenerateRequest::new(prompt, 7) }
}

fn encode(picture: &Arc<RgbaImage>) -> Errand {
    Errand::Encode { picture: Arc::clone(picture) }
}

fn decode(ids: &PictureIds) -> Errand {
    Errand::Decode { ids: Arc::new(ids.clone()), lock: None }
}

fn outcome(rig: &Rig, id: ErrandId) -> Result<&Stills, &Failure> {
    let of_errand = |event: &_| matches!(event, Event::ErrandDone { errand, .. } if *errand == id);
    match rig.seen.iter().find(|event| of_errand(event)) {
        Some(Event::ErrandDone { outcome, .. }) => outcome.as_ref(),
        _ => panic!("errand {} is not answered: {:?}", id.0, rig.story()),
    }
}

/// The picture of `apple` with its ids and stills.
fn apple(rig: &mut Rig) -> (PictureIds, Vec<Arc<RgbaImage>>) {
    rig.worker.generate(plain("apple"));
    rig.drain_until("finished of job 1");
    let stills = rig.seen.iter().filter_map(|event| match event {
        Event::ScaleFinished { still, .. } => Some(Arc::clone(still)),
        _ => None,
    });
    let Some(Event::Finished { ids, .. }) = rig.seen.last() else { unreachable!() };
    (ids[0].clone(), stills.collect())
}

#[test]
fn ids_are_decoded_to_the_stills_of_their_run() {
    let mut rig = Rig::new(FakeModel::new());
    let (ids, stills) = apple(&mut rig);
    let whole = rig.worker.errand(decode(&ids));
    let part = rig.worker.errand(decode(&ids[..2].to_vec()));
    let encoded = rig.worker.errand(encode(&stills[3]));
    rig.drain_until("errand 3");
    assert_eq!(rig.story()[rig.seen.len() - 3..], ["errand 1", "errand 2", "errand 3"]);
    assert_eq!(outcome(&rig, whole).unwrap().images, stills);
    assert_eq!(outcome(&rig, part).unwrap().images, stills[..2]);
    assert_eq!(*outcome(&rig, encoded).unwrap().ids, ids);
    assert_eq!(outcome(&rig, encoded).unwrap().images, stills);
}

#[test]
fn errands_wait_for_the_running_job_and_come_before_thumbnails() {
    let mut rig = Rig::gated(FakeModel::new(), |point| point == Point::Step(1));
    rig.worker.generate(GenerateRequest::new("pear", 7));
    let held = rig.gate.wait();
    rig.worker.errand(decode(&vec![vec![1]]));
    rig.worker.errand(decode(&vec![vec![2]]));
    drop(held);
    rig.drain_until("errand 2");
    rig.drain_until("thumbnail 3");
    let story = rig.story();
    let place = |name: &str| story.iter().position(|event| event == name).unwrap();
    assert_eq!(place("errand 1"), place("finished of job 1") + 1);
    assert_eq!(place("errand 2"), place("errand 1") + 1);
    assert_eq!(place("thumbnail 1"), place("errand 2") + 1);
}

#[test]
fn jobs_neither_drop_errands_nor_wait_for_more_than_one() {
    let model = FakeModel::new();
    let calls = model.calls();
    let mut rig = Rig::gated(model, |point| point == Point::Encode);
    let picture = Arc::new(RgbaImage::from_pixel(4, 4, colour_of("apple", 7, 3)));
    let first = rig.worker.errand(encode(&picture));
    let held = rig.gate.wait();
    let second = rig.worker.errand(decode(&vec![vec![5]]));
    let third = rig.worker.errand(decode(&vec![vec![6]]));
    // Superseding and cancelling is about jobs.
    rig.worker.generate(plain("old"));
    rig.worker.cancel();
    rig.worker.generate(plain("new"));
    drop(held);
    rig.drain_until("errand 3");
    rig.drain_until("finished of job 2");
    let story = rig.story();
    let place = |name: &str| story.iter().position(|event| event == name).unwrap();
    assert!(place("errand 1") < place("started of job 2"));
    assert!(place("finished of job 2") < place("errand 2"), "{story:?}");
    for errand in [first, second, third] {
        outcome(&rig, errand).unwrap();
    }
    assert_eq!(calls.count(|call| call.point == Point::Start), 1);
}

#[test]
fn a_job_goes_on_from_the_one_before_over_an_errand() {
    let model = FakeModel::new();
    let calls = model.calls();
    let mut rig = Rig::new(model);
    rig.worker.generate(GenerateRequest { stop_at: Some(2), ..plain("apple") });
    rig.drain_until("finished of job 1");
    rig.worker.errand(decode(&vec![vec![5]]));
    rig.drain_until("errand 1");
    rig.worker.generate(plain("apple"));
    rig.drain_until("finished of job 2");
    assert_eq!(calls.count(|call| call.point == Point::Start), 1);
}

#[test]
fn a_failing_errand_is_answered_with_the_reason_and_the_worker_lives_on() {
    for (fault, words) in [(Fault::Error, "fake error"), (Fault::Panic, "fake panic")] {
        let model = FakeModel::new().with_fault("", Point::Decode(1), fault);
        let mut rig = Rig::new(model);
        let (ids, _) = apple(&mut rig);
        let bad = rig.worker.errand(decode(&ids));
        let good = rig.worker.errand(decode(&ids[..1].to_vec()));
        rig.drain_until("errand 2");
        let failure = outcome(&rig, bad).unwrap_err();
        assert!(failure.details.contains(words), "{failure:?}");
        assert!(!failure.headline.is_empty());
        outcome(&rig, good).unwrap();
        rig.worker.generate(plain("pear"));
        rig.drain_until("finished of job 2");
    }
}

#[test]
fn without_a_model_errands_are_refused() {
    let mut rig = Rig::gated(FakeModel::new().with_fault("", Point::Load, Fault::Error), |point| {
        point == Point::Load
    });
    let early = rig.worker.errand(decode(&vec![vec![5]]));
    drop(rig.gate.wait());
    rig.drain_until("errand 1");
    let late = rig.worker.errand(decode(&vec![vec![5]]));
    rig.drain_until("errand 2");
    assert_eq!(rig.story(), ["model failed", "errand 1", "errand 2"]);
    for errand in [early, late] {
        assert!(outcome(&rig, errand).unwrap_err().details.contains("fake error"));
    }
}

#[test]
fn dropping_the_worker_leaves_waiting_errands() {
    let mut rig = Rig::gated(FakeModel::new(), |point| point == Point::Decode(0));
    rig.worker.errand(decode(&vec![vec![5], vec![5; 4]]));
    rig.worker.errand(decode(&vec![vec![5]]));
    let held = rig.gate.wait();
    let dropping = rig.begin_drop();
    drop(held);
    dropping.finish();
}

#[test]
fn given_scales_are_shown_and_only_the_others_are_stepped() {
    let model = FakeModel::new();
    let calls = model.calls();
    let mut rig = Rig::new(model);
    let (ids, stills) = apple(&mut rig);
    let given = Some(Given::prefix(&ids, 2));
    rig.worker.generate(GenerateRequest { given, ..plain("pear") });
    rig.drain_until("finished of job 2");
    let shown = rig.seen.iter().filter_map(|event| match event {
        Event::ScaleFinished { job, still, .. } if job.0 == 2 => Some(Arc::clone(still)),
        _ => None,
    });
    let shown: Vec<_> = shown.collect();
    assert_eq!(shown[..2], stills[..2]);
    assert_eq!(middle(&shown[3]), colour_of("pear", 7, 3));
    assert_eq!(
        calls.count(|call| matches!(call.point, Point::Step(_)) && call.prompt == "pear"),
        2
    );
    let Some(Event::Finished { ids: drawn, timings, .. }) = rig.seen.last() else { unreachable!() };
    assert_eq!((&drawn[0][..2], timings.scales.len()), (&ids[..2], 2));
}
