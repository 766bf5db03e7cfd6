//! Changes of what is locked.

use crate::document::Plane;
use crate::state::AppState;
use crate::ui::SketchCommand;

/// Before the sketch changes: whoever begins to paint the lock, or turns it over, means the picture
/// that is on the canvas now.
pub(super) fn before(state: &mut AppState, command: &SketchCommand, now: f64) {
    let tools = &state.settings.tools;
    let is_lock = tools.plane() == Plane::Lock;
    let means_shown = match command {
        SketchCommand::BeginStroke(_) | SketchCommand::BeginErasing(_) => is_lock,
        SketchCommand::SetTools(new) => new.regenerates_painted != tools.regenerates_painted,
        _ => false,
    };
    if !means_shown {
        return;
    }
    state.keep_shown_picture();
    if !state.locking.has_base() && state.model().is_some() && is_lock {
        state
            .notices
            .info(now, "There is no picture to keep yet; what you lock holds the next one");
    }
}
