//! The window's end: no call waits, and everything is told.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use underpaint::library::memory::{MemoryOptions, MemoryThread};
use underpaint::protocol::{
    AddReport, EntryListing, KnownMemory, MemoryEvent, MemoryId, OwnMemory,
};

use crate::rig::{Desk, FakeEncoder, all, known, picture};

const TIME_LIMIT: Duration = Duration::from_mins(1);

/// The thread and all that it has told.
struct Window {
    thread: MemoryThread,
    bell: Arc<(Mutex<u64>, Condvar)>,
    memories: Vec<KnownMemory>,
    snapshots: Vec<Arc<OwnMemory>>,
    listing: EntryListing,
    reports: Vec<AddReport>,
    created: Vec<MemoryId>,
    /// Until the list that has it comes.
    restored: Option<MemoryId>,
    failures: Vec<String>,
    trouble: Option<String>,
    n_thumbnails: usize,
    n_exported: usize,
}

impl Window {
    fn open(desk: &Desk) -> Self {
        Self::with_options(MemoryOptions { database: Some(desk.database()) })
    }

    fn with_options(options: MemoryOptions) -> Self {
        let bell = Arc::new((Mutex::new(0), Condvar::new()));
        let rings = Arc::clone(&bell);
        let wake = move || {
            *rings.0.lock().expect("nobody panics") += 1;
            rings.1.notify_all();
        };
        let thread =
            MemoryThread::spawn(options, Box::new(FakeEncoder::new()), wake).expect("it starts");
        Self {
            thread,
            bell,
            memories: Vec::new(),
            snapshots: Vec::new(),
            listing: EntryListing::default(),
            reports: Vec::new(),
            created: Vec::new(),
            restored: None,
            failures: Vec::new(),
            trouble: None,
            n_thumbnails: 0,
            n_exported: 0,
        }
    }

    fn drain(&mut self) {
        for event in self.thread.drain() {
            match event {
                MemoryEvent::Memories(memories) => {
                    if let Some(back) = self.restored.take() {
                        assert!(memories.iter().any(|known| known.memory == back));
                    }
                    self.memories = memories;
                }
                MemoryEvent::Restored(memory) => self.restored = Some(memory),
                MemoryEvent::Snapshots(snapshots) => self.snapshots = snapshots,
                MemoryEvent::Entries(listing) => {
                    assert!(listing.serial > self.listing.serial);
                    self.listing = *listing;
                }
                MemoryEvent::Added(report) => self.reports.push(*report),
                MemoryEvent::Created(memory) => self.created.push(memory),
                MemoryEvent::Failed { headline, .. } => self.failures.push(headline),
                MemoryEvent::Trouble(trouble) => {
                    self.trouble = trouble.map(|(headline, _)| headline);
                }
                MemoryEvent::Thumbnail { result, .. } => {
                    assert!(result.is_ok());
                    self.n_thumbnails += 1;
                }
                MemoryEvent::Exported { .. } => self.n_exported += 1,
                _ => {}
            }
        }
    }

    fn wait(&mut self, what: &str, is_met: impl Fn(&Self) -> bool) {
        let until = Instant::now() + TIME_LIMIT;
        loop {
            let n_rings = *self.bell.0.lock().expect("nobody panics");
            self.drain();
            if is_met(self) {
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{what} did not come; failures: {:?}", self.failures);
            let rings = self.bell.0.lock().expect("nobody panics");
            let is_quiet = |rings: &mut u64| *rings == n_rings;
            drop(self.bell.1.wait_timeout_while(rings, left, is_quiet).expect("nobody panics"));
        }
    }

    fn entries(&self) -> usize {
        self.listing.entries.len()
    }

    fn in_snapshots(&self) -> usize {
        self.snapshots.iter().map(|own| own.entries.len()).sum()
    }

    fn created(&mut self) -> MemoryId {
        self.wait("the memory", |window| !window.created.is_empty());
        self.created.remove(0)
    }
}

#[test]
fn a_memory_is_made_filled_changed_and_taken_away() {
    let desk = Desk::new();
    for seed in 0..40 {
        desk.put(&format!("p{seed}x.png"), seed);
    }
    let mut window = Window::open(&desk);
    window.thread.begin();
    window.thread.create("Mine".to_owned());
    let memory = window.created();
    window.thread.list(all(memory));
    window.thread.add(desk.request(memory));
    window.wait("the report", |window| window.reports.len() == 1);
    assert_eq!((window.reports[0].n_added, window.entries()), (40, 40), "the list comes first");
    window.wait("the snapshot", |window| window.in_snapshots() == 40);
    assert_eq!(window.memories[0].n_entries, 40);

    let ids: Vec<_> = window.listing.entries.iter().map(|entry| entry.id).collect();
    window.thread.want(ids.clone());
    window.wait("thumbnails", |window| window.n_thumbnails == 40);
    window.thread.set_caption(ids[0], "my words".to_owned());
    window.wait("the caption", |w| w.listing.entries[0].caption == "my words");
    let has_key = |w: &Window| {
        let own = w.snapshots.first().filter(|own| own.entries.len() == 40);
        own.is_some_and(|own| own.keys[39 * 8..] == FakeEncoder::key("my words"))
    };
    window.wait("the key", has_key);
    window.thread.remove(ids[..10].to_vec());
    window.wait("fewer", |window| window.entries() == 30 && window.in_snapshots() == 30);
    window.thread.put_back(ids[..10].to_vec());
    window.wait("all again", |window| window.entries() == 40 && window.in_snapshots() == 40);

    window.thread.switch(memory, false);
    window.wait("no snapshot", |window| window.snapshots.is_empty());
    window.thread.switch(memory, true);
    window.wait("a snapshot", |window| window.in_snapshots() == 40);
    window.thread.add_picture(memory, Arc::new(picture(99, 200)), "pasted".to_owned());
    window.wait("the pasted picture", |window| window.in_snapshots() == 41);
    window.thread.add_picture(memory, Arc::new(picture(99, 100)), "again".to_owned());
    window.wait("the refusal", |w| w.failures.iter().any(|told| told.ends_with("pasted")));

    let file = desk.folder.path().join("mine.upmemory");
    window.thread.export(memory, file.clone());
    window.wait("the file", |window| window.n_exported == 1);
    window.thread.delete(memory);
    window.wait("nothing", |window| window.memories.is_empty() && window.snapshots.is_empty());
    window.thread.restore(memory);
    window.wait("it again", |window| window.in_snapshots() == 41 && window.restored.is_none());
    assert!(window.memories.iter().any(|known| known.memory == memory));
    window.thread.import(file);
    let imported = window.created();
    assert_ne!(imported, memory);
    window.wait("both", |window| window.in_snapshots() == 82 && window.memories.len() == 2);
    window.thread.create("mine".to_owned());
    window.wait("the refusal", |w| w.failures.iter().any(|told| told.contains("already")));
}

#[test]
fn adding_goes_on_in_the_next_window() {
    let desk = Desk::new();
    for seed in 0..40 {
        desk.put(&format!("p{seed}x.png"), seed);
    }
    let mut store = desk.open();
    let memory = store.create("Mine").unwrap();
    store.note_jobs(&desk.request(memory)).unwrap();
    drop(store);
    let mut window = Window::open(&desk);
    window.thread.begin();
    window.wait("the report", |window| window.reports.len() == 1);
    assert_eq!((window.reports[0].n_added, window.memories[0].n_waiting), (40, 0));
    drop(window);
    assert_eq!(known(&desk.open(), memory).n_entries, 40);
}

#[test]
fn a_database_that_is_held_is_had_later() {
    let desk = Desk::new();
    desk.open().create("Mine").unwrap();
    let other = Connection::open(desk.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut window = Window::open(&desk);
    window.thread.begin();
    window.wait("what can be read", |w| w.trouble.is_some() && w.memories.len() == 1);
    window.thread.create("New".to_owned());
    window.wait("the refusal", |window| !window.failures.is_empty());
    assert!(window.failures[0].contains("cannot be changed now"), "{:?}", window.failures);
    other.execute_batch("ROLLBACK").unwrap();
    window.wait("the end of it", |window| window.trouble.is_none());
    window.thread.create("New".to_owned());
    window.created();
}

#[test]
fn without_a_database_memories_live_for_this_run() {
    let desk = Desk::new();
    desk.put("a.png", 1);
    let mut window = Window::with_options(MemoryOptions::default());
    window.thread.create("Mine".to_owned());
    let memory = window.created();
    window.thread.add(desk.request(memory));
    window.wait("the snapshot", |window| window.in_snapshots() == 1);
}
