//! Structs shared with the shaders; `tests/shaders.rs` compares their sizes and fields.

use bytemuck::{Pod, Zeroable};

/// `CanvasUniforms` in `shaders/canvas.wgsl`. Colours are gamma-encoded, 0–1.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct CanvasUniforms {
    /// Pixels from the top left of the render target.
    pub picture_min_in_screen: [f32; 2],
    pub picture_size_in_screen: [f32; 2],
    /// Size of the render target in pixels.
    pub screen_size: [f32; 2],
    /// Side of a checkerboard cell in pixels.
    pub checker_cell_in_screen: f32,
    /// 0 shows the previous picture, 1 the current one.
    pub fade: f32,
    pub checker_even: [f32; 4],
    pub checker_odd: [f32; 4],
}
