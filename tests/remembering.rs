//! What the worker does for memories, on a fake model: candidates with their small pictures, and
//! ids and keys for other threads.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, bounded};
use underpaint::imaging::RgbaImage;
use underpaint::protocol::{
    EntryId, Errand, Event, Failure, GenerateRequest, InspiredBy, MemoryEncoder, MemoryId,
    MemoryRequest, OwnEntry, OwnMemory,
};
use underpaint::worker::WorkerMemoryEncoder;

use common::fake_model::{FakeModel, Fault, Point, TIME_LIMIT, middle};
use common::worker_rig::Rig;

/// Tokens of a picture of the fake.
const N_TOKENS: usize = 1 + 4 + 16 + 64;

/// Two pictures of the user.
fn own() -> Arc<OwnMemory> {
    let rows = [[7_u16; N_TOKENS], [0x0102; N_TOKENS]];
    let entry = |ids: &[u16; N_TOKENS]| OwnEntry {
        entry: EntryId::of(*ids),
        caption: format!("mine {}", ids[0]),
        source: "mine.png".to_owned(),
        licence: String::new(),
    };
    Arc::new(OwnMemory {
        memory: MemoryId(1),
        name: "Mine".to_owned(),
        entries: rows.iter().map(entry).collect(),
        keys: vec![1; 8],
        key_dim: 4,
        ids: rows.concat(),
        n_tokens: N_TOKENS,
    })
}

fn search(n: usize) -> Errand {
    let memory =
        MemoryRequest { own: vec![own()], banned: vec![EntryId(2)], ..MemoryRequest::default() };
    Errand::Candidates { text: "leaf".to_owned(), memory, n }
}

fn found(rig: &Rig) -> Vec<Result<&[InspiredBy], &Failure>> {
    let searches = rig.seen.iter().filter_map(|event| match event {
        Event::Candidates { outcome, .. } => Some(outcome.as_deref()),
        _ => None,
    });
    searches.collect()
}

fn thumbnails(rig: &Rig) -> Vec<EntryId> {
    let entries = rig.seen.iter().filter_map(|event| match event {
        Event::Thumbnail { entry, .. } => Some(*entry),
        _ => None,
    });
    entries.collect()
}

/// Does something with an encoder on a thread of its own; the answer comes when it is done.
fn elsewhere<R: Send + 'static>(
    mut encoder: WorkerMemoryEncoder,
    work: impl FnOnce(&mut WorkerMemoryEncoder) -> R + Send + 'static,
) -> (Receiver<R>, JoinHandle<()>) {
    let (done, is_done) = bounded(1);
    let thread = Builder::new().name("elsewhere".to_owned());
    let thread = thread.spawn(move || done.send(work(&mut encoder)).unwrap()).unwrap();
    (is_done, thread)
}

fn picture(red: u8, green: u8) -> Arc<RgbaImage> {
    Arc::new(RgbaImage::from_pixel(16, 16, image::Rgba([red, green, 0, 255])))
}

#[test]
fn candidates_come_first_and_then_what_they_look_like() {
    let mut rig = Rig::new(FakeModel::new());
    rig.worker.errand(search(4));
    rig.drain_until("thumbnail 3");
    let best = found(&rig)[0].unwrap();
    let captions: Vec<_> = best.iter().map(|found| found.caption.as_str()).collect();
    assert_eq!(captions, ["mine 7", "mine 258", "entry 1", "entry 3"], "without what is banned");
    let entries: Vec<_> = best.iter().map(|found| found.entry).collect();
    assert_eq!(thumbnails(&rig), entries, "most wanted first");
    let Some(Event::Thumbnail { image, .. }) =
        rig.seen.iter().find(|event| matches!(event, Event::Thumbnail { .. }))
    else {
        unreachable!()
    };
    assert_eq!(middle(image).0[..2], [0, 7], "decoded from its ids");
}

#[test]
fn a_newer_search_takes_the_place_of_small_pictures_not_yet_made() {
    let at_thumbnails = |point| matches!(point, Point::Thumbnail(_));
    let mut rig = Rig::gated(FakeModel::new(), at_thumbnails);
    rig.worker.errand(search(6));
    let held = rig.gate.wait();
    rig.worker.errand(search(2));
    rig.gate.open();
    drop(held);
    let second = format!("thumbnail {}", own().entries[1].entry.0);
    rig.drain_until(&second);
    let mine: Vec<EntryId> = own().entries.iter().map(|entry| entry.entry).collect();
    // The first again: the window may have dropped it since.
    assert_eq!(thumbnails(&rig), [mine[0], mine[0], mine[1]]);
    assert_eq!(found(&rig).len(), 2);
}

#[test]
fn what_a_job_looked_at_is_shown_before_candidates() {
    let mut rig = Rig::gated(FakeModel::new(), |point| point == Point::Candidates);
    rig.worker.errand(search(5));
    let held = rig.gate.wait();
    rig.worker.generate(GenerateRequest::new("apple", 1));
    drop(held);
    rig.drain_until("thumbnail 4");
    assert_eq!(thumbnails(&rig)[..3], [EntryId(1), EntryId(2), EntryId(3)]);
}

#[test]
fn a_search_that_fails_says_why() {
    for fault in [Fault::Error, Fault::Panic] {
        let mut rig = Rig::new(FakeModel::new().with_fault("leaf", Point::Candidates, fault));
        rig.worker.errand(search(5));
        rig.drain_until("candidates 1");
        let failure = found(&rig)[0].unwrap_err();
        assert!(failure.details.contains("fake"), "{failure:?}");
    }
    let mut rig = Rig::new(FakeModel::new().with_fault("", Point::Load, Fault::Error));
    rig.worker.errand(search(5));
    rig.drain_until("candidates 1");
    assert!(found(&rig)[0].unwrap_err().details.contains("fake error"));
}

#[test]
fn other_threads_get_ids_and_keys() {
    let rig = Rig::new(FakeModel::new());
    let mut encoder = rig.worker.memory_encoder();
    // Two at a time, each with its own answers.
    let (answer, thread) = elsewhere(encoder.clone(), |encoder| {
        encoder.ids(&(0..40).map(|green| picture(1, green)).collect::<Vec<_>>()).unwrap()
    });
    let captions: Vec<String> = (0..40).map(|idx| format!("caption {idx}")).collect();
    let keys = encoder.keys(&captions).unwrap();
    assert_eq!(keys.len(), 40);
    assert_eq!(keys[3], encoder.keys(&captions[3..4]).unwrap()[0]);
    assert_ne!(keys[3], keys[4]);
    let ids = answer.recv_timeout(TIME_LIMIT).unwrap();
    thread.join().unwrap();
    let expected: Vec<u16> = (0..40).map(|green| 0x0100 + green).collect();
    assert_eq!(ids.iter().map(|ids| ids[0]).collect::<Vec<_>>(), expected);
    assert!(ids.iter().all(|ids| ids.len() == N_TOKENS));
    assert_eq!(encoder.model().unwrap().n_tokens, N_TOKENS);
    assert_eq!(encoder.ids(&[]).unwrap().len(), 0);
}

#[test]
fn a_request_waits_for_one_picture_of_a_memory_at_most() {
    let model = FakeModel::new();
    let calls = model.calls();
    let mut rig = Rig::gated(model, |point| point == Point::Encode);
    let (answer, thread) = elsewhere(rig.worker.memory_encoder(), |encoder| {
        encoder.ids(&[picture(1, 1), picture(1, 2)]).unwrap().len()
    });
    let held = rig.gate.wait();
    rig.worker.generate(GenerateRequest {
        memory: MemoryRequest::off(),
        ..GenerateRequest::new("apple", 1)
    });
    drop(held);
    let held = rig.gate.wait();
    assert!(calls.count(|call| call.point == Point::Start) == 1, "the request came first");
    drop(held);
    assert_eq!(answer.recv_timeout(TIME_LIMIT), Ok(2));
    thread.join().unwrap();
}

#[test]
fn what_cannot_be_encoded_says_why_and_the_next_goes_well() {
    let model = FakeModel::new().with_fault("bad", Point::Key, Fault::Error).with_fault(
        "worse",
        Point::Key,
        Fault::Panic,
    );
    let rig = Rig::new(model);
    let mut encoder = rig.worker.memory_encoder();
    for caption in ["bad", "worse"] {
        let captions = ["good".to_owned(), caption.to_owned()];
        let failure = encoder.keys(&captions).unwrap_err();
        assert!(failure.details.contains("fake"), "{failure:?}");
    }
    assert_eq!(encoder.keys(&["good".to_owned()]).unwrap().len(), 1);
}

#[test]
fn without_a_model_nothing_is_encoded() {
    let mut rig = Rig::gated(FakeModel::new().with_fault("", Point::Load, Fault::Error), |point| {
        point == Point::Load
    });
    let (answer, thread) = elsewhere(rig.worker.memory_encoder(), MemoryEncoder::model);
    drop(rig.gate.wait());
    let failure = answer.recv_timeout(TIME_LIMIT).unwrap().unwrap_err();
    thread.join().unwrap();
    assert!(failure.details.contains("fake error"), "{failure:?}");
    rig.drain_until("model failed");
    let late = rig.worker.memory_encoder().ids(&[picture(0, 0)]).unwrap_err();
    assert!(late.details.contains("fake error"), "{late:?}");
}

#[test]
fn dropping_the_worker_answers_those_who_wait() {
    let rig = Rig::gated(FakeModel::new(), |point| point == Point::Encode);
    let mut encoder = rig.worker.memory_encoder();
    let (answer, thread) = elsewhere(rig.worker.memory_encoder(), |encoder| {
        encoder.ids(&[picture(1, 1), picture(1, 2), picture(1, 3)])
    });
    let held = rig.gate.wait();
    let (waiting, second) =
        elsewhere(rig.worker.memory_encoder(), |encoder| encoder.keys(&["a".to_owned()]));
    let dropping = rig.begin_drop();
    // The one that waits is answered while the other is still under way, or when it comes late.
    let failure = waiting.recv_timeout(TIME_LIMIT).unwrap().unwrap_err();
    assert!(failure.headline.contains("closing"), "{failure:?}");
    drop(held);
    dropping.finish();
    answer.recv_timeout(TIME_LIMIT).unwrap().ok();
    thread.join().unwrap();
    second.join().unwrap();
    assert!(encoder.model().unwrap_err().headline.contains("closing"));
}
