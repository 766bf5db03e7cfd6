//! Given scales, locked places, and pictures to ids and back, on the tiny model and on the one
//! inside the program.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::PathBuf;
use std::sync::Arc;

use image::{Rgba, RgbaImage};
use underpaint::imaging::metadata::PictureRecord;
use underpaint::model::{self, DeviceChoice, Generator, LoadOptions, ModelChoice, Session};
use underpaint::protocol::{
    Anchor, GenerateRequest, Given, Kept, Lock, LockMask, Making, PictureIds,
};

const SIZE_PX: usize = 256;

fn tiny() -> Box<dyn Generator> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/embedded_tiny");
    let options = LoadOptions { model: ModelChoice::Folder(folder), device: DeviceChoice::Cpu };
    model::load(&options).unwrap()
}

fn embedded() -> Box<dyn Generator> {
    model::load(&LoadOptions { model: ModelChoice::Embedded, device: DeviceChoice::Cpu }).unwrap()
}

fn finish(generator: &mut dyn Generator, request: &GenerateRequest) -> Box<dyn Session> {
    let mut session = generator.start(request).unwrap();
    while session.n_done() < session.n_scales() {
        session.step(&|| true).unwrap();
    }
    session
}

fn mask(covers: impl Fn(usize, usize) -> bool) -> Arc<LockMask> {
    let pixels = (0..SIZE_PX * SIZE_PX).map(|idx| covers(idx % SIZE_PX, idx / SIZE_PX));
    let coverage = pixels.map(|covered| if covered { 255 } else { 0 }).collect();
    Arc::new(LockMask { size_px: SIZE_PX, coverage })
}

/// The left part of the picture.
fn is_left(x: usize, _y: usize) -> bool {
    x < 100
}

fn lock(ids: &PictureIds, mask: &Arc<LockMask>) -> Lock {
    Lock { ids: Arc::new(ids.clone()), mask: Arc::clone(mask), beneath: None }
}

fn request(seed: u64) -> GenerateRequest {
    GenerateRequest::new("red apple, 3d style", seed)
}

#[test]
fn locked_pixels_stay_and_the_rest_is_painted() {
    for mut generator in [tiny(), embedded()] {
        let earlier = finish(&mut *generator, &request(1));
        let ids = earlier.ids(0);
        let locked = GenerateRequest { lock: Some(lock(&ids, &mask(is_left))), ..request(2) };
        let session = finish(&mut *generator, &locked);
        let mut n_changed = 0;
        for scale_idx in 0..session.n_scales() {
            let before = earlier.render_scale(scale_idx, 0).unwrap();
            let after = session.render_scale(scale_idx, 0).unwrap();
            for (x, y, pixel) in after.enumerate_pixels() {
                if is_left(x as usize, y as usize) {
                    assert_eq!(pixel, before.get_pixel(x, y), "scale {scale_idx} at {x}, {y}");
                } else {
                    n_changed += usize::from(pixel != before.get_pixel(x, y));
                }
            }
        }
        assert!(n_changed > 0, "the rest is painted anew");
        // The finest tokens well inside are the earlier ones, those well outside are not.
        let (side, last) = (16, 7);
        let differ = |columns: std::ops::Range<usize>| {
            let cells = (0..side * side).filter(|idx| columns.contains(&(idx % side)));
            cells.filter(|idx| session.ids(0)[last][*idx] != ids[last][*idx]).count()
        };
        assert_eq!(differ(0..6), 0);
        assert!(differ(7..16) > 20, "{}", differ(7..16));
        // The same request gives the same bytes, and so does an errand.
        let again = finish(&mut *generator, &locked);
        assert!(again.render(0).unwrap() == session.render(0).unwrap());
        for scale_idx in 0..session.n_scales() {
            let decoded =
                generator.decode(&session.ids(0), locked.lock.as_ref(), scale_idx).unwrap();
            assert!(decoded == session.render_scale(scale_idx, 0).unwrap());
        }
    }
}

#[test]
fn nothing_locked_is_no_lock_and_everything_locked_is_the_earlier_picture() {
    for mut generator in [tiny(), embedded()] {
        let earlier = finish(&mut *generator, &request(1));
        let ids = earlier.ids(0);
        let nothing = GenerateRequest { lock: Some(lock(&ids, &mask(|_, _| false))), ..request(2) };
        let with = finish(&mut *generator, &nothing);
        let without = finish(&mut *generator, &request(2));
        assert_eq!(with.ids(0), without.ids(0));
        let everything =
            GenerateRequest { lock: Some(lock(&ids, &mask(|_, _| true))), ..request(2) };
        let all = finish(&mut *generator, &everything);
        assert_eq!(all.ids(0), ids);
        for scale_idx in 0..with.n_scales() {
            let render = |session: &dyn Session| session.render_scale(scale_idx, 0).unwrap();
            assert!(render(&*with) == render(&*without), "scale {scale_idx}");
            assert!(render(&*all) == render(&*earlier), "scale {scale_idx}");
        }
    }
}

#[test]
fn seams_have_no_fringes() {
    // Both sides are opaque or clear along a line of soft alpha: between two colours of the same
    // hue nothing darker or of another hue may come up.
    let mut generator = embedded();
    let earlier = finish(&mut *generator, &request(1));
    let locked =
        GenerateRequest { lock: Some(lock(&earlier.ids(0), &mask(is_left))), ..request(2) };
    let session = finish(&mut *generator, &locked);
    let free = generator.decode(&session.ids(0), None, 7).unwrap();
    let (old, new) = (earlier.render(0).unwrap(), session.render(0).unwrap());
    let premultiplied = |pixel: &Rgba<u8>, channel: usize| {
        i32::from(pixel.0[channel]) * if channel < 3 { i32::from(pixel.0[3]) } else { 255 }
    };
    for (x, y, pixel) in new.enumerate_pixels() {
        for channel in 0..4 {
            let ends = [old.get_pixel(x, y), free.get_pixel(x, y)];
            let [a, b] = ends.map(|end| premultiplied(end, channel));
            let mixed = premultiplied(pixel, channel);
            // Two steps of rounding on either side.
            let between = a.min(b) - 2 * 255..=a.max(b) + 2 * 255;
            assert!(between.contains(&mixed), "{x}, {y}: {mixed} of {between:?}");
        }
    }
}

#[test]
fn a_lock_over_a_lock_keeps_what_was_seen() {
    let mut generator = tiny();
    let first = finish(&mut *generator, &request(1));
    let below = lock(&first.ids(0), &mask(is_left));
    let second_request = GenerateRequest { lock: Some(below.clone()), ..request(2) };
    let second = finish(&mut *generator, &second_request);
    let above = Lock {
        ids: Arc::new(second.ids(0)),
        mask: mask(|_, y| y < 128),
        beneath: Some(Arc::new(below)),
    };
    let third_request = GenerateRequest { lock: Some(above), ..request(3) };
    let third = finish(&mut *generator, &third_request);
    let (before, after) = (second.render(0).unwrap(), third.render(0).unwrap());
    let upper = |picture: &RgbaImage| picture.as_raw()[..128 * SIZE_PX * 4].to_vec();
    assert!(upper(&before) == upper(&after));
    assert!(before != after);

    // Through a file: the record is enough to decode it and to go on with it.
    let model = generator.info().clone();
    let making = Making {
        request: &third_request,
        seed: 3,
        model: &model,
        inspired_by: third.inspired_by(),
        ids: &third.ids(0),
    };
    let json = making.record(true).to_json();
    let (record, remarks) = PictureRecord::from_json(&json).unwrap();
    assert!(remarks.is_empty(), "{remarks:?}");
    assert!(json.len() < 24_000, "{} bytes", json.len());
    let kept = Kept::from_record(&record, &model).unwrap();
    assert_eq!(kept.lock, third_request.lock);
    assert!(generator.decode(&kept.ids, kept.lock.as_ref(), 7).unwrap() == after);
    let on = finish(&mut *generator, &kept.request(&record, 5).unwrap());
    assert!(on.render(0).unwrap() == after);
}

#[test]
fn a_batch_shares_its_lock_and_given_scales() {
    let mut generator = tiny();
    let earlier = finish(&mut *generator, &request(1));
    let ids = earlier.ids(0);
    let one = |seed| GenerateRequest {
        lock: Some(lock(&ids, &mask(is_left))),
        given: Some(Given::prefix(&ids, 2)),
        ..request(seed)
    };
    let given = Given::prefix(&ids, 2);
    let given = Some(Given { ids: Arc::new(vec![given.ids[0].clone(); 3]), ..given });
    let batch = GenerateRequest { seeds: vec![4, 5, 6], given, ..one(4) };
    let batch = finish(&mut *generator, &batch);
    for (batch_idx, seed) in [4, 5, 6].into_iter().enumerate() {
        let alone = finish(&mut *generator, &one(seed));
        assert_eq!(batch.ids(batch_idx)[..2], ids[..2]);
        assert_eq!(batch.ids(batch_idx), alone.ids(0));
        assert!(batch.render(batch_idx).unwrap() == alone.render(0).unwrap());
    }
}

#[test]
fn a_lock_of_a_stopped_picture_leaves_later_scales_free() {
    let mut generator = tiny();
    let stopped = GenerateRequest { stop_at: Some(5), ..request(1) };
    let ids = finish(&mut *generator, &stopped).ids(0);
    let everything = GenerateRequest { lock: Some(lock(&ids, &mask(|_, _| true))), ..request(2) };
    let session = finish(&mut *generator, &everything);
    assert_eq!(session.ids(0)[..5], ids[..]);
    let going_on = GenerateRequest { given: Some(Given::prefix(&ids, 5)), ..request(2) };
    let free = finish(&mut *generator, &going_on);
    assert_eq!(session.ids(0), free.ids(0));
    assert!(session.render(0).unwrap() == free.render(0).unwrap());
}

#[test]
fn drafts_keep_what_is_locked() {
    let mut generator = tiny();
    let earlier = finish(&mut *generator, &request(1));
    let all = lock(&earlier.ids(0), &mask(|_, _| true));
    let locked = GenerateRequest { lock: Some(all), stop_at: Some(5), ..request(2) };
    let session = finish(&mut *generator, &locked);
    assert!(session.render_draft(0).unwrap() == earlier.render_scale(4, 0).unwrap());
}

#[test]
fn given_scales_are_taken_as_they_are() {
    let mut generator = embedded();
    let whole = finish(&mut *generator, &request(7));
    for n_given in 1..=8 {
        let given = Some(Given::prefix(&whole.ids(0), n_given));
        let session = generator.start(&GenerateRequest { given: given.clone(), ..request(7) });
        assert_eq!(session.unwrap().n_done(), n_given);
        let session = finish(&mut *generator, &GenerateRequest { given, ..request(7) });
        assert_eq!(session.ids(0), whole.ids(0));
        assert!(session.render(0).unwrap() == whole.render(0).unwrap(), "{n_given} given");
    }
    let given = Some(Given::prefix(&whole.ids(0), 3));
    let other = finish(&mut *generator, &GenerateRequest { given, ..request(8) });
    assert_eq!(other.ids(0)[..3], whole.ids(0)[..3]);
    assert_ne!(other.ids(0)[3], whole.ids(0)[3]);
}

#[test]
fn a_picture_of_the_model_survives_as_ids() {
    let mut generator = embedded();
    let session = finish(&mut *generator, &request(7));
    let picture = session.render(0).unwrap();
    let ids = generator.encode(&picture).unwrap();
    let decoded = generator.decode(&ids, None, 7).unwrap();
    // What the autoencoder loses; another picture is far more off.
    let error = |a: &RgbaImage, b: &RgbaImage| {
        let pairs = a.as_raw().iter().zip(b.as_raw());
        pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.as_raw().len() as f64
    };
    let of_another = GenerateRequest { prompt: "a blue house".to_owned(), ..request(8) };
    let other = finish(&mut *generator, &of_another).render(0).unwrap();
    assert!(error(&picture, &decoded) < 16.0, "{}", error(&picture, &decoded));
    assert!(error(&picture, &decoded) < 0.5 * error(&picture, &other));
    // Any size is fitted; one of the model's own size stays in place.
    let small = image::imageops::thumbnail(&picture, 100, 80);
    assert_eq!(generator.encode(&small).unwrap().len(), 8);
    let dot = RgbaImage::from_pixel(1, 1, Rgba([9, 9, 9, 255]));
    assert_eq!(generator.encode(&dot).unwrap().len(), 8);
}

#[test]
fn what_does_not_fit_is_refused_with_the_reason() {
    let mut generator = tiny();
    let ids: PictureIds = vec![vec![7], vec![1, 2, 3, 4]];
    let all = mask(|_, _| true);
    let mut refused = |request: GenerateRequest, words: &str| {
        let message = generator.start(&request).err().expect("it is refused").to_string();
        assert!(message.contains(words), "{message}");
    };
    let with = |lock: Option<Lock>| GenerateRequest { lock, ..request(1) };
    let small = Arc::new(LockMask { size_px: 8, coverage: vec![0; 64] });
    let short = Arc::new(LockMask { size_px: SIZE_PX, coverage: vec![0; 7] });
    refused(with(Some(lock(&ids, &small))), "the lock is 8 px wide");
    refused(with(Some(lock(&ids, &short))), "with 7 pixels");
    refused(with(Some(lock(&vec![vec![1 << 20]], &all))), "of another model");
    refused(with(Some(lock(&vec![vec![7], vec![7]], &all))), "of another model");
    refused(with(Some(lock(&Vec::new(), &all))), "of another model");
    let mut deep = lock(&ids, &all);
    for _ in 0..40 {
        deep = Lock { beneath: Some(Arc::new(deep)), ..lock(&ids, &all) };
    }
    refused(with(Some(deep)), "locked pictures lie over each other");
    let bad_beneath = Lock { beneath: Some(Arc::new(lock(&ids, &small))), ..lock(&ids, &all) };
    refused(with(Some(bad_beneath)), "the lock is 8 px wide");
    let given =
        |given: Vec<PictureIds>| Some(Given { ids: Arc::new(given), ..Given::prefix(&ids, 1) });
    let with_given = |ids| GenerateRequest { given: given(ids), ..request(1) };
    refused(with_given(Vec::new()), "one for each seed");
    refused(with_given(vec![ids.clone(), ids.clone()]), "one for each seed");
    refused(with_given(vec![Vec::new()]), "the same number of scales");
    refused(with_given(vec![vec![vec![1 << 20]]]), "another model");
    let stopped = GenerateRequest { stop_at: Some(1), ..with_given(vec![ids.clone()]) };
    refused(stopped, "cannot stop at scale 1: 2 are given");

    let message = |result: Result<RgbaImage, model::ModelError>| result.unwrap_err().to_string();
    assert!(message(generator.decode(&ids, None, 2)).contains("scale 3 was asked for"));
    assert!(message(generator.decode(&vec![vec![1 << 20]], None, 0)).contains("another model"));
    let bad = lock(&ids, &small);
    assert!(message(generator.decode(&ids, Some(&bad), 0)).contains("8 px wide"));
    let clear = RgbaImage::new(30, 20);
    assert!(generator.encode(&clear).unwrap_err().to_string().contains("no visible pixels"));
}

#[test]
fn an_anchor_is_recorded_for_going_on() {
    let mut generator = tiny();
    let earlier = finish(&mut *generator, &request(1));
    let anchor = Some(Anchor { ids: Arc::new(vec![earlier.ids(0)]), hold: 1.5 });
    let whole = GenerateRequest { anchor, ..request(2) };
    let picture = finish(&mut *generator, &whole).render(0).unwrap();
    let half = GenerateRequest { stop_at: Some(5), ..whole };
    let session = finish(&mut *generator, &half);
    let model = generator.info().clone();
    let making = Making {
        request: &half,
        seed: 2,
        model: &model,
        inspired_by: session.inspired_by(),
        ids: &session.ids(0),
    };
    let (record, _) = PictureRecord::from_json(&making.record(true).to_json()).unwrap();
    let kept = Kept::from_record(&record, &model).unwrap();
    let on = finish(&mut *generator, &kept.request(&record, 5).unwrap());
    assert!(on.render(0).unwrap() == picture);
}
