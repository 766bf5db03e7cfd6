//! The list of shaders, so that one test can validate them all.

/// A shader's source and the name under which it shows up in GPU debuggers and errors.
#[derive(Debug, Clone, Copy)]
pub struct Shader {
    pub label: &'static str,
    pub source: &'static str,
}

pub const CANVAS: Shader =
    Shader { label: "canvas.wgsl", source: include_str!("../../shaders/canvas.wgsl") };

pub const EDGES: Shader =
    Shader { label: "edges.wgsl", source: include_str!("../../shaders/edges.wgsl") };

pub const LAYERS: Shader =
    Shader { label: "layers.wgsl", source: include_str!("../../shaders/layers.wgsl") };

pub const STAMP: Shader =
    Shader { label: "stamp.wgsl", source: include_str!("../../shaders/stamp.wgsl") };

/// Every shader of the program.
pub const ALL: &[Shader] = &[CANVAS, EDGES, LAYERS, STAMP];
