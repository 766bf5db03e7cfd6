//! Memories made here, whole and broken, and the one that ships.

use super::*;
use crate::model::assets::ModelFiles;
use crate::model::memory::entry_id;
use crate::model::memory::testing::{config, ids, memory, packed};

const ENTRIES: [(usize, [i8; 4]); 3] =
    [(0, [127, 0, 0, 0]), (1, [0, 127, 0, 0]), (0, [0, 0, -127, 0])];

fn reason(bytes: Vec<u8>, config: &Config) -> String {
    match PictureMemory::from_packed(Cow::Owned(bytes), Checksum::Verify, config) {
        Err(ModelError::Memory { reason }) => reason,
        other => panic!("expected an error about the memory, got {other:?}"),
    }
}

#[test]
fn entries_come_back() {
    let config = config();
    let memory = memory(&config, &ENTRIES);
    assert_eq!(memory.len(), 3);
    let expected: Vec<u32> = ids(&config, 1).into_iter().map(u32::from).collect();
    assert_eq!(memory.ids(1), expected);
    assert_eq!(memory.keys().values[8..], [0, 0, -127, 0]);
    let entry = memory.about(1);
    let texts = (entry.caption, entry.style, entry.source, entry.licence);
    assert_eq!(texts, ("picture 1", "flat", "Some Set", "MIT"));
    let shown = entry.inspired_by(2, Some(0.5), std::sync::Arc::default());
    assert_eq!((shown.slot, shown.entry, shown.caption.as_str()), (2, entry.id, "picture 1"));
}

#[test]
fn the_same_picture_has_one_name_and_its_first_entry_is_found() {
    let memory = memory(&config(), &ENTRIES);
    assert_eq!(memory.id(0), memory.id(2));
    assert_ne!(memory.id(0), memory.id(1));
    assert_eq!(memory.find(memory.id(2)), Some(0));
    assert_eq!(memory.find(memory.id(1)), Some(1));
    assert_eq!(memory.find(EntryId(1)), None);
}

#[test]
fn entries_are_counted_by_source() {
    let source = |n_entries| MemorySource {
        source: "Some Set".to_owned(),
        licence: "MIT".to_owned(),
        n_entries,
    };
    let config = config();
    assert_eq!(memory(&config, &ENTRIES).sources(), [source(3)]);
    assert_eq!(PictureMemory::empty(&config).sources(), []);
}

#[test]
fn names_do_not_depend_on_the_packing() {
    let config = config();
    let expected: Vec<u32> = ids(&config, 1).into_iter().map(u32::from).collect();
    assert_eq!(memory(&config, &ENTRIES).id(1), entry_id(&expected));
}

#[test]
fn an_empty_memory_is_valid() {
    let config = config();
    let memory = memory(&config, &[]);
    assert!(memory.is_empty() && PictureMemory::empty(&config).is_empty());
    assert_eq!(memory.find(EntryId(0)), None);
    assert!(PictureMemory::empty(&config).keys().values.is_empty());
}

#[test]
fn every_truncation_and_every_damaged_byte_is_refused() {
    let config = config();
    let bytes = packed(&config, &ENTRIES);
    for len in 0..bytes.len() {
        let reason = reason(bytes[..len].to_vec(), &config);
        let expected = if len < 8 { "it is not a packed memory" } else { "it is incomplete" };
        assert_eq!(reason, expected, "{len} bytes");
    }
    for position in 0..bytes.len() {
        for flipped in [0x01, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[position] ^= flipped;
            reason(bytes, &config);
        }
    }
    let longer = [bytes.as_slice(), &[0; 7]].concat();
    assert_eq!(reason(longer, &config), "it is 7 bytes too long");
}

#[test]
fn damage_without_a_checksum_never_panics() {
    let config = config();
    let bytes = packed(&config, &ENTRIES);
    for position in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[position] ^= 0xa5;
        let opened = PictureMemory::from_packed(Cow::Owned(bytes), Checksum::Trust, &config);
        if let Ok(memory) = opened {
            for entry_idx in 0..memory.len() {
                memory.about(entry_idx);
                memory.ids(entry_idx);
            }
        }
    }
}

#[test]
fn newer_foreign_and_absurd_memories_are_named() {
    let config = config();
    let with = |position: usize, number: u32| {
        let mut bytes = packed(&config, &ENTRIES);
        bytes[position..position + 4].copy_from_slice(&number.to_le_bytes());
        reason(bytes, &config)
    };
    assert_eq!(
        with(8, 2),
        "it is made for a newer Underpaint (version 2, this one knows 1); update Underpaint"
    );
    for position in [12, 16, 20, 24, 28] {
        let reason = with(position, u32::MAX);
        assert!(reason == "it is incomplete" || reason == "its counts are absurd", "{reason}");
    }
    assert_eq!(with(32, u32::MAX), "it is damaged");
    let bytes = packed(&config, &ENTRIES);
    let mut other = config.clone();
    other.text.hidden_size = 8;
    assert_eq!(
        reason(bytes, &other),
        "it is made for another model: its pictures have 507 tokens of 64 codes and keys of size 4, \
         this model has 507, 64 and 8"
    );
}

#[test]
fn ids_beyond_the_codebook_are_refused() {
    let mut config = config();
    // Six bits could hold 63, but 63 codes end at 62.
    config.tokenizer.codebook_size = 63;
    let fits = packed(&config, &ENTRIES);
    let memory = PictureMemory::from_packed(Cow::Owned(fits.clone()), Checksum::Verify, &config);
    assert_eq!(memory.unwrap().len(), 3);
    let mut bytes = fits;
    bytes[40] = 0xff;
    let opened = PictureMemory::from_packed(Cow::Owned(bytes), Checksum::Trust, &config);
    let reason = opened.unwrap_err().to_string();
    assert!(reason.ends_with("it holds id 63, but the codebook has 63 codes"), "{reason}");
}

#[test]
fn the_shipped_memory_has_no_colliding_names() {
    let files = ModelFiles::embedded();
    let memory = files.memory(&files.config().unwrap()).unwrap();
    let mut by_id: HashMap<EntryId, Vec<u32>> = HashMap::new();
    for entry_idx in 0..memory.len() {
        let ids = memory.ids(entry_idx);
        assert_eq!(memory.id(entry_idx), entry_id(&ids), "the name of entry {entry_idx}");
        let first = by_id.entry(memory.id(entry_idx)).or_insert_with(|| ids.clone());
        assert_eq!(*first, ids, "entry {entry_idx} shares its name with another picture");
    }
    assert!(by_id.len() > 10_000);
}

#[test]
fn the_shipped_memory_is_undamaged_and_says_where_it_is_from() {
    let bytes = include_bytes!("../../../../assets/model/memory.upmem");
    let config = ModelFiles::embedded().config().unwrap();
    let memory =
        PictureMemory::from_packed(Cow::Borrowed(bytes), Checksum::Verify, &config).unwrap();
    let licences = ["MIT", "Apache-2.0", "CC-BY-4.0", "public domain"];
    for entry_idx in 0..memory.len() {
        let entry = memory.about(entry_idx);
        assert!(licences.contains(&entry.licence) && !entry.source.is_empty(), "{entry:?}");
    }
}
