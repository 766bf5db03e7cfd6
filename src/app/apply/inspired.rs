//! Changes that concern the pictures that the model looks at: what is in the slots, what is
//! banned, and the candidates for a slot. Each change is one step that can be taken back.

use std::collections::BTreeSet;

use super::{Effect, timeline};
use crate::protocol::{EntryId, Errand, ErrandId, Failure, Inspiration, InspiredBy, Provenance};
use crate::state::candidates::{Query, SearchPhase};
use crate::state::inspiration::{as_used, entry_of, pinned};
use crate::state::job::Made;
use crate::state::settings::MAX_BANNED_SHOWN;
use crate::state::steering::ErrandFor;
use crate::state::{AppState, Banned, Candidates, NoticeAction, Origin, Slot};
use crate::ui::InspiredCommand;

/// Carries out a wish; `now` is the window's time in seconds.
pub(super) fn command(state: &mut AppState, command: InspiredCommand, now: f64) -> Option<Effect> {
    match command {
        InspiredCommand::Ban(slot_idx) => {
            let slot = state.slots.get(slot_idx)?;
            let banned = Banned { entry: slot.entry()?, caption: slot.caption()?.to_owned() };
            let headline = format!("Banned “{}”", banned.caption);
            state.notices.undoable(now, headline, NoticeAction::Unban(banned.entry));
            Some(ban(state, banned))
        }
        InspiredCommand::LookAtBanned => {
            look_at_banned(state);
            None
        }
        InspiredCommand::Allow(entry) => Some(allow(state, entry)),
        InspiredCommand::Keep(slot_idx) => keep(state, slot_idx),
        InspiredCommand::Release(slot_idx) => {
            let before = state.made_from();
            state.slots.get_mut(slot_idx)?.chosen.take()?;
            Some(drawn_step(state, "release", before))
        }
        InspiredCommand::Move { from, to } => exchange(state, from, to),
        InspiredCommand::SetOpen { slot_idx, is_open } => set_open(state, slot_idx, is_open),
        InspiredCommand::SetAllOpen(is_open) => Some(set_all_open(state, is_open)),
        InspiredCommand::ShowCandidates(slot_idx) => {
            show_candidates(state, slot_idx);
            None
        }
        InspiredCommand::CloseCandidates => {
            state.candidates = None;
            None
        }
        InspiredCommand::Search(text) => {
            state.candidates.as_mut()?.search = text;
            None
        }
        InspiredCommand::SearchAgain => {
            state.candidates.as_mut()?.asked = None;
            None
        }
        InspiredCommand::MoveTo(candidate_idx) => {
            let candidates = state.candidates.as_mut()?;
            candidates.cursor = candidate_idx.min(candidates.pictures.len().saturating_sub(1));
            None
        }
        InspiredCommand::Choose { candidate_idx, and_close } => {
            choose(state, candidate_idx, and_close)
        }
        InspiredCommand::ToggleBan(candidate_idx) => {
            let picture = state.candidates.as_ref()?.pictures.get(candidate_idx)?;
            let banned = Banned { entry: picture.entry, caption: picture.caption.clone() };
            Some(if state.is_banned(banned.entry) {
                allow(state, banned.entry)
            } else {
                // The grid shows it, and how to take it back.
                ban(state, banned)
            })
        }
    }
}

/// Whether pictures are looked up in the memory.
pub(super) fn set_memory(state: &mut AppState, is_on: bool) -> Effect {
    let before = state.made_from();
    state.settings.recipe.memory_on = is_on;
    drawn_step(state, "change of memory", before)
}

/// Puts a picture into a slot, which is switched on for it.
pub(super) fn put(
    state: &mut AppState,
    slot_idx: usize,
    inspiration: Inspiration,
) -> Option<Effect> {
    let before = state.made_from();
    state.slots.get_mut(slot_idx)?.chosen = Some(inspiration);
    state.settings.recipe.set_open(slot_idx, true);
    Some(drawn_step(state, "inspiration", before))
}

/// Asks for candidates if the open grid shows others than it should. One search at a time: what
/// changes meanwhile is looked for when it is done.
pub(super) fn look_for_candidates(state: &mut AppState) {
    let Some(query) = state.candidates_query() else { return };
    let is_under_way = |purpose: &ErrandFor| *purpose == ErrandFor::Candidates;
    let steering = &mut state.steering;
    let is_busy = steering.errands.values().any(is_under_way)
        || steering.errands_due.iter().any(|(purpose, _)| is_under_way(purpose));
    let Some(candidates) = &mut state.candidates else { return };
    if is_busy || candidates.asked.as_ref() == Some(&query) {
        return;
    }
    candidates.asked = Some(query.clone());
    candidates.phase = SearchPhase::Searching;
    let Query { text, memory } = query;
    let errand = Errand::Candidates { text, memory, n: Candidates::N };
    steering.errands_due.push_back((ErrandFor::Candidates, errand));
}

/// Asks for what the slots show, where no run brings it along: of a picture that is shown again.
pub(super) fn look_at_slots(state: &mut AppState) {
    let is_drawn_here = state.job.as_ref().is_some_and(|job| job.recall.is_none());
    if is_drawn_here || state.is_drawing() {
        return;
    }
    let is_known =
        |entry| state.thumbnails.contains_key(&entry) || state.looked_at.contains(&entry);
    let unknown = state.slots.iter().enumerate();
    let unknown = unknown.filter(|(_, slot)| slot.entry().is_some_and(|entry| !is_known(entry)));
    let shown = |(slot_idx, slot): (usize, &Slot)| match &slot.chosen {
        Some(Inspiration::Remembered(picture)) => Some(as_used(slot_idx, picture)),
        Some(Inspiration::Picture { .. }) => None,
        Some(Inspiration::Entry(_)) | None => slot.about().cloned(),
    };
    let pictures = unknown.filter_map(shown).collect();
    look_at(state, pictures);
}

fn look_at_banned(state: &mut AppState) {
    let own = state.memories.for_requests();
    let picture = |banned: &Banned| {
        let ids = own.iter().find_map(|own| {
            let idx = own.entries.iter().position(|entry| entry.entry == banned.entry)?;
            Some(own.ids_of(idx).into())
        });
        InspiredBy {
            slot: 0,
            entry: banned.entry,
            caption: banned.caption.clone(),
            style: String::new(),
            source: String::new(),
            licence: String::new(),
            similarity: None,
            memory: String::new(),
            provenance: Provenance::Entry,
            ids: ids.unwrap_or_default(),
        }
    };
    let banned = state.settings.banned.iter().rev().take(MAX_BANNED_SHOWN);
    let pictures = banned.map(picture).collect();
    look_at(state, pictures);
}

/// Asks once for what these pictures look like, as far as that is not known.
fn look_at(state: &mut AppState, mut pictures: Vec<InspiredBy>) {
    pictures.retain(|picture| {
        !state.thumbnails.contains_key(&picture.entry) && state.looked_at.insert(picture.entry)
    });
    if !pictures.is_empty() {
        let errand = Errand::Look { pictures };
        state.steering.errands_due.push_back((ErrandFor::Thumbnails, errand));
    }
}

/// Takes over what a search has found.
pub(super) fn found(
    state: &mut AppState,
    errand: ErrandId,
    outcome: Result<Vec<InspiredBy>, Failure>,
) {
    if state.steering.errands.remove(&errand) != Some(ErrandFor::Candidates) {
        return;
    }
    // The grid may have been closed, and opened again, since it was asked for.
    let Some(candidates) = state.candidates.as_mut().filter(|grid| grid.asked.is_some()) else {
        return;
    };
    match outcome {
        Ok(pictures) => {
            let is_same = |(one, other): (&InspiredBy, &InspiredBy)| one.entry == other.entry;
            let stays = pictures.len() == candidates.pictures.len()
                && pictures.iter().zip(&candidates.pictures).all(is_same);
            if !stays {
                candidates.cursor = 0;
            }
            candidates.pictures = pictures;
            candidates.phase = SearchPhase::Found;
        }
        Err(failure) => {
            candidates.pictures.clear();
            candidates.phase = SearchPhase::Failed(failure);
        }
    }
}

/// The remembered pictures that the window shows somewhere.
pub(super) fn shown_entries(state: &AppState) -> BTreeSet<EntryId> {
    let slots = state.slots.iter();
    let in_slots =
        slots.flat_map(|slot| [slot.entry(), slot.used.as_ref().map(|used| used.entry)]).flatten();
    let candidates = state.candidates.iter().flat_map(|grid| &grid.pictures);
    let banned = state.settings.banned.iter().rev().take(MAX_BANNED_SHOWN);
    in_slots
        .chain(candidates.map(|picture| picture.entry))
        .chain(banned.map(|banned| banned.entry))
        .collect()
}

fn ban(state: &mut AppState, banned: Banned) -> Effect {
    let before = state.made_from();
    let entry = banned.entry;
    if !state.is_banned(entry) {
        state.settings.banned.push(banned);
    }
    // What is kept is not retrieved, so a ban alone would not take it away.
    for slot in &mut state.slots {
        if slot.chosen.as_ref().and_then(entry_of) == Some(entry) {
            slot.chosen = None;
        }
    }
    drawn_step(state, "ban", before)
}

fn allow(state: &mut AppState, entry: EntryId) -> Effect {
    let before = state.made_from();
    lift_ban(state, entry);
    drawn_step(state, "lifting of a ban", before)
}

fn lift_ban(state: &mut AppState, entry: EntryId) {
    state.settings.banned.retain(|banned| banned.entry != entry);
    state.notices.dismiss_action(&NoticeAction::Unban(entry));
}

fn keep(state: &mut AppState, slot_idx: usize) -> Option<Effect> {
    let before = state.made_from();
    let slot = state.slots.get_mut(slot_idx).filter(|slot| slot.chosen.is_none())?;
    slot.chosen = Some(slot.pinned()?);
    // The picture stays what it is, so nothing is drawn unless live mode sees that others follow.
    timeline::note(state, "pin", before, Origin::Generated);
    None
}

fn exchange(state: &mut AppState, from: usize, to: usize) -> Option<Effect> {
    let before = state.made_from();
    let of_slot = |slot_idx: usize| {
        let slot = state.slots.get(slot_idx)?;
        let is_open = state.settings.recipe.is_open(slot_idx);
        // What a slot showed before it was switched off is not in it any more.
        Some(if is_open { slot.pinned() } else { slot.chosen.clone() })
    };
    let (moved, other) = (of_slot(from)??, of_slot(to)?);
    if from == to {
        return None;
    }
    state.slots.swap(from, to);
    for (slot_idx, chosen) in [(to, Some(moved)), (from, other)] {
        let slot = &mut state.slots[slot_idx];
        slot.chosen = chosen;
        if let Some(used) = &mut slot.used {
            used.slot = slot_idx;
        }
    }
    state.settings.recipe.set_open(to, true);
    Some(drawn_step(state, "move", before))
}

fn set_open(state: &mut AppState, slot_idx: usize, is_open: bool) -> Option<Effect> {
    let before = state.made_from();
    state.slots.get(slot_idx)?;
    state.settings.recipe.set_open(slot_idx, is_open);
    let label = if is_open { "switching on" } else { "switching off" };
    Some(drawn_step(state, label, before))
}

fn set_all_open(state: &mut AppState, is_open: bool) -> Effect {
    let before = state.made_from();
    let all = 0..state.slots.len();
    state.settings.recipe.closed_slots = if is_open { Vec::new() } else { all.collect() };
    let label = if is_open { "switching on" } else { "switching off" };
    drawn_step(state, label, before)
}

fn show_candidates(state: &mut AppState, slot_idx: usize) {
    if slot_idx >= state.slots.len() {
        return;
    }
    match &mut state.candidates {
        Some(candidates) if candidates.slot_idx == slot_idx => state.candidates = None,
        Some(candidates) => candidates.slot_idx = slot_idx,
        None => {
            // They would lie over each other.
            state.export = None;
            state.candidates = Some(Candidates::new(slot_idx));
        }
    }
}

fn choose(state: &mut AppState, candidate_idx: usize, and_close: bool) -> Option<Effect> {
    let candidates = state.candidates.as_mut()?;
    let picture = candidates.pictures.get(candidate_idx)?.clone();
    let slot_idx = candidates.slot_idx;
    candidates.cursor = candidate_idx;
    if and_close {
        state.candidates = None;
    }
    let is_kept = |slot: &Slot| slot.chosen.as_ref().and_then(entry_of) == Some(picture.entry);
    let elsewhere = state.slots.iter().position(is_kept);
    match elsewhere {
        Some(other) if other == slot_idx && state.settings.recipe.is_open(slot_idx) => None,
        // Twice the same would be one too many.
        Some(other) if other != slot_idx => exchange(state, other, slot_idx),
        _ => {
            let before = state.made_from();
            lift_ban(state, picture.entry);
            let slot = state.slots.get_mut(slot_idx)?;
            slot.chosen = Some(pinned(&picture));
            // What is known of it is shown at once.
            slot.used = Some(InspiredBy { slot: slot_idx, similarity: None, ..picture });
            state.settings.recipe.set_open(slot_idx, true);
            Some(drawn_step(state, "inspiration", before))
        }
    }
}

/// The change since `before` is one step, and drawn at once.
fn drawn_step(state: &mut AppState, label: &'static str, before: Made) -> Effect {
    let parent = state.branches.current;
    timeline::ask(state, label, before, Origin::Generated, parent);
    Effect::Draw
}
