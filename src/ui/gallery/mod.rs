//! The gallery: all pictures of the user in place of the canvas, those of this session that are in
//! no file yet before the files, newest first.

mod cell;
mod details;
mod empty;
mod grid;
mod header;
mod item;
mod keys;
mod question;
mod rows;
mod star;
mod textures;
mod unsaved;

use egui::{CentralPanel, Frame, Margin, Panel, Ui};

pub(super) use self::header::with_commas;
use self::item::{ItemId, Items};
pub(super) use self::keys::HELP;
use self::rows::Rows;
pub(super) use self::textures::Textures;
use super::command::UiCommand;
use super::{UiState, drop, help, status_bar, theme, toasts, toolbar};
use crate::protocol::PictureId;
use crate::state::AppState;

/// What only the window knows of its gallery.
#[derive(Default)]
pub(super) struct GalleryView {
    rows: Rows,
    textures: Textures<ItemId>,
    /// What was last said to be on the screen.
    shown: Shown,
    /// Rows that fit on the screen, for turning pages.
    n_rows_per_page: usize,
    /// What a key has led to must come into sight.
    to_reveal: Option<ItemId>,
    wants_search: bool,
}

#[derive(Default, PartialEq)]
struct Shown {
    on_screen: Vec<PictureId>,
    missing: Vec<PictureId>,
}

/// Draws the whole window while the gallery is open.
pub(super) fn gallery_ui(
    ui: &mut Ui,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let palette = theme::palette(ui);
    let panel = Frame::new().fill(palette.panel);
    let beside = Margin::symmetric(theme::SPACE_L as i8, 0);
    let items = Items::of(state);
    if !view.is_help_open {
        keys::pressed_keys(ui, state, &items, view, commands);
    }
    Panel::bottom("gallery status")
        .exact_size(status_bar::HEIGHT)
        .frame(panel.inner_margin(beside))
        .show(ui, |ui| status_bar::status_bar_ui(ui, state, commands));
    Panel::top("gallery header")
        .exact_size(toolbar::HEIGHT)
        .frame(panel.inner_margin(beside))
        .show(ui, |ui| header::header_ui(ui, state, items.n_unsaved(), view, commands));
    // While a search finds nothing the panel keeps its place.
    let has_files = state.gallery.listing.as_ref().is_some_and(|listing| listing.n_known > 0);
    if has_files || state.has_unsaved_pictures() {
        Panel::right("gallery details")
            .exact_size(details::width(ui.available_width()))
            .frame(panel)
            .show(ui, |ui| details::details_ui(ui, state, &items, view, commands));
    }
    let grid = CentralPanel::default()
        .frame(Frame::new().fill(palette.canvas))
        .show(ui, |ui| grid::grid_ui(ui, &state.gallery, &items, &mut view.gallery, commands));
    view.gallery.textures.end_frame(ui.ctx());

    let area = grid.response.rect;
    toasts::toasts_ui(ui, area, state.notices.iter(), commands);
    // Files may be dropped here too; where the places of the canvas were says nothing now.
    view.slot_rects.clear();
    view.layer_rects.clear();
    drop::drop_target_ui(ui, area, state);
    drop::dropped_files(ui.ctx(), view, commands);
    if state.gallery.trash_question.is_some() {
        question::question_ui(ui, &state.gallery, commands);
    }
    view.was_in_text = ui.ctx().text_edit_focused();
    if view.is_help_open {
        view.is_help_open = help::help_ui(ui, state.order());
    }
    view.pictures.forget_unused();
}
