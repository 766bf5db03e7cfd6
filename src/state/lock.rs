//! Places where the picture stays: which picture that is, and the lock that a request carries.

use std::sync::Arc;

use super::AppState;
use crate::document::TileGrid;
use crate::imaging::resample::{Filter, resize_plane};
use crate::protocol::{Lock, LockMask, PictureIds, Previews};

/// Locks over each other that are kept; below them, what was seen is not told apart from what its
/// tokens give.
const MAX_DEPTH: usize = 8;

/// What the painted lock holds.
#[derive(Debug, Default)]
pub struct Locking {
    /// Chosen when the lock is painted, so that what was seen then is what stays.
    base: Option<Base>,
    /// What was painted at the last request, and the mask that it made.
    mask: Option<(TileGrid, bool, Arc<LockMask>)>,
}

/// A picture that stays.
#[derive(Debug, Clone)]
struct Base {
    ids: Arc<PictureIds>,
    /// The lock that it was made with.
    lock: Option<Lock>,
}

impl Locking {
    /// Whether there is a picture to keep.
    pub fn has_base(&self) -> bool {
        self.base.is_some()
    }

    /// The mask of what is painted, with `size_px` pixels along each side; the same one as long as
    /// that does not change.
    fn mask(&mut self, painted: &TileGrid, is_inverted: bool, size_px: usize) -> Arc<LockMask> {
        if let Some((grid, inverted, mask)) = &self.mask
            && *inverted == is_inverted
            && mask.size_px == size_px
            && grid.size_px() == painted.size_px()
            && painted.changed_tiles(grid).next().is_none()
        {
            return Arc::clone(mask);
        }
        let mut coverage = resized(painted, size_px);
        if is_inverted {
            for level in &mut coverage {
                *level = u8::MAX - *level;
            }
        }
        let mask = Arc::new(LockMask { size_px, coverage });
        self.mask = Some((painted.clone(), is_inverted, Arc::clone(&mask)));
        mask
    }
}

/// What is painted, in the size of the model's pictures.
fn resized(painted: &TileGrid, size_px: usize) -> Vec<u8> {
    let bytes = painted.to_bytes();
    if painted.size_px() == size_px {
        return bytes;
    }
    let levels: Vec<_> = bytes.into_iter().map(f32::from).collect();
    let levels = resize_plane(&levels, painted.size_px(), size_px, Filter::Area);
    levels.into_iter().map(|level| level.round() as u8).collect()
}

impl AppState {
    /// Takes the picture on the canvas for the one that stays: the lock is about to be painted.
    pub fn keep_shown_picture(&mut self) {
        let Some(base) = self.shown_base() else { return };
        // The same picture: one more lock beneath it would only cost time.
        if self.locking.base.as_ref().is_none_or(|known| known.ids != base.ids) {
            self.locking.base = Some(base);
        }
    }

    /// The lock of the next request; `None` if nothing is locked or there is no picture to keep.
    pub(super) fn lock(&mut self) -> Option<Lock> {
        let image_size_px = self.model()?.image_size_px;
        let painted = self.sketch.document().lock();
        if painted.is_empty() {
            self.locking.base = None;
            return None;
        }
        let painted = painted.clone();
        let is_inverted = self.settings.tools.regenerates_painted;
        let mask = self.locking.mask(&painted, is_inverted, image_size_px);
        // A picture that was brought back with its sketch brings back what stayed in it.
        let known = [
            self.steering.kept.as_ref().and_then(|kept| kept.lock.as_ref()),
            self.job.as_ref().and_then(|job| job.request.lock.as_ref()),
        ];
        if let Some(lock) = known.into_iter().flatten().find(|lock| lock.mask == mask) {
            return Some(lock.clone());
        }
        if self.locking.base.is_none() {
            self.keep_shown_picture();
        }
        // The picture of another model says nothing to this one.
        let base = self.locking.base.as_ref().filter(|base| self.fits(&base.ids))?;
        let beneath = base.lock.as_ref().and_then(|lock| cut(lock, MAX_DEPTH - 1)).map(Arc::new);
        Some(Lock { ids: Arc::clone(&base.ids), mask, beneath })
    }

    /// The picture on the canvas; while that is drawn or is a draft, the one before it.
    fn shown_base(&self) -> Option<Base> {
        let of_job = self.shown().map(|shown| shown.job).and_then(|job| {
            let ids = job.first_ids()?;
            let is_draft = job.request.previews == Previews::Draft && !job.is_complete();
            let lock = job.request.lock.clone();
            (!is_draft).then(|| Base { ids: Arc::new(ids.clone()), lock })
        });
        of_job.or_else(|| {
            let node = self.branches.current_node()?;
            Some(Base { ids: Arc::clone(&node.ids), lock: node.lock.clone() })
        })
    }
}

/// The lock with at most `depth` locks in all.
fn cut(lock: &Lock, depth: usize) -> Option<Lock> {
    if depth == 0 {
        return None;
    }
    let beneath = lock.beneath.as_deref().and_then(|beneath| cut(beneath, depth - 1));
    Some(Lock { beneath: beneath.map(Arc::new), ..lock.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Brush, Document, Edit, Pen, PenPoint, Plane, Symmetry};

    #[test]
    fn the_mask_is_made_once_and_can_be_turned_over() {
        let mut document = Document::new(64).expect("a usual size");
        let brush = Brush { size_px: 8.0, ..Brush::default() };
        let pen = Pen { plane: Plane::Lock, brush, symmetry: Symmetry::None };
        let points = vec![PenPoint { pos: [10.5, 10.5], pressure: 1.0, secs: 0.0 }];
        document.apply(&Edit::Stroke { pen, points }).expect("strokes always fit");
        let painted = document.lock();
        let mut locking = Locking::default();
        let at = |mask: &LockMask| (mask.coverage[10 * 64 + 10], mask.coverage[60 * 64 + 60]);
        let mask = locking.mask(painted, false, 64);
        assert_eq!((mask.size_px, at(&mask)), (64, (255, 0)));
        assert!(Arc::ptr_eq(&mask, &locking.mask(&painted.clone(), false, 64)));
        assert_eq!(at(&locking.mask(painted, true, 64)), (0, 255));
        let large = locking.mask(painted, false, 128);
        assert_eq!((large.size_px, large.coverage.len()), (128, 128 * 128));
        assert_eq!((large.coverage[21 * 128 + 21], large.coverage[120 * 128 + 120]), (255, 0));
    }

    #[test]
    fn old_locks_are_let_go() {
        let mask = Arc::new(LockMask { size_px: 1, coverage: vec![255] });
        let mut lock = Lock { ids: Arc::default(), mask, beneath: None };
        for _ in 0..20 {
            lock = Lock { beneath: Some(Arc::new(lock.clone())), ..lock };
        }
        let depth =
            |lock: &Lock| std::iter::successors(Some(lock), |lock| lock.beneath.as_deref()).count();
        assert_eq!(depth(&lock), 21);
        assert_eq!(cut(&lock, 7).as_ref().map(depth), Some(7));
        assert!(cut(&lock, 0).is_none());
    }
}
