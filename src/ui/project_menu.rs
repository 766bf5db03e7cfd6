//! The name of the project, and what can be done with its file.

use egui::{Color32, Popup, RichText, Ui};

use super::command::{Action, UiCommand};
use super::project_command::ProjectCommand;
use super::widgets::Button;
use super::{icons, theme};
use crate::state::AppState;
use crate::state::project::name_of;

const WIDTH: f32 = 260.0;
/// Room that a name has in the toolbar, in points: some 14 letters.
const MAX_NAME: f32 = 104.0;

/// Where it is narrow, the name is left to the window's title.
pub(super) fn project_menu_ui(
    ui: &mut Ui,
    state: &AppState,
    is_narrow: bool,
    commands: &mut Vec<UiCommand>,
) {
    let open = &state.project;
    let (dot, spoken) = if open.is_unsaved { (" ●", ", unsaved changes") } else { ("", "") };
    let has_room = |name: &str| {
        let galley = ui.painter().layout_no_wrap(name.to_owned(), theme::body(), Color32::WHITE);
        galley.size().x <= MAX_NAME
    };
    let text = format!("{}{dot}", shortened(open.title(), has_room));
    let label = format!("Project {}{spoken}", open.title());
    let button = if is_narrow {
        Button::icon(icons::CHEVRON_DOWN, &label)
    } else {
        Button::text(&text).with_icon(icons::CHEVRON_DOWN).labelled(&label).quiet()
    };
    let response = button.show(ui);
    let tip = match &open.path {
        Some(path) if open.is_unsaved => {
            format!("{}\nChanges are kept as you work; the next start offers them", path.display())
        }
        Some(path) => path.display().to_string(),
        None => {
            "Not in a file yet; all is kept as you work, and the next start offers it".to_owned()
        }
    };
    let response = response.on_hover_text(tip);
    Popup::menu(&response).width(WIDTH).accessible_name("Project").show(|ui| {
        ui.set_min_width(WIDTH);
        for action in [Action::NewProject, Action::OpenFile] {
            action_ui(ui, action, commands);
        }
        ui.separator();
        for action in [Action::SaveProject, Action::SaveProjectAs] {
            action_ui(ui, action, commands);
        }
        recent_ui(ui, state, commands);
        let n_offers = state.recovery.offers.len();
        if n_offers > 0 {
            ui.separator();
            let text = format!("Unsaved work… ({n_offers})");
            let tip = "Work of windows that closed without saving";
            if ui.button(text).on_hover_text(tip).clicked() {
                commands.push(ProjectCommand::ShowRecovery(true).into());
            }
        }
    });
}

fn action_ui(ui: &mut Ui, action: Action, commands: &mut Vec<UiCommand>) {
    let key = RichText::new(action.key_text(ui.ctx())).color(theme::palette(ui).text_faint);
    let button = egui::Button::new(action.label()).shortcut_text(key);
    if ui.add(button).on_hover_text(action.text().explanation).clicked() {
        commands.push(action.into());
    }
}

fn recent_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let open = state.project.path.as_ref();
    let recent = state.settings.recent_projects.iter().filter(|path| Some(*path) != open);
    for (idx, path) in recent.enumerate() {
        if idx == 0 {
            ui.separator();
            let text = RichText::new("Recent").font(theme::small());
            ui.label(text.color(theme::palette(ui).text_faint));
        }
        if ui
            .add(egui::Button::new(name_of(path)).truncate())
            .on_hover_text(path.display().to_string())
            .clicked()
        {
            commands.push(ProjectCommand::Open(path.clone()).into());
        }
    }
}

/// The name as far as there is room.
fn shortened(name: &str, has_room: impl Fn(&str) -> bool) -> String {
    if has_room(name) {
        return name.to_owned();
    }
    let mut longest = String::from("…");
    for (end, _) in name.char_indices().skip(1) {
        let start = format!("{}…", name[..end].trim_end());
        if !has_room(&start) {
            break;
        }
        longest = start;
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_shortened() {
        let shortened = |name| shortened(name, |text| text.chars().count() <= 14);
        assert_eq!(shortened("cat"), "cat");
        assert_eq!(shortened("exactly so far"), "exactly so far");
        assert_eq!(shortened("a very long name"), "a very long n…");
        assert_eq!(shortened("ein sehr großer Name"), "ein sehr groß…");
        assert_eq!(super::shortened("cat", |_| false), "…");
    }
}
