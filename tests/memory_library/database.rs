//! What may have become of the database: locked, newer, cut off, read-only, damaged.

use std::fs;

use rusqlite::Connection;
use underpaint::library::memory::{Access, AddKind, MemoryError, MemoryStore};
use underpaint::library::{Kept, Library};
use underpaint::protocol::MemoryEncoder as _;

use crate::rig::{Desk, FakeEncoder, captions, known, run};

fn filled(n_pictures: u32) -> Desk {
    let desk = Desk::new();
    for seed in 0..n_pictures {
        desk.put(&format!("p{seed}x.png"), seed);
    }
    let (mut store, mut encoder) = (desk.open(), FakeEncoder::new());
    let memory = store.create("Mine").expect("it works here");
    desk.add(&mut store, &mut encoder, memory);
    assert_eq!(known(&store, memory).n_entries, n_pictures as usize);
    desk
}

#[test]
fn a_database_that_another_instance_holds_is_read_and_not_lost() {
    let desk = filled(3);
    let other = Connection::open(desk.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let opened = MemoryStore::open(&desk.database()).unwrap();
    let mut store = opened.store;
    assert_eq!(store.access(), Access::ReadOnly);
    assert!(opened.warning.unwrap().headline.contains("Another program holds your memories"));
    let memory = store.find("Mine").unwrap().unwrap();
    assert_eq!(captions(&store, memory).len(), 3, "what can be read is");
    let error = store.create("New").unwrap_err();
    assert!(matches!(error, MemoryError::NotWritable(_)), "{error}");
    drop(store);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(desk.open().memories(None).unwrap().len(), 1);
}

#[test]
fn adding_waits_for_another_instance_and_loses_nothing() {
    let desk = filled(3);
    let mut store = desk.open();
    let memory = store.find("Mine").unwrap().unwrap();
    for seed in 10..50 {
        desk.put(&format!("p{seed}x.png"), seed);
    }
    store.note_jobs(&desk.request(memory)).unwrap();
    let database = desk.database();
    let (begun, has_begun) = std::sync::mpsc::channel();
    let other = std::thread::Builder::new()
        .name("other instance".to_owned())
        .spawn(move || {
            let other = Connection::open(database).unwrap();
            other.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
            other.execute_batch("BEGIN IMMEDIATE").unwrap();
            begun.send(()).unwrap();
            // Longer than SQLite itself waits.
            std::thread::sleep(std::time::Duration::from_millis(1500));
            other.execute_batch("COMMIT").unwrap();
        })
        .unwrap();
    has_begun.recv().unwrap();
    let report = run(&mut store, &mut FakeEncoder::new(), memory, AddKind::Noted).unwrap();
    assert_eq!(report.n_added, 40);
    other.join().unwrap();
}

#[test]
fn two_instances_that_add_the_same_make_no_entry_twice() {
    let desk = filled(0);
    for seed in 0..60 {
        desk.put(&format!("p{seed}x.png"), seed);
    }
    let mut store = desk.open();
    let memory = store.find("Mine").unwrap().unwrap();
    store.note_jobs(&desk.request(memory)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            std::thread::Builder::new()
                .name("instance".to_owned())
                .spawn_scoped(scope, || {
                    let mut store = desk.open();
                    run(&mut store, &mut FakeEncoder::new(), memory, AddKind::Noted).unwrap();
                })
                .unwrap();
        }
    });
    assert_eq!(known(&store, memory).n_entries, 60);
    crate::adding::assert_whole(&desk);
}

#[test]
fn a_newer_database_is_left_alone() {
    let desk = filled(2);
    let connection = Connection::open(desk.database()).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let before = fs::read(desk.database()).unwrap();
    let opened = MemoryStore::open(&desk.database()).unwrap();
    assert_eq!(opened.store.access(), Access::Closed);
    assert!(opened.warning.unwrap().headline.contains("newer Underpaint"));
    assert!(opened.store.memories(None).unwrap().is_empty());
    drop(opened.store);
    assert_eq!(fs::read(desk.database()).unwrap(), before, "not a byte");
}

#[test]
fn a_database_of_the_version_before_gets_memories_and_keeps_its_stars() {
    let desk = Desk::new();
    fs::create_dir_all(desk.database().parent().unwrap()).unwrap();
    drop(Library::open(Some(&desk.database())).unwrap());
    let connection = Connection::open(desk.database()).unwrap();
    for table in [
        "memory_words",
        "memory_seen",
        "memory_pictures",
        "memory_codes",
        "memory_entries",
        "memory_jobs",
        "memory_models",
        "memories",
    ] {
        connection.execute_batch(&format!("DROP TABLE {table}")).unwrap();
    }
    connection
        .execute_batch(
            "DELETE FROM sqlite_sequence WHERE name LIKE 'memor%';
             PRAGMA user_version = 1;
             INSERT INTO folders (id, path) VALUES (5, x'2f61');
             INSERT INTO pictures (folder_id, path, name, n_bytes, modified_ns, starred)
                 VALUES (5, x'62', 'b', 1, 1, 1)",
        )
        .unwrap();
    drop(connection);
    let mut store = desk.open();
    store.create("Mine").unwrap();
    let connection = Connection::open(desk.database()).unwrap();
    let n_stars: i64 = connection
        .query_row("SELECT count(*) FROM pictures WHERE starred", [], |row| row.get(0))
        .unwrap();
    assert_eq!(n_stars, 1);
}

#[test]
fn what_can_be_read_of_a_cut_off_database_is_saved() {
    let desk = filled(60);
    let connection = Connection::open(desk.database()).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_row| Ok(())).unwrap();
    drop(connection);
    let whole = fs::read(desk.database()).unwrap();
    for share in [2, 10, 50, 90, 99] {
        for beside in ["-wal", "-shm"] {
            fs::remove_file(desk.folder.path().join(format!("data/library.sqlite{beside}"))).ok();
        }
        fs::write(desk.database(), &whole[..whole.len() * share / 100]).unwrap();
        let opened = MemoryStore::open(&desk.database()).unwrap();
        let warning = opened.warning.expect("it is told");
        assert!(warning.details.contains("was set aside"), "{warning:?}");
        let mut store = opened.store;
        assert_eq!(store.access(), Access::Full);
        let aside = fs::read_dir(desk.database().parent().unwrap()).unwrap().count();
        assert!(aside >= 2, "nothing is thrown away");
        let n_saved: usize = store.memories(None).unwrap().iter().map(|m| m.n_entries).sum();
        if share >= 90 {
            assert!(n_saved > 10, "{n_saved} of 60 at {share} %");
            assert!(warning.details.contains("remembered pictures were saved"), "{warning:?}");
            // They work: those without codes are made anew, and adding goes on with the rest.
            let memory = store.find("Mine").unwrap().unwrap();
            let mut encoder = FakeEncoder::new();
            store.renew(&mut encoder, &|| None, &mut || {}).unwrap();
            desk.add(&mut store, &mut encoder, memory);
            assert_eq!(known(&store, memory).n_entries, 60);
            let model = encoder.model().unwrap();
            assert_eq!(store.snapshot(memory, &model).unwrap().entries.len(), 60);
        }
        // The gallery opens what was made anew, and finds nothing to complain of.
        drop(store);
        let opened = Library::open(Some(&desk.database())).unwrap();
        assert_eq!((opened.kept, opened.warning), (Kept::InFile, None));
    }
}

#[test]
fn names_are_checked() {
    let desk = Desk::new();
    let mut store = desk.open();
    let mine = store.create("  My \n style ").unwrap();
    assert_eq!(store.name(mine).unwrap(), "My style");
    assert!(matches!(store.create("my STYLE"), Err(MemoryError::NameTaken { .. })));
    let long = "x".repeat(61);
    for name in ["", "  ", "\0", &*long] {
        assert!(matches!(store.create(name), Err(MemoryError::BadName)), "{name:?}");
    }
    let other = store.create("Other").unwrap();
    assert!(matches!(store.rename(other, "my style"), Err(MemoryError::NameTaken { .. })));
    store.rename(other, "Third").unwrap();
    store.switch(other, false).unwrap();
    assert!(!known(&store, other).is_on && known(&store, mine).is_on);
}

/// Lists, searches and snapshots of 100,000 entries; told, not judged, unless a figure is asked for.
#[test]
#[ignore = "takes a minute; run with --ignored --nocapture"]
fn a_hundred_thousand_entries_are_quick() {
    const N: i64 = 100_000;
    let desk = filled(1);
    let connection = Connection::open(desk.database()).unwrap();
    connection
        .execute_batch(&format!(
            "BEGIN;
             INSERT INTO memory_models SELECT 7, 'real', 256, 507, 4096, 384;
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {N})
             INSERT INTO memory_entries (id, memory_id, entry, caption, path, name, fingerprint,
                 model_id)
             SELECT i, (SELECT max(id) FROM memories), i * 7919, 'a red apple number ' || i,
                 CAST('/home/user/pictures/some folder/apple-' || i || '.png' AS BLOB),
                 'apple-' || i || '.png', randomblob(64), 7 FROM n;
             INSERT INTO memory_codes SELECT id, zeroblob(1014), randomblob(384)
                 FROM memory_entries WHERE model_id = 7;
             COMMIT"
        ))
        .unwrap();
    let store = desk.open();
    let memory = store.find("Mine").unwrap().unwrap();
    let model = underpaint::protocol::MemoryModel {
        mark: "real".to_owned(),
        image_size_px: 256,
        n_tokens: 507,
        codebook_size: 4096,
        key_dim: 384,
    };
    let timed = |what: &str, work: &mut dyn FnMut() -> usize| {
        let started = std::time::Instant::now();
        let n = work();
        println!("{what}: {n} in {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    };
    for _ in 0..2 {
        timed("snapshot", &mut || store.snapshot(memory, &model).unwrap().entries.len());
        timed("memories", &mut || store.memories(Some(&model)).unwrap()[0].n_entries);
        timed("list", &mut || store.list(&crate::rig::all(memory)).unwrap().entries.len());
        let mut query = crate::rig::all(memory);
        query.text = "app 4711".to_owned();
        timed("search", &mut || store.list(&query).unwrap().entries.len());
    }
}
