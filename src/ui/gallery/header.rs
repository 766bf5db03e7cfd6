//! The line over the gallery: way back, counts, search, stars.

use egui::{Align, Id, Layout, Rect, RichText, TextEdit, Ui, pos2, vec2};

use super::UiState;
use crate::protocol::PictureQuery;
use crate::state::{AppState, Gallery};
use crate::ui::command::UiCommand;
use crate::ui::gallery_command::GalleryCommand;
use crate::ui::widgets::Button;
use crate::ui::{icons, theme};

const SEARCH_WIDTH: f32 = 260.0;
/// Narrower than this, the counts give way.
const NARROW: f32 = 860.0;
/// Of the line that shows how far the index is.
const PROGRESS_HEIGHT: f32 = 2.0;

pub(super) fn header_ui(
    ui: &mut Ui,
    state: &AppState,
    n_unsaved: usize,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let gallery = &state.gallery;
    let area = ui.max_rect();
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_S;
        let is_narrow = ui.available_width() < NARROW;
        let back = Button::icon(icons::BACK, "Back to the canvas");
        if back.show(ui).on_hover_text("Back to the canvas (Esc)").clicked() {
            commands.push(GalleryCommand::Close.into());
        }
        ui.label(RichText::new("Gallery").font(theme::title()));
        ui.add_space(theme::SPACE_XS);
        let (text, details) = counts(gallery, n_unsaved);
        if !is_narrow {
            let palette = theme::palette(ui);
            let label = ui.label(RichText::new(text).color(palette.text_soft));
            if !details.is_empty() {
                label.on_hover_text(details);
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let query = &gallery.query;
            let stars = Button::text("Starred")
                .with_icon(icons::STAR)
                .labelled("Starred only")
                .selected(query.starred_only);
            if stars.show(ui).on_hover_text("Show only pictures with a star").clicked() {
                let starred_only = !query.starred_only;
                let query = PictureQuery { starred_only, ..query.clone() };
                commands.push(GalleryCommand::Search(query).into());
            }
            search_ui(ui, query, view, commands);
        });
    });
    progress_ui(ui, area, gallery);
}

fn search_ui(ui: &mut Ui, query: &PictureQuery, view: &mut UiState, commands: &mut Vec<UiCommand>) {
    let id = Id::unique("gallery search");
    let palette = theme::palette(ui);
    let width = SEARCH_WIDTH.min(ui.available_width() - theme::SPACE_S);
    let mut text = query.text.clone();
    let edit = TextEdit::singleline(&mut text)
        .id(id)
        .hint_text("Search prompts (/)")
        .desired_width(width - 44.0)
        .margin(egui::Margin { left: 30, right: 30, top: 5, bottom: 5 });
    let response = ui.add(edit);
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::text_edit(true, &query.text, &query.text, "");
        info.label = Some("Search prompts".to_owned());
        info
    });
    let rect = response.rect;
    let icon_pos = pos2(rect.left() + 16.0, rect.center().y);
    let centre = egui::Align2::CENTER_CENTER;
    ui.painter().text(icon_pos, centre, icons::SEARCH, theme::icon(14.0), palette.text_faint);
    if !query.text.is_empty() {
        let place = Rect::from_center_size(rect.right_center() - vec2(15.0, 0.0), vec2(22.0, 22.0));
        let builder = egui::UiBuilder::new().max_rect(place);
        let clear = Button::icon(icons::CLOSE, "Clear search").min_size(place.size());
        let is_cleared = ui.scope_builder(builder, |ui| clear.show(ui).clicked()).inner;
        if is_cleared {
            text.clear();
        }
    }
    if std::mem::take(&mut view.gallery.wants_search) {
        ui.memory_mut(|memory| memory.request_focus(id));
    }
    if text != query.text {
        commands.push(GalleryCommand::Search(PictureQuery { text, ..query.clone() }).into());
    }
}

/// What is shown of how many files, what cannot be shown, and what is in no file.
fn counts(gallery: &Gallery, n_unsaved: usize) -> (String, String) {
    if let Some(progress) = gallery.progress {
        let (n_done, n_total) = (with_commas(progress.n_done), with_commas(progress.n_total));
        return (format!("Indexing {n_done} of {n_total}"), String::new());
    }
    let unsaved = match n_unsaved {
        0 => String::new(),
        n => format!("{} not saved", with_commas(n)),
    };
    let Some(listing) = gallery.listing.as_ref().filter(|listing| listing.n_known > 0) else {
        return (unsaved, String::new());
    };
    let n_shown = listing.pictures.len();
    let known = match listing.n_known {
        1 => "1 picture".to_owned(),
        n => format!("{} pictures", with_commas(n)),
    };
    let text = if n_shown == listing.n_known && gallery.query == PictureQuery::default() {
        known
    } else {
        format!("{} of {known}", with_commas(n_shown))
    };
    let mut details = Vec::new();
    if listing.n_problems > 0 {
        details.push(format!("{} of them cannot be shown", with_commas(listing.n_problems)));
    }
    match gallery.scanned.map_or(0, |report| report.n_unreadable_folders) {
        0 => {}
        1 => details.push("1 folder cannot be read".to_owned()),
        n => details.push(format!("{n} folders cannot be read")),
    }
    let mark = if details.is_empty() { "" } else { " · some cannot be shown" };
    let unsaved = if unsaved.is_empty() { unsaved } else { format!(" · {unsaved}") };
    (format!("{text}{mark}{unsaved}"), details.join("\n"))
}

fn progress_ui(ui: &Ui, area: Rect, gallery: &Gallery) {
    let Some(progress) = gallery.progress else { return };
    let palette = theme::palette(ui);
    let area = area.expand2(vec2(theme::SPACE_L, 0.0));
    let mut line = area.with_min_y(area.bottom() - PROGRESS_HEIGHT);
    let share = progress.n_done as f32 / progress.n_total.max(1) as f32;
    line.set_width(line.width() * share.clamp(0.0, 1.0));
    let painter = ui.painter().with_clip_rect(area);
    painter.rect_filled(line, 0.0, palette.accent);
}

/// `3200` as `3,200`.
pub(in crate::ui) fn with_commas(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let texts = [0, 999, 1000, 3200, 10_000, 1_234_567].map(with_commas);
        assert_eq!(texts, ["0", "999", "1,000", "3,200", "10,000", "1,234,567"]);
    }
}
