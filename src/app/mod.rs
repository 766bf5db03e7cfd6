//! The application: joins window, model and files. `logic` takes in what happened and sends what
//! is due; `ui` draws and collects wishes; `apply` alone changes the state.

pub mod clipboard;
pub mod depth;
pub mod desktop;
pub mod settings_file;

mod apply;
mod dialogs;
mod files;
mod gallery;
mod import_thread;
mod importing;
mod inspiring;
mod keeping;
mod memory;
mod models;
mod newest;
mod opening;
mod projects;
mod recorder;
mod saving;
mod schedule;
mod sheet_picture;
mod window;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use egui::ColorImage;

use self::apply::{Effect, ExportEffect, GalleryEffect, ImportEffect};
use self::clipboard::Clipboard;
use self::depth::DepthSource;
use self::desktop::Desktop;
use self::dialogs::Choice;
use self::files::{FileAnswer, FileJob, FileThread};
use self::import_thread::{EdgeDevice, ImportThreads};
use self::inspiring::CutoutThread;
use self::keeping::{Place, SaveJob};
use self::models::ModelShelf;
use self::opening::Purpose;
use self::projects::Kept;
use self::recorder::Recorder;
use self::schedule::{Due, Schedule};
pub use self::window::{Wake, WindowError, open_window};
use crate::catalogue::{DeviceChoice, Places};
use crate::imaging::RgbaImage;
use crate::library::LibraryThread;
use crate::library::memory::MemoryThread;
use crate::protocol::{Event, Failure};
use crate::state::import::DepthNetwork;
use crate::state::{AppState, Keepsake, Settings, ThemeChoice};
use crate::ui::{self, UiCommand, UiState};
use crate::worker::WorkerHandle;

/// Seconds that settings rest before they are written.
const SETTLE_SECS: f64 = 1.0;

/// What the command line decides.
#[derive(Debug, Clone, Default)]
pub struct AppOptions {
    /// Where settings are kept; `None` forgets them. See [`settings_file::default_path`].
    pub settings_path: Option<PathBuf>,
    /// *Save picture* and *Export* write here, without asking.
    pub save_dir: Option<PathBuf>,
    /// Where the gallery looks for pictures if there is no `save_dir`; `None` knows only those of
    /// this session. See [`default_pictures_dir`].
    pub pictures_dir: Option<PathBuf>,
    /// Where the program keeps its data; `None` keeps nothing. See [`default_data_dir`].
    pub data_dir: Option<PathBuf>,
    /// Trash and file manager.
    pub desktop: Desktop,
    /// A project or picture to begin with.
    pub file: Option<PathBuf>,
    pub clipboard: Clipboard,
    /// What sees depth in pictures.
    pub depth: DepthSource,
    /// Where models compute.
    pub device: DeviceChoice,
    /// A folder whose model takes the place of the built-in one.
    pub built_in: Option<PathBuf>,
    /// The model that the worker loads at the start, if it is not the built-in one.
    pub start_model: Option<PathBuf>,
    /// Where models are looked for; the user's folders if `None`, which need `data_dir`.
    pub model_places: Option<Places>,
}

/// Where programs keep their data on this system; `None` if there is no home folder.
pub fn default_data_dir() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "Underpaint")?;
    Some(dirs.data_dir().to_owned())
}

/// `Pictures/Underpaint`; `None` if there is no home folder.
pub fn default_pictures_dir() -> Option<PathBuf> {
    saving::pictures_dir()
}

/// The window's application.
pub struct App {
    state: AppState,
    view: UiState,
    schedule: Schedule,
    options: AppOptions,
    written: Written,
    // Dropped before the files: the model stops while the settings are still being written.
    worker: WorkerHandle,
    // Dropped before the files, which it answers through.
    kept: Kept,
    files: FileThread,
    import_threads: ImportThreads,
    cutout_thread: CutoutThread,
    library: LibraryThread,
    // Dropped after the worker, whose end lets a call of the encoder come back.
    memories: MemoryThread,
    models: ModelShelf,
    /// The memories are read when there is time.
    memories_wait: bool,
}

/// What of the settings is on the disk.
struct Written {
    settings: Settings,
    /// Window time of the first change since then.
    changed_at: Option<f64>,
}

impl App {
    /// Reads the settings, installs fonts and themes, and asks for the first picture.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn new(
        cc: &eframe::CreationContext<'_>,
        worker: WorkerHandle,
        mut options: AppOptions,
    ) -> std::io::Result<Self> {
        let loaded = options.settings_path.as_deref().map(settings_file::load);
        let loaded = loaded.unwrap_or_default();
        let mut state = AppState::new(loaded.settings);
        if let Some((headline, details)) = loaded.warning {
            state.notices.warning(headline, Some(details));
        }
        if !loaded.is_writable {
            options.settings_path = None;
        }
        ui::theme::install(&cc.egui_ctx);
        cc.egui_ctx.set_theme(preference(state.settings.theme));
        let edge_device = cc.wgpu_render_state.as_ref().and_then(EdgeDevice::of);
        if let Some(render_state) = &cc.wgpu_render_state {
            crate::render::install(render_state);
            let adapter = render_state.adapter.get_info();
            if adapter.device_type == eframe::wgpu::DeviceType::Cpu {
                ui::theme::hold_still(&cc.egui_ctx);
            }
            state.adapter = Some(adapter.name);
        }
        let ctx = cc.egui_ctx.clone();
        let files = FileThread::spawn(move || ctx.request_repaint())?;
        let ctx = cc.egui_ctx.clone();
        let wake = move || ctx.request_repaint();
        let import_threads = ImportThreads::spawn(edge_device, &options.depth, wake)?;
        let ctx = cc.egui_ctx.clone();
        let cutout_thread = CutoutThread::spawn(move || ctx.request_repaint())?;
        let ctx = cc.egui_ctx.clone();
        let library = gallery::spawn(&options, move || ctx.request_repaint())?;
        let ctx = cc.egui_ctx.clone();
        let memories = memory::spawn(&options, &worker, move || ctx.request_repaint())?;
        let ctx = cc.egui_ctx.clone();
        let models = ModelShelf::spawn(&options, move || ctx.request_repaint())?;
        let memories_wait = memory::may_have_memories(&options);
        state.imports.depth_network = match &options.depth {
            DepthSource::Unknown => DepthNetwork::Unknown,
            DepthSource::Found(_) => DepthNetwork::Found,
            DepthSource::Missing { advice } => DepthNetwork::Missing { advice: advice.clone() },
        };
        if let Some(path) = options.start_model.take() {
            state.models.begin_with(&path);
        }
        let mut schedule = Schedule::default();
        // A file that is opened brings its picture along.
        if options.file.is_none() {
            schedule.want_first();
        }
        let written = Written { settings: state.settings.clone(), changed_at: None };
        let view = UiState::default();
        let journals = options.data_dir.as_ref().map(|data| data.join("unsaved"));
        let kept = Kept::new(Recorder::spawn(journals, files.answer())?, &state);
        kept.find();
        let mut app = Self {
            state,
            view,
            schedule,
            options,
            written,
            worker,
            kept,
            files,
            import_threads,
            cutout_thread,
            library,
            memories,
            models,
            memories_wait,
        };
        if let Some(path) = app.options.file.take() {
            app.ask(FileJob::OpenAny { path });
        }
        Ok(app)
    }

    /// For tests and scripts.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// For tests and scripts: what only the window knows, such as where the canvas is.
    pub fn view(&self) -> &UiState {
        &self.view
    }

    /// Carries out one wish as if it came from the window.
    pub fn run(&mut self, ctx: &egui::Context, frame: &eframe::Frame, command: UiCommand) {
        let now = ctx.input(|input| input.time);
        let effect = apply::command(&mut self.state, command, now);
        self.carry_out(ctx, frame, effect);
        self.send_due(ctx);
    }

    fn send_due(&mut self, ctx: &egui::Context) {
        if let Some(job) = apply::extraction_due(&mut self.state) {
            self.import_threads.ask(job);
        }
        if let Some(job) = apply::cutout_due(&mut self.state) {
            self.cutout_thread.ask(job);
        }
        while let Some((purpose, errand)) = apply::errand_due(&mut self.state) {
            let id = self.worker.errand(errand);
            apply::errand_sent(&mut self.state, id, purpose);
        }
        if let Some(request) = apply::sheet_due(&self.state) {
            let job = self.worker.generate(request);
            apply::sheet_sent(&mut self.state, job);
        }
        if let Some(request) = apply::style_due(&self.state) {
            let job = self.worker.generate(request);
            apply::style_sent(&mut self.state, job);
        }
        let time = ctx.input(|input| input.time);
        if let Some(wait) = apply::sample_due(&mut self.state, time) {
            ctx.request_repaint_after(Duration::from_secs_f64(wait));
        }
        let now = Instant::now();
        // What changes meanwhile is drawn once the sheet is closed.
        let is_free = self.state.sheet.is_none() && self.state.style_sheet.is_none();
        if let Some(due) = is_free.then(|| self.schedule.due(&mut self.state, now)).flatten() {
            match due {
                Due::Now(request) => {
                    let job = self.worker.generate(request.clone());
                    self.schedule.sent(job, request.clone());
                    apply::sent(&mut self.state, job, request);
                }
                Due::Next(request) => {
                    let job = self.worker.follow(request.clone());
                    self.schedule.sent(job, request.clone());
                    apply::sent_to_follow(&mut self.state, job, request);
                }
            }
        }
        if let Some(wait) = self.schedule.wake_after(&self.state, now) {
            ctx.request_repaint_after(wait);
        }
    }

    fn carry_out(&mut self, ctx: &egui::Context, frame: &eframe::Frame, effect: Option<Effect>) {
        match effect {
            None => {}
            Some(Effect::Draw) => self.schedule.want(),
            Some(Effect::Cancel) => self.worker.cancel(),
            Some(Effect::SetTheme(theme)) => ctx.set_theme(preference(theme)),
            Some(Effect::CopyPicture(picture)) => ctx.copy_image(colour_image(&picture)),
            Some(Effect::CopyText(text)) => ctx.copy_text(text),
            Some(Effect::AskForPicture { slot_idx }) => {
                let chosen = move |path| FileAnswer::PictureChosen { slot_idx, path };
                self.ask_for_picture(frame, chosen);
            }
            Some(Effect::Import(effect)) => self.carry_out_import(frame, effect),
            Some(Effect::Project(effect)) => self.carry_out_project(frame, effect),
            Some(Effect::Export(effect)) => self.carry_out_export(frame, effect),
            Some(Effect::OpenFile(path)) => {
                self.ask(FileJob::OpenFile { path, purpose: Purpose::Restore });
            }
            Some(Effect::Gallery(effect)) => self.carry_out_gallery(effect),
            Some(Effect::Inspire(jobs)) => {
                for job in jobs {
                    self.ask(FileJob::Inspire(job));
                }
            }
            Some(Effect::Memory(effect)) => self.carry_out_memory(frame, effect),
            Some(Effect::Models(effect)) => self.carry_out_models(frame, effect),
            Some(Effect::SaveSheet { picture, stem }) => self.save_sheet(frame, picture, stem),
            Some(Effect::WriteSheet { picture, place }) => {
                self.ask(FileJob::SaveSheet { picture, place });
            }
            Some(Effect::Each(effects)) => {
                for effect in effects {
                    self.carry_out(ctx, frame, Some(effect));
                }
            }
        }
    }

    fn carry_out_export(&mut self, frame: &eframe::Frame, effect: ExportEffect) {
        match effect {
            ExportEffect::SaveAtOnce(keepsake) => {
                let place = Place::Numbered { folder: self.options.save_dir.clone() };
                let settings = self.state.settings.export.at_once();
                self.ask(FileJob::Save(Box::new(SaveJob { keepsake: *keepsake, settings, place })));
            }
            ExportEffect::Write(job) => self.ask(FileJob::Save(job)),
            ExportEffect::AskWhere { keepsake, stem } => self.export(frame, *keepsake, stem),
            ExportEffect::Trace { serial, picture } => {
                self.ask(FileJob::Trace { serial, picture });
            }
            ExportEffect::Reveal(path) => self.carry_out_gallery(GalleryEffect::Reveal(path)),
        }
    }

    fn export(&mut self, frame: &eframe::Frame, keepsake: Keepsake, stem: String) {
        let settings = self.state.settings.export;
        if let Some(folder) = self.options.save_dir.clone() {
            let place = Place::New { folder, stem };
            self.ask(FileJob::Save(Box::new(SaveJob { keepsake, settings, place })));
            self.answered(FileAnswer::DialogClosed);
            return;
        }
        let then = move |choice: Choice| {
            let (settings, place) = match choice {
                Choice::Chosen(path) => (settings.for_path(&path), Place::Exactly(path)),
                Choice::Unavailable => (settings, Place::InsteadOfDialog),
                Choice::Cancelled => return None,
            };
            Some(FileAnswer::PlaceChosen(Box::new(SaveJob { keepsake, settings, place })))
        };
        let format = settings.file_format();
        let asked = dialogs::ask_where_to_save(frame, &stem, format, self.files.answer(), then);
        self.check_dialog(asked);
    }

    fn carry_out_import(&mut self, frame: &eframe::Frame, effect: ImportEffect) {
        match effect {
            ImportEffect::AskForPicture { onto } => {
                self.ask_for_picture(frame, move |path| FileAnswer::ImportChosen { path, onto });
            }
            ImportEffect::AskForStart => {
                self.ask_for_picture(frame, |path| FileAnswer::StartChosen { path });
            }
            ImportEffect::OpenStart { path } => self.ask(FileJob::OpenStart { path }),
            ImportEffect::Open { path, onto, n_files } => {
                let purpose = Purpose::Ask { onto, n_files };
                self.ask(FileJob::OpenFile { path, purpose });
            }
            ImportEffect::Paste { place } => {
                let answer = self.files.answer();
                let asked = clipboard::paste(&self.options.clipboard, place, answer);
                if let Err(error) = asked {
                    self.answered(FileAnswer::PasteDone);
                    self.answered(FileAnswer::Failed(Failure {
                        headline: "The clipboard could not be read; try again".to_owned(),
                        details: error.to_string(),
                    }));
                }
            }
        }
    }

    fn ask_for_picture(
        &mut self,
        frame: &eframe::Frame,
        chosen: impl FnOnce(PathBuf) -> FileAnswer + Send + 'static,
    ) {
        let then = move |choice| match choice {
            Choice::Chosen(path) => Some(chosen(path)),
            Choice::Unavailable => Some(FileAnswer::Failed(Failure {
                headline: "This system has no file dialog; drop a picture on the window".to_owned(),
                details: "Neither a desktop portal nor zenity answered".to_owned(),
            })),
            Choice::Cancelled => None,
        };
        let asked = dialogs::ask_for_picture(frame, self.files.answer(), then);
        self.check_dialog(asked);
    }

    fn check_dialog(&mut self, asked: std::io::Result<()>) {
        if let Err(error) = asked {
            self.answered(FileAnswer::DialogClosed);
            self.answered(FileAnswer::Failed(Failure {
                headline: "The file dialog could not be opened; try again".to_owned(),
                details: error.to_string(),
            }));
        }
    }

    fn ask(&mut self, job: FileJob) {
        if let Err(failure) = self.files.ask(job) {
            self.answered(FileAnswer::Failed(failure));
        }
    }

    /// For answers that need no effect; `now` does not matter to them.
    fn answered(&mut self, answer: FileAnswer) {
        apply::file_answer(&mut self.state, answer, 0.0);
    }

    /// Writes changed settings once they have rested.
    fn keep_settings(&mut self, ctx: &egui::Context, now: f64) {
        if self.state.settings == self.written.settings {
            self.written.changed_at = None;
            return;
        }
        let changed_at = *self.written.changed_at.get_or_insert(now);
        let rest_secs = SETTLE_SECS - (now - changed_at);
        if rest_secs > 0.0 {
            ctx.request_repaint_after(Duration::from_secs_f64(rest_secs));
        } else {
            self.write_settings();
        }
    }

    fn write_settings(&mut self) {
        if self.state.settings == self.written.settings {
            return;
        }
        self.written = Written { settings: self.state.settings.clone(), changed_at: None };
        if let Some(path) = self.options.settings_path.clone() {
            let settings = Box::new(self.state.settings.clone());
            self.ask(FileJob::WriteSettings { path, settings });
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        let now = ctx.input(|input| input.time);
        for event in self.worker.drain() {
            let has_model_come = matches!(event, Event::ModelReady(_));
            let effect = apply::event(&mut self.state, event, now);
            self.carry_out(ctx, frame, effect);
            if has_model_come {
                apply::model_came(&mut self.state, now);
            }
        }
        if let Some(preview) = self.worker.take_preview() {
            apply::preview(&mut self.state, preview, now);
        }
        self.schedule.observe(&mut self.state, Instant::now());
        for answer in self.files.drain() {
            let effect = apply::file_answer(&mut self.state, answer, now);
            self.carry_out(ctx, frame, effect);
        }
        for found in self.import_threads.drain() {
            apply::found(&mut self.state, found, now);
        }
        if let Some(found) = self.cutout_thread.take() {
            let effect = apply::cutout_found(&mut self.state, found, now);
            self.carry_out(ctx, frame, effect);
        }
        let effect = apply::open_due(&mut self.state, now);
        self.carry_out(ctx, frame, effect);
        for event in self.library.drain() {
            let effect = apply::library_event(&mut self.state, event);
            self.carry_out(ctx, frame, effect);
        }
        self.begin_memories();
        for event in self.memories.drain() {
            let effect = apply::memory_event(&mut self.state, event, now);
            self.carry_out(ctx, frame, effect);
        }
        self.look_at_models(ctx, frame, now);
        self.state.notices.expire(now);
        self.keep_work(ctx);
        self.send_due(ctx);
        self.keep_settings(ctx, now);
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        let commands = ui::window_ui(ui, &self.state, &mut self.view);
        // Reading notices changes nothing that must be painted now.
        if commands.iter().any(|command| *command != UiCommand::HoldNotices) {
            ui.ctx().request_repaint();
        }
        let ctx = ui.ctx().clone();
        let now = ctx.input(|input| input.time);
        for command in commands {
            let effect = apply::command(&mut self.state, command, now);
            self.carry_out(&ctx, frame, effect);
        }
        // At once, so that a stroke is safe as soon as the pen is lifted.
        self.keep_work(&ctx);
        // Once for all: a stroke may bring many points in one frame.
        self.send_due(&ctx);
    }

    fn on_exit(&mut self) {
        self.write_settings();
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.keep_last_work();
        self.write_settings();
    }
}

fn preference(theme: ThemeChoice) -> egui::ThemePreference {
    match theme {
        ThemeChoice::System => egui::ThemePreference::System,
        ThemeChoice::Dark => egui::ThemePreference::Dark,
        ThemeChoice::Light => egui::ThemePreference::Light,
    }
}

fn colour_image(picture: &RgbaImage) -> ColorImage {
    let size = [picture.width() as usize, picture.height() as usize];
    ColorImage::from_rgba_unmultiplied(size, picture.as_raw())
}
