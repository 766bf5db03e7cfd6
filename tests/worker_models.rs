//! One worker, several models one after the other: what runs is stopped, what waits is answered, and
//! nothing is heard of a model that has been replaced.

mod common;

use std::thread::Builder;

use underpaint::protocol::{Errand, Event, GenerateRequest, MemoryEncoder, MemoryRequest};

use common::fake_model::{FakeModel, Fault, Point, TIME_LIMIT};
use common::worker_rig::Rig;

fn other() -> FakeModel {
    FakeModel::new().with_image_size(32)
}

fn ready_sizes(rig: &Rig) -> Vec<usize> {
    let ready = rig.seen.iter().filter_map(|event| match event {
        Event::ModelReady(info) => Some(info.image_size_px),
        _ => None,
    });
    ready.collect()
}

#[test]
fn a_running_job_is_stopped_and_its_scales_are_kept() {
    let mut rig = Rig::gated(FakeModel::new(), |point| point == Point::Step(2));
    rig.worker
        .generate(GenerateRequest { memory: MemoryRequest::off(), ..GenerateRequest::new("a", 7) });
    let held = rig.gate.wait();
    rig.worker.replace_model(other().into_loader());
    drop(held);
    rig.drain_until("cancelled of job 1");
    let ids = rig.seen.iter().find_map(|event| match event {
        Event::Cancelled { ids, .. } => Some(ids),
        _ => None,
    });
    assert!(ids.is_some_and(|ids| !ids[0].is_empty()), "the scales so far are the user's");
    // The first model may have said that it is ready before.
    while ready_sizes(&rig).last() != Some(&32) {
        rig.woken.recv_timeout(TIME_LIMIT).expect("the other model");
        rig.drain();
    }
    // Numbers go on, so nothing of the job before is taken for one of the next.
    assert_eq!(rig.generate("b").0, 2);
    rig.drain_until("finished of job 2");
}

#[test]
fn of_models_wanted_meanwhile_only_the_last_is_heard() {
    let mut rig = Rig::gated(FakeModel::new(), |point| point == Point::Load);
    let held = rig.gate.wait();
    rig.worker.replace_model(FakeModel::new().with_image_size(64).into_loader());
    rig.worker.replace_model(other().into_loader());
    drop(held);
    rig.drain_until("model ready");
    assert_eq!(ready_sizes(&rig), [32]);
    assert_eq!(rig.story(), ["model ready"]);
}

#[test]
fn after_a_model_that_cannot_be_loaded_another_one_can() {
    let broken = FakeModel::new().with_fault("", Point::Load, Fault::Error);
    let mut rig = Rig::new(FakeModel::new());
    rig.drain_until("model ready");
    rig.worker.replace_model(broken.into_loader());
    rig.drain_until("model failed");
    rig.seen.clear();
    rig.worker.replace_model(other().into_loader());
    rig.drain_until("model ready");
    assert_eq!(ready_sizes(&rig), [32]);
}

#[test]
fn errands_of_the_model_before_are_answered() {
    let mut rig = Rig::gated(FakeModel::new(), |point| point == Point::Load);
    let held = rig.gate.wait();
    let memory = MemoryRequest::off();
    rig.worker.errand(Errand::Candidates { text: "leaf".to_owned(), memory, n: 2 });
    rig.worker.replace_model(other().into_loader());
    drop(held);
    rig.drain_until("candidates 1");
    let outcome = rig.seen.iter().find_map(|event| match event {
        Event::Candidates { outcome, .. } => Some(outcome.as_ref().unwrap_err()),
        _ => None,
    });
    assert!(outcome.is_some_and(|failure| failure.headline.contains("Another model")));
    rig.drain_until("model ready");
}

#[test]
fn ids_of_two_models_are_never_mixed() {
    let mut rig = Rig::new(FakeModel::new());
    rig.drain_until("model ready");
    let mut encoder = rig.worker.memory_encoder();
    encoder.model().unwrap();
    rig.worker.replace_model(other().into_loader());
    rig.seen.clear();
    rig.drain_until("model ready");
    let (answer, answered) = crossbeam_channel::bounded(1);
    let work = move || {
        let refused = encoder.keys(&["leaf".to_owned()]).unwrap_err();
        encoder.model().unwrap();
        answer.send((refused, encoder.keys(&["leaf".to_owned()]))).unwrap();
    };
    Builder::new().name("memories".to_owned()).spawn(work).unwrap();
    let (refused, keys) = answered.recv_timeout(TIME_LIMIT).unwrap();
    assert!(refused.headline.contains("another model was loaded"), "{refused:?}");
    assert_eq!(keys.unwrap().len(), 1);
}
