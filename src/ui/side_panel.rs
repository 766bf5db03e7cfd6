//! The right panel: what to draw and how.

use egui::{Align, Frame, Id, Layout, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::class_chooser;
use super::command::{Action, UiCommand};
use super::inspired;
use super::layers;
use super::widgets::{self, Button, SliderRow};
use super::{UiState, costs, icons, source, theme};
use crate::params::{Sampling, Speculation};
use crate::protocol::DecodingOrder;
use crate::protocol::prompt::styled;
use crate::state::{AppState, Engine};

pub(super) const WIDTHS: std::ops::RangeInclusive<f32> = 300.0..=460.0;

/// Width at the start: less in a narrow window.
pub(super) fn width(window_width: f32) -> f32 {
    (0.3 * window_width).clamp(316.0, 340.0)
}

/// Where the keyboard goes for the prompt.
pub(super) fn prompt_id() -> Id {
    Id::unique("prompt")
}

pub(super) fn side_panel_ui(
    ui: &mut Ui,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let side = theme::SPACE_L as i8;
    let margin = egui::Margin { left: side, right: side, top: 8, bottom: 8 };
    Frame::new().inner_margin(margin).show(ui, |ui| {
        ui.horizontal(|ui| {
            live_button_ui(ui, state, commands);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                sheet_button_ui(ui, state, commands);
                generate_button_ui(ui, state, commands);
            });
        });
    });
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let margin = egui::Margin { left: side, right: side, top: 4, bottom: side };
        Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = theme::SPACE_S;
            match state.model().filter(|model| !model.class_names.is_empty()) {
                Some(model) => class_chooser::class_ui(ui, state, model, view, commands),
                None => prompt_ui(ui, state, commands),
            }
            layers::layers_ui(ui, state, view, commands);
            divider(ui);
            if state.slots.is_empty() {
                inspired::without_memory_ui(ui, view);
            } else {
                inspired::inspired_ui(ui, state, view, commands);
            }
            divider(ui);
            source::source_ui(ui, state, view, commands);
            divider(ui);
            model_ui(ui, state, commands);
            seed_ui(ui, state, view, commands);
            sampling_ui(ui, state, commands);
        });
    });
}

fn live_button_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let action = Action::ToggleLive;
    let (is_live, can_be_live) = (state.is_live(), state.can_be_live());
    if !can_be_live {
        let button = Button::text(action.label()).with_icon(icons::LIVE).enabled(false);
        let button = button.selected(false).min_size(vec2(76.0, 36.0)).show(ui);
        let mut tip = "This model draws token by token, too slowly to follow your pen".to_owned();
        if let Some(cost) = costs::of_picture(state) {
            tip = format!("{tip}\n{cost} per picture");
        }
        button.on_hover_text(tip);
        return;
    }
    let tip = if is_live {
        "The picture follows every change at once; click to draw only when asked"
    } else {
        "The picture waits for Generate; click to let it follow every change"
    };
    let button = Button::text(action.label())
        .with_icon(icons::LIVE)
        .selected(is_live)
        .min_size(vec2(76.0, 36.0))
        .show(ui);
    let tip = format!("{tip} ({})", action.key_text(ui.ctx()));
    if button.on_hover_text(tip).clicked() {
        commands.push(action.into());
    }
}

fn generate_button_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let action = if state.is_drawing() { Action::Stop } else { Action::Generate };
    let can_run = !matches!(state.engine, Engine::Failed(_));
    let button =
        Button::text(action.label()).enabled(can_run).min_size(vec2(ui.available_width(), 36.0));
    let button = match action {
        Action::Stop => button.with_icon(icons::STOP),
        _ => button.with_icon(icons::PLAY).primary(),
    };
    let mut tip = action.tooltip(ui.ctx());
    if action == Action::Generate
        && let Some(cost) = costs::of_picture(state)
    {
        tip = format!("{tip}\n{cost}");
    }
    let now = ui.input(|input| input.time);
    if action == Action::Stop
        && let Some(left) = costs::time_left(state, now)
    {
        tip = format!("{tip}\n{left}");
    }
    if button.show(ui).on_hover_text(tip).clicked() {
        commands.push(action.into());
    }
}

fn sheet_button_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let action = Action::ContactSheet;
    let button = Button::text("Sheet")
        .labelled(action.label())
        .selected(state.sheet.is_some())
        .enabled(state.model().is_some())
        .min_size(vec2(56.0, 36.0))
        .show(ui);
    if button.on_hover_text(action.tooltip(ui.ctx())).clicked() {
        commands.push(action.into());
    }
}

fn prompt_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let recipe = &state.settings.recipe;
    let title = widgets::section(ui, "Prompt");
    let mut text = recipe.prompt.clone();
    let hint = format!("What to draw; {} draws it", Action::Generate.key_text(ui.ctx()));
    let edit = TextEdit::multiline(&mut text)
        .id(prompt_id())
        .hint_text(hint)
        .desired_rows(3)
        .desired_width(f32::INFINITY)
        .margin(egui::Margin::symmetric(10, 8));
    // A pasted novel must not push everything else out of the panel.
    let scroll = ScrollArea::vertical().id_salt("prompt scroll").max_height(160.0);
    let response = scroll.show(ui, |ui| ui.add(edit).labelled_by(title.id)).inner;
    if response.changed() {
        commands.push(UiCommand::SetPrompt(text));
    }

    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        ui.spacing_mut().interact_size.y = widgets::CHIP_HEIGHT;
        ui.horizontal_wrapped(|ui| {
            let styles = state.styles();
            let named = styled(&recipe.prompt, styles.iter().copied());
            let current = named.map(|named| named.style);
            for style in styles {
                let label = format!("{style} style");
                if widgets::chip(ui, style, &label, current == Some(style)).clicked() {
                    commands.push(UiCommand::ToggleStyle(style.to_owned()));
                }
            }
        });
    });

    widgets::fold(ui, "Avoid", |ui| {
        let mut text = recipe.negative.clone();
        let edit = TextEdit::multiline(&mut text)
            .hint_text("What the picture should not look like")
            .desired_rows(2)
            .desired_width(f32::INFINITY)
            .margin(egui::Margin::symmetric(10, 8));
        if ui.add(edit).accessible_name("Avoid in the picture").changed() {
            commands.push(UiCommand::SetNegative(text));
        }
    });
}

/// Which model draws; leads to the others.
fn model_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let action = Action::ToggleModels;
    let name = match &state.models.loading {
        Some(loading) => format!("{}…", loading.model.title),
        None => state.models.loaded.title.clone(),
    };
    ui.horizontal(|ui| {
        widgets::caption(ui, "Model");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let cut = shortened(&name);
            let label = format!("Model: {name}");
            let button = Button::text(&cut).with_icon(icons::CHEVRON_DOWN).labelled(&label);
            let tip = format!("{name}\n{}", action.tooltip(ui.ctx()));
            if button.show(ui).on_hover_text(tip).clicked() {
                commands.push(action.into());
            }
        });
    });
}

/// The start of a name that is too long for the panel.
fn shortened(name: &str) -> String {
    const MAX_CHARS: usize = 26;
    let start: String = name.chars().take(MAX_CHARS).collect();
    if start.len() < name.len() { format!("{start}…") } else { start }
}

fn seed_ui(ui: &mut Ui, state: &AppState, view: &mut UiState, commands: &mut Vec<UiCommand>) {
    let recipe = &state.settings.recipe;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_XS;
        let title = widgets::caption(ui, "Seed");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let keeps = !recipe.new_seed_each_time;
            let (icon, tip) = if keeps {
                (icons::LOCK, "This seed is kept: Generate draws the same picture again")
            } else {
                (icons::LOCK_OPEN, "Generate takes a new seed every time")
            };
            let lock = Button::icon(icon, "Keep this seed").selected(keeps);
            if lock.show(ui).on_hover_text(tip).clicked() {
                commands.push(UiCommand::SetNewSeedEachTime(keeps));
            }
            let dice = Action::AnotherSeed;
            let button = Button::icon(icons::DICE, dice.label());
            if button.show(ui).on_hover_text(dice.tooltip(ui.ctx())).clicked() {
                commands.push(dice.into());
            }
            commands.extend(seed_field_ui(ui, title.id, recipe.seed, &mut view.seed_text));
        });
    });
}

/// A text field rather than a number field, because a seed may have twenty digits.
fn seed_field_ui(
    ui: &mut Ui,
    title: Id,
    seed: u64,
    typed: &mut Option<String>,
) -> Option<UiCommand> {
    let mut text = typed.clone().unwrap_or_else(|| seed.to_string());
    let parsed = |text: &str| text.trim().parse::<u64>().ok();
    let mut edit = TextEdit::singleline(&mut text)
        .desired_width(132.0)
        .char_limit(20)
        .align(egui::Align2::LEFT_CENTER)
        .min_size(vec2(0.0, theme::CONTROL_HEIGHT));
    if typed.as_deref().is_some_and(|typed| parsed(typed).is_none()) {
        edit = edit.text_color(theme::palette(ui).error);
    }
    let response = ui.add(edit).labelled_by(title);
    let response = response.on_hover_text("A whole number; the same seed gives the same picture");
    // What is typed stays as typed until the field is left, then shows the seed again.
    *typed = response.has_focus().then(|| text.clone());
    let seed = response.changed().then(|| parsed(&text)).flatten()?;
    Some(UiCommand::SetSeed(seed))
}

/// How far ahead of the pen a model guesses that draws token by token.
fn speculation_ui(ui: &mut Ui, speculation: Speculation) -> Option<Speculation> {
    let mut wish = None;
    let window = SliderRow {
        label: "Guess ahead",
        explanation: "Tokens that are guessed and checked at once, which is faster; 1 draws one \
                      after the other. Another number gives another picture, as likely",
        value: speculation.window as f32,
        range: 1.0..=32.0,
        max: Speculation::MAX_WINDOW as f32,
        decimals: 0,
    };
    if let Some(window) = window.show(ui) {
        wish = Some(Speculation { window: window.round() as usize, ..speculation }.clamped());
    }
    if !speculation.is_off() {
        let relaxation = SliderRow {
            label: "Relaxed guesses",
            explanation: "How readily a guess that looks alike is taken for what was meant: more \
                          is faster and softer; 0 draws exactly what the model says",
            value: speculation.relaxation,
            range: 0.0..=1.0,
            max: 1.0,
            decimals: 2,
        };
        if let Some(relaxation) = relaxation.show(ui) {
            wish = Some(Speculation { relaxation, ..speculation }.clamped());
        }
    }
    wish
}

fn sampling_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let sampling = state.sampling();
    let is_raster = state.model().is_some_and(|model| model.order == DecodingOrder::Raster);
    let mut wish = None;
    let guidance = SliderRow {
        label: "Guidance",
        explanation: if is_raster {
            "How closely the picture follows the prompt; 1 or less is nearly twice as fast"
        } else {
            "How closely the picture follows the prompt; 0 is twice as fast"
        },
        value: sampling.guidance,
        range: 0.0..=10.0,
        max: Sampling::MAX_GUIDANCE,
        decimals: 1,
    };
    if let Some(guidance) = guidance.show(ui) {
        wish = Some(Some(Sampling { guidance, ..sampling }));
    }
    widgets::fold(ui, "Advanced", |ui| {
        let temperature = SliderRow {
            label: "Temperature",
            explanation: "Low is calm and repeatable, high is lively and risky",
            value: sampling.temperature,
            range: 0.0..=Sampling::MAX_TEMPERATURE,
            max: Sampling::MAX_TEMPERATURE,
            decimals: 2,
        };
        if let Some(temperature) = temperature.show(ui) {
            wish = Some(Some(Sampling { temperature, ..sampling }));
        }
        let top_p = SliderRow {
            label: "Top-p",
            explanation: "Draws among the most likely tokens that together have this probability; \
                          1 allows all",
            value: sampling.top_p,
            range: 0.0..=1.0,
            max: 1.0,
            decimals: 2,
        };
        if let Some(top_p) = top_p.show(ui) {
            wish = Some(Some(Sampling { top_p, ..sampling }));
        }
        let top_k = SliderRow {
            label: "Top-k",
            explanation: "Draws among this many most likely tokens; 0 allows all",
            value: sampling.top_k as f32,
            range: if is_raster { 0.0..=4000.0 } else { 0.0..=1000.0 },
            max: 65536.0,
            decimals: 0,
        };
        if let Some(top_k) = top_k.show(ui) {
            wish = Some(Some(Sampling { top_k: top_k.round() as usize, ..sampling }));
        }
        if is_raster && let Some(speculation) = speculation_ui(ui, sampling.speculation) {
            wish = Some(Some(Sampling { speculation, ..sampling }));
        }
        ui.horizontal(|ui| {
            let is_changed = state.settings.recipe.sampling.is_some();
            let reset = Button::text("Reset").with_icon(icons::RESET).quiet().enabled(is_changed);
            let tip = "Guidance and all of these as the model has them";
            if reset.labelled("Reset sampling").show(ui).on_hover_text(tip).clicked() {
                wish = Some(None);
            }
        });
    });
    commands.extend(wish.map(UiCommand::SetSampling));
}

/// Space with a thin line in its middle.
pub(super) fn divider(ui: &mut Ui) {
    let height = theme::SPACE_L;
    let (rect, _) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), egui::Sense::hover());
    let line = egui::Stroke::new(1.0, theme::palette(ui).line);
    ui.painter().hline(rect.x_range(), rect.center().y, line);
}

/// Text that explains an empty place.
pub(super) fn hint(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).font(theme::small()).color(theme::palette(ui).text_faint));
}
