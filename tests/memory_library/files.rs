//! Memories as files: a round trip, another model, and files that lie.

use std::fs;
use std::io::Write as _;

use underpaint::library::memory::{MemoryError, MemoryStore, export, import};
use underpaint::protocol::{MemoryEncoder as _, MemoryId};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::rig::{Desk, FakeEncoder, captions, entry, known};

fn filled() -> (Desk, MemoryStore, MemoryId) {
    let desk = Desk::new();
    for seed in 0..20 {
        desk.put(&format!("picture {seed}x.png"), seed);
    }
    let (mut store, mut encoder) = (desk.open(), FakeEncoder::new());
    let memory = store.create("Mine").expect("it works here");
    desk.add(&mut store, &mut encoder, memory);
    (desk, store, memory)
}

#[test]
fn a_memory_goes_to_another_machine_and_works_at_once() {
    let (desk, mut store, memory) = filled();
    let edited = entry(&store, memory, "picture 3x");
    store.set_caption(edited.id, "my own words").unwrap();
    let gone = entry(&store, memory, "picture 4x");
    store.remove(&[gone.id]).unwrap();
    let file = desk.folder.path().join("mine.upmemory");
    assert_eq!(export(&store, memory, &file).unwrap(), 19);
    let bytes = fs::read(&file).unwrap();
    let own_folder = desk.folder.path().to_string_lossy().into_owned();
    let tells = bytes.windows(own_folder.len()).any(|part| part == own_folder.as_bytes());
    assert!(!tells, "no path of this machine");

    let there = Desk::new();
    let mut other = there.open();
    let imported = import(&mut other, &file).unwrap();
    assert_eq!(known(&other, imported).name, "Mine");
    assert_eq!(captions(&other, imported), captions(&store, memory));
    let mut encoder = FakeEncoder::new();
    let model = encoder.model().unwrap();
    let own = other.snapshot(imported, &model).unwrap();
    assert_eq!(own.entries.len(), 18, "all but the one whose key was due");
    assert_eq!(other.renew(&mut encoder, &|| None, &mut || {}).unwrap(), 1);
    let (own, before) =
        (other.snapshot(imported, &model).unwrap(), store.snapshot(memory, &model).unwrap());
    assert_eq!((own.entries.len(), &own.ids), (19, &before.ids));
    let (a, b) = (&entry(&other, imported, "picture 5x"), &entry(&store, memory, "picture 5x"));
    assert_eq!(a.entry, b.entry);
    assert_eq!(other.picture(a.id).unwrap(), store.picture(b.id).unwrap());

    // Twice gives another name, and another model makes codes of its own.
    let again = import(&mut other, &file).unwrap();
    assert_eq!(known(&other, again).name, "Mine 2");
    let mut another = FakeEncoder { mark: "another", ..FakeEncoder::new() };
    assert_eq!(other.renew(&mut another, &|| None, &mut || {}).unwrap(), 38);
    assert!(matches!(export(&store, MemoryId(1), &file), Err(MemoryError::Gone)));
    assert_eq!(fs::read(&file).unwrap(), bytes, "untouched");
}

/// A file of parts that need not fit.
fn forged(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).expect("it works here");
        zip.write_all(bytes).expect("it works here");
    }
    zip.finish().expect("it works here").into_inner()
}

#[test]
fn files_that_lie_make_no_memory() {
    let (desk, store, memory) = filled();
    let file = desk.folder.path().join("mine.upmemory");
    export(&store, memory, &file).unwrap();
    let whole = fs::read(&file).unwrap();
    let there = Desk::new();
    let mut other = there.open();
    let mut refused = |bytes: &[u8], words: &str| {
        fs::write(&file, bytes).unwrap();
        let message = import(&mut other, &file).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
        assert!(other.memories(None).unwrap().is_empty());
    };
    refused(b"", "no memory that Underpaint has exported");
    refused(b"no zip at all", "no memory that Underpaint has exported");
    for share in [10, 50, 99] {
        refused(&whole[..whole.len() * share / 100], "no memory");
    }
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 40].fill(0x55);
    refused(&damaged, "picture");
    refused(&forged(&[("memory.json", br#"{"version": 2}"#)]), "newer Underpaint");
    refused(&forged(&[("memory.json", b"[]")]), "damaged");
    refused(&forged(&[("other", b"")]), "no memory.json");
    let head = |n: usize, codebook: usize| {
        format!(
            r#"{{"schema":"underpaint.memory/v1","version":1,"name":"x","n_entries":{n},
            "model":{{"mark":"one","image_size_px":64,"n_tokens":7,"codebook_size":{codebook},
            "key_dim":8}}}}"#
        )
    };
    let line = br#"{"caption":"a","picture":"p.png","has_codes":true}"#;
    let forge = |head: &str, line: &[u8], codes: &[u8], picture: &[u8]| {
        forged(&[
            ("memory.json", head.as_bytes()),
            ("entries.jsonl", line),
            ("codes.bin", codes),
            ("p.png", picture),
        ])
    };
    refused(&forge(&head(9_999_999, 4096), line, &[0; 22], b""), "too many");
    refused(&forge(&head(2, 4096), line, &[0; 22], b""), "1 of 2 entries");
    refused(&forge(&head(1, 1 << 40), line, &[0; 22], b""), "its model is none");
    refused(&forge(&head(1, 4096), b"{}", &[0; 22], b""), "line 1");
    refused(&forge(&head(1, 4096), line, &[0; 21], b""), "codes are damaged");
    refused(&forge(&head(1, 4096), line, &[0xff; 22], b""), "not of the model");
    refused(&forge(&head(1, 4096), line, &[0; 22], b"no picture"), "picture cannot be read");
    // A codebook of another size is another model, so its ids are never this one's.
    let picture = fs::read(desk.pictures().join("picture 1x.png")).unwrap();
    fs::write(&file, forge(&head(1, 65536), line, &[0xff; 22], &picture)).unwrap();
    let imported = import(&mut other, &file).unwrap();
    let model = FakeEncoder::new().model().unwrap();
    assert!(other.snapshot(imported, &model).unwrap().entries.is_empty());
}
