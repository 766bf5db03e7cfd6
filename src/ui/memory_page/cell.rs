//! One entry of the grid: its picture and its caption.

use egui::epaint::RectShape;
use egui::{
    Align2, Color32, Label, Rect, RichText, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

use super::{MemoryView, cut};
use crate::protocol::KnownEntry;
use crate::state::Memories;
use crate::ui::command::UiCommand;
use crate::ui::memory_command::MemoryCommand;
use crate::ui::{icons, theme};

/// Between a picture and the edge of its cell.
const PADDING: f32 = 6.0;

pub(super) struct Cell<'a> {
    pub(super) entry: &'a KnownEntry,
    /// Picture and caption.
    pub(super) rect: Rect,
    /// Of the picture.
    pub(super) side: f32,
    pub(super) is_selected: bool,
}

impl Cell<'_> {
    pub(super) fn show(
        &self,
        ui: &mut Ui,
        memories: &Memories,
        view: &mut MemoryView,
        commands: &mut Vec<UiCommand>,
    ) {
        let Self { entry, rect, is_selected, .. } = *self;
        // Arrows go from picture to picture; Tab must not stop at each of thousands.
        let response = ui.interact(rect, ui.scope_id().with(("entry", entry.id)), Sense::CLICK);
        response.widget_info(|| {
            let gone = if entry.is_gone { ", its file is gone" } else { "" };
            let label = format!("{}{gone}", entry.caption);
            WidgetInfo::selected(Role::Button, true, is_selected, label)
        });
        if response.double_clicked() {
            view.wants_caption = true;
        } else if response.clicked() {
            commands.push(MemoryCommand::Select(Some(entry.id)).into());
        }
        if !ui.is_rect_visible(rect) {
            return;
        }
        self.paint(ui, memories, view, response.hovered());
        response.on_hover_ui(|ui| {
            ui.set_max_width(300.0);
            facts_ui(ui, entry);
        });
    }

    fn paint(&self, ui: &Ui, memories: &Memories, view: &mut MemoryView, is_hovered: bool) {
        let palette = theme::palette(ui);
        let painter = ui.painter();
        let picture = Rect::from_min_size(self.rect.min, Vec2::splat(self.side));
        let ground = if is_hovered { palette.control } else { palette.panel };
        painter.rect_filled(picture, theme::RADIUS, ground);
        let centre = picture.center();
        match memories.thumbnails.get(self.entry.id) {
            Some(Ok(pixels)) => {
                let texture = view.textures.get(ui.ctx(), self.entry.id, pixels);
                if let Some((texture, size)) = texture {
                    let room = picture.shrink(PADDING);
                    let scale = (room.size() / size.max(Vec2::splat(1.0))).min_elem();
                    let place = Rect::from_center_size(centre, size * scale);
                    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                    let shape = RectShape::filled(place, 3.0, Color32::WHITE);
                    painter.add(shape.with_texture(texture, whole));
                }
            }
            Some(Err(_)) => {
                let icon = theme::icon(24.0);
                painter.text(
                    centre,
                    Align2::CENTER_CENTER,
                    icons::BROKEN,
                    icon,
                    palette.text_faint,
                );
            }
            None => {}
        }
        if self.entry.is_gone {
            let middle = picture.left_top() + vec2(17.0, 17.0);
            painter.circle_filled(middle, 11.0, palette.scrim);
            let icon = theme::icon(13.0);
            painter.text(middle, Align2::CENTER_CENTER, icons::BROKEN, icon, palette.on_scrim);
        }
        if self.is_selected {
            let stroke = Stroke::new(2.0, palette.accent);
            painter.rect_stroke(picture, theme::RADIUS, stroke, StrokeKind::Inside);
        }
        let ink = if self.is_selected { palette.text } else { palette.text_soft };
        let mut job = egui::text::LayoutJob::simple_singleline(
            cut(&self.entry.caption, 60),
            theme::small(),
            ink,
        );
        job.wrap = egui::text::TextWrapping::truncate_at_width(self.side - 4.0);
        let galley = painter.layout_job(job);
        let pos = pos2(centre.x - 0.5 * galley.size().x, picture.bottom() + 4.0);
        painter.galley(pos, galley, ink);
    }
}

/// All about an entry: caption, source, licence, file.
pub(super) fn facts_ui(ui: &mut Ui, entry: &KnownEntry) {
    let palette = theme::palette(ui);
    ui.label(RichText::new(cut(&entry.caption, 240)).font(theme::strong()));
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let text = RichText::new(format!("{name}: {value}")).color(palette.text_soft);
            ui.add(Label::new(text).wrap());
        }
    };
    line("Source", &entry.source);
    line("Licence", &entry.licence);
    line("File", &entry.path.display().to_string());
    if entry.is_gone {
        let text = "The file is gone; the memory still has the picture";
        ui.label(RichText::new(text).color(palette.warning));
    }
}
