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
mod layers;
mod layers_layout;
mod picture_textures;
mod pipeline;
mod pixel_rect;
mod plane_textures;
mod presence;
pub mod shaders;
mod stroke;
mod stroke_layout;

pub use canvas::CanvasPaint;
pub use edges::{EdgeFinder, EdgeJob, EdgesError};
pub use flatten::{FLATTEN_MARGIN_PX, LayerStack, SketchLook, flatten};
pub use gpu_types::{
    CanvasUniforms, EdgeUniforms, FlattenUniforms, SketchUniforms, StampInstance, StrokeUniforms,
};
pub use layers::{LayersPaint, StrokeInLayers};
pub use picture_textures::premultiplied_within;
pub use pixel_rect::PixelRect;
pub use presence::GpuPresence;
pub use stroke::{NewStamps, StrokeRenderer};

use eframe::{egui_wgpu, wgpu};

/// Creates the pipelines once; called from the eframe creation closure with
/// `cc.wgpu_render_state`.
///
/// Expects eframe's default render pass: no multisampling and no depth buffer. One canvas can be
/// on screen at a time, since its textures live with the renderer.
pub fn install(render_state: &egui_wgpu::RenderState) {
    // Where the device is the processor, drawing a stroke there too would be the same work twice:
    // the document has drawn it already.
    let device_type = render_state.adapter.get_info().device_type;
    install_with(render_state, device_type != wgpu::DeviceType::Cpu);
}

/// The same, with a say in whether the stroke under the pen is drawn by the device, if it can.
pub fn install_with(render_state: &egui_wgpu::RenderState, draws_strokes: bool) {
    let (adapter, device) = (&render_state.adapter, &render_state.device);
    let strokes = draws_strokes.then(|| StrokeRenderer::new(adapter, device)).flatten();
    let canvas = canvas::CanvasRenderer::new(device, render_state.target_format);
    let layers = layers::LayersRenderer::new(device, render_state.target_format, strokes);
    let resources = &mut render_state.renderer.write().callback_resources;
    resources.insert(canvas);
    resources.insert(layers);
}
