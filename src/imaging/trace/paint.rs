//! Shapes back to pixels, to show what an SVG file will look like before it is written.

use image::{Rgba, RgbaImage};
use vtracer::PointF64;
use vtracer::ir::{Paint, PathCmd, Shape, VectorDoc};

/// Rows and columns of samples per pixel.
const N_SAMPLES: usize = 4;
/// Straight pieces of a curve.
const N_PIECES: u32 = 8;

/// A straight piece of an outline, in samples.
struct Piece {
    from: [f64; 2],
    to: [f64; 2],
}

/// Paints all shapes in their order; `margin` pixels are cut off around them.
pub(super) fn paint(doc: &VectorDoc, width: u32, height: u32, margin: f64) -> RgbaImage {
    let mut picture = RgbaImage::new(width, height);
    for shape in &doc.shapes {
        let Paint::Solid(colour) = shape.paint;
        let mut covered = vec![0_u8; (width * height) as usize];
        cover(&mut covered, width as usize, height as usize, &outline(shape, margin));
        for (pixel, n_covered) in picture.pixels_mut().zip(&covered) {
            let share = f32::from(*n_covered) / (N_SAMPLES * N_SAMPLES) as f32;
            if share > 0.0 {
                *pixel = laid_over(*pixel, [colour.r, colour.g, colour.b], share);
            }
        }
    }
    picture
}

fn outline(shape: &Shape, margin: f64) -> Vec<Piece> {
    let scale = N_SAMPLES as f64;
    let place = |point: PointF64| [(point.x - margin) * scale, (point.y - margin) * scale];
    let mut pieces = Vec::new();
    for path in &shape.path.subpaths {
        let mut start = [0.0; 2];
        let mut at = start;
        let mut line = |at: &mut [f64; 2], to: [f64; 2]| {
            pieces.push(Piece { from: *at, to });
            *at = to;
        };
        for command in &path.commands {
            match *command {
                PathCmd::MoveTo(point) => {
                    start = place(point);
                    at = start;
                }
                PathCmd::LineTo(point) => line(&mut at, place(point)),
                PathCmd::CubicTo(first, second, end) => {
                    let curve = [at, place(first), place(second), place(end)];
                    for piece in 1..=N_PIECES {
                        line(&mut at, on_curve(&curve, f64::from(piece) / f64::from(N_PIECES)));
                    }
                }
                PathCmd::Close => line(&mut at, start),
            }
        }
        line(&mut at, start);
    }
    pieces
}

fn on_curve(points: &[[f64; 2]; 4], t: f64) -> [f64; 2] {
    let s = 1.0 - t;
    let weights = [s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t];
    [0, 1].map(|axis| weights.iter().zip(points).map(|(weight, point)| weight * point[axis]).sum())
}

/// Counts the samples of each pixel that are inside, by the non-zero rule.
fn cover(covered: &mut [u8], width: usize, height: usize, pieces: &[Piece]) {
    let mut crossings: Vec<(f64, i32)> = Vec::new();
    for row in 0..height * N_SAMPLES {
        let y = row as f64 + 0.5;
        crossings.clear();
        for Piece { from, to } in pieces {
            let is_down = from[1] <= y && to[1] > y;
            let is_up = to[1] <= y && from[1] > y;
            if is_down || is_up {
                let share = (y - from[1]) / (to[1] - from[1]);
                let x = from[0] + share * (to[0] - from[0]);
                crossings.push((x, if is_down { 1 } else { -1 }));
            }
        }
        crossings.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut winding = 0;
        for pair in crossings.windows(2) {
            winding += pair[0].1;
            if winding != 0 {
                let sample = |x: f64| (x - 0.5).ceil().clamp(0.0, (width * N_SAMPLES) as f64);
                for column in sample(pair[0].0) as usize..sample(pair[1].0) as usize {
                    covered[row / N_SAMPLES * width + column / N_SAMPLES] += 1;
                }
            }
        }
    }
}

fn laid_over(base: Rgba<u8>, colour: [u8; 3], share: f32) -> Rgba<u8> {
    let below = f32::from(base.0[3]) / 255.0 * (1.0 - share);
    let alpha = share + below;
    let mix = |channel: usize| {
        let sum = f32::from(colour[channel]) * share + f32::from(base.0[channel]) * below;
        (sum / alpha).round() as u8
    };
    Rgba([mix(0), mix(1), mix(2), (alpha * 255.0).round() as u8])
}
