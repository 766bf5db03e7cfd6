//! The pictures, as many as fit: only rows that can be seen are laid out, whatever their number.

use egui::{Align2, Rect, ScrollArea, Ui, vec2};

use super::cell::Cell;
use super::item::{ItemId, Items};
use super::rows::{GAP, Row, RowKind, Section};
use super::{GalleryView, Shown, empty};
use crate::state::Gallery;
use crate::ui::command::UiCommand;
use crate::ui::gallery_command::GalleryCommand;
use crate::ui::theme;

pub(super) fn grid_ui(
    ui: &mut Ui,
    gallery: &Gallery,
    items: &Items<'_>,
    view: &mut GalleryView,
    commands: &mut Vec<UiCommand>,
) {
    if items.len() == 0 {
        empty::empty_ui(ui, gallery, commands);
        return;
    }
    let side = theme::SPACE_L;
    let width = ui.available_width() - 2.0 * side;
    view.rows.update(items.n_unsaved(), gallery.listing.as_ref(), width);
    let output = ScrollArea::vertical().auto_shrink(false).show_viewport(ui, |ui, viewport| {
        ui.set_width(ui.available_width());
        ui.set_height(view.rows.height() + side);
        let origin = ui.min_rect().min + vec2(side, 0.0);
        let grid = Grid { items, gallery, origin, width };
        grid.rows_ui(ui, viewport, view, commands);
        if let Some(id) = view.to_reveal.take() {
            grid.reveal(ui, view, id);
        }
        grid.tell_what_is_shown(viewport, view, commands);
    });
    let n_rows = (output.inner_rect.height() / (view.rows.cell() + GAP)) as usize;
    view.n_rows_per_page = n_rows.saturating_sub(1).max(1);
}

struct Grid<'a> {
    items: &'a Items<'a>,
    gallery: &'a Gallery,
    /// Top left of the grid in the window.
    origin: egui::Pos2,
    width: f32,
}

impl Grid<'_> {
    fn rows_ui(
        &self,
        ui: &mut Ui,
        viewport: Rect,
        view: &mut GalleryView,
        commands: &mut Vec<UiCommand>,
    ) {
        let GalleryView { rows, textures, .. } = view;
        for row in rows.between(viewport.top(), viewport.bottom()) {
            match &row.kind {
                RowKind::Title { .. } => {
                    let rect = row.title_rect(self.width).translate(self.origin.to_vec2());
                    self.title_ui(ui, row, rect);
                }
                RowKind::Cells(places) => {
                    for place in places.clone() {
                        let Some(item) = self.items.get(place) else { continue };
                        let rect = rows.cell_rect(row, places.start, place);
                        let cell = Cell {
                            item,
                            rect: rect.translate(self.origin.to_vec2()),
                            is_selected: self.items.is_selected(item.id()),
                            gallery: self.gallery,
                        };
                        cell.show(ui, textures, commands);
                    }
                }
            }
        }
    }

    fn title_ui(&self, ui: &mut Ui, row: &Row, rect: Rect) {
        let RowKind::Title { section, n_pictures, .. } = row.kind else { return };
        let palette = theme::palette(ui);
        let today = self.gallery.listing.as_ref().map(|listing| listing.today);
        let name = match section {
            Section::Unsaved => "This session · not saved".to_owned(),
            Section::Day(day) => day.name(today.unwrap_or(day)),
        };
        let number = match section {
            Section::Unsaved => None,
            Section::Day(day) => Some(day.0),
        };
        let baseline = rect.left_bottom() - vec2(0.0, 10.0);
        let painter = ui.painter();
        let font = theme::strong();
        let title = painter.text(baseline, Align2::LEFT_BOTTOM, &name, font, palette.text);
        let pos = title.right_bottom() + vec2(theme::SPACE_S, 0.0);
        let count = super::header::with_commas(n_pictures);
        painter.text(pos, Align2::LEFT_BOTTOM, count, theme::small(), palette.text_faint);
        let response =
            ui.interact(rect, ui.scope_id().with(("section", number)), egui::Sense::empty());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Heading, true, &name));
    }

    fn reveal(&self, ui: &Ui, view: &GalleryView, id: ItemId) {
        let place = self.items.place_of(id);
        if let Some(rect) = place.and_then(|place| view.rows.rect_to_reveal(place)) {
            ui.scroll_to_rect(rect.translate(self.origin.to_vec2()), None);
        }
    }

    /// Says which pictures are on the screen and which small pictures are missing, there and on the
    /// next page either way, if that has changed.
    fn tell_what_is_shown(
        &self,
        viewport: Rect,
        view: &mut GalleryView,
        commands: &mut Vec<UiCommand>,
    ) {
        let id_at = |place: usize| self.items.file(place);
        let page = viewport.height();
        let rows = &view.rows;
        let on_screen: Vec<_> = rows
            .places_between(viewport.top(), viewport.bottom())
            .filter_map(id_at)
            .map(|picture| picture.id)
            .collect();
        let below = rows.places_between(viewport.bottom(), viewport.bottom() + page);
        let above = rows.places_between(viewport.top() - page, viewport.top());
        let seen = rows.places_between(viewport.top(), viewport.bottom());
        let missing: Vec<_> = seen
            .chain(below)
            .chain(above)
            .filter_map(id_at)
            .filter(|picture| picture.problem.is_none())
            .map(|picture| picture.id)
            .filter(|id| self.gallery.thumbnails.get(*id).is_none())
            .collect();
        let shown = Shown { on_screen, missing };
        // What was asked for and came is no reason to ask again.
        let is_asked = shown.on_screen == view.shown.on_screen
            && shown.missing.iter().all(|id| view.shown.missing.contains(id));
        if is_asked {
            return;
        }
        let Shown { on_screen, missing } = &shown;
        let (on_screen, missing) = (on_screen.clone(), missing.clone());
        commands.push(GalleryCommand::Show { on_screen, missing }.into());
        view.shown = shown;
    }
}
