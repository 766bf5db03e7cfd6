//! *Models* in the window, with the real threads: what is shown, loading and unloading, too little
//! memory, downloads from a server of the test's own.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use eframe::App as _;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use tempfile::TempDir;
use underpaint::app::AppOptions;
use underpaint::catalogue::Places;
use underpaint::protocol::{MachineMemory, ModelKey, ModelState};
use underpaint::state::Engine;
use underpaint::state::models::{Models, Question};
use underpaint::ui::{Action, ModelsCommand};

use crate::common::fake_model::FakeModel;
use crate::help::{
    Live, Window, click, drop_files, opened, press, run, state, wait_for_label, wait_until,
    wait_until_finished,
};
use crate::model_files as files;
use crate::server::{Server, head};

/// A data folder, and folders with models.
struct Shelf {
    folder: TempDir,
    server: String,
    available: Option<u64>,
}

impl Shelf {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder, server: "http://nowhere.invalid".to_owned(), available: Some(16 << 30) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn options(&self) -> AppOptions {
        let data = self.path("data");
        let memory = MachineMemory { total: Some(32 << 30), available: self.available };
        let places = Places { memory: Some(memory), ..Places::only(&data, &self.server) };
        AppOptions {
            save_dir: Some(self.path("saved")),
            data_dir: Some(data),
            model_places: Some(places),
            built_in: Some(tiny_model()),
            ..AppOptions::default()
        }
    }

    /// The page, after a first look.
    fn page(&self, size: [f32; 2]) -> Window {
        let mut window = opened(FakeModel::new(), size, Live::Off, self.options());
        wait_until_finished(&mut window);
        press(&mut window, Modifiers::SHIFT, Key::M);
        wait_for_label(&mut window, "Underpaint, In use");
        window
    }

    /// The page with a folder that is looked into.
    fn page_with(&self, folder: &Path) -> Window {
        let mut window = self.page([1280.0, 820.0]);
        drop_files(&mut window, &[folder]);
        wait_until(&mut window, "the folder", |window| {
            let list = models(window).list.as_ref();
            list.is_some_and(|list| !list.folders.is_empty()) && models(window).scanning.is_none()
        });
        window.run_steps(2);
        window
    }

    /// A folder with the small model of our own layout.
    fn own_model(&self) -> PathBuf {
        let from = tiny_model();
        let to = self.path("small");
        fs::create_dir(&to).expect("a folder");
        for name in ["config.json", "tokenizer.json", "model.safetensors"] {
            fs::copy(from.join(name), to.join(name)).expect("a copy");
        }
        to
    }
}

fn tiny_model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/embedded_tiny")
}

fn models(window: &Window) -> &Models {
    &state(window).models
}

fn choose(window: &mut Window, is_it: impl Fn(&ModelKey) -> bool) {
    let key = models(window).all().iter().map(|model| &model.key).find(|key| is_it(key));
    let key = key.expect("it is there").clone();
    run(window, ModelsCommand::Choose(key));
    window.run_steps(2);
}

fn is_path(key: &ModelKey) -> bool {
    matches!(key, ModelKey::Path(_))
}

fn is_loaded(window: &Window, is_it: impl Fn(&ModelKey) -> bool) -> bool {
    matches!(state(window).engine, Engine::Ready(_))
        && models(window).loading.is_none()
        && is_it(&models(window).loaded.key)
}

#[test]
fn models_are_listed_with_what_they_are_for_and_what_is_missing() {
    let shelf = Shelf::new();
    let folder = shelf.path("mine");
    files::write_readme_layout(&folder);
    files::write(&folder.join("depth_base.safetensors"), &files::controlar(true, 32));
    fs::remove_dir_all(folder.join("checkpoints/t5-ckpt")).expect("removed");
    fs::write(folder.join("broken.pt"), "no model").expect("written");
    let mut window = shelf.page_with(&folder);
    window.get_by_label("1 file cannot be used");
    click(&mut window, "ControlAR depth, 2 parts are missing");
    window.get_by_label_contains("lines and colour are hidden");
    window.get_by_label("Prompt reader");
    window.get_by_label("Copy the address of model-flan-t5-xl.gguf");
    window.get_by_label_contains("It takes up to");
    window.get_by_label("Download what is missing, 2 MB and more");
    click(&mut window, "Hold the weights in 32 bit");
    assert_eq!(models(&window).precision, Some("f32"));

    // Up and down lead through the list, Esc back to the canvas.
    press(&mut window, Modifiers::NONE, Key::Home);
    assert_eq!(models(&window).chosen, ModelKey::BuiltIn);
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    assert!(is_path(&models(&window).chosen));
    assert_eq!(models(&window).precision, None, "chosen for another model");
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(!models(&window).is_open);
    // The model's name in the status bar leads here too.
    click(&mut window, "Models: Fake model");
    assert!(models(&window).is_open);
}

#[test]
fn a_model_is_loaded_draws_and_makes_way_again() {
    let shelf = Shelf::new();
    let folder = shelf.own_model();
    let mut window = shelf.page_with(&folder);
    let before = state(&window).shown().expect("a picture").still.serial;
    choose(&mut window, is_path);
    click(&mut window, "Load");
    wait_until(&mut window, "the model", |window| is_loaded(window, is_path));
    window.get_by_label_contains("is loaded");
    assert_eq!(state(&window).shown().map(|shown| shown.still.serial), Some(before), "it stays");
    press(&mut window, Modifiers::NONE, Key::Escape);
    run(&mut window, Action::Generate);
    wait_until(&mut window, "a picture of the new model", |window| {
        state(window).shown().is_some_and(|shown| shown.still.serial > before)
    });
    wait_until_finished(&mut window);
    press(&mut window, Modifiers::SHIFT, Key::M);
    window.run_steps(2);
    click(&mut window, "Unload");
    wait_until(&mut window, "the built-in model", |window| {
        is_loaded(window, |key| *key == ModelKey::BuiltIn)
    });
}

#[test]
fn when_loading_fails_the_model_before_comes_back_with_the_reason() {
    let shelf = Shelf::new();
    let folder = shelf.own_model();
    // The list of tensors is whole, but the configuration asks for others.
    let config = fs::read_to_string(folder.join("config.json")).expect("read");
    fs::write(folder.join("config.json"), config.replacen("16", "24", 1)).expect("written");
    let mut window = shelf.page_with(&folder);
    choose(&mut window, is_path);
    click(&mut window, "Load");
    wait_until(&mut window, "the built-in model again", |window| {
        models(window).failures.len() == 1 && is_loaded(window, |key| *key == ModelKey::BuiltIn)
    });
    window.run_steps(2);
    window.get_by_label("Put the message away");
    click(&mut window, "Put the message away");
    assert!(models(&window).failures.is_empty());
}

#[test]
fn too_little_memory_is_refused_with_three_choices() {
    let mut shelf = Shelf::new();
    shelf.available = Some(2_200 << 20);
    let folder = shelf.path("mine");
    files::write_readme_layout(&folder);
    let mut window = shelf.page_with(&folder);
    choose(&mut window, is_path);
    assert!(matches!(models(&window).chosen_model().map(|m| &m.state), Some(ModelState::Ready)));
    click(&mut window, "Hold the weights in 32 bit");
    window.get_by_label_contains("are free");
    click(&mut window, "Load");
    wait_until(&mut window, "the question", |window| models(window).question.is_some());
    assert!(matches!(models(&window).question, Some(Question::Memory { precision: "f32", .. })));
    window.run_steps(3);
    window.get_by_label_contains("Load it in ");
    window.get_by_label("Load it anyway");
    assert!(models(&window).loading.is_none(), "nothing is loaded before an answer");
    click(&mut window, "Use Underpaint instead");
    wait_until(&mut window, "the built-in model", |window| {
        models(window).question.is_none() && is_loaded(window, |key| *key == ModelKey::BuiltIn)
    });
}

#[test]
fn nothing_is_connected_to_before_it_is_asked_and_a_download_can_be_stopped() {
    let server = Server::new(|_, stream| {
        head(stream, "200 OK", "Content-Length: 1000000\r\n");
        stream.write_all(&vec![7; 300_000]).ok();
        let _gone = stream.peek(&mut [0; 1]);
    });
    let mut shelf = Shelf::new();
    shelf.server = server.url("");
    let mut window = shelf.page([1280.0, 820.0]);
    choose(&mut window, |key| *key == ModelKey::Published("t2i_XL_stage2_512".to_owned()));
    window.get_by_label("Offline");
    click(&mut window, "Download, 3.40 GB and more");
    wait_for_label(&mut window, "This connects to 127.0.0.1");
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(models(&window).question.is_none() && models(&window).is_open);
    click(&mut window, "Download, 3.40 GB and more");
    window.run_steps(3);
    assert_eq!(server.asked().len(), 0, "nobody has agreed yet");
    click(&mut window, "Connect and download");
    wait_until(&mut window, "bytes", |window| {
        models(window).download().is_some_and(|transfer| transfer.n_done == 300_000)
    });
    window.run_steps(2);
    assert!(window.query_by_label("Offline").is_none());
    // In the list and in the status bar.
    assert!(window.query_all_by_label("Downloading 30 %").count() >= 2);
    click(&mut window, "Stop the download; what came is kept");
    wait_until(&mut window, "the end", |window| models(window).download().is_none());
    window.run_steps(2);
    window.get_by_label("Offline");
    let part = shelf.path("data/models/peizesun--llamagen_t2i/t2i_XL_stage2_512.pt.part");
    assert_eq!(fs::metadata(part).expect("kept").len(), 300_000);
}

#[test]
fn frames_stay_quick_while_models_are_read() {
    use std::time::{Duration, Instant};
    let shelf = Shelf::new();
    let folder = shelf.path("mine");
    for idx in 0..12 {
        let path = folder.join(format!("{idx}/canny_MR.safetensors"));
        files::write(&path, &files::controlar(false, 48));
    }
    let mut window = shelf.page([1280.0, 820.0]);
    drop_files(&mut window, &[&folder]);
    let mut times = Vec::new();
    while models(&window).all().len() < 30 || models(&window).scanning.is_some() {
        let ctx = window.ctx.clone();
        let mut frame = eframe::Frame::_new_kittest();
        let started = Instant::now();
        window.state_mut().logic(&ctx, &mut frame);
        times.push(started.elapsed());
        window.step();
        assert!(times.len() < 200_000, "the list never came");
    }
    times.sort();
    // Far above what is usual, for machines that are busy.
    assert!(times[times.len() * 9 / 10] < Duration::from_millis(30), "{times:?}");
}

/// Pictures of the window, to be looked at: `UNDERPAINT_SHOTS` names where.
#[test]
fn it_looks_as_it_should() {
    let Some(shots) = std::env::var_os("UNDERPAINT_SHOTS").map(PathBuf::from) else { return };
    let shelf = Shelf { available: Some(3_000 << 20), ..Shelf::new() };
    let folder = shelf.path("a folder with a rather long name/models of many kinds/ControlAR");
    files::write_readme_layout(&folder);
    files::write(&folder.join("edge/depth_base.safetensors"), &files::controlar(true, 32));
    files::write(&folder.join("x/renamed.safetensors"), &files::controlar(true, 32));
    fs::write(folder.join("cut off.pt"), "no model").expect("written");
    for (theme, theme_name) in [(egui::Theme::Dark, "dark"), (egui::Theme::Light, "light")] {
        for (size, size_name) in [([1280.0, 820.0], "wide"), ([760.0, 700.0], "narrow")] {
            let mut window = shelf.page(size);
            window.ctx.set_theme(theme);
            let shoot = |window: &mut Window, name: &str| {
                window.run_steps(4);
                let picture = window.render().expect("a frame that wgpu can draw");
                let name = format!("models_{name}_{size_name}_{theme_name}.png");
                picture.save(shots.join(name)).expect("written");
            };
            drop_files(&mut window, &[&folder]);
            wait_until(&mut window, "the models", |window| {
                models(window).all().iter().any(|model| is_path(&model.key))
                    && models(window).scanning.is_none()
            });
            shoot(&mut window, "builtin");
            let named = |window: &mut Window, name: &str| {
                let key = models(window).all().iter().find(|model| model.name == name);
                let key = key.map(|model| model.key.clone()).expect("it is there");
                run(window, ModelsCommand::Choose(key));
            };
            named(&mut window, "canny_MR");
            shoot(&mut window, "ready");
            named(&mut window, "depth_base");
            run(&mut window, ModelsCommand::SetPrecision("f32"));
            shoot(&mut window, "too_large");
            named(&mut window, "edge_base");
            shoot(&mut window, "published");
            let key = models(&window).chosen.clone();
            run(&mut window, ModelsCommand::AskDownload(key));
            shoot(&mut window, "ask_download");
            run(&mut window, ModelsCommand::CloseQuestion);
            named(&mut window, "canny_MR");
            let key = models(&window).chosen.clone();
            run(&mut window, ModelsCommand::LoadAs { model: key, precision: "f32" });
            wait_until(&mut window, "the question", |window| models(window).question.is_some());
            shoot(&mut window, "memory_question");
            run(&mut window, ModelsCommand::CloseQuestion);
            named(&mut window, "seg_ade20k");
            shoot(&mut window, "unpublished");
        }
    }
}
