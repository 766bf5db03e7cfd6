//! Changes that concern *Models*: the list, loading and unloading, downloads.

use std::path::PathBuf;

use super::{Effect, GalleryEffect, open_dialog};
use crate::protocol::{
    CatalogueEvent, Failure, KnownModel, MachineMemory, ModelKey, ModelState, PublishedFile,
    TransferId,
};
use crate::state::models::{Loaded, Loading, Question};
use crate::state::{AppState, Engine, Slot};
use crate::ui::ModelsCommand;

/// What the models need beside a change of the state.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app) enum ModelsEffect {
    Scan,
    StopScan,
    AddFolder(PathBuf),
    RemoveFolder(PathBuf),
    AskForFolder,
    /// Finds out how much memory is free.
    Weigh,
    /// Loads this model, or the built-in one.
    Load {
        model: Option<Box<KnownModel>>,
        precision: Option<&'static str>,
        /// Of square pictures; as the model is published if `None`.
        side_px: Option<usize>,
    },
    StopLoading,
    Download {
        model: ModelKey,
        files: Vec<PublishedFile>,
    },
    Convert {
        model: ModelKey,
        path: PathBuf,
    },
    Verify {
        model: ModelKey,
        path: PathBuf,
    },
    Stop(TransferId),
}

/// Opens or closes the page.
pub(super) fn toggle(state: &mut AppState) -> Option<Effect> {
    state.models.is_open = !state.models.is_open;
    if !state.models.is_open {
        return None;
    }
    state.gallery.is_open = false;
    state.memories.is_open = false;
    state.models.chosen = state.models.loaded.key.clone();
    state.models.precision = None;
    state.models.side_px = None;
    effect(ModelsEffect::Scan)
}

/// Carries out a wish.
pub(super) fn command(state: &mut AppState, command: ModelsCommand) -> Option<Effect> {
    let models = &mut state.models;
    match command {
        ModelsCommand::Close => {
            models.is_open = false;
            None
        }
        ModelsCommand::Choose(key) => {
            if models.chosen != key {
                (models.precision, models.side_px) = (None, None);
            }
            models.chosen = key;
            None
        }
        ModelsCommand::SetPrecision(precision) => {
            models.precision = Some(precision);
            None
        }
        ModelsCommand::SetSide(side_px) => {
            models.side_px = Some(side_px);
            None
        }
        ModelsCommand::AskForFolder => {
            open_dialog(state).then_some(Effect::Models(ModelsEffect::AskForFolder))
        }
        ModelsCommand::AddFolder(path) => effect(ModelsEffect::AddFolder(path)),
        ModelsCommand::RemoveFolder(path) => effect(ModelsEffect::RemoveFolder(path)),
        ModelsCommand::LookAgain => effect(ModelsEffect::Scan),
        ModelsCommand::StopScan => effect(ModelsEffect::StopScan),
        ModelsCommand::Load(key) => {
            let precision = models.get(&key).and_then(|model| models.precision_of(model));
            load(state, &key, precision)
        }
        ModelsCommand::LoadAs { model, precision } => load(state, &model, Some(precision)),
        ModelsCommand::LoadAnyway { model, precision } => begin(state, &model, Some(precision)),
        ModelsCommand::StopLoading => {
            models.loading.as_ref()?;
            effect(ModelsEffect::StopLoading)
        }
        ModelsCommand::Unload => load(state, &ModelKey::BuiltIn, None),
        ModelsCommand::AskDownload(model) => {
            models.question = Some(Question::Download { model });
            None
        }
        ModelsCommand::Download(key) => {
            models.question = None;
            models.failures.retain(|(of, _)| *of != key);
            let files = models.get(&key)?.to_download();
            effect(ModelsEffect::Download { model: key, files })
        }
        ModelsCommand::Stop(id) => effect(ModelsEffect::Stop(id)),
        ModelsCommand::Convert { model, path } => {
            models.failures.retain(|(of, _)| *of != model);
            effect(ModelsEffect::Convert { model, path })
        }
        ModelsCommand::Verify { model, path } => {
            models.failures.retain(|(of, _)| *of != model);
            effect(ModelsEffect::Verify { model, path })
        }
        ModelsCommand::ShowInFolder(path) => Some(Effect::Gallery(GalleryEffect::Reveal(path))),
        ModelsCommand::Dismiss(key) => {
            models.failures.retain(|(of, _)| *of != key);
            None
        }
        ModelsCommand::CloseQuestion => {
            models.question = None;
            None
        }
    }
}

/// Takes over what the thread of the catalogue says.
pub(in crate::app) fn event(
    state: &mut AppState,
    event: CatalogueEvent,
    now: f64,
) -> Option<Effect> {
    let models = &mut state.models;
    match event {
        CatalogueEvent::Models(list) => models.take_list(*list),
        CatalogueEvent::Scanning(progress) => models.scanning = progress,
        CatalogueEvent::Transfer(transfer) => {
            match models.transfers.iter_mut().find(|known| known.id == transfer.id) {
                Some(known) => *known = *transfer,
                None => models.transfers.push(*transfer),
            }
        }
        CatalogueEvent::TransferEnded { id, model, outcome, .. } => {
            models.transfers.retain(|known| known.id != id);
            match outcome {
                Some(Ok(text)) => state.notices.done(now, text, None),
                Some(Err(failure)) => {
                    // The page has a place for it.
                    if !models.is_open || models.chosen != model {
                        state.notices.error(&failure);
                    }
                    state.models.fail(model, failure);
                }
                None => {}
            }
        }
        CatalogueEvent::Memory(memory) => return weighed(state, memory),
        CatalogueEvent::Failed(failure) => state.notices.error(&failure),
    }
    None
}

/// Takes over what a dialog says.
pub(super) fn folders_chosen(paths: Vec<PathBuf>) -> Effect {
    let add = |path| Effect::Models(ModelsEffect::AddFolder(path));
    Effect::Each(paths.into_iter().map(add).collect())
}

/// Wants a model; how much memory is free is found out first.
fn load(state: &mut AppState, key: &ModelKey, precision: Option<&'static str>) -> Option<Effect> {
    let models = &mut state.models;
    models.question = None;
    models.failures.retain(|(of, _)| of != key);
    let side_px = models.get(key).and_then(|model| models.side_of(model));
    let is_same = models.loaded.key == *key
        && models.loaded.precision == precision
        && models.loaded.side_px == side_px;
    if is_same && models.loading.is_none() && matches!(state.engine, Engine::Ready(_)) {
        return None;
    }
    if *key == ModelKey::BuiltIn {
        return begin(state, key, None);
    }
    let is_ready = models.get(key).is_some_and(|model| model.state == ModelState::Ready);
    models.to_weigh = is_ready.then(|| (key.clone(), precision));
    is_ready.then_some(Effect::Models(ModelsEffect::Weigh))
}

/// Memory is known: loads the model, or asks what to do if it does not fit.
fn weighed(state: &mut AppState, memory: MachineMemory) -> Option<Effect> {
    let models = &mut state.models;
    if let Some(list) = &mut models.list {
        list.memory = memory;
    }
    let (key, precision) = models.to_weigh.take()?;
    let model = models.get(&key)?;
    match precision.filter(|precision| !models.fits(model, precision)) {
        Some(precision) => {
            models.question = Some(Question::Memory { model: key, precision });
            None
        }
        None => begin(state, &key, precision),
    }
}

fn begin(state: &mut AppState, key: &ModelKey, precision: Option<&'static str>) -> Option<Effect> {
    state.models.question = None;
    let known = state.models.get(key).cloned();
    let title = match (&known, key) {
        (Some(model), _) => model.title.clone(),
        (None, ModelKey::BuiltIn) => "Underpaint".to_owned(),
        (None, _) => return None,
    };
    let side_px = known.as_ref().and_then(|model| state.models.side_of(model));
    let model = Loaded { key: key.clone(), title, precision, side_px };
    state.models.loading = Some(Loading { model, progress: (0, 0), is_return: false });
    leave_model(state);
    let model = known.filter(|_| *key != ModelKey::BuiltIn).map(Box::new);
    effect(ModelsEffect::Load { model, precision, side_px })
}

/// What only means something to the model that goes is put away. The picture and the sketch stay.
fn leave_model(state: &mut AppState) {
    state.engine = Engine::Loading;
    state.finished_ids = None;
    state.steering.kept = None;
    state.candidates = None;
    let has_slots = state.slots.iter().any(|slot| slot.chosen.is_some());
    if has_slots {
        state.models.slots_aside.clone_from(&state.slots);
    }
}

/// A model has come: the one that was wanted, or the first.
pub(super) fn ready(state: &mut AppState, n_slots: usize, now: f64) {
    let Some(loading) = state.models.loading.take() else { return };
    let aside = &mut state.models.slots_aside;
    if n_slots > 0 && !aside.is_empty() {
        state.slots = std::mem::take(aside);
        state.slots.resize(n_slots, Slot::default());
    }
    state.models.loaded = loading.model;
    if !loading.is_return {
        let title = state.models.loaded.title.clone();
        state.notices.done(now, format!("{title} is loaded"), None);
    }
}

/// A model could not be loaded: the one before comes back, with the reason in place. `None` if there
/// is none to go back to.
pub(super) fn failed(state: &mut AppState, failure: &Failure) -> Option<Effect> {
    let loading = state.models.loading.take()?;
    let was_stopped = failure.details.contains("loading was stopped");
    if loading.is_return {
        return None;
    }
    if !was_stopped {
        state.notices.error(failure);
        state.models.fail(loading.model.key.clone(), failure.clone());
    }
    let before = state.models.loaded.clone();
    let known = state.models.get(&before.key).cloned();
    let model = known.filter(|_| before.key != ModelKey::BuiltIn).map(Box::new);
    let (precision, side_px) = (before.precision, before.side_px);
    state.models.loading = Some(Loading { model: before, progress: (0, 0), is_return: true });
    state.engine = Engine::Loading;
    effect(ModelsEffect::Load { model, precision, side_px })
}

/// How much of a model has been read.
pub(in crate::app) fn loading_progress(state: &mut AppState, progress: (u64, u64)) {
    if let Some(loading) = &mut state.models.loading {
        loading.progress = progress;
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every wish is answered by an effect or none")]
fn effect(effect: ModelsEffect) -> Option<Effect> {
    Some(Effect::Models(effect))
}
