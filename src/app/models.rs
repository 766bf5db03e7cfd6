//! Carries out what the models want: asks their thread, opens dialogs, has the worker load another
//! model.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::apply::{self, ModelsEffect};
use super::dialogs::{self, Choice};
use super::files::FileAnswer;
use super::{App, AppOptions};
use crate::catalogue::{self, CatalogueThread, Places, Reading};
use crate::protocol::Failure;

/// How often the progress of loading is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// The catalogue's thread, and what is being loaded.
pub(super) struct ModelShelf {
    thread: CatalogueThread,
    reading: Arc<Reading>,
}

impl ModelShelf {
    /// # Errors
    /// If the system has no thread to give.
    pub(super) fn spawn(
        options: &AppOptions,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let places = match (&options.model_places, &options.data_dir) {
            (Some(places), _) => places.clone(),
            // Nothing is kept, and nothing of the user's is looked at.
            (None, None) => Places::default(),
            (None, Some(data_dir)) => Places::of_user(Some(data_dir)),
        };
        let thread = CatalogueThread::spawn(places, wake)?;
        Ok(Self { thread, reading: Arc::default() })
    }
}

impl App {
    pub(super) fn carry_out_models(&mut self, frame: &eframe::Frame, effect: ModelsEffect) {
        let thread = &self.models.thread;
        match effect {
            ModelsEffect::Scan => thread.scan(),
            ModelsEffect::StopScan => thread.stop_scan(),
            ModelsEffect::AddFolder(folder) => thread.add_folder(folder),
            ModelsEffect::RemoveFolder(folder) => thread.remove_folder(folder),
            ModelsEffect::AskForFolder => {
                let asked = dialogs::ask_for_folders(frame, self.files.answer(), folders);
                self.check_dialog(asked);
            }
            ModelsEffect::Weigh => thread.weigh(),
            ModelsEffect::Load { model, precision, side_px } => {
                let reading = Arc::<Reading>::default();
                self.models.reading.stop();
                self.models.reading = Arc::clone(&reading);
                let device = self.options.device;
                let built_in = self.options.built_in.clone();
                let model = model.as_deref();
                let load = catalogue::loader(model, precision, side_px, built_in, device, reading);
                self.worker.replace_model(load);
            }
            ModelsEffect::StopLoading => self.models.reading.stop(),
            ModelsEffect::Download { model, files } => thread.download(&model, files),
            ModelsEffect::Convert { model, path } => thread.convert(&model, path),
            ModelsEffect::Verify { model, path } => thread.verify(&model, path),
            ModelsEffect::Stop(id) => thread.stop(id),
        }
    }

    /// Takes in what the thread of the catalogue tells, and how far loading is.
    pub(super) fn look_at_models(&mut self, ctx: &egui::Context, frame: &eframe::Frame, now: f64) {
        for event in self.models.thread.drain() {
            let effect = apply::models_event(&mut self.state, event, now);
            self.carry_out(ctx, frame, effect);
        }
        if self.state.models.loading.is_some() {
            apply::loading_progress(&mut self.state, self.models.reading.progress());
            ctx.request_repaint_after(LOOK);
        }
    }
}

fn folders(choice: Choice<Vec<PathBuf>>) -> Option<FileAnswer> {
    match choice {
        Choice::Chosen(paths) => Some(FileAnswer::ModelFolders(paths)),
        Choice::Unavailable => Some(FileAnswer::Failed(Failure {
            headline: "This system has no file dialog; drop the folder on the page".to_owned(),
            details: "Neither a desktop portal nor zenity answered".to_owned(),
        })),
        Choice::Cancelled => None,
    }
}
