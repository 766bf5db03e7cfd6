//! The difference between two documents: the tiles that were drawn on, deflated.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use crate::document::{Document, Plane, TILE_PX};
use crate::params::{ControlKind, StrengthCurve};

/// What differs, without the pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PatchRecord {
    size_px: usize,
    layers: Vec<(ControlKind, bool, StrengthCurve)>,
    /// Plane, place, and whether there is anything left on the tile; the pixels of those that have
    /// follow in this order.
    tiles: Vec<(Plane, usize, bool)>,
}

/// From `before` to `after`: the record, and the deflated pixels.
pub(super) fn between(before: &Document, after: &Document) -> (PatchRecord, Vec<u8>) {
    let blank;
    let before = if before.size_px() == after.size_px() {
        before
    } else {
        blank = Document::new(after.size_px()).expect("it has this size");
        &blank
    };
    let layers = ControlKind::ALL.into_iter().map(|kind| {
        let layer = after.layer(kind);
        (kind, layer.is_visible(), layer.strength().clone())
    });
    let mut tiles = Vec::new();
    let mut pixels = DeflateEncoder::new(Vec::new(), Compression::fast());
    for plane in Plane::ALL {
        let (old, new) = (before.plane(plane), after.plane(plane));
        for tile_idx in new.changed_tiles(old).filter(|idx| old.tile(*idx) != new.tile(*idx)) {
            let tile = new.tile(tile_idx);
            tiles.push((plane, tile_idx, tile.is_some()));
            pixels.write_all(tile.unwrap_or(&[])).expect("memory takes all that is written");
        }
    }
    let pixels = pixels.finish().expect("memory takes all that is written");
    (PatchRecord { size_px: after.size_px(), layers: layers.collect(), tiles }, pixels)
}

/// The document after a patch; `None` if the patch does not fit it.
pub(super) fn patched(before: &Document, record: &PatchRecord, pixels: &[u8]) -> Option<Document> {
    let mut document = if before.size_px() == record.size_px {
        before.clone()
    } else {
        Document::new(record.size_px).ok()?
    };
    let mut pixels = DeflateDecoder::new(pixels);
    for (plane, tile_idx, has_pixels) in &record.tiles {
        let mut tile = vec![0; TILE_PX * TILE_PX * plane.n_channels()];
        if *has_pixels {
            pixels.read_exact(&mut tile).ok()?;
        }
        document.restore_tile(*plane, *tile_idx, &tile).ok()?;
    }
    for (kind, visible, strength) in &record.layers {
        document.restore_layer(*kind, *visible, strength);
    }
    Some(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: Plane = Plane::Pixels(ControlKind::Lines);

    #[test]
    fn patches_lead_from_one_document_to_the_other() {
        let blank = Document::new(150).unwrap();
        let mut drawn = blank.clone();
        let bytes: Vec<u8> = (0..150 * 150).map(|idx| (idx % 251) as u8).collect();
        drawn.restore_plane(LINES, &bytes).unwrap();
        drawn.restore_layer(ControlKind::Depth, false, &StrengthCurve::Constant(0.25));
        let mut erased = drawn.clone();
        erased.restore_tile(LINES, 8, &[0; TILE_PX * TILE_PX]).unwrap();
        let other_size = Document::new(64).unwrap();
        let all = [&blank, &drawn, &erased, &other_size];
        for before in all {
            for after in all {
                let (record, pixels) = between(before, after);
                let json = serde_json::to_vec(&record).unwrap();
                let record = serde_json::from_slice(&json).unwrap();
                assert_eq!(patched(before, &record, &pixels).as_ref(), Some(after));
            }
        }
        let (record, pixels) = between(&drawn, &erased);
        assert_eq!((record.tiles.len(), pixels.len()), (1, 2), "one empty tile is nearly nothing");
        let (record, pixels) = between(&blank, &drawn);
        assert_eq!(patched(&blank, &record, &pixels[..pixels.len() / 2]), None);
    }
}
