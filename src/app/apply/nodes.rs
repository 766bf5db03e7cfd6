//! The branch tree: pictures become nodes, nodes are shown again, deleted and put back.

use std::sync::Arc;

use super::{Effect, export, inspired, source, timeline};
use crate::protocol::{Errand, ErrandId, Failure, Stills};
use crate::state::branches::About;
use crate::state::job::Made;
use crate::state::steering::ErrandFor;
use crate::state::timeline::{Place, StepKind};
use crate::state::{AppState, Job, Kept, NewNode, Node, NodeId, Origin, Still};

/// Adds a picture to the tree and brings it onto the canvas with its recipe and sketch, as one step
/// that is named `label` in `Undo …`.
pub(in crate::app) fn add(
    state: &mut AppState,
    new: NewNode,
    label: &'static str,
) -> Option<Effect> {
    let node = state.branches.add(new);
    let effect = switch_to(state, node, label);
    tidy(state);
    effect
}

/// Brings a node onto the canvas: picture, recipe and sketch, as one step.
pub(in crate::app) fn switch_to(
    state: &mut AppState,
    id: NodeId,
    label: &'static str,
) -> Option<Effect> {
    let node = state.branches.get(id)?.clone();
    if state.branches.current == Some(id) && !state.is_drawing() && is_of_present(state, &node) {
        state.scrubbed_to = None;
        return None;
    }
    state.settings.remember_prompt();
    timeline::settle(state);
    timeline::step_to(state, label, &node);
    restore(state, &node.made());
    show(state, id)
}

/// Takes a node off the tree; if it is on the canvas, its parent or the nearest one comes there.
pub(super) fn delete(state: &mut AppState, id: NodeId) -> Option<Effect> {
    if !state.branches.get(id)?.is_listed {
        return None;
    }
    timeline::settle(state);
    let is_current = state.branches.current == Some(id);
    let successor = is_current.then(|| successor(state, id)).flatten();
    state.branches.set_listed(id, false);
    let next = successor.and_then(|next| state.branches.get(next).cloned());
    let effect = if let Some(next) = next {
        timeline::step_to(state, "deletion", &next);
        restore(state, &next.made());
        show(state, next.id)
    } else {
        // Without another node, the picture stays on the canvas.
        let picture = state.timeline.get(state.timeline.top()).and_then(|place| place.picture);
        timeline::step(state, "deletion", picture);
        None
    };
    let top = state.timeline.top();
    if let Some(place) = state.timeline.get_mut(top) {
        place.kind = StepKind::Deleted(id);
    }
    effect
}

/// Shows a node's picture at once; recipe and sketch stay. Whatever runs must be cancelled.
pub(super) fn show(state: &mut AppState, id: NodeId) -> Option<Effect> {
    let node = state.branches.get(id)?.clone();
    let was_drawing = state.is_drawing();
    let request = state.request_of(&node);
    let serial = state.last_serial + 1;
    state.last_serial += node.n_scales as u64;
    let job = Job::recalled(&node, request, state.sketch.revision(), serial);
    for (slot_idx, slot) in state.slots.iter_mut().enumerate() {
        slot.used = job.inspired_by.iter().find(|used| used.slot == slot_idx).cloned();
    }
    state.job = Some(job);
    state.next.clear();
    state.earlier = None;
    state.scrubbed_to = None;
    state.branches.current = Some(id);
    // What was thinned out and is shown by a step back is on the tree again.
    if !state.timeline.is_deleted(id) {
        state.branches.set_listed(id, true);
    }
    state.finished_ids = node.is_complete().then(|| Arc::new(vec![node.ids.to_vec()]));
    // A picture of another model is only looked at.
    let is_of_model = state.fits(&node.ids);
    let n_kept = if node.is_complete() { node.about.n_given } else { node.ids.len() };
    let steering = &mut state.steering;
    steering.kept = (n_kept > 0 && is_of_model).then(|| Kept::of_node(&node, n_kept));
    steering.is_held = !node.is_complete();
    steering.pending = None;
    steering.asked = None;
    if node.lacks_stills() && is_of_model {
        decode(state, &node);
    }
    was_drawing.then_some(Effect::Cancel)
}

/// Asks for the pictures of a node that were dropped to save memory.
pub(super) fn decode(state: &mut AppState, node: &Node) {
    let errand = Errand::Decode { ids: Arc::clone(&node.ids), lock: node.lock.clone() };
    let purpose = ErrandFor::Stills(node.id);
    let due = &mut state.steering.errands_due;
    due.retain(|(other, _)| *other != purpose);
    due.push_back((purpose, errand));
}

/// Takes over what a picture was made from, but for the sketch.
pub(super) fn restore(state: &mut AppState, made: &Made) {
    let recipe = &mut state.settings.recipe;
    // A habit of the user's, no part of the picture.
    let new_seed_each_time = recipe.new_seed_each_time;
    recipe.clone_from(&made.recipe);
    recipe.new_seed_each_time = new_seed_each_time;
    state.settings.banned.clone_from(&made.banned);
    for (slot_idx, slot) in state.slots.iter_mut().enumerate() {
        let chosen = made.chosen.iter().find(|(chosen_idx, _)| *chosen_idx == slot_idx);
        slot.chosen = chosen.map(|(_, inspiration)| inspiration.clone());
    }
    state.recall = None;
}

/// Whether the node's picture is what a request would draw now, as far as the user has a say.
pub(super) fn is_of_present(state: &AppState, node: &Node) -> bool {
    let recipe = &state.settings.recipe;
    let new_seed_each_time = node.about.recipe.new_seed_each_time;
    *state.sketch.document() == node.sketch
        && node.about.recipe == (crate::state::Recipe { new_seed_each_time, ..recipe.clone() })
        && state.settings.banned == node.about.banned
        && state.chosen_slots() == node.chosen
}

/// The first `n_scales` of a job as a node; `None` if so many are not done.
pub(super) fn of_job(
    job: &Job,
    n_scales: usize,
    origin: Origin,
    parent: Option<NodeId>,
) -> Option<NewNode> {
    let ids = job.first_ids().filter(|ids| n_scales > 0 && ids.len() >= n_scales)?;
    let picture = Arc::clone(&job.still(n_scales - 1)?.image);
    let mut recipe = job.made.recipe.clone();
    recipe.seed = *job.seeds.get(n_scales).or(job.request.seeds.first())?;
    let mut about = About::now(origin, recipe, job.seeds[..n_scales.min(job.seeds.len())].to_vec());
    about.banned.clone_from(&job.made.banned);
    about.n_given = job.n_given().min(n_scales);
    about.inspired_by.clone_from(&job.inspired_by);
    about.source = job.source().cloned();
    let image = |still: &Option<Still>| still.as_ref().map(|still| Arc::clone(&still.image));
    Some(NewNode {
        parent,
        about,
        chosen: job.made.chosen.clone(),
        ids: Arc::new(ids[..n_scales].to_vec()),
        n_scales: job.stills.len(),
        sketch: job.made.sketch.clone(),
        anchor: job.request.anchor.clone(),
        lock: job.request.lock.clone(),
        record: job.record.clone(),
        picture,
        stills: job.stills[..n_scales].iter().map(image).collect(),
    })
}

/// Thins the tree; what steps back or forth show is kept.
pub(in crate::app) fn tidy(state: &mut AppState) {
    let needed = state.timeline.pictures();
    state.branches.tidy(|id| needed.contains(&id));
}

/// The next errand that is to be sent; follow with [`errand_sent`].
pub(in crate::app) fn errand_due(state: &mut AppState) -> Option<(ErrandFor, Errand)> {
    inspired::look_for_candidates(state);
    inspired::look_at_slots(state);
    state.steering.errands_due.pop_front()
}

pub(in crate::app) fn errand_sent(state: &mut AppState, id: ErrandId, purpose: ErrandFor) {
    state.steering.errands.insert(id, purpose);
}

pub(super) fn errand_done(
    state: &mut AppState,
    id: ErrandId,
    outcome: Result<Stills, Failure>,
    now: f64,
) -> Option<Effect> {
    let node = match state.steering.errands.remove(&id)? {
        ErrandFor::Stills(node) => node,
        ErrandFor::Source => {
            source::found(state, outcome);
            return None;
        }
        // Answered by an event of their own.
        ErrandFor::Candidates | ErrandFor::Thumbnails => return None,
    };
    let saving = &mut state.gallery.saving;
    let is_to_save = saving.contains(&node);
    saving.retain(|other| *other != node);
    match outcome {
        Ok(stills) => {
            state.branches.set_stills(node, &stills.images);
            take_stills(state, node, stills);
            // Were it still small, it would be asked for without end.
            let is_whole = state.branches.get(node).is_some_and(|node| !node.is_reduced);
            if is_to_save && is_whole {
                return export::save_node(state, node, now);
            }
        }
        Err(failure) => state.notices.error(&failure),
    }
    None
}

/// Shows what was decoded for a node if that is on the canvas.
fn take_stills(state: &mut AppState, node: NodeId, stills: Stills) {
    let serial = state.last_serial + 1;
    let Some(job) = state.job.as_mut().filter(|job| job.node == Some(node)) else { return };
    for (scale_idx, image) in stills.images.into_iter().enumerate() {
        let Some(still) = job.stills.get_mut(scale_idx) else { continue };
        if still.as_ref().is_none_or(|known| known.image != image) {
            let serial = serial + scale_idx as u64;
            *still = Some(Still { image, serial, elapsed: None });
        }
    }
    state.last_serial += job.stills.len() as u64;
}

/// What is shown in place of a node that is deleted.
fn successor(state: &AppState, id: NodeId) -> Option<NodeId> {
    let parent = state.branches.listed_parent(id);
    let others = || state.branches.listed().map(|node| node.id).filter(|other| *other != id);
    let before = || others().rfind(|other| *other < id);
    parent.or_else(before).or_else(|| others().next())
}

/// A step of the picture: what is shown there, and nothing else.
pub(super) fn place_of(picture: Option<NodeId>, revision: u64) -> Place {
    Place { kind: StepKind::Picture, picture, revision, wish: None }
}
