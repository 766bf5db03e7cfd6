//! The pictures of the cross-fade on the GPU, and how pixels get there.

use eframe::wgpu;
use image::imageops;

use crate::imaging::RgbaImage;

/// Three textures of one size that change roles with every picture, so that a stream of previews
/// allocates nothing.
#[derive(Debug)]
pub(super) struct PictureTextures {
    /// What the fade starts from.
    pub(super) previous: wgpu::Texture,
    pub(super) current: wgpu::Texture,
    /// Where a fade that is cut short is kept.
    pub(super) spare: wgpu::Texture,
}

impl PictureTextures {
    /// Gamma-encoded with premultiplied alpha, so that mixing pixels leaves no fringes.
    pub(super) const FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

    /// `size` is at least 1×1 and within the device's limit.
    pub(super) fn new(device: &wgpu::Device, size: (u32, u32)) -> Self {
        let texture = |label| {
            device.create_texture(&wgpu::TextureDescriptor {
                label: Some(label),
                size: wgpu::Extent3d { width: size.0, height: size.1, depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: Self::FORMAT,
                usage: wgpu::TextureUsages::TEXTURE_BINDING
                    | wgpu::TextureUsages::COPY_DST
                    | wgpu::TextureUsages::RENDER_ATTACHMENT,
                view_formats: &[],
            })
        };
        // Labels number them, since their roles change.
        Self {
            previous: texture("canvas picture 1"),
            current: texture("canvas picture 2"),
            spare: texture("canvas picture 3"),
        }
    }

    pub(super) fn size(&self) -> (u32, u32) {
        (self.current.width(), self.current.height())
    }

    /// The next fade starts from the current picture.
    pub(super) fn current_to_previous(self) -> Self {
        Self { previous: self.current, current: self.previous, spare: self.spare }
    }

    /// The next fade starts from what the spare texture keeps.
    pub(super) fn spare_to_previous(self) -> Self {
        Self { previous: self.spare, current: self.previous, spare: self.current }
    }
}

/// Fills a texture with premultiplied pixels of its size.
pub(super) fn upload(queue: &wgpu::Queue, texture: &wgpu::Texture, pixels: &RgbaImage) {
    let size = texture.size();
    queue.write_texture(
        texture.as_image_copy(),
        pixels.as_raw(),
        wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(4 * size.width),
            rows_per_image: None,
        },
        size,
    );
}

/// The pixels with colours multiplied by alpha, rounded to nearest. A picture with a side beyond
/// `max_side_px`, which graphics devices refuse, comes smaller in the same proportions; sides stay
/// at least 1.
pub fn premultiplied_within(picture: &RgbaImage, max_side_px: u32) -> RgbaImage {
    let mut pixels = picture.clone();
    for pixel in pixels.pixels_mut() {
        let [red, green, blue, alpha] = pixel.0;
        let scaled = |value: u8| ((u16::from(value) * u16::from(alpha) + 127) / 255) as u8;
        pixel.0 = [scaled(red), scaled(green), scaled(blue), alpha];
    }
    let (width, height) = pixels.dimensions();
    if width.max(height) <= max_side_px {
        return pixels;
    }
    let scale = f64::from(max_side_px) / f64::from(width.max(height));
    let side = |side: u32| ((f64::from(side) * scale).round() as u32).clamp(1, max_side_px);
    imageops::thumbnail(&pixels, side(width), side(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn premultiplying_rounds_to_nearest() {
        let picture = RgbaImage::from_raw(3, 1, vec![255, 128, 1, 128, 9, 8, 7, 255, 9, 8, 7, 0]);
        let pixels = premultiplied_within(&picture.unwrap(), 3);
        assert_eq!(pixels.as_raw(), &[128, 64, 1, 128, 9, 8, 7, 255, 0, 0, 0, 0]);
    }

    #[test]
    fn only_pictures_beyond_the_limit_shrink() {
        let picture = RgbaImage::new(300, 2);
        assert_eq!(premultiplied_within(&picture, 300).dimensions(), (300, 2));
        assert_eq!(premultiplied_within(&picture, 100).dimensions(), (100, 1));
    }
}
