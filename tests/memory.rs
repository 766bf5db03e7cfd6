//! Promises of the picture memories on real networks: the user's own pictures are looked at first,
//! bans and closed slots change what is looked at, and what a file keeps of it gives the same bytes
//! whatever has become of the memory.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::PathBuf;
use std::sync::Arc;

use underpaint::imaging::RgbaImage;
use underpaint::imaging::metadata::{PictureRecord, TokenPyramid};
use underpaint::model::{self, DeviceChoice, Generator, LoadOptions, ModelChoice, Session};
use underpaint::protocol::{
    EntryId, GenerateRequest, Inspiration, InspiredBy, Kept, Making, MemoryEncoder as _, MemoryId,
    MemoryRequest, OwnEntry, OwnMemory, Provenance,
};
use underpaint::state::prompt::STYLES;

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

fn start(generator: &mut dyn Generator, request: &GenerateRequest) -> Box<dyn Session> {
    finish(generator.start(request).unwrap())
}

fn paint(generator: &mut dyn Generator, request: &GenerateRequest) -> RgbaImage {
    start(generator, request).render(0).unwrap()
}

/// A disc whose colour says which picture it is.
fn disc(size_px: usize, colour_idx: u8) -> Arc<RgbaImage> {
    let centre = size_px as f32 / 2.0;
    Arc::new(RgbaImage::from_fn(size_px as u32, size_px as u32, |x, y| {
        let is_inside = (x as f32 - centre).hypot(y as f32 - centre) < 0.8 * centre;
        let colour = [200, 30 * colour_idx, 255 - 30 * colour_idx, 255];
        image::Rgba(if is_inside { colour } else { [0; 4] })
    }))
}

/// A memory of the user with these captions, encoded as the program does it.
fn remember(generator: &mut Box<dyn Generator>, captions: &[&str]) -> Arc<OwnMemory> {
    let model = generator.model().unwrap();
    let pictures: Vec<_> =
        (0..captions.len()).map(|idx| disc(model.image_size_px, idx as u8)).collect();
    let ids = generator.ids(&pictures).unwrap();
    let captions: Vec<String> = captions.iter().copied().map(str::to_owned).collect();
    let keys = generator.keys(&captions).unwrap();
    let entries = ids.iter().zip(captions).map(|(ids, caption)| OwnEntry {
        entry: EntryId::of(ids.iter().copied()),
        source: format!("{caption}.png"),
        caption,
        licence: "mine".to_owned(),
    });
    Arc::new(OwnMemory {
        memory: MemoryId(1),
        name: "My discs".to_owned(),
        entries: entries.collect(),
        keys: keys.concat(),
        key_dim: model.key_dim,
        ids: ids.iter().flat_map(|ids| ids.iter().copied()).collect(),
        n_tokens: model.n_tokens,
    })
}

fn with_own(prompt: &str, own: &Arc<OwnMemory>) -> GenerateRequest {
    let memory = MemoryRequest { own: vec![Arc::clone(own)], ..MemoryRequest::default() };
    GenerateRequest { memory, ..GenerateRequest::new(prompt, 7) }
}

fn slots(session: &dyn Session) -> Vec<usize> {
    session.inspired_by().iter().map(|used| used.slot).collect()
}

/// The record of a picture as its file keeps it.
fn record(
    generator: &dyn Generator,
    request: &GenerateRequest,
    session: &dyn Session,
) -> PictureRecord {
    let making = Making {
        request,
        seed: request.seeds[0],
        model: generator.info(),
        inspired_by: session.inspired_by(),
        ids: &session.ids(0),
    };
    let (record, remarks) = PictureRecord::from_json(&making.record(false).to_json()).unwrap();
    assert_eq!(remarks, Vec::<String>::new());
    record
}

/// What is painted by going on from the record after `n_kept` scales.
fn go_on(
    generator: &mut dyn Generator,
    record: &PictureRecord,
    n_kept: usize,
) -> (RgbaImage, Vec<InspiredBy>) {
    let kept = Kept::from_record(record, generator.info()).unwrap();
    let session = start(generator, &kept.request(record, n_kept).unwrap());
    (session.render(0).unwrap(), session.inspired_by().to_vec())
}

#[test]
fn own_pictures_are_looked_at_first_and_tell_where_they_are_from() {
    let mut generator = embedded();
    let own = remember(&mut generator, &["green heart", "blue car", "old house"]);
    let session = start(&mut *generator, &with_own("green heart", &own));
    let [first, ..] = session.inspired_by() else { panic!("nothing was found") };
    assert_eq!((first.slot, first.caption.as_str()), (0, "green heart"));
    assert_eq!((first.memory.as_str(), first.licence.as_str()), ("My discs", "mine"));
    assert!(first.similarity.unwrap() > 0.99, "{first:?}");
    assert_eq!(*first.ids, *own.ids_of(0));
    assert_eq!(session.inspired_by().len(), 3);
    let plain = paint(&mut *generator, &GenerateRequest::new("green heart", 7));
    assert_ne!(session.render(0).unwrap(), plain);
    // What it looks like needs no memory.
    let shown = generator.remembered(first).unwrap();
    let again = generator.remembered(&InspiredBy { memory: String::new(), ..first.clone() });
    assert_eq!(shown, again.unwrap());
    let centre = shown.get_pixel(128, 128).0;
    assert!(centre[0] > 120 && centre[3] > 200, "the red disc: {centre:?}");
}

#[test]
fn the_same_slots_give_the_same_bytes_and_a_ban_gives_others() {
    let mut generator = embedded();
    let own = remember(&mut generator, &["green heart", "blue car"]);
    let request = with_own("green heart", &own);
    let before = start(&mut *generator, &request);
    assert_eq!(before.render(0).unwrap(), paint(&mut *generator, &request));
    // Another snapshot of the same contents, in a program that was just started.
    let copy = with_own("green heart", &Arc::new(OwnMemory::clone(&own)));
    assert_eq!(before.render(0).unwrap(), paint(&mut *embedded(), &copy));

    let first = before.inspired_by()[0].entry;
    let mut banned = request.clone();
    banned.memory.banned = vec![first];
    let after = start(&mut *generator, &banned);
    assert!(after.inspired_by().iter().all(|used| used.entry != first));
    assert_eq!(slots(&*after), [0, 1, 2], "the next best takes its place");
    assert_ne!(after.render(0).unwrap(), before.render(0).unwrap());
}

#[test]
fn what_is_looked_at_has_the_look_that_the_prompt_names() {
    let mut generator = embedded();
    let request = GenerateRequest::new("happy dog, badge style", 7);
    let session = start(&mut *generator, &request);
    let used = session.inspired_by();
    assert_eq!(used.len(), 3);
    assert!(used[0].caption.contains("dog"), "{}", used[0].caption);
    for picture in used.iter().filter(|picture| picture.style != "badge") {
        assert_eq!(picture.provenance, Provenance::Redrawn);
        assert_eq!(picture.memory, "badge style");
        assert!(generator.remembered(picture).is_ok());
    }
    assert!(used.iter().any(|picture| picture.style != "badge"), "badges show no happy dogs");
    // A style of the user is the one that counts.
    let captions: Vec<String> = (0..8).map(|i| format!("thing {i}")).collect();
    let captions: Vec<&str> = captions.iter().map(String::as_str).collect();
    let own = remember(&mut generator, &captions);
    let session = start(&mut *generator, &with_own("happy dog, badge style", &own));
    assert!(session.inspired_by().iter().all(|picture| picture.memory == "My discs"));
}

#[test]
fn things_that_are_joined_are_looked_at_side_by_side() {
    let mut generator = embedded();
    let request = GenerateRequest::new("a cat and a ball", 7);
    let session = start(&mut *generator, &request);
    assert_eq!(slots(&*session), [0, 1, 2]);
    for used in session.inspired_by() {
        assert_eq!(used.provenance, Provenance::Joined);
        let (first, second) = used.caption.split_once(" and ").unwrap();
        assert!(first.contains("cat") && second.contains("ball"), "{}", used.caption);
        assert!(!used.source.is_empty() && !used.licence.is_empty() && used.memory.is_empty());
        // Something on either side, next to nothing between them.
        let picture = generator.remembered(used).unwrap();
        let n_opaque = |columns: std::ops::Range<u32>| {
            let is_opaque = |x: u32, y: u32| picture.get_pixel(x, y).0[3] > 128;
            columns
                .flat_map(|x| (0..256).map(move |y| (x, y)))
                .filter(|p| is_opaque(p.0, p.1))
                .count()
        };
        assert!(n_opaque(0..124) > 1000 && n_opaque(132..256) > 1000, "{}", used.caption);
        assert!(n_opaque(126..130) < 100, "{}", used.caption);
    }
    // A file keeps what was looked at, and a batch is its single pictures.
    let record = record(&*generator, &request, &*session);
    assert_eq!(go_on(&mut *embedded(), &record, 3).0, session.render(0).unwrap());
    let batch = GenerateRequest { seeds: vec![6, 7], ..request.clone() };
    let batch = start(&mut *embedded(), &batch);
    assert_eq!(batch.render(1).unwrap(), session.render(0).unwrap());

    let first = session.inspired_by()[0].entry;
    let mut banned = request.clone();
    banned.memory.banned = vec![first];
    let after = start(&mut *generator, &banned);
    assert_eq!(slots(&*after), [0, 1, 2], "the next best take its place");
    assert!(after.inspired_by().iter().all(|used| used.entry != first));

    // One thing of the user, one of the model; and one picture that shows both.
    let own = remember(&mut generator, &["green heart"]);
    let session = start(&mut *generator, &with_own("a green heart and a house", &own));
    assert_eq!(session.inspired_by()[0].memory, "My discs");
    let own = remember(&mut generator, &["a cat and a ball"]);
    let session = start(&mut *generator, &with_own("a cat and a ball", &own));
    let [used, ..] = session.inspired_by() else { panic!("nothing was found") };
    assert_eq!((used.provenance, used.caption.as_str()), (Provenance::Entry, "a cat and a ball"));
}

#[test]
fn the_window_offers_the_styles_of_the_memory() {
    assert_eq!(*embedded().info().styles, STYLES);
    assert!(tiny().info().styles.is_empty(), "it remembers nothing");
}

#[test]
fn closed_slots_stay_empty_whatever_is_chosen_for_them() {
    let mut generator = tiny();
    let own = remember(&mut generator, &["green heart", "blue car", "old house"]);
    let mut request = with_own("green heart", &own);
    request.memory.chosen = vec![(1, Inspiration::Entry(own.entries[2].entry))];
    let open = start(&mut *generator, &request);
    assert_eq!(slots(&*open), [0, 1, 2]);
    assert_eq!(open.inspired_by()[1].caption, "old house", "an entry of the user");
    request.memory.closed_slots = vec![1];
    let closed = start(&mut *generator, &request);
    assert_eq!(slots(&*closed), [0, 2]);
    assert_ne!(closed.render(0).unwrap(), open.render(0).unwrap());
    request.memory.closed_slots = vec![0, 1, 2];
    let empty = paint(&mut *generator, &request);
    let off = GenerateRequest { memory: MemoryRequest::off(), ..request.clone() };
    assert_eq!(empty, paint(&mut *generator, &off), "all closed is off");
    request.memory.closed_slots = vec![3];
    let message = generator.start(&request).err().unwrap().to_string();
    assert!(message.contains("no inspiration 4"), "{message}");
}

#[test]
fn a_batch_over_own_memories_is_its_single_pictures() {
    let mut generator = tiny();
    let captions = ["heart", "green heart", "blue car", "old house", "leaf", "sun", "red heart"];
    let own = remember(&mut generator, &captions[..4]);
    let more = remember(&mut generator, &captions);
    let mut request = with_own("green heart", &own);
    request.memory.own.push(more);
    request.seeds = vec![3, 4, 5];
    let batch = start(&mut *generator, &request);
    for (batch_idx, seed) in [3, 4, 5].into_iter().enumerate() {
        let alone = GenerateRequest { seeds: vec![seed], ..request.clone() };
        let alone = paint(&mut *generator, &alone);
        assert_eq!(batch.render(batch_idx).unwrap(), alone, "seed {seed}");
    }
}

#[test]
fn going_on_needs_no_memory() {
    let mut generator = embedded();
    let own = remember(&mut generator, &["green heart", "blue car"]);
    let request = with_own("green heart", &own);
    let whole = start(&mut *generator, &request);
    let record = record(&*generator, &request, &*whole);
    assert_eq!(record.memory.own, ["My discs"]);
    assert_eq!(record.inspirations[0].memory, "My discs");
    for n_kept in [2, 6] {
        // Nothing is retrieved, and the user's memory is not there any more.
        let (picture, used) = go_on(&mut *generator, &record, n_kept);
        assert_eq!(picture, whole.render(0).unwrap(), "{n_kept} scales kept");
        let entries = |used: &[InspiredBy]| used.iter().map(|u| u.entry).collect::<Vec<_>>();
        assert_eq!(entries(&used), entries(whole.inspired_by()));
    }
    let missing = |holds_own: bool| {
        let holds = |used: &InspiredBy| {
            if used.memory.is_empty() { generator.info().holds(used.entry) } else { holds_own }
        };
        Kept::missing(&record, holds).iter().map(|record| record.slot).collect::<Vec<_>>()
    };
    assert_eq!(missing(true), Vec::<usize>::new(), "those of the model are there");
    assert_eq!(missing(false), [0, 1]);
}

#[test]
fn a_picture_of_the_user_goes_with_the_file_as_ids() {
    let mut generator = tiny();
    let pixels = disc(generator.info().image_size_px, 2);
    let mut request = GenerateRequest::new("red apple", 1);
    let mine = Inspiration::Picture { name: "mine.png".to_owned(), pixels };
    request.memory.chosen = vec![(0, mine)];
    let whole = start(&mut *generator, &request);
    let record = record(&*generator, &request, &*whole);
    assert_eq!(
        (&record.inspirations[0].picture, record.inspirations[0].entry.as_str()),
        (&None, "")
    );
    assert_eq!(go_on(&mut *generator, &record, 3).0, whole.render(0).unwrap());
    assert!(Kept::missing(&record, |_| false).iter().all(|record| record.slot != 0));
    assert!(record.to_json().len() < 12_000, "about a kilobyte each");
}

#[test]
fn files_of_before_name_what_was_used() {
    let mut generator = embedded();
    let request = GenerateRequest::new("red apple", 1);
    let whole = start(&mut *generator, &request);
    let mut record = record(&*generator, &request, &*whole);
    for inspiration in &mut record.inspirations {
        inspiration.tokens = None;
        inspiration.similarity = None;
    }
    assert_eq!(go_on(&mut *generator, &record, 4).0, whole.render(0).unwrap());
}

#[test]
fn hostile_records_are_refused() {
    let mut generator = tiny();
    let own = remember(&mut generator, &["green heart", "blue car", "old house"]);
    let request = with_own("red apple", &own);
    let whole = start(&mut *generator, &request);
    let record = record(&*generator, &request, &*whole);
    let sides = generator.info().scales.clone();
    let kept = Kept::from_record(&record, generator.info()).unwrap();
    let grids = |id: u32, n_scales: usize| {
        let sides = &sides[..n_scales];
        let ids = sides.iter().map(|side| vec![id; side * side]).collect();
        TokenPyramid::new(sides, ids).ok()
    };
    for tokens in [grids(0xffff, sides.len()), grids(1, sides.len() - 1)] {
        let mut hostile = record.clone();
        hostile.inspirations[0].tokens = tokens;
        let request = kept.request(&hostile, 2).unwrap();
        let message = generator.start(&request).err().unwrap().to_string();
        assert!(message.contains("kept for another model"), "{message}");
    }
    // A name that is not that of the tokens finds nothing that it should not.
    let mut renamed = record.clone();
    renamed.inspirations[0].entry = record.inspirations[1].entry.clone();
    assert_eq!(go_on(&mut *generator, &renamed, 2), go_on(&mut *generator, &record, 2));
    for (change, words) in [(8, "inspiration 9"), (1, "chosen twice")] {
        let mut hostile = record.clone();
        hostile.inspirations[0].slot = change;
        let request = kept.request(&hostile, 2).unwrap();
        let message = generator.start(&request).err().unwrap().to_string();
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn candidates_are_ranked_over_all_memories() {
    let mut generator = embedded();
    let own = remember(&mut generator, &["green heart", "spaceship"]);
    let mut request = with_own("", &own).memory;
    let best = generator.candidates("green heart", &request, 24).unwrap();
    assert_eq!(best.len(), 24);
    assert!(best.is_sorted_by(|a, b| a.similarity >= b.similarity));
    assert_eq!(best[0].caption, "green heart");
    assert!(best.iter().any(|found| found.memory.is_empty()));
    request.banned = vec![best[0].entry];
    let banned = generator.candidates("green heart", &request, 24).unwrap();
    assert!(banned.iter().all(|found| found.entry != best[0].entry));
    assert_eq!(generator.candidates("green heart", &request, 0).unwrap(), []);
}

#[test]
fn the_mark_is_that_of_the_files() {
    let (tiny, embedded) = (tiny(), embedded());
    assert_ne!(tiny.memory_model().mark, embedded.memory_model().mark);
    assert_eq!(tiny.memory_model(), self::tiny().memory_model());
}
