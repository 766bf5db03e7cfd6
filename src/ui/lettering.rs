//! Text as pixels, for pictures that are saved: the window has the fonts, files have not.

use egui::{Color32, Context, FontFamily, FontId, text::LayoutJob};

use crate::imaging::RgbaImage;

/// Black letters on nothing, at least one pixel. Long texts are cut to `max_width_px`.
pub(super) fn letters(
    ctx: &Context,
    text: &str,
    size_px: f32,
    is_strong: bool,
    max_width_px: f32,
) -> RgbaImage {
    let pixels_per_point = ctx.pixels_per_point();
    let family =
        if is_strong { FontFamily::Name("strong".into()) } else { FontFamily::Proportional };
    let font = FontId::new(size_px / pixels_per_point, family);
    let mut job = LayoutJob::simple_singleline(text.to_owned(), font, Color32::BLACK);
    job.wrap = egui::text::TextWrapping::truncate_at_width(max_width_px / pixels_per_point);
    let galley = ctx.fonts_mut(|fonts| fonts.layout_job(job));
    #[expect(clippy::redundant_closure_for_method_calls, reason = "lifetimes ask for a closure")]
    let atlas = ctx.fonts(|fonts| fonts.image());
    let size = (galley.size() * pixels_per_point).ceil().max(egui::Vec2::splat(1.0));
    let mut picture = RgbaImage::new(size.x as u32, size.y as u32);
    for row in &galley.rows {
        for glyph in row.glyphs.iter().filter(|glyph| !glyph.uv_rect.is_nothing()) {
            let uv = &glyph.uv_rect;
            let corner = (row.pos + glyph.pos.to_vec2() + uv.offset) * pixels_per_point;
            let (left, top) = (corner.x.round() as i64, corner.y.round() as i64);
            for (y, v) in (uv.min[1]..uv.max[1]).enumerate() {
                for (x, u) in (uv.min[0]..uv.max[0]).enumerate() {
                    let (Ok(x), Ok(y)) =
                        (u32::try_from(left + x as i64), u32::try_from(top + y as i64))
                    else {
                        continue;
                    };
                    let coverage = atlas[(usize::from(u), usize::from(v))].a();
                    if let Some(pixel) = picture.get_pixel_mut_checked(x, y) {
                        pixel.0[3] = pixel.0[3].max(coverage);
                    }
                }
            }
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_leave_ink_and_long_texts_are_cut() {
        let ctx = Context::default();
        let mut widths = Vec::new();
        let mut inks = Vec::new();
        // Fonts are there from the first frame on.
        let _output = ctx.run_ui(egui::RawInput::default(), |ui| {
            let ctx = ui.ctx();
            crate::ui::theme::install(ctx);
        });
        let _output = ctx.run_ui(egui::RawInput::default(), |ui| {
            for text in ["red apple", "red apple, and a very long list of other things"] {
                let picture = letters(ui.ctx(), text, 20.0, true, 200.0);
                widths.push(picture.width());
                inks.push(picture.pixels().filter(|pixel| pixel.0[3] > 128).count());
            }
        });
        assert!(widths[0] < widths[1] && widths[1] <= 201, "{widths:?}");
        assert!(inks.iter().all(|ink| *ink > 200), "{inks:?}");
    }
}
