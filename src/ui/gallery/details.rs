//! All about the selected picture, and what can be done with it.

use egui::{
    Align, Align2, Frame, Label, Layout, Margin, Rect, RichText, ScrollArea, Sense, Ui, Vec2,
    WidgetInfo, vec2,
};

use super::UiState;
use super::cell::short;
use super::item::{Item, Items};
use super::unsaved::unsaved_ui;
use crate::imaging::RgbaImage;
use crate::protocol::{KnownPicture, moment_name};
use crate::state::AppState;
use crate::state::gallery::Loaded;
use crate::ui::command::UiCommand;
use crate::ui::gallery_command::GalleryCommand;
use crate::ui::widgets::{self, Button};
use crate::ui::{icons, theme};

/// Of the picture, at most.
const MAX_PICTURE: f32 = 340.0;

/// Of the names before the facts.
const NAME_WIDTH: f32 = 64.0;

/// Width of the panel in a window of that width.
pub(super) fn width(window_width: f32) -> f32 {
    (0.28 * window_width).clamp(272.0, 340.0)
}

pub(super) fn details_ui(
    ui: &mut Ui,
    state: &AppState,
    items: &Items<'_>,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let Some(item) = items.selected() else {
        if items.len() > 0 {
            nothing_ui(ui);
        }
        return;
    };
    let side = theme::SPACE_L as i8;
    ScrollArea::vertical().id_salt("gallery details").auto_shrink(false).show(ui, |ui| {
        Frame::new().inner_margin(Margin::same(side)).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = theme::SPACE_S;
            let picture = match item {
                Item::Unsaved(node) => {
                    unsaved_ui(ui, node, view, commands);
                    return;
                }
                Item::File(picture) => picture,
            };
            let loaded = match &state.gallery.preview {
                Some((id, loaded)) if *id == picture.id => Some(loaded),
                _ => state.gallery.thumbnails.get(picture.id),
            };
            picture_ui(ui, picture, loaded, view);
            ui.add_space(theme::SPACE_XS);
            buttons_ui(ui, item, commands);
            ui.add_space(theme::SPACE_S);
            let without = "The file does not tell its prompt";
            prompt_ui(ui, &picture.prompt, without, commands);
            facts_ui(ui, picture, commands);
        });
    });
}

fn nothing_ui(ui: &mut Ui) {
    let height = ui.available_height();
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        let palette = theme::palette(ui);
        ui.add_space(0.4 * height);
        ui.label(RichText::new(icons::IMAGE).font(theme::icon(28.0)).color(palette.text_faint));
        ui.label(RichText::new("Select a picture to see how it was made").color(palette.text_soft));
    });
}

fn picture_ui(ui: &mut Ui, picture: &KnownPicture, loaded: Option<&Loaded>, view: &mut UiState) {
    let palette = theme::palette(ui);
    let area = frame_ui(ui, &picture.title(), picture.size_px);
    let painter = ui.painter();
    let problem = match (loaded, &picture.problem) {
        (Some(Err(problem)), _) | (_, Some(problem)) => Some(problem),
        _ => None,
    };
    if let Some(problem) = problem {
        painter.rect_filled(area, theme::RADIUS, palette.field);
        let centre = area.center();
        let icon = theme::icon(28.0);
        let pos = centre - vec2(0.0, 18.0);
        painter.text(pos, Align2::CENTER_CENTER, icons::BROKEN, icon, palette.text_faint);
        let galley = painter.layout(
            problem.clone(),
            theme::body(),
            palette.text_soft,
            area.width() - theme::SPACE_XL,
        );
        let pos = centre + vec2(-galley.size().x / 2.0, 6.0);
        painter.galley(pos, galley, palette.text_soft);
    } else if let Some(Ok(pixels)) = loaded {
        let place = fitted(area, pixels);
        view.pictures.paint(painter, palette, place, theme::RADIUS, pixels, 1.0);
    } else {
        painter.rect_filled(area, theme::RADIUS, palette.field);
    }
}

/// The place of a picture of that width and height.
pub(super) fn frame_ui(ui: &mut Ui, title: &str, size_px: Option<(u32, u32)>) -> Rect {
    let side = ui.available_width().min(MAX_PICTURE);
    let height = match size_px {
        Some((width, height)) if width > 0 => {
            (side * height as f32 / width as f32).clamp(0.4 * side, side)
        }
        _ => side,
    };
    let (area, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::empty());
    response
        .widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, format!("Selected: {title}")));
    area
}

pub(super) fn fitted(area: Rect, pixels: &RgbaImage) -> Rect {
    let size = vec2(pixels.width() as f32, pixels.height() as f32).max(Vec2::splat(1.0));
    let scale = (area.size() / size).min_elem();
    Rect::from_center_size(area.center(), size * scale)
}

pub(super) fn buttons_ui(ui: &mut Ui, item: Item<'_>, commands: &mut Vec<UiCommand>) {
    let is_fine = item.problem().is_none();
    let height = theme::CONTROL_HEIGHT + 4.0;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_XS;
        let n_icons = if matches!(item, Item::File(_)) { 3.0 } else { 2.0 };
        let icons_width = n_icons * (theme::ICON_BUTTON.x + theme::SPACE_XS);
        let open = Button::text("Open")
            .labelled("Open the picture")
            .primary()
            .enabled(is_fine)
            .min_size(vec2(ui.available_width() - icons_width, height));
        if open.show(ui).on_hover_text("Take it to the canvas (Enter)").clicked() && is_fine {
            item.open(commands);
        }
        let (verb, tip) = if item.is_starred() {
            ("Take the star away", "Take the star away (S)")
        } else {
            ("Star the picture", "Star the picture, to find it again (S)")
        };
        let star = Button::icon(icons::STAR, verb).selected(item.is_starred());
        if star.show(ui).on_hover_text(tip).clicked() {
            commands.push(item.toggle_star());
        }
        let (verb, tip) = match item {
            Item::Unsaved(_) => {
                ("Take off the list", "Take it off the list (Delete); Ctrl+Z brings it back")
            }
            Item::File(picture) => {
                let folder = Button::icon(icons::FOLDER, "Show in folder");
                if folder.show(ui).on_hover_text("Show in folder").clicked() {
                    commands.push(GalleryCommand::ShowInFolder(picture.path.clone()).into());
                }
                ("Move to trash", "Move to trash (Delete)")
            }
        };
        if Button::icon(icons::TRASH, verb).show(ui).on_hover_text(tip).clicked() {
            commands.push(item.remove());
        }
    });
    let like = Button::text("More like this")
        .with_icon(icons::WAND)
        .enabled(is_fine)
        .min_size(vec2(ui.available_width(), height));
    let tip = "The model looks at it while it draws the next pictures (I)";
    if like.show(ui).on_hover_text(tip).clicked() && is_fine {
        commands.push(item.more_like());
    }
}

/// The prompt, or what is said without one.
pub(super) fn prompt_ui(ui: &mut Ui, prompt: &str, without: &str, commands: &mut Vec<UiCommand>) {
    let palette = theme::palette(ui);
    widgets::section(ui, "Prompt");
    if prompt.is_empty() {
        ui.label(RichText::new(without).color(palette.text_faint));
        ui.add_space(theme::SPACE_S);
        return;
    }
    // A novel must not push everything else out of the panel.
    ScrollArea::vertical().id_salt("gallery prompt").max_height(160.0).show(ui, |ui| {
        ui.add(Label::new(RichText::new(prompt).color(palette.text)).wrap());
    });
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_S;
        let take = Button::text("Use prompt");
        let tip = "Make it the prompt of the next picture";
        if take.show(ui).on_hover_text(tip).clicked() {
            commands.push(GalleryCommand::UsePrompt(prompt.to_owned()).into());
        }
        let copy = Button::text("Copy").labelled("Copy prompt").with_icon(icons::COPY);
        if copy.show(ui).on_hover_text("Copy the prompt (Ctrl+C)").clicked() {
            commands.push(UiCommand::CopyText(prompt.to_owned()));
        }
    });
    ui.add_space(theme::SPACE_S);
}

fn facts_ui(ui: &mut Ui, picture: &KnownPicture, commands: &mut Vec<UiCommand>) {
    widgets::section(ui, "Details");
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 6.0;
        if let Some((width, height)) = picture.size_px {
            fact(ui, "Size", &format!("{width} × {height} pixels"));
        }
        if let Some(seed) = picture.seed {
            fact(ui, "Seed", &seed.to_string());
        }
        fact(ui, "Saved", &moment_name(picture.written_at_secs));
        if let Some(software) = &picture.software {
            fact(ui, "Made by", software);
        }
        if let Some(model) = &picture.model {
            fact(ui, "Model", &short(model));
        }
        fact(ui, "File", &format!("{}, {}", picture.file_name(), bytes(picture.n_bytes)));
    });
    let Some(seed) = picture.seed else { return };
    let copy = Button::text("Copy seed").quiet().with_icon(icons::COPY);
    if copy.show(ui).clicked() {
        commands.push(UiCommand::CopyText(seed.to_string()));
    }
}

/// One line of *Details*.
pub(super) fn fact(ui: &mut Ui, name: &str, value: &str) {
    let palette = theme::palette(ui);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().interact_size.y = 0.0;
        let size = vec2(NAME_WIDTH, 16.0);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Min), |ui| {
            ui.set_min_width(NAME_WIDTH);
            ui.label(RichText::new(name).color(palette.text_faint));
        });
        ui.add(Label::new(RichText::new(value).color(palette.text_soft)).wrap());
    });
}

/// A file size for people.
fn bytes(n_bytes: u64) -> String {
    let n = n_bytes as f64;
    match n_bytes {
        0..1000 => format!("{n_bytes} bytes"),
        1000..1_000_000 => format!("{:.0} KB", n / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", n / 1e6),
        _ => format!("{:.1} GB", n / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let texts = [0, 999, 84_200, 1_240_000, 3_000_000_000].map(bytes);
        assert_eq!(texts, ["0 bytes", "999 bytes", "84 KB", "1.2 MB", "3.0 GB"]);
    }
}
