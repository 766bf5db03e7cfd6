//! Changes of the contact sheet. It has runs of its own, one batch at a time; their events come
//! here and touch nothing on the canvas until a draft is finished, which then is a picture like any
//! other.

use std::sync::Arc;
use std::time::Duration;

use super::{Effect, nodes};
use crate::imaging::RgbaImage;
use crate::protocol::{Event, GenerateRequest, Given, JobId, PictureIds, Previews};
use crate::state::branches::About;
use crate::state::settings::another_seed;
use crate::state::sheet::{Batch, Draft, Plan, Sheet, SheetPhase};
use crate::state::{AppState, Engine, NewNode, Origin, Recipe};
use crate::ui::SheetCommand;

/// Opens the sheet, or closes it.
pub(super) fn toggle(state: &mut AppState, now: f64) -> Option<Effect> {
    if state.sheet.is_some() {
        return close(state);
    }
    let Some(stop_at) = state.model().map(|model| state.settings.sheet.stop_at(model)) else {
        if let Engine::Failed(failure) = &state.engine {
            let failure = failure.clone();
            state.notices.error(&failure);
        } else {
            state.notices.info(now, "The model is still loading; open the sheet in a moment");
        }
        return None;
    };
    super::import::cancel(state);
    state.export = None;
    state.sheet = Some(Sheet::new(stop_at));
    None
}

/// Carries out a wish.
pub(super) fn command(state: &mut AppState, command: SheetCommand) -> Option<Effect> {
    match command {
        SheetCommand::Set(settings) => {
            state.settings.sheet = settings.checked();
            let stop_at = state.settings.sheet.stop_at(state.model()?);
            state.sheet.as_mut()?.stop_at = stop_at;
        }
        SheetCommand::Draw => draw(state, Vec::new()),
        SheetCommand::More => {
            let sheet = state.sheet.as_ref()?;
            let kept = sheet.drafts.iter().filter(|draft| draft.is_selected).cloned().collect();
            draw(state, kept);
        }
        SheetCommand::MoveTo(idx) => {
            let sheet = state.sheet.as_mut()?;
            sheet.cursor = idx.min(sheet.drafts.len().saturating_sub(1));
        }
        SheetCommand::Toggle(idx) => {
            let sheet = state.sheet.as_mut()?;
            sheet.cursor = idx;
            let draft = sheet.drafts.get_mut(idx).filter(|draft| draft.image.is_some())?;
            draft.is_selected = !draft.is_selected;
        }
        SheetCommand::Finish(idx) => return finish(state, vec![idx]),
        SheetCommand::FinishSelected => {
            let selected = state.sheet.as_ref()?.selected();
            return finish(state, selected);
        }
        SheetCommand::Back => {
            if state.sheet.as_ref()?.is_busy() {
                return stop(state);
            }
            return close(state);
        }
        SheetCommand::Close => return close(state),
    }
    None
}

/// Begins a sheet with these drafts and as many new seeds as are missing.
fn draw(state: &mut AppState, kept: Vec<Draft>) {
    let settings = state.settings.sheet;
    let Some(stop_at) = state.model().map(|model| settings.stop_at(model)) else { return };
    state.settings.remember_prompt();
    // Beside drafts that stay, others are of the same kind.
    let before = state.sheet.as_ref().filter(|_| !kept.is_empty());
    let before = before.and_then(|sheet| Some((sheet.plan.clone()?, sheet.stop_at)));
    let (plan, stop_at) = if let Some(before) = before {
        before
    } else {
        // Drafts are pictures of their own, from the first scale on.
        let request = GenerateRequest { given: None, anchor: None, lock: None, ..state.request() };
        (Plan { request, made: state.made_from() }, stop_at)
    };
    let mut seed = state.settings.recipe.seed;
    let mut drafts = kept;
    while drafts.len() < settings.n_drafts {
        seed = another_seed(seed);
        if drafts.iter().all(|draft| draft.seed != seed) {
            drafts.push(Draft::new(seed));
        }
    }
    let Some(sheet) = &mut state.sheet else { return };
    if sheet.is_busy() {
        return;
    }
    *sheet = Sheet { phase: SheetPhase::Drawing, drafts, plan: Some(plan), ..Sheet::new(stop_at) };
    next_batch(sheet);
}

/// The next drafts that are missing; without any, the sheet is drawn.
fn next_batch(sheet: &mut Sheet) {
    let missing = sheet.drafts.iter().enumerate().filter(|(_, draft)| draft.image.is_none());
    let next: Vec<usize> = missing.map(|(idx, _)| idx).take(Sheet::BATCH).collect();
    if next.is_empty() {
        sheet.phase = SheetPhase::Drawn;
        sheet.batch = None;
    } else {
        sheet.batch = Some(Batch::new(next));
    }
}

/// Draws some drafts to the last scale.
fn finish(state: &mut AppState, drafts: Vec<usize>) -> Option<Effect> {
    let sheet = state.sheet.as_mut()?;
    let is_drawn = |idx: &usize| sheet.drafts.get(*idx).is_some_and(|draft| draft.image.is_some());
    if drafts.is_empty() || sheet.phase == SheetPhase::Finishing || !drafts.iter().all(is_drawn) {
        return None;
    }
    // Drafts that are still being drawn are not waited for.
    let was_drawing = sheet.batch.as_ref().is_some_and(|batch| batch.job.is_some());
    sheet.drafts.iter_mut().enumerate().for_each(|(idx, draft)| {
        draft.is_selected = drafts.contains(&idx);
    });
    sheet.phase = SheetPhase::Finishing;
    sheet.batch = Some(Batch::new(drafts));
    was_drawing.then_some(Effect::Cancel)
}

fn stop(state: &mut AppState) -> Option<Effect> {
    let sheet = state.sheet.as_mut()?;
    let was_sent = sheet.batch.take().is_some_and(|batch| batch.job.is_some());
    if sheet.phase == SheetPhase::Drawing {
        // What was not drawn leaves no hole.
        sheet.drafts.retain(|draft| draft.image.is_some());
        sheet.cursor = sheet.cursor.min(sheet.drafts.len().saturating_sub(1));
    }
    let is_empty = sheet.drafts.is_empty();
    sheet.phase = if is_empty { SheetPhase::Choosing } else { SheetPhase::Drawn };
    was_sent.then_some(Effect::Cancel)
}

pub(super) fn close(state: &mut AppState) -> Option<Effect> {
    let effect = stop(state);
    state.sheet = None;
    effect
}

/// What to send for the sheet now, once nothing else is being drawn; follow with [`sent`].
pub(in crate::app) fn due(state: &AppState) -> Option<GenerateRequest> {
    let sheet = state.sheet.as_ref()?;
    let batch = sheet.batch.as_ref().filter(|batch| batch.job.is_none())?;
    if state.is_drawing() {
        return None;
    }
    let n_model_scales = state.model()?.scales.len();
    let drafts = || batch.drafts.iter().filter_map(|idx| sheet.drafts.get(*idx));
    let (n_scales, given) = if sheet.phase == SheetPhase::Finishing {
        let ids = drafts().map(|draft| draft.ids.clone()).collect();
        let given = Given { ids: Arc::new(ids), seeds: Vec::new(), source: None };
        (n_model_scales, Some(given))
    } else {
        (sheet.stop_at, None)
    };
    Some(GenerateRequest {
        seeds: drafts().map(|draft| draft.seed).collect(),
        stop_at: (n_scales < n_model_scales).then_some(n_scales),
        // One decoding per picture is enough.
        previews: Previews::Budgeted { first_scale_idx: n_scales - 1, gap: Duration::MAX },
        given,
        ..sheet.plan.as_ref()?.request.clone()
    })
}

/// The request that was due went to the worker.
pub(in crate::app) fn sent(state: &mut AppState, job: JobId) {
    if let Some(batch) = state.sheet.as_mut().and_then(|sheet| sheet.batch.as_mut()) {
        batch.job = Some(job);
    }
}

/// Whether an event is of a run of the sheet.
pub(super) fn is_of_sheet(state: &AppState, event: &Event) -> bool {
    let sheet = state.sheet.as_ref();
    event.job().is_some_and(|job| sheet.is_some_and(|sheet| sheet.is_of(job)))
}

/// Takes over what a run of the sheet says.
pub(super) fn event(state: &mut AppState, event: Event) -> Option<Effect> {
    let sheet = state.sheet.as_mut()?;
    let batch = sheet.batch.as_mut()?;
    match event {
        Event::Started { inspired_by, .. } => batch.inspired_by = inspired_by,
        Event::ScaleFinished { scale_idx, still, .. } => {
            if batch.stills.len() <= scale_idx {
                batch.stills.resize(scale_idx + 1, None);
            }
            batch.stills[scale_idx] = Some(still);
        }
        Event::Finished { images, ids, .. } if sheet.phase == SheetPhase::Finishing => {
            return finished(state, images, &ids);
        }
        Event::Finished { images, ids, .. } => {
            for ((idx, image), ids) in batch.drafts.iter().zip(images).zip(ids.iter()) {
                if let Some(draft) = sheet.drafts.get_mut(*idx) {
                    draft.image = Some(image);
                    draft.ids.clone_from(ids);
                }
            }
            next_batch(sheet);
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

/// Finished drafts become variants; the first of them comes onto the canvas.
fn finished(
    state: &mut AppState,
    images: Vec<Arc<RgbaImage>>,
    ids: &[PictureIds],
) -> Option<Effect> {
    let Sheet { drafts, plan, batch, .. } = state.sheet.take()?;
    let (plan, batch) = (plan?, batch?);
    let n_scales = state.model()?.scales.len();
    let parent = state.branches.current;
    let mut first = None;
    for (batch_idx, ((idx, image), ids)) in batch.drafts.iter().zip(images).zip(ids).enumerate() {
        let Some(draft) = drafts.get(*idx) else { continue };
        let recipe = Recipe { seed: draft.seed, ..plan.made.recipe.clone() };
        let mut about = About::now(Origin::Finished, recipe, vec![draft.seed; ids.len()]);
        about.banned.clone_from(&plan.made.banned);
        about.inspired_by.clone_from(&batch.inspired_by);
        let node = state.branches.add(NewNode {
            parent,
            about,
            chosen: plan.made.chosen.clone(),
            ids: Arc::new(ids.clone()),
            n_scales,
            sketch: plan.made.sketch.clone(),
            anchor: None,
            lock: None,
            record: None,
            picture: Arc::clone(&image),
            stills: if batch_idx == 0 { batch.stills.clone() } else { Vec::new() },
        });
        first.get_or_insert(node);
    }
    let effect = nodes::switch_to(state, first?, "contact sheet");
    nodes::tidy(state);
    effect
}
