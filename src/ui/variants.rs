//! *Variants*: the branch tree beside the canvas, one row per picture, oldest first, with lines
//! from each to what it was made from. A click brings a picture back with its recipe and sketch.

mod row;

use egui::{Align, Layout, Panel, Rect, RichText, ScrollArea, Ui, pos2, vec2};

use self::row::{ROW_HEIGHT, RowUi};
use super::command::{Action, UiCommand};
use super::widgets::{self, Button};
use super::{UiState, icons, side_panel, theme};
use crate::state::branches::{LanePlace, lanes};
use crate::state::{AppState, NodeId};

/// Of the panel with words, and without them.
const WIDTHS: [f32; 2] = [204.0, 88.0];
/// Windows narrower than this leave the words out.
const NARROW: f32 = 1180.0;
/// Windows narrower than this have no room for the panel unless it is asked for.
const VERY_NARROW: f32 = 860.0;
/// More lanes are drawn on top of each other.
const MAX_LANES: usize = 5;

/// What the panel remembers from frame to frame.
#[derive(Default)]
pub(super) struct Variants {
    /// Asked for in a window that has no room for it.
    is_open_in_narrow: bool,
    /// Of the tree when the lanes were laid out.
    revision: Option<u64>,
    places: Vec<LanePlace>,
    /// The picture that was brought into sight last.
    seen: Option<NodeId>,
}

impl Variants {
    /// Shows or hides the panel where there is no room for it; `false` where there is, which is for
    /// the settings to remember.
    pub(super) fn toggles_in_narrow(&mut self, window_width: f32) -> bool {
        let is_narrow = window_width < VERY_NARROW;
        self.is_open_in_narrow ^= is_narrow;
        is_narrow
    }

    fn is_open(&self, window_width: f32, state: &AppState) -> bool {
        if window_width < VERY_NARROW {
            self.is_open_in_narrow
        } else {
            state.settings.view.shows_variants
        }
    }

    fn lay_out(&mut self, state: &AppState) {
        let revision = Some(state.branches.revision());
        if self.revision != revision {
            self.revision = revision;
            self.places = lanes(&state.branches);
        }
    }
}

/// The panel, if it is open.
pub(super) fn variants_ui(
    ui: &mut Ui,
    state: &AppState,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let window_width = ui.ctx().content_rect().width();
    if !view.variants.is_open(window_width, state) {
        return;
    }
    let is_compact = window_width < NARROW;
    let [full, compact] = WIDTHS;
    let width = if is_compact { compact } else { full };
    let fill = egui::Frame::new().fill(theme::palette(ui).panel);
    Panel::right("variants").exact_size(width).resizable(false).frame(fill).show(ui, |ui| {
        header_ui(ui, state, is_compact, commands);
        if state.branches.n_listed() == 0 {
            empty_ui(ui, is_compact);
            return;
        }
        list_ui(ui, state, view, is_compact, commands);
    });
}

fn header_ui(ui: &mut Ui, state: &AppState, is_compact: bool, commands: &mut Vec<UiCommand>) {
    let margin = egui::Margin { left: 12, right: 6, top: 8, bottom: 4 };
    egui::Frame::new().inner_margin(margin).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = theme::SPACE_XS;
            let title = Action::ToggleVariants.label();
            if is_compact {
                let ink = theme::palette(ui).text;
                ui.label(RichText::new(title).font(theme::small()).color(ink));
            } else {
                widgets::section(ui, title);
                let n_listed = state.branches.n_listed();
                let ink = theme::palette(ui).text_faint;
                let count = if n_listed > 0 { n_listed.to_string() } else { String::new() };
                ui.label(RichText::new(count).font(theme::small()).color(ink));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let hide = Button::icon(icons::CLOSE, "Hide variants").min_size(vec2(22.0, 22.0));
                let tip = format!("Hide ({})", Action::ToggleVariants.key_text(ui.ctx()));
                if hide.show(ui).on_hover_text(tip).clicked() {
                    commands.push(Action::ToggleVariants.into());
                }
            });
        });
    });
}

fn empty_ui(ui: &mut Ui, is_compact: bool) {
    let margin = egui::Margin { left: 12, right: 12, top: 4, bottom: 12 };
    egui::Frame::new().inner_margin(margin).show(ui, |ui| {
        let text = if is_compact {
            "Finished pictures appear here"
        } else {
            "Each finished or stopped picture appears here, to compare and to go on from"
        };
        side_panel::hint(ui, text);
    });
}

fn list_ui(
    ui: &mut Ui,
    state: &AppState,
    view: &mut UiState,
    is_compact: bool,
    commands: &mut Vec<UiCommand>,
) {
    let UiState { variants, pictures, .. } = view;
    variants.lay_out(state);
    let current = state.branches.current;
    let current_row = variants.places.iter().position(|place| Some(place.node) == current);
    let is_new = current != variants.seen;
    variants.seen = current;
    let last_lane = variants.places.iter().map(|place| place.lane).max().unwrap_or(0);
    let n_lanes = (last_lane + 1).min(MAX_LANES);
    let places = &variants.places;

    ui.spacing_mut().item_spacing.y = 0.0;
    let scroll = ScrollArea::vertical().auto_shrink(false);
    scroll.show_rows(ui, ROW_HEIGHT, places.len(), |ui, range| {
        let origin = ui.max_rect().left_top() - vec2(0.0, range.start as f32 * ROW_HEIGHT);
        let width = ui.available_width();
        let rect_of = |row: usize| {
            let top = origin.y + row as f32 * ROW_HEIGHT;
            Rect::from_min_size(pos2(origin.x, top), vec2(width, ROW_HEIGHT))
        };
        // Lines may come from above and go on below what is seen.
        row::paint_lines(ui, places, &range, rect_of);
        for row in range {
            let place = places[row];
            let Some(node) = state.branches.get(place.node) else { continue };
            let is_current = Some(place.node) == current;
            let row_ui = RowUi { row, place, node, is_current, is_compact, n_lanes };
            row_ui.show(ui, rect_of(row), pictures, commands);
        }
        if let Some(row) = current_row.filter(|_| is_new) {
            ui.scroll_to_rect(rect_of(row), None);
        }
    });
}
