//! The worker on a fake model: finish, supersede, cancel, error, panic, shutdown.

mod common;

use std::sync::Arc;

use underpaint::protocol::{EntryId, Event, Failure, GenerateRequest, MemoryRequest};
use underpaint::worker::WorkerHandle;

use common::fake_model::{Call, FakeModel, Fault, Point, colour_of, middle};
use common::worker_rig::Rig;

fn at_steps(point: Point) -> bool {
    matches!(point, Point::Step(_))
}

fn at_thumbnails(point: Point) -> bool {
    matches!(point, Point::Thumbnail(_))
}

/// Request without memory, so that no thumbnails follow.
fn plain(prompt: &str) -> GenerateRequest {
    GenerateRequest { memory: MemoryRequest::off(), ..GenerateRequest::new(prompt, 7) }
}

fn failure_of(rig: &Rig) -> &Failure {
    match rig.seen.last() {
        Some(Event::Failed { failure, .. } | Event::ModelFailed(failure)) => failure,
        _ => panic!("no failure at the end of {:#?}", rig.story()),
    }
}

#[test]
fn a_job_tells_of_every_scale_and_then_its_picture() {
    let model = FakeModel::new().with_notice("a remark");
    let info = model.info().clone();
    let calls = model.calls();
    let mut rig = Rig::new(model);
    rig.worker.generate(plain("apple"));
    rig.drain_until("finished of job 1");

    let expected = [
        "model ready",
        "started of job 1",
        "scale 0 of job 1",
        "scale 1 of job 1",
        "scale 2 of job 1",
        "scale 3 of job 1",
        "finished of job 1",
    ];
    assert_eq!(rig.story(), expected);
    assert!(matches!(&rig.seen[0], Event::ModelReady(ready) if *ready == info));
    assert!(matches!(&rig.seen[1], Event::Started { notices, .. } if notices == &["a remark"]));
    let mut last_still = None;
    for event in &rig.seen {
        if let Event::ScaleFinished { scale_idx, still, .. } = event {
            assert_eq!(middle(still), colour_of("apple", 7, *scale_idx));
            last_still = Some(still);
        }
    }
    let Some(Event::Finished { images, timings, .. }) = rig.seen.last() else { unreachable!() };
    assert_eq!(images.len(), 1);
    assert!(Arc::ptr_eq(&images[0], last_still.unwrap()), "the last still is the picture");
    assert_eq!(calls.count(|call| matches!(call.point, Point::Render(..))), 4);
    assert_eq!(timings.scales.len(), 4);
    let parts = timings.prepare + timings.scales.iter().sum() + timings.decode;
    assert!(timings.total >= parts, "{timings:?}");
}

#[test]
fn a_job_ends_at_the_scale_that_was_asked_for() {
    let mut rig = Rig::new(FakeModel::new());
    rig.worker.generate(GenerateRequest { stop_at: Some(2), ..plain("apple") });
    rig.drain_until("finished of job 1");
    assert_eq!(rig.story()[2..], ["scale 0 of job 1", "scale 1 of job 1", "finished of job 1"]);
}

#[test]
fn three_seeds_give_three_pictures_and_no_scale_is_decoded_twice() {
    let model = FakeModel::new();
    let calls = model.calls();
    let mut rig = Rig::new(model);
    rig.worker.generate(GenerateRequest { seeds: vec![5, 6, 7], ..plain("pear") });
    rig.drain_until("finished of job 1");
    let Some(Event::Finished { images, .. }) = rig.seen.last() else { unreachable!() };
    let colours: Vec<_> = images.iter().map(|image| middle(image)).collect();
    assert_eq!(colours, [5, 6, 7].map(|seed| colour_of("pear", seed, 3)));
    let mut decoded: Vec<_> = calls
        .all()
        .into_iter()
        .filter_map(|call| match call.point {
            Point::Render(scale_idx, batch_idx) => Some((scale_idx, batch_idx)),
            _ => None,
        })
        .collect();
    decoded.sort_unstable();
    assert_eq!(decoded, [(0, 0), (1, 0), (2, 0), (3, 0), (3, 1), (3, 2)]);
}

#[test]
fn a_request_without_seeds_fails_with_a_sentence() {
    let mut rig = Rig::new(FakeModel::new());
    rig.worker.generate(GenerateRequest { seeds: Vec::new(), ..plain("apple") });
    rig.drain_until("failed of job 1");
    assert_eq!(rig.story(), ["model ready", "failed of job 1"]);
    assert!(failure_of(&rig).headline.contains("no seed"), "{:?}", failure_of(&rig));
}

#[test]
fn only_the_newest_preview_is_kept_and_it_comes_once() {
    let mut rig = Rig::gated(FakeModel::new(), at_steps);
    let job = rig.worker.generate(plain("apple"));
    drop(rig.gate.wait());
    drop(rig.gate.wait());
    // Standing before scale 2, the worker has shown 0 and 1.
    let held = rig.gate.wait();
    let preview = rig.worker.take_preview().unwrap();
    assert_eq!((preview.job, preview.scale_idx), (job, 1));
    assert_eq!(middle(&preview.image), colour_of("apple", 7, 1));
    assert!(rig.worker.take_preview().is_none());
    rig.gate.open();
    drop(held);
    rig.drain_until("finished of job 1");
    assert_eq!(rig.worker.take_preview().unwrap().scale_idx, 3);
    assert!(rig.worker.take_preview().is_none());
}

#[test]
fn a_new_request_stops_the_old_job_and_hides_it() {
    let model = FakeModel::new();
    let calls = model.calls();
    let mut rig = Rig::gated(model, at_steps);
    rig.worker.generate(plain("old"));
    drop(rig.gate.wait());
    drop(rig.gate.wait());
    let held = rig.gate.wait();
    // Two stills and a preview of the old job are pending now.
    rig.worker.generate(plain("new"));
    rig.drain();
    assert_eq!(rig.story(), ["model ready"]);
    assert!(rig.worker.take_preview().is_none());
    rig.gate.open();
    drop(held);
    rig.drain_until("finished of job 2");
    assert!(rig.seen.iter().filter_map(Event::job).all(|job| job.0 == 2), "{:?}", rig.story());
    assert_eq!(rig.worker.take_preview().unwrap().job.0, 2);
    let old = |call: &Call, point: Point| call.prompt == "old" && call.point == point;
    assert_eq!(calls.count(|call| old(call, Point::Step(2))), 1);
    assert_eq!(calls.count(|call| old(call, Point::Render(2, 0))), 0, "stops within one scale");
    assert_eq!(calls.count(|call| old(call, Point::Step(3))), 0);
}

#[test]
fn waiting_requests_collapse_to_the_newest() {
    let model = FakeModel::new();
    let calls = model.calls();
    let mut rig = Rig::gated(model, |point| point == Point::Load);
    for prompt in ["a", "b", "c", "d"] {
        rig.worker.generate(plain(prompt));
    }
    drop(rig.gate.wait());
    rig.drain_until("finished of job 4");
    let starts = calls.all().into_iter().filter(|call| call.point == Point::Start);
    assert_eq!(starts.map(|call| call.prompt).collect::<Vec<_>>(), ["d"]);
}

#[test]
fn cancel_stops_within_one_scale_and_keeps_what_is_shown() {
    let model = FakeModel::new();
    let calls = model.calls();
    let mut rig = Rig::gated(model, at_steps);
    rig.worker.generate(plain("apple"));
    drop(rig.gate.wait());
    let held = rig.gate.wait();
    assert_eq!(held.point, Point::Step(1));
    rig.worker.cancel();
    rig.gate.open();
    drop(held);
    rig.drain_until("cancelled of job 1");
    assert_eq!(rig.story()[1..], ["started of job 1", "scale 0 of job 1", "cancelled of job 1"]);
    assert_eq!(rig.worker.take_preview().unwrap().scale_idx, 0);
    assert_eq!(calls.count(|call| at_steps(call.point)), 2);

    rig.worker.generate(plain("pear"));
    rig.drain_until("finished of job 2");
}

#[test]
fn cancel_while_preparing_or_decoding_makes_no_further_step() {
    let holds = |point| matches!(point, Point::Start | Point::Render(1, 0));
    for (cancelled_at, n_steps) in [(Point::Start, 0), (Point::Render(1, 0), 2)] {
        let model = FakeModel::new();
        let calls = model.calls();
        let mut rig = Rig::gated(model, holds);
        rig.worker.generate(plain("apple"));
        let mut held = rig.gate.wait();
        while held.point != cancelled_at {
            drop(held);
            held = rig.gate.wait();
        }
        rig.worker.cancel();
        rig.gate.open();
        drop(held);
        rig.drain_until("cancelled of job 1");
        assert_eq!(calls.count(|call| at_steps(call.point)), n_steps, "{cancelled_at:?}");
        // A picture that is decoded is shown, even if the user was faster.
        let n_stills = rig.story().iter().filter(|name| name.starts_with("scale")).count();
        assert_eq!(n_stills, n_steps, "{cancelled_at:?}");
    }
}

#[test]
fn cancel_stops_between_the_pictures_of_a_batch() {
    let model = FakeModel::new();
    let calls = model.calls();
    let mut rig = Rig::gated(model, |point| point == Point::Render(3, 1));
    rig.worker.generate(GenerateRequest { seeds: vec![1, 2, 3], ..plain("apple") });
    let held = rig.gate.wait();
    rig.worker.cancel();
    drop(held);
    rig.drain_until("cancelled of job 1");
    assert_eq!(calls.count(|call| call.point == Point::Render(3, 2)), 0);
}

#[test]
fn a_job_cancelled_before_it_begins_never_starts() {
    let model = FakeModel::new();
    let calls = model.calls();
    let mut rig = Rig::gated(model, |point| point == Point::Load);
    rig.worker.generate(plain("apple"));
    rig.worker.cancel();
    drop(rig.gate.wait());
    rig.drain_until("cancelled of job 1");
    assert_eq!(rig.story(), ["model ready", "cancelled of job 1"]);
    assert_eq!(calls.count(|call| call.point == Point::Start), 0);
}

#[test]
fn cancel_without_a_job_is_harmless() {
    let mut rig = Rig::new(FakeModel::new());
    rig.worker.cancel();
    rig.worker.generate(plain("apple"));
    rig.drain_until("finished of job 1");
    rig.worker.cancel();
    rig.worker.cancel();
    rig.worker.generate(plain("pear"));
    rig.drain_until("finished of job 2");
    assert_eq!(rig.story().iter().filter(|name| name.contains("cancelled")).count(), 0);
}

#[test]
fn errors_and_panics_end_the_job_and_the_worker_lives_on() {
    for point in [Point::Start, Point::Step(1), Point::Render(2, 0)] {
        for fault in [Fault::Error, Fault::Panic] {
            let mut rig = Rig::new(FakeModel::new().with_fault("bad", point, fault));
            rig.worker.generate(plain("bad"));
            rig.drain_until("failed of job 1");
            let Failure { headline, details } = failure_of(&rig);
            assert!(details.contains(&format!("{point:?}")), "{point:?} {fault:?}: {details}");
            assert_eq!(headline.contains("fault in the program"), fault == Fault::Panic);
            let n_stills = rig.story().iter().filter(|name| name.starts_with("scale")).count();
            let expected = match point {
                Point::Step(n) | Point::Render(n, _) => n,
                _ => 0,
            };
            assert_eq!(n_stills, expected, "{point:?} {fault:?}");

            rig.worker.generate(plain("good"));
            rig.drain_until("finished of job 2");
        }
    }
}

#[test]
fn a_request_that_does_not_fit_the_model_fails_with_its_sentence() {
    let mut rig = Rig::new(FakeModel::new());
    rig.worker.generate(GenerateRequest { stop_at: Some(99), ..plain("apple") });
    rig.drain_until("failed of job 1");
    assert!(failure_of(&rig).headline.contains("no scale 99"), "{:?}", failure_of(&rig));
}

#[test]
fn without_a_model_every_job_fails_with_the_reason() {
    for fault in [Fault::Error, Fault::Panic] {
        let mut rig = Rig::new(FakeModel::new().with_fault("", Point::Load, fault));
        rig.drain_until("model failed");
        let reason = failure_of(&rig).clone();
        assert!(reason.details.contains("Load"), "{reason:?}");
        for job in 1..=2 {
            rig.generate("apple");
            rig.drain_until(&format!("failed of job {job}"));
            assert_eq!(*failure_of(&rig), reason);
        }
        rig.begin_drop().finish();
    }
}

#[test]
fn a_request_made_while_loading_fails_if_loading_does() {
    let model = FakeModel::new().with_fault("", Point::Load, Fault::Error);
    let mut rig = Rig::gated(model, |point| point == Point::Load);
    rig.generate("apple");
    drop(rig.gate.wait());
    rig.drain_until("failed of job 1");
    assert_eq!(rig.story(), ["model failed", "failed of job 1"]);
}

#[test]
fn events_wait_for_a_slow_reader_and_none_is_lost() {
    let n_scales = 3 * WorkerHandle::EVENT_CAPACITY;
    let mut rig = Rig::new(FakeModel::new().with_scales(n_scales));
    rig.worker.generate(plain("apple"));
    rig.wait_for_wakes(wakes_until_full());
    rig.drain_until("finished of job 1");
    let stills = (0..n_scales).map(|scale_idx| format!("scale {scale_idx} of job 1"));
    assert_eq!(rig.story()[2..2 + n_scales], stills.collect::<Vec<_>>());
}

#[test]
fn a_new_request_gets_through_when_events_are_not_read() {
    let n_scales = 3 * WorkerHandle::EVENT_CAPACITY;
    let mut rig = Rig::new(FakeModel::new().with_scales(n_scales));
    rig.worker.generate(plain("old"));
    rig.wait_for_wakes(wakes_until_full());
    rig.worker.generate(GenerateRequest { stop_at: Some(1), ..plain("new") });
    rig.drain_until("finished of job 2");
    let expected = ["model ready", "started of job 2", "scale 0 of job 2", "finished of job 2"];
    assert_eq!(rig.story(), expected);
}

/// `ModelReady`, `Started` and then an event and a preview per scale: after so many wakes without
/// draining, the channel is full and the worker has one more event to send.
fn wakes_until_full() -> usize {
    let n_stills = WorkerHandle::EVENT_CAPACITY - 2;
    2 + 2 * n_stills
}

#[test]
fn thumbnails_follow_the_picture_and_come_once() {
    let model = FakeModel::new();
    let calls = model.calls();
    let mut rig = Rig::new(model);
    rig.generate("apple");
    rig.drain_until("thumbnail 3");
    let expected = ["finished of job 1", "thumbnail 1", "thumbnail 2", "thumbnail 3"];
    assert_eq!(rig.story()[6..], expected);
    // Without entry 2, entry 4 takes its place: the only one that is new.
    let memory = MemoryRequest { banned: vec![EntryId(2)], ..MemoryRequest::default() };
    rig.worker.generate(GenerateRequest { memory, ..plain("pear") });
    rig.drain_until("thumbnail 4");
    assert_eq!(calls.count(|call| at_thumbnails(call.point)), 4);
}

#[test]
fn a_thumbnail_that_fails_is_left_out_and_tried_again_later() {
    for fault in [Fault::Error, Fault::Panic] {
        let failing = Point::Thumbnail(EntryId(2));
        let model = FakeModel::new().with_fault("", failing, fault);
        let calls = model.calls();
        let mut rig = Rig::gated(model, |point| point == Point::Thumbnail(EntryId(2)));
        rig.generate("apple");
        drop(rig.gate.wait());
        rig.drain_until("thumbnail 3");
        assert!(!rig.story().contains(&"thumbnail 2".to_owned()));
        rig.generate("pear");
        drop(rig.gate.wait());
        rig.begin_drop().finish();
        assert_eq!(calls.count(|call| call.point == failing), 2);
        assert_eq!(calls.count(|call| call.point == Point::Thumbnail(EntryId(1))), 1);
    }
}

#[test]
fn thumbnails_delay_a_new_request_by_one_at_most_and_are_never_stale() {
    let model = FakeModel::new();
    let calls = model.calls();
    let mut rig = Rig::gated(model, at_thumbnails);
    rig.generate("apple");
    let held = rig.gate.wait();
    rig.generate("pear");
    rig.gate.open();
    drop(held);
    rig.drain_until("thumbnail 3");
    let calls = calls.all();
    let first = calls.iter().position(|call| at_thumbnails(call.point)).unwrap();
    assert_eq!(calls[first + 1].point, Point::Start, "the new job goes before the second one");
    let expected = [
        "model ready",
        "thumbnail 1",
        "started of job 2",
        "scale 0 of job 2",
        "scale 1 of job 2",
        "scale 2 of job 2",
        "scale 3 of job 2",
        "finished of job 2",
        "thumbnail 2",
        "thumbnail 3",
    ];
    assert_eq!(rig.story(), expected);
}

#[test]
fn a_cancelled_job_still_gets_its_thumbnails() {
    let mut rig = Rig::gated(FakeModel::new(), at_steps);
    rig.generate("apple");
    let held = rig.gate.wait();
    rig.worker.cancel();
    rig.gate.open();
    drop(held);
    rig.drain_until("thumbnail 3");
    assert!(rig.story().contains(&"cancelled of job 1".to_owned()));
}

#[test]
fn dropping_ends_an_idle_worker() {
    let mut rig = Rig::new(FakeModel::new());
    rig.worker.generate(plain("apple"));
    rig.drain_until("finished of job 1");
    rig.begin_drop().finish();
}

#[test]
fn dropping_ends_a_running_job() {
    let n_scales = 100_000;
    let model = FakeModel::new().with_scales(n_scales);
    let calls = model.calls();
    let mut rig = Rig::gated(model, |point| point == Point::Step(1));
    rig.worker.generate(plain("apple"));
    let held = rig.gate.wait();
    let dropping = rig.begin_drop();
    drop(held);
    dropping.finish();
    assert!(calls.count(|call| at_steps(call.point)) < n_scales);
}

#[test]
fn dropping_ends_a_worker_that_waits_to_send() {
    let mut rig = Rig::new(FakeModel::new().with_scales(3 * WorkerHandle::EVENT_CAPACITY));
    rig.worker.generate(plain("apple"));
    rig.wait_for_wakes(wakes_until_full());
    rig.begin_drop().finish();
}

#[test]
fn dropping_while_loading_ends_with_the_loading() {
    let mut rig = Rig::gated(FakeModel::new(), |point| point == Point::Load);
    rig.worker.generate(plain("apple"));
    let held = rig.gate.wait();
    let dropping = rig.begin_drop();
    drop(held);
    dropping.finish();
}

#[test]
fn dropping_ends_the_thumbnails() {
    let mut rig = Rig::gated(FakeModel::new(), at_thumbnails);
    rig.generate("apple");
    let held = rig.gate.wait();
    let dropping = rig.begin_drop();
    drop(held);
    dropping.finish();
}
