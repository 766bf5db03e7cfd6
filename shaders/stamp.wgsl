// A stroke on the graphics device: stamps become a mask, the mask is laid over what was there before
// the stroke. Partner: src/render/stroke.rs; twin on the CPU: src/document/raster.rs, with the same
// formulas, so that the finished stroke can take the place of this one unseen.
//
// All positions are in canvas pixels: the targets have the size of the canvas, and pixel (x, y) is
// sampled at (x + 0.5, y + 0.5).

struct StrokeUniforms {
    /// The pixel that full coverage makes, premultiplied.
    covered: vec4<f32>,
    /// Width and height of the canvas.
    size_px: f32,
    /// Of the whole stroke.
    opacity: f32,
    /// 1: each stamp adds to those before. 0: the strongest counts.
    is_accumulating: u32,
}

@group(0) @binding(0) var<uniform> uniforms: StrokeUniforms;
/// The plane before the stroke.
@group(0) @binding(1) var base: texture_2d<f32>;
/// Red: the stamps that stay. Green: those of the tail.
@group(0) @binding(2) var mask: texture_2d<f32>;

struct Stamp {
    @location(0) centre: vec2<f32>,
    @location(1) radius_px: f32,
    @location(2) hardness: f32,
    @location(3) alpha: f32,
}

struct Print {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(flat) centre: vec2<f32>,
    /// Radius, hardness and alpha.
    @location(1) @interpolate(flat) nib: vec3<f32>,
}

fn clip_from_canvas(pos: vec2<f32>) -> vec4<f32> {
    return vec4<f32>(pos / uniforms.size_px * vec2<f32>(2.0, -2.0) + vec2<f32>(-1.0, 1.0), 0.0, 1.0);
}

/// A square over all pixels that a stamp reaches, as a strip of four corners.
@vertex
fn vs_stamp(@builtin(vertex_index) vertex_idx: u32, stamp: Stamp) -> Print {
    let corner = vec2<f32>(f32(vertex_idx & 1u), f32(vertex_idx >> 1u));
    let reach_px = stamp.radius_px + 0.5;
    let pos = mix(floor(stamp.centre - reach_px), ceil(stamp.centre + reach_px), corner);
    let nib = vec3<f32>(stamp.radius_px, stamp.hardness, stamp.alpha);
    return Print(clip_from_canvas(pos), stamp.centre, nib);
}

/// `document::nib`.
fn nib_coverage(distance_px: f32, radius_px: f32, hardness: f32) -> f32 {
    let edge_px = (1.0 - hardness) * radius_px + 1.0;
    let t = clamp((radius_px + 0.5 - distance_px) / edge_px, 0.0, 1.0);
    let smooth_t = t * t * (3.0 - 2.0 * t);
    return smooth_t + (t - smooth_t) * hardness;
}

/// Coverage in every channel; blending takes the maximum or adds what is missing, and the write
/// mask chooses between stamps that stay and the tail.
@fragment
fn fs_stamp(print: Print) -> @location(0) vec4<f32> {
    let distance_px = length(print.position.xy - print.centre);
    return vec4<f32>(print.nib.z * nib_coverage(distance_px, print.nib.x, print.nib.y));
}

/// One triangle over the whole target; the scissor says which part is meant.
@vertex
fn vs_whole_target(@builtin(vertex_index) vertex_idx: u32) -> @builtin(position) vec4<f32> {
    let corner = vec2<f32>(f32(vertex_idx & 1u), f32(vertex_idx >> 1u));
    return vec4<f32>(corner * 4.0 - 1.0, 0.0, 1.0);
}

/// Takes the tail of the last frame away.
@fragment
fn fs_forget() -> @location(0) vec4<f32> {
    return vec4<f32>(0.0);
}

/// The plane with the stroke.
@fragment
fn fs_lay(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let pos = vec2<i32>(position.xy);
    let stamps = textureLoad(mask, pos, 0).xy;
    var coverage = max(stamps.x, stamps.y);
    if uniforms.is_accumulating == 1u {
        coverage = stamps.x + (1.0 - stamps.x) * stamps.y;
    }
    let before = textureLoad(base, pos, 0);
    return before + (uniforms.covered - before) * coverage * uniforms.opacity;
}
