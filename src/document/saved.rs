//! Documents from saved parts. What a file or journal holds is a state, not the edits that led
//! there, so its planes and tiles are written as they are.

use super::edit::in_range;
use super::layer::Plane;
use super::tiles::{TILE_AREA, TILE_PX, TileGrid};
use super::{Document, DocumentError};
use crate::params::{ControlKind, StrengthCurve};

impl Document {
    /// Replaces a plane by `size_px² × channels` interleaved bytes. Tiles that are equal stay
    /// shared, and colours are moved into the range of premultiplied ones.
    ///
    /// # Errors
    /// [`DocumentError::PlaneBytes`] if there are more or fewer bytes.
    pub fn restore_plane(&mut self, plane: Plane, bytes: &[u8]) -> Result<(), DocumentError> {
        let expected = self.size_px * self.size_px * plane.n_channels();
        if bytes.len() != expected {
            return Err(DocumentError::PlaneBytes { expected, found: bytes.len() });
        }
        let mut bytes = bytes.to_vec();
        premultiplied(plane, &mut bytes);
        let source = TileGrid::from_bytes(self.size_px, plane.n_channels(), &bytes);
        self.plane_mut(plane).replace_by(&source);
        Ok(())
    }

    /// Replaces one tile by [`TILE_PX`]` × TILE_PX × channels` bytes; what lies outside of the
    /// canvas is left out.
    ///
    /// # Errors
    /// [`DocumentError::PlaneBytes`] if there is no such tile, or more or fewer bytes.
    pub fn restore_tile(
        &mut self,
        plane: Plane,
        tile_idx: usize,
        bytes: &[u8],
    ) -> Result<(), DocumentError> {
        let n_channels = plane.n_channels();
        let grid = self.plane_mut(plane);
        let expected = if tile_idx < grid.n_tiles() { TILE_AREA * n_channels } else { 0 };
        if expected == 0 || bytes.len() != expected {
            return Err(DocumentError::PlaneBytes { expected, found: bytes.len() });
        }
        let mut bytes = bytes.to_vec();
        premultiplied(plane, &mut bytes);
        let (width, height) = grid.tile_extent(tile_idx);
        for (y, row) in bytes.chunks_exact_mut(TILE_PX * n_channels).enumerate() {
            row[if y < height { width * n_channels } else { 0 }..].fill(0);
        }
        grid.write(tile_idx, &bytes);
        Ok(())
    }

    /// Takes a plane of another document of the same size, sharing its pixels.
    ///
    /// # Errors
    /// [`DocumentError::PlaneSize`] if the sizes differ.
    pub fn share_plane(&mut self, plane: Plane, from: &Self) -> Result<(), DocumentError> {
        if from.size_px != self.size_px {
            let (expected, found) = (self.size_px, from.size_px);
            return Err(DocumentError::PlaneSize { expected, found });
        }
        *self.plane_mut(plane) = from.plane(plane).clone();
        Ok(())
    }

    /// Sets whether a layer is seen and how strongly it is followed, within its range.
    pub fn restore_layer(&mut self, layer: ControlKind, visible: bool, strength: &StrengthCurve) {
        let layer = self.layer_mut(layer);
        layer.visible = visible;
        layer.strength = in_range(strength);
    }

    /// Whether both are certainly the same, found out without looking at a pixel. Copies are,
    /// until one of them is drawn on.
    pub fn is_copy_of(&self, other: &Self) -> bool {
        let is_same = |kind| {
            let (a, b) = (self.layer(kind), other.layer(kind));
            a.is_visible() == b.is_visible() && a.strength() == b.strength()
        };
        self.size_px == other.size_px
            && ControlKind::ALL.into_iter().all(is_same)
            && Plane::ALL
                .into_iter()
                .all(|plane| self.plane(plane).changed_tiles(other.plane(plane)).next().is_none())
    }
}

/// No colour is brighter than its alpha, whatever a file says.
fn premultiplied(plane: Plane, bytes: &mut [u8]) {
    if plane == Plane::Pixels(ControlKind::Colour) {
        for [red, green, blue, alpha] in bytes.as_chunks_mut::<4>().0 {
            for channel in [red, green, blue] {
                *channel = (*channel).min(*alpha);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: Plane = Plane::Pixels(ControlKind::Lines);

    #[test]
    fn planes_come_back_and_equal_tiles_stay_shared() {
        let mut document = Document::new(100).unwrap();
        let bytes: Vec<u8> = (0..100 * 100).map(|idx| (idx % 251) as u8).collect();
        document.restore_plane(LINES, &bytes).unwrap();
        assert_eq!(document.plane(LINES).to_bytes(), bytes);
        let copy = document.clone();
        document.restore_plane(LINES, &bytes).unwrap();
        assert!(document.is_copy_of(&copy));
        document.restore_plane(LINES, &[0; 100 * 100]).unwrap();
        assert!(!document.is_copy_of(&copy) && document.plane(LINES).is_empty());
        assert!(document.restore_plane(LINES, &bytes[1..]).is_err());
    }

    #[test]
    fn tiles_are_cut_at_the_canvas_and_colours_at_their_alpha() {
        let mut document = Document::new(100).unwrap();
        document.restore_tile(LINES, 3, &[9; TILE_AREA]).unwrap();
        let sum: u32 = document.plane(LINES).tile(3).unwrap().iter().map(|b| u32::from(*b)).sum();
        assert_eq!(sum, 36 * 36 * 9);
        for (tile_idx, n_bytes) in [(4, TILE_AREA), (0, TILE_AREA - 1), (usize::MAX, 0)] {
            assert!(document.restore_tile(LINES, tile_idx, &vec![1; n_bytes]).is_err());
        }
        let colour = Plane::Pixels(ControlKind::Colour);
        document.restore_tile(colour, 0, &[255, 7, 0, 128].repeat(TILE_AREA)).unwrap();
        assert_eq!(document.plane(colour).pixel(5, 5), [128, 7, 0, 128]);
    }

    #[test]
    fn strengths_from_files_are_tamed() {
        let mut document = Document::new(8).unwrap();
        document.restore_layer(ControlKind::Depth, false, &StrengthCurve::Constant(f32::NAN));
        let layer = document.layer(ControlKind::Depth);
        assert_eq!((layer.is_visible(), layer.strength()), (false, &StrengthCurve::Constant(0.0)));
        let smaller = Document::new(4).unwrap();
        assert!(document.share_plane(LINES, &smaller).is_err());
        assert!(!document.is_copy_of(&smaller));
    }
}
