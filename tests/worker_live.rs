//! What live use asks of the worker: few decodings, going on with what is done, and stopping
//! within a step.

mod common;

use std::sync::Arc;
use std::time::Duration;

use underpaint::imaging::RgbaImage;
use underpaint::protocol::{
    Anchor, Event, GenerateRequest, MemoryRequest, Preview, Previews, Timings,
};

use common::fake_model::{Calls, FakeModel, Fault, Point, colour_of, middle};
use common::worker_rig::Rig;

/// No further preview is ever due.
const NEVER: Duration = Duration::MAX;

fn budgeted(first_scale_idx: usize, gap: Duration) -> Previews {
    Previews::Budgeted { first_scale_idx, gap }
}

/// Six scales, of which scale 2 is the first to be shown, and no memory.
fn live(prompt: &str, stop_at: Option<usize>) -> GenerateRequest {
    GenerateRequest {
        stop_at,
        previews: budgeted(2, NEVER),
        memory: MemoryRequest::off(),
        ..GenerateRequest::new(prompt, 7)
    }
}

fn model() -> FakeModel {
    FakeModel::new().with_scales(6)
}

/// Scales of a job's stills, in the order of their coming.
fn told(rig: &Rig, job_number: u64) -> Vec<usize> {
    let scale_of = |event: &Event| match event {
        Event::ScaleFinished { job, scale_idx, .. } if job.0 == job_number => Some(*scale_idx),
        _ => None,
    };
    rig.seen.iter().filter_map(scale_of).collect()
}

fn stills(rig: &Rig, job_number: u64) -> Vec<(usize, Arc<RgbaImage>)> {
    let still_of = |event: &Event| match event {
        Event::ScaleFinished { job, scale_idx, still, .. } if job.0 == job_number => {
            Some((*scale_idx, Arc::clone(still)))
        }
        _ => None,
    };
    rig.seen.iter().filter_map(still_of).collect()
}

fn finished(rig: &Rig) -> (&[Arc<RgbaImage>], &Timings) {
    match rig.seen.last() {
        Some(Event::Finished { images, timings, .. }) => (images, timings),
        _ => panic!("not finished: {:#?}", rig.story()),
    }
}

fn steps(calls: &Calls) -> Vec<usize> {
    let step_of = |point| if let Point::Step(scale_idx) = point { Some(scale_idx) } else { None };
    calls.all().into_iter().filter_map(|call| step_of(call.point)).collect()
}

fn decodings(calls: &Calls) -> Vec<usize> {
    let scale_of = |point| if let Point::Render(idx, _) = point { Some(idx) } else { None };
    calls.all().into_iter().filter_map(|call| scale_of(call.point)).collect()
}

#[test]
fn a_budgeted_run_shows_few_scales_and_decodes_the_others_when_all_are_done() {
    let model = model();
    let calls = model.calls();
    let mut rig = Rig::new(model);
    rig.worker.generate(live("apple", None));
    rig.drain_until("finished of job 1");
    assert_eq!(told(&rig, 1), [2, 5, 0, 1, 3, 4]);
    for (scale_idx, still) in stills(&rig, 1) {
        assert_eq!(middle(&still), colour_of("apple", 7, scale_idx));
    }
    assert_eq!(decodings(&calls), [2, 5, 0, 1, 3, 4]);
    // What is decoded afterwards is for the strip; it never replaces the finer picture.
    assert_eq!(rig.worker.take_preview().unwrap().scale_idx, 5);
    let (_, last) = stills(&rig, 1).into_iter().find(|(scale_idx, _)| *scale_idx == 5).unwrap();
    assert!(Arc::ptr_eq(&finished(&rig).0[0], &last), "the last still is the picture");
}

#[test]
fn scales_follow_the_first_when_the_gap_has_passed() {
    let mut rig = Rig::new(model());
    let request =
        GenerateRequest { previews: budgeted(2, Duration::ZERO), ..live("apple", Some(5)) };
    rig.worker.generate(request);
    rig.drain_until("finished of job 1");
    assert_eq!(told(&rig, 1), [2, 3, 4]);
}

#[test]
fn a_budgeted_run_that_stops_earlier_finishes_at_once() {
    let model = model();
    let calls = model.calls();
    let mut rig = Rig::new(model);
    rig.worker.generate(live("apple", Some(4)));
    rig.drain_until("finished of job 1");
    assert_eq!((told(&rig, 1), decodings(&calls)), (vec![2, 3], vec![2, 3]));
    // It ends before the first scale that is to be shown.
    rig.worker.generate(live("pear", Some(1)));
    rig.drain_until("finished of job 2");
    assert_eq!(told(&rig, 2), [0]);
}

#[test]
fn cancel_stops_between_the_stills_that_are_decoded_afterwards() {
    let model = model();
    let calls = model.calls();
    let mut rig = Rig::gated(model, |point| point == Point::Render(1, 0));
    rig.worker.generate(live("apple", None));
    let held = rig.gate.wait();
    rig.worker.cancel();
    rig.gate.open();
    drop(held);
    rig.drain_until("cancelled of job 1");
    assert_eq!((told(&rig, 1), decodings(&calls)), (vec![2, 5, 0, 1], vec![2, 5, 0, 1]));
    // Nothing of that is lost: the same request brings the rest.
    rig.worker.generate(live("apple", None));
    rig.drain_until("finished of job 2");
    assert_eq!(
        (told(&rig, 2), decodings(&calls)),
        (vec![0, 1, 2, 5, 3, 4], vec![2, 5, 0, 1, 3, 4])
    );
}

#[test]
fn going_further_does_not_start_again() {
    let model = model();
    let calls = model.calls();
    let mut rig = Rig::new(model);
    rig.worker.generate(live("apple", Some(4)));
    rig.drain_until("finished of job 1");
    let early = stills(&rig, 1);
    assert_eq!(rig.worker.take_preview().unwrap().scale_idx, 3);

    let request = GenerateRequest { previews: Previews::EveryScale, ..live("apple", None) };
    rig.worker.generate(request);
    rig.drain_until("finished of job 2");
    assert_eq!(calls.count(|call| call.point == Point::Start), 1);
    assert_eq!(steps(&calls), [0, 1, 2, 3, 4, 5]);
    assert_eq!(told(&rig, 2), [0, 1, 2, 3, 4, 5]);
    assert_eq!(decodings(&calls), [2, 3, 0, 1, 4, 5], "none is decoded twice");
    assert_eq!(finished(&rig).1.scales.len(), 2, "two scales were run");
    let all = stills(&rig, 2);
    assert!(early.iter().all(|(scale_idx, still)| Arc::ptr_eq(still, &all[*scale_idx].1)));
    assert_eq!(middle(&all[5].1), colour_of("apple", 7, 5));
}

#[test]
fn going_back_shows_what_is_there() {
    let model = model();
    let calls = model.calls();
    let mut rig = Rig::new(model);
    rig.worker.generate(live("apple", None));
    rig.drain_until("finished of job 1");
    rig.worker.generate(live("apple", Some(3)));
    rig.drain_until("finished of job 2");
    assert_eq!(told(&rig, 2), [0, 1, 2]);
    assert_eq!(middle(&finished(&rig).0[0]), colour_of("apple", 7, 2));
    let Some(Event::Finished { ids, .. }) = rig.seen.last() else { unreachable!() };
    assert_eq!((ids.len(), ids[0].len()), (1, 3), "ids of the scales that were asked for");
    // And again to the end.
    rig.worker.generate(live("apple", None));
    rig.drain_until("finished of job 3");
    assert_eq!(middle(&finished(&rig).0[0]), colour_of("apple", 7, 5));
    assert_eq!((steps(&calls).len(), decodings(&calls).len()), (6, 6));
}

#[test]
fn another_picture_starts_anew() {
    let model = model();
    let calls = model.calls();
    let mut rig = Rig::new(model);
    let same = live("apple", Some(3));
    let mut others = vec![same.clone(); 6];
    others[0].seeds = vec![8];
    others[1].negative = "worm".to_owned();
    others[2].sampling.temperature += 0.1;
    others[3].memory.reference_strength = 0.5;
    others[4].prompt = "pear".to_owned();
    others[5].anchor = Some(Anchor { ids: Arc::default(), hold: 1.0 });
    let mut job = 0;
    for other in others {
        for request in [same.clone(), other] {
            rig.worker.generate(request);
            job += 1;
            rig.drain_until(&format!("finished of job {job}"));
        }
    }
    assert_eq!(calls.count(|call| call.point == Point::Start), job);
}

#[test]
fn what_the_model_does_not_have_is_refused_also_when_going_on() {
    let mut rig = Rig::new(model());
    rig.worker.generate(live("apple", Some(3)));
    rig.drain_until("finished of job 1");
    for (job, stop_at) in [(2, 0), (3, 99)] {
        rig.worker.generate(live("apple", Some(stop_at)));
        rig.drain_until(&format!("failed of job {job}"));
    }
}

#[test]
fn a_cancelled_run_is_gone_on_with() {
    let model = model();
    let calls = model.calls();
    let mut rig = Rig::gated(model, |point| point == Point::Step(4));
    rig.worker.generate(live("apple", None));
    let held = rig.gate.wait();
    rig.worker.cancel();
    drop(held);
    rig.drain_until("cancelled of job 1");
    assert_eq!(told(&rig, 1), [2]);

    rig.gate.open();
    rig.worker.generate(live("apple", None));
    rig.drain_until("finished of job 2");
    assert_eq!(calls.count(|call| call.point == Point::Start), 1);
    // The abandoned step was no step.
    assert_eq!(steps(&calls), [0, 1, 2, 3, 4, 4, 5]);
    assert_eq!(told(&rig, 2), [2, 5, 0, 1, 3, 4]);
}

#[test]
fn a_superseded_run_is_gone_on_with_by_its_successor() {
    let model = model();
    let calls = model.calls();
    let mut rig = Rig::gated(model, |point| point == Point::Step(3));
    rig.worker.generate(live("apple", Some(4)));
    let held = rig.gate.wait();
    rig.worker.generate(live("apple", None));
    rig.gate.open();
    drop(held);
    rig.drain_until("finished of job 2");
    assert_eq!(steps(&calls), [0, 1, 2, 3, 3, 4, 5]);
    let Preview { job, scale_idx, .. } = rig.worker.take_preview().unwrap();
    assert_eq!((job.0, scale_idx), (2, 5));
}

#[test]
fn nobody_goes_on_with_a_run_that_failed() {
    for fault in [Fault::Error, Fault::Panic] {
        let model = model().with_fault("bad", Point::Step(3), fault);
        let calls = model.calls();
        let mut rig = Rig::new(model);
        for job in 1..=2 {
            rig.worker.generate(live("bad", None));
            rig.drain_until(&format!("failed of job {job}"));
        }
        assert_eq!(calls.count(|call| call.point == Point::Start), 2, "{fault:?}");
    }
}

#[test]
fn a_batch_is_gone_on_with_as_a_whole() {
    let model = model();
    let calls = model.calls();
    let mut rig = Rig::new(model);
    for (job, stop_at) in [(1, Some(2)), (2, None), (3, None)] {
        rig.worker.generate(GenerateRequest { seeds: vec![5, 6], ..live("apple", stop_at) });
        rig.drain_until(&format!("finished of job {job}"));
        let scale_idx = stop_at.unwrap_or(6) - 1;
        let colours = finished(&rig).0.iter().map(|image| middle(image));
        assert!(colours.eq([5, 6].map(|seed| colour_of("apple", seed, scale_idx))));
    }
    assert_eq!(steps(&calls).len(), 6);
    // Six stills, and the second picture at the two ends.
    assert_eq!(decodings(&calls).len(), 8);
}

#[test]
fn a_draft_is_told_and_not_kept() {
    let model = model();
    let calls = model.calls();
    let mut rig = Rig::new(model);
    let draft = GenerateRequest { previews: Previews::Draft, ..live("apple", Some(3)) };
    rig.worker.generate(draft);
    rig.drain_until("finished of job 1");
    assert_eq!((told(&rig, 1), decodings(&calls)), (vec![2], vec![2]));
    rig.worker.follow(live("apple", None));
    rig.drain_until("finished of job 2");
    assert_eq!(steps(&calls), [0, 1, 2, 3, 4, 5], "goes on");
    assert_eq!(told(&rig, 2), [2, 5, 0, 1, 3, 4]);
    assert_eq!(decodings(&calls), [2, 2, 5, 0, 1, 3, 4], "the picture itself, this time");
}

#[test]
fn a_run_that_is_followed_shows_something_first() {
    let (model, gate) = (model(), |point| point == Point::Step(0));
    let calls = model.calls();
    let mut rig = Rig::gated(model, gate);
    rig.worker.generate(live("apple", None));
    let held = rig.gate.wait();
    rig.worker.follow(live("pear", None));
    rig.worker.follow(live("plum", Some(3)));
    rig.gate.open();
    drop(held);
    rig.drain_until("finished of job 3");
    assert_eq!(told(&rig, 1), [2], "up to its first preview");
    assert!(!rig.story().iter().any(|event| event.contains("job 2")), "replaced before it began");
    assert_eq!(told(&rig, 3), [2]);
    assert_eq!(steps(&calls), [0, 1, 2, 0, 1, 2]);
    let position = |name: &str| rig.story().iter().position(|event| event == name);
    assert!(position("cancelled of job 1") < position("started of job 3"));
}

#[test]
fn whoever_supersedes_stops_those_who_follow_too() {
    let mut rig = Rig::gated(model(), |point| point == Point::Step(1));
    rig.worker.generate(live("apple", None));
    let held = rig.gate.wait();
    rig.worker.follow(live("pear", None));
    rig.worker.generate(live("plum", None));
    rig.gate.open();
    drop(held);
    rig.drain_until("finished of job 3");
    let others = |event: &String| event.contains("job 1") || event.contains("job 2");
    rig.seen.retain(|event| event.job().is_some());
    assert!(!rig.story().iter().skip(1).any(others), "{:?}", rig.story());
}
