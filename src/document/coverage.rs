//! The shapes of ink as closed formulas of a distance: no state, no table, one pixel at a time.
//!
//! All lengths are canvas pixels, positions have (0, 0) at the top left corner of the canvas, so
//! pixel (x, y) is sampled at (x + 0.5, y + 0.5). A shader that evaluates the same formulas in
//! 32-bit floats gives the same coverage to within rounding; keep both alike.

use super::symmetry::{Point, distance};

/// Coverage in [0, 1] of a round nib, `distance_px` from its centre.
///
/// The edge falls from 1 to 0 over `(1 - hardness) · radius + 1` pixels and ends half a pixel
/// outside the radius. A hard nib falls linearly, which is antialiasing; a soft one by smoothstep.
pub fn nib(distance_px: f32, radius_px: f32, hardness: f32) -> f32 {
    let edge_px = (1.0 - hardness) * radius_px + 1.0;
    let t = ((radius_px + 0.5 - distance_px) / edge_px).clamp(0.0, 1.0);
    let smooth = t * t * (3.0 - 2.0 * t);
    smooth + (t - smooth) * hardness
}

/// Coverage of a filled shape at a signed distance from its border, negative inside.
pub(super) fn filled(signed_distance_px: f32) -> f32 {
    (0.5 - signed_distance_px).clamp(0.0, 1.0)
}

/// Distance to the straight line between two points.
pub(super) fn segment_distance(at: Point, from: Point, to: Point) -> f32 {
    let (along, pos) = ([to[0] - from[0], to[1] - from[1]], [at[0] - from[0], at[1] - from[1]]);
    let length_squared = along[0] * along[0] + along[1] * along[1];
    let t = if length_squared > 0.0 {
        ((pos[0] * along[0] + pos[1] * along[1]) / length_squared).clamp(0.0, 1.0)
    } else {
        0.0
    };
    distance(pos, [along[0] * t, along[1] * t])
}

/// Signed distance to the border of an upright rectangle of `half` width and height around the
/// origin.
pub(super) fn rectangle_distance(at: Point, half: Point) -> f32 {
    let outside = [at[0].abs() - half[0], at[1].abs() - half[1]];
    let beyond = distance([outside[0].max(0.0), outside[1].max(0.0)], [0.0, 0.0]);
    beyond + outside[0].max(outside[1]).min(0.0)
}

/// Signed distance to an upright ellipse with semi-axes `half` around the origin.
///
/// The nearest point is found by four steps that replace the ellipse by its circle of curvature;
/// that many leave an error below a hundredth of a pixel at the sizes of a canvas. Semi-axes
/// below half a pixel count as half a pixel.
pub(super) fn ellipse_distance(at: Point, half: Point) -> f32 {
    let (a, b) = (half[0].max(0.5), half[1].max(0.5));
    let (x, y) = (at[0].abs(), at[1].abs());
    let (mut cos, mut sin) = (std::f32::consts::FRAC_1_SQRT_2, std::f32::consts::FRAC_1_SQRT_2);
    for _ in 0..4 {
        // Centre of the circle of curvature at the point reached so far.
        let centre = [(a * a - b * b) * cos.powi(3) / a, (b * b - a * a) * sin.powi(3) / b];
        let radius = distance([a * cos, b * sin], centre);
        let reach = distance([x, y], centre).max(1e-6);
        cos = ((centre[0] + (x - centre[0]) * radius / reach) / a).clamp(0.0, 1.0);
        sin = ((centre[1] + (y - centre[1]) * radius / reach) / b).clamp(0.0, 1.0);
        let norm = distance([cos, sin], [0.0, 0.0]).max(1e-6);
        (cos, sin) = (cos / norm, sin / norm);
    }
    let to_border = distance([x, y], [a * cos, b * sin]);
    let is_inside = (x / a) * (x / a) + (y / b) * (y / b) < 1.0;
    if is_inside { -to_border } else { to_border }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nib_is_full_inside_and_empty_outside() {
        for hardness in [0.0, 0.3, 1.0] {
            assert!(nib(0.0, 20.0, hardness) > 0.99);
            assert_eq!(nib(20.5, 20.0, hardness), 0.0);
            let values: Vec<f32> = (0..50).map(|d| nib(d as f32 * 0.5, 20.0, hardness)).collect();
            assert!(values.is_sorted_by(|a, b| a >= b));
        }
        assert_eq!(nib(19.5, 20.0, 1.0), 1.0);
        assert_eq!(nib(20.0, 20.0, 1.0), 0.5);
        // Half as far out, a soft nib has lost half.
        assert!((nib(10.0, 20.0, 0.0) - 0.5).abs() < 0.02);
    }

    #[test]
    fn distances_of_plain_cases() {
        assert_eq!(segment_distance([5.0, 3.0], [0.0, 0.0], [10.0, 0.0]), 3.0);
        assert_eq!(segment_distance([13.0, 4.0], [0.0, 0.0], [10.0, 0.0]), 5.0);
        assert_eq!(segment_distance([3.0, 4.0], [0.0, 0.0], [0.0, 0.0]), 5.0);
        assert_eq!(rectangle_distance([13.0, 14.0], [10.0, 10.0]), 5.0);
        assert_eq!(rectangle_distance([8.0, 0.0], [10.0, 10.0]), -2.0);
        assert!((ellipse_distance([9.0, 12.0], [10.0, 10.0]) - 5.0).abs() < 1e-4);
        assert!((ellipse_distance([0.0, 0.0], [30.0, 10.0]) + 10.0).abs() < 0.05);
        assert!(ellipse_distance([0.0, 0.0], [0.0, 0.0]).is_finite());
    }

    #[test]
    fn ellipse_distance_agrees_with_a_search() {
        for half in [[40.0, 12.0], [9.0, 70.0], [50.0, 50.0], [100.0, 20.0]] {
            for step in 0..400 {
                let at = [(step % 20) as f32 * 6.3 - 60.0, (step / 20) as f32 * 6.1 - 60.0];
                let nearest = (0..20_000)
                    .map(|idx| {
                        let angle = idx as f32 * std::f32::consts::TAU / 20_000.0;
                        distance(at, [half[0] * angle.cos(), half[1] * angle.sin()])
                    })
                    .fold(f32::INFINITY, f32::min);
                let found = ellipse_distance(at, half).abs();
                assert!((found - nearest).abs() < 0.5, "{at:?} {half:?}: {found} for {nearest}");
                // Where antialiasing looks, it must be exact.
                if nearest < 8.0 {
                    assert!((found - nearest).abs() < 0.02, "{at:?} {half:?}: {found} {nearest}");
                }
            }
        }
    }
}
