//! One picture of the grid.

use egui::epaint::RectShape;
use egui::{
    Align2, Color32, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2,
    vec2,
};

use super::item::{Item, ItemId};
use super::star;
use super::textures::Textures;
use crate::state::Gallery;
use crate::ui::command::UiCommand;
use crate::ui::{icons, theme};

const STAR_SIDE: f32 = 26.0;
/// Between a picture and the edge of its cell.
const PADDING: f32 = 6.0;

pub(super) struct Cell<'a> {
    pub(super) item: Item<'a>,
    pub(super) rect: Rect,
    pub(super) is_selected: bool,
    pub(super) gallery: &'a Gallery,
}

impl Cell<'_> {
    pub(super) fn show(
        &self,
        ui: &mut Ui,
        textures: &mut Textures<ItemId>,
        commands: &mut Vec<UiCommand>,
    ) {
        let Self { item, rect, is_selected, .. } = *self;
        let id = ui.scope_id().with(("picture", item.id()));
        // Arrows go from picture to picture; Tab must not stop at each of thousands.
        let response = ui.interact(rect, id, Sense::CLICK);
        response
            .widget_info(|| WidgetInfo::selected(Role::Button, true, is_selected, self.label()));
        if response.double_clicked() && item.problem().is_none() {
            item.open(commands);
        } else if response.clicked() {
            commands.push(item.select());
        }
        self.menu_ui(&response, commands);
        let star = Rect::from_min_size(
            rect.right_top() + vec2(-STAR_SIDE - 4.0, 4.0),
            Vec2::splat(STAR_SIDE),
        );
        let star_response = ui.interact(star, id.with("star"), Sense::CLICK);
        let title = item.title();
        let verb = if item.is_starred() { "Take the star from" } else { "Star" };
        star_response.widget_info(|| {
            let label = format!("{verb} “{title}”");
            WidgetInfo::selected(Role::Button, true, item.is_starred(), label)
        });
        if star_response.clicked() {
            commands.push(item.toggle_star());
        }
        if !ui.is_rect_visible(rect) {
            return;
        }
        let is_hovered = response.hovered() || star_response.hovered();
        self.paint(ui, textures, is_hovered);
        if item.is_starred() || is_hovered || is_selected {
            self.paint_star(ui, star, &star_response);
        }
        response.on_hover_ui(|ui| {
            ui.set_max_width(280.0);
            ui.label(short(&title));
            if let Some(problem) = item.problem() {
                ui.label(egui::RichText::new(problem).color(theme::palette(ui).warning));
            }
        });
    }

    fn menu_ui(&self, response: &Response, commands: &mut Vec<UiCommand>) {
        let item = self.item;
        response.context_menu(|ui| {
            let is_fine = item.problem().is_none();
            let mut entry = |text: &str, is_enabled: bool, wish: &dyn Fn(&mut Vec<UiCommand>)| {
                if ui.add_enabled(is_enabled, egui::Button::new(text)).clicked() {
                    wish(commands);
                    ui.close();
                }
            };
            entry("Open", is_fine, &|commands| item.open(commands));
            entry("More like this", is_fine, &|commands| commands.push(item.more_like()));
            let star = if item.is_starred() { "Unstar" } else { "Star" };
            entry(star, true, &|commands| commands.push(item.toggle_star()));
            let remove = match item {
                Item::Unsaved(_) => "Take off the list",
                Item::File(_) => "Move to trash",
            };
            entry(remove, true, &|commands| commands.push(item.remove()));
        });
    }

    fn label(&self) -> String {
        match self.item {
            Item::File(picture) if picture.problem.is_some() => {
                format!("{} cannot be shown", picture.file_name())
            }
            Item::File(picture) => picture.title(),
            Item::Unsaved(_) => format!("{}, not saved", self.item.title()),
        }
    }

    fn paint(&self, ui: &Ui, textures: &mut Textures<ItemId>, is_hovered: bool) {
        let palette = theme::palette(ui);
        let painter = ui.painter();
        let ground = if is_hovered { palette.control } else { palette.panel };
        painter.rect_filled(self.rect, theme::RADIUS, ground);
        let pixels = self.item.pixels(self.gallery);
        if let Item::File(picture) = self.item
            && (picture.problem.is_some() || matches!(pixels, Some(Err(()))))
        {
            let centre = self.rect.center();
            let icon = theme::icon(24.0);
            let pos = centre - vec2(0.0, 12.0);
            painter.text(pos, Align2::CENTER_CENTER, icons::BROKEN, icon, palette.text_faint);
            let name = picture.file_name();
            let galley = painter.layout_no_wrap(elided(&name), theme::small(), palette.text_faint);
            let pos = centre + vec2(-galley.size().x / 2.0, 12.0);
            painter.with_clip_rect(self.rect).galley(pos, galley, palette.text_faint);
        } else if let Some(Ok(pixels)) = pixels
            && let Some((texture, size)) = textures.get(ui.ctx(), self.item.id(), pixels)
        {
            let place = fitted(self.rect.shrink(PADDING), size);
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            let shape = RectShape::filled(place, 3.0, Color32::WHITE).with_texture(texture, whole);
            painter.add(shape);
        }
        if self.is_selected {
            let stroke = Stroke::new(2.0, palette.accent);
            painter.rect_stroke(self.rect, theme::RADIUS, stroke, StrokeKind::Inside);
        }
    }

    fn paint_star(&self, ui: &Ui, rect: Rect, response: &Response) {
        let palette = theme::palette(ui);
        let painter = ui.painter();
        painter.circle_filled(rect.center(), 0.5 * STAR_SIDE, palette.scrim);
        if self.item.is_starred() {
            star::paint(painter, rect.center(), 7.5, theme::star());
        } else {
            let ink = if response.hovered() { theme::star() } else { palette.on_scrim };
            let icon = theme::icon(15.0);
            painter.text(rect.center(), Align2::CENTER_CENTER, icons::STAR, icon, ink);
        }
    }
}

/// As large as fits with the aspect kept; small pictures are shown twice as large at most.
fn fitted(area: Rect, size: Vec2) -> Rect {
    let scale = (area.size() / size.max(Vec2::splat(1.0))).min_elem().min(2.0);
    Rect::from_center_size(area.center(), size * scale)
}

/// The start of a text that may be a novel.
pub(super) fn short(text: &str) -> String {
    const MAX_CHARS: usize = 240;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A file name that fits into a cell.
fn elided(name: &str) -> String {
    const MAX_CHARS: usize = 18;
    match name.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}
