//! All models: those on this machine, those that can be had, those that were never published; then
//! the folders that are looked into, and files that cannot be used.

use egui::{
    Label, Layout, Margin, RichText, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder,
    WidgetInfo, vec2,
};

use super::ModelsView;
use crate::protocol::{KnownModel, ModelKey, ModelState, PublishedFile, bytes_text};
use crate::state::models::Models;
use crate::ui::command::UiCommand;
use crate::ui::models_command::ModelsCommand;
use crate::ui::widgets::{self, Button};
use crate::ui::{icons, theme};

/// Of the column.
pub(super) const WIDTH: f32 = 316.0;
const CARD_HEIGHT: f32 = 50.0;
const PADDING: f32 = 10.0;

/// Where a model stands in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Here,
    Published,
    Unpublished,
}

const GROUPS: [(Group, &str); 3] = [
    (Group::Here, "On this machine"),
    (Group::Published, "To download"),
    (Group::Unpublished, "Never published"),
];

fn group(model: &KnownModel) -> Group {
    match model.state {
        ModelState::Absent => Group::Published,
        ModelState::Unpublished(_) => Group::Unpublished,
        _ => Group::Here,
    }
}

/// The models in the order in which they are shown.
pub(super) fn in_order(models: &Models) -> Vec<&KnownModel> {
    let of = |wanted| models.all().iter().filter(move |model| group(model) == wanted);
    GROUPS.iter().flat_map(|(wanted, _)| of(*wanted)).collect()
}

pub(super) fn list_ui(
    ui: &mut Ui,
    models: &Models,
    view: &mut ModelsView,
    commands: &mut Vec<UiCommand>,
) {
    let margin = Margin::same(theme::SPACE_S as i8);
    ScrollArea::vertical().id_salt("models").auto_shrink(false).show(ui, |ui| {
        egui::Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = theme::SPACE_XS;
            for (wanted, title) in GROUPS {
                let of_group: Vec<_> =
                    models.all().iter().filter(|model| group(model) == wanted).collect();
                if of_group.is_empty() {
                    continue;
                }
                title_ui(ui, title);
                for model in of_group {
                    card_ui(ui, models, model, view, commands);
                }
            }
            folders_ui(ui, models, commands);
            refused_ui(ui, models, commands);
        });
    });
    view.wants_reveal = false;
}

fn title_ui(ui: &mut Ui, title: &str) {
    ui.add_space(theme::SPACE_S);
    let palette = theme::palette(ui);
    ui.label(RichText::new(title).font(theme::small()).color(palette.text_faint));
}

fn card_ui(
    ui: &mut Ui,
    models: &Models,
    model: &KnownModel,
    view: &ModelsView,
    commands: &mut Vec<UiCommand>,
) {
    let palette = theme::palette(ui);
    let is_chosen = models.chosen == model.key;
    let size = vec2(ui.available_width(), CARD_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let (status, ink, icon) = status(models, model, palette);
    let label = format!("{}, {status}", model.title);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_chosen, &label));
    if response.clicked() {
        commands.push(ModelsCommand::Choose(model.key.clone()).into());
    }
    if is_chosen && view.wants_reveal {
        response.scroll_to_me(None);
    }
    if !ui.is_rect_visible(rect) {
        return;
    }
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
    let inner = rect.shrink2(vec2(PADDING, 7.0));
    let builder = UiBuilder::new().max_rect(inner).layout(Layout::top_down(egui::Align::Min));
    // It has its place already.
    let mut card = ui.new_child(builder);
    card.spacing_mut().item_spacing = vec2(6.0, 2.0);
    card.spacing_mut().interact_size.y = 0.0;
    let title = RichText::new(&model.title).font(theme::strong()).color(palette.text);
    card.add(Label::new(title).truncate().selectable(false));
    card.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        ui.label(RichText::new(icon).font(theme::icon(12.0)).color(ink));
        let ink = if is_chosen { palette.text } else { palette.text_soft };
        let status = RichText::new(status).font(theme::small()).color(ink);
        ui.add(Label::new(status).truncate().selectable(false));
    });
}

/// How a model stands: a few words, and how they look.
fn status(
    models: &Models,
    model: &KnownModel,
    palette: &theme::Palette,
) -> (String, egui::Color32, &'static str) {
    let loading = models.loading.as_ref().filter(|loading| loading.model.key == model.key);
    if let Some(loading) = loading {
        let share =
            loading.share().map_or(String::new(), |share| format!(" {:.0} %", 100.0 * share));
        return (format!("Loading{share}"), palette.accent_text, icons::PLAY);
    }
    if let Some(transfer) = models.transfers.iter().find(|transfer| transfer.model == model.key) {
        let share =
            transfer.share().map_or(String::new(), |share| format!(" {:.0} %", 100.0 * share));
        return (
            format!("{}{share}", super::progress::verb(transfer.kind)),
            palette.accent_text,
            icons::DOWNLOAD,
        );
    }
    if models.failure(&model.key).is_some() {
        return ("Something went wrong".to_owned(), palette.error, icons::WARNING);
    }
    if models.loaded.key == model.key && models.loading.is_none() {
        return ("In use".to_owned(), palette.ok, icons::CHECK);
    }
    match &model.state {
        ModelState::BuiltIn => ("Always there".to_owned(), palette.ok, icons::CHECK),
        ModelState::Ready => {
            (format!("Ready, {}", bytes_text(model.n_bytes())), palette.ok, icons::CHECK)
        }
        ModelState::Incomplete => {
            let n = model.missing().count();
            let text = if n == 1 {
                "1 part is missing".to_owned()
            } else {
                format!("{n} parts are missing")
            };
            (text, palette.warning, icons::WARNING)
        }
        ModelState::Absent => {
            let first = model.parts.first().and_then(|part| part.published.first());
            let size = match first {
                Some(PublishedFile { n_bytes: Some(n), .. }) => bytes_text(*n),
                _ => "Size not known".to_owned(),
            };
            (format!("{size}, {}", model.licence), palette.text_faint, icons::DOWNLOAD)
        }
        ModelState::Unpublished(_) => ("Not to be had".to_owned(), palette.text_faint, icons::BAN),
        ModelState::Unusable(_) => ("Cannot be used".to_owned(), palette.error, icons::BROKEN),
    }
}

fn folders_ui(ui: &mut Ui, models: &Models, commands: &mut Vec<UiCommand>) {
    let Some(list) = models.list.as_ref().filter(|list| !list.folders.is_empty()) else { return };
    title_ui(ui, "Folders that are looked into");
    for folder in &list.folders {
        ui.horizontal(|ui| {
            let palette = theme::palette(ui);
            let path = folder.display().to_string();
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                let label = format!("Look into {path} no more");
                let remove = Button::icon(icons::CLOSE, &label).min_size(vec2(22.0, 22.0));
                let tip = "Look into it no more; its files stay";
                if remove.show(ui).on_hover_text(tip).clicked() {
                    commands.push(ModelsCommand::RemoveFolder(folder.clone()).into());
                }
                ui.with_layout(Layout::left_to_right(egui::Align::Center), |ui| {
                    let text = RichText::new(super::files::shortened(&path, 44));
                    let text = text.font(theme::small()).color(palette.text_soft);
                    ui.add(Label::new(text).truncate()).on_hover_text(path);
                });
            });
        });
    }
}

fn refused_ui(ui: &mut Ui, models: &Models, commands: &mut Vec<UiCommand>) {
    let Some(list) = models.list.as_ref().filter(|list| !list.refused.is_empty()) else { return };
    let title = match list.refused.len() {
        1 => "1 file cannot be used".to_owned(),
        n => format!("{n} files cannot be used"),
    };
    ui.add_space(theme::SPACE_S);
    widgets::fold(ui, &title, |ui| {
        for file in &list.refused {
            let palette = theme::palette(ui);
            let name = file.path.file_name().unwrap_or_default().to_string_lossy();
            let path = file.path.display().to_string();
            let name = RichText::new(name).font(theme::small()).color(palette.text);
            let shown = ui.add(Label::new(name).truncate().sense(Sense::click()));
            if shown.on_hover_text(format!("{path}\nClick to show it in its folder")).clicked() {
                commands.push(ModelsCommand::ShowInFolder(file.path.clone()).into());
            }
            let reason = RichText::new(&file.reason).font(theme::small()).color(palette.text_soft);
            ui.add(Label::new(reason).wrap());
        }
    });
}

/// The model before or after the chosen one.
pub(super) fn stepped(models: &Models, step: isize) -> Option<ModelKey> {
    let all = in_order(models);
    let place = all.iter().position(|model| model.key == models.chosen).unwrap_or(0);
    let next = place.saturating_add_signed(step).min(all.len().checked_sub(1)?);
    Some(all[next].key.clone())
}
