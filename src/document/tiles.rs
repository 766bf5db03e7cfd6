//! Pixels in shared tiles: copying a whole layer copies pointers, an empty tile is nothing at all.

use std::sync::Arc;

/// Width and height of a tile in pixels.
pub const TILE_PX: usize = 64;
/// Pixels of a tile.
pub(super) const TILE_AREA: usize = TILE_PX * TILE_PX;

/// `TILE_PX² × channels` bytes, row by row, channels interleaved; `None` if all are 0.
pub(super) type Tile = Option<Arc<[u8]>>;

/// A square picture of bytes in tiles, row by row. Tiles at the right and bottom edges reach
/// beyond the canvas; what lies outside is 0.
///
/// A tile that is written with what it already holds stays the same allocation, so comparing
/// pointers finds what changed.
#[derive(Debug, Clone)]
pub struct TileGrid {
    size_px: usize,
    n_channels: usize,
    tiles: Vec<Tile>,
}

impl TileGrid {
    pub(super) fn empty(size_px: usize, n_channels: usize) -> Self {
        let side = size_px.div_ceil(TILE_PX);
        Self { size_px, n_channels, tiles: vec![None; side * side] }
    }

    /// From `size_px² × n_channels` interleaved bytes.
    pub(super) fn from_bytes(size_px: usize, n_channels: usize, bytes: &[u8]) -> Self {
        let mut grid = Self::empty(size_px, n_channels);
        for tile_idx in 0..grid.n_tiles() {
            let (left, top) = grid.tile_origin(tile_idx);
            let (width, height) = grid.tile_extent(tile_idx);
            let mut tile = vec![0; TILE_AREA * n_channels];
            for row in 0..height {
                let source = ((top + row) * size_px + left) * n_channels;
                let target = row * TILE_PX * n_channels;
                tile[target..][..width * n_channels]
                    .copy_from_slice(&bytes[source..][..width * n_channels]);
            }
            grid.write(tile_idx, &tile);
        }
        grid
    }

    /// All pixels: `size_px² × n_channels` interleaved bytes, row by row.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.size_px * self.size_px * self.n_channels];
        for (tile_idx, tile) in self.tiles.iter().enumerate() {
            let Some(tile) = tile else { continue };
            let (left, top) = self.tile_origin(tile_idx);
            let (width, height) = self.tile_extent(tile_idx);
            for row in 0..height {
                let target = ((top + row) * self.size_px + left) * self.n_channels;
                let source = row * TILE_PX * self.n_channels;
                bytes[target..][..width * self.n_channels]
                    .copy_from_slice(&tile[source..][..width * self.n_channels]);
            }
        }
        bytes
    }

    /// Width and height in pixels.
    pub fn size_px(&self) -> usize {
        self.size_px
    }

    pub fn n_channels(&self) -> usize {
        self.n_channels
    }

    pub fn n_tiles(&self) -> usize {
        self.tiles.len()
    }

    pub fn tiles_per_side(&self) -> usize {
        self.size_px.div_ceil(TILE_PX)
    }

    pub fn is_empty(&self) -> bool {
        self.tiles.iter().all(Option::is_none)
    }

    /// `TILE_PX² × n_channels` bytes; `None` if all are 0.
    pub fn tile(&self, tile_idx: usize) -> Option<&[u8]> {
        self.tiles[tile_idx].as_deref()
    }

    /// Left and top pixel of a tile.
    pub fn tile_origin(&self, tile_idx: usize) -> (usize, usize) {
        let side = self.tiles_per_side();
        (tile_idx % side * TILE_PX, tile_idx / side * TILE_PX)
    }

    /// Columns and rows of a tile that lie on the canvas.
    pub fn tile_extent(&self, tile_idx: usize) -> (usize, usize) {
        let (left, top) = self.tile_origin(tile_idx);
        (TILE_PX.min(self.size_px - left), TILE_PX.min(self.size_px - top))
    }

    /// The bytes of a pixel on the canvas; channels beyond `n_channels` are 0.
    pub fn pixel(&self, x: usize, y: usize) -> [u8; 4] {
        let tile_idx = y / TILE_PX * self.tiles_per_side() + x / TILE_PX;
        let mut pixel = [0; 4];
        if let Some(tile) = &self.tiles[tile_idx] {
            let start = (y % TILE_PX * TILE_PX + x % TILE_PX) * self.n_channels;
            pixel[..self.n_channels].copy_from_slice(&tile[start..][..self.n_channels]);
        }
        pixel
    }

    /// Tiles that were written since `older` was copied from this grid. May name a tile whose
    /// bytes came back to what they were, never misses one that differs.
    pub fn changed_tiles(&self, older: &Self) -> impl Iterator<Item = usize> {
        let pairs = self.tiles.iter().zip(&older.tiles);
        pairs.enumerate().filter(|(_, (new, old))| !is_same(new, old)).map(|(idx, _)| idx)
    }

    pub(super) fn shared_tile(&self, tile_idx: usize) -> &Tile {
        &self.tiles[tile_idx]
    }

    /// Writes a tile; the old allocation stays if it holds the same bytes.
    pub(super) fn write(&mut self, tile_idx: usize, bytes: &[u8]) {
        if bytes.iter().all(|byte| *byte == 0) {
            self.tiles[tile_idx] = None;
        } else if self.tile(tile_idx) != Some(bytes) {
            self.tiles[tile_idx] = Some(bytes.into());
        }
    }

    pub(super) fn share(&mut self, tile_idx: usize, tile: Tile) {
        self.tiles[tile_idx] = tile;
    }

    pub(super) fn clear(&mut self) {
        self.tiles.fill(None);
    }

    /// Takes the pixels of `source`, keeping tiles that are equal.
    pub(super) fn replace_by(&mut self, source: &Self) {
        for tile_idx in 0..self.n_tiles() {
            if self.tiles[tile_idx] != source.tiles[tile_idx] {
                self.tiles[tile_idx].clone_from(&source.tiles[tile_idx]);
            }
        }
    }
}

impl PartialEq for TileGrid {
    fn eq(&self, other: &Self) -> bool {
        (self.size_px, self.n_channels) == (other.size_px, other.n_channels)
            && self.tiles == other.tiles
    }
}

fn is_same(a: &Tile, b: &Tile) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A canvas that is no multiple of a tile, so that edges are cut.
    fn ramp(size_px: usize, n_channels: usize) -> Vec<u8> {
        (0..size_px * size_px * n_channels).map(|idx| (idx * 7 % 251) as u8).collect()
    }

    #[test]
    fn bytes_survive_the_tiles() {
        for (size_px, n_channels) in [(1, 1), (64, 4), (100, 1), (130, 4)] {
            let bytes = ramp(size_px, n_channels);
            let grid = TileGrid::from_bytes(size_px, n_channels, &bytes);
            assert_eq!(grid.to_bytes(), bytes);
            let last = (size_px * size_px - 1) * n_channels;
            assert_eq!(
                grid.pixel(size_px - 1, size_px - 1)[..n_channels],
                bytes[last..][..n_channels]
            );
        }
    }

    #[test]
    fn empty_tiles_are_nothing() {
        let grid = TileGrid::from_bytes(200, 4, &vec![0; 200 * 200 * 4]);
        assert!(grid.is_empty());
        assert_eq!(grid, TileGrid::empty(200, 4));
        assert_eq!(grid.pixel(199, 3), [0; 4]);
    }

    #[test]
    fn changed_tiles_are_those_that_were_written() {
        let old = TileGrid::from_bytes(130, 1, &ramp(130, 1));
        let mut new = old.clone();
        assert_eq!(new.changed_tiles(&old).count(), 0);
        let same = new.tile(4).unwrap().to_vec();
        new.write(4, &same);
        assert_eq!(new.changed_tiles(&old).count(), 0);
        new.write(5, &vec![9; TILE_AREA]);
        new.write(0, &vec![0; TILE_AREA]);
        assert_eq!(new.changed_tiles(&old).collect::<Vec<_>>(), [0, 5]);
    }
}
