//! Undo and redo over sketch and pictures alike. The sketch's history has all steps, also those
//! that change no pixel of it; here is seen to it that the picture of each of them is known, and
//! comes back with it.

use super::{Effect, jobs, nodes};
use crate::state::job::Made;
use crate::state::steering::Asked;
use crate::state::timeline::{Place, Setting, StepKind, Wish};
use crate::state::{AppState, Engine, Node, NodeId, Origin, Phase, Recipe};

/// Takes notice of steps of the sketch, after whatever may have made one.
pub(super) fn note_steps(state: &mut AppState) {
    let top = state.sketch.history().top();
    let revision = state.sketch.revision();
    if state.timeline.get(top).is_none() {
        let picture = if is_following(state) {
            // The pen rested, and the picture of the stroke was done before the pen was lifted.
            let drawn = state.job.as_ref().filter(|job| {
                matches!(job.phase, Phase::Finished(_)) && job.sketch_revision == revision
            });
            drawn.and_then(|job| job.node)
        } else {
            state.timeline.nearest_picture(state.timeline.top())
        };
        state.timeline.record(top, Place { picture, revision, ..Place::default() });
    } else if top != state.timeline.top() {
        // A drag that came back to where it began has taken its step back.
        state.timeline.go_to(top);
    }
    if !state.sketch.is_pending()
        && let Some(place) = state.timeline.get_mut(top)
    {
        place.revision = revision;
    }
    state.timeline.forget_before(state.sketch.history().base());
}

/// Ends what is being drawn, as a step of its own.
pub(super) fn settle(state: &mut AppState) {
    state.sketch.settle();
    note_steps(state);
}

/// A step of the picture, which is there already.
pub(super) fn step(state: &mut AppState, label: &'static str, picture: Option<NodeId>) {
    settle(state);
    let step = state.sketch.mark(label);
    let place = nodes::place_of(picture, state.sketch.revision());
    state.timeline.record(step, place);
}

/// A step to a node with its sketch.
pub(super) fn step_to(state: &mut AppState, label: &'static str, node: &Node) {
    let before = state.made_from();
    let replaced = state.sketch.replace(&node.sketch, label);
    // A node of a model of another size: the picture alone.
    let step = replaced.unwrap_or_else(|_other_size| state.sketch.mark(label));
    let mut place = nodes::place_of(Some(node.id), state.sketch.revision());
    let (after, kept) = (node.made(), None);
    place.wish = Some(Box::new(Wish { before, after, kept, origin: node.about.origin }));
    state.timeline.record(step, place);
}

/// A step of the picture that is yet to be drawn. `before` is from before the recipe was changed
/// for it.
pub(super) fn ask(
    state: &mut AppState,
    label: &'static str,
    before: Made,
    origin: Origin,
    parent: Option<NodeId>,
) {
    note(state, label, before, origin);
    state.steering.asked = Some(Asked { origin, parent });
    state.steering.is_held = false;
}

/// A step of what pictures are made from, for which none is asked. `before` is from before it.
pub(super) fn note(state: &mut AppState, label: &'static str, before: Made, origin: Origin) {
    step(state, label, None);
    let (after, kept) = (state.made_from(), state.steering.kept.clone());
    let top = state.timeline.top();
    if let Some(place) = state.timeline.get_mut(top) {
        place.wish = Some(Box::new(Wish { before, after, kept, origin }));
    }
}

/// Makes a node of the newest picture, as far as it is done, and notes which step it belongs to.
pub(super) fn keep_picture(state: &mut AppState, n_done: usize) {
    let Some(job) = &state.job else { return };
    let is_whole = n_done == job.stills.len();
    let origin = if is_whole { job.origin } else { Origin::Stopped };
    // Live pictures follow each other, whatever was on show when they were sent.
    let parent = if origin == Origin::Live { state.branches.current } else { job.parent };
    let Some(new) = nodes::of_job(job, n_done, origin, parent) else { return };
    let same = state.branches.current_node().filter(|node| {
        node.is_listed
            && *node.ids == *new.ids
            && node.about.recipe == new.about.recipe
            && node.chosen == new.chosen
            && node.sketch == new.sketch
    });
    let revision = job.sketch_revision;
    let node = match same {
        Some(node) => node.id,
        None => state.branches.add(new),
    };
    state.branches.current = Some(node);
    if let Some(job) = &mut state.job {
        job.node = Some(node);
    }
    attach(state, node, revision);
    nodes::tidy(state);
}

/// Takes the last step back, and the picture with it.
pub(super) fn undo(state: &mut AppState) -> Option<Effect> {
    settle(state);
    let taken = state.sketch.history().top();
    if !state.sketch.undo() {
        return None;
    }
    let place = state.timeline.get(taken).cloned().unwrap_or_default();
    if let StepKind::Deleted(node) = place.kind {
        state.branches.set_listed(node, true);
    }
    let effect =
        arrive(state, place.kind, place.wish.map(|wish| Direction::Back(Box::new(wish.before))));
    nodes::tidy(state);
    effect
}

/// Takes the next step again, and the picture with it.
pub(super) fn redo(state: &mut AppState) -> Option<Effect> {
    settle(state);
    let taken = state.sketch.history().next()?;
    if !state.sketch.redo() {
        return None;
    }
    let place = state.timeline.get(taken).cloned().unwrap_or_default();
    let effect = arrive(state, place.kind, place.wish.map(Direction::Forth));
    if let StepKind::Deleted(node) = place.kind {
        state.branches.set_listed(node, false);
    }
    effect
}

/// Which way a step was taken that something was asked for by.
enum Direction {
    Back(Box<Made>),
    Forth(Box<Wish>),
}

/// The sketch stands at another step: its picture comes back.
fn arrive(state: &mut AppState, kind: StepKind, direction: Option<Direction>) -> Option<Effect> {
    let step = state.sketch.history().top();
    state.timeline.go_to(step);
    state.timeline.is_setting_changed = false;
    let revision = state.sketch.revision();
    if let Some(place) = state.timeline.get_mut(step) {
        place.revision = revision;
    }
    let there = state.timeline.get(step).and_then(|place| place.picture);
    if kind == StepKind::Sketch {
        return follow_sketch(state, there.or(state.timeline.nearest_picture(step)));
    }
    let picture = match &direction {
        // A picture that never came to be is drawn now.
        Some(Direction::Forth(_)) => there,
        _ if is_following(state) => there,
        _ => there.or(state.timeline.nearest_picture(step)),
    };
    let node = picture.and_then(|id| state.branches.get(id)).cloned();
    match (node, direction) {
        (Some(node), Some(Direction::Back(before))) => {
            nodes::restore(state, &before);
            nodes::show(state, node.id)
        }
        // A picture that stayed the same is that of the step before, made from something else.
        (Some(node), Some(Direction::Forth(wish))) => {
            nodes::restore(state, &as_drawn(wish.after, &node));
            nodes::show(state, node.id)
        }
        (Some(node), None) => {
            nodes::restore(state, &node.made());
            nodes::show(state, node.id)
        }
        (None, Some(Direction::Back(before))) => {
            nodes::restore(state, &before);
            jobs::put_away(state)
        }
        (None, Some(Direction::Forth(wish))) => {
            nodes::restore(state, &wish.after);
            state.steering.kept = wish.kept;
            let parent = state.branches.current;
            state.steering.asked = Some(Asked { origin: wish.origin, parent });
            state.steering.is_held = false;
            Some(Effect::Draw)
        }
        (None, None) => None,
    }
}

/// What a step asked for, with the settings that its picture was drawn from. On the way back, live
/// mode may have drawn it anew from what had been written since, without a step of its own.
fn as_drawn(mut asked: Made, node: &Node) -> Made {
    let Recipe { prompt, negative, seed, sampling, .. } = &node.about.recipe;
    let recipe = &mut asked.recipe;
    recipe.prompt.clone_from(prompt);
    recipe.negative.clone_from(negative);
    (recipe.seed, recipe.sampling) = (*seed, *sampling);
    asked
}

/// After a step of the sketch: the picture that live mode would draw now comes back if it is known;
/// otherwise live mode draws it.
fn follow_sketch(state: &mut AppState, picture: Option<NodeId>) -> Option<Effect> {
    let node = state.branches.get(picture?)?;
    let is_shown = state.job.as_ref().is_some_and(|job| job.node == Some(node.id));
    if is_shown && !state.is_drawing() || is_following(state) && !nodes::is_of_present(state, node)
    {
        return None;
    }
    let id = node.id;
    // A picture that was asked for goes on, whatever happens to the sketch.
    let is_asked_for = state.job.as_ref().is_some_and(|job| job.origin != Origin::Live);
    if state.is_drawing() && is_asked_for && !is_following(state) {
        return None;
    }
    nodes::show(state, id)
}

/// Whether live mode draws by itself what has changed.
fn is_following(state: &AppState) -> bool {
    let is_ready = matches!(state.engine, Engine::Ready(_));
    state.is_live() && is_ready && !state.steering.is_held
}

/// Notes that a picture was drawn for the sketch of this revision. Where another one stood already,
/// because a setting was changed, that change is a step of its own.
fn attach(state: &mut AppState, node: NodeId, revision: u64) {
    let Some(step) = state.timeline.newest_with(revision) else { return };
    let Some(place) = state.timeline.get(step) else { return };
    let setting = place.picture.and_then(|before| {
        let before = state.branches.get(before)?;
        difference(before, state.branches.get(node)?)
    });
    let is_same_drag = setting.is_some_and(|setting| place.kind == StepKind::Setting(setting));
    // A picture that was drawn only because a step was taken back must not drop those after it.
    let is_forward = state.timeline.is_setting_changed || !state.sketch.history().can_redo();
    let is_present = step == state.timeline.top() && !state.sketch.is_pending() && is_forward;
    match setting {
        Some(setting) if is_present && !is_same_drag => {
            let step = state.sketch.mark(setting.label());
            let kind = StepKind::Setting(setting);
            let place = Place { kind, picture: Some(node), revision, wish: None };
            state.timeline.record(step, place);
        }
        _ => {
            if let Some(place) = state.timeline.get_mut(step) {
                place.picture = Some(node);
            }
        }
    }
}

/// What of the settings differs between two pictures; the most telling first.
fn difference(before: &Node, after: &Node) -> Option<Setting> {
    let (old, new) = (&before.about.recipe, &after.about.recipe);
    if (&old.prompt, &old.negative) != (&new.prompt, &new.negative) {
        Some(Setting::Prompt)
    } else if old.seed != new.seed {
        Some(Setting::Seed)
    } else if old.sampling != new.sampling {
        Some(Setting::Sampling)
    } else if (old.memory_on, old.reference_strength) != (new.memory_on, new.reference_strength)
        || old.closed_slots != new.closed_slots
        || before.about.banned != after.about.banned
        || before.chosen != after.chosen
    {
        Some(Setting::Memory)
    } else {
        None
    }
}
