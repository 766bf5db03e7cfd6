//! Structs shared with the shaders; `tests/shaders.rs` compares their sizes and fields.

use bytemuck::{Pod, Zeroable};

use crate::document::Stamp;
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

/// `FlattenUniforms` in `shaders/layers.wgsl`. Colours are gamma-encoded and premultiplied, 0–1.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct FlattenUniforms {
    pub ink: [f32; 4],
    pub halo: [f32; 4],
    pub depth_lit: [f32; 4],
    pub depth_shaded: [f32; 4],
    pub wash: [f32; 4],
    /// 1 for lines, depth, colour and the mask if there is something to see of them.
    pub is_shown: [u32; 4],
    /// How much lighter a slope of the depth gets the steeper it is.
    pub relief: f32,
    /// Share of the halo that reaches a pixel from across a corner.
    pub halo_corner: f32,
    /// Pixels from one stripe of the wash to the next; 0 for an even one.
    pub hatch_period: u32,
    /// Share of the wash between the stripes.
    pub between_stripes: f32,
}

/// `SketchUniforms` in `shaders/layers.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct SketchUniforms {
    /// Pixels from the top left of the render target.
    pub canvas_min_in_screen: [f32; 2],
    pub canvas_size_in_screen: [f32; 2],
    /// Size of the render target in pixels.
    pub screen_size: [f32; 2],
    /// The part of the canvas with something on it.
    pub drawn_min_in_canvas: [f32; 2],
    pub drawn_max_in_canvas: [f32; 2],
    pub lens_centre_in_screen: [f32; 2],
    /// 0 for no lens.
    pub lens_radius_in_screen: f32,
    /// 0–1.
    pub opacity: f32,
}

/// `StrokeUniforms` in `shaders/stamp.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct StrokeUniforms {
    /// The pixel that full coverage makes, premultiplied, 0–1.
    pub covered: [f32; 4],
    /// Width and height of the canvas.
    pub size_px: f32,
    /// Of the whole stroke, 0–1.
    pub opacity: f32,
    /// 1: each stamp adds to those before. 0: the strongest counts.
    pub is_accumulating: u32,
    /// WGSL leaves it out: the size of a uniform struct is a multiple of 16 bytes.
    pub padding: u32,
}

/// `Stamp` in `shaders/stamp.wgsl`: one instance of the square that a stamp is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct StampInstance {
    /// In canvas pixels.
    pub centre: [f32; 2],
    pub radius_px: f32,
    pub hardness: f32,
    pub alpha: f32,
}

impl From<&Stamp> for StampInstance {
    fn from(stamp: &Stamp) -> Self {
        let Stamp { centre, radius_px, hardness, alpha } = *stamp;
        Self { centre, radius_px, hardness, alpha }
    }
}
