//! The application's part in keeping projects: effects, the journal's news, the window's title.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::apply::{self, ProjectAnswer, ProjectEffect};
use super::dialogs::{self, Choice};
use super::files::{FileAnswer, FileJob, failure};
use super::opening::{self, Purpose};
use super::recorder::{Order, Recorder};
use super::{App, saving};
use crate::imaging::io;
use crate::project::{self, FILE_ENDING, Project};
use crate::protocol::{Failure, Inspiration};
use crate::state::project::{NodeCache, is_project_name};
use crate::state::{AppState, Recipe, Source, ViewSettings};

/// What the journal was told last, to find what is new.
pub(super) struct Kept {
    recorder: Recorder,
    project: Project,
    cache: NodeCache,
    stamp: Option<Stamp>,
    /// Of the project that the journal was begun for.
    serial: Option<u64>,
    /// The project as it was when the journal was told that it is saved.
    saved: Option<Saved>,
    title: String,
}

/// What must be the same for nothing to have changed.
#[derive(PartialEq)]
struct Stamp {
    serial: u64,
    sketch: u64,
    is_pending: bool,
    branches: u64,
    current: Option<u64>,
    recipe: Recipe,
    view: ViewSettings,
    slots: Vec<Option<Inspiration>>,
    source: Option<project::Source>,
    saved: Saved,
}

/// The file that the project is in. A save is told by the node of its own that it makes.
#[derive(Clone, PartialEq)]
struct Saved {
    path: Option<PathBuf>,
    name: String,
    n_saves: u64,
}

impl Kept {
    pub(super) fn new(recorder: Recorder, state: &AppState) -> Self {
        Self {
            recorder,
            project: state.project.saved.clone(),
            cache: NodeCache::default(),
            stamp: None,
            serial: None,
            saved: None,
            title: String::new(),
        }
    }

    /// Not for the window's end: the journal is closed as it stands.
    pub(super) fn find(&self) {
        self.recorder.send(Order::Find).ok();
    }
}

impl App {
    pub(super) fn carry_out_project(&mut self, frame: &eframe::Frame, effect: ProjectEffect) {
        match effect {
            ProjectEffect::AskWhatToOpen => self.ask_what_to_open(frame),
            ProjectEffect::AskWhereToSave { stem } => self.ask_where_to_save_project(frame, &stem),
            ProjectEffect::Open { path } => self.ask(FileJob::OpenAny { path }),
            ProjectEffect::Save { path, serial, project } => {
                self.ask(FileJob::SaveProject(SaveProject {
                    place: Place::Exactly(path),
                    serial,
                    project,
                }));
            }
            ProjectEffect::SaveSomewhere { stem, serial, project } => {
                let place = Place::Free { folder: self.options.save_dir.clone(), stem };
                self.ask(FileJob::SaveProject(SaveProject { place, serial, project }));
            }
            ProjectEffect::FindUnsaved => self.kept.find(),
            ProjectEffect::Recover { id } => self.order(Order::Recover { id: id.clone() }, id),
            ProjectEffect::DeleteUnsaved { id } => self.order(Order::Delete { id: id.clone() }, id),
        }
    }

    fn order(&mut self, order: Order, id: String) {
        if self.kept.recorder.send(order).is_err() {
            let failure = Failure {
                headline: "The disk does not keep up; try again in a moment".to_owned(),
                details: String::new(),
            };
            self.answered(FileAnswer::Project(ProjectAnswer::NotRecovered { id, failure }));
        }
    }

    fn ask_what_to_open(&mut self, frame: &eframe::Frame) {
        let then = |choice| match choice {
            Choice::Chosen(path) => Some(FileAnswer::Project(ProjectAnswer::FileChosen { path })),
            Choice::Unavailable => Some(FileAnswer::Failed(Failure {
                headline: "This system has no file dialog; drop the file on the window".to_owned(),
                details: "Neither a desktop portal nor zenity answered".to_owned(),
            })),
            Choice::Cancelled => None,
        };
        let asked = dialogs::ask_what_to_open(frame, self.files.answer(), then);
        self.check_dialog(asked);
    }

    fn ask_where_to_save_project(&mut self, frame: &eframe::Frame, stem: &str) {
        if self.options.save_dir.is_some() {
            self.answered(FileAnswer::DialogClosed);
            let effect =
                apply::file_answer(&mut self.state, ProjectAnswer::NoPlaceToAsk.into(), 0.0);
            if let Some(apply::Effect::Project(effect)) = effect {
                self.carry_out_project(frame, effect);
            }
            return;
        }
        let then = |choice| match choice {
            Choice::Chosen(path) => Some(ProjectAnswer::PlaceChosen { path }.into()),
            Choice::Unavailable => Some(ProjectAnswer::NoPlaceToAsk.into()),
            Choice::Cancelled => None,
        };
        let asked = dialogs::ask_where_to_save_project(frame, stem, self.files.answer(), then);
        self.check_dialog(asked);
    }

    /// Tells the journal what has changed since the last call, and the window its title.
    pub(super) fn keep_work(&mut self, ctx: &egui::Context) {
        let stamp = Stamp::of(&self.state);
        if self.kept.stamp.as_ref() != Some(&stamp) {
            let is_told = self.tell_journal(&stamp);
            // What could not be told is found again in the next frame.
            self.kept.stamp = is_told.then_some(stamp);
            if !is_told {
                ctx.request_repaint_after(std::time::Duration::from_millis(50));
            }
        }
        let open = &self.state.project;
        let dot = if open.is_unsaved { "● " } else { "" };
        let title = format!("{dot}{} – Underpaint", open.title());
        if title != self.kept.title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.kept.title = title;
        }
    }

    /// What there is to tell before the window is gone: a stroke under the pen is ended.
    pub(super) fn keep_last_work(&mut self) {
        self.state.sketch.end_stroke();
        let stamp = Stamp::of(&self.state);
        if self.kept.stamp.as_ref() != Some(&stamp) && !self.tell_journal(&stamp) {
            tracing::error!("the last changes are lost: the disk does not keep up");
        }
    }

    fn tell_journal(&mut self, stamp: &Stamp) -> bool {
        let Self { state, kept, .. } = self;
        if kept.serial != Some(stamp.serial) {
            // The nodes of another project have the same numbers.
            kept.cache = NodeCache::default();
        }
        let project = state.to_project(&mut kept.cache);
        if kept.serial != Some(stamp.serial) {
            let is_recovered = state.project.recovered_from.is_some();
            apply::observe(state, &project);
            state.project.is_unsaved |= is_recovered;
            let order = Order::Begin {
                project: Box::new(project.clone()),
                facts: apply::session_facts(state),
                replaces: state.project.recovered_from.clone(),
            };
            if kept.recorder.send(order).is_err() {
                return false;
            }
            state.project.recovered_from = None;
            (kept.serial, kept.project) = (Some(stamp.serial), project);
            kept.saved = Some(stamp.saved.clone());
            return true;
        }
        apply::observe(state, &project);
        let changes = kept.project.changes_to(&project);
        if !changes.is_empty() {
            let is_unsaved = state.project.is_unsaved;
            if kept.recorder.send(Order::Changes { changes, is_unsaved }).is_err() {
                return false;
            }
        }
        // Also without a change: pictures that were reduced must not be kept alive.
        kept.project = project;
        if kept.saved.as_ref() != Some(&stamp.saved) {
            if kept.recorder.send(Order::Saved(apply::session_facts(state))).is_err() {
                return false;
            }
            kept.saved = Some(stamp.saved.clone());
        }
        true
    }
}

impl Stamp {
    fn of(state: &AppState) -> Self {
        let open = &state.project;
        Self {
            serial: open.serial,
            sketch: state.sketch.revision(),
            is_pending: state.sketch.is_pending(),
            branches: state.branches.revision(),
            current: state.branches.current.map(|id| id.0),
            recipe: state.settings.recipe.clone(),
            view: state.settings.view,
            slots: state.slots.iter().map(|slot| slot.chosen.clone()).collect(),
            source: state.source.as_ref().map(Source::to_kept),
            saved: Saved {
                path: open.path.clone(),
                name: open.name.clone(),
                n_saves: open.n_saves,
            },
        }
    }
}

impl From<ProjectAnswer> for FileAnswer {
    fn from(answer: ProjectAnswer) -> Self {
        Self::Project(answer)
    }
}

/// A project to write.
#[derive(Debug)]
pub(super) struct SaveProject {
    pub(super) place: Place,
    pub(super) serial: u64,
    pub(super) project: Arc<Project>,
}

/// Where a project is written.
#[derive(Debug)]
pub(super) enum Place {
    Exactly(PathBuf),
    /// Under a free name; in the user's documents if no folder is named.
    Free {
        folder: Option<PathBuf>,
        stem: String,
    },
}

/// Writes the project on the file thread.
pub(super) fn save(job: SaveProject) -> ProjectAnswer {
    let SaveProject { place, serial, project } = job;
    let unasked = matches!(&place, Place::Free { folder: None, .. });
    let saved = place_of(place).and_then(|path| {
        let saved = project::save(&path, &project);
        saved.map(|()| path).map_err(|error| failure("The project was not saved", &error))
    });
    match saved {
        Ok(path) => ProjectAnswer::Saved { path, serial, project, unasked },
        Err(failure) => ProjectAnswer::NotSaved(failure),
    }
}

fn place_of(place: Place) -> Result<PathBuf, Failure> {
    let (folder, stem) = match place {
        Place::Exactly(path) => return Ok(path),
        Place::Free { folder, stem } => (folder.or_else(saving::documents_folder), stem),
    };
    let folder = folder.ok_or_else(|| Failure {
        headline: "No file dialog and no documents folder were found; use --save-dir".to_owned(),
        details: "There is neither a desktop portal nor a home folder".to_owned(),
    })?;
    io::create_folder(&folder).map_err(|error| failure("The project was not saved", &error))?;
    let name = |number: u32| match number {
        1 => format!("{stem}.{FILE_ENDING}"),
        _ => format!("{stem}-{number}.{FILE_ENDING}"),
    };
    let mut free = (1..10_000).map(|number| folder.join(name(number)));
    free.find(|path| !path.exists()).ok_or_else(|| Failure {
        headline: "No free name is left for the project; choose another folder".to_owned(),
        details: folder.display().to_string(),
    })
}

/// Opens whatever the file is, on the file thread: a project, or a picture.
pub(super) fn open(path: PathBuf) -> FileAnswer {
    if !is_project_name(&path) && !looks_like_project(&path) {
        return opening::open(&path, Purpose::Restore);
    }
    match project::open(&path) {
        Ok(opened) => ProjectAnswer::Opened { path, opened: Box::new(opened) }.into(),
        Err(error) => FileAnswer::Failed(failure("The project cannot be opened", &error)),
    }
}

/// Projects may have lost their ending, and the version before has another.
fn looks_like_project(path: &Path) -> bool {
    let mut start = [0; 4];
    std::fs::File::open(path)
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut start))
        .is_ok_and(|()| start == *b"PK\x03\x04")
}
