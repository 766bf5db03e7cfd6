//! The card over the canvas that asks what to do with a picture file which tells how its picture
//! was made.

use egui::{
    Align, Align2, Area, Id, Key, Label, Layout, Modifiers, Order, Rect, RichText, Sense, Stroke,
    StrokeKind, Ui, Vec2, vec2,
};

use super::command::UiCommand;
use super::open_command::OpenCommand;
use super::pictures::Pictures;
use super::widgets::Button;
use super::words::Words;
use super::{UiState, icons, theme};
use crate::state::AppState;
use crate::state::opened::{OpenChoice, Opened};

const WIDTH: f32 = 340.0;
const THUMBNAIL: f32 = 88.0;
/// Nobody reads a longer prompt on a card.
const MAX_PROMPT_CHARS: usize = 140;

/// Draws the card in the middle of `canvas`, while a file waits for an answer.
pub(super) fn opened_ui(
    ui: &Ui,
    canvas: Rect,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let Some(opened) = state.opened.as_ref().filter(|opened| opened.choice.is_none()) else {
        return;
    };
    let space = canvas.shrink(theme::SPACE_M);
    let area = Area::new(Id::unique("opened"))
        .order(Order::Middle)
        .pivot(Align2::CENTER_CENTER)
        .fixed_pos(space.center())
        .accessible_name("Open a picture");
    area.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(space.width()));
        let frame = theme::floating_frame(ui).inner_margin(theme::SPACE_L);
        frame.show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = theme::SPACE_S;
            header_ui(ui, opened, &mut view.pictures, commands);
            ui.add_space(theme::SPACE_XS);
            choices_ui(ui, opened, !state.slots.is_empty(), commands);
        });
    });
    let is_free = !view.was_in_text && !view.is_help_open;
    let pressed = |key| ui.ctx().input_mut(|input| input.consume_key(Modifiers::NONE, key));
    if is_free && pressed(Key::Escape) {
        commands.push(OpenCommand::Cancel.into());
    }
    let has_focus = ui.ctx().memory(|memory| memory.focused().is_some());
    if is_free && !has_focus && pressed(Key::Enter) {
        commands.push(OpenCommand::Choose(OpenChoice::Everything).into());
    }
}

fn header_ui(ui: &mut Ui, opened: &Opened, pictures: &mut Pictures, commands: &mut Vec<UiCommand>) {
    let palette = theme::palette(ui);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_M;
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(THUMBNAIL), Sense::hover());
        ui.painter().rect_filled(rect, theme::RADIUS, palette.field);
        if let Some(picture) = &opened.picture {
            let (width, height) = picture.thumbnail.dimensions();
            let size = vec2(width as f32, height as f32);
            let shown = (size * (THUMBNAIL / size.max_elem())).max(Vec2::splat(1.0));
            let inner = Align2::CENTER_CENTER.align_size_within_rect(shown, rect);
            let painter = ui.painter();
            pictures.paint(painter, palette, inner, theme::RADIUS, &picture.thumbnail, 1.0);
        }
        let line = Stroke::new(1.0, palette.line);
        ui.painter().rect_stroke(rect, theme::RADIUS, line, StrokeKind::Inside);
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            let close = Button::icon(icons::CLOSE, "Put the file away");
            if close.show(ui).on_hover_text("Put the file away (Esc)").clicked() {
                commands.push(OpenCommand::Cancel.into());
            }
            ui.with_layout(Layout::top_down(Align::Min), |ui| words_ui(ui, opened));
        });
    });
}

/// What the file tells, in short.
fn words_ui(ui: &mut Ui, opened: &Opened) {
    let palette = theme::palette(ui);
    ui.spacing_mut().item_spacing.y = theme::SPACE_XS;
    let recalled = &opened.recalled;
    let name = RichText::new(opened.name()).font(theme::strong()).color(palette.text);
    ui.add(Label::new(name).truncate());
    let mut prompt: String = recalled.prompt.chars().take(MAX_PROMPT_CHARS).collect();
    if prompt.len() < recalled.prompt.len() {
        prompt.push('…');
    }
    if !prompt.trim().is_empty() {
        ui.add(Label::new(RichText::new(prompt).color(palette.text)).wrap());
    }
    let mut facts = vec![format!("Made by {}", recalled.app)];
    facts.extend(recalled.seed.map(|seed| format!("seed {seed}")));
    if let Some(record) = &opened.record {
        let n_tokens = record.tokens.iter().flat_map(|tokens| tokens.ids().map(<[u32]>::len));
        let one = Words::of_n_tokens(n_tokens).one;
        facts.push(format!("{one} {} of {}", record.stop_at, record.n_scales));
    }
    let facts = RichText::new(facts.join(" · ")).font(theme::small()).color(palette.text_soft);
    ui.add(Label::new(facts).wrap());
}

fn choices_ui(ui: &mut Ui, opened: &Opened, has_places: bool, commands: &mut Vec<UiCommand>) {
    let mut choices = if opened.is_ours() {
        vec![
            (
                OpenChoice::Everything,
                "Restore everything",
                "The whole picture, sketch and settings; Undo brings the present ones back \
                 (Enter)",
            ),
            (
                OpenChoice::Settings,
                "Prompt and settings only",
                "The picture and the sketch on the canvas stay",
            ),
        ]
    } else {
        vec![(
            OpenChoice::Everything,
            "Take prompt and settings",
            "As far as they mean the same here (Enter)",
        )]
    };
    if opened.picture.is_some() {
        choices.push((
            OpenChoice::Control,
            "Use as control…",
            "Lines, depth or colours are taken from its pixels",
        ));
    }
    if opened.picture.is_some() && has_places {
        choices.push((
            OpenChoice::Inspiration,
            "Use as inspiration",
            "The model looks at it from now on",
        ));
    }
    for (choice, text, tip) in choices {
        let button = Button::text(text).min_size(vec2(ui.available_width(), 32.0));
        let button = if choice == OpenChoice::Everything { button.primary() } else { button };
        if button.show(ui).on_hover_text(tip).clicked() {
            commands.push(OpenCommand::Choose(choice).into());
        }
    }
}
