//! The thread that reads and writes files, so that the window never waits for a disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::apply::TrashAnswer;
use super::apply::{MemoryAnswer, ProjectAnswer};
use super::desktop::Desktop;
use super::inspiring::{self, InspireJob};
use super::keeping::{self, Place, SaveJob};
use super::opening::{self, Purpose};
use super::projects::{self, SaveProject};
use super::settings_file;
use super::sheet_picture::SheetPicture;
use crate::imaging::RgbaImage;
use crate::params::ControlKind;
use crate::protocol::{Failure, PictureId};
use crate::state::add_inspiration::Offer;
use crate::state::export::Traced;
use crate::state::import::ImportPicture;
use crate::state::opened::Opened;
use crate::state::{NodeId, Settings};

/// Far more than a person can ask for before the first is done.
const CAPACITY: usize = 64;

/// Something to do with files.
#[derive(Debug)]
pub(super) enum FileJob {
    Save(Box<SaveJob>),
    /// Finds the shapes of a picture for the export panel.
    Trace {
        serial: u64,
        picture: Arc<RgbaImage>,
    },
    /// Looks at a picture for *Inspired by*.
    Inspire(InspireJob),
    /// Reads a picture and what its file tells of its making.
    OpenFile {
        path: PathBuf,
        purpose: Purpose,
    },
    /// Reads the picture to start from.
    OpenStart {
        path: PathBuf,
    },
    /// A project, or a picture with all that it tells.
    OpenAny {
        path: PathBuf,
    },
    /// Writes a style sheet.
    SaveSheet {
        picture: Box<SheetPicture>,
        place: Place,
    },
    SaveProject(SaveProject),
    WriteSettings {
        path: PathBuf,
        settings: Box<Settings>,
    },
    /// Moves a picture of the gallery to the trash.
    Trash {
        desktop: Desktop,
        id: PictureId,
        path: PathBuf,
        is_starred: bool,
    },
    /// Brings one back.
    Restore {
        desktop: Desktop,
        path: PathBuf,
        is_starred: bool,
    },
}

/// What came of it; also what dialogs answer.
#[derive(Debug)]
pub(super) enum FileAnswer {
    DialogClosed,
    /// The same for a style sheet.
    SheetPlaceChosen {
        picture: Box<SheetPicture>,
        place: Place,
    },
    /// The user said where to save, or this system shows no dialogs.
    PlaceChosen(Box<SaveJob>),
    Traced {
        serial: u64,
        traced: Result<Traced, String>,
    },
    PictureChosen {
        slot_idx: usize,
        path: PathBuf,
    },
    /// A picture for *Inspired by*.
    InspirationRead(Box<Offer>),
    StartChosen {
        path: PathBuf,
    },
    StartOpened {
        picture: Arc<ImportPicture>,
    },
    ImportChosen {
        path: PathBuf,
        onto: Option<ControlKind>,
    },
    ImportOpened {
        picture: Arc<ImportPicture>,
        /// The layer that it was dropped on.
        onto: Option<ControlKind>,
        /// Files that came together; the first is this.
        n_files: usize,
    },
    /// A picture with what its file tells of its making.
    FileOpened(Box<Opened>),
    /// The clipboard was read, whatever came of it.
    PasteDone,
    Saved {
        path: PathBuf,
        without_dialog: bool,
        /// Of the picture in the tree, if it is there.
        node: Option<NodeId>,
    },
    Trash(TrashAnswer),
    Memory(MemoryAnswer),
    /// Folders to look for models in.
    ModelFolders(Vec<PathBuf>),
    Project(ProjectAnswer),
    Warning {
        headline: String,
        details: String,
    },
    Failed(Failure),
}

/// The application's end of the thread. Dropping it finishes what was asked for, then joins.
pub(super) struct FileThread {
    jobs: Option<Sender<FileJob>>,
    answers: Receiver<FileAnswer>,
    answer: Answer,
    thread: Option<JoinHandle<()>>,
}

/// Sends an answer and wakes the window.
#[derive(Clone)]
pub(super) struct Answer {
    answers: Sender<FileAnswer>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Answer {
    /// Not for the window's thread: waits while too many answers are unread.
    pub(super) fn send(&self, answer: FileAnswer) {
        // Nobody listens any more when the window has closed; then nothing is lost.
        self.answers.send(answer).ok();
        (self.wake)();
    }
}

impl FileThread {
    /// # Errors
    /// If the system has no thread to give.
    pub(super) fn spawn(wake: impl Fn() + Send + Sync + 'static) -> std::io::Result<Self> {
        let (jobs, inbox) = bounded(CAPACITY);
        let (answers_in, answers) = bounded(CAPACITY);
        let answer = Answer { answers: answers_in, wake: Arc::new(wake) };
        let outbox = answer.clone();
        let work = move || {
            for job in &inbox {
                if let Some(answer) = carry_out(job) {
                    outbox.send(answer);
                }
            }
        };
        let thread = Builder::new().name("files".to_owned()).spawn(work)?;
        Ok(Self { jobs: Some(jobs), answers, answer, thread: Some(thread) })
    }

    /// Never waits.
    ///
    /// # Errors
    /// If the disk is hopelessly behind; then nothing was asked for.
    pub(super) fn ask(&self, job: FileJob) -> Result<(), Failure> {
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.try_send(job).is_ok());
        sent.then_some(()).ok_or_else(|| Failure {
            headline: "The disk does not keep up; try again in a moment".to_owned(),
            details: format!("{CAPACITY} jobs are waiting"),
        })
    }

    /// For dialogs, which have threads of their own.
    pub(super) fn answer(&self) -> Answer {
        self.answer.clone()
    }

    /// What has come since the last call.
    pub(super) fn drain(&self) -> Vec<FileAnswer> {
        self.answers.try_iter().collect()
    }
}

impl Drop for FileThread {
    fn drop(&mut self) {
        self.jobs = None;
        // The thread must not wait for room in a channel that nobody reads any more.
        let (_, closed) = bounded(0);
        self.answers = closed;
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn carry_out(job: FileJob) -> Option<FileAnswer> {
    match job {
        FileJob::Save(job) => Some(keeping::save(&job)),
        FileJob::Trace { serial, picture } => {
            Some(FileAnswer::Traced { serial, traced: keeping::traced(&picture) })
        }
        FileJob::Inspire(job) => Some(inspiring::look(&job)),
        FileJob::OpenFile { path, purpose } => Some(opening::open(&path, purpose)),
        FileJob::OpenStart { path } => Some(match super::importing::open(&path) {
            Ok(picture) => FileAnswer::StartOpened { picture: Arc::new(picture) },
            Err(error) => FileAnswer::Failed(failure("The picture cannot be used", &error)),
        }),
        FileJob::Trash { desktop, id, path, is_starred } => {
            Some(match desktop.move_to_trash(&path) {
                Ok(()) => FileAnswer::Trash(TrashAnswer::Moved { id, path, is_starred }),
                Err(failure) => FileAnswer::Trash(TrashAnswer::NotMoved { id, failure }),
            })
        }
        FileJob::Restore { desktop, path, is_starred } => Some(match desktop.restore(&path) {
            Ok(()) => FileAnswer::Trash(TrashAnswer::Restored { path, is_starred }),
            Err(failure) => FileAnswer::Failed(failure),
        }),
        FileJob::SaveSheet { picture, place } => Some(keeping::save_sheet(&picture, &place)),
        FileJob::OpenAny { path } => Some(projects::open(path)),
        FileJob::SaveProject(job) => Some(projects::save(job).into()),
        FileJob::WriteSettings { path, settings } => {
            let error = settings_file::write(&path, &settings).err()?;
            Some(FileAnswer::Warning {
                headline: "Your settings could not be saved".to_owned(),
                details: chain(&error),
            })
        }
    }
}

pub(super) fn failure(headline: &str, error: &dyn std::error::Error) -> Failure {
    Failure { headline: format!("{headline}: {error}"), details: chain(error) }
}

/// The error and all its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
