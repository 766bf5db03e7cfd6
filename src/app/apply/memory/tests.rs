//! Memories are named, filled, switched and emptied.

use super::*;
use crate::protocol::{AddProgress, EntryId, EntryListing, KnownMemory, OwnEntry};
use crate::state::{Settings, Slot};

const FIRST: MemoryId = MemoryId(1);
const SECOND: MemoryId = MemoryId(2);

fn known(memory: MemoryId, name: &str) -> KnownMemory {
    KnownMemory {
        memory,
        name: name.to_owned(),
        is_on: true,
        n_entries: 3,
        n_gone: 0,
        n_waiting: 0,
        n_outdated: 0,
        n_problems: 0,
    }
}

fn entry(id: i64, caption: &str) -> KnownEntry {
    KnownEntry {
        id: RememberedId(id),
        entry: EntryId(100 + id as u64),
        caption: caption.to_owned(),
        path: format!("/pictures/{id}.png").into(),
        source: String::new(),
        licence: String::new(),
        is_gone: false,
    }
}

fn snapshot(memory: MemoryId, captions: &[&str]) -> Arc<OwnMemory> {
    let own = |(idx, caption): (usize, &&str)| OwnEntry {
        entry: EntryId(101 + idx as u64),
        caption: (*caption).to_owned(),
        source: "cats".to_owned(),
        licence: String::new(),
    };
    Arc::new(OwnMemory {
        memory,
        name: "Cats".to_owned(),
        entries: captions.iter().enumerate().map(own).collect(),
        keys: vec![0; captions.len() * 2],
        key_dim: 2,
        ids: (0..captions.len() as u16 * 3).collect(),
        n_tokens: 3,
    })
}

/// With the page open on the first of two memories, which has three entries.
fn opened() -> AppState {
    let mut state = AppState::new(Settings::default());
    toggle(&mut state);
    let all = vec![known(FIRST, "Cats"), known(SECOND, "Dogs")];
    event(&mut state, MemoryEvent::Memories(all), 0.0);
    list_entries(&mut state, vec![entry(1, "a cat"), entry(2, "two cats"), entry(3, "kitten")]);
    state
}

fn list_entries(state: &mut AppState, entries: Vec<KnownEntry>) {
    let listing = EntryListing { query: state.memories.query.clone(), entries, serial: 1 };
    event(state, MemoryEvent::Entries(Box::new(listing)), 0.0);
}

fn wish(state: &mut AppState, wish: MemoryCommand) -> Vec<MemoryOrder> {
    asked(command(state, wish, 0.0))
}

fn asked(effect: Option<Effect>) -> Vec<MemoryOrder> {
    match effect {
        Some(Effect::Memory(MemoryEffect::Orders(orders))) => orders,
        None => Vec::new(),
        other => panic!("{other:?}"),
    }
}

fn captions(state: &AppState) -> Vec<&str> {
    state.memories.entries().iter().map(|entry| entry.caption.as_str()).collect()
}

#[test]
fn the_page_lists_the_first_memory_and_looks_after_its_files_once() {
    let mut state = AppState::new(Settings::default());
    assert_eq!(asked(toggle(&mut state)), [MemoryOrder::Begin]);
    let all = vec![known(FIRST, "Cats"), known(SECOND, "Dogs")];
    let orders = asked(event(&mut state, MemoryEvent::Memories(all), 0.0));
    let query = EntryQuery { memory: Some(FIRST), ..EntryQuery::default() };
    assert_eq!(orders, [MemoryOrder::List(query.clone()), MemoryOrder::Rescan(FIRST)]);
    toggle(&mut state);
    assert!(!asked(toggle(&mut state)).contains(&MemoryOrder::Rescan(FIRST)));
    assert!(wish(&mut state, MemoryCommand::Choose(FIRST)).is_empty(), "it is chosen");
    // An answer to an older question is none.
    wish(&mut state, MemoryCommand::Search("kit".to_owned()));
    let late = EntryListing { query, entries: vec![entry(9, "late")], serial: 2 };
    event(&mut state, MemoryEvent::Entries(Box::new(late)), 0.0);
    assert!(captions(&state).is_empty());
}

#[test]
fn pictures_make_the_first_memory_named_after_their_folder() {
    let mut state = AppState::new(Settings::default());
    event(&mut state, MemoryEvent::Memories(Vec::new()), 0.0);
    wish(&mut state, MemoryCommand::KeepBackground(true));
    let folder = PathBuf::from("/home/me/my_cats");
    let orders = wish(&mut state, MemoryCommand::Add(vec![folder.clone()]));
    assert_eq!(orders, [MemoryOrder::Create("my cats".to_owned())]);
    let orders = asked(event(&mut state, MemoryEvent::Created(FIRST), 0.0));
    let add = AddPictures {
        memory: FIRST,
        paths: vec![folder],
        captions: Captions::FileNames,
        removes_background: false,
    };
    assert_eq!(orders[1..], [MemoryOrder::Add(add)]);
    assert_eq!(state.memories.to_rename, None, "it has a name");
    // Files have no folder that would name them.
    let mut state = AppState::new(Settings::default());
    let file = vec![PathBuf::from("/home/me/cat.png")];
    let orders = wish(&mut state, MemoryCommand::Add(file));
    assert_eq!(orders, [MemoryOrder::Create(NAME.to_owned())]);
    // One that is wished for is named by the user.
    wish(&mut state, MemoryCommand::Create);
    event(&mut state, MemoryEvent::Created(SECOND), 0.0);
    assert_eq!(state.memories.to_rename, Some(SECOND));
}

#[test]
fn a_switch_acts_at_once_and_requests_carry_what_is_on() {
    let mut state = opened();
    assert!(state.request().memory.own.is_empty(), "nothing is known of them yet");
    let cats = snapshot(FIRST, &["a cat"]);
    let empty = snapshot(SECOND, &[]);
    event(&mut state, MemoryEvent::Snapshots(vec![Arc::clone(&cats), empty]), 0.0);
    assert_eq!(state.request().memory.own, [Arc::clone(&cats)], "but for empty ones");
    let orders = wish(&mut state, MemoryCommand::Switch { memory: FIRST, is_on: false });
    assert_eq!(orders, [MemoryOrder::Switch(FIRST, false)]);
    assert!(state.request().memory.own.is_empty());
    // The thread has not heard of it yet.
    event(&mut state, MemoryEvent::Snapshots(vec![Arc::clone(&cats)]), 0.0);
    assert!(state.request().memory.own.is_empty());
    // Off and on again may be no news to it.
    wish(&mut state, MemoryCommand::Switch { memory: FIRST, is_on: true });
    assert_eq!(state.request().memory.own.len(), 1);
    event(&mut state, MemoryEvent::Snapshots(vec![cats]), 0.0);
    assert_eq!(state.request().memory.own.len(), 1);
    state.settings.recipe.memory_on = false;
    assert!(state.request().memory.own.is_empty(), "nothing is looked up");
}

#[test]
fn removed_pictures_and_memories_come_back() {
    let mut state = opened();
    wish(&mut state, MemoryCommand::Select(Some(RememberedId(2))));
    let orders = wish(&mut state, MemoryCommand::Remove(RememberedId(2)));
    assert_eq!(orders[0], MemoryOrder::Remove(vec![RememberedId(2)]));
    assert_eq!(captions(&state), ["a cat", "kitten"]);
    assert_eq!(state.memories.selected, Some(RememberedId(3)));
    let serial = state.memories.removed.last().expect("one").serial;
    let orders = wish(&mut state, MemoryCommand::Restore(serial));
    assert_eq!(orders, [MemoryOrder::PutBack(vec![RememberedId(2)])]);
    assert!(wish(&mut state, MemoryCommand::Restore(serial)).is_empty(), "only once");

    event(&mut state, MemoryEvent::Snapshots(vec![snapshot(FIRST, &["a cat"])]), 0.0);
    let orders = wish(&mut state, MemoryCommand::Delete(FIRST));
    assert_eq!(orders[0], MemoryOrder::Delete(FIRST));
    assert_eq!(state.memories.chosen, Some(SECOND));
    assert!(state.request().memory.own.is_empty());
    let serial = state.memories.removed.last().expect("one").serial;
    let orders = wish(&mut state, MemoryCommand::Restore(serial));
    assert_eq!(orders[0], MemoryOrder::Restore(FIRST));
    assert_eq!(state.memories.chosen, Some(FIRST));
    assert!(state.notices.is_empty(), "nothing is offered twice");
}

#[test]
fn a_memory_that_comes_back_stays_chosen_while_older_lists_arrive() {
    let (cats, dogs) = (|| known(FIRST, "Cats"), || known(SECOND, "Dogs"));
    let mut state = opened();
    wish(&mut state, MemoryCommand::Delete(FIRST));
    let serial = state.memories.removed.last().expect("one").serial;
    wish(&mut state, MemoryCommand::Restore(serial));
    // The thread tells what it did before it was asked to bring it back.
    for older in [vec![cats(), dogs()], vec![dogs()]] {
        assert!(asked(event(&mut state, MemoryEvent::Memories(older), 0.0)).is_empty());
        assert_eq!(state.memories.chosen, Some(FIRST));
    }
    event(&mut state, MemoryEvent::Restored(FIRST), 0.0);
    event(&mut state, MemoryEvent::Memories(vec![cats(), dogs()]), 0.0);
    list_entries(&mut state, vec![entry(1, "a cat")]);
    assert_eq!((state.memories.chosen, captions(&state)), (Some(FIRST), vec!["a cat"]));

    // Another program may still delete it.
    event(&mut state, MemoryEvent::Memories(vec![dogs()]), 0.0);
    assert_eq!(state.memories.chosen, Some(SECOND));
}

#[test]
fn all_whose_file_is_gone_are_removed_together() {
    let mut state = opened();
    let orders = wish(&mut state, MemoryCommand::RemoveGone);
    let [MemoryOrder::List(query)] = &orders[..] else { panic!("{orders:?}") };
    assert!(query.gone_only);
    let gone = vec![entry(1, "a cat"), entry(3, "kitten")];
    let listing = EntryListing { query: query.clone(), entries: gone, serial: 2 };
    let orders = asked(event(&mut state, MemoryEvent::Entries(Box::new(listing)), 0.0));
    assert_eq!(orders[0], MemoryOrder::Remove(vec![RememberedId(1), RememberedId(3)]));
    assert!(!state.memories.query.gone_only, "the rest is shown");
    list_entries(&mut state, vec![entry(2, "two cats")]);
    assert_eq!(captions(&state), ["two cats"], "and stays");
}

#[test]
fn captions_and_names_are_kept_tidy() {
    let mut state = opened();
    let set = |caption: &str| MemoryCommand::SetCaption {
        id: RememberedId(1),
        caption: caption.to_owned(),
    };
    let orders = wish(&mut state, set("  a  red\ncat "));
    assert_eq!(orders, [MemoryOrder::SetCaption(RememberedId(1), "a red cat".to_owned())]);
    assert!(wish(&mut state, set(" ")).is_empty(), "nothing is no caption");
    assert_eq!(captions(&state)[0], "a red cat");

    let rename = |name: &str| MemoryCommand::Rename { memory: FIRST, name: name.to_owned() };
    assert!(wish(&mut state, rename("Dogs")).is_empty());
    assert_eq!(state.notices.iter().count(), 1, "the name is taken");
    let orders = wish(&mut state, rename("  Big   cats "));
    assert_eq!(orders, [MemoryOrder::Rename(FIRST, "Big cats".to_owned())]);
    assert_eq!(state.memories.chosen_memory().expect("chosen").name, "Big cats");
}

#[test]
fn progress_ends_with_a_report_unless_nobody_asked() {
    let mut state = opened();
    let progress = AddProgress { memory: FIRST, n_done: 5, n_total: Some(10) };
    event(&mut state, MemoryEvent::Adding(progress), 0.0);
    event(&mut state, MemoryEvent::Adding(AddProgress { n_done: 6, ..progress }), 0.0);
    assert_eq!(state.memories.progress(FIRST).expect("it goes on").n_done, 6);
    let report = AddReport::nothing(FIRST);
    // The look at the files when the page was opened.
    event(&mut state, MemoryEvent::Added(Box::new(report.clone())), 0.0);
    assert_eq!(state.memories.progress(FIRST), None);
    assert_eq!(state.memories.report(FIRST), None);
    wish(&mut state, MemoryCommand::LookAgain);
    event(&mut state, MemoryEvent::Added(Box::new(report.clone())), 0.0);
    assert_eq!(state.memories.report(FIRST), Some(&report));
    wish(&mut state, MemoryCommand::Add(vec!["/more".into()]));
    assert_eq!(state.memories.report(FIRST), None, "it is about earlier pictures");
}

#[test]
fn an_entry_inspires_even_if_its_memory_is_off() {
    let mut state = opened();
    state.slots = vec![Slot::default(); 2];
    let orders = wish(&mut state, MemoryCommand::Inspire(RememberedId(2)));
    assert_eq!(orders, [MemoryOrder::Snapshot(FIRST)]);
    let cats = snapshot(FIRST, &["a cat", "two cats", "kitten"]);
    let effect = event(&mut state, MemoryEvent::Snapshot(Arc::clone(&cats)), 0.0);
    assert_eq!(effect, Some(Effect::Draw));
    assert!(!state.memories.is_open);
    let Some(Inspiration::Remembered(picture)) = &state.slots[0].chosen else { panic!("chosen") };
    assert_eq!((picture.caption.as_str(), &picture.ids[..]), ("two cats", &[3, 4, 5][..]));
    // With the memory on, nothing must be asked for; the next free place is taken.
    event(&mut state, MemoryEvent::Snapshots(vec![cats]), 0.0);
    assert_eq!(
        command(&mut state, MemoryCommand::Inspire(RememberedId(1)), 0.0),
        Some(Effect::Draw)
    );
    assert!(state.slots[1].chosen.is_some());
}

#[test]
fn trouble_is_told_and_goes_again() {
    let mut state = AppState::new(Settings::default());
    let trouble = ("Another window holds the memories".to_owned(), "locked".to_owned());
    event(&mut state, MemoryEvent::Trouble(Some(trouble.clone())), 0.0);
    assert_eq!(state.memories.trouble, Some(trouble));
    assert_eq!(state.notices.iter().count(), 1, "there is no page to tell it");
    event(&mut state, MemoryEvent::Trouble(None), 0.0);
    assert_eq!(state.memories.trouble, None);
}
