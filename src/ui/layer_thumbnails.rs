//! Small pictures of the layers, kept as long as the layers do not change.

use std::collections::BTreeMap;

use egui::{Color32, ColorImage, Context, TextureHandle, TextureId, TextureOptions};

use super::theme::Palette;
use super::tool_look;
use crate::document::{Ink, Plane, TileGrid};
use crate::params::ControlKind;

/// Pixels per side: enough for dense screens.
const SIDE_PX: usize = 80;

/// The pictures, by plane.
#[derive(Default)]
pub(super) struct LayerThumbnails(BTreeMap<Plane, Thumbnail>);

struct Thumbnail {
    /// What it was made from.
    pixels: TileGrid,
    paper: Color32,
    texture: TextureHandle,
}

impl LayerThumbnails {
    /// The picture of a plane as it is now.
    pub(super) fn texture(
        &mut self,
        ctx: &Context,
        palette: &Palette,
        plane: Plane,
        pixels: &TileGrid,
    ) -> TextureId {
        let is_current = |known: &&mut Thumbnail| {
            known.paper == palette.paper
                && known.pixels.size_px() == pixels.size_px()
                && pixels.changed_tiles(&known.pixels).next().is_none()
        };
        if let Some(known) = self.0.get_mut(&plane).filter(is_current) {
            return known.texture.id();
        }
        let image = picture(palette, plane, pixels);
        let texture = ctx.load_texture("layer", image, TextureOptions::LINEAR);
        let id = texture.id();
        let thumbnail = Thumbnail { pixels: pixels.clone(), paper: palette.paper, texture };
        self.0.insert(plane, thumbnail);
        id
    }
}

/// The plane on paper, each pixel the mean of what it covers.
fn picture(palette: &Palette, plane: Plane, grid: &TileGrid) -> ColorImage {
    let size_px = grid.size_px();
    let bytes = grid.to_bytes();
    let n_channels = grid.n_channels();
    let side = SIDE_PX.min(size_px);
    let span = |cell: usize| cell * size_px / side..(cell + 1) * size_px / side;
    let mean = |cell: usize| -> [u8; 4] {
        let (rows, columns) = (span(cell / side), span(cell % side));
        let n_pixels = (rows.len() * columns.len()) as u32;
        let mut sums = [0; 4];
        for row in rows {
            for pixel in bytes[(row * size_px + columns.start) * n_channels..]
                .chunks_exact(n_channels)
                .take(columns.len())
            {
                for (sum, byte) in sums.iter_mut().zip(pixel) {
                    *sum += u32::from(*byte);
                }
            }
        }
        sums.map(|sum| ((sum + n_pixels / 2) / n_pixels) as u8)
    };
    let pixels = (0..side * side).map(|cell| colour(palette, plane, mean(cell))).collect();
    ColorImage::new([side, side], pixels)
}

/// One pixel of a plane as the user means it.
fn colour(palette: &Palette, plane: Plane, pixel: [u8; 4]) -> Color32 {
    let [first, green, blue, alpha] = pixel;
    match plane {
        Plane::Pixels(ControlKind::Colour) => {
            palette.paper.blend(Color32::from_rgba_premultiplied(first, green, blue, alpha))
        }
        Plane::Pixels(_) | Plane::Lock => {
            tool_look::ink_colour(palette, plane, Ink { level: first, colour: [0; 3] })
        }
        Plane::Strength(_) => {
            tool_look::ink_colour(palette, plane, Ink { level: 255 - first, colour: [0; 3] })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Document, Edit};
    use crate::ui::theme;

    #[test]
    fn pictures_show_ink_on_paper() {
        let palette = theme::Palette::of(&egui::Visuals::dark());
        let kind = ControlKind::Lines;
        let mut bytes = vec![0; 200 * 200];
        bytes[..200 * 100].fill(255);
        let image = crate::document::LayerImage::new(kind, 200, bytes).unwrap();
        let mut document = Document::new(200).unwrap();
        document.apply(&Edit::Import(image)).unwrap();
        let plane = Plane::Pixels(kind);
        let picture = picture(palette, plane, document.plane(plane));
        assert_eq!(picture.size, [SIDE_PX, SIDE_PX]);
        assert_eq!(picture.pixels[0], palette.ink);
        assert_eq!(picture.pixels[SIDE_PX * SIDE_PX - 1], palette.paper);
    }

    #[test]
    fn a_picture_is_made_anew_only_when_the_layer_changed() {
        let ctx = Context::default();
        let palette = theme::Palette::of(&egui::Visuals::light());
        let plane = Plane::Strength(ControlKind::Depth);
        let mut document = Document::new(16).unwrap();
        let mut thumbnails = LayerThumbnails::default();
        let mut id =
            |document: &Document| thumbnails.texture(&ctx, palette, plane, document.plane(plane));
        let first = id(&document);
        assert_eq!(id(&document), first);
        let pen = crate::document::Pen {
            plane,
            brush: crate::document::Brush {
                ink: Ink { level: 0, colour: [0; 3] },
                ..crate::document::Brush::default()
            },
            symmetry: crate::document::Symmetry::None,
        };
        let at = crate::document::PenPoint { pos: [8.0, 8.0], pressure: 1.0, secs: 0.0 };
        document.apply(&Edit::Stroke { pen, points: vec![at] }).unwrap();
        assert_ne!(id(&document), first);
    }
}
