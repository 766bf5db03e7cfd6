// Canny's edge detector in five passes: blur along rows and along columns, gradients, thinning, and
// growth from strong edges into weak ones. Partner: src/render/edges.rs; twin on the CPU:
// src/imaging/edges, with the same whole numbers at every step and so the same edges.

struct EdgeUniforms {
    /// Of the picture in pixels.
    size: vec2<u32>,
    low: u32,
    high: u32,
    /// Weights to the left of the middle one.
    blur_radius: u32,
    /// In 256ths, four to a vector.
    blur_weights: array<vec4<u32>, 13>,
}

@group(0) @binding(0) var<uniform> uniforms: EdgeUniforms;
/// Red in the lowest byte, then green and blue; row by row. The blur replaces them.
@group(0) @binding(1) var<storage, read_write> pixels: array<u32>;
/// Between the blurs: red and green, then blue, as 8.8 fixed point. Later: how strong the gradient
/// of a pixel is, and the direction across its edge.
@group(0) @binding(2) var<storage, read_write> scratch: array<vec2<u32>>;
/// NONE, WEAK or STRONG.
@group(0) @binding(3) var<storage, read_write> states: array<atomic<u32>>;
/// Whether the last growth found anything to do.
@group(0) @binding(4) var<storage, read_write> has_grown: atomic<u32>;

const NONE = 0u;
const WEAK = 1u;
const STRONG = 255u;

const HORIZONTAL = 0u;
const VERTICAL = 1u;
/// From the upper left to the lower right.
const FALLING = 2u;
const RISING = 3u;

/// Tangent of 22.5° with 15 fractional bits.
const TAN_22_5 = 13573u;

fn index(pos: vec2<i32>) -> u32 {
    return u32(pos.y) * uniforms.size.x + u32(pos.x);
}

fn is_inside(pos: vec2<i32>) -> bool {
    return all(pos >= vec2<i32>(0)) && all(pos < vec2<i32>(uniforms.size));
}

/// Place along a line of `n` pixels that is mirrored at its ends, which are not doubled.
fn mirrored(place: i32, n: u32) -> i32 {
    let last = i32(n) - 1;
    if last == 0 {
        return 0;
    }
    // Kernels may be longer than the line, so there may be more than one mirror in between.
    let within_period = abs(place) % (2 * last);
    return min(within_period, 2 * last - within_period);
}

fn blur_weight(idx: u32) -> u32 {
    return uniforms.blur_weights[idx / 4u][idx % 4u];
}

fn colour(pixel: u32) -> vec3<u32> {
    return vec3<u32>(pixel, pixel >> 8u, pixel >> 16u) & vec3<u32>(0xffu);
}

@compute @workgroup_size(16, 16)
fn blur_rows(@builtin(global_invocation_id) id: vec3<u32>) {
    if any(id.xy >= uniforms.size) {
        return;
    }
    let pos = vec2<i32>(id.xy);
    var sum = vec3<u32>(0u);
    for (var i = 0u; i <= 2u * uniforms.blur_radius; i++) {
        let x = mirrored(pos.x + i32(i) - i32(uniforms.blur_radius), uniforms.size.x);
        sum += blur_weight(i) * colour(pixels[index(vec2<i32>(x, pos.y))]);
    }
    scratch[index(pos)] = vec2<u32>(sum.r | (sum.g << 16u), sum.b);
}

@compute @workgroup_size(16, 16)
fn blur_columns(@builtin(global_invocation_id) id: vec3<u32>) {
    if any(id.xy >= uniforms.size) {
        return;
    }
    let pos = vec2<i32>(id.xy);
    var sum = vec3<u32>(0u);
    for (var i = 0u; i <= 2u * uniforms.blur_radius; i++) {
        let y = mirrored(pos.y + i32(i) - i32(uniforms.blur_radius), uniforms.size.y);
        let row = scratch[index(vec2<i32>(pos.x, y))];
        sum += blur_weight(i) * vec3<u32>(row.x & 0xffffu, row.x >> 16u, row.y);
    }
    let rounded = (sum + 0x8000u) >> vec3<u32>(16u);
    pixels[index(pos)] = rounded.r | (rounded.g << 8u) | (rounded.b << 16u);
}

/// Colour of a pixel; beyond its border the picture goes on as its border pixels.
fn colour_at(pos: vec2<i32>) -> vec3<i32> {
    let pos_inside = clamp(pos, vec2<i32>(0), vec2<i32>(uniforms.size) - 1);
    return vec3<i32>(colour(pixels[index(pos_inside)]));
}

/// Sobel gradients of the channel that changes most; the first of equals.
@compute @workgroup_size(16, 16)
fn find_gradients(@builtin(global_invocation_id) id: vec3<u32>) {
    if any(id.xy >= uniforms.size) {
        return;
    }
    let pos = vec2<i32>(id.xy);
    let upper_left = colour_at(pos + vec2<i32>(-1, -1));
    let upper_right = colour_at(pos + vec2<i32>(1, -1));
    let lower_left = colour_at(pos + vec2<i32>(-1, 1));
    let lower_right = colour_at(pos + vec2<i32>(1, 1));
    let across = colour_at(pos + vec2<i32>(1, 0)) - colour_at(pos + vec2<i32>(-1, 0));
    let down = colour_at(pos + vec2<i32>(0, 1)) - colour_at(pos + vec2<i32>(0, -1));
    let gx = upper_right + lower_right - upper_left - lower_left + 2 * across;
    let gy = lower_left + lower_right - upper_left - upper_right + 2 * down;

    let magnitudes = abs(gx) + abs(gy);
    var strongest = vec3<i32>(gx.r, gy.r, magnitudes.r);
    if magnitudes.g > strongest.z {
        strongest = vec3<i32>(gx.g, gy.g, magnitudes.g);
    }
    if magnitudes.b > strongest.z {
        strongest = vec3<i32>(gx.b, gy.b, magnitudes.b);
    }
    scratch[index(pos)] = vec2<u32>(u32(strongest.z), direction(strongest.xy));
}

fn direction(gradient: vec2<i32>) -> u32 {
    let steepness = vec2<u32>(abs(gradient));
    let height = steepness.y << 15u;
    let flattest = steepness.x * TAN_22_5;
    // tan 67.5° = tan 22.5° + 2.
    let steepest = flattest + (steepness.x << 16u);
    if height < flattest {
        return HORIZONTAL;
    }
    if height > steepest {
        return VERTICAL;
    }
    return select(RISING, FALLING, (gradient.x < 0) == (gradient.y < 0));
}

/// Nothing beyond the picture outdoes its border.
fn magnitude_at(pos: vec2<i32>) -> u32 {
    if !is_inside(pos) {
        return 0u;
    }
    return scratch[index(pos)].x;
}

/// Keeps what is greatest across its edge. Of two equal pixels the left or upper is kept, on
/// diagonals neither.
@compute @workgroup_size(16, 16)
fn thin(@builtin(global_invocation_id) id: vec3<u32>) {
    if any(id.xy >= uniforms.size) {
        return;
    }
    let pos = vec2<i32>(id.xy);
    let found = scratch[index(pos)];
    let magnitude = found.x;
    var step = vec2<i32>(1, 0);
    // What the pixel at `pos + step` must not reach.
    var limit = magnitude + 1u;
    switch found.y {
        case VERTICAL: {
            step = vec2<i32>(0, 1);
        }
        case FALLING: {
            step = vec2<i32>(1, 1);
            limit = magnitude;
        }
        case RISING: {
            step = vec2<i32>(-1, 1);
            limit = magnitude;
        }
        default: {}
    }
    let is_ridge = magnitude_at(pos - step) < magnitude && magnitude_at(pos + step) < limit;
    var state = NONE;
    if magnitude > uniforms.low && is_ridge {
        state = select(WEAK, STRONG, magnitude > uniforms.high);
    }
    atomicStore(&states[index(pos)], state);
}

/// The states of a workgroup's 16×16 pixels with a frame of one pixel.
var<workgroup> tile: array<atomic<u32>, 324>;
var<workgroup> tile_has_grown: atomic<u32>;
var<workgroup> goes_on: u32;

/// Place in `tile` of a pixel counted from the tile's upper left one; the frame is at −1 and 16.
fn tile_index(pos_in_tile: vec2<i32>) -> u32 {
    return u32((pos_in_tile.y + 1) * 18 + pos_in_tile.x + 1);
}

fn touches_strong(pos_in_tile: vec2<i32>) -> bool {
    for (var y = -1; y <= 1; y++) {
        for (var x = -1; x <= 1; x++) {
            if atomicLoad(&tile[tile_index(pos_in_tile + vec2<i32>(x, y))]) == STRONG {
                return true;
            }
        }
    }
    return false;
}

/// Makes weak pixels strong that touch a strong one, within each tile until nothing changes.
///
/// What grows into a tile's frame meanwhile counts at the next pass, at the latest. Once a pass has
/// changed nothing, nothing can change any more, in whichever order the tiles were done.
@compute @workgroup_size(16, 16)
fn grow(
    @builtin(workgroup_id) tile_id: vec3<u32>,
    @builtin(local_invocation_id) id_in_tile: vec3<u32>,
    @builtin(local_invocation_index) invocation_idx: u32,
) {
    let tile_min = vec2<i32>(tile_id.xy) * 16;
    for (var cell = invocation_idx; cell < 324u; cell += 256u) {
        let pos = tile_min + vec2<i32>(i32(cell % 18u), i32(cell / 18u)) - 1;
        var state = NONE;
        if is_inside(pos) {
            state = atomicLoad(&states[index(pos)]);
        }
        atomicStore(&tile[cell], state);
    }
    if invocation_idx == 0u {
        atomicStore(&tile_has_grown, 0u);
    }
    workgroupBarrier();

    let pos_in_tile = vec2<i32>(id_in_tile.xy);
    let own = tile_index(pos_in_tile);
    let was_weak = atomicLoad(&tile[own]) == WEAK;
    loop {
        if was_weak && atomicLoad(&tile[own]) == WEAK && touches_strong(pos_in_tile) {
            atomicStore(&tile[own], STRONG);
            atomicStore(&tile_has_grown, 1u);
        }
        workgroupBarrier();
        if invocation_idx == 0u {
            goes_on = atomicExchange(&tile_has_grown, 0u);
        }
        if workgroupUniformLoad(&goes_on) == 0u {
            break;
        }
    }
    if was_weak && atomicLoad(&tile[own]) == STRONG {
        atomicStore(&states[index(tile_min + pos_in_tile)], STRONG);
        atomicStore(&has_grown, 1u);
    }
}
