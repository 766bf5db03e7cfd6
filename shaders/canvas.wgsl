// The picture on the canvas: exact filtering at every zoom, checkerboard under transparency, and a
// cross-fade from the picture before. Partner: src/render/canvas.rs.
//
// Spaces: `screen` is in pixels of the target from its top left corner, `canvas` in pixels of the
// picture. Colours are gamma-encoded, and mixed like that, because egui, browsers and picture
// viewers do so too; the textures hold premultiplied alpha.

struct CanvasUniforms {
    picture_min_in_screen: vec2<f32>,
    picture_size_in_screen: vec2<f32>,
    screen_size: vec2<f32>,
    checker_cell_in_screen: f32,
    /// 0 shows the previous picture, 1 the current one.
    fade: f32,
    checker_even: vec4<f32>,
    checker_odd: vec4<f32>,
}

@group(0) @binding(0) var<uniform> uniforms: CanvasUniforms;
@group(0) @binding(1) var previous_picture: texture_2d<f32>;
@group(0) @binding(2) var current_picture: texture_2d<f32>;

/// A rectangle that just covers every screen pixel touched by the picture.
@vertex
fn vs_picture(@builtin(vertex_index) vertex_idx: u32) -> @builtin(position) vec4<f32> {
    let corner = vec2<f32>(f32(vertex_idx & 1u), f32(vertex_idx >> 1u));
    let min_in_screen = floor(uniforms.picture_min_in_screen);
    let max_in_screen = ceil(uniforms.picture_min_in_screen + uniforms.picture_size_in_screen);
    let pos_in_screen = mix(min_in_screen, max_in_screen, corner);
    let pos_in_clip = pos_in_screen / uniforms.screen_size * vec2<f32>(2.0, -2.0) + vec2<f32>(-1.0, 1.0);
    return vec4<f32>(pos_in_clip, 0.0, 1.0);
}

/// Premultiplied colour of one picture pixel in the midst of the cross-fade. Both pictures have
/// the same size.
fn visible_texel(pos_in_canvas: vec2<i32>) -> vec4<f32> {
    let current = textureLoad(current_picture, pos_in_canvas, 0);
    if uniforms.fade >= 1.0 {
        return current;
    }
    return mix(textureLoad(previous_picture, pos_in_canvas, 0), current, uniforms.fade);
}

/// What is seen at the centre of the screen pixel `pos_in_screen`: colour, and in alpha how much
/// of the pixel the picture covers.
///
/// Picture pixels are taken as the little squares that they are, and averaged over the area of the
/// screen pixel. Magnified this gives flat squares with antialiased edges, at 100 % the exact
/// pixels, minified the exact mean; nothing outside the picture is ever read.
fn shade(pos_in_screen: vec2<f32>) -> vec4<f32> {
    let size_in_canvas = vec2<f32>(textureDimensions(current_picture));
    let canvas_per_screen = size_in_canvas / uniforms.picture_size_in_screen;
    let min_in_canvas = (pos_in_screen - 0.5 - uniforms.picture_min_in_screen) * canvas_per_screen;
    let max_in_canvas = min_in_canvas + canvas_per_screen;
    let low = clamp(min_in_canvas, vec2<f32>(0.0), size_in_canvas);
    let high = clamp(max_in_canvas, vec2<f32>(0.0), size_in_canvas);
    let first = vec2<i32>(floor(low));
    let end = vec2<i32>(ceil(high));

    var sum = vec4<f32>(0.0);
    for (var y = first.y; y < end.y; y++) {
        let height = min(high.y, f32(y + 1)) - max(low.y, f32(y));
        for (var x = first.x; x < end.x; x++) {
            let width = min(high.x, f32(x + 1)) - max(low.x, f32(x));
            sum += width * height * visible_texel(vec2<i32>(x, y));
        }
    }
    let area = canvas_per_screen.x * canvas_per_screen.y;
    let picture = sum / area;
    let covered = (high - low) / canvas_per_screen;
    let coverage = covered.x * covered.y;

    let cell = vec2<i32>(floor((pos_in_screen - uniforms.picture_min_in_screen) / uniforms.checker_cell_in_screen));
    let is_odd = ((cell.x + cell.y) & 1) == 1;
    let checker = select(uniforms.checker_even, uniforms.checker_odd, is_odd).rgb;
    return vec4<f32>(picture.rgb + checker * max(coverage - picture.a, 0.0), coverage);
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

/// One triangle over the whole target.
@vertex
fn vs_whole_target(@builtin(vertex_index) vertex_idx: u32) -> @builtin(position) vec4<f32> {
    let corner = vec2<f32>(f32(vertex_idx & 1u), f32(vertex_idx >> 1u));
    return vec4<f32>(corner * 4.0 - 1.0, 0.0, 1.0);
}

/// Keeps what is visible in the midst of a cross-fade, pixel by pixel, for the next fade to start
/// from. The target has the size of the pictures.
@fragment
fn fs_keep_visible(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    return visible_texel(vec2<i32>(position.xy));
}
