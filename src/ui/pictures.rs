//! Small pictures for the scale strip and the slots: scaled down, sent to the graphics card once,
//! forgotten when no longer shown.

use std::sync::Arc;

use egui::epaint::RectShape;
use egui::{
    Color32, ColorImage, Context, CornerRadius, Painter, Rect, TextureHandle, TextureOptions, pos2,
};

use super::theme::Palette;
use crate::imaging::RgbaImage;

/// Side of a square of the checkerboard, in points.
const CHECKER_POINTS: f32 = 6.0;

/// Textures of the pictures that were shown in the last frame.
#[derive(Default)]
pub struct Pictures {
    textures: Vec<Texture>,
    checker: Option<([Color32; 2], TextureHandle)>,
}

struct Texture {
    picture: Arc<RgbaImage>,
    handle: TextureHandle,
    is_used: bool,
}

impl Pictures {
    /// Paints the picture over a checkerboard. `opacity` in 0–1 fades the picture, not the board.
    pub fn paint(
        &mut self,
        painter: &Painter,
        palette: &Palette,
        rect: Rect,
        radius: CornerRadius,
        picture: &Arc<RgbaImage>,
        opacity: f32,
    ) {
        let board = self.checker(painter.ctx(), palette.checker);
        let n_tiles = rect.size() / (2.0 * CHECKER_POINTS);
        let tiles = Rect::from_min_max(pos2(0.0, 0.0), n_tiles.to_pos2());
        painter.add(RectShape::filled(rect, radius, Color32::WHITE).with_texture(board, tiles));

        self.paint_picture(painter, rect, radius, picture, opacity);
    }

    /// Paints the picture over paper, as it is in files without transparency.
    pub fn paint_on_paper(
        &mut self,
        painter: &Painter,
        paper: Color32,
        rect: Rect,
        radius: CornerRadius,
        picture: &Arc<RgbaImage>,
    ) {
        painter.rect_filled(rect, radius, paper);
        self.paint_picture(painter, rect, radius, picture, 1.0);
    }

    fn paint_picture(
        &mut self,
        painter: &Painter,
        rect: Rect,
        radius: CornerRadius,
        picture: &Arc<RgbaImage>,
        opacity: f32,
    ) {
        let side_px = (rect.width() * painter.pixels_per_point()).ceil() as usize;
        let texture = self.texture(painter.ctx(), picture, side_px);
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        let tint = Color32::WHITE.gamma_multiply(opacity);
        painter.add(RectShape::filled(rect, radius, tint).with_texture(texture, whole));
    }

    /// Drops what was not painted since the last call.
    pub fn forget_unused(&mut self) {
        self.textures.retain_mut(|texture| std::mem::take(&mut texture.is_used));
    }

    fn texture(
        &mut self,
        ctx: &Context,
        picture: &Arc<RgbaImage>,
        side_px: usize,
    ) -> egui::TextureId {
        let known = self.textures.iter_mut().find(|texture| {
            Arc::ptr_eq(&texture.picture, picture)
                && texture.handle.size()[0] >= side_px.min(picture.width() as usize)
        });
        if let Some(texture) = known {
            texture.is_used = true;
            return texture.handle.id();
        }
        let image = scaled_down(picture, side_px);
        let handle = ctx.load_texture("small picture", image, TextureOptions::LINEAR);
        let id = handle.id();
        self.textures.push(Texture { picture: Arc::clone(picture), handle, is_used: true });
        id
    }

    fn checker(&mut self, ctx: &Context, colours: [Color32; 2]) -> egui::TextureId {
        if self.checker.as_ref().is_none_or(|(painted, _)| *painted != colours) {
            let [a, b] = colours;
            let tile = ColorImage::new([2, 2], vec![a, b, b, a]);
            let handle = ctx.load_texture("checkerboard", tile, TextureOptions::NEAREST_REPEAT);
            self.checker = Some((colours, handle));
        }
        self.checker.as_ref().map_or_else(Default::default, |(_, handle)| handle.id())
    }
}

/// Halves the picture while it stays at least `side_px` wide: the graphics card does the rest
/// without leaving out pixels. Straight alpha in, premultiplied out.
pub(super) fn scaled_down(picture: &RgbaImage, side_px: usize) -> ColorImage {
    let size = [picture.width() as usize, picture.height() as usize];
    let mut image = ColorImage::from_rgba_unmultiplied(size, picture.as_raw());
    while image.size.iter().all(|side| side % 2 == 0 && side / 2 >= side_px.max(1)) {
        image = halved(&image);
    }
    image
}

fn halved(image: &ColorImage) -> ColorImage {
    let [width, height] = image.size;
    let mean = |[a, b, c, d]: [Color32; 4]| {
        let channel = |idx: usize| {
            let sum = [a, b, c, d].iter().map(|colour| u16::from(colour[idx])).sum::<u16>();
            ((sum + 2) / 4) as u8
        };
        Color32::from_rgba_premultiplied(channel(0), channel(1), channel(2), channel(3))
    };
    let at = |x: usize, y: usize| image.pixels[y * width + x];
    let pixels = (0..height / 2)
        .flat_map(|y| (0..width / 2).map(move |x| (2 * x, 2 * y)))
        .map(|(x, y)| mean([at(x, y), at(x + 1, y), at(x, y + 1), at(x + 1, y + 1)]))
        .collect();
    ColorImage::new([width / 2, height / 2], pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_halved_but_never_below_the_wanted_side() {
        let picture = RgbaImage::from_pixel(256, 256, image::Rgba([200, 100, 0, 255]));
        assert_eq!(scaled_down(&picture, 88).size, [128, 128]);
        assert_eq!(scaled_down(&picture, 64).size, [64, 64]);
        assert_eq!(scaled_down(&picture, 300).size, [256, 256]);
        assert_eq!(scaled_down(&picture, 64).pixels[0], Color32::from_rgb(200, 100, 0));
    }

    #[test]
    fn transparent_pixels_do_not_darken_or_tint_their_neighbours() {
        let mut picture = RgbaImage::from_pixel(2, 2, image::Rgba([255, 0, 0, 0]));
        picture.put_pixel(0, 0, image::Rgba([0, 255, 0, 255]));
        let small = scaled_down(&picture, 1);
        assert_eq!(small.pixels, [Color32::from_rgba_premultiplied(0, 64, 0, 64)]);
    }
}
