//! When a request is sent: once there is a model and somebody wants a picture. One wish is kept;
//! it is answered with the settings of the moment it is sent, so nothing queues.

use crate::protocol::GenerateRequest;
use crate::state::{AppState, Engine};

/// Keeps the wish for a picture until it can be sent.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    is_wanted: bool,
}

impl Schedule {
    /// Wants a picture of the present settings.
    pub(super) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// What to send now, if anything. A model that failed to load answers nothing.
    pub(super) fn due(&mut self, state: &mut AppState) -> Option<GenerateRequest> {
        match state.engine {
            Engine::Loading => None,
            Engine::Failed(_) => {
                self.is_wanted = false;
                None
            }
            Engine::Ready(_) => std::mem::take(&mut self.is_wanted).then(|| state.request()),
        }
    }
}
