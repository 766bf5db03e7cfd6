//! *More candidates*: a grid of the remembered pictures that fit best, over the canvas beside the
//! side panel, so that the places they go to stay in sight.

mod cell;

use egui::{
    Align, Align2, Area, Id, Key, Label, Layout, Modifiers, Order, Rect, RichText, ScrollArea,
    Sense, TextEdit, Ui, Vec2, pos2, vec2,
};

use self::cell::CellUi;
use super::command::UiCommand;
use super::inspired_command::InspiredCommand;
use super::widgets::Button;
use super::{UiState, icons, theme};
use crate::state::candidates::SearchPhase;
use crate::state::{AppState, Candidates};

const WIDTH: f32 = 476.0;
const MAX_HEIGHT: f32 = 720.0;
const GAP: f32 = 8.0;
/// Between a cell and the mark of the keyboard around it.
const RING: f32 = 3.0;
/// Cells are at least so wide.
const MIN_CELL: f32 = 96.0;
/// Letters of the prompt that are shown.
const MAX_PROMPT_CHARS: usize = 60;

/// What only the window knows of the grid.
#[derive(Default)]
pub(super) struct CandidatesView {
    is_open: bool,
    /// The keyboard is to go to the search box, which it can once that was measured.
    wants_search: bool,
    /// The keyboard was in the search box in the last frame.
    was_in_search: bool,
    /// The candidate that was shown last because the keyboard went there.
    revealed: Option<usize>,
    n_columns: usize,
}

/// Draws the grid in the upper right of `canvas`, while it is open.
pub(super) fn candidates_ui(
    ui: &Ui,
    canvas: Rect,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let Some(candidates) = state.candidates.as_ref().filter(|_| !is_covered(state)) else {
        view.candidates = CandidatesView::default();
        return;
    };
    if !std::mem::replace(&mut view.candidates.is_open, true) {
        view.candidates.wants_search = true;
    }
    let is_ours = !view.was_in_text || view.candidates.was_in_search;
    let mut wishes = Vec::new();
    // Before the search box, which would take Enter and Esc for its own.
    if is_ours && !view.is_help_open {
        wishes.extend(pressed(ui, candidates, &view.candidates));
    }
    let space = canvas.shrink(theme::SPACE_M);
    let area = Area::new(Id::unique("candidates"))
        .order(Order::Middle)
        .pivot(Align2::RIGHT_TOP)
        .fixed_pos(space.right_top())
        .accessible_name("More candidates");
    area.show(ui.ctx(), |ui| {
        let margin = theme::SPACE_M;
        let inner = space.size().min(vec2(WIDTH, MAX_HEIGHT)) - Vec2::splat(2.0 * margin);
        theme::floating_frame(ui).inner_margin(margin).show(ui, |ui| {
            ui.set_width(inner.x);
            ui.set_height(inner.y);
            ui.spacing_mut().item_spacing.y = theme::SPACE_S;
            header_ui(ui, candidates, &mut wishes);
            search_ui(ui, candidates, &mut view.candidates, &mut wishes);
            told_ui(ui, state, candidates);
            body_ui(ui, state, candidates, view, &mut wishes);
        });
    });
    commands.extend(wishes.into_iter().map(UiCommand::from));
}

/// Whether something else is to be answered first.
fn is_covered(state: &AppState) -> bool {
    state.sheet.is_some()
        || state.export.is_some()
        || state.opened.is_some()
        || state.imports.open.is_some()
}

fn search_id() -> Id {
    Id::unique("candidates search")
}

/// The keys of the grid. In the search box, left and right move the caret.
fn pressed(ui: &Ui, candidates: &Candidates, view: &CandidatesView) -> Option<InspiredCommand> {
    ui.ctx().input_mut(|input| {
        let mut pressed = |key| input.consume_key(Modifiers::NONE, key);
        if pressed(Key::Escape) {
            return Some(InspiredCommand::CloseCandidates);
        }
        let n_candidates = candidates.pictures.len();
        if n_candidates == 0 {
            return None;
        }
        let cursor = candidates.cursor;
        if pressed(Key::Enter) {
            return Some(InspiredCommand::Choose { candidate_idx: cursor, and_close: true });
        }
        let down = isize::from(pressed(Key::ArrowDown)) - isize::from(pressed(Key::ArrowUp));
        let mut step = down * view.n_columns.max(1) as isize;
        if !view.was_in_search || candidates.search.is_empty() {
            step += isize::from(pressed(Key::ArrowRight)) - isize::from(pressed(Key::ArrowLeft));
            if pressed(Key::Delete) {
                return Some(InspiredCommand::ToggleBan(cursor));
            }
        }
        let moved = cursor.checked_add_signed(step).filter(|_| step != 0)?;
        (moved < n_candidates).then_some(InspiredCommand::MoveTo(moved))
    })
}

fn header_ui(ui: &mut Ui, candidates: &Candidates, wishes: &mut Vec<InspiredCommand>) {
    let size = vec2(ui.available_width(), theme::CONTROL_HEIGHT);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        let close = Button::icon(icons::CLOSE, "Close the candidates");
        if close.show(ui).on_hover_text("Close (Esc)").clicked() {
            wishes.push(InspiredCommand::CloseCandidates);
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let title = format!("Candidates for place {}", candidates.slot_idx + 1);
            let ink = theme::palette(ui).text;
            ui.label(RichText::new(title).font(theme::title()).color(ink));
        });
    });
}

fn search_ui(
    ui: &mut Ui,
    candidates: &Candidates,
    view: &mut CandidatesView,
    wishes: &mut Vec<InspiredCommand>,
) {
    let palette = theme::palette(ui);
    let mut text = candidates.search.clone();
    let edit = TextEdit::singleline(&mut text)
        .id(search_id())
        .hint_text("Search the memories; empty looks for the prompt")
        .desired_width(f32::INFINITY)
        .char_limit(200)
        .margin(egui::Margin { left: 30, right: 30, top: 5, bottom: 5 });
    let response = ui.add(edit).accessible_name("Search candidates");
    view.was_in_search = response.has_focus();
    if view.wants_search {
        response.request_focus();
        view.wants_search = !view.was_in_search;
        ui.ctx().request_repaint();
    }
    let rect = response.rect;
    let icon_pos = pos2(rect.left() + 16.0, rect.center().y);
    let centre = Align2::CENTER_CENTER;
    ui.painter().text(icon_pos, centre, icons::SEARCH, theme::icon(14.0), palette.text_faint);
    if !candidates.search.is_empty() {
        let place = Rect::from_center_size(rect.right_center() - vec2(15.0, 0.0), vec2(22.0, 22.0));
        let builder = egui::UiBuilder::new().max_rect(place);
        let clear = Button::icon(icons::CLOSE, "Look for the prompt again").min_size(place.size());
        if ui.scope_builder(builder, |ui| clear.show(ui).clicked()).inner {
            text.clear();
        }
    }
    if text != candidates.search {
        wishes.push(InspiredCommand::Search(text));
    }
}

/// What was looked for, and how far that is.
fn told_ui(ui: &mut Ui, state: &AppState, candidates: &Candidates) {
    let search = candidates.search.trim();
    let wanted = if search.is_empty() { state.settings.recipe.prompt.trim() } else { search };
    let mut wanted: String = wanted.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = wanted.char_indices().nth(MAX_PROMPT_CHARS) {
        wanted.truncate(end);
        wanted.push('…');
    }
    let to =
        if wanted.is_empty() { "an empty prompt".to_owned() } else { format!("“{wanted}”") };
    let text = match &candidates.phase {
        SearchPhase::Searching => format!("Looking for {to}…"),
        SearchPhase::Found if candidates.pictures.is_empty() => String::new(),
        SearchPhase::Found => format!("Most similar to {to} first"),
        SearchPhase::Failed(_) => String::new(),
    };
    let text = RichText::new(text).font(theme::small()).color(theme::palette(ui).text_faint);
    ui.add(Label::new(text).truncate());
}

fn body_ui(
    ui: &mut Ui,
    state: &AppState,
    candidates: &Candidates,
    view: &mut UiState,
    wishes: &mut Vec<InspiredCommand>,
) {
    let is_empty = candidates.pictures.is_empty();
    match &candidates.phase {
        SearchPhase::Failed(failure) => {
            let is_asked = notice_ui(ui, icons::WARNING, &failure.headline, "Search again");
            wishes.extend(is_asked.then_some(InspiredCommand::SearchAgain));
        }
        SearchPhase::Found if is_empty && candidates.search.trim().is_empty() => {
            notice_ui(ui, icons::IMAGE, "No memory has a picture to look at", "");
        }
        SearchPhase::Found if is_empty => {
            let text = format!("Nothing is remembered for “{}”", candidates.search.trim());
            let is_asked = notice_ui(ui, icons::SEARCH, &text, "Look for the prompt");
            wishes.extend(is_asked.then(|| InspiredCommand::Search(String::new())));
        }
        SearchPhase::Searching | SearchPhase::Found => {
            let room = ui.available_height() - 24.0;
            let scroll = ScrollArea::vertical().max_height(room).auto_shrink(false);
            scroll.show(ui, |ui| grid_ui(ui, state, candidates, view, wishes));
            let hint = "Click tries one, Enter takes it and closes, Del bans it";
            let text = RichText::new(hint).font(theme::small());
            ui.add(Label::new(text.color(theme::palette(ui).text_faint)).truncate());
        }
    }
}

/// Says in the middle why there is nothing to see; returns whether its button was clicked.
fn notice_ui(ui: &mut Ui, icon: &str, text: &str, button: &str) -> bool {
    let palette = theme::palette(ui);
    ui.vertical_centered(|ui| {
        ui.add_space(0.25 * ui.available_height());
        ui.label(RichText::new(icon).font(theme::icon(24.0)).color(palette.text_faint));
        ui.add_space(theme::SPACE_XS);
        ui.label(RichText::new(text).color(palette.text_soft));
        ui.add_space(theme::SPACE_S);
        !button.is_empty() && Button::text(button).show(ui).clicked()
    })
    .inner
}

fn grid_ui(
    ui: &mut Ui,
    state: &AppState,
    candidates: &Candidates,
    view: &mut UiState,
    wishes: &mut Vec<InspiredCommand>,
) {
    // Beside the scroll bar.
    let width = ui.available_width() - theme::SPACE_M;
    let inner = width - 2.0 * RING;
    let n_columns = (((inner + GAP) / (MIN_CELL + GAP)) as usize).max(1);
    let side = ((inner - GAP * (n_columns - 1) as f32) / n_columns as f32).floor();
    view.candidates.n_columns = n_columns;
    let is_waiting = candidates.pictures.is_empty();
    let n_cells = if is_waiting { Candidates::N } else { candidates.pictures.len() };
    let cell_size = vec2(side, side + cell::TEXT_HEIGHT);
    let n_rows = n_cells.div_ceil(n_columns);
    let height = n_rows as f32 * (cell_size.y + GAP) - GAP;
    // Room for the mark of the keyboard.
    let (rect, _) = ui.allocate_exact_size(vec2(width, height + 2.0 * RING), Sense::hover());
    let corner = rect.min + Vec2::splat(RING);
    let cell_rect = |idx: usize| {
        let place = vec2((idx % n_columns) as f32, (idx / n_columns) as f32);
        Rect::from_min_size(corner + place * (cell_size + Vec2::splat(GAP)), cell_size)
    };
    for idx in 0..n_cells {
        let rect = cell_rect(idx);
        match candidates.pictures.get(idx) {
            None => cell::paint_waiting(ui, rect, idx),
            Some(picture) => {
                let is_at_cursor = candidates.cursor == idx;
                let cell = CellUi { idx, picture, state, rect, is_at_cursor };
                cell.show(ui, &mut view.pictures, wishes);
            }
        }
    }
    if view.candidates.revealed != Some(candidates.cursor) && !is_waiting {
        view.candidates.revealed = Some(candidates.cursor);
        ui.scroll_to_rect(cell_rect(candidates.cursor), None);
    }
}
