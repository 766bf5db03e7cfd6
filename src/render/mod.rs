//! Our own work on the GPU: wgpu paint callbacks, textures, edges of pictures, and the shaders they
//! use.
//!
//! Says how pixels get onto the screen, not where or when: the canvas view in `ui` decides that,
//! handles input, and draws with plain egui where there is no wgpu.

mod canvas;
mod canvas_layout;
mod edges;
mod edges_layout;
mod flatten;
mod gpu_types;
mod picture_textures;
mod pixel_rect;
pub mod shaders;

pub use canvas::{CanvasPaint, GpuPresence};
pub use edges::{EdgeFinder, EdgeJob, EdgesError};
pub use flatten::{FLATTEN_MARGIN_PX, LayerStack, SketchLook, flatten};
pub use gpu_types::{CanvasUniforms, EdgeUniforms};
pub use picture_textures::premultiplied_within;
pub use pixel_rect::PixelRect;

use eframe::egui_wgpu;

/// Creates the pipelines once; called from the eframe creation closure with
/// `cc.wgpu_render_state`.
///
/// Expects eframe's default render pass: no multisampling and no depth buffer. One canvas can be
/// on screen at a time, since its textures live with the renderer.
pub fn install(render_state: &egui_wgpu::RenderState) {
    let renderer = canvas::CanvasRenderer::new(&render_state.device, render_state.target_format);
    render_state.renderer.write().callback_resources.insert(renderer);
}
