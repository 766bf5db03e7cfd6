//! The files of a model: what is there, what is missing, and where that is published.

use egui::{Align, Frame, Label, Layout, Margin, RichText, Ui, vec2};

use crate::protocol::{FoundFile, KnownModel, ModelPart, PublishedFile, TransferKind, bytes_text};
use crate::state::models::Models;
use crate::ui::command::UiCommand;
use crate::ui::models_command::ModelsCommand;
use crate::ui::widgets::{self, Button};
use crate::ui::{icons, theme};

pub(super) fn files_ui(
    ui: &mut Ui,
    models: &Models,
    model: &KnownModel,
    commands: &mut Vec<UiCommand>,
) {
    if model.parts.is_empty() {
        return;
    }
    ui.add_space(theme::SPACE_S);
    widgets::section(ui, "Files");
    for part in &model.parts {
        part_ui(ui, models, model, part, commands);
    }
}

fn part_ui(
    ui: &mut Ui,
    models: &Models,
    model: &KnownModel,
    part: &ModelPart,
    commands: &mut Vec<UiCommand>,
) {
    let palette = theme::palette(ui);
    let is_here = !part.files.is_empty();
    Frame::new()
        .fill(palette.panel)
        .corner_radius(theme::RADIUS)
        .inner_margin(Margin::symmetric(12, 9))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 4.0;
            ui.horizontal(|ui| {
                let (icon, ink, text) = if is_here {
                    (icons::CHECK, palette.ok, "is here")
                } else {
                    (icons::DOWNLOAD, palette.warning, "is missing")
                };
                ui.label(RichText::new(icon).font(theme::icon(14.0)).color(ink));
                let title = RichText::new(part.role.title()).font(theme::strong());
                ui.label(title);
                ui.label(RichText::new(text).color(palette.text_soft));
            });
            for file in &part.files {
                found_ui(ui, models, model, file, commands);
            }
            if !is_here {
                for file in &part.published {
                    published_ui(ui, file, commands);
                }
                if !part.alternatives.is_empty() {
                    let names: Vec<_> = part.alternatives.iter().map(PublishedFile::name).collect();
                    let from = part.alternatives[0].repository.as_str();
                    let text = format!("{} of {from} would do as well", names.join(" and "));
                    let text = RichText::new(text).font(theme::small()).color(palette.text_faint);
                    ui.add(Label::new(text).wrap());
                }
            }
        });
}

fn found_ui(
    ui: &mut Ui,
    models: &Models,
    model: &KnownModel,
    file: &FoundFile,
    commands: &mut Vec<UiCommand>,
) {
    let palette = theme::palette(ui);
    let path = file.path.display().to_string();
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let size = vec2(0.0, 24.0);
            let can_convert = file.format == "PyTorch"
                && models.transfer(&model.key, TransferKind::Convert).is_none();
            if can_convert {
                let convert = Button::text("Convert").quiet().min_size(size);
                let tip = "Writes a safetensors file beside it, which loads faster; this one stays";
                if convert.show(ui).on_hover_text(tip).clicked() {
                    let (model, path) = (model.key.clone(), file.path.clone());
                    commands.push(ModelsCommand::Convert { model, path }.into());
                }
            }
            let can_verify = file.sha256.is_none()
                && file.format != "JSON"
                && models.transfer(&model.key, TransferKind::Verify).is_none();
            if can_verify {
                let label = format!("Check {}", name_of(file));
                let verify = Button::text("Check").labelled(&label).quiet().min_size(size);
                let tip = "Computes its SHA-256 and compares it with the published one";
                if verify.show(ui).on_hover_text(tip).clicked() {
                    let (model, path) = (model.key.clone(), file.path.clone());
                    commands.push(ModelsCommand::Verify { model, path }.into());
                }
            }
            let facts = format!("{} · {}", bytes_text(file.n_bytes), file.format);
            ui.label(RichText::new(facts).font(theme::small()).color(palette.text_soft));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = RichText::new(shortened(&path, n_chars(ui))).font(theme::small());
                ui.add(Label::new(text.color(palette.text)).truncate()).on_hover_text(&path);
            });
        });
    });
    let Some(sha256) = &file.sha256 else { return };
    ui.horizontal(|ui| {
        let (text, ink) = match file.is_genuine {
            Some(true) => ("SHA-256 as published", palette.ok),
            Some(false) => ("SHA-256 is not the published one", palette.error),
            None => ("SHA-256", palette.text_faint),
        };
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let copy = Button::icon(icons::COPY, "Copy the SHA-256").min_size(vec2(22.0, 22.0));
            if copy.show(ui).clicked() {
                commands.push(UiCommand::CopyText(sha256.clone()));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.label(RichText::new(text).font(theme::small()).color(ink));
                let hash = RichText::new(sha256).font(theme::small()).color(palette.text_faint);
                ui.add(Label::new(hash).truncate()).on_hover_text(sha256);
            });
        });
    });
}

fn published_ui(ui: &mut Ui, file: &PublishedFile, commands: &mut Vec<UiCommand>) {
    let palette = theme::palette(ui);
    let url = file.url("https://huggingface.co");
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let label = format!("Copy the address of {}", file.name());
            let copy = Button::icon(icons::COPY, &label).min_size(vec2(22.0, 22.0));
            if copy.show(ui).on_hover_text("Copy the address").clicked() {
                commands.push(UiCommand::CopyText(url.clone()));
            }
            let size = file.n_bytes.map_or("size not known".to_owned(), bytes_text);
            let facts = format!("{size} · {}", file.licence);
            ui.label(RichText::new(facts).font(theme::small()).color(palette.text_soft));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = RichText::new(shortened(&url, n_chars(ui))).font(theme::small());
                ui.add(Label::new(text.color(palette.text)).truncate()).on_hover_text(&url);
            });
        });
    });
}

fn name_of(file: &FoundFile) -> String {
    file.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Small letters that fit into the rest of a line, about.
fn n_chars(ui: &Ui) -> usize {
    (ui.available_width() / 6.1).max(16.0) as usize
}

/// A long path without its middle: where it begins and its end are what tells.
pub(super) fn shortened(path: &str, max_chars: usize) -> String {
    let n_chars = path.chars().count();
    if n_chars <= max_chars {
        return path.to_owned();
    }
    let n_start = max_chars / 3;
    let start: String = path.chars().take(n_start).collect();
    let end: String = path.chars().skip(n_chars - (max_chars - n_start - 1)).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_paths_keep_their_ends() {
        assert_eq!(shortened("/a/b", 10), "/a/b");
        let short = shortened("/home/someone/très/long/path/model.pt", 20);
        assert_eq!(short.chars().count(), 20);
        assert!(short.starts_with("/home/") && short.ends_with("path/model.pt"), "{short}");
    }
}
