// The control layers: flattened to one picture of the canvas' size where something changed, and
// magnified smoothly onto the screen. Partner: src/render/layers.rs; twin of the first step on the
// CPU: src/render/flatten.rs.
//
// Spaces as in canvas.wgsl: `screen` in pixels of the target, `canvas` in pixels of the drawing.
// Colours are gamma-encoded and premultiplied.

struct FlattenUniforms {
    ink: vec4<f32>,
    halo: vec4<f32>,
    depth_lit: vec4<f32>,
    depth_shaded: vec4<f32>,
    wash: vec4<f32>,
    /// 1 for lines, depth, colour and the mask if there is something to see of them.
    is_shown: vec4<u32>,
    /// How much lighter a slope of the depth gets the steeper it is.
    relief: f32,
    /// Share of the halo that reaches a pixel from across a corner.
    halo_corner: f32,
    /// Pixels from one stripe of the wash to the next; 0 for an even one.
    hatch_period: u32,
    /// Share of the wash between the stripes.
    between_stripes: f32,
}

@group(0) @binding(0) var<uniform> flatten_uniforms: FlattenUniforms;
@group(0) @binding(1) var lines: texture_2d<f32>;
@group(0) @binding(2) var depth: texture_2d<f32>;
@group(0) @binding(3) var colour: texture_2d<f32>;
/// What is missing from full strength, or what is locked.
@group(0) @binding(4) var mask_plane: texture_2d<f32>;

/// One triangle over the whole target; the scissor says which part is meant.
@vertex
fn vs_whole_target(@builtin(vertex_index) vertex_idx: u32) -> @builtin(position) vec4<f32> {
    let corner = vec2<f32>(f32(vertex_idx & 1u), f32(vertex_idx >> 1u));
    return vec4<f32>(corner * 4.0 - 1.0, 0.0, 1.0);
}

/// The level of a neighbour; beyond its border the drawing goes on as it is there.
fn level(plane: texture_2d<f32>, pos: vec2<i32>, dx: i32, dy: i32) -> f32 {
    let last = vec2<i32>(textureDimensions(plane)) - 1;
    return textureLoad(plane, clamp(pos + vec2<i32>(dx, dy), vec2<i32>(0), last), 0).r;
}

fn over(above: vec4<f32>, coverage: f32, below: vec4<f32>) -> vec4<f32> {
    return above * coverage + below * (1.0 - above.a * coverage);
}

@fragment
fn fs_flatten(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let pos = vec2<i32>(position.xy);
    let is_shown = flatten_uniforms.is_shown;
    var flat = vec4<f32>(0.0);
    if is_shown.z == 1u {
        flat = textureLoad(colour, pos, 0);
    }
    if is_shown.y == 1u {
        let nearness = level(depth, pos, 0, 0);
        // Sobel's slope along the diagonal.
        let after = level(depth, pos, 1, 1) + level(depth, pos, 1, 0) + level(depth, pos, 0, 1);
        let before = level(depth, pos, -1, -1) + level(depth, pos, -1, 0) + level(depth, pos, 0, -1);
        let rise = (after - before) / 2.0;
        let light = clamp(0.5 + 0.5 * flatten_uniforms.relief * rise, 0.0, 1.0);
        let surface = mix(flatten_uniforms.depth_shaded, flatten_uniforms.depth_lit, light);
        flat = over(surface, nearness, flat);
    }
    if is_shown.x == 1u {
        let ink = level(lines, pos, 0, 0);
        let beside = max(
            max(level(lines, pos, -1, 0), level(lines, pos, 1, 0)),
            max(level(lines, pos, 0, -1), level(lines, pos, 0, 1)),
        );
        let across = max(
            max(level(lines, pos, -1, -1), level(lines, pos, 1, -1)),
            max(level(lines, pos, -1, 1), level(lines, pos, 1, 1)),
        );
        let around = max(max(ink, beside), flatten_uniforms.halo_corner * across);
        flat = over(flatten_uniforms.halo, around, flat);
        flat = over(flatten_uniforms.ink, ink, flat);
    }
    if is_shown.w == 1u {
        var share = 1.0;
        let period = flatten_uniforms.hatch_period;
        if period > 0u && u32(pos.x + pos.y) % period >= period / 2u {
            share = flatten_uniforms.between_stripes;
        }
        flat = over(flatten_uniforms.wash, share * level(mask_plane, pos, 0, 0), flat);
    }
    return flat;
}

struct SketchUniforms {
    canvas_min_in_screen: vec2<f32>,
    canvas_size_in_screen: vec2<f32>,
    screen_size: vec2<f32>,
    /// The part of the canvas with something on it.
    drawn_min_in_canvas: vec2<f32>,
    drawn_max_in_canvas: vec2<f32>,
    lens_centre_in_screen: vec2<f32>,
    /// 0 for no lens.
    lens_radius_in_screen: f32,
    opacity: f32,
}

@group(0) @binding(5) var<uniform> sketch_uniforms: SketchUniforms;
/// The target of `fs_flatten`.
@group(0) @binding(6) var flat_sketch: texture_2d<f32>;
@group(0) @binding(7) var smooth_sampler: sampler;

/// A rectangle over what is drawn, at most as large as the lens.
@vertex
fn vs_sketch(@builtin(vertex_index) vertex_idx: u32) -> @builtin(position) vec4<f32> {
    let corner = vec2<f32>(f32(vertex_idx & 1u), f32(vertex_idx >> 1u));
    let screen_per_canvas = sketch_uniforms.canvas_size_in_screen / vec2<f32>(textureDimensions(flat_sketch));
    // Smoothing reaches a little further than the pixels themselves.
    var low = sketch_uniforms.canvas_min_in_screen
        + (sketch_uniforms.drawn_min_in_canvas - 1.0) * screen_per_canvas;
    var high = sketch_uniforms.canvas_min_in_screen
        + (sketch_uniforms.drawn_max_in_canvas + 1.0) * screen_per_canvas;
    low = max(low, sketch_uniforms.canvas_min_in_screen);
    high = min(high, sketch_uniforms.canvas_min_in_screen + sketch_uniforms.canvas_size_in_screen);
    if sketch_uniforms.lens_radius_in_screen > 0.0 {
        let reach = sketch_uniforms.lens_radius_in_screen + 1.0;
        low = max(low, sketch_uniforms.lens_centre_in_screen - reach);
        high = max(min(high, sketch_uniforms.lens_centre_in_screen + reach), low);
    }
    let pos_in_screen = mix(floor(low), ceil(high), corner);
    let pos_in_clip = pos_in_screen / sketch_uniforms.screen_size * vec2<f32>(2.0, -2.0) + vec2<f32>(-1.0, 1.0);
    return vec4<f32>(pos_in_clip, 0.0, 1.0);
}

/// Weights of four neighbours for a place `t` of the way from the second to the third: the cubic of
/// Mitchell and Netravali, smooth without ringing.
fn cubic_weights(t: f32) -> vec4<f32> {
    let t2 = t * t;
    let t3 = t2 * t;
    return vec4<f32>(
        (1.0 - 9.0 * t + 15.0 * t2 - 7.0 * t3) / 18.0,
        (16.0 - 36.0 * t2 + 21.0 * t3) / 18.0,
        (1.0 + 9.0 * t + 27.0 * t2 - 21.0 * t3) / 18.0,
        (-6.0 * t2 + 7.0 * t3) / 18.0,
    );
}

fn smooth_texel(pos_in_canvas: vec2<f32>, size: vec2<f32>) -> vec4<f32> {
    return textureSampleLevel(flat_sketch, smooth_sampler, pos_in_canvas / size, 0.0);
}

/// Magnified: cubic in both directions. The two middle columns and rows are taken in one
/// interpolated sample, and the four corners, which hardly count, are left out.
fn magnified(pos_in_canvas: vec2<f32>, size: vec2<f32>) -> vec4<f32> {
    let second = floor(pos_in_canvas - 0.5) + 0.5;
    let t = pos_in_canvas - second;
    let x = cubic_weights(t.x);
    let y = cubic_weights(t.y);
    let middle_weight = vec2<f32>(x.y + x.z, y.y + y.z);
    let middle = second + vec2<f32>(x.z, y.z) / middle_weight;
    let weights = vec4<f32>(x.x * middle_weight.y, x.w * middle_weight.y, y.x * middle_weight.x, y.w * middle_weight.x);
    let centre_weight = middle_weight.x * middle_weight.y;
    var sum = centre_weight * smooth_texel(middle, size);
    sum += weights.x * smooth_texel(vec2<f32>(second.x - 1.0, middle.y), size);
    sum += weights.y * smooth_texel(vec2<f32>(second.x + 2.0, middle.y), size);
    sum += weights.z * smooth_texel(vec2<f32>(middle.x, second.y - 1.0), size);
    sum += weights.w * smooth_texel(vec2<f32>(middle.x, second.y + 2.0), size);
    sum /= centre_weight + weights.x + weights.y + weights.z + weights.w;
    let alpha = clamp(sum.a, 0.0, 1.0);
    return vec4<f32>(clamp(sum.rgb, vec3<f32>(0.0), vec3<f32>(alpha)), alpha);
}

/// At 100 % and below: the mean over the area of the screen pixel.
fn minified(pos_in_canvas: vec2<f32>, canvas_per_screen: vec2<f32>, size: vec2<f32>) -> vec4<f32> {
    let low = clamp(pos_in_canvas - 0.5 * canvas_per_screen, vec2<f32>(0.0), size);
    let high = clamp(pos_in_canvas + 0.5 * canvas_per_screen, vec2<f32>(0.0), size);
    let first = vec2<i32>(floor(low));
    let end = vec2<i32>(ceil(high));
    var sum = vec4<f32>(0.0);
    for (var y = first.y; y < end.y; y++) {
        let height = min(high.y, f32(y + 1)) - max(low.y, f32(y));
        for (var x = first.x; x < end.x; x++) {
            let width = min(high.x, f32(x + 1)) - max(low.x, f32(x));
            sum += width * height * textureLoad(flat_sketch, vec2<i32>(x, y), 0);
        }
    }
    return sum / (canvas_per_screen.x * canvas_per_screen.y);
}

/// What is seen of the controls at the centre of the screen pixel `pos_in_screen`.
fn shade(pos_in_screen: vec2<f32>) -> vec4<f32> {
    let size = vec2<f32>(textureDimensions(flat_sketch));
    let canvas_per_screen = size / sketch_uniforms.canvas_size_in_screen;
    let from_min = pos_in_screen - sketch_uniforms.canvas_min_in_screen;
    let pos_in_canvas = from_min * canvas_per_screen;
    var coverage = sketch_uniforms.opacity;
    if sketch_uniforms.lens_radius_in_screen > 0.0 {
        let from_centre = distance(pos_in_screen, sketch_uniforms.lens_centre_in_screen);
        coverage *= clamp(sketch_uniforms.lens_radius_in_screen + 0.5 - from_centre, 0.0, 1.0);
    }
    if canvas_per_screen.x > 0.999 {
        return coverage * minified(pos_in_canvas, canvas_per_screen, size);
    }
    // How much of the pixel lies on the canvas.
    let covered = clamp(from_min + 0.5, vec2<f32>(0.0), vec2<f32>(1.0))
        * clamp(sketch_uniforms.canvas_size_in_screen - from_min + 0.5, vec2<f32>(0.0), vec2<f32>(1.0));
    return coverage * covered.x * covered.y * magnified(pos_in_canvas, size);
}

/// For targets that store what they are given: what egui prefers.
@fragment
fn fs_gamma_target(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    return shade(position.xy);
}

/// For sRGB targets, which encode on writing and so want linear light.
@fragment
fn fs_linear_target(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let gamma = shade(position.xy);
    if gamma.a <= 0.0 {
        return vec4<f32>(0.0);
    }
    // The transfer function holds for colours, not for colours times coverage.
    return vec4<f32>(linear_from_gamma(gamma.rgb / gamma.a) * gamma.a, gamma.a);
}

fn linear_from_gamma(gamma: vec3<f32>) -> vec3<f32> {
    let low = gamma / 12.92;
    let high = pow((gamma + 0.055) / 1.055, vec3<f32>(2.4));
    return select(high, low, gamma < vec3<f32>(0.04045));
}
