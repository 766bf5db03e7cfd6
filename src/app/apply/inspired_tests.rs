//! Tests of the slots and of the grid of candidates, without window or model.

use super::inspired::found;
use super::tests::{N_SLOTS, act, draw, picture, ready, send, used};
use super::*;
use crate::protocol::{EntryId, Errand, ErrandId, Failure, Inspiration, InspiredBy};
use crate::state::Candidates;
use crate::state::candidates::SearchPhase;
use crate::state::steering::ErrandFor;
use crate::ui::InspiredCommand;

/// Two slots that show entries 1 and 2.
fn shown() -> AppState {
    let mut state = ready();
    let job = send(&mut state, 1);
    draw(&mut state, job, 4);
    state
}

fn run(state: &mut AppState, wish: InspiredCommand) -> Option<Effect> {
    command(state, wish.into(), 0.0)
}

/// The entry that is kept in each slot.
fn kept(state: &AppState) -> Vec<Option<u64>> {
    let entry = |slot: &crate::state::Slot| {
        let chosen = slot.chosen.as_ref()?;
        let Inspiration::Remembered(picture) = chosen else { panic!("{chosen:?}") };
        assert_eq!(*picture.ids, [picture.entry.0 as u16], "whole without the memory");
        Some(picture.entry.0)
    };
    state.slots.iter().map(entry).collect()
}

/// Sends what is to be asked of the model; returns the texts that are looked for.
fn searches(state: &mut AppState) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some((purpose, errand)) = errand_due(state) {
        let Errand::Candidates { text, n, .. } = errand else { panic!("{errand:?}") };
        assert_eq!((purpose, n), (ErrandFor::Candidates, 24));
        texts.push(text);
        let id = ErrandId(state.steering.errands.len() as u64 + 1);
        errand_sent(state, id, purpose);
    }
    texts
}

fn answer(state: &mut AppState, outcome: Result<Vec<InspiredBy>, Failure>) {
    let under_way = state.steering.errands.keys().next().copied();
    found(state, under_way.expect("a search"), outcome);
}

#[test]
fn what_is_kept_stays_as_its_ids_and_undo_releases_it() {
    let mut state = shown();
    assert_eq!(run(&mut state, InspiredCommand::Keep(1)), None, "the picture stays what it is");
    assert_eq!(kept(&state), [None, Some(2)]);
    assert_eq!(state.request().memory.chosen.len(), 1);
    assert_eq!(state.sketch.history().undo_label().as_deref(), Some("Undo pin"));
    act(&mut state, Action::Undo);
    assert_eq!(kept(&state), [None, None]);
    act(&mut state, Action::Redo);
    assert_eq!(kept(&state), [None, Some(2)]);
    assert_eq!(run(&mut state, InspiredCommand::Release(1)), Some(Effect::Draw));
    assert_eq!(kept(&state), [None, None]);
}

#[test]
fn moving_exchanges_two_slots_and_keeps_both() {
    let mut state = shown();
    let moves = InspiredCommand::Move { from: 0, to: 1 };
    assert_eq!(run(&mut state, moves.clone()), Some(Effect::Draw));
    assert_eq!(kept(&state), [Some(2), Some(1)]);
    let captions: Vec<_> = state.slots.iter().map(crate::state::Slot::caption).collect();
    assert_eq!(captions, [Some("entry 2"), Some("entry 1")], "at once");
    act(&mut state, Action::Undo);
    assert_eq!(kept(&state), [None, None]);
    for (from, to) in [(0, 0), (0, N_SLOTS), (N_SLOTS, 0)] {
        assert_eq!(run(&mut state, InspiredCommand::Move { from, to }), None);
    }
}

#[test]
fn a_slot_that_is_moved_to_is_switched_on() {
    let mut state = shown();
    run(&mut state, InspiredCommand::SetOpen { slot_idx: 1, is_open: false });
    assert_eq!(state.request().memory.closed_slots, [1]);
    run(&mut state, InspiredCommand::Move { from: 0, to: 1 });
    assert!(state.request().memory.closed_slots.is_empty());
    assert_eq!(kept(&state), [None, Some(1)], "what was there before is not in it any more");
}

#[test]
fn what_is_kept_waits_while_its_slot_is_off() {
    let mut state = shown();
    run(&mut state, InspiredCommand::Keep(0));
    let off = InspiredCommand::SetOpen { slot_idx: 0, is_open: false };
    assert_eq!(run(&mut state, off), Some(Effect::Draw));
    assert!(state.request().memory.chosen.is_empty());
    run(&mut state, InspiredCommand::SetOpen { slot_idx: 0, is_open: true });
    assert_eq!(state.request().memory.chosen.len(), 1);
    run(&mut state, InspiredCommand::SetAllOpen(false));
    assert_eq!(state.request().memory.closed_slots, [0, 1]);
    act(&mut state, Action::Undo);
    assert!(state.request().memory.closed_slots.is_empty());
    assert_eq!(state.request().memory.chosen.len(), 1);
}

#[test]
fn a_ban_takes_away_what_is_kept_and_undo_brings_both_back() {
    let mut state = shown();
    run(&mut state, InspiredCommand::Keep(0));
    run(&mut state, InspiredCommand::Ban(0));
    assert_eq!(state.request().memory.banned, [EntryId(1)]);
    assert_eq!(kept(&state), [None, None]);
    act(&mut state, Action::Undo);
    assert!(state.request().memory.banned.is_empty());
    assert_eq!(kept(&state), [Some(1), None]);
}

#[test]
fn the_grid_looks_for_one_thing_at_a_time_and_for_the_newest_last() {
    let mut state = shown();
    state.settings.recipe.prompt = "a boat".to_owned();
    assert!(searches(&mut state).is_empty(), "the grid is closed");
    run(&mut state, InspiredCommand::ShowCandidates(1));
    assert_eq!(searches(&mut state), ["a boat"]);
    for text in ["c", "ca", " cat "] {
        run(&mut state, InspiredCommand::Search(text.to_owned()));
        assert!(searches(&mut state).is_empty());
    }
    answer(&mut state, Ok(vec![used(0, 3)]));
    assert_eq!(searches(&mut state), ["cat"]);
    answer(&mut state, Ok(vec![used(0, 4), used(1, 5)]));
    assert!(searches(&mut state).is_empty());
    let grid = state.candidates.as_ref().expect("open");
    assert_eq!((grid.pictures.len(), &grid.phase), (2, &SearchPhase::Found));
}

#[test]
fn an_answer_to_a_grid_that_was_closed_counts_for_nothing() {
    let mut state = shown();
    run(&mut state, InspiredCommand::ShowCandidates(0));
    searches(&mut state);
    run(&mut state, InspiredCommand::ShowCandidates(0));
    assert_eq!(state.candidates, None);
    run(&mut state, InspiredCommand::ShowCandidates(0));
    assert!(searches(&mut state).is_empty(), "the first is under way");
    answer(&mut state, Ok(vec![used(0, 3)]));
    assert!(state.candidates.as_ref().is_some_and(|grid| grid.pictures.is_empty()));
    assert_eq!(searches(&mut state).len(), 1);
}

#[test]
fn a_search_that_failed_is_told_and_tried_again_when_asked() {
    let mut state = shown();
    run(&mut state, InspiredCommand::ShowCandidates(0));
    searches(&mut state);
    let failure = Failure { headline: "broken".to_owned(), details: String::new() };
    answer(&mut state, Err(failure.clone()));
    let phase = |state: &AppState| state.candidates.as_ref().map(|grid| grid.phase.clone());
    assert_eq!(phase(&state), Some(SearchPhase::Failed(failure)));
    assert!(searches(&mut state).is_empty(), "not without end");
    run(&mut state, InspiredCommand::SearchAgain);
    assert_eq!(searches(&mut state).len(), 1);
    assert_eq!(phase(&state), Some(SearchPhase::Searching));
}

fn grid_of(state: &mut AppState, slot_idx: usize, entries: &[u64]) {
    state.candidates = None;
    run(state, InspiredCommand::ShowCandidates(slot_idx));
    searches(state);
    answer(state, Ok(entries.iter().map(|entry| used(0, *entry)).collect()));
}

fn choose(state: &mut AppState, candidate_idx: usize) -> Option<Effect> {
    run(state, InspiredCommand::Choose { candidate_idx, and_close: false })
}

#[test]
fn a_candidate_goes_into_the_slot_that_the_grid_is_open_for() {
    let mut state = shown();
    grid_of(&mut state, 1, &[7, 8]);
    assert_eq!(choose(&mut state, 1), Some(Effect::Draw));
    assert_eq!(kept(&state), [None, Some(8)]);
    assert_eq!(state.slot_of(EntryId(8)), Some(1));
    assert_eq!(choose(&mut state, 1), None, "it is there already");
    let close = InspiredCommand::Choose { candidate_idx: 0, and_close: true };
    run(&mut state, close);
    assert_eq!((kept(&state), state.candidates.is_none()), (vec![None, Some(7)], true));
    act(&mut state, Action::Undo);
    assert_eq!(kept(&state), [None, Some(8)]);
}

#[test]
fn no_candidate_is_kept_twice() {
    let mut state = shown();
    grid_of(&mut state, 0, &[7]);
    choose(&mut state, 0);
    grid_of(&mut state, 1, &[7]);
    choose(&mut state, 0);
    assert_eq!(kept(&state), [Some(2), Some(7)]);
}

#[test]
fn who_chooses_a_banned_candidate_wants_it() {
    let mut state = shown();
    grid_of(&mut state, 1, &[7]);
    run(&mut state, InspiredCommand::ToggleBan(0));
    assert!(state.is_banned(EntryId(7)));
    choose(&mut state, 0);
    assert!(!state.is_banned(EntryId(7)));
    assert_eq!(kept(&state), [None, Some(7)]);
    run(&mut state, InspiredCommand::ToggleBan(0));
    assert_eq!((kept(&state), state.is_banned(EntryId(7))), (vec![None, None], true));
}

#[test]
fn a_picture_that_is_put_into_a_closed_slot_opens_it() {
    let mut state = shown();
    run(&mut state, InspiredCommand::SetAllOpen(false));
    let pixels = picture(1);
    let cat = Inspiration::Picture { name: "cat".to_owned(), pixels };
    assert_eq!(inspired::put(&mut state, 1, cat), Some(Effect::Draw));
    let memory = state.request().memory;
    assert_eq!((memory.chosen.len(), memory.closed_slots), (1, vec![0]));
    act(&mut state, Action::Undo);
    assert!(state.request().memory.chosen.is_empty());
}

#[test]
fn the_cursor_stays_in_the_grid() {
    let mut state = shown();
    grid_of(&mut state, 0, &[7, 8, 9]);
    run(&mut state, InspiredCommand::MoveTo(99));
    assert_eq!(state.candidates.as_ref().map(|grid| grid.cursor), Some(2));
    run(&mut state, InspiredCommand::Search("x".to_owned()));
    searches(&mut state);
    answer(&mut state, Ok(vec![used(0, 5)]));
    assert_eq!(state.candidates.as_ref().map(|grid| grid.cursor), Some(0));
    assert_eq!(Candidates::N, 24);
    for wish in [InspiredCommand::Ban(9), InspiredCommand::Keep(9), InspiredCommand::ToggleBan(9)] {
        assert_eq!(run(&mut state, wish), None);
    }
}
