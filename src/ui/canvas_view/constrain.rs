//! Shapes under Shift and Alt: straight angles, squares, circles, and shapes around their centre.

use std::f32::consts::FRAC_PI_4;

use egui::Modifiers;

use crate::document::Point;

/// The ends of a shape that is dragged between two positions. Shift turns lines to multiples of
/// 45 degrees and makes the sides of other shapes equal; Alt takes the first position for the
/// centre.
pub(super) fn constrained([from, to]: [Point; 2], is_line: bool, held: Modifiers) -> [Point; 2] {
    let dragged = [to[0] - from[0], to[1] - from[1]];
    let [x, y] = match (held.shift, is_line) {
        (false, _) => dragged,
        (true, true) => at_straight_angle(dragged),
        (true, false) => {
            let side = dragged[0].abs().max(dragged[1].abs());
            dragged.map(|value| side.copysign(value))
        }
    };
    let start = if held.alt { [from[0] - x, from[1] - y] } else { from };
    [start, [from[0] + x, from[1] + y]]
}

fn at_straight_angle([x, y]: Point) -> Point {
    let angle = (y.atan2(x) / FRAC_PI_4).round() * FRAC_PI_4;
    let (sin, cos) = angle.sin_cos();
    // What lies in the direction, so that the end stays near the pointer.
    let length = x * cos + y * sin;
    [length * cos, length * sin]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: [Point; 2] = [[10.0, 20.0], [40.0, 27.0]];

    #[test]
    fn shift_makes_squares_and_straight_angles() {
        assert_eq!(constrained(ENDS, false, Modifiers::NONE), ENDS);
        assert_eq!(constrained(ENDS, false, Modifiers::SHIFT), [[10.0, 20.0], [40.0, 50.0]]);
        let [from, to] = constrained(ENDS, true, Modifiers::SHIFT);
        assert!(from == ENDS[0] && (to[0] - 40.0).abs() < 1e-4 && (to[1] - 20.0).abs() < 1e-4);
        let [_, to] = constrained([[0.0, 0.0], [-9.0, 11.0]], true, Modifiers::SHIFT);
        assert!((to[0] + to[1]).abs() < 1e-4 && to[1] > 9.0, "{to:?}");
    }

    #[test]
    fn alt_draws_around_the_first_position() {
        assert_eq!(constrained(ENDS, false, Modifiers::ALT), [[-20.0, 13.0], [40.0, 27.0]]);
        let both = constrained(ENDS, false, Modifiers::ALT | Modifiers::SHIFT);
        assert_eq!(both, [[-20.0, -10.0], [40.0, 50.0]]);
    }
}
