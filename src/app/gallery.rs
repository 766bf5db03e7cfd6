//! Carries out what the gallery wants: asks the thread of the index, the file thread, the desktop.

use std::path::PathBuf;

use super::apply::{self, GalleryEffect};
use super::files::{FileAnswer, FileJob};
use super::{App, AppOptions, desktop};
use crate::library::{self, LibraryOptions, LibraryThread};
use crate::protocol::Failure;
use crate::state::gallery::Trashed;

/// Starts the thread; it opens nothing before it is asked.
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn spawn(
    options: &AppOptions,
    wake: impl Fn() + Send + Sync + 'static,
) -> std::io::Result<LibraryThread> {
    let database = options.data_dir.as_ref().map(|folder| folder.join(library::FILE_NAME));
    let folder: Option<PathBuf> = options.save_dir.clone().or_else(|| options.pictures_dir.clone());
    LibraryThread::spawn(LibraryOptions { database, folder }, wake)
}

impl App {
    pub(super) fn carry_out_gallery(&mut self, effect: GalleryEffect) {
        match effect {
            GalleryEffect::Open(query) => {
                self.library.list(query);
                self.library.scan();
            }
            GalleryEffect::List(query) => self.library.list(query),
            GalleryEffect::Want(ids) => self.library.want(ids),
            GalleryEffect::Preview(id) => self.library.preview(id),
            GalleryEffect::Star { id, is_starred } => self.library.star(id, is_starred),
            GalleryEffect::Index { path, is_starred } => self.library.index(path, is_starred),
            GalleryEffect::Forget(id) => self.library.forget(id),
            GalleryEffect::Trash { id, may_ask: true, .. }
                if !self.options.desktop.can_restore() =>
            {
                apply::ask_before_trash(&mut self.state, id);
            }
            GalleryEffect::Trash { id, path, is_starred, .. } => {
                apply::trash_begins(&mut self.state, id);
                let desktop = self.options.desktop.clone();
                self.ask(FileJob::Trash { desktop, id, path, is_starred });
            }
            GalleryEffect::Restore(Trashed { path, is_starred, .. }) => {
                let desktop = self.options.desktop.clone();
                self.ask(FileJob::Restore { desktop, path, is_starred });
            }
            GalleryEffect::Reveal(path) => {
                let asked = desktop::reveal(&self.options.desktop, path, self.files.answer());
                if let Err(error) = asked {
                    self.answered(FileAnswer::Failed(Failure {
                        headline: "The file manager could not be asked; try again".to_owned(),
                        details: error.to_string(),
                    }));
                }
            }
        }
    }
}
