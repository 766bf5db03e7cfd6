//! In place of the prompt, for models that draw one of a list of classes: what is chosen, and a search
//! among the names.

use egui::{Align2, Rect, Role, Sense, TextEdit, Ui, WidgetInfo, vec2};

use super::command::UiCommand;
use super::widgets;
use super::{UiState, side_panel, theme};
use crate::protocol::ModelInfo;
use crate::state::AppState;

/// Classes that a search shows.
const N_FOUND: usize = 8;
const ROW: f32 = 26.0;

/// One of the model's classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Class<'a> {
    number: usize,
    /// All of its names, separated by commas.
    names: &'a str,
}

impl<'a> Class<'a> {
    fn all(model: &'a ModelInfo) -> impl Iterator<Item = Self> {
        model.class_names.iter().enumerate().map(|(number, names)| Self { number, names })
    }

    /// The one that a prompt means; `None` if it means none.
    fn of_prompt(prompt: &str, model: &'a ModelInfo) -> Option<Self> {
        let prompt = prompt.trim();
        let by_number = prompt.parse().ok();
        let by_name =
            |class: &Self| class.each_name().any(|name| name.eq_ignore_ascii_case(prompt));
        match by_number {
            Some(number) => Self::all(model).nth(number),
            None => Self::all(model).find(by_name),
        }
    }

    fn each_name(self) -> impl Iterator<Item = &'a str> {
        self.names.split(',').map(str::trim)
    }

    /// The usual name.
    fn name(self) -> &'a str {
        self.names.split(',').next().unwrap_or_default().trim()
    }

    /// What a request says for it: its name, unless another class has the same.
    fn to_prompt(self, model: &ModelInfo) -> String {
        let name = self.name();
        let first = Class::of_prompt(name, model).map(|class| class.number);
        if first == Some(self.number) { name.to_owned() } else { self.number.to_string() }
    }

    /// How well it fits a search, best 0; `None` if it does not.
    fn rank(self, search: &str) -> Option<usize> {
        let found = |name: &str| {
            let name = name.to_lowercase();
            if name == search {
                Some(0)
            } else if name.starts_with(search) {
                Some(1)
            } else if name.split([' ', '-']).any(|word| word.starts_with(search)) {
                Some(2)
            } else {
                name.contains(search).then_some(3)
            }
        };
        self.each_name().filter_map(found).min()
    }

    /// Those that fit a search, best first; all of them for an empty one.
    fn found(search: &str, model: &'a ModelInfo) -> Vec<Self> {
        let search = search.trim().to_lowercase();
        if let Ok(number) = search.parse::<usize>() {
            return Self::all(model).nth(number).into_iter().collect();
        }
        let mut found: Vec<_> =
            Self::all(model).filter_map(|class| Some((class.rank(&search)?, class))).collect();
        found.sort_by_key(|(rank, class)| (*rank, class.number));
        found.into_iter().map(|(_, class)| class).take(N_FOUND).collect()
    }
}

pub(super) fn class_ui(
    ui: &mut Ui,
    state: &AppState,
    model: &ModelInfo,
    view: &mut UiState,
    commands: &mut Vec<UiCommand>,
) {
    let title = widgets::section(ui, "Class");
    title.clone().on_hover_text("This model draws one of its classes instead of a prompt");
    let chosen = Class::of_prompt(&state.settings.recipe.prompt, model);
    match chosen {
        Some(class) => widgets::caption(ui, &format!("{}, class {}", class.name(), class.number)),
        None => widgets::caption(ui, "None yet: choose what to draw"),
    };
    let hint = format!("Search {} classes", model.class_names.len());
    let edit = TextEdit::singleline(&mut view.class_search)
        .id(side_panel::prompt_id())
        .hint_text(hint)
        .desired_width(f32::INFINITY)
        .margin(egui::Margin::symmetric(10, 6));
    let response = ui.add(edit).labelled_by(title.id);
    let is_searching = !view.class_search.trim().is_empty();
    if !is_searching && chosen.is_some() && !response.has_focus() {
        return;
    }
    let found = Class::found(&view.class_search, model);
    if found.is_empty() {
        side_panel::hint(ui, "No class is called so; try a simpler word");
        return;
    }
    let is_entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    let mut wish = found.first().copied().filter(|_| is_entered && is_searching);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        for class in found {
            if row_ui(ui, class, chosen == Some(class)) {
                wish = Some(class);
            }
        }
    });
    if let Some(class) = wish {
        view.class_search.clear();
        commands.push(UiCommand::SetPrompt(class.to_prompt(model)));
    }
}

/// Whether it was clicked.
fn row_ui(ui: &mut Ui, class: Class<'_>, is_chosen: bool) -> bool {
    let palette = theme::palette(ui);
    let size = vec2(ui.available_width(), ROW);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let label = format!("Class {}: {}", class.number, class.name());
    response.widget_info(|| {
        WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), is_chosen, label.as_str())
    });
    if is_chosen || response.hovered() {
        let fill = if is_chosen { palette.accent_soft } else { palette.control_hover };
        ui.painter().rect_filled(rect, theme::RADIUS, fill);
    }
    widgets::focus_ring(ui, &response, theme::RADIUS);
    let ink = if is_chosen { palette.accent_text } else { palette.text };
    let inner = Rect::from_min_max(rect.min + vec2(10.0, 0.0), rect.max - vec2(44.0, 0.0));
    let name = widgets::elided(ui, class.name(), theme::body(), inner.width(), ink);
    let pos = inner.left_center() - vec2(0.0, name.size().y / 2.0);
    ui.painter().galley(pos, name, ink);
    let number = class.number.to_string();
    let right = rect.right_center() - vec2(10.0, 0.0);
    ui.painter().text(right, Align2::RIGHT_CENTER, number, theme::small(), palette.text_faint);
    let is_clicked = response.clicked();
    if class.names.contains(',') {
        response.on_hover_text(class.names);
    }
    is_clicked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> ModelInfo {
        let names = ["tench, Tinca tinca", "crane", "golden retriever", "crane", "retrieval dog"];
        ModelInfo { class_names: names.map(str::to_owned).into(), ..ModelInfo::default() }
    }

    #[test]
    fn the_best_names_come_first() {
        let model = model();
        let found = |search: &str| {
            Class::found(search, &model).iter().map(|class| class.number).collect::<Vec<_>>()
        };
        assert_eq!(found("retri"), [4, 2]);
        assert_eq!(found("TINCA"), [0]);
        assert_eq!(found("ever"), [2]);
        assert_eq!(found(" 3 "), [3]);
        assert!(found("zeppelin").is_empty());
        assert_eq!(found("").len(), 5);
    }

    #[test]
    fn classes_of_one_name_are_told_apart_by_number() {
        let model = model();
        for class in Class::all(&model) {
            assert_eq!(Class::of_prompt(&class.to_prompt(&model), &model), Some(class));
        }
        assert_eq!(
            Class::all(&model).nth(3).map(|class| class.to_prompt(&model)),
            Some("3".to_owned())
        );
        assert_eq!(Class::of_prompt("a red apple", &model), None);
        assert_eq!(Class::of_prompt("9", &model), None);
    }
}
