//! From layers to what a request carries, converting only layers that changed.

use std::sync::Arc;

use super::{Document, Layer, TileGrid, layer_idx};
use crate::imaging::ControlMap;
use crate::imaging::control::Control;
use crate::params::ControlKind;

/// What size a model wants its controls in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlSize {
    /// Width and height of the maps.
    pub size_px: usize,
    /// Cells along each side of the painted strength: the model's finest token grid.
    pub n_cells: usize,
}

/// The control maps of the last call and the pixels they came from. A layer that did not change
/// gives the very same map, so that caches further down know it at a glance.
#[derive(Debug, Clone, Default)]
pub struct ControlCache {
    maps: [Option<(TileGrid, ControlMap)>; 3],
    cells: [Option<(TileGrid, Arc<[f32]>)>; 3],
}

impl Document {
    /// The controls of a request in the size of this document; see [`Self::to_sized_controls`].
    pub fn to_controls(&self, n_cells: usize, cache: &mut ControlCache) -> Vec<Control> {
        let size = ControlSize { size_px: self.size_px(), n_cells };
        self.to_sized_controls(&ControlKind::ALL, size, cache)
    }

    /// The controls of a request: visible layers of these kinds with something on them and some
    /// strength, resampled if the document is of another size. Painted strength becomes
    /// `n_cells × n_cells` factors.
    pub fn to_sized_controls(
        &self,
        kinds: &[ControlKind],
        size: ControlSize,
        cache: &mut ControlCache,
    ) -> Vec<Control> {
        let kinds = ControlKind::ALL.into_iter().filter(|kind| kinds.contains(kind));
        let taking_part = kinds.filter(|kind| self.layer(*kind).takes_part());
        taking_part
            .map(|kind| {
                let layer = self.layer(kind);
                Control {
                    map: cache.map(kind, layer, size.size_px),
                    strength: layer.strength().clone(),
                    strength_map: cache.cells(kind, layer, size.n_cells),
                }
            })
            .collect()
    }
}

impl ControlCache {
    fn map(&mut self, kind: ControlKind, layer: &Layer, size_px: usize) -> ControlMap {
        let cached = &mut self.maps[layer_idx(kind)];
        if let Some((pixels, map)) = cached
            && map.size_px() == size_px
            && is_unchanged(layer.pixels(), pixels)
        {
            return map.clone();
        }
        let map = control_map(kind, layer.pixels()).resized(size_px);
        *cached = Some((layer.pixels().clone(), map.clone()));
        map
    }

    fn cells(&mut self, kind: ControlKind, layer: &Layer, n_cells: usize) -> Option<Arc<[f32]>> {
        let cached = &mut self.cells[layer_idx(kind)];
        if let Some((weakening, cells)) = cached
            && cells.len() == n_cells * n_cells
            && is_unchanged(layer.weakening(), weakening)
        {
            return (!weakening.is_empty()).then(|| Arc::clone(cells));
        }
        let cells = layer.strength_cells(n_cells)?;
        *cached = Some((layer.weakening().clone(), Arc::clone(&cells)));
        Some(cells)
    }
}

fn is_unchanged(new: &TileGrid, old: &TileGrid) -> bool {
    new.size_px() == old.size_px() && new.changed_tiles(old).next().is_none()
}

/// Interleaved bytes to planes in [0, 1].
fn control_map(kind: ControlKind, pixels: &TileGrid) -> ControlMap {
    let bytes = pixels.to_bytes();
    let n_channels = pixels.n_channels();
    let mut values = Vec::with_capacity(bytes.len());
    for channel in 0..n_channels {
        let channel = bytes.iter().skip(channel).step_by(n_channels);
        values.extend(channel.map(|byte| f32::from(*byte) / 255.0));
    }
    let map = ControlMap::new(kind, pixels.size_px(), values);
    let map = map.expect("complete, finite and not empty");
    // Ink and depth are bytes already; colour is, once its alpha is taken out.
    if kind == ControlKind::Colour { map.in_8_bits() } else { map }
}
