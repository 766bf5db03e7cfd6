//! From the pen to stamps: evens out the hand, runs a smooth curve through the points and prints
//! the nib along it.
//!
//! The curve between two points depends on the point after them, so a stroke that is still being
//! drawn has a settled part, which never changes again, and a short tail, which does. What is
//! shown is always settled part plus tail, and that is what the stroke would be if it ended here.

use serde::{Deserialize, Serialize};

use super::brush::Brush;
use super::stamp::Stamp;
use super::symmetry::{Point, distance};

/// Stamps are at least this far apart, however small the nib.
const MIN_SPACING_PX: f32 = 0.25;
/// Length of the straight pieces that a curve is walked in.
const PIECE_PX: f32 = 2.0;
const MAX_PIECES: f32 = 256.0;
/// Bounds of the time between two points; clocks stand still and programs stop.
const MIN_STEP_SECS: f32 = 0.001;
const MAX_STEP_SECS: f32 = 0.1;

/// What a mouse, finger or pen reports.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PenPoint {
    /// In canvas pixels.
    pub pos: Point,
    /// 0–1; 1 for what has no pressure.
    pub pressure: f32,
    /// Since the stroke began.
    pub secs: f32,
}

/// A point the curve goes through.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Knot {
    pos: Point,
    pressure: f32,
}

impl Knot {
    fn mix(self, other: Self, t: f32) -> Self {
        let mix = |a: f32, b: f32| a + (b - a) * t;
        Self {
            pos: [mix(self.pos[0], other.pos[0]), mix(self.pos[1], other.pos[1])],
            pressure: mix(self.pressure, other.pressure),
        }
    }

    /// The point on the other side of `self`, as far away.
    fn reflect(self, other: Self) -> Self {
        Self { pos: other.mix(self, 2.0).pos, pressure: self.pressure }
    }
}

/// A stroke's way from pen points to stamps.
#[derive(Debug, Clone)]
pub(super) struct StrokePath {
    brush: Brush,
    size_px: f32,
    /// The last knots, four at most. All curves before the last two of them are settled.
    knots: Vec<Knot>,
    /// Where the pen really is; smoothing lags behind it.
    pen: Option<(Knot, f32)>,
    walker: Option<Walker>,
}

impl StrokePath {
    /// A path on a canvas `size_px` wide.
    pub(super) fn new(brush: &Brush, size_px: usize) -> Self {
        let (brush, size_px) = (brush.clamped(), size_px as f32);
        Self { brush, size_px, knots: Vec::with_capacity(4), pen: None, walker: None }
    }

    /// Takes the next point and prints what is settled by it. Points that are not numbers are
    /// left out.
    pub(super) fn push(&mut self, point: PenPoint, print: &mut impl FnMut(Stamp)) {
        let PenPoint { pos, pressure, secs } = point;
        if [pos[0], pos[1], pressure, secs].iter().any(|value| !value.is_finite()) {
            return;
        }
        // A pen far outside draws nothing; bounding it bounds the number of stamps.
        let bounded = pos.map(|value| value.clamp(-self.size_px, 2.0 * self.size_px));
        let pen = Knot { pos: bounded, pressure: pressure.clamp(0.0, 1.0) };
        let Some((_, last_secs)) = self.pen.replace((pen, secs)) else {
            self.knots.push(pen);
            print(Stamp::new(&self.brush, pen.pos, pen.pressure));
            self.walker = Some(Walker::starting_at(pen, &self.brush));
            return;
        };
        let step = (secs - last_secs).clamp(MIN_STEP_SECS, MAX_STEP_SECS);
        let follow = step / (self.brush.smoothing_secs + step);
        let last = *self.knots.last().expect("a pen that was down left a knot");
        self.knots.push(last.mix(pen, follow));
        let walker = self.walker.as_mut().expect("starts with the first knot");
        match *self.knots.as_slice() {
            [a, b, c] => walker.follow([a.reflect(b), a, b, c], &self.brush, print),
            [a, b, c, d] => {
                walker.follow([a, b, c, d], &self.brush, print);
                self.knots.remove(0);
            }
            _ => {}
        }
    }

    /// Prints what is missing if the stroke ends here.
    pub(super) fn print_tail(&self, print: &mut impl FnMut(Stamp)) {
        let (Some((pen, _)), Some(mut walker)) = (self.pen, self.walker) else { return };
        let mut knots = self.knots.clone();
        if knots.last() != Some(&pen) {
            knots.push(pen);
        }
        let n_settled = self.knots.len().saturating_sub(2);
        for idx in n_settled..knots.len() - 1 {
            let (from, to) = (knots[idx], knots[idx + 1]);
            let before = if idx > 0 { knots[idx - 1] } else { from.reflect(to) };
            let after = knots.get(idx + 2).copied().unwrap_or_else(|| to.reflect(from));
            walker.follow([before, from, to, after], &self.brush, print);
        }
        // Accumulating brushes would leave a dark spot at the end.
        let is_capped = self.brush.build_up == super::BuildUp::Capped;
        if is_capped && walker.at != self.knots[0] {
            print(Stamp::new(&self.brush, walker.at.pos, walker.at.pressure));
        }
    }
}

/// Walks along the path and prints at even distances.
#[derive(Debug, Clone, Copy)]
struct Walker {
    at: Knot,
    until_next_px: f32,
}

impl Walker {
    fn starting_at(knot: Knot, brush: &Brush) -> Self {
        Self { at: knot, until_next_px: spacing_px(brush, knot) }
    }

    /// Follows the curve from the second to the third knot: a centripetal Catmull-Rom spline,
    /// which neither loops nor overshoots between uneven points.
    fn follow(
        &mut self,
        [before, from, to, after]: [Knot; 4],
        brush: &Brush,
        print: &mut impl FnMut(Stamp),
    ) {
        let knot_span = |a: Knot, b: Knot| distance(a.pos, b.pos).sqrt().max(1e-3);
        let spans = [knot_span(before, from), knot_span(from, to), knot_span(to, after)];
        let tangent = |axis: usize, a: Knot, b: Knot, c: Knot, ab: f32, bc: f32| {
            let slopes = (b.pos[axis] - a.pos[axis]) / ab + (c.pos[axis] - b.pos[axis]) / bc;
            spans[1] * (slopes - (c.pos[axis] - a.pos[axis]) / (ab + bc))
        };
        let leave = [0, 1].map(|axis| tangent(axis, before, from, to, spans[0], spans[1]));
        let arrive = [0, 1].map(|axis| tangent(axis, from, to, after, spans[1], spans[2]));
        let origin = [0.0, 0.0];
        let bow = (distance(leave, origin) + distance(arrive, origin)) / 3.0;
        let length = distance(from.pos, to.pos).max(bow);
        let n_pieces = (length / PIECE_PX).ceil().clamp(1.0, MAX_PIECES) as usize;
        for piece in 1..n_pieces {
            let t = piece as f32 / n_pieces as f32;
            let mut knot = from.mix(to, t);
            for axis in 0..2 {
                knot.pos[axis] =
                    hermite(from.pos[axis], leave[axis], to.pos[axis], arrive[axis], t);
            }
            self.walk_to(knot, brush, print);
        }
        self.walk_to(to, brush, print);
    }

    fn walk_to(&mut self, to: Knot, brush: &Brush, print: &mut impl FnMut(Stamp)) {
        loop {
            // Pressing harder on the spot grows the stamp, and that is a way to go as well.
            let growth = (to.pressure - self.at.pressure) * brush.size_px / 2.0;
            let length = distance([distance(to.pos, self.at.pos), growth], [0.0, 0.0]);
            if length <= self.until_next_px {
                self.until_next_px -= length;
                self.at = to;
                return;
            }
            self.at = self.at.mix(to, self.until_next_px / length);
            print(Stamp::new(brush, self.at.pos, self.at.pressure));
            self.until_next_px = spacing_px(brush, self.at);
        }
    }
}

fn spacing_px(brush: &Brush, at: Knot) -> f32 {
    let size_px = brush.size_px * brush.size_by_pressure.at(at.pressure);
    (size_px * brush.spacing).max(MIN_SPACING_PX)
}

/// The cubic from `start` to `end` that leaves and arrives with the given slopes, at `t` in 0–1.
fn hermite(start: f32, leave: f32, end: f32, arrive: f32, t: f32) -> f32 {
    let u = 1.0 - t;
    start * (1.0 + 2.0 * t) * u * u
        + leave * t * u * u
        + end * (3.0 - 2.0 * t) * t * t
        + arrive * t * t * (t - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::PressureCurve;

    fn point(x: f32, y: f32, pressure: f32, secs: f32) -> PenPoint {
        PenPoint { pos: [x, y], pressure, secs }
    }

    fn stamps(brush: &Brush, points: &[PenPoint]) -> Vec<Stamp> {
        let mut path = StrokePath::new(brush, 256);
        let mut all = Vec::new();
        for point in points {
            path.push(*point, &mut |stamp| all.push(stamp));
        }
        path.print_tail(&mut |stamp| all.push(stamp));
        all
    }

    fn plain() -> Brush {
        Brush { smoothing_secs: 0.0, size_px: 10.0, ..Brush::default() }
    }

    #[test]
    fn stamps_are_evenly_spaced_and_reach_both_ends() {
        let points = [point(10.0, 10.0, 1.0, 0.0), point(60.0, 10.0, 1.0, 0.1)];
        let stamps = stamps(&plain(), &points);
        assert_eq!(
            (stamps[0].centre, stamps[stamps.len() - 1].centre),
            ([10.0, 10.0], [60.0, 10.0])
        );
        assert_eq!(stamps.len(), 51);
        for pair in stamps.windows(2) {
            assert!((distance(pair[0].centre, pair[1].centre) - 1.0).abs() < 1e-3);
        }
    }

    #[test]
    fn the_curve_goes_through_its_points_and_is_round() {
        let on_circle = |idx: usize| {
            let angle = idx as f32 * 0.5;
            point(128.0 + 80.0 * angle.cos(), 128.0 + 80.0 * angle.sin(), 1.0, idx as f32 * 0.01)
        };
        let points: Vec<PenPoint> = (0..10).map(on_circle).collect();
        let stamps = stamps(&plain(), &points);
        for knot in &points {
            assert!(stamps.iter().any(|stamp| distance(stamp.centre, knot.pos) < 0.6));
        }
        let (first, last) = (points[1].pos, points[8].pos);
        let inner = stamps.iter().skip_while(|stamp| distance(stamp.centre, first) > 0.6);
        for stamp in inner.take_while(|stamp| distance(stamp.centre, last) > 0.6) {
            let radius = distance(stamp.centre, [128.0, 128.0]);
            // A straight chord would pass 2.5 px inside.
            assert!((radius - 80.0).abs() < 0.8, "{radius}");
        }
    }

    #[test]
    fn a_tap_leaves_a_dot_that_grows_with_pressure() {
        let brush = Brush { size_by_pressure: PressureCurve { least: 0.0, bend: 0.0 }, ..plain() };
        let tap = [point(9.0, 9.0, 0.1, 0.0), point(9.0, 9.0, 0.8, 0.1), point(9.0, 9.0, 0.2, 0.2)];
        let widest = stamps(&brush, &tap).iter().map(|stamp| stamp.radius_px).fold(0.0, f32::max);
        assert!((3.5..=4.0).contains(&widest), "{widest}");
        assert_eq!(stamps(&brush, &tap[..1]).len(), 1);
        assert!(stamps(&brush, &[]).is_empty());
    }

    #[test]
    fn smoothing_evens_out_a_shaky_hand_and_still_arrives() {
        let shaky: Vec<PenPoint> = (0..60)
            .map(|idx| {
                let shake = if idx % 2 == 0 { 3.0 } else { -3.0 };
                point(20.0 + 3.0 * idx as f32, 100.0 + shake, 1.0, idx as f32 * 0.008)
            })
            .collect();
        let sway = |smoothing_secs: f32| {
            let stamps = stamps(&Brush { smoothing_secs, ..plain() }, &shaky);
            let inner = stamps.iter().filter(|stamp| (50.0..150.0).contains(&stamp.centre[0]));
            inner.map(|stamp| (stamp.centre[1] - 100.0).abs()).fold(0.0, f32::max)
        };
        assert!(sway(0.0) > 2.5);
        assert!(sway(0.05) < 0.8, "{}", sway(0.05));
        let smoothed = stamps(&Brush { smoothing_secs: 0.05, ..plain() }, &shaky);
        assert_eq!(smoothed[smoothed.len() - 1].centre, shaky[59].pos);
    }

    #[test]
    fn wild_points_are_survived() {
        let wild = [
            point(f32::NAN, 0.0, 1.0, 0.0),
            point(5.0, 5.0, 7.0, 0.0),
            point(1e30, -1e30, -3.0, -5.0),
            point(5.0, 5.0, 0.5, 1e20),
            point(5.0, f32::INFINITY, 0.5, 0.0),
        ];
        let stamps = stamps(&plain(), &wild);
        assert!((2..20_000).contains(&stamps.len()), "{}", stamps.len());
        assert!(stamps.iter().all(|stamp| stamp.centre[0].is_finite() && stamp.alpha <= 1.0));
    }
}
