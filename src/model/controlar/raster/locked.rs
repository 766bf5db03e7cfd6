//! Locked places of a raster picture: an earlier picture whose tokens are forced and whose pixels
//! stay.

use std::sync::{Arc, OnceLock};

use image::RgbaImage;

use super::parts::Parts;
use crate::model::ModelError;
use crate::model::embedded::softened;
use crate::protocol::{Lock, LockMask, PictureIds};

/// An earlier picture that is locked, with what was decoded of it.
pub(super) struct LockedPicture {
    ids: Arc<PictureIds>,
    /// Per token.
    forced: Vec<bool>,
    /// How much of the earlier picture each pixel of the picture shows, 0 to 1.
    shares: Vec<f32>,
    beneath: Option<Arc<LockedPicture>>,
    /// Decoded once it was needed.
    picture: OnceLock<RgbaImage>,
}

impl LockedPicture {
    /// The ids and the mask must fit the model.
    pub(super) fn new(parts: &Parts, lock: &Lock) -> Self {
        let (rows, columns) = parts.grid;
        let cell = parts.cell_px();
        let (width, height) = (columns * cell, rows * cell);
        let coverage = middle(&lock.mask.coverage, lock.mask.size_px, (width, height));
        let mut forced = vec![false; rows * columns];
        for (i, level) in coverage.iter().enumerate() {
            // Any cell that a locked pixel touches: its code paints all of the cell.
            forced[i / width / cell * columns + i % width / cell] |= *level > 0;
        }
        let LockMask { size_px, .. } = *lock.mask;
        Self {
            ids: Arc::clone(&lock.ids),
            forced,
            shares: middle(&softened(&lock.mask), size_px, (width, height)),
            beneath: lock.beneath.as_ref().map(|lock| Arc::new(Self::new(parts, lock))),
            picture: OnceLock::new(),
        }
    }

    /// The code that a token must have; `None` where it is free.
    pub(super) fn code(&self, token_idx: usize, columns: usize) -> Option<u32> {
        let earlier = self.ids.get(token_idx / columns)?.get(token_idx % columns)?;
        self.forced[token_idx].then_some(*earlier)
    }

    /// Lays the earlier picture over a decoded one of the same size, as far as both have rows.
    pub(super) fn lay_over(
        &self,
        parts: &Parts,
        picture: &mut RgbaImage,
    ) -> Result<(), ModelError> {
        if self.shares.iter().all(|share| *share == 0.0) {
            return Ok(());
        }
        let earlier = if let Some(earlier) = self.picture.get() {
            earlier
        } else {
            let mut decoded = parts.decode(&self.ids)?;
            if let Some(beneath) = &self.beneath {
                beneath.lay_over(parts, &mut decoded)?;
            }
            self.picture.get_or_init(|| decoded)
        };
        for ((new, earlier), share) in picture.pixels_mut().zip(earlier.pixels()).zip(&self.shares)
        {
            if *share == 0.0 || new.0[3] == 0 || earlier.0[3] == 0 {
                continue;
            }
            // Exact where it is whole, so that what is locked keeps its bytes.
            for (new, earlier) in new.0.iter_mut().zip(earlier.0) {
                let (from, to) = (f32::from(*new), f32::from(earlier));
                *new = if *share == 1.0 {
                    earlier
                } else {
                    (from + (to - from) * share).round() as u8
                };
            }
        }
        Ok(())
    }
}

/// The middle of a square map, where the picture lies.
fn middle<T: Copy>(values: &[T], side: usize, (width, height): (usize, usize)) -> Vec<T> {
    let (left, top) = ((side - width) / 2, (side - height) / 2);
    let rows = values.chunks_exact(side).skip(top).take(height);
    rows.flat_map(|row| row[left..left + width].iter().copied()).collect()
}
