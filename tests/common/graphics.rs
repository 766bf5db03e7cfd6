//! A graphics device for tests that draw; software ones will do.

#![expect(clippy::print_stdout, reason = "a skipped test says so")]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use eframe::egui_wgpu::{self, Renderer, RendererOptions};
use eframe::wgpu;
use egui_kittest::wgpu::{create_render_state, default_wgpu_setup};

/// Runs a future that has nothing to wait for, as those of native wgpu.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("wgpu made us wait"),
    }
}

/// A device that renders to `format`; `None`, with a message, where there is no adapter.
pub(crate) fn render_state(format: wgpu::TextureFormat) -> Option<egui_wgpu::RenderState> {
    let setup = default_wgpu_setup();
    let instance = ready(setup.new_instance());
    if ready(instance.enumerate_adapters(wgpu::Backends::all())).is_empty() {
        println!("skipped: no graphics adapter");
        return None;
    }
    let mut state = create_render_state(setup, RendererOptions::PREDICTABLE);
    let renderer = Renderer::new(&state.device, format, RendererOptions::PREDICTABLE);
    state.target_format = format;
    *state.renderer.write() = renderer;
    Some(state)
}
