//! What the gallery says while it has nothing to show.

use egui::{Align, Layout, RichText, Ui, vec2};

use crate::protocol::PictureQuery;
use crate::state::Gallery;
use crate::ui::command::UiCommand;
use crate::ui::gallery_command::GalleryCommand;
use crate::ui::widgets::Button;
use crate::ui::{icons, theme};

pub(super) fn empty_ui(ui: &mut Ui, gallery: &Gallery, commands: &mut Vec<UiCommand>) {
    let query = &gallery.query;
    let is_looking = gallery.listing.is_none() || gallery.scanned.is_none();
    let is_unfiltered = *query == PictureQuery::default();
    let found = shortened(query.text.trim());
    let (icon, title, hint) = match (is_unfiltered, is_looking) {
        (true, true) => (icons::GALLERY, "Looking for your pictures…".to_owned(), ""),
        (true, false) => (
            icons::GALLERY,
            "No pictures yet".to_owned(),
            "Every picture that you draw or save appears here, with its prompt and seed",
        ),
        (false, _) if found.is_empty() => (
            icons::STAR,
            "No picture has a star".to_owned(),
            "Press S on a picture to find it here again",
        ),
        (false, _) if query.starred_only => (
            icons::SEARCH,
            format!("No picture with a star fits “{found}”"),
            "Words are found by their beginnings, in prompts and file names",
        ),
        (false, _) => (
            icons::SEARCH,
            format!("No picture fits “{found}”"),
            "Words are found by their beginnings, in prompts and file names",
        ),
    };
    let height = ui.available_height();
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        let palette = theme::palette(ui);
        ui.add_space((0.5 * height - 90.0).max(theme::SPACE_L));
        ui.label(RichText::new(icon).font(theme::icon(36.0)).color(palette.text_faint));
        ui.add_space(theme::SPACE_S);
        ui.label(RichText::new(title).font(theme::title()));
        if !hint.is_empty() {
            ui.label(RichText::new(hint).color(palette.text_soft));
        }
        if !is_unfiltered {
            ui.add_space(theme::SPACE_S);
            let button =
                Button::text("Show all pictures").min_size(vec2(0.0, theme::CONTROL_HEIGHT));
            if button.show(ui).clicked() {
                commands.push(GalleryCommand::Search(PictureQuery::default()).into());
            }
        }
    });
}

fn shortened(text: &str) -> String {
    const MAX_CHARS: usize = 40;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
