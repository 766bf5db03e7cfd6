//! Carries out what the memories want: asks their thread, opens dialogs.

use std::path::PathBuf;

use super::apply::{GalleryEffect, MemoryAnswer, MemoryEffect, MemoryOrder};
use super::dialogs::{self, Choice};
use super::files::{FileAnswer, FileJob};
use super::keeping::Place;
use super::sheet_picture::SheetPicture;
use super::{App, AppOptions, saving};
use crate::library;
use crate::library::memory::{MemoryOptions, MemoryThread};
use crate::protocol::{Failure, MemoryId};
use crate::state::Engine;
use crate::worker::WorkerHandle;

/// Of exported memories.
const FILE_ENDING: &str = "underpaint-memory";

/// Starts the threads; they open nothing before they are asked.
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn spawn(
    options: &AppOptions,
    worker: &WorkerHandle,
    wake: impl Fn() + Send + Sync + 'static,
) -> std::io::Result<MemoryThread> {
    let database = database(options);
    MemoryThread::spawn(MemoryOptions { database }, Box::new(worker.memory_encoder()), wake)
}

/// Whether there may be memories to read at the start. Without a database there are none, and then
/// nothing is opened before the page is.
pub(super) fn may_have_memories(options: &AppOptions) -> bool {
    database(options).is_some_and(|path| path.is_file())
}

fn database(options: &AppOptions) -> Option<PathBuf> {
    options.data_dir.as_ref().map(|folder| folder.join(library::FILE_NAME))
}

impl App {
    pub(super) fn carry_out_memory(&mut self, frame: &eframe::Frame, effect: MemoryEffect) {
        let answer = self.files.answer();
        let asked = match effect {
            MemoryEffect::Orders(orders) => {
                for order in orders {
                    self.order_of_memories(order);
                }
                return;
            }
            MemoryEffect::Reveal(path) => {
                self.carry_out_gallery(GalleryEffect::Reveal(path));
                return;
            }
            MemoryEffect::AskForFiles => dialogs::ask_for_pictures(frame, answer, pictures),
            MemoryEffect::AskForFolder => dialogs::ask_for_folders(frame, answer, pictures),
            MemoryEffect::AskForTable => {
                let what = ("Choose a table of captions", "CSV tables", &["csv", "tsv"][..]);
                let then = |choice| one(choice, MemoryAnswer::Table);
                dialogs::ask_for_file(frame, what, answer, then)
            }
            MemoryEffect::AskWhatToImport => {
                let what = ("Choose a memory to import", "Memories", &[FILE_ENDING][..]);
                let then = |choice| one(choice, MemoryAnswer::Import);
                dialogs::ask_for_file(frame, what, answer, then)
            }
            MemoryEffect::AskWhereToExport { memory, stem } => {
                let what = ("Export the memory", "Memories", FILE_ENDING);
                let name = stem.clone();
                let then = move |choice| where_to_export(choice, memory, &name);
                dialogs::ask_where_to_write(frame, what, &stem, answer, then)
            }
        };
        self.check_dialog(asked);
    }

    /// Asks where a style sheet goes, or uses the folder from the command line.
    pub(super) fn save_sheet(
        &mut self,
        frame: &eframe::Frame,
        picture: Box<SheetPicture>,
        stem: String,
    ) {
        if let Some(folder) = self.options.save_dir.clone() {
            self.ask(FileJob::SaveSheet { picture, place: Place::New { folder, stem } });
            self.answered(FileAnswer::DialogClosed);
            return;
        }
        let then = move |choice| {
            let place = match choice {
                Choice::Chosen(path) => Place::Exactly(path),
                Choice::Unavailable => Place::InsteadOfDialog,
                Choice::Cancelled => return None,
            };
            Some(FileAnswer::SheetPlaceChosen { picture, place })
        };
        let what = ("Save the style sheet", "PNG pictures", "png");
        let asked = dialogs::ask_where_to_write(frame, what, &stem, self.files.answer(), then);
        self.check_dialog(asked);
    }

    /// Reads the memories once there is time: the first picture is never delayed for them.
    pub(super) fn begin_memories(&mut self) {
        let is_settled = match self.state.engine {
            Engine::Loading => false,
            Engine::Ready(_) => !self.state.is_drawing(),
            Engine::Failed(_) => true,
        };
        if self.memories_wait && is_settled {
            self.memories_wait = false;
            self.memories.begin();
        }
    }

    pub(super) fn order_of_memories(&mut self, order: MemoryOrder) {
        let thread = &self.memories;
        match order {
            MemoryOrder::Begin => thread.begin(),
            MemoryOrder::List(query) => thread.list(query),
            MemoryOrder::Rescan(memory) => thread.rescan(memory),
            MemoryOrder::Want(ids) => thread.want(ids),
            MemoryOrder::Create(name) => thread.create(name),
            MemoryOrder::Rename(memory, name) => thread.rename(memory, name),
            MemoryOrder::Switch(memory, is_on) => thread.switch(memory, is_on),
            MemoryOrder::Delete(memory) => thread.delete(memory),
            MemoryOrder::Restore(memory) => thread.restore(memory),
            MemoryOrder::Add(pictures) => thread.add(pictures),
            MemoryOrder::Stop(memory) => thread.cancel(memory),
            MemoryOrder::SetCaption(id, caption) => thread.set_caption(id, caption),
            MemoryOrder::Remove(ids) => thread.remove(ids),
            MemoryOrder::PutBack(ids) => thread.put_back(ids),
            MemoryOrder::Problems(memory) => thread.problems(memory),
            MemoryOrder::Snapshot(memory) => thread.snapshot(memory),
            MemoryOrder::Export(memory, path) => thread.export(memory, path),
            MemoryOrder::Import(path) => thread.import(path),
        }
    }
}

fn pictures(choice: Choice<Vec<PathBuf>>) -> Option<FileAnswer> {
    match choice {
        Choice::Chosen(paths) => Some(FileAnswer::Memory(MemoryAnswer::Pictures(paths))),
        Choice::Unavailable => Some(no_dialog("drop pictures and folders on the page")),
        Choice::Cancelled => None,
    }
}

fn one(choice: Choice, answer: fn(PathBuf) -> MemoryAnswer) -> Option<FileAnswer> {
    match choice {
        Choice::Chosen(path) => Some(FileAnswer::Memory(answer(path))),
        Choice::Unavailable => Some(no_dialog("use “underpaint memory” on the command line")),
        Choice::Cancelled => None,
    }
}

fn where_to_export(choice: Choice, memory: MemoryId, stem: &str) -> Option<FileAnswer> {
    let path = match choice {
        Choice::Chosen(path) if path.extension().is_some() => path,
        Choice::Chosen(path) => path.with_extension(FILE_ENDING),
        Choice::Unavailable => match saving::documents_folder() {
            Some(folder) => folder.join(format!("{stem}.{FILE_ENDING}")),
            None => return Some(no_dialog("use “underpaint memory export”")),
        },
        Choice::Cancelled => return None,
    };
    Some(FileAnswer::Memory(MemoryAnswer::ExportTo { memory, path }))
}

fn no_dialog(instead: &str) -> FileAnswer {
    FileAnswer::Failed(Failure {
        headline: format!("This system has no file dialog; {instead}"),
        details: "Neither a desktop portal nor zenity answered".to_owned(),
    })
}
