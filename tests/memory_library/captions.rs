//! Where captions come from, and that they can be changed.

use std::fs;

use image::{Rgba, RgbaImage};
use underpaint::imaging::io::{self, Export, FileFormat};
use underpaint::imaging::metadata::PictureRecord;
use underpaint::library::memory::{AddKind, MemoryError};
use underpaint::protocol::{AddPictures, Captions, MemoryEncoder as _};

use crate::rig::{Desk, FakeEncoder, captions, entry, picture, run};

#[test]
fn text_files_and_tables_name_pictures_and_prompts_do() {
    let desk = Desk::new();
    let folder = desk.pictures();
    desk.put("one.png", 1);
    desk.put("deep/two.png", 2);
    fs::write(folder.join("one.txt"), "  a cat,\n sitting ").unwrap();
    let record = PictureRecord {
        prompt: "a green hill".to_owned(),
        seeds: vec![1],
        ..PictureRecord::default()
    };
    let export = Export { format: FileFormat::Png, record: Some(&record) };
    io::save_picture(&folder.join("00001-7.png"), &picture(3, 96), &export).unwrap();
    let table = folder.join("t.csv");
    fs::write(&table, "file,caption,licence\ndeep/two.png,\"dog, brown\",CC0\n").unwrap();
    let (mut store, mut encoder) = (desk.open(), FakeEncoder::new());
    for (name, source, expected) in [
        ("names", Captions::FileNames, ["a green hill", "two", "one"]),
        ("sidecar", Captions::TextFiles, ["a green hill", "two", "a cat, sitting"]),
        ("table", Captions::Table(table.clone()), ["a green hill", "dog, brown", "one"]),
    ] {
        let memory = store.create(name).unwrap();
        let request = AddPictures { captions: source, ..desk.request(memory) };
        store.note_jobs(&request).unwrap();
        run(&mut store, &mut encoder, memory, AddKind::Noted).unwrap();
        assert_eq!(captions(&store, memory), expected, "{name}");
    }
    let memory = store.find("TABLE").unwrap().unwrap();
    assert_eq!(entry(&store, memory, "dog, brown").licence, "CC0");

    fs::write(&table, "file,caption\nx.png\n").unwrap();
    let memory = store.create("wrong").unwrap();
    let request = AddPictures { captions: Captions::Table(table), ..desk.request(memory) };
    store.note_jobs(&request).unwrap();
    let error = run(&mut store, &mut encoder, memory, AddKind::Noted).unwrap_err();
    assert!(matches!(error, MemoryError::Captions(_)), "{error}");
    assert!(error.to_string().contains("line 2"), "{error}");
    assert!(captions(&store, memory).is_empty());
}

#[test]
fn a_caption_that_is_changed_gets_a_key_of_its_own() {
    let desk = Desk::new();
    desk.put("a.png", 1);
    desk.put("b.png", 2);
    let (mut store, mut encoder) = (desk.open(), FakeEncoder::new());
    let memory = store.create("Mine").unwrap();
    desk.add(&mut store, &mut encoder, memory);
    let a = entry(&store, memory, "a");
    store.set_caption(a.id, "  a very\nred  apple ").unwrap();
    let model = encoder.model().unwrap();
    let own = store.snapshot(memory, &model).unwrap();
    assert_eq!(own.entries[0].caption, "a very red apple");
    assert_eq!(own.keys[..8], FakeEncoder::key("a"), "until the model has read it");
    let n_before = (encoder.n_pictures, encoder.n_keys);
    assert_eq!(store.renew(&mut encoder, &|| None, &mut || {}).unwrap(), 1);
    assert_eq!((encoder.n_pictures, encoder.n_keys), (n_before.0, n_before.1 + 1));
    let own = store.snapshot(memory, &model).unwrap();
    assert_eq!(own.keys[..8], FakeEncoder::key("a very red apple"));
    assert_eq!(store.renew(&mut encoder, &|| None, &mut || {}).unwrap(), 0);
}

#[test]
fn another_model_makes_entries_anew_from_what_is_stored() {
    let desk = Desk::new();
    for seed in 0..20 {
        desk.put(&format!("picture {seed}.png"), seed);
    }
    let (mut store, mut encoder) = (desk.open(), FakeEncoder::new());
    let memory = store.create("Mine").unwrap();
    desk.add(&mut store, &mut encoder, memory);
    fs::remove_dir_all(desk.pictures()).unwrap();
    let mut other = FakeEncoder { mark: "another", ..FakeEncoder::new() };
    let model = other.model().unwrap();
    assert_eq!(store.snapshot(memory, &model).unwrap().entries.len(), 0);
    assert_eq!(store.memories(Some(&model)).unwrap()[0].n_outdated, 20);
    assert_eq!(store.renew(&mut other, &|| None, &mut || {}).unwrap(), 20);
    let own = store.snapshot(memory, &model).unwrap();
    assert_eq!(own.entries.len(), 20);
    let first = store.list(&crate::rig::all(memory)).unwrap().entries.pop().unwrap();
    let stored = store.picture(first.id).unwrap().unwrap();
    assert_eq!(own.ids_of(0), FakeEncoder::ids_of("another", &stored));
    assert_eq!(store.memories(Some(&model)).unwrap()[0].n_outdated, 0);
}

#[test]
fn the_background_goes_if_it_is_wanted() {
    let desk = Desk::new();
    let mut photo = RgbaImage::from_pixel(100, 100, Rgba([250, 250, 250, 255]));
    for (x, y) in (30..70).flat_map(|x| (20..80).map(move |y| (x, y))) {
        photo.put_pixel(x, y, Rgba([200, 30, 40, 255]));
    }
    photo.save(desk.pictures().join("a.png")).unwrap();
    let (mut store, mut encoder) = (desk.open(), FakeEncoder::new());
    for (name, removes_background, is_clear) in [("cut", true, true), ("whole", false, false)] {
        let memory = store.create(name).unwrap();
        let request = AddPictures { removes_background, ..desk.request(memory) };
        store.note_jobs(&request).unwrap();
        run(&mut store, &mut encoder, memory, AddKind::Noted).unwrap();
        let picture = store.picture(entry(&store, memory, "a").id).unwrap().unwrap();
        assert_eq!(picture.get_pixel(5, 32).0[3] == 0, is_clear, "{name}");
    }
}
