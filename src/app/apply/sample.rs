//! The sample sketch makes room when a new user asks for something else.

use super::{sketch, timeline};
use crate::document::{Edit, Plane};
use crate::params::ControlKind;
use crate::state::AppState;
use crate::state::sample::is_left_by;

/// In live mode, once a prompt is written: takes the sample away or says in how many seconds to
/// look again. `now` is the window's time in seconds.
pub(crate) fn due(state: &mut AppState, now: f64) -> Option<f64> {
    if !state.is_live() || !is_untouched(state) {
        return None;
    }
    let wait = state.sample.as_mut()?.left_in(&state.settings.recipe.prompt, now)?;
    if wait <= 0.0 {
        make_room(state, now);
    }
    Some(wait).filter(|wait| *wait > 0.0)
}

/// Takes the sample away if the prompt asks for something else, as a step that can be taken back.
pub(super) fn make_room(state: &mut AppState, now: f64) {
    if !is_untouched(state) || !is_left_by(&state.settings.recipe.prompt) {
        return;
    }
    state.sample = None;
    sketch::apply(state, &Edit::Clear(Plane::Pixels(ControlKind::Lines)));
    timeline::note_steps(state);
    let text = "The sample sketch made room for your prompt; undo brings it back";
    state.notices.info(now, text);
}

/// Whether the canvas shows the sample as a new user finds it.
fn is_untouched(state: &AppState) -> bool {
    let revision = state.sketch.revision();
    state.sample.as_ref().is_some_and(|sample| sample.revision == revision)
        && !state.sketch.is_pending()
}

#[cfg(test)]
mod tests {
    use super::super::{Action, UiCommand, command};
    use super::*;
    use crate::state::{Settings, sample};

    fn new_user(prompt: &str) -> AppState {
        let mut state = AppState::new(Settings::default());
        assert_eq!(state.sketch.document(), &sample::document(), "what a new user finds");
        command(&mut state, UiCommand::SetPrompt(prompt.to_owned()), 0.0);
        state
    }

    fn has_lines(state: &AppState) -> bool {
        !state.sketch.document().layer(ControlKind::Lines).pixels().is_empty()
    }

    #[test]
    fn generating_something_else_clears_the_sample_and_undo_brings_it_back() {
        let mut state = new_user("a cat");
        command(&mut state, UiCommand::Run(Action::Generate), 1.0);
        assert!(!has_lines(&state));
        assert_eq!(state.notices.iter().count(), 1);
        while !has_lines(&state) {
            assert!(state.sketch.history().can_undo());
            command(&mut state, UiCommand::Run(Action::Undo), 2.0);
        }
        // Who wants the lines with another prompt keeps them.
        command(&mut state, UiCommand::SetPrompt("a dog".to_owned()), 3.0);
        command(&mut state, UiCommand::Run(Action::Generate), 4.0);
        assert!(has_lines(&state));
    }

    #[test]
    fn a_prompt_for_the_same_keeps_the_sample() {
        let mut state = new_user("a blue mushroom");
        command(&mut state, UiCommand::Run(Action::Generate), 1.0);
        assert!(has_lines(&state));
    }

    #[test]
    fn live_mode_waits_until_the_prompt_is_written() {
        let mut state = new_user("a c");
        state.settings.live = true;
        assert_eq!(due(&mut state, 10.0), Some(1.0));
        assert!(has_lines(&state));
        assert_eq!(due(&mut state, 11.0), None);
        assert!(!has_lines(&state));
    }

    #[test]
    fn a_sketch_that_was_begun_is_kept() {
        let mut state = new_user("a cat");
        let edit = Edit::Clear(Plane::Pixels(ControlKind::Lines));
        sketch::apply(&mut state, &edit);
        let _ = state.sketch.undo();
        assert_eq!(due(&mut state, 10.0), None);
        command(&mut state, UiCommand::Run(Action::Generate), 11.0);
        assert!(has_lines(&state));
    }
}
