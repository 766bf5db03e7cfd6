//! The line over the film: where the picture is, how fast it comes, what can be done from there.

use egui::{Align, Label, Layout, Rect, RichText, Ui, UiBuilder};

use super::Film;
use crate::state::Phase;
use crate::ui::command::{Action, UiCommand};
use crate::ui::widgets::Button;
use crate::ui::{costs, icons, theme};

/// Strips narrower than this have buttons without words.
const NARROW: f32 = 560.0;

pub(super) fn header_ui(ui: &mut Ui, film: &Film<'_>, rect: Rect, commands: &mut Vec<UiCommand>) {
    let is_narrow = rect.width() < NARROW;
    let layout = Layout::right_to_left(Align::Center);
    ui.scope_builder(UiBuilder::new().max_rect(rect).layout(layout), |ui| {
        ui.spacing_mut().item_spacing.x = theme::SPACE_S;
        buttons_ui(ui, film, is_narrow, commands);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let palette = theme::palette(ui);
            let title = RichText::new(title(film)).font(theme::strong()).color(palette.text);
            ui.add(Label::new(title).truncate());
            let now = ui.input(|input| input.time);
            let text = progress_texts(film, now, is_narrow).join(" · ");
            if !text.is_empty() {
                let text = RichText::new(text).color(palette.text_soft);
                let label = ui.add(Label::new(text).truncate());
                label.on_hover_text("From how fast the last tokens came on this machine");
            }
        });
    });
}

/// What is on the canvas, in rows.
fn title(film: &Film<'_>) -> String {
    let n_rows = film.n_rows();
    let Some(job) = film.job else { return format!("{n_rows} rows, from the top") };
    let is_newest = film.state.growing().is_some() || film.n_shown == film.n_done;
    match &job.phase {
        _ if !is_newest => format!("Row {} of {n_rows}", film.n_shown),
        Phase::Sent => "Beginning".to_owned(),
        Phase::Drawing if film.n_done >= job.n_wanted => "Decoding the picture".to_owned(),
        Phase::Drawing if !film.has_begun() => "Reading prompt and sketch".to_owned(),
        Phase::Drawing => format!("Drawing row {} of {n_rows}", film.n_done + 1),
        Phase::Finished(_) if film.n_done == n_rows => format!("All {n_rows} rows"),
        Phase::Stopped if film.n_done == 0 => "Stopped in row 1".to_owned(),
        Phase::Stopped | Phase::Finished(_) => {
            format!("Stopped at row {} of {n_rows}", film.n_done)
        }
        Phase::Failed(_) => "Failed".to_owned(),
    }
}

/// Tokens, pace and time left of a picture under way; most telling first.
fn progress_texts(film: &Film<'_>, now: f64, is_narrow: bool) -> Vec<String> {
    let state = film.state;
    if !film.is_running() {
        return costs::of_picture(state).filter(|_| film.job.is_none()).into_iter().collect();
    }
    let mut texts: Vec<String> = costs::time_left(state, now).into_iter().collect();
    if !is_narrow {
        texts.extend(costs::pace(state));
        texts.extend(film.growing.map(|growing| costs::tokens(growing.progress)));
    }
    texts
}

fn buttons_ui(ui: &mut Ui, film: &Film<'_>, is_narrow: bool, commands: &mut Vec<UiCommand>) {
    let Some(job) = film.job else { return };
    let (n_shown, n_rows) = (film.n_shown, film.n_rows());
    let goes_on = film.can_go_on();
    let has_begun = n_shown > 0 || film.growing.is_some();
    if !goes_on && (n_shown >= n_rows || !has_begun) {
        return;
    }
    if n_shown > 0 {
        let action = Action::ReRoll;
        let button = action_button(icons::DICE, action.label(), is_narrow).quiet();
        let tip = format!(
            "Keep {} and draw what is below anew, with another seed ({})",
            rows_to(n_shown),
            action.key_text(ui.ctx())
        );
        if button.show(ui).on_hover_text(with_cost(film, tip, n_shown)).clicked() {
            commands.push(action.into());
        }
    }
    let action = Action::StopOrContinue;
    let (icon, label) =
        if goes_on { (icons::PLAY, "Continue") } else { (icons::STOP, "Stop here") };
    let key = action.key_text(ui.ctx());
    let tip = if goes_on {
        let tip =
            format!("Draw the rows that are missing; changes since the stop take part ({key})");
        with_cost(film, tip, n_shown)
    } else if job.is_running() {
        format!("Stop and keep {}; change something and continue later ({key})", rows_to(n_shown))
    } else {
        format!("Put aside what is below; change something and continue later ({key})")
    };
    if action_button(icon, label, is_narrow).show(ui).on_hover_text(tip).clicked() {
        commands.push(action.into());
    }
}

fn action_button<'a>(icon: &'static str, label: &'a str, is_narrow: bool) -> Button<'a> {
    if is_narrow { Button::icon(icon, label) } else { Button::text(label).with_icon(icon) }
}

fn rows_to(n_rows: usize) -> String {
    match n_rows {
        0 => "what is there".to_owned(),
        1 => "row 1".to_owned(),
        n_rows => format!("rows 1–{n_rows}"),
    }
}

fn with_cost(film: &Film<'_>, tip: String, n_kept: usize) -> String {
    match film.state.costs.of_run(n_kept..film.n_rows()) {
        Some(cost) => format!("{tip}\nTakes {}", costs::duration_text(cost)),
        None => tip,
    }
}
