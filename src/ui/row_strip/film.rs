//! The film of the rows: the picture turned on its side, a row per frame, and what can be pointed at.

use egui::{
    Align2, Color32, ColorImage, Context, CornerRadius, Id, Painter, Rangef, Rect, Response, Role,
    Sense, Stroke, StrokeKind, TextureHandle, TextureOptions, Ui, WidgetInfo, pos2,
};

use super::{Film, NUMBERS};
use crate::imaging::RgbaImage;
use crate::protocol::ModelInfo;
use crate::state::{Kept, Still};
use crate::ui::canvas_view::hatch;
use crate::ui::command::Action;
use crate::ui::theme::{self, Palette};
use crate::ui::{costs, widgets};

/// Rows that may be numbered under the film: the first of these steps with room enough.
const STEPS: [usize; 6] = [1, 2, 4, 8, 16, 32];
/// Points that a number needs.
const NUMBER_ROOM: f32 = 26.0;
/// How faint rows are below the one that is looked at.
const BELOW_OPACITY: f32 = 0.35;
/// Rows narrower than this stand without a gap.
const LEAST_FRAME: f32 = 5.0;

/// The film on the graphics card: one pixel per token.
#[derive(Default)]
pub(in crate::ui) struct FilmTexture {
    /// Of which picture, and the size of the grid.
    shown: Option<(u64, [usize; 2], TextureHandle)>,
}

impl FilmTexture {
    fn id(&mut self, ctx: &Context, still: &Still, model: &ModelInfo) -> Option<egui::TextureId> {
        let n_columns = *model.scales.first()?;
        let size = [model.scales.len(), n_columns];
        let is_shown =
            |shown: &(u64, [usize; 2], TextureHandle)| (shown.0, shown.1) == (still.serial, size);
        if !self.shown.as_ref().is_some_and(is_shown) {
            let image = on_its_side(&still.image, size);
            let texture = ctx.load_texture("film of rows", image, TextureOptions::NEAREST);
            self.shown = Some((still.serial, size, texture));
        }
        self.shown.as_ref().map(|(.., texture)| texture.id())
    }
}

/// One pixel per token, the picture's rows as columns. Straight alpha in, premultiplied out; every
/// pixel is the mean of some places of its token.
fn on_its_side(picture: &RgbaImage, [n_rows, n_columns]: [usize; 2]) -> ColorImage {
    const SAMPLES: [f32; 3] = [0.2, 0.5, 0.8];
    let (width, height) = picture.dimensions();
    if width.min(height) == 0 {
        return ColorImage::filled([n_rows, n_columns], Color32::TRANSPARENT);
    }
    let place = |idx: usize, within: f32, n: usize, side: u32| {
        (((idx as f32 + within) / n as f32 * side as f32) as u32).min(side.saturating_sub(1))
    };
    let token = |row: usize, column: usize| {
        let mut sum = [0_u32; 4];
        for (down, across) in SAMPLES.into_iter().flat_map(|y| SAMPLES.map(|x| (y, x))) {
            let at = [place(column, across, n_columns, width), place(row, down, n_rows, height)];
            let [red, green, blue, alpha] = picture.get_pixel(at[0], at[1]).0;
            let seen = Color32::from_rgba_unmultiplied(red, green, blue, alpha);
            for (sum, value) in sum.iter_mut().zip(seen.to_array()) {
                *sum += u32::from(value);
            }
        }
        let n_samples = (SAMPLES.len() * SAMPLES.len()) as u32;
        let [red, green, blue, alpha] =
            sum.map(|value| ((value + n_samples / 2) / n_samples) as u8);
        Color32::from_rgba_premultiplied(red, green, blue, alpha)
    };
    let pixels = (0..n_columns).flat_map(|column| (0..n_rows).map(move |row| (row, column)));
    ColorImage::new([n_rows, n_columns], pixels.map(|(row, column)| token(row, column)).collect())
}

pub(super) struct FilmUi<'a> {
    pub(super) film: &'a Film<'a>,
    pub(super) rect: Rect,
}

impl FilmUi<'_> {
    fn step(&self) -> f32 {
        self.rect.width() / self.film.n_rows().max(1) as f32
    }

    /// From the left to the right edge of a row.
    pub(super) fn span(&self, row_idx: usize) -> Rangef {
        let left = self.rect.left() + row_idx as f32 * self.step();
        Rangef::new(left, left + self.step())
    }

    /// The row at a place of the window, also beyond the ends.
    pub(super) fn row_at(&self, x: f32) -> usize {
        ((x - self.rect.left()) / self.step()).max(0.0) as usize
    }

    /// The place of a row: it can be looked at once it is done.
    pub(super) fn row_ui(&self, ui: &mut Ui, row_idx: usize) -> Response {
        let film = self.film;
        let is_done =
            film.job.is_some_and(|job| job.still(row_idx).is_some()) || film.is_growing(row_idx);
        let rect = Rect::from_x_y_ranges(self.span(row_idx), self.rect.y_range());
        let place = rect.with_max_y(rect.bottom() + NUMBERS);
        let sense = if is_done { Sense::click_and_drag() } else { Sense::hover() };
        let response = ui.interact(place, Id::unique(("row of the picture", row_idx)), sense);
        let label = format!("Row {} of {}", row_idx + 1, film.n_rows());
        let is_shown = match film.state.growing() {
            Some(growing) => growing.scale_idx == row_idx,
            None => film.n_shown == row_idx + 1,
        };
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, is_done, is_shown, &label));
        widgets::focus_ring(ui, &response, CornerRadius::same(3));
        // The tooltip must not hide what is under the pointer while it scrubs.
        if response.dragged() {
            return response;
        }
        response.on_hover_ui(|ui| self.tooltip_ui(ui, row_idx, &label))
    }

    fn tooltip_ui(&self, ui: &mut Ui, row_idx: usize, label: &str) {
        let palette = theme::palette(ui);
        let soft = |ui: &mut Ui, text: String| {
            ui.label(egui::RichText::new(text).color(palette.text_soft));
        };
        let Film { state, model, job, .. } = *self.film;
        let n_tokens = model.scales.get(row_idx).copied().unwrap_or_default();
        ui.label(format!("{label}: {n_tokens} tokens"));
        let still = job.and_then(|job| job.still(row_idx));
        if let Some(elapsed) = still.and_then(|still| still.elapsed) {
            soft(ui, format!("There after {}", costs::duration_text(elapsed)));
        }
        if let Some(seed) = job.and_then(|job| job.seeds.get(row_idx)) {
            let n_kept = state.steering.kept.as_ref().map_or(0, Kept::n_scales);
            let kept = if row_idx < n_kept { ", kept" } else { "" };
            soft(ui, format!("Seed {seed}{kept}"));
        }
        let (n_done, n_rows) = (row_idx + 1, model.scales.len());
        if let Some(cost) = state.costs.of_run(0..n_done) {
            soft(ui, format!("Drawing up to here takes {}", costs::duration_text(cost)));
        }
        if let Some(cost) = state.costs.of_run(n_done..n_rows).filter(|_| n_done < n_rows) {
            soft(ui, format!("A re-roll from here takes {}", costs::duration_text(cost)));
        }
        if still.is_some() {
            let [above, below] =
                [Action::CoarserScale, Action::FinerScale].map(|action| action.key_text(ui.ctx()));
            let hint = format!("Move with “{above}” and “{below}”, or drag");
            ui.label(egui::RichText::new(hint).color(palette.text_faint));
        }
    }

    pub(super) fn paint(&self, ui: &Ui, texture: &mut FilmTexture) {
        let palette = theme::palette(ui);
        let painter = ui.painter().with_clip_rect(self.rect.expand(2.0));
        painter.rect_filled(self.rect, 0.0, palette.field);
        let right = self.paint_pictures(ui, &painter, texture);
        let next = self.span(self.film.n_done).max.min(self.rect.right());
        let top = self.rect.top() + self.share_of_row() * self.rect.height();
        let under_way = Rect::from_min_max(pos2(right, top), pos2(next, self.rect.bottom()));
        for rest in [under_way, self.rect.with_min_x(next)] {
            hatch(&painter, palette, rest);
        }
        self.paint_row_under_way(&painter, palette);
        self.paint_gaps(&painter, palette);
        painter.rect_stroke(self.rect, 0.0, Stroke::new(1.0, palette.line), StrokeKind::Inside);
        self.paint_shown(ui, palette);
        self.paint_numbers(ui.painter(), palette);
    }

    /// The rows that are there, from the newest picture of all, and dimmed where another is looked at.
    /// Returns where they end.
    fn paint_pictures(&self, ui: &Ui, painter: &Painter, texture: &mut FilmTexture) -> f32 {
        let film = self.film;
        let growing = film.growing.map(|growing| &growing.still);
        let newest = film.job.and_then(|job| job.newest()).map(|(_, still)| still);
        let Some(still) = growing.or(newest) else { return self.rect.left() };
        let Some(texture) = texture.id(ui.ctx(), still, film.model) else {
            return self.rect.left();
        };
        let n_rows = film.n_rows().max(1);
        let part = |rows: std::ops::Range<usize>, bottom: f32, opacity: f32| {
            if rows.is_empty() {
                return;
            }
            let [left, right] = [rows.start, rows.end].map(|row| row as f32 / n_rows as f32);
            let x = |share: f32| self.rect.left() + share * self.rect.width();
            let bottom_in_ui = self.rect.top() + bottom * self.rect.height();
            let rect =
                Rect::from_min_max(pos2(x(left), self.rect.top()), pos2(x(right), bottom_in_ui));
            let uv = Rect::from_min_max(pos2(left, 0.0), pos2(right, bottom));
            painter.image(texture, rect, uv, Color32::WHITE.gamma_multiply(opacity));
        };
        let n_bright = if film.state.growing().is_some() { film.n_done } else { film.n_shown };
        part(0..n_bright.min(film.n_done), 1.0, 1.0);
        part(n_bright.min(film.n_done)..film.n_done, 1.0, BELOW_OPACITY);
        let share = self.share_of_row();
        if film.n_done < n_rows && share > 0.0 {
            let opacity = if film.state.growing().is_some() { 1.0 } else { BELOW_OPACITY };
            part(film.n_done..film.n_done + 1, share, opacity);
        }
        self.span(film.n_done).min
    }

    /// How much of the unfinished row is there, 0–1.
    fn share_of_row(&self) -> f32 {
        let film = self.film;
        let Some(growing) = film.growing.filter(|growing| growing.scale_idx == film.n_done) else {
            return 0.0;
        };
        let n_tokens = film.model.scales.get(growing.scale_idx).copied().unwrap_or(1).max(1);
        growing.n_in_row(film.model) as f32 / n_tokens as f32
    }

    fn paint_row_under_way(&self, painter: &Painter, palette: &Palette) {
        let film = self.film;
        if film.n_done >= film.n_rows() || film.job.is_none() {
            return;
        }
        let is_running = film.is_running();
        if !is_running && film.growing.is_none() {
            return;
        }
        let ink = if is_running { palette.accent } else { palette.line_strong };
        let y = self.rect.top() + self.share_of_row() * self.rect.height();
        let span = self.span(film.n_done);
        painter.vline(span.min, y..=self.rect.bottom(), Stroke::new(1.0, ink));
        painter.hline(span, y, Stroke::new(2.0, ink));
        painter.vline(span.max, self.rect.top()..=y, Stroke::new(1.0, ink));
    }

    /// Thin lines between the rows, where there is room for them.
    fn paint_gaps(&self, painter: &Painter, palette: &Palette) {
        if self.step() < LEAST_FRAME {
            return;
        }
        for row_idx in 1..self.film.n_rows() {
            let x = self.span(row_idx).min;
            painter.vline(x, self.rect.y_range(), Stroke::new(1.0, palette.panel));
        }
    }

    /// A frame around the row that the picture on the canvas ends with.
    fn paint_shown(&self, ui: &Ui, palette: &Palette) {
        let film = self.film;
        let follows = film.is_running() && film.state.scrubbed_to.is_none();
        let Some(row_idx) = film.n_shown.checked_sub(1).filter(|_| !follows) else { return };
        let span = self.span(row_idx);
        let frame = Rect::from_x_y_ranges(span, self.rect.y_range()).expand2(egui::vec2(1.0, 2.0));
        let stroke = Stroke::new(2.0, palette.accent);
        ui.painter().rect_stroke(frame, CornerRadius::same(2), stroke, StrokeKind::Inside);
    }

    fn paint_numbers(&self, painter: &Painter, palette: &Palette) {
        let room = |step: &usize| *step as f32 * self.step() >= NUMBER_ROOM;
        let step = STEPS.into_iter().find(room).unwrap_or(self.film.n_rows().max(1));
        let y = self.rect.bottom() + NUMBERS;
        for n in (1..=self.film.n_rows()).filter(|n| *n == 1 || n.is_multiple_of(step)) {
            // The second number would touch the first.
            if n > 1 && n < step.min(3) {
                continue;
            }
            let is_shown = n == self.film.n_shown;
            let ink = if is_shown { palette.accent_text } else { palette.text_faint };
            let x = self.span(n - 1).center();
            let text = n.to_string();
            painter.text(pos2(x, y), Align2::CENTER_BOTTOM, text, theme::small(), ink);
        }
    }
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    #[test]
    fn the_picture_lies_on_its_side_with_a_pixel_per_token() {
        let picture = RgbaImage::from_fn(12, 8, |x, y| {
            let (row, column) = (y / 4, x / 4);
            if row == 1 && column == 2 {
                Rgba([9; 4])
            } else {
                Rgba([row as u8, column as u8, 0, 255])
            }
        });
        let film = on_its_side(&picture, [2, 3]);
        assert_eq!(film.size, [2, 3]);
        for (row, column) in [(0, 0), (1, 0), (0, 2), (1, 1)] {
            let expected = Color32::from_rgb(row as u8, column as u8, 0);
            assert_eq!(film.pixels[column * 2 + row], expected, "token {row}, {column}");
        }
        assert_eq!(film.pixels[5].a(), 9, "what is transparent stays so");
    }
}
