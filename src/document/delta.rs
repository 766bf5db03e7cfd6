//! What a step did to the pixels, small enough to keep thousands of: first as the tiles before and
//! after, later as their compressed difference.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::Document;
use super::layer::Plane;
use super::tiles::{TILE_AREA, Tile};

/// Which way a step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Undo,
    Redo,
}

/// The tiles that differ between two documents.
#[derive(Debug)]
pub(super) enum PixelDelta {
    /// Recent steps: shared with the document and with neighbouring steps.
    Tiles(Vec<TileChange>),
    /// Old steps: before XOR after, deflated. Taking it twice is taking it back.
    Packed { places: Box<[(Plane, u32)]>, bytes: Box<[u8]> },
}

#[derive(Debug)]
pub(super) struct TileChange {
    plane: Plane,
    tile_idx: usize,
    before: Tile,
    after: Tile,
}

impl PixelDelta {
    pub(super) fn between(before: &Document, after: &Document) -> Self {
        let mut changes = Vec::new();
        for plane in Plane::ALL {
            let (old, new) = (before.plane(plane), after.plane(plane));
            // A tile may have been written back to what it was.
            for tile_idx in new.changed_tiles(old).filter(|idx| old.tile(*idx) != new.tile(*idx)) {
                let (before, after) = (old.shared_tile(tile_idx), new.shared_tile(tile_idx));
                let (before, after) = (before.clone(), after.clone());
                changes.push(TileChange { plane, tile_idx, before, after });
            }
        }
        Self::Tiles(changes)
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Tiles(changes) => changes.is_empty(),
            Self::Packed { places, .. } => places.is_empty(),
        }
    }

    /// Bytes it keeps alive, at most: tiles that others share are counted here as well.
    pub(super) fn n_bytes(&self) -> usize {
        match self {
            Self::Tiles(changes) => {
                let bytes = |tile: &Tile| tile.as_deref().map_or(0, <[u8]>::len);
                let each = changes.iter().map(|change| {
                    size_of::<TileChange>() + bytes(&change.before) + bytes(&change.after)
                });
                each.sum()
            }
            Self::Packed { places, bytes } => size_of_val::<[_]>(places) + bytes.len(),
        }
    }

    /// Takes the step in a document that stands right before (or, to undo, right after) it.
    pub(super) fn take(&self, document: &mut Document, direction: Direction) {
        match self {
            Self::Tiles(changes) => {
                for TileChange { plane, tile_idx, before, after } in changes {
                    let tile = match direction {
                        Direction::Undo => before,
                        Direction::Redo => after,
                    };
                    document.plane_mut(*plane).share(*tile_idx, tile.clone());
                }
            }
            Self::Packed { places, bytes } => {
                let mut differences = DeflateDecoder::new(&bytes[..]);
                for (plane, tile_idx) in places {
                    let grid = document.plane_mut(*plane);
                    let tile_idx = *tile_idx as usize;
                    let mut tile = vec![0; TILE_AREA * grid.n_channels()];
                    differences.read_exact(&mut tile).expect("packed by us and never stored");
                    for (byte, old) in tile.iter_mut().zip(grid.tile(tile_idx).unwrap_or(&[])) {
                        *byte ^= old;
                    }
                    grid.write(tile_idx, &tile);
                }
            }
        }
    }

    /// The same step, compressed.
    pub(super) fn pack(&self) -> Option<Self> {
        let Self::Tiles(changes) = self else { return None };
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        for change in changes {
            let mut tile = vec![0; TILE_AREA * change.plane.n_channels()];
            for side in [&change.before, &change.after].into_iter().flatten() {
                for (byte, other) in tile.iter_mut().zip(side.iter()) {
                    *byte ^= other;
                }
            }
            encoder.write_all(&tile).expect("memory takes all that is written");
        }
        let bytes = encoder.finish().expect("memory takes all that is written");
        let places = changes.iter().map(|change| (change.plane, change.tile_idx as u32)).collect();
        Some(Self::Packed { places, bytes: bytes.into_boxed_slice() })
    }
}
