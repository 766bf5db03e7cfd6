//! Control maps in another size, for a model whose pictures are larger or smaller than the sketch.

use super::control::ControlMap;
use super::resample::{Filter, resize_plane};
use crate::params::ControlKind;

impl ControlMap {
    /// The map with `size_px` pixels along each side; the very same one if it has them.
    ///
    /// Lines keep the sharp edges that they were drawn with, so that they are no softer to a model of
    /// larger pictures; depth and colour change evenly.
    ///
    /// # Panics
    /// If `size_px` is 0.
    #[must_use]
    pub fn resized(&self, size_px: usize) -> Self {
        if size_px == self.size_px() {
            return self.clone();
        }
        let n_in = self.size_px();
        let planes = self.values().chunks_exact(n_in * n_in);
        let values = match self.kind() {
            ControlKind::Lines => planes.flat_map(|ink| lines(ink, n_in, size_px)).collect(),
            ControlKind::Depth | ControlKind::Colour => {
                planes.flat_map(|plane| resize_plane(plane, n_in, size_px, Filter::Area)).collect()
            }
        };
        let map = Self::new(self.kind(), size_px, values).expect("complete and finite");
        map.in_8_bits()
    }
}

/// Ink in another size. Magnified, an edge would become a ramp as much wider; it is made as steep
/// again as it was, between the least and the most ink around each place, so that faint lines stay
/// as faint as they are.
fn lines(ink: &[f32], n_in: usize, n_out: usize) -> Vec<f32> {
    let mut resized = resize_plane(ink, n_in, n_out, Filter::Sharp);
    if n_out < n_in {
        return resized;
    }
    let steepness = n_out as f32 / n_in as f32;
    for (idx, value) in resized.iter_mut().enumerate() {
        let [x, y] = [idx % n_out, idx / n_out].map(|at| at * n_in / n_out);
        let [least, most] = around(ink, n_in, x, y);
        if most <= least {
            *value = most;
            continue;
        }
        let share = (*value - least) / (most - least);
        let steep = ((share - 0.5) * steepness + 0.5).clamp(0.0, 1.0);
        *value = least + (most - least) * steep;
    }
    resized
}

/// Least and most of a pixel and its neighbours.
fn around(values: &[f32], side: usize, x: usize, y: usize) -> [f32; 2] {
    let span = |at: usize| at.saturating_sub(1)..(at + 2).min(side);
    let all = span(y).flat_map(|row| &values[row * side..][span(x)]);
    all.fold([f32::INFINITY, f32::NEG_INFINITY], |[least, most], value| {
        [least.min(*value), most.max(*value)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(kind: ControlKind, side: usize, value: impl Fn(usize, usize) -> f32) -> ControlMap {
        let plane = (0..side * side).map(|idx| value(idx % side, idx / side));
        let n_values = side * side * kind.n_channels();
        let values = plane.cycle().take(n_values).collect();
        ControlMap::new(kind, side, values).expect("complete")
    }

    #[test]
    fn a_line_of_one_pixel_becomes_a_line_of_two_without_a_soft_edge() {
        let line = map(ControlKind::Lines, 32, |x, _| f32::from(u8::from(x == 10))).resized(64);
        for x in 0..64 {
            let expected = f32::from(u8::from((20..22).contains(&x)));
            assert_eq!(line.values()[33 * 64 + x], expected, "column {x}");
        }
    }

    #[test]
    fn faint_lines_stay_and_are_no_stronger() {
        let faint = map(ControlKind::Lines, 32, |_, y| if y == 5 { 0.2 } else { 0.0 });
        let most = |map: &ControlMap| map.values().iter().copied().fold(0.0, f32::max);
        for size_px in [48, 64, 512] {
            let resized = faint.resized(size_px);
            assert!((most(&resized) - 0.2).abs() < 0.01, "{size_px}: {}", most(&resized));
        }
        let small = faint.resized(16);
        assert!(most(&small) > 0.08, "{}", most(&small));
    }

    #[test]
    fn ink_covers_as_much_of_the_canvas_in_every_size() {
        let disc = map(ControlKind::Lines, 64, |x, y| {
            let from_centre = (x as f32 - 31.5).hypot(y as f32 - 31.5);
            (20.0 - from_centre).clamp(0.0, 1.0)
        });
        let share = |map: &ControlMap| map.values().iter().sum::<f32>() / map.values().len() as f32;
        for size_px in [24, 32, 96, 128, 256] {
            assert!((share(&disc.resized(size_px)) - share(&disc)).abs() < 0.01, "{size_px}");
        }
    }

    #[test]
    fn depth_and_colour_change_evenly_and_stay_in_range() {
        for kind in [ControlKind::Depth, ControlKind::Colour] {
            let ramp = map(kind, 16, |x, _| x as f32 / 15.0).resized(32);
            assert_eq!(ramp.values().len(), kind.n_channels() * 32 * 32);
            let row = &ramp.values()[32 * 16..][..32];
            assert!(row.windows(2).all(|pair| pair[1] >= pair[0] && pair[1] - pair[0] < 0.05));
            assert!(row[0] < 0.01 && row[31] > 0.99);
        }
    }

    #[test]
    fn the_same_size_is_the_same_map() {
        let depth = map(ControlKind::Depth, 8, |x, y| (x * y) as f32 / 49.0);
        assert!(std::ptr::eq(depth.resized(8).values(), depth.values()));
    }
}
