//! Changes of the style sheet. Like the contact sheet it has runs of its own, one batch at a time;
//! their events come here and touch nothing on the canvas.

use std::sync::Arc;
use std::time::Duration;

use super::memory::{MemoryEffect, MemoryOrder};
use super::{Effect, nodes};
use crate::app::sheet_picture::SheetPicture;
use crate::document::Document;
use crate::protocol::{
    Event, GenerateRequest, JobId, MemoryId, MemoryRequest, OwnMemory, Previews,
};
use crate::state::branches::About;
use crate::state::job::Made;
use crate::state::settings::another_seed;
use crate::state::style_sheet::{
    StyleCell, StyleCells, StyleDrawing, StyleRow, StyleSheet, suggestions,
};
use crate::state::{AppState, Engine, NO_MEMORY, NewNode, Origin, Recipe, prompt};
use crate::ui::StyleCommand;
use crate::ui::style_command::Lettering;

/// Pictures in a row until the user says otherwise.
const N_COLUMNS: usize = 6;

/// Carries out a wish; `now` is the window's time in seconds.
pub(super) fn command(state: &mut AppState, command: StyleCommand, now: f64) -> Option<Effect> {
    match command {
        StyleCommand::Open(memory) => return open(state, memory, now),
        StyleCommand::SetPrompt(text) => state.style_sheet.as_mut()?.prompt = text,
        StyleCommand::Try(text) => {
            state.style_sheet.as_mut()?.prompt = text;
            return draw(state, false);
        }
        StyleCommand::SetColumns(n) => {
            state.style_sheet.as_mut()?.n_columns = n.clamp(1, 8);
        }
        StyleCommand::SetScales(n) => {
            let n_model_scales = state.model()?.scales.len();
            state.style_sheet.as_mut()?.n_scales = n.clamp(1, n_model_scales);
        }
        StyleCommand::Draw { other_seeds } => return draw(state, other_seeds),
        StyleCommand::Take { row, column } => return take(state, row, column, now),
        StyleCommand::Save(lettering) => return save(state, lettering),
        StyleCommand::Back => {
            if state.style_sheet.as_ref()?.is_busy() {
                return stop(state);
            }
            state.style_sheet = None;
        }
        StyleCommand::Close => return close(state),
    }
    None
}

fn open(state: &mut AppState, memory: MemoryId, now: f64) -> Option<Effect> {
    let known = state.memories.get(memory)?;
    let name = known.name.clone();
    if state.model().is_some_and(|model| model.n_memory_slots == 0) {
        state.notices.info(now, NO_MEMORY);
        return None;
    }
    let Some(n_scales) = state.model().map(|model| model.scales.len()) else {
        if let Engine::Failed(failure) = &state.engine {
            let failure = failure.clone();
            state.notices.error(&failure);
        } else {
            state.notices.info(now, "The model is still loading; try again in a moment");
        }
        return None;
    };
    let snapshots = &state.memories.snapshots;
    let snapshot = snapshots.iter().find(|snapshot| snapshot.memory == memory).cloned();
    let prompt = state.settings.recipe.prompt.trim().to_owned();
    let suggestions = suggestions(&prompt, &state.settings.history, snapshot.as_deref());
    let prompt = if prompt.is_empty() { suggestions.first()?.clone() } else { prompt };
    let is_known = snapshot.is_some();
    state.sheet = None;
    state.style_sheet = Some(StyleSheet {
        memory,
        name,
        snapshot,
        prompt,
        suggestions,
        n_columns: N_COLUMNS,
        n_scales,
        is_wanted: true,
        drawn: None,
        batch: None,
    });
    if is_known {
        return draw(state, false);
    }
    Some(Effect::Memory(MemoryEffect::Orders(vec![MemoryOrder::Snapshot(memory)])))
}

/// Takes over what the generator reads of the memory.
pub(super) fn snapshot(state: &mut AppState, snapshot: &Arc<OwnMemory>) -> Option<Effect> {
    let sheet = state.style_sheet.as_mut()?;
    if sheet.memory != snapshot.memory {
        return None;
    }
    sheet.snapshot = Some(Arc::clone(snapshot));
    let current = state.settings.recipe.prompt.as_str();
    sheet.suggestions = suggestions(current, &state.settings.history, Some(snapshot));
    if sheet.is_wanted { draw(state, false) } else { None }
}

/// Draws the prompt anew: the same seeds as before, unless there are none or others are wanted.
fn draw(state: &mut AppState, other_seeds: bool) -> Option<Effect> {
    let size_px = state.model()?.image_size_px;
    let n_scales = state.model()?.scales.len();
    let mut request = GenerateRequest {
        given: None,
        anchor: None,
        lock: None,
        controls: Vec::new(),
        ..state.request()
    };
    let sheet = state.style_sheet.as_mut()?;
    sheet.prompt = sheet.prompt.trim().to_owned();
    if sheet.snapshot.is_none() {
        sheet.is_wanted = true;
        return None;
    }
    sheet.is_wanted = false;
    let was_sent = sheet.batch.take().is_some_and(|batch| batch.job.is_some());
    request.prompt.clone_from(&sheet.prompt);
    request.memory = MemoryRequest {
        retrieval: true,
        banned: request.memory.banned,
        reference_strength: request.memory.reference_strength,
        ..MemoryRequest::default()
    };
    // The first seed is that of the canvas: the user knows its picture.
    let before = sheet.drawn.take().filter(|_| !other_seeds);
    let mut seeds = before.map_or_else(Vec::new, |drawn| drawn.seeds);
    let mut seed = state.settings.recipe.seed;
    if other_seeds {
        seed = another_seed(seed);
    }
    seeds.truncate(sheet.n_columns);
    while seeds.len() < sheet.n_columns {
        if !seeds.contains(&seed) {
            seeds.push(seed);
        }
        seed = another_seed(seed);
    }
    let recipe = Recipe {
        prompt: sheet.prompt.clone(),
        memory_on: true,
        closed_slots: Vec::new(),
        ..state.settings.recipe.clone()
    };
    let made = Made {
        recipe,
        banned: state.settings.banned.clone(),
        chosen: Vec::new(),
        // Nothing but the prompt.
        sketch: Document::new(size_px).ok()?,
    };
    request.stop_at = (sheet.n_scales < n_scales).then_some(sheet.n_scales);
    // One decoding per picture is enough.
    request.previews =
        Previews::Budgeted { first_scale_idx: sheet.n_scales - 1, gap: Duration::MAX };
    let cells = StyleCells { cells: vec![None; seeds.len()], inspired_by: Vec::new() };
    sheet.drawn = Some(StyleDrawing { request, made, seeds, rows: [cells.clone(), cells] });
    sheet.batch = sheet.next_batch();
    was_sent.then_some(Effect::Cancel)
}

fn stop(state: &mut AppState) -> Option<Effect> {
    let sheet = state.style_sheet.as_mut()?;
    sheet.is_wanted = false;
    let was_sent = sheet.batch.take().is_some_and(|batch| batch.job.is_some());
    was_sent.then_some(Effect::Cancel)
}

pub(super) fn close(state: &mut AppState) -> Option<Effect> {
    let effect = stop(state);
    state.style_sheet = None;
    effect
}

/// What to send for the sheet now, once nothing else is being drawn; follow with [`sent`].
pub(in crate::app) fn due(state: &AppState) -> Option<GenerateRequest> {
    let sheet = state.style_sheet.as_ref()?;
    let batch = sheet.batch.as_ref().filter(|batch| batch.job.is_none())?;
    let drawn = sheet.drawn.as_ref()?;
    if state.is_drawing() {
        return None;
    }
    let mut request = drawn.request.clone();
    request.seeds = batch.columns.iter().map(|column| drawn.seeds[*column]).collect();
    if batch.row == StyleRow::With {
        request.memory.own = vec![Arc::clone(sheet.snapshot.as_ref()?)];
    }
    Some(request)
}

/// The request that was due went to the worker.
pub(in crate::app) fn sent(state: &mut AppState, job: JobId) {
    if let Some(batch) = state.style_sheet.as_mut().and_then(|sheet| sheet.batch.as_mut()) {
        batch.job = Some(job);
    }
}

/// Whether an event is of a run of the sheet.
pub(super) fn is_of_sheet(state: &AppState, event: &Event) -> bool {
    let sheet = state.style_sheet.as_ref();
    event.job().is_some_and(|job| sheet.is_some_and(|sheet| sheet.is_of(job)))
}

/// Takes over what a run of the sheet says.
pub(super) fn event(state: &mut AppState, event: Event) -> Option<Effect> {
    let sheet = state.style_sheet.as_mut()?;
    let (drawn, batch) = (sheet.drawn.as_mut()?, sheet.batch.as_ref()?);
    let row = &mut drawn.rows[batch.row.idx()];
    match event {
        Event::Started { inspired_by, .. } => row.inspired_by = inspired_by,
        Event::Finished { images, ids, .. } => {
            for ((column, image), ids) in batch.columns.iter().zip(images).zip(ids.iter()) {
                if let Some(cell) = row.cells.get_mut(*column) {
                    *cell = Some(StyleCell { image, ids: ids.clone() });
                }
            }
            sheet.batch = sheet.next_batch();
        }
        Event::Failed { failure, .. } => {
            state.notices.error(&failure);
            stop(state);
        }
        Event::Cancelled { .. } => {
            stop(state);
        }
        _ => {}
    }
    None
}

/// A picture of the sheet becomes a variant and comes onto the canvas. One that was drawn with the
/// memory switches it on, so that the next ones look like it.
fn take(state: &mut AppState, row: StyleRow, column: usize, now: f64) -> Option<Effect> {
    let n_scales = state.model()?.scales.len();
    let sheet = state.style_sheet.as_ref()?;
    let drawn = sheet.drawn.as_ref()?;
    let cell = drawn.cell(row, column)?.clone();
    let seed = *drawn.seeds.get(column)?;
    let (memory, name, snapshot) = (sheet.memory, sheet.name.clone(), sheet.snapshot.clone()?);
    let made = drawn.made.clone();
    let n_done = cell.ids.len();
    let origin = if n_done == n_scales { Origin::Finished } else { Origin::Stopped };
    let recipe = Recipe { seed, ..made.recipe };
    let mut about = About::now(origin, recipe, vec![seed; n_done]);
    about.banned.clone_from(&made.banned);
    about.inspired_by.clone_from(&drawn.rows[row.idx()].inspired_by);
    let mut effects: Vec<Effect> = stop(state).into_iter().collect();
    state.style_sheet = None;
    state.memories.is_open = false;
    let is_off = state.memories.get(memory).is_some_and(|known| !known.is_on);
    if row == StyleRow::With && is_off {
        for known in state.memories.known.iter_mut().flatten() {
            known.is_on |= known.memory == memory;
        }
        let snapshots = &mut state.memories.snapshots;
        if snapshots.iter().all(|known| known.memory != memory) {
            snapshots.push(snapshot);
        }
        effects.push(Effect::Memory(MemoryEffect::Orders(vec![MemoryOrder::Switch(memory, true)])));
        state.notices.info(now, format!("“{name}” is switched on now"));
    }
    let parent = state.branches.current;
    effects.extend(nodes::add(
        state,
        NewNode {
            parent,
            about,
            chosen: made.chosen,
            ids: Arc::new(cell.ids),
            n_scales,
            sketch: made.sketch,
            anchor: None,
            lock: None,
            record: None,
            picture: cell.image,
            stills: Vec::new(),
        },
        "style sheet",
    ));
    Some(Effect::Each(effects))
}

fn save(state: &mut AppState, lettering: Lettering) -> Option<Effect> {
    let sheet = state.style_sheet.as_ref()?;
    let drawn = sheet.drawn.as_ref()?;
    let images = |row: StyleRow| -> Option<Vec<_>> {
        let cells = drawn.rows[row.idx()].cells.iter();
        cells.map(|cell| Some(Arc::clone(&cell.as_ref()?.image))).collect()
    };
    let rows = [images(StyleRow::Without)?, images(StyleRow::With)?];
    let stem = format!("{}-style-sheet", prompt::slug(&drawn.request.prompt));
    if std::mem::replace(&mut state.dialog_open, true) {
        return None;
    }
    let picture = SheetPicture { lettering, rows };
    Some(Effect::SaveSheet { picture: Box::new(picture), stem })
}

#[cfg(test)]
mod tests;
