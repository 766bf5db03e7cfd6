//! The selected entry under the grid: its caption to edit, where it comes from, what can be done
//! with it.

use egui::{Align, Id, Label, Layout, Rect, RichText, Sense, TextEdit, Ui, Vec2, WidgetInfo, vec2};

use crate::protocol::KnownEntry;
use crate::state::{AppState, NO_MEMORY};
use crate::ui::command::UiCommand;
use crate::ui::memory_command::MemoryCommand;
use crate::ui::widgets::Button;
use crate::ui::{UiState, icons, theme};

pub(super) const HEIGHT: f32 = 88.0;
const PICTURE: f32 = 64.0;
/// Narrower than this, the buttons have no room for words.
const ROOM_FOR_WORDS: f32 = 620.0;

pub(super) fn entry_ui(
    ui: &mut Ui,
    state: &AppState,
    entry: &KnownEntry,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let palette = theme::palette(ui);
    let is_wide = ui.available_width() >= ROOM_FOR_WORDS;
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_M;
        let (rect, response) = ui.allocate_exact_size(Vec2::splat(PICTURE), Sense::hover());
        let label = format!("Selected: {}", entry.caption);
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &label));
        if let Some(Ok(pixels)) = state.memories.thumbnails.get(entry.id) {
            let size = vec2(pixels.width() as f32, pixels.height() as f32).max(Vec2::splat(1.0));
            let scale = (rect.size() / size).min_elem();
            let place = Rect::from_center_size(rect.center(), size * scale);
            view.pictures.paint(ui.painter(), palette, place, theme::RADIUS, pixels, 1.0);
        } else {
            ui.painter().rect_filled(rect, theme::RADIUS, palette.field);
        }
        ui.allocate_ui_with_layout(
            vec2(ui.available_width(), PICTURE),
            Layout::top_down(Align::Min),
            |ui| {
                ui.spacing_mut().item_spacing = vec2(theme::SPACE_S, theme::SPACE_XS);
                let size = vec2(ui.available_width(), 34.0);
                ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
                    buttons_ui(ui, state, entry, is_wide, commands);
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        caption_ui(ui, entry, view, commands);
                    });
                });
                let text = RichText::new(facts(entry)).font(theme::small());
                let ink = if entry.is_gone { palette.warning } else { palette.text_soft };
                ui.add(Label::new(text.color(ink)).truncate());
            },
        );
    });
}

fn buttons_ui(
    ui: &mut Ui,
    state: &AppState,
    entry: &KnownEntry,
    is_wide: bool,
    commands: &mut Vec<UiCommand>,
) {
    let remove = Button::icon(icons::TRASH, "Remove from the memory");
    if remove.show(ui).on_hover_text("Remove it from the memory (Delete); its file stays").clicked()
    {
        commands.push(MemoryCommand::Remove(entry.id).into());
    }
    if !entry.path.as_os_str().is_empty() {
        let folder = Button::icon(icons::FOLDER, "Show in folder").enabled(!entry.is_gone);
        if folder.show(ui).on_hover_text("Show in folder").clicked() && !entry.is_gone {
            commands.push(MemoryCommand::ShowInFolder(entry.path.clone()).into());
        }
    }
    let text = "Use as inspiration";
    let inspire = if is_wide {
        Button::text(text).with_icon(icons::PIN)
    } else {
        Button::icon(icons::PIN, text)
    };
    let has_places = !state.slots.is_empty();
    let tip = if has_places {
        "Puts it into a place of “Inspired by”, whatever the prompt"
    } else {
        NO_MEMORY
    };
    if inspire.enabled(has_places).show(ui).on_hover_text(tip).clicked() && has_places {
        commands.push(MemoryCommand::Inspire(entry.id).into());
    }
}

fn caption_ui(ui: &mut Ui, entry: &KnownEntry, view: &mut UiState, commands: &mut Vec<UiCommand>) {
    let view = &mut view.memory;
    let id = Id::unique(("memory caption", entry.id));
    let mut text = match &view.caption {
        Some((typed, text)) if *typed == entry.id => text.clone(),
        _ => entry.caption.clone(),
    };
    let edit = TextEdit::singleline(&mut text)
        .id(id)
        .hint_text("What it shows")
        .desired_width(f32::INFINITY)
        .margin(egui::Margin::symmetric(8, 5));
    let response = ui.add(edit);
    response.widget_info(|| {
        let mut info = WidgetInfo::text_edit(true, &entry.caption, &entry.caption, "");
        info.label = Some("Caption".to_owned());
        info
    });
    if response.changed() {
        view.caption = Some((entry.id, text.clone()));
    }
    if response.lost_focus() {
        let is_dropped = ui.input(|input| input.key_pressed(egui::Key::Escape));
        let typed = view.caption.take().filter(|(typed, _)| *typed == entry.id && !is_dropped);
        if let Some((id, caption)) = typed {
            commands.push(MemoryCommand::SetCaption { id, caption }.into());
        }
    }
    if std::mem::take(&mut view.wants_caption) {
        response.request_focus();
    }
    response.on_hover_text("Pictures are found by their caption; Enter keeps what you write");
}

/// Where it comes from, on one line.
fn facts(entry: &KnownEntry) -> String {
    let mut parts = Vec::new();
    if entry.is_gone {
        parts.push("The file is gone".to_owned());
    }
    if !entry.source.is_empty() {
        parts.push(format!("From {}", entry.source));
    }
    parts.push(if entry.licence.is_empty() {
        "licence unknown".to_owned()
    } else {
        entry.licence.clone()
    });
    if !entry.path.as_os_str().is_empty() {
        parts.push(entry.path.display().to_string());
    }
    parts.join(" · ")
}
