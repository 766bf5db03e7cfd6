//! A stroke while the pen is down: only what the last point changed is drawn again.

use std::collections::BTreeSet;

use super::Document;
use super::edit::Pen;
use super::raster::{Mask, Paint};
use super::stamp::Stamp;
use super::stroke::{PenPoint, StrokePath};
use super::symmetry::Rigid;

/// The stroke under the pen as stamps, for those who draw it themselves: what was there before
/// with all stamps laid over it is [`Editor::document`](super::Editor::document).
#[derive(Debug, Clone, Copy)]
pub struct StrokeInProgress<'a> {
    /// Differs between the strokes of an editor.
    pub serial: u64,
    pub before: &'a Document,
    pub pen: Pen,
    /// Stamps that neither change nor go as long as this stroke goes on, with all their copies;
    /// only further ones come after them.
    pub settled: &'a [Stamp],
    /// Stamps that go after them for now, and may be others with the next point.
    pub tail: &'a [Stamp],
}

/// A stroke that is being drawn. What it shows is at any time the stroke as it would be if it
/// ended there, to the byte.
#[derive(Debug)]
pub(super) struct LiveStroke {
    serial: u64,
    pen: Pen,
    points: Vec<PenPoint>,
    path: StrokePath,
    copies: Vec<Rigid>,
    paint: Paint,
    /// What will not change any more.
    settled: Mask,
    /// The tiles that the tail reaches, as they are with it.
    with_tail: Mask,
    settled_stamps: Vec<Stamp>,
    tail_stamps: Vec<Stamp>,
    before: Document,
}

impl LiveStroke {
    pub(super) fn begin(serial: u64, pen: Pen, document: &Document) -> Self {
        let size_px = document.size_px();
        Self {
            serial,
            pen,
            points: Vec::new(),
            path: StrokePath::new(&pen.brush, size_px),
            copies: pen.symmetry.copies(size_px),
            paint: Paint::new(&pen.brush.clamped(), pen.plane),
            settled: Mask::empty(size_px),
            with_tail: Mask::empty(size_px),
            settled_stamps: Vec::new(),
            tail_stamps: Vec::new(),
            before: document.clone(),
        }
    }

    /// Takes points and shows the stroke so far in `document`.
    pub(super) fn extend(&mut self, points: &[PenPoint], document: &mut Document) {
        let Self { path, copies, settled, with_tail, settled_stamps, tail_stamps, .. } = self;
        let build_up = self.pen.brush.build_up;
        let mut changed = with_tail.touched();
        for tile_idx in &changed {
            with_tail.forget(*tile_idx);
        }
        for point in points {
            path.push(*point, &mut |stamp| {
                for stamp in copies_of(stamp, copies) {
                    settled.stamp(&stamp, build_up);
                    changed.extend(settled.reached(&stamp));
                    settled_stamps.push(stamp);
                }
            });
        }
        tail_stamps.clear();
        path.print_tail(&mut |stamp| {
            for stamp in copies_of(stamp, copies) {
                with_tail.lift(&stamp, settled);
                with_tail.stamp(&stamp, build_up);
                tail_stamps.push(stamp);
            }
        });
        changed.extend(with_tail.touched());
        self.points.extend_from_slice(points);
        self.show(&changed, document);
    }

    pub(super) fn before(&self) -> &Document {
        &self.before
    }

    pub(super) fn in_progress(&self) -> StrokeInProgress<'_> {
        StrokeInProgress {
            serial: self.serial,
            before: &self.before,
            pen: self.pen,
            settled: &self.settled_stamps,
            tail: &self.tail_stamps,
        }
    }

    /// The command that draws the same stroke at once.
    pub(super) fn into_edit(self) -> super::Edit {
        super::Edit::Stroke { pen: self.pen, points: self.points }
    }

    fn show(&self, tiles: &BTreeSet<usize>, document: &mut Document) {
        let base = self.before.plane(self.pen.plane);
        let grid = document.plane_mut(self.pen.plane);
        for &tile_idx in tiles {
            let mask = self.with_tail.tile(tile_idx).or(self.settled.tile(tile_idx));
            match mask {
                Some(mask) => {
                    let bytes = self.paint.over(base.tile(tile_idx), mask, grid.n_channels());
                    grid.write(tile_idx, &bytes);
                }
                // The tail was here and went elsewhere.
                None => grid.share(tile_idx, base.shared_tile(tile_idx).clone()),
            }
        }
    }
}

fn copies_of(stamp: Stamp, copies: &[Rigid]) -> impl Iterator<Item = Stamp> {
    copies.iter().map(move |copy| Stamp { centre: copy.apply(stamp.centre), ..stamp })
}
