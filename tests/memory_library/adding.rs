//! Adding folders: what is taken, what is told, what a second look finds, and what survives a kill.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use rusqlite::Connection;
use underpaint::imaging::resample;
use underpaint::library::memory::{AddKind, Adder, MemoryError, Stop, entry_id};
use underpaint::model;
use underpaint::protocol::{AddPictures, Captions, EntryQuery, MemoryModel};

use crate::rig::{
    Desk, FakeEncoder, all, captions, entry, known, picture, put_bytes, run, run_until,
};

/// The variable that tells the second process where to work.
const DESK: &str = "UNDERPAINT_TEST_MEMORY_DESK";

fn model_of(encoder: &mut FakeEncoder) -> MemoryModel {
    use underpaint::protocol::MemoryEncoder as _;
    encoder.model().expect("it is there")
}

#[test]
fn a_folder_becomes_a_memory_that_the_generator_can_read() {
    let desk = Desk::new();
    desk.put("red_apple-01.png", 1);
    desk.put("deep/er/Blue Car.png", 2);
    fs::write(desk.pictures().join("notes.txt"), "no picture").unwrap();
    desk.put(".hidden.png", 3);
    let (mut store, mut encoder) = (desk.open(), FakeEncoder::new());
    let memory = store.create("Mine").unwrap();
    let report = desk.add(&mut store, &mut encoder, memory);
    assert_eq!((report.n_added, report.problems.len(), report.duplicates.len()), (2, 0, 0));
    assert_eq!(captions(&store, memory), ["blue car", "red apple"]);
    let listed = known(&store, memory);
    assert_eq!((listed.n_entries, listed.n_waiting, listed.is_on), (2, 0, true));

    let own = store.snapshot(memory, &model_of(&mut encoder)).unwrap();
    assert_eq!((own.entries.len(), own.n_tokens, own.key_dim, &*own.name), (2, 7, 8, "Mine"));
    assert_eq!(own.keys[8..], FakeEncoder::key("red apple"));
    let apple = entry(&store, memory, "red apple");
    let stored = store.picture(apple.id).unwrap().unwrap();
    assert_eq!(own.ids_of(1), FakeEncoder::ids_of("one", &stored));
    assert_eq!(own.entries[1].entry, entry_id(own.ids_of(1)));
    let ids: Vec<u32> = own.ids_of(1).iter().map(|id| u32::from(*id)).collect();
    assert_eq!(own.entries[1].entry, model::memory::entry_id(&ids), "named as the model names it");
    assert_eq!(own.entries[1].source, "red_apple-01.png");
    let small = store.thumbnail(apple.id).unwrap().unwrap();
    assert!(small.width() <= 128 && small.pixels().any(|pixel| pixel.0[3] > 0));
}

#[test]
fn words_are_found_as_in_the_gallery() {
    let desk = Desk::new();
    for (seed, name) in ["red_apple", "Crème brûlée", "赤い桜の木"].into_iter().enumerate()
    {
        desk.put(&format!("{name}.png"), seed as u32);
    }
    let (mut store, mut encoder) = (desk.open(), FakeEncoder::new());
    let memory = store.create("Mine").unwrap();
    desk.add(&mut store, &mut encoder, memory);
    let found = |text: &str| {
        let query = EntryQuery { text: text.to_owned(), ..all(memory) };
        store.list(&query).unwrap().entries.len()
    };
    assert_eq!(
        (found("app"), found("creme"), found("桜"), found("pple"), found("")),
        (1, 1, 1, 0, 3)
    );
    for hostile in ["\"", "*", "AND", "NEAR(", "%", "_", "\\", "'; DROP", "\0"] {
        found(hostile);
    }
}

#[test]
fn bad_files_are_told_and_the_others_added() {
    let desk = Desk::new();
    let folder = desk.pictures();
    desk.put("good.png", 1);
    put_bytes(&folder, "empty.png", b"");
    put_bytes(&folder, "text.png", b"this is no picture");
    let whole = fs::read(desk.put("whole.png", 2)).unwrap();
    put_bytes(&folder, "cut.png", &whole[..whole.len() / 2]);
    put_bytes(&folder, "huge.png", &png_of(30_000, 30_000));
    RgbaImage::new(40, 40).save(folder.join("clear.png")).unwrap();
    for name in ["animated.webp", "cmyk.jpg", "palette.png"] {
        let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pictures/");
        fs::copy(format!("{fixture}{name}"), folder.join(name)).unwrap();
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink(&folder, folder.join("circle")).unwrap();
        symlink(folder.join("nowhere.png"), folder.join("dead.png")).unwrap();
    }
    let (mut store, mut encoder) = (desk.open(), FakeEncoder::new());
    let memory = store.create("Mine").unwrap();
    let report = desk.add(&mut store, &mut encoder, memory);
    let mut told: Vec<(String, &str)> = report
        .problems
        .iter()
        .map(|p| (p.path.file_name().unwrap().to_string_lossy().into_owned(), &*p.reason))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            ("clear.png".to_owned(), "The picture has no visible pixels"),
            ("cut.png".to_owned(), "The picture is damaged or cut off"),
            ("empty.png".to_owned(), "The file is empty"),
            ("huge.png".to_owned(), "The picture is too large to show (30000 × 30000)"),
            ("text.png".to_owned(), "It is no picture that can be read"),
        ]
    );
    assert_eq!(report.n_added, 5, "good, whole, animated, CMYK and palette");
    let [remark] = &report.remarks[..] else { panic!("{:?}", report.remarks) };
    assert!(remark.path.ends_with("animated.webp") && remark.reason.contains("first frame"));
    assert_eq!(known(&store, memory).n_problems, 5);

    // They are not read again until they change.
    let n_before = encoder.n_pictures;
    let again = desk.add(&mut store, &mut encoder, memory);
    assert_eq!((again.n_added, again.problems.len(), encoder.n_pictures), (0, 0, n_before));
    picture(9, 96).save(folder.join("text.png")).unwrap();
    let mended = desk.add(&mut store, &mut encoder, memory);
    assert_eq!((mended.n_added, known(&store, memory).n_problems), (1, 4));
}

/// A PNG that claims a size.
fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 6, 0, 0, 0]);
    let mut crc = flate2_crc(&bytes[12..]);
    bytes.append(&mut crc);
    bytes
}

fn flate2_crc(bytes: &[u8]) -> Vec<u8> {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    (!crc).to_be_bytes().to_vec()
}

#[test]
fn paths_that_lead_nowhere_are_told() {
    let desk = Desk::new();
    let (mut store, mut encoder) = (desk.open(), FakeEncoder::new());
    let memory = store.create("Mine").unwrap();
    let request =
        AddPictures { paths: vec![desk.folder.path().join("no")], ..desk.request(memory) };
    store.note_jobs(&request).unwrap();
    let report = run(&mut store, &mut encoder, memory, AddKind::Noted).unwrap();
    assert_eq!(report.problems[0].reason, "There is no such file or folder");
    assert_eq!(known(&store, memory).n_waiting, 0);
    assert!(matches!(
        store.note_jobs(&AddPictures { paths: Vec::new(), ..desk.request(memory) }),
        Err(MemoryError::NothingToAdd)
    ));
    store.delete(memory).unwrap();
    assert!(matches!(store.note_jobs(&desk.request(memory)), Err(MemoryError::Gone)));
}

#[test]
fn copies_in_other_sizes_and_formats_are_duplicates_and_other_pictures_are_not() {
    let desk = Desk::new();
    let folder = desk.pictures();
    let original = picture(5, 256);
    original.save(folder.join("a.png")).unwrap();
    resample::at_most(original.clone(), 120).save(folder.join("b-small.png")).unwrap();
    original.save_with_format(folder.join("c.webp"), ImageFormat::WebP).unwrap();
    // As a photograph of it: on white paper, as JPEG.
    let mut paper = RgbaImage::from_pixel(320, 320, Rgba([255; 4]));
    image::imageops::overlay(&mut paper, &original, 32, 32);
    DynamicImage::ImageRgba8(paper).into_rgb8().save(folder.join("d.jpg")).unwrap();
    // The same shape in another colour is another picture.
    let mut blue = original.clone();
    for pixel in blue.pixels_mut() {
        pixel.0 = [pixel.0[2], pixel.0[0], pixel.0[1], pixel.0[3]];
    }
    blue.save(folder.join("e.png")).unwrap();
    // And so is the same face with another mouth.
    let mut mouth = original.clone();
    for (x, y) in (100..140).flat_map(|x| (140..164).map(move |y| (x, y))) {
        let [red, green, blue, _] = mouth.get_pixel(x, y).0.map(u32::from);
        let level = if red + green + blue < 384 { 255 } else { 0 };
        mouth.put_pixel(x, y, Rgba([level, level, level, 255]));
    }
    mouth.save(folder.join("f.png")).unwrap();
    for seed in 100..140 {
        desk.put(&format!("other-{seed}.png"), seed);
    }
    let (mut store, mut encoder) = (desk.open(), FakeEncoder::new());
    let memory = store.create("Mine").unwrap();
    let report = desk.add(&mut store, &mut encoder, memory);
    let mut names: Vec<_> =
        report.duplicates.iter().map(|d| d.path.file_name().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["b-small.png", "c.webp", "d.jpg"]);
    assert!(report.duplicates.iter().all(|duplicate| duplicate.of == "a"), "says of what");
    assert_eq!(report.n_added, 43);
    // In another memory the picture may stand as well.
    let other = store.create("Other").unwrap();
    assert_eq!(desk.add(&mut store, &mut encoder, other).n_added, 43);
}

#[test]
fn a_second_look_finds_what_is_new_changed_renamed_gone_and_back() {
    let desk = Desk::new();
    for (seed, name) in ["stays", "changes", "moves", "goes", "edited"].into_iter().enumerate() {
        desk.put(&format!("{name}.png"), seed as u32);
    }
    let (mut store, mut encoder) = (desk.open(), FakeEncoder::new());
    let memory = store.create("Mine").unwrap();
    desk.add(&mut store, &mut encoder, memory);
    let edited = entry(&store, memory, "edited");
    store.set_caption(edited.id, "my own words").unwrap();
    let before = entry(&store, memory, "changes");
    let n_before = encoder.n_pictures;

    picture(50, 90).save(desk.pictures().join("changes.png")).unwrap();
    picture(51, 90).save(desk.pictures().join("edited.png")).unwrap();
    desk.put("new.png", 52);
    fs::rename(desk.pictures().join("moves.png"), desk.pictures().join("moved on.png")).unwrap();
    let kept = fs::read(desk.pictures().join("goes.png")).unwrap();
    let goes = fs::metadata(desk.pictures().join("goes.png")).unwrap().modified().unwrap();
    fs::remove_file(desk.pictures().join("goes.png")).unwrap();
    let report = run(&mut store, &mut encoder, memory, AddKind::Rescan).unwrap();
    assert_eq!((report.n_added, report.n_renewed, report.n_renamed, report.n_gone), (1, 2, 1, 1));
    assert_eq!(encoder.n_pictures, n_before + 3, "the rest is not read again");
    let after = entry(&store, memory, "changes");
    assert_eq!(after.id, before.id);
    assert_ne!(after.entry, before.entry);
    assert_eq!(entry(&store, memory, "my own words").id, edited.id, "stays through a change");
    assert_eq!(entry(&store, memory, "moves").path, desk.pictures().join("moved on.png"));
    let gone = entry(&store, memory, "goes");
    assert!(gone.is_gone && known(&store, memory).n_gone == 1);
    let own = store.snapshot(memory, &model_of(&mut encoder)).unwrap();
    assert_eq!(own.entries.len(), 6, "what is gone works as before");

    fs::write(desk.pictures().join("goes.png"), kept).unwrap();
    let file = fs::File::options().write(true).open(desk.pictures().join("goes.png")).unwrap();
    file.set_modified(goes).unwrap();
    let report = run(&mut store, &mut encoder, memory, AddKind::Rescan).unwrap();
    assert_eq!((report.n_added, report.n_renewed, report.n_gone), (0, 0, 0));
    assert_eq!(known(&store, memory).n_gone, 0);

    // The whole disk may be away.
    fs::rename(desk.pictures(), desk.folder.path().join("away")).unwrap();
    let report = run(&mut store, &mut encoder, memory, AddKind::Rescan).unwrap();
    assert_eq!((report.n_gone, known(&store, memory).n_gone), (6, 6));
    fs::rename(desk.folder.path().join("away"), desk.pictures()).unwrap();
    run(&mut store, &mut encoder, memory, AddKind::Rescan).unwrap();
    assert_eq!(known(&store, memory).n_gone, 0);
}

#[test]
fn what_was_taken_away_stays_away_until_it_is_wanted() {
    let desk = Desk::new();
    desk.put("a.png", 1);
    desk.put("b.png", 2);
    let (mut store, mut encoder) = (desk.open(), FakeEncoder::new());
    let memory = store.create("Mine").unwrap();
    desk.add(&mut store, &mut encoder, memory);
    let a = entry(&store, memory, "a");
    assert_eq!(store.remove(&[a.id]).unwrap(), 1);
    assert_eq!(captions(&store, memory), ["b"]);
    run(&mut store, &mut encoder, memory, AddKind::Rescan).unwrap();
    assert_eq!(captions(&store, memory), ["b"], "a second look does not bring it back");
    assert_eq!(store.put_back(&[a.id]).unwrap(), 1);
    assert_eq!(captions(&store, memory), ["a", "b"]);
    store.remove(&[a.id]).unwrap();
    let report = desk.add(&mut store, &mut encoder, memory);
    assert_eq!((report.n_added, captions(&store, memory).len()), (1, 2), "asked for by name");

    store.delete(memory).unwrap();
    assert!(store.memories(None).unwrap().is_empty());
    let other = store.create("mine").unwrap();
    store.restore(memory).unwrap();
    assert_eq!(known(&store, memory).name, "Mine 2", "its name was given away");
    store.delete(other).unwrap();
    store.purge_all().unwrap();
    assert!(matches!(store.restore(other), Err(MemoryError::Gone)));
    assert_eq!(captions(&store, memory).len(), 2);
}

#[test]
fn adding_ends_within_a_batch_and_what_was_added_stays() {
    let desk = Desk::new();
    for seed in 0..40 {
        desk.put(&format!("{seed}.png"), seed);
    }
    let (mut store, mut encoder) = (desk.open(), FakeEncoder::new());
    let memory = store.create("Mine").unwrap();
    store.note_jobs(&desk.request(memory)).unwrap();
    for (stop, n_waiting) in [(Stop::Close, 24), (Stop::Cancel, 0)] {
        let n_asked = AtomicUsize::new(0);
        // One batch of 16, and a little more.
        let stop = || (n_asked.fetch_add(1, Ordering::Relaxed) > 20).then_some(stop);
        let report = run_until(&mut store, &mut encoder, memory, AddKind::Noted, &stop).unwrap();
        assert!(report.was_cancelled);
        assert_eq!(report.n_added, 16);
        assert_eq!(known(&store, memory).n_waiting, n_waiting);
    }
    let report = run(&mut store, &mut encoder, memory, AddKind::Noted).unwrap();
    assert_eq!(report.n_added, 0, "the rest was not wanted");
    let report = run(&mut store, &mut encoder, memory, AddKind::Rescan).unwrap();
    assert_eq!((report.n_added, encoder.n_pictures), (8, 40));
}

#[test]
fn a_model_that_gives_up_loses_nothing() {
    let desk = Desk::new();
    for seed in 0..40 {
        desk.put(&format!("{seed}.png"), seed);
    }
    let (mut store, mut encoder) = (desk.open(), FakeEncoder::new());
    let memory = store.create("Mine").unwrap();
    store.note_jobs(&desk.request(memory)).unwrap();
    encoder.n_left = 16;
    let error = run(&mut store, &mut encoder, memory, AddKind::Noted).unwrap_err();
    assert!(matches!(error, MemoryError::Encoder(_)), "{error}");
    assert_eq!((known(&store, memory).n_entries, known(&store, memory).n_waiting), (16, 24));
    encoder.n_left = usize::MAX;
    let report = run(&mut store, &mut encoder, memory, AddKind::Noted).unwrap();
    assert_eq!((report.n_added, known(&store, memory).n_waiting), (24, 0));
}

/// Adds until it is killed. Tells after each batch.
#[test]
#[ignore = "the second process of the test below, which starts it"]
fn adds_until_it_is_killed() {
    let Ok(desk) = env::var(DESK) else { return };
    let folder = std::path::PathBuf::from(desk);
    let database = folder.join("data/library.sqlite");
    let mut store = underpaint::library::memory::MemoryStore::open(&database).unwrap().store;
    let memory = store.find("Mine").unwrap().unwrap();
    store
        .note_jobs(&AddPictures {
            memory,
            paths: vec![folder.join("pictures")],
            captions: Captions::FileNames,
            removes_background: true,
        })
        .unwrap();
    let mut encoder = FakeEncoder::new();
    let mut tell = |progress: underpaint::protocol::AddProgress| {
        writeln!(std::io::stderr(), "done {}", progress.n_done).expect("the test listens");
    };
    let adder =
        Adder { store: &mut store, encoder: &mut encoder, stop: &|| None, progress: &mut tell };
    adder.run(memory, AddKind::Noted).unwrap();
}

#[test]
fn a_killed_process_leaves_whole_entries_and_the_rest_is_added() {
    const N_FILES: usize = 150;
    for n_lines in [1, 2, 3, 5, 7] {
        let desk = Desk::new();
        for seed in 0..N_FILES {
            desk.put(&format!("{seed}.png"), seed as u32);
        }
        let memory = desk.open().create("Mine").unwrap();
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "adding::adds_until_it_is_killed", "--ignored", "--nocapture"])
            .env(DESK, desk.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let told: Vec<_> = lines.take(n_lines).map(Result::unwrap).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(told.iter().all(|line| line.starts_with("done ")), "{told:?}");

        let (mut store, mut encoder) = (desk.open(), FakeEncoder::new());
        assert_whole(&desk);
        let n_before = known(&store, memory).n_entries;
        let n_told: usize = told.last().unwrap()[5..].parse().unwrap();
        assert!(n_before >= n_told, "what was told is there");
        assert!(n_before < N_FILES, "it was killed half-way");
        assert!(known(&store, memory).n_waiting > 0);
        let report = run(&mut store, &mut encoder, memory, AddKind::Noted).unwrap();
        assert_eq!(report.n_added, N_FILES - n_before, "only the rest");
        assert_eq!(encoder.n_pictures, N_FILES - n_before);
        assert_eq!(known(&store, memory).n_entries, N_FILES);
        assert_whole(&desk);
    }
}

/// No entry without ids, key and picture, and no part of one.
pub(crate) fn assert_whole(desk: &Desk) {
    let connection = Connection::open(desk.database()).expect("it works here");
    let count = |sql: &str| {
        connection.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("it works here")
    };
    let n_entries = count("SELECT count(*) FROM memory_entries");
    assert_eq!(count("SELECT count(*) FROM memory_codes"), n_entries);
    assert_eq!(count("SELECT count(*) FROM memory_pictures"), n_entries);
    assert_eq!(
        count(
            "SELECT count(*) FROM memory_entries JOIN memory_codes c ON c.entry_id = id
             JOIN memory_pictures p ON p.entry_id = id
             WHERE length(ids) = 14 AND length(key) = 8 AND length(encoded) > 50"
        ),
        n_entries
    );
    let check: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("it works here");
    assert_eq!(check, "ok");
}
