//! Changes that concern the project as a whole: begun, opened, saved, recovered.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Effect, nodes, open_dialog, remembered, source};
use crate::document::Document;
use crate::project::journal::{Recovered, SessionFacts};
use crate::project::{Opened, Project};
use crate::protocol::{Failure, JobId};
use crate::state::inspiration::pinned;
use crate::state::project::{
    Guard, NodeCache, Offer, is_work, name_of, remember_recent, with_project_ending,
};
use crate::state::{AppState, NoticeAction, prompt};
use crate::ui::{Action, ProjectCommand};

/// What a project needs beside a change of the state.
#[derive(Debug, PartialEq)]
pub(in crate::app) enum ProjectEffect {
    AskWhatToOpen,
    AskWhereToSave {
        stem: String,
    },
    /// A project, or a picture with all that it tells.
    Open {
        path: PathBuf,
    },
    Save {
        path: PathBuf,
        serial: u64,
        project: Arc<Project>,
    },
    /// Saves under a free name where documents are, because no dialog can be shown.
    SaveSomewhere {
        stem: String,
        serial: u64,
        project: Arc<Project>,
    },
    Recover {
        id: String,
    },
    DeleteUnsaved {
        id: String,
    },
    FindUnsaved,
}

/// What files, dialogs and journals answer.
#[derive(Debug)]
pub(in crate::app) enum ProjectAnswer {
    PlaceChosen {
        path: PathBuf,
    },
    NoPlaceToAsk,
    FileChosen {
        path: PathBuf,
    },
    Opened {
        path: PathBuf,
        opened: Box<Opened>,
    },
    Saved {
        path: PathBuf,
        serial: u64,
        project: Arc<Project>,
        unasked: bool,
    },
    NotSaved(Failure),
    Found(Vec<Offer>),
    Recovered {
        id: String,
        recovered: Box<Recovered>,
    },
    /// Opening or deleting did not work; the work is still there.
    NotRecovered {
        id: String,
        failure: Failure,
    },
    Deleted {
        id: String,
    },
    /// The journal cannot be kept.
    NotKept(Failure),
}

pub(super) fn run(state: &mut AppState, action: Action, now: f64) -> Option<Effect> {
    match action {
        Action::NewProject => {
            set_aside(state, now);
            let was_drawing = state.is_drawing();
            state.begin_project();
            if state.is_live() { Some(Effect::Draw) } else { cancel(was_drawing) }
        }
        Action::OpenFile => {
            open_dialog(state).then_some(Effect::Project(ProjectEffect::AskWhatToOpen))
        }
        Action::SaveProject if state.project.can_save_in_place() => {
            let path = state.project.path.clone()?;
            Some(save(state, path))
        }
        _ => {
            if let Some(guard) = state.project.guard {
                state.notices.info(now, guard_text(guard));
            }
            let ask = ProjectEffect::AskWhereToSave { stem: stem(state) };
            open_dialog(state).then_some(Effect::Project(ask))
        }
    }
}

pub(super) fn command(state: &mut AppState, command: ProjectCommand) -> Option<Effect> {
    Some(Effect::Project(match command {
        ProjectCommand::Open(path) => ProjectEffect::Open { path },
        ProjectCommand::SaveTo(path) => return save_to(state, path),
        ProjectCommand::ShowRecovery(is_open) => {
            state.recovery.is_open = is_open;
            state.recovery.was_offered = true;
            return is_open.then_some(Effect::Project(ProjectEffect::FindUnsaved));
        }
        ProjectCommand::Recover(id) => {
            busy(state, &id)?;
            ProjectEffect::Recover { id }
        }
        ProjectCommand::DeleteUnsaved(id) => {
            busy(state, &id)?;
            ProjectEffect::DeleteUnsaved { id }
        }
    }))
}

pub(super) fn answer(state: &mut AppState, answer: ProjectAnswer, now: f64) -> Option<Effect> {
    match answer {
        ProjectAnswer::PlaceChosen { path } => return save_to(state, with_project_ending(path)),
        ProjectAnswer::NoPlaceToAsk => {
            let (stem, serial) = (stem(state), state.project.serial);
            let project = Arc::new(state.to_project(&mut NodeCache::default()));
            state.project.is_saving = true;
            let save = ProjectEffect::SaveSomewhere { stem, serial, project };
            return Some(Effect::Project(save));
        }
        ProjectAnswer::FileChosen { path } => {
            return Some(Effect::Project(ProjectEffect::Open { path }));
        }
        ProjectAnswer::Opened { path, opened } => {
            return opened_file(state, path, *opened, now);
        }
        ProjectAnswer::Saved { path, serial, project, unasked } => {
            saved(state, path, serial, &project, unasked, now);
        }
        ProjectAnswer::NotSaved(failure) => {
            state.project.is_saving = false;
            state.notices.error(&failure);
        }
        ProjectAnswer::Found(offers) => {
            // The first time, the list shows itself; what is there later is in the menu.
            state.recovery.is_open |= !state.recovery.was_offered && !offers.is_empty();
            state.recovery.was_offered = true;
            state.recovery.offers = offers;
        }
        ProjectAnswer::Recovered { id, recovered } => {
            return open_recovered(state, &id, *recovered, now);
        }
        ProjectAnswer::NotRecovered { id, failure } => {
            if let Some(offer) = state.recovery.offers.iter_mut().find(|offer| offer.id == id) {
                offer.is_busy = false;
            }
            state.notices.error(&failure);
        }
        ProjectAnswer::Deleted { id } => forget_offer(state, &id),
        ProjectAnswer::NotKept(failure) => {
            state.notices.warning(failure.headline, Some(failure.details));
        }
    }
    None
}

/// The model says how large its pictures are: an untouched project takes their size without being
/// work. A picture that was opened before is shown again, because only now is known what a request
/// for it looks like.
pub(in crate::app) fn model_came(state: &mut AppState, now: f64) {
    if state.project.serial == 0 && !state.project.is_unsaved {
        state.project.saved = state.to_project(&mut NodeCache::default());
    }
    if state.job.as_ref().is_some_and(|job| job.id == JobId::RECALLED) {
        show_current(state, now);
    }
    source::look_again(state);
}

/// Notes whether there is unsaved work in `project`, the state as it is now.
pub(in crate::app) fn observe(state: &mut AppState, project: &Project) {
    let changes = state.project.saved.changes_to(project);
    state.project.is_unsaved = is_work(&state.project.saved, &changes);
}

/// What the journal says of this session.
pub(in crate::app) fn session_facts(state: &AppState) -> SessionFacts {
    SessionFacts {
        path: state.project.path.clone(),
        name: state.project.name.clone(),
        n_strokes: state.project.n_strokes_before,
        is_unsaved: state.project.is_unsaved,
    }
}

fn save_to(state: &mut AppState, path: PathBuf) -> Option<Effect> {
    let is_guarded = state.project.guard.is_some() && state.project.path.as_ref() == Some(&path);
    if is_guarded {
        let headline = "This file is kept as it is; choose another name".to_owned();
        let details = state.project.guard.map(guard_text).unwrap_or_default().to_owned();
        state.notices.error(&Failure { headline, details });
        return None;
    }
    Some(save(state, path))
}

fn save(state: &mut AppState, path: PathBuf) -> Effect {
    state.sketch.end_stroke();
    let project = Arc::new(state.to_project(&mut NodeCache::default()));
    state.project.is_saving = true;
    let serial = state.project.serial;
    Effect::Project(ProjectEffect::Save { path, serial, project })
}

fn saved(
    state: &mut AppState,
    path: PathBuf,
    serial: u64,
    project: &Arc<Project>,
    unasked: bool,
    now: f64,
) {
    remember_recent(&mut state.settings.recent_projects, &path);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let headline = if unasked {
        format!("This system has no file dialog, so {name} was saved in your documents")
    } else {
        format!("Saved {name}")
    };
    state.notices.saved(now, headline, path.clone());
    // Another project may have been opened meanwhile.
    if state.project.serial != serial {
        return;
    }
    let open = &mut state.project;
    open.is_saving = false;
    open.n_saves += 1;
    open.n_strokes_before = 0;
    open.guard = None;
    open.name = name_of(&path);
    open.path = Some(path);
    open.saved = project.without_pictures();
}

fn opened_file(state: &mut AppState, path: PathBuf, opened: Opened, now: f64) -> Option<Effect> {
    set_aside(state, now);
    let was_drawing = state.is_drawing();
    let Opened { project, mut remarks, is_newer } = opened;
    let guard =
        if is_newer { Some(Guard::Newer) } else { (!remarks.is_empty()).then_some(Guard::Damaged) };
    remember_recent(&mut state.settings.recent_projects, &path);
    remarks.extend(state.open_project(&project, Some(path), guard));
    tell(state, guard, &remarks);
    show_current(state, now);
    source::look_again(state);
    cancel(was_drawing)
}

fn open_recovered(
    state: &mut AppState,
    id: &str,
    recovered: Recovered,
    now: f64,
) -> Option<Effect> {
    set_aside(state, now);
    let was_drawing = state.is_drawing();
    let Recovered { opened: Opened { project, mut remarks, .. }, facts } = recovered;
    remarks.extend(state.open_project(&project, facts.path, None));
    // What is in its file, if any, is not looked at: all of this counts as unsaved.
    state.project.saved = Project::new(
        Document::new(state.sketch.document().size_px()).expect("a document of this size is there"),
    );
    state.project.is_unsaved = true;
    state.project.name = facts.name;
    state.project.n_strokes_before = facts.n_strokes;
    state.project.recovered_from = Some(id.to_owned());
    forget_offer(state, id);
    state.recovery.is_open = false;
    let guard = (!remarks.is_empty()).then_some(Guard::Damaged);
    tell(state, guard, &remarks);
    show_current(state, now);
    source::look_again(state);
    cancel(was_drawing)
}

/// The picture of the project comes back.
fn show_current(state: &mut AppState, now: f64) {
    if let Some(id) = state.branches.current {
        let missing = remembered::repair_node(state, id);
        for picture in &missing {
            // The project goes on from this picture.
            if let Some(slot) = state.slots.get_mut(picture.slot) {
                slot.chosen.get_or_insert_with(|| pinned(picture));
            }
        }
        remembered::tell_missing(state, &missing, now);
        // Nothing is being drawn, so there is nothing to cancel.
        nodes::show(state, id);
    } else {
        state.steering.kept = state.start();
    }
}

fn cancel(was_drawing: bool) -> Option<Effect> {
    was_drawing.then_some(Effect::Cancel)
}

/// Says that the work on the canvas is not lost when another project takes its place.
fn set_aside(state: &mut AppState, now: f64) {
    state.sketch.end_stroke();
    if state.project.is_unsaved {
        let headline = format!("“{}” was set aside with its unsaved work", state.project.title());
        state.notices.undoable(now, headline, NoticeAction::ShowUnsaved);
    }
}

fn tell(state: &mut AppState, guard: Option<Guard>, remarks: &[String]) {
    let details = (!remarks.is_empty()).then(|| format!("Missing: {}", remarks.join(", ")));
    match guard {
        None => {}
        Some(Guard::Newer) => state.notices.warning(guard_text(Guard::Newer), details),
        Some(Guard::Damaged) => state.notices.warning(guard_text(Guard::Damaged), details),
    }
}

const fn guard_text(guard: Guard) -> &'static str {
    match guard {
        Guard::Newer => {
            "A newer Underpaint wrote this project; it is kept as it is, so save under another name"
        }
        Guard::Damaged => {
            "Part of this project cannot be read; the file is kept, so save under another name"
        }
    }
}

/// A name for the file dialog.
fn stem(state: &AppState) -> String {
    let open = &state.project;
    match (open.name.is_empty(), open.guard) {
        (true, _) => prompt::slug(&state.settings.recipe.prompt),
        (false, None) => open.name.clone(),
        (false, Some(_)) => format!("{} copy", open.name),
    }
}

/// Marks an offer as taken; `None` if it is already.
fn busy(state: &mut AppState, id: &str) -> Option<()> {
    let offer = state.recovery.offers.iter_mut().find(|offer| offer.id == id)?;
    (!std::mem::replace(&mut offer.is_busy, true)).then_some(())
}

fn forget_offer(state: &mut AppState, id: &str) {
    state.recovery.offers.retain(|offer| offer.id != id);
    state.recovery.is_open &= !state.recovery.offers.is_empty();
}
