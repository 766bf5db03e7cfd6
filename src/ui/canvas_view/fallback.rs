//! The canvas in plain egui, for windows without our renderer: sharp when magnified, no fading.

use egui::{
    Color32, ColorImage, Painter, Rect, TextureFilter, TextureHandle, TextureOptions, Vec2, pos2,
};

use super::{CHECKER_CELL, Shown};
use crate::render::premultiplied_within;

/// What has been handed to egui's texture manager.
#[derive(Default)]
pub(super) struct Textures {
    picture: Option<(u64, TextureHandle)>,
    /// Two by two pixels, repeated.
    checker: Option<([Color32; 2], TextureHandle)>,
}

impl Textures {
    pub(super) fn paint(
        &mut self,
        painter: &Painter,
        shown: &Shown,
        picture_in_ui: Rect,
        checker: [Color32; 2],
    ) {
        let n_tiles = picture_in_ui.size() / (2.0 * CHECKER_CELL);
        let tiles = Rect::from_min_size(pos2(0.0, 0.0), n_tiles);
        painter.image(self.checker(painter, checker), picture_in_ui, tiles, Color32::WHITE);
        let whole = Rect::from_min_size(pos2(0.0, 0.0), Vec2::splat(1.0));
        painter.image(self.picture(painter, shown), picture_in_ui, whole, Color32::WHITE);
    }

    fn checker(&mut self, painter: &Painter, colours: [Color32; 2]) -> egui::TextureId {
        let (_, texture) = match self.checker.take() {
            Some(checker) if checker.0 == colours => self.checker.insert(checker),
            _ => {
                let [even, odd] = colours;
                let pixels = ColorImage::new([2, 2], vec![even, odd, odd, even]);
                let options = TextureOptions::NEAREST_REPEAT;
                let texture = painter.ctx().load_texture("canvas checker", pixels, options);
                self.checker.insert((colours, texture))
            }
        };
        texture.id()
    }

    fn picture(&mut self, painter: &Painter, shown: &Shown) -> egui::TextureId {
        let (_, texture) = match self.picture.take() {
            Some(picture) if picture.0 == shown.serial => self.picture.insert(picture),
            _ => {
                let max_side_px = painter.ctx().input(|input| input.max_texture_side);
                let pixels = premultiplied_within(&shown.image, max_side_px as u32);
                let size = [pixels.width() as usize, pixels.height() as usize];
                let pixels = ColorImage::from_rgba_premultiplied(size, pixels.as_raw());
                let options = TextureOptions {
                    magnification: TextureFilter::Nearest,
                    ..TextureOptions::LINEAR
                };
                let texture = painter.ctx().load_texture("canvas picture", pixels, options);
                self.picture.insert((shown.serial, texture))
            }
        };
        texture.id()
    }
}
