//! The canvas in plain egui, for windows without our renderer: sharp when magnified, no fading.

use egui::{
    Color32, ColorImage, Mesh, Painter, Rect, TextureFilter, TextureHandle, TextureId,
    TextureOptions, Vec2, pos2, vec2,
};
use image::imageops;

use super::Shown;
use super::lens::Lens;
use super::scene::{CHECKER_CELL, SketchPlacement};
use crate::imaging::RgbaImage;
use crate::render::{LayerStack, PixelRect, SketchLook, flatten, premultiplied_within};

/// What has been handed to egui's texture manager.
#[derive(Default)]
pub(super) struct Textures {
    picture: Option<(u64, TextureHandle)>,
    /// Two by two pixels, repeated.
    checker: Option<([Color32; 2], TextureHandle)>,
    sketch: Option<SketchTexture>,
}

/// The controls as one picture.
struct SketchTexture {
    stack: LayerStack,
    look: SketchLook,
    texture: TextureHandle,
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

    /// The controls, smooth when magnified; only tiles that changed are uploaded.
    pub(super) fn paint_sketch(
        &mut self,
        painter: &Painter,
        stack: LayerStack,
        look: SketchLook,
        place: &SketchPlacement,
    ) {
        if stack.is_empty() {
            return;
        }
        let texture = self.sketch(painter, stack, look);
        let canvas_in_ui = place.canvas_in_ui();
        let tint = Color32::WHITE.gamma_multiply(place.opacity);
        let painter = painter.with_clip_rect(painter.clip_rect().intersect(canvas_in_ui));
        let mut mesh = Mesh::with_texture(texture);
        match place.lens_in_ui {
            None => {
                let whole = Rect::from_min_size(pos2(0.0, 0.0), Vec2::splat(1.0));
                mesh.add_rect_with_uv(canvas_in_ui, whole, tint);
            }
            Some(centre_in_ui) => {
                for corner in 0..LENS_CORNERS {
                    let angle = std::f32::consts::TAU * corner as f32 / LENS_CORNERS as f32;
                    let (sin, cos) = angle.sin_cos();
                    let pos = centre_in_ui + Lens::RADIUS * vec2(cos, sin);
                    let uv = ((pos - canvas_in_ui.min) / canvas_in_ui.size()).to_pos2();
                    mesh.vertices.push(egui::epaint::Vertex { pos, uv, color: tint });
                }
                (2..LENS_CORNERS).for_each(|corner| mesh.add_triangle(0, corner - 1, corner));
            }
        }
        painter.add(mesh);
    }

    fn sketch(&mut self, painter: &Painter, stack: LayerStack, look: SketchLook) -> TextureId {
        let max_side_px = painter.ctx().input(|input| input.max_texture_side);
        let options = TextureOptions::LINEAR;
        let sketch = match self.sketch.take() {
            Some(mut sketch)
                if (sketch.look, sketch.stack.size_px) == (look, stack.size_px)
                    && stack.size_px <= max_side_px =>
            {
                for rect in stack.changed_since(&sketch.stack) {
                    let place = rect.min.map(|value| value as usize);
                    sketch.texture.set_partial(place, flat_image(&stack, &look, rect), options);
                }
                SketchTexture { stack, ..sketch }
            }
            Some(sketch) if (sketch.look, &sketch.stack) == (look, &stack) => sketch,
            _ => {
                let whole = flat_image(&stack, &look, PixelRect::whole(stack.size_px));
                let whole = within(whole, max_side_px);
                let texture = painter.ctx().load_texture("canvas controls", whole, options);
                SketchTexture { stack, look, texture }
            }
        };
        self.sketch.insert(sketch).texture.id()
    }

    fn checker(&mut self, painter: &Painter, colours: [Color32; 2]) -> TextureId {
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

    fn picture(&mut self, painter: &Painter, shown: &Shown) -> TextureId {
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

/// Corners of a polygon that looks round.
const LENS_CORNERS: u32 = 96;

fn flat_image(stack: &LayerStack, look: &SketchLook, rect: PixelRect) -> ColorImage {
    let size = [rect.width(), rect.height()].map(|side| side as usize);
    ColorImage::from_rgba_premultiplied(size, &flatten(stack, look, rect))
}

/// The image, smaller if a side is beyond what the window can take.
fn within(image: ColorImage, max_side_px: usize) -> ColorImage {
    let [width, height] = image.size;
    if width.max(height) <= max_side_px {
        return image;
    }
    let bytes = image.as_raw().to_vec();
    let image = RgbaImage::from_raw(width as u32, height as u32, bytes)
        .expect("an image has as many bytes as it says");
    let small = imageops::thumbnail(&image, max_side_px as u32, max_side_px as u32);
    ColorImage::from_rgba_premultiplied([max_side_px; 2], small.as_raw())
}
