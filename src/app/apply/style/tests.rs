//! The style sheet draws the same seeds with a memory and without.

use super::*;
use crate::app::apply::memory;
use crate::imaging::RgbaImage;
use crate::params::Sampling;
use crate::protocol::{
    DecodingOrder, EntryId, Failure, KnownMemory, MemoryEvent, ModelInfo, OwnEntry, PictureIds,
    Timings,
};
use crate::state::Settings;

const MEMORY: MemoryId = MemoryId(3);
const N_SCALES: usize = 4;

fn snapshot_of(memory: MemoryId) -> Arc<OwnMemory> {
    Arc::new(OwnMemory {
        memory,
        name: "Cats".to_owned(),
        entries: vec![OwnEntry {
            entry: EntryId(7),
            caption: "a cat".to_owned(),
            source: String::new(),
            licence: String::new(),
        }],
        keys: vec![1],
        key_dim: 1,
        ids: vec![5],
        n_tokens: 1,
    })
}

/// With a model and a memory that is switched off.
fn ready() -> AppState {
    let mut state = AppState::new(Settings::default());
    let info = ModelInfo {
        name: "test".to_owned(),
        device: "CPU".to_owned(),
        order: DecodingOrder::NextScale,
        scales: (1..=N_SCALES).collect(),
        image_size_px: Document::DEFAULT_SIZE_PX,
        control_kinds: Vec::new(),
        class_names: std::sync::Arc::default(),
        styles: std::sync::Arc::default(),
        n_memory_slots: 2,
        n_memory_entries: 9,
        memory_entries: (1..10).map(crate::protocol::EntryId).collect(),
        n_parameters: 1,
        sha256: None,
        tokenizer_sha256: None,
        sampling: Sampling::default(),
    };
    super::super::event(&mut state, Event::ModelReady(info), 0.0);
    let known = KnownMemory {
        memory: MEMORY,
        name: "Cats".to_owned(),
        is_on: false,
        n_entries: 1,
        n_gone: 0,
        n_waiting: 0,
        n_outdated: 0,
        n_problems: 0,
    };
    memory::event(&mut state, MemoryEvent::Memories(vec![known]), 0.0);
    state.memories.is_open = true;
    state
}

/// The sheet with its snapshot, waiting for its first batch.
fn opened() -> AppState {
    let mut state = ready();
    command(&mut state, StyleCommand::Open(MEMORY), 0.0);
    memory::event(&mut state, MemoryEvent::Snapshot(snapshot_of(MEMORY)), 0.0);
    state
}

fn ids(seed: u64, n_scales: usize) -> PictureIds {
    (1..=n_scales).map(|side| vec![seed as u32 % 9; side * side]).collect()
}

/// Sends the batch that is due as job `number` and ends it; gives its request.
fn run(state: &mut AppState, number: u64) -> Option<GenerateRequest> {
    let request = due(state)?;
    let job = JobId(number);
    sent(state, job);
    assert_eq!(due(state), None, "one batch at a time");
    let n_scales = request.stop_at.unwrap_or(N_SCALES);
    let image = Arc::new(RgbaImage::new(4, 4));
    let images = vec![image; request.seeds.len()];
    let ids = Arc::new(request.seeds.iter().map(|seed| ids(*seed, n_scales)).collect());
    let event = Event::Finished { job, images, ids, timings: Timings::default() };
    super::super::event(state, event, 0.0);
    Some(request)
}

fn drawn(state: &AppState) -> &StyleDrawing {
    state.style_sheet.as_ref().and_then(|sheet| sheet.drawn.as_ref()).expect("drawn")
}

#[test]
fn both_rows_have_the_same_seeds_and_only_one_the_memory() {
    let mut state = ready();
    let effect = command(&mut state, StyleCommand::Open(MEMORY), 0.0);
    let orders = vec![MemoryOrder::Snapshot(MEMORY)];
    assert_eq!(effect, Some(Effect::Memory(MemoryEffect::Orders(orders))));
    assert_eq!(due(&state), None, "the memory is not known yet");
    memory::event(&mut state, MemoryEvent::Snapshot(snapshot_of(MemoryId(9))), 0.0);
    assert_eq!(due(&state), None, "that is another one");
    memory::event(&mut state, MemoryEvent::Snapshot(snapshot_of(MEMORY)), 0.0);
    let mut runs = Vec::new();
    while let Some(request) = run(&mut state, 100 + runs.len() as u64) {
        runs.push((request.seeds.clone(), request.memory.own.len()));
        assert!(request.controls.is_empty() && request.memory.chosen.is_empty());
    }
    let counts: Vec<_> = runs.iter().map(|(seeds, n_own)| (seeds.len(), *n_own)).collect();
    assert_eq!(counts, [(4, 0), (4, 1), (2, 0), (2, 1)]);
    assert_eq!((&runs[0].0, &runs[2].0), (&runs[1].0, &runs[3].0));
    assert_eq!(drawn(&state).n_drawn(), 12);
    assert_eq!(drawn(&state).seeds[0], state.settings.recipe.seed);
    // Another prompt keeps the seeds, so that pictures can be compared.
    let seeds = drawn(&state).seeds.clone();
    command(&mut state, StyleCommand::Try("owl".to_owned()), 0.0);
    assert_eq!((&drawn(&state).seeds, drawn(&state).n_drawn()), (&seeds, 0));
    command(&mut state, StyleCommand::Draw { other_seeds: true }, 0.0);
    assert!(drawn(&state).seeds.iter().all(|seed| !seeds.contains(seed)));
}

#[test]
fn a_picture_that_is_taken_is_a_variant_and_switches_the_memory_on() {
    let mut state = opened();
    while run(&mut state, 100).is_some() {}
    command(&mut state, StyleCommand::Try("owl".to_owned()), 0.0);
    while run(&mut state, 101).is_some() {}
    let seed = drawn(&state).seeds[1];
    let take = StyleCommand::Take { row: StyleRow::With, column: 1 };
    let effect = command(&mut state, take, 0.0);
    let Some(Effect::Each(effects)) = effect else { panic!("{effect:?}") };
    let switch = MemoryEffect::Orders(vec![MemoryOrder::Switch(MEMORY, true)]);
    assert!(effects.contains(&Effect::Memory(switch)));
    assert!(state.style_sheet.is_none() && !state.memories.is_open);
    let node = state.branches.current_node().expect("on the canvas").clone();
    assert_eq!((node.about.recipe.seed, node.about.recipe.prompt.as_str()), (seed, "owl"));
    assert_eq!(state.settings.recipe.prompt, "owl");
    assert!(node.is_complete());
    let own = state.request().memory.own;
    assert_eq!(own, [snapshot_of(MEMORY)], "the next pictures look into it at once");
    assert!(state.request_of(&node).is_same_picture(&state.request()), "nothing is drawn anew");
}

#[test]
fn stopping_keeps_what_is_there_and_the_canvas_is_never_touched() {
    let mut state = opened();
    run(&mut state, 100);
    sent(&mut state, JobId(101));
    assert_eq!(command(&mut state, StyleCommand::Back, 0.0), Some(Effect::Cancel));
    assert_eq!(drawn(&state).n_drawn(), 4);
    assert!(due(&state).is_none() && state.job.is_none() && state.branches.n_listed() == 0);
    // An end that comes late is not of the sheet any more.
    let late = Event::Cancelled { job: JobId(101), ids: Arc::default() };
    assert!(!is_of_sheet(&state, &late));
    command(&mut state, StyleCommand::Back, 0.0);
    assert!(state.style_sheet.is_none() && state.memories.is_open, "back on the page");
}

#[test]
fn a_failure_is_told_and_ends_the_drawing() {
    let mut state = opened();
    due(&state).expect("a batch");
    sent(&mut state, JobId(5));
    let failure = Failure { headline: "No".to_owned(), details: String::new() };
    super::super::event(&mut state, Event::Failed { job: JobId(5), failure }, 0.0);
    assert!(due(&state).is_none() && !state.style_sheet.as_ref().expect("open").is_busy());
    assert_eq!(state.notices.iter().count(), 1);
}

#[test]
fn fewer_scales_are_stopped_pictures() {
    let mut state = opened();
    command(&mut state, StyleCommand::SetScales(2), 0.0);
    command(&mut state, StyleCommand::SetColumns(4), 0.0);
    command(&mut state, StyleCommand::Draw { other_seeds: false }, 0.0);
    let request = run(&mut state, 7).expect("a batch");
    assert_eq!(request.stop_at, Some(2));
    command(&mut state, StyleCommand::Take { row: StyleRow::Without, column: 0 }, 0.0);
    let node = state.branches.current_node().expect("on the canvas");
    assert_eq!((node.ids.len(), node.about.origin), (2, Origin::Stopped));
    assert!(state.memories.snapshots.is_empty(), "it was drawn without the memory");
}
