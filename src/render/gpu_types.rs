//! Structs shared with the shaders; `tests/shaders.rs` compares their sizes and fields.

use bytemuck::{Pod, Zeroable};

use crate::imaging::edges::GaussianKernel;

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

/// `EdgeUniforms` in `shaders/edges.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct EdgeUniforms {
    /// Of the picture in pixels.
    pub size: [u32; 2],
    pub low: u32,
    pub high: u32,
    /// Weights to the left of the middle one.
    pub blur_radius: u32,
    /// WGSL leaves it out: it starts arrays in a uniform at multiples of 16 bytes.
    pub padding: [u32; 3],
    /// In 256ths, four to a vector; the rest is 0.
    pub blur_weights: [[u32; 4]; EdgeUniforms::N_WEIGHT_VECTORS],
}

impl EdgeUniforms {
    /// Enough for the largest kernel.
    pub const N_WEIGHT_VECTORS: usize = GaussianKernel::MAX_WEIGHTS.div_ceil(4);
}
