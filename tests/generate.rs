//! Promises of a generation, on the tiny model and on the one inside the program: same request,
//! same bytes; batches, prefixes and absent controls change nothing.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;

use underpaint::imaging::{ControlMap, RgbaImage};
use underpaint::model::{self, DeviceChoice, Generator, LoadOptions, ModelChoice, Session, Step};
use underpaint::params::{ControlKind, StrengthCurve};
use underpaint::protocol::{
    Anchor, Control, EntryId, GenerateRequest, Inspiration, MemoryRequest, PictureIds,
};

fn tiny() -> Box<dyn Generator> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/embedded_tiny");
    let options = LoadOptions { model: ModelChoice::Folder(folder), device: DeviceChoice::Cpu };
    model::load(&options).unwrap()
}

fn embedded() -> Box<dyn Generator> {
    model::load(&LoadOptions { model: ModelChoice::Embedded, device: DeviceChoice::Cpu }).unwrap()
}

fn finish(mut session: Box<dyn Session>) -> Box<dyn Session> {
    while session.n_done() < session.n_scales() {
        session.step(&|| true).unwrap();
    }
    session
}

fn paint(generator: &mut dyn Generator, request: &GenerateRequest) -> RgbaImage {
    finish(generator.start(request).unwrap()).render(0).unwrap()
}

fn lines(strength: StrengthCurve) -> Control {
    let ink = |idx: usize| f32::from(u8::from((idx % 256).abs_diff(idx / 256) < 4));
    let map = ControlMap::new(ControlKind::Lines, 256, (0..256 * 256).map(ink).collect()).unwrap();
    Control { map, strength, strength_map: None }
}

fn message(generator: &mut dyn Generator, request: &GenerateRequest) -> String {
    generator.start(request).err().expect("the request is refused").to_string()
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    let request = GenerateRequest::new("red apple, 3d style", 7);
    let first = paint(&mut *embedded(), &request);
    let mut generator = embedded();
    assert_eq!(first, paint(&mut *generator, &request));
    // Caches of an earlier request must not show.
    paint(&mut *generator, &GenerateRequest::new("blue car", 1));
    assert_eq!(first, paint(&mut *generator, &request));
    assert_ne!(first, paint(&mut *generator, &GenerateRequest::new("red apple, 3d style", 8)));
}

#[test]
fn a_batch_is_its_single_pictures() {
    for mut generator in [tiny(), embedded()] {
        let mut request = GenerateRequest::new("green heart", 0);
        request.seeds = vec![3, 4, 5];
        let batch = finish(generator.start(&request).unwrap());
        for (batch_idx, seed) in [3, 4, 5].into_iter().enumerate() {
            let alone = paint(&mut *generator, &GenerateRequest::new("green heart", seed));
            assert_eq!(batch.render(batch_idx).unwrap(), alone, "seed {seed}");
        }
    }
}

#[test]
fn stopping_shows_the_prefix_of_the_whole() {
    let mut generator = embedded();
    let request = GenerateRequest::new("cat face", 2);
    let mut whole = generator.start(&request).unwrap();
    for n_scales in 1..=whole.n_scales() {
        whole.step(&|| true).unwrap();
        let stopped = GenerateRequest { stop_at: Some(n_scales), ..request.clone() };
        assert_eq!(paint(&mut *generator, &stopped), whole.render(0).unwrap(), "{n_scales}");
    }
}

#[test]
fn going_on_gives_the_bytes_of_a_run_without_a_break() {
    let mut generator = tiny();
    let request = GenerateRequest { seeds: vec![2, 3], ..GenerateRequest::new("cat face", 2) };
    let whole = finish(generator.start(&request).unwrap());
    let stopped = GenerateRequest { stop_at: Some(3), ..request.clone() };
    let mut session = finish(generator.start(&stopped).unwrap());
    // Another run in between must not show, nor that its pictures are decoded late.
    paint(&mut *generator, &GenerateRequest::new("blue car", 1));
    session.set_n_scales(8).unwrap();
    let session = finish(session);
    for scale_idx in 0..8 {
        for batch_idx in 0..2 {
            let picture = session.render_scale(scale_idx, batch_idx).unwrap();
            assert_eq!(picture, whole.render_scale(scale_idx, batch_idx).unwrap(), "{scale_idx}");
        }
    }
}

#[test]
fn an_abandoned_step_leaves_the_session_as_before() {
    let mut generator = tiny();
    let request = GenerateRequest::new("cat face", 2);
    let whole = finish(generator.start(&request).unwrap());
    let mut session = generator.start(&request).unwrap();
    let mut n_abandoned = 0;
    // Stopped at the first moment, at the second, and so on, until the step comes through.
    while session.n_done() < session.n_scales() {
        let n_done = session.n_done();
        for n_allowed in 0.. {
            let n_asked = Cell::new(0);
            let go_on = || n_asked.replace(n_asked.get() + 1) < n_allowed;
            if session.step(&go_on).unwrap() == Step::Done {
                break;
            }
            assert_eq!(session.n_done(), n_done);
            n_abandoned += 1;
        }
    }
    assert!(n_abandoned > 2 * session.n_scales(), "asked more than once in each step");
    assert_eq!(session.render(0).unwrap(), whole.render(0).unwrap());
}

#[test]
fn a_run_cannot_be_cut_short_of_what_is_done() {
    let mut generator = tiny();
    let mut session = generator.start(&GenerateRequest::new("cat face", 2)).unwrap();
    session.step(&|| true).unwrap();
    session.step(&|| true).unwrap();
    for n_scales in [1, 9] {
        let message = session.set_n_scales(n_scales).unwrap_err().to_string();
        assert!(message.contains("2 are done"), "{message}");
    }
    session.set_n_scales(2).unwrap();
    assert_eq!(session.n_scales(), 2);
}

#[test]
fn what_earlier_requests_left_in_caches_never_shows() {
    let request = GenerateRequest { seeds: vec![1, 2], ..GenerateRequest::new("red apple", 1) };
    let mut requests = vec![request.clone(); 7];
    requests[1].controls = vec![lines(StrengthCurve::Constant(1.0))];
    requests[2].controls = vec![lines(StrengthCurve::Constant(0.4))];
    requests[3].negative = "green".to_owned();
    requests[4].memory.reference_strength = 0.0;
    requests[5].memory = MemoryRequest::off();
    requests[6].seeds = vec![2, 1];
    let mut generator = tiny();
    let alone: Vec<RgbaImage> =
        requests.iter().map(|request| paint(&mut *tiny(), request)).collect();
    // There and back, so that each comes after its neighbours on both sides.
    let order: Vec<usize> = (0..requests.len()).chain((0..requests.len()).rev()).collect();
    for idx in order {
        assert_eq!(paint(&mut *generator, &requests[idx]), alone[idx], "request {idx}");
    }
}

#[test]
fn ids_are_a_grid_per_scale_and_picture() {
    let mut generator = tiny();
    let sides = generator.info().scales.clone();
    let request = GenerateRequest { seeds: vec![3, 4], ..GenerateRequest::new("red apple", 1) };
    let mut session = generator.start(&request).unwrap();
    assert!(session.ids(0).is_empty());
    session.step(&|| true).unwrap();
    let early = session.ids(1);
    assert_eq!(early.len(), 1);
    let session = finish(session);
    for (batch_idx, seed) in [3, 4].into_iter().enumerate() {
        let ids = session.ids(batch_idx);
        let n_tokens: Vec<usize> = ids.iter().map(Vec::len).collect();
        assert_eq!(n_tokens, sides.iter().map(|side| side * side).collect::<Vec<_>>());
        let alone = GenerateRequest::new("red apple", seed);
        assert_eq!(ids, finish(generator.start(&alone).unwrap()).ids(0), "seed {seed}");
    }
    assert_eq!(session.ids(1)[..1], early);
    assert_ne!(session.ids(0), session.ids(1));
}

#[test]
fn an_anchor_holds_the_earlier_picture() {
    let mut generator = tiny();
    let earlier = GenerateRequest::new("red apple", 1);
    let ids = finish(generator.start(&earlier).unwrap()).ids(0);
    let mut request =
        GenerateRequest { controls: vec![lines(StrengthCurve::default())], ..earlier };
    let mut n_changed = |anchor: Option<Anchor>| -> usize {
        request.anchor = anchor;
        let changed = finish(generator.start(&request).unwrap()).ids(0);
        let pairs = ids.iter().flatten().zip(changed.iter().flatten());
        pairs.filter(|(before, after)| before != after).count()
    };
    let held = |hold| Some(Anchor { ids: Arc::new(vec![ids.clone()]), hold });
    let n_free = n_changed(None);
    assert!(n_free > 0, "the lines change the picture");
    assert_eq!(n_changed(held(0.0)), n_free);
    assert!(n_changed(held(2.0)) < n_free);
    assert_eq!(n_changed(held(Anchor::MAX_HOLD)), 0, "more than any logit of this model");
    // A stopped picture holds its own scales only.
    let coarse = Anchor { ids: Arc::new(vec![ids[..3].to_vec()]), hold: Anchor::MAX_HOLD };
    let n_half_held = n_changed(Some(coarse));
    assert!((1..n_free).contains(&n_half_held), "{n_half_held} of {n_free}");
}

#[test]
fn an_absent_control_and_one_of_no_strength_are_the_same() {
    let mut generator = tiny();
    let request = GenerateRequest::new("red apple", 1);
    let without = paint(&mut *generator, &request);
    let mut with = request.clone();
    for strength in [
        StrengthCurve::Constant(0.0),
        StrengthCurve::Ends { layout: 0.0, detail: 0.0 },
        StrengthCurve::PerScale(vec![0.0]),
    ] {
        with.controls = vec![lines(strength)];
        assert_eq!(paint(&mut *generator, &with), without);
    }
    // A strength map of zeros switches it off too, and a control at full strength acts.
    with.controls = vec![lines(StrengthCurve::Constant(1.0))];
    assert_ne!(paint(&mut *generator, &with), without);
    with.controls[0].strength_map = Some(vec![0.0; 256].into());
    assert_eq!(paint(&mut *generator, &with), without);
}

#[test]
fn layout_strength_leaves_the_fine_scales_alone() {
    let mut generator = tiny();
    let mut request = GenerateRequest::new("red apple", 1);
    let plain = paint(&mut *generator, &GenerateRequest { stop_at: Some(7), ..request.clone() });
    // Strength at the finest scale only: the first seven scales are as without.
    let mut curve = vec![0.0; 8];
    curve[7] = 1.0;
    request.controls = vec![lines(StrengthCurve::PerScale(curve))];
    let stopped = GenerateRequest { stop_at: Some(7), ..request.clone() };
    assert_eq!(paint(&mut *generator, &stopped), plain);
}

#[test]
fn banning_takes_the_next_and_changes_the_picture() {
    let mut generator = embedded();
    let mut request = GenerateRequest::new("red apple, 3d style", 1);
    let session = finish(generator.start(&request).unwrap());
    let before = session.inspired_by().to_vec();
    assert_eq!(before.len(), 3);
    assert!(before.iter().all(|entry| !entry.licence.is_empty() && entry.similarity.is_some()));
    request.memory.banned = vec![before[0].entry];
    let banned = finish(generator.start(&request).unwrap());
    assert!(banned.inspired_by().iter().all(|entry| entry.entry != before[0].entry));
    assert_eq!(banned.inspired_by().len(), 3);
    assert_ne!(banned.render(0).unwrap(), session.render(0).unwrap());
}

#[test]
fn memory_can_be_chosen_or_left_out() {
    let mut generator = embedded();
    let request = GenerateRequest::new("tree", 1);
    let off = GenerateRequest { memory: MemoryRequest::off(), ..request.clone() };
    assert!(generator.start(&off).unwrap().inspired_by().is_empty());

    let entry = generator.start(&request).unwrap().inspired_by()[1].entry;
    let picture = generator.thumbnail(entry).unwrap();
    let mut chosen = off.clone();
    let mine = Inspiration::Picture { name: "mine.png".to_owned(), pixels: Arc::clone(&picture) };
    chosen.memory.chosen = vec![(2, mine), (0, Inspiration::Entry(entry))];
    let session = finish(generator.start(&chosen).unwrap());
    let used: Vec<_> = session.inspired_by().iter().map(|used| (used.slot, used.entry)).collect();
    assert_eq!((used.len(), used[0]), (2, (0, entry)));
    assert_eq!((used[1].0, session.inspired_by()[1].caption.as_str()), (2, "mine.png"));
    assert_eq!(generator.thumbnail(used[1].1).unwrap(), picture);
    assert_ne!(session.render(0).unwrap(), paint(&mut *generator, &off));
}

#[test]
fn requests_that_do_not_fit_are_refused_with_the_reason() {
    let mut generator = embedded();
    let request = GenerateRequest::new("x", 1);
    let ids = vec![vec![7], vec![1, 2, 3, 4]];
    let mut refused = |request: GenerateRequest, words: &str| {
        let message = message(&mut *generator, &request);
        assert!(message.contains(words), "{message}");
    };
    refused(GenerateRequest { seeds: vec![], ..request.clone() }, "at least one seed");
    refused(GenerateRequest { stop_at: Some(99), ..request.clone() }, "1 to 8");
    refused(GenerateRequest { stop_at: Some(0), ..request.clone() }, "1 to 8");
    let small = ControlMap::new(ControlKind::Depth, 8, vec![0.0; 64]).unwrap();
    let small = Control { map: small, ..lines(StrengthCurve::default()) };
    refused(GenerateRequest { controls: vec![small], ..request.clone() }, "256 px");
    let twice = vec![lines(StrengthCurve::default()); 2];
    refused(GenerateRequest { controls: twice, ..request.clone() }, "two lines controls");
    let map = Some(vec![1.0; 5].into());
    let bad = Control { strength_map: map, ..lines(StrengthCurve::default()) };
    refused(GenerateRequest { controls: vec![bad], ..request.clone() }, "256 cells");
    let mut refused_anchor = |ids: Vec<PictureIds>, hold: f32, words: &str| {
        let anchor = Some(Anchor { ids: Arc::new(ids), hold });
        refused(GenerateRequest { anchor, ..request.clone() }, words);
    };
    refused_anchor(vec![ids.clone()], -1.0, "0 to 20");
    refused_anchor(vec![ids.clone()], f32::NAN, "0 to 20");
    refused_anchor(vec![ids.clone(); 2], 1.0, "one for each seed");
    refused_anchor(vec![vec![vec![4096]]], 1.0, "another model");
    refused_anchor(vec![vec![ids[0].clone(), ids[0].clone()]], 1.0, "another model");
    refused_anchor(vec![vec![vec![0]; 9]], 1.0, "another model");
    let mut refused_slot = |slot: usize, inspiration: Inspiration, words: &str| {
        let memory =
            MemoryRequest { chosen: vec![(slot, inspiration)], ..MemoryRequest::default() };
        refused(GenerateRequest { memory, ..request.clone() }, words);
    };
    refused_slot(0, Inspiration::Entry(EntryId(1)), "0000000000000001");
    refused_slot(7, Inspiration::Entry(EntryId(1)), "no inspiration 8");
    let pixels = Arc::new(RgbaImage::new(3, 2));
    refused_slot(0, Inspiration::Picture { name: "tiny.png".to_owned(), pixels }, "3 × 2 px");
}

#[test]
fn long_and_empty_prompts_are_fine() {
    let mut generator = tiny();
    let session = generator.start(&GenerateRequest::new("apple ".repeat(2_000), 1)).unwrap();
    assert!(session.notices()[0].contains("too long"), "{:?}", session.notices());
    let session = generator.start(&GenerateRequest::new("", 1)).unwrap();
    assert!(session.notices().is_empty());
    finish(session).render(0).unwrap();
}
