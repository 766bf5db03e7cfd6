//! Opening a window without a screen, leading it by hand, and waiting for what must happen.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use underpaint::app::{App, AppOptions};
use underpaint::protocol::GenerateRequest;
use underpaint::state::{AppState, Phase};
use underpaint::ui::{Action, UiCommand};
use underpaint::worker::WorkerHandle;

use crate::common::fake_model::{FakeModel, TIME_LIMIT};

pub(crate) type Window = Harness<'static, App>;

/// Whether a window draws every change at once when it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Live {
    On,
    Off,
}

/// A window of this many points. The fake model begins to load.
pub(crate) fn opened(model: FakeModel, size: [f32; 2], live: Live, options: AppOptions) -> Window {
    built(Harness::builder().with_size(size), live, options, |ctx| {
        let wake = move || ctx.request_repaint();
        WorkerHandle::spawn(model.into_loader(), wake).expect("a thread")
    })
}

/// A window with a worker of the test's own.
pub(crate) fn built(
    builder: egui_kittest::HarnessBuilder<App>,
    live: Live,
    options: AppOptions,
    spawn: impl FnOnce(egui::Context) -> WorkerHandle,
) -> Window {
    builder.with_step_dt(1.0 / 60.0).build_eframe(|cc| {
        let worker = spawn(cc.egui_ctx.clone());
        let mut app = App::new(cc, worker, options).expect("a thread");
        if live == Live::Off {
            let frame = eframe::Frame::_new_kittest();
            app.run(&cc.egui_ctx, &frame, Action::ToggleLive.into());
        }
        app
    })
}

pub(crate) fn state(window: &Window) -> &AppState {
    window.state().state()
}

/// Of the newest job.
pub(crate) fn request(window: &Window) -> GenerateRequest {
    state(window).job.as_ref().expect("a job").request.clone()
}

pub(crate) fn wait_until(window: &mut Window, what: &str, is_so: impl Fn(&Window) -> bool) {
    let started_at = Instant::now();
    while !is_so(window) {
        assert!(started_at.elapsed() < TIME_LIMIT, "{what}: {:?}", state(window).notices);
        window.step();
        std::thread::yield_now();
    }
}

pub(crate) fn wait_until_finished(window: &mut Window) {
    wait_until(window, "the picture must be finished", |window| {
        let phase = state(window).job.as_ref().map(|job| &job.phase);
        matches!(phase, Some(Phase::Finished(_)))
    });
    // The last events may have come after the window was painted.
    window.step();
}

pub(crate) fn wait_for_label(window: &mut Window, label: &str) {
    wait_until(window, label, |window| window.query_by_label_contains(label).is_some());
    // What floats is only measured in its first frame, and placed in the next.
    window.run_steps(2);
}

pub(crate) fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.run_steps(2);
}

pub(crate) fn click(window: &mut Window, label: &str) {
    window.get_by_label(label).click();
    window.run_steps(2);
}

/// Does what a widget would ask for; shows it in a frame.
pub(crate) fn run(window: &mut Window, command: impl Into<UiCommand>) {
    tell(window, command);
    window.step();
}

/// Like [`run`], but leaves the frame to the test.
pub(crate) fn tell(window: &mut Window, command: impl Into<UiCommand>) {
    let ctx = window.ctx.clone();
    let frame = eframe::Frame::_new_kittest();
    window.state_mut().run(&ctx, &frame, command.into());
}

pub(crate) fn drop_files(window: &mut Window, paths: &[&Path]) {
    #[derive(Debug)]
    struct File(PathBuf);
    impl egui::DroppedFile for File {
        fn path(&self) -> &Path {
            &self.0
        }
        fn bytes(&self) -> Result<Vec<u8>, String> {
            std::fs::read(&self.0).map_err(|error| error.to_string())
        }
    }
    for path in paths {
        window.input_mut().dropped_files.push(Arc::new(File((*path).to_owned())));
    }
    window.step();
}
