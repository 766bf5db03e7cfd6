//! Opens the desktop window and runs the application in it until it is closed.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui_wgpu::{WgpuConfiguration, WgpuSetup, WgpuSetupCreateNew};
use eframe::wgpu;

use super::{App, AppOptions};
use crate::ui::mark;
use crate::worker::WorkerHandle;

const TITLE: &str = "Underpaint";
const SIZE: [f32; 2] = [1280.0, 820.0];
/// Smaller than this, the canvas has no room left beside the panel.
const MIN_SIZE: [f32; 2] = [720.0, 480.0];

/// Gathers news that come together. Not zero: egui answers a request without delay with two frames,
/// and where the processor paints, a frame costs as much as a coarse scale.
const WAKE_DELAY: Duration = Duration::from_millis(2);

/// What the model's thread calls so that the window looks for news.
pub type Wake = Box<dyn Fn() + Send + Sync>;

/// The window cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    #[error(
        "the window cannot be opened; check that a display is available, or use \
         `underpaint generate`, which needs none"
    )]
    Display(#[source] eframe::Error),
    #[error(
        "no graphics adapter can be used; install a Vulkan or OpenGL driver (Mesa's software \
         drivers will do), or use `underpaint generate`, which needs none"
    )]
    Graphics(#[source] eframe::Error),
    #[error("the application cannot start")]
    Start(#[source] eframe::Error),
}

/// Runs until the window is closed. `spawn` starts the model's thread with the given wake call.
/// Must be called on the main thread.
///
/// # Errors
/// [`WindowError`] if there is no display, no graphics adapter or no thread to be had.
pub fn open_window(
    options: AppOptions,
    spawn: impl FnOnce(Wake) -> std::io::Result<WorkerHandle>,
) -> Result<(), WindowError> {
    let viewport = egui::ViewportBuilder::default()
        .with_title(TITLE)
        .with_app_id("underpaint")
        .with_icon(Arc::new(mark::icon(64)))
        .with_inner_size(SIZE)
        .with_min_inner_size(MIN_SIZE);
    let wgpu_options = WgpuConfiguration { wgpu_setup: wgpu_setup(), ..Default::default() };
    // Nothing here is a gradient, and dithering costs software adapters a sixth of a frame.
    let dithering = false;
    let native_options =
        eframe::NativeOptions { viewport, wgpu_options, dithering, ..Default::default() };
    let create = move |cc: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, _> {
        let ctx = cc.egui_ctx.clone();
        let worker = spawn(Box::new(move || ctx.request_repaint_after(WAKE_DELAY)))?;
        Ok(Box::new(App::new(cc, worker, options)?))
    };
    eframe::run_native(TITLE, native_options, Box::new(create)).map_err(|error| match error {
        eframe::Error::AppCreation(_) => WindowError::Start(error),
        eframe::Error::Wgpu(_) => WindowError::Graphics(error),
        _ => WindowError::Display(error),
    })
}

/// Any adapter will do, hardware or software, through any of its interfaces. The window asks for
/// what the adapter has of what can be used: compute passes find edges, and masks of 32-bit floats
/// make the stroke under the pen exact. Otherwise it asks for the limits of the weakest, so that
/// no adapter is refused; textures may be as large as it has them. Of two GPUs the thrifty one is taken: a canvas is little work.
/// `WGPU_BACKEND` and `WGPU_POWER_PREF` overrule this.
fn wgpu_setup() -> WgpuSetup {
    let mut setup = WgpuSetupCreateNew::without_display_handle();
    setup.power_preference =
        wgpu::PowerPreference::from_env().unwrap_or(wgpu::PowerPreference::LowPower);
    setup.device_descriptor = Arc::new(|adapter| wgpu::DeviceDescriptor {
        label: Some("underpaint window"),
        required_features: adapter.features() & wgpu::Features::FLOAT32_BLENDABLE,
        required_limits: limits(&adapter.limits()),
        ..Default::default()
    });
    setup.into()
}

/// Those with compute passes if the adapter has them all, else those of WebGL 2.
fn limits(of_adapter: &wgpu::Limits) -> wgpu::Limits {
    let with_compute = wgpu::Limits::downlevel_defaults().using_resolution(of_adapter.clone());
    if with_compute.check_limits(of_adapter) {
        with_compute
    } else {
        wgpu::Limits::downlevel_webgl2_defaults().using_resolution(of_adapter.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_adapter_is_asked_for_more_than_it_has() {
        let weak = wgpu::Limits::downlevel_webgl2_defaults();
        assert_eq!(limits(&weak).max_compute_workgroups_per_dimension, 0);
        assert!(limits(&weak).check_limits(&weak));
        let strong = wgpu::Limits { max_texture_dimension_2d: 16_384, ..Default::default() };
        assert!(limits(&strong).check_limits(&strong));
        assert!(limits(&strong).max_compute_workgroups_per_dimension > 0);
        assert_eq!(limits(&strong).max_texture_dimension_2d, 16_384);
    }
}
