//! Locked places: an earlier picture whose tokens are forced and whose pixels stay.

use std::sync::{Arc, OnceLock};

use candle_core::Tensor;

use super::Networks;
use crate::model::ModelError;
use crate::protocol::{Lock, LockMask, PictureIds};

/// Covered share above which a token is locked, at the coarsest scale and at the finest. A coarse
/// token reaches far beyond its cell, so it is locked where the mask just touches it.
const TOUCHED_SHARE: (f32, f32) = (0.02, 0.5);
/// Width of the seam on either side of its middle, in pixels of a 256-pixel picture.
const SEAM_AT_256_PX: usize = 4;

/// An earlier picture that is locked, with what was decoded of it. Shared by all sessions that
/// keep it.
pub(super) struct LockedPicture {
    networks: Arc<Networks>,
    ids: Arc<PictureIds>,
    /// Per scale of the model, whether each token is forced.
    forced: Vec<Vec<bool>>,
    /// How much of the earlier picture each pixel shows, 0 to 1.
    shares: Vec<f32>,
    /// (1, Z, G, G) after each scale that the earlier picture has.
    f_hats: Vec<Tensor>,
    /// What was locked when the earlier picture was made.
    beneath: Option<Arc<LockedPicture>>,
    /// Four premultiplied planes after each of those scales, once they were needed.
    planes: Vec<OnceLock<Vec<f32>>>,
}

impl LockedPicture {
    /// The ids and the mask must fit the model.
    pub(super) fn new(
        networks: &Arc<Networks>,
        lock: &Lock,
        beneath: Option<Arc<Self>>,
    ) -> Result<Self, ModelError> {
        let f_hats = networks.f_hats(&lock.ids)?;
        Ok(Self {
            networks: Arc::clone(networks),
            ids: Arc::clone(&lock.ids),
            forced: forced_tokens(&lock.mask, &networks.config.scales),
            shares: softened(&lock.mask),
            planes: f_hats.iter().map(|_| OnceLock::new()).collect(),
            f_hats,
            beneath,
        })
    }

    /// Puts the locked tokens of a scale into the grid of one picture; none at a scale that the
    /// earlier picture does not have.
    pub(super) fn force(&self, scale_idx: usize, ids: &mut [u32]) {
        let Some(earlier) = self.ids.get(scale_idx) else { return };
        for ((id, earlier), forced) in ids.iter_mut().zip(earlier).zip(&self.forced[scale_idx]) {
            if *forced {
                *id = *earlier;
            }
        }
    }

    /// Lays the earlier picture, as it was after the same scale, over the four premultiplied planes
    /// of a new one. At a scale that it does not have, the new one stays as it is.
    pub(super) fn lay_over(&self, scale_idx: usize, planes: &mut [f32]) -> Result<(), ModelError> {
        if scale_idx >= self.f_hats.len() || self.shares.iter().all(|share| *share == 0.0) {
            return Ok(());
        }
        let earlier = self.planes_after(scale_idx)?;
        let n_pixels = self.shares.len();
        for (new, earlier) in planes.chunks_exact_mut(n_pixels).zip(earlier.chunks_exact(n_pixels))
        {
            for ((new, earlier), share) in new.iter_mut().zip(earlier).zip(&self.shares) {
                // Exact at both ends, so that what is locked keeps its bytes.
                if *share == 1.0 {
                    *new = *earlier;
                } else if *share > 0.0 {
                    *new += (*earlier - *new) * *share;
                }
            }
        }
        Ok(())
    }

    fn planes_after(&self, scale_idx: usize) -> Result<&[f32], ModelError> {
        let slot = &self.planes[scale_idx];
        if let Some(planes) = slot.get() {
            return Ok(planes);
        }
        let mut planes = self.networks.decode(&self.f_hats[scale_idx])?;
        if let Some(beneath) = &self.beneath {
            beneath.lay_over(scale_idx, &mut planes)?;
        }
        Ok(slot.get_or_init(|| planes))
    }
}

/// Per scale, which tokens the mask locks: those whose cell it covers by more than a share that
/// grows from the coarsest scale to the finest.
fn forced_tokens(mask: &LockMask, sides: &[usize]) -> Vec<Vec<bool>> {
    let last = sides.len().saturating_sub(1).max(1) as f32;
    let of_scale = |(scale_idx, side): (usize, &usize)| {
        let (coarse, fine) = TOUCHED_SHARE;
        let least = coarse + (fine - coarse) * scale_idx as f32 / last;
        covered_shares(mask, *side).into_iter().map(|share| share > least).collect()
    };
    sides.iter().enumerate().map(of_scale).collect()
}

/// The share of each cell of a grid that the mask covers, 0 to 1. A pixel belongs to the cell in
/// which its centre lies.
fn covered_shares(mask: &LockMask, side: usize) -> Vec<f32> {
    let size_px = mask.size_px;
    let cell_of = |pixel: usize| (2 * pixel + 1) * side / (2 * size_px);
    let mut sums = vec![(0_u64, 0_u64); side * side];
    for (y, row) in mask.coverage.chunks_exact(size_px).enumerate() {
        for (x, coverage) in row.iter().enumerate() {
            let (sum, n_pixels) = &mut sums[cell_of(y) * side + cell_of(x)];
            *sum += u64::from(*coverage);
            *n_pixels += 1;
        }
    }
    sums.into_iter()
        .map(|(sum, n_pixels)| sum as f32 / (n_pixels.max(1) * u64::from(u8::MAX)) as f32)
        .collect()
}

/// The mask with a soft seam around it, 0 to 1. The seam lies outside: what the mask covers whole
/// stays whole, and what is well away from it stays free.
pub(in crate::model) fn softened(mask: &LockMask) -> Vec<f32> {
    let size_px = mask.size_px;
    let radius = (size_px * SEAM_AT_256_PX / 256).max(1);
    let mut wide = mask.coverage.clone();
    let mut turned = vec![0; wide.len()];
    for _ in 0..2 {
        for (row_idx, row) in wide.chunks_exact(size_px).enumerate() {
            for x in 0..size_px {
                let near = &row[x.saturating_sub(radius)..(x + radius + 1).min(size_px)];
                // Turned, so that the second pass runs along the columns.
                turned[x * size_px + row_idx] = near.iter().copied().max().unwrap_or(0);
            }
        }
        std::mem::swap(&mut wide, &mut turned);
    }
    let mut sums: Vec<u32> = wide.into_iter().map(u32::from).collect();
    let mut turned = vec![0; sums.len()];
    for _ in 0..2 {
        for (row_idx, row) in sums.chunks_exact(size_px).enumerate() {
            for x in 0..size_px {
                // Beyond the border the last pixel is repeated.
                let near = (0..=2 * radius)
                    .map(|step| row[(x + step).saturating_sub(radius).min(size_px - 1)]);
                turned[x * size_px + row_idx] = near.sum();
            }
        }
        std::mem::swap(&mut sums, &mut turned);
    }
    let whole = u32::from(u8::MAX) * (2 * radius as u32 + 1).pow(2);
    sums.into_iter().map(|sum| sum as f32 / whole as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE_PX: usize = 64;

    fn mask(covers: impl Fn(usize, usize) -> bool) -> LockMask {
        let pixels = (0..SIZE_PX * SIZE_PX).map(|idx| covers(idx % SIZE_PX, idx / SIZE_PX));
        let coverage = pixels.map(|covered| if covered { 255 } else { 0 }).collect();
        LockMask { size_px: SIZE_PX, coverage }
    }

    #[test]
    fn coarse_tokens_are_locked_where_the_mask_touches_them() {
        let sides = [1, 2, 3, 8];
        // A quarter of the top left cell of 8×8, half of its right neighbour.
        let touching = mask(|x, y| y < 4 && (4..16).contains(&x) || y < 8 && (12..16).contains(&x));
        let forced = forced_tokens(&touching, &sides);
        assert_eq!(forced[0], [false], "1 % of all is too little even there");
        assert_eq!(forced[1], [false; 4]);
        assert!(!forced[3][0] && forced[3][1]);
        assert_eq!(forced[3].iter().filter(|forced| **forced).count(), 1);
        let third = mask(|x, _| x < 24);
        let forced = forced_tokens(&third, &sides);
        assert_eq!((forced[0][0], &forced[1][..]), (true, &[true, false, true, false][..]));
        let columns: Vec<bool> = forced[3][..8].to_vec();
        assert_eq!(columns, [true, true, true, false, false, false, false, false]);
    }

    #[test]
    fn nothing_and_everything_are_exact() {
        for side in [1, 2, 3, 6, 11, 16] {
            assert!(forced_tokens(&mask(|_, _| false), &[side])[0].iter().all(|forced| !forced));
            assert!(forced_tokens(&mask(|_, _| true), &[side])[0].iter().all(|forced| *forced));
            let shares = covered_shares(&mask(|_, _| true), side);
            assert!(shares.iter().all(|share| *share == 1.0), "{shares:?}");
        }
        assert!(softened(&mask(|_, _| false)).iter().all(|share| *share == 0.0));
        assert!(softened(&mask(|_, _| true)).iter().all(|share| *share == 1.0));
    }

    #[test]
    fn the_seam_lies_outside_and_falls_evenly() {
        let radius = 1; // 4 · 64 / 256
        let shares = softened(&mask(|x, y| x < 20 && y >= 30));
        let row = |y: usize| &shares[y * SIZE_PX..][..SIZE_PX];
        assert!(row(40)[..20].iter().all(|share| *share == 1.0), "what is locked stays whole");
        assert!(row(40)[20..].is_sorted_by(|a, b| a >= b));
        assert!(row(40)[20] < 1.0 && row(40)[20] > 0.0);
        assert!(row(40)[20 + 2 * radius..].iter().all(|share| *share == 0.0));
        assert!(row(29)[..10].iter().all(|share| *share > 0.0 && *share < 1.0));
        assert!(row(30 - 2 * radius - 1).iter().all(|share| *share == 0.0));
    }
}
