//! What a cell of a picture shows, in numbers that compare across styles: the run of the silhouette,
//! the colour of the fill apart from lines, and where it is light and dark.

use rayon::prelude::*;

/// Numbers that describe one cell.
pub(super) const N_FEATURES: usize = N_SILHOUETTE + 3 + N_LIGHT;

/// A cell is seen as 4 × 4 parts.
const PARTS: usize = 4;
/// The silhouette is seen one part beyond the cell, so that neighbours agree.
const WINDOW: usize = PARTS + 2;
const N_SILHOUETTE: usize = WINDOW * WINDOW;
const N_LIGHT: usize = PARTS * PARTS;
/// How much colour and structure count beside the silhouette.
const COLOUR_WEIGHT: f32 = 2.0;
const LIGHT_WEIGHT: f32 = 0.7;
/// Lightness (`OKLab`) below which a part counts as line rather than fill.
const INK: f32 = 0.35;
/// Opaque share of a cell's surroundings from which on its colour counts fully.
const SOLID: f32 = 0.3;

/// A picture in parts, `side` to a row.
struct Parts {
    side: usize,
    lab: Vec<[f32; 3]>,
    alpha: Vec<f32>,
}

/// Describes all cells of a picture, row by row: `n_cells`² × [`N_FEATURES`] numbers. `planes` are
/// its four premultiplied planes of `size_px`², which must be a multiple of 4 · `n_cells`.
pub(super) fn describe(planes: &[f32], size_px: usize, n_cells: usize) -> Vec<f32> {
    let parts = Parts::of(planes, size_px, n_cells * PARTS);
    let mut described = vec![0.0; n_cells * n_cells * N_FEATURES];
    described.par_chunks_mut(N_FEATURES).enumerate().for_each(|(cell, described)| {
        let (top, left) = (cell / n_cells * PARTS, cell % n_cells * PARTS);
        let (silhouette, rest) = described.split_at_mut(N_SILHOUETTE);
        let (colour, light) = rest.split_at_mut(3);
        for (idx, value) in silhouette.iter_mut().enumerate() {
            let part = parts.at(top + idx / WINDOW, left + idx % WINDOW, 1);
            *value = part.map_or(0.0, |part| parts.alpha[part]) / WINDOW as f32;
        }
        colour.copy_from_slice(&parts.fill(top, left));
        for (idx, value) in light.iter_mut().enumerate() {
            let part = (top + idx / PARTS) * parts.side + left + idx % PARTS;
            *value = parts.lab[part][0] * parts.alpha[part];
        }
        let mean = light.iter().sum::<f32>() / N_LIGHT as f32;
        for value in light {
            *value = (*value - mean) * LIGHT_WEIGHT / PARTS as f32;
        }
    });
    described
}

impl Parts {
    fn of(planes: &[f32], size_px: usize, side: usize) -> Self {
        let step = size_px / side;
        let mean = |plane: usize, part: usize| {
            let (top, left) = (part / side * step, part % side * step);
            let row = |y: usize| {
                let start = plane * size_px * size_px + (top + y) * size_px + left;
                planes[start..start + step].iter().map(|value| value.clamp(0.0, 1.0)).sum::<f32>()
            };
            (0..step).map(row).sum::<f32>() / (step * step) as f32
        };
        let parts = (0..side * side).into_par_iter().map(|part| {
            let alpha = mean(3, part);
            let straight = |plane| (mean(plane, part) / alpha.max(1e-3)).min(1.0);
            (oklab([straight(0), straight(1), straight(2)]), alpha)
        });
        let (lab, alpha) = parts.unzip();
        Self { side, lab, alpha }
    }

    /// Index of a part, counted from `outside` parts beyond the upper left corner.
    fn at(&self, row: usize, column: usize, outside: usize) -> Option<usize> {
        let (row, column) = (row.checked_sub(outside)?, column.checked_sub(outside)?);
        (row < self.side && column < self.side).then_some(row * self.side + column)
    }

    /// Colour of the fill around a cell; it fades where little is opaque.
    fn fill(&self, top: usize, left: usize) -> [f32; 3] {
        let n = 3 * PARTS;
        let (mut sum, mut weights, mut opaque) = ([0.0; 3], 0.0, 0.0);
        for part in (0..n * n).filter_map(|i| self.at(top + i / n, left + i % n, PARTS)) {
            let (lab, alpha) = (self.lab[part], self.alpha[part]);
            // Lines count only where there is nothing else.
            let weight = match (alpha > 0.5, lab[0] > INK) {
                (true, true) => 1.0,
                (true, false) => 1e-4,
                _ => 1e-9,
            };
            sum.iter_mut().zip(lab).for_each(|(sum, value)| *sum += weight * value);
            weights += weight;
            opaque += alpha;
        }
        let solidity = (opaque / (n * n) as f32).min(SOLID) / SOLID;
        sum.map(|value| value / weights * solidity * COLOUR_WEIGHT)
    }
}

/// sRGB in 0 to 1 to `OKLab`, <https://bottosson.github.io/posts/oklab/>.
fn oklab(rgb: [f32; 3]) -> [f32; 3] {
    let linear = |value: f32| {
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let [r, g, b] = rgb.map(linear);
    let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_has_full_lightness_and_no_colour() {
        let [lightness, a, b] = oklab([1.0; 3]);
        assert!((lightness - 1.0).abs() < 1e-3 && a.abs() < 1e-3 && b.abs() < 1e-3);
    }

    /// A square of `inner` with a rim of `rim`, both grey, on a transparent picture of 64 px.
    fn square(inner: f32, rim: f32) -> Vec<f32> {
        let mut planes = vec![0.0; 4 * 64 * 64];
        for y in 16..48 {
            for x in 16..48 {
                let is_rim = !(20..44).contains(&x) || !(20..44).contains(&y);
                for plane in 0..3 {
                    planes[plane * 64 * 64 + y * 64 + x] = if is_rim { rim } else { inner };
                }
                planes[3 * 64 * 64 + y * 64 + x] = 1.0;
            }
        }
        planes
    }

    #[test]
    fn an_outline_changes_neither_silhouette_nor_fill() {
        let (plain, outlined) = (square(0.8, 0.8), square(0.8, 0.0));
        let [plain, outlined] = [plain, outlined].map(|planes| describe(&planes, 64, 4));
        assert_eq!(plain.len(), 16 * N_FEATURES);
        for (plain, outlined) in plain.chunks(N_FEATURES).zip(outlined.chunks(N_FEATURES)) {
            assert_eq!(plain[..N_SILHOUETTE], outlined[..N_SILHOUETTE]);
            for feature in N_SILHOUETTE..N_SILHOUETTE + 3 {
                assert!((plain[feature] - outlined[feature]).abs() < 0.01);
            }
        }
        let (corner, middle) = (&plain[..N_FEATURES], &plain[5 * N_FEATURES..6 * N_FEATURES]);
        assert!(corner[0] == 0.0 && middle[N_SILHOUETTE - 1] > 0.0);
    }
}
