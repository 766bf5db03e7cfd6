//! The planes of a drawing on the GPU; only tiles that changed are sent.

use eframe::wgpu;

use super::PixelRect;
use crate::document::{TILE_PX, TileGrid};

/// One plane: a texture, and the pixels that were last sent to it.
#[derive(Debug)]
pub(super) struct PlaneTexture {
    pub(super) texture: wgpu::Texture,
    sent: Option<TileGrid>,
}

impl PlaneTexture {
    /// One byte per channel, as the document has them.
    pub(super) fn format(n_channels: usize) -> wgpu::TextureFormat {
        if n_channels == 1 { wgpu::TextureFormat::R8Unorm } else { wgpu::TextureFormat::Rgba8Unorm }
    }

    /// An empty plane.
    pub(super) fn new(device: &wgpu::Device, size_px: usize, n_channels: usize) -> Self {
        let texture = plane_texture(device, "canvas plane", size_px, Self::format(n_channels));
        Self { texture, sent: None }
    }

    /// Sends what changed since the last call.
    pub(super) fn send(&mut self, queue: &wgpu::Queue, grid: &TileGrid) {
        match &self.sent {
            Some(sent) => {
                grid.changed_tiles(sent).for_each(|idx| self.send_tile(queue, grid, idx));
            }
            // Textures begin as zeros, and so do tiles.
            None => (0..grid.n_tiles())
                .filter(|idx| grid.tile(*idx).is_some())
                .for_each(|idx| self.send_tile(queue, grid, idx)),
        }
        self.sent = Some(grid.clone());
    }

    fn send_tile(&self, queue: &wgpu::Queue, grid: &TileGrid, tile_idx: usize) {
        let rect = PixelRect::of_tile(grid, tile_idx);
        let empty;
        let bytes = if let Some(bytes) = grid.tile(tile_idx) {
            bytes
        } else {
            empty = vec![0; TILE_PX * TILE_PX * grid.n_channels()];
            &empty
        };
        let [x, y] = rect.min;
        queue.write_texture(
            wgpu::TexelCopyTextureInfo {
                origin: wgpu::Origin3d { x, y, z: 0 },
                ..self.texture.as_image_copy()
            },
            bytes,
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some((TILE_PX * grid.n_channels()) as u32),
                rows_per_image: None,
            },
            wgpu::Extent3d { width: rect.width(), height: rect.height(), depth_or_array_layers: 1 },
        );
    }
}

/// A texture of a canvas that can be drawn to, copied and read in shaders.
pub(super) fn plane_texture(
    device: &wgpu::Device,
    label: &str,
    size_px: usize,
    format: wgpu::TextureFormat,
) -> wgpu::Texture {
    let side = size_px as u32;
    device.create_texture(&wgpu::TextureDescriptor {
        label: Some(label),
        size: wgpu::Extent3d { width: side, height: side, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING
            | wgpu::TextureUsages::RENDER_ATTACHMENT
            | wgpu::TextureUsages::COPY_DST
            | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    })
}

pub(super) fn whole_view(texture: &wgpu::Texture) -> wgpu::TextureView {
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}
