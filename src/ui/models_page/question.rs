//! What the user must decide: whether to connect to a server, and what to do when there is too little
//! memory.

use egui::{Align, Id, Label, Layout, Modal, RichText, Ui};

use crate::protocol::{KnownModel, bytes_text};
use crate::state::models::{Models, Question};
use crate::ui::command::UiCommand;
use crate::ui::models_command::ModelsCommand;
use crate::ui::widgets::Button;
use crate::ui::{icons, theme};

const WIDTH: f32 = 460.0;

pub(super) fn question_ui(ui: &Ui, models: &Models, commands: &mut Vec<UiCommand>) {
    let Some(question) = &models.question else { return };
    let palette = theme::palette(ui);
    let frame = egui::Frame::window(ui.style()).inner_margin(theme::SPACE_XL);
    let modal = Modal::new(Id::unique("models question"));
    let modal = modal.backdrop_color(palette.backdrop).frame(frame);
    let response = modal.show(ui.ctx(), |ui| {
        let window = ui.ctx().content_rect();
        ui.set_width(WIDTH.min(window.width() - 96.0));
        ui.spacing_mut().item_spacing.y = theme::SPACE_S;
        match question {
            Question::Download { model } => {
                let model = models.get(model)?;
                download_ui(ui, models, model)
            }
            Question::Memory { model, precision } => {
                let model = models.get(model)?;
                memory_ui(ui, models, model, precision)
            }
        }
    });
    if let Some(command) = response.inner {
        commands.push(command.into());
    } else if response.should_close() {
        commands.push(ModelsCommand::CloseQuestion.into());
    }
}

fn title_ui(ui: &mut Ui, text: &str) {
    ui.add(Label::new(RichText::new(text).font(theme::title())).wrap());
}

fn text_ui(ui: &mut Ui, text: &str) {
    let palette = theme::palette(ui);
    ui.add(Label::new(RichText::new(text).color(palette.text_soft)).wrap());
}

fn download_ui(ui: &mut Ui, models: &Models, model: &KnownModel) -> Option<ModelsCommand> {
    let list = models.list.as_ref()?;
    let files = model.to_download();
    let n_bytes: u64 = files.iter().filter_map(|file| file.n_bytes).sum();
    let is_known = files.iter().all(|file| file.n_bytes.is_some());
    let more = if is_known { "" } else { ", and files whose size is not known" };
    title_ui(ui, &format!("Download {}?", model.title));
    let n_files = match files.len() {
        1 => "One file".to_owned(),
        n => format!("{n} files"),
    };
    text_ui(
        ui,
        &format!("This connects to {}. {n_files}, {}{more}.", list.host, bytes_text(n_bytes)),
    );
    for file in &files {
        let size = file.n_bytes.map_or("size not known".to_owned(), bytes_text);
        let text = format!("{} · {size} · {}", file.name(), file.licence);
        ui.add(Label::new(RichText::new(text).font(theme::small())).truncate())
            .on_hover_text(file.url("https://huggingface.co"));
    }
    if let Some(folder) = &list.download_folder {
        let folder = super::files::shortened(&folder.display().to_string(), 64);
        text_ui(ui, &format!("Into {folder}"));
    }
    ui.add_space(theme::SPACE_S);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let yes = Button::text("Connect and download").with_icon(icons::DOWNLOAD).primary();
        let is_wanted = yes.show(ui).clicked();
        if Button::text("Cancel").show(ui).clicked() {
            return Some(ModelsCommand::CloseQuestion);
        }
        is_wanted.then(|| ModelsCommand::Download(model.key.clone()))
    })
    .inner
}

/// Three ways out, the gentlest first.
fn memory_ui(
    ui: &mut Ui,
    models: &Models,
    model: &KnownModel,
    precision: &'static str,
) -> Option<ModelsCommand> {
    let need = model.need(precision)?;
    title_ui(ui, &format!("There is not enough memory for {}", model.title));
    text_ui(
        ui,
        &format!(
            "In {} it takes up to {}, and {} are free. With less, the system may end programs or \
             become very slow.",
            need.label(),
            bytes_text(need.peak()),
            models.available().map_or("not as many".to_owned(), bytes_text),
        ),
    );
    ui.add_space(theme::SPACE_XS);
    let mut wish = None;
    let mut choice = |ui: &mut Ui, text: &str, about: &str, command: ModelsCommand, is_first| {
        let button = Button::text(text).min_size(egui::vec2(ui.available_width(), 34.0));
        let button = if is_first { button.primary() } else { button };
        if button.show(ui).clicked() {
            wish = Some(command);
        }
        let palette = theme::palette(ui);
        ui.add(
            Label::new(RichText::new(about).font(theme::small()).color(palette.text_soft)).wrap(),
        );
    };
    let is_first;
    if let Some(smaller) = models.smaller(model, precision).and_then(|name| model.need(name)) {
        let fits = models.fits(model, smaller.precision);
        let text = format!("Load it in {}", smaller.label());
        let about = format!(
            "Takes up to {}, {}",
            bytes_text(smaller.peak()),
            if fits { "which fits" } else { "which is still too much" }
        );
        let (key, precision) = (model.key.clone(), smaller.precision);
        let command = if fits {
            ModelsCommand::LoadAs { model: key, precision }
        } else {
            ModelsCommand::LoadAnyway { model: key, precision }
        };
        choice(ui, &text, &about, command, fits);
        is_first = !fits;
    } else {
        let about = "Close other programs first, then try again; this one is as small as it gets";
        choice(
            ui,
            "Look how much is free again",
            about,
            ModelsCommand::Load(model.key.clone()),
            true,
        );
        is_first = false;
    }
    if let Some(other) = models.instead_of(model) {
        let text = format!("Use {} instead", other.title);
        let about = match other.needs.first() {
            Some(need) => format!("{}; takes up to {}", other.purpose, bytes_text(need.peak())),
            None => other.purpose.clone(),
        };
        choice(ui, &text, &about, ModelsCommand::Load(other.key.clone()), is_first);
    }
    let about = "If the figures are wrong, or you know what you do; save your work first";
    let command = ModelsCommand::LoadAnyway { model: model.key.clone(), precision };
    choice(ui, "Load it anyway", about, command, false);
    ui.add_space(theme::SPACE_XS);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        if Button::text("Cancel").quiet().show(ui).clicked() {
            wish = Some(ModelsCommand::CloseQuestion);
        }
    });
    wish
}
