//! The line over the page: way back, counts, search.

use egui::{
    Align, Align2, Id, Layout, Margin, Rect, RichText, TextEdit, Ui, UiBuilder, pos2, vec2,
};

use super::{MemoryView, NARROW, pictures_text};
use crate::state::Memories;
use crate::ui::command::UiCommand;
use crate::ui::memory_command::MemoryCommand;
use crate::ui::widgets::Button;
use crate::ui::{icons, theme};

const SEARCH_WIDTH: f32 = 260.0;
/// What the name of the page and the way back need.
const TITLE_WIDTH: f32 = 170.0;

pub(super) fn header_ui(
    ui: &mut Ui,
    memories: &Memories,
    view: &mut MemoryView,
    commands: &mut Vec<UiCommand>,
) {
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_S;
        let width = ui.available_width();
        let back = Button::icon(icons::BACK, "Back to the canvas");
        if back.show(ui).on_hover_text("Back to the canvas (Esc)").clicked() {
            commands.push(MemoryCommand::Close.into());
        }
        ui.label(RichText::new("My memory").font(theme::title()));
        ui.add_space(theme::SPACE_XS);
        if width >= NARROW {
            let palette = theme::palette(ui);
            ui.label(RichText::new(counts(memories)).color(palette.text_soft));
        }
        let has_entries = memories.chosen_memory().is_some_and(|known| known.n_entries > 0);
        if has_entries {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                search_ui(ui, memories, (width - TITLE_WIDTH).min(SEARCH_WIDTH), view, commands);
            });
        }
    });
}

/// How many pictures there are, and how many of them the generator looks at.
fn counts(memories: &Memories) -> String {
    let all = memories.all();
    if all.is_empty() {
        return String::new();
    }
    let n_entries = all.iter().map(|known| known.n_entries).sum();
    let n_on = all.iter().filter(|known| known.is_on).count();
    let on = match n_on {
        0 => "all memories are off".to_owned(),
        1 => "1 memory on".to_owned(),
        n => format!("{n} memories on"),
    };
    format!("{} · {on}", pictures_text(n_entries))
}

fn search_ui(
    ui: &mut Ui,
    memories: &Memories,
    width: f32,
    view: &mut MemoryView,
    commands: &mut Vec<UiCommand>,
) {
    let id = Id::unique("memory search");
    let palette = theme::palette(ui);
    let before = &memories.query.text;
    let mut text = before.clone();
    let edit = TextEdit::singleline(&mut text)
        .id(id)
        .hint_text("Search captions (/)")
        .desired_width((width - 60.0).max(40.0))
        .margin(Margin { left: 30, right: 30, top: 5, bottom: 5 });
    let response = ui.add(edit);
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::text_edit(true, before, before, "");
        info.label = Some("Search captions".to_owned());
        info
    });
    let rect = response.rect;
    let icon_pos = pos2(rect.left() + 16.0, rect.center().y);
    let icon = theme::icon(14.0);
    ui.painter().text(icon_pos, Align2::CENTER_CENTER, icons::SEARCH, icon, palette.text_faint);
    if !before.is_empty() {
        let place = Rect::from_center_size(rect.right_center() - vec2(15.0, 0.0), vec2(22.0, 22.0));
        let clear = Button::icon(icons::CLOSE, "Clear search").min_size(place.size());
        let builder = UiBuilder::new().max_rect(place);
        if ui.scope_builder(builder, |ui| clear.show(ui).clicked()).inner {
            text.clear();
        }
    }
    if std::mem::take(&mut view.wants_search) {
        ui.memory_mut(|memory| memory.request_focus(id));
    }
    if text != *before {
        commands.push(MemoryCommand::Search(text).into());
    }
}
