//! The user's memories: name, count, switch, and how far adding is. A column beside the pictures,
//! or a row above them.

use egui::{
    Align, Id, Label, Layout, Margin, RichText, Role, ScrollArea, Sense, Stroke, StrokeKind,
    TextEdit, Ui, UiBuilder, Vec2, WidgetInfo, vec2,
};

use super::{MemoryView, pictures_text, strips};
use crate::protocol::{KnownMemory, MemoryId};
use crate::state::Memories;
use crate::ui::command::UiCommand;
use crate::ui::memory_command::MemoryCommand;
use crate::ui::widgets::{self, Button};
use crate::ui::{icons, theme};

/// Of the column.
pub(super) const WIDTH: f32 = 264.0;
/// Of the row.
pub(super) const STRIP_HEIGHT: f32 = CARD_HEIGHT + 2.0 * theme::SPACE_S + 4.0;
/// Of a card in the row.
const CARD_WIDTH: f32 = 232.0;
const CARD_HEIGHT: f32 = 66.0;
/// Of what is told while pictures are being added, in the column.
const PROGRESS_HEIGHT: f32 = 26.0;
const PADDING: f32 = 10.0;

/// All memories in a column, and below them what makes new ones.
pub(super) fn list_ui(
    ui: &mut Ui,
    memories: &Memories,
    view: &mut MemoryView,
    commands: &mut Vec<UiCommand>,
) {
    let margin = Margin::same(theme::SPACE_S as i8);
    ScrollArea::vertical().id_salt("memories").auto_shrink(false).show(ui, |ui| {
        egui::Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = theme::SPACE_XS;
            for known in memories.all() {
                let is_adding = memories.progress(known.memory).is_some();
                let more = if is_adding { PROGRESS_HEIGHT } else { 0.0 };
                let size = vec2(ui.available_width(), CARD_HEIGHT + more);
                card_ui(ui, memories, known, size, view, commands);
            }
            ui.add_space(theme::SPACE_S);
            ui.horizontal(|ui| new_ui(ui, commands));
        });
    });
}

/// All memories in a row.
pub(super) fn strip_ui(
    ui: &mut Ui,
    memories: &Memories,
    view: &mut MemoryView,
    commands: &mut Vec<UiCommand>,
) {
    let margin = Margin::same(theme::SPACE_S as i8);
    // What makes new ones stays in sight.
    ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
        let new = egui::Frame::new().inner_margin(margin);
        new.show(ui, |ui| ui.vertical(|ui| new_ui(ui, commands)));
        let cards = ScrollArea::horizontal().id_salt("memories").auto_shrink(false);
        cards.show(ui, |ui| {
            egui::Frame::new().inner_margin(margin).show(ui, |ui| {
                ui.with_layout(Layout::left_to_right(Align::Min), |ui| {
                    ui.spacing_mut().item_spacing.x = theme::SPACE_XS;
                    for known in memories.all() {
                        let size = vec2(CARD_WIDTH, CARD_HEIGHT);
                        card_ui(ui, memories, known, size, view, commands);
                    }
                });
            });
        });
    });
}

fn new_ui(ui: &mut Ui, commands: &mut Vec<UiCommand>) {
    let new = Button::text("New memory").with_icon(icons::PLUS);
    let tip = "Begin another collection of pictures, a style of its own";
    if new.show(ui).on_hover_text(tip).clicked() {
        commands.push(MemoryCommand::Create.into());
    }
    let import = Button::text("Import…").labelled("Import a memory").quiet();
    if import.show(ui).on_hover_text("Take in a memory that was exported to a file").clicked() {
        commands.push(MemoryCommand::Import.into());
    }
}

fn card_ui(
    ui: &mut Ui,
    memories: &Memories,
    known: &KnownMemory,
    size: Vec2,
    view: &mut MemoryView,
    commands: &mut Vec<UiCommand>,
) {
    let palette = theme::palette(ui);
    let is_chosen = memories.chosen == Some(known.memory);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let label = format!("Memory “{}”", known.name);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_chosen, &label));
    if response.clicked() {
        commands.push(MemoryCommand::Choose(known.memory).into());
    }
    view.cards.push((known.memory, rect));
    let ground = match (is_chosen, response.hovered()) {
        (true, _) => palette.accent_soft,
        (false, true) => palette.control_hover,
        (false, false) => palette.control,
    };
    ui.painter().rect_filled(rect, theme::RADIUS, ground);
    if is_chosen {
        let edge = Stroke::new(1.0, palette.accent_text);
        ui.painter().rect_stroke(rect, theme::RADIUS, edge, StrokeKind::Inside);
    }
    widgets::focus_ring(ui, &response, theme::RADIUS);
    let inner = rect.shrink2(vec2(PADDING, 8.0));
    let builder = UiBuilder::new().max_rect(inner).layout(Layout::top_down(Align::Min));
    // It has its place already.
    let mut card = ui.new_child(builder);
    card.push_id(known.memory, |ui| {
        ui.spacing_mut().item_spacing = vec2(theme::SPACE_XS, 0.0);
        ui.spacing_mut().interact_size.y = 0.0;
        let row = |height| vec2(inner.width(), height);
        let from_right = Layout::right_to_left(Align::Center);
        ui.allocate_ui_with_layout(row(24.0), from_right, |ui| {
            switch_ui(ui, known, commands);
            ui.add_space(theme::SPACE_XS);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                name_ui(ui, memories, known, view, commands);
            });
        });
        let progress = memories.progress(known.memory);
        if let Some(progress) = progress.filter(|_| size.y <= CARD_HEIGHT) {
            strips::progress_ui(ui, progress, row(26.0), commands);
            return;
        }
        ui.allocate_ui_with_layout(row(26.0), from_right, |ui| {
            if is_chosen {
                buttons_ui(ui, known, view, commands);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = RichText::new(count_text(known)).font(theme::small());
                let ink = if is_chosen { palette.text } else { palette.text_soft };
                ui.add(Label::new(text.color(ink)).truncate());
            });
        });
        if let Some(progress) = progress {
            strips::progress_ui(ui, progress, row(PROGRESS_HEIGHT), commands);
        }
    });
}

fn switch_ui(ui: &mut Ui, known: &KnownMemory, commands: &mut Vec<UiCommand>) {
    let label = format!("Look into “{}”", known.name);
    let tip = if known.is_on {
        "Every picture is drawn with a look into this memory"
    } else {
        "Switched off: no picture looks into it"
    };
    if widgets::switch(ui, &label, known.is_on).on_hover_text(tip).clicked() {
        let (memory, is_on) = (known.memory, !known.is_on);
        commands.push(MemoryCommand::Switch { memory, is_on }.into());
    }
}

fn name_ui(
    ui: &mut Ui,
    memories: &Memories,
    known: &KnownMemory,
    view: &mut MemoryView,
    commands: &mut Vec<UiCommand>,
) {
    let id = Id::unique(("memory name", known.memory));
    if memories.to_rename == Some(known.memory) {
        view.name = Some((known.memory, known.name.clone()));
        commands.push(MemoryCommand::NameAsked.into());
    }
    let is_typed = |(memory, _): &&mut (MemoryId, String)| *memory == known.memory;
    let Some((_, name)) = view.name.as_mut().filter(is_typed) else {
        let palette = theme::palette(ui);
        let text = RichText::new(&known.name).font(theme::strong()).color(palette.text);
        ui.add(Label::new(text).truncate().selectable(false));
        return;
    };
    let is_new = !ui.memory(|memory| memory.has_focus(id));
    let response = ui.add(TextEdit::singleline(name).id(id).desired_width(f32::INFINITY));
    response.widget_info(|| {
        let mut info = WidgetInfo::text_edit(true, &known.name, &known.name, "");
        info.label = Some("Name of the memory".to_owned());
        info
    });
    if response.lost_focus() {
        let is_dropped = ui.input(|input| input.key_pressed(egui::Key::Escape));
        if let Some((memory, name)) = view.name.take().filter(|_| !is_dropped) {
            commands.push(MemoryCommand::Rename { memory, name }.into());
        }
    } else if is_new {
        select_all(ui, id, name.chars().count());
        response.request_focus();
    }
}

/// So that typing replaces the name.
fn select_all(ui: &Ui, id: Id, n_chars: usize) {
    use egui::text::{CCursor, CCursorRange};
    let mut state = egui::text_edit::TextEditState::load(ui.ctx(), id).unwrap_or_default();
    let all = CCursorRange::two(CCursor::new(0), CCursor::new(n_chars));
    state.cursor.set_char_range(Some(all));
    state.store(ui.ctx(), id);
}

fn buttons_ui(
    ui: &mut Ui,
    known: &KnownMemory,
    view: &mut MemoryView,
    commands: &mut Vec<UiCommand>,
) {
    let size = vec2(26.0, 26.0);
    let name = &known.name;
    let delete = format!("Delete the memory “{name}”");
    let button = Button::icon(icons::TRASH, &delete).min_size(size);
    if button.show(ui).on_hover_text("Delete the memory; your files stay").clicked() {
        commands.push(MemoryCommand::Delete(known.memory).into());
    }
    let export = format!("Export the memory “{name}”");
    let button = Button::icon(icons::UPLOAD, &export).min_size(size).enabled(known.n_entries > 0);
    if button.show(ui).on_hover_text("Export it to one file, to give away or keep").clicked()
        && known.n_entries > 0
    {
        commands.push(MemoryCommand::Export(known.memory).into());
    }
    let rename = format!("Rename the memory “{name}”");
    let button = Button::icon(icons::PENCIL, &rename).min_size(size);
    if button.show(ui).on_hover_text("Give it another name").clicked() {
        view.name = Some((known.memory, known.name.clone()));
    }
}

/// How many pictures, and what is the matter with some.
fn count_text(known: &KnownMemory) -> String {
    let mut parts = vec![pictures_text(known.n_entries)];
    if known.n_gone > 0 {
        parts.push(format!("{} gone", known.n_gone));
    }
    if known.n_outdated > 0 {
        parts.push(format!("{} of another model", known.n_outdated));
    }
    parts.join(" · ")
}
